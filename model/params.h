/* A core as numbers: model/params.def. */
#pragma once

#include <stdint.h>

#include "armillary.h"

enum param {
#define PARAM(name, ...) P_##name,
#include "model/params.def"
#undef PARAM
    PARAM_COUNT
};

enum param_kind { PARAM_NUMBER, PARAM_POWER, PARAM_SETS, PARAM_WORD };

/* Values of parameters that are words. */
enum { PREDICT_STATIC, PREDICT_BIMODAL, PREDICT_GSHARE };
enum { UNCACHED_OBEY, UNCACHED_IGNORE };
enum { PREFETCH_NONE, PREFETCH_ASCENDING, PREFETCH_BOTH };
enum { WALK_L1D, WALK_L2 };

struct arm_core {
    char name[32];    /* "a53-like" */
    char changed[64]; /* parameters that are not as in the file, "" none */
    char label[128];  /* arm_core_label() */
    uint32_t v[PARAM_COUNT];
};

enum param_kind param_kind(enum param p);
const char *param_name(enum param p);

/* Set by number: within the range, and consistent with nothing else. */
void core_put(struct arm_core *core, enum param p, uint32_t value);

/* Do the parameters go together? 0 or -ARM_EINVAL and a sentence. */
int core_check(const struct arm_core *core, struct arm_error *err);
