#include "registers.h"

#include <inttypes.h>

#include "arch/esr.h"
#include "arch/sysreg.h"
#include "base/bits.h"
#include "cpu/exception.h"
#include "cpu/pstate.h"
#include "cpu/world.h"
#include "mmu/fault.h"

static const char *const power[] = {
    [CPU_RUNNING] = "running", [CPU_WFI] = "in WFI",          [CPU_WFE] = "in WFE",
    [CPU_OFF] = "off",         [CPU_SUSPENDED] = "suspended", [CPU_HALTED] = "halted",
};

/* PSTATE in the layout of SPSR_ELx: the names of the bits that are set, N first, and the mode. */
static void print_pstate(FILE *f, uint64_t spsr)
{
    const struct sysreg_field *end = sysreg_fields;

    while (end->name)
        end++;
    for (const struct sysreg_field *d = end; d-- != sysreg_fields;) {
        uint64_t value = d->sr == SR_SPSR_EL1 ? bits(spsr, d->hi, d->lo) : 0;
        if (value && d->hi == d->lo)
            fprintf(f, "%s ", d->name);
        else if (value && d->lo != 0)
            fprintf(f, "%s=%" PRIu64 " ", d->name, value);
    }
    fprintf(f, "EL%u%c", (unsigned)bits(spsr, 3, 2), spsr & 1 ? 'h' : 't');
}

static bool is_abort(unsigned ec)
{
    return ec == ESR_EC_IABT_LOW || ec == ESR_EC_IABT_CUR || ec == ESR_EC_DABT_LOW ||
           ec == ESR_EC_DABT_CUR;
}

/* The other way round than EncodeLDFSC(). */
static bool find_fault(unsigned fsc, struct mmu_fault *fault)
{
    for (int type = MMU_FAULT_ADDRESS_SIZE; type <= MMU_FAULT_DEBUG; type++)
        for (int level = -1; level <= 3; level++) {
            *fault = (struct mmu_fault){.type = (enum mmu_fault_type)type, .level = (int8_t)level};
            if (mmu_fault_fsc(fault) == fsc)
                return true;
        }
    return false;
}

static bool has_level(const struct mmu_fault *fault)
{
    struct mmu_fault other = *fault;

    other.level = fault->level == 1 ? 2 : 1;
    return mmu_fault_fsc(fault) != mmu_fault_fsc(&other);
}

/* ESR_ELx in words: the class, and of an abort what kind of fault. */
static void print_syndrome(FILE *f, uint64_t esr)
{
    unsigned ec = (unsigned)bits(esr, 31, 26);
    struct mmu_fault fault;

    fputs(esr_ec_text(ec), f);
    if (!is_abort(ec) || !find_fault((unsigned)bits(esr, 5, 0), &fault))
        return;
    fprintf(f, ", %s", mmu_fault_name(fault.type));
    if (has_level(&fault))
        fprintf(f, ", level %d", fault.level);
}

void registers_print_brief(FILE *f, const struct cpu *cpu)
{
    fprintf(f, "cpu%u %s: EL%u, PC 0x%016" PRIx64 ", SP 0x%016" PRIx64 "\n", cpu->index,
            power[cpu->power], cpu->ps.el, cpu->pc, cpu->x[REG_SP]);
}

void registers_print_general(FILE *f, const struct cpu *cpu)
{
    registers_print_brief(f, cpu);
    fputs("  PSTATE ", f);
    print_pstate(f, cpu_pstate_to_spsr(cpu));
    fputc('\n', f);
    for (unsigned r = 0; r < 31; r++)
        fprintf(f, "  X%02u %016" PRIx64 "%s", r, cpu->x[r], r % 4 == 3 || r == 30 ? "\n" : "");
}

/* The registers that belong to an exception taken to EL1 or EL2. */
struct exception_registers {
    enum sysreg esr, elr, spsr, far, vbar;
};

/* Those of the level that the CPU is in, or that takes its exceptions. */
static const struct exception_registers *exception_registers(const struct cpu *cpu)
{
    static const struct exception_registers of[] = {
        {SR_ESR_EL1, SR_ELR_EL1, SR_SPSR_EL1, SR_FAR_EL1, SR_VBAR_EL1},
        {SR_ESR_EL2, SR_ELR_EL2, SR_SPSR_EL2, SR_FAR_EL2, SR_VBAR_EL2},
    };

    return &of[cpu_default_target_el(cpu) - 1];
}

static void print_sysreg(FILE *f, const struct cpu *cpu, enum sysreg sr)
{
    fprintf(f, "  %-8s %016" PRIx64, sysreg_rows[sr].name, cpu->sr[sr]);
}

void registers_print_current(FILE *f, const struct cpu *cpu)
{
    const struct exception_registers *e = exception_registers(cpu);

    registers_print_general(f, cpu);
    print_sysreg(f, cpu, e->esr);
    fputs(" (", f);
    if (cpu->sr[e->esr])
        print_syndrome(f, cpu->sr[e->esr]);
    else
        fputs("none yet", f); /* a syndrome has at least ESR_ELx.IL or a class */
    fputs(")\n", f);
    print_sysreg(f, cpu, e->spsr);
    fputs(" (", f);
    print_pstate(f, cpu->sr[e->spsr]);
    fputs(")\n", f);
    print_sysreg(f, cpu, e->elr);
    print_sysreg(f, cpu, e->far);
    print_sysreg(f, cpu, e->vbar);
    fputc('\n', f);
}
