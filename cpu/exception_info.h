/* An exception that is about to be taken. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/vector.h"

struct exception {
    enum vector_kind type;
    unsigned target_el; /* 1 to 3 */
    uint64_t ret;       /* preferred return address */
    uint64_t esr;       /* written to ESR_ELx unless type is IRQ or FIQ */
    bool far_valid;     /* FAR_ELx is written */
    uint64_t far;
    bool hpfar_valid; /* HPFAR_EL2 is written (target_el 2) */
    uint64_t hpfar;
    bool completed; /* SVC, HVC, SMC: the instruction that takes it retires at the EL it leaves */
};
