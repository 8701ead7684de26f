/* Slips with whose register it is: EL2 writes those of EL1, and means its own. */
#include <inttypes.h>

#include "death_abort.h"

bool death_add_other_el(const struct corpse *c, unsigned cpu, const char *stem, GString *out)
{
    char own[32], other[32];

    g_snprintf(own, sizeof(own), "%s_EL2", stem);
    g_snprintf(other, sizeof(other), "%s_EL1", stem);
    const struct death_write *w = death_written(c, cpu, other);
    if (!w || w->el != 2 || death_written(c, cpu, own))
        return false;
    g_autofree char *at = death_place(c, cpu, w->el, w->pc);
    g_string_append_printf(
        out, "%s was never written, but %s was, by EL2 itself at %s: EL2 has registers of its own",
        own, other, at);
    return true;
}

bool death_add_own_registers(const struct abort *a, GString *out)
{
    return death_regime_el(a) == 2 && (death_add_other_el(a->c, a->f->cpu, "TTBR0", out) ||
                                       death_add_other_el(a->c, a->f->cpu, "TCR", out));
}

bool death_add_entered_on(const struct abort *a, GString *out)
{
    const struct death_write *w = death_written(a->c, a->f->cpu, "SCTLR_EL1");
    const struct death_return *r = a->c->history ? &a->c->history->entered[a->f->cpu] : NULL;

    if (!w || w->el != 2 || !(w->after & 1) || !r || !r->valid || r->target != a->address ||
        r->to != 1)
        return false;
    g_autofree char *at = death_place(a->c, a->f->cpu, w->el, w->pc);
    g_string_append_printf(out,
                           "SCTLR_EL1 was written as %#" PRIx64 " at %s (EL2): M is 1, so that "
                           "EL1 begins with its MMU on",
                           w->value, at);
    return true;
}
