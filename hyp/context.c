#include "hyp/context.h"

#include "hyp/context_mutants.h"
#include "hyp/cpu.h"
#include "hyp/lib.h"
#include "hyp/mutant.h"

bool hyp_vhe;

/* Not debug registers, counters and what came with FEAT_RAS that this CPU does not have. */
static inline __attribute__((always_inline)) bool is_there(const struct sysreg_row *r,
                                                           enum group group)
{
    if (r->feature == FEAT_RAS)
        return cpu_has(FEAT_RAS);
    if (group == GROUP_PMU)
        return bits(r->enc, 10, 7) != 14 || bits(r->enc, 6, 3) == 15 || r->n < cpu_limits.counters;
    if (group == GROUP_DEBUG && bits(r->enc, 2, 0) >= 6)
        return r->n < cpu_limits.watchpoints;
    if (group == GROUP_DEBUG && bits(r->enc, 2, 0) >= 4)
        return r->n < cpu_limits.breakpoints;
    return true;
}

/* Straight code: @group and @vhe are constants, so each row is one MRS and one
 * store, or nothing. */
static inline __attribute__((always_inline)) void save(struct context *c, enum group group,
                                                       bool vhe)
{
#define SWITCHED(name, class, ...)                                                                 \
    {                                                                                              \
        static const struct sysreg_row row = SWITCHED_ROW(__VA_ARGS__);                            \
        if (group_of(CLASS_##class, &row) == group && is_there(&row, group) &&                     \
            !mutant_skips_save(c, SLOT_##name))                                                    \
            c->slot[mutant_slot_saved(SLOT_##name)] =                                              \
                LIVE_READ(name, row, vhe && !mutant_aliases(SLOT_##name, false)) &                 \
                mutant_bits_saved(SLOT_##name);                                                    \
    }
#include "hyp/switched.def"
}

static inline __attribute__((always_inline)) void restore(const struct context *c, enum group group,
                                                          bool vhe)
{
#define SWITCHED(name, class, ...)                                                                 \
    {                                                                                              \
        static const struct sysreg_row row = SWITCHED_ROW(__VA_ARGS__);                            \
        if (group_of(CLASS_##class, &row) == group && is_there(&row, group) &&                     \
            !mutant_skips_restore(SLOT_##name))                                                    \
            LIVE_WRITE(name, row, vhe && !mutant_aliases(SLOT_##name, true),                       \
                       c->slot[mutant_slot_restored(SLOT_##name)]);                                \
    }
#include "hyp/switched.def"
}

/* A set register cannot clear: make room for what restore() sets. */
static void pmu_clear(void)
{
    msr(PMCNTENCLR_EL0, ~UINT64_C(0));
    msr(PMINTENCLR_EL1, ~UINT64_C(0));
    msr(PMOVSCLR_EL0, ~UINT64_C(0));
}

static inline __attribute__((always_inline)) void save_groups(struct context *c, unsigned groups,
                                                              bool vhe)
{
    if (groups & BIT(GROUP_USER))
        save(c, GROUP_USER, vhe);
    if (groups & BIT(GROUP_EL1))
        save(c, GROUP_EL1, vhe);
    if (groups & BIT(GROUP_PAUTH))
        save(c, GROUP_PAUTH, vhe);
    if (groups & BIT(GROUP_DEBUG))
        save(c, GROUP_DEBUG, vhe);
    if (groups & BIT(GROUP_PMU))
        save(c, GROUP_PMU, vhe);
}

static inline __attribute__((always_inline)) void restore_groups(const struct context *c,
                                                                 unsigned groups, bool vhe)
{
    if (groups & BIT(GROUP_USER))
        restore(c, GROUP_USER, vhe);
    if (groups & BIT(GROUP_EL1))
        restore(c, GROUP_EL1, vhe);
    if (groups & BIT(GROUP_PAUTH))
        restore(c, GROUP_PAUTH, vhe);
    if (groups & BIT(GROUP_DEBUG))
        restore(c, GROUP_DEBUG, vhe);
    if (groups & BIT(GROUP_PMU)) {
        if (!MUTANT(clobber_pmu))
            pmu_clear();
        restore(c, GROUP_PMU, vhe);
    }
}

void context_save(struct context *c, unsigned groups)
{
    if (hyp_vhe)
        save_groups(c, groups, true);
    else
        save_groups(c, groups, false);
    c->live &= ~groups;
}

void context_restore(struct context *c, unsigned groups)
{
    if (hyp_vhe)
        restore_groups(c, groups, true);
    else
        restore_groups(c, groups, false);
    c->live |= groups;
}

uint64_t context_read_switch(const struct context *c, enum slot slot)
{
    return context_read_inline(c, slot);
}

void context_write_switch(struct context *c, enum slot slot, uint64_t v)
{
    context_write_inline(c, slot, v);
}

static const struct {
    uint64_t (*read)(const struct context *c);
    void (*write)(struct context *c, uint64_t v);
    const char *name;
    struct sysreg_row row;
} table[SLOT_COUNT] = {
#define SWITCHED(id, class, op0, op1, crn, crm, op2, ...)                                          \
    [SLOT_##id] = {read_##id, write_##id, #id, {.enc = 0, __VA_ARGS__}},
#include "hyp/switched.def"
};

uint64_t context_read_table(const struct context *c, enum slot slot)
{
    return table[slot].read(c);
}

void context_write_table(struct context *c, enum slot slot, uint64_t v)
{
    table[slot].write(c, v);
}

bool context_has(enum slot slot)
{
    switch (slot) {
#define SWITCHED(name, class, ...)                                                                 \
    case SLOT_##name: {                                                                            \
        const struct sysreg_row row = SWITCHED_ROW(__VA_ARGS__);                                   \
        const enum group group = group_of(CLASS_##class, &row);                                    \
        return group != GROUP_NEVER && is_there(&row, group);                                      \
    }
#include "hyp/switched.def"
    default:
        return false;
    }
}

void context_reset(struct context *c)
{
    for (unsigned s = 0; s < SLOT_COUNT; s++)
        c->slot[s] = table[s].row.reset;
}

const char *context_slot_name(enum slot slot)
{
    return table[slot].name;
}

enum slot context_slot_by_name(const char *name)
{
    unsigned s = 0;

    while (s < SLOT_COUNT && strcmp(table[s].name, name))
        s++;
    return (enum slot)s;
}
