/* Work after an interrupt that uses NEON, as a kernel's network or crypto code does: here a
 * checksum over memory in V registers, which verifies itself. Every opts.neon-th interrupt runs it;
 * 0: none. */
#pragma once

void softirq_run(void);

/* hyp.hosttasks: that many tasks of the hypervisor compute with FP, all V registers live, and
 * verify themselves. */
void hosttasks_start(void);
