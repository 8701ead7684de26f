#include "cpu/mem.h"

#include "cpu/abort.h"
#include "cpu/breakpoint.h"
#include "cpu/context.h"
#include "cpu/events.h"
#include "cpu/mem_access.h"
#include "cpu/parallel.h"
#include "cpu/traps.h"
#include "cpu/world.h"
#include "mmu/regime_bits.h"

static struct access access_of(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                               unsigned acc, bool write)
{
    return (struct access){.cpu = cpu, .i = i, .va = va, .size = size, .acc = acc, .write = write};
}

static bool in_16_bytes(const struct access *a)
{
    return (a->va & 15) + a->size <= 16;
}

/* AArch64.UnalignedAccessFaults(), for an access that is not aligned to its size. */
static bool unaligned_faults(const struct access *a)
{
    bool lse2 = cpu_has(a->cpu, FEAT_LSE2);

    if (cpu_block_has(a->cpu, BLOCK_ALIGN))
        return true;
    if (a->acc & (ACC_EXCL | ACC_ATOMIC))
        return !lse2 || !in_16_bytes(a);
    if (a->acc & (ACC_ORDERED | ACC_ALIGNED))
        return !lse2 || (!cpu_block_has(a->cpu, BLOCK_NAA) && !in_16_bytes(a));
    return false;
}

static bool raise_abort(const struct access *a, uint64_t va, const struct mmu_fault *f)
{
    return cpu_raise(a->cpu, cpu_data_abort(a->cpu, a->i, va + a->report, a->size, a->acc, f));
}

static bool raise_fault(const struct access *a, uint64_t va, enum mmu_fault_type type)
{
    return raise_abort(a, va, &(struct mmu_fault){.type = type, .write = a->write});
}

static bool acts_privileged(const struct cpu *cpu, unsigned acc)
{
    return cpu->ps.el != 0 && !((acc & ACC_UNPRIV) && cpu->bank_unpriv != cpu->bank);
}

/* May loads and stores of this context be found in L1 at all? */
static bool l1_allowed(const struct cpu *cpu)
{
    return !(cpu->contexts.x->rg.sctlr & (SCTLR_EE | SCTLR_E0E));
}

static __attribute__((noinline)) bool walk(const struct access *a, uint64_t va_,
                                           const struct mmu_access *m, struct translation *t)
{
    struct cpu *cpu = a->cpu;
    const struct xlat *x = cpu->contexts.x;
    struct mmu_fault f;

    if (!cpu_walk(cpu, a->i, x, cpu->tlb, va_, m, t, &f))
        return raise_abort(a, va_, &f);
    tlb_insert(cpu->tlb, x, xlat_canonical(x, va_, false), t);
    return true;
}

/* Enter a page of RAM into L1. Device memory, and contexts that check alignment, get entries for
 * aligned accesses only. */
static void install(const struct access *a, const struct piece *p, const struct translation *t)
{
    struct cpu *cpu = a->cpu;
    bool priv = acts_privileged(cpu, a->acc);
    bool pan = priv && cpu->ps.pan && (t->perms & PERM_PAN);
    const uint64_t offset = p->pa - p->bank->base;
    const uint8_t flags = page_flags(p->bank, offset);
    bool r = !pan && (t->perms & (priv ? PERM_PR : PERM_UR));
    bool w = !pan && (t->perms & (priv ? PERM_PW : PERM_UW)) && !p->bank->readonly &&
             !(flags & PAGE_STORES_SEEN);
    bool checked = attr_is_device(t->attr) || (cpu->contexts.x->rg.sctlr & SCTLR_A);

    if (!l1_allowed(cpu))
        return;
    if (w)
        page_set_write_cached(p->bank, offset);
    if (w && a->write && !mem_leaves_blank(a, p))
        ram_changing(p->bank, offset);
    const bool shared = !(page_flags(p->bank, offset) & PAGE_CHANGED);
    tlb_l1_insert(a->acc & ACC_UNPRIV ? cpu->bank_unpriv : cpu->bank,
                  xlat_canonical(cpu->contexts.x, p->va, false), t, p->host - (p->pa & PAGE_MASK),
                  r, w,
                  (checked ? TLB_L1_ALIGNED : 0) | (shared ? TLB_L1_SHARED : 0) |
                      (cpu_accesses_observed(cpu) ? TLB_L1_OBSERVED : 0));
}

/* A page is maintained line by line: let L1 have it as if it had been read, for the next line. */
static void install_maintained(const struct access *a, uint64_t va_, const struct translation *t)
{
    const struct physmem *mem = a->cpu->mem;
    struct access read = *a;
    struct piece p = {.va = va_, .pa = t->pa, .bank = physmem_bank(a->cpu->mem, pa(t->pa))};

    if (!p.bank || (t->ns && physmem_is_secure(mem, pa(t->pa))))
        return;
    read.write = false;
    p.host = p.bank->host + (p.pa - p.bank->base);
    install(&read, &p, t);
}

bool mem_translate(const struct access *a, uint64_t va_, enum mmu_kind kind, struct translation *t)
{
    struct cpu *cpu = a->cpu;
    const struct xlat *x = cpu->contexts.x;
    bool priv = acts_privileged(cpu, a->acc);
    const struct mmu_access m = {.kind = kind,
                                 .priv = priv,
                                 .pan = priv && cpu->ps.pan,
                                 .at = a->acc & ACC_CMO,
                                 .any = a->any,
                                 .unaligned = mem_is_unaligned(a) || a->normal};

    bool known = tlb_lookup(cpu->tlb, x, xlat_canonical(x, va_, false), &m, t) &&
                 !(m.unaligned && attr_is_device(t->attr));
    if (!known && !walk(a, va_, &m, t))
        return false;
    if (a->acc & ACC_CMO)
        install_maintained(a, va_, t);
    return true;
}

/* An access that reaches neither RAM nor a device. */
static bool decode_error(const struct access *a, const struct piece *p)
{
    LOG(a->cpu->log, CPU, GUEST, "cpu%u: %#llx: %s of %u bytes at %#llx: nothing is there",
        a->cpu->index, (unsigned long long)insn_pc(a->cpu, a->i), a->write ? "write" : "read",
        p->size, (unsigned long long)p->pa);
    return raise_fault(a, p->va, MMU_FAULT_EXTERNAL);
}

/* Translate one piece and find what is there. */
static bool resolve(const struct access *a, struct piece *p, bool write)
{
    struct translation t;

    if (!mem_translate(a, p->va, write ? MMU_WRITE : MMU_READ, &t))
        return false;
    p->pa = t.pa;
    p->bank = physmem_bank(a->cpu->mem, pa(p->pa));
    p->window = NULL;
    if (!p->bank || (write && p->bank->readonly))
        p->window = physmem_window(a->cpu->mem, pa(p->pa));
    if (unlikely(a->cpu->mem->has_secure) && t.ns && physmem_is_secure(a->cpu->mem, pa(p->pa)))
        return decode_error(a, p);
    if (p->bank && !p->window) {
        p->host = p->bank->host + (p->pa - p->bank->base);
        install(a, p, &t);
        return true;
    }
    p->host = NULL;
    return p->window ? true : decode_error(a, p);
}

/* What L1 has where @canonical would be, for accesses as @a is. */
static inline const struct tlb_l1_entry *l1_entry(const struct access *a, uint64_t canonical)
{
    const struct tlb_bank *bank = mem_bank(a->cpu, a->acc);

    return &(a->write ? bank->w : bank->r)[(canonical >> PAGE_SHIFT) & (TLB_L1_SIZE - 1)];
}

/* L1 has where an access leads that somebody watches. */
static bool l1_resolve(const struct access *a, struct piece *p)
{
    uint64_t canonical = xlat_canonical(a->cpu->contexts.x, p->va, false);
    const struct tlb_l1_entry *e = l1_entry(a, canonical);

    if (((e->tag ^ canonical) & ~PAGE_MASK) || !(e->tag & TLB_L1_OBSERVED) ||
        ((e->tag & TLB_L1_ALIGNED) && mem_is_unaligned(a)))
        return false;
    p->host = (uint8_t *)(uintptr_t)(e->addend + canonical);
    p->bank = physmem_bank_of_host(a->cpu->mem, p->host);
    p->pa = p->bank->base + (uint64_t)(p->host - p->bank->host);
    p->window = NULL;
    return true;
}

/* Alignment, translation of every page touched and debug events: after this nothing fails. Returns
 * the number of pieces, 0 if an exception is raised. */
static unsigned prepare(const struct access *a, struct piece p[2])
{
    unsigned first = (unsigned)(PAGE_SIZE - (a->va & PAGE_MASK));
    unsigned n = first < a->size ? 2 : 1;

    if (mem_is_unaligned(a) && unaligned_faults(a)) {
        raise_fault(a, a->va, MMU_FAULT_ALIGNMENT);
        return 0;
    }
    p[0] = (struct piece){.va = a->va, .size = n == 1 ? a->size : first};
    if (n == 2)
        p[1] = (struct piece){.va = a->va + first, .size = a->size - first};
    for (unsigned k = 0; k < n; k++)
        if (!(cpu_accesses_observed(a->cpu) && l1_resolve(a, &p[k])) &&
            !resolve(a, &p[k], a->write))
            return 0;
    if (unlikely(a->cpu->watchpoints_on) &&
        cpu_watchpoint_hit(a->cpu, a->i, a->va, a->size, a->acc, a->write))
        return 0;
    return n;
}

static bool has_code(const struct piece *p)
{
    return p->host && (page_flags(p->bank, p->pa - p->bank->base) & PAGE_HAS_CODE);
}

/* Is any of it not just RAM: a device, or code that is written? */
static bool is_shared(const struct access *a, const struct piece *p, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        if (p[k].window || (a->write && has_code(&p[k])))
            return true;
    return false;
}

/* The write of a read-modify-write comes later, but must not fail after a device was read. */
static bool may_write_back(const struct access *a)
{
    return a->write || !(a->acc & ACC_ATOMIC) ||
           mem_probe(a->cpu, a->i, a->va, a->size, a->acc, true);
}

/* What is not RAM needs the machine's lock where CPUs run at the same time, and where the access
 * leads is looked up with it: a TLBI may have come before. */
static __attribute__((noinline)) bool access_locked(const struct access *a, uint8_t *data)
{
    struct piece p[2];

    cpu_lock(a->cpu);
    unsigned n = prepare(a, p);
    bool good = n && may_write_back(a);
    if (good)
        mem_transfer(a, p, n, data);
    cpu_unlock(a->cpu);
    return good;
}

/* The access of @a, all of it, or none and an exception is raised. One function, for most of what a
 * miss in L1 costs would be calls and what they save. */
static __attribute__((flatten)) bool access(const struct access *a, uint8_t *data)
{
    struct piece p[2];
    unsigned n = prepare(a, p);

    if (n == 0 || !may_write_back(a))
        return false;
    if (cpu_is_parallel(a->cpu) && is_shared(a, p, n))
        return access_locked(a, data);
    mem_transfer(a, p, n, data);
    return true;
}

enum mem_place mem_place_of(const struct access *a, uint8_t **host)
{
    struct piece p[2];

    if (prepare(a, p) == 0)
        return MEM_NOWHERE;
    *host = p[0].host;
    return p[0].window ? MEM_DEVICE : has_code(&p[0]) ? MEM_CODE : MEM_RAM;
}

/* L1 holds more than the fast path uses: pages for aligned accesses only, and pointers
 * with a tag. */
static uint8_t *l1_host(const struct access *a)
{
    uint64_t canonical = xlat_canonical(a->cpu->contexts.x, a->va, false);
    const struct tlb_l1_entry *e = l1_entry(a, canonical);

    if (mem_is_unaligned(a) || (e->tag & ~(uint64_t)TLB_L1_ALIGNED) != (canonical & ~PAGE_MASK))
        return NULL;
    return (uint8_t *)(uintptr_t)(e->addend + canonical);
}

/* If L1 has the page of a store, but a snapshot shares it, then the page is the store's own from
 * now on, and the fast path's. */
static void l1_unshare(const struct access *a)
{
    struct cpu *cpu = a->cpu;
    struct tlb_bank *bank = a->acc & ACC_UNPRIV ? cpu->bank_unpriv : cpu->bank;
    uint64_t page = xlat_canonical(cpu->contexts.x, a->va, false) & ~PAGE_MASK;
    struct tlb_l1_entry *e = &bank->w[(page >> PAGE_SHIFT) & (TLB_L1_SIZE - 1)];

    if (likely(!(e->tag & TLB_L1_SHARED)) || (e->tag & ~PAGE_MASK) != page)
        return;
    const uint8_t *host = (const uint8_t *)(uintptr_t)(e->addend + page);
    struct ram_bank *ram = physmem_bank_of_host(cpu->mem, host);
    ram_changing(ram, (uint64_t)(host - ram->host));
    e->tag &= ~(uint64_t)TLB_L1_SHARED;
}

/* L1 has the page of @a, which is DC ZVA, and the page is blank. It is remembered, for the page's
 * next line. */
static bool l1_is_blank(const struct access *a)
{
    struct cpu *cpu = a->cpu;
    uint64_t page = xlat_canonical(cpu->contexts.x, a->va, false) & ~PAGE_MASK;
    const struct tlb_l1_entry *e = l1_entry(a, page);

    if (e->tag != (page | TLB_L1_SHARED))
        return false;
    const uint8_t *host = (const uint8_t *)(uintptr_t)(e->addend + page);
    const struct ram_bank *ram = physmem_bank_of_host(cpu->mem, host);
    uint64_t offset = (uint64_t)(host - ram->host);
    if (!ram_is_blank(ram, offset))
        return false;
    cpu->bank->blank = (struct tlb_blank){e->tag, e->addend, &ram->flags[offset >> PAGE_SHIFT]};
    return true;
}

bool mem_load_slow(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size, unsigned acc)
{
    const struct access a = access_of(cpu, i, va, size, acc, false);
    const uint8_t *host = l1_host(&a);

    cpu->mem_data[0] = cpu->mem_data[1] = 0;
    if (host) {
        mem_copy_from_ram((uint8_t *)cpu->mem_data, host, size);
        return true;
    }
    return access(&a, (uint8_t *)cpu->mem_data);
}

bool mem_store_slow(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size, unsigned acc,
                    uint64_t lo, uint64_t hi)
{
    const struct access a = access_of(cpu, i, va, size, acc, true);
    uint64_t data[2] = {lo, hi};

    l1_unshare(&a);
    uint8_t *host = mem_fast(mem_bank(cpu, acc)->w, va, size);
    if (!host || ((acc & ACC_ALIGNED) && mem_is_unaligned(&a)))
        host = l1_host(&a);
    if (host) {
        mem_copy_to_ram(host, (const uint8_t *)data, size);
        return true;
    }
    return access(&a, (uint8_t *)data);
}

bool mem_zero(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size)
{
    uint64_t first = align_down(va, size);
    const struct access a = {.cpu = cpu,
                             .i = i,
                             .va = first,
                             .size = size,
                             .acc = ACC_ZERO,
                             .write = true,
                             .normal = true,
                             .report = va - first};
    uint8_t zeros[MEM_ZERO_MAX] = {0};

    if (l1_is_blank(&a))
        return true;
    l1_unshare(&a);
    uint8_t *host = mem_fast(cpu->bank->w, first, size);
    if (host) {
        ram_store(host, zeros, size);
        return true;
    }
    return access(&a, zeros);
}

bool mem_probe(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size, unsigned acc,
               bool write)
{
    /* Alignment is the single access's own matter: ask for each page as for one byte of it. */
    const struct access a = access_of(cpu, i, va, 1, acc, write);
    uint64_t last = va + size - 1;
    struct piece p = {.va = va, .size = 1};

    if (write) {
        l1_unshare(&a);
        if (mem_fast(mem_bank(cpu, acc)->w, va, size))
            return true;
    }
    if (!resolve(&a, &p, write))
        return false;
    if (((va ^ last) & ~PAGE_MASK) == 0)
        return true;
    p.va = last & ~PAGE_MASK;
    return resolve(&a, &p, write);
}

/* SP's own alignment is checked by the caller. */
bool mem_sp_aligned(struct cpu *cpu, const struct insn *i)
{
    if (!cpu_block_has(cpu, BLOCK_SP_ALIGN))
        return true;
    const struct trap t = {cpu_default_target_el(cpu), ESR_EC_SP_ALIGN, 0};
    return cpu_raise(cpu, cpu_trap_exception(cpu, i, t));
}

/* As mem_fast(), of what is only asked for: a snapshot that shares the page changes nothing about
 * that, or a run with one would walk where one without does not. */
static const uint8_t *l1_asked(const struct tlb_l1_entry *set, uint64_t va, unsigned size)
{
    const struct tlb_l1_entry *e = &set[(va >> PAGE_SHIFT) & (TLB_L1_SIZE - 1)];
    bool holds = (e->tag & ~(uint64_t)TLB_L1_SHARED) == ((va + size - 1) & ~PAGE_MASK);

    return holds ? (const uint8_t *)(uintptr_t)(e->addend + va) : NULL;
}

bool mem_in_l1(const struct cpu *cpu, uint64_t va, bool write)
{
    return l1_asked(write ? cpu->bank->w : cpu->bank->r, va, 1) != NULL;
}

/* The physical address of @va, if the access is one of those that L1 is enough for. */
static bool l1_pa(const struct cpu *cpu, const struct tlb_l1_entry *set, uint64_t va, unsigned size,
                  uint64_t *pa_)
{
    const uint8_t *host = l1_asked(set, va, size);

    if (!host)
        return false;
    const struct ram_bank *bank = physmem_bank_of_host(cpu->mem, host);
    *pa_ = bank->base + (uint64_t)(host - bank->host);
    return true;
}

bool mem_excl_set(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size)
{
    const struct access a = access_of(cpu, i, va, size, ACC_EXCL, false);
    struct translation t;

    if (!l1_pa(cpu, cpu->bank->r, va, size, &t.pa) && !mem_translate(&a, va, MMU_READ, &t))
        return false;
    cpu->excl_valid = true;
    cpu->excl_size = (uint8_t)size;
    cpu->excl_pa = t.pa;
    cpu->excl_host = NULL;
    return true;
}

/* CU-choice: a monitor that is not set fails the store without translating its address. */
bool mem_excl_pass(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size, bool *pass)
{
    const struct access a = access_of(cpu, i, va, size, ACC_EXCL | ACC_ALIGNED, true);
    struct translation t;

    *pass = false;
    if (mem_is_unaligned(&a) && unaligned_faults(&a))
        return raise_fault(&a, va, MMU_FAULT_ALIGNMENT);
    if (!cpu->excl_valid)
        return true;
    if (!l1_pa(cpu, cpu->bank->w, va, size, &t.pa) && !mem_translate(&a, va, MMU_WRITE, &t))
        return false;
    *pass = cpu->excl_pa == t.pa && cpu->excl_size == size;
    cpu->excl_valid = false;
    return true;
}
