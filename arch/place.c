#include "arch/place.h"

#include <string.h>

/* __FILE__ in a table is the table's own name. Rows are cases, not elements: the pointers of arrays
 * are relocated when a program starts. */
#define PLACE(to, number)                                                                          \
    case number:                                                                                   \
        (to) = (struct place){__FILE__, __LINE__};                                                 \
        break

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
    struct place place = {0};

    switch ((unsigned)op) {
#define A64(name, ...) PLACE(place, A64_##name);
#include "arch/a64.def"
#undef A64
    }
    return from_top(place);
}

struct place sysreg_row_place(enum sysreg sr)
{
    struct place place = {0};

    switch ((unsigned)sr) {
#define SYSREG(name, ...) PLACE(place, SR_##name);
#include "arch/sysreg.def"
#undef SYSREG
    }
    return from_top(place);
}

struct place trap_group_place(enum trap_group group)
{
    struct place place = {0};

    switch ((unsigned)group) {
#define TRAP_GROUP(name, ...) PLACE(place, TRAP_##name);
#include "arch/traps.def"
#undef TRAP_GROUP
    }
    return from_top(place);
}
