#include "cpu/bti.h"

#include "cpu/exception.h"
#include "cpu/exec.h"

#define HINT_MASK    UINT32_C(0xfffff01f)
#define HINT_VALUE   UINT32_C(0xd503201f)
#define HINT_PACIASP 25
#define HINT_PACIBSP 27
#define HINT_BTI     32 /* BTI, BTI c, BTI j, BTI jc are 32, 34, 36, 38 */
#define SCTLR_BT0    35
#define SCTLR_BT1    36

/* BTypeCompatible_PACIXSP(). */
static bool pacixsp_ok(const struct cpu *cpu)
{
    uint64_t sctlr = cpu->sr[cpu_el2_regime(cpu) ? SR_SCTLR_EL2 : SR_SCTLR_EL1];

    return cpu->ps.btype != 3 || !bit(sctlr, cpu->ps.el == 0 ? SCTLR_BT0 : SCTLR_BT1);
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
    uint32_t word = insn_word(cpu, i);

    if ((word & 0xffe0001f) == 0xd4200000 || (word & 0xffe0001f) == 0xd4400000)
        return true; /* BRK, HLT: their own exception has priority */
    if ((word & HINT_MASK) != HINT_VALUE)
        return false;
    unsigned hint = (unsigned)bits(word, 11, 5);
    if (hint == HINT_PACIASP || hint == HINT_PACIBSP)
        return pacixsp_ok(cpu);
    return (hint & ~6u) == HINT_BTI && bti_ok(cpu, (hint >> 1) & 3);
}
