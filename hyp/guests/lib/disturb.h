/* What may happen between filling registers and comparing them: anything that makes a hypervisor
 * switch. The virtual timer and an SGI are its own, with their handler. */
#pragma once

#include "guest.h"
#include "random.h"

/* On each CPU, before the first. @in_handler runs in each interrupt, or is NULL. */
void disturb_init(void (*in_handler)(struct random *r));

/* One thing at random: spin, YIELD, WFI until the timer, WFE, a PSCI call, an SGI to itself or to
 * another CPU. Interrupts may be masked: WFI ends all the same, and what is pending is then taken
 * by polling. */
void disturb(struct random *r);

/* The same of what makes no interrupt; needs no disturb_init(). */
void disturb_without_timer(struct random *r);

/* Interrupts taken so far by this CPU. */
uint64_t disturb_interrupts(void);

/* Nothing of this CPU's is pending or armed afterwards. */
void disturb_end(void);
