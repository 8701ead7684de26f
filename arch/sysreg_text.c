#include "arch/sysreg_text.h"

#include <string.h>

#include "arch/sysreg_owner.h"

void sysreg_text_encoding(FILE *to, const struct sysreg_row *row)
{
    fprintf(to, "S%u_%u_C%u_C%u_%u", (unsigned)bits(row->enc, 15, 14),
            (unsigned)bits(row->enc, 13, 11), (unsigned)bits(row->enc, 10, 7),
            (unsigned)bits(row->enc, 6, 3), (unsigned)bits(row->enc, 2, 0));
}

const char *sysreg_text_access(const struct sysreg_row *row)
{
    switch (row->access) {
    case SR_READ:
        return "read";
    case SR_WRITE:
        return "write";
    case SR_READ | SR_WRITE:
        return "read, write";
    case SR_OP:
        return "executed";
    default:
        return "none (UNDEFINED outside Debug state)";
    }
}

/* Does a group of the row make it UNDEFINED at EL0, whatever the controls? */
static bool never_at_el0(const struct sysreg_row *row, unsigned access)
{
    for (unsigned g = 0; g < SYSREG_TRAPS && row->trap[g]; g++)
        for (const struct trap_rule *r = trap_groups[row->trap[g]].rules; r->mask; r++)
            if (r->when == WHEN_NEVER_ALLOWED && (r->els & 1) && (r->access & access))
                return true;
    return false;
}

const char *sysreg_text_undefined(const struct sysreg_row *row, unsigned access)
{
    if (!(row->access & access))
        return "UNDEFINED at every EL";
    if (row->alias && row->access != SR_OP)
        return "UNDEFINED at EL0 and EL1, and at EL2 unless HCR_EL2.E2H is 1";
    if (row->alias)
        row = &sysreg_rows[row->alias];
    switch (sysreg_min_el(row->enc)) {
    case 0:
        return never_at_el0(row, access) ? "UNDEFINED at EL0" : NULL;
    case 1:
        return "UNDEFINED at EL0";
    case 2:
        return "UNDEFINED at EL0 and EL1";
    default:
        return "UNDEFINED at every EL";
    }
}

void sysreg_text_effects(FILE *to, const struct sysreg_row *row)
{
    static const struct {
        uint8_t fx;
        const char *text;
    } effects[] = {
        {SR_FX_REGIME, "translation"},     {SR_FX_FP, "whether FP instructions trap"},
        {SR_FX_TIMER, "timers"},           {SR_FX_IRQ, "which interrupts are taken"},
        {SR_FX_DEBUG, "debug exceptions"}, {SR_FX_PMU, "event counting"},
    };
    const char *separator = "";

    for (size_t k = 0; k < ARRAY_SIZE(effects); k++)
        if (row->fx & effects[k].fx) {
            fprintf(to, "%s%s", separator, effects[k].text);
            separator = ", ";
        }
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), e = strlen(end);

    return n >= e && !strcmp(text + n - e, end);
}

#define E2H "_E2H" /* ends the names of fields that are there while HCR_EL2.E2H is 1 */

/* Names of the fields of @sr within @mask. Where E2H gives a bit another name, @e2h chooses.
 * Return: it is one of those. */
static bool print_fields(FILE *to, unsigned sr, uint64_t mask, bool e2h)
{
    const char *separator = "";
    bool laid_out = false;

    for (unsigned pass = 0; pass < 2; pass++)
        for (const struct sysreg_field *f = sysreg_fields; f->name[0]; f++)
            if (f->sr == sr && (MASK(f->hi, f->lo) & ~mask) == 0 &&
                ends_with(f->name, E2H) == (pass == 0 ? e2h : !e2h)) {
                size_t length = strlen(f->name) - (ends_with(f->name, E2H) ? strlen(E2H) : 0);
                fprintf(to, "%s%s.%.*s", separator, sysreg_rows[sr].name, (int)length, f->name);
                separator = " and ";
                mask &= ~MASK(f->hi, f->lo);
                laid_out |= ends_with(f->name, E2H);
            }
    return laid_out;
}

void sysreg_text_control(FILE *to, const struct trap_rule *rule)
{
    bool e2h = rule->when == WHEN_HOST || rule->when == WHEN_E2H1;
    bool laid_out = print_fields(to, rule->control, rule->mask, e2h);

    fprintf(to, " %s%s",
            !rule->on && (rule->mask & (rule->mask - 1)) ? "are both 0"
            : rule->on                                   ? "is 1"
                                                         : "is 0",
            laid_out ? " (as E2H lays it out)" : "");
}

void sysreg_text_rule(FILE *to, const struct trap_rule *rule)
{
    static const char *const els[] = {"", "EL0 ", "EL1 ", "EL0 and EL1 "};
    static const char *const accesses[] = {"", "reads", "writes", "accesses"};
    static const char *const whens[] = {
        [WHEN_ANY] = "",
        [WHEN_GUEST] = ", not at EL0 with E2H and TGE",
        [WHEN_HOST] = ", at EL0 with E2H and TGE",
        [WHEN_E2H0] = ", when HCR_EL2.E2H is 0",
        [WHEN_E2H1] = ", when HCR_EL2.{E2H,TGE} is {1,0}",
        [WHEN_NEVER_ALLOWED] = "",
    };
    bool el2;

    fprintf(to, "%s%s ", els[rule->els & 3], accesses[rule->access & 3]);
    if (rule->when == WHEN_NEVER_ALLOWED) {
        fprintf(to, "are UNDEFINED");
        return;
    }
    el2 = sysreg_min_el(sysreg_rows[rule->control].enc) == 2;
    fprintf(to, "trap to %s while ", el2 ? "EL2" : "EL1 (EL2 if TGE)");
    sysreg_text_control(to, rule);
    fprintf(to, "%s", whens[rule->when]);
}

/* @register_.field at the row's bit, if there is one. */
static const char *fgt_field(unsigned sr, unsigned bit_number)
{
    for (const struct sysreg_field *f = sysreg_fields; f->name[0]; f++)
        if (f->sr == sr && f->hi == bit_number && f->lo == bit_number)
            return f->name;
    return NULL;
}

void sysreg_text_fgt(FILE *to, const struct sysreg_row *row)
{
    unsigned read = sysreg_fgt_read[row->fgt.set], write = sysreg_fgt_write[row->fgt.set];
    const char *name, *separator = "";

    if (row->fgt.set == FGT_NONE)
        return;
    if (row->access & SR_READ && (name = fgt_field(read, row->fgt.bit))) {
        fprintf(to, "%s.%s for reads", sysreg_rows[read].name, name);
        separator = ", ";
    }
    if (row->access & (SR_WRITE | SR_OP) && (name = fgt_field(write, row->fgt.bit)))
        fprintf(to, "%s%s.%s%s", separator, sysreg_rows[write].name, name,
                row->access & SR_OP ? "" : " for writes");
}

void sysreg_text_owner(FILE *to, enum sysreg sr)
{
    enum sysreg_owner owner = sysreg_owner(sr);

    fprintf(to, "%s: %s", sysreg_owner_name(owner), sysreg_owner_text(owner));
}
