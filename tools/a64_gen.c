/*
 * Reads arch/a64.def (by including it) and writes the decoder's tables to standard output: masks,
 * field positions, conditions, and for each value of the word's top bits the rows that can match,
 * most specific first. Runs on the host at build time; there is no file format to parse.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct field {
    char name[16];
    unsigned lsb, width;
};

struct row {
    const char *name, *mnemonic, *pattern, *cond, *feature, *form, *cls, *jit, *facts;
    uint32_t mask, value;
    unsigned field_count;
    struct field fields[16];
};

static struct row rows[] = {
#define A64(name, mnemonic, pattern, cond, feature, form, cls, jit, facts)                         \
    {#name, mnemonic, pattern, #cond, #feature, #form, #cls, #jit, #facts, 0, 0, 0, {{{0}, 0, 0}}},
#include "arch/a64.def"
#undef A64
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]), TOP_BITS = 11 };

static void fail(const struct row *r, const char *what)
{
    fprintf(stderr, "a64_gen: row %s: %s: \"%s\"\n", r->name, what, r->pattern);
    exit(1);
}

static void parse_pattern(struct row *r)
{
    int pos = 32;

    for (const char *p = r->pattern; *p;) {
        if (*p == ' ') {
            p++;
        } else if ((*p == '0' || *p == '1' || *p == 'x') && (p[1] != ':')) {
            if (--pos < 0)
                fail(r, "more than 32 bits");
            if (*p != 'x') {
                r->mask |= UINT32_C(1) << pos;
                r->value |= (uint32_t)(*p == '1') << pos;
            }
            p++;
        } else {
            struct field *f = &r->fields[r->field_count++];
            size_t n = strcspn(p, ": ");

            if (p[n] != ':' || n >= sizeof(f->name) || r->field_count == 16)
                fail(r, "bad field");
            memcpy(f->name, p, n);
            f->width = (unsigned)strtoul(p + n + 1, (char **)&p, 10);
            pos -= (int)f->width;
            if (f->width == 0 || pos < 0)
                fail(r, "more than 32 bits");
            f->lsb = (unsigned)pos;
        }
    }
    if (pos != 0)
        fail(r, "fewer than 32 bits");
}

static void check_overlaps(void)
{
    for (unsigned a = 0; a < ROW_COUNT; a++)
        for (unsigned b = a + 1; b < ROW_COUNT; b++) {
            uint32_t common = rows[a].mask & rows[b].mask;
            if ((rows[a].value ^ rows[b].value) & common)
                continue;
            if (rows[a].mask == rows[b].mask) {
                /* Same fixed bits: only the conditions can tell them apart. */
                if (strcmp(rows[a].cond, "1") && strcmp(rows[b].cond, "1"))
                    continue;
            } else if (common == rows[a].mask || common == rows[b].mask) {
                continue;
            }
            fprintf(stderr, "a64_gen: rows %s and %s overlap\n", rows[a].name, rows[b].name);
            exit(1);
        }
}

/* Is @fact one of the words of the row's column? */
static bool has_fact(const struct row *r, const char *fact)
{
    const size_t n = strlen(fact);

    for (const char *p = r->facts; *p; p += strcspn(p, " |"), p += strspn(p, " |"))
        if (strcspn(p, " |") == n && !strncmp(p, fact, n))
            return true;
    return false;
}

/* What a register field's register is for. */
enum access {
    READ,
    WRITTEN,
    MOVED, /* Vt: written by loads, read by stores */
};

/* Which slot of the record a register field fills, what 31 means there, and its access. */
static const struct operand {
    const char *field, *slot, *kind;
    enum access access;
} operands[] = {
    {"Rd", "rd", "SINK", WRITTEN},  {"RdSP", "rd", "SP", WRITTEN},   {"Rt", "rd", "ZR", READ},
    {"Rtw", "rd", "SINK", WRITTEN}, {"Vd", "rd", "V", WRITTEN},      {"Vt", "rd", "V", MOVED},
    {"Rn", "rn", "ZR", READ},       {"RnSP", "rn", "SP", READ},      {"Vn", "rn", "V", READ},
    {"Rm", "rm", "ZR", READ},       {"RmSP", "rm", "SP", READ},      {"Rs", "rm", "ZR", READ},
    {"Rsw", "rm", "SINK", WRITTEN}, {"Vm", "rm", "V", READ},         {"Ra", "ra", "ZR", READ},
    {"Rt2", "ra", "ZR", READ},      {"Rt2w", "ra", "SINK", WRITTEN}, {"Va", "ra", "V", READ},
    {"Vt2", "ra", "V", MOVED},
};

/* NULL: the field is no register. */
static const struct operand *find_operand(const char *field)
{
    for (unsigned o = 0; o < sizeof(operands) / sizeof(operands[0]); o++)
        if (!strcmp(field, operands[o].field))
            return &operands[o];
    return NULL;
}

static void print_row(const struct row *r)
{
    printf("static bool cond_%s(uint32_t w)\n{\n    (void)w;\n", r->name);
    for (unsigned k = 0; k < r->field_count; k++)
        printf("    const unsigned %s = (w >> %u) & %#x; (void)%s;\n", r->fields[k].name,
               r->fields[k].lsb, (1u << r->fields[k].width) - 1, r->fields[k].name);
    printf("    return %s;\n}\n", r->cond);
    printf("static void operands_%s(uint32_t w, struct insn *i)\n{\n    (void)w; (void)i;\n",
           r->name);
    for (unsigned k = 0; k < r->field_count; k++) {
        const struct operand *o = find_operand(r->fields[k].name);
        if (!o)
            continue;
        if (!strcmp(o->kind, "V"))
            printf("    i->%s = (w >> %u) & %#x;\n", o->slot, r->fields[k].lsb,
                   (1u << r->fields[k].width) - 1);
        else
            printf("    i->%s = operand_%s((w >> %u) & 31);\n", o->slot, o->kind, r->fields[k].lsb);
    }
    printf("}\n");
}

/* Is this one of the words of the column that name flags: RNZCV, WC? */
static bool names_flags(const char *word, size_t n)
{
    return n > 1 && (*word == 'R' || *word == 'W') && strspn(word + 1, "NZCV") == n - 1;
}

/* The facts column as an expression of BIT(FACT_xxx). What is no fact does not compile. */
static void print_facts(const struct row *r, bool multi, bool acquire, bool release)
{
    printf("0%s%s%s", multi ? " | BIT(FACT_MULTI)" : "", acquire ? " | BIT(FACT_ACQ)" : "",
           release ? " | BIT(FACT_REL)" : "");
    if (!strcmp(r->facts, "0"))
        return;
    for (const char *p = r->facts; *p; p += strspn(p, " |")) {
        size_t n = strcspn(p, " |");
        if (names_flags(p, n))
            for (size_t k = 1; k < n; k++)
                printf(" | BIT(FACT_%c%c)", p[0], p[k]);
        else
            printf(" | BIT(FACT_%.*s)", (int)n, p);
        p += n;
    }
}

#define ROLES_MAX 64

static void add_role(const struct row *r, char roles[ROLES_MAX], const char *role)
{
    size_t n = strlen(roles);

    if (snprintf(roles + n, ROLES_MAX - n, "%s", role) >= (int)(ROLES_MAX - n))
        fail(r, "more roles than there is room for");
}

/* Roles, facts, and the bits that say acquire and release: the last members of struct a64_row. */
static void print_uses(const struct row *r)
{
    uint32_t acquire = 0, release = 0;
    bool multi = has_fact(r, "T2") || has_fact(r, "T3") || has_fact(r, "T4");
    char reads[ROLES_MAX] = "0", writes[ROLES_MAX] = "0", vectors[ROLES_MAX] = "0";

    for (unsigned k = 0; k < r->field_count; k++) {
        const struct field *f = &r->fields[k];
        const struct operand *o = find_operand(f->name);
        char role[16];

        if (!strcmp(f->name, "A"))
            acquire = UINT32_C(1) << f->lsb;
        if (!strcmp(f->name, "R"))
            release = UINT32_C(1) << f->lsb;
        if (!o)
            continue;
        snprintf(role, sizeof(role), " | ROLE_R%c", o->slot[1] - 'a' + 'A');
        if (o->access == WRITTEN || (o->access == MOVED && has_fact(r, "LD")))
            add_role(r, writes, role);
        else
            add_role(r, reads, role);
        if (!strcmp(o->kind, "V"))
            add_role(r, vectors, role);
        multi = multi || !strncmp(f->name, "Rt2", 3) || !strcmp(f->name, "Vt2");
    }
    if (has_fact(r, "RD"))
        add_role(r, reads, " | ROLE_RD");
    if (has_fact(r, "WB"))
        add_role(r, writes, " | ROLE_RN");
    if (has_fact(r, "WS"))
        add_role(r, writes, " | ROLE_RM");
    printf("%s, %s, %s, ", reads, writes, vectors);
    print_facts(r, multi, acquire, release);
    printf(", %#x, %#x", acquire, release);
}

/* Both features of the column: "A & B", or "A" and BASE. */
static void print_features(const char *column)
{
    int first = (int)strcspn(column, " &");
    const char *second = strstr(column, "& ");

    printf("FEAT_%.*s, FEAT_%s", first, column, second ? second + 2 : "BASE");
}

static int more_specific(const void *a, const void *b)
{
    const struct row *ra = &rows[*(const unsigned *)a], *rb = &rows[*(const unsigned *)b];
    int na = __builtin_popcount(ra->mask), nb = __builtin_popcount(rb->mask);

    return na != nb ? nb - na : (ra < rb ? -1 : 1);
}

static void print_index(void)
{
    unsigned start = 0;

    printf("static const uint16_t candidates[] = {\n");
    static unsigned starts[(1 << TOP_BITS) + 1];
    for (unsigned top = 0; top < 1u << TOP_BITS; top++) {
        unsigned list[ROW_COUNT], n = 0;
        uint32_t word = top << (32 - TOP_BITS), topmask = ~UINT32_C(0) << (32 - TOP_BITS);

        starts[top] = start;
        for (unsigned k = 0; k < ROW_COUNT; k++)
            if (((word ^ rows[k].value) & rows[k].mask & topmask) == 0)
                list[n++] = k;
        qsort(list, n, sizeof(list[0]), more_specific);
        for (unsigned k = 0; k < n; k++)
            printf("%u,%s", list[k], k % 16 == 15 ? "\n" : "");
        start += n;
    }
    starts[1 << TOP_BITS] = start;
    printf("0};\n#define TOP_BITS %d\nstatic const uint32_t first_candidate[] = {\n", TOP_BITS);
    for (unsigned top = 0; top <= 1u << TOP_BITS; top++)
        printf("%u,%s", starts[top], top % 16 == 15 ? "\n" : "");
    printf("};\n");
}

/*
 * What a row does, as a switch: a table of functions would be addresses, each to be relocated when
 * a program starts.
 */
static void print_choice(const char *type, const char *name, const char *parameters,
                         const char *otherwise, void (*print_case)(const struct row *))
{
    printf("static %s %s(%s)\n{\n    switch (op) {\n", type, name, parameters);
    for (unsigned k = 0; k < ROW_COUNT; k++) {
        printf("    case %u:\n        ", k);
        print_case(&rows[k]);
    }
    printf("    default:\n        return %s;\n    }\n}\n", otherwise);
}

static void print_cond_case(const struct row *r)
{
    printf("return cond_%s(w);\n", r->name);
}

static void print_operands_case(const struct row *r)
{
    printf("operands_%s(w, i);\n        return;\n", r->name);
}

static void print_form_case(const struct row *r)
{
    printf("a64_form_%s(w, page_offset, i);\n        return;\n", r->form);
}

/* C lets a text that just fills its room go without a 0 behind it. */
static void print_sizes(void)
{
    for (unsigned k = 0; k < ROW_COUNT; k++)
        printf(
            "_Static_assert(sizeof(\"%s\") <= sizeof(a64_rows->name) && sizeof(\"%s\") <= "
            "sizeof(a64_rows->mnemonic) && sizeof(\"%s\") <= sizeof(a64_rows->pattern), \"%s\");\n",
            rows[k].name, rows[k].mnemonic, rows[k].pattern, rows[k].name);
}

int main(void)
{
    for (unsigned k = 0; k < ROW_COUNT; k++)
        parse_pattern(&rows[k]);
    check_overlaps();
    for (unsigned k = 0; k < ROW_COUNT; k++)
        print_row(&rows[k]);
    printf("const struct a64_row a64_rows[A64_OP_COUNT] = {\n");
    for (unsigned k = 0; k < ROW_COUNT; k++) {
        printf("    {\"%s\", \"%s\", \"%s\", 0x%08x, 0x%08x, ", rows[k].name, rows[k].mnemonic,
               rows[k].pattern, rows[k].mask, rows[k].value);
        print_features(rows[k].feature);
        printf(", A64_%s, JIT_%s, ", rows[k].cls, rows[k].jit);
        print_uses(&rows[k]);
        printf("},\n");
    }
    printf("    {\"UNALLOCATED\", \"udf\", \"\", 0, 0, FEAT_BASE, FEAT_BASE, A64_INT, "
           "JIT_END, 0, 0, 0, BIT(FACT_TRAP), 0, 0},\n};\n");
    print_sizes();
    print_choice("bool", "cond_holds", "unsigned op, uint32_t w", "false", print_cond_case);
    print_choice("void", "fill_operands", "unsigned op, uint32_t w, struct insn *i", "",
                 print_operands_case);
    print_choice("void", "fill_form",
                 "unsigned op, uint32_t w, unsigned page_offset, struct insn *i", "",
                 print_form_case);
    print_index();
    return 0;
}
