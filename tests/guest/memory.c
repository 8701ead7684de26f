/* Runs on: a57 n1 max; el2 el1. */
/* Self-modifying code, accesses that cross pages, alignment, DC ZVA, exclusives; and PAN, PAuth and
 * BTI where the CPU has them. */
#include "mmu.h"

#define VA UINT64_C(0x1000000000)

static uint8_t page[4][4096] __attribute__((aligned(4096)));
static uint64_t *root;

static void flush(void)
{
    if (current_el() == 2)
        insn("dsb sy; tlbi alle2; dsb sy; isb");
    else
        insn("dsb sy; tlbi vmalle1; dsb sy; isb");
}

static void put_code(uint64_t va, uint32_t word)
{
    *(volatile uint32_t *)va = word;
    __asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" ::"r"(va) : "memory");
}

#define MOVZ_X0(n) (0xd2800000u | (uint32_t)(n) << 5)
#define RET        0xd65f03c0u

static void self_modifying(void)
{
    uint64_t (*fn)(void) = (uint64_t(*)(void))page[0];
    /* Of two pages: the second instruction is on the next one. */
    uint64_t last = (uint64_t)page[2] - 4;

    for (unsigned k = 0; k < 20; k++) {
        put_code((uint64_t)page[0] + 4, RET);
        put_code((uint64_t)page[0], MOVZ_X0(k));
        check_equal(fn(), k, "code written again");
    }
    put_code(last, MOVZ_X0(7));
    put_code(last + 4, RET);
    check_equal(((uint64_t(*)(void))last)(), 7, "code across pages");
    put_code(last + 4, 0x91000400); /* add x0, x0, #1 */
    put_code(last + 8, RET);
    check_equal(((uint64_t(*)(void))last)(), 8, "its second page written");
}

static void crossing(void)
{
    volatile uint8_t *edge = page[1] - 4;
    uint64_t v, w;

    for (unsigned k = 0; k < 8; k++)
        edge[k] = (uint8_t)(0x10 + k);
    __asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(edge) : "memory");
    check_equal(v, UINT64_C(0x1716151413121110), "load across pages");
    __asm__ volatile("str %0, [%1, #1]" ::"r"(~v), "r"(edge) : "memory");
    __asm__ volatile("ldur %0, [%1, #1]" : "=r"(v) : "r"(edge) : "memory");
    check_equal(v, ~UINT64_C(0x1716151413121110), "store across pages");
    __asm__ volatile("ldp %0, %1, [%2, #-8]" : "=&r"(v), "=r"(w) : "r"(edge + 3) : "memory");
    check_equal(w, *(uint32_t *)(edge + 3) | (uint64_t) * (uint32_t *)(edge + 7) << 32,
                "LDP across pages");
    /* Its second page unmapped: nothing of the store is seen. */
    *pt_entry(root, VA, 3) = (uint64_t)page[0] | PT_NORMAL | PT_TABLE;
    *pt_entry(root, VA + 4096, 3) = 0;
    flush();
    taken_clear();
    __asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(VA + 4093) : "memory");
    check_equal(taken.far, VA + 4096, "load that faults on its second page: FAR");
    check_equal(FIELD(taken.esr, 5, 0), 7, "its fault");
    taken_clear();
    page[0][4093] = 0x55;
    __asm__ volatile("str %0, [%1]" ::"r"(UINT64_C(0)), "r"(VA + 4093) : "memory");
    check_equal(taken.far, VA + 4096, "store that faults on its second page: FAR");
    check_equal(page[0][4093], 0x55, "nothing was stored");
    taken_clear();
}

static void alignment(unsigned el)
{
    uint64_t sctlr = el == 2 ? mrs(sctlr_el2) : mrs(sctlr_el1), v, at = (uint64_t)page[0] + 1;

    __asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(at) : "memory");
    check_none("unaligned LDR");
    /* FEAT_LSE2 lets exclusives and LDAR be unaligned within 16 bytes; not across them. */
    if (FIELD(mrs(s3_0_c0_c7_2), 35, 32)) {
        __asm__ volatile("ldxr %0, [%1]" : "=r"(v) : "r"(at) : "memory");
        check_none("unaligned LDXR within 16 bytes");
    }
    at = (uint64_t)page[0] + 13;
    __asm__ volatile("ldxr %0, [%1]" : "=r"(v) : "r"(at) : "memory");
    check_equal(taken.far, at, "unaligned LDXR: FAR");
    check_taken_differs(el, V_CUR_SPX, ESR(EC_DABT_CUR, 0x21), "unaligned LDXR", "el2-isv");
    __asm__ volatile("ldar %0, [%1]" : "=r"(v) : "r"(at) : "memory");
    check_equal(taken.far, at, "unaligned LDAR: FAR");
    check_taken_differs(el, V_CUR_SPX, ESR(EC_DABT_CUR, 0x21), "unaligned LDAR", "el2-isv");
    if (el == 2)
        msr(sctlr_el2, sctlr | 2);
    else
        msr(sctlr_el1, sctlr | 2);
    __asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(at) : "memory");
    if (el == 2)
        msr(sctlr_el2, sctlr);
    else
        msr(sctlr_el1, sctlr);
    check_equal(taken.far, at, "SCTLR.A: FAR");
    check_taken_differs(el, V_CUR_SPX, ESR(EC_DABT_CUR, 0x21), "SCTLR.A", "el2-isv");
}

static void dc_zva(void)
{
    unsigned size = 4u << (mrs(dczid_el0) & 15);
    bool zero = true, others = true;

    for (unsigned k = 0; k < 4096; k++)
        page[3][k] = 0xaa;
    __asm__ volatile("dc zva, %0; dsb sy" ::"r"(page[3] + size + 5) : "memory");
    for (unsigned k = 0; k < 4096; k++) {
        if (k >= size && k < 2 * size)
            zero &= page[3][k] == 0;
        else
            others &= page[3][k] == 0xaa;
    }
    check(zero, "DC ZVA clears its block");
    check(others, "and no more");
}

static void exclusives(void)
{
    uint64_t v, fail;
    uint64_t *p = (uint64_t *)page[3];

    __asm__ volatile("ldxr %0, [%2]; stxr %w1, %3, [%2]"
                     : "=&r"(v), "=&r"(fail)
                     : "r"(p), "r"(UINT64_C(5))
                     : "memory");
    check_equal(fail, 0, "LDXR, STXR succeeds");
    check_equal(*p, 5, "and stores");
    __asm__ volatile("stxr %w0, %2, [%1]" : "=&r"(fail) : "r"(p), "r"(UINT64_C(6)) : "memory");
    check_equal(fail, 1, "STXR alone fails");
    __asm__ volatile("ldxr %0, [%2]; clrex; stxr %w1, %3, [%2]"
                     : "=&r"(v), "=&r"(fail)
                     : "r"(p), "r"(UINT64_C(7))
                     : "memory");
    check_equal(fail, 1, "after CLREX it fails");
    __asm__ volatile("ldxr %0, [%2]; svc #0; stxr %w1, %3, [%2]"
                     : "=&r"(v), "=&r"(fail)
                     : "r"(p), "r"(UINT64_C(8))
                     : "memory");
    check_equal(fail, 1, "after an exception return it fails");
    check_equal(*p, 5, "nothing stored");
    taken_clear();
    __asm__ volatile("ldxp %0, %1, [%2]; stxp %w1, %3, %3, [%2]"
                     : "=&r"(v), "=&r"(fail)
                     : "r"(p), "r"(UINT64_C(9))
                     : "memory");
    check_equal(fail << 8 | p[0] << 4 | p[1], 0x99, "LDXP, STXP");
}

/* An access of EL1 to a page of EL0 with PAN set. The stack and the handler's data are EL0's pages
 * too, so the handler must run with PAN clear: AT S1E1RP (PAN2) and the load's own fault through
 * PAR_EL1. */
static void pan(void)
{
    if (FIELD(mrs(id_aa64mmfr1_el1), 23, 20) < 2 || current_el() == 2) {
        note("no FEAT_PAN2, or EL2");
        return;
    }
    *pt_entry(root, VA + 0x2000, 3) = (uint64_t)page[2] | PT_NORMAL | PT_TABLE | PT_USER;
    flush();
    __asm__ volatile("msr pan, #1; at s1e1rp, %0; isb; msr pan, #0" ::"r"(VA + 0x2000) : "memory");
    check_equal(mrs(par_el1) & 0x7f, 15 << 1 | 1, "AT S1E1RP with PAN: permission fault");
    __asm__ volatile("msr pan, #1; at s1e1r, %0; isb; msr pan, #0" ::"r"(VA + 0x2000) : "memory");
    check_equal(mrs(par_el1) & 1, 0, "AT S1E1R ignores PAN");
    __asm__ volatile("at s1e1rp, %0; isb" ::"r"(VA + 0x2000) : "memory");
    check_equal(mrs(par_el1) & 1, 0, "AT S1E1RP without PAN");
}

static void pauth(void)
{
    uint64_t p = UINT64_C(0x40212340), s, back;

    if (FIELD(mrs(id_aa64isar1_el1), 11, 4) == 0 && FIELD(mrs(s3_0_c0_c6_2), 15, 12) == 0) {
        note("no FEAT_PAuth");
        return;
    }
    if (current_el() == 2)
        msr(hcr_el2, mrs(hcr_el2) | UINT64_C(3) << 40);
    msr(s3_0_c2_c1_0, 0x1234567890abcdef); /* APIAKey */
    msr(s3_0_c2_c1_1, 0xfedcba0987654321);
    if (current_el() == 2)
        msr(sctlr_el2, mrs(sctlr_el2) | BIT(31));
    else
        msr(sctlr_el1, mrs(sctlr_el1) | BIT(31));
    __asm__ volatile("mov x9, %1; mov x10, #77; pacia x9, x10; mov %0, x9"
                     : "=r"(s)
                     : "r"(p)
                     : "x9", "x10");
    check(s != p, "PACIA signs");
    check_equal(s & 0x7fffffffff, p, "in the upper bits");
    __asm__ volatile("mov x9, %1; mov x10, #77; autia x9, x10; mov %0, x9"
                     : "=r"(back)
                     : "r"(s)
                     : "x9", "x10");
    check_equal(back, p, "AUTIA with the same modifier");
    __asm__ volatile("mov x9, %1; xpaci x9; mov %0, x9" : "=r"(back) : "r"(s) : "x9");
    check_equal(back, p, "XPACI");
    if (FIELD(mrs(id_aa64isar1_el1), 11, 4) < 4 && FIELD(mrs(id_aa64isar1_el1), 7, 4) < 4) {
        __asm__ volatile("mov x9, %1; mov x10, #78; autia x9, x10; mov %0, x9"
                         : "=r"(back)
                         : "r"(s)
                         : "x9", "x10");
        check(back != p, "AUTIA with another");
    }
    taken_clear();
}

static void bti(void)
{
    uint64_t code = (uint64_t)page[1];

    if (FIELD(mrs(id_aa64pfr1_el1), 3, 0) == 0) {
        note("no FEAT_BTI");
        return;
    }
    *pt_entry(root, VA, 3) = code | PT_NORMAL | PT_TABLE | BIT(50); /* GP */
    flush();
    put_code(code, RET);
    put_code(code + 4, 0xd503245f); /* bti c */
    put_code(code + 8, RET);
    put_code(code + 12, 0xd503249f); /* bti j */
    put_code(code + 16, RET);
    taken_clear();
    __asm__ volatile("blr %0" ::"r"(VA + 4) : "x30", "memory");
    check_none("BLR to BTI c");
    __asm__ volatile("adr x30, 1f; br %0; 1:" ::"r"(VA + 12) : "x30", "memory");
    check_none("BR to BTI j");
    __asm__ volatile("adr x30, 1f; mov x16, %0; br x16; 1:" ::"r"(VA + 4) : "x16", "x30", "memory");
    check_none("BR X16 to BTI c");
}

static uint64_t bti_fault_esr, bti_fault_spsr;

static void bti_handler(struct frame *f, unsigned el, unsigned offset)
{
    (void)el, (void)offset;
    bti_fault_esr = f->esr;
    bti_fault_spsr = f->spsr;
    f->spsr &= ~(UINT64_C(3) << 10);
    f->elr = f->x[30];
}

static void bti_faults(void)
{
    if (FIELD(mrs(id_aa64pfr1_el1), 3, 0) == 0)
        return;
    guest_handler = bti_handler;
    __asm__ volatile("blr %0" ::"r"(VA) : "x30", "memory");
    check_equal(bti_fault_esr, ESR(EC_BTI, 2), "BLR to no BTI: ESR");
    check_equal(FIELD(bti_fault_spsr, 11, 10), 2, "SPSR.BTYPE");
    bti_fault_esr = 0;
    __asm__ volatile("adr x30, 1f; br %0; 1:" ::"r"(VA + 4) : "x30", "memory");
    check_equal(bti_fault_esr, 0, "BR from an unguarded page to BTI c: BTYPE is 1");
    __asm__ volatile("adr x30, 1f; br %0; 1:" ::"r"(VA) : "x30", "memory");
    check_equal(bti_fault_esr, ESR(EC_BTI, 1), "BR to no BTI: ESR");
    bti_fault_esr = 0;
    __asm__ volatile("blr %0" ::"r"(VA + 12) : "x30", "memory");
    check_equal(bti_fault_esr, ESR(EC_BTI, 2), "BLR to BTI j: ESR");
    guest_handler = 0;
}

int main(void)
{
    unsigned el = current_el();

    root = pt_identity(0);
    /* This program's pages are written and executed at this EL, so not EL0's. */
    for (unsigned k = 0; k < ARRAY_SIZE(page); k++)
        *pt_entry(root, (uint64_t)page[k], 3) = (uint64_t)page[k] | PT_NORMAL | PT_TABLE;
    if (el == 2)
        mmu_on_el2(root);
    else
        mmu_on_el1(root);
    self_modifying();
    crossing();
    alignment(el);
    dc_zva();
    exclusives();
    pan();
    pauth();
    bti();
    bti_faults();
    check_none("nothing else");
    return (int)failures;
}
