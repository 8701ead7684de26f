/*
 * Signals and the time limit of a run. While files are opened and loaded, both end the program at
 * once. While a machine runs they stop it, and all that still holds the program SIGNALS_GRACE_MS
 * later is cut off: a reader that takes nothing, a write that does not return. A second signal does
 * not wait so long. However the program ends, the terminal is left as it was found; it is also
 * while the program is stopped (SIGTSTP).
 */
#pragma once

#include <stdbool.h>

struct arm_machine;

#define SIGNALS_GRACE_MS 500

/* From now on; the time limit is SIGALRM. @timeout_s: host seconds, 0: no limit. A signal that is
 * ignored stays so. False: it cannot be, and a message was printed. */
bool signals_catch(double timeout_s);

/* They stop @m. */
void signals_stop(struct arm_machine *m);

/* The signal that came first, SIGALRM: the time is up; 0: none. */
int signals_seen(void);

/* As before signals_catch(). */
void signals_release(void);
