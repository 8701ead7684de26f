#include "cpu/refetch.h"

#include "cpu/late.h"
#include "mmu/tlb.h"

/* TCR_EL1.HA and VTCR_EL2.HA: a walk would set flags that nobody has asked for. */
static bool walks_write(const struct xlat *x)
{
    return bit(x->rg.tcr, 39) || (x->s2_on && bit(x->rg.vtcr, 21));
}

/* Does @op name @page? Of stage 2 that is not known. */
static bool names(const struct tlbi *op, uint64_t page)
{
    return (op->scope != TLBI_VA && op->scope != TLBI_VAA) ||
           (page >= op->start && (op->end == 0 || page < op->end));
}

static uint64_t read_late(void *ctx, uint64_t pa, uint64_t raw)
{
    return late_descriptor(ctx, pa, raw);
}

static void translate(struct cpu *cpu, uint64_t page)
{
    const struct xlat *x = cpu->contexts.x;
    const struct mmu_watcher watcher = {.read = read_late, .ctx = cpu};
    const struct mmu_access a = {.kind = MMU_READ, .priv = cpu->ps.el == 1, .watcher = &watcher};
    struct translation t;
    struct mmu_fault f;

    if (mmu_translate(x, cpu->mem, cpu->tlb, va(page), &a, &t, &f))
        tlb_insert(cpu->tlb, x, page, &t);
}

/* Those that it has walked for last: any address would do, and these it will use again. */
static void refetch(struct cpu *cpu, const struct tlbi *op)
{
    unsigned count;
    const uint64_t *pages = late_walked(cpu, &count);

    for (unsigned k = 0; k < count; k++)
        if (names(op, pages[k]))
            translate(cpu, pages[k]);
}

void cpu_invalidate(struct cpu *cpu, const struct tlbi *op)
{
    const struct xlat *x = cpu->contexts.x;

    tlb_invalidate(cpu->tlb, op);
    if (unlikely(cpu->late) && cpu->ps.el < 2 && x && x->rg.id == REGIME_EL10 &&
        op->regime == REGIME_EL10 && !walks_write(x) && late_refetches(cpu->late))
        refetch(cpu, op);
}
