/* Matching of breakpoints and watchpoints: AArch64.BreakpointMatch(), AArch64.WatchpointMatch(). */
#include "cpu/breakpoint.h"

#include "arch/sysreg.h"
#include "cpu/access.h"
#include "cpu/debug_state.h"
#include "cpu/exception.h"
#include "cpu/world.h"

#define DFSC_DEBUG 0x22
#define ISS_WNR    BIT(6)

/* Fields that DBGBCR<n>_EL1 and DBGWCR<n>_EL1 have in common, and those of one of them. */
#define CR_E(v)     ((v)&1)
#define CR_STATE(v) ((unsigned)(bit((v), 13) << 4 | bits((v), 15, 14) << 2 | bits((v), 2, 1)))
#define CR_LBN(v)   ((unsigned)bits((v), 19, 16))
#define BCR_BT(v)   ((unsigned)bits((v), 23, 20))
#define WCR_LSC(v)  ((unsigned)bits((v), 4, 3))
#define WCR_BAS(v)  ((unsigned)bits((v), 12, 5))
#define WCR_WT(v)   bit((v), 20)
#define WCR_MASK(v) ((unsigned)bits((v), 28, 24))

#define LSC_LOAD  1
#define LSC_STORE 2

/* DBGBCR<n>_EL1.BT, less bit 0: what is compared. With bit 0 it is a link: of an address to a
 * context breakpoint, or of a context breakpoint that only others refer to. */
enum {
    BT_LINKED = 1,
    BT_ADDRESS = 0,
    BT_CONTEXTIDR = 2,     /* of the host in the EL2&0 regime, else CONTEXTIDR_EL1 */
    BT_CONTEXTIDR_EL1 = 6, /* FEAT_VHE, as all that know CONTEXTIDR_EL2 */
    BT_VMID = 8,
    BT_VMID_CONTEXTIDR = 10,
    BT_CONTEXTIDR_EL2 = 12,
    BT_CONTEXTIDR_BOTH = 14,
};

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

/* The highest bit that DBGBVR<n>_EL1 and DBGWVR<n>_EL1 compare. CU-choice: RESS above it does not
 * take part. */
static unsigned top_bit(const struct cpu *cpu)
{
    return cpu_has(cpu, FEAT_LVA) ? 52 : 48;
}

static bool is_context_aware(const struct cpu *cpu, unsigned n)
{
    unsigned brps = count(cpu, ID_AA64DFR0_EL1_BRPs_LO);

    return n >= brps - count(cpu, ID_AA64DFR0_EL1_CTX_CMPs_LO) && n < brps;
}

static bool vmid_matches(const struct cpu *cpu, uint64_t v)
{
    uint64_t mask = VTCR_EL2_VS(cpu->sr[SR_VTCR_EL2]) ? MASK(15, 0) : MASK(7, 0);

    return ((cpu->sr[SR_VTTBR_EL2] >> 48 ^ v >> 32) & mask) == 0;
}

/* The context part of AArch64.BreakpointValueMatch(), for breakpoint @n of type @bt.
 * CU-choice: a reserved type never matches. */
static bool context_value_match(const struct cpu *cpu, unsigned n, unsigned bt)
{
    uint64_t v = bvr(cpu, n);
    bool in_host = cpu_e2h(cpu) && cpu_el2_regime(cpu); /* IsInHost() */
    bool el10 = cpu->ps.el < 2 && !in_host, guest = el10 && cpu->el2_enabled;
    bool id1 = (uint32_t)cpu->sr[SR_CONTEXTIDR_EL1] == (uint32_t)v;
    bool vhe = cpu->el2_enabled && cpu_has(cpu, FEAT_VHE);

    switch (bt & ~(unsigned)BT_LINKED) {
    case BT_CONTEXTIDR:
        return in_host ? (uint32_t)cpu->sr[SR_CONTEXTIDR_EL2] == (uint32_t)v : el10 && id1;
    case BT_CONTEXTIDR_EL1:
        return vhe && el10 && id1;
    case BT_VMID:
        return guest && vmid_matches(cpu, v);
    case BT_VMID_CONTEXTIDR:
        return guest && vmid_matches(cpu, v) && id1;
    case BT_CONTEXTIDR_EL2:
        return vhe && (uint32_t)cpu->sr[SR_CONTEXTIDR_EL2] == v >> 32;
    case BT_CONTEXTIDR_BOTH:
        return vhe && el10 && id1 && (uint32_t)cpu->sr[SR_CONTEXTIDR_EL2] == v >> 32;
    default:
        return false;
    }
}

/* The breakpoint that a linked one or a watchpoint names. */
static bool linked_match(const struct cpu *cpu, unsigned n)
{
    unsigned bt;

    /* CU-choice: a link to a breakpoint that is not context-aware never matches. */
    if (!is_context_aware(cpu, n))
        return false;
    bt = BCR_BT(bcr(cpu, n));
    return CR_E(bcr(cpu, n)) && (bt & BT_LINKED) && context_value_match(cpu, n, bt);
}

/*
 * AArch64.StateMatch(): HMC:SSC:PMC (PAC of a watchpoint) as they are defined without EL3 and
 * Secure state; with HMC, where there is EL2. CU-choice: what CheckValidStateMatch() calls reserved
 * disables the breakpoint.
 */
static bool state_match(const struct cpu *cpu, uint64_t cr, bool linked, unsigned el)
{
    static const struct {
        uint8_t state, els; /* bits by EL */
    } states[] = {
        {0x01, BIT(1)},          {0x02, BIT(0)}, {0x03, BIT(1) | BIT(0)},
        {0x11, BIT(2) | BIT(1)}, {0x1c, BIT(2)}, {0x13, BIT(2) | BIT(1) | BIT(0)},
    };

    for (unsigned k = 0; k < ARRAY_SIZE(states); k++)
        if (states[k].state == CR_STATE(cr) && (cpu->has_el2 || !bit(states[k].els, 2)))
            return bit(states[k].els, el) && (!linked || linked_match(cpu, CR_LBN(cr)));
    return false;
}

static bool matches(const struct cpu *cpu, unsigned n)
{
    uint64_t cr = bcr(cpu, n);
    unsigned bt = BCR_BT(cr);

    if (!CR_E(cr) || !state_match(cpu, cr, bt == (BT_ADDRESS | BT_LINKED), cpu->ps.el))
        return false;
    if ((bt & ~(unsigned)BT_LINKED) == BT_ADDRESS)
        return ((bvr(cpu, n) ^ cpu->pc) & MASK(top_bit(cpu), 2)) == 0;
    return !(bt & BT_LINKED) && is_context_aware(cpu, n) && context_value_match(cpu, n, bt);
}

static bool enabled(const struct cpu *cpu)
{
    return MDSCR_EL1_MDE(cpu->sr[SR_MDSCR_EL1]) &&
           debug_exceptions_enabled(cpu, cpu->ps.el, cpu->ps.daif & PSTATE_D);
}

static struct exception debug_exception(const struct cpu *cpu, uint64_t ret, enum esr_ec low,
                                        uint64_t iss, bool far_valid, uint64_t far)
{
    unsigned target = debug_target_el(cpu);
    enum esr_ec ec = target > cpu->ps.el ? low : (enum esr_ec)(low + 1);

    return (struct exception){.type = VECTOR_SYNC,
                              .target_el = target,
                              .ret = ret,
                              .esr = esr(ec, iss),
                              .far_valid = far_valid,
                              .far = far};
}

bool breakpoint_take(struct cpu *cpu)
{
    if (!enabled(cpu))
        return false;
    for (unsigned n = 0; n < count(cpu, ID_AA64DFR0_EL1_BRPs_LO); n++)
        if (matches(cpu, n)) {
            const struct exception e =
                debug_exception(cpu, cpu->pc, ESR_EC_BRKPT_LOW, DFSC_DEBUG, false, 0);
            cpu_take_exception(cpu, &e);
            return true;
        }
    return false;
}

/*
 * AArch64.WatchpointByteMatch(). CU-choice: MASK 1 and 2 are reserved and act as 0; a larger one
 * ignores BAS and the bits of the address that it covers; a BAS with gaps selects what it says.
 */
static bool byte_match(unsigned top, uint64_t wvr, uint64_t wcr, uint64_t va)
{
    unsigned mask = WCR_MASK(wcr), bottom = bit(wvr, 2) ? 2 : 3;

    if (mask > 2)
        return ((va ^ wvr) & MASK(top, mask)) == 0;
    return ((va ^ wvr) & MASK(top, bottom)) == 0 &&
           bit(WCR_BAS(wcr), (unsigned)(va & MASK(bottom - 1, 0)));
}

static bool address_match(const struct cpu *cpu, unsigned n, uint64_t va, unsigned size)
{
    uint64_t wvr = array_reg(cpu, n, 6), wcr = array_reg(cpu, n, 7);

    for (unsigned k = 0; k < size; k++)
        if (byte_match(top_bit(cpu), wvr, wcr, va + k))
            return true;
    return false;
}

bool cpu_watchpoint_hit(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                        unsigned acc, bool write)
{
    bool as_el0 = (acc & ACC_UNPRIV) && cpu->bank_unpriv != cpu->bank;
    unsigned el = as_el0 ? 0 : cpu->ps.el;
    /* An atomic access is both, and known to be before it has read. */
    unsigned kinds = acc & ACC_ATOMIC ? LSC_LOAD | LSC_STORE : write ? LSC_STORE : LSC_LOAD;

    if (!enabled(cpu))
        return false;
    for (unsigned n = 0; n < count(cpu, ID_AA64DFR0_EL1_WRPs_LO); n++) {
        uint64_t cr = array_reg(cpu, n, 7);
        unsigned hit = WCR_LSC(cr) & kinds;

        if (!CR_E(cr) || !hit || !state_match(cpu, cr, WCR_WT(cr), el) ||
            !address_match(cpu, n, va, size))
            continue;
        /* WnR of an atomic access: a load would not have hit. */
        cpu_raise(cpu, debug_exception(cpu, insn_pc(cpu, i), ESR_EC_WATCHPT_LOW,
                                       DFSC_DEBUG | (hit & LSC_LOAD ? 0 : ISS_WNR), true, va));
        return true;
    }
    return false;
}
