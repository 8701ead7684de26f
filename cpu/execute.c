#include "cpu/execute.h"

exec_fn *const exec_fns[A64_OP_COUNT] = {
#define A64(name, ...) [A64_##name] = exec_##name,
#include "arch/a64.def"
#undef A64
    [A64_UNALLOCATED] = exec_UNALLOCATED,
};
