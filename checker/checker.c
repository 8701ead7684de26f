/* The API's body: a checker is made for a machine, listens, and says at the end what
 * it has found. */
#include "checker/checker.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "checker/account.h"
#include "checker/account_state.h"
#include "checker/backtrace.h"
#include "checker/budget.h"
#include "checker/flow.h"
#include "checker/listing.h"
#include "checker/moves.h"
#include "checker/names.h"
#include "checker/own.h"
#include "checker/suppress.h"
#include "checker/switches.h"
#include "checker/unit.h"
#include "checker/view.h"

/* Kept for the timeline of a report. */
#define STRETCHES_MAX (1U << 17)

static const struct check_unit *const units[UNIT_COUNT + 1] = {
#define UNIT(name, ...) [UNIT_##name] = &unit_##name,
#include "checker/units.def"
#undef UNIT
};

/* Rules that a unit reports beside its own. */
static const uint64_t also[UNIT_COUNT + 1] = {
#define UNIT(name, rules) [UNIT_##name] = rules,
#include "checker/units.def"
#undef UNIT
};
_Static_assert(RULE_COUNT <= 64, "a bit for each rule");
_Static_assert(UNIT_COUNT <= 32, "a bit for each unit");

bool checker_unit_on(const struct arm_checker *c, enum check_unit_id unit)
{
    for (unsigned k = 0; k < RULE_COUNT; k++)
        if (c->rule_on[k] && (rule_rows[k].unit == unit || bit(also[unit], k)))
            return true;
    return false;
}

bool checker_all_wait(const struct arm_checker *c)
{
    for (unsigned cpu = 0; cpu < c->cpu_count; cpu++)
        if (arm_cpu_state(c->m, cpu) == ARM_CPU_RUNNING ||
            arm_cpu_state(c->m, cpu) == ARM_CPU_HALTED)
            return false;
    return true;
}

uint64_t checker_reg(const struct arm_checker *c, unsigned cpu, uint32_t number)
{
    uint64_t value[2] = {0, 0};

    arm_reg_get(c->m, cpu, number, value);
    return value[0];
}

static void note_idle(struct arm_checker *c, const struct arm_event *p)
{
    struct cpu_view *view = &c->cpus[p->cpu];

    view->idle[view->idles++ % IDLES] = checker_sysreg(c, p->cpu, SR_CNTPCT_EL0);
}

bool checker_passes_over(struct arm_checker *c, const struct world *w, uint64_t when)
{
    const struct cpu_view *view = &c->cpus[w->last_pe];
    const struct exit_state *s = checker_exit_state(c, w);
    uint64_t ms = checker_sysreg(c, 0, SR_CNTFRQ_EL0) / 1000;

    return s->valid && when >= s->when && view->idles >= IDLES &&
           view->idle[view->idles % IDLES] > when + ms;
}

/* To each unit that wants it here. */
static void tell_units(struct arm_checker *c, const struct arm_event *p)
{
    bool el2 = p->el == 2 || p->kind == ARM_EVENT_EXCEPTION || p->kind == ARM_EVENT_ERET;

    for (uint32_t m = c->told[el2][p->kind]; m; m &= m - 1) {
        unsigned k = (unsigned)__builtin_ctz(m);
        units[k]->event(c, c->unit[k], p);
    }
}

struct exit_state *checker_exit_state(struct arm_checker *c, const struct world *w)
{
    if (c->exit_count <= w->index) {
        c->exits = g_renew(struct exit_state, c->exits, w->index + 1);
        memset(c->exits + c->exit_count, 0, (w->index + 1 - c->exit_count) * sizeof(c->exits[0]));
        c->exit_count = w->index + 1;
    }
    return &c->exits[w->index];
}

static void keep_exit(struct arm_checker *c, const struct world *w, const struct arm_event *p)
{
    struct exit_state *s = checker_exit_state(c, w);

    for (unsigned k = 0; k < 31; k++)
        s->x[k] = checker_reg(c, p->cpu, ARM_X(k));
    s->pc = p->pc;
    s->pstate = checker_reg(c, p->cpu, ARM_PSTATE);
    s->when = checker_sysreg(c, p->cpu, SR_CNTPCT_EL0);
    s->esr = p->world.esr;
    s->hcr = checker_sysreg(c, p->cpu, SR_HCR_EL2);
    s->mdcr = checker_sysreg(c, p->cpu, SR_MDCR_EL2);
    s->far = checker_sysreg(c, p->cpu, SR_FAR_EL2);
    s->own_far = checker_sysreg(c, p->cpu, SR_FAR_EL1);
    s->own_esr = checker_sysreg(c, p->cpu, SR_ESR_EL1);
    s->vector = p->world.vector;
    s->at = site_bare(c, p);
    s->word_known = arm_virt_read(c->m, p->cpu, 1, p->pc, &s->word, sizeof(s->word));
    s->valid = true;
    s->reset = false;
}

/* EL2 may take a CPU from a world at any time, and start it anew later: a partition that is given
 * away, a virtual machine that is reset. */
static void note_reset(struct arm_checker *c, const struct world *w, const struct arm_event *p)
{
    struct exit_state *s = checker_exit_state(c, w);
    uint32_t zero = 0;

    if (!s->valid)
        s->start = p->world.target;
    for (unsigned k = 0; k < 31; k++)
        zero |= (uint32_t)(checker_reg(c, p->cpu, ARM_X(k)) == 0) << k;
    s->reset = s->valid && w->kind == WORLD_GUEST &&
               justify_is_reset(s, p->world.target, checker_sysreg(c, p->cpu, SR_SPSR_EL2), zero,
                                checker_sysreg(c, p->cpu, SR_SCTLR_EL1),
                                checker_sysreg(c, p->cpu, SR_VBAR_EL1));
}

static void left(struct arm_checker *c, struct cpu_view *view, const struct arm_event *p)
{
    struct world *w = view->running;

    if (!w)
        return;
    w->running = false;
    w->insns += p->count - view->since;
    view->running = NULL;
    view->last = w;
    view->since = p->count;
    view->exits++;
    view->user_ran = false;
    view->esr = p->world.esr;
    view->vector = p->world.vector;
    view->exit_pc = p->pc;
    keep_exit(c, w, p);
    account_exit(c->account, c, w, p);
    for (unsigned k = 0; k < UNIT_COUNT; k++)
        if (c->unit[k] && units[k]->exit)
            units[k]->exit(c, c->unit[k], w, p);
    if (c->flow && c->prepared)
        flow_exit(c->flow, w, p);
    view_crossing(c, p->cpu, w, false);
    if (c->switches)
        switches_exit(c->switches, p->cpu, account_reason_of(p), arm_retired(c->m));
}

static void say_wrong_name(struct finding *f, enum sysreg wrong, const struct arm_event *as,
                           uint64_t now)
{
    if (wrong == SR_HCR_EL2)
        finding_say(f, "it is entered with VM 0, %#" PRIx64 ": nothing translates what it accesses",
                    now);
    else
        finding_say(f,
                    "it runs with what was set for another virtual CPU: its value is %#" PRIx64
                    ", it is entered with %#" PRIx64,
                    wrong == SR_VMPIDR_EL2 ? as->world.vmpidr : as->world.vttbr, now);
}

/* Two virtual CPUs take turns on a CPU, and nothing tells them apart. */
static void report_twin(struct arm_checker *c, const struct world *w, enum sysreg wrong,
                        const struct arm_event *p)
{
    struct finding f = finding_about(c, RULE_TRAPCFG, w, wrong, p);

    f.hint = wrong == SR_HCR_EL2      ? "a guest is entered with HCR_EL2.VM"
             : wrong == SR_VMPIDR_EL2 ? "each virtual CPU of a VM has a VMPIDR_EL2 of its own"
                                      : "write VTTBR_EL2 when another VM is next";
    finding_say(&f,
                "another one has run with this value, %#" PRIx64 "%s: its general registers are "
                "where it has left them, and these come from elsewhere",
                checker_reg(c, p->cpu, f.reg),
                wrong == SR_HCR_EL2      ? ", which has VM 0"
                : wrong == SR_VMPIDR_EL2 ? ", and with these tables"
                                         : ", and with this VMPIDR_EL2");
    finding_report(c, &f);
}

/* A virtual CPU with another one's VMPIDR_EL2 or VTTBR_EL2, or without stage 2: it is known by its
 * general registers. */
static struct world *under_its_name(struct arm_checker *c, const struct arm_event *p)
{
    enum sysreg wrong = SR_NONE;
    const struct world *w = c->flow && c->guest_seen ? own_identity(c, p, &wrong) : NULL;
    struct arm_event as = *p;

    if (!w && c->flow && c->prepared && own_is_twin(c, p, &wrong)) {
        struct world *twin = worlds_twin(&c->worlds, p);
        report_twin(c, twin, wrong, p);
        return twin;
    }
    if (!w)
        return worlds_entered(&c->worlds, p, c->flow ? own_known(c, p->cpu) : NULL);
    as.world.vmpidr = w->vmpidr;
    as.world.vttbr = w->root | (uint64_t)w->vmid << 48;
    as.world.vmid = w->vmid;
    as.world.hcr |= FIELD_MASK(HCR_EL2_VM);
    struct finding f = finding_about(c, RULE_TRAPCFG, w, wrong, p);
    f.hint = "nothing sets it on this way";
    say_wrong_name(&f, wrong, &as, checker_reg(c, p->cpu, f.reg));
    finding_report(c, &f);
    return worlds_entered(&c->worlds, &as, w);
}

/* Two virtual CPUs of a VM run at a time, and what they read in MPIDR_EL1 is the same. */
static void report_same_name(struct arm_checker *c, const struct world *w,
                             const struct arm_event *p)
{
    struct finding f = finding_about(c, RULE_TRAPCFG, w, SR_VMPIDR_EL2, p);

    f.hint = "each virtual CPU of a VM has a VMPIDR_EL2 of its own";
    finding_say(&f,
                "another virtual CPU with these tables runs meanwhile, and with the same value, "
                "%#" PRIx64,
                w->vmpidr);
    finding_report(c, &f);
}

static void entered(struct arm_checker *c, struct cpu_view *view, const struct arm_event *p)
{
    struct world *w = under_its_name(c, p);

    if (w->pe_only && w->entries == 1)
        report_same_name(c, w, p);
    note_reset(c, w, p);
    account_enter(c->account, c, p);
    view->running = w;
    view->since = p->count;
    view->guest_seen |= w->kind == WORLD_GUEST;
    c->guest_seen |= w->kind == WORLD_GUEST;
    for (unsigned k = 0; k < UNIT_COUNT; k++)
        if (c->unit[k] && units[k]->enter)
            units[k]->enter(c, c->unit[k], w, p);
    if (c->switches) {
        switches_enter(c->switches, p->cpu, w->index, arm_retired(c->m));
        moves_entered(c, w, p);
    }
    if (c->flow)
        flow_enter(c->flow, p);
    view_crossing(c, p->cpu, w, true);
}

/* A CPU that is switched off has left its world, and will not come back to it. */
static void power(struct arm_checker *c, const struct arm_event *p)
{
    struct cpu_view *view = &c->cpus[p->cpu];

    if (view->running)
        view->running->running = false;
    view->running = NULL;
    view->last = NULL;
    for (unsigned k = 0; k < c->worlds.count; k++)
        if (c->worlds.list[k]->kind == WORLD_HOST && c->worlds.list[k]->pe == p->cpu)
            checker_exit_state(c, c->worlds.list[k])->valid = false;
}

static bool turns_stage2_on(const struct arm_event *p)
{
    return p->kind == ARM_EVENT_SYSREG_WRITE && p->el == 2 &&
           p->sysreg_write.sr == sysreg_number(SR_HCR_EL2) && HCR_EL2_VM(p->sysreg_write.after) &&
           !HCR_EL2_TGE(p->sysreg_write.after);
}

static void on_event(void *ctx, const struct arm_event *p)
{
    struct arm_checker *c = ctx;
    bool known = p->cpu < c->cpu_count;

    if (c->view)
        view_begin(c, p);
    if (known && p->kind == ARM_EVENT_POWER)
        power(c, p);
    if (known && p->kind == ARM_EVENT_EXCEPTION && p->el == 0 && !c->cpus[p->cpu].running)
        c->cpus[p->cpu].user_ran = true;
    if (known && p->kind == ARM_EVENT_WFX && !p->wfx.wfe)
        note_idle(c, p);
    if (known && (ARM_BIT(p->kind) & ACCOUNT_EVENTS))
        account_event(c->account, p);
    c->prepared |= c->guest_seen || turns_stage2_on(p);
    if (known && c->flow && c->prepared)
        flow_event(c->flow, p);
    if (known && p->kind == ARM_EVENT_SYSREG_WRITE && p->el == 2 &&
        p->sysreg_write.sr == sysreg_number(SR_VBAR_EL2))
        names_look(c->names, p->cpu, p->pc);
    tell_units(c, p);
    if (known && p->kind == ARM_EVENT_WORLD && p->world.enter)
        entered(c, &c->cpus[p->cpu], p);
    else if (known && p->kind == ARM_EVENT_WORLD)
        left(c, &c->cpus[p->cpu], p);
    if (known)
        listing_event(c, p);
}

/* Unit @k is told of @events, at EL2 or elsewhere. */
static void tell_unit(struct arm_checker *c, unsigned k, bool el2, uint64_t events)
{
    for (; units[k]->event && events; events &= events - 1)
        c->told[el2][__builtin_ctzll(events)] |= 1U << k;
}

/* What all units want: what is wanted everywhere is not wanted of EL2 once more. */
static int subscribe(struct arm_checker *c, struct arm_error *err)
{
    c->everywhere = ARM_BIT(ARM_EVENT_POWER);
    c->at_el2 = ACCOUNT_EVENTS | ARM_BIT(ARM_EVENT_WFX);
    for (unsigned k = 0; k < UNIT_COUNT; k++)
        if (c->unit[k]) {
            c->everywhere |= units[k]->everywhere;
            c->at_el2 |= units[k]->at_el2;
            tell_unit(c, k, false, units[k]->everywhere);
            tell_unit(c, k, true, units[k]->everywhere | units[k]->at_el2);
        }
    c->at_el2 &= ~c->everywhere;
    struct arm_filter all = {.size = sizeof(all), .events = c->everywhere};
    struct arm_filter el2 = {
        .size = sizeof(el2), .events = c->at_el2, .els = ARM_BIT(2), .lists = true};
    c->handles[CHECKER_EVERYWHERE] = arm_subscribe(c->m, &all, on_event, c);
    c->handles[CHECKER_AT_EL2] =
        c->handles[CHECKER_EVERYWHERE] ? arm_subscribe(c->m, &el2, on_event, c) : 0;
    if (!c->handles[CHECKER_AT_EL2])
        return error_set(err, ARM_EINVAL, "the checker: more than %d subscribers",
                         ARM_SUBSCRIBERS_MAX);
    return 0;
}

static void keep_texts(struct arm_checker *c, const struct arm_check_config *config)
{
    c->budget = g_strdup(config->budget);
    c->write_budget = g_strdup(config->write_budget);
    c->json = g_strdup(config->json);
    c->junit = g_strdup(config->junit);
    c->sarif = g_strdup(config->sarif);
    c->html = g_strdup(config->html);
    c->image = g_strdup(config->image);
    c->rerun = g_strdup(config->rerun);
    c->disassemble = config->disassemble;
}

static int start(struct arm_checker *c, const struct arm_check_config *config,
                 struct arm_error *err)
{
    int rc = rules_parse(config->rules, c->rule_on, err);

    if (rc == 0 && c->budget)
        rc = budget_read(c->account, c->budget, err);
    if (rc)
        return rc;
    for (const char *const *spec = config->symbols; rc == 0 && spec && *spec; spec++)
        rc = names_add(c->names, *spec, err);
    if (rc || (config->suppress && !(c->suppressions = suppressions_load(config->suppress, err))))
        return -ARM_EINVAL;
    for (unsigned k = 0; k < UNIT_COUNT; k++)
        if (checker_unit_on(c, (enum check_unit_id)k))
            c->unit[k] = units[k]->create(c);
    if (c->unit[UNIT_own] || c->unit[UNIT_unknown] || c->unit[UNIT_sync])
        c->flow = flow_new(c);
    if (config->history)
        c->view = view_new(c);
    if (config->html) {
        c->switches = switches_new(c->cpu_count, STRETCHES_MAX);
        c->moves = moves_new();
    }
    return subscribe(c, err);
}

struct arm_checker *arm_checker_new(struct arm_machine *m, const struct arm_check_config *config,
                                    struct arm_error *err)
{
    if (config->size != sizeof(*config)) {
        error_set(err, ARM_EINVAL, "struct arm_check_config: size %zu, expected %zu", config->size,
                  sizeof(*config));
        return NULL;
    }
    struct arm_checker *c = g_new0(struct arm_checker, 1);
    c->m = m;
    c->cpu_count = arm_cpu_count(m);
    c->cpus = g_new0(struct cpu_view, c->cpu_count);
    regs_init(&c->regs, m);
    c->account = account_new(m, c->cpu_count);
    c->findings = findings_new();
    c->names = names_new(m);
    c->backtraces = backtraces_new();
    if (config->write_budget)
        account_be_exact(c->account);
    keep_texts(c, config);
    if (start(c, config, err) == 0)
        return c;
    arm_checker_free(c);
    return NULL;
}

void checker_print_worlds(const struct arm_checker *c, arm_line_fn *line, void *ctx)
{
    char text[200];

    g_snprintf(text, sizeof(text), "design: %s", worlds_design(&c->worlds));
    line(ctx, text);
    for (unsigned k = 0; k < c->worlds.count; k++) {
        const struct world *w = c->worlds.list[k];
        g_snprintf(text, sizeof(text),
                   "world %-18s VTTBR %#" PRIx64 " VMID %u VMPIDR %#" PRIx64 "  entered %" PRIu64
                   " times, %" PRIu64 " instructions",
                   w->name, w->root, w->vmid, w->vmpidr, w->entries, w->insns);
        line(ctx, text);
    }
}

static void print_followed(const struct arm_checker *c, arm_line_fn *line, void *ctx)
{
    char text[100];
    uint64_t all = arm_retired(c->m);

    g_snprintf(text, sizeof(text), "followed: %" PRIu64 " instructions of %" PRIu64 " (%.1f %%)",
               flow_followed(c->flow), all,
               100.0 * (double)flow_followed(c->flow) / (double)(all + !all));
    line(ctx, text);
}

int arm_checker_end(struct arm_checker *c, arm_line_fn *line, void *ctx, struct arm_error *err)
{
    for (unsigned k = 0; k < UNIT_COUNT; k++)
        if (c->unit[k] && units[k]->end)
            units[k]->end(c, c->unit[k]);
    checker_print_worlds(c, line, ctx);
    account_print(c->account, line, ctx);
    if (c->flow)
        print_followed(c, line, ctx);
    findings_print(c, line, ctx);
    budget_print(c, line, ctx);
    unsigned bad = findings_count(c->findings, true) + budget_exceeded(c->account);
    int rc = findings_write(c, err);
    if (rc == 0 && c->write_budget)
        rc = budget_write(c->account, c->write_budget, err);
    return rc ? rc : (int)bad;
}

void arm_checker_free(struct arm_checker *c)
{
    if (!c)
        return;
    for (unsigned k = 0; k < CHECKER_HANDLES; k++)
        if (c->handles[k])
            arm_unsubscribe(c->m, c->handles[k]);
    for (unsigned k = 0; k < UNIT_COUNT; k++)
        if (c->unit[k] && units[k]->destroy)
            units[k]->destroy(c->unit[k]);
    flow_free(c->flow);
    view_free(c->view);
    switches_free(c->switches);
    moves_free(c->moves);
    g_free(c->exits);
    worlds_free(&c->worlds);
    account_free(c->account);
    findings_free(c->findings);
    names_free(c->names);
    backtraces_free(c->backtraces);
    suppressions_free(c->suppressions);
    g_free(c->cpus);
    g_free(c->budget);
    g_free(c->write_budget);
    g_free(c->json);
    g_free(c->junit);
    g_free(c->sarif);
    g_free(c->html);
    g_free(c->image);
    g_free(c->rerun);
    g_free(c);
}
