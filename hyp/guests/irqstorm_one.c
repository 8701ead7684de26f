/* One CPU: random actions, each followed by a comparison with the model. */
#include "hyp/guests/lib/gic.h"
#include "hyp/guests/lib/its.h"
#include "hyp/guests/lib/platform.h"
#include "hyp/guests/lib/random.h"
#include "hyp/guests/lib/report.h"
#include "irqstorm.h"
#include "irqstorm_model.h"

#define SPARE_SPIS   24u
#define ISR_I        BIT(7)
#define CTLR_CBPR    BIT(0)
#define CTLR_EOIMODE BIT(1)
#define NEST_LIMIT   12

#define UART_IMSC 0x38
#define UART_RIS  0x3c
#define UART_TX   BIT(5)

static struct model m;
static struct random r;
static bool polled;
static uint64_t taken, step, active_limit, like_kvm;
static const char *last_action = "";

/* LPI configuration has six bits of priority. */
static uint8_t random_priority(enum kind kind)
{
    return (uint8_t)random_next(&r) & m.priority_mask & (kind == KIND_LPI ? 0xfc : 0xff);
}

/* Hardware's side of the sources. */
static void set_enable(const struct source *s)
{
    if (s->kind == KIND_LPI)
        its_configure(s->intid, s->priority, s->enabled);
    else
        gic_bit(s->enabled ? GICD_ISENABLER : GICD_ICENABLER, s->intid);
}

static void set_priority(const struct source *s)
{
    if (s->kind == KIND_LPI)
        its_configure(s->intid, s->priority, s->enabled);
    else
        gic_priority(s->intid, s->priority);
}

/* A line's level has reached the GIC before anything else is done: it may come by a detour. */
static void set_line(const struct source *s)
{
    uint64_t since = now();

    s->line(s->pending);
    while (s->pending && !gic_test(GICD_ISPENDR, s->intid) && !gic_test(GICD_ISACTIVER, s->intid))
        require(patient(since), "step %lu: interrupt %u raised, not pending", step, s->intid);
}

static void set_pending(const struct source *s)
{
    switch (s->kind) {
    case KIND_SGI:
        gic_send(s->intid, cpu_index());
        break;
    case KIND_LPI:
        its_pend(s->intid);
        break;
    case KIND_LINE:
        set_line(s);
        break;
    default:
        gic_bit(GICD_ISPENDR, s->intid);
        break;
    }
}

static void vtimer_line(bool up)
{
    msr(cntv_cval_el0, 0);
    msr(cntv_ctl_el0, up ? 1 : 3);
}

static void uart_line(bool up)
{
    wr32(platform.uart + UART_IMSC, up ? UART_TX : 0);
    rd32(platform.uart + UART_IMSC);
}

static void add(unsigned intid, enum kind kind, void (*line)(bool))
{
    struct source *s = &m.source[m.count++];

    *s = (struct source){.intid = intid, .kind = kind, .line = line, .enabled = true};
    s->priority = random_priority(s->kind);
    set_priority(s);
    set_enable(s);
}

/* An SPI that no device of the tree drives, if it is there. */
static bool spare_spi(unsigned intid)
{
    bool there;

    if (intid == platform.uart_intid || intid == platform.rtc_intid)
        return false;
    gic_bit(GICD_ISENABLER, intid);
    there = gic_test(GICD_ISENABLER, intid);
    gic_bit(GICD_ICENABLER, intid);
    return there;
}

static void add_spis(void)
{
    unsigned found = 0;

    for (unsigned intid = gic_spi_end() - 1; intid >= 32 && found < SPARE_SPIS; intid--)
        if (spare_spi(intid)) {
            gic_edge(intid, found % 2);
            gic_route(intid, platform.mpidr[0]);
            add(intid, found++ % 2 ? KIND_EDGE : KIND_LATCHED, 0);
        }
}

/* The transmit interrupt stays raised once a character has gone; UARTIMSC is then its line. */
static void add_uart(void)
{
    if (!platform.uart || !platform.uart_intid)
        return;
    report_first_character();
    if (!(rd32(platform.uart + UART_RIS) & UART_TX))
        return;
    gic_edge(platform.uart_intid, false);
    gic_route(platform.uart_intid, platform.mpidr[0]);
    add(platform.uart_intid, KIND_LINE, uart_line);
}

static void add_sources(void)
{
    uint8_t bits = (uint8_t)FIELD(mrs(icc_ctlr_el1), 10, 8)
    +1;

    m.priority_mask = gic_priority_mask() & (uint8_t)(0xff00u >> bits);
    for (unsigned n = SGI_GUEST; n < SGI_COUNT; n++)
        add(n, KIND_SGI, 0);
    add_spis();
    vtimer_line(false);
    add(platform.vtimer_intid, KIND_LINE, vtimer_line);
    add_uart();
    for (unsigned n = 0; platform.its && n < ITS_LPIS; n++)
        add(ITS_LPI + n, KIND_LPI, 0);
}

/* EOI mode and binary points; nothing is active. Group 1's field is [7:BPR1], or [7:BPR0+1] if they
 * are common ("Priority grouping"). */
static void set_mode(void)
{
    bool common = random_below(&r, 4) == 0;

    m.split = random_below(&r, 2);
    msr(icc_ctlr_el1, (mrs(icc_ctlr_el1) & ~(CTLR_CBPR | CTLR_EOIMODE)) | (common ? CTLR_CBPR : 0) |
                          (m.split ? CTLR_EOIMODE : 0));
    msr(icc_bpr0_el1, random_below(&r, 8));
    if (!common)
        msr(icc_bpr1_el1, random_below(&r, 8));
    m.group_mask = (uint8_t)(0xffu << (common ? mrs(icc_bpr0_el1) + 1 : mrs(icc_bpr1_el1)));
}

static void check_model(void)
{
    bool signalled = model_signalled(&m);
    uint64_t since = now();

    dsb();
    isb();
    if (polled) {
        while (((mrs(isr_el1) & ISR_I) != 0) != signalled)
            require(patient(since),
                    "step %lu, %s: ISR_EL1.I: expected %u; best priority %x, running %x, PMR %x",
                    step, last_action, signalled, model_best(&m), model_running_priority(&m),
                    m.pmr);
    } else {
        while (model_signalled(&m) && irqs_are_on())
            require(patient(since),
                    "step %lu, %s: nothing is taken; best priority %x, running %x, PMR %x", step,
                    last_action, model_best(&m), model_running_priority(&m), m.pmr);
    }
    expect("ICC_RPR_EL1", mrs(icc_rpr_el1), model_running_priority(&m));
}

/* Which one was acknowledged, and which should have been. */
static void wrong(unsigned intid, const struct source *best, uint8_t before)
{
    const struct source *s = m.source;

    while (s < m.source + m.count && s->intid != intid)
        s++;
    if (s == m.source + m.count)
        report_fail("step %lu, %s: acknowledged %u; expected %s%u of priority %x, over %x, PMR %x",
                    step, last_action, intid, best ? "" : "not ", best ? best->intid : 0,
                    best ? best->priority : 0, before, m.pmr);
    report_fail(
        "step %lu, %s: acknowledged %u of priority %x, enabled %u, pending %u, active %u; expected "
        "%s%u of priority %x, over %x, PMR %x",
        step, last_action, intid, s->priority, s->enabled, s->pending, s->active,
        best ? "" : "none, not ", best ? best->intid : 0, best ? best->priority : 0, before, m.pmr);
}

static struct source *take(void)
{
    uint8_t before = model_running_priority(&m);
    unsigned intid = gic_acknowledge();
    const struct source *best = model_signalled(&m) ? model_best_source(&m) : 0;
    struct source *s = model_acknowledge(&m, intid);

    if (s)
        taken++;
    else if (best || intid != SPURIOUS)
        wrong(intid, best, before);
    return s;
}

static void end(void)
{
    const struct source *s = m.running[m.depth - 1].source;

    if (s->kind != KIND_LINE && !s->pending && sabotage(BREAK_DOUBLED))
        set_pending(s);
    model_end(&m);
    gic_end(s->intid);
}

static void deactivate(void)
{
    unsigned n = random_below(&r, m.dropped_count), intid = m.dropped[n]->intid;

    model_deactivate(&m, n);
    if (!sabotage(BREAK_ACTIVE))
        msr(icc_dir_el1, intid);
}

static struct source *any(void)
{
    return &m.source[random_below(&r, m.count)];
}

/*
 * Two options for a hypervisor as KVM is in Linux 6.1. active=N limits how many are active at once:
 * the deactivation of those without a list register is lost. kvm=1 makes no level-sensitive SPI
 * pending by GICD_ISPENDR while it is active, which is forgotten at its end, and disables nothing
 * that is active, which is taken all the same if it is pending too.
 */
static bool has_room(void)
{
    return m.depth + m.dropped_count < active_limit;
}

/* Lines are raised while idle and lowered while active: what a hypervisor has shown its guest, it
 * cannot take back when the line falls unseen. */
static void pend(struct source *s)
{
    if (s->kind == KIND_LINE && (s->active ? !s->pending : s->pending))
        return;
    if (s->kind == KIND_LATCHED && s->active && like_kvm)
        return;
    s->pending = s->kind != KIND_LINE || !s->active;
    if (s->kind == KIND_LINE ? sabotage(BREAK_LINE) : sabotage(BREAK_LOST))
        return;
    set_pending(s);
}

static void pend_many(void)
{
    for (unsigned n = 5 + random_below(&r, 20); n; n--)
        pend(any());
}

static void unpend(struct source *s)
{
    if (s->kind == KIND_LINE || s->kind == KIND_SGI)
        return;
    s->pending = false;
    if (s->kind == KIND_LPI)
        its_clear(s->intid);
    else
        gic_bit(GICD_ICPENDR, s->intid);
}

static void toggle(struct source *s)
{
    if (s->active && like_kvm)
        return;
    s->enabled = !s->enabled || random_below(&r, 2);
    set_enable(s);
}

static void reprioritize(struct source *s)
{
    if (s->pending || s->active)
        return;
    s->priority = random_priority(s->kind);
    set_priority(s);
    if (sabotage(BREAK_PRIORITY))
        s->priority ^= 0x80;
}

static void mask(void)
{
    m.pmr = (random_below(&r, 3) ? 0xff : (uint8_t)random_next(&r)) & m.priority_mask;
    msr(icc_pmr_el1, m.pmr);
}

static void group(void)
{
    m.group = random_below(&r, 4) != 0;
    msr(icc_igrpen1_el1, m.group);
}

/* What needs no interrupt to be running, masked or not. */
static void act(void)
{
    static const char *const names[] = {"pend", "many",  "unpend", "enable", "priority",
                                        "PMR",  "group", "DIR",    "mode"};
    unsigned what = random_below(&r, 16);
    bool on = irqs_are_on();

    /* One step of the model is one of the GIC. */
    irqs_off();
    last_action = names[what < 8 ? 0 : what - 7];
    switch (what) {
    case 8:
        pend_many();
        break;
    case 9:
        unpend(any());
        break;
    case 10:
        toggle(any());
        break;
    case 11:
        reprioritize(any());
        break;
    case 12:
        mask();
        break;
    case 13:
        group();
        break;
    case 14:
        if (m.dropped_count)
            deactivate();
        break;
    case 15:
        if (!m.depth && !m.dropped_count)
            set_mode();
        break;
    default:
        pend(any());
        break;
    }
    if (on)
        irqs_on();
}

static void polled_step(void)
{
    unsigned what = random_below(&r, 10);

    if (what < 3 && has_room()) {
        last_action = "IAR";
        take();
    } else if (what < 6 && m.depth) {
        last_action = "EOIR";
        end();
    } else {
        act();
    }
    check_model();
}

static void on_irq(struct frame *f)
{
    struct source *s = take();

    (void)f;
    if (!s)
        return; /* the model agreed that there was nothing: a level that fell in between */
    if (s->kind == KIND_LINE && (!has_room() || random_below(&r, 2)))
        pend(s); /* lowers it; else it comes again */
    if (has_room()) {
        irqs_on();
        for (unsigned n = m.depth < NEST_LIMIT ? random_below(&r, 3) : 0; n; n--) {
            act();
            check_model();
        }
        irqs_off();
    }
    end();
    while (m.dropped_count && (!has_room() || random_below(&r, 2)))
        deactivate();
}

/* Everything is let through and taken; then nothing is pending, running or active. */
static void drain(void)
{
    last_action = "drain";
    irqs_off();
    m.pmr = m.priority_mask;
    msr(icc_pmr_el1, m.pmr);
    m.group = true;
    msr(icc_igrpen1_el1, 1);
    for (struct source *s = m.source; s < m.source + m.count; s++) {
        s->enabled = true;
        set_enable(s);
    }
    do {
        while (m.depth)
            end();
        while (m.dropped_count)
            deactivate();
        for (struct source *s = m.source; s < m.source + m.count; s++) {
            /* The lowest priority is never signalled: it is withdrawn. */
            if (s->kind == KIND_LINE && s->pending && (s->active || s->priority >= m.pmr)) {
                s->pending = false;
                s->line(false);
            } else if (s->pending && s->priority >= m.pmr) {
                unpend(s);
            }
        }
        polled = true;
        check_model();
        polled = false;
        while (model_signalled(&m))
            if (take() && m.running[m.depth - 1].source->kind == KIND_LINE)
                pend(m.running[m.depth - 1].source);
    } while (m.depth);
}

uint64_t storm_one_cpu(uint64_t rounds, bool is_polled)
{
    irqs_off();
    taken = 0;
    if (!m.count) {
        r.state = option_number("seed", 1);
        like_kvm = option_number("kvm", 0);
        active_limit = option_number("active", MAX_SOURCES);
        add_sources();
    }
    m.pmr = m.priority_mask;
    m.group = true;
    set_mode();
    polled = is_polled;
    irq_handler = on_irq;
    for (step = 0; step < rounds; step++) {
        if (polled) {
            polled_step();
        } else {
            irqs_on();
            act();
            check_model();
        }
    }
    drain();
    return taken;
}

unsigned storm_sources(void)
{
    return m.count;
}
