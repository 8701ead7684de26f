/*
 * The virtual timer and, where EL1 may use it, the physical one, on every CPU: registers kept,
 * ISTATUS and the mask as the manual says, level behaviour, never early, never lost; and a counter
 * that does not go back from one CPU to another (DDI0487, "The Generic Timer in AArch64 state").
 */
#include "hyp/guests/lib/disturb.h"
#include "hyp/guests/lib/gic.h"
#include "hyp/guests/lib/platform.h"
#include "hyp/guests/lib/report.h"
#include "hyp/guests/lib/smp.h"

#define CTL_ENABLE  BIT(0)
#define CTL_IMASK   BIT(1)
#define CTL_ISTATUS BIT(2)

enum { BREAK_EARLY, BREAK_LOST, BREAK_MASK, BREAK_LEVEL, BREAK_REGISTER, BREAK_BACKWARDS };
static const char *const breaks[] = {"early", "lost", "mask", "level", "register", "backwards", 0};

/* Registers are immediate in the encoding, hence functions. */
struct timer {
    const char *name;
    uint64_t (*count)(void), (*ctl)(void), (*cval)(void), (*tval)(void);
    void (*set_ctl)(uint64_t), (*set_cval)(uint64_t), (*set_tval)(uint64_t);
    const unsigned *intid;
};

#define READ(fn, reg)                                                                              \
    static uint64_t fn(void)                                                                       \
    {                                                                                              \
        isb();                                                                                     \
        return mrs(reg);                                                                           \
    }
#define WRITE(fn, reg)                                                                             \
    static void fn(uint64_t v)                                                                     \
    {                                                                                              \
        msr(reg, v);                                                                               \
    }
#define TIMER(t, counter)                                                                          \
    READ(t##_count, counter)                                                                       \
    READ(t##_ctl, t##_ctl_el0)                                                                     \
    READ(t##_cval, t##_cval_el0)                                                                   \
    READ(t##_tval, t##_tval_el0)                                                                   \
    WRITE(t##_set_ctl, t##_ctl_el0)                                                                \
    WRITE(t##_set_cval, t##_cval_el0)                                                              \
    WRITE(t##_set_tval, t##_tval_el0)
#define ROW(t) t##_count, t##_ctl, t##_cval, t##_tval, t##_set_ctl, t##_set_cval, t##_set_tval
TIMER(cntv, cntvct_el0)
TIMER(cntp, cntpct_el0)

static const struct timer timers[] = {
    {"CNTV", ROW(cntv), &platform.vtimer_intid},
    {"CNTP", ROW(cntp), &platform.ptimer_intid},
};
#define TIMERS ARRAY_SIZE(timers)

static uint64_t rounds;
static struct cpu_state {
    volatile uint64_t taken[TIMERS];
    volatile unsigned repeats[TIMERS]; /* to be taken before the handler masks the timer */
    uint64_t deadline[TIMERS], latest; /* most ticks late */
    bool unexpected;                   /* an interrupt would be wrong now */
} states[MAX_CPUS];

static unsigned usable = TIMERS;

static void on_irq(struct frame *f)
{
    struct cpu_state *s = &states[cpu_index()];
    unsigned intid = gic_acknowledge(), n = 0;
    const struct timer *t;
    uint64_t count;

    (void)f;
    if (intid == SPURIOUS)
        return;
    while (n < usable && *timers[n].intid != intid)
        n++;
    require(n < usable, "interrupt %u, which nobody made", intid);
    t = &timers[n];
    count = t->count();
    require(!s->unexpected, "%s: an interrupt that is masked, off or far away: CTL %lx", t->name,
            t->ctl());
    require(count >= s->deadline[n], "%s: early: CVAL %lx, counter %lx", t->name, s->deadline[n],
            count);
    expect("CTL in the handler", t->ctl(), CTL_ENABLE | CTL_ISTATUS);
    if (count - s->deadline[n] > s->latest)
        s->latest = count - s->deadline[n];
    s->taken[n]++;
    if (s->repeats[n])
        s->repeats[n]--;
    if (!s->repeats[n] || sabotage(BREAK_LEVEL))
        t->set_ctl(CTL_ENABLE | CTL_IMASK);
    gic_end(intid);
}

/* Never. With UINT64_MAX, enabled, QEMU 7.2 adds CNTVOFF_EL2, wraps, and sets the same timer for
 * ever (docs/divergences.md). */
#define FAR (UINT64_MAX >> 2)

/* CTL says met or not, between two readings of the counter. QEMU says so a little late. */
static void check_status(const struct timer *t, uint64_t cval)
{
    uint64_t since = now(), before, ctl, after;

    do {
        before = t->count();
        ctl = t->ctl();
        after = t->count();
        if (!(ctl & CTL_ENABLE))
            return;
        require(after >= cval || !(ctl & CTL_ISTATUS), "%s: ISTATUS early: CVAL %lx, counter %lx",
                t->name, cval, after);
        require(patient(since), "%s: no ISTATUS: CVAL %lx, counter %lx", t->name, cval, before);
    } while (before >= cval && !(ctl & CTL_ISTATUS));
}

/* TVAL is the lower half of CVAL minus the counter. */
static void check_tval(const struct timer *t, uint64_t cval)
{
    uint64_t before = t->count(), tval = t->tval(), after = t->count();

    require((uint32_t)(cval - before) - (uint32_t)tval <= after - before,
            "%s: TVAL %lx with CVAL %lx, counter %lx to %lx", t->name, tval, cval, before, after);
}

static void registers(const struct timer *t, struct random *r)
{
    uint64_t cval = random_next(r) | BIT(63), before, after;

    t->set_ctl(0);
    t->set_cval(cval);
    disturb_without_timer(r);
    if (sabotage(BREAK_REGISTER))
        t->set_cval(cval ^ BIT(40));
    expect("CVAL", t->cval(), cval);
    check_tval(t, cval);
    t->set_ctl(CTL_ENABLE | CTL_IMASK);
    check_status(t, cval);
    t->set_ctl(0);
    expect("CTL when off", t->ctl(), 0);
    cval = random_next(r) & INT32_MAX;
    before = t->count();
    t->set_tval(cval);
    after = t->count();
    require(t->cval() - cval - before <= after - before, "%s: TVAL %lx made CVAL %lx, counter %lx",
            t->name, cval, t->cval(), before);
}

/* CPU 0 waits for the others, and says when one of them sleeps for ever; nobody says so of it. */
static bool may_sleep(void)
{
    return cpu_index() > 0 || platform.cpus == 1;
}

static void wait_taken(unsigned n, uint64_t count, struct random *r)
{
    struct cpu_state *s = &states[cpu_index()];
    uint64_t since = now();

    while (s->taken[n] < count) {
        require(patient(since), "%s: lost: CVAL %lx, CTL %lx, counter %lx", timers[n].name,
                timers[n].cval(), timers[n].ctl(), timers[n].count());
        if (random_below(r, 2) && may_sleep()) {
            irqs_off();
            if (s->taken[n] < count)
                insn("wfi");
            irqs_on();
        }
    }
}

/* A deadline, by CVAL or by TVAL, taken @times times: the level stays until the
 * handler masks it. */
static void deadline(unsigned n, struct random *r, unsigned times)
{
    struct cpu_state *s = &states[cpu_index()];
    const struct timer *t = &timers[n];
    uint64_t ticks = ticks_of_us(random_below(r, 100)), count = s->taken[n] + times;

    s->repeats[n] = times;
    t->set_ctl(0);
    if (random_below(r, 2))
        t->set_cval(t->count() + ticks);
    else
        t->set_tval(ticks);
    s->deadline[n] = t->cval() + (sabotage(BREAK_EARLY) ? ticks_of_us(100000) : 0);
    if (!sabotage(BREAK_LOST))
        t->set_ctl(CTL_ENABLE);
    check_status(t, t->cval());
    wait_taken(n, count, r);
    check_status(t, t->cval());
    expect("times taken", s->taken[n], count);
    t->set_ctl(0);
}

/* Condition met and masked; off; and far away: no interrupt. */
static void silent(const struct timer *t, struct random *r)
{
    struct cpu_state *s = &states[cpu_index()];

    s->unexpected = true;
    t->set_cval(t->count());
    t->set_ctl(sabotage(BREAK_MASK) ? CTL_ENABLE : CTL_ENABLE | CTL_IMASK);
    disturb_without_timer(r);
    check_status(t, t->cval());
    expect("pending while masked", gic_test(GICD_ISPENDR, *t->intid), 0);
    t->set_ctl(0);
    t->set_tval(ticks_of_us(5));
    disturb_without_timer(r);
    t->set_cval(FAR);
    t->set_ctl(CTL_ENABLE);
    disturb_without_timer(r);
    expect("CTL far away", t->ctl(), CTL_ENABLE);
    t->set_ctl(0);
    s->unexpected = false;
}

/* The newest reading of any CPU. */
static uint64_t newest;

static void forward_only(void)
{
    uint64_t seen = __atomic_load_n(&newest, __ATOMIC_SEQ_CST), mine = now();

    require(mine >= seen, "the counter goes back: %lx read elsewhere, then %lx", seen, mine);
    if (sabotage(BREAK_BACKWARDS))
        mine += ticks_of_us(1000000);
    while (seen < mine && !__atomic_compare_exchange_n(&newest, &seen, mine, false,
                                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
}

static void test(unsigned cpu)
{
    struct random r = {option_number("seed", 1) * MAX_CPUS + cpu};

    irq_handler = on_irq;
    for (unsigned n = 0; n < usable; n++) {
        timers[n].set_ctl(0);
        gic_bit(GICD_ISENABLER, *timers[n].intid);
    }
    irqs_on();
    for (uint64_t round = 0; round < rounds; round++) {
        unsigned n = random_below(&r, usable);

        smp_progress(round);
        forward_only();
        switch (random_below(&r, 4)) {
        case 0:
            registers(&timers[n], &r);
            break;
        case 1:
            silent(&timers[n], &r);
            break;
        case 2:
            deadline(n, &r, 2 + random_below(&r, 3));
            break;
        default:
            deadline(n, &r, 1);
            break;
        }
    }
    irqs_off();
}

/* A hypervisor that does not offer the physical timer makes it UNDEFINED. */
static volatile bool undefined;

static bool on_undefined(struct frame *f)
{
    undefined = EC(f->esr) == 0;
    f->elr += 4;
    return undefined;
}

static void run(void)
{
    uint64_t taken = 0, latest = 0;

    sync_handler = on_undefined;
    mrs(cntp_ctl_el0);
    sync_handler = 0;
    if (undefined || !platform.ptimer_intid)
        usable = 1;
    rounds = option_number("rounds", 200);
    smp_run(test);
    for (unsigned cpu = 0; cpu < platform.cpus; cpu++) {
        for (unsigned n = 0; n < usable; n++)
            taken += states[cpu].taken[n];
        if (states[cpu].latest > latest)
            latest = states[cpu].latest;
    }
    report_ok("vcpus=%u timers=%u rounds=%lu interrupts=%lu latest_ns=%lu", platform.cpus, usable,
              rounds, taken, latest * 1000000000 / mrs(cntfrq_el0));
}

const struct guest guest = {.name = "timer", .breaks = breaks, .run = run};
