/* What the tables say about a system register or operation, for people. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/cpu_models.h"
#include "arch/insn.h"
#include "arch/place.h"
#include "arch/sysreg.h"
#include "arch/sysreg_text.h"
#include "armillary.h"
#include "machine/place.h"

static void label(FILE *to, const char *text)
{
    fprintf(to, "  %-14s", text);
}

static uint32_t instruction(const struct sysreg_row *row, bool read)
{
    return 0xd5000000 | (uint32_t)read << 21 | (uint32_t)row->enc << 5;
}

static void print_encoding(FILE *to, const struct sysreg_row *row)
{
    label(to, "encoding");
    sysreg_text_encoding(to, row);
    fprintf(to, " (op0 %u, op1 %u, CRn %u, CRm %u, op2 %u)", (unsigned)bits(row->enc, 15, 14),
            (unsigned)bits(row->enc, 13, 11), (unsigned)bits(row->enc, 10, 7),
            (unsigned)bits(row->enc, 6, 3), (unsigned)bits(row->enc, 2, 0));
    if (row->access & SR_OP)
        fprintf(to, "; SYS with x0 %#010x", instruction(row, false));
    if (row->access & SR_READ)
        fprintf(to, "; MRS x0 %#010x", instruction(row, true));
    if (row->access & SR_WRITE)
        fprintf(to, "; MSR x0 %#010x", instruction(row, false));
    fprintf(to, "\n");
}

/* At which ELs an access is UNDEFINED, whatever the controls. */
static void print_undefined(FILE *to, const struct sysreg_row *row)
{
    const char *read = row->access & SR_READ ? sysreg_text_undefined(row, SR_READ) : NULL;
    const char *write = row->access & SR_WRITE ? sysreg_text_undefined(row, SR_WRITE) : NULL;
    const char *op = row->access & SR_OP ? sysreg_text_undefined(row, SR_OP) : NULL;

    if (read && write && !strcmp(read, write))
        op = read;
    else if (read)
        fprintf(to, "; reads %s", read);
    else if (write)
        fprintf(to, "; writes %s", write);
    if (op)
        fprintf(to, "; %s", op);
}

static void print_access(FILE *to, const struct sysreg_row *row)
{
    unsigned el = sysreg_min_el(row->enc);

    label(to, "access");
    fprintf(to, "%s", sysreg_text_access(row));
    if (row->alias && row->access != SR_OP)
        fprintf(to, "; EL2 with HCR_EL2.E2H only");
    else if (row->access)
        fprintf(to, "; EL%u%s", el, el < 2 ? " and above" : "");
    print_undefined(to, row);
    if (row->feature != FEAT_BASE)
        fprintf(to, "; UNDEFINED without FEAT_%s", feature_name((enum feature)row->feature));
    fprintf(to, "\n");
}

/* Rows that lead here, and where this one leads. */
static void print_redirection(FILE *to, enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    if (row->e2h) {
        label(to, "redirection");
        fprintf(to, "at EL2 with HCR_EL2.E2H the access goes to %s%s\n", sysreg_rows[row->e2h].name,
                row->host_el0 ? ", also at EL0 with TGE" : "");
    }
    if (row->alias) {
        label(to, "alias");
        fprintf(to, "of %s\n", sysreg_rows[row->alias].name);
    }
    for (unsigned k = 0; k < SR_COUNT; k++) {
        if (sysreg_rows[k].alias == sr && sr) {
            label(to, "alias");
            fprintf(to, "%s is another name of it\n", sysreg_rows[k].name);
        }
        if (sysreg_rows[k].e2h == sr && sr) {
            label(to, "redirection");
            fprintf(to, "%s is this register at EL2 with HCR_EL2.E2H\n", sysreg_rows[k].name);
        }
    }
}

static void print_place(FILE *to, struct place p)
{
    if (p.file)
        fprintf(to, "%s:%u", p.file, p.line);
    else
        fprintf(to, "place not known");
}

/* What @function does, or that there is none and the register is stored. */
static void print_function(FILE *to, const char *what, const char *function, enum sysreg sr)
{
    label(to, what);
    if (!function) {
        fprintf(to, "storage: cpu->sr[SR_%s]\n", sysreg_rows[sr].name);
        return;
    }
    fprintf(to, "%s(), ", function);
    print_place(to, accessor_place(function));
    fprintf(to, "\n");
}

/* The row, and what is done by an access. */
static void print_code(FILE *to, enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    label(to, "row");
    print_place(to, sysreg_row_place(sr));
    fprintf(to, "\n");
    if (row->alias)
        sr = (enum sysreg)row->alias;
    if (row->access & SR_READ)
        print_function(to, "read by", sysreg_reader(sr), sr);
    if (row->access & SR_WRITE)
        print_function(to, "written by", sysreg_writer(sr), sr);
    if (row->access & SR_OP)
        print_function(to, "executed by", sysreg_executor(sr), sr);
}

static void print_traps(FILE *to, const struct sysreg_row *row)
{
    const char *text = "traps";

    if (row->alias)
        row = &sysreg_rows[row->alias];
    for (unsigned g = 0; g < SYSREG_TRAPS && row->trap[g]; g++)
        for (const struct trap_rule *r = trap_groups[row->trap[g]].rules; r->mask; r++) {
            /* Groups are shared: a rule for writes says nothing about a read-only register. */
            if (!(row->access & SR_OP) && !(r->access & row->access))
                continue;
            label(to, text);
            sysreg_text_rule(to, r);
            fprintf(to, " (%s; ", trap_groups[row->trap[g]].text);
            print_place(to, trap_group_place((enum trap_group)row->trap[g]));
            fprintf(to, ")\n");
            text = "";
        }
    if (row->fp) {
        label(to, text);
        fprintf(to, "like FP instructions: CPACR_EL1.FPEN, CPTR_EL2\n");
        text = "";
    }
    if (row->fgt.set != FGT_NONE) {
        label(to, text);
        fprintf(to, "below EL2, not at EL0 with E2H and TGE, to EL2: ");
        sysreg_text_fgt(to, row);
        fprintf(to, " (fine-grained)\n");
    }
}

static void print_gic(FILE *to, const struct sysreg_row *row)
{
    static const char *const texts[] = {
        [SYSREG_GIC_NONE] = NULL,
        [SYSREG_GIC_COMMON] = "the virtual interface's at EL1 with HCR_EL2.IMO or FMO",
        [SYSREG_GIC_GROUP0] = "the virtual interface's at EL1 with HCR_EL2.FMO",
        [SYSREG_GIC_GROUP1] = "the virtual interface's at EL1 with HCR_EL2.IMO",
        [SYSREG_GIC_SGI] = "sends an interrupt",
        [SYSREG_GIC_SRE] = "enables the system register interface",
        [SYSREG_GIC_HYP] = "controls the virtual interface",
    };

    if (row->gic) {
        label(to, "GIC");
        fprintf(to, "%s\n", texts[row->gic]);
    }
}

/* Where the value is, and whose it is in a world switch. */
static void print_home(FILE *to, enum sysreg sr)
{
    enum sysreg_home home = sysreg_home(sr);

    if (home != HOME_NONE) {
        label(to, "home");
        fprintf(to, "%s\n", sysreg_home_name(home));
    }
    label(to, "world switch");
    sysreg_text_owner(to, sr);
    fprintf(to, "\n");
}

/* Constant ID registers have a value in each model, as have registers of the named cores; others
 * come out of reset with one. */
static void print_values(FILE *to, enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];
    bool id = false;

    for (const struct cpu_model *m = cpu_models; m->name; m++) {
        struct features f = cpu_model_features(m);
        uint64_t v = cpu_model_id(m, &f, sr);
        if (cpu_model_reset(m, sr, &v) || v) {
            if (!id)
                label(to, "models");
            fprintf(to, "%s%s %#" PRIx64, id ? ", " : "", m->name, v);
            id = true;
        }
    }
    if (id)
        fprintf(to, "\n");
    if (row->access & SR_WRITE) {
        label(to, "reset");
        fprintf(to, "%#" PRIx64 "%s\n", row->reset,
                row->wr || row->gic ? " (stored by its owner)" : "");
    }
}

static void print_writes(FILE *to, const struct sysreg_row *row)
{
    if (row->fx) {
        label(to, "a write");
        fprintf(to, "changes ");
        sysreg_text_effects(to, row);
        fprintf(to, "\n");
    }
}

static void print_fields(FILE *to, enum sysreg sr, const uint64_t *value)
{
    uint64_t named = 0, rest;

    if (sysreg_rows[sr].alias)
        sr = (enum sysreg)sysreg_rows[sr].alias;
    for (const struct sysreg_field *f = sysreg_fields; f->name[0]; f++) {
        if (f->sr != sr)
            continue;
        fprintf(to, "%s  %2u:%-2u  %-16s", named ? "" : "\n", f->hi, f->lo, f->name);
        if (value)
            fprintf(to, " = %#-18" PRIx64, bits(*value, f->hi, f->lo));
        if (f->feature == FEAT_NEVER)
            fprintf(to, " %s", f->res1 ? "RES1" : "RES0");
        else if (f->feature != FEAT_BASE)
            fprintf(to, " with FEAT_%s, else %s", feature_name((enum feature)f->feature),
                    f->res1 ? "RES1" : "RES0");
        fprintf(to, "\n");
        named |= MASK(f->hi, f->lo);
    }
    rest = value ? *value & ~named : 0;
    if (value && !named)
        fprintf(to, "\n  value %#" PRIx64 " (no fields in the table)\n", *value);
    else if (rest)
        fprintf(to, "  %#" PRIx64 " is in no field: RES0, kept by no write\n", rest);
}

static void explain(FILE *to, enum sysreg sr, const uint64_t *value)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    print_encoding(to, row);
    print_access(to, row);
    print_code(to, sr);
    print_redirection(to, sr);
    print_traps(to, row);
    print_gic(to, row);
    print_home(to, sr);
    print_values(to, sr);
    print_writes(to, row);
    print_fields(to, sr, value);
}

static void explain_unallocated(FILE *to, uint16_t enc)
{
    const struct sysreg_row row = {.enc = enc};

    print_encoding(to, &row);
    label(to, "access");
    if (sysreg_is_reserved_id(enc))
        fprintf(to, "reserved identification register: reads as zero, trapped by HCR_EL2.TID3\n");
    else
        fprintf(to, "no row in arch/sysreg.def: UNDEFINED at every EL\n");
}

size_t arm_text_register(uint32_t number, const uint64_t *value, char *buf, size_t size)
{
    enum sysreg sr = number <= UINT16_MAX ? sysreg_lookup((uint16_t)number) : SR_NONE;
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);

    if (!to)
        return 0;
    if (sr != SR_NONE)
        explain(to, sr, value);
    else if (number <= UINT16_MAX)
        explain_unallocated(to, (uint16_t)number);
    fclose(to);
    snprintf(buf, size, "%s", text);
    free(text);
    return length;
}
