#include "cpu/bti.h"

#include "cpu/world.h"

/* BTypeCompatible_PACIXSP(). */
static bool pacixsp_ok(const struct cpu *cpu)
{
    uint64_t sctlr = cpu_regime_sctlr(cpu);

    /* BT of SCTLR_EL2 for EL2 itself, and of SCTLR_EL3, is where SCTLR_EL1 has BT1. */
    return cpu->ps.btype != 3 || !(cpu->ps.el == 0 ? SCTLR_EL1_BT0(sctlr) : SCTLR_EL1_BT1(sctlr));
}

/* BTypeCompatible_BTI(); @targets: 0 none, 1 c, 2 j, 3 jc. */
static bool bti_ok(const struct cpu *cpu, unsigned targets)
{
    switch (targets) {
    case 0:
        return false;
    case 1:
        return cpu->ps.btype != 3;
    case 2:
        return cpu->ps.btype != 2;
    default:
        return true;
    }
}

bool bti_target_ok(const struct cpu *cpu, const struct insn *i)
{
    switch (i->op) {
    case A64_BRK:
    case A64_HLT:
        return true; /* their own exception has priority */
    case A64_PACIASP:
    case A64_PACIBSP:
        return pacixsp_ok(cpu);
    case A64_BTI:
        return bti_ok(cpu, (unsigned)bits((uint64_t)i->imm, 7, 6));
    default:
        return false;
    }
}
