/* Debug registers, performance counters and keys that a virtual CPU writes are its own, and those
 * that it has not written hold nothing of others: run two guests, or two virtual CPUs on one CPU.
 */
#include "guest.h"

#include "programs.h"

__asm__(".arch armv8.3-a"); /* PACIA; whether it is there, the ID registers say */

#define KEYS UINT64_C(0xff0)

static bool has_keys(void)
{
    return mrs(id_aa64isar1_el1) & (KEYS | UINT64_C(0xff000000)) || mrs(s3_0_c0_c6_2) & 0xff00;
}

static bool has_pmu(void)
{
    uint64_t version = bits(mrs(id_aa64dfr0_el1), 11, 8);

    return version && version != 15;
}

static void debug_round(uint64_t seed)
{
    uint64_t s = seed;

    msr(dbgbvr0_el1, next_random(&s) & UINT64_C(0xfffffffffffc));
    msr(dbgbvr1_el1, next_random(&s) & UINT64_C(0xfffffffffffc));
    msr(dbgwvr0_el1, next_random(&s) & UINT64_C(0xfffffffffffc));
    msr(dbgbcr0_el1, 0x1e6 & ~1); /* not enabled */
    insn("wfe");
    call(HYP_NULL, 0, 0, 0);
    s = seed;
    check(mrs(dbgbvr0_el1) == (next_random(&s) & UINT64_C(0xfffffffffffc)), "DBGBVR0_EL1");
    check(mrs(dbgbvr1_el1) == (next_random(&s) & UINT64_C(0xfffffffffffc)), "DBGBVR1_EL1");
    check(mrs(dbgwvr0_el1) == (next_random(&s) & UINT64_C(0xfffffffffffc)), "DBGWVR0_EL1");
}

static void pmu_round(uint64_t seed)
{
    uint64_t s = seed;

    msr(pmcr_el0, 0);
    msr(pmccntr_el0, next_random(&s));
    msr(pmevtyper0_el0, 8);
    msr(pmevcntr0_el0, (uint32_t)next_random(&s));
    msr(pmselr_el0, next_random(&s) & 3);
    insn("wfe");
    call(HYP_NULL, 0, 0, 0);
    s = seed;
    check(mrs(pmccntr_el0) == next_random(&s), "PMCCNTR_EL0");
    check(mrs(pmevcntr0_el0) == (uint32_t)next_random(&s), "PMEVCNTR0_EL0");
    check(mrs(pmselr_el0) == (next_random(&s) & 3), "PMSELR_EL0");
}

static void key_round(uint64_t seed)
{
    uint64_t s = seed, pointer = UINT64_C(0x40201000), one, again;

    msr(s3_0_c2_c1_0, next_random(&s));
    msr(s3_0_c2_c1_1, next_random(&s));
    msr(sctlr_el1, mrs(sctlr_el1) | BIT(31));
    __asm__ volatile("pacia %0, %1" : "=r"(one) : "r"(seed), "0"(pointer));
    insn("wfe");
    call(HYP_NULL, 0, 0, 0);
    __asm__ volatile("pacia %0, %1" : "=r"(again) : "r"(seed), "0"(pointer));
    check(one == again, "a pointer is signed 0x%lx, then 0x%lx", (unsigned long)one,
          (unsigned long)again);
    s = seed;
    check(mrs(s3_0_c2_c1_0) == next_random(&s), "APIAKeyLo_EL1");
    check(mrs(s3_0_c2_c1_1) == next_random(&s), "APIAKeyHi_EL1");
    msr(sctlr_el1, mrs(sctlr_el1) & ~BIT(31));
}

void program_isolate(unsigned cpu)
{
    uint64_t random = mrs(cntvct_el0) ^ (uint64_t)cpu << 32;

    check((mrs(mdscr_el1) & 0xa001) == 0, "MDSCR_EL1 is 0x%lx at the start",
          (unsigned long)mrs(mdscr_el1));
    check(mrs(dbgbvr0_el1) == 0, "DBGBVR0_EL1 holds 0x%lx at the start",
          (unsigned long)mrs(dbgbvr0_el1));
    for (uint64_t k = 0; k < rounds; k++) {
        debug_round(next_random(&random));
        if (has_pmu())
            pmu_round(next_random(&random));
        if (has_keys())
            key_round(next_random(&random));
    }
}
