/*
 * A window that shows what the guest shows, and gives it the keyboard and the pointer: SDL's
 * (window_sdl.c), where there was one when this was built.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"

struct window;

/* NULL: *why is a sentence, which the caller does not free. @listens: the user's input is the
 * guest's. @absolute: it has a tablet, and the pointer is where it is in the window; else it is
 * moved like a mouse, while Ctrl-Alt-G has not let it go. */
struct window *window_open(bool listens, bool absolute, const char **why);
void window_close(struct window *w); /* NULL too */

void window_start(struct window *w, struct arm_machine *m); /* NULL too */

/* Between two turns, NULL too: what has come is given to the guest, and what has changed is drawn.
 * If the user closes the window the run is stopped. */
void window_poll(struct window *w);

/* All CPUs wait, until @next_ns of virtual time (UINT64_MAX: for ever). True: a piece of that time
 * has passed on the host's clock, and it is to be asked again; false: it has all passed. */
bool window_idle(struct window *w, uint64_t next_ns);
