/* Trapped instructions that access a system register: what a guest sees of the CPU, and the few
 * registers that are emulated. */
#pragma once

struct vcpu;

/* The exit with EC 0x18. Skips the instruction, runs it again, or makes it UNDEFINED. */
void emulate_sysreg(struct vcpu *v);
