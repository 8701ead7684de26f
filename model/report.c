/* What a model has counted, as lines for people. */
#include <glib.h>
#include <inttypes.h>
#include <stdarg.h>

#include "model/model.h"

struct lines {
    arm_line_fn *fn;
    void *ctx;
};

static void say(const struct lines *to, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

static void say(const struct lines *to, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_autofree char *line = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    to->fn(to->ctx, line);
}

static double per(uint64_t n, uint64_t of, double scale)
{
    return of ? (double)n * scale / (double)of : 0;
}

static void say_misses(const struct lines *to, const char *what, uint64_t misses, uint64_t of,
                       uint64_t insns)
{
    say(to, "  %-12s %12" PRIu64 "  of %12" PRIu64 " %5.1f %%  %7.2f per 1000 instructions", what,
        misses, of, per(misses, of, 100), per(misses, insns, 1000));
}

static void say_stalls(const struct lines *to, const char *what, uint64_t cycles, uint64_t of)
{
    say(to, "  %-12s %12" PRIu64 "  cycles %5.1f %%", what, cycles, per(cycles, of, 100));
}

void arm_model_report(struct arm_model *model, unsigned core, arm_line_fn *line, void *ctx)
{
    const struct lines to = {line, ctx};
    struct arm_model_counts n = {.size = sizeof(n)};

    if (!arm_model_read(model, core, ARM_MODEL_ALL, ARM_MODEL_ALL, &n))
        return;
    say(&to, "%s: %" PRIu64 " cycles, %" PRIu64 " instructions, %.2f cycles per instruction",
        arm_core_label(model_core(model, core)), n.cycles, n.instructions,
        per(n.cycles, n.instructions, 1));
    say_misses(&to, "mispredicts", n.mispredicts, n.branches, n.instructions);
    say_misses(&to, "L1I misses", n.l1i_misses, n.l1i_accesses, n.instructions);
    say_misses(&to, "L1D misses", n.l1d_misses, n.l1d_accesses, n.instructions);
    say_misses(&to, "L2 misses", n.l2_misses, n.l2_accesses, n.instructions);
    say_misses(&to, "TLB walks", n.walks, n.tlb_misses, n.instructions);
    say_misses(&to, "prefetches", n.prefetch_useful, n.prefetches, n.instructions);
    say_stalls(&to, "operands", n.operand_stalls, n.cycles);
    say_stalls(&to, "fetch", n.fetch_stalls, n.cycles);
    say_stalls(&to, "branches", n.branch_stalls, n.cycles);
    say_stalls(&to, "store buffer", n.store_stalls, n.cycles);
    say_stalls(&to, "system", n.system_stalls, n.cycles);
    say(&to,
        "  %" PRIu64 " exceptions (%" PRIu64 " traps to EL2, %" PRIu64 " interrupts), %" PRIu64
        " MRS, %" PRIu64 " MSR, %" PRIu64 " barriers, %" PRIu64 " TLBIs",
        n.exceptions, n.traps, n.interrupts, n.sysreg_reads, n.sysreg_writes, n.barriers, n.tlbis);
}
