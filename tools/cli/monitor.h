/* The monitor: look at a stopped machine, line by line. */
#pragma once

#include <stdbool.h>

struct console;
struct arm_machine;

/* Read commands from the terminal of @con until "continue" (true) or "quit" or end of input
 * (false).
 */
bool monitor_run(struct arm_machine *m, struct console *con);
