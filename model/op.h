/* What the model has to know of an instruction word: its class, registers, and how it branches. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/insn.h"
#include "model/params.h"

enum op_class {
#define CLASS(name, ...) CLASS_##name,
#include "model/classes.def"
#undef CLASS
    CLASS_COUNT
};

enum op_unit {
    UNIT_ALU,
    UNIT_MUL,
    UNIT_FP,
    UNIT_LOAD,
    UNIT_STORE,
    UNIT_BRANCH,
    UNIT_SYSTEM,
    UNIT_COUNT
};

enum {            /* registers of the scoreboard */
       SB_X,      /* X0 to X30, SP */
       SB_V = 32, /* V0 to V31 */
       SB_FLAGS = 64,
       SB_COUNT,
};

#define OP_READS  8
#define OP_WRITES 6

struct op {
    uint32_t word;
    uint8_t class; /* enum op_class */
    uint8_t unit;  /* enum op_unit */
    uint8_t read_count, write_count;
    uint8_t reads[OP_READS], writes[OP_WRITES];
    uint8_t base; /* written back: there as soon as an addition would be; SB_COUNT: none */
    bool branch, conditional, indirect, call, is_return;
    bool exclusive, acquire, release;
    bool blocks; /* nothing else can use its unit meanwhile: division */
};

const char *op_class_name(enum op_class c);
enum op_unit op_class_unit(enum op_class c);
enum param op_class_latency(enum op_class c);

/* Of a row of arch/a64.def, as far as it says: MRS, MSR, SYS and operands say more. */
enum op_class op_row_class(enum a64_op op);

/* @classes: op_row_class() by row. */
struct op op_of(uint32_t word, const uint8_t *classes);
