/* What an instruction does to values, as far as data flow is concerned: made from the facts of
 * arch/a64*.def. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum flow_kind {
    FLOW_COMPUTE, /* what it writes is made of what it reads */
    FLOW_MOVE,    /* all of one register to another */
    FLOW_SELECT,  /* one of two, by a condition */
    FLOW_LOAD,    /* memory, or a system register, to registers: told by its own events */
    FLOW_STORE,
};

enum flow_key { KEY_NONE, KEY_IA, KEY_IB, KEY_DA, KEY_DB, KEY_GA, KEY_COUNT };

struct flow_op {
    uint32_t word;
    bool valid : 1;
    bool vector : 1;      /* MOVE: of V registers */
    bool conditional : 1; /* it compares if `condition` holds */
    bool call : 1;        /* BL, BLR */
    bool ret : 1;         /* RET by Xfrom */
    uint8_t kind;         /* enum flow_kind */
    uint8_t to, from, other, condition;
    uint8_t key;      /* of pointer authentication that it uses, enum flow_key */
    uint32_t decides; /* general registers that a branch or flags depend on, or an address */
    uint32_t x_reads, x_writes, v_reads, v_writes;
};
_Static_assert(sizeof(struct flow_op) == 32, "two in a line of the host's cache");

struct flow_op flow_op_of(uint32_t word);

/* ConditionHolds() of @condition with the flags in bits 31:28 of @pstate. */
bool flow_condition(unsigned condition, uint64_t pstate);
