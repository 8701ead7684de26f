#include "run_options.h"

#include <stdio.h>
#include <string.h>

#include "armillary.h"
#include "check.h"
#include "command.h"
#include "option_texts.h"
#include "step.h"

/* Texts are bytes, taken as they are: G_OPTION_ARG_STRING would convert them from the locale, and
 * refuse a name that is not of it. */
#define ARG_TEXT G_OPTION_ARG_FILENAME
#define ARG_FILE G_OPTION_ARG_FILENAME
#define ARG_LIST G_OPTION_ARG_FILENAME_ARRAY
#define ARG_FLAG G_OPTION_ARG_NONE

#define MUST_NAME_TEXT false
#define MUST_NAME_FILE true /* empty it is an error */
#define MUST_NAME_LIST false
#define MUST_NAME_FLAG false

static const struct option_row {
    const char *group, *name;
    GOptionArg kind;
    size_t offset;
    bool must_name;
    const char *argument, *help, *def, *cost;
} rows[] = {
#define OPTION(group, name, member, kind, argument, help, def, cost)                               \
    {#group, name, ARG_##kind, offsetof(struct run_options, member), MUST_NAME_##kind, argument,   \
     help,   def,  cost},
#include "tools/cli/run_options.def"
#undef OPTION
};

/* Which options each command has, and which of them a run that is to be the same again keeps. */
#define KIND(kind) (1u << (kind))
#define ALL        (KIND(RUN_PLAIN) | KIND(RUN_CHECKED) | KIND(RUN_STEPPED))
static const struct {
    const char *name, *title;
    unsigned kinds;
    bool shared; /* with `armillary qemu` */
} groups[] = {
    {"machine", "Machine options:", ALL, false},
    {"image", "Image options:", ALL, false},
    {"limits", "Limits:", ALL, true},
    {"debug", "Debug options:", ALL, true},
    {"check", "Check options:", KIND(RUN_CHECKED) | KIND(RUN_STEPPED), false},
    {"sweep", "Sweep options:", KIND(RUN_CHECKED), false},
    {"step", "Step options:", KIND(RUN_STEPPED), false},
};
#undef ALL
#undef KIND

static const char run_summary[] =
    "IMAGE is an arm64 Image, an ELF file, a U-Boot image or a flat binary; it may be\n"
    "packed (gzip, zstd, xz, lzma or EFI zboot).\n"
    "Exit code: 0 the guest powered off, its own code at a semihosting exit, 1 it reset\n"
    "with --no-reboot, 2 usage or host error, also one of writing what was printed, 3 a\n"
    "limit was reached or you quit, 4 a fault loop, 5 a panic (--on-death=stop),\n"
    "6 the engines differ (--engine=lockstep).\n"
    "At a terminal: Ctrl-A x quits, Ctrl-A c opens the monitor.";

static const struct {
    const char *command, *what, *summary;
} kinds[] = {
    [RUN_PLAIN] = {"armillary run", "run it on the machine", run_summary},
    [RUN_CHECKED] = {"armillary check", "run it and check its world switches", check_summary},
    [RUN_STEPPED] = {"armillary step", "go forwards and backwards through its world switches",
                     step_summary},
};

bool run_options_refuse(const char *option, const char *value, const char *expected)
{
    fprintf(stderr, "armillary run: --%s=%s: expected %s\n", option, value, expected);
    return false;
}

const char *run_options_unnamed(const struct run_options *o)
{
    for (size_t k = 0; k < G_N_ELEMENTS(rows); k++) {
        const void *member = (const char *)o + rows[k].offset;
        const char *value = rows[k].must_name ? *(char *const *)member : NULL;
        if (value && !*value)
            return rows[k].name;
    }
    return NULL;
}

/* The row that the @length characters at @name are the name of, or NULL. */
static const struct option_row *find(const char *name, size_t length)
{
    for (size_t k = 0; length && k < G_N_ELEMENTS(rows); k++)
        if (strlen(rows[k].name) == length && !strncmp(rows[k].name, name, length))
            return &rows[k];
    return NULL;
}

/* The row of "--NAME" or "--NAME=VALUE" (then *@value is that), or NULL. */
static const struct option_row *row_of(const char *word, const char **value)
{
    size_t length = strncmp(word, "--", 2) ? 0 : strcspn(word + 2, "=");

    *value = length && word[2 + length] ? word + 2 + length + 1 : NULL;
    return find(word + 2, length);
}

/* ---- the command line ---- */

/* The row's sentence, with default and cost. */
static char *describe(const struct option_row *row)
{
    return g_strdup_printf("%s%s%s%s%s%s", row->help, *row->def ? " (default: " : "", row->def,
                           *row->def ? ")" : "", *row->cost ? "; cost: " : "", row->cost);
}

/* The rows of one group as GOption wants them; strings are added to @keep. */
static GArray *group_entries(struct run_options *o, const char *group, GPtrArray *keep)
{
    GArray *entries = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));

    for (size_t k = 0; k < G_N_ELEMENTS(rows); k++) {
        if (strcmp(rows[k].group, group))
            continue;
        char *text = describe(&rows[k]);
        GOptionEntry e = {rows[k].name,
                          0,
                          0,
                          rows[k].kind,
                          (char *)o + rows[k].offset,
                          text,
                          *rows[k].argument ? rows[k].argument : NULL};
        g_array_append_val(entries, e);
        g_ptr_array_add(keep, text);
    }
    return entries;
}

static GOptionContext *make_context(struct run_options *o, GPtrArray *keep, enum run_kind kind)
{
    g_autofree char *text = g_strdup_printf("IMAGE - %s", kinds[kind].what);

    g_set_prgname(kinds[kind].command);
    GOptionContext *ctx = g_option_context_new(text);
    const GOptionEntry others[] = {
        {"help", 'h', 0, G_OPTION_ARG_NONE, &o->help, "show this and end", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->images, NULL, NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };

    for (size_t k = 0; k < G_N_ELEMENTS(groups); k++) {
        if (!(groups[k].kinds >> kind & 1))
            continue;
        g_autofree char *help = g_strdup_printf("Show %s options", groups[k].name);
        GOptionGroup *g = g_option_group_new(groups[k].name, groups[k].title, help, NULL, NULL);
        GArray *entries = group_entries(o, groups[k].name, keep);
        g_option_group_add_entries(g, (const GOptionEntry *)(const void *)entries->data);
        g_option_context_add_group(ctx, g);
        g_array_unref(entries);
    }
    g_option_context_add_main_entries(ctx, others, NULL);
    g_option_context_set_help_enabled(ctx, FALSE);
    g_option_context_set_summary(ctx, kinds[kind].summary);
    return ctx;
}

/* Would a run that is to come to the same finding do without it? */
static bool is_of_one_run(const struct option_row *row)
{
    static const char *const words[] = {"check", "sweep", "max-insns", "gdb", "symbols", "wait"};

    for (size_t k = 0; k < G_N_ELEMENTS(words); k++)
        if (!strcmp(row->group, words[k]) || !strcmp(row->name, words[k]))
            return true;
    return false;
}

/* What a shell takes as the same words, without the options of the groups "check" and "sweep",
 * those of gdb, and --max-insns, which is to be another. */
static char *rerun_words(int argc, char **argv)
{
    GString *words = g_string_new(NULL);

    for (int k = 1; k < argc; k++) {
        const char *value;
        const struct option_row *row = row_of(argv[k], &value);
        if (row && is_of_one_run(row)) {
            k += !value && row->kind != ARG_FLAG;
            continue;
        }
        g_autofree char *quoted = g_shell_quote(argv[k]);
        bool plain = strspn(argv[k], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789-_=+./,:@%") == strlen(argv[k]);
        g_string_append_printf(words, "%s%s", words->len ? " " : "", plain ? argv[k] : quoted);
    }
    return g_string_free(words, FALSE);
}

bool run_options_parse(struct run_options *o, int argc, char **argv, enum run_kind kind, int *code)
{
    g_autoptr(GPtrArray) keep = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;

    o->command = kinds[kind].command;
    o->rerun = rerun_words(argc, argv);
    g_autoptr(GOptionContext) ctx = make_context(o, keep, kind);
    if (!g_option_context_parse(ctx, &argc, &argv, &error)) {
        fprintf(stderr, "%s: %s; see `%s --help`\n", o->command, error->message, o->command);
        *code = EXIT_USAGE;
        return false;
    }
    if (o->help) {
        g_autofree char *help = g_option_context_get_help(ctx, FALSE, NULL);
        fputs(help, stdout);
        *code = 0;
    }
    return !o->help;
}

struct run_options *run_options_new(void)
{
    return g_new0(struct run_options, 1);
}

void run_options_free(struct run_options *o)
{
    for (size_t k = 0; k < G_N_ELEMENTS(rows); k++) {
        void *member = (char *)o + rows[k].offset;
        if (rows[k].kind == ARG_LIST)
            g_strfreev(*(char ***)member);
        else if (rows[k].kind != ARG_FLAG)
            g_free(*(char **)member);
    }
    g_strfreev(o->images);
    g_free(o->rerun);
    g_free(o);
}

/* ---- what `armillary qemu` takes too ---- */

static bool is_shared(const struct option_row *row)
{
    for (size_t k = 0; k < G_N_ELEMENTS(groups); k++)
        if (!strcmp(row->group, groups[k].name))
            return groups[k].shared;
    return false;
}

bool run_options_name(size_t k, const char **name, const char **argument, const char **help)
{
    for (size_t r = 0; r < G_N_ELEMENTS(rows); r++) {
        if (!is_shared(&rows[r]) || k--)
            continue;
        *name = rows[r].name;
        *argument = rows[r].argument;
        *help = rows[r].help;
        return true;
    }
    return false;
}

static void append(char ***list, const char *text)
{
    size_t count = *list ? g_strv_length(*list) : 0;

    *list = g_renew(char *, *list, count + 2);
    (*list)[count] = g_strdup(text);
    (*list)[count + 1] = NULL;
}

int run_options_take(struct run_options *o, int argc, char **argv)
{
    const char *value;
    const struct option_row *row = row_of(argv[0], &value);
    void *member = row ? (char *)o + row->offset : NULL;
    int words = value || !row || row->kind == ARG_FLAG ? 1 : 2;

    if (!row || !is_shared(row))
        return 0;
    if (words > argc || (value && row->kind == ARG_FLAG))
        return -1;
    value = words == 2 ? argv[1] : value;
    if (row->kind == ARG_FLAG) {
        *(gboolean *)member = TRUE;
    } else if (row->kind == ARG_LIST) {
        append(member, value);
    } else {
        g_free(*(char **)member);
        *(char **)member = g_strdup(value);
    }
    return words;
}
