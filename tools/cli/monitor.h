/* The monitor: look at a stopped machine, line by line. */
#pragma once

#include <stdbool.h>

struct console;
struct machine;

/* Read commands from the terminal of @con until "continue" (true) or "quit" or end of input
 * (false).
 */
bool monitor_run(struct machine *m, struct console *con);
