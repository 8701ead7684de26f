#include "checker/rules.h"

#include <glib.h>
#include <string.h>

#include "base/error.h"

const struct rule_row rule_rows[RULE_COUNT + 1] = {
#define RULE(id, name, unit, severity, meaning, section)                                           \
    [RULE_##id] = {name, UNIT_##unit, RULE_##severity, meaning, section},
#include "checker/rules.def"
#undef RULE
};

const char *rule_severity_word(enum rule rule)
{
    return rule_rows[rule].severity == RULE_ERROR ? "error" : "warning";
}

static void set_all(bool *on, bool value)
{
    for (unsigned k = 0; k < RULE_COUNT; k++)
        on[k] = value;
}

static bool set_one(const char *word, bool *on)
{
    bool value = *word != '-';

    for (unsigned k = 0; k < RULE_COUNT; k++)
        if (!g_ascii_strcasecmp(rule_rows[k].name, word + !value)) {
            on[k] = value;
            return true;
        }
    return false;
}

int rules_parse(const char *text, bool *on, struct arm_error *err)
{
    g_auto(GStrv) words = g_strsplit(text ? text : "all", ",", -1);

    set_all(on, words[0] && words[0][0] == '-');
    for (char **w = words; *w; w++)
        if (!strcmp(*w, "all") || !strcmp(*w, "none"))
            set_all(on, **w == 'a');
        else if (!set_one(*w, on))
            return error_set(err, ARM_EINVAL,
                             "rules \"%s\": \"%s\" is none; expected all, none or names of "
                             "docs/rules/",
                             text, *w);
    return 0;
}

const char *arm_check_rule(unsigned index, const char **meaning, bool *warning)
{
    if (index >= RULE_COUNT)
        return NULL;
    *meaning = rule_rows[index].meaning;
    *warning = rule_rows[index].severity == RULE_WARNING;
    return rule_rows[index].name;
}
