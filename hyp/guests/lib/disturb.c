#include "disturb.h"

#include "gic.h"
#include "platform.h"
#include "psci.h"
#include "report.h"

static struct state {
    uint64_t interrupts;
    struct random random;
    void (*in_handler)(struct random *r);
} states[MAX_CPUS];

static void arm(uint64_t ticks)
{
    msr(cntv_tval_el0, ticks);
    msr(cntv_ctl_el0, 1);
}

static void taken(unsigned intid)
{
    struct state *s = &states[cpu_index()];

    if (intid == platform.vtimer_intid)
        msr(cntv_ctl_el0, 0);
    else
        require(intid == SGI_DISTURB, "interrupt %u, which nobody made", intid);
    s->interrupts++;
    if (s->in_handler)
        s->in_handler(&s->random);
    gic_end(intid);
}

static void on_irq(struct frame *f)
{
    unsigned intid = gic_acknowledge();

    (void)f;
    if (intid != SPURIOUS)
        taken(intid);
}

/* With interrupts masked, take what is pending. */
static void poll(void)
{
    unsigned intid;

    if (irqs_are_on())
        return;
    dsb();
    while ((intid = gic_acknowledge()) != SPURIOUS)
        taken(intid);
}

void disturb_init(void (*in_handler)(struct random *r))
{
    struct state *s = &states[cpu_index()];

    s->random.state = option_number("seed", 1) * MAX_CPUS + cpu_index() + UINT64_C(0xd157);
    s->in_handler = in_handler;
    irq_handler = on_irq;
    gic_bit(GICD_ISENABLER, platform.vtimer_intid);
}

uint64_t disturb_interrupts(void)
{
    return states[cpu_index()].interrupts;
}

static void spin(unsigned n)
{
    __asm__ volatile("1: subs %0, %0, #1; b.ne 1b" : "+r"(n)::"cc");
}

/* WFI may end for no reason: it is repeated until the timer has gone off. */
static void sleep(uint64_t ticks)
{
    uint64_t before = disturb_interrupts();

    arm(ticks);
    while (disturb_interrupts() == before) {
        bool on = irqs_are_on();

        /* Masked, so that the interrupt does not come between the test and WFI. */
        irqs_off();
        if (disturb_interrupts() == before)
            insn("wfi");
        if (on)
            irqs_on();
        poll();
    }
    msr(cntv_ctl_el0, 0);
}

void disturb_without_timer(struct random *r)
{
    uint64_t v = random_next(r);

    switch (v % 5) {
    case 0:
        spin(1 + (unsigned)(v >> 32) % 20000);
        break;
    case 1:
        for (unsigned n = 1 + (unsigned)(v >> 32) % 20; n; n--)
            insn("yield");
        break;
    case 2:
        insn("sevl; wfe");
        break;
    case 3:
        expect("PSCI_VERSION's major number", (uint64_t)psci(PSCI_VERSION, 0, 0, 0) >> 16, 1);
        break;
    default:
        expect("PSCI_FEATURES of CPU_OFF", (uint64_t)psci32(PSCI_FEATURES, PSCI_CPU_OFF, 0, 0), 0);
        break;
    }
}

void disturb(struct random *r)
{
    uint64_t v = random_next(r);

    switch (v % 10) {
    case 0:
    case 1:
        sleep(ticks_of_us(1 + (v >> 32) % 50));
        break;
    case 2:
        gic_send(SGI_DISTURB, cpu_index());
        break;
    case 3:
        gic_send(SGI_DISTURB, (unsigned)(v >> 32) % platform.cpus);
        break;
    case 4:
        arm(ticks_of_us((v >> 32) % 20)); /* goes off while something else happens */
        disturb_without_timer(r);
        break;
    default:
        disturb_without_timer(r);
        break;
    }
    poll();
}

void disturb_end(void)
{
    irqs_off();
    msr(cntv_ctl_el0, 0);
    poll();
}
