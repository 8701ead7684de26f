/*
 * Whose V registers, FPSR and FPCR are in a CPU.
 *
 * A state is live in at most one CPU. Each CPU names the state it holds and what kind of party that
 * belongs to:
 *
 *   FP_FREE    nobody's: what is in the registers may be overwritten
 *   FP_HOST    a host task's
 *   FP_GUEST   a virtual CPU's
 *
 * A state that is live may also be in memory, unchanged since (`saved`): then it can be thrown out
 * without a save. This is of the CPU, and not of the state: where it was live before is overtaken
 * by another CPU that has loaded it, and must neither see nor change what that one knows of it.
 *
 * The policies (hyp.fp):
 *
 * - eager: host and guest swap at each entry and each exit;
 * - lazy: the guest's first FP instruction after an entry traps; then as eager;
 * - integrated: the guest's registers are saved at the exit, before interrupts are enabled, since a
 *   softirq may use NEON; but they stay, and the next entry needs no load unless somebody has used
 *   the registers;
 * - bound: the guest's registers stay without a save; who wants the registers saves them for their
 *   owner.
 */
#pragma once

#include "hyp/arch.h"

/*
 * What the integrated policy must not do, built as hyp-late.img for `armillary lab fpsimd`: the
 * save comes after interrupts have been enabled, and code that uses V registers of its own asks
 * only whether they are a host task's.
 */
#ifndef HYP_FP_LATE
#define HYP_FP_LATE 0
#endif

enum fp_owner { FP_FREE, FP_HOST, FP_GUEST };

struct fp_state {
    struct {
        uint64_t lo, hi;
    } v[32];
    uint64_t fpsr, fpcr;
    struct pcpu *cpu; /* that it was last loaded to; it is live there if that CPU says so */
};

struct fp_cpu {
    enum fp_owner owner;
    struct fp_state *state; /* NULL if FP_FREE */
    bool saved;             /* its memory holds the same */
    bool trapping;          /* CPTR_EL2 traps FP, at EL2 too */
};

struct pcpu;
struct task;
struct vcpu;

/* Move V0-V31, FPSR and FPCR (hyp/fp.S). FP must not trap. */
void fp_store(struct fp_state *s);
void fp_fetch(const struct fp_state *s);

/* Hooks of the world switch, with interrupts masked. */
void fp_enter(
    struct pcpu *cpu,
    struct vcpu *v); /* before the guest runs: make its registers there, or trap their use */
void fp_trapped(struct vcpu *v); /* the guest used FP and trapped */
void fp_exit(struct pcpu *cpu,
             struct vcpu *v); /* after the guest ran, before interrupts are enabled */

/* The save of HYP_FP_LATE, with interrupts enabled. */
void fp_exit_late(struct vcpu *v);

/* Hooks of the scheduler: a task is about to leave this CPU, or has come to it. */
void fp_task_out(struct task *t);
void fp_task_in(struct task *t);

/* An interrupt returns to a host task: its registers must be there again. */
void fp_return_to_task(struct task *t);

/* Between them code of the hypervisor itself may use V registers; it cannot sleep there. Not
 * nested. */
void kernel_neon_begin(void);
void kernel_neon_end(void);

/* The guest's state to memory, wherever it is live on this CPU; it may stay live. For reading it
 * from outside. */
void fp_sync(struct fp_state *s);
