/* Runs on: n1 max; el2. */
/* A VHE host (HCR_EL2.{E2H,TGE}) debugs its own EL0 and itself, and a guest with TGE clear; each as
 * the kernel at EL2 does it. */
#include "guest.h"

#define MDSCR_SS       BIT(0)
#define MDSCR_KDE      BIT(13)
#define MDSCR_MDE      BIT(15)
#define SPSR_SS        BIT(21)
#define SPSR_D         BIT(9)
#define MDCR_TDE       BIT(8)
#define BCR(state)     ((state) | 0xf << 5 | 1)
#define WCR(state)     ((state) | 0xff << 5 | 3 << 3 | 1)
#define EL0_STATE      (2 << 1)
#define EL1_STATE      (1 << 1)
#define HOST_STATE     (1 << 13 | 1 << 1) /* EL1 and EL2, as a VHE kernel asks for itself */
#define LINKED         (1 << 20)
#define LINKED_CID     (3 << 20)
#define LINKED_CID1    (7 << 20)
#define contextidr_el2 s3_4_c13_c0_1

extern char u_code[], u_bp[], u_svc[], u_after[], u_end[];
__asm__(".text\n"
        "u_code: nop\n"
        "u_bp: nop; ldr x1, [x0]\n"
        "u_svc: svc #1\n"
        "u_after: mov x0, #5\n"
        "u_end: ret\n");

static uint64_t u_word;

static uint64_t run_user(uint64_t arg)
{
    uint64_t (*fn)(uint64_t) = (uint64_t(*)(uint64_t))u_code;

    (void)arg;
    return fn((uint64_t)&u_word);
}

static void host(bool on)
{
    uint64_t hcr = mrs(hcr_el2) & ~(HCR_TGE | HCR_E2H);

    msr(hcr_el2, hcr | (on ? HCR_TGE | HCR_E2H : 0));
}

/* Debug exceptions in turn; a breakpoint or watchpoint goes off at its first. */
static struct {
    unsigned count, calls, el, offset;
    uint64_t elr[16], esr[16], far;
} seen;

static void on_debug(struct frame *f, unsigned el, unsigned offset)
{
    unsigned ec = (unsigned)EC(f->esr);

    if (ec == EC_SVC) {
        seen.calls++;
        return;
    }
    seen.el = el;
    seen.offset = offset;
    if (ec == EC_BREAK_LOW || ec == EC_BREAK_CUR)
        msr(dbgbcr0_el1, 0);
    if (ec == EC_WATCH_LOW || ec == EC_WATCH_CUR) {
        seen.far = f->far;
        msr(dbgwcr0_el1, 0);
    }
    if (ec == EC_BRK)
        f->elr += 4;
    if (mrs(mdscr_el1) & MDSCR_SS) {
        f->spsr |= SPSR_SS;
        if (f->elr == (uint64_t)u_end)
            msr(mdscr_el1, 0);
        if (f->elr < (uint64_t)u_code || f->elr > (uint64_t)u_end)
            return;
    }
    if (seen.count < ARRAY_SIZE(seen.elr)) {
        seen.elr[seen.count] = f->elr;
        seen.esr[seen.count] = f->esr;
    }
    seen.count++;
}

static void run(uint64_t spsr, uint64_t mdscr)
{
    __builtin_memset(&seen, 0, sizeof(seen));
    guest_handler = on_debug;
    msr(mdscr_el1, mdscr);
    check_equal(call_spsr(spsr & ~SPSR_D, run_user, 0), 5, "result");
    msr(mdscr_el1, 0);
    guest_handler = 0;
}

/* The same at EL2, with PSTATE.D clear. */
static void run_self(uint64_t mdscr)
{
    __builtin_memset(&seen, 0, sizeof(seen));
    guest_handler = on_debug;
    msr(mdscr_el1, mdscr);
    insn("msr daifclr, #8; isb");
    run_user(0);
    insn("msr daifset, #8; isb");
    msr(mdscr_el1, 0);
    guest_handler = 0;
}

static void check_seen(unsigned count, uint64_t elr, unsigned ec, uint64_t iss)
{
    check_equal(seen.count, count, "debug exceptions");
    if (count == 0)
        return;
    check_equal(seen.elr[0], elr, "ELR");
    check_equal(seen.esr[0] & ~BIT(24), ESR(ec, iss), "ESR");
    check_equal(seen.el, 2, "target");
    check_equal(seen.calls, 1, "the SVC inside");
}

static void step_user(void)
{
    static const unsigned at[] = {0, 1, 2, 3, 4, 5};

    context = "host steps its EL0: ";
    run(SPSR_EL0 | SPSR_SS, MDSCR_SS);
    for (unsigned k = 0; k < ARRAY_SIZE(at); k++)
        check_equal(seen.elr[k], (uint64_t)u_code + 4 * at[k], "PC");
    check_seen(ARRAY_SIZE(at), (uint64_t)u_code, EC_STEP_LOW, 0x22);
    check_equal(seen.offset, V_LOWER, "vector");
}

static void break_user(void)
{
    msr(dbgbvr0_el1, u_bp);
    msr(dbgwvr0_el1, &u_word);

    context = "breakpoint in the host's EL0: ";
    msr(dbgbcr0_el1, BCR(EL0_STATE));
    run(SPSR_EL0, MDSCR_MDE);
    check_seen(1, (uint64_t)u_bp, EC_BREAK_LOW, 0x22);
    context = "watchpoint in the host's EL0: ";
    msr(dbgwcr0_el1, WCR(EL0_STATE));
    run(SPSR_EL0, MDSCR_MDE);
    check_seen(1, (uint64_t)u_bp + 4, EC_WATCH_LOW, 0x22);
    check_equal(seen.far, (uint64_t)&u_word, "FAR");
    context = "kernel breakpoint and the host's EL0: ";
    msr(dbgbcr0_el1, BCR(HOST_STATE));
    run(SPSR_EL0, MDSCR_MDE | MDSCR_KDE);
    check_seen(0, 0, 0, 0);
    context = "kernel breakpoint in the host: ";
    run_self(MDSCR_MDE | MDSCR_KDE);
    check_seen(1, (uint64_t)u_bp, EC_BREAK_CUR, 0x22);
    check_equal(seen.offset, V_CUR_SPX, "vector");
    context = "kernel watchpoint in the host: ";
    msr(dbgwcr0_el1, WCR(HOST_STATE));
    run_self(MDSCR_MDE | MDSCR_KDE);
    check_seen(1, (uint64_t)u_bp + 4, EC_WATCH_CUR, 0x22);
    context = "kernel breakpoint without KDE: ";
    msr(dbgbcr0_el1, BCR(HOST_STATE));
    run_self(MDSCR_MDE);
    check_seen(0, 0, 0, 0);
    msr(dbgbcr0_el1, 0);
}

/* A process's breakpoint: linked to the last breakpoint, which compares its context. */
static void set_link(uint64_t type, uint64_t value)
{
    unsigned last = (unsigned)FIELD(mrs(id_aa64dfr0_el1), 15, 12);

    /* n1 and max have six breakpoints, here and on QEMU. */
    check_equal(last, 5, "number of the last breakpoint");
    msr(dbgbvr5_el1, value);
    msr(dbgbcr5_el1, type | BCR(EL0_STATE));
    msr(dbgbcr0_el1, LINKED | last << 16 | BCR(EL0_STATE));
}

static void contexts(void)
{
    msr(contextidr_el2, 0x99);
    context = "linked to the host's context: ";
    set_link(LINKED_CID, 0x99);
    run(SPSR_EL0, MDSCR_MDE);
    check_seen(1, (uint64_t)u_bp, EC_BREAK_LOW, 0x22);
    context = "linked to another context: ";
    set_link(LINKED_CID, 0x98);
    run(SPSR_EL0, MDSCR_MDE);
    check_seen(0, 0, 0, 0);
    context = "linked to CONTEXTIDR_EL1: ";
    msr(contextidr_el12, 0x99);
    set_link(LINKED_CID1, 0x99);
    run(SPSR_EL0, MDSCR_MDE);
    check_differs(seen.count, 0, "the host's EL0 has none", "context-breakpoint");
    msr(dbgbcr0_el1, 0);
    msr(dbgbcr5_el1, 0);
    msr(contextidr_el12, 0);
    msr(contextidr_el2, 0);
}

static void brk_user(void)
{
    context = "BRK in the host's EL0: ";
    taken_clear();
    run_word_at(0, 0xd4200020, 0);
    check_taken(2, V_LOWER, ESR(EC_BRK, 1), "goes to the host");
}

/* Not for the host: with E2H alone, EL1 and EL0 are the guest's, and take their own exceptions. */
static void guests(void)
{
    msr(hcr_el2, (mrs(hcr_el2) | HCR_E2H) & ~HCR_TGE);
    msr(dbgbvr0_el1, u_bp);
    context = "guest's breakpoint in its EL0: ";
    msr(dbgbcr0_el1, BCR(EL0_STATE));
    run(SPSR_EL0, MDSCR_MDE);
    check_equal(seen.el, 1, "target");
    check_equal(seen.count, 1, "debug exceptions");
    context = "guest's breakpoint in itself: ";
    msr(dbgbcr0_el1, BCR(EL1_STATE));
    run(SPSR_EL1H, MDSCR_MDE | MDSCR_KDE);
    check_equal(seen.el, 1, "target");
    check_equal(seen.offset, V_CUR_SPX, "vector");
    check_equal(seen.count, 1, "debug exceptions");
    context = "host's breakpoint in its guest: ";
    msr(mdcr_el2, mrs(mdcr_el2) | MDCR_TDE);
    msr(dbgbcr0_el1, BCR(HOST_STATE));
    run(SPSR_EL1H, MDSCR_MDE);
    check_equal(seen.el, 2, "target");
    check_equal(seen.offset, V_LOWER, "vector");
    check_equal(seen.count, 1, "debug exceptions");
    context = "host's step of its guest: ";
    run(SPSR_EL1H | SPSR_SS, MDSCR_SS);
    check_equal(seen.el, 2, "target");
    check_equal(seen.elr[2], (uint64_t)u_svc - 4, "PC");
    msr(mdcr_el2, mrs(mdcr_el2) & ~MDCR_TDE);
}

int main(void)
{
    host(true);
    step_user();
    break_user();
    contexts();
    brk_user();
    guests();
    host(false);
    context = "";
    return (int)failures;
}
