#include "checker/suppress.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"

struct suppression {
    char *rule, *reg, *symbol, *reason;
    uint64_t taken;
};

struct suppressions {
    GArray *list;
};

static void clear(void *one)
{
    struct suppression *s = one;

    g_free(s->rule);
    g_free(s->reg);
    g_free(s->symbol);
    g_free(s->reason);
}

static bool is_rule(const char *word)
{
    for (unsigned k = 0; k < RULE_COUNT; k++)
        if (!strcmp(rule_rows[k].name, word))
            return true;
    return !strcmp(word, "*");
}

static int add_line(struct suppressions *s, const char *path, unsigned number, char *line,
                    struct arm_error *err)
{
    line[strcspn(line, "#")] = '\0';
    g_strstrip(line);
    if (!*line)
        return 0;
    g_auto(GStrv) words = g_regex_split_simple("[ \t]+", line, 0, 0);
    if (g_strv_length(words) < 4 || !is_rule(words[0]))
        return error_set(
            err, ARM_EFORMAT,
            "%s:%u: \"%s\": expected RULE REGISTER SYMBOL and a reason, with * for any", path,
            number, line);
    struct suppression one = {g_strdup(words[0]), g_strdup(words[1]), g_strdup(words[2]),
                              g_strjoinv(" ", words + 3), 0};
    g_array_append_val(s->list, one);
    return 0;
}

struct suppressions *suppressions_load(const char *path, struct arm_error *err)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    if (!g_file_get_contents(path, &text, NULL, &error)) {
        error_set(err, ARM_EIO, "%s: cannot read suppressions: %s", path, error->message);
        return NULL;
    }
    struct suppressions *s = g_new0(struct suppressions, 1);
    s->list = g_array_new(FALSE, TRUE, sizeof(struct suppression));
    g_array_set_clear_func(s->list, clear);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (unsigned k = 0; lines[k]; k++)
        if (add_line(s, path, k + 1, lines[k], err) < 0) {
            suppressions_free(s);
            return NULL;
        }
    return s;
}

void suppressions_free(struct suppressions *s)
{
    if (s)
        g_array_unref(s->list);
    g_free(s);
}

static bool fits(const char *pattern, const char *text)
{
    return !strcmp(pattern, "*") || (text && !g_ascii_strcasecmp(pattern, text));
}

static bool fits_place(const char *pattern, const struct finding *f, const char *symbol)
{
    if (!strncmp(pattern, "0x", 2))
        return g_ascii_strtoull(pattern, NULL, 16) == f->at.pc;
    g_autofree char *name = symbol ? g_strndup(symbol, strcspn(symbol, "+")) : NULL;
    return !strcmp(pattern, "*") || (name && !strcmp(pattern, name));
}

bool suppressions_take(struct suppressions *s, const struct finding *f, const char *symbol)
{
    for (unsigned k = 0; s && k < s->list->len; k++) {
        struct suppression *one = &g_array_index(s->list, struct suppression, k);
        if (!fits(one->rule, rule_rows[f->rule].name) ||
            !fits(one->reg, f->reg == ARM_NO_REGISTER ? NULL : arm_reg_name(f->reg)) ||
            !fits_place(one->symbol, f, symbol))
            continue;
        one->taken++;
        return true;
    }
    return false;
}

void suppressions_print(const struct suppressions *s, arm_line_fn *line, void *ctx)
{
    for (unsigned k = 0; s && k < s->list->len; k++) {
        const struct suppression *one = &g_array_index(s->list, struct suppression, k);
        g_autofree char *text =
            one->taken ? g_strdup_printf("suppressed: %s %s %s, %" PRIu64 " time(s): %s", one->rule,
                                         one->reg, one->symbol, one->taken, one->reason)
                       : g_strdup_printf("suppression without a finding: %s %s %s: %s", one->rule,
                                         one->reg, one->symbol, one->reason);
        line(ctx, text);
    }
}
