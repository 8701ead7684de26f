/* Translation tables of random descriptors, of both stages. */
#include "mmu_sweep.h"

static uint64_t s1_fixed, s2_fixed;
static unsigned s1_pool, s2_pool;

void tables_start(bool stage2, uint64_t fixed)
{
    *(stage2 ? &s2_fixed : &s1_fixed) = fixed;
    *(stage2 ? &s2_pool : &s1_pool) = 0;
}

unsigned tables_stage1_count(void)
{
    return s1_pool;
}

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

uint64_t random_sh(void)
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
    uint64_t d = (uint64_t)(config.fwb ? forced[below(16)] : plain[below(16)]) << 2 | random_sh()
                                                                                          << 8;

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
        if (percent(1) && !config.s2.stage2)
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

uint64_t tables_build(const struct walk *w, uint64_t ia, uint64_t want)
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

void tables_map_fixed(const struct walk *w, uint64_t start, uint64_t end)
{
    uint64_t s1 = BIT(10) | UINT64_C(3) << 6 | (w->ds ? 0 : UINT64_C(3) << 8) | 3;
    uint64_t s2 = s1 | (config.fwb ? UINT64_C(6) : UINT64_C(15)) << 2;

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

uint64_t tables_take_hash(void)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (unsigned k = 0; k < touched_count; k++) {
        volatile uint64_t *p = (volatile uint64_t *)touched[k];
        hash = (hash ^ *p) * UINT64_C(0x100000001b3);
        *p = 0;
    }
    touched_count = 0;
    return hash;
}
