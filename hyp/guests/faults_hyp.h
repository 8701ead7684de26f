/* What of the fault storm needs our hypervisor: pages that change places, the log of writes, pages
 * that grow old and become blocks. */
#pragma once

#include "hyp/guests/lib/guest.h"
#include "hyp/guests/lib/random.h"

/* Turn the log on or off, on one CPU; from @base on each CPU has its pages, if there is room. */
void log_turn(uint64_t base, uint64_t end, bool on);

/* This CPU's pages are known to it and not in the log; after log_turn(). */
void log_prepare(unsigned cpu);

/* Write some of this CPU's pages and read others: the log must have exactly those. */
void log_check(struct random *r, unsigned cpu);

/* One of: two pages swap, a range grows old, a range becomes blocks. */
void pv_disturb(struct random *r, uint64_t base, uint64_t size);

/* What lies between is free. */
void check_collapse(uint64_t base, uint64_t end);

/* rate=N: each CPU gives one page of its own back and writes it, N times. Ends the guest. */
void measure_rate(uint64_t base);

uint64_t pv_swaps(void), pv_logged(void), pv_blocks(void);
