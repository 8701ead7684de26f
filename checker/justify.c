#include "checker/justify.h"

#include "arch/insn.h"
#include "arch/psci.h"
#include "arch/vector.h"
#include "base/bits.h"

#define X_CALL_RESULTS MASK(3, 0)  /* SMCCC 1.1 2.4: X0 to X3 */
#define X_CALL_ALL     MASK(17, 0) /* AAPCS64 6.1.1: not preserved by a call */
#define NEAR           64          /* bytes: a wrong return address, and no place to start at */
#define X_NEVER_GIVEN  MASK(30, 4) /* to a CPU that starts: PSCI has X0, boot protocols X0 to X3 */

/* Functions of PSCI that do not return to where they were called, or need not. */
static bool starts_anew(uint64_t function)
{
    switch (function & ~(uint64_t)SMCCC_64) {
    case PSCI_CPU_SUSPEND_32:
    case PSCI_CPU_OFF:
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case PSCI_DEFAULT_SUSPEND_32:
    case PSCI_SYSTEM_SUSPEND_32:
    case PSCI_SYSTEM_RESET2_32:
        return true;
    default:
        return false;
    }
}

/* Xen's hypercalls (public/arch-arm.h): one that takes long is made again with other arguments. */
static bool is_xen(const struct exit_state *s)
{
    return bits(s->esr, 31, 26) == ESR_EC_HVC64 && bits(s->esr, 15, 0) == 0xea1;
}

static struct allowance call(const struct exit_state *s, bool skip, bool host)
{
    return (struct allowance){.anything = starts_anew(s->x[0]),
                              .x = is_xen(s) || (host && !bit(s->x[0], 31)) ? X_CALL_ALL
                                                                            : X_CALL_RESULTS,
                              .skip = skip,
                              .must_skip = skip,
                              .again = is_xen(s)};
}

/* Registers that the instruction at pc writes if it completes. */
static uint32_t written(const struct exit_state *s)
{
    struct insn i;

    if (!s->word_known)
        return MASK(30, 0);
    enum a64_op op = a64_lookup(s->word);
    a64_decode(s->word, (unsigned)(s->pc & 0xfff), &i);
    i.op = (uint16_t)op;
    return (uint32_t)(a64_use(&a64_rows[op], &i).x_writes & MASK(30, 0));
}

static uint32_t one(uint64_t reg)
{
    return reg < 31 ? (uint32_t)BIT(reg) : 0;
}

/* ISS of a Data Abort: ISV bit 24, SRT 20:16, WnR 6, CM 8. */
static struct allowance data_abort(const struct exit_state *s)
{
    struct allowance a = {.skip = true};

    if (!bit(s->esr, 24))
        a.x = written(s);
    else if (!bit(s->esr, 6))
        a.x = one(bits(s->esr, 20, 16));
    return a;
}

struct allowance justify(const struct exit_state *s, bool host)
{
    if (s->reset)
        return (struct allowance){.anything = true};
    if (vector_kind(s->vector) != VECTOR_SYNC)
        return (struct allowance){0};
    switch (bits(s->esr, 31, 26)) {
    case ESR_EC_HVC64:
        return call(s, false, host);
    case ESR_EC_SMC64: /* trapped by HCR_EL2.TSC: the preferred return address is the SMC's own */
        return call(s, true, host);
    case ESR_EC_SYS64: /* bit 0: a read into Rt, bits 9:5 */
        return (struct allowance){.x = bit(s->esr, 0) ? one(bits(s->esr, 9, 5)) : 0, .skip = true};
    case ESR_EC_DABT_LOW:
        return data_abort(s);
    case ESR_EC_WFX:
    case ESR_EC_BRK64:
        return (struct allowance){.skip = true};
    default:
        return (struct allowance){0};
    }
}

bool justify_is_reset(const struct exit_state *s, uint64_t pc, uint64_t pstate, uint32_t zero,
                      uint64_t sctlr, uint64_t vbar)
{
    const uint64_t on = FIELD_MASK(SCTLR_EL1_M) | FIELD_MASK(SCTLR_EL1_C) | FIELD_MASK(SCTLR_EL1_I);
    bool elsewhere = pc - s->pc + NEAR > 2 * NEAR && !justify_is_in_vectors(vbar, pc);

    return (pc == s->start || elsewhere) && bits(pstate, 4, 0) == 5 && bits(pstate, 9, 6) == 0xf &&
           !(~zero & X_NEVER_GIVEN) && !(sctlr & on);
}

bool justify_left_by(const struct exit_state *s, enum esr_ec ec)
{
    return vector_kind(s->vector) == VECTOR_SYNC && bits(s->esr, 31, 26) == ec;
}

bool justify_is_call(const struct exit_state *s)
{
    return justify_left_by(s, ESR_EC_HVC64) || justify_left_by(s, ESR_EC_SMC64);
}

bool justify_starts_anew(const struct exit_state *s)
{
    return justify_is_call(s) && starts_anew(s->x[0]);
}

/* ISS of EC 0x18: Op0 bits 21 and 20, Op2 19 to 17, Op1 16 to 14, CRn 13 to 10, CRm 4 to 1. */
bool justify_is_gic_access(const struct exit_state *s)
{
    uint64_t crn = bits(s->esr, 13, 10), crm = bits(s->esr, 4, 1);

    bool sends = crn == 12 && crm == 11 && bits(s->esr, 19, 17) >= 5; /* ICC_SGI1R_EL1, ... */

    return justify_left_by(s, ESR_EC_SYS64) && bits(s->esr, 21, 20) == 3 &&
           bits(s->esr, 16, 14) == 0 && ((crn == 12 && crm >= 8) || (crn == 4 && crm == 6)) &&
           !sends;
}

static bool accesses(const struct exit_state *s, uint32_t number, bool reads)
{
    uint64_t iss = s->esr;

    return justify_left_by(s, ESR_EC_SYS64) && bit(iss, 0) == reads &&
           number == ARM_SYSREG(bits(iss, 21, 20), bits(iss, 16, 14), bits(iss, 13, 10),
                                bits(iss, 4, 1), bits(iss, 19, 17));
}

bool justify_is_write_of(const struct exit_state *s, uint32_t number)
{
    return accesses(s, number, false);
}

bool justify_is_read_of(const struct exit_state *s, uint32_t number)
{
    return accesses(s, number, true);
}

/* Offsets in the vector table by where the exception comes from; its kind is added. */
static uint64_t vector_base(uint64_t pstate)
{
    return bits(pstate, 3, 2) == 0 ? 0x400 : bit(pstate, 0) ? 0x200 : 0;
}

bool justify_is_vector(const struct exit_state *s, uint64_t vbar, uint64_t pc)
{
    uint64_t offset = pc - (vbar & ~MASK(10, 0)) - vector_base(s->pstate);

    return offset <= VECTOR_SERROR && (offset & 0x7f) == 0;
}

bool justify_is_in_vectors(uint64_t vbar, uint64_t pc)
{
    uint64_t offset = pc - (vbar & ~MASK(10, 0));

    return offset <= 0x780 && (offset & 0x7f) == 0;
}

bool justify_is_injection(const struct exit_state *s, uint64_t vbar, uint64_t pc, uint64_t pstate,
                          uint64_t elr, uint64_t spsr)
{
    bool from = elr == s->pc || elr == s->pc + 4;

    /* EL1h, all of DAIF masked; of what is saved, SS and BTYPE belong to the instruction. */
    return justify_is_vector(s, vbar, pc) && from && bits(pstate, 4, 0) == 5 &&
           bits(pstate, 9, 6) == 0xf &&
           ((spsr ^ s->pstate) & (MASK(31, 28) | MASK(9, 6) | MASK(4, 0))) == 0;
}
