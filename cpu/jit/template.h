/*
 * The rows for which there are templates. Each file of a class of instructions has a list of its
 * own; cpu/jit/template.c has the list of these.
 */
#pragma once

#include "arch/insn.h"
#include "base/bits.h"

struct tr;

/* Emit instruction @k, whose record is @i. @arg: the row's. False: none for this one, nothing has
 * been emitted; its exec_ function is called. */
typedef bool jit_emit_fn(struct tr *t, unsigned k, const struct insn *i, unsigned arg);

struct jit_template {
    uint16_t op;  /* enum a64_op */
    uint16_t arg; /* what tells it from others of the same function */
    jit_emit_fn *emit;
    /* Does it leave EFLAGS alone, or read NZCV from there? NULL: never, they are saved before. */
    bool (*keeps_flags)(const struct insn *i);
};

bool jit_keeps_flags(const struct insn *i); /* always */

struct jit_templates {
    const struct jit_template *rows;
    unsigned count;
    unsigned host; /* bits of enum jit_host that they need */
};

#define JIT_TEMPLATES(list)                                                                        \
    {                                                                                              \
        .rows = (list), .count = ARRAY_SIZE(list)                                                  \
    }

#define JIT_HOST_TEMPLATES(list, needs)                                                            \
    {                                                                                              \
        .rows = (list), .count = ARRAY_SIZE(list), .host = (needs)                                 \
    }

/* The template of each row on a host that has @host, NULL for none. */
void jit_templates(const struct jit_template *by_op[A64_OP_COUNT], unsigned host);
