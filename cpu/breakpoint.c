/* Matching of breakpoints and watchpoints: AArch64.BreakpointMatch(), AArch64.WatchpointMatch(). */
#include "cpu/breakpoint.h"

#include "arch/sysreg.h"
#include "cpu/exception.h"
#include "cpu/mem.h"
#include "cpu/step.h"
#include "cpu/watchpoint.h"

#define DFSC_DEBUG 0x22
#define ISS_WNR    BIT(6)

/* Fields that DBGBCR<n>_EL1 and DBGWCR<n>_EL1 have in common, and those of one of them. */
#define CR_E(v)     ((v)&1)
#define CR_PAC(v)   ((unsigned)bits((v), 2, 1)) /* PMC of a breakpoint */
#define CR_HMC(v)   bit((v), 13)
#define CR_SSC(v)   ((unsigned)bits((v), 15, 14))
#define CR_LBN(v)   ((unsigned)bits((v), 19, 16))
#define BCR_BT(v)   ((unsigned)bits((v), 23, 20))
#define WCR_LSC(v)  ((unsigned)bits((v), 4, 3))
#define WCR_BAS(v)  ((unsigned)bits((v), 12, 5))
#define WCR_WT(v)   bit((v), 20)
#define WCR_MASK(v) ((unsigned)bits((v), 28, 24))

#define BT_LINKED  1 /* bit 0 of BT */
#define BT_CONTEXT 2 /* bit 1: CONTEXTIDR_EL1 */
#define BT_VMID    8 /* bit 3 */

static uint64_t array_reg(const struct cpu *cpu, unsigned n, unsigned op2)
{
    return cpu->sr[sysreg_lookup((uint16_t)SYSREG_ENC(2, 0, 0, n, op2))];
}

static uint64_t bvr(const struct cpu *cpu, unsigned n)
{
    return array_reg(cpu, n, 4);
}

static uint64_t bcr(const struct cpu *cpu, unsigned n)
{
    return array_reg(cpu, n, 5);
}

static unsigned count(const struct cpu *cpu, unsigned lsb)
{
    return (unsigned)bits(cpu->sr[SR_ID_AA64DFR0_EL1], lsb + 3, lsb) + 1;
}

static bool is_context_aware(const struct cpu *cpu, unsigned n)
{
    unsigned brps = count(cpu, 12), ctxs = count(cpu, 28);

    return n >= brps - ctxs && n < brps;
}

static bool context_value_match(const struct cpu *cpu, unsigned n, unsigned bt)
{
    uint64_t v = bvr(cpu, n);
    bool host = cpu_host_regime(cpu);
    bool guest = cpu->has_el2 && cpu->ps.el < 2 && !host;

    switch (bt & ~BT_LINKED) {
    case BT_CONTEXT: /* CONTEXTIDR_EL2 in the EL2&0 regime */
        if (cpu->ps.el == 2 || host)
            return cpu_has(cpu, FEAT_VHE) && cpu_e2h(cpu) &&
                   (uint32_t)cpu->sr[SR_CONTEXTIDR_EL2] == (uint32_t)v;
        return (uint32_t)cpu->sr[SR_CONTEXTIDR_EL1] == (uint32_t)v;
    case 6: /* CONTEXTIDR_EL1 below EL2 */
        return cpu->ps.el < 2 && !host && (uint32_t)cpu->sr[SR_CONTEXTIDR_EL1] == (uint32_t)v;
    case BT_VMID:
        return guest && cpu->contexts.x->vmid == bits(v, 47, 32);
    case BT_VMID | BT_CONTEXT:
        return guest && cpu->contexts.x->vmid == bits(v, 47, 32) &&
               (uint32_t)cpu->sr[SR_CONTEXTIDR_EL1] == (uint32_t)v;
    case 12: /* CONTEXTIDR_EL2 */
        return cpu->has_el2 && (uint32_t)cpu->sr[SR_CONTEXTIDR_EL2] == (uint32_t)(v >> 32);
    case 14:
        return guest && (uint32_t)cpu->sr[SR_CONTEXTIDR_EL1] == (uint32_t)v &&
               (uint32_t)cpu->sr[SR_CONTEXTIDR_EL2] == (uint32_t)(v >> 32);
    default:
        return false;
    }
}

/* The breakpoint that a linked one or a watchpoint names. */
static bool linked_match(const struct cpu *cpu, unsigned n)
{
    unsigned bt;

    /* CU-choice: a link to a breakpoint that is not context-aware never matches. */
    if (n >= count(cpu, 12) || !is_context_aware(cpu, n))
        return false;
    bt = BCR_BT(bcr(cpu, n));
    return CR_E(bcr(cpu, n)) && (bt & BT_LINKED) && bt > BT_LINKED &&
           context_value_match(cpu, n, bt);
}

/* AArch64.StateMatch() without EL3: SSC of '10' names Secure state, which does not exist. */
static bool state_match(const struct cpu *cpu, uint64_t cr, bool linked, unsigned el)
{
    unsigned ssc = CR_SSC(cr), pac = CR_PAC(cr);
    bool hmc = CR_HMC(cr), match;

    if (ssc == 2)
        return false;
    if (el == 2)
        match = (hmc && !(ssc == 2 && pac == 0)) || ssc == 3;
    else
        match = el == 1 ? pac & 1 : pac & 2;
    if (ssc == 3 && !hmc && el < 2)
        return false;
    return match && (!linked || linked_match(cpu, CR_LBN(cr)));
}

static bool matches(const struct cpu *cpu, unsigned n)
{
    uint64_t cr = bcr(cpu, n);
    unsigned bt = BCR_BT(cr);

    if (!CR_E(cr) || !state_match(cpu, cr, bt == BT_LINKED, cpu->ps.el))
        return false;
    if (bt <= BT_LINKED)
        return ((bvr(cpu, n) ^ cpu->pc) & MASK(48, 2)) == 0;
    return !(bt & BT_LINKED) && is_context_aware(cpu, n) && context_value_match(cpu, n, bt);
}

static bool enabled(const struct cpu *cpu)
{
    return (cpu->sr[SR_MDSCR_EL1] & FIELD_MASK(MDSCR_EL1_MDE)) &&
           debug_exceptions_enabled(cpu, cpu->ps.el, cpu->ps.daif & PSTATE_D);
}

static void take(struct cpu *cpu, uint64_t ret, enum esr_ec low, uint64_t iss, bool far_valid,
                 uint64_t far)
{
    unsigned target = debug_target_el(cpu);
    enum esr_ec ec = target > cpu->ps.el ? low : (enum esr_ec)(low + 1);

    cpu_take_exception(cpu, &(struct exception){.type = EXC_SYNC,
                                                .target_el = target,
                                                .ret = ret,
                                                .esr = esr(ec, iss),
                                                .far_valid = far_valid,
                                                .far = far});
}

bool breakpoint_take(struct cpu *cpu)
{
    if (!enabled(cpu))
        return false;
    for (unsigned n = 0; n < count(cpu, 12); n++)
        if (matches(cpu, n)) {
            take(cpu, cpu->pc, ESR_EC_BRKPT_LOW, DFSC_DEBUG, false, 0);
            return true;
        }
    return false;
}

/* WatchpointByteMatch() of any byte of the access. */
static bool address_match(uint64_t wvr, uint64_t wcr, uint64_t va, unsigned size)
{
    unsigned mask = WCR_MASK(wcr), bas = WCR_BAS(wcr);
    uint64_t low = mask > 2 ? MASK(mask - 1, 0) : 7;

    /* CU-choice: MASK values 1 and 2 are reserved and act as 0. */
    if (mask > 2)
        return align_down(va, low + 1) <= (wvr & ~low) && va + size - 1 >= (wvr & ~low);
    for (unsigned k = 0; k < size; k++) {
        uint64_t a = va + k;
        if (((a ^ wvr) & MASK(48, 3)) == 0 && bit(bas, a & 7))
            return true;
    }
    return false;
}

bool cpu_watchpoint_hit(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                        unsigned acc, bool write)
{
    unsigned el = acc & ACC_UNPRIV ? 0 : cpu->ps.el;

    if (!enabled(cpu))
        return false;
    for (unsigned n = 0; n < count(cpu, 20); n++) {
        uint64_t cr = array_reg(cpu, n, 7);
        unsigned lsc = WCR_LSC(cr);

        if (!CR_E(cr) || !(lsc & (write ? 2 : 1)) || !state_match(cpu, cr, WCR_WT(cr), el) ||
            !address_match(array_reg(cpu, n, 6), cr, va, size))
            continue;
        take(cpu, insn_pc(cpu, i), ESR_EC_WATCHPT_LOW, DFSC_DEBUG | (write ? ISS_WNR : 0), true,
             va);
        return true;
    }
    return false;
}
