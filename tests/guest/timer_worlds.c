/* Runs on: a57 n1 max; el2. */
/* Timers across worlds: which timer each name means from where, whose interrupt it raises, the
 * offsets of virtual and physical counters, and a guest that waits while EL2's timer runs. */
#include "gic.h"

#define CNTP  SYS(3, 3, 14, 2, 0) /* TVAL; op2 1: CTL, 2: CVAL */
#define CNTV  SYS(3, 3, 14, 3, 0)
#define CNTHP SYS(3, 4, 14, 2, 0)
#define CNTHV SYS(3, 4, 14, 3, 0)
#define EL02  (2u << 16) /* added to a name of EL0: op1 5 */

enum { TVAL = 0, CTL = 1 << 5, CVAL = 2 << 5 };
#define CTL_ENABLE  1u
#define CTL_IMASK   2u
#define CTL_ISTATUS 4u

#define E2H  HCR_E2H
#define HOST (HCR_E2H | HCR_TGE)

/* A name, used at an EL with these bits of HCR_EL2, is the timer of this interrupt. */
static const struct name {
    uint64_t sys, hcr;
    unsigned el, intid;
    const char *name;
} names[] = {
    {CNTP, 0, 2, INTID_CNTP, "CNTP at EL2"},
    {CNTV, 0, 2, INTID_CNTV, "CNTV at EL2"},
    {CNTHP, 0, 2, INTID_CNTHP, "CNTHP at EL2"},
    {CNTHV, 0, 2, INTID_CNTHV, "CNTHV at EL2"},
    {CNTP, 0, 1, INTID_CNTP, "CNTP at EL1"},
    {CNTV, 0, 1, INTID_CNTV, "CNTV at EL1"},
    {CNTP, 0, 0, INTID_CNTP, "CNTP at EL0"},
    {CNTV, 0, 0, INTID_CNTV, "CNTV at EL0"},
    {CNTP, HCR_TGE, 0, INTID_CNTP, "TGE: CNTP at EL0"},
    {CNTV, HCR_TGE, 0, INTID_CNTV, "TGE: CNTV at EL0"},
    {CNTP, E2H, 2, INTID_CNTHP, "E2H: CNTP at EL2"},
    {CNTV, E2H, 2, INTID_CNTHV, "E2H: CNTV at EL2"},
    {CNTP + EL02, E2H, 2, INTID_CNTP, "E2H: CNTP_EL02"},
    {CNTV + EL02, E2H, 2, INTID_CNTV, "E2H: CNTV_EL02"},
    {CNTHP, E2H, 2, INTID_CNTHP, "E2H: CNTHP"},
    {CNTHV, E2H, 2, INTID_CNTHV, "E2H: CNTHV"},
    {CNTP, E2H, 1, INTID_CNTP, "E2H: CNTP at EL1"},
    {CNTV, E2H, 1, INTID_CNTV, "E2H: CNTV at EL1"},
    {CNTP, HOST, 2, INTID_CNTHP, "host: CNTP at EL2"},
    {CNTP + EL02, HOST, 2, INTID_CNTP, "host: CNTP_EL02"},
    {CNTV + EL02, HOST, 2, INTID_CNTV, "host: CNTV_EL02"},
    {CNTP, HOST, 0, INTID_CNTHP, "host: CNTP at EL0"},
    {CNTV, HOST, 0, INTID_CNTHV, "host: CNTV at EL0"},
};

/* The four timers by the names that mean them with E2H clear. */
static const struct {
    uint64_t sys;
    unsigned intid;
} timers[] = {{CNTP, INTID_CNTP}, {CNTV, INTID_CNTV}, {CNTHP, INTID_CNTHP}, {CNTHV, INTID_CNTHV}};

static unsigned timer_count(void)
{
    return has_vhe() ? 4 : 3;
}

static void mode(uint64_t hcr)
{
    bool e2h = hcr & HCR_E2H;

    msr(hcr_el2, HCR_RW | hcr);
    msr(cnthctl_el2, e2h ? 0xf03 : 3); /* nothing traps */
    isb();
}

static uint64_t get(unsigned el, uint64_t sys)
{
    return run_word_at(el, MRS_WORD(sys), 0);
}

static void set(unsigned el, uint64_t sys, uint64_t value)
{
    run_word_at(el, sys, value);
    isb();
}

static void all_off(void)
{
    mode(0);
    for (unsigned k = 0; k < timer_count(); k++) {
        set(2, timers[k].sys + CTL, 0);
        set(2, timers[k].sys + CVAL, UINT64_MAX);
    }
}

/* The name that means a timer while E2H is clear. */
static uint64_t own(unsigned intid)
{
    for (unsigned k = 0;; k++)
        if (timers[k].intid == intid)
            return timers[k].sys;
}

static void one_name(const struct name *n)
{
    uint64_t cval = UINT64_C(0x1234567800000000) + n->intid;

    if ((n->hcr & HCR_E2H || n->sys == CNTHV) && !has_vhe())
        return;
    all_off();
    mode(n->hcr);
    set(n->el, n->sys + CVAL, cval);
    set(n->el, n->sys + CTL, CTL_ENABLE | CTL_IMASK);
    check_equal(get(n->el, n->sys + CVAL), cval, "CVAL");
    mode(0);
    for (unsigned k = 0; k < timer_count(); k++) {
        bool same = timers[k].intid == n->intid;

        check_equal(get(2, timers[k].sys + CVAL), same ? cval : UINT64_MAX, n->name);
        check_equal(get(2, timers[k].sys + CTL), same ? CTL_ENABLE | CTL_IMASK : 0, "CTL");
    }
    mode(n->hcr);
    set(n->el, n->sys + TVAL, 0);
    check_equal(get(n->el, n->sys + CTL), CTL_ENABLE | CTL_IMASK | CTL_ISTATUS, "expired");
    check_equal(gic_take(), SPURIOUS, "masked");
    if (n->hcr & HCR_TGE) { /* EL0 would take it at once */
        mode(0);
        set(2, own(n->intid) + CTL, CTL_ENABLE);
    } else {
        set(n->el, n->sys + CTL, CTL_ENABLE);
    }
    if (n->intid == INTID_CNTHV && on_qemu()) {
        note("divergence cnthv-irq");
    } else {
        check_equal(mrs(icc_iar1_el1), n->intid, "interrupt");
        mode(0);
        set(2, own(n->intid) + CTL, 0);
        msr(icc_eoir1_el1, n->intid);
    }
    check_equal(gic_take(), SPURIOUS, "and no other");
    check_none("no exception");
    mode(0);
}

/* The count a name shows or compares with is the physical one less @offset. */
static void near_differs(uint64_t count, uint64_t offset, const char *what, const char *row)
{
    bool ok = now() - offset - count < mrs(cntfrq_el0);

    if (row)
        check_differs(ok, true, what, row);
    else
        check(ok, what);
}

static void near(uint64_t count, uint64_t offset, const char *what)
{
    near_differs(count, offset, what, 0);
}

/* CVAL less TVAL is the count a timer compares with. */
static uint64_t compared(unsigned el, uint64_t sys)
{
    set(el, sys + TVAL, 0);
    return get(el, sys + CVAL);
}

#define CNTPCT   SYS(3, 3, 14, 0, 1)
#define CNTVCT   SYS(3, 3, 14, 0, 2)
#define CNTPCTSS SYS(3, 3, 14, 0, 5)
#define CNTVCTSS SYS(3, 3, 14, 0, 6)
#define OFFSET   UINT64_C(0x7700000000)

static void virtual_offset(void)
{
    context = "CNTVOFF: ";
    msr(cntvoff_el2, OFFSET);
    near(get(2, CNTVCT), OFFSET, "CNTVCT at EL2");
    near(get(1, CNTVCT), OFFSET, "CNTVCT at EL1");
    near(get(0, CNTVCT), OFFSET, "CNTVCT at EL0");
    near(get(1, CNTPCT), 0, "CNTPCT at EL1");
    near(compared(2, CNTV), OFFSET, "CNTV at EL2");
    near(compared(1, CNTV), OFFSET, "CNTV at EL1");
    near(compared(1, CNTP), 0, "CNTP at EL1");
    near(compared(2, CNTHP), 0, "CNTHP");
    if (has_vhe()) {
        near_differs(compared(2, CNTHV), 0, "CNTHV", "cnthv-offset");
        mode(E2H);
        near(get(2, CNTVCT), 0, "E2H: CNTVCT at EL2");
        near(get(1, CNTVCT), OFFSET, "E2H: CNTVCT at EL1");
        near_differs(compared(2, CNTV + EL02), OFFSET, "E2H: CNTV_EL02", "cntv-el02-offset");
        near(compared(2, CNTV), 0, "E2H: CNTV at EL2");
        mode(HOST);
        near(get(0, CNTVCT), 0, "host: CNTVCT at EL0");
        near(compared(0, CNTV), 0, "host: CNTV at EL0");
        near_differs(compared(2, CNTV + EL02), OFFSET, "host: CNTV_EL02", "cntv-el02-offset");
    }
    msr(cntvoff_el2, 0);
    all_off();
    context = "";
}

/* FEAT_ECV: CNTPOFF_EL2 while CNTHCTL_EL2.ECV, for EL1 and EL0 of guests and their timer. */
static void physical_offset(void)
{
    if (FIELD(mrs(id_aa64mmfr0_el1), 63, 60) < 2) {
        note("no CNTPOFF_EL2");
        return;
    }
    context = "CNTPOFF: ";
    msr(s3_4_c14_c0_6, OFFSET);
    near(get(1, CNTPCT), 0, "no ECV: CNTPCT at EL1");
    near(compared(1, CNTP), 0, "no ECV: CNTP at EL1");
    for (unsigned e2h = 0; e2h < 2; e2h++) {
        mode(e2h ? E2H : 0);
        msr(cnthctl_el2, mrs(cnthctl_el2) | BIT(12));
        near(get(1, CNTPCT), OFFSET, "CNTPCT at EL1");
        near(get(0, CNTPCT), OFFSET, "CNTPCT at EL0");
        near(get(1, CNTPCTSS), OFFSET, "CNTPCTSS at EL1");
        near(get(1, CNTVCTSS), 0, "CNTVCTSS at EL1");
        near(get(2, CNTPCT), 0, "CNTPCT at EL2");
        near(compared(1, CNTP), OFFSET, "CNTP at EL1");
        near(compared(2, e2h ? CNTP + EL02 : CNTP), OFFSET, "CNTP at EL2");
        near(compared(2, CNTHP), 0, "CNTHP");
        near(compared(1, CNTV), 0, "CNTV at EL1");
    }
    mode(HOST);
    msr(cnthctl_el2, mrs(cnthctl_el2) | BIT(12));
    near(get(0, CNTPCT), 0, "host: CNTPCT at EL0");
    near(compared(2, CNTP + EL02), 0, "host: CNTP_EL02");
    mode(0);
    msr(s3_4_c14_c0_6, 0);
    all_off();
    context = "";
}

static volatile unsigned acked;

static void acknowledge(struct frame *f, unsigned el, unsigned offset)
{
    (void)f, (void)el, (void)offset;
    acked = (unsigned)mrs(icc_iar1_el1);
    msr(cntv_ctl_el0, 0);
    msr(cntp_ctl_el0, 0);
    msr(cnthp_ctl_el2, 0);
    msr(icc_eoir1_el1, acked);
}

static uint64_t wait(uint64_t arg)
{
    while (!acked)
        if (!on_qemu()) /* whose time may pass before it is here */
            insn("wfi");
    return arg;
}

/* A guest waits; the interrupt goes to EL2 at the time of whichever timer it is. */
static void guest_waits(void)
{
    static const uint64_t which[] = {CNTHP, CNTP, CNTV};
    static const unsigned intids[] = {INTID_CNTHP, INTID_CNTP, INTID_CNTV};
    uint64_t ms = mrs(cntfrq_el0) / 1000;

    context = "guest waits: ";
    irq_handler = acknowledge;
    msr(cntvoff_el2, OFFSET);
    for (unsigned k = 0; k < ARRAY_SIZE(which); k++) {
        uint64_t start = now();

        mode(HCR_IMO);
        acked = 0;
        set(2, which[k] + TVAL, 2 * ms);
        set(2, which[k] + CTL, CTL_ENABLE);
        call_el(1, wait, 0);
        check_equal(acked, intids[k], "INTID");
        check_equal(taken.count << 32 | taken.el << 16 | taken.offset,
                    BIT(32) | 2 << 16 | (V_LOWER + V_IRQ), "taken to EL2");
        check(now() - start >= 2 * ms, "not before its time");
        taken_clear();
        mode(0);
    }
    irq_handler = 0;
    msr(cntvoff_el2, 0);
    context = "";
}

int main(void)
{
    gic_init();
    msr(cntkctl_el1, 0x303);
    for (unsigned k = 0; k < ARRAY_SIZE(timers); k++)
        gic_bit(GICD_ISENABLER, timers[k].intid);
    for (unsigned k = 0; k < ARRAY_SIZE(names); k++)
        one_name(&names[k]);
    virtual_offset();
    physical_offset();
    guest_waits();
    check_none("nothing else was taken");
    return (int)failures;
}
