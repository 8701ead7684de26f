/* An interrupt's life for people: what the GIC has of it, and what the CPU does about it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arch/ppi.h"
#include "cpu/interrupt.h"
#include "cpu/timer.h"
#include "cpu/world.h"
#include "machine/machine.h"

struct lines {
    arm_line_fn *line;
    void *ctx;
};

static void say(const struct lines *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(const struct lines *o, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    o->line(o->ctx, text);
}

/* ---- at the CPU ---- */

/* Of a group's pin: the name of its mask and of what routes it. */
static const struct {
    enum interrupt_kind kind;
    const char *mask, *route, *virt;
} pins[] = {{INTERRUPT_FIQ, "F", "FMO", "vFIQ"}, {INTERRUPT_IRQ, "I", "IMO", "vIRQ"}};

/* Why the CPU does not take what the GIC signals to it; "": it will. */
static void hold_at_cpu(const struct cpu *cpu, unsigned group, char *held, size_t size)
{
    unsigned target = cpu_physical_target(cpu, pins[group].kind);

    held[0] = '\0';
    if (cpu->power == CPU_OFF)
        snprintf(held, size, "cpu%u is off: PSCI CPU_ON starts it", cpu->index);
    else if (target)
        return;
    else if (cpu_physical_route(cpu, pins[group].kind) < cpu->ps.el)
        snprintf(held, size,
                 "it is routed to EL1, and cpu%u is at EL2: HCR_EL2.%s is 0, so it waits for the "
                 "return to EL1",
                 cpu->index, pins[group].route);
    else
        snprintf(held, size, "cpu%u has masked it: PSTATE.%s is 1 at EL%u", cpu->index,
                 pins[group].mask, cpu->ps.el);
}

/* The same of a virtual one. */
static void hold_virtual_at_cpu(const struct cpu *cpu, unsigned group, char *held, size_t size)
{
    uint64_t hcr = cpu_hcr(cpu);
    uint64_t route = group ? FIELD_MASK(HCR_EL2_IMO) : FIELD_MASK(HCR_EL2_FMO);
    uint8_t mask = group ? PSTATE_I : PSTATE_F;

    held[0] = '\0';
    if (!(hcr & route))
        snprintf(held, size, "HCR_EL2.%s is 0: there are no %s", pins[group].route,
                 pins[group].virt);
    else if (hcr & FIELD_MASK(HCR_EL2_TGE))
        snprintf(held, size, "HCR_EL2.TGE is 1: no guest runs");
    else if (cpu->ps.el == 2)
        snprintf(held, size, "cpu%u is at EL2: it is taken when the guest runs", cpu->index);
    else if (cpu->ps.daif & mask)
        snprintf(held, size, "the guest has masked it: PSTATE.%s is 1 at EL%u", pins[group].mask,
                 cpu->ps.el);
}

/* ---- who drives the line ---- */

static const struct {
    unsigned intid;
    enum sysreg ctl;
} timers[] = {{PPI_TIMER_HYP, SR_CNTHP_CTL_EL2},
              {PPI_TIMER_VIRT, SR_CNTV_CTL_EL0},
              {PPI_TIMER_HYP_VIRT, SR_CNTHV_CTL_EL2},
              {PPI_TIMER_PHYS, SR_CNTP_CTL_EL0}};

/* Of a timer: whether it is on, and masks its output. False: @intid is no timer's. */
static bool say_timer(const struct lines *o, struct arm_machine *m, unsigned cpu, uint32_t intid)
{
    size_t k = 0;
    uint64_t ctl[2] = {0, 0};

    while (k < ARRAY_SIZE(timers) && timers[k].intid != intid)
        k++;
    if (k == ARRAY_SIZE(timers))
        return false;
    const char *name = sysreg_rows[timers[k].ctl].name;
    if (!arm_reg_get(m, cpu, arm_reg_number(name), ctl))
        return false;
    say(o, "  source: the timer of %s: %s", name,
        !bit(ctl[0], 0)   ? "off: ENABLE is 0"
        : bit(ctl[0], 1)  ? "its output is masked: IMASK is 1"
        : !bit(ctl[0], 2) ? "on, and not due yet: ISTATUS is 0"
                          : "on and due");
    return true;
}

static const char *kind_of(uint32_t intid)
{
    return intid < 16 ? "SGI" : intid < 32 ? "PPI" : intid < 8192 ? "SPI" : "LPI";
}

/* ---- the whole ---- */

static void hold(struct arm_machine *m, const struct gic_irq *irq, char *held, size_t size)
{
    snprintf(held, size, "%s", irq->held);
    if (irq->signalled)
        hold_at_cpu(m->cpus[irq->cpu], irq->group, held, size);
}

bool arm_irq_get(struct arm_machine *m, unsigned cpu, uint32_t intid, struct arm_irq *out)
{
    struct gic_irq irq;

    if (out->size != sizeof(*out) || cpu >= m->cpu_count || !gic_irq_look(m->gic, cpu, intid, &irq))
        return false;
    *out = (struct arm_irq){.size = sizeof(*out),
                            .line = irq.line,
                            .edge = irq.edge,
                            .pending = irq.pending,
                            .active = irq.active,
                            .enabled = irq.enabled,
                            .group = irq.group,
                            .priority = irq.priority,
                            .cpu = irq.cpu == GIC_NO_CPU ? ARM_NO_CPU : irq.cpu};
    hold(m, &irq, out->held, sizeof(out->held));
    return true;
}

/* "INTID 27, PPI of cpu0" and what its registers say of it. */
static void say_physical(const struct lines *o, struct arm_machine *m, unsigned cpu, uint32_t intid,
                         const struct gic_irq *irq)
{
    char held[240], target[32] = "no CPU";

    if (irq->cpu != GIC_NO_CPU)
        snprintf(target, sizeof(target), "cpu%u", irq->cpu);
    say(o, "INTID %u, %s %s %s: line %s, %s", intid, kind_of(intid),
        intid < 32 || intid >= 8192 ? "of" : "to", target, irq->line ? "high" : "low",
        irq->edge ? "edge-triggered" : "level-sensitive");
    say_timer(o, m, cpu, intid);
    say(o, "  %s: %s, group %u, priority %#x, %s%s%s",
        intid < 32 || intid >= 8192 ? "redistributor" : "distributor",
        irq->enabled ? "enabled" : "disabled", irq->group, irq->priority,
        irq->pending ? "pending" : "not pending", irq->active ? ", active" : "",
        irq->signalled ? irq->group ? ", signalled as IRQ" : ", signalled as FIQ" : "");
    hold(m, irq, held, sizeof(held));
    if (*held)
        say(o, "  pending, but %s", held);
    else if (irq->pending)
        say(o, "  nothing holds it back: %s takes it next", target);
    else if (irq->active)
        say(o, "  acknowledged, and not ended yet");
    else if (!irq->line)
        say(o, "  nothing has made it pending");
}

static void say_virtual(const struct lines *o, const struct cpu *cpu, unsigned n,
                        const struct gic_virtual_irq *v)
{
    char held[240], physical[32] = "";

    if (v->physical)
        snprintf(physical, sizeof(physical), ", of physical INTID %u", v->physical);
    say(o, "  cpu%u LR%u: virtual INTID %u%s, group %u, priority %#x, %s%s%s", cpu->index, n,
        v->intid, physical, v->group, v->priority,
        v->pending  ? "pending"
        : v->active ? ""
                    : "ended",
        v->pending && v->active ? " and " : "", v->active ? "active" : "");
    snprintf(held, sizeof(held), "%s", v->held);
    if (v->signalled)
        hold_virtual_at_cpu(cpu, v->group, held, sizeof(held));
    if (*held)
        say(o, "    pending, but %s", held);
    else if (v->pending)
        say(o, "    nothing holds it back: the guest takes it next");
}

bool arm_describe_irq(struct arm_machine *m, unsigned cpu, uint32_t intid, arm_line_fn *line,
                      void *ctx)
{
    const struct lines o = {line, ctx};
    struct gic_virtual_irq v;
    bool found = false;
    struct gic_irq irq;

    if (cpu >= m->cpu_count)
        return false;
    if (gic_irq_look(m->gic, cpu, intid, &irq)) {
        say_physical(&o, m, cpu, intid, &irq);
        found = true;
    }
    for (unsigned k = 0; k < m->cpu_count; k++)
        for (unsigned n = 0; n < GIC_LRS_MAX; n++)
            if (gic_virtual_look(m->gic, k, n, &v) && (v.intid == intid || v.physical == intid)) {
                say_virtual(&o, m->cpus[k], n, &v);
                found = true;
            }
    return found;
}
