/* Which events there are, and which of them an instruction causes. */
#include "cpu/access.h"
#include "cpu/pmu.h"

enum pmu_how pmu_how(uint64_t event)
{
    switch (event) {
#define PMU_EVENT(name, number, how, text)                                                         \
    case number:                                                                                   \
        return PMU_##how;
#include "arch/pmu_events.def"
#undef PMU_EVENT
    default:
        return PMU_NEVER;
    }
}

/* Events 0x00-0x1f and 0x4000-0x401f in register 0, 0x20-0x3f and 0x4020-0x403f in register 1: the
 * ones from 0x4000 in the upper half, which is RES0 before PMUv3p1. There are none of these. */
uint64_t pmu_ceid(unsigned n)
{
    uint64_t ids = 0;

#define PMU_EVENT(name, number, how, text)                                                         \
    _Static_assert((number) < 0x40, #name);                                                        \
    ids |= (number) / 32 == n ? BIT((number) % 32) : 0;
#include "arch/pmu_events.def"
#undef PMU_EVENT
    return ids;
}

/* Branches of all kinds; their target is an offset, or a register (of
 * exception returns ELR_ELx). */
#define BRANCHES (BIT(FACT_DIRECT) | BIT(FACT_INDIRECT) | BIT(FACT_ERET))

#define EVENT(name) BIT(PMU_EVENT_##name)

uint64_t pmu_insn_events(enum a64_op op, bool branched, unsigned accessed)
{
    uint64_t events = 0;

    if (accessed & ACCESSED_READ)
        events |= EVENT(LD_RETIRED) | EVENT(MEM_ACCESS);
    if (accessed & ACCESSED_WRITE)
        events |= EVENT(ST_RETIRED) | EVENT(MEM_ACCESS);
    if (accessed & ACCESSED_UNALIGNED)
        events |= EVENT(UNALIGNED_LDST_RETIRED);
    if (!(a64_rows[op].facts & BRANCHES))
        return events;
    events |= EVENT(BR_RETIRED);
    if (branched)
        events |= EVENT(PC_WRITE_RETIRED);
    if (a64_is(op, FACT_DIRECT))
        events |= EVENT(BR_IMMED_RETIRED);
    if (a64_is(op, FACT_RET))
        events |= EVENT(BR_RETURN_RETIRED);
    return events;
}
