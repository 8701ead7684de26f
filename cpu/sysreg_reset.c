/* What registers hold after a reset, and what a CPU's features make of their rows. */
#include "arch/cpu_models.h"
#include "cpu/sysreg.h"
#include "cpu/sysreg_quick.h"
#include "cpu/world.h"

static bool is_id_register(enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    return row->access == SR_READ && bits(row->enc, 15, 14) == 3 && bits(row->enc, 10, 7) == 0;
}

/* Without EL2, its registers are RES0 for EL3. */
static void make_res0_of_el2(struct cpu *cpu)
{
    for (unsigned sr = 0; sr < SR_COUNT; sr++)
        if (sysreg_min_el(sysreg_rows[sr].enc) == 2)
            cpu->sr_mask[sr] = cpu->sr_res1[sr] = 0;
}

void cpu_sysreg_init(struct cpu *cpu)
{
    sysreg_write_masks(&cpu->features, cpu->sr_mask, cpu->sr_res1);
    if (!cpu->has_el2 && cpu_has_el3(cpu))
        make_res0_of_el2(cpu);
    cpu_sysreg_find_quick(cpu);
    cpu->trap_epoch++;
}

static void reset_id_registers(struct cpu *cpu)
{
    for (unsigned k = 0; k < SR_COUNT; k++)
        if (is_id_register((enum sysreg)k))
            cpu->sr[k] = cpu_model_id(cpu->model, &cpu->features, (enum sysreg)k);
    if (!cpu->has_el2)
        cpu->sr[SR_ID_AA64PFR0_EL1] &= ~FIELD_MASK(ID_AA64PFR0_EL1_EL2);
    if (cpu->gic)
        cpu->sr[SR_ID_AA64PFR0_EL1] |= BIT(ID_AA64PFR0_EL1_GIC_LO);
    /* Differs: an exception return to AArch32 is illegal. Trusted Firmware as it is built for
     * boards with such cores goes no further than bl1_main() where EL1 has AArch64 only. */
    if (cpu_has_el3(cpu) && cpu_has(cpu, FEAT_AA32_context))
        cpu->sr[SR_ID_AA64PFR0_EL1] = set_bits(cpu->sr[SR_ID_AA64PFR0_EL1], ID_AA64PFR0_EL1_EL1_HI,
                                               ID_AA64PFR0_EL1_EL1_LO, 2);
    cpu->sr[SR_MPIDR_EL1] = cpu->mpidr;
    cpu->sr[SR_DCZID_EL0] = 4; /* blocks of 64 bytes */
}

void cpu_sysreg_reset(struct cpu *cpu)
{
    for (unsigned k = 0; k < SR_COUNT; k++)
        if ((sysreg_rows[k].access & SR_WRITE) && !sysreg_rows[k].gic)
            cpu->sr[k] = (sysreg_rows[k].reset & cpu->sr_mask[k]) | cpu->sr_res1[k];
    reset_id_registers(cpu);
    for (unsigned k = 0; k < SR_COUNT; k++)
        cpu_model_reset(cpu->model, (enum sysreg)k, &cpu->sr[k]);
    cpu->sr[SR_CBAR_EL1] = cpu->periphbase;
    cpu->sr[SR_VPIDR_EL2] = cpu->sr[SR_MIDR_EL1];
    cpu->sr[SR_VMPIDR_EL2] = cpu->sr[SR_MPIDR_EL1];
}
