#include "mmu/regime.h"

#include "arch/pa_size.h"
#include "base/bits.h"
#include "mmu/regime_bits.h"

/* Bit positions of one half's fields; TCR_EL2 without E2H has its own layout. 0xff:
 * no such field. */
struct tcr_layout {
    uint8_t txsz, epd, sh, tg, tbi, ha, hd, hpd, tbid, e0pd, ds, ps;
};

#define NONE 0xff

static const struct tcr_layout tcr_lower = {0, 7, 12, 14, 37, 39, 40, 41, 51, 55, 59, 32};
static const struct tcr_layout tcr_upper = {16, 23, 28, 30, 38, 39, 40, 42, 52, 56, 59, 32};
static const struct tcr_layout tcr_single = {0, NONE, 12, 14, 20, 21, 22, 24, 29, NONE, 32, 16};
static const struct tcr_layout vtcr_layout = {0,  NONE, 12,   14,   NONE, 21,
                                              22, NONE, NONE, NONE, 32,   16};

static bool tcr_bit(uint64_t tcr, uint8_t pos)
{
    return pos != NONE && bit(tcr, pos);
}

static unsigned min_u(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* TG0 and VTCR_EL2.TG0, or TG1: bits of the granule. A reserved value, and a granule that is not
 * implemented, mean 4K (IMPLEMENTATION DEFINED). */
static unsigned granule_bits(const struct features *f, unsigned tg, bool upper)
{
    static const uint8_t by_tg[2][4] = {{12, 16, 14, 12}, {12, 14, 12, 16}};
    unsigned n = by_tg[upper][tg];

    return n == 14 && !has_feature(f, FEAT_TGran16) ? 12 : n;
}

static unsigned oa_bits(const struct regime *rg, const struct table_cfg *t, unsigned ps)
{
    unsigned n = pa_size_bits(ps);

    if (!t->ds && t->granule_bits != 16)
        n = min_u(n, 48);
    return min_u(n, rg->pa_bits);
}

/* What both stages share: everything but the range of TxSZ and the start level. */
static void common_init(struct table_cfg *t, const struct regime *rg, uint64_t tcr,
                        const struct tcr_layout *l)
{
    const struct features *f = rg->features;
    unsigned tg = (unsigned)bits(tcr, l->tg + 1u, l->tg);

    t->granule_bits = (uint8_t)granule_bits(f, tg, l == &tcr_upper);
    t->ia_bits = (uint8_t)(64 - bits(tcr, l->txsz + 5u, l->txsz));
    t->ds = t->granule_bits != 16 && has_feature(f, FEAT_LPA2) && tcr_bit(tcr, l->ds);
    t->lpa64 = t->granule_bits == 16 && has_feature(f, FEAT_LPA);
    t->oa_bits = (uint8_t)oa_bits(rg, t, (unsigned)bits(tcr, l->ps + 2u, l->ps));
    t->sh = (uint8_t)bits(tcr, l->sh + 1u, l->sh);
    t->epd = tcr_bit(tcr, l->epd);
    t->tbi = tcr_bit(tcr, l->tbi);
    t->tbid = has_feature(f, FEAT_PAuth) && tcr_bit(tcr, l->tbid);
    t->ha = has_feature(f, FEAT_HAFDBS_AF) && tcr_bit(tcr, l->ha);
    t->hd = t->ha && has_feature(f, FEAT_HAFDBS) && tcr_bit(tcr, l->hd);
    t->hpd = has_feature(f, FEAT_HPDS) && tcr_bit(tcr, l->hpd);
    t->e0pd = has_feature(f, FEAT_E0PD) && tcr_bit(tcr, l->e0pd);
}

/* AArch64.S1TTBaseAddress() and its stage-2 twin; start_level must be set. */
static uint64_t root_table(const struct table_cfg *t, uint64_t ttbr, unsigned ps)
{
    unsigned levels = (unsigned)(3 - t->start_level);
    unsigned resolved = levels * (t->granule_bits - 3u) + t->granule_bits;
    unsigned size_log2 = t->ia_bits > resolved ? t->ia_bits - resolved + 3 : 3;
    bool wide = t->ds || (t->lpa64 && ps == 6);
    uint64_t base = ttbr & MASK(47, 1);

    if (wide) {
        base |= bits(ttbr, 5, 2) << 48;
        size_log2 = size_log2 < 6 ? 6 : size_log2;
    }
    return base & MASK(51, size_log2);
}

/* AArch64.MaxTxSZ() as a smallest input size. */
static unsigned ia_bits_min(const struct regime *rg, const struct table_cfg *t)
{
    if (!has_feature(rg->features, FEAT_TTST))
        return 64 - 39;
    return t->granule_bits == 16 ? 64 - 47 : 64 - 48;
}

static void s1_init(struct table_cfg *t, const struct regime *rg, const struct tcr_layout *l,
                    uint64_t ttbr)
{
    common_init(t, rg, rg->tcr, l);
    bool lva = t->granule_bits == 16 && has_feature(rg->features, FEAT_LVA);
    unsigned max = lva || t->ds ? 52 : 48;

    /* CU-choice: TxSZ out of range always faults, as FEAT_LVA demands of too small values. */
    t->invalid = t->ia_bits > max || t->ia_bits < ia_bits_min(rg, t);
    if (t->invalid)
        return;
    t->start_level = (int8_t)(3 - (t->ia_bits - 1 - t->granule_bits) / (t->granule_bits - 3));
    t->base = root_table(t, ttbr, (unsigned)bits(rg->tcr, l->ps + 2u, l->ps));
}

/* AArch64.S2StartLevel() and AArch64.S2InvalidSL(): 4 for a reserved start level. */
static int s2_start_level(const struct regime *rg, const struct table_cfg *t)
{
    unsigned sl0 = (unsigned)bits(rg->vtcr, 7, 6);
    bool sl2 = t->ds && bit(rg->vtcr, 33);
    bool ttst = has_feature(rg->features, FEAT_TTST);

    switch (t->granule_bits) {
    case 12:
        if (sl2)
            return sl0 == 0 && rg->pa_bits >= 52 ? -1 : 4;
        if (sl0 == 3)
            return ttst ? 3 : 4;
        return sl0 == 2 && rg->pa_bits < 44 ? 4 : 2 - (int)sl0;
    case 14:
        if (sl0 == 3)
            return t->ds && rg->pa_bits >= 52 ? 0 : 4;
        return sl0 == 2 && rg->pa_bits < 42 ? 4 : 3 - (int)sl0;
    default:
        return sl0 == 3 || (sl0 == 2 && rg->pa_bits < 44) ? 4 : 3 - (int)sl0;
    }
}

/* AArch64.S2InconsistentSL(): the root may be up to 16 concatenated tables. */
static bool s2_inconsistent(const struct table_cfg *t)
{
    unsigned stride = t->granule_bits - 3u;
    unsigned min = (unsigned)(3 - t->start_level) * stride + t->granule_bits + 1;
    unsigned max = min + stride - 1 + 4;

    return t->ia_bits < min || t->ia_bits > max;
}

static void s2_init(struct table_cfg *t, const struct regime *rg)
{
    common_init(t, rg, rg->vtcr, &vtcr_layout);
    unsigned max = t->granule_bits == 16 || t->ds ? rg->pa_bits : min_u(48, rg->pa_bits);
    int level = s2_start_level(rg, t);

    t->ee = rg->s2_ee;
    t->start_level = (int8_t)(level == 4 ? 3 : level);
    t->invalid =
        level == 4 || t->ia_bits > max || t->ia_bits < ia_bits_min(rg, t) || s2_inconsistent(t);
    if (!t->invalid)
        t->base = root_table(t, rg->vttbr & MASK(47, 0), (unsigned)bits(rg->vtcr, 18, 16));
}

uint16_t regime_vmid_of(const struct features *f, uint64_t vtcr, uint64_t vttbr)
{
    bool wide = has_feature(f, FEAT_VMID16) && bit(vtcr, 19);

    return (uint16_t)bits(vttbr, wide ? 63 : 55, 48);
}

static uint16_t asid(const struct regime *rg)
{
    uint64_t ttbr = bit(rg->tcr, 22) ? rg->ttbr1 : rg->ttbr0;

    return (uint16_t)bits(ttbr, bit(rg->tcr, 36) ? 63 : 55, 48);
}

void xlat_init(struct xlat *x, const struct regime *rg)
{
    bool guest = rg->id == REGIME_EL10;

    *x = (struct xlat){.rg = *rg, .two_ranges = regime_has_el0(rg->id)};
    x->s1_on = (rg->sctlr & SCTLR_M) && !(guest && (rg->hcr & (HCR_TGE | HCR_DC)));
    x->s2_on = guest && (rg->hcr & (HCR_VM | HCR_DC));
    x->wxn = rg->sctlr & SCTLR_WXN;
    x->epan = has_feature(rg->features, FEAT_PAN3) && (rg->sctlr & SCTLR_EPAN);
    if (x->two_ranges) {
        s1_init(&x->s1[0], rg, &tcr_lower, rg->ttbr0);
        s1_init(&x->s1[1], rg, &tcr_upper, rg->ttbr1);
        x->asid = asid(rg);
    } else {
        s1_init(&x->s1[0], rg, &tcr_single, rg->ttbr0);
    }
    x->s1[0].ee = x->s1[1].ee = rg->sctlr & SCTLR_EE;
    if (x->s2_on)
        s2_init(&x->s2, rg);
    if (guest)
        x->vmid = regime_vmid(rg);
}
