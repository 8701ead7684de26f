/*
 * MMU sweep: random translation tables and controls of both stages; prints what AT instructions and
 * real accesses make of random and boundary addresses, and a hash of the tables afterwards.
 *
 * A configuration that is not `safe` may be unable to map the harness: only AT instructions from
 * EL2 are run on it.
 */
#include "harness.h"

/* Physical memory. The stage-1 tables that map the harness are in FIXED, which stage 2 maps 1:1. */
#define CODE      UINT64_C(0x40200000)
#define FIXED_END UINT64_C(0x40400000)
#define S1_FIXED  UINT64_C(0x40300000)
#define S1_POOL   UINT64_C(0x42000000)
#define S2_ROOT   UINT64_C(0x43000000)
#define S2_FIXED  UINT64_C(0x43100000)
#define S2_POOL   UINT64_C(0x43200000)
#define DATA      UINT64_C(0x48000000)
#define RAM       UINT64_C(0x40000000)
#define RAM_END   UINT64_C(0x80000000)
#define TABLE     UINT64_C(0x10000) /* distance of tables: the largest granule */
#define POOL_SIZE 16

enum regime { EL10_S1, EL10_S12, EL10_S2, EL2, EL20, REGIME_COUNT };

#define MASK(hi, lo) ((~UINT64_C(0) >> (63 - (hi))) & (~UINT64_C(0) << (lo)))

/* One translation table walk: stage 1 of one half, or stage 2. */
struct walk {
    bool stage2, ds, lpa64, ee, xnx, single;
    unsigned granule, ia_bits;
    unsigned ps; /* TCR_ELx.PS, IPS */
    int start;
    uint64_t root;
};

static struct config {
    enum regime regime;
    bool safe, fwb;
    uint64_t sctlr, tcr, ttbr[2], mair, hcr, vtcr, vttbr;
    struct walk half[2], s2;
} c;

static uint64_t flags;
static unsigned config_number;
static uint64_t s1_fixed, s2_fixed;
static unsigned s1_pool, s2_pool;

/* Every descriptor written, to hash and to clear. */
static uint64_t touched[8192];
static unsigned touched_count;

static void set_desc(const struct walk *w, uint64_t addr, uint64_t desc)
{
    volatile uint64_t *p = (volatile uint64_t *)addr;

    if (!*p && touched_count < sizeof(touched) / sizeof(touched[0]))
        touched[touched_count++] = addr;
    if (flags & P_TABLES) {
        put(w->stage2 ? "# s2 " : "# s1 ");
        put_hex(addr);
        put(" ");
        put_hex(desc);
        put("\n");
    }
    *p = w->ee ? __builtin_bswap64(desc) : desc;
}

static uint64_t get_desc(const struct walk *w, uint64_t addr)
{
    uint64_t desc = *(volatile uint64_t *)addr;

    return w->ee ? __builtin_bswap64(desc) : desc;
}

static unsigned level_shift(const struct walk *w, int level)
{
    return w->granule + (unsigned)(3 - level) * (w->granule - 3);
}

static uint64_t index_of(const struct walk *w, uint64_t ia, int level)
{
    unsigned lsb = level_shift(w, level);
    unsigned msb = level == w->start ? w->ia_bits - 1 : lsb + w->granule - 4;

    return (ia & MASK(msb, lsb)) >> lsb;
}

static uint64_t encode(const struct walk *w, uint64_t oa)
{
    uint64_t desc = oa & MASK(47, 12);

    /* QEMU does not look at address bits 51:48 while PS is smaller than 52 bits; the manual has an
     * Address size fault. */
    if ((flags & P_QUIRKS10) && w->ps < 6)
        return desc;
    if (w->lpa64)
        desc |= (oa >> 48 & 15) << 12;
    if (w->ds)
        desc |= (oa & MASK(49, 48)) | (oa >> 50 & 3) << 8;
    return desc;
}

static uint64_t decode(const struct walk *w, uint64_t desc, unsigned shift)
{
    uint64_t oa = desc & MASK(47, shift);

    if (w->lpa64)
        oa |= (desc >> 12 & 15) << 48;
    if (w->ds)
        oa |= (desc & MASK(49, 48)) | (desc >> 8 & 3) << 50;
    return oa;
}

static uint64_t random_sh(void)
{
    static const uint8_t sh[4] = {0, 2, 3, 3};

    return sh[below(4)];
}

/* An output address for 2^shift bytes: mostly data, or the identity. */
static uint64_t random_oa(uint64_t want, unsigned shift)
{
    uint64_t size_mask = ~(BIT(shift) - 1);

    if (want && percent(80))
        return want & size_mask;
    if (percent(80)) {
        uint64_t oa = (DATA + below(RAM_END - DATA)) & size_mask;
        return oa < RAM ? RAM & size_mask : oa;
    }
    if (percent(50))
        return (RAM_END + below(BIT(36))) & size_mask;
    /* QEMU's board has PCIe at 2^38 and 2^39. */
    unsigned top = 32 + (unsigned)below(18);
    return (BIT(top < 38 ? top : top + 2) | BIT(31) | (rnd() & MASK(30, 12))) & size_mask &
           MASK(51, 0);
}

static uint64_t s1_attributes(const struct walk *w)
{
    uint64_t d = below(8) << 2 | below(2) << 11 | random_sh() << 8;

    d |= percent(50) ? BIT(6) : below(4) << 6;
    d |= percent(88) ? BIT(10) : 0;
    d |= percent(25) ? BIT(53) : 0;
    d |= percent(25) ? BIT(54) : 0;
    d |= below(16) << 55;
    d |= percent(20) && (flags & P_MAX) ? BIT(50) : 0;
    d |= percent(40) ? BIT(51) : 0;
    if (w->ds)
        d &= ~(UINT64_C(3) << 8);
    if (w->single)
        d = (d & ~BIT(53) & ~BIT(11)) | BIT(6);
    return d;
}

static uint64_t s2_attributes(const struct walk *w)
{
    static const uint8_t plain[] = {0, 1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 15, 15, 15};
    static const uint8_t forced[] = {0, 1, 2, 3, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7};
    uint64_t d = (uint64_t)(c.fwb ? forced[below(16)] : plain[below(16)]) << 2 | random_sh() << 8;

    d |= percent(70) ? UINT64_C(3) << 6 : below(4) << 6;
    d |= percent(92) ? BIT(10) : 0;
    d |= percent(70) ? 0 : below(4) << 53;
    d |= percent(40) ? BIT(51) : 0;
    d |= below(16) << 55;
    if (!w->xnx)
        d &= ~BIT(53);
    if (w->ds)
        d &= ~(UINT64_C(3) << 8);
    return d;
}

static bool block_level(const struct walk *w, int level)
{
    if (w->granule == 12)
        return level == 1 || level == 2 || (level == 0 && w->ds);
    if (w->granule == 14)
        return level == 2 || (level == 1 && w->ds);
    return level == 2 || (level == 1 && w->lpa64);
}

static uint64_t contiguous_entries(const struct walk *w, int level)
{
    if (w->granule == 12)
        return 16;
    if (w->granule == 14)
        return level == 3 ? 128 : 32;
    return 32;
}

/* A whole contiguous group, if it is free. */
static bool make_contiguous(const struct walk *w, uint64_t table, uint64_t index, int level,
                            uint64_t attributes, uint64_t oa)
{
    uint64_t n = contiguous_entries(w, level), size = BIT(level_shift(w, level));
    uint64_t first = table + (index & ~(n - 1)) * 8;

    if (level < 2 || w->start == level)
        return false;
    for (uint64_t k = 0; k < n; k++)
        if (get_desc(w, first + k * 8))
            return false;
    oa &= ~(n * size - 1);
    for (uint64_t k = 0; k < n; k++)
        set_desc(w, first + k * 8, encode(w, oa + k * size) | attributes | BIT(52));
    return true;
}

static uint64_t new_table(const struct walk *w, bool fixed)
{
    uint64_t *next = w->stage2 ? &s2_fixed : &s1_fixed;
    unsigned *count = w->stage2 ? &s2_pool : &s1_pool;

    if (fixed) {
        *next += TABLE;
        return *next - TABLE;
    }
    unsigned n = *count < POOL_SIZE && percent(85) ? (*count)++ : (unsigned)below(POOL_SIZE);
    return (w->stage2 ? S2_POOL : S1_POOL) + n * TABLE;
}

static void make_entry(const struct walk *w, uint64_t table, uint64_t ia, int level, uint64_t want)
{
    uint64_t index = index_of(w, ia, level), addr = table + index * 8;

    /* QEMU 7.2 takes blocks at any level. */
    if (percent(6)) { /* invalid, or a reserved kind of entry */
        set_desc(w, addr, (rnd() & ~UINT64_C(3)) | (percent(50) && level == 3 ? 1 : 0) | BIT(2));
        return;
    }
    unsigned tables = block_level(w, level) ? 55 : flags & P_QUIRKS ? 100 : 95;
    if (level < 3 && percent(tables)) {
        uint64_t d =
            encode(w, new_table(w, false)) | 3 | (w->ds ? 0 : below(4) << 8) | below(4) << 2;
        if (percent(1) && !c.s2.stage2)
            d |= BIT(47);
        if (!w->stage2)
            d |= percent(15) ? below(16) << 59 : 0;
        if (w->single)
            d &= ~(BIT(59) | BIT(61));
        set_desc(w, addr, d);
        return;
    }
    uint64_t attributes = (w->stage2 ? s2_attributes(w) : s1_attributes(w)) | (level == 3 ? 3 : 1);
    uint64_t oa = random_oa(want, level_shift(w, level));
    if (percent(15) && make_contiguous(w, table, index, level, attributes, oa))
        return;
    set_desc(w, addr, encode(w, oa) | attributes);
}

/* Complete the path of @ia with random descriptors; what it leads to, or ~0. */
static uint64_t build(const struct walk *w, uint64_t ia, uint64_t want)
{
    uint64_t table = w->root;

    for (int level = w->start;; level++) {
        uint64_t addr = table + index_of(w, ia, level) * 8;

        if (!get_desc(w, addr))
            make_entry(w, table, ia, level, want);
        uint64_t d = get_desc(w, addr);
        if (!(d & 1) || (level == 3 && !(d & 2)))
            return ~UINT64_C(0);
        if (level == 3 || !(d & 2)) {
            unsigned shift = level_shift(w, level);
            return decode(w, d, shift) | (ia & MASK(shift - 1, 0));
        }
        table = decode(w, d, w->granule);
        if (table < S1_FIXED || table >= DATA)
            return ~UINT64_C(0); /* an address too large */
    }
}

static void map_fixed(const struct walk *w, uint64_t start, uint64_t end)
{
    uint64_t s1 = BIT(10) | UINT64_C(3) << 6 | (w->ds ? 0 : UINT64_C(3) << 8) | 3;
    uint64_t s2 = s1 | (c.fwb ? UINT64_C(6) : UINT64_C(15)) << 2;

    for (uint64_t ia = start; ia < end; ia += BIT(w->granule)) {
        uint64_t table = w->root;
        for (int level = w->start; level < 3; level++) {
            uint64_t addr = table + index_of(w, ia, level) * 8;
            if (!get_desc(w, addr))
                set_desc(w, addr, encode(w, new_table(w, true)) | 3);
            table = decode(w, get_desc(w, addr), w->granule);
        }
        set_desc(w, table + index_of(w, ia, 3) * 8, encode(w, ia) | (w->stage2 ? s2 : s1));
    }
}

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
    const struct walk *lo = &c.half[0], *hi = &c.half[1];
    uint64_t tcr = (64 - lo->ia_bits) | (64 - (uint64_t)hi->ia_bits) << 16 | tg0(lo) << 14 |
                   tg1(hi) << 30 | (uint64_t)lo->ps << 32 | random_sh() << 12 | random_sh() << 28;

    tcr |= below(16) << 8 | below(16) << 24 | bit_if(50, 22) | bit_if(50, 36) | bit_if(40, 37) |
           bit_if(40, 38) | bit_if(8, 23) | (c.safe ? 0 : bit_if(8, 7));
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
    const struct walk *lo = &c.half[0];
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
    bool two = c.regime != EL2;

    random_walk(&c.half[0], c.safe);
    do
        random_walk(&c.half[1], false);
    while (two && c.half[0].ds != c.half[1].ds && c.half[0].granule != 16 &&
           c.half[1].granule != 16);
    if (two && (c.half[0].ds || c.half[1].ds)) {
        /* One DS bit for both: the one without it must not care. */
        for (unsigned k = 0; k < 2; k++)
            if (!c.half[k].ds && c.half[k].granule != 16)
                c.half[k] = c.half[1 - k];
        if (c.half[0].ia_bits < 31 && c.safe)
            c.half[0] = c.half[1];
    }
    c.sctlr = UINT64_C(0x30d00800) | 1 | BIT(2) | BIT(12) | BIT(14) | BIT(26) | BIT(23) |
              bit_if(15, 19) | bit_if(10, 1) | bit_if(12, 25);
    if (flags & P_MAX)
        c.sctlr |= bit_if(30, 35) | bit_if(30, 36);
    if (flags & P_PAN3)
        c.sctlr |= bit_if(40, 57);
    c.mair = random_mair();
    c.half[0].ps = c.half[1].ps = random_ps();
    for (unsigned k = 0; k < 2; k++) {
        c.half[k].ee = c.sctlr & BIT(25);
        c.half[k].single = !two;
        c.half[k].root = S1_FIXED + k * TABLE;
        c.ttbr[k] = c.half[k].root | below(256) << 48;
    }
    c.tcr = two ? tcr_two() : tcr_one();
    if (two && c.half[1].ds)
        c.tcr |= BIT(59);
    s1_fixed = S1_FIXED + 2 * TABLE;
    if (c.half[0].ia_bits >= 31)
        map_fixed(&c.half[0], CODE, CODE + TABLE);
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
    struct walk *w = &c.s2;
    unsigned pa_bits = flags & P_MAX ? 52 : flags & P_N1 ? 48 : 44;

    do {
        random_walk(w, c.safe);
        unsigned stride = w->granule - 3;
        /* Up to 16 concatenated tables allow one level less. */
        if (w->start < 3 && percent(70) &&
            w->ia_bits <= w->granule + stride * (unsigned)(3 - w->start) + 4)
            w->start++;
    } while (w->ia_bits > pa_bits || (w->start == 3 && w->granule == 12 && !(flags & P_MAX)) ||
             (w->start == 0 && w->granule == 14 && (!w->ds || (flags & P_QUIRKS10))) ||
             (w->start == 0 && w->granule == 16) ||
             (w->start < 0 && (!w->ds || (flags & P_QUIRKS10))));
    c.fwb = (flags & P_MAX) && percent(35);
    w->stage2 = true;
    w->xnx = flags & P_N1;
    w->root = S2_ROOT;
    w->ps = random_ps();
    if (flags & P_QUIRKS10)
        w->ps = ps_at_least(w->ps, sl0_of(w) == 2 && w->ia_bits < 44 ? 44 : w->ia_bits);
    c.vtcr = BIT(31) | (64 - (uint64_t)w->ia_bits) | (uint64_t)sl0_of(w) << 6 | below(16) << 8 |
             random_sh() << 12 | tg0(w) << 14 | (uint64_t)w->ps << 16;
    if (w->ds)
        c.vtcr |= BIT(32) | (w->start == -1 ? BIT(33) : 0);
    if (flags & P_HAFDBS)
        c.vtcr |= bit_if(40, 21) | bit_if(40, 22);
    c.vttbr = S2_ROOT | below(256) << 48;
    c.hcr |= BIT(0) | bit_if(20, 2) | (c.fwb ? BIT(46) : 0);
    s2_fixed = S2_FIXED;
    if (w->ia_bits >= 31)
        map_fixed(w, CODE, FIXED_END);
}

static void setup(void)
{
    c = (struct config){.regime = (enum regime)below(flags & P_N1 ? REGIME_COUNT : EL20),
                        .hcr = BIT(31)};
    c.safe = percent(75) || c.regime == EL2 || c.regime == EL20; /* where EL2 must run */
    s1_pool = s2_pool = 0;
    if (c.regime == EL10_S12 || c.regime == EL10_S2)
        setup_stage2();
    if (c.regime != EL10_S2)
        setup_stage1();
    else
        c.sctlr = UINT64_C(0x30d00800) | BIT(12) | BIT(14) | BIT(26) | BIT(23);
    if (c.regime == EL10_S2 && percent(40))
        c.hcr |= BIT(12);
    if (c.regime == EL20)
        c.hcr |= BIT(34) | BIT(27);
}

/* Write the configuration, except what would affect the supervisor: SCTLR_EL2 and HCR_EL2. */
static void install(void)
{
    if (c.regime == EL2 || c.regime == EL20) {
        msr(tcr_el2, c.tcr);
        msr(ttbr0_el2, c.ttbr[0]);
        msr(mair_el2, c.mair);
        if (c.regime == EL20) /* TTBR1_EL2 */
            __asm__ volatile("msr s3_4_c2_c0_1, %0" ::"r"(c.ttbr[1]));
        msr(sctlr_el1, 0x30d00800);
    } else {
        msr(tcr_el1, c.tcr);
        msr(ttbr0_el1, c.ttbr[0]);
        msr(ttbr1_el1, c.ttbr[1]);
        msr(mair_el1, c.mair);
        msr(sctlr_el1, c.sctlr);
        msr(vtcr_el2, c.vtcr);
        msr(vttbr_el2, c.vttbr);
    }
    dsb();
    __asm__ volatile("tlbi alle1\n tlbi alle2\n ic iallu");
    dsb();
    isb();
}

static void flush(void)
{
    msr(hcr_el2, c.hcr & ~(BIT(27) | BIT(34)));
    isb();
    dsb();
    __asm__ volatile("tlbi vmalls12e1\n tlbi alle1\n tlbi alle2");
    if (c.regime == EL20) {
        msr(hcr_el2, c.hcr);
        isb();
        __asm__ volatile("tlbi alle2\n tlbi vmalle1");
        dsb();
    }
    msr(hcr_el2, BIT(31));
    dsb();
    isb();
}

static uint64_t spsr_of(unsigned el)
{
    uint64_t spsr = el == 0 ? 0x3c0 : el == 1 ? 0x3c5 : 0x3c9;

    return spsr;
}

static void run(unsigned el, const void *fragment, uint64_t address, uint64_t pstate)
{
    bool el2_regime = c.regime == EL2 || c.regime == EL20;
    struct probe p = {(uint64_t)fragment,
                      spsr_of(el) | pstate,
                      0,
                      address,
                      el2_regime ? c.sctlr : mrs(sctlr_el2),
                      c.hcr};

    probe_enter(&p);
}

/* Did the fragment get to its end? */
static bool completed(void)
{
    if (outcome.esr2 == 0x5a000010 || outcome.esr2 == 0x5a000022)
        return true;
    if (outcome.esr2 == 0x56000010 || outcome.esr2 == 0x56000022)
        return true;
    return outcome.vector1 != ~UINT64_C(0) && outcome.esr2 == 0x5a000100 &&
           (outcome.esr1 == 0x56000010 || outcome.esr1 == 0x56000022);
}

static bool hpfar_valid(uint64_t esr)
{
    unsigned ec = (unsigned)(esr >> 26) & 63, fsc = (unsigned)esr & 0x3f;

    if (!c.s2.stage2 || (ec != 0x20 && ec != 0x24))
        return false;
    return fsc < 12 || (fsc < 16 && (esr & BIT(7))) || fsc == 0x29 || fsc == 0x2b;
}

static uint64_t shown_esr(uint64_t esr);

static uint64_t shown_far(uint64_t far, uint64_t esr)
{
    bool abort = (esr >> 26 & 0x38) == 0x20;

    return (flags & P_QUIRKS10) && abort && (esr & 0x3f) == 0x10 ? far & ~UINT64_C(63) : far;
}

static void put_exception(void)
{
    if (outcome.vector1 != ~UINT64_C(0)) {
        put(" EL1+");
        put_hex(outcome.vector1);
        put(" ESR ");
        put_hex(outcome.esr1);
        put(" FAR ");
        put_hex(shown_far(outcome.far1, outcome.esr1));
        if (outcome.esr2 == 0x5a000100)
            return;
    }
    put(" EL2+");
    put_hex(outcome.vector2);
    put(" ESR ");
    put_hex(shown_esr(outcome.esr2));
    put(" FAR ");
    put_hex(shown_far(outcome.far2, outcome.esr2));
    if (hpfar_valid(outcome.esr2)) {
        put(" HPFAR ");
        put_hex(outcome.hpfar);
    }
}

/* "configuration.address what": the key of a line. */
static void put_key(unsigned n, const char *what, unsigned el)
{
    static const char *const regime[] = {"s1", "s12", "s2", "el2", "el20"};
    static const char *const from[] = {"@0", "@1", "@2"};

    put(regime[c.regime]);
    put(".");
    put_hex(config_number);
    put(".");
    put_hex(n);
    put(" ");
    put(what);
    put(from[el]);
}

/*
 * What is hidden when the other machine is QEMU 7.2 (P_QUIRKS; P_QUIRKS10: newer too):
 * - PAR_EL1.SH of Device and Non-cacheable memory is always Outer Shareable
 * (PAREncodeShareability()); QEMU 7.2 gives the descriptor's.
 * - Normal memory of one stage and Device of the other give that Device type; QEMU takes the low
 *   nibble of the Normal type for a Device type too.
 * - Device memory of stage 1 is Outer Shareable also when stage 2 makes it Normal (FWB).
 * - The level of a stage-2 fault on a stage-1 table is stage 2's; QEMU 7.2 gives stage 1's, and
 * newer ones do so for the fault that HCR_EL2.PTW makes.
 * - ESR_EL2.ISV is for stage 2 only; QEMU 7.2 sets it for stage 1 of EL2 too.
 * - An IPA beyond the input size of stage 2 faults at level 0; QEMU 7.2 says the start level.
 * - FAR_ELx of an External abort is the access's address; QEMU's that of the part it was doing.
 */
static uint64_t s1_par; /* of the current address; zero: stage 1 faults */

static bool out_of_range(uint64_t ipa)
{
    return c.s2.stage2 && ipa >> c.s2.ia_bits;
}

static uint64_t shown_par(uint64_t par, bool both)
{
    bool device = !(par & 1) && par >> 60 == 0;

    if ((flags & P_QUIRKS) && !(par & 1) && (device || par >> 56 == 0x44))
        par &= ~UINT64_C(0x180);
    if ((flags & P_QUIRKS10) && both && !(par & 1) && s1_par && !(s1_par >> 60))
        par &= ~UINT64_C(0x180);
    if ((flags & P_QUIRKS10) && both && device && s1_par >> 56 &&
        (!(s1_par >> 60) || (s1_par >> 56 & 15) == 4 || (s1_par >> 56 & 15) == 8))
        par &= MASK(55, 0);
    if ((flags & P_QUIRKS) && (par & 0x101) == 0x101) {
        if ((par & 0x7e) >= 0x52) /* level -1 */
            par = (par & ~UINT64_C(0x7e)) | ((par & 0x7e) == 0x56 ? 8 : 0);
        par &= ~UINT64_C(6);
    }
    if ((flags & P_QUIRKS10) && (par & 0x359) == 0x319 && (c.hcr & BIT(2)))
        par &= ~UINT64_C(6);
    if ((flags & P_QUIRKS) && (par & 0x379) == 0x209 && out_of_range(s1_par & MASK(51, 12)))
        par &= ~UINT64_C(6);
    return par;
}

static uint64_t shown_esr(uint64_t esr)
{
    unsigned ec = (unsigned)(esr >> 26) & 63;
    bool el2_regime = c.regime == EL2 || c.regime == EL20;

    if ((flags & P_QUIRKS) && (ec == 0x25 || (ec == 0x24 && el2_regime)))
        esr &= ~MASK(24, 14);
    if ((flags & P_QUIRKS) && (ec == 0x20 || ec == 0x24) && (esr & 0x80)) {
        if ((esr & 0x3f) >= 0x29)
            esr = (esr & ~UINT64_C(0x3f)) | ((esr & 0x3f) == 0x2b ? 4 : 0);
        esr &= ~UINT64_C(3);
    }
    if ((flags & P_QUIRKS10) && (ec == 0x20 || ec == 0x24) && (esr & 0xbc) == 0x8c &&
        (c.hcr & BIT(2)))
        esr &= ~UINT64_C(3);
    if ((flags & P_QUIRKS) && (ec == 0x20 || ec == 0x24) && (esr & 0x3c) == 4 &&
        out_of_range(outcome.hpfar << 8))
        esr &= ~UINT64_C(3);
    return esr;
}

static void at(unsigned n, const char *name, const void *fragment, unsigned el, uint64_t va,
               uint64_t pstate)
{
    run(el, fragment, va, pstate);
    put_key(n, name, el);
    if (completed()) {
        put(" ");
        put_hex(shown_par(outcome.x0, name[2] == '2'));
    } else {
        put_exception();
    }
    put("\n");
}

#define FRAGMENT(name) extern const char frag_##name[];
#define AT_FRAGMENTS(X)                                                                            \
    X(S1E1R)                                                                                       \
    X(S1E1W)                                                                                       \
    X(S1E0R) X(S1E0W) X(S12E1R) X(S12E1W) X(S12E0R) X(S12E0W) X(S1E2R) X(S1E2W) X(S1E1RP) X(S1E1WP)
#define ACCESS_FRAGMENTS(X)                                                                        \
    X(ldr) X(str) X(ldrb) X(ldp) X(ldtr) X(sttr) X(swp) X(ldxr) X(dczva) X(br)
AT_FRAGMENTS(FRAGMENT)
ACCESS_FRAGMENTS(FRAGMENT)

static const struct fragment {
    const char *name, *code;
} at_list[] =
    {
#define X(name) {#name, frag_##name},
        AT_FRAGMENTS(X)},
  access_list[] = {ACCESS_FRAGMENTS(X)
#undef X
};
enum {
    ACC_ldr,
    ACC_str,
    ACC_ldrb,
    ACC_ldp,
    ACC_ldtr,
    ACC_sttr,
    ACC_swp,
    ACC_ldxr,
    ACC_dczva,
    ACC_br,
    ACC_COUNT
};

/* An instruction of stage 1 of the regime under test. */
static bool s1_row(unsigned k)
{
    return c.regime == EL2 ? k == 8 : k < 4;
}

static void all_at(unsigned n, uint64_t va)
{
    bool el2_regime = c.regime == EL2 || c.regime == EL20;

    s1_par = 0;
    for (unsigned k = 0; k < 12; k++) {
        bool pan = k >= 10;
        uint64_t pstate = pan ? below(2) << 22 : 0;

        if (pan && !(flags & P_N1))
            continue;
        if (c.regime == EL2 ? k != 8 && k != 9 : !el2_regime && (k == 8 || k == 9))
            continue;
        if (el2_regime && k >= 4 && k < 8)
            continue;
        at(n, at_list[k].name, at_list[k].code, 2, va, pstate);
        if (s1_row(k) && completed() && !(outcome.x0 & 1))
            s1_par = outcome.x0;
        if (!el2_regime && c.safe && (k < 4 || pan))
            at(n, at_list[k].name, at_list[k].code, 1, va, pstate);
    }
}

/* Devices and the program itself are left alone. */
static bool harmless(uint64_t par)
{
    uint64_t pa = par & MASK(51, 12);

    return (par & 1) || (pa >= DATA && pa < BIT(38)) || pa >= BIT(40);
}

static uint64_t translate(uint64_t va)
{
    bool el2_regime = c.regime == EL2 || c.regime == EL20;

    run(2, el2_regime ? frag_S1E2R : frag_S12E1R, va, 0);
    return completed() ? outcome.x0 : 1;
}

static void access(unsigned n, unsigned kind, unsigned el, uint64_t va)
{
    uint64_t par = translate(va), pa = (par & MASK(51, 12)) | (va & 0xfff);
    uint64_t par2 = kind == ACC_ldp ? translate(va - 8) : translate(va + 7);
    bool mapped = !(par & 1) && pa >= DATA && pa < RAM_END;
    bool device = (!(par & 1) && (par >> 60) == 0) || (s1_par && !(s1_par >> 60));
    uint64_t pstate = flags & P_N1 ? below(4) << 22 : 0;

    if (el == 0)
        pstate = 0;
    if (!harmless(par) || !harmless(par2))
        return;
    if (device && (kind == ACC_dczva || kind == ACC_ldxr || kind == ACC_swp || kind == ACC_br))
        return; /* UNPREDICTABLE or not modelled by all */
    if (c.s2.stage2 && (par & 1)) {
        device = true; /* stage 2 may say so */
        if (kind == ACC_dczva)
            return;
    }
    if (device || ((par2 >> 60) == 0 && !(par2 & 1)))
        va &= ~UINT64_C(7);
    if (kind == ACC_swp || kind == ACC_ldxr)
        va &= ~UINT64_C(7);
    if (kind == ACC_br)
        va &= ~UINT64_C(3);
    pa = (par & MASK(51, 12)) | (va & 0xfff);
    if (mapped && kind == ACC_br)
        *(volatile uint32_t *)pa = el == 0 ? 0xd4000441 : 0xd4000442;
    else if (mapped)
        *(volatile uint64_t *)(pa & ~UINT64_C(7)) = pa * UINT64_C(0x9e3779b97f4a7c15);
    if (kind == ACC_br && !mapped && !(par & 1))
        return; /* what is there is anybody's guess */
    run(el, access_list[kind].code, va, pstate);
    put_key(n, access_list[kind].name, el);
    put(" ");
    put_hex(va);
    if (completed()) {
        put(" ok ");
        put_hex(kind <= ACC_ldxr ? outcome.x0 : 0);
    } else {
        put_exception();
    }
    put("\n");
}

static void accesses(unsigned n, uint64_t va)
{
    unsigned count = 4;

    for (unsigned k = 0; k < count; k++) {
        unsigned kind = (unsigned)below(ACC_COUNT);
        unsigned el = c.regime == EL2 ? 2 : (unsigned)below(2) * (c.regime == EL20 ? 2 : 1);
        uint64_t low = percent(75) ? below(512) * 8 : rnd() & 0xfff;

        if (kind == ACC_swp && !(flags & P_N1))
            kind = ACC_ldr;
        access(n, kind, el, (va & ~UINT64_C(0xfff)) | low);
    }
}

static uint64_t random_va(uint64_t previous)
{
    bool upper = c.regime != EL2 && c.regime != EL10_S2 && percent(45);
    const struct walk *w = c.regime == EL10_S2 ? &c.s2 : &c.half[upper];
    uint64_t va = rnd();

    if (percent(60))
        va = previous ^ (rnd() & MASK(11 + below(w->ia_bits - 12), 0));
    if (percent(10))
        va = percent(50) ? ~UINT64_C(0) : 0;
    va &= MASK(w->ia_bits - 1, 0);
    return upper ? va | ~MASK(w->ia_bits - 1, 0) : va;
}

static uint64_t variant(uint64_t va)
{
    switch (below(3)) {
    case 0:
        return va ^ BIT(below(64));
    case 1:
        return va ^ rnd() << 56;
    default:
        return va ^ (rnd() & MASK(20, 0));
    }
}

static void stage2_for(uint64_t ipa)
{
    if (ipa == ~UINT64_C(0) || (ipa & ~MASK(c.s2.ia_bits - 1, 0)))
        return;
    build(&c.s2, ipa, ipa >= S1_POOL && ipa < S2_ROOT ? ipa : 0);
}

#define ADDRESSES 8

static void one_config(unsigned number)
{
    uint64_t va[ADDRESSES * 2], previous = 0, hash = UINT64_C(0xcbf29ce484222325);

    config_number = number;
    setup();
    for (unsigned k = 0; k < ADDRESSES; k++) {
        previous = va[2 * k] = random_va(previous);
        va[2 * k + 1] = variant(va[2 * k]);
        uint64_t out = va[2 * k];
        if (c.regime != EL10_S2)
            out = build(&c.half[c.regime != EL2 && va[2 * k] >> 63], va[2 * k], 0);
        if (c.s2.stage2)
            stage2_for(out);
    }
    if (c.s2.stage2)
        for (unsigned k = 0; k < s1_pool; k++)
            stage2_for(S1_POOL + k * TABLE);
    put_key(0, "config", 2);
    put(" SCTLR ");
    put_hex(c.sctlr);
    put(" TCR ");
    put_hex(c.tcr);
    put(" MAIR ");
    put_hex(c.mair);
    put(" HCR ");
    put_hex(c.hcr);
    put(" VTCR ");
    put_hex(c.vtcr);
    put("\n");
    install();
    flush();
    for (unsigned k = 0; k < 2 * ADDRESSES; k++) {
        put_key(k, "VA", 2);
        put(" ");
        put_hex(va[k]);
        put("\n");
        all_at(k, va[k]);
        if (c.safe)
            accesses(k, va[k]);
    }
    flush();
    for (unsigned k = 0; k < touched_count; k++) {
        volatile uint64_t *p = (volatile uint64_t *)touched[k];
        hash = (hash ^ *p) * UINT64_C(0x100000001b3);
        *p = 0;
    }
    touched_count = 0;
    put_key(0, "tables", 2);
    put(" ");
    put_hex(hash);
    put("\n");
}

int main(void)
{
    if (PARAMS->magic != PARAMS_MAGIC) {
        put("no parameters\n");
        return 1;
    }
    flags = PARAMS->flags;
    for (unsigned k = 0; k < PARAMS->count; k++) {
        rng_state = PARAMS->seed * UINT64_C(0x9e3779b97f4a7c15) + PARAMS->first + k + 1;
        for (unsigned n = 0; n < 8; n++)
            (void)rnd();
        one_config((unsigned)PARAMS->first + k);
    }
    put("end\n");
    return 0;
}
