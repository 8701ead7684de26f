/* Runs on: a57 n1 max; el2 el1. */
/* The four generic timers: registers, interrupts, WFI; the event stream; WFET and WFIT. */
#include "gic.h"

#define CTL_ENABLE  1u
#define CTL_IMASK   2u
#define CTL_ISTATUS 4u

/* One row a timer: register encodings are immediate, so functions. */
#define TIMER(name, ctl, cval, tval)                                                               \
    static uint64_t name##_get(unsigned r)                                                         \
    {                                                                                              \
        isb();                                                                                     \
        return r == 0 ? mrs(ctl) : r == 1 ? mrs(cval) : mrs(tval);                                 \
    }                                                                                              \
    static void name##_set(unsigned r, uint64_t v)                                                 \
    {                                                                                              \
        if (r == 0)                                                                                \
            msr(ctl, v);                                                                           \
        else if (r == 1)                                                                           \
            msr(cval, v);                                                                          \
        else                                                                                       \
            msr(tval, v);                                                                          \
    }
TIMER(cntp, cntp_ctl_el0, cntp_cval_el0, cntp_tval_el0)
TIMER(cntv, cntv_ctl_el0, cntv_cval_el0, cntv_tval_el0)
TIMER(cnthp, cnthp_ctl_el2, cnthp_cval_el2, cnthp_tval_el2)
TIMER(cnthv, cnthv_ctl_el2, cnthv_cval_el2, cnthv_tval_el2)

enum { CTL, CVAL, TVAL };
struct timer {
    const char *name;
    uint64_t (*get)(unsigned);
    void (*set)(unsigned, uint64_t);
    unsigned intid;
};
static const struct timer timers[] = {
    {"CNTP: ", cntp_get, cntp_set, INTID_CNTP},
    {"CNTV: ", cntv_get, cntv_set, INTID_CNTV},
    {"CNTHP: ", cnthp_get, cnthp_set, INTID_CNTHP},
    {"CNTHV: ", cnthv_get, cnthv_set, INTID_CNTHV},
};

static uint64_t count_of(const struct timer *t)
{
    isb();
    return t->intid == INTID_CNTV ? mrs(cntvct_el0) : mrs(cntpct_el0);
}

static void one_timer(const struct timer *t)
{
    uint64_t count, tval;
    uint64_t ms = mrs(cntfrq_el0) / 1000;

    context = t->name;
    gic_bit(GICD_ISENABLER, t->intid);
    t->set(CTL, 0);
    t->set(CVAL, UINT64_C(0x123456789abcdef0));
    check_equal(t->get(CVAL), UINT64_C(0x123456789abcdef0), "CVAL is 64 bits");
    t->set(CTL, 0xffffffffffffffff);
    check_equal(t->get(CTL), 3, "CTL: ISTATUS is read-only, condition not met");
    t->set(CTL, 0);
    count = count_of(t);
    t->set(TVAL, 0x7fffffff);
    check(t->get(CVAL) - count - 0x7fffffff < 100 * ms, "TVAL sets CVAL");
    tval = t->get(TVAL);
    check(0x7fffffff - tval < 100 * ms, "TVAL reads down");
    count = count_of(t);
    t->set(TVAL, (uint32_t)-1000);
    check(t->get(CVAL) - (count - 1000) < 100 * ms, "TVAL is signed");
    check_equal(t->get(CTL), 0, "disabled: no ISTATUS");
    check_equal(t->get(TVAL) >> 32, 0, "TVAL: upper half reads 0");
    t->set(CTL, CTL_ENABLE | CTL_IMASK);
    check_equal(t->get(CTL), CTL_ENABLE | CTL_IMASK | CTL_ISTATUS, "expired, masked");
    if (t->intid == INTID_CNTHV && on_qemu()) {
        note("QEMU does not connect CNTHV: divergence cnthv-irq");
        t->set(CTL, 0);
        context = "";
        return;
    }
    check_equal(gic_take(), SPURIOUS, "masked: no interrupt");
    t->set(CTL, CTL_ENABLE);
    check_equal(mrs(icc_iar1_el1), t->intid, "unmasked: interrupt");
    check(gic_test(GICD_ISPENDR, t->intid), "level: pending while active");
    t->set(CTL, 0);
    check(!gic_test(GICD_ISPENDR, t->intid), "disabled: not pending");
    msr(icc_eoir1_el1, t->intid);
    check_equal(gic_take(), SPURIOUS, "nothing left");
    t->set(TVAL, 2 * ms);
    t->set(CTL, CTL_ENABLE);
    check_equal(t->get(CTL), CTL_ENABLE, "not yet");
    count = count_of(t);
    dsb();
    insn("wfi");
    check(mrs(isr_el1) == 0x80, "WFI ends with the interrupt pending");
    check(count_of(t) >= t->get(CVAL), "not before its time");
    check_equal(gic_take(), t->intid, "INTID after WFI");
    t->set(CVAL, UINT64_MAX);
    check_equal(t->get(CTL), CTL_ENABLE, "a later CVAL takes the condition away");
    t->set(CVAL, 0);
    check_equal(t->get(CTL), CTL_ENABLE | CTL_ISTATUS, "CVAL 0 has passed");
    t->set(CTL, 0);
    gic_bit(GICD_ICENABLER, t->intid);
    context = "";
}

static uint64_t read_virtual(uint64_t arg)
{
    (void)arg;
    isb();
    return mrs(cntvct_el0);
}

static uint64_t read_physical(uint64_t arg)
{
    (void)arg;
    isb();
    return mrs(cntpct_el0);
}

static void virtual_offset(void)
{
    uint64_t offset = mrs(cntpct_el0) + UINT64_C(0x100000000), p;

    msr(cntvoff_el2, offset);
    p = mrs(cntpct_el0);
    check(mrs(cntvct_el0) - (p - offset) < mrs(cntfrq_el0), "CNTVCT = CNTPCT - CNTVOFF at EL2");
    p = now();
    check(call_el(1, read_virtual, 0) - (p - offset) < mrs(cntfrq_el0), "and at EL1");
    check(call_el(1, read_physical, 0) - p < mrs(cntfrq_el0), "CNTPCT has no offset");
    msr(cntv_cval_el0, 0);
    msr(cntv_ctl_el0, CTL_ENABLE | CTL_IMASK);
    check_equal(mrs(cntv_ctl_el0), 7, "CNTV compares with the virtual count");
    msr(cntv_cval_el0, mrs(cntpct_el0) - offset + 10 * mrs(cntfrq_el0));
    check_equal(mrs(cntv_ctl_el0), 3, "in the virtual future");
    msr(cntv_ctl_el0, 0);
    msr(cntvoff_el2, 0);
}

static void event_stream(void)
{
    uint64_t start = now();

    /* Bit 10 of the counter: every 2048 ticks. */
    msr(cntkctl_el1, 10 << 4 | 1 << 2);
    for (unsigned k = 0; k < 4; k++)
        insn("wfe");
    check(true, "WFE ends by the event stream");
    check(now() - start < mrs(cntfrq_el0), "in time");
    msr(cntkctl_el1, 0);
}

static void with_timeout(void)
{
    uint64_t until = now() + mrs(cntfrq_el0) / 1000;

    register uint64_t x0 __asm__("x0") = until;
    __asm__ volatile(".inst 0xd5031020" ::"r"(x0) : "memory"); /* WFIT x0 */
    check(now() >= until, "WFIT ends at its time");
    x0 = until = now() + mrs(cntfrq_el0) / 1000;
    __asm__ volatile("sevl; wfe; .inst 0xd5031000" ::"r"(x0) : "memory"); /* WFET x0 */
    check(now() >= until, "WFET ends at its time");
    x0 = UINT64_MAX;
    __asm__ volatile("sevl; .inst 0xd5031000" ::"r"(x0) : "memory");
    check(true, "WFET ends by an event");
    x0 = 0;
    __asm__ volatile(".inst 0xd5031020" ::"r"(x0) : "memory");
    check(true, "WFIT in the past");
}

int main(void)
{
    bool el2 = current_el() == 2;

    gic_init();
    check_equal(mrs(cntfrq_el0), 62500000, "CNTFRQ");
    uint64_t a = mrs(cntpct_el0);
    isb();
    check(mrs(cntpct_el0) >= a, "the counter goes up");
    one_timer(&timers[0]);
    one_timer(&timers[1]);
    if (el2) {
        one_timer(&timers[2]);
        if (has_vhe())
            one_timer(&timers[3]);
        virtual_offset();
    }
    event_stream();
    if (FIELD(mrs(s3_0_c0_c6_2), 3, 0) != 0)
        with_timeout();
    else
        note("no FEAT_WFxT");
    check_none("no interrupt was taken");
    return (int)failures;
}
