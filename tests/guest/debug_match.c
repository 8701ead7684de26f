/* Runs on: a57 n1 max; el2 el1. */
/* What breakpoints and watchpoints match: each combination of HMC, SSC and PMC at each EL; links to
 * context breakpoints and these alone; bytes, words, masks and accesses of several bytes. */
#include "guest.h"

#define MDSCR_KDE BIT(13)
#define MDSCR_MDE BIT(15)
#define MDCR_TDE  BIT(8)
#define CR_E      1u
#define BAS(b)    ((uint64_t)(b) << 5)
#define LSC(v)    ((uint64_t)(v) << 3)
#define LBN(n)    ((uint64_t)(n) << 16)
#define BT(v)     ((uint64_t)(v) << 20)
#define WT        BIT(20)
#define MASK(n)   ((uint64_t)(n) << 24)

/* HMC:SSC:PMC as bits of DBGBCR and DBGWCR. */
#define STATE(hmc, ssc, pmc) ((hmc) << 13 | (ssc) << 14 | (pmc) << 1)
#define BY_EL(el)            ((el) == 2 ? STATE(1, 3, 0) : STATE(0, 0, (el) == 1 ? 1 : 2))

extern char bp_code[], bp_here[];
__asm__(".text\n"
        "bp_code: nop\n"
        "bp_here: nop; mov x0, #5; ret\n");

static unsigned own_el;

/* The first debug exception; it switches the others off, so that the instruction goes on. */
static struct {
    unsigned count, el;
    uint64_t esr, elr, far;
} hit;

static void on_hit(struct frame *f, unsigned el, unsigned offset)
{
    (void)offset;
    if (EC(f->esr) < EC_BREAK_LOW || EC(f->esr) > EC_WATCH_CUR)
        return;
    msr(mdscr_el1, 0);
    hit.count++;
    hit.el = el;
    hit.esr = f->esr;
    hit.elr = f->elr;
    hit.far = f->far;
}

/* fn(arg) at @el with PSTATE.D clear and debug exceptions on. */
static void run_at(unsigned el, uint64_t (*fn)(uint64_t), uint64_t arg)
{
    __builtin_memset(&hit, 0, sizeof(hit));
    guest_handler = on_hit;
    msr(mdscr_el1, MDSCR_MDE | MDSCR_KDE);
    if (el == own_el) {
        insn("msr daifclr, #8; isb");
        fn(arg);
        insn("msr daifset, #8; isb");
    } else {
        call_spsr((el ? SPSR_EL1H : SPSR_EL0) & ~BIT(9), fn, arg);
    }
    msr(mdscr_el1, 0);
    guest_handler = 0;
}

static uint64_t run_code(uint64_t arg)
{
    uint64_t (*fn)(uint64_t) = (uint64_t(*)(uint64_t))bp_code;

    return fn(arg);
}

/* Breakpoint registers by number. */
#define BREAKPOINTS(X)                                                                             \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

static void set_breakpoint(unsigned number, uint64_t value, uint64_t control)
{
    switch (number) {
#define X(n)                                                                                       \
    case n:                                                                                        \
        msr(dbgbcr##n##_el1, 0);                                                                   \
        msr(dbgbvr##n##_el1, value);                                                               \
        msr(dbgbcr##n##_el1, control);                                                             \
        break;
        BREAKPOINTS(X)
#undef X
    }
}

/* The last breakpoint, which knows contexts. */
static unsigned context_breakpoint(void)
{
    return (unsigned)FIELD(mrs(id_aa64dfr0_el1), 15, 12);
}

static volatile uint64_t watched[8] __attribute__((aligned(64)));

/* The combinations that are not reserved without EL3, and the ELs that each names. */
static const struct {
    unsigned state, els;
    bool el2;
} states[] = {
    {STATE(0, 0, 1), BIT(1), false},
    {STATE(0, 0, 2), BIT(0), false},
    {STATE(0, 0, 3), BIT(1) | BIT(0), false},
    {STATE(1, 0, 1), BIT(2) | BIT(1), true},
    {STATE(1, 0, 3), BIT(2) | BIT(1) | BIT(0), true},
    {STATE(1, 3, 0), BIT(2), true},
};

static uint64_t load(uint64_t arg)
{
    return watched[arg];
}

static void match_by_el(void)
{
    for (unsigned k = 0; k < ARRAY_SIZE(states); k++) {
        if (states[k].el2 && own_el < 2)
            continue;
        for (unsigned el = 0; el <= own_el; el++) {
            bool expected = states[k].els & BIT(el), same = el == own_el;

            set_breakpoint(0, (uint64_t)bp_here, states[k].state | BAS(15) | CR_E);
            run_at(el, run_code, 0);
            check_equal(hit.count, expected, "breakpoint by HMC, SSC, PMC");
            if (expected) {
                check_equal(hit.esr, ESR(same ? EC_BREAK_CUR : EC_BREAK_LOW, 0x22), "its ESR");
                check_equal(hit.elr, (uint64_t)bp_here, "its ELR");
                check_equal(hit.el, own_el, "its target");
            }
            set_breakpoint(0, 0, 0);

            msr(dbgwvr0_el1, watched);
            msr(dbgwcr0_el1, states[k].state | BAS(0xff) | LSC(1) | CR_E);
            run_at(el, load, 0);
            check_equal(hit.count, expected, "watchpoint by HMC, SSC, PAC");
            if (expected)
                check_equal(hit.esr, ESR(same ? EC_WATCH_CUR : EC_WATCH_LOW, 0x22), "its ESR");
            msr(dbgwcr0_el1, 0);
        }
    }
}

/* Address breakpoint 0 and watchpoint 0 linked to the last breakpoint. */
static void check_link(unsigned el, uint64_t value, uint64_t type, bool expected, const char *what,
                       const char *row)
{
    unsigned n = context_breakpoint();

    set_breakpoint(n, value, BT(type) | BY_EL(el) | BAS(15) | CR_E);
    set_breakpoint(0, (uint64_t)bp_here, BT(1) | LBN(n) | BY_EL(el) | BAS(15) | CR_E);
    run_at(el, run_code, 0);
    if (row)
        check_differs(hit.count, expected, what, row);
    else
        check_equal(hit.count, expected, what);
    set_breakpoint(0, 0, 0);
    msr(dbgwvr0_el1, watched);
    msr(dbgwcr0_el1, WT | LBN(n) | BY_EL(el) | BAS(0xff) | LSC(1) | CR_E);
    run_at(el, load, 0);
    if (row)
        check_differs(hit.count, expected, what, row);
    else
        check_equal(hit.count, expected, what);
    msr(dbgwcr0_el1, 0);
    set_breakpoint(n, 0, 0);
}

static void links(void)
{
    unsigned n = context_breakpoint();

    for (unsigned el = 0; el < 2; el++) {
        context = el ? "EL1: " : "EL0: ";
        msr(contextidr_el1, 0x1234);
        check_link(el, 0x1234, 3, true, "linked to its CONTEXTIDR_EL1", 0);
        check_link(el, 0x1235, 3, false, "linked to another", 0);
        check_link(el, 0x1234, 1, false, "linked to a breakpoint without a context", 0);
    }
    context = "EL0: ";
    set_breakpoint(0, (uint64_t)bp_here, BT(1) | LBN(n) | BY_EL(0) | BAS(15) | CR_E);
    set_breakpoint(n, 0x1234, BT(3) | BAS(15));
    run_at(0, run_code, 0);
    check_equal(hit.count, 0, "linked to a breakpoint that is off");
    set_breakpoint(n, 0x1234, BT(3) | BY_EL(0) | BAS(15) | CR_E);
    set_breakpoint(0, 0, 0);
    run_at(0, run_code, 0);
    check_equal(hit.count, 0, "a linked context breakpoint alone");
    set_breakpoint(n, 0x1234, BT(2) | BY_EL(0) | BAS(15) | CR_E);
    run_at(0, run_code, 0);
    check_differs(hit.count, 1, "an unlinked one", "context-breakpoint");
    set_breakpoint(n, 0x1235, BT(2) | BY_EL(0) | BAS(15) | CR_E);
    run_at(0, run_code, 0);
    check_equal(hit.count, 0, "an unlinked one of another context");
    set_breakpoint(n, 0, 0);
    msr(contextidr_el1, 0);
}

/* Of EL2's registers, with FEAT_VHE: CONTEXTIDR_EL2. */
static void links_of_el2(void)
{
    uint64_t vttbr = mrs(vttbr_el2);

    context = "VMID: ";
    msr(vttbr_el2, UINT64_C(5) << 48);
    msr(contextidr_el1, 0x77);
    for (unsigned el = 0; el < 2; el++) {
        check_link(el, UINT64_C(5) << 32, 9, true, "linked to its VMID", "context-breakpoint");
        check_link(el, UINT64_C(0xa05) << 32, 9, true, "of which 8 bits count",
                   "context-breakpoint");
        check_link(el, UINT64_C(6) << 32, 9, false, "linked to another VMID", 0);
        check_link(el, UINT64_C(5) << 32 | 0x77, 11, true, "and CONTEXTIDR_EL1",
                   "context-breakpoint");
        check_link(el, UINT64_C(5) << 32 | 0x78, 11, false, "but another CONTEXTIDR_EL1", 0);
    }
    check_link(2, UINT64_C(5) << 32, 9, false, "EL2 has no VMID", 0);
    msr(vttbr_el2, vttbr);
    if (has_vhe()) {
        context = "CONTEXTIDR_EL2: ";
        msr(s3_4_c13_c0_1, 0x99);
        for (unsigned el = 0; el < 3; el++) {
            check_link(el, UINT64_C(0x99) << 32, 13, true, "linked to it", "context-breakpoint");
            check_link(el, UINT64_C(0x98) << 32, 13, false, "linked to another", 0);
        }
        check_link(1, UINT64_C(0x99) << 32 | 0x77, 15, true, "and CONTEXTIDR_EL1",
                   "context-breakpoint");
        check_link(1, 0x77, 7, true, "CONTEXTIDR_EL1 alone", 0);
        check_link(2, 0x77, 7, false, "CONTEXTIDR_EL1 at EL2", "context-breakpoint");
        msr(s3_4_c13_c0_1, 0);
    }
    msr(contextidr_el1, 0);
}

enum { LDRB, LDRX, STRX, LDPX, STPX, LDADD, CAS };

/* One access to watched[] + offset, as op << 8 | offset. */
static uint64_t access_watched(uint64_t arg)
{
    char *p = (char *)watched + (arg & 0xff);
    uint64_t a = 0, b = 1;

    switch (arg >> 8) {
    case LDRB:
        __asm__ volatile("ldrb %w0, [%1]" : "=r"(a) : "r"(p) : "memory");
        break;
    case LDRX:
        __asm__ volatile("ldr %0, [%1]" : "=r"(a) : "r"(p) : "memory");
        break;
    case STRX:
        __asm__ volatile("str %0, [%1]" ::"r"(a), "r"(p) : "memory");
        break;
    case LDPX:
        __asm__ volatile("ldp %0, %1, [%2]" : "=&r"(a), "=&r"(b) : "r"(p) : "memory");
        break;
    case STPX:
        __asm__ volatile("stp %0, %1, [%2]" ::"r"(a), "r"(b), "r"(p) : "memory");
        break;
    case LDADD:
        __asm__ volatile("ldadd %1, %0, [%2]" : "=r"(a) : "r"(b), "r"(p) : "memory");
        break;
    case CAS: /* compares unequal */
        __asm__ volatile("cas %0, %1, [%2]" : "+r"(b) : "r"(a), "r"(p) : "memory");
        break;
    }
    return a;
}

#define OP(op, offset) ((op) << 8 | (offset))

static const struct {
    unsigned access, wvr;
    uint64_t wcr;
    bool hit, wnr, atomic;
} cases[] = {
    /* single bytes of a doubleword */
    {OP(LDRB, 3), 0, BAS(0x08) | LSC(1), true, false, false},
    {OP(LDRB, 2), 0, BAS(0x08) | LSC(1), false, false, false},
    {OP(LDRX, 0), 0, BAS(0x80) | LSC(3), true, false, false},
    {OP(STRX, 8), 0, BAS(0x80) | LSC(3), false, false, false},
    {OP(STRX, 0), 0, BAS(0x3c) | LSC(2), true, true, false},
    {OP(STRX, 0), 0, BAS(0x3c) | LSC(1), false, false, false},
    /* a word-aligned address: BAS of four bytes */
    {OP(LDRB, 4), 4, BAS(0x03) | LSC(1), true, false, false},
    {OP(LDRB, 6), 4, BAS(0x03) | LSC(1), false, false, false},
    {OP(LDRB, 0), 4, BAS(0x03) | LSC(1), false, false, false},
    {OP(LDRX, 0), 4, BAS(0x0f) | LSC(1), true, false, false},
    /* masks */
    {OP(LDRB, 7), 0, MASK(3) | BAS(0xff) | LSC(1), true, false, false},
    {OP(LDRB, 8), 0, MASK(3) | BAS(0xff) | LSC(1), false, false, false},
    {OP(LDRB, 31), 0, MASK(5) | BAS(0xff) | LSC(1), true, false, false},
    {OP(LDRB, 32), 0, MASK(5) | BAS(0xff) | LSC(1), false, false, false},
    {OP(LDRB, 32), 32, MASK(5) | BAS(0xff) | LSC(1), true, false, false},
    {OP(LDRB, 5), 0, MASK(31) | BAS(0xff) | LSC(1), true, false, false},
    /* accesses of more than one register */
    {OP(LDPX, 0), 8, BAS(0x01) | LSC(1), true, false, false},
    {OP(STPX, 0), 8, BAS(0xff) | LSC(2), true, true, false},
    {OP(STPX, 16), 8, BAS(0xff) | LSC(3), false, false, false},
    /* both at once: WnR is clear if a load would have hit */
    {OP(LDADD, 0), 0, BAS(0xff) | LSC(1), true, false, true},
    {OP(LDADD, 0), 0, BAS(0xff) | LSC(2), true, true, true},
    {OP(LDADD, 0), 0, BAS(0xff) | LSC(3), true, false, true},
    {OP(CAS, 0), 0, BAS(0xff) | LSC(2), true, true, true},
};

static void bytes(void)
{
    bool atomics = FIELD(mrs(id_aa64isar0_el1), 23, 20)
    >= 2;

    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        uint64_t low = (uint64_t)watched + (cases[k].access & 0xff);

        if (cases[k].atomic && !atomics)
            continue;
        watched[0] = 3;
        msr(dbgwvr0_el1, (uint64_t)watched + cases[k].wvr);
        msr(dbgwcr0_el1, cases[k].wcr | BY_EL(0) | CR_E);
        run_at(0, access_watched, cases[k].access);
        check_equal(hit.count, cases[k].hit, "watchpoint by address");
        if (!cases[k].hit)
            continue;
        check(hit.far >= low && hit.far < low + 16, "its FAR is in the access");
        check_equal(hit.esr & ~UINT64_C(63), ESR(EC_WATCH_LOW, cases[k].wnr ? BIT(6) : 0),
                    "its WnR");
    }
    msr(dbgwcr0_el1, 0);
}

/* LDTR at EL1 is an access of EL0. */
static uint64_t load_unprivileged(uint64_t arg)
{
    uint64_t v;

    __asm__ volatile("ldtr %0, [%1]" : "=r"(v) : "r"(&watched[arg]));
    return v;
}

static void unprivileged(void)
{
    context = "LDTR at EL1: ";
    msr(dbgwvr0_el1, watched);
    msr(dbgwcr0_el1, STATE(0, 0, 2) | BAS(0xff) | LSC(1) | CR_E);
    run_at(1, load_unprivileged, 0);
    check_equal(hit.count, 1, "watchpoint of EL0");
    msr(dbgwcr0_el1, STATE(0, 0, 1) | BAS(0xff) | LSC(1) | CR_E);
    run_at(1, load_unprivileged, 0);
    check_equal(hit.count, 0, "watchpoint of EL1");
    msr(dbgwcr0_el1, 0);
}

/* HCR_EL2.TGE routes as MDCR_EL2.TDE does; without either, nothing of EL2's is debugged. */
static void routes(void)
{
    uint64_t hcr = mrs(hcr_el2), mdcr = mrs(mdcr_el2);

    msr(mdcr_el2, mdcr & ~MDCR_TDE);
    set_breakpoint(0, (uint64_t)bp_here, STATE(1, 0, 3) | BAS(15) | CR_E);
    context = "HCR_EL2.TGE: ";
    msr(hcr_el2, hcr | HCR_TGE);
    for (unsigned el = 0; el <= 2; el += 2) {
        run_at(el, run_code, 0);
        check_equal(hit.count, 1, "breakpoint");
        check_equal(hit.el, 2, "its target");
    }
    msr(hcr_el2, hcr);
    context = "neither TGE nor TDE: ";
    for (unsigned el = 0; el <= 1; el++) {
        run_at(el, run_code, 0);
        check_equal(hit.count, 1, "breakpoint");
        check_equal(hit.el, 1, "its target");
    }
    run_at(2, run_code, 0);
    check_equal(hit.count, 0, "breakpoint in EL2");
    set_breakpoint(0, 0, 0);
    msr(mdcr_el2, mdcr);
}

int main(void)
{
    own_el = current_el();
    if (own_el == 2)
        msr(mdcr_el2, mrs(mdcr_el2) | MDCR_TDE);
    match_by_el();
    links();
    if (own_el == 2) {
        links_of_el2();
        routes();
    }
    context = "";
    bytes();
    unprivileged();
    context = "";
    if (own_el == 2)
        msr(mdcr_el2, mrs(mdcr_el2) & ~MDCR_TDE);
    return (int)failures;
}
