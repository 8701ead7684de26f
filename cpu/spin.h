/*
 * Busy waiting on the counter. A loop that does nothing but read CNTPCT_EL0 or CNTVCT_EL0 and look
 * whether it is late enough is carried forward many iterations at once.
 *
 * Nothing of it can be seen, not even in the number of retired instructions. Within a slice only
 * this CPU acts: the others wait for their turn, the clock's events and the host's input for the
 * slice's end. So as long as a loop changes nothing that it reads itself, its next iteration
 * differs from the last one in the counter alone, whose value follows from the number of
 * instructions. What is left to do for an iteration is what depends on the counter, and of the
 * iterations that read the same value, only for one. See docs/decisions/006.
 */
#pragma once

#include "cpu/cpu.h"

/* A read of a counter is due (spin_note_read()) and was the last instruction: carry the loop
 * forward if it waits for the counter only. Instructions behind the read may have been executed. */
void spin_run(struct cpu *cpu);
