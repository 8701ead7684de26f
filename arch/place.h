/* Where the rows of the tables stand; one of several lines by its first (gcc) or last (clang). */
#pragma once

#include "arch/insn.h"
#include "arch/sysreg.h"
#include "base/place.h"

struct place a64_row_place(enum a64_op op);
struct place sysreg_row_place(enum sysreg sr);
struct place trap_group_place(enum trap_group group);
