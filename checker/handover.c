/*
 * HANDOVER and LEAK-DEBUG: what is neither one register's value nor the virtual CPU interface's,
 * but a state of the CPU in which a world must not be entered, or EL2 must not go on: the physical
 * CPU interface, the performance monitors' partition, the timers' offset, debug exceptions and
 * pointer authentication.
 */
#include <glib.h>
#include <inttypes.h>

#include "arch/intid.h"
#include "arch/sysreg.h"
#include "arch/sysreg_owner.h"
#include "base/bits.h"
#include "checker/active.h"
#include "checker/flow.h"
#include "checker/own.h"
#include "checker/sync.h"
#include "checker/unit.h"

#define PSTATE_D    BIT(9)
#define PSTATE_I    BIT(7)
#define RPR_IDLE    0xff
#define DBGBCR_E    BIT(0)
#define DBGBCR_HMC  BIT(13)
#define BREAKPOINTS 16

#define HCR_SIGNALS (FIELD_MASK(HCR_EL2_VI) | FIELD_MASK(HCR_EL2_VF))

/* What a world has left in a CPU, and EL2 has not written since. */
struct handover_cpu {
    const struct world *debug;   /* MDSCR_EL1 */
    bool armed;                  /* and that, until EL2 wrote it, was on at EL2 */
    const struct world *keys;    /* any key of pointer authentication */
    const struct world *pmu;     /* PMCR_EL0 */
    const struct world *signals; /* HCR_EL2.VI or VF */
    struct site left;
    bool calls;         /* that a guest can call firmware is told */
    uint64_t widest;    /* ICC_PMR_EL1: the most that it has let through since the reset */
    struct site masked; /* and where it was lowered last */
    struct active active;
};

static void *create(struct arm_checker *c)
{
    return g_new0(struct handover_cpu, c->cpu_count);
}

static bool is_key(enum sysreg sr)
{
    return sr != SR_NONE && sysreg_owner(sr) == OWNER_PAUTH;
}

/* ---- debug ---- */

/* Breakpoints and watchpoints are next to each other in the encoding: CRm n, op2 4 to 7. */
static uint64_t debug_control(const struct arm_checker *c, unsigned cpu, unsigned n, unsigned op2)
{
    return checker_reg(c, cpu, ARM_SYSREG(2, 0, 0, n, op2));
}

/* Would what @mdscr and the controls enable make a debug exception? @hyp: at EL2. */
static bool debug_is_armed(const struct arm_checker *c, unsigned cpu, uint64_t mdscr, bool hyp)
{
    uint64_t needed = DBGBCR_E | (hyp ? DBGBCR_HMC : 0);

    if (hyp && !MDSCR_EL1_KDE(mdscr))
        return false;
    if (MDSCR_EL1_SS(mdscr))
        return true;
    for (unsigned n = 0; MDSCR_EL1_MDE(mdscr) && n < BREAKPOINTS; n++)
        if ((debug_control(c, cpu, n, 5) & needed) == needed ||
            (debug_control(c, cpu, n, 7) & needed) == needed)
            return true;
    return false;
}

static void report_debug(struct arm_checker *c, struct handover_cpu *u, const struct world *w,
                         const char *whom, const struct arm_event *p)
{
    struct finding f = finding_about(c, RULE_LEAK_DEBUG, w, SR_MDSCR_EL1, p);

    f.other = u->left;
    f.other_role = "left";
    f.hint = "save MDSCR_EL1 and clear it, or write the next world's; a guest's comes back with "
             "PSTATE.D set";
    finding_say(&f, "the breakpoints, watchpoints or single steps of %s are on for %s: %#" PRIx64,
                u->debug->name, whom, checker_sysreg(c, p->cpu, SR_MDSCR_EL1));
    finding_report(c, &f);
    u->debug = NULL;
}

/* Do debug exceptions go to EL2? They are a host's, or MDCR_EL2.TDE says so. */
static bool debug_is_el2s(const struct arm_checker *c, unsigned cpu)
{
    return HCR_EL2_TGE(checker_sysreg(c, cpu, SR_HCR_EL2)) ||
           MDCR_EL2_TDE(checker_sysreg(c, cpu, SR_MDCR_EL2));
}

/* PSTATE.D keeps back debug exceptions from EL2 to EL2 no longer. */
static void check_own_debug(struct arm_checker *c, struct handover_cpu *u,
                            const struct arm_event *p)
{
    if (!debug_is_el2s(c, p->cpu))
        return;
    if (u->debug && debug_is_armed(c, p->cpu, checker_sysreg(c, p->cpu, SR_MDSCR_EL1), true))
        report_debug(c, u, u->debug, "EL2", p);
    if (u->armed)
        sync_debug_used(c, p);
}

/* The guest whose value EL2 writes by @p, as far as it has been followed. */
static const struct world *written_for(const struct arm_checker *c, const struct arm_event *p)
{
    struct tag tag = c->flow ? flow_x(c->flow, p->cpu, p->sysreg_write.reg) : (struct tag){0};
    const struct world *w = tag.kind && tag.world >= 0 ? c->worlds.list[tag.world] : NULL;

    return w && w->kind == WORLD_GUEST ? w : NULL;
}

static void mdscr_written(struct arm_checker *c, struct handover_cpu *u, const struct arm_event *p)
{
    u->armed |= u->debug && debug_is_armed(c, p->cpu, p->sysreg_write.before, true);
    u->debug = written_for(c, p);
    if (u->debug && debug_is_el2s(c, p->cpu) && !(checker_reg(c, p->cpu, ARM_PSTATE) & PSTATE_D) &&
        debug_is_armed(c, p->cpu, p->sysreg_write.after, true))
        report_debug(c, u, u->debug, "EL2", p);
    u->debug = NULL;
}

/* ---- pointer authentication ---- */

static void check_keys(struct arm_checker *c, struct handover_cpu *u, const struct arm_event *p)
{
    uint64_t sctlr = checker_sysreg(c, p->cpu, SR_SCTLR_EL2);

    if (!u->keys || !(SCTLR_EL2_EnIA(sctlr) || SCTLR_EL2_EnIB(sctlr) || SCTLR_EL2_EnDA(sctlr) ||
                      SCTLR_EL2_EnDB(sctlr)))
        return;
    struct finding f = finding_about(c, RULE_HANDOVER, u->keys, SR_APIAKeyLo_EL1, p);
    f.other = u->left;
    f.other_role = "left";
    f.hint = "load EL2's keys behind the exit, or clear SCTLR_EL2.EnIA and the others";
    finding_say(&f,
                "EL2 signs and authenticates pointers with the keys of %s, and lets interrupts in",
                u->keys->name);
    finding_report(c, &f);
    u->keys = NULL;
}

/* ---- performance monitors ---- */

static bool has_monitors(const struct arm_checker *c, unsigned cpu)
{
    uint64_t version = ID_AA64DFR0_EL1_PMUVer(checker_sysreg(c, cpu, SR_ID_AA64DFR0_EL1));

    return version != 0 && version != 15;
}

static bool monitors_trap(uint64_t mdcr)
{
    return MDCR_EL2_TPM(mdcr) || MDCR_EL2_TPMCR(mdcr);
}

/* A world's counters count on while another one runs, which has no access to them: where it has,
 * that is of what it reads. */
static void check_counters(struct arm_checker *c, struct handover_cpu *u, const struct world *w,
                           const struct arm_event *p)
{
    uint64_t mdcr = checker_sysreg(c, p->cpu, SR_MDCR_EL2);
    uint64_t worlds = BIT(31) | (BIT(MDCR_EL2_HPMN(mdcr)) - 1); /* the others are EL2's */

    if (!u->pmu || u->pmu == w || !monitors_trap(mdcr) ||
        !PMCR_EL0_E(checker_sysreg(c, p->cpu, SR_PMCR_EL0)) ||
        !(checker_sysreg(c, p->cpu, SR_PMCNTENSET_EL0) & worlds))
        return;
    struct finding f = finding_about(c, RULE_LEAK, w, SR_PMCR_EL0, p);
    f.other = u->left;
    f.other_role = "left";
    f.hint = "save PMCR_EL0 and clear its E, or clear PMCNTENSET_EL0";
    finding_say(&f, "the counters of %s count on while it runs", u->pmu->name);
    finding_report(c, &f);
    u->pmu = NULL;
}

/* ---- the events ---- */

static void written(struct arm_checker *c, struct handover_cpu *u, const struct arm_event *p)
{
    enum sysreg sr = sysreg_lookup(p->sysreg_write.sr);
    uint64_t opened = p->sysreg_write.before & ~p->sysreg_write.after;

    if (sr == SR_MDSCR_EL1)
        mdscr_written(c, u, p);
    else if (sr == SR_HCR_EL2)
        u->signals = NULL;
    else if (sr == SR_PMCR_EL0 || sr == SR_PMCNTENSET_EL0 || sr == SR_PMCNTENCLR_EL0)
        u->pmu = NULL;
    else if (is_key(sr))
        u->keys = NULL;
    if (sr == SR_ICC_PMR_EL1) {
        u->widest = MAX(u->widest, p->sysreg_write.after);
        if (p->sysreg_write.after < p->sysreg_write.before)
            u->masked = site_of(c, p);
    }
    if (sr != SR_DAIF)
        return;
    if (opened & PSTATE_D)
        check_own_debug(c, u, p);
    if (opened & PSTATE_I)
        check_keys(c, u, p);
}

static void event(struct arm_checker *c, void *state, const struct arm_event *p)
{
    if (p->cpu >= c->cpu_count)
        return;
    struct handover_cpu *u = (struct handover_cpu *)state + p->cpu;

    if (p->kind == ARM_EVENT_SYSREG_WRITE)
        written(c, u, p);
    else if (p->kind == ARM_EVENT_IRQ)
        active_event(c, &u->active, p);
    else if (p->kind == ARM_EVENT_POWER)
        *u = (struct handover_cpu){0};
}

static void leave(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    struct handover_cpu *u = (struct handover_cpu *)state + p->cpu;

    if (w->kind != WORLD_GUEST)
        return;
    if (!MDCR_EL2_TDA(checker_sysreg(c, p->cpu, SR_MDCR_EL2)))
        u->debug = w; /* else what is there is none of its own */
    u->keys = u->pmu = u->signals = NULL;
    u->armed = false;
    u->left = site_of(c, p);
    if (HCR_EL2_APK(p->world.hcr))
        u->keys = w;
    if (p->world.hcr & HCR_SIGNALS)
        u->signals = w;
    if (has_monitors(c, p->cpu) && !monitors_trap(checker_sysreg(c, p->cpu, SR_MDCR_EL2)))
        u->pmu = w;
}

/* ---- a world is entered ---- */

static struct finding masked(struct arm_checker *c, const struct world *w,
                             const struct arm_event *p)
{
    struct finding f = finding_about(c, RULE_HANDOVER, w, SR_ICC_PMR_EL1, p);

    f.hint = "the mask that EL2 has while it runs is opened before the world is entered";
    return f;
}

/* ICC_HPPIR1_EL1 does not ask what masks the interrupt, ISR_EL1 says what reaches the CPU: a
 * pending one that does not is masked, and EL2 has had a mask that lets it through. */
static void check_mask(struct arm_checker *c, struct handover_cpu *u, const struct world *w,
                       const struct arm_event *p)
{
    uint64_t pmr = checker_sysreg(c, p->cpu, SR_ICC_PMR_EL1),
             intid = checker_sysreg(c, p->cpu, SR_ICC_HPPIR1_EL1);

    if (pmr >= u->widest || intid_is_special(intid) ||
        ISR_EL1_I(checker_sysreg(c, p->cpu, SR_ISR_EL1)))
        return;
    struct finding f = masked(c, w, p);
    f.other = u->masked;
    f.other_role = "lowered";
    finding_say(&f,
                "it is %#" PRIx64 ", and was %#" PRIx64 ": interrupt %" PRIu64
                " is pending and does not take the CPU back",
                pmr, u->widest, intid);
    finding_report(c, &f);
}

/* An interrupt that EL2 has taken and whose priority it has not dropped, or a mask that nothing
 * passes: no interrupt gets the CPU back. */
static void check_physical(struct arm_checker *c, struct handover_cpu *u, const struct world *w,
                           const struct arm_event *p)
{
    uint64_t rpr = checker_sysreg(c, p->cpu, SR_ICC_RPR_EL1),
             pmr = checker_sysreg(c, p->cpu, SR_ICC_PMR_EL1);

    if (!HCR_EL2_IMO(p->world.hcr) || !(checker_sysreg(c, p->cpu, SR_ICC_SRE_EL2) & 1) ||
        !(checker_sysreg(c, p->cpu, SR_ICC_IGRPEN1_EL1) & 1))
        return;
    if (rpr != RPR_IDLE) {
        struct finding f = finding_about(c, RULE_HANDOVER, w, SR_ICC_RPR_EL1, p);
        f.hint =
            "write ICC_EOIR1_EL1 before the world is entered; with EOImode that only drops the "
            "priority";
        finding_say(&f, "an interrupt of priority %#" PRIx64 " is active in the physical interface",
                    rpr);
        finding_report(c, &f);
    }
    if (pmr != 0) {
        if (rpr == RPR_IDLE)
            check_mask(c, u, w, p);
        return;
    }
    struct finding f = masked(c, w, p);
    finding_say(&f, "ICC_PMR_EL1 is 0: no interrupt can take the CPU back");
    finding_report(c, &f);
}

/* The world can use the monitors, and how many are its own is no number that is allowed. Of a host
 * that counts if it has left with another one: EL2 has made it so. */
static void check_partition(struct arm_checker *c, const struct world *w, const struct arm_event *p)
{
    uint64_t mdcr = checker_sysreg(c, p->cpu, SR_MDCR_EL2),
             dfr = checker_sysreg(c, p->cpu, SR_ID_AA64DFR0_EL1);
    uint64_t counters = PMCR_EL0_N(checker_sysreg(c, p->cpu, SR_PMCR_EL0)),
             own = MDCR_EL2_HPMN(mdcr);
    const struct exit_state *s = checker_exit_state(c, w);
    bool none = bits(dfr, 63, 60) != 0;
    bool stays = !s->valid || MDCR_EL2_HPMN(s->mdcr) == own;

    if (!has_monitors(c, p->cpu) || MDCR_EL2_TPM(mdcr) || (stays && w->kind == WORLD_HOST) ||
        (own <= counters && (own || none || !counters)))
        return;
    struct finding f = finding_about(c, RULE_HANDOVER, w, SR_MDCR_EL2, p);
    f.hint = "HPMN is between 1 and PMCR_EL0.N where TPM is 0";
    finding_say(&f, "HPMN gives %" PRIu64 " of %" PRIu64 " counters to a world that may use them",
                own, counters);
    finding_report(c, &f);
}

/* Counters that are on go over from the guest to EL2, or from EL2 to the guest, with another HPMN
 * than the guest had. */
static void check_share(struct arm_checker *c, const struct world *w, const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);
    uint64_t mdcr = checker_sysreg(c, p->cpu, SR_MDCR_EL2);
    uint64_t was = MDCR_EL2_HPMN(s->mdcr), now = MDCR_EL2_HPMN(mdcr);
    uint64_t moved =
        ((BIT(was) - 1) ^ (BIT(now) - 1)) & checker_sysreg(c, p->cpu, SR_PMCNTENSET_EL0);

    if (!s->valid || justify(s, false).anything || !has_monitors(c, p->cpu) ||
        monitors_trap(mdcr) || monitors_trap(s->mdcr) || !moved)
        return;
    struct finding f = finding_about(c, RULE_HANDOVER, w, SR_MDCR_EL2, p);
    f.other = s->at;
    f.other_role = "left";
    f.hint = "the HPMN that a guest has used the monitors with is restored with its counters";
    finding_say(&f,
                "HPMN was %" PRIu64 " and is %" PRIu64 ", and counters %#" PRIx64
                " are on, which change hands by that",
                was, now, moved);
    finding_report(c, &f);
}

/* What @cpu has in CNTV_CTL_EL0 is @w's, and not restored for another one that is about to come. */
static bool has_timer_of(const struct arm_checker *c, unsigned cpu, const struct world *w)
{
    unsigned ctl = c->regs.of_sysreg[SR_CNTV_CTL_EL0];
    struct tag tag = ctl == REG_NONE ? (struct tag){0} : own_live_tag(c, cpu, ctl);

    return tag.kind == TAG_EXACT && tag.world == (int)w->index;
}

/* The world's virtual timer is on in another CPU too, where EL2 has run since it left. */
static void check_timer(struct arm_checker *c, const struct world *w, const struct arm_event *p)
{
    for (unsigned k = 0; k < c->cpu_count; k++) {
        const struct cpu_view *view = &c->cpus[k];
        uint64_t ctl = checker_sysreg(c, k, SR_CNTV_CTL_EL0);
        if (k == p->cpu || view->running || view->last != w || !CNTV_CTL_EL0_ENABLE(ctl) ||
            CNTV_CTL_EL0_IMASK(ctl) || !has_timer_of(c, k, w) ||
            checker_sysreg(c, k, SR_CNTV_CVAL_EL0) != checker_sysreg(c, p->cpu, SR_CNTV_CVAL_EL0))
            continue;
        struct finding f = finding_about(c, RULE_HANDOVER, w, SR_CNTV_CTL_EL0, p);
        f.hint = "save CNTV_CTL_EL0 and clear ENABLE when the world is put";
        finding_say(&f, "its virtual timer is still on in CPU %u, which it has left", k);
        finding_report(c, &f);
    }
}

/* A virtual SError that has not been taken: HCR_EL2 is written, and not with the VSE
 * that it had. */
static void check_serror(struct arm_checker *c, const struct world *w, const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);

    if (!s->valid || !HCR_EL2_VSE(s->hcr) || HCR_EL2_VSE(p->world.hcr) ||
        justify(s, false).anything)
        return;
    struct finding f = finding_about(c, RULE_LOST, w, SR_HCR_EL2, p);
    f.other = s->at;
    f.other_role = "left";
    f.hint = "read HCR_EL2.VSE at the exit, and write it with the rest";
    finding_say(&f, "it left with a virtual SError pending (VSE), and is entered without");
    finding_report(c, &f);
}

/* What keeps a guest from caches that are others' too, and from ID and auxiliary registers. */
#define HCR_KEEPS                                                                                  \
    (FIELD_MASK(HCR_EL2_TID3) | FIELD_MASK(HCR_EL2_TIDCP) | FIELD_MASK(HCR_EL2_TACR) |             \
     FIELD_MASK(HCR_EL2_TSW))

/* Whose SErrors and FIQs, the width of registers, how far a guest's maintenance reaches, what walks
 * may touch, what it sees of the CPU and of caches that are others' too: nothing that is switched
 * off while a guest runs. */
#define HCR_STEADY                                                                                 \
    (FIELD_MASK(HCR_EL2_PTW) | FIELD_MASK(HCR_EL2_FMO) | FIELD_MASK(HCR_EL2_AMO) |                 \
     FIELD_MASK(HCR_EL2_FB) | FIELD_MASK(HCR_EL2_RW) | FIELD_MASK(HCR_EL2_TSC) |                   \
     FIELD_MASK(HCR_EL2_SWIO) | HCR_KEEPS)

static void check_steady(struct arm_checker *c, const struct world *w, const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);
    uint64_t lost = s->hcr & ~p->world.hcr & HCR_STEADY;

    if (!s->valid || !lost || justify(s, false).anything)
        return;
    struct finding f = finding_about(c, RULE_TRAPCFG, w, SR_HCR_EL2, p);
    f.other = s->at;
    f.other_role = "left";
    f.hint = "all ways into a guest set the same controls";
    finding_say(&f,
                "it ran with %#" PRIx64 " and is entered with %#" PRIx64 ": bits %#" PRIx64
                " are no guest's to lose",
                s->hcr, p->world.hcr, lost);
    finding_report(c, &f);
}

/* Another one's virtual interrupt, which EL2 has left in HCR_EL2. */
static void check_signals(struct arm_checker *c, const struct handover_cpu *u,
                          const struct world *w, const struct arm_event *p)
{
    if (!u->signals || u->signals == w || !(p->world.hcr & HCR_SIGNALS))
        return;
    struct finding f = finding_about(c, RULE_TRAPCFG, w, SR_HCR_EL2, p);
    f.other = u->left;
    f.other_role = "theirs";
    f.hint = "VI and VF are a virtual CPU's own: write HCR_EL2 when another one comes";
    finding_say(&f, "VI and VF are what %s has left there, %#" PRIx64, u->signals->name,
                p->world.hcr & HCR_SIGNALS);
    finding_report(c, &f);
}

/* What a guest calls by SMC is the firmware of the machine: who keeps it from the rest keeps it
 * from that. */
static void check_calls(struct arm_checker *c, struct handover_cpu *u, const struct world *w,
                        const struct arm_event *p)
{
    if (!HCR_EL2_VM(p->world.hcr) || HCR_EL2_TSC(p->world.hcr) || u->calls ||
        !(p->world.hcr & HCR_KEEPS))
        return;
    u->calls = true;
    struct finding f = finding_about(c, RULE_TRAPCFG, w, SR_HCR_EL2, p);
    f.hint = "HCR_EL2.TSC";
    finding_say(&f, "TSC is 0: an SMC of the guest goes past EL2, to the machine's firmware");
    finding_report(c, &f);
}

static void enter(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    struct handover_cpu *u = (struct handover_cpu *)state + p->cpu;

    /* Where the world can read what it has got, that is LEAK's. */
    if (u->debug && u->debug != w && MDCR_EL2_TDA(checker_sysreg(c, p->cpu, SR_MDCR_EL2)) &&
        debug_is_armed(c, p->cpu, checker_sysreg(c, p->cpu, SR_MDSCR_EL1), false))
        report_debug(c, u, w, w->name, p);
    check_counters(c, u, w, p);
    check_partition(c, w, p);
    if (w->kind != WORLD_GUEST)
        return;
    check_calls(c, u, w, p);
    check_serror(c, w, p);
    check_steady(c, w, p);
    check_signals(c, u, w, p);
    check_physical(c, u, w, p);
    active_check(c, &u->active, w, p);
    check_timer(c, w, p);
    check_share(c, w, p);
}

static void destroy(void *state)
{
    g_free(state);
}

const struct check_unit unit_handover = {
    .at_el2 = ARM_BIT(ARM_EVENT_SYSREG_WRITE),
    .everywhere = ARM_BIT(ARM_EVENT_POWER) | ARM_BIT(ARM_EVENT_IRQ),
    .create = create,
    .event = event,
    .exit = leave,
    .enter = enter,
    .destroy = destroy,
};
