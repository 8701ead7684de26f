/* Tables that were taken out of a tree while others may be reading them. A walk is between
 * s2_enter() and s2_leave(); a table is freed when every walk that began before it was taken out
 * has ended. */
#pragma once

#include <stdint.h>

struct stage2;

void s2_enter(void);
void s2_leave(void);

/* Nobody's any more: free it later. From within a walk. */
void s2_free_later(uint64_t *table, uint64_t bytes);

/* Free what can be. Outside of a walk. */
void s2_reap(void);

/* How many wait; who would add to that many comes back later. */
#define S2_WAITING_ENOUGH 128
unsigned s2_waiting(void);
