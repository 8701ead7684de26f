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

bool lab_test_claim(const struct lab *lab, const struct lab_spec *spec,
                    const struct lab_claim *claim, struct lab_report *report)
{
    struct arm_core **list = NULL;
    struct lab_spec modelled = *spec;
    struct lab_outcome *out = lab_outcome_new();
    struct arm_influence most = {0};

    modelled.core_count = arm_core_variants(lab->cores[0], &list);
    modelled.cores = (const struct arm_core *const *)list;
    bool ok = lab_run(lab, &modelled, out, report);
    if (ok) {
        g_autofree double *result = g_new(double, modelled.core_count);
        struct claim_numbers n = {.what = claim->what, .variants = modelled.core_count - 1};
        for (unsigned k = 0; k < modelled.core_count; k++) {
            result[k] = claim->result(out, k, claim->ctx);
            bool holds = claim->holds(result[k]);
            n.itself |= !k && holds;
            n.against += k && !holds;
            if (k && !holds && !n.first_against)
                n.first_against = arm_core_label(list[k]);
        }
        n.base = result[0];
        if (arm_core_influences(list, modelled.core_count, result, &most, 1)) {
            n.parameter = most.parameter;
            n.from = most.from;
            n.to = most.to;
            n.change = most.change;
        }
        n.core = lab_core_name(lab, 0);
        lab_sensitivity(report, claim_sentence(&n));
    }
    lab_outcome_free(out);
    arm_core_variants_free(list, modelled.core_count);
    return ok;
}
