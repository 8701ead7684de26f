/* Runs on: a57 n1 max; el2. */
/* Stage 2 faults of each kind at each level, for each granule, start level and size of the root; by
 * a read, a write and a fetch of EL1 with stage 1 off, and by AT. */
#include "mmu.h"

#define S2_R    BIT(6)
#define S2_W    BIT(7)
#define NO_PERM (S2_NORMAL & ~(S2_R | S2_W))
#define XN      BIT(54)
#define DS      BIT(32)
#define SL2     BIT(33)

/* One row a shape of tables. @entries: of the root; more than one table's are concatenated. @ds:
 * VTCR_EL2.DS and SL2, for FEAT_LPA2. */
static const struct shape {
    unsigned granule_bits, tg, ia_bits, sl0;
    int start;
    unsigned entries;
    const char *name;
    uint64_t ds;
} shapes[] = {
    {12, 0, 39, 1, 1, 512, "4K, 39 bits, level 1: "},
    {12, 0, 40, 1, 1, 1024, "4K, 40 bits, 2 tables of level 1: "},
    {12, 0, 42, 1, 1, 4096, "4K, 42 bits, 8 tables of level 1: "},
    {12, 0, 44, 2, 0, 32, "4K, 44 bits, level 0: "},
    {12, 0, 32, 0, 2, 2048, "4K, 32 bits, 4 tables of level 2: "},
    {14, 2, 39, 1, 2, 8 * 2048, "16K, 39 bits, 8 tables of level 2: "},
    {14, 2, 43, 2, 1, 128, "16K, 43 bits, level 1: "},
    {16, 1, 39, 1, 2, 1024, "64K, 39 bits, level 2: "},
    {16, 1, 43, 1, 2, 2 * 8192, "64K, 43 bits, 2 tables of level 2: "},
    {16, 1, 43, 2, 1, 2, "64K, 43 bits, level 1: "},
    {16, 1, 52, 2, 1, 1024, "64K, 52 bits, level 1: "},
    {12, 0, 52, 0, -1, 16, "4K, 52 bits, level -1: ", DS | SL2},
    {12, 0, 50, 2, 0, 2048, "4K, 50 bits, 4 tables of level 0: ", DS},
    {14, 2, 52, 3, 0, 32, "16K, 52 bits, level 0: ", DS},
    {14, 2, 50, 2, 1, 8 * 2048, "16K, 50 bits, 8 tables of level 1: ", DS},
};

static uint64_t arena[8 * 65536 / 8] __attribute__((aligned(131072)));
static uint32_t target[65536 / 4] __attribute__((aligned(65536))); /* the first word: RET */
static unsigned arena_used;
static const struct shape *shape;

/* @bytes of zeros, aligned to their size. */
static uint64_t *table_new(unsigned bytes)
{
    uint64_t *t;

    arena_used = (arena_used + bytes - 1) & -bytes;
    t = &arena[arena_used / 8];
    arena_used += bytes;
    if (arena_used > sizeof(arena)) {
        print("arena is too small\n");
        semihosting_exit(99);
    }
    for (unsigned k = 0; k < bytes / 8; k++)
        t[k] = 0;
    return t;
}

static unsigned shift_of(int level)
{
    return shape->granule_bits + (unsigned)(3 - level) * (shape->granule_bits - 3);
}

/* VTCR_EL2.PS: 40, 44 or 52 bits, and an address bit beyond it; 0: there is none. */
static uint64_t ps(void)
{
    return shape->ia_bits > 44 ? 6 : shape->ia_bits > 40 ? 4 : 2;
}

static uint64_t oa_bit(void)
{
    return shape->ia_bits > 44 ? 0 : shape->ia_bits > 40 ? BIT(45) : BIT(41);
}

/* With DS, the bits of SH are address bits. */
static uint64_t attr(uint64_t a)
{
    return shape->ds ? a & ~PT_ISH : a;
}

/* A translation fault's FSC at @level. */
static unsigned translation(int level)
{
    return level < 0 ? 0x2b : 4u + (unsigned)level;
}

/* The descriptor of @ipa at @level; tables above are made. */
static uint64_t *entry(uint64_t ipa, int level)
{
    unsigned stride = shape->granule_bits - 3;
    uint64_t *t = arena;

    for (int l = shape->start;; l++) {
        uint64_t index = ipa >> shift_of(l);

        if (l != shape->start)
            index &= BIT(stride) - 1;
        if (l == level)
            return &t[index];
        if ((t[index] & 3) != 3)
            t[index] = (uint64_t)table_new(1u << shape->granule_bits) | 3;
        t = (uint64_t *)(t[index] & 0xfffffffff000);
    }
}

static bool block_allowed(int level)
{
    bool lpa = FIELD(mrs(id_aa64mmfr0_el1), 3, 0)
    >= 6;
    int first = shape->granule_bits == 12 || (shape->granule_bits == 16 && lpa) ? 1 : 2;

    return level >= first - (shape->ds != 0);
}

/* RAM and devices one to one. */
static void identity(void)
{
    uint64_t step;

    arena_used = 0;
    table_new(shape->entries * 8 < 4096 ? 4096 : shape->entries * 8);
    step = BIT(shift_of(2));
    for (uint64_t a = 0; a < 0x50000000; a += step)
        *entry(a, 2) = a | attr(a < 0x40000000 ? S2_DEVICE : S2_NORMAL);
    msr(vtcr_el2, (64 - shape->ia_bits) | shape->sl0 << 6 | 1 << 8 | 1 << 10 | 3 << 12 |
                      shape->tg << 14 | ps() << 16 | BIT(31) | shape->ds);
    msr(vttbr_el2, arena);
    insn("dsb sy; tlbi vmalls12e1; dsb sy; isb");
}

enum { READ, WRITE, FETCH };
static const struct {
    uint64_t word, esr;
    const char *name;
} kinds[] = {
    {0xb9400003, ESR(EC_DABT_LOW, BIT(24) | 2 << 22 | 3 << 16), "read"}, /* ldr w3, [x0] */
    {0xb9000004, ESR(EC_DABT_LOW, BIT(24) | 2 << 22 | 4 << 16 | BIT(6)),
     "write"},                                  /* str w4, [x0] */
    {0xd61f0000, ESR(EC_IABT_LOW, 0), "fetch"}, /* br x0 */
};

static void access(unsigned kind, uint64_t ipa)
{
    taken_clear();
    run_word_at(1, kinds[kind].word, ipa);
}

static void flush(void)
{
    insn("dsb sy; tlbi vmalls12e1; dsb sy; ic iallu; dsb sy; isb");
}

/* All three kinds of access fault with @fsc, or those in the mask @which; the others do not. AT
 * says the same in PAR_EL1, for reads and writes. */
static void expect(uint64_t ipa, unsigned fsc, unsigned which, const char *what)
{
    bool ok = true;

    flush();
    for (unsigned kind = READ; kind <= FETCH; kind++) {
        struct event t;
        uint64_t par = 0;

        target[0] = 0xd65f03c0;
        access(kind, ipa);
        t = taken;
        if (which & 1u << kind)
            ok &= t.count == 1 && t.el == 2 && t.offset == V_LOWER &&
                  t.esr == (kinds[kind].esr | fsc) && t.far == ipa && t.hpfar == ipa >> 12 << 4;
        else
            ok &= t.count == 0;
        if (kind == READ)
            __asm__ volatile("at s12e1r, %0; isb" ::"r"(ipa) : "memory");
        else if (kind == WRITE)
            __asm__ volatile("at s12e1w, %0; isb" ::"r"(ipa) : "memory");
        if (kind != FETCH) {
            par = mrs(par_el1);
            ok &= which & 1u << kind ? (par & 0x37f) == (0x200 | fsc << 1 | 1) : !(par & 1);
        }
        if (!ok) {
            note(kinds[kind].name);
            check_equal(t.count << 32 | t.el << 16 | t.offset,
                        which & 1u << kind ? BIT(32) | 2 << 16 | V_LOWER : 0, "count, EL, vector");
            check_equal(t.esr, kinds[kind].esr | fsc, "ESR");
            check_equal(t.far, ipa, "FAR");
            check_equal(t.hpfar, ipa >> 12 << 4, "HPFAR");
            print_hex(par);
            note(" PAR_EL1");
            break;
        }
    }
    taken_clear();
    check(ok, what);
}

#define ALL 7u
#define R   1u
#define W   2u
#define X   4u

/* A leaf at @level: a block or a page, which maps IPA to the target if attributes allow it. */
static void leaves(uint64_t ipa, int level)
{
    static const struct {
        uint64_t attr;
        unsigned faults; /* of accesses */
        const char *name;
    } cases[] = {
        {S2_NORMAL, 0, "read, write, execute"},
        {S2_NORMAL & ~S2_W, W, "read-only"},
        {S2_NORMAL & ~S2_R, R, "no read: may be executed"},
        {NO_PERM | XN, ALL, "no access"},
        {S2_NORMAL | XN, X, "execute-never"},
    };
    uint64_t *e = entry(ipa, level), low = BIT(shift_of(level)) - 1;
    uint64_t base = ((uint64_t)target & ~low) | (level == 3 ? PT_TABLE : 0);
    uint64_t at = (ipa & ~low) | ((uint64_t)target & low);

    *e = base | attr(S2_NORMAL & ~PT_AF);
    expect(at, 8 + (unsigned)level, ALL, "access flag");
    *e = base | S2_NORMAL | oa_bit();
    if (oa_bit())
        expect(at, (unsigned)level, ALL, "address size");
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        *e = base | attr(cases[k].attr);
        expect(at, 12 + (unsigned)level, cases[k].faults, cases[k].name);
    }
    *e = 0;
}

static unsigned pa_bits(void)
{
    static const uint8_t bits[] = {32, 36, 40, 42, 44, 48, 52};

    return bits[FIELD(mrs(id_aa64mmfr0_el1), 3, 0)];
}

static void levels(void)
{
    static const char *const names[] = {"level -1", "level 0", "level 1", "level 2", "level 3"};
    /* The highest index in the root that is not the identity map's. */
    uint64_t ipa = BIT(shape->ia_bits) - BIT(shift_of(2)) + 0x1000;

    for (int level = shape->start; level <= 3; level++) {
        uint64_t *e = entry(ipa, level);

        context = shape->name;
        note(names[level + 1]);
        *e = 0;
        expect(ipa, translation(level), ALL, "translation");
        if (level == 3) {
            *e = (uint64_t)target | S2_NORMAL;
            expect(ipa, translation(level), ALL, "translation: reserved at level 3");
        } else if (oa_bit()) {
            *e = oa_bit() | 3;
            expect(ipa, (unsigned)level, ALL, "address size: next table");
        }
        if (block_allowed(level)) {
            leaves(ipa, level);
        } else {
            *e = attr(S2_NORMAL);
            if (on_qemu())
                note("blocks at levels that have none: divergence block-level");
            else
                expect(ipa, translation(level), ALL, "translation: no blocks at this level");
        }
        *e = 0;
    }
    if (shape->ia_bits < pa_bits()) /* or it is stage 1's fault */
        expect(BIT(shape->ia_bits), 4, ALL, "translation, level 0: beyond VTCR_EL2.T0SZ");
}

/* VTTBR_EL2 beyond VTCR_EL2.PS: level 0 whatever the start level. Only AT can ask without losing
 * EL1. */
static void root_size(void)
{
    msr(vttbr_el2, (uint64_t)arena | oa_bit());
    flush();
    __asm__ volatile("at s12e1r, %0; isb" ::"r"(UINT64_C(0x40000000)) : "memory");
    check_equal(mrs(par_el1) & 0x37f, 0x201, "address size, level 0: VTTBR_EL2");
    msr(vttbr_el2, arena);
    flush();
}

static bool supported(const struct shape *s)
{
    uint64_t mmfr0 = mrs(id_aa64mmfr0_el1);
    unsigned tgran16_2 = FIELD(mmfr0, 35, 32)
    , tgran4_2 = FIELD(mmfr0, 43, 40);

    if (on_qemu() && s->granule_bits == 14 && s->start == 0) /* divergence s2-16k-level-0 */
        return false;
    if (s->ia_bits > pa_bits() || (s->ds && tgran4_2 < 3))
        return false;
    return s->granule_bits != 14 || tgran16_2 >= 2 || (tgran16_2 == 0 && FIELD(mmfr0, 23, 20));
}

int main(void)
{
    msr(sctlr_el1, SCTLR_INIT);
    for (unsigned k = 0; k < ARRAY_SIZE(shapes); k++) {
        shape = &shapes[k];
        context = shape->name;
        if (!supported(shape)) {
            note("not on this CPU");
            continue;
        }
        identity();
        msr(hcr_el2, HCR_RW | HCR_VM);
        levels();
        if (oa_bit())
            root_size();
        msr(hcr_el2, HCR_RW);
    }
    return (int)failures;
}
