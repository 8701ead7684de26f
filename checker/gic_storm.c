/*
 * An interrupt that comes again and again, since nobody takes its reason away: maintenance
 * (GIC-STATE), and the timers' (HANDOVER). Both are levels (IHI0069, "Maintenance interrupts";
 * DDI0487, "The Generic Timer in AArch64 state").
 */
#include <inttypes.h>

#include "arch/ppi.h"
#include "arch/vector.h"
#include "checker/gic_state.h"

#define STORM 64 /* one behind the other */

static const struct {
    unsigned intid;
    enum sysreg ctl;
} sources[] = {
    {PPI_MAINTENANCE, SR_ICH_MISR_EL2},     {PPI_TIMER_VIRT, SR_CNTV_CTL_EL0},
    {PPI_TIMER_PHYS, SR_CNTP_CTL_EL0},      {PPI_TIMER_HYP, SR_CNTHP_CTL_EL2},
    {PPI_TIMER_HYP_VIRT, SR_CNTHV_CTL_EL2},
};

/* What a write of may end it, beside list registers. */
static const enum sysreg ends[] = {
    SR_ICH_HCR_EL2,    SR_CNTV_CTL_EL0,   SR_CNTV_CVAL_EL0, SR_CNTV_TVAL_EL0,  SR_CNTVOFF_EL2,
    SR_CNTP_CTL_EL0,   SR_CNTP_CVAL_EL0,  SR_CNTP_TVAL_EL0, SR_CNTPOFF_EL2,    SR_CNTHP_CTL_EL2,
    SR_CNTHP_CVAL_EL2, SR_CNTHP_TVAL_EL2, SR_CNTHV_CTL_EL2, SR_CNTHV_CVAL_EL2, SR_CNTHV_TVAL_EL2,
};

bool gic_storm_is_ended(enum sysreg sr)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(ends); k++)
        if (sr == ends[k])
            return true;
    return sr != SR_NONE && sysreg_number(sr) - gic_lr_number(0) < LRS_MAX;
}

/* The register by which a private interrupt that is a level is asserted: a timer's control
 * register, ICH_MISR_EL2. SR_NONE: @intid is none of these. */
static enum sysreg source_of(uint64_t intid)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(sources); k++)
        if (sources[k].intid == intid)
            return sources[k].ctl;
    return SR_NONE;
}

/* The register that says why @intid is pending still; SR_NONE: nothing does. The timers' control
 * registers are laid out alike. */
static enum sysreg reason(const struct arm_checker *c, unsigned cpu, unsigned intid, uint64_t *v)
{
    enum sysreg sr = source_of(intid);

    if (sr == SR_NONE)
        return SR_NONE;
    *v = checker_sysreg(c, cpu, sr);
    return (intid == PPI_MAINTENANCE ? *v != 0 : regs_timer_asserts(*v)) ? sr : SR_NONE;
}

static struct finding found(struct arm_checker *c, const struct world *w, enum sysreg sr,
                            const struct arm_event *p)
{
    bool maintenance = sr == SR_ICH_MISR_EL2;
    struct finding f = finding_about(c, maintenance ? RULE_GIC_STATE : RULE_HANDOVER, w, sr, p);

    f.hint = maintenance ? "do what the maintenance interrupt asks for, or clear its enable in "
                           "ICH_HCR_EL2"
                         : "mask or disable the timer (IMASK, ENABLE) when its interrupt has been "
                           "taken, or leave that active";
    return f;
}

/* The world has left for an interrupt that nobody has acknowledged, as a host may that has taken it
 * itself: the control register of a timer of its own that asks for one; SR_NONE: none does. */
static enum sysreg own_timer(const struct arm_checker *c, unsigned cpu, uint64_t *v)
{
    unsigned k = regs_timer_of(checker_sysreg(c, cpu, SR_ICC_HPPIR1_EL1));
    unsigned reg = k == REGS_TIMERS ? REG_NONE : c->regs.of_sysreg[regs_timers[k].ctl];

    if (reg == REG_NONE)
        return SR_NONE;
    *v = checker_sysreg(c, cpu, regs_timers[k].ctl);
    return regs_observable(c, cpu, reg) && regs_timer_asserts(*v) ? regs_timers[k].ctl : SR_NONE;
}

void gic_storm_left(struct arm_checker *c, struct gic *u, const struct world *w,
                    const struct arm_event *p)
{
    struct gic_cpu *g = &u->cpus[p->cpu];
    struct gic_world *gw = gic_world_of(u, w);
    bool stands = p->count <= g->entered + 1 && vector_kind(p->world.vector) != VECTOR_SYNC;
    uint64_t hcr = checker_sysreg(c, p->cpu, SR_ICH_HCR_EL2), v = g->misr;
    enum sysreg sr = SR_NONE;

    if (stands && g->misr && (hcr & HCR_EN))
        sr = SR_ICH_MISR_EL2;
    else if (stands)
        sr = g->acknowledged ? reason(c, p->cpu, g->acknowledged, &v) : own_timer(c, p->cpu, &v);
    g->acknowledged = 0;
    if (!stands)
        gw->storm = 0;
    else if (sr != SR_NONE)
        gw->storm++; /* others may have run meanwhile */
    if (sr == SR_NONE || gw->storm != STORM)
        return;
    struct finding f = found(c, w, sr, p);
    finding_say(&f,
                "left for an interrupt that this asks for (%#" PRIx64
                ") %d times, and has not executed an instruction between",
                v, STORM);
    finding_report(c, &f);
}

void gic_storm_acknowledged(struct arm_checker *c, struct gic_cpu *g, const struct arm_event *p)
{
    unsigned intid = (unsigned)p->sysreg_read.value;
    uint64_t v = 0;
    enum sysreg sr = reason(c, p->cpu, intid, &v);

    g->own_storm = sr != SR_NONE ? g->own_storm + 1 : 0;
    g->acknowledged = intid;
    if (g->own_storm != STORM)
        return;
    struct finding f = found(c, c->cpus[p->cpu].last, sr, p);
    finding_say(&f,
                "EL2 has acknowledged interrupt %u, which this asks for (%#" PRIx64 "), %d times "
                "one behind the other, and written nothing that ends it",
                intid, v, STORM);
    finding_report(c, &f);
}
