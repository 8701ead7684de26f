/* elfutils' libdw, loaded when what a file's DWARF says is wanted first: it and what it needs
 * itself are some libraries more, which hardly a start wants. */
#pragma once

#include <elfutils/libdw.h>
#include <stdbool.h>

/* Its functions that are used: dwarf_NAME(). */
/* clang-format off */
#define LIBDW_CALLS(X)                                                                             \
    X(addrdie) X(aggregate_size) X(attr) X(attr_integrate) X(begin)                                \
    X(child) X(decl_file) X(decl_line) X(diecu) X(diename)                                         \
    X(dieoffset) X(end) X(entrypc) X(formref_die) X(formstring)                                    \
    X(formudata) X(getfuncs) X(getlocation) X(getlocation_addr) X(getscopes)                       \
    X(getsrc_die) X(getsrclines) X(haspc) X(lineaddr) X(lineendsequence)                           \
    X(lineno) X(linesrc) X(nextcu) X(offdie) X(onesrcline)                                         \
    X(peel_type) X(siblingof) X(tag)
/* clang-format on */

struct libdw {
#define X(name) __typeof__(dwarf_##name) *name;
    LIBDW_CALLS(X)
#undef X
};

/* False: there is none, and @to is not to be used. */
bool libdw_load(struct libdw *to);
