/* A core whose numbers are easy to compute with, and instructions for it that
 * no machine executes. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "model/pe.h"

/* Words of instructions. */
#define W_NOP       0xd503201fU
#define W_ADD(r)    (0x91000400U | (r) << 5 | (r)) /* add Xr, Xr, #1 */
#define W_MUL       0x9b017c00U                    /* mul x0, x0, x1 */
#define W_UDIV      0x9ac10800U                    /* udiv x0, x0, x1 */
#define W_LDR       0xf9400020U                    /* ldr x0, [x1] */
#define W_LDR_POST  0xf8408420U                    /* ldr x0, [x1], #8 */
#define W_LDP_Q     0xad400400U                    /* ldp q0, q1, [x0] */
#define W_STR       0xf9000020U                    /* str x0, [x1] */
#define W_B_NE      0x54000001U                    /* forwards */
#define W_B_NE_BACK 0x54ffffe1U
#define W_B         0x14000000U
#define W_BL        0x94000000U
#define W_BR        0xd61f0000U
#define W_BLR       0xd63f0000U
#define W_RET       0xd65f03c0U
#define W_ISB       0xd5033fdfU
#define W_DSB       0xd5033f9fU
#define W_DMB       0xd5033fbfU
#define W_ERET      0xd69f03e0U
#define W_SVC       0xd4000001U
#define W_TLBI      0xd508871fU /* tlbi vmalle1 */
#define W_MRS(enc)  (0xd5200000U | (uint32_t)(enc) << 5)
#define W_MSR(enc)  (0xd5000000U | (uint32_t)(enc) << 5)

struct rig {
    struct arm_core core;
    uint8_t classes[A64_OP_COUNT];
    struct memory memory;
    struct pe pe;
    uint64_t pc;
    struct mapping mapping; /* of everything */
    struct op op;
};

/* One instruction a cycle, everything at once where it can be, memory 100 cycles away, L2 10. */
static inline struct arm_core plain_core(void)
{
    struct arm_core core = {.name = "plain"};

    for (unsigned k = 0; k < PARAM_COUNT; k++) {
        struct arm_core_parameter row;
        arm_core_describe(k, &row);
        core.v[k] = (uint32_t)row.def;
    }
    core.v[P_width] = 1;
    core.v[P_lat_load] = 1;
    core.v[P_prefetcher] = PREFETCH_NONE;
    core.v[P_fetch_ahead] = 0;
    core.v[P_lat_l2] = 10;
    core.v[P_lat_memory] = 100;
    core.v[P_taken_branch] = 0;
    core.v[P_btb_miss] = 0;
    core.v[P_lat_tlb2] = 0;
    core.v[P_walk_start] = 0;
    return core;
}

static inline void rig_init(struct rig *r, const struct arm_core *core)
{
    memset(r, 0, sizeof(*r));
    r->core = *core;
    for (unsigned k = 0; k < A64_OP_COUNT; k++)
        r->classes[k] = (uint8_t)op_row_class((enum a64_op)k);
    memory_init(&r->memory, &r->core, 1);
    pe_init(&r->pe, &r->core, &r->memory, 0);
    r->mapping = (struct mapping){.id = 1, .cached = true};
    r->pc = 0x1000;
    /* The page is known, and the line of the first instructions is there. */
    struct arm_model_counts n;
    memset(&n, 0, sizeof(n));
    tlbs_find(&r->pe.tlbs, &r->memory, 0, &r->mapping, true, 0, &n);
    tlbs_find(&r->pe.tlbs, &r->memory, 0, &r->mapping, false, 0, &n);
    memory_fetch(&r->memory, 0, r->pc, 0, &n);
}

static inline void rig_free(struct rig *r)
{
    pe_free(&r->pe);
    memory_free(&r->memory);
}

/* It executes @word, which accesses @a if it is not NULL, and goes on at @next. The code is a loop
 * of one line, so that fetching it costs nothing. */
static inline void rig_insn(struct rig *r, uint32_t word, const struct step_access *a, uint64_t pc,
                            uint64_t next)
{
    r->op = op_of(word, r->classes);
    const struct step s = {.kind = STEP_INSN,
                           .completed = true,
                           .pc = pc,
                           .next = next,
                           .pa = 0x1000 + (pc & 63),
                           .mapping = &r->mapping,
                           .op = &r->op,
                           .access_count = a != NULL};
    pe_step(&r->pe, &s, a);
}

static inline void rig_do(struct rig *r, uint32_t word)
{
    rig_insn(r, word, NULL, r->pc, r->pc + 4);
    r->pc += 4;
}

static inline void rig_access(struct rig *r, uint32_t word, uint64_t pa, unsigned size, bool write)
{
    const struct step_access a = {
        .pa = pa, .mapping = &r->mapping, .size = (uint8_t)size, .write = write};

    rig_insn(r, word, &a, r->pc, r->pc + 4);
    r->pc += 4;
}

/* The cycle that the next instruction would issue in, if nothing were missing. */
static inline uint64_t rig_cycles(const struct rig *r)
{
    return pe_cycles(&r->pe);
}
