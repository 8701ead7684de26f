#include "cpu/fetch.h"

#include "cpu/events.h"
#include "cpu/parallel.h"

/* Translate @pc for execution. False: *flt. */
static bool translate_fetch(struct cpu *cpu, uint64_t pc, struct translation *t,
                            struct mmu_fault *flt)
{
    const struct xlat *x = cpu->contexts.x;
    const struct mmu_access a = {.kind = MMU_EXEC, .priv = cpu->ps.el != 0};
    uint64_t canonical = xlat_canonical(x, pc, true);

    if (tlb_lookup(cpu->tlb, x, canonical, &a, t))
        return true;
    if (!cpu_walk(cpu, NULL, x, cpu->tlb, pc, &a, t, flt))
        return false;
    tlb_insert(cpu->tlb, x, canonical, t);
    return true;
}

static enum fetch nothing_there(const struct cpu *cpu, uint64_t pc, uint64_t pa_,
                                struct mmu_fault *flt)
{
    LOG(cpu->log, CPU, GUEST, "cpu%u: %#llx: instruction fetch at %#llx: no RAM is there",
        cpu->index, (unsigned long long)pc, (unsigned long long)pa_);
    *flt = (struct mmu_fault){.type = MMU_FAULT_EXTERNAL};
    return FETCH_FAULT;
}

/* There is no page of records for @pc, which translates to @pa: no RAM is there, or the host has no
 * memory for one. */
static enum fetch no_page(const struct cpu *cpu, uint64_t pc, uint64_t pa_, struct mmu_fault *flt)
{
    if (physmem_bank(cpu->mem, pa(pa_))) {
        host_fail(cpu->env.host, ARM_ENOMEM,
                  "cpu%u: %#llx: no memory for the decoded instructions of the page at %#llx",
                  cpu->index, (unsigned long long)pc, (unsigned long long)(pa_ & ~PAGE_MASK));
        return FETCH_NO_MEMORY;
    }
    return nothing_there(cpu, pc, pa_, flt);
}

bool cpu_has_mark(const struct cpu *cpu, uint64_t first, uint64_t last)
{
    const struct code_marks *marks = cpu_marks(cpu);
    unsigned lo = 0, hi = marks ? marks->count : 0;

    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;
        if (marks->pcs[mid] < first)
            lo = mid + 1;
        else
            hi = mid;
    }
    return marks && lo < marks->count && marks->pcs[lo] <= last;
}

/* What the fast path does not take only for its mark: the translation is the same. */
static bool fetch_marked(struct cpu *cpu, uint64_t pc)
{
    const struct tlb_x_entry *e = &cpu->bank->x[(pc >> PAGE_SHIFT) & (TLB_X_SIZE - 1)];
    uint64_t page = pc & ~PAGE_MASK;

    if ((e->tag & ~(uint64_t)TLB_X_GUARDED) != (page | TLB_X_MARKED))
        return false;
    cpu->page_va = page;
    cpu->page = ((const struct code_page *)e->page)->insn;
    return true;
}

/* cpu_fetch_page(), that far. @alone: no other CPU executes. */
static enum fetch fetch_page(struct cpu *cpu, uint64_t pc, bool alone, struct mmu_fault *flt)
{
    struct translation t;

    if (!translate_fetch(cpu, pc, &t, flt))
        return FETCH_FAULT;
    if (t.ns && physmem_is_secure(cpu->mem, pa(t.pa)))
        return nothing_there(cpu, pc, t.pa, flt);
    if (!alone && !code_cache_sees_stores(cpu->mem, t.pa & ~PAGE_MASK)) {
        /* Others may store there without a word: until now. */
        cpu_lock_alone(cpu);
        enum fetch fetched = fetch_page(cpu, pc, true, flt);
        cpu_unlock(cpu);
        return fetched;
    }
    struct code_page *page = code_cache_page(cpu->code, cpu->mem, t.pa & ~PAGE_MASK);
    if (!page)
        return no_page(cpu, pc, t.pa, flt);
    tlb_x_insert(cpu->bank, xlat_canonical(cpu->contexts.x, pc, true), &t, page);
    cpu->page_va = pc & ~PAGE_MASK;
    cpu->page = page->insn;
    if (!cpu_marks(cpu) || !cpu_has_mark(cpu, cpu->page_va, cpu->page_va + PAGE_MASK))
        return FETCH_OK;
    cpu->bank->x[(pc >> PAGE_SHIFT) & (TLB_X_SIZE - 1)].tag |= TLB_X_MARKED;
    return FETCH_MARKED;
}

enum fetch cpu_fetch_page(struct cpu *cpu, uint64_t pc, struct mmu_fault *flt)
{
    if (fetch_marked(cpu, pc))
        return FETCH_MARKED;
    return fetch_page(cpu, pc, !cpu_is_parallel(cpu), flt);
}

bool cpu_in_guarded_page(const struct cpu *cpu)
{
    uint64_t page = xlat_canonical(cpu->contexts.x, cpu->page_va, true);
    const struct tlb_x_entry *e = &cpu->bank->x[(page >> PAGE_SHIFT) & (TLB_X_SIZE - 1)];
    struct mmu_fault flt;
    struct translation t;

    if ((e->tag & ~(uint64_t)(TLB_X_GUARDED | TLB_X_MARKED)) == page)
        return e->tag & TLB_X_GUARDED;
    /* A TLBI by another CPU dropped it while we are in the page. */
    const struct mmu_access a = {.kind = MMU_EXEC, .priv = cpu->ps.el != 0, .at = true};
    return mmu_translate(cpu->contexts.x, cpu->mem, NULL, va(cpu->page_va), &a, &t, &flt) &&
           t.guarded;
}
