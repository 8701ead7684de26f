/* CPU models by name, and the ID registers that follow from a model and its features. */
#pragma once

#include <stdint.h>

#include "arch/features.h"
#include "arch/sysreg.h"

enum cpu_generation {
    GENERATION_A57,
    GENERATION_A55,
    GENERATION_A76,
    GENERATION_N1,
    GENERATION_V1,
    GENERATION_A710,
    GENERATION_N2,
    GENERATION_MAX
};

enum cpu_model_id {
#define CPU_MODEL(id, ...) MODEL_##id,
#define MODEL_RESET(...)
#include "arch/cpu_models.def"
#undef CPU_MODEL
#undef MODEL_RESET
};

struct cpu_model {
    const char *name;      /* NULL ends the list */
    const char *qemu_name; /* means the same */
    enum cpu_model_id id;
    enum cpu_generation generation; /* which column of arch/features.def */
    uint32_t midr, ctr, clidr, pmcr;
    uint64_t mmfr0;
    uint32_t ccsidr[3];     /* L1 data, L1 instruction, L2 */
    const char *compatible; /* of the device tree's cpu nodes */
    const char *lacks; /* what the core has and this CPU has not, besides AArch32; NULL: nothing */
};

extern const struct cpu_model cpu_models[];

/* NULL if there is none of that name, its own or QEMU's. */
const struct cpu_model *cpu_model_find(const char *name);

/* The features a model has before any --cpu switch. */
struct features cpu_model_features(const struct cpu_model *model);

/* The constant ID register @sr (MIDR_EL1, ID_AA64*_EL1, CTR_EL0, CLIDR_EL1, ...) of a CPU with
 * features @f; zero for registers that are not constant. ID_AA64PFR0_EL1.GIC is the caller's. */
uint64_t cpu_model_id(const struct cpu_model *model, const struct features *f, enum sysreg sr);

/* What @sr holds after reset where that is the model's and not its row's: true and *value. */
bool cpu_model_reset(const struct cpu_model *model, enum sysreg sr, uint64_t *value);

/* CCSIDR_EL1 as CSSELR_EL1 = @csselr selects it; 0 for a cache that is not there. */
uint64_t cpu_model_ccsidr(const struct cpu_model *model, uint64_t csselr);
