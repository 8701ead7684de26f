/* `armillary sysreg`: what the tables say about a system register or operation. */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "arch/cpu_models.h"
#include "arch/insn.h"
#include "arch/place.h"
#include "arch/sysreg.h"
#include "command.h"
#include "machine/place.h"
#include "parse.h"
#include "sysreg_text.h"

static void label(const char *text)
{
    printf("  %-14s", text);
}

static uint32_t instruction(const struct sysreg_row *row, bool read)
{
    return 0xd5000000 | (uint32_t)read << 21 | (uint32_t)row->enc << 5;
}

static void print_encoding(const struct sysreg_row *row)
{
    label("encoding");
    sysreg_text_encoding(stdout, row);
    printf(" (op0 %u, op1 %u, CRn %u, CRm %u, op2 %u)", (unsigned)bits(row->enc, 15, 14),
           (unsigned)bits(row->enc, 13, 11), (unsigned)bits(row->enc, 10, 7),
           (unsigned)bits(row->enc, 6, 3), (unsigned)bits(row->enc, 2, 0));
    if (row->access & SR_OP)
        printf("; SYS with x0 %#010x", instruction(row, false));
    if (row->access & SR_READ)
        printf("; MRS x0 %#010x", instruction(row, true));
    if (row->access & SR_WRITE)
        printf("; MSR x0 %#010x", instruction(row, false));
    printf("\n");
}

/* At which ELs an access is UNDEFINED, whatever the controls. */
static void print_undefined(const struct sysreg_row *row)
{
    const char *read = row->access & SR_READ ? sysreg_text_undefined(row, SR_READ) : NULL;
    const char *write = row->access & SR_WRITE ? sysreg_text_undefined(row, SR_WRITE) : NULL;
    const char *op = row->access & SR_OP ? sysreg_text_undefined(row, SR_OP) : NULL;

    if (read && write && !strcmp(read, write))
        op = read;
    else if (read)
        printf("; reads %s", read);
    else if (write)
        printf("; writes %s", write);
    if (op)
        printf("; %s", op);
}

static void print_access(const struct sysreg_row *row)
{
    unsigned el = sysreg_min_el(row->enc);

    label("access");
    printf("%s", sysreg_text_access(row));
    if (row->alias && row->access != SR_OP)
        printf("; EL2 with HCR_EL2.E2H only");
    else if (row->access)
        printf("; EL%u%s", el, el < 2 ? " and above" : "");
    print_undefined(row);
    if (row->feature != FEAT_BASE)
        printf("; UNDEFINED without FEAT_%s", feature_name((enum feature)row->feature));
    printf("\n");
}

/* Rows that lead here, and where this one leads. */
static void print_redirection(enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    if (row->e2h) {
        label("redirection");
        printf("at EL2 with HCR_EL2.E2H the access goes to %s%s\n", sysreg_rows[row->e2h].name,
               row->host_el0 ? ", also at EL0 with TGE" : "");
    }
    if (row->alias) {
        label("alias");
        printf("of %s\n", sysreg_rows[row->alias].name);
    }
    for (unsigned k = 0; k < SR_COUNT; k++) {
        if (sysreg_rows[k].alias == sr && sr) {
            label("alias");
            printf("%s is another name of it\n", sysreg_rows[k].name);
        }
        if (sysreg_rows[k].e2h == sr && sr) {
            label("redirection");
            printf("%s is this register at EL2 with HCR_EL2.E2H\n", sysreg_rows[k].name);
        }
    }
}

static void print_place(struct place p)
{
    if (p.file)
        printf("%s:%u", p.file, p.line);
    else
        printf("place not known");
}

/* What @function does, or that there is none and the register is stored. */
static void print_function(const char *what, const char *function, enum sysreg sr)
{
    label(what);
    if (!function) {
        printf("storage: cpu->sr[SR_%s]\n", sysreg_rows[sr].name);
        return;
    }
    printf("%s(), ", function);
    print_place(accessor_place(function));
    printf("\n");
}

/* The row, and what is done by an access. */
static void print_code(enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    label("row");
    print_place(sysreg_row_place(sr));
    printf("\n");
    if (row->alias)
        sr = (enum sysreg)row->alias;
    if (row->access & SR_READ)
        print_function("read by", sysreg_reader(sr), sr);
    if (row->access & SR_WRITE)
        print_function("written by", sysreg_writer(sr), sr);
    if (row->access & SR_OP)
        print_function("executed by", sysreg_executor(sr), sr);
}

static void print_traps(const struct sysreg_row *row)
{
    const char *text = "traps";

    if (row->alias)
        row = &sysreg_rows[row->alias];
    for (unsigned g = 0; g < SYSREG_TRAPS && row->trap[g]; g++)
        for (const struct trap_rule *r = trap_groups[row->trap[g]].rules; r->mask; r++) {
            /* Groups are shared: a rule for writes says nothing about a read-only register. */
            if (!(row->access & SR_OP) && !(r->access & row->access))
                continue;
            label(text);
            sysreg_text_rule(stdout, r);
            printf(" (%s; ", trap_groups[row->trap[g]].text);
            print_place(trap_group_place((enum trap_group)row->trap[g]));
            printf(")\n");
            text = "";
        }
    if (row->fp) {
        label(text);
        printf("like FP instructions: CPACR_EL1.FPEN, CPTR_EL2\n");
        text = "";
    }
    if (row->fgt.set != FGT_NONE) {
        label(text);
        printf("below EL2, not at EL0 with E2H and TGE, to EL2: ");
        sysreg_text_fgt(stdout, row);
        printf(" (fine-grained)\n");
    }
}

static void print_gic(const struct sysreg_row *row)
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
        label("GIC");
        printf("%s\n", texts[row->gic]);
    }
}

/* Constant ID registers have a value in each model, as have registers of the named cores; others
 * come out of reset with one. */
static void print_values(enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];
    bool id = false;

    for (const struct cpu_model *m = cpu_models; m->name; m++) {
        struct features f = cpu_model_features(m);
        uint64_t v = cpu_model_id(m, &f, sr);
        if (cpu_model_reset(m, sr, &v) || v) {
            if (!id)
                label("models");
            printf("%s%s %#" PRIx64, id ? ", " : "", m->name, v);
            id = true;
        }
    }
    if (id)
        printf("\n");
    if (row->access & SR_WRITE) {
        label("reset");
        printf("%#" PRIx64 "%s\n", row->reset, row->wr || row->gic ? " (stored by its owner)" : "");
    }
}

static void print_writes(const struct sysreg_row *row)
{
    if (row->fx) {
        label("a write");
        printf("changes ");
        sysreg_text_effects(stdout, row);
        printf("\n");
    }
    if (row->access & (SR_READ | SR_WRITE)) {
        label("world switch");
        printf("group %s\n", sysreg_text_group(row));
    }
}

static void print_fields(enum sysreg sr, const uint64_t *value)
{
    uint64_t named = 0, rest;

    if (sysreg_rows[sr].alias)
        sr = (enum sysreg)sysreg_rows[sr].alias;
    for (const struct sysreg_field *f = sysreg_fields; f->name; f++) {
        if (f->sr != sr)
            continue;
        printf("%s  %2u:%-2u  %-16s", named ? "" : "\n", f->hi, f->lo, f->name);
        if (value)
            printf(" = %#-18" PRIx64, bits(*value, f->hi, f->lo));
        if (f->feature == FEAT_NEVER)
            printf(" %s", f->res1 ? "RES1" : "RES0");
        else if (f->feature != FEAT_BASE)
            printf(" with FEAT_%s, else %s", feature_name((enum feature)f->feature),
                   f->res1 ? "RES1" : "RES0");
        printf("\n");
        named |= MASK(f->hi, f->lo);
    }
    rest = value ? *value & ~named : 0;
    if (value && !named)
        printf("\n  value %#" PRIx64 " (no fields in the table)\n", *value);
    else if (rest)
        printf("  %#" PRIx64 " is in no field: RES0, kept by no write\n", rest);
}

static void explain(enum sysreg sr, const uint64_t *value)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    printf("%s\n", row->name);
    print_encoding(row);
    print_access(row);
    print_code(sr);
    print_redirection(sr);
    print_traps(row);
    print_gic(row);
    print_values(sr);
    print_writes(row);
    print_fields(sr, value);
}

/* ---- finding the row ---- */

/* S3_0_C1_C0_0 or 3,0,1,0,0. */
static bool parse_tuple(const char *text, uint16_t *enc)
{
    static const uint64_t max[] = {3, 7, 15, 15, 7};
    g_auto(GStrv) words = g_strsplit_set(*text == 'S' || *text == 's' ? text + 1 : text, "_,", -1);
    uint64_t n[5];

    if (g_strv_length(words) != 5)
        return false;
    for (unsigned k = 0; k < 5; k++) {
        const char *w = words[k];
        if ((k == 2 || k == 3) && (*w == 'C' || *w == 'c'))
            w++;
        if (!parse_number(w, 0, max[k], &n[k]))
            return false;
    }
    *enc = (uint16_t)SYSREG_ENC(n[0], n[1], n[2], n[3], n[4]);
    return true;
}

/* The word of an MRS, MSR, SYS or SYSL. */
static bool parse_word(const char *text, uint16_t *enc)
{
    uint64_t word;

    if (!parse_hex(text, &word) || word > UINT32_MAX)
        return false;
    enum a64_op op = a64_lookup((uint32_t)word);
    *enc = (uint16_t)bits(word, 20, 5);
    return op == A64_MRS || op == A64_MSR_reg || op == A64_SYS || op == A64_SYSL;
}

/* Levenshtein distance without case, of names shorter than 64 characters. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[64];
    size_t n = strlen(b);

    if (n >= ARRAY_SIZE(row))
        return UINT_MAX;
    for (unsigned k = 0; k <= n; k++)
        row[k] = k;
    for (unsigned i = 0; a[i]; i++) {
        unsigned diagonal = row[0];
        row[0] = i + 1;
        for (unsigned k = 0; k < n; k++) {
            unsigned up = row[k + 1];
            unsigned change = diagonal + (g_ascii_toupper(a[i]) != g_ascii_toupper(b[k]));
            row[k + 1] = MIN(change, MIN(up, row[k]) + 1);
            diagonal = up;
        }
    }
    return row[n];
}

static int unknown(const char *name)
{
    g_autofree char *upper = g_ascii_strup(name, -1);
    unsigned shown = 0;

    fprintf(stderr, "armillary sysreg: no register or operation \"%s\"", name);
    for (unsigned limit = 0; limit <= strlen(name) / 4 && !shown; limit++)
        for (unsigned sr = 0; sr < SR_COUNT && shown < 8; sr++) {
            g_autofree char *candidate = g_ascii_strup(sysreg_rows[sr].name, -1);
            if (strstr(candidate, upper) || distance(upper, candidate) <= limit)
                fprintf(stderr, "%s %s", shown++ ? "," : "; near it:", sysreg_rows[sr].name);
        }
    fprintf(stderr, "%s\n",
            shown ? ""
                  : "; docs/sysregs.md lists them, S3_0_C1_C0_0 and instruction words work too");
    return EXIT_USAGE;
}

static int unallocated(const char *text, uint16_t enc)
{
    const struct sysreg_row row = {.enc = enc};

    printf("%s\n", text);
    print_encoding(&row);
    label("access");
    if (sysreg_is_reserved_id(enc))
        printf("reserved identification register: reads as zero, trapped by HCR_EL2.TID3\n");
    else
        printf("no row in arch/sysreg.def: UNDEFINED at every EL\n");
    return 0;
}

/* NAME[=VALUE] or ENCODING[=VALUE]; cuts @text. */
static int explain_one(char *text)
{
    char *eq = strchr(text, '=');
    uint64_t value = 0;
    uint16_t enc;

    if (eq) {
        *eq = '\0';
        if (!parse_number(eq + 1, 0, UINT64_MAX, &value)) {
            fprintf(stderr, "armillary sysreg: %s=%s: expected a number of at most 64 bits\n", text,
                    eq + 1);
            return EXIT_USAGE;
        }
    }
    g_autofree char *name = g_strdelimit(g_strdup(text), " ", '_');
    enum sysreg sr = sysreg_by_name(name);
    if (sr == SR_NONE) {
        if (!parse_tuple(text, &enc) && !parse_word(text, &enc))
            return unknown(text);
        sr = sysreg_lookup(enc);
        if (sr == SR_NONE)
            return unallocated(text, enc);
    }
    explain(sr, eq ? &value : NULL);
    return 0;
}

int cmd_sysreg(int argc, char **argv)
{
    int code = argc > 1 ? 0 : EXIT_USAGE;

    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        printf("usage: armillary sysreg NAME[=VALUE]|ENCODING[=VALUE]...\n\n"
               "NAME in any case: SCTLR_EL1, \"dc zva\". ENCODING: S3_0_C1_C0_0; 3,0,1,0,0; or the "
               "word of an\nMRS, MSR, SYS or SYSL. With VALUE its fields are taken apart.\n");
        return 0;
    }
    if (argc == 1)
        fprintf(stderr, "armillary sysreg: no name; see `armillary sysreg --help`\n");
    for (int k = 1; k < argc; k++) {
        int r = explain_one(argv[k]);
        code = r ? r : code;
    }
    return code;
}
