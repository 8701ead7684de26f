/*
 * Translation with any registers over tables that are any bytes. What a translation gives is inside
 * the physical address size, and nothing it does gets the caches out of shape.
 */
#include "mmu/regime_bits.h"
#include "mmu/tlb.h"
#include "mmu/walk.h"
#include "tests/fuzz/input.h"

#define RAM      UINT64_C(0x40000000)
#define RAM_SIZE UINT64_C(0x40000)

static uint64_t root(struct choices *in)
{
    return below(in, 8) ? RAM + (take(in, 1) << 12) % RAM_SIZE : value(in);
}

/* Size fields that make sense more often than not. */
static uint64_t control(struct choices *in)
{
    uint64_t v = take(in, 8);

    return below(in, 4) ? (v & ~UINT64_C(0x3f003f)) | (16 + below(in, 33)) |
                              (uint64_t)(16 + below(in, 33)) << 16
                        : v;
}

/* What does not change while a CPU runs, and what its caches may rely on. FEAT_LPA2 comes with 52
 * bits of address: its largest blocks hold more than a smaller space has. */
struct cpu_limits {
    struct features features;
    uint8_t pa_bits;
};

static void limits(struct choices *in, struct cpu_limits *l)
{
    static const uint8_t sizes[] = {32, 36, 40, 42, 44, 48, 52};

    for (enum feature n = 0; n < FEAT_COUNT; n++)
        set_feature(&l->features, n, n != FEAT_NEVER);
    for (unsigned n = below(in, 4); n > 0; n--)
        feature_switch(&l->features, below(in, FEAT_COUNT), false);
    l->pa_bits = has_feature(&l->features, FEAT_LPA2) ? 52 : sizes[below(in, ARRAY_SIZE(sizes))];
}

static void regime(struct choices *in, const struct cpu_limits *l, struct regime *rg)
{
    *rg = (struct regime){
        .id = below(in, REGIME_COUNT), .features = &l->features, .pa_bits = l->pa_bits};
    rg->sctlr = below(in, 8) ? take(in, 8) | SCTLR_M : take(in, 8);
    rg->tcr = control(in);
    rg->ttbr0 = root(in);
    rg->ttbr1 = root(in);
    rg->mair = take(in, 8);
    rg->hcr = rg->id == REGIME_EL10 ? take(in, 8) : 0;
    rg->vtcr = control(in);
    rg->vttbr = root(in);
    rg->s2_ee = below(in, 8) == 1;
}

/* Descriptors: a few random ones, most of them pointing into the RAM, repeated all over it. */
static void fill(struct choices *in, struct physmem *mem)
{
    uint8_t *ram = physmem_ram_changing(mem, pa(RAM), RAM_SIZE);
    uint64_t desc[16];

    for (unsigned i = 0; i < ARRAY_SIZE(desc); i++) {
        desc[i] = take(in, 8);
        if (i % 4)
            desc[i] = (desc[i] & 0xfff0000000000fff) | RAM | (desc[i] >> 12 << 12) % RAM_SIZE;
    }
    for (unsigned i = 0; i < RAM_SIZE / 8; i++)
        le_put(ram + 8 * i, 8, desc[(i + i / 512) % ARRAY_SIZE(desc)]);
}

static struct mmu_access access_of(struct choices *in)
{
    unsigned how = (unsigned)take(in, 1);

    return (struct mmu_access){.kind = how % 3,
                               .priv = how & 4,
                               .pan = how & 8,
                               .unaligned = how & 16,
                               .at = (how & 0xe0) == 0x20,
                               .any = (how & 0xe0) == 0x40,
                               .stage1_only = (how & 0xe0) == 0x60};
}

static void check_result(const struct xlat *x, const struct translation *t)
{
    CHECK(t->pa >> x->rg.pa_bits == 0);
    CHECK(t->page_shift <= 64);
}

/* Without and with caches; the tables change under the caches as the access needs it. */
static void translate(struct choices *in, const struct xlat *x, struct physmem *mem,
                      struct tlb *tlb)
{
    const struct mmu_access a = access_of(in);
    const va_t where =
        va(below(in, 4) ? take(in, 5) | (below(in, 2) ? UINT64_MAX << 48 : 0) : value(in));
    struct translation plain, cached;
    struct mmu_fault flt = {0};

    if (mmu_translate(x, mem, NULL, where, &a, &plain, &flt))
        check_result(x, &plain);
    else
        CHECK(mmu_fault_fsc(&flt) < 64 && mmu_fault_name(flt.type));
    if (mmu_translate(x, mem, tlb, where, &a, &cached, &flt)) {
        check_result(x, &cached);
        if (!a.at && !a.any)
            tlb_insert(tlb, x, xlat_canonical(x, where.a, a.kind == MMU_EXEC), &cached);
    }
    (void)tlb_lookup(tlb, x, xlat_canonical(x, where.a, a.kind == MMU_EXEC), &a, &cached);
}

static void invalidate(struct choices *in, struct tlb *tlb)
{
    struct tlbi op = {.scope = below(in, TLBI_IPA + 1),
                      .regime = below(in, REGIME_COUNT),
                      .vmid = (uint16_t)below(in, 2),
                      .asid = (uint16_t)below(in, 2),
                      .last_level = below(in, 2),
                      .stage2 = below(in, 2),
                      .start = value(in)};

    op.end = op.start + 1 + take(in, 4);
    if (op.end < op.start)
        op.end = 0;
    tlb_invalidate(tlb, &op);
}

static void new_regime(struct choices *in, const struct cpu_limits *l, struct xlat *x,
                       struct tlb *tlb)
{
    struct regime rg;

    regime(in, l, &rg);
    xlat_init(x, &rg);
    tlb_config(tlb, x, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct choices in = {data, size};
    struct physmem mem = {0};
    struct tlb *tlb = tlb_create(false);
    struct cpu_limits cpu = {0};
    struct xlat x;

    if (!tlb || physmem_add_ram(&mem, pa(RAM), RAM_SIZE, NULL) != 0)
        abort();
    fill(&in, &mem);
    limits(&in, &cpu);
    new_regime(&in, &cpu, &x, tlb);
    while (in.left > 0) {
        switch (below(&in, 16)) {
        case 0:
            new_regime(&in, &cpu, &x, tlb);
            break;
        case 1:
            invalidate(&in, tlb);
            break;
        default:
            translate(&in, &x, &mem, tlb);
            break;
        }
    }
    tlb_destroy(tlb);
    physmem_destroy(&mem);
    return 0;
}
