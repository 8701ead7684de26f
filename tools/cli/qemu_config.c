#include "qemu_config.h"

#include <string.h>

#include "properties.h"
#include "qemu.h"

/* Groups that are called otherwise than their option. */
static const struct {
    const char *group, *option;
} groups[] = {
    {"memory", "m"},
    {"smp-opts", "smp"},
    {"boot-opts", "boot"},
};

struct config_file {
    struct qemu *q;
    GPtrArray *words;
    GString *value; /* of the option that is the last word; NULL: there is none yet */
};

static void end_group(struct config_file *f)
{
    if (f->value)
        g_ptr_array_add(f->words,
                        (void *)(uintptr_t)qemu_keep(f->q, g_string_free(f->value, FALSE)));
    f->value = NULL;
}

/* Commas are doubled, as on a command line. */
static void add_property(struct config_file *f, const char *key, const char *value)
{
    g_auto(GStrv) parts = g_strsplit(value, ",", -1);
    g_autofree char *text = g_strjoinv(",,", parts);

    g_string_append_printf(f->value, "%s%s=%s", f->value->len ? "," : "", key, text);
}

/* [GROUP] or [GROUP "ID"] */
static void begin_group(struct config_file *f, const char *group, const char *id)
{
    const char *option = group;

    for (size_t k = 0; k < G_N_ELEMENTS(groups); k++)
        if (!strcmp(groups[k].group, group))
            option = groups[k].option;
    end_group(f);
    g_ptr_array_add(f->words, (void *)(uintptr_t)qemu_keep(f->q, g_strdup_printf("-%s", option)));
    f->value = g_string_new(NULL);
    if (id && *id)
        add_property(f, "id", id);
}

static bool take_line(struct config_file *f, const char *line)
{
    g_autoptr(GRegex) group =
        g_regex_new("^\\[([A-Za-z0-9_-]+)(?: +\"([^\"]+)\")?\\]$", 0, 0, NULL);
    g_autoptr(GRegex) property = g_regex_new("^([A-Za-z0-9_.-]+) *= *\"([^\"]*)\"$", 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL, pair = NULL;

    if (g_regex_match(group, line, 0, &match)) {
        g_autofree char *name = g_match_info_fetch(match, 1), *id = g_match_info_fetch(match, 2);
        begin_group(f, name, id);
        return true;
    }
    if (!f->value || !g_regex_match(property, line, 0, &pair))
        return false;
    g_autofree char *key = g_match_info_fetch(pair, 1), *value = g_match_info_fetch(pair, 2);
    add_property(f, key, value);
    return true;
}

static bool read_file(struct config_file *f, const char *path)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    if (!g_file_get_contents(path, &text, NULL, &error))
        return qemu_bad("-readconfig: %s", error->message);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (unsigned k = 0; lines[k]; k++) {
        const char *line = g_strstrip(lines[k]);
        if (*line && *line != '#' && !take_line(f, line))
            return qemu_bad("-readconfig %s: line %u: expected [GROUP], [GROUP \"ID\"], or "
                            "KEY = \"VALUE\" in a group",
                            path, k + 1);
    }
    return true;
}

bool qemu_config_expand(struct qemu *q, int argc, char **argv, GPtrArray *words)
{
    struct config_file f = {q, words, NULL};
    bool good = true;

    for (int k = 0; k < argc; k++) {
        bool reads = !strcmp(argv[k], "-readconfig") || !strcmp(argv[k], "--readconfig");
        if (reads && k + 1 == argc)
            good = qemu_bad("%s: expected FILE behind it", argv[k]);
        else if (reads)
            good &= read_file(&f, argv[++k]);
        else
            g_ptr_array_add(words, argv[k]);
        end_group(&f);
    }
    g_ptr_array_add(words, NULL);
    return good;
}
