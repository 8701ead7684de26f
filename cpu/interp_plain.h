/* The plain loop, see cpu/interp.h: instructions with nothing to be looked at between them. */
#pragma once

#include "cpu/code_cache.h"
#include "cpu/cpu.h"
#include "cpu/exception.h"
#include "cpu/fetch.h"
#include "cpu/interrupt.h"
#include "cpu/observe.h"

/* Its records' functions. */
extern const struct code_engine interp_engine;

/* That of a record nobody has executed yet: decode it and execute it. */
exec_fn exec_decode;

/* That of the record behind the last one of a page. */
exec_fn exec_page_end;

static inline bool interp_is_decoded(const struct insn *i)
{
    return i->fn != exec_decode;
}

/* Decode the record @i of the current page and choose its function. */
void interp_decode(struct cpu *cpu, const struct insn *i);

/* Run from record @i until something other than plain execution is needed. @enter calls a record's
 * function, and may do more about it. */
void interp_plain_run(struct cpu *cpu, const struct insn *i);
void interp_plain_enter(struct cpu *cpu, const struct insn *i, exec_fn *enter);

/* ---- for blocks of host code, see cpu/jit/jit.h: cpu->counted is as the plain loop has it ---- */

/* The plain loop's function of a row. */
exec_fn *interp_plain_fn(unsigned op);

/* Go on with record @i in the plain loop, or stop there, at cpu->pc: results to return. */
exec_fn interp_go_on;
enum exec_result interp_pause(struct cpu *cpu);

/* Record @i, of the current page, has been executed, and is not to be followed by the next: after
 * an exception, its return, or what makes it necessary to look. Return: the record to go on with,
 * if @enough instructions are left for that. NULL: stop there. */
const struct insn *interp_behind(struct cpu *cpu, const struct insn *i, enum exec_result r,
                                 int64_t enough);

/* The record at cpu->pc, to which everything has been counted. NULL: stop there. */
const struct insn *interp_arrive(struct cpu *cpu);

/* cpu_count_upto() */
void interp_count_upto(struct cpu *cpu, const struct insn *i);

/* ---- between two records: for the loop, and for what blocks call ---- */

/* Must the target of an indirect branch see PSTATE.BTYPE? Outside guarded pages only an exception
 * shows it; of those that executing an instruction can raise, only BRK's (step_observed()). */
static inline bool interp_btype_matters(const struct cpu *cpu, const struct insn *target)
{
    return cpu_in_guarded_page(cpu) || !interp_is_decoded(target) || target->op == A64_BRK;
}

/* The record at cpu->pc, if it is to be gone on with. */
static inline const struct insn *interp_next(struct cpu *cpu)
{
    const struct insn *next = cpu_fetch_fast(cpu, cpu->pc);
    if (!next)
        return NULL;
    cpu->counted = next;
    if (unlikely(cpu->ps.btype)) {
        if (interp_btype_matters(cpu, next))
            return NULL;
        cpu->ps.btype = 0;
    }
    return next;
}

/* Does the dispatcher (run_once()) find nothing at cpu->pc that the loop may not do itself? An
 * interrupt is taken here. Only in the middle of a slice: at its end another CPU comes first. */
static inline bool interp_nothing_between(struct cpu *cpu, int64_t enough)
{
    if (cpu->left < enough || cpu->power != CPU_RUNNING || *cpu->env.pause ||
        MDSCR_EL1_SS(cpu->sr[SR_MDSCR_EL1]))
        return false;
    if (cpu->irq_check) {
        cpu->irq_check = false;
        /* Whoever is told of it may stop the machine, or shorten the slice. */
        if (cpu_interrupt_asked(cpu) && cpu_take_interrupt(cpu) &&
            (*cpu->env.pause || cpu->left < enough))
            return false;
    }
    return !cpu->recheck && !cpu_needs_observed(cpu);
}
