/* One register read or written where it is: the text that hyp/context.c's functions are made of. */
#pragma once

#include "hyp/context.h"

/* The register as the guest's EL1 names it, whatever HCR_EL2.E2H makes of that name here. */
#define LIVE_READ(name, row)     ((row).e2h && hyp_vhe ? mrs_el12(name) : mrs(name))
#define LIVE_WRITE(name, row, v) ((row).e2h && hyp_vhe ? msr_el12(name, v) : msr(name, v))

static inline __attribute__((always_inline)) uint64_t context_read_inline(const struct context *c,
                                                                          enum slot slot)
{
    switch (slot) {
#define SWITCHED(name, class, ...)                                                                 \
    case SLOT_##name: {                                                                            \
        const struct sysreg_row row = SWITCHED_ROW(__VA_ARGS__);                                   \
        const enum group group = group_of(CLASS_##class, &row);                                    \
        return group != GROUP_NEVER && c->live & BIT(group) ? LIVE_READ(name, row)                 \
                                                            : c->slot[SLOT_##name];                \
    }
#include "hyp/switched.def"
    default:
        return 0;
    }
}

static inline __attribute__((always_inline)) void context_write_inline(struct context *c,
                                                                       enum slot slot, uint64_t v)
{
    switch (slot) {
#define SWITCHED(name, class, ...)                                                                 \
    case SLOT_##name: {                                                                            \
        const struct sysreg_row row = SWITCHED_ROW(__VA_ARGS__);                                   \
        const enum group group = group_of(CLASS_##class, &row);                                    \
        if (group != GROUP_NEVER && c->live & BIT(group))                                          \
            LIVE_WRITE(name, row, v);                                                              \
        else                                                                                       \
            c->slot[SLOT_##name] = v;                                                              \
        return;                                                                                    \
    }
#include "hyp/switched.def"
    default:
        return;
    }
}
