/* CPU models and features as the command line takes them. */
#include "machine/cpu_spec.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct cpu_model *model;
    struct features features;
    struct arm_error err = {0};
    char *spec = strndup((const char *)data, size);

    if (!spec)
        abort();
    if (cpu_spec_parse(spec, &model, &features, &err) == 0)
        for (enum sysreg sr = 0; sr < SR_COUNT; sr++)
            (void)cpu_model_id(model, &features, sr);
    else
        CHECK(err.code != 0 && err.text[0] != 0);
    free(spec);
    return 0;
}
