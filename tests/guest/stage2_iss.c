/* Runs on: a57 n1 max; el2. */
/* What ESR_EL2 says of the instruction that took a stage 2 fault: valid and no valid syndromes,
 * WnR, CM, S1PTW; which page of two; alignment and execution as stage 2 decides them. Stage 1 is
 * on. */
#include "mmu.h"

#define VA    UINT64_C(0x1000000000)
#define IPA   UINT64_C(0x2000000000) /* of VA; two pages */
#define TABLE UINT64_C(0x3000000000) /* IPA for tables of stage 1 */

#define ISV           BIT(24)
#define SAS(n)        ((uint64_t)(n) << 22)
#define SSE           BIT(21)
#define SRT(n)        ((uint64_t)(n) << 16)
#define SF            BIT(15)
#define AR            BIT(14)
#define CM            BIT(8)
#define S1PTW         BIT(7)
#define WNR           BIT(6)
#define LOAD(s, r)    (ISV | SAS(s) | SRT(r))
#define STORE(s, r)   (ISV | SAS(s) | SRT(r) | WNR)
#define TRANSLATION_3 7u
#define PERMISSION_3  15u
#define S2_RO         (S2_NORMAL & ~BIT(7))

enum need { BASE, LSE, LRCPC, LRCPC2 };

/* X(instruction, ISS of a translation fault without the FSC, what the CPU needs, row of
 * docs/divergences.md). */
#define ACCESSES(X)                                                                                \
    X("ldrb w3, [x0]", LOAD(0, 3), BASE, 0)                                                        \
    X("ldrh w4, [x0, #2]", LOAD(1, 4), BASE, 0)                                                    \
    X("ldr w5, [x0, #4]", LOAD(2, 5), BASE, 0)                                                     \
    X("ldr x6, [x0, #8]", LOAD(3, 6) | SF, BASE, 0)                                                \
    X("ldrsb w7, [x0]", LOAD(0, 7) | SSE, BASE, 0)                                                 \
    X("ldrsb x8, [x0]", LOAD(0, 8) | SSE | SF, BASE, 0)                                            \
    X("ldrsh w9, [x0]", LOAD(1, 9) | SSE, BASE, 0)                                                 \
    X("ldrsh x10, [x0]", LOAD(1, 10) | SSE | SF, BASE, 0)                                          \
    X("ldrsw x11, [x0]", LOAD(2, 11) | SSE | SF, BASE, 0)                                          \
    X("ldr wzr, [x0]", LOAD(2, 31), BASE, 0)                                                       \
    X("ldr xzr, [x0]", LOAD(3, 31) | SF, BASE, 0)                                                  \
    X("ldur w12, [x0, #3]", LOAD(2, 12), BASE, 0)                                                  \
    X("ldr x13, [x0, xzr, lsl #3]", LOAD(3, 13) | SF, BASE, 0)                                     \
    X("ldr w14, [x0, wzr, sxtw]", LOAD(2, 14), BASE, 0)                                            \
    X("ldtrb w15, [x0]", LOAD(0, 15), BASE, 0)                                                     \
    X("ldtrsh x16, [x0]", LOAD(1, 16) | SSE | SF, BASE, 0)                                         \
    X("ldtr x17, [x0]", LOAD(3, 17) | SF, BASE, 0)                                                 \
    X("ldarb w3, [x0]", LOAD(0, 3) | AR, BASE, 0)                                                  \
    X("ldar w3, [x0]", LOAD(2, 3) | AR, BASE, 0)                                                   \
    X("ldar x3, [x0]", LOAD(3, 3) | SF | AR, BASE, 0)                                              \
    X("ldapr x3, [x0]", LOAD(3, 3) | SF | AR, LRCPC, 0)                                            \
    X("ldapursb x3, [x0, #1]", LOAD(0, 3) | SSE | SF | AR, LRCPC2, 0)                              \
    X("ldapur w3, [x0, #4]", LOAD(2, 3) | AR, LRCPC2, 0)                                           \
    X("strb w3, [x0]", STORE(0, 3), BASE, 0)                                                       \
    X("strh w4, [x0]", STORE(1, 4), BASE, 0)                                                       \
    X("str w5, [x0]", STORE(2, 5), BASE, 0)                                                        \
    X("str x6, [x0]", STORE(3, 6) | SF, BASE, 0)                                                   \
    X("str wzr, [x0]", STORE(2, 31), BASE, 0)                                                      \
    X("stur x12, [x0, #3]", STORE(3, 12) | SF, BASE, 0)                                            \
    X("str w13, [x0, xzr]", STORE(2, 13), BASE, 0)                                                 \
    X("sttrb w15, [x0]", STORE(0, 15), BASE, 0)                                                    \
    X("sttr x16, [x0]", STORE(3, 16) | SF, BASE, 0)                                                \
    X("stlrb w3, [x0]", STORE(0, 3) | AR, BASE, 0)                                                 \
    X("stlr w3, [x0]", STORE(2, 3) | AR, BASE, 0)                                                  \
    X("stlr x3, [x0]", STORE(3, 3) | SF | AR, BASE, 0)                                             \
    X("stlur x3, [x0, #8]", STORE(3, 3) | SF | AR, LRCPC2, 0)                                      \
    X("ldr x3, [x0], #8", 0, BASE, 0)                                                              \
    X("ldrb w3, [x0, #1]!", 0, BASE, 0)                                                            \
    X("str w3, [x0], #4", WNR, BASE, 0)                                                            \
    X("str x3, [x0, #8]!", WNR, BASE, 0)                                                           \
    X("ldp x3, x4, [x0]", 0, BASE, 0)                                                              \
    X("ldpsw x3, x4, [x0]", 0, BASE, 0)                                                            \
    X("ldnp x3, x4, [x0]", 0, BASE, 0)                                                             \
    X("stp x3, x4, [x0]", WNR, BASE, 0)                                                            \
    X("ldxr x3, [x0]", 0, BASE, 0)                                                                 \
    X("ldxrb w3, [x0]", 0, BASE, 0)                                                                \
    X("ldaxr w3, [x0]", 0, BASE, 0)                                                                \
    X("ldxp x3, x4, [x0]", 0, BASE, 0)                                                             \
    X("ldr b3, [x0]", 0, BASE, 0)                                                                  \
    X("ldr d3, [x0]", 0, BASE, 0)                                                                  \
    X("ldr q3, [x0]", 0, BASE, 0)                                                                  \
    X("str s3, [x0]", WNR, BASE, 0)                                                                \
    X("ldp q3, q4, [x0]", 0, BASE, 0)                                                              \
    X("ld1 {v3.16b}, [x0]", 0, BASE, 0)                                                            \
    X("st2 {v3.4s, v4.4s}, [x0]", WNR, BASE, 0)                                                    \
    X("ld1r {v3.8h}, [x0]", 0, BASE, 0)                                                            \
    X("ldadd w3, w4, [x0]", 0, LSE, 0)                                                             \
    X("ldsetal x3, x4, [x0]", 0, LSE, 0)                                                           \
    X("stadd x3, [x0]", 0, LSE, 0)                                                                 \
    X("swpb w3, w4, [x0]", 0, LSE, 0)                                                              \
    X("cas x3, x4, [x0]", 0, LSE, 0)                                                               \
    X("casal w3, w4, [x0]", 0, LSE, 0)                                                             \
    X("casp x4, x5, x6, x7, [x0]", 0, LSE, 0)                                                      \
    X("dc zva, x0", WNR, BASE, 0)                                                                  \
    X("dc civac, x0", CM | WNR, BASE, "cache-op")                                                  \
    X("dc cvac, x0", CM | WNR, BASE, "cache-op")                                                   \
    X("dc cvau, x0", CM | WNR, BASE, "cache-op")                                                   \
    X("dc ivac, x0", CM | WNR, BASE, "cache-op")                                                   \
    X("ic ivau, x0", CM | WNR, BASE, "cache-op")

#define WORD(text, iss, need, row) text "\n"
__asm__(".pushsection .rodata\n.balign 4\naccess_words:\n" ACCESSES(WORD) ".popsection");
extern const uint32_t access_words[];

#define ROW(text, iss, need, row) {text, iss, need, row},
static const struct access {
    const char *text;
    uint64_t iss;
    enum need need;
    const char *differs;
} accesses[] = {ACCESSES(ROW)};

static uint8_t page[2][4096] __attribute__((aligned(4096)));
static uint64_t *s1, *s2;

static bool has(enum need need)
{
    uint64_t isar0 = mrs(id_aa64isar0_el1), lrcpc = FIELD(mrs(id_aa64isar1_el1), 23, 20);

    return need == BASE || (need == LSE && FIELD(isar0, 23, 20)) || (need == LRCPC && lrcpc >= 1) ||
           (need == LRCPC2 && lrcpc >= 2);
}

static void flush(void)
{
    insn("dsb sy; tlbi vmalls12e1; dsb sy; ic iallu; dsb sy; isb");
}

/* What stage 2 makes of the page @n of IPA. */
static void map_s2(unsigned n, uint64_t attr)
{
    *pt_entry(s2, IPA + 4096 * n, 3) = attr ? (uint64_t)page[n] | attr | PT_TABLE : 0;
    flush();
}

static void run(unsigned el, uint32_t word, uint64_t arg)
{
    taken_clear();
    run_word_at(el, word, arg);
}

static void is_at(uint64_t va, uint64_t ipa)
{
    check_equal(taken.far, va, "FAR");
    check_equal(taken.hpfar, ipa >> 12 << 4, "HPFAR");
}

/* Each access to a page that is not mapped; each store to a page that is read-only. */
static void syndromes(void)
{
    for (unsigned k = 0; k < ARRAY_SIZE(accesses); k++) {
        const struct access *a = &accesses[k];
        bool atomic = a->need == LSE, cache = a->iss & CM;
        bool qemu_nop = cache && on_qemu();

        if (!has(a->need))
            continue;
        context = "";
        map_s2(0, 0);
        run(1, access_words[k], VA + 0x40);
        if (!qemu_nop) /* with offsets up to 8 */
            check(taken.far - (VA + 0x40) <= 8 && taken.hpfar == IPA >> 12 << 4, "FAR and HPFAR");
        check_taken_differs(2, V_LOWER, ESR(EC_DABT_LOW, a->iss | TRANSLATION_3), a->text,
                            a->differs);
        context = "read-only: ";
        map_s2(0, S2_RO);
        run(1, access_words[k], VA + 0x40);
        if (atomic)
            check_taken(2, V_LOWER, ESR(EC_DABT_LOW, a->iss | WNR | PERMISSION_3), a->text);
        else if ((a->iss & WNR) && access_words[k] != 0xd50b7520 && !cache)
            check_taken(2, V_LOWER, ESR(EC_DABT_LOW, a->iss | PERMISSION_3), a->text);
        else if (!cache) /* DC IVAC is a write, the others are not: below */
            check_none(a->text);
    }
    context = "";
}

/* Cache maintenance on pages without permissions: at EL1 only DC IVAC minds. */
static void cache_permissions(void)
{
    static const struct {
        uint32_t word;
        bool writes;
        const char *name;
    } ops[] = {
        {0xd5087620, true, "dc ivac"},  {0xd50b7a20, false, "dc cvac"},
        {0xd50b7b20, false, "dc cvau"}, {0xd50b7e20, false, "dc civac"},
        {0xd50b7520, false, "ic ivau"},
    };

    context = "no permission: ";
    map_s2(0, S2_NORMAL & ~(UINT64_C(3) << 6));
    for (unsigned k = 0; k < ARRAY_SIZE(ops); k++) {
        run(1, ops[k].word, VA);
        if (ops[k].writes)
            check_taken_differs(2, V_LOWER, ESR(EC_DABT_LOW, CM | WNR | PERMISSION_3), ops[k].name,
                                "cache-op");
        else
            check_none(ops[k].name);
    }
    context = "";
}

/* The second page of an access: FAR and HPFAR are its, and nothing has been done. */
static void crossing(void)
{
    static const struct {
        uint32_t word;
        unsigned offset;
        uint64_t iss;
        const char *name;
    } cases[] = {
        {0xa9401003, 0xff8, 0, "ldp x3, x4"},
        {0xa9001003, 0xff8, WNR, "stp x3, x4"},
        {0xf9400003, 0xffc, LOAD(3, 3) | SF, "ldr x3"},
        {0xf9000003, 0xffc, STORE(3, 3) | SF, "str x3"},
        {0x79400003, 0xfff, LOAD(1, 3), "ldrh w3"},
        {0x3dc00003, 0xff8, 0, "ldr q3"},
        {0x4c00a003, 0xff0, WNR, "st1 {v3, v4}"},
    };

    context = "two pages: ";
    map_s2(0, S2_NORMAL);
    map_s2(1, 0);
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        bool unchanged = true;

        for (unsigned b = 0; b < 16; b++)
            page[0][0xff0 + b] = 0x5a;
        run(1, cases[k].word, VA + cases[k].offset);
        is_at(VA + 4096, IPA + 4096);
        check_taken(2, V_LOWER, ESR(EC_DABT_LOW, cases[k].iss | TRANSLATION_3), cases[k].name);
        for (unsigned b = 0; b < 16; b++)
            unchanged &= page[0][0xff0 + b] == 0x5a;
        if (cases[k].iss & ISV) /* others are several accesses */
            check(unchanged, "its first page is as it was");
    }
    map_s2(1, S2_NORMAL);
    context = "";
}

/* Device by stage 2 alone: unaligned accesses fault, reported as of stage 2. */
static void alignment(void)
{
    map_s2(0, S2_DEVICE);
    run(1, 0xb9400003, VA + 4);
    check_none("Device by stage 2: aligned");
    run(1, 0xb9400003, VA + 5);
    check_differs(taken.far, VA + 5, "FAR", "device-alignment");
    check_taken_differs(2, V_LOWER, ESR(EC_DABT_LOW, LOAD(2, 3) | 0x21),
                        "Device by stage 2: unaligned LDR", "device-alignment");
    run(1, 0xd50b7420, VA);
    check_taken_differs(2, V_LOWER, ESR(EC_DABT_LOW, WNR | 0x21), "Device by stage 2: DC ZVA",
                        "device-alignment");
}

/* XN<1:0> with FEAT_XNX: each of EL0 and EL1 on its own. */
static void execute_never(void)
{
    static const bool may[4][2] = {{true, true}, {true, false}, {false, false}, {false, true}};
    bool xnx = FIELD(mrs(id_aa64mmfr1_el1), 31, 28);

    *(uint32_t *)page[0] = 0xd65f03c0;
    *pt_entry(s1, VA, 3) = IPA | PT_NORMAL | PT_TABLE | PT_USER | PT_RO;
    for (unsigned xn = 0; xn < 4; xn++) {
        if ((xn & 1) && !xnx)
            continue;
        map_s2(0, S2_NORMAL | (uint64_t)xn << 53);
        for (unsigned el = 0; el < 2; el++) {
            run(el, 0xd61f0000, VA); /* br x0 */
            if (may[xn][el]) {
                check_none("XN lets it through");
                continue;
            }
            is_at(VA, IPA);
            check_taken(2, V_LOWER, ESR(EC_IABT_LOW, PERMISSION_3), "XN");
        }
    }
    *pt_entry(s1, VA, 3) = IPA | PT_NORMAL | PT_TABLE | PT_USER;
    flush();
}

static void table_faults(const char *what, unsigned fsc, unsigned qemu_fsc)
{
    static const struct {
        uint32_t word;
        uint64_t esr;
        const char *name;
    } kinds[] = {
        {0xb9400003, ESR(EC_DABT_LOW, S1PTW), "read"},
        {0xb9000003, ESR(EC_DABT_LOW, S1PTW | WNR), "write"},
        {0xd61f0000, ESR(EC_IABT_LOW, S1PTW), "fetch"},
        {0xd5087800, ESR(EC_DABT_LOW, S1PTW | CM | WNR), "at s1e1r"},
        {0xd5087820, ESR(EC_DABT_LOW, S1PTW | CM | WNR), "at s1e1w"},
    };

    context = what;
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        run(1, kinds[k].word, VA + 0x20);
        is_at(VA + 0x20, TABLE);
        check_taken(2, V_LOWER, kinds[k].esr | (on_qemu() ? qemu_fsc : fsc), kinds[k].name);
    }
    __asm__ volatile("at s12e1r, %0; isb" ::"r"(VA) : "memory");
    check_equal(mrs(par_el1) & 0x37f, 0x301 | (on_qemu() ? qemu_fsc : fsc) << 1,
                "at s12e1r at EL2: PAR_EL1");
    context = "";
}

/* A table of stage 1 at each level that stage 2 does not map, or not for reading. QEMU reports the
 * level of stage 1: divergence s1ptw-level. */
static void walks(void)
{
    for (unsigned level = 2; level <= 3; level++) {
        uint64_t *e = pt_entry(s1, VA, level - 1), saved = *e;

        *pt_entry(s2, TABLE, 3) = 0;
        *e = TABLE | 3;
        flush();
        table_faults("table not mapped: ", 7, 4 + level);
        *pt_entry(s2, TABLE, 3) = BIT(41) | PT_TABLE | S2_NORMAL;
        flush();
        table_faults("table beyond PS: ", 3, level);
        *pt_entry(s2, TABLE, 3) = (saved & 0xfffffffff000) | PT_TABLE | (S2_NORMAL & ~PT_AF);
        flush();
        table_faults("table without access flag: ", 11, 8 + level);
        *pt_entry(s2, TABLE, 3) =
            (saved & 0xfffffffff000) | PT_TABLE | (S2_NORMAL & ~(UINT64_C(1) << 6));
        flush();
        table_faults("table not readable: ", 15, 12 + level);
        *pt_entry(s2, TABLE, 3) = (saved & 0xfffffffff000) | PT_TABLE | S2_DEVICE;
        msr(hcr_el2, mrs(hcr_el2) | BIT(2)); /* PTW */
        flush();
        table_faults("table in Device memory with PTW: ", 15, 12 + level);
        msr(hcr_el2, mrs(hcr_el2) & ~BIT(2));
        flush();
        run(1, 0xb9400003, VA);
        check_none("table in Device memory without PTW");
        *e = saved;
        flush();
    }
}

/* Stage 1 sets an access flag in a table that stage 2 lets it read only. */
static void flag_update(void)
{
    uint64_t *e = pt_entry(s1, VA, 3), *table = (uint64_t *)((uint64_t)e & ~UINT64_C(4095));
    uint64_t tcr = mrs(tcr_el1), saved = *e;

    if (!FIELD(mrs(id_aa64mmfr1_el1), 3, 0)) {
        note("no FEAT_HAFDBS");
        return;
    }
    *pt_entry(s2, TABLE, 3) = (uint64_t)table | PT_TABLE | S2_RO;
    *pt_entry(s1, VA, 2) = TABLE | 3;
    *e = saved & ~PT_AF;
    msr(tcr_el1, tcr | BIT(39)); /* HA */
    flush();
    run(1, 0xb9400003, VA);
    is_at(VA, TABLE);
    taken.esr &= ~WNR; /* of an update, not of the load */
    check_taken(2, V_LOWER, ESR(EC_DABT_LOW, S1PTW | PERMISSION_3),
                "access flag update: read-only");
    check_equal(*e & PT_AF, 0, "the flag is as it was");
    *pt_entry(s2, TABLE, 3) = (uint64_t)table | PT_TABLE | S2_NORMAL;
    flush();
    run(1, 0xb9400003, VA);
    check_none("access flag update: writable");
    check_equal(*e & PT_AF, PT_AF, "the flag is set");
    *pt_entry(s1, VA, 2) = (uint64_t)table | 3;
    msr(tcr_el1, tcr);
    flush();
}

static uint64_t on_el1(uint64_t arg)
{
    mmu_on_el1((uint64_t *)arg);
    return 0;
}

int main(void)
{
    s1 = pt_identity(0);
    s2 = pt_identity_s2();
    *pt_entry(s1, VA, 3) = IPA | PT_NORMAL | PT_TABLE | PT_USER;
    *pt_entry(s1, VA + 4096, 3) = (IPA + 4096) | PT_NORMAL | PT_TABLE | PT_USER;
    *pt_entry(s2, IPA, 3) = 0;
    msr(cptr_el2, 0x33ff);
    mmu_on_s2(s2, 1);
    call_el(1, on_el1, (uint64_t)s1);
    syndromes();
    cache_permissions();
    crossing();
    alignment();
    map_s2(0, S2_NORMAL);
    walks();
    flag_update();
    execute_never();
    check_none("nothing else");
    return (int)failures;
}
