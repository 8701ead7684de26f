/* Runs on: a57 n1 max; el2. */
/* Each TLB maintenance instruction: what it names is gone, by page, block, contiguous pages and
 * table, for EL1&0 with stage 2, EL2, and EL2&0 of a host. */
#include "mmu.h"

#define VA    UINT64_C(0x1000000000)
#define IPA   UINT64_C(0x2000000000)
#define PAGES 8
#define ASID  UINT64_C(5)

/* The operand: none, an address with ASID, an ASID, a range of pages, of which EL and stage. */
enum operand { NONE, BY_VA, BY_ASID, RANGE };
enum regime { GUEST, STAGE2, HYP };

#define FORMS(X, name, operand, regime, last)                                                      \
    X(name, operand, regime, last, 0)                                                              \
    X(name "is", operand, regime, last, 0)                                                         \
    X(name "os", operand, regime, last, 1)
#define RANGES(X, name, regime, last)                                                              \
    X(name, RANGE, regime, last, 2)                                                                \
    X(name "is", RANGE, regime, last, 2)                                                           \
    X(name "os", RANGE, regime, last, 2)
/* X(operation, operand, regime, last level only, least ID_AA64ISAR0_EL1.TLB) */
#define OPS(X)                                                                                     \
    FORMS(X, "vmalle1", NONE, GUEST, false)                                                        \
    FORMS(X, "vae1", BY_VA, GUEST, false)                                                          \
    FORMS(X, "aside1", BY_ASID, GUEST, false)                                                      \
    FORMS(X, "vaae1", BY_VA, GUEST, false)                                                         \
    FORMS(X, "vale1", BY_VA, GUEST, true)                                                          \
    FORMS(X, "vaale1", BY_VA, GUEST, true)                                                         \
    RANGES(X, "rvae1", GUEST, false)                                                               \
    RANGES(X, "rvaae1", GUEST, false)                                                              \
    RANGES(X, "rvale1", GUEST, true)                                                               \
    RANGES(X, "rvaale1", GUEST, true)                                                              \
    FORMS(X, "alle1", NONE, GUEST, false)                                                          \
    FORMS(X, "vmalls12e1", NONE, GUEST, false)                                                     \
    FORMS(X, "alle1", NONE, STAGE2, false)                                                         \
    FORMS(X, "vmalls12e1", NONE, STAGE2, false)                                                    \
    FORMS(X, "ipas2e1", BY_VA, STAGE2, false)                                                      \
    FORMS(X, "ipas2le1", BY_VA, STAGE2, true)                                                      \
    RANGES(X, "ripas2e1", STAGE2, false)                                                           \
    RANGES(X, "ripas2le1", STAGE2, true)                                                           \
    FORMS(X, "alle2", NONE, HYP, false)                                                            \
    FORMS(X, "vae2", BY_VA, HYP, false)                                                            \
    FORMS(X, "vale2", BY_VA, HYP, true)                                                            \
    RANGES(X, "rvae2", HYP, false)                                                                 \
    RANGES(X, "rvale2", HYP, true)

#define ASM_NONE                                ""
#define ASM_BY_VA                               ", x0"
#define ASM_BY_ASID                             ", x0"
#define ASM_RANGE                               ", x0"
#define WORD(name, operand, regime, last, need) "tlbi " name ASM_##operand "\n"
__asm__(".pushsection .rodata\n.balign 4\ntlbi_words:\n" OPS(WORD) ".popsection");
extern const uint32_t tlbi_words[];

#define ROW(name, operand, regime, last, need) {name, operand, regime, last, need},
static const struct op {
    const char *name;
    enum operand operand;
    enum regime regime;
    bool last_level;
    unsigned need;
} ops[] = {OPS(ROW)};

static uint8_t data[PAGES * 4096] __attribute__((aligned(65536)));
static uint64_t *s1, *s2, *hyp;

static uint64_t read(uint64_t va)
{
    return *(volatile uint8_t *)va;
}

static uint64_t operand(enum operand operand, enum regime regime)
{
    uint64_t asid = regime == GUEST ? ASID << 48 : 0;
    uint64_t page = (regime == STAGE2 ? IPA : VA) >> 12;

    switch (operand) {
    case NONE:
        return 0;
    case BY_VA:
        return page | asid;
    case BY_ASID:
        return asid;
    default: /* TG: 4K; SCALE 0; NUM 3: 8 pages */
        return page | asid | UINT64_C(1) << 46 | UINT64_C(3) << 39;
    }
}

/* The tables of a regime, and where in them the pages are. */
static uint64_t *entry(enum regime regime, unsigned page, unsigned level)
{
    return regime == STAGE2 ? pt_entry(s2, IPA + page * 4096, level)
                            : pt_entry(regime == HYP ? hyp : s1, VA + page * 4096, level);
}

static void map(enum regime regime, bool present)
{
    uint64_t attr = regime == STAGE2 ? S2_NORMAL : PT_NORMAL | PT_NG;

    if (regime == HYP)
        attr = PT_NORMAL;
    for (unsigned k = 0; k < PAGES; k++)
        *entry(regime, k, 3) =
            present ? ((regime == GUEST ? IPA : (uint64_t)data) + k * 4096) | attr | PT_TABLE : 0;
}

static void flush_all(void)
{
    insn("dsb sy; tlbi alle1; tlbi alle2; dsb sy; isb");
}

/* The operation by the lowest EL that has it, and the one after a stage 2 operation by address,
 * which frees stage 1's combined entries. */
static void execute(unsigned k, unsigned el)
{
    bool follow = ops[k].regime == STAGE2 && ops[k].operand != NONE;

    dsb();
    run_word_at(el, tlbi_words[k], operand(ops[k].operand, ops[k].regime));
    dsb();
    if (follow)
        insn("tlbi vmalle1; dsb sy");
    isb();
}

static unsigned touch(unsigned el, unsigned count)
{
    unsigned faults = 0;

    for (unsigned p = 0; p < count; p++) {
        taken_clear();
        if (el == 2)
            read(VA + p * 4096 + p);
        else
            call_el(1, read, VA + p * 4096 + p);
        faults += taken.count == 1;
    }
    taken_clear();
    return faults;
}

static void one_op(unsigned k, unsigned from)
{
    const struct op *o = &ops[k];
    unsigned el = o->regime == HYP ? 2 : 1, count = o->operand == BY_VA ? 1 : PAGES;
    uint64_t *table = entry(o->regime, 0, 2), saved = *table;

    map(o->regime, true);
    flush_all();
    check_equal(touch(el, PAGES), 0, o->name);
    map(o->regime, false);
    execute(k, from);
    check_equal(touch(el, count), count, "pages are gone");
    map(o->regime, true);
    flush_all();
    if (o->last_level)
        return;
    touch(el, PAGES);
    *table = 0;
    execute(k, from);
    check_equal(touch(el, count), count, "tables are gone");
    *table = saved;
    flush_all();
}

/* Any address of a block, and of contiguous pages, names all of it. */
static void large(unsigned el, uint64_t *root, uint64_t attr)
{
    uint64_t *e = pt_entry(root, VA, 2), saved = *e;

    for (unsigned last = 0; last < 2; last++) {
        *e = 0x40000000 | attr; /* 2 MiB */
        flush_all();
        for (unsigned p = 0; p < 4; p++)
            check(el == 2 ? (read(VA + p * 0x7f000), true)
                          : (call_el(1, read, VA + p * 0x7f000), true),
                  "block");
        check_none("is mapped");
        *e = 0;
        dsb();
        if (el == 2)
            __asm__ volatile("tlbi vae2, %0; dsb sy; isb" ::"r"(VA >> 12 | 0x55) : "memory");
        else if (last)
            __asm__ volatile("tlbi vale1, %0; dsb sy; isb" ::"r"(VA >> 12 | 0x55 | ASID << 48)
                             : "memory");
        else
            __asm__ volatile("tlbi vaae1, %0; dsb sy; isb" ::"r"(VA >> 12 | 0x55) : "memory");
        for (unsigned p = 0; p < 4; p++) {
            taken_clear();
            if (el == 2)
                read(VA + p * 0x7f000);
            else
                call_el(1, read, VA + p * 0x7f000);
            check_equal(taken.count, 1, "all of the block is gone");
        }
        taken_clear();
    }
    *e = saved;
    flush_all();
}

/* SCALE and NUM: 2 to 2^21 pages; the last page named goes. */
static void range_sizes(void)
{
    static const struct {
        unsigned scale, num;
        uint64_t pages;
    } sizes[] = {{0, 0, 2}, {0, 31, 64}, {1, 0, 64}, {1, 7, 512}, {2, 1, 4096}, {3, 0, 65536}};

    if (FIELD(mrs(id_aa64isar0_el1), 59, 56) < 2)
        return;
    for (unsigned k = 0; k < ARRAY_SIZE(sizes); k++) {
        uint64_t first = UINT64_C(0x1800000000), last = first + (sizes[k].pages - 1) * 4096;
        uint64_t xt = first >> 12 | UINT64_C(1) << 46 | (uint64_t)sizes[k].scale << 44 |
                      (uint64_t)sizes[k].num << 39;
        uint64_t *e = pt_entry(s1, last, 3);

        *e = IPA | PT_NORMAL | PT_TABLE;
        flush_all();
        call_el(1, read, last);
        check_none("last page of a range");
        *e = 0;
        dsb();
        run_word_at(1, 0xd5088660, xt); /* tlbi rvaae1, x0 */
        insn("dsb sy; isb");
        call_el(1, read, last);
        check_equal(taken.count, 1, "is gone");
        taken_clear();
    }
}

static uint64_t on_el1(uint64_t arg)
{
    mmu_on_el1((uint64_t *)arg);
    return 0;
}

/* A host's EL2&0: the EL1 operations are its own, with its ASID. */
static void host(void)
{
    uint64_t hcr = mrs(hcr_el2);

    if (!has_vhe()) {
        note("no FEAT_VHE");
        return;
    }
    context = "host: ";
    msr(sctlr_el2, mrs(sctlr_el2) & ~UINT64_C(0x1005));
    msr(s3_4_c1_c1_2, 0x330000);
    msr(hcr_el2, HCR_RW | HCR_E2H | HCR_TGE);
    mmu_on_el1(hyp);
    msr(ttbr0_el1, (uint64_t)hyp | ASID << 48);
    for (unsigned k = 0; k < ARRAY_SIZE(ops); k++) {
        unsigned tlb = FIELD(mrs(id_aa64isar0_el1), 59, 56)
        , count;
        uint64_t op = tlbi_words[k];

        /* Those of EL1 that are not "alle1" and "vmalls12e1" (op1 0), and EL2's. */
        if (tlb < ops[k].need || !(ops[k].regime == HYP || FIELD(op, 18, 16) == 0))
            continue;
        map(HYP, true);
        for (unsigned p = 0; p < PAGES && ops[k].regime == GUEST; p++)
            *entry(HYP, p, 3) |= PT_NG;
        insn("dsb sy; tlbi alle2; dsb sy; isb");
        check_equal(touch(2, PAGES), 0, ops[k].name);
        map(HYP, false);
        dsb();
        run_word_at(2, tlbi_words[k], operand(ops[k].operand, ops[k].regime));
        insn("dsb sy; isb");
        count = ops[k].operand == BY_VA ? 1 : PAGES;
        if (ops[k].regime == HYP)
            check_differs(touch(2, count), count, "pages are gone", "tlbi-vae2-host");
        else
            check_equal(touch(2, count), count, "pages are gone");
    }
    msr(sctlr_el1, mrs(sctlr_el1) & ~UINT64_C(0x1005));
    msr(hcr_el2, hcr);
    context = "";
}

int main(void)
{
    s1 = pt_identity(0);
    s2 = pt_identity_s2();
    hyp = pt_identity(0);
    for (enum regime r = GUEST; r <= HYP; r++)
        map(r, true);
    mmu_on_s2(s2, 3);
    call_el(1, on_el1, (uint64_t)s1);
    msr(ttbr0_el1, (uint64_t)s1 | ASID << 48);
    mmu_on_el2(hyp);
    for (unsigned k = 0; k < ARRAY_SIZE(ops); k++) {
        bool el1 = FIELD(tlbi_words[k], 18, 16)
        == 0;

        if (FIELD(mrs(id_aa64isar0_el1), 59, 56) < ops[k].need)
            continue;
        one_op(k, 2);
        if (el1) {
            context = "by EL1: ";
            one_op(k, 1);
            context = "";
        }
    }
    context = "EL1: ";
    large(1, s1, PT_NORMAL | PT_NG);
    context = "EL2: ";
    large(2, hyp, PT_NORMAL);
    context = "range: ";
    range_sizes();
    context = "";
    host();
    check_none("nothing else was taken");
    return (int)failures;
}
