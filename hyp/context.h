/*
 * The system registers of a virtual CPU, and the four operations on them: save a group, restore a
 * group, read one register, write one. All are made from the rows that hyp/switched.def picks.
 *
 * A register is in one of two places. While its group is live (struct context, .live) the CPU holds
 * the truth and the slot is stale; otherwise the slot holds it. Nothing but save and restore moves
 * a group between the places.
 */
#pragma once

#include "hyp/arch.h"

/* Groups move as one. Which of them are immediate is the policy's, hyp/switch.c. */
enum group {
    GROUP_NEVER, /* not moved: software below EL2 cannot reach it, or it is no world's */
    GROUP_USER,  /* what EL0 has for itself: SP_EL0, TPIDR_EL0, TPIDRRO_EL0 */
    GROUP_EL1,   /* the EL1 world: translation, exceptions, control */
    GROUP_PAUTH, /* keys; lazily (hyp/lazy.c), like the next two */
    GROUP_DEBUG, /* breakpoints, watchpoints, MDSCR_EL1 */
    GROUP_PMU,   /* counters */
};

/* Why a register that the table calls a guest's does not move: the guest's access traps whatever it
 * does (hyp/traps.h), so the register keeps EL2's value for ever. */
static inline __attribute__((always_inline)) bool always_traps(unsigned group)
{
    return group == TRAP_ACTLR || group == TRAP_TRF || group == TRAP_LOR || group == TRAP_ERR ||
           group == TRAP_SCXTNUM || group == TRAP_SCXTNUM_EL0 || group == TRAP_DEBUG_OS ||
           (group >= TRAP_IMP && group <= TRAP_IMP_CPUPWRCTLR);
}

/* Timers are hyp/timer.c's; of their class only the EL1 world's control of EL0 is here. */
static inline __attribute__((always_inline)) enum group timer_group(const struct sysreg_row *r)
{
    return r->trap[0] == TRAP_NONE && r->e2h ? GROUP_EL1 : GROUP_NEVER;
}

/* DBGBVRn, DBGBCRn, DBGWVRn, DBGWCRn and MDSCR_EL1. The communications channel is the external
 * debugger's. */
static inline __attribute__((always_inline)) enum group debug_group(const struct sysreg_row *r)
{
    unsigned crn = bits(r->enc, 10, 7), crm = bits(r->enc, 6, 3), op2 = bits(r->enc, 2, 0);

    return r->trap[0] == TRAP_DEBUG && crn == 0 && (op2 >= 4 || (crm == 2 && op2 == 2))
               ? GROUP_DEBUG
               : GROUP_NEVER;
}

/* Not the second names: the CLR half of a pair, and what PMSELR_EL0 selects. */
static inline __attribute__((always_inline)) enum group pmu_group(const struct sysreg_row *r)
{
    bool second = r->enc == SYSREG_ENC(3, 3, 9, 12, 2) || r->enc == SYSREG_ENC(3, 3, 9, 12, 3) ||
                  r->enc == SYSREG_ENC(3, 3, 9, 13, 1) || r->enc == SYSREG_ENC(3, 3, 9, 13, 2) ||
                  r->enc == SYSREG_ENC(3, 0, 9, 14, 2);

    return second ? GROUP_NEVER : GROUP_PMU;
}

static inline __attribute__((always_inline)) enum group el1_group(const struct sysreg_row *r)
{
    return r->feature == FEAT_PAuth ? GROUP_PAUTH : GROUP_EL1;
}

enum switched_class { CLASS_USER, CLASS_EL1, CLASS_TIMER, CLASS_DEBUG, CLASS_PMU };

/* A constant wherever the row is one. EL1 of a guest is AArch64, so the AArch32 EL1 state is
 * nobody's. */
static inline __attribute__((always_inline)) enum group group_of(enum switched_class class,
                                                                 const struct sysreg_row *r)
{
    if (always_traps(r->trap[0]) || r->feature == FEAT_AA32_context)
        return GROUP_NEVER;
    switch (class) {
    case CLASS_USER:
        return GROUP_USER;
    case CLASS_TIMER:
        return timer_group(r);
    case CLASS_DEBUG:
        return debug_group(r);
    case CLASS_PMU:
        return pmu_group(r);
    default:
        return el1_group(r);
    }
}

/* Columns of arch/sysreg.def, as much of them as group_of() asks for. */
#define RD(name)   SYSREG_RD_##name
#define WR(name)   SYSREG_WR_##name
#define TAKE(name) SYSREG_TAKE_##name
#define OP(name)   SYSREG_OP_##name
#define GIC(name)  SYSREG_GIC_##name
#define ONLY(name) ONLY_##name
/* clang-format off */
#define HFG(field)   {0, 0}
#define HFGW(field)  {0, 0}
#define HDFG(field)  {0, 0}
#define HDFGW(field) {0, 0}
#define HFGI(field)  {0, 0}
/* clang-format on */
#define ALL_BITS      (~UINT64_C(0))
#define TOP_HALF      (~UINT64_C(0) << 32)
#define DBGVCR32_BITS UINT64_C(0)
#define DBGBCR_BITS   UINT64_C(0)
#define DBGWCR_BITS   UINT64_C(0)
/* Where many are in one function they are static: objects with a scope of their own, looked after
 * one by one, take minutes of a sanitizer's compilation. */
/* clang-format off */
#define SWITCHED_ROW(op0, op1, crn, crm, op2, ...) {.enc = SYSREG_ENC(op0, op1, crn, crm, op2), __VA_ARGS__}
/* clang-format on */

enum slot {
#define SWITCHED(name, class, ...) SLOT_##name,
#include "hyp/switched.def"
    SLOT_COUNT,
};

struct context {
    uint64_t slot[SLOT_COUNT];
    unsigned live; /* BIT(enum group): in the CPU */
};

/* Move groups (a set of BIT(GROUP_x)) from the CPU to the slots and back. */
void context_save(struct context *c, unsigned groups);
void context_restore(struct context *c, unsigned groups);

/* One register, wherever it is. The caller runs on the CPU that has the live groups (others:
 * vcpu_reg_get()). */
uint64_t context_read_table(const struct context *c, enum slot slot);
void context_write_table(struct context *c, enum slot slot, uint64_t v);
uint64_t context_read_switch(const struct context *c, enum slot slot);
void context_write_switch(struct context *c, enum slot slot, uint64_t v);

/* What a reset leaves (DDI0487 D1.4.2, as arch/sysreg.def's .reset): zero but for SCTLR_EL1. */
void context_reset(struct context *c);

/* Is the slot's register one that moves, and does this CPU have it? */
bool context_has(enum slot slot);

/* The name of a slot's register; its slot by name, SLOT_COUNT if there is none. */
const char *context_slot_name(enum slot slot);
enum slot context_slot_by_name(const char *name);

/* Does EL2 run with HCR_EL2.E2H set? The same for all CPUs, from boot on. */
extern bool hyp_vhe;

/* The register as the guest's EL1 names it, whatever HCR_EL2.E2H makes of that name here. What EL1
 * calls DISR_EL1 is VDISR_EL2 (HCR_EL2.AMO). */
#define LIVE_READ(name, row, vhe)                                                                  \
    ((row).rd == SYSREG_RD_DISR ? mrs(VDISR_EL2) : (row).e2h && (vhe) ? mrs_el12(name) : mrs(name))
#define LIVE_WRITE(name, row, vhe, v)                                                              \
    ((row).rd == SYSREG_RD_DISR ? msr(VDISR_EL2, v)                                                \
     : (row).e2h && (vhe)       ? msr_el12(name, v)                                                \
                                : msr(name, v))

/* Each register's own accessor: where it is, then there. */
#define SWITCHED(name, class, ...)                                                                 \
    static inline __attribute__((always_inline)) uint64_t read_##name(const struct context *c)     \
    {                                                                                              \
        static const struct sysreg_row row = SWITCHED_ROW(__VA_ARGS__);                            \
        const enum group group = group_of(CLASS_##class, &row);                                    \
        return group != GROUP_NEVER && c->live & BIT(group) ? LIVE_READ(name, row, hyp_vhe)        \
                                                            : c->slot[SLOT_##name];                \
    }                                                                                              \
    static inline __attribute__((always_inline)) void write_##name(struct context *c, uint64_t v)  \
    {                                                                                              \
        static const struct sysreg_row row = SWITCHED_ROW(__VA_ARGS__);                            \
        const enum group group = group_of(CLASS_##class, &row);                                    \
        if (group != GROUP_NEVER && c->live & BIT(group))                                          \
            LIVE_WRITE(name, row, hyp_vhe, v);                                                     \
        else                                                                                       \
            c->slot[SLOT_##name] = v;                                                              \
    }
#include "hyp/switched.def"

static inline __attribute__((always_inline)) uint64_t context_read_inline(const struct context *c,
                                                                          enum slot slot)
{
    switch (slot) {
#define SWITCHED(name, class, ...)                                                                 \
    case SLOT_##name:                                                                              \
        return read_##name(c);
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
    case SLOT_##name:                                                                              \
        write_##name(c, v);                                                                        \
        return;
#include "hyp/switched.def"
    default:
        return;
    }
}

/*
 * The three forms that the accessor can have; all are there, HYP_ACCESSOR says which one the core
 * uses:
 * - table: two functions a register, called through an array of pointers;
 * - switch: one function with a case a register;
 * - inline: at a call site whose register is a constant, the one case; the switch at all others.
 */
#define ACCESSOR_TABLE  1
#define ACCESSOR_SWITCH 2
#define ACCESSOR_INLINE 3
#ifndef HYP_ACCESSOR
#define HYP_ACCESSOR ACCESSOR_INLINE
#endif

static inline __attribute__((always_inline)) uint64_t context_read(const struct context *c,
                                                                   enum slot slot)
{
    if (HYP_ACCESSOR == ACCESSOR_TABLE)
        return context_read_table(c, slot);
    if (HYP_ACCESSOR == ACCESSOR_INLINE && __builtin_constant_p(slot))
        return context_read_inline(c, slot);
    return context_read_switch(c, slot);
}

static inline __attribute__((always_inline)) void context_write(struct context *c, enum slot slot,
                                                                uint64_t v)
{
    if (HYP_ACCESSOR == ACCESSOR_TABLE)
        context_write_table(c, slot, v);
    else if (HYP_ACCESSOR == ACCESSOR_INLINE && __builtin_constant_p(slot))
        context_write_inline(c, slot, v);
    else
        context_write_switch(c, slot, v);
}
