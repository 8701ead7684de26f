/* The next instructions are not mapped, since the MMU has just been switched on, or its tables were
 * exchanged. */
#include <inttypes.h>

#include "death_abort.h"

#define NEAR 24 /* bytes from such an instruction to where it is noticed: TLBI, DSB, ISB */

/* Was the MMU switched on by an instruction just before? */
static const struct death_write *switched_on(const struct abort *a)
{
    char name[16];

    g_snprintf(name, sizeof(name), "SCTLR_EL%u", death_regime_el(a));
    const struct death_write *w = death_written(a->c, a->f->cpu, name);
    return w && (w->after & 1) && !(w->before & 1) && a->access == ARM_ACCESS_EXECUTE &&
                   a->address - w->pc <= NEAR
               ? w
               : NULL;
}

/* Was the regime given other tables, or another size of addresses, by an instruction just before?
 */
static const struct death_write *switched_tables(const struct abort *a)
{
    static const char *const names[] = {"TTBR0_EL%u", "TTBR1_EL%u", "TCR_EL%u"};
    const struct death_write *last = switched_on(a);
    uint64_t since = last ? last->count : 0;

    last = NULL;
    for (size_t k = 0; k < G_N_ELEMENTS(names) && a->access == ARM_ACCESS_EXECUTE; k++) {
        g_autofree char *name = g_strdup_printf(names[k], death_regime_el(a));
        const struct death_write *w = death_written(a->c, a->f->cpu, name);
        if (w && (death_sctlr(a) & 1) && w->count > since && a->address - w->pc <= NEAR) {
            last = w;
            since = w->count;
        }
    }
    return last;
}

bool death_has_switched(const struct abort *a)
{
    return switched_on(a) || switched_tables(a);
}

/* The code that runs is not in them. */
static void explain_new_tables(const struct abort *a, const struct death_write *w,
                               struct verdict *v)
{
    const char *name = arm_reg_name(w->number);
    g_autofree char *at = death_place(a->c, a->f->cpu, w->el, w->pc);

    g_string_printf(v->cause,
                    "%s was written, as %#" PRIx64
                    ", at %s, while the MMU is on, and the fetch of %#" PRIx64
                    " behind it is not mapped any more",
                    name, w->value, at, a->address);
    if (a->steps[1])
        death_add_descriptor(a, 1, v->evidence);
    else
        death_explain_out_of_range(a, v);
    g_string_assign(v->next, "what runs has to be in the old and the new tables, at the same "
                             "address; leave an identity map by a jump to where the other register "
                             "has the code");
}

bool death_explain_mmu_on(const struct abort *a, struct verdict *v)
{
    const struct death_write *w = switched_on(a), *tables = switched_tables(a);

    if (tables)
        explain_new_tables(a, tables, v);
    if (tables || !w)
        return tables;
    g_autofree char *at = death_place(a->c, a->f->cpu, a->f->from, w->pc);
    g_string_printf(
        v->cause,
        "the MMU was switched on at %s, and the next instruction is not mapped there: ", at);
    if (a->steps[1])
        death_add_descriptor(a, 1, v->evidence);
    else
        g_string_printf(v->evidence,
                        "%#" PRIx64 " is not among the addresses of TCR_EL%u (%#" PRIx64 ")",
                        a->address, death_regime_el(a), death_tcr(a));
    if (death_is_disabled(a))
        g_string_append_printf(v->cause, "TCR_EL%u.EPD%u is 1: no walks of TTBR%u",
                               death_regime_el(a), death_is_upper(a), death_is_upper(a));
    else if (death_add_own_registers(a, v->cause))
        g_string_assign(v->next, "write TTBR0_EL2, TCR_EL2 and MAIR_EL2 before SCTLR_EL2.M");
    else if (death_add_unwritten(a, v->cause))
        g_string_assign(v->next, "write TTBR0_ELx, TCR_ELx and MAIR_ELx on each CPU before "
                                 "SCTLR_ELx.M, with an ISB between");
    else if (death_add_big_endian(a, v->cause))
        g_string_assign(v->next, "write SCTLR_ELx with its RES1 bits and what is meant, and EE 0");
    else if (death_add_unaligned_base(a, 1, v->cause) || death_add_trial(a, v->cause))
        g_string_assign(v->next, "compare TCR_ELx (T0SZ, TG0), TTBR0_ELx and the tables' first "
                                 "level: do they fit together?");
    else
        g_string_append(v->cause, "no identity map");
    if (!v->next->len)
        g_string_assign(v->next, "map the code that switches the MMU on at its physical address, "
                                 "in the tables of TTBR0");
    return true;
}
