#include "arch/place.h"

#include <string.h>

#include "base/bits.h"

/* __FILE__ in a table is the table's own name. */
#define HERE                                                                                       \
    {                                                                                              \
        __FILE__, __LINE__                                                                         \
    }

static const struct place a64_places[A64_OP_COUNT] = {
#define A64(name, ...) [A64_##name] = HERE,
#include "arch/a64.def"
#undef A64
};

static const struct place sysreg_places[SR_COUNT] = {
#define SYSREG(name, ...) [SR_##name] = HERE,
#include "arch/sysreg.def"
#undef SYSREG
};

static const struct place trap_places[TRAP_GROUP_COUNT] = {
#define TRAP_GROUP(name, ...) [TRAP_##name] = HERE,
#include "arch/traps.def"
#undef TRAP_GROUP
};

/* The compiler names a file as it found it, perhaps by an absolute path. */
static struct place from_top(struct place p)
{
    static const char folder[] = "arch/";
    const char *next;

    while (p.file && (next = strstr(p.file + 1, folder)))
        p.file = next;
    return p;
}

struct place a64_row_place(enum a64_op op)
{
    return op < ARRAY_SIZE(a64_places) ? from_top(a64_places[op]) : (struct place){0};
}

struct place sysreg_row_place(enum sysreg sr)
{
    return sr < ARRAY_SIZE(sysreg_places) ? from_top(sysreg_places[sr]) : (struct place){0};
}

struct place trap_group_place(enum trap_group group)
{
    return group < ARRAY_SIZE(trap_places) ? from_top(trap_places[group]) : (struct place){0};
}
