/*
 * The plain loop. Each record's function executes it and tail-calls the next record's, so that the
 * host predicts every dispatch by its own history. Hot classes are compiled here a second time,
 * from their own files, to be inlined; the rest is called.
 *
 * A function leaves the chain by returning: then cpu->pc is current and everything is counted.
 * Without optimisation compilers do not promise tail calls; then the chain is a loop.
 */
#define EXEC static inline __attribute__((always_inline))
#define A64_NO_PROTOTYPES

#include "cpu/exec/branch.c"
#include "cpu/exec/dp_imm.c"
#include "cpu/exec/dp_reg.c"
#include "cpu/exec/ldst.c"

#include "cpu/block.h"
#include "cpu/decode.h"
#include "cpu/events.h"
#include "cpu/exception.h"
#include "cpu/execute.h"
#include "cpu/fetch.h"
#include "cpu/interp_plain.h"
#include "cpu/regime.h"
#include "cpu/traps.h"

/* The rows not defined above; for the others this changes nothing (C17 6.2.2 p5). */
#define A64(name, ...) exec_fn exec_##name;
#include "arch/a64.def"
#undef A64

#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(ARMILLARY_NO_TAIL_CALLS)
#define TAIL_CALLS 1
#else
#define TAIL_CALLS 0
#endif

#if defined(__clang__)
#define TAIL __attribute__((musttail)) return
#else
#define TAIL return
#endif

/* Continue with record @next: EXEC_NEXT tells the loop of the build without tail calls to go on. */
#if TAIL_CALLS
#define CONTINUE(cpu, next) TAIL(next)->fn((cpu), (next))
#else
#define CONTINUE(cpu, next) return (cpu)->resume = (next), EXEC_NEXT
#endif

/* The same at a record that something else than the one before has led to: with blocks that is
 * counted. */
#define ARRIVE(cpu, next)                                                                          \
    do {                                                                                           \
        if ((cpu)->come)                                                                           \
            TAIL(cpu)->come((cpu), (next));                                                        \
        CONTINUE((cpu), (next));                                                                   \
    } while (0)

static enum exec_result leave(struct cpu *cpu)
{
    (void)cpu;
    return EXEC_EXIT;
}

/* What this loop needs left of the slice, so that it need not look before the end of a page. */
#define ENOUGH (CODE_PAGE_INSNS + 1)

/* Go on at cpu->pc, which every record before has been counted for: in the L1 bank's fetch side, or
 * by the dispatcher. */
static enum exec_result run_jump(struct cpu *cpu, const struct insn *unused)
{
    (void)unused;
    const struct insn *next = cpu->left < ENOUGH ? NULL : interp_next(cpu);
    if (!next)
        return leave(cpu);
    ARRIVE(cpu, next);
}

static enum exec_result run_branch(struct cpu *cpu, const struct insn *i)
{
    cpu->left -= i + 1 - cpu->counted;
    if (likely((uint64_t)i->imm < PAGE_SIZE && cpu->left > CODE_PAGE_INSNS)) {
        const struct insn *next = cpu->page + (i->imm >> 2);
        cpu->counted = next;
        ARRIVE(cpu, next);
    }
    cpu->pc = insn_target(cpu, i);
    TAIL run_jump(cpu, i);
}

static enum exec_result run_indirect(struct cpu *cpu, const struct insn *i)
{
    cpu->left -= i + 1 - cpu->counted;
    if (unlikely((uint64_t)((int64_t)(cpu->pc << 8) >> 8) != cpu->pc))
        cpu->pc = cpu_branch_addr(cpu, cpu->pc);
    TAIL run_jump(cpu, i);
}

/* Instruction @i has been executed, and is not to be followed by the next record. Return: what is;
 * NULL: the dispatcher says. After an abort it does: nothing has retired, and so it may go on for
 * ever. */
static const struct insn *behind(struct cpu *cpu, const struct insn *i, enum exec_result r,
                                 int64_t enough)
{
    if (r == EXEC_ABORT)
        exec_take_raised(cpu, i);
    cpu->left -= i + (r != EXEC_ABORT) - cpu->counted;
    if (r == EXEC_SYNC)
        cpu->pc = insn_pc(cpu, i + 1);
    return r != EXEC_ABORT && interp_nothing_between(cpu, enough) ? interp_next(cpu) : NULL;
}

/* To where behind() leads. */
#define OUT(cpu, i, r)                                                                             \
    do {                                                                                           \
        const struct insn *next_ = behind((cpu), (i), (r), ENOUGH);                                \
        if (!next_)                                                                                \
            return leave(cpu);                                                                     \
        ARRIVE((cpu), next_);                                                                      \
    } while (0)

/* Who sees its event may want more of what comes next: not from this loop. */
static enum exec_result run_fp_held(struct cpu *cpu, const struct insn *i)
{
    enum exec_result r = exec_fp_held(cpu, i);

    OUT(cpu, i, r == EXEC_NEXT ? EXEC_SYNC : r);
}

/* The rest of every run_ function: where to go after @r. */
#define DISPATCH(cpu, i, r)                                                                        \
    do {                                                                                           \
        if (likely((r) == EXEC_NEXT))                                                              \
            CONTINUE((cpu), (i) + 1);                                                              \
        if ((r) == EXEC_BRANCH)                                                                    \
            TAIL run_branch((cpu), (i));                                                           \
        if ((r) == EXEC_JUMP)                                                                      \
            TAIL run_indirect((cpu), (i));                                                         \
        OUT((cpu), (i), (r));                                                                      \
    } while (0)

#define PRE_INT(cpu, i)
#define PRE_UNDEF(cpu, i)
#define PRE_FP(cpu, i)                                                                             \
    if (unlikely(cpu_block_has((cpu), BLOCK_FP_HELD)))                                             \
        TAIL run_fp_held((cpu), (i));
#define COUNT_NATIVE(cpu, i)
#define COUNT_CALL(cpu, i)
#define COUNT_END(cpu, i) cpu_count_upto((cpu), (i));

#define A64(name, mnem, pattern, cond, feature, form, cls, jit, facts)                             \
    static enum exec_result run_##name(struct cpu *cpu, const struct insn *i)                      \
    {                                                                                              \
        PRE_##cls(cpu, i) COUNT_##jit(cpu, i) enum exec_result r = exec_##name(cpu, i);            \
        DISPATCH(cpu, i, r);                                                                       \
    }
#include "arch/a64.def"
A64(UNALLOCATED, "", "", 1, BASE, RAW, INT, END, TRAP)
#undef A64

static exec_fn *const run_fns[A64_OP_COUNT] = {
#define A64(name, ...) [A64_##name] = run_##name,
#include "arch/a64.def"
#undef A64
    [A64_UNALLOCATED] = run_UNALLOCATED,
};

void interp_decode(struct cpu *cpu, const struct insn *i)
{
    /* Records belong to the code cache; decoding one in place is the only write to them. */
    struct insn *rec = (struct insn *)(uintptr_t)i;

    cpu_decode(cpu, i, rec);
    rec->fn = run_fns[rec->op];
    CPU_FIRE(cpu, i, DECODE, decode,
             .pa = code_page_pa(cpu->page) + (uint64_t)(i - cpu->page) * sizeof(uint32_t),
             .word = insn_word(cpu, i));
}

/* A record nobody has executed yet. Who hears that it is decoded may stop the machine before it. */
enum exec_result exec_decode(struct cpu *cpu, const struct insn *i)
{
    interp_decode(cpu, i);
    if (unlikely(cpu->recheck)) {
        cpu_count_upto(cpu, i);
        cpu->pc = insn_pc(cpu, i);
        return leave(cpu);
    }
    TAIL i->fn(cpu, i);
}

/* The record behind the last one: the next page. */
enum exec_result exec_page_end(struct cpu *cpu, const struct insn *i)
{
    cpu_count_upto(cpu, i);
    cpu->pc = cpu->page_va + PAGE_SIZE;
    TAIL run_jump(cpu, i);
}

/* ---- what blocks of host code call, see cpu/jit/jit.h ---- */

exec_fn *interp_plain_fn(unsigned op)
{
    return run_fns[op];
}

enum exec_result interp_go_on(struct cpu *cpu, const struct insn *i)
{
    CONTINUE(cpu, i);
}

const struct insn *interp_behind(struct cpu *cpu, const struct insn *i, enum exec_result r,
                                 int64_t enough)
{
    return behind(cpu, i, r, enough);
}

const struct insn *interp_arrive(struct cpu *cpu)
{
    return cpu->left < ENOUGH ? NULL : interp_next(cpu);
}

enum exec_result interp_pause(struct cpu *cpu)
{
    return leave(cpu);
}

void interp_count_upto(struct cpu *cpu, const struct insn *i)
{
    cpu_count_upto(cpu, i);
}

const struct code_engine interp_engine = {.fresh = exec_decode, .page_end = exec_page_end};

static inline void run_plain(struct cpu *cpu, const struct insn *i, exec_fn *enter)
{
    cpu->counted = i;
    cpu->stepped = false;
#if TAIL_CALLS
    (enter ? enter : i->fn)(cpu, i);
#else
    cpu->resume = i;
    while ((enter ? enter : cpu->resume->fn)(cpu, cpu->resume) == EXEC_NEXT)
        ;
#endif
}

void interp_plain_run(struct cpu *cpu, const struct insn *i)
{
    run_plain(cpu, i, NULL);
}

void interp_plain_enter(struct cpu *cpu, const struct insn *i, exec_fn *enter)
{
    run_plain(cpu, i, enter);
}
