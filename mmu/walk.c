#include "mmu/walk.h"

#include <string.h>

#include "base/bits.h"
#include "base/ram_access.h"
#include "mmu/attr.h"
#include "mmu/regime_bits.h"
#include "mmu/tlb.h"

/* Descriptor bits (DDI0487 D8.3). */
#define DESC_VALID BIT(0)
#define DESC_TABLE BIT(1)
#define DESC_NS    BIT(5) /* stage 1 of Secure state: Non-secure output */
#define DESC_AP1   BIT(6) /* stage 1: EL0 access; stage 2: S2AP<0>, readable */
#define DESC_AP2   BIT(7) /* stage 1: read-only; stage 2: S2AP<1>, writable */
#define DESC_AF    BIT(10)
#define DESC_NG    BIT(11)
#define DESC_GP    BIT(50)
#define DESC_DBM   BIT(51)
#define DESC_PXN   BIT(53)
#define DESC_UXN   BIT(54) /* XN in a regime of one privilege level, and at stage 2 */
#define TABLE_PXN  BIT(59)
#define TABLE_UXN  BIT(60)
#define TABLE_AP0  BIT(61)
#define TABLE_AP1  BIT(62)
#define TABLE_NS   BIT(63) /* of Secure state: tables and output below are Non-secure */

#define PERMS_R (PERM_PR | PERM_UR)
#define PERMS_W (PERM_PW | PERM_UW)

struct walker {
    const struct xlat *x;
    struct physmem *mem;
    struct tlb *tlb;
    const struct mmu_access *a;
    struct mmu_fault *flt;
    bool again; /* what it has read is not there any more */
};

/* Where a walk ended. */
struct leaf {
    uint64_t ia; /* what is translated */
    bool walk;   /* stage 2: of a stage-1 descriptor */
    uint64_t desc;
    uint64_t base;     /* output address of the page or block */
    uint64_t addr, pa; /* of the descriptor: in the stage's output space and physical */
    int level;
    uint8_t shift;  /* page or block size */
    uint8_t tables; /* stage 1: TABLE_xx bits collected, shifted down by 59 */
};

struct stage1 {
    uint64_t ipa;
    uint8_t shift, perms, attr, sh;
    bool ng, guarded, ns;
};

struct stage2 {
    uint64_t pa;
    uint8_t shift, perms, memattr, sh;
    int8_t level;
};

/* Is the table that @l is in, and so what it leads to, in the Non-secure address space? */
static bool walks_nonsecure(const struct walker *w, const struct leaf *l)
{
    return !regime_is_secure(w->x->rg.id) || (l->tables & (TABLE_NS >> 59));
}

static bool s2_translate(struct walker *w, uint64_t ipa, const struct mmu_access *a, bool walk,
                         struct stage2 *out);

static bool fault(struct walker *w, enum mmu_fault_type type, int level)
{
    w->flt->type = type;
    w->flt->level = (int8_t)level;
    return false;
}

/* A fault of stage 2 while translating @ipa. */
static bool fault2(struct walker *w, enum mmu_fault_type type, int level, uint64_t ipa, bool walk)
{
    w->flt->stage2 = true;
    w->flt->s1ptw = walk;
    w->flt->ipa = ipa;
    return fault(w, type, level);
}

static __attribute__((noinline)) void tell(const struct walker *w, const struct table_cfg *t,
                                           const struct leaf *l, uint64_t after)
{
    const struct mmu_watcher *to = w->a->watcher;

    if (!to->step)
        return;
    to->step(to->ctx, w->x,
             &(struct mmu_step){.stage2 = t == &w->x->s2,
                                .walk = l->walk,
                                .level = (int8_t)l->level,
                                .ia = l->ia,
                                .ipa = l->addr,
                                .pa = l->pa,
                                .before = l->desc,
                                .after = after});
}

/* A descriptor that somebody reads along, or makes another one of. */
static __attribute__((noinline)) void
take_watched(const struct walker *w, const struct table_cfg *t, struct leaf *l, uint64_t desc)
{
    const struct mmu_watcher *by = w->a->watcher;

    if (by->read && !t->ha)
        desc = by->read(by->ctx, l->pa, desc);
    l->desc = t->ee ? __builtin_bswap64(desc) : desc;
    tell(w, t, l, l->desc);
}

/* l->pa of a stage-1 descriptor, which the stage-2 TLB nearly always has. */
static inline bool find_desc(struct walker *w, struct leaf *l)
{
    static const struct mmu_access read = {.kind = MMU_READ, .priv = true};
    const struct tlb_s2_entry *e = w->tlb ? tlb_s2_lookup(w->tlb, w->x, l->addr) : NULL;
    struct stage2 s2;

    if (likely(e && mmu_permits(e->perms, &read) && !(w->x->rg.hcr & HCR_PTW))) {
        l->pa = e->pa | (l->addr & PAGE_MASK);
        return true;
    }
    if (!s2_translate(w, l->addr, &read, true, &s2))
        return false;
    l->pa = s2.pa;
    return true;
}

/* FetchDescriptor(): the stage-2 walk reads physical addresses, stage 1 what stage 2
 * makes of them. */
static bool read_desc(struct walker *w, const struct table_cfg *t, struct leaf *l)
{
    uint64_t desc;

    l->pa = l->addr;
    if (t != &w->x->s2 && w->x->s2_on && !find_desc(w, l))
        return false;
    const uint8_t *host = physmem_ram(w->mem, pa(l->pa), 8);
    if (!host || (walks_nonsecure(w, l) && physmem_is_secure(w->mem, pa(l->pa))))
        return fault(w, MMU_FAULT_EXTERNAL_WALK, l->level);
    ram_load(&desc, host, 8);
    if (unlikely(w->a->watcher)) {
        take_watched(w, t, l, desc);
        return true;
    }
    l->desc = t->ee ? __builtin_bswap64(desc) : desc;
    return true;
}

/* AArch64.BlockDescSupported(). */
static bool block_supported(const struct walker *w, const struct table_cfg *t, int level)
{
    switch (t->granule_bits) {
    case 12:
        return level == 1 || level == 2 || (level == 0 && t->ds);
    case 14:
        return level == 2 || (level == 1 && t->ds);
    default:
        return level == 2 || (level == 1 && w->x->rg.pa_bits >= 52);
    }
}

/* AArch64.LeafBase() and AArch64.NextTableBase(): the address field, aligned to 2^shift bytes. */
static uint64_t desc_base(const struct table_cfg *t, uint64_t desc, unsigned shift)
{
    uint64_t base = desc & MASK(47, shift);

    if (t->lpa64)
        base |= bits(desc, 15, 12) << 48;
    else if (t->ds)
        base |= bits(desc, 49, 48) << 48 | bits(desc, 9, 8) << 50;
    return base;
}

static bool oa_out_of_range(const struct table_cfg *t, uint64_t address)
{
    return t->oa_bits < 52 && address >> t->oa_bits;
}

/* Does @t belong to stage 2: then faults are those of translating @ia. */
static bool walk_fault(struct walker *w, const struct table_cfg *t, enum mmu_fault_type type,
                       int level, uint64_t ia, bool walk)
{
    if (t == &w->x->s2)
        return fault2(w, type, level, ia, walk);
    return fault(w, type, level);
}

/* log2 of what an entry of a table of @level translates. */
static inline unsigned level_shift(const struct table_cfg *t, int level)
{
    return (unsigned)(3 - level) * (t->granule_bits - 3u) + t->granule_bits;
}

/* AArch64.S1Walk() and AArch64.S2Walk(): from the root, or from a table known, to the leaf. @walk:
 * a stage-2 walk for a stage-1 table. The Contiguous bit is a hint that is not taken, whatever it
 * says (CU-choice: no fault for a misprogrammed one). */
static bool descend(struct walker *w, const struct table_cfg *t, uint64_t ia, bool walk,
                    struct leaf *l)
{
    const bool stage1 = t != &w->x->s2, use_cache = stage1 && w->tlb;
    const unsigned stride = t->granule_bits - 3u;
    uint64_t table = t->base, index_mask;
    unsigned lsb;

    l->ia = ia;
    l->walk = walk;
    l->level = t->start_level;
    l->tables = 0;
    l->desc = 0; /* none, with a fault */
    if (use_cache && tlb_walk_lookup(w->tlb, w->x, t, ia, &table, &l->level, &l->tables)) {
        lsb = level_shift(t, l->level);
        index_mask = MASK(stride - 1, 0);
    } else {
        if (oa_out_of_range(t, table))
            return walk_fault(w, t, MMU_FAULT_ADDRESS_SIZE, 0, ia, walk);
        lsb = level_shift(t, l->level);
        index_mask = MASK(t->ia_bits - 1u - lsb, 0);
    }
    for (;; l->level++, lsb -= stride, index_mask = MASK(stride - 1, 0)) {
        l->shift = (uint8_t)lsb;
        l->addr = table | (ia >> lsb & index_mask) << 3;
        if (!read_desc(w, t, l)) {
            if (!stage1) /* External abort on a stage-2 table */
                fault2(w, w->flt->type, l->level, ia, walk);
            return false;
        }
        const uint64_t desc = l->desc;
        const int level = l->level;
        bool is_table = level < 3 && (desc & DESC_TABLE);
        if (!(desc & DESC_VALID) || (level == 3 && !(desc & DESC_TABLE)) ||
            (!is_table && level < 3 && !block_supported(w, t, level)))
            return walk_fault(w, t, MMU_FAULT_TRANSLATION, level, ia, walk);
        table = desc_base(t, desc, is_table ? t->granule_bits : lsb);
        if (oa_out_of_range(t, table))
            return walk_fault(w, t, MMU_FAULT_ADDRESS_SIZE, level, ia, walk);
        if (!is_table)
            break;
        if (stage1)
            l->tables |= (uint8_t)(t->hpd ? (uint64_t)bit(desc, 63) << 4 : desc >> 59);
        if (use_cache && level >= 1)
            tlb_walk_insert(w->tlb, w->x, t, ia, table, level + 1, l->tables);
    }
    l->base = table;
    if (!(l->desc & DESC_AF) && !t->ha)
        return walk_fault(w, t, MMU_FAULT_ACCESS_FLAG, l->level, ia, walk);
    return true;
}

/* AArch64.MemSwapTableDesc(). If another CPU has written the descriptor since it was read, the walk
 * is done again. */
static bool update_desc(struct walker *w, const struct table_cfg *t, struct leaf *l, uint64_t desc)
{
    static const struct mmu_access write = {.kind = MMU_WRITE, .priv = true};

    if (t != &w->x->s2 && w->x->s2_on) {
        struct stage2 s2;
        if (!s2_translate(w, l->addr, &write, true, &s2))
            return false;
    }
    struct ram_bank *bank = physmem_bank(w->mem, pa(l->pa));
    uint64_t raw = t->ee ? __builtin_bswap64(desc) : desc;
    uint64_t old = t->ee ? __builtin_bswap64(l->desc) : l->desc;
    if (!bank || bank->readonly || (bank->secure && walks_nonsecure(w, l)))
        return fault(w, MMU_FAULT_EXTERNAL_WALK, l->level);
    if (!physmem_swap64(w->mem, pa(l->pa), &old, &raw)) {
        w->again = true;
        return false;
    }
    if (unlikely(w->a->watcher))
        tell(w, t, l, desc);
    l->desc = desc;
    return true;
}

/* AArch64.S1DirectBasePermissions() etc. for a regime with EL0. */
static uint8_t s1_perms_two(const struct xlat *x, uint64_t desc, unsigned tables)
{
    bool ro = (desc & DESC_AP2) || (tables & (TABLE_AP1 >> 59));
    bool user = (desc & DESC_AP1) && !(tables & (TABLE_AP0 >> 59));
    bool pxn = (desc & DESC_PXN) || (tables & (TABLE_PXN >> 59));
    bool uxn = (desc & DESC_UXN) || (tables & (TABLE_UXN >> 59));
    unsigned p = PERM_PR;

    if (!ro)
        p |= PERM_PW;
    if (user)
        p |= ro ? PERM_UR : PERM_UR | PERM_UW;
    if (!pxn && !(p & PERM_UW) && !(x->wxn && (p & PERM_PW)))
        p |= PERM_PX;
    if (!uxn && !(x->wxn && (p & PERM_UW)))
        p |= PERM_UX;
    if ((p & PERM_UR) || (x->epan && (p & PERM_UX)))
        p |= PERM_PAN;
    return (uint8_t)p;
}

/* ... for EL2 alone. */
static uint8_t s1_perms_one(const struct xlat *x, uint64_t desc, unsigned tables)
{
    bool ro = (desc & DESC_AP2) || (tables & (TABLE_AP1 >> 59));
    bool xn = (desc & DESC_UXN) || (tables & (TABLE_UXN >> 59));

    return (uint8_t)(PERM_PR | (ro ? 0 : PERM_PW) | (xn || (x->wxn && !ro) ? 0 : PERM_PX));
}

/* Stage-1 attributes as data accesses see them, also when this is a fetch: TLB entries serve both,
 * and fetches do not care (CU-choice: Device memory that is not execute-never can be executed). */
static uint8_t s1_attr(const struct walker *w, uint64_t desc)
{
    uint8_t attr = attr_normalize((uint8_t)(w->x->rg.mair >> (bits(desc, 4, 2) * 8)));

    return !attr_is_device(attr) && !(w->x->rg.sctlr & SCTLR_C) ? ATTR_NORMAL_NC : attr;
}

/* AddrTop() to the input size: is va neither all zeros nor, in the upper half, all ones there? */
static bool va_out_of_range(const struct xlat *x, const struct table_cfg *t, uint64_t va,
                            bool ifetch)
{
    bool tbi = t->tbi && !(ifetch && t->tbid);
    uint64_t mask = MASK(tbi ? 55 : 63, t->ia_bits);
    bool upper = x->two_ranges && bit(va, 55);

    return (va & mask) != (upper ? mask : 0);
}

/* The leaf's permissions, and the updates of AF and dirty state the access asks for. */
static bool s1_finish(struct walker *w, const struct table_cfg *t, struct leaf *l,
                      struct stage1 *out)
{
    bool clean = t->hd && (l->desc & (DESC_DBM | DESC_AP2)) == (DESC_DBM | DESC_AP2);
    bool make_dirty = clean && w->a->kind == MMU_WRITE && !w->a->at && !w->a->look;
    uint64_t writable = clean ? l->desc & ~DESC_AP2 : l->desc;
    uint64_t update = make_dirty ? writable : l->desc;

    out->perms = w->x->two_ranges ? s1_perms_two(w->x, writable, l->tables)
                                  : s1_perms_one(w->x, writable, l->tables);
    if (!mmu_permits(out->perms, w->a))
        return fault(w, MMU_FAULT_PERMISSION, l->level);
    if (t->ha)
        update |= DESC_AF;
    if (update != l->desc && !w->a->look && !update_desc(w, t, l, update))
        return false;
    if (clean && !make_dirty && !w->a->look)
        out->perms &= (uint8_t)~PERMS_W;
    if (t->e0pd) /* EL0 must not find it in a TLB */
        out->perms &= (uint8_t) ~(PERM_UR | PERM_UW | PERM_UX);
    return true;
}

/* AArch64.S1Translate() with the MMU on. */
static bool s1_translate(struct walker *w, uint64_t va, struct stage1 *out)
{
    const struct xlat *x = w->x;
    const struct table_cfg *t = &x->s1[x->two_ranges && bit(va, 55)];
    struct leaf l;

    if (t->invalid || va_out_of_range(x, t, va, w->a->kind == MMU_EXEC) || t->epd ||
        (t->e0pd && !w->a->priv))
        return fault(w, MMU_FAULT_TRANSLATION, 0);
    if (!descend(w, t, va, false, &l))
        return false;
    out->ipa = l.base | zext(va, l.shift);
    out->shift = l.shift;
    out->attr = s1_attr(w, l.desc);
    out->sh = t->ds ? t->sh : (uint8_t)bits(l.desc, 9, 8);
    out->ng = x->two_ranges && (l.desc & DESC_NG);
    out->guarded = has_feature(x->rg.features, FEAT_BTI) && (l.desc & DESC_GP);
    out->ns = walks_nonsecure(w, &l) || (l.desc & DESC_NS);
    if (w->a->unaligned && attr_is_device(out->attr))
        return fault(w, MMU_FAULT_ALIGNMENT, l.level);
    return s1_finish(w, t, &l, out);
}

/* AArch64.S1DisabledOutput(). */
static bool s1_disabled(struct walker *w, uint64_t va, struct stage1 *out)
{
    const struct xlat *x = w->x;
    const struct table_cfg *t = &x->s1[x->two_ranges && bit(va, 55)];
    bool ifetch = w->a->kind == MMU_EXEC;
    bool tbi = t->tbi && !(ifetch && t->tbid);
    bool dc = x->rg.id == REGIME_EL10 && (x->rg.hcr & HCR_DC);

    if (va & MASK(tbi ? 55 : 63, x->rg.pa_bits))
        return fault(w, MMU_FAULT_ADDRESS_SIZE, 0);
    *out = (struct stage1){
        .ipa = zext(va, 52),
        .shift = 63,
        .perms = PERMS_R | PERMS_W | PERM_PX | PERM_UX,
        .ns = !regime_is_secure(x->rg.id),
    };
    out->attr = dc ? ATTR_NORMAL_WB : ATTR_DEVICE_nGnRnE;
    out->sh = dc ? 0 : 2;
    if (w->a->unaligned && attr_is_device(out->attr))
        return fault(w, MMU_FAULT_ALIGNMENT, 0);
    return true;
}

/* S2AP and XN<1:0>; without FEAT_XNX XN<0> is not looked at. */
static uint8_t s2_perms(const struct xlat *x, uint64_t desc)
{
    static const uint8_t exec[4] = {PERM_PX | PERM_UX, PERM_UX, 0, PERM_PX};
    unsigned xn = (unsigned)bits(desc, 54, 53);
    uint8_t p = 0;

    if (!has_feature(x->rg.features, FEAT_XNX))
        xn &= 2;
    if (desc & DESC_AP1)
        p |= PERMS_R;
    if (desc & DESC_AP2)
        p |= PERMS_W;
    return p | exec[xn];
}

static struct s2_attr s2_attrs(const struct xlat *x, const struct stage2 *s2)
{
    return (struct s2_attr){
        .memattr = s2->memattr,
        .sh = s2->sh,
        .fwb = has_feature(x->rg.features, FEAT_S2FWB) && (x->rg.hcr & HCR_FWB),
        .nc = x->rg.hcr & HCR_CD,
    };
}

/* Does stage 2 let @a through? @walk: a stage-1 table walk, which HCR_EL2.PTW keeps off Device
 * memory. */
static bool s2_check(struct walker *w, const struct stage2 *s2, const struct mmu_access *a,
                     bool walk, uint64_t ipa)
{
    bool by_table = walk && (w->x->rg.hcr & HCR_PTW);

    if (unlikely(a->unaligned || by_table)) {
        struct s2_attr attr = s2_attrs(w->x, s2);
        bool device = s2_attr_is_device(&attr);
        if (a->unaligned && device)
            return fault2(w, MMU_FAULT_ALIGNMENT, s2->level, ipa, walk);
        if (by_table && device)
            return fault2(w, MMU_FAULT_PERMISSION, s2->level, ipa, walk);
    }
    if (!mmu_permits(s2->perms, a))
        return fault2(w, MMU_FAULT_PERMISSION, s2->level, ipa, walk);
    return true;
}

/* The walk of stage 2, from the VTTBR_EL2 tables. */
static bool s2_walk(struct walker *w, uint64_t ipa, const struct mmu_access *a, bool walk,
                    struct stage2 *out)
{
    const struct table_cfg *t = &w->x->s2;
    struct leaf l;

    if (t->invalid || ipa >> t->ia_bits)
        return fault2(w, MMU_FAULT_TRANSLATION, 0, ipa, walk);
    if (!descend(w, t, ipa, walk, &l))
        return false;
    bool clean = t->hd && (l.desc & (DESC_DBM | DESC_AP2)) == DESC_DBM;
    bool make_dirty = clean && a->kind == MMU_WRITE && !a->at && !w->a->look;
    uint64_t writable = clean ? l.desc | DESC_AP2 : l.desc;
    uint64_t update = (make_dirty ? writable : l.desc) | (t->ha ? DESC_AF : 0);

    *out = (struct stage2){
        .pa = l.base | zext(ipa, l.shift),
        .shift = l.shift,
        .perms = s2_perms(w->x, writable),
        .memattr = (uint8_t)bits(l.desc, 5, 2),
        .sh = t->ds ? t->sh : (uint8_t)bits(l.desc, 9, 8),
        .level = (int8_t)l.level,
    };
    if (!s2_check(w, out, a, walk, ipa))
        return false;
    if (update != l.desc && !w->a->look && !update_desc(w, t, &l, update))
        return fault2(w, w->flt->type, l.level, ipa, walk);
    if (clean && !make_dirty && !w->a->look)
        out->perms &= (uint8_t)~PERMS_W;
    return true;
}

/* AArch64.S2Translate(), by the stage-2 TLB if it can. */
static bool s2_translate(struct walker *w, uint64_t ipa, const struct mmu_access *a, bool walk,
                         struct stage2 *out)
{
    const struct tlb_s2_entry *e = w->tlb ? tlb_s2_lookup(w->tlb, w->x, ipa) : NULL;

    if (e && mmu_permits(e->perms, a)) {
        *out = (struct stage2){.pa = e->pa | (ipa & PAGE_MASK),
                               .shift = e->shift,
                               .perms = e->perms,
                               .memattr = e->memattr,
                               .sh = e->sh,
                               .level = e->level};
        return s2_check(w, out, a, walk, ipa);
    }
    if (!s2_walk(w, ipa, a, walk, out))
        return false;
    if (w->tlb && !a->at)
        tlb_s2_insert(w->tlb, w->x,
                      &(struct tlb_s2_entry){.ipa = ipa & ~PAGE_MASK,
                                             .pa = out->pa & ~PAGE_MASK,
                                             .shift = out->shift,
                                             .perms = out->perms,
                                             .memattr = out->memattr,
                                             .sh = out->sh,
                                             .level = out->level});
    return true;
}

/* AArch64.FullTranslate() */
static bool translate(struct walker *w, va_t va, struct translation *out)
{
    const struct xlat *x = w->x;
    const struct mmu_access *a = w->a;
    struct stage1 s1 = {0};

    *w->flt = (struct mmu_fault){.write = a->kind == MMU_WRITE};
    if (!(x->s1_on ? s1_translate(w, va.a, &s1) : s1_disabled(w, va.a, &s1)))
        return false;
    *out = (struct translation){
        .pa = s1.ipa,
        .page_shift = s1.shift,
        .s1_shift = s1.shift,
        .s2_shift = 63,
        .perms = s1.perms,
        .attr = s1.attr,
        .sh = attr_effective_sh(s1.attr, s1.sh),
        .guarded = s1.guarded,
        .ng = s1.ng,
        .ns = s1.ns,
    };
    if (!x->s2_on || a->stage1_only)
        return true;
    struct stage2 s2;
    if (!s2_translate(w, s1.ipa, a, false, &s2))
        return false;
    struct s2_attr attr = s2_attrs(x, &s2);
    out->pa = s2.pa;
    out->s2_shift = s2.shift;
    if (s2.shift < out->page_shift)
        out->page_shift = s2.shift;
    out->perms &= s2.perms | PERM_PAN;
    /* IMPLEMENTATION DEFINED: stage 2 combines with the descriptor's shareability, not with what
     * stage 1's memory type makes of it. */
    out->sh = s1.sh;
    out->attr = attr_combine(s1.attr, &out->sh, &attr);
    return true;
}

bool mmu_translate(const struct xlat *x, struct physmem *mem, struct tlb *tlb, va_t va,
                   const struct mmu_access *a, struct translation *out, struct mmu_fault *flt)
{
    struct walker w = {.x = x, .mem = mem, .tlb = tlb, .a = a, .flt = flt};
    bool translated;

    do {
        w.again = false;
        translated = translate(&w, va, out);
    } while (unlikely(!translated && w.again));
    return translated;
}
