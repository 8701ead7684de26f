/* A stream's way to memory: its stream table entry, its context descriptor, and the tables of both,
 * which mmu/ walks. IHI 0070, 3.3 and 5. */
#include "base/le.h"
#include "mmu/regime_bits.h"
#include "mmu/walk.h"
#include "smmu/smmuv3_internal.h"

#define GBPA_ABORT BIT(20)

/* SMMU_STRTAB_BASE_CFG and level 1 descriptors, 5.1. */
enum { FORMAT_LINEAR, FORMAT_TWO_LEVELS };
#define TABLE_ADDRESS MASK(51, 6)

/* STE.Config, 5.2. */
enum { STE_S1 = 1, STE_S2 = 2, STE_LIVE = 4 };

static const struct dma_master master = {ARM_DMA_SMMU, 0, NULL};

/* An access on its way. */
struct request {
    struct smmuv3 *s;
    struct smmu_record record; /* of what happens to it, if something does */
    struct mmu_access access;
    uint64_t ste[SMMU_STE_WORDS], cd[SMMU_CD_WORDS];
};

bool smmu_fetch(struct smmuv3 *s, uint64_t addr, uint64_t *words, unsigned count)
{
    uint8_t le[8 * SMMU_STE_WORDS];

    CHECK(count <= SMMU_STE_WORDS);
    if (!dma_read(s->mem, master, pa(addr), le, 8 * count))
        return false;
    for (unsigned n = 0; n < count; n++)
        words[n] = le_get(le + 8 * n, 8);
    return true;
}

static bool fail(struct request *r, enum smmu_event event, uint64_t other)
{
    r->record.event = event;
    r->record.other = other;
    smmu_record(r->s, &r->record);
    return false;
}

/* ---- stream table, 3.3.1 ---- */

/* Where the entry of the stream is. */
static bool find_ste(struct request *r, uint64_t *at)
{
    const struct smmuv3 *s = r->s;
    unsigned size = (unsigned)bits(s->strtab_base_cfg, 5, 0);
    unsigned split = (unsigned)bits(s->strtab_base_cfg, 10, 6);
    uint64_t base = s->strtab_base & TABLE_ADDRESS, desc;
    uint32_t stream = r->record.stream;
    unsigned span;

    if (size > SMMU_STREAM_BITS)
        size = SMMU_STREAM_BITS;
    if (stream >> size)
        return fail(r, C_BAD_STREAMID, 0);
    if (bits(s->strtab_base_cfg, 17, 16) != FORMAT_TWO_LEVELS) {
        *at = (base & ~MASK(size + 5, 0)) + 64 * (uint64_t)stream;
        return true;
    }
    if (split != 8 && split != 10) /* 6.3.25: reserved values are as 6 */
        split = 6;
    *at = (size > split + 3 ? base & ~MASK(size - split + 2, 0) : base) +
          8 * (uint64_t)(stream >> split);
    if (!smmu_fetch(r->s, *at, &desc, 1))
        return fail(r, F_STE_FETCH, *at);
    span = (unsigned)bits(desc, 4, 0);
    if (span == 0 || span > split + 1 || zext(stream, split) >> (span - 1))
        return fail(r, C_BAD_STREAMID, 0);
    *at = (desc & TABLE_ADDRESS & ~MASK(span + 4, 0)) + 64 * zext(stream, split);
    return true;
}

static bool fetch_ste(struct request *r)
{
    uint64_t at;

    if (!find_ste(r, &at))
        return false;
    if (!smmu_fetch(r->s, at, r->ste, SMMU_STE_WORDS))
        return fail(r, F_STE_FETCH, at);
    return bit(r->ste[0], 0) || fail(r, C_BAD_STE, 0);
}

static unsigned config_of(const struct request *r)
{
    return (unsigned)bits(r->ste[0], 3, 1);
}

/* ---- what both stages are configured by, as a CPU's registers would say it ---- */

/* STE.S2xx, 5.2: below bit 19 the word is laid out like VTCR_EL2. */
static void stage2_regime(const struct request *r, struct regime *rg)
{
    uint64_t word = r->ste[2] >> 32;

    rg->hcr = HCR_VM;
    rg->vtcr = bits(word, 18, 0) | bits(word, 24, 24) << 21 | bits(word, 23, 23) << 22 | BIT(19);
    rg->vttbr = (r->ste[3] & MASK(51, 4)) | bits(r->ste[2], 15, 0) << 48;
    rg->s2_ee = bit(word, 20);
}

/* CD, 5.4. */
static void stage1_regime(const struct request *r, struct regime *rg)
{
    static const struct {
        uint8_t from, to, width;
    } fields[] = {
        {0, 0, 6},   /* T0SZ */
        {6, 14, 2},  /* TG0 */
        {12, 12, 2}, /* SH0 */
        {14, 7, 1},  /* EPD0 */
        {16, 16, 6}, /* T1SZ */
        {22, 30, 2}, /* TG1 */
        {28, 28, 2}, /* SH1 */
        {30, 23, 1}, /* EPD1 */
        {32, 32, 3}, /* IPS */
        {38, 37, 2}, /* TBI0, TBI1 */
        {43, 39, 1}, /* HA */
        {42, 40, 1}, /* HD */
    };

    rg->sctlr = SCTLR_M | SCTLR_C | (bit(r->cd[0], 36) ? SCTLR_WXN : 0) |
                (bit(r->cd[0], 15) ? SCTLR_EE : 0);
    rg->tcr = bits(r->cd[1], 1, 1) << 41 | bits(r->cd[2], 1, 1) << 42; /* HAD0, HAD1 */
    for (size_t k = 0; k < ARRAY_SIZE(fields); k++)
        rg->tcr |= zext(r->cd[0] >> fields[k].from, fields[k].width) << fields[k].to;
    rg->ttbr0 = r->cd[1] & MASK(51, 4);
    rg->ttbr1 = r->cd[2] & MASK(51, 4);
    rg->mair = r->cd[3];
}

static struct regime regime_of(const struct request *r)
{
    return (struct regime){.id = REGIME_EL10, .features = &r->s->features, .pa_bits = SMMU_PA_BITS};
}

/* AFFD: accesses are as if the flag was set, and it is not set. */
static void without_flag_faults(struct table_cfg *t, bool affd, struct mmu_access *a)
{
    if (!affd || t->ha)
        return;
    t->ha = true;
    a->look = true;
}

/* ---- translation ---- */

static const enum smmu_event event_of[] = {
    [MMU_FAULT_ADDRESS_SIZE] = F_ADDR_SIZE, [MMU_FAULT_TRANSLATION] = F_TRANSLATION,
    [MMU_FAULT_ACCESS_FLAG] = F_ACCESS,     [MMU_FAULT_PERMISSION] = F_PERMISSION,
    [MMU_FAULT_EXTERNAL] = F_WALK_EABT,     [MMU_FAULT_EXTERNAL_WALK] = F_WALK_EABT,
};

/* Differs: the record of an External abort of a walk (F_WALK_EABT) does not say where. */
static bool walk(struct request *r, const struct xlat *x, uint64_t addr, struct translation *out)
{
    struct mmu_fault fault;

    if (mmu_translate(x, r->s->mem, NULL, va(addr), &r->access, out, &fault))
        return true;
    CHECK(fault.type < ARRAY_SIZE(event_of) && event_of[fault.type]);
    r->record.stage2 = fault.stage2;
    if (fault.s1ptw)
        r->record.class = CLASS_TABLE;
    /* CD.R and STE.S2R say whether there is a record, of all but aborts. */
    if (event_of[fault.type] != F_WALK_EABT &&
        !(fault.stage2 ? bit(r->ste[2], 58) : bit(r->cd[0], 45)))
        return false;
    return fail(r, event_of[fault.type], fault.stage2 ? fault.ipa & MASK(51, 12) : 0);
}

/* The context descriptor is where stage 2, if there is one, says. */
static bool fetch_cd(struct request *r, const struct regime *stage2)
{
    uint64_t at = r->ste[0] & MASK(51, 6);
    struct request fetch = *r;
    struct translation t;
    struct xlat x;

    if (bits(r->ste[1], 31, 30) && !stage2->hcr) /* STRW: of EL2 and EL3 there is none */
        return fail(r, C_BAD_STE, 0);
    if (stage2->hcr) {
        xlat_init(&x, stage2);
        fetch.record.class = CLASS_CD;
        fetch.access = (struct mmu_access){.kind = MMU_READ, .priv = true};
        without_flag_faults(&x.s2, bit(r->ste[2], 53), &fetch.access);
        if (!walk(&fetch, &x, at, &t))
            return false;
        at = t.pa;
    }
    if (!smmu_fetch(r->s, at, r->cd, SMMU_CD_WORDS))
        return fail(r, F_CD_FETCH, at);
    return true;
}

/* 5.4.1: valid, of AArch64, aborting (SMMU_IDR0.TERM_MODEL) without a stall (STALL_MODEL), with
 * sizes and tables in range. */
static bool check_cd(struct request *r, const struct xlat *x)
{
    bool good = bit(r->cd[0], 31) && bit(r->cd[0], 41) && bit(r->cd[0], 46) && !bit(r->cd[0], 44);

    for (unsigned k = 0; k < 2; k++)
        good &= x->s1[k].epd || (!x->s1[k].invalid && !(x->s1[k].base >> SMMU_PA_BITS));
    return good || fail(r, C_BAD_CD, 0);
}

/* 5.2.2: of AArch64, without a stall, with sizes and tables in range. */
static bool check_stage2(struct request *r, const struct xlat *x)
{
    bool good = bit(r->ste[2], 51) && !bit(r->ste[2], 57) && !x->s2.invalid &&
                !(x->s2.base >> SMMU_PA_BITS);

    return good || fail(r, C_BAD_STE, 0);
}

static bool translate(struct request *r, uint64_t addr, struct translation *out)
{
    struct regime rg = regime_of(r);
    struct xlat x;

    if (config_of(r) & STE_S2) {
        stage2_regime(r, &rg);
        xlat_init(&x, &rg);
        if (!check_stage2(r, &x))
            return false;
    }
    if (config_of(r) & STE_S1) {
        if (!fetch_cd(r, &rg))
            return false;
        stage1_regime(r, &rg);
        xlat_init(&x, &rg);
        if (!check_cd(r, &x))
            return false;
        for (unsigned k = 0; k < 2; k++)
            without_flag_faults(&x.s1[k], bit(r->cd[0], 35), &r->access);
        r->access.pan = bit(r->cd[0], 40);
    }
    if (config_of(r) & STE_S2)
        without_flag_faults(&x.s2, bit(r->ste[2], 53), &r->access);
    return walk(r, &x, addr, out);
}

/* What is left as it is, or what of it lies behind the end of physical addresses. */
static bool bypass(uint64_t addr, pa_t *out)
{
    *out = pa(addr);
    return !(addr >> SMMU_PA_BITS);
}

bool smmuv3_translate(struct smmuv3 *s, uint32_t stream, uint64_t addr, bool write, pa_t *out,
                      uint64_t *bytes)
{
    struct request r = {
        .s = s, .record = {.stream = stream, .read = !write, .input = addr, .class = CLASS_INPUT}};
    struct translation t;

    if (!(s->cr0 & CR0_SMMUEN)) /* 6.3.15 */
        return !(s->gbpa & GBPA_ABORT) && bypass(addr, out);
    if (!fetch_ste(&r) || !(config_of(&r) & STE_LIVE))
        return false;
    if (config_of(&r) == STE_LIVE)
        return bypass(addr, out);
    /* STE.PRIVCFG: functions of PCI are not privileged by themselves (3.13.6). */
    r.access = (struct mmu_access){.kind = write ? MMU_WRITE : MMU_READ,
                                   .priv = bits(r.ste[1], 49, 48) == 3};
    if (!translate(&r, addr, &t))
        return false;
    if (t.page_shift < 52 && *bytes > BIT(t.page_shift) - zext(addr, t.page_shift))
        *bytes = BIT(t.page_shift) - zext(addr, t.page_shift);
    *out = pa(t.pa);
    return true;
}
