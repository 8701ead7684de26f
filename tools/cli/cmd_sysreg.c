/* `armillary sysreg`: what the tables say about a system register or operation. */
#include <glib.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "armillary.h"
#include "command.h"
#include "parse.h"

/* S3_0_C1_C0_0 or 3,0,1,0,0. */
static bool parse_tuple(const char *text, uint32_t *number)
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
    *number = ARM_SYSREG(n[0], n[1], n[2], n[3], n[4]);
    return true;
}

/* The word of an MRS, MSR, SYS or SYSL, in which op0 is not 0. */
static bool parse_word(const char *text, uint32_t *number)
{
    uint64_t word;

    if (!parse_hex(text, &word) || word > UINT32_MAX)
        return false;
    *number = (uint32_t)(word >> 5) & UINT16_MAX;
    return word >> 22 == 0x354 && *number >> 14;
}

/* Levenshtein distance without case, of names shorter than 64 characters. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[64];
    size_t n = strlen(b);

    if (n >= G_N_ELEMENTS(row))
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
        for (uint32_t number = 0; number <= UINT16_MAX && shown < 8; number++) {
            const char *known = arm_reg_name(number);
            g_autofree char *candidate = known ? g_ascii_strup(known, -1) : NULL;
            if (known && (strstr(candidate, upper) || distance(upper, candidate) <= limit))
                fprintf(stderr, "%s %s", shown++ ? "," : "; near it:", known);
        }
    fprintf(stderr, "%s\n",
            shown ? ""
                  : "; docs/sysregs.md lists them, S3_0_C1_C0_0 and instruction words work too");
    return EXIT_USAGE;
}

static void explain(const char *title, uint32_t number, const uint64_t *value)
{
    size_t size = 1 + arm_text_register(number, value, NULL, 0);
    g_autofree char *text = g_malloc(size);

    arm_text_register(number, value, text, size);
    printf("%s\n%s", title, text);
}

/* NAME[=VALUE] or ENCODING[=VALUE]; cuts @text. */
static int explain_one(char *text)
{
    char *eq = strchr(text, '=');
    uint64_t value = 0;
    uint32_t number;

    if (eq) {
        *eq = '\0';
        if (!parse_number(eq + 1, 0, UINT64_MAX, &value)) {
            fprintf(stderr, "armillary sysreg: %s=%s: expected a number of at most 64 bits\n", text,
                    eq + 1);
            return EXIT_USAGE;
        }
    }
    g_autofree char *name = g_strdelimit(g_strdup(text), " ", '_');
    number = arm_reg_number(name);
    if (number > UINT16_MAX && !parse_tuple(text, &number) && !parse_word(text, &number))
        return unknown(text);
    const char *its = arm_reg_name(number);
    explain(its ? its : text, number, eq ? &value : NULL);
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
