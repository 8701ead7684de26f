/*
 * What a TLB may have again at once: a TLBI takes entries away, and a CPU that runs below EL2 may
 * walk for the same addresses before the next instruction of whoever executed it (DDI0487,
 * speculative translation table walks). Only with late effects (cpu/late.h), and only while
 * something is on its way that such a walk could miss.
 */
#pragma once

struct cpu;
struct tlbi;

/* Apply @op to @cpu's TLB; and perhaps, as the seed says, have it translate what it has lost anew:
 * by the tables as walks see them now, and by stage-2 entries that are still there. */
void cpu_invalidate(struct cpu *cpu, const struct tlbi *op);
