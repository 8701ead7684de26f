#include "arch/cpu_models.h"

#include <string.h>

#include "arch/pa_size.h"

const struct cpu_model cpu_models[] = {
#define CPU_MODEL(id, name, qemu, generation, midr, ctr, clidr, pmcr, mmfr0, l1d, l1i, l2, dt,     \
                  lacks)                                                                           \
    {name,  qemu, MODEL_##id, GENERATION_##generation, midr, ctr,                                  \
     clidr, pmcr, mmfr0,      {l1d, l1i, l2},          dt,   lacks},
#define MODEL_RESET(...)
#include "arch/cpu_models.def"
#undef CPU_MODEL
#undef MODEL_RESET
    {.name = NULL},
};

/* The models column of arch/features.def. */
enum {
    A57 = 1 << GENERATION_A57,
    A55 = 1 << GENERATION_A55,
    A76 = 1 << GENERATION_A76,
    N1 = 1 << GENERATION_N1,
    V1 = 1 << GENERATION_V1,
    A710 = 1 << GENERATION_A710,
    N2 = 1 << GENERATION_N2,
    MAX = 1 << GENERATION_MAX,
#define FEATURE_MODELS(name, columns) MODELS_##name = columns,
#include "arch/feature_models.def"
#undef FEATURE_MODELS
};

static const uint8_t feature_models[FEAT_COUNT] = {
    [FEAT_BASE] = MODELS_ALL,
#define FEATURE(name, cli, models, ...) [FEAT_##name] = MODELS_##models,
#include "arch/features.def"
#undef FEATURE
};

/* One field of an ID register that a feature (or its absence) sets. */
struct id_field {
    uint16_t sr;
    uint8_t feature, lsb, width, value;
    bool absent;
};

static const struct id_field id_fields[] = {
#define FEATURE(name, cli, models, reg, lsb, width, value)                                         \
    {SR_##reg, FEAT_##name, lsb, width, value, false},
#include "arch/features.def"
#undef FEATURE
#define ID_FIELD(name, reg, lsb, width, value)  {SR_##reg, FEAT_##name, lsb, width, value, false},
#define ID_ABSENT(name, reg, lsb, width, value) {SR_##reg, FEAT_##name, lsb, width, value, true},
#include "arch/id_fields.def"
#undef ID_FIELD
#undef ID_ABSENT
};

const struct cpu_model *cpu_model_find(const char *name)
{
    for (const struct cpu_model *m = cpu_models; m->name; m++)
        if (!strcmp(m->name, name) || !strcmp(m->qemu_name, name))
            return m;
    return NULL;
}

struct features cpu_model_features(const struct cpu_model *model)
{
    struct features f = {{0}};

    for (unsigned k = 0; k < FEAT_COUNT; k++)
        set_feature(&f, (enum feature)k, (feature_models[k] >> model->generation) & 1);
    return f;
}

/* ID_AA64ISAR1_EL1.{APA,API,GPA,GPI} and ID_AA64ISAR2_EL1.{APA3,GPA3}: level of pointer
 * authentication, in the fields of the algorithm used. */
static uint64_t pauth_id(const struct features *f, enum sysreg sr)
{
    static const struct {
        enum feature feature;
        uint8_t value;
    } levels[] = {
        {FEAT_FPACCOMBINE, 5}, {FEAT_FPAC, 4}, {FEAT_PAuth2, 3}, {FEAT_EPAC, 2}, {FEAT_PAuth, 1}};
    uint64_t level = 0;

    for (unsigned k = 0; k < ARRAY_SIZE(levels) && level == 0; k++)
        if (has_feature(f, levels[k].feature))
            level = levels[k].value;
    if (level == 0)
        return 0;
    if (has_feature(f, FEAT_PACQARMA5))
        return sr == SR_ID_AA64ISAR1_EL1 ? level << 4 | UINT64_C(1) << 24 : 0;
    if (has_feature(f, FEAT_PACQARMA3))
        return sr == SR_ID_AA64ISAR2_EL1 ? level << 12 | UINT64_C(1) << 8 : 0;
    return sr == SR_ID_AA64ISAR1_EL1 ? level << 8 | UINT64_C(1) << 28 : 0;
}

static uint64_t id_base(const struct cpu_model *model, const struct features *f, enum sysreg sr)
{
    switch (sr) {
    case SR_MIDR_EL1:
        return model->midr;
    case SR_CTR_EL0:
        return model->ctr;
    case SR_CLIDR_EL1:
        return model->clidr;
    case SR_ID_AA64PFR0_EL1:
        return 0x11; /* Differs: EL0 and EL1 are AArch64 only, whatever the core has */
    case SR_ID_AA64DFR0_EL1:
        return 0x10305006; /* v8 debug, 6 breakpoints, 4 watchpoints, 2 context-aware */
    case SR_ID_AA64MMFR0_EL1:
        return model->mmfr0;
    case SR_ID_AA64ISAR1_EL1:
    case SR_ID_AA64ISAR2_EL1:
        return pauth_id(f, sr);
    default:
        return 0;
    }
}

uint64_t cpu_model_id(const struct cpu_model *model, const struct features *f, enum sysreg sr)
{
    uint64_t v = id_base(model, f, sr);

    for (unsigned k = 0; k < ARRAY_SIZE(id_fields); k++) {
        const struct id_field *d = &id_fields[k];
        unsigned hi = d->lsb + d->width - 1u;

        if (d->sr != sr || has_feature(f, (enum feature)d->feature) == d->absent)
            continue;
        if (d->absent || d->value > bits(v, hi, d->lsb))
            v = set_bits(v, hi, d->lsb, d->value);
    }
    /* PARange: the model's, or 52 bits with FEAT_LPA, which then must not be there without. */
    if (sr == SR_ID_AA64MMFR0_EL1 && !has_feature(f, FEAT_LPA) && bits(v, 3, 0) > 5)
        v = set_bits(v, 3, 0, 5);
    return v;
}

static const struct {
    enum cpu_model_id model;
    enum sysreg sr;
    uint64_t value;
} model_resets[] = {
#define CPU_MODEL(...)
#define MODEL_RESET(id, sr, value) {MODEL_##id, SR_##sr, value},
#include "arch/cpu_models.def"
#undef CPU_MODEL
#undef MODEL_RESET
};

bool cpu_model_reset(const struct cpu_model *model, enum sysreg sr, uint64_t *value)
{
    for (unsigned k = 0; k < ARRAY_SIZE(model_resets); k++)
        if (model_resets[k].model == model->id && model_resets[k].sr == sr) {
            *value = model_resets[k].value;
            return true;
        }
    return false;
}

uint64_t cpu_model_ccsidr(const struct cpu_model *model, uint64_t csselr)
{
    switch (csselr & 15) {
    case 0:
        return model->ccsidr[0];
    case 1:
        return model->ccsidr[1];
    case 2:
        return model->ccsidr[2];
    default:
        return 0;
    }
}
