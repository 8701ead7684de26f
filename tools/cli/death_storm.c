/* An interrupt that comes again as soon as its handler returns: what its source still wants, and
 * what the handler has left out. */
#include <inttypes.h>
#include <string.h>

#include "death_trace.h"

#define SPIS_END 1020

/* The interrupt that is in hand: enabled, and active or pending. */
static bool find_busy(const struct corpse *c, unsigned *intid, struct arm_irq *irq)
{
    for (*intid = 0; *intid < SPIS_END; (*intid)++) {
        *irq = (struct arm_irq){.size = sizeof(*irq)};
        if (arm_irq_get(c->m, c->cpu, *intid, irq) && irq->enabled &&
            (irq->active || irq->pending || irq->line))
            return true;
    }
    return false;
}

/* Since when it is due, and whether it looks as if it had been given the wrong way. */
static void add_due(const struct corpse *c, const struct death_timer *timer, GString *out)
{
    uint64_t now = death_reg(c, c->cpu, timer->intid == 27 ? "CNTVCT_EL0" : "CNTPCT_EL0");
    g_autofree char *tval = g_strdup(timer->cval);
    *strstr(tval, "CVAL") = 'T';
    const struct death_write *w = death_written(c, c->cpu, timer->cval),
                             *by_tval = death_written(c, c->cpu, tval);

    g_string_append_printf(out, "; %s is %#" PRIx64 ", the counter %#" PRIx64, timer->cval,
                           death_reg(c, c->cpu, timer->cval), now);
    bool ticks = by_tval && (!w || by_tval->count > w->count);
    w = ticks ? by_tval : w;
    if (!w)
        return;
    g_autofree char *at = death_place(c, c->cpu, w->el, w->pc);
    if (ticks)
        g_string_append_printf(out, "; %s was written as %d at %s", tval, (int)w->value, at);
    else
        g_string_append_printf(out, "; it was written at %s", at);
    if (!ticks && w->value && w->value < now / 2)
        g_string_append(out, ": in ticks from now? that is TVAL's");
}

/* The handler has not acknowledged it, or asked for another group's. */
static void add_acknowledge(const struct corpse *c, const struct arm_irq *irq, GString *out)
{
    const struct arm_event *p;
    bool seen[2] = {false, false};
    struct arm_insn_use use;

    for (unsigned n = 0; (p = death_trace_back(c->trace, n)); n++)
        if (p->kind == ARM_EVENT_INSN && arm_insn_uses(p->insn.word, &use) &&
            use.kind == ARM_INSN_MRS) {
            seen[0] |= use.from == arm_reg_number("ICC_IAR0_EL1");
            seen[1] |= use.from == arm_reg_number("ICC_IAR1_EL1");
        }
    if (!c->trace || seen[1] || c->config->gic.version == 2)
        return;
    g_string_append(out, seen[0] && irq->group
                             ? "its handler reads ICC_IAR0_EL1, which has interrupts of group 0, "
                               "and it is of group 1: it is never acknowledged; "
                             : "its handler never acknowledges it (ICC_IAR1_EL1); ");
}

/* ICH_MISR_EL2: why a maintenance interrupt comes, by bit, and what ends it. IHI0069 12.4.8. */
static const struct {
    const char *name, *ends;
} misr[] = {{"EOI", "clear the list registers with EOI that have ended"},
            {"U", "fill list registers, or clear ICH_HCR_EL2.UIE"},
            {"LRENP", "clear ICH_HCR_EL2.EOIcount"},
            {"NP", "make one pending, or clear ICH_HCR_EL2.NPIE"},
            {"VGrp0E", "clear ICH_HCR_EL2.VGrp0EIE"},
            {"VGrp0D", "clear ICH_HCR_EL2.VGrp0DIE"},
            {"VGrp1E", "clear ICH_HCR_EL2.VGrp1EIE"},
            {"VGrp1D", "clear ICH_HCR_EL2.VGrp1DIE"}};

static void add_maintenance(const struct corpse *c, struct verdict *v)
{
    uint64_t why = death_reg(c, c->cpu, "ICH_MISR_EL2");

    g_string_append_printf(v->evidence, "ICH_MISR_EL2 is %#" PRIx64 ":", why);
    for (size_t k = 0; k < G_N_ELEMENTS(misr); k++)
        if (why >> k & 1) {
            g_string_append_printf(v->evidence, " %s", misr[k].name);
            g_string_append_printf(v->next, "%s%s", v->next->len ? "; " : "", misr[k].ends);
        }
    g_string_append_printf(v->evidence, "; ICH_HCR_EL2 is %#" PRIx64,
                           death_reg(c, c->cpu, "ICH_HCR_EL2"));
}

static void add_source(const struct corpse *c, unsigned intid, const struct arm_irq *irq,
                       struct verdict *v)
{
    const struct death_timer *timer = death_timer(intid);

    if (!timer) {
        g_string_printf(v->evidence, "its line is %s%s", irq->line ? "high" : "low",
                        irq->line ? ": its device still wants something" : "");
        g_string_assign(v->next, "the handler takes away the device's reason (its status, data or "
                                 "clear register) before the end of the interrupt");
        return;
    }
    g_string_printf(v->evidence, "%s is %#" PRIx64 ": on and due, so its line stays high",
                    timer->ctl, death_reg(c, c->cpu, timer->ctl));
    add_due(c, timer, v->evidence);
    g_string_assign(v->next, "the handler sets the timer anew (CVAL or TVAL), masks it (IMASK) or "
                             "switches it off, then ISB, before the end of the interrupt");
}

bool death_find_busy(const struct corpse *c, unsigned *intid)
{
    struct arm_irq irq;

    return find_busy(c, intid, &irq);
}

/* HCR_EL2.VI or .VF, by which EL2 has given its guest an interrupt, and which it has not cleared.
 */
static bool explain_vi(const struct corpse *c, struct verdict *v)
{
    uint64_t hcr = death_reg(c, c->cpu, "HCR_EL2");
    const char *bit = hcr >> 7 & 1 ? "VI" : "VF";
    const struct death_write *w = death_written(c, c->cpu, "HCR_EL2");

    if (death_el(c, c->cpu) == 2 || !(hcr >> 6 & 3))
        return false;
    g_string_printf(v->cause,
                    "a virtual interrupt comes again as soon as its handler returns: HCR_EL2.%s is "
                    "1, and EL2 never clears it",
                    bit);
    g_string_printf(v->evidence, "HCR_EL2 is %#" PRIx64, hcr);
    if (w) {
        g_autofree char *at = death_place(c, c->cpu, w->el, w->pc);
        g_string_append_printf(v->evidence, ", written at %s", at);
    }
    g_string_printf(v->next,
                    "clear HCR_EL2.%s once the guest has acknowledged it: nothing but EL2 does; "
                    "list registers (ICH_LR<n>_EL2) end by themselves",
                    bit);
    return true;
}

/* EL2 has given it to its guest by a list register, and it comes to EL2 again before the guest
 * could see it. IHI0069 12.4.7: State, bits 63:62; HW, bit 61; pINTID, bits 44:32; vINTID, bits
 * 31:0. */
static bool explain_given(const struct corpse *c, unsigned intid, struct verdict *v)
{
    uint64_t ctlr = death_reg(c, c->cpu, "ICC_CTLR_EL1");

    for (unsigned n = 0; n < 16; n++) {
        char name[20];
        g_snprintf(name, sizeof(name), "ICH_LR%u_EL2", n);
        uint64_t lr = death_reg(c, c->cpu, name);
        bool hw = lr >> 61 & 1;
        if (!(lr >> 62) || (hw ? lr >> 32 & 0x1fff : lr & 0xffffffff) != intid)
            continue;
        g_string_printf(v->evidence,
                        "LR%u is %#" PRIx64 ": virtual INTID %u, HW %u; ICC_CTLR_EL1 is %#" PRIx64,
                        n, lr, (unsigned)lr, hw, ctlr);
        if (!hw) {
            g_string_append(v->cause, ": EL2 has given it to its guest by a list register without "
                                      "HW, and ended it while its source is on");
            g_string_assign(v->next, "set ICH_LR<n>_EL2.HW and pINTID, so that it ends when the "
                                     "guest ends it; or mask the source until then (IMASK)");
        } else {
            g_string_append(v->cause, ": EL2 has given it to its guest by a list register with HW, "
                                      "and deactivated it itself");
            g_string_append_printf(v->evidence, ": EOImode is %u%s", (unsigned)ctlr >> 1 & 1,
                                   ctlr >> 1 & 1 ? "" : ", so that ICC_EOIR1_EL1 deactivates too");
            g_string_assign(v->next,
                            "set ICC_CTLR_EL1.EOImode at EL2 and write ICC_EOIR1_EL1 only: "
                            "the guest's own end of it deactivates the physical one");
        }
        return true;
    }
    return false;
}

/* PSTATE.I is cleared before it is acknowledged, or while nothing holds it back. */
static void explain_stacked(const struct corpse *c, unsigned intid, struct verdict *v)
{
    const struct death_fault *last =
        c->history ? &c->history->last[(c->history->exceptions - 1) % DEATH_EXCEPTIONS] : NULL;

    g_string_printf(v->cause,
                    "INTID %u (%s) is taken within its own handler, again and again: none of them "
                    "returns",
                    intid, death_irq_name(intid));
    if (last && last->valid) {
        g_autofree char *at = death_place(c, c->cpu, last->from, last->elr);
        g_string_append_printf(v->evidence, "interrupts are on again in the handler at %s; ", at);
    }
    g_string_append_printf(v->evidence, "what each has pushed stays: SP is %#" PRIx64,
                           death_reg(c, c->cpu, "sp"));
    g_string_assign(v->next, DEATH_NESTED_NEXT);
}

bool death_explain_storm(const struct corpse *c, struct verdict *v)
{
    struct arm_irq irq;
    unsigned intid;

    if (explain_vi(c, v))
        return true;
    if (!find_busy(c, &intid, &irq)) {
        g_string_printf(v->cause, "cpu%u takes an interrupt again and again: nothing else retires",
                        c->cpu);
        return true;
    }
    if (c->stacked) {
        explain_stacked(c, intid, v);
        return true;
    }
    g_string_printf(v->cause, "INTID %u (%s) comes again as soon as its handler returns", intid,
                    death_irq_name(intid));
    if (intid != PPI_MAINTENANCE && explain_given(c, intid, v))
        return true;
    g_string_append(v->cause, ": nothing else retires, its reason is never taken away");
    g_autoptr(GString) acknowledge = g_string_new(NULL);
    if (intid == PPI_MAINTENANCE)
        add_maintenance(c, v);
    else
        add_source(c, intid, &irq, v);
    add_acknowledge(c, &irq, acknowledge);
    g_string_prepend(v->evidence, acknowledge->str);
    return true;
}
