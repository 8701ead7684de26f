/*
 * A kernel at EL2 reads the current thread and the CPU's offset all the time. What such a read may
 * mean is asked when one is told; from then on they are listed, until something comes that the
 * answer may change with.
 */
#include "checker/listing.h"

#include "base/bits.h"
#include "checker/checker.h"
#include "checker/own.h"
#include "checker/pc.h"

/* No unit but own and pc asks for reads of them. */
static const enum sysreg kept[] = {SR_SP_EL0, SR_TPIDR_EL2};

static void list(struct arm_checker *c, unsigned cpu, unsigned k, bool on)
{
    struct cpu_view *view = &c->cpus[cpu];

    if (bit(view->listed, k) == on)
        return;
    view->listed ^= (uint8_t)BIT(k);
    arm_list_reads(c->m, cpu, sysreg_number(kept[k]), on);
}

static bool matters(const struct arm_checker *c, unsigned cpu, enum sysreg sr)
{
    return c->view || own_needs_reads(c, cpu, sr) || pc_needs_reads(c, cpu);
}

/* What the units ask of reads on any CPU changes when a guest is near, and when one has run. */
static void follow_guests(struct arm_checker *c)
{
    unsigned stage = (unsigned)c->prepared + (unsigned)c->guest_seen;

    for (unsigned cpu = 0; stage != c->listing_stage && cpu < c->cpu_count; cpu++)
        for (unsigned k = 0; k < ARRAY_SIZE(kept); k++)
            list(c, cpu, k, false);
    c->listing_stage = stage;
}

void listing_event(struct arm_checker *c, const struct arm_event *p)
{
    follow_guests(c);
    for (unsigned k = 0; k < ARRAY_SIZE(kept); k++) {
        switch (p->kind) {
        case ARM_EVENT_SYSREG_READ:
            if (p->sysreg_read.sr == sysreg_number(kept[k]))
                list(c, p->cpu, k, !matters(c, p->cpu, kept[k]));
            break;
        case ARM_EVENT_SYSREG_WRITE:
            if (p->sysreg_write.sr == sysreg_number(kept[k]))
                list(c, p->cpu, k, false);
            break;
        case ARM_EVENT_EXCEPTION:
        case ARM_EVENT_ERET:
        case ARM_EVENT_WORLD:
        case ARM_EVENT_WFX:
        case ARM_EVENT_POWER:
            list(c, p->cpu, k, false);
            break;
        default:
            return;
        }
    }
}
