/* `armillary check`: a run with a checker beside it. */
#include "command.h"
#include "run_options.h"

int cmd_check(int argc, char **argv)
{
    return run_command_line(argc, argv, RUN_CHECKED);
}
