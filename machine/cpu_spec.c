#include "machine/cpu_spec.h"

#include <stdio.h>
#include <string.h>

static int unknown_model(const char *name, struct arm_error *err)
{
    char known[256] = "";

    for (const struct cpu_model *m = cpu_models; m->name; m++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "", m->name);
        used = strlen(known);
        if (strcmp(m->name, m->qemu_name))
            snprintf(known + used, sizeof(known) - used, ", %s", m->qemu_name);
    }
    return error_set(err, ARM_EINVAL, "no CPU model \"%s\"; known: %s", name, known);
}

/* "+vhe", "-pauth" */
static int apply(const char *word, struct features *features, struct arm_error *err)
{
    if (*word != '+' && *word != '-')
        return error_set(err, ARM_EINVAL, "CPU feature \"%s\": expected +NAME or -NAME", word);
    enum feature feat = feature_by_cli_name(word + 1);
    if (feat == FEAT_COUNT)
        return error_set(err, ARM_EINVAL, "no CPU feature \"%s\"; docs/features.md lists them",
                         word + 1);
    feature_switch(features, feat, *word == '+');
    return 0;
}

int cpu_spec_parse(const char *spec, const struct cpu_model **model, struct features *features,
                   struct arm_error *err)
{
    char words[512];
    char *rest = NULL;

    if (strlen(spec) >= sizeof(words))
        return error_set(err, ARM_EINVAL, "CPU \"%.40s...\" is longer than %zu characters", spec,
                         sizeof(words) - 1);
    memcpy(words, spec, strlen(spec) + 1);
    const char *name = strtok_r(words, ",", &rest);
    *model = name ? cpu_model_find(name) : NULL;
    if (!*model)
        return unknown_model(name ? name : "", err);
    *features = cpu_model_features(*model);
    for (char *w = strtok_r(NULL, ",", &rest); w; w = strtok_r(NULL, ",", &rest)) {
        int r = apply(w, features, err);
        if (r < 0)
            return r;
    }
    return 0;
}
