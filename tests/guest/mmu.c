/* Runs on: a57 n1 max; el2 el1. */
/* Stage 1 faults of each kind and level at EL0 and EL1, ASIDs, TLBI; stage 2 on top of it. */
#include "mmu.h"

#define TEST_VA UINT64_C(0x1000000000) /* level 1 entry of its own */

static uint64_t *root, *root2, *s2;
static uint8_t page[4][4096] __attribute__((aligned(4096)));
static const uint32_t ret42[] = {0xd2800540, 0xd65f03c0}; /* mov x0, #42; ret */

enum { READ, WRITE, FETCH };

static uint64_t access(uint64_t arg)
{
    uint64_t va = arg & ~UINT64_C(3);

    if ((arg & 3) == FETCH)
        return ((uint64_t(*)(void))va)();
    if ((arg & 3) == READ)
        return *(volatile uint32_t *)va;
    *(volatile uint32_t *)va = 0x1234567;
    return 1;
}

static uint64_t try(unsigned el, unsigned kind, uint64_t va)
{
    taken_clear();
    return el == current_el() ? access(va | kind) : call_el(el, access, va | kind);
}

/* The abort's syndrome at its taker, from EL @from. */
static uint64_t abort_esr(unsigned kind, bool same, unsigned fsc)
{
    unsigned ec =
        kind == FETCH ? (same ? EC_IABT_CUR : EC_IABT_LOW) : (same ? EC_DABT_CUR : EC_DABT_LOW);

    return ESR(ec, fsc | (kind == WRITE ? BIT(6) : 0));
}

static void expect_abort(unsigned el, unsigned kind, uint64_t va, unsigned fsc, const char *what)
{
    uint64_t far;

    try(el, kind, va);
    far = taken.far;
    check_taken(1, el == 1 ? V_CUR_SPX : V_LOWER, abort_esr(kind, el == 1, fsc), what);
    check_equal(far, va, "FAR");
}

static void flush(void)
{
    insn("dsb sy; tlbi vmalle1; dsb sy; isb");
}

static void stage1_levels(unsigned el)
{
    for (unsigned kind = READ; kind <= FETCH; kind++) {
        *pt_entry(root, TEST_VA, 1) = 0;
        flush();
        expect_abort(el, kind, TEST_VA, 5, "translation, level 1");
        *pt_entry(root, TEST_VA, 2) = 0;
        flush();
        expect_abort(el, kind, TEST_VA + 8, 6, "translation, level 2");
        *pt_entry(root, TEST_VA, 3) = 0;
        flush();
        expect_abort(el, kind, TEST_VA, 7, "translation, level 3");
        *pt_entry(root, TEST_VA, 3) = (uint64_t)page[0] | PT_VALID; /* reserved at level 3 */
        flush();
        expect_abort(el, kind, TEST_VA, 7, "reserved descriptor, level 3");
        *pt_entry(root, TEST_VA, 3) = (uint64_t)page[0] | (PT_NORMAL & ~PT_AF) | PT_TABLE | PT_USER;
        flush();
        expect_abort(el, kind, TEST_VA, 11, "access flag, level 3");
        *pt_entry(root, TEST_VA, 2) = 0x40000000 | (PT_NORMAL & ~PT_AF) | PT_USER;
        flush();
        expect_abort(el, kind, TEST_VA, 10, "access flag, level 2");
        *pt_entry(root, TEST_VA, 1) = (uint64_t)BIT(44) | PT_NORMAL;
        flush();
        expect_abort(el, kind, TEST_VA, 1, "address size, level 1");
        expect_abort(el, kind, BIT(40), 4, "translation, level 0: outside both ranges");
        expect_abort(el, kind, ~UINT64_C(0xfffff), 5, "TTBR1, empty");
    }
    *pt_entry(root, TEST_VA, 1) = 0;
}

static void stage1_permissions(void)
{
    static const struct {
        uint64_t attr;
        bool ok[2][3]; /* by EL and kind */
    } cases[] = {
        {0, {{0, 0, 1}, {1, 1, 1}}},
        {PT_USER, {{1, 1, 1}, {1, 1, 0}}},
        {PT_RO, {{0, 0, 1}, {1, 0, 1}}},
        {PT_RO | PT_USER, {{1, 0, 1}, {1, 0, 1}}},
        {PT_UXN, {{0, 0, 0}, {1, 1, 1}}},
        {PT_UXN | PT_USER, {{1, 1, 0}, {1, 1, 0}}},
        {PT_PXN | PT_USER | PT_RO, {{1, 0, 1}, {1, 0, 0}}},
    };

    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        *pt_entry(root, TEST_VA, 3) = (uint64_t)page[0] | PT_NORMAL | PT_TABLE | cases[k].attr;
        flush();
        for (unsigned el = 0; el < 2; el++) {
            for (unsigned kind = READ; kind <= FETCH; kind++) {
                __builtin_memcpy(page[0], ret42, sizeof(ret42));
                insn("dsb sy; ic iallu; dsb sy; isb");
                if (!cases[k].ok[el][kind]) {
                    expect_abort(el, kind, TEST_VA, 15, "permission, level 3");
                    continue;
                }
                try(el, kind, TEST_VA);
                check_none("permitted");
            }
        }
    }
}

static void asids(void)
{
    *(uint32_t *)page[1] = 111;
    *(uint32_t *)page[2] = 222;
    *pt_entry(root, TEST_VA, 3) = (uint64_t)page[1] | PT_NORMAL | PT_TABLE | PT_USER | PT_NG;
    *pt_entry(root2, TEST_VA, 3) = (uint64_t)page[2] | PT_NORMAL | PT_TABLE | PT_USER | PT_NG;
    flush();
    msr(ttbr0_el1, (uint64_t)root | UINT64_C(1) << 48);
    check_equal(try(0, READ, TEST_VA), 111, "ASID 1");
    msr(ttbr0_el1, (uint64_t)root2 | UINT64_C(2) << 48);
    check_equal(try(0, READ, TEST_VA), 222, "ASID 2");
    msr(ttbr0_el1, (uint64_t)root | UINT64_C(1) << 48);
    check_equal(try(0, READ, TEST_VA), 111, "ASID 1 again");
    *pt_entry(root, TEST_VA, 3) = (uint64_t)page[2] | PT_NORMAL | PT_TABLE | PT_USER | PT_NG;
    dsb();
    __asm__ volatile("tlbi vae1, %0; dsb sy; isb" ::"r"(TEST_VA >> 12 | UINT64_C(1) << 48)
                     : "memory");
    check_equal(try(0, READ, TEST_VA), 222, "TLBI VAE1");
    *pt_entry(root, TEST_VA, 3) = (uint64_t)page[1] | PT_NORMAL | PT_TABLE | PT_USER | PT_NG;
    dsb();
    __asm__ volatile("tlbi aside1, %0; dsb sy; isb" ::"r"(UINT64_C(1) << 48) : "memory");
    check_equal(try(0, READ, TEST_VA), 111, "TLBI ASIDE1");
    *pt_entry(root, TEST_VA, 3) = (uint64_t)page[2] | PT_NORMAL | PT_TABLE | PT_USER | PT_NG;
    dsb();
    __asm__ volatile("tlbi vaae1, %0; dsb sy; isb" ::"r"(TEST_VA >> 12) : "memory");
    check_equal(try(0, READ, TEST_VA), 222, "TLBI VAAE1");
    msr(ttbr0_el1, root);
}

static void at_insns(void)
{
    *pt_entry(root, TEST_VA, 3) = (uint64_t)page[1] | PT_NORMAL | PT_TABLE | PT_RO;
    flush();
    __asm__ volatile("at s1e1r, %0; isb" ::"r"(TEST_VA + 0x123) : "memory");
    check_equal(mrs(par_el1) & 0xfffffffff001, (uint64_t)page[1], "AT S1E1R: address");
    check_equal(mrs(par_el1) >> 56, 0xff, "AT S1E1R: attributes");
    check_equal(FIELD(mrs(par_el1), 8, 7), 3, "AT S1E1R: shareability");
    __asm__ volatile("at s1e1w, %0; isb" ::"r"(TEST_VA) : "memory");
    check_equal(mrs(par_el1) & 0x7f, 15 << 1 | 1, "AT S1E1W: permission fault");
    __asm__ volatile("at s1e0r, %0; isb" ::"r"(TEST_VA) : "memory");
    check_equal(mrs(par_el1) & 0x7f, 15 << 1 | 1, "AT S1E0R: permission fault");
    __asm__ volatile("at s1e1r, %0; isb" ::"r"(UINT64_C(0x2000000000)) : "memory");
    check_equal(mrs(par_el1) & 0x7f, 5 << 1 | 1, "AT S1E1R: translation fault, level 1");
}

/* Device memory: unaligned access faults whatever SCTLR.A; unaligned Normal memory does not. */
static void alignment(void)
{
    *pt_entry(root, TEST_VA, 3) = (uint64_t)page[1] | PT_DEVICE | PT_TABLE;
    flush();
    try(1, READ, TEST_VA);
    check_none("Device, aligned");
    run_word_at(1, 0xb8401000, TEST_VA); /* ldur w0, [x0, #1] */
    check_differs(taken.far, TEST_VA + 1, "Device, unaligned: FAR", "device-alignment");
    check_taken_differs(1, V_CUR_SPX, ESR(EC_DABT_CUR, 0x21), "Device, unaligned",
                        "device-alignment");
    run_word_at(1, 0xd50b7420, TEST_VA); /* dc zva, x0 */
    /* CM is 0: DC ZVA is no cache maintenance. */
    check_differs(taken.far, TEST_VA, "DC ZVA on Device: FAR", "device-alignment");
    check_taken_differs(1, V_CUR_SPX, ESR(EC_DABT_CUR, 0x61), "DC ZVA on Device",
                        "device-alignment");
}

static uint64_t stage1_tests(uint64_t arg)
{
    (void)arg;
    mmu_on_el1(root);
    note("stage 1");
    stage1_levels(1);
    stage1_levels(0);
    stage1_permissions();
    asids();
    at_insns();
    alignment();
    return 0;
}

static void expect_s2_differs(unsigned kind, uint64_t va, uint64_t esr, uint64_t hpfar,
                              const char *what, const char *row)
{
    uint64_t far, h;

    try(1, kind, va);
    far = taken.far;
    h = taken.hpfar;
    check_taken_differs(2, V_LOWER, esr, what, row);
    check_equal(far, va, "FAR");
    check_equal(h, hpfar, "HPFAR");
}

static void expect_s2(unsigned kind, uint64_t va, uint64_t esr, uint64_t hpfar, const char *what)
{
    expect_s2_differs(kind, va, esr, hpfar, what, 0);
}

#define ISV_W0 (BIT(24) | 2 << 22)

static void flush_s2(void)
{
    insn("dsb sy; tlbi vmalls12e1; dsb sy; isb");
}

/* Stage 1 off: what EL1 uses are IPAs. */
static void stage2_tests(void)
{
    uint64_t ipa = TEST_VA + 0x3000;
    uint64_t rd = ISV_W0;

    note("stage 2");
    s2 = pt_identity_s2();
    mmu_on_s2(s2, 1);
    msr(sctlr_el1, SCTLR_INIT);
    try(1, READ, (uint64_t)page);
    check_none("mapped one to one");
    *pt_entry(s2, ipa, 1) = 0;
    flush_s2();
    /* Rt is a register of the compiler's choice: SRT is left out by the mask below. */
    for (unsigned level = 1; level <= 3; level++) {
        *pt_entry(s2, ipa, level) = 0;
        flush_s2();
        try(1, FETCH, ipa);
        check_equal(taken.hpfar, ipa >> 12 << 4, "HPFAR");
        check_taken(2, V_LOWER, ESR(EC_IABT_LOW, 4 + level), "stage 2 translation: fetch");
        try(1, READ, ipa);
        check_equal(taken.hpfar, ipa >> 12 << 4, "HPFAR");
        check_equal(taken.far, ipa, "FAR");
        taken.esr &= ~(UINT64_C(31) << 16);
        check_taken(2, V_LOWER, ESR(EC_DABT_LOW, rd | (4 + level)), "stage 2 translation: read");
        try(1, WRITE, ipa);
        taken.esr &= ~(UINT64_C(31) << 16);
        check_taken(2, V_LOWER, ESR(EC_DABT_LOW, rd | BIT(6) | (4 + level)), "and write");
    }
    *pt_entry(s2, ipa, 3) = (uint64_t)page[1] | (S2_NORMAL & ~(UINT64_C(2) << 6)) | PT_TABLE;
    flush_s2();
    check_equal(try(1, READ, ipa), *(uint32_t *)page[1], "read-only: read");
    check_none("no fault");
    run_word_at(1, 0xb9000405, ipa); /* str w5, [x0, #4] */
    check_equal(taken.hpfar, ipa >> 12 << 4, "HPFAR");
    check_taken(2, V_LOWER, ESR(EC_DABT_LOW, ISV_W0 | 5 << 16 | BIT(6) | 15), "read-only: STR W5");
    run_word_at(1, 0xf8008c07, ipa); /* str x7, [x0, #8]!: writeback, no ISV */
    check_taken(2, V_LOWER, ESR(EC_DABT_LOW, BIT(6) | 15), "read-only: STR with writeback");
    run_word_at(1, 0xa9000801, ipa); /* stp x1, x2, [x0] */
    check_taken(2, V_LOWER, ESR(EC_DABT_LOW, BIT(6) | 15), "read-only: STP");
    *pt_entry(s2, ipa, 3) = 0;
    flush_s2();
    run_word_at(1, 0x39c00009, ipa + 5); /* ldrsb w9, [x0] */
    check_taken(2, V_LOWER, ESR(EC_DABT_LOW, BIT(24) | BIT(21) | 9 << 16 | 7), "LDRSB W9");
    run_word_at(1, 0xf940001e, ipa); /* ldr x30, [x0] */
    check_taken(2, V_LOWER, ESR(EC_DABT_LOW, BIT(24) | 3 << 22 | 30 << 16 | BIT(15) | 7),
                "LDR X30");
    run_word_at(1, 0xb980000a, ipa); /* ldrsw x10, [x0] */
    check_taken(2, V_LOWER, ESR(EC_DABT_LOW, BIT(24) | 2 << 22 | BIT(21) | 10 << 16 | BIT(15) | 7),
                "LDRSW X10");
    run_word_at(1, 0x88dffc0b, ipa); /* ldar w11, [x0] */
    check_taken(2, V_LOWER, ESR(EC_DABT_LOW, BIT(24) | 2 << 22 | 11 << 16 | BIT(14) | 7),
                "LDAR W11");
    *pt_entry(s2, ipa, 3) = (uint64_t)page[1] | (S2_NORMAL & ~PT_AF) | PT_TABLE;
    flush_s2();
    try(1, FETCH, ipa);
    check_taken(2, V_LOWER, ESR(EC_IABT_LOW, 11), "stage 2 access flag");
    *pt_entry(s2, ipa, 3) = (uint64_t)page[1] | S2_NORMAL | PT_TABLE | PT_UXN;
    flush_s2();
    expect_s2(FETCH, ipa, ESR(EC_IABT_LOW, 15), ipa >> 12 << 4, "stage 2 XN");
}

static uint64_t on_el1(uint64_t arg)
{
    mmu_on_el1((uint64_t *)arg);
    return 0;
}

/* Stage 1 on, its tables or its result unmapped at stage 2. */
static void both_stages(void)
{
    uint64_t table;

    note("both stages");
    *pt_entry(root, TEST_VA, 3) = (TEST_VA + 0x5000) | PT_NORMAL | PT_TABLE;
    *pt_entry(s2, TEST_VA + 0x5000, 3) = 0;
    flush_s2();
    call_el(1, on_el1, (uint64_t)root);
    expect_s2(FETCH, TEST_VA + 0x10, ESR(EC_IABT_LOW, 7), (TEST_VA + 0x5000) >> 12 << 4,
              "stage 2 fault of stage 1's output");
    *pt_entry(s2, TEST_VA + 0x5000, 3) = (uint64_t)page[1] | S2_NORMAL | PT_TABLE;
    flush_s2();
    check_equal(try(1, READ, TEST_VA), *(uint32_t *)page[1], "both stages");
    check_none("no fault");
    /* The level 2 table of TEST_VA at an IPA that stage 2 does not map. */
    table = *pt_entry(root, TEST_VA, 1);
    *pt_entry(root, TEST_VA, 1) = (TEST_VA + 0x6000) | 3;
    *pt_entry(s2, TEST_VA + 0x6000, 3) = 0;
    flush_s2();
    for (unsigned kind = READ; kind <= FETCH; kind++)
        expect_s2_differs(kind, TEST_VA + 0x20, abort_esr(kind, false, BIT(7) | 7),
                          (TEST_VA + 0x6000) >> 12 << 4, "stage 2 fault of a walk", "s1ptw-level");
    *pt_entry(root, TEST_VA, 1) = table;
    /* Another VMID has its own view; TLBI IPAS2E1. */
    *pt_entry(s2, TEST_VA + 0x5000, 3) = (uint64_t)page[2] | S2_NORMAL | PT_TABLE;
    dsb();
    __asm__ volatile(
        "tlbi ipas2e1, %0; dsb sy; tlbi vmalle1; dsb sy; isb" ::"r"((TEST_VA + 0x5000) >> 12)
        : "memory");
    check_equal(try(1, READ, TEST_VA), *(uint32_t *)page[2], "TLBI IPAS2E1");
    check_none("no fault");
}

static void el2_regime(void)
{
    uint64_t *r = pt_identity(0);
    uint64_t far;

    note("EL2");
    *pt_entry(r, TEST_VA, 3) = 0;
    mmu_on_el2(r);
    try(2, READ, TEST_VA + 4);
    far = taken.far;
    check_taken_differs(2, V_CUR_SPX, ESR(EC_DABT_CUR, 7), "translation, level 3", "el2-isv");
    check_equal(far, TEST_VA + 4, "FAR");
    *pt_entry(r, TEST_VA, 3) = (uint64_t)page[1] | PT_NORMAL | PT_TABLE | PT_USER | PT_RO;
    insn("dsb sy; tlbi alle2; dsb sy; isb");
    check_equal(try(2, READ, TEST_VA), *(uint32_t *)page[1], "read");
    check_none("no fault");
    try(2, WRITE, TEST_VA);
    check_taken_differs(2, V_CUR_SPX, ESR(EC_DABT_CUR, 15 | BIT(6)), "read-only", "el2-isv");
    msr(sctlr_el2, mrs(sctlr_el2) & ~UINT64_C(5));
}

int main(void)
{
    root = pt_identity(0);
    root2 = pt_identity(0);
    if (current_el() == 1) {
        stage1_tests(0);
    } else {
        call_el(1, stage1_tests, 0);
        stage2_tests();
        both_stages();
        msr(hcr_el2, HCR_RW);
        el2_regime();
    }
    return (int)failures;
}
