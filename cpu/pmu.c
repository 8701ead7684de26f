#include "cpu/pmu.h"

#include "arch/cpu_models.h"
#include "cpu/accessors.h"

#define CYCLE_COUNTER_BIT BIT(31)
#define EVENT_COUNTERS    MASK(PMU_COUNTERS - 1, 0)

/* PMEVTYPER<n>_EL0 has the filter of PMCCFILTR_EL0, and evtCount. */
#define FILTER_BITS                                                                                \
    (FIELD_MASK(PMCCFILTR_EL0_P) | FIELD_MASK(PMCCFILTR_EL0_U) | FIELD_MASK(PMCCFILTR_EL0_NSH))

/* Event counters that @el can use. */
static unsigned visible_counters(const struct cpu *cpu, unsigned el)
{
    return el >= 2 ? PMU_COUNTERS : pmu_first_of_el2(cpu);
}

/* Bits of PMCNTENSET and its kin that @el can see. */
static uint64_t visible_bits(const struct cpu *cpu, unsigned el)
{
    unsigned n = visible_counters(cpu, el);

    return CYCLE_COUNTER_BIT | zext(EVENT_COUNTERS, n);
}

static unsigned selected(const struct cpu *cpu)
{
    return (unsigned)PMSELR_EL0_SEL(cpu->sr[SR_PMSELR_EL0]);
}

bool pmu_counter_accessible(const struct cpu *cpu, enum sysreg sr)
{
    if (sr == SR_PMXEVCNTR_EL0 || sr == SR_PMXEVTYPER_EL0)
        /* CU-choice: a counter that is not implemented at all reads as zero. */
        return selected(cpu) >= PMU_COUNTERS || selected(cpu) < visible_counters(cpu, cpu->ps.el);
    if ((sr >= SR_PMEVCNTR0_EL0 && sr <= SR_PMEVCNTR5_EL0) ||
        (sr >= SR_PMEVTYPER0_EL0 && sr <= SR_PMEVTYPER5_EL0))
        return sysreg_rows[sr].n < visible_counters(cpu, cpu->ps.el);
    return true;
}

void cpu_pmu_reset(struct cpu *cpu)
{
    cpu->sr[SR_PMCR_EL0] = cpu->model->pmcr;
    if (cpu_has(cpu, FEAT_PMUv3))
        cpu->sr[SR_MDCR_EL2] = PMU_COUNTERS;
    pmu_changed(cpu);
}

/* The register that PMXEVCNTR_EL0 or PMXEVTYPER_EL0 stands for, SR_NONE if none. */
static enum sysreg indirect(const struct cpu *cpu, enum sysreg sr)
{
    unsigned n = selected(cpu);

    if (sr == SR_PMXEVCNTR_EL0)
        return n < PMU_COUNTERS ? pmu_counter_register(n) : SR_NONE;
    if (sr == SR_PMXEVTYPER_EL0)
        return n == 31 ? SR_PMCCFILTR_EL0 : n < PMU_COUNTERS ? pmu_type_register(n) : SR_NONE;
    return sr;
}

/* Where a SET or CLR register keeps its bits. */
static enum sysreg set_register(enum sysreg sr)
{
    switch (sr) {
    case SR_PMCNTENCLR_EL0:
        return SR_PMCNTENSET_EL0;
    case SR_PMINTENCLR_EL1:
        return SR_PMINTENSET_EL1;
    case SR_PMOVSCLR_EL0:
        return SR_PMOVSSET_EL0;
    default:
        return sr;
    }
}

uint64_t sr_read_PMU(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    sr = indirect(cpu, set_register(sr));
    switch (sr) {
    case SR_NONE:
        return 0;
    case SR_PMCR_EL0:
        return set_bits(cpu->sr[sr], PMCR_EL0_N_HI, PMCR_EL0_N_LO, visible_counters(cpu, el));
    case SR_PMCNTENSET_EL0:
    case SR_PMINTENSET_EL1:
        return cpu->sr[sr] & visible_bits(cpu, el);
    case SR_PMOVSSET_EL0:
        return pmu_overflows(cpu) & visible_bits(cpu, el);
    case SR_PMCEID0_EL0:
        return pmu_ceid(0);
    case SR_PMCEID1_EL0:
        return pmu_ceid(1);
    default:
        return pmu_value(cpu, sr);
    }
}

/* PMCR_EL0 less what a write of C and P does. */
static void store_pmcr(struct cpu *cpu, uint64_t value)
{
    uint64_t writable = FIELD_MASK(PMCR_EL0_E) | FIELD_MASK(PMCR_EL0_D) | FIELD_MASK(PMCR_EL0_X) |
                        FIELD_MASK(PMCR_EL0_DP) | FIELD_MASK(PMCR_EL0_LC);

    if (cpu_has(cpu, FEAT_PMUv3p5))
        writable |= FIELD_MASK(PMCR_EL0_LP);
    cpu->sr[SR_PMCR_EL0] = (cpu->sr[SR_PMCR_EL0] & ~writable) | (value & writable);
}

static void write_pmcr(struct cpu *cpu, uint64_t value)
{
    if (PMCR_EL0_C(value))
        cpu->sr[SR_PMCCNTR_EL0] = 0;
    if (PMCR_EL0_P(value))
        for (unsigned n = 0; n < visible_counters(cpu, cpu->ps.el); n++)
            cpu->sr[pmu_counter_register(n)] = 0;
    store_pmcr(cpu, value);
}

/* A filter, a counter, or what has all its bits. */
static void store(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    if (sr == SR_PMCCFILTR_EL0)
        value &= FILTER_BITS;
    else if (sr >= SR_PMEVTYPER0_EL0 && sr <= SR_PMEVTYPER5_EL0)
        value &= FILTER_BITS | (cpu_has(cpu, FEAT_PMUv3p1) ? PMU_EVT_COUNT : PMU_EVT_COUNT_V3);
    else if (sr >= SR_PMEVCNTR0_EL0 && sr <= SR_PMEVCNTR5_EL0 && !cpu_has(cpu, FEAT_PMUv3p5))
        value = zext(value, 32);
    cpu->sr[sr] = value;
}

static void count_software_increments(struct cpu *cpu, uint64_t counters)
{
    pmu_count(cpu, PMU_EVENT_SW_INCR, counters & visible_bits(cpu, cpu->ps.el));
}

static void write_register(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    enum sysreg set = set_register(sr);

    if (set != sr) {
        cpu->sr[set] &= ~(value & visible_bits(cpu, cpu->ps.el));
        return;
    }
    sr = indirect(cpu, sr);
    switch (sr) {
    case SR_NONE:
        break;
    case SR_PMCR_EL0:
        write_pmcr(cpu, value);
        break;
    case SR_PMCNTENSET_EL0:
    case SR_PMINTENSET_EL1:
    case SR_PMOVSSET_EL0:
        cpu->sr[sr] |= value & visible_bits(cpu, cpu->ps.el);
        break;
    case SR_PMSWINC_EL0:
        count_software_increments(cpu, value);
        break;
    default:
        store(cpu, sr, value);
        break;
    }
}

void sr_write_PMU(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    write_register(cpu, sr, value);
    pmu_changed(cpu); /* also for the counters, whose rows have no effects */
}

/* The set and the clear register of a pair stand for the bits. */
bool sr_poke_PMU(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    sr = indirect(cpu, set_register(sr));
    switch (sr) {
    case SR_NONE:
        break;
    case SR_PMCR_EL0:
        store_pmcr(cpu, value);
        break;
    case SR_PMCNTENSET_EL0:
    case SR_PMINTENSET_EL1:
    case SR_PMOVSSET_EL0:
        cpu->sr[sr] = value & (CYCLE_COUNTER_BIT | EVENT_COUNTERS);
        break;
    default:
        store(cpu, sr, value);
        break;
    }
    return true;
}
