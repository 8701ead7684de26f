/* The subcommands of `armillary`, a row each in armillary.c. */
#pragma once

#define EXIT_POWEROFF 0
#define EXIT_RESET    1
#define EXIT_USAGE    2 /* usage or host error */
#define EXIT_LIMIT    3 /* instructions or time ran out, or the guest waits for ever */

int cmd_run(int argc, char **argv);
