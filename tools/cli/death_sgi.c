/* An SGI that is for nobody: its sender waits for an answer, or who should have it sleeps on. */
#include <inttypes.h>

#include "death_state.h"
#include "death_trace.h"

static bool is_target(const struct corpse *c, uint64_t sgi)
{
    for (unsigned cpu = 0; cpu < arm_cpu_count(c->m); cpu++) {
        uint64_t mpidr = death_reg(c, cpu, "MPIDR_EL1"), first = (sgi >> 44 & 15) * 16;
        if ((mpidr >> 8 & 255) == (sgi >> 16 & 255) && (mpidr >> 16 & 255) == (sgi >> 32 & 255) &&
            (mpidr >> 32 & 255) == (sgi >> 48 & 255) && (mpidr & 255) >= first &&
            (mpidr & 255) < first + 16 && sgi >> ((mpidr & 255) - first) & 1)
            return true;
    }
    return false;
}

/* ICC_SGI0R_EL1 sends those of group 0 only. */
static bool explain_sgi_group(const struct corpse *c, unsigned cpu, struct verdict *v)
{
    const struct death_write *w = death_written(c, cpu, "ICC_SGI0R_EL1");
    unsigned intid = w ? (unsigned)(w->value >> 24) & 15 : 0;
    struct arm_irq irq = {.size = sizeof(irq)};

    if (!w || !arm_irq_get(c->m, c->cpu, intid, &irq) || !irq.group)
        return false;
    g_autofree char *at = death_place(c, cpu, w->el, w->pc);
    g_string_printf(
        v->cause,
        "cpu%u has sent SGI %u as one of group 0, at %s, and it is of group 1 at cpu%u: "
        "it was not forwarded",
        cpu, intid, at, c->cpu);
    g_string_assign(v->evidence, "ICC_SGI0R_EL1 is for group 0 (FIQ), ICC_SGI1R_EL1 for group 1 "
                                 "(IRQ); GICR_IGROUPR0 has the group");
    g_string_assign(v->next, "write ICC_SGI1R_EL1");
    return true;
}

/* ICC_SGI1R_EL1: IRM (bit 40) is all others. IHI0069 12.2.18. */
static bool explain_by_register(const struct corpse *c, struct verdict *v)
{
    for (unsigned cpu = 0; cpu < arm_cpu_count(c->m); cpu++) {
        const struct death_write *w = death_written(c, cpu, "ICC_SGI1R_EL1");
        if (explain_sgi_group(c, cpu, v))
            return true;
        bool others = w && w->value >> 40 & 1;
        if (!w || (others ? arm_cpu_count(c->m) > 1 : is_target(c, w->value)))
            continue;
        g_autofree char *at = death_place(c, cpu, w->el, w->pc);
        g_string_printf(v->cause, "cpu%u has sent SGI %u to nobody, at %s: ", cpu,
                        (unsigned)(w->value >> 24) & 15, at);
        if (others)
            g_string_append(v->cause, "IRM (bit 40) is 1, all others, and there is no other");
        else
            g_string_append_printf(
                v->cause, "no CPU has affinity %u.%u.%u and is in target list %#x",
                (unsigned)(w->value >> 48) & 255, (unsigned)(w->value >> 32) & 255,
                (unsigned)(w->value >> 16) & 255, (unsigned)w->value & 0xffff);
        g_string_printf(v->evidence,
                        "ICC_SGI1R_EL1 was written as %#" PRIx64
                        "; MPIDR_EL1 of cpu%u is %#" PRIx64,
                        w->value, c->cpu, death_reg(c, c->cpu, "MPIDR_EL1"));
        g_string_assign(v->next,
                        others ? "with IRM 0 the target list has the CPUs, the sender as well; "
                                 "--smp N has N CPUs"
                               : "Aff3, Aff2 and Aff1 go to bits 55:48, 39:32 and 23:16, and "
                                 "bit Aff0 of bits 15:0 is the CPU");
        return true;
    }
    return false;
}

/* GICD_SGIR, IHI0048 4.3.15: bits 25:24 are TargetListFilter, 23:16 CPUTargetList. */
#define GICD_SGIR   UINT64_C(0x08000f00)
#define TO_LIST     0
#define TO_OTHERS   1
#define GICV2_CPUS  8
#define FILTER_BITS 24
#define LIST_BITS   16

static bool explain_by_memory(const struct corpse *c, struct verdict *v)
{
    unsigned cpus = arm_cpu_count(c->m);
    struct arm_event e;

    if (c->config->gic.version != 2 || cpus > GICV2_CPUS || !death_last_mmio(c, GICD_SGIR, &e))
        return false;
    unsigned filter = (unsigned)(e.mmio.value >> FILTER_BITS) & 3,
             list = (unsigned)(e.mmio.value >> LIST_BITS) & 0xff;
    bool lost = filter == TO_LIST ? !(list & ((1u << cpus) - 1)) : filter == TO_OTHERS && cpus == 1;

    if (!lost)
        return false;
    g_autofree char *at = death_place(c, e.cpu, e.el, e.pc);
    g_string_printf(v->cause, "cpu%u has sent SGI %u to nobody, at %s: ", e.cpu,
                    (unsigned)e.mmio.value & 15, at);
    if (filter == TO_OTHERS)
        g_string_append(v->cause, "to all others, and there is no other");
    else
        g_string_append_printf(v->cause, "no CPU is in target list %#x", list);
    g_string_printf(v->evidence, "GICD_SGIR was written as %#" PRIx64 "; the machine has %u CPUs",
                    e.mmio.value, cpus);
    g_string_assign(v->next, "bit N of bits 23:16 is CPU N; bits 25:24 are 1 for all others, 2 for "
                             "the sender itself; --smp N has N CPUs");
    return true;
}

bool death_explain_lost_sgi(const struct corpse *c, struct verdict *v)
{
    return explain_by_register(c, v) || explain_by_memory(c, v);
}
