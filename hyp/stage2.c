#include "hyp/stage2.h"

#include "hyp/cpu.h"
#include "hyp/mem.h"
#include "hyp/mutant.h"
#include "hyp/opts.h"
#include "hyp/panic.h"
#include "hyp/s2_desc.h"
#include "hyp/s2_ops.h"
#include "hyp/s2_tables.h"

#define IPA_BITS 40 /* or what the CPU has, if that is less */

static const uint64_t attributes[] = {
    [S2_RAM] = DESC_NORMAL | DESC_INNER | DESC_READ | DESC_WRITE | DESC_RAM,
    [S2_RAM_READONLY] = DESC_NORMAL | DESC_INNER | DESC_READ | DESC_XN,
    [S2_DEVICE] = DESC_DEVICE | DESC_READ | DESC_WRITE | DESC_XN,
};

uint64_t stage2_attributes(enum stage2_kind kind)
{
    return attributes[kind] | (kind == S2_RAM && stage2_dirty_by_hardware() ? DESC_DBM : 0);
}

bool stage2_dirty_by_hardware(void)
{
    return opts.s2_flags == OPT_s2_flags_hardware && cpu_has(FEAT_HAFDBS);
}

unsigned stage2_page_log2(void)
{
    return opts.granule == OPT_granule_4k ? 12 : opts.granule == OPT_granule_16k ? 14 : 16;
}

/* ID_AA64MMFR0_EL1.TGranX_2, and where it says so, of stage 1. */
bool stage2_granule_exists(unsigned page_log2)
{
    uint64_t r = mrs(ID_AA64MMFR0_EL1);
    unsigned stage1 = page_log2 == 12   ? (unsigned)bits(r, 31, 28)
                      : page_log2 == 14 ? (unsigned)bits(r, 23, 20)
                                        : (unsigned)bits(r, 27, 24);
    unsigned stage2 = page_log2 == 12   ? (unsigned)bits(r, 43, 40)
                      : page_log2 == 14 ? (unsigned)bits(r, 35, 32)
                                        : (unsigned)bits(r, 39, 36);

    if (stage2)
        return stage2 >= 2;
    return page_log2 == 14 ? stage1 >= 1 : stage1 != 15;
}

static unsigned ipa_bits(void)
{
    static const uint8_t pa_bits[] = {32, 36, 40, 42, 44, 48, 52};
    unsigned range = (unsigned)bits(mrs(ID_AA64MMFR0_EL1), 3, 0);
    unsigned have = range < sizeof(pa_bits) ? pa_bits[range] : 48;

    return have < IPA_BITS ? have : IPA_BITS;
}

/* The deepest level to start at: up to 16 tables lie side by side and are indexed as one. */
static void choose_root(struct stage2 *s)
{
    unsigned level = 3;

    s->page_log2 = stage2_page_log2();
    s->ipa_bits = ipa_bits();
    while (level_shift(s, level) + s->page_log2 - 3 + 4 < s->ipa_bits)
        level--;
    s->start_level = level;
    unsigned covered = level_shift(s, level) + s->page_log2 - 3;
    s->root_tables = s->ipa_bits > covered ? 1u << (s->ipa_bits - covered) : 1;
}

/* VTCR_EL2.HA and HD. */
static uint64_t hardware_flags(void)
{
    return stage2_dirty_by_hardware() ? FIELD_MASK(VTCR_EL2_HA) | FIELD_MASK(VTCR_EL2_HD) : 0;
}

uint64_t stage2_vtcr(void)
{
    struct stage2 s;
    uint64_t pa_size = bits(mrs(ID_AA64MMFR0_EL1), 3, 0);

    choose_root(&s);
    uint64_t tg0 = s.page_log2 == 12 ? 0 : s.page_log2 == 14 ? 2 : 1;
    uint64_t sl0 = s.page_log2 == 12 ? 2 - s.start_level : 3 - s.start_level;
    return FIELD_MASK(VTCR_EL2_RES1_31) | (64 - s.ipa_bits) | sl0 << 6 | 1 << 8 | 1 << 10 |
           3 << 12 | tg0 << 14 | hardware_flags() | (pa_size > 5 ? 5 : pa_size) << 16 |
           (cpu_limits.vmid_bits == 16 ? FIELD_MASK(VTCR_EL2_VS) : 0);
}

/* VMIDs. A guest whose generation is the current one owns its VMID; when there is none left, a new
 * generation begins, all TLBs forget, and guests that are on a CPU take theirs along. */
static struct {
    struct lock lock;
    uint64_t generation; /* in units of GENERATION */
    uint64_t next;
    struct stage2 *all[16];
    unsigned count;
} vmids = {.generation = 1, .next = 1};

#define GENERATION BIT(16)

bool stage2_any(void)
{
    return vmids.count != 0;
}

void stage2_forget_guests(void)
{
    vmids.generation = 1;
    vmids.next = 1;
    vmids.count = 0;
}

static bool is_current(uint64_t vmid)
{
    return vmid / GENERATION == vmids.generation;
}

static bool is_taken(uint64_t id)
{
    for (unsigned k = 0; k < vmids.count; k++)
        if (is_current(vmids.all[k]->vmid) && vmids.all[k]->vmid % GENERATION == id)
            return true;
    return false;
}

static uint64_t vmid_limit(void)
{
    uint64_t have = BIT(cpu_limits.vmid_bits);

    return opts.vmids && opts.vmids + 1 < have ? opts.vmids + 1 : have;
}

/* The guests that a CPU runs this moment. */
static void keep_loaded(void)
{
    for (unsigned k = 0; k < vmids.count; k++)
        if (vmids.all[k]->loads)
            vmids.all[k]->vmid = vmids.generation * GENERATION + vmids.all[k]->vmid % GENERATION;
}

static void new_generation(void)
{
    vmids.generation++;
    vmids.next = 1;
    keep_loaded();
    dsb(ishst);
    if (!MUTANT(vmid_generation))
        tlbi_all(ALLE1IS);
    dsb(ish);
    isb();
}

static uint64_t allocate_vmid(void)
{
    for (unsigned tries = 0; tries < 2; tries++) {
        for (; vmids.next < vmid_limit(); vmids.next++)
            if (!is_taken(vmids.next))
                return vmids.generation * GENERATION + vmids.next++;
        new_generation();
    }
    panic("more guests than VMIDs");
}

uint64_t stage2_vttbr(struct stage2 *s)
{
    if (MUTANT(vmid_same))
        return (uint64_t)(uintptr_t)s->root | UINT64_C(1) << 48;
    return (uint64_t)(uintptr_t)s->root | s->vmid % GENERATION << 48;
}

uint64_t stage2_load(struct stage2 *s)
{
    uint64_t daif = lock_take(&vmids.lock);

    if (!is_current(s->vmid) || (MUTANT(vmid_two) && !s->loads))
        s->vmid = allocate_vmid();
    s->loads++;
    lock_drop(&vmids.lock, daif);
    return stage2_vttbr(s);
}

void stage2_put(struct stage2 *s)
{
    uint64_t daif = lock_take(&vmids.lock);

    s->loads--;
    lock_drop(&vmids.lock, daif);
}

void stage2_init(struct stage2 *s)
{
    *s = (struct stage2){.vmid = 0};
    choose_root(s);
    s->root = mem_alloc(table_bytes(s) * s->root_tables);
    CHECK(vmids.count < ARRAY_SIZE(vmids.all));
    vmids.all[vmids.count++] = s;
}

/* TLB maintenance is for the VMID in VTTBR_EL2, and we may be on behalf of another guest: ours for
 * the moment. */
static uint64_t borrow_vmid(struct stage2 *s)
{
    uint64_t mine = mrs(VTTBR_EL2);

    if (MUTANT(tlb_scope_vmid)) {
        msr(VTTBR_EL2, mine & MASK(47, 0));
        isb();
    } else if (mine != stage2_vttbr(s)) {
        msr(VTTBR_EL2, stage2_vttbr(s));
        isb();
    }
    return mine;
}

/* After descriptors of @size bytes at @ipa have become invalid: no CPU uses them any more, alone or
 * combined with stage 1 (DDI0487 D8.14, "TLB maintenance": IPAS2E1IS, then VMALLE1IS). */
void stage2_forget(struct stage2 *s, uint64_t ipa, uint64_t size, uint64_t step)
{
    uint64_t daif = irq_save(), mine = borrow_vmid(s);

    STAT(S2_FORGET);
    if (MUTANT(nodsb_near))
        dsb(nshst);
    else if (!MUTANT(nodsb_descriptor))
        dsb(ishst);
    if (size / step <= 64) {
        for (uint64_t at = ipa; at < ipa + size - (MUTANT(tlb_miss_last_page) ? step : 0);
             at += step)
            if (MUTANT(tlb_scope_here))
                tlbi(IPAS2E1, at >> 12);
            else
                tlbi(IPAS2E1IS, at >> 12);
        if (!MUTANT(nodsb_between))
            dsb(ish);
        if (MUTANT(tlb_scope_here))
            tlbi_all(VMALLE1);
        else if (!MUTANT(tlb_miss_combined))
            tlbi_all(VMALLE1IS);
    } else {
        tlbi_all(VMALLS12E1IS);
    }
    if (!MUTANT(nodsb_tlbi))
        dsb(ish);
    isb();
    if (mine != stage2_vttbr(s) || MUTANT(tlb_scope_vmid)) {
        msr(VTTBR_EL2, mine);
        isb();
    }
    irq_restore(daif);
}

void stage2_forget_here(struct stage2 *s, uint64_t ipa)
{
    uint64_t daif = irq_save(), mine = borrow_vmid(s);

    tlbi(IPAS2E1, ipa >> 12);
    dsb(nsh);
    tlbi_all(VMALLE1);
    dsb(nsh);
    isb();
    if (mine != stage2_vttbr(s)) {
        msr(VTTBR_EL2, mine);
        isb();
    }
    irq_restore(daif);
}

static void map_table(struct stage2 *s, uint64_t *table, unsigned level, uint64_t ipa, uint64_t pa,
                      uint64_t size, uint64_t attr, bool blocks)
{
    while (size) {
        uint64_t *entry = entry_of(s, table, level, ipa), n = part(s, level, ipa, size);
        uint64_t step = UINT64_C(1) << level_shift(s, level);

        if (*entry == 0 && n == step && is_aligned(pa, step) && may_be_leaf(s, level, blocks)) {
            __atomic_store_n(entry, leaf(level, pa, attr), __ATOMIC_RELEASE);
        } else if (level < 3) {
            if (*entry == 0) {
                uint64_t *below = mem_alloc(table_bytes(s));

                dsb(ishst); /* the walker sees an empty table before it sees the table */
                __atomic_store_n(entry, (uint64_t)(uintptr_t)below | DESC_VALID | DESC_TABLE,
                                 __ATOMIC_RELEASE);
            }
            if (is_table(*entry, level))
                map_table(s, next_table(*entry), level + 1, ipa, pa, n, attr, blocks);
        }
        ipa += n;
        pa += n;
        size -= n;
    }
}

void stage2_map(struct stage2 *s, uint64_t ipa, uint64_t pa, uint64_t size, enum stage2_kind kind,
                bool blocks)
{
    uint64_t daif = write_take(&s->lock);

    map_table(s, s->root, s->start_level, ipa, pa, size, stage2_attributes(kind), blocks);
    dsb(ishst); /* a walk after this finds it; nothing invalid is ever in a TLB */
    write_drop(&s->lock, daif);
}

static enum stage2_kind kind_of(uint64_t desc)
{
    if ((desc & DESC_NORMAL) != DESC_NORMAL)
        return S2_DEVICE;
    return desc & (DESC_WRITE | DESC_RAM) ? S2_RAM : S2_RAM_READONLY;
}

bool stage2_lookup(struct stage2 *s, uint64_t ipa, uint64_t *pa, enum stage2_kind *kind)
{
    uint64_t *table = s->root;

    if (ipa >> s->ipa_bits)
        return false;
    for (unsigned level = s->start_level;; level++) {
        uint64_t desc = __atomic_load_n(entry_of(s, table, level, ipa), __ATOMIC_ACQUIRE);
        uint64_t offset = ipa & MASK(level_shift(s, level) - 1, 0);

        if (!(desc & DESC_VALID))
            return false;
        if (!is_table(desc, level)) {
            *pa = (desc & DESC_ADDRESS & ~MASK(level_shift(s, level) - 1, 0)) | offset;
            *kind = kind_of(desc);
            return true;
        }
        table = next_table(desc);
    }
}
