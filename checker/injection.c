#include "checker/injection.h"

#include <inttypes.h>

#include "arch/esr.h"
#include "arch/sysreg.h"
#include "arch/vector.h"
#include "base/bits.h"
#include "checker/finding.h"

#define EC_BREAKPOINT_LOW 0x30 /* the first of breakpoints, steps and watchpoints */

#define PSTATE_NZCV  MASK(31, 28)
#define PSTATE_DIT   BIT(24)
#define PSTATE_UAO   BIT(23)
#define PSTATE_PAN   BIT(22)
#define PSTATE_SS    BIT(21)
#define PSTATE_IL    BIT(20)
#define PSTATE_SSBS  BIT(12)
#define PSTATE_BTYPE MASK(11, 10)

static uint64_t reg(struct arm_checker *c, unsigned cpu, enum sysreg sr)
{
    return checker_sysreg(c, cpu, sr);
}

static bool is_abort(uint64_t ec)
{
    return ec == ESR_EC_IABT_LOW || ec == ESR_EC_IABT_CUR || ec == ESR_EC_DABT_LOW ||
           ec == ESR_EC_DABT_CUR;
}

static void report_syndrome(struct arm_checker *c, const struct world *w, const struct arm_event *p,
                            enum sysreg sr, uint64_t esr, const char *how, const char *hint)
{
    struct finding f = finding_entered(c, RULE_CLOBBER, w, sr, hint, p);

    finding_say(&f, "the world is to take an exception, ESR_EL1 %#" PRIx64 ", and %s", esr, how);
    finding_report(c, &f);
}

static void report_address(struct arm_checker *c, const struct world *w, const struct exit_state *s,
                           uint64_t far, const char *hint, const struct arm_event *p)
{
    struct finding f = finding_entered(c, RULE_CLOBBER, w, SR_FAR_EL1, hint, p);

    finding_say(&f, "left with %#" PRIx64 ", entered with %#" PRIx64, s->far, far);
    finding_report(c, &f);
}

static bool left_by_abort(const struct exit_state *s)
{
    return vector_kind(s->vector) == VECTOR_SYNC && is_abort(bits(s->esr, 31, 26));
}

/* An abort that EL2 makes the world take says its address, unless ESR_EL1.FnV is set: FAR_EL1 is
 * not as the world has left it, while EL2's own FAR says something else; and it is that one, if the
 * world has left by the abort. */
static void check_fault_address(struct arm_checker *c, const struct world *w,
                                const struct exit_state *s, uint64_t esr, const struct arm_event *p)
{
    uint64_t far = reg(c, p->cpu, SR_FAR_EL1);
    bool same = left_by_abort(s);

    if (!is_abort(bits(esr, 31, 26)) || bit(esr, 10) || far == s->far)
        return;
    if (far == s->own_far)
        report_address(c, w, s, far, "AArch64.TakeException() writes FAR_EL1 for an abort", p);
    else if (same)
        report_address(c, w, s, far,
                       "FAR_EL1 is the virtual address, which FAR_EL2 had at the exit", p);
}

/* Exceptions that have a class for those from a lower EL, and the next one for those from the same;
 * what is from EL0 is from a lower one. */
static bool is_of_other_el(uint64_t ec, uint64_t pstate)
{
    bool has_two = is_abort(ec) || (ec >= EC_BREAKPOINT_LOW && ec <= ESR_EC_WATCHPT_CUR);

    return has_two && bit(ec, 0) == (bits(pstate, 3, 2) == 0);
}

/* What a synchronous exception that EL2 makes the world take says of itself. */
static void check_syndrome(struct arm_checker *c, const struct world *w, const struct exit_state *s,
                           const struct arm_event *p)
{
    uint64_t esr = reg(c, p->cpu, SR_ESR_EL1), ec = bits(esr, 31, 26);

    check_fault_address(c, w, s, esr, p);
    if (!bit(esr, 25))
        report_syndrome(c, w, p, SR_ESR_EL1, esr, "IL is 0",
                        "every instruction of A64 has 32 bits");
    if (is_of_other_el(ec, s->pstate))
        report_syndrome(c, w, p, SR_ESR_EL1, esr, "its class is that of another EL's",
                        "an exception from EL1 itself has the class that follows the one from EL0");
    if (left_by_abort(s) && ec == ESR_EC_UNKNOWN)
        report_syndrome(c, w, p, SR_ESR_EL1, esr, "it has left by an abort",
                        "the instruction is not undefined: inject the abort, by ESR_EL2 of this "
                        "exit");
    if ((is_abort(ec) || ec == ESR_EC_UNKNOWN) && reg(c, p->cpu, SR_ELR_EL1) == s->pc + 4)
        report_syndrome(c, w, p, SR_ELR_EL1, esr, "ELR_EL1 is behind the instruction",
                        "the preferred return address of this class is the instruction's own");
}

/* Fields of PSTATE that the CPU has, of those that an exception sets or leaves; without the mode
 * and DAIF, by which justify_is_injection() has known it. */
static uint64_t fields(struct arm_checker *c, unsigned cpu)
{
    uint64_t pfr1 = reg(c, cpu, SR_ID_AA64PFR1_EL1);

    return PSTATE_NZCV | PSTATE_SS | PSTATE_IL |
           (ID_AA64PFR0_EL1_DIT(reg(c, cpu, SR_ID_AA64PFR0_EL1)) ? PSTATE_DIT : 0) |
           (ID_AA64MMFR2_EL1_UAO(reg(c, cpu, SR_ID_AA64MMFR2_EL1)) ? PSTATE_UAO : 0) |
           (ID_AA64MMFR1_EL1_PAN(reg(c, cpu, SR_ID_AA64MMFR1_EL1)) ? PSTATE_PAN : 0) |
           (ID_AA64PFR1_EL1_SSBS(pfr1) ? PSTATE_SSBS : 0) |
           (ID_AA64PFR1_EL1_BT(pfr1) ? PSTATE_BTYPE : 0);
}

/* AArch64.TakeException(): NZCV and DIT stay, PAN is set unless SPAN keeps it, SSBS is DSSBS, and
 * the rest is 0. */
static uint64_t taken(uint64_t old, uint64_t sctlr)
{
    return (old & (PSTATE_NZCV | PSTATE_DIT | PSTATE_PAN)) |
           (SCTLR_EL1_SPAN(sctlr) ? 0 : PSTATE_PAN) | (SCTLR_EL1_DSSBS(sctlr) ? PSTATE_SSBS : 0);
}

static void check_pstate(struct arm_checker *c, const struct world *w, const struct exit_state *s,
                         uint64_t pstate, const struct arm_event *p)
{
    uint64_t wanted = taken(s->pstate, reg(c, p->cpu, SR_SCTLR_EL1));
    uint64_t wrong = (pstate ^ wanted) & fields(c, p->cpu);

    if (!wrong)
        return;
    struct finding f =
        finding_entered(c, RULE_CLOBBER, w, SR_SPSR_EL2,
                        "AArch64.TakeException(): PAN by SCTLR_EL1.SPAN, SSBS by DSSBS, NZCV and "
                        "DIT as they were, the rest 0",
                        p);
    finding_say(&f,
                "the world is to take an exception, left with %#" PRIx64 ", and is entered with "
                "%#" PRIx64 ": bits %#" PRIx64 " are not as an exception makes them",
                s->pstate, pstate, wrong);
    finding_report(c, &f);
}

/* An interrupt says nothing in ESR_EL1: EL2 has written it for another kind of exception. */
static void check_kind(struct arm_checker *c, const struct world *w, const struct exit_state *s,
                       const struct arm_event *p)
{
    uint64_t esr = reg(c, p->cpu, SR_ESR_EL1);

    if (esr == s->own_esr)
        return;
    struct finding f =
        finding_entered(c, RULE_PC, w, SR_ELR_EL2,
                        "synchronous exceptions go to the vector 0x80 before that of "
                        "IRQs, 0x100 before that of FIQs",
                        p);
    finding_say(&f,
                "the world is to take an exception, ESR_EL1 %#" PRIx64
                ", at the vector of an interrupt, %#" PRIx64,
                esr, p->world.target);
    finding_report(c, &f);
}

void injection_check(struct arm_checker *c, const struct world *w, const struct exit_state *s,
                     uint64_t pstate, const struct arm_event *p)
{
    if (p->world.target == s->pc) /* it was there already */
        return;
    check_pstate(c, w, s, pstate, p);
    if (vector_kind(p->world.target) == VECTOR_SYNC)
        check_syndrome(c, w, s, p);
    else if (vector_kind(p->world.target) != VECTOR_SERROR)
        check_kind(c, w, s, p);
}
