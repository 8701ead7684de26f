#include "cpu/interp.h"

#include <limits.h>

#include "cpu/abort.h"
#include "cpu/breakpoint.h"
#include "cpu/bti.h"
#include "cpu/code_cache.h"
#include "cpu/context.h"
#include "cpu/debug_state.h"
#include "cpu/events.h"
#include "cpu/exception.h"
#include "cpu/execute.h"
#include "cpu/fetch.h"
#include "cpu/interp_plain.h"
#include "cpu/jit/jit.h"
#include "cpu/observe.h"
#include "cpu/pmu.h"
#include "cpu/spin.h"
#include "cpu/step.h"
#include "cpu/traps.h"
#include "cpu/world.h"

void cpu_limit_slice(struct cpu *cpu, uint64_t insns)
{
    if ((uint64_t)cpu->left > insns) {
        cpu->retired_goal -= (uint64_t)cpu->left - insns;
        cpu->left = (int64_t)insns;
        cpu->irq_check = true;
    }
}

/* What comes before the instruction at @i: exceptions with priority over executing it, in the order
 * of DDI0487 D1.3.5. True if one was taken. */
static bool take_before(struct cpu *cpu, const struct insn *i)
{
    if (breakpoints_active(cpu) && breakpoint_take(cpu))
        return true;
    if (cpu->ps.il) {
        exec_trap(cpu, i, cpu_default_target_el(cpu), ESR_EC_ILLEGAL, 0);
        return true;
    }
    if (cpu->ps.btype && cpu_in_guarded_page(cpu) && !bti_target_ok(cpu, i)) {
        uint64_t btype = cpu->ps.btype;
        exec_trap(cpu, i, cpu_default_target_el(cpu), ESR_EC_BTI, (uint32_t)btype);
        return true;
    }
    return false;
}

/* LDXR, LDXP, LDAXR, LDAXP and their sizes. */
static bool is_load_exclusive(enum a64_op op)
{
    return a64_is(op, FACT_LD) && a64_is(op, FACT_EXCL);
}

/* Once for each instruction, also if a subscriber has had the CPU stopped before it. False: so it
 * is to be now. */
static bool tell_before(struct cpu *cpu, const struct insn *i)
{
    uint64_t pa = code_page_pa(cpu->page) + (uint64_t)(i - cpu->page) * 4;
    uint64_t at = 1 + cpu_retired(cpu);

    if (cpu->held.at == at && cpu->held.pc == cpu->pc)
        return true;
    cpu_fire_here(cpu, &(struct arm_event){.kind = ARM_EVENT_INSN,
                                           .insn = {.word = insn_word(cpu, i), .pa = pa}});
    if (!cpu->env.hold || !*cpu->env.hold)
        return true;
    cpu->held.pc = cpu->pc;
    cpu->held.at = at;
    return false;
}

/* Likewise of a mark at cpu->pc, and before the instruction is fetched: a debugger stops at an
 * address that nothing is mapped at, too. */
static bool tell_mark(struct cpu *cpu)
{
    uint64_t at = 1 + cpu_retired(cpu);

    if (!cpu_has_mark(cpu, cpu->pc, cpu->pc) || (cpu->marked.at == at && cpu->marked.pc == cpu->pc))
        return true;
    cpu_marks(cpu)->reached(cpu_marks(cpu)->ctx, cpu);
    if (!*cpu->env.hold)
        return true;
    cpu->marked.pc = cpu->pc;
    cpu->marked.at = at;
    return false;
}

/* The record at cpu->pc, which lies in the current page. */
static inline const struct insn *record_at_pc(struct cpu *cpu)
{
    const struct insn *i = cpu->page + ((cpu->pc & PAGE_MASK) >> 2);

    cpu->counted = i;
    if (unlikely(!interp_is_decoded(i)))
        interp_decode(cpu, i);
    return i;
}

/* The last instructions of a slice: nothing but their count has to be looked at between them. */
static void run_counted(struct cpu *cpu)
{
    enum exec_result r;

    cpu->stepped = false;
    do {
        const struct insn *i = record_at_pc(cpu);
        if (cpu->jit && !cpu->recheck && jit_fits(cpu->jit, i, cpu->left)) {
            interp_plain_enter(cpu, i, cpu->jit->enter);
            return;
        }
        r = cpu_execute(cpu, i);
    } while ((r == EXEC_NEXT || r == EXEC_BRANCH) && cpu->left > 0 && !cpu->irq_check &&
             !*cpu->env.pause && !cpu->recheck && (cpu->pc & ~PAGE_MASK) == cpu->page_va);
}

/* One instruction at cpu->pc, with everything that can happen between two of them. */
static void step_observed(struct cpu *cpu)
{
    const struct insn *i = record_at_pc(cpu);
    bool step = cpu_step_active(cpu);
    unsigned el = cpu->ps.el;

    if (take_before(cpu, i))
        return;
    if (cpu_wants(cpu, ARM_EVENT_INSN) && !tell_before(cpu, i))
        return;
    cpu->stepped = step;
    cpu->stepped_exclusive = step && is_load_exclusive(i->op);
    /* BTypeNext of all but branches. CU-choice: an exception that the instruction itself takes
     * saves zero too, but for BRK's, which must save what was (Unpredictable_ZEROBTYPE in
     * AArch64.TakeException()). */
    if (i->op != A64_BRK)
        cpu->ps.btype = 0;
    cpu->accessed = 0;
    enum exec_result r = cpu_execute(cpu, i);
    /* SSAdvance(). Exceptions and their return, when stepped, have left SS clear themselves. */
    if (step)
        cpu->ps.ss = 0;
    if (unlikely(cpu->pmu_insns) && r != EXEC_ABORT)
        pmu_retire(cpu, i, r, el);
}

static void take_fetch_abort(struct cpu *cpu, const struct mmu_fault *flt)
{
    const struct exception e = cpu_fetch_abort(cpu, cpu->pc, flt);

    cpu_take_exception(cpu, &e);
}

/* Make the page of cpu->pc the current one, which cpu_fetch_fast() could not. FETCH_FAULT: an
 * Instruction Abort has been taken; FETCH_NO_MEMORY: the host has none, and the run is over. */
static enum fetch fetch(struct cpu *cpu)
{
    struct mmu_fault flt;
    enum fetch result = cpu_fetch_page(cpu, cpu->pc, &flt);
    if (result == FETCH_FAULT)
        take_fetch_abort(cpu, &flt);
    return result;
}

/* A HLT goes on that its host had not done with. What comes before an instruction (interrupts,
 * steps, breakpoints) has come before its first part. */
static void resume_halted(struct cpu *cpu)
{
    cpu->power = CPU_RUNNING;
    if (!cpu_fetch_fast(cpu, cpu->pc) && fetch(cpu) > FETCH_MARKED)
        return;
    const struct insn *i = record_at_pc(cpu);
    if (i->op != A64_HLT)
        return; /* overwritten meanwhile */
    unsigned el = cpu->ps.el;
    cpu->halt_resumed = true;
    enum exec_result r = cpu_execute(cpu, i);
    cpu->halt_resumed = false;
    if (unlikely(cpu->pmu_insns) && r != EXEC_ABORT)
        pmu_retire(cpu, i, r, el);
}

/* AArch64.PCAlignmentFault(). */
static void take_pc_alignment(struct cpu *cpu)
{
    cpu_take_exception(cpu, &(struct exception){.type = VECTOR_SYNC,
                                                .target_el = cpu_default_target_el(cpu),
                                                .ret = cpu->pc,
                                                .esr = esr(ESR_EC_PC_ALIGN, 0),
                                                .far_valid = true,
                                                .far = cpu->pc});
}

static inline __attribute__((always_inline)) void run_plain(struct cpu *cpu, const struct insn *i)
{
    if (!cpu->jit) {
        interp_plain_run(cpu, i);
        return;
    }
    jit_begin(cpu, i);
    interp_plain_enter(cpu, i, cpu->jit->enter);
}

/* What the current page has at cpu->pc; just that with @alone. */
static inline __attribute__((always_inline)) void run_here(struct cpu *cpu, bool marked, bool alone)
{
    if (marked || cpu_needs_observed(cpu))
        step_observed(cpu);
    else if (alone || cpu->left <= CODE_PAGE_INSNS)
        run_counted(cpu);
    else
        run_plain(cpu, cpu->page + ((cpu->pc & PAGE_MASK) >> 2));
}

/* If who hears of the fetch's walk wants something looked at, behind just this instruction. */
static __attribute__((noinline)) void fetch_and_run(struct cpu *cpu)
{
    if (!tell_mark(cpu))
        return;
    enum fetch fetched = fetch(cpu);

    if (fetched <= FETCH_MARKED)
        run_here(cpu, fetched == FETCH_MARKED, cpu->recheck);
}

/* What the dispatcher does at once: an exception, or instructions of one page. With @step an
 * interrupt's exception is all. */
static inline __attribute__((always_inline)) void run_once(struct cpu *cpu, bool step)
{
    /* Before interrupts, which may come in either order: then no step is lost in them. */
    if (MDSCR_EL1_SS(cpu->sr[SR_MDSCR_EL1]) && cpu_step_take(cpu))
        return;
    if (cpu->irq_check) {
        cpu->irq_check = false;
        if (cpu_take_interrupt(cpu) && (step || *cpu->env.pause))
            return;
    }
    if (unlikely(cpu->recheck)) {
        cpu->recheck = EXEC_NEXT;
        if (cpu->spin.due) {
            spin_run(cpu); /* which may be all that is left of the slice */
            return;
        }
    }
    if (cpu->pc & 3) {
        take_pc_alignment(cpu);
        return;
    }
    if (likely(cpu_fetch_fast(cpu, cpu->pc) != NULL))
        run_here(cpu, false, false);
    else
        fetch_and_run(cpu);
}

/* Where an exception has led that no instruction has retired behind. */
struct landing {
    uint64_t retired, pc, esr, elr, far;
    unsigned el;
};

static struct landing land(const struct cpu *cpu)
{
    static const uint16_t of[][3] = {[1] = {SR_ESR_EL1, SR_ELR_EL1, SR_FAR_EL1},
                                     {SR_ESR_EL2, SR_ELR_EL2, SR_FAR_EL2},
                                     {SR_ESR_EL3, SR_ELR_EL3, SR_FAR_EL3}};
    const uint16_t *sr = of[cpu->ps.el ? cpu->ps.el : 1];

    return (struct landing){.retired = cpu_retired(cpu),
                            .pc = cpu->pc,
                            .esr = cpu->sr[sr[0]],
                            .elr = cpu->sr[sr[1]],
                            .far = cpu->sr[sr[2]],
                            .el = cpu->ps.el};
}

static bool same_landing(const struct landing *a, const struct landing *b)
{
    return a->retired == b->retired && a->pc == b->pc && a->esr == b->esr && a->elr == b->elr &&
           a->far == b->far && a->el == b->el;
}

static void begin_run(struct cpu *cpu, uint64_t insns)
{
    cpu->retired_goal = cpu_retired(cpu) + insns;
    cpu->left = (int64_t)insns;
    cpu->counted = cpu->page;
    cpu->fault_loop = false;
    if (cpu->jit)
        jit_begin_run(cpu);
    if (cpu->power == CPU_HALTED)
        resume_halted(cpu);
}

static bool may_go_on(const struct cpu *cpu, int64_t least)
{
    return cpu->left >= least && cpu->power == CPU_RUNNING && !*cpu->env.pause;
}

/* While @least instructions are left. */
static void run(struct cpu *cpu, int64_t least)
{
    struct landing last = {.el = UINT_MAX};

    while (may_go_on(cpu, least)) {
        int64_t left = cpu->left;
        uint64_t exceptions = cpu->exceptions;

        run_once(cpu, false);
        if (likely(cpu->left != left) || cpu->exceptions == exceptions)
            continue;
        /* As after the exception before: so it goes on for ever. */
        struct landing now = land(cpu);
        cpu->fault_loop = same_landing(&now, &last);
        if (cpu->fault_loop)
            break;
        last = now;
    }
}

void cpu_run(struct cpu *cpu, uint64_t insns)
{
    begin_run(cpu, insns);
    run(cpu, 1);
}

void cpu_run_about(struct cpu *cpu, uint64_t insns)
{
    /* What the plain loop may leave undone stays so. */
    begin_run(cpu, insns + CODE_PAGE_INSNS);
    run(cpu, CODE_PAGE_INSNS + 1);
}

void cpu_run_step(struct cpu *cpu)
{
    uint64_t exceptions = cpu->exceptions;

    begin_run(cpu, 1);
    while (may_go_on(cpu, 1) && cpu->exceptions == exceptions)
        run_once(cpu, true);
}
