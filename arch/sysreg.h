/* Every system register and SYS instruction: one enumerator and one row each (arch/sysreg.def). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/features.h"

enum sysreg {
#define SYSREG(name, ...) SR_##name,
#include "arch/sysreg.def"
#undef SYSREG
    SR_COUNT,
    SR_NONE = SR_COUNT
};
