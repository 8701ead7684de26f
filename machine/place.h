/* Where the functions are defined that the tables of arch/ name, and others of cpu/ and gic/: made
 * by the build (tools/source_gen.c). */
#pragma once

#include "arch/insn.h"
#include "arch/sysreg.h"
#include "base/place.h"

/* A function by its name. No file: there is none, or two files have one each. */
struct place function_place(const char *name);

/* What executes a row. */
struct place exec_place(enum a64_op op);

/* The functions that a register is read and written with, or an operation executed; of the GIC's,
 * those of the CPU interface. NULL: none, the register is storage (or not accessible that way). */
const char *sysreg_reader(enum sysreg sr);
const char *sysreg_writer(enum sysreg sr);
const char *sysreg_executor(enum sysreg sr);

/* Where one of these is. */
struct place accessor_place(const char *function);
