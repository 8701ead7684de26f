/* The monitor: look at a stopped machine, line by line. */
#pragma once

#include <stdbool.h>

struct machine;

/* Read commands from standard input until "continue" (true) or "quit" or end of input (false). */
bool monitor_run(struct machine *m);
