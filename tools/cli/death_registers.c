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

/* Where no table leads on, a register of the walk may have what reset has left in it. */
bool death_add_unwritten(const struct abort *a, GString *out)
{
    unsigned stage = a->stage2 ? 2 : 1, el = death_regime_el(a);
    const char *const names[2][2] = {{death_is_upper(a) ? "TTBR1" : "TTBR0", "TCR"},
                                     {"VTTBR", "VTCR"}};

    if (stage == 1 && el == 2 && death_is_upper(a) &&
        !(death_reg(a->c, a->f->cpu, "HCR_EL2") >> 34 & 1)) /* E2H: there is no TTBR1_EL2 */
        return false;
    for (size_t k = 0; a->c->history && a->steps[stage] < 2 && k < 2; k++) {
        g_autofree char *name =
            g_strdup_printf("%s_EL%u", names[stage - 1][k], stage == 2 ? 2 : el);
        if (death_written(a->c, a->f->cpu, name))
            continue;
        g_string_append_printf(out, "%s was never written on cpu%u, it is %#" PRIx64, name,
                               a->f->cpu, death_reg(a->c, a->f->cpu, name));
        return true;
    }
    return false;
}

bool death_add_own_mmu(const struct abort *a, GString *out)
{
    const struct death_write *w = death_written(a->c, a->f->cpu, "SCTLR_EL1");

    /* Before it has returned anywhere: a guest's may be on. */
    if (death_regime_el(a) != 2 || !w || w->el != 2 || !(w->after & 1) ||
        a->c->history->entered[a->f->cpu].valid)
        return false;
    g_autofree char *at = death_place(a->c, a->f->cpu, w->el, w->pc);
    g_string_append_printf(out, "EL2 has switched on the MMU of EL1 (SCTLR_EL1.M), at %s", at);
    return true;
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
