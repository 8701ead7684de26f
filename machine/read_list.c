/* Reads of system registers that a subscriber wants the counts of alone: a list in place of events.
 */
#include "cpu/read_list.h"

#include <stdlib.h>

#include "machine/machine.h"

bool machine_make_lists(struct arm_machine *m)
{
    for (unsigned k = 0; k < m->cpu_count; k++) {
        struct cpu *cpu = m->cpus[k];
        if (cpu->listed)
            continue;
        cpu->listed = calloc(1, sizeof(*cpu->listed));
        if (!cpu->listed)
            return false;
        cpu->listed->end = cpu->listed->limit = cpu->listed->reads;
    }
    return true;
}

bool arm_list_reads(struct arm_machine *m, unsigned cpu, uint32_t reg, bool on)
{
    enum sysreg sr = reg <= UINT16_MAX ? sysreg_lookup((uint16_t)reg) : SR_NONE;

    if (cpu >= m->cpu_count || sr == SR_NONE || !m->cpus[cpu]->listed)
        return false;
    m->cpus[cpu]->listed->on[sr] = on;
    return true;
}

const struct arm_listed_read *arm_take_listed(struct arm_machine *m, unsigned cpu, size_t *count)
{
    struct read_list *l = cpu < m->cpu_count ? m->cpus[cpu]->listed : NULL;

    *count = l ? (size_t)(l->end - l->reads) : 0;
    if (l)
        l->end = l->reads;
    return l ? l->reads : NULL;
}
