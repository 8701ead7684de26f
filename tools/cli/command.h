/* The subcommands of `armillary`: a row each in commands.def. */
#pragma once

#define EXIT_POWEROFF   0
#define EXIT_RESET      1
#define EXIT_FOUND      1 /* of check: something was found */
#define EXIT_UNMET      1 /* of step: an expectation was not met */
#define EXIT_ASYMMETRIC 1 /* of call: save and restore are not symmetric */
#define EXIT_USAGE      2 /* usage or host error: output that could not be written, no memory */
#define EXIT_LIMIT      3 /* instructions or time ran out, or the guest waits for ever */
#define EXIT_FAULT_LOOP 4 /* the guest takes the same exception for ever */
#define EXIT_PANIC      5 /* with --on-death=stop: the guest's console says that it has died */
#define EXIT_DIFFERS    6 /* with --engine=lockstep: the engines do not do the same */
#define EXIT_EXCEPTION  4 /* of call: the function took one */

/* argv[0] is the command's name. Return: the process's exit code. */
#define COMMAND(name, ...) int cmd_##name(int argc, char **argv);
#include "tools/cli/commands.def"
#undef COMMAND
