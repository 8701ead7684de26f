/* What the cycle model has to say to an experiment. */
#include <math.h>
#include <string.h>

#include "lab.h"
#include "lab_answers.h"

const char *lab_core_name(const struct lab *lab, unsigned core)
{
    const char *label = arm_core_label(lab->cores[core]);

    return !strncmp(label, "modelled, ", 10) ? label + 10 : label;
}

/* With --quick only the first, which are those of how instructions issue. */
#define QUICK_VARIANTS 20

/* The parameter in which @other differs from @core: "lat_load 4". */
static char *difference(const struct arm_core *core, const struct arm_core *other)
{
    struct arm_core_parameter p;

    for (unsigned k = 0; arm_core_describe(k, &p); k++)
        if (arm_core_value(core, k) != arm_core_value(other, k))
            return g_strdup_printf("%s %" G_GUINT64_FORMAT, p.name, arm_core_value(other, k));
    return g_strdup("none");
}

/* What the results of all cores come to; the first is the core's own. */
static char *weigh(const struct lab *lab, const struct lab_claim *claim,
                   struct arm_core *const *list, const double *result, unsigned count)
{
    struct claim_numbers n = {.what = claim->what,
                              .core = lab_core_name(lab, 0),
                              .base = result[0],
                              .itself = claim->holds(result[0]),
                              .variants = count - 1};
    struct arm_influence most = {0};

    for (unsigned k = 1; k < count; k++)
        if (!claim->holds(result[k])) {
            n.against++;
            if (!n.first_against)
                n.first_against = difference(list[0], list[k]);
        }
    if (arm_core_influences(list, count, result, &most, 1)) {
        n.parameter = most.parameter;
        n.from = most.from;
        n.to = most.to;
        n.change = most.change;
    }
    char *sentence = claim_sentence(&n);
    g_free(n.first_against);
    return sentence;
}

bool lab_test_claim(const struct lab *lab, const struct lab_spec *spec,
                    const struct lab_claim *claim, struct lab_report *report)
{
    struct arm_core **list = NULL;
    unsigned all = arm_core_variants(lab->cores[0], &list);
    unsigned count = lab->quick ? MIN(all, QUICK_VARIANTS) : all;
    struct lab_spec modelled = *spec;
    struct lab_outcome *out = lab_outcome_new();
    double *result = g_new0(double, count);

    modelled.cores = (const struct arm_core *const *)list;
    modelled.core_count = count;
    bool ok = lab_run(lab, &modelled, out, report);
    for (unsigned k = 0; k < count && ok; k++)
        result[k] = claim->result(out, k, claim->ctx);
    if (ok)
        lab_sensitivity(report, weigh(lab, claim, list, result, count));
    g_free(result);
    lab_outcome_free(out);
    arm_core_variants_free(list, all);
    return ok;
}
