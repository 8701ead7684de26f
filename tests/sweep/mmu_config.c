/* A random configuration of the MMU: controls of both stages, and what goes with them. */
#include "mmu_sweep.h"

struct config config;

static unsigned random_granule(void)
{
    return flags & P_N1 ? 12 + 2 * (unsigned)below(3) : 12 + 4 * (unsigned)below(2);
}

static void random_walk(struct walk *w, bool safe)
{
    w->granule = random_granule();
    w->ds = w->granule != 16 && (flags & P_MAX) && percent(35);
    w->lpa64 = w->granule == 16 && (flags & P_MAX);
    unsigned min = (w->granule == 16 && (flags & P_MAX)) || w->ds ? 12 : 16;
    unsigned max = safe ? 33 : !(flags & P_MAX) ? 39 : w->granule == 16 ? 47 : 48;
    w->ia_bits = 64 - (min + (unsigned)below(max - min + 1));
    w->start = 3 - (int)((w->ia_bits - 1 - w->granule) / (w->granule - 3));
}

static uint64_t tg0(const struct walk *w)
{
    return w->granule == 12 ? 0 : w->granule == 14 ? 2 : 1;
}

static uint64_t tg1(const struct walk *w)
{
    return w->granule == 12 ? 2 : w->granule == 14 ? 1 : 3;
}

static unsigned random_ps(void)
{
    if (percent(60))
        return flags & P_MAX ? 5 + (unsigned)below(2) : 5;
    return (unsigned)below(flags & P_MAX ? 7 : 6);
}

static uint64_t random_mair(void)
{
    static const uint8_t attr[] = {0xff, 0x44, 0x00, 0x04, 0x08, 0x0c, 0xbb, 0xaa,
                                   0xee, 0x4f, 0xf4, 0x77, 0x33, 0xff, 0x44, 0xdd};
    uint64_t mair = 0;

    for (unsigned k = 0; k < 8; k++)
        mair |= (uint64_t)attr[below(16)] << (8 * k);
    return (mair & ~UINT64_C(0xff)) | 0xff;
}

static uint64_t bit_if(unsigned chance, unsigned position)
{
    return percent(chance) ? BIT(position) : 0;
}

/* TCR_EL1, and TCR_EL2 with E2H. */
static uint64_t tcr_two(void)
{
    const struct walk *lo = &config.half[0], *hi = &config.half[1];
    uint64_t tcr = (64 - lo->ia_bits) | (64 - (uint64_t)hi->ia_bits) << 16 | tg0(lo) << 14 |
                   tg1(hi) << 30 | (uint64_t)lo->ps << 32 | random_sh() << 12 | random_sh() << 28;

    tcr |= below(16) << 8 | below(16) << 24 | bit_if(50, 22) | bit_if(50, 36) | bit_if(40, 37) |
           bit_if(40, 38) | bit_if(8, 23) | (config.safe ? 0 : bit_if(8, 7));
    if (flags & P_N1)
        tcr |= bit_if(30, 41) | bit_if(30, 42);
    if (flags & P_MAX)
        tcr |= bit_if(30, 51) | bit_if(30, 52);
    if (flags & P_HAFDBS)
        tcr |= bit_if(40, 39) | bit_if(40, 40);
    if (flags & P_E0PD)
        tcr |= bit_if(15, 55) | bit_if(15, 56);
    return tcr | (lo->ds ? BIT(59) : 0);
}

/* TCR_EL2 without E2H. */
static uint64_t tcr_one(void)
{
    const struct walk *lo = &config.half[0];
    uint64_t tcr = (64 - lo->ia_bits) | tg0(lo) << 14 | (uint64_t)lo->ps << 16 | random_sh() << 12 |
                   BIT(31) | BIT(23) | bit_if(40, 20);

    if (flags & P_N1)
        tcr |= bit_if(30, 24);
    if (flags & P_MAX)
        tcr |= bit_if(30, 29);
    if (flags & P_HAFDBS)
        tcr |= bit_if(40, 21) | bit_if(40, 22);
    return tcr | (lo->ds ? BIT(32) : 0);
}

static void setup_stage1(void)
{
    bool two = config.regime != EL2;

    random_walk(&config.half[0], config.safe);
    do
        random_walk(&config.half[1], false);
    while (two && config.half[0].ds != config.half[1].ds && config.half[0].granule != 16 &&
           config.half[1].granule != 16);
    if (two && (config.half[0].ds || config.half[1].ds)) {
        /* One DS bit for both: the one without it must not care. */
        for (unsigned k = 0; k < 2; k++)
            if (!config.half[k].ds && config.half[k].granule != 16)
                config.half[k] = config.half[1 - k];
        if (config.half[0].ia_bits < 31 && config.safe)
            config.half[0] = config.half[1];
    }
    config.sctlr = UINT64_C(0x30d00800) | 1 | BIT(2) | BIT(12) | BIT(14) | BIT(26) | BIT(23) |
                   bit_if(15, 19) | bit_if(10, 1) | bit_if(12, 25);
    if (flags & P_MAX)
        config.sctlr |= bit_if(30, 35) | bit_if(30, 36);
    if (flags & P_PAN3)
        config.sctlr |= bit_if(40, 57);
    config.mair = random_mair();
    config.half[0].ps = config.half[1].ps = random_ps();
    for (unsigned k = 0; k < 2; k++) {
        config.half[k].ee = config.sctlr & BIT(25);
        config.half[k].single = !two;
        config.half[k].root = S1_FIXED + k * TABLE;
        config.ttbr[k] = config.half[k].root | below(256) << 48;
    }
    config.tcr = two ? tcr_two() : tcr_one();
    if (two && config.half[1].ds)
        config.tcr |= BIT(59);
    tables_start(false, S1_FIXED + 2 * TABLE);
    if (config.half[0].ia_bits >= 31)
        tables_map_fixed(&config.half[0], CODE, CODE + TABLE);
}

/* SL0 for a start level, or 4. */
static unsigned sl0_of(const struct walk *w)
{
    if (w->granule == 12)
        return w->start == -1 ? 0 : w->start == 3 ? 3 : 2 - (unsigned)w->start;
    return 3 - (unsigned)w->start;
}

/* QEMU checks VTCR_EL2.{T0SZ,SL0} against PS, where the manual has the implemented size; and it has
 * no start at level 0 with 16K granules. */
static unsigned ps_at_least(unsigned ps, unsigned wanted)
{
    static const uint8_t size[] = {32, 36, 40, 42, 44, 48, 52, 52};

    while (size[ps] < wanted)
        ps++;
    return ps;
}

static void setup_stage2(void)
{
    struct walk *w = &config.s2;
    unsigned pa_bits = flags & P_MAX ? 52 : flags & P_N1 ? 48 : 44;

    do {
        random_walk(w, config.safe);
        unsigned stride = w->granule - 3;
        /* Up to 16 concatenated tables allow one level less. */
        if (w->start < 3 && percent(70) &&
            w->ia_bits <= w->granule + stride * (unsigned)(3 - w->start) + 4)
            w->start++;
    } while (w->ia_bits > pa_bits || (w->start == 3 && w->granule == 12 && !(flags & P_MAX)) ||
             (w->start == 0 && w->granule == 14 && (!w->ds || (flags & P_QUIRKS10))) ||
             (w->start == 0 && w->granule == 16) ||
             (w->start < 0 && (!w->ds || (flags & P_QUIRKS10))));
    config.fwb = (flags & P_MAX) && percent(35);
    w->stage2 = true;
    w->xnx = flags & P_N1;
    w->root = S2_ROOT;
    w->ps = random_ps();
    if (flags & P_QUIRKS10)
        w->ps = ps_at_least(w->ps, sl0_of(w) == 2 && w->ia_bits < 44 ? 44 : w->ia_bits);
    config.vtcr = BIT(31) | (64 - (uint64_t)w->ia_bits) | (uint64_t)sl0_of(w) << 6 |
                  below(16) << 8 | random_sh() << 12 | tg0(w) << 14 | (uint64_t)w->ps << 16;
    if (w->ds)
        config.vtcr |= BIT(32) | (w->start == -1 ? BIT(33) : 0);
    if (flags & P_HAFDBS)
        config.vtcr |= bit_if(40, 21) | bit_if(40, 22);
    config.vttbr = S2_ROOT | below(256) << 48;
    config.hcr |= BIT(0) | bit_if(20, 2) | (config.fwb ? BIT(46) : 0);
    tables_start(true, S2_FIXED);
    if (w->ia_bits >= 31)
        tables_map_fixed(w, CODE, FIXED_END);
}

void config_draw(void)
{
    config = (struct config){.regime = (enum regime)below(flags & P_N1 ? REGIME_COUNT : EL20),
                             .hcr = BIT(31)};
    config.safe =
        percent(75) || config.regime == EL2 || config.regime == EL20; /* where EL2 must run */
    tables_start(false, 0);
    if (config.regime == EL10_S12 || config.regime == EL10_S2)
        setup_stage2();
    if (config.regime != EL10_S2)
        setup_stage1();
    else
        config.sctlr = UINT64_C(0x30d00800) | BIT(12) | BIT(14) | BIT(26) | BIT(23);
    if (config.regime == EL10_S2 && percent(40))
        config.hcr |= BIT(12);
    if (config.regime == EL20)
        config.hcr |= BIT(34) | BIT(27);
}

void config_install(void)
{
    if (config.regime == EL2 || config.regime == EL20) {
        msr(tcr_el2, config.tcr);
        msr(ttbr0_el2, config.ttbr[0]);
        msr(mair_el2, config.mair);
        if (config.regime == EL20) /* TTBR1_EL2 */
            __asm__ volatile("msr s3_4_c2_c0_1, %0" ::"r"(config.ttbr[1]));
        msr(sctlr_el1, 0x30d00800);
    } else {
        msr(tcr_el1, config.tcr);
        msr(ttbr0_el1, config.ttbr[0]);
        msr(ttbr1_el1, config.ttbr[1]);
        msr(mair_el1, config.mair);
        msr(sctlr_el1, config.sctlr);
        msr(vtcr_el2, config.vtcr);
        msr(vttbr_el2, config.vttbr);
    }
    dsb();
    __asm__ volatile("tlbi alle1\n tlbi alle2\n ic iallu");
    dsb();
    isb();
}

void config_flush_tlbs(void)
{
    msr(hcr_el2, config.hcr & ~(BIT(27) | BIT(34)));
    isb();
    dsb();
    __asm__ volatile("tlbi vmalls12e1\n tlbi alle1\n tlbi alle2");
    if (config.regime == EL20) {
        msr(hcr_el2, config.hcr);
        isb();
        __asm__ volatile("tlbi alle2\n tlbi vmalle1");
        dsb();
    }
    msr(hcr_el2, BIT(31));
    dsb();
    isb();
}
