/*
 * What the exec_ functions (cpu/exec/, one file per encoding class) are made of. They read like the
 * manual's pseudocode: decode conditions, then permission, then effect. A class FP row has passed
 * CheckFPAdvSIMDEnabled64() before its function runs.
 *
 * Files of hot classes are compiled a second time into the threaded interpreter, which defines EXEC
 * as static inline; everywhere else it is empty.
 */
#pragma once

#include "cpu/cpu.h"
#include "cpu/exception.h"
#include "cpu/mem.h"

#ifndef EXEC
#define EXEC
#endif

/* A row's function that is one expression of `cpu` and `i`. */
#define EXEC_FUNCTION(name, ...)                                                                   \
    EXEC enum exec_result exec_##name(struct cpu *cpu, const struct insn *i)                       \
    {                                                                                              \
        (void)cpu;                                                                                 \
        (void)i;                                                                                   \
        return __VA_ARGS__;                                                                        \
    }

/* A row's function that is one statement, and the next instruction. */
#define EXEC_STATEMENT(name, ...)                                                                  \
    EXEC enum exec_result exec_##name(struct cpu *cpu, const struct insn *i)                       \
    {                                                                                              \
        (void)i;                                                                                   \
        __VA_ARGS__;                                                                               \
        return EXEC_NEXT;                                                                          \
    }

/* FP operations of one instruction: env in, FPSR out. */
static inline struct fp_env fp_begin(const struct cpu *cpu)
{
    return (struct fp_env){.fpcr = cpu->fpcr, .fpsr = 0};
}

static inline void fp_end(struct cpu *cpu, const struct fp_env *e)
{
    cpu->fpsr |= e->fpsr;
}

/* ConditionHolds(). */
static inline bool cond_holds(const struct cpu *cpu, unsigned cond)
{
    bool r;

    switch (cond >> 1) {
    case 0:
        r = cpu->zf == 0;
        break;
    case 1:
        r = cpu->cf;
        break;
    case 2:
        r = cpu->nf >> 63;
        break;
    case 3:
        r = cpu->vf >> 63;
        break;
    case 4:
        r = cpu->cf && cpu->zf != 0;
        break;
    case 5:
        r = !((cpu->nf ^ cpu->vf) >> 63);
        break;
    case 6:
        r = !((cpu->nf ^ cpu->vf) >> 63) && cpu->zf != 0;
        break;
    default:
        return true;
    }
    return r != (cond & 1);
}
