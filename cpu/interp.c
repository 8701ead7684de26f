#include "cpu/interp.h"

#include <string.h>

#include "cpu/breakpoint.h"
#include "cpu/bti.h"
#include "cpu/code_cache.h"
#include "cpu/context.h"
#include "cpu/exception.h"
#include "cpu/exec.h"
#include "cpu/pmu.h"
#include "cpu/step.h"
#include "cpu/traps.h"

exec_fn *const interp_exec[A64_OP_COUNT] = {
#define A64(name, ...) [A64_##name] = exec_##name,
#include "arch/a64.def"
#undef A64
    [A64_UNALLOCATED] = exec_UNALLOCATED,
};

uint32_t insn_word(const struct cpu *cpu, const struct insn *i)
{
    return code_page_word(cpu->page, (unsigned)(i - cpu->page));
}

struct probe cpu_probe(const struct cpu *cpu, enum probe_event event, uint64_t pc)
{
    return (struct probe){
        .event = event,
        .cpu = (uint8_t)cpu->index,
        .el = cpu->ps.el,
        .guest = cpu->ps.el < 2 && cpu->contexts.x->s2_on,
        .count = cpu_retired(cpu),
        .pc = pc,
    };
}

enum exec_result exec_UNALLOCATED(struct cpu *cpu, const struct insn *i)
{
    return exec_undefined(cpu, i);
}

/* Why the instruction at @i is UNDEFINED; said when it is decoded, so once. @missing: the feature
 * that its row needs. An encoding without a row is printed as the row it would be. */
static void log_undefined(const struct cpu *cpu, const struct insn *i, enum feature missing)
{
    const struct a64_row *row = &a64_rows[i->op];
    unsigned long long pc = insn_pc(cpu, i);
    uint32_t word = insn_word(cpu, i);
    char pattern[33];

    if (i->op != A64_UNALLOCATED) {
        LOG(cpu->log, CPU, GUEST, "cpu%u: %#llx: %s (%#010x) is UNDEFINED: %s%s", cpu->index, pc,
            row->name, word, row->cls == A64_UNDEF ? "not implemented" : "this CPU has no FEAT_",
            row->cls == A64_UNDEF ? "" : feature_name(missing));
        return;
    }
    for (unsigned k = 0; k < 32; k++)
        pattern[k] = bit(word, 31 - k) ? '1' : '0';
    pattern[32] = '\0';
    LOG(cpu->log, CPU, GUEST,
        "cpu%u: %#llx: no row for %#010x: A64(NAME, \"?\", \"%s\", 1, BASE, RAW, UNDEF, CALL)",
        cpu->index, pc, word, pattern);
}

void interp_decode(struct cpu *cpu, const struct insn *i)
{
    /* Records belong to the code cache; decoding one in place is the only write to them. */
    struct insn *rec = (struct insn *)(uintptr_t)i;
    unsigned index = (unsigned)(i - cpu->page);

    a64_decode(code_page_word(cpu->page, index), index * 4, rec);
    enum feature missing = a64_missing_feature(rec->op, &cpu->features);
    if (missing != FEAT_BASE || a64_rows[rec->op].cls == A64_UNDEF || rec->op == A64_UNALLOCATED)
        log_undefined(cpu, i, missing);
    if (missing != FEAT_BASE)
        rec->op = A64_UNALLOCATED;
    rec->fn = interp_plain_fn(rec->op);
}

void cpu_limit_slice(struct cpu *cpu, uint64_t insns)
{
    if ((uint64_t)cpu->left > insns) {
        cpu->retired_goal -= (uint64_t)cpu->left - insns;
        cpu->left = (int64_t)insns;
        cpu->irq_check = true;
    }
}

/* Does something have to be looked at between every two instructions now? */
static bool needs_observed(const struct cpu *cpu)
{
    return cpu->left <= PAGE_INSNS || cpu->ps.btype || cpu->ps.il || cpu->pmu_insns ||
           (MDSCR_EL1_SS(cpu->sr[SR_MDSCR_EL1]) && cpu_step_active(cpu)) ||
           breakpoints_active(cpu) || (cpu->probes->mask & (BIT(PROBE_INSN)));
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
    const char *mnemonic = a64_rows[op].mnemonic;

    return !strncmp(mnemonic, "ldx", 3) || !strncmp(mnemonic, "ldax", 4);
}

static void fire_insn_probe(struct cpu *cpu, const struct insn *i)
{
    struct probe p = cpu_probe(cpu, PROBE_INSN, cpu->pc);

    p.a = insn_word(cpu, i);
    p.b = code_page_pa(cpu->page) + (uint64_t)(i - cpu->page) * 4;
    probe_fire(cpu->probes, &p);
}

/* One instruction at cpu->pc, which lies in the current page. */
static void step_observed(struct cpu *cpu)
{
    const struct insn *i = cpu->page + ((cpu->pc & PAGE_MASK) >> 2);
    bool step = cpu_step_active(cpu);
    unsigned el = cpu->ps.el;
    enum exec_result r;

    cpu->counted = i;
    if (i->fn != interp_plain_fn(i->op))
        interp_decode(cpu, i);
    if (take_before(cpu, i))
        return;
    if (probe_wanted(cpu->probes, PROBE_INSN))
        fire_insn_probe(cpu, i);
    cpu->stepped = step;
    cpu->stepped_exclusive = step && is_load_exclusive(i->op);
    cpu->ps.btype = 0;
    cpu->accessed = 0;
    if (a64_rows[i->op].cls == A64_FP && cpu->fp_trapped)
        r = cpu_fp_trap(cpu, i);
    else
        r = interp_exec[i->op](cpu, i);
    switch (r) {
    case EXEC_NEXT:
    case EXEC_SYNC:
        cpu->pc += 4;
        break;
    case EXEC_BRANCH:
        cpu->pc = insn_target(cpu, i);
        break;
    case EXEC_JUMP:
        cpu->pc = cpu_branch_addr(cpu, cpu->pc);
        break;
    case EXEC_EXIT:
    case EXEC_ABORT:
        break;
    }
    if (r != EXEC_ABORT)
        cpu->left--;
    /* SSAdvance(). Exceptions and their return, when stepped, have left SS clear themselves. */
    if (step)
        cpu->ps.ss = 0;
    if (unlikely(cpu->pmu_insns) && r != EXEC_ABORT)
        pmu_retire(cpu, i, r, el);
}

/* AArch64.PCAlignmentFault(). */
static void take_pc_alignment(struct cpu *cpu)
{
    cpu_take_exception(cpu, &(struct exception){.type = EXC_SYNC,
                                                .target_el = cpu_default_target_el(cpu),
                                                .ret = cpu->pc,
                                                .esr = esr(ESR_EC_PC_ALIGN, 0),
                                                .far_valid = true,
                                                .far = cpu->pc});
}

/* Exceptions in a row without an instruction retired, as when a vector cannot be fetched. A run
 * gives up then, so that the machine can still be stopped. */
#define FRUITLESS_MAX 4096

void cpu_run(struct cpu *cpu, uint64_t insns)
{
    unsigned fruitless = 0;
    int64_t before = (int64_t)insns + 1;

    cpu->retired_goal = cpu_retired(cpu) + insns;
    cpu->left = (int64_t)insns;
    cpu->counted = cpu->page;
    while (cpu->left > 0 && cpu->power == CPU_RUNNING) {
        fruitless = cpu->left == before ? fruitless + 1 : 0;
        before = cpu->left;
        if (fruitless > FRUITLESS_MAX)
            break;
        /* Before interrupts, which may come in either order: then no step is lost in them. */
        if (MDSCR_EL1_SS(cpu->sr[SR_MDSCR_EL1]) && cpu_step_take(cpu))
            continue;
        if (cpu->irq_check) {
            cpu->irq_check = false;
            cpu_take_interrupt(cpu);
        }
        if (cpu->pc & 3) {
            take_pc_alignment(cpu);
            continue;
        }
        if (!context_fetch_fast(cpu, cpu->pc) && !cpu_fetch_page(cpu, cpu->pc))
            continue;
        if (needs_observed(cpu))
            step_observed(cpu);
        else
            interp_plain_run(cpu, cpu->page + ((cpu->pc & PAGE_MASK) >> 2));
    }
}
