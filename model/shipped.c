#include "model/shipped.h"

/* Made of docs/models/NAME.model by the build. */
const struct shipped_model shipped_models[] = {
#include "models.inc"
};
const unsigned shipped_count = sizeof(shipped_models) / sizeof(shipped_models[0]);
