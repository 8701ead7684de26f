/*
 * Random A64 programs for tests/lockstep/run: writes assembly source that is linked with runtime.S.
 *
 *   lockstep_gen MODEL MMU SEED N [CLASS:ITEM]
 *
 * MODEL: of arch/cpu_models.def. MMU: 1 or 0, see runtime.c. N items of each class below. With
 * CLASS:ITEM the program stops before that item and prints all state; no other word moves.
 *
 * A symbol class_item is at each item, so that `objdump --disassemble=class_item` shows it.
 * Checkpoints are supervisor calls every 64 items.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lockstep/gen.h"

#define ITEMS_PER_CHECKPOINT 64

/* The rows of each file of arch/a64.def. */
#define A64(name, ...) A64_##name,
static const enum a64_op dp_ops[] = {
#include "arch/a64_dp.def"
};
static const enum a64_op branch_ops[] = {
#include "arch/a64_branch.def"
};
static const enum a64_op ldst_ops[] = {
#include "arch/a64_ldst.def"
};
static const enum a64_op fp_ops[] = {
#include "arch/a64_fp.def"
};
static const enum a64_op simd_ops[] = {
#include "arch/a64_simd.def"
};
static const enum a64_op simdfp_ops[] = {
#include "arch/a64_simdfp.def"
};
static const enum a64_op crypto_ops[] = {
#include "arch/a64_crypto.def"
};
#undef A64

const struct program_class dp_class = {.ops = dp_ops, .op_count = ARRAY_SIZE(dp_ops)};

static void emit_dp(struct gen *g, const struct program_class *c)
{
    if (chance(g, 15))
        reload(g, false);
    word(g, word_of(g, op_of(g, c)));
}

static void emit_vector(struct gen *g, const struct program_class *c)
{
    for (unsigned k = (unsigned)any(g, 3); k > 0; k--)
        reload(g, true);
    if (chance(g, 10))
        reload(g, false);
    if (chance(g, 5)) {
        const unsigned reg = (unsigned)any(g, 31);
        move32(g, reg, chance(g, 40) ? 0 : random_next(&g->rng) & FPCR_MODES);
        word(g, 0xd51b4400 | reg); /* msr fpcr */
    }
    if (chance(g, 2))
        word(g, 0xd51b443f); /* msr fpsr, xzr */
    word(g, word_of(g, op_of(g, c)));
}

static void emit_mixed(struct gen *g, const struct program_class *c);

static const struct program_class classes[] = {
    {"dp", dp_ops, ARRAY_SIZE(dp_ops), NULL, emit_dp, false},
    {"branch", branch_ops, ARRAY_SIZE(branch_ops), is_conditional_or_direct, emit_branch, false},
    {"ldst", ldst_ops, ARRAY_SIZE(ldst_ops), is_scalar_memory, emit_memory, true},
    {"exclusive", ldst_ops, ARRAY_SIZE(ldst_ops), is_exclusive_load, emit_exclusive, true},
    {"lse", ldst_ops, ARRAY_SIZE(ldst_ops), is_lse, emit_memory, true},
    {"vldst", ldst_ops, ARRAY_SIZE(ldst_ops), is_vector, emit_memory, true},
    {"fp", fp_ops, ARRAY_SIZE(fp_ops), NULL, emit_vector, false},
    {"simd", simd_ops, ARRAY_SIZE(simd_ops), NULL, emit_vector, false},
    {"simdfp", simdfp_ops, ARRAY_SIZE(simdfp_ops), NULL, emit_vector, false},
    {"crypto", crypto_ops, ARRAY_SIZE(crypto_ops), NULL, emit_vector, false},
    {"code", NULL, 0, NULL, emit_code, false},
    {"sys", NULL, 0, NULL, emit_sys, true},
    {"mixed", NULL, 0, NULL, emit_mixed, true},
};

static void emit_mixed(struct gen *g, const struct program_class *c)
{
    const struct program_class *other = &classes[any(g, ARRAY_SIZE(classes) - 1)];

    (void)c;
    other->emit(g, other);
}

static void print_quads(const uint64_t *v, unsigned count)
{
    for (unsigned k = 0; k < count; k++)
        printf("%s0x%" PRIx64 "%s", k % 4 ? ", " : " .quad ", v[k],
               k % 4 == 3 || k == count - 1 ? "\n" : "");
}

/* struct class_state of runtime.c */
static void print_class_state(const struct program_class *c, struct gen *g)
{
    uint64_t x[32], v[64];
    const uint64_t flags[3] = {any(g, 16), random_next(&g->rng) & FPCR_MODES, 0};

    for (unsigned k = 0; k < ARRAY_SIZE(x); k++)
        x[k] = oracle_value(&g->rng);
    for (unsigned k = 0; k < ARRAY_SIZE(v); k++)
        v[k] = oracle_value(&g->rng);
    printf(" .quad name_%s, %d, 0x%" PRIx64 "\n", c->name, c->memory, random_next(&g->rng));
    print_quads(x, ARRAY_SIZE(x));
    print_quads(flags, ARRAY_SIZE(flags));
    print_quads(v, ARRAY_SIZE(v));
}

static void print_data(struct gen *g)
{
    printf(" .section .rodata\n");
    for (unsigned k = 0; k < ARRAY_SIZE(classes); k++)
        printf("name_%s: .asciz \"%s\"\n", classes[k].name, classes[k].name);
    printf(" .balign 8\n .globl class_states\nclass_states:\n");
    for (unsigned k = 0; k < ARRAY_SIZE(classes); k++)
        print_class_state(&classes[k], g);
    printf(" .section .pool, \"a\"\n");
    for (unsigned k = 0; k < POOL_COUNT; k++) {
        static const unsigned sizes[] = {16, 32, 64, 0, 0};
        const unsigned size = sizes[k % ARRAY_SIZE(sizes)];
        uint64_t pair[2];
        for (unsigned half = 0; half < 2; half++)
            pair[half] = size ? oracle_fp_lanes(&g->rng, size) : oracle_value(&g->rng);
        print_quads(pair, 2);
    }
}

static void print_call(struct gen *g, unsigned call)
{
    printf(" svc #%u\n", call);
    g->size++;
}

static void print_item(struct gen *g, bool stop)
{
    if (g->count == 0)
        word(g, 0xd503201f);
    if (stop)
        g->words[0] = 0xd4000001 | CALL_STOP << 5;
    for (unsigned k = 0; k < g->count; k++)
        printf(" .inst 0x%08x\n", g->words[k]);
    g->size += g->count;
}

/* @stop: item to stop at, or -1. */
static void print_class(struct gen *g, const struct program_class *c, unsigned items, long stop)
{
    print_call(g, CALL_START);
    for (unsigned k = 0; k < items; k++) {
        if (k % ITEMS_PER_CHECKPOINT == 0)
            print_call(g, CALL_CHECKPOINT);
        printf("%s_%u:\n", c->name, k);
        g->count = 0;
        c->emit(g, c);
        print_item(g, (long)k == stop);
    }
    print_call(g, (long)items == stop ? CALL_STOP : CALL_CHECKPOINT);
}

static int usage(const char *what)
{
    fprintf(stderr, "lockstep_gen: %s\nusage: lockstep_gen MODEL MMU SEED N [CLASS:ITEM]\n", what);
    return 2;
}

int main(int argc, char **argv)
{
    const struct cpu_model *model = argc < 5 ? NULL : cpu_model_find(argv[1]);
    char stop_class[32] = "";
    long stop_item = -1;

    if (!model)
        return usage("no such CPU model, or too few arguments");
    if (argc > 5 && sscanf(argv[5], "%31[a-z]:%ld", stop_class, &stop_item) != 2)
        return usage("CLASS:ITEM is a class and a number");
    const unsigned items = (unsigned)strtoul(argv[4], NULL, 0);
    struct gen g = {.rng = strtoull(argv[3], NULL, 0),
                    .features = cpu_model_features(model),
                    .mmu = argv[2][0] == '1'};
    for (const char *c = argv[1]; *c; c++) /* another program for each configuration */
        g.rng = g.rng * 31 + (uint64_t)*c + g.mmu;
    printf(" .arch armv8-a\n");
    print_data(&g);
    printf(" .text\n .globl body\nbody:\n");
    for (unsigned k = 0; k < ARRAY_SIZE(classes); k++)
        print_class(&g, &classes[k], items,
                    strcmp(classes[k].name, stop_class) == 0 ? stop_item : -1);
    print_call(&g, CALL_FINISH);
    return 0;
}
