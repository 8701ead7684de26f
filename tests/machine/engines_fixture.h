/* Programs for machines that differ in their engine alone, and the comparison of these. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bits.h"
#include "tests/machine/new_machine.h"
#include "tests/random.h"

#define CODE   UINT64_C(0x40200000)
#define VECTOR UINT64_C(0x40210000)
#define TABLE  UINT64_C(0x40220000)
#define DATA   UINT64_C(0x40400000)
#define WORDS  1024

struct program {
    uint32_t words[WORDS];
    unsigned size;
    uint64_t at; /* its address, where it is not CODE */
};

static inline void emit(struct program *p, uint32_t word)
{
    assert_true(p->size < WORDS);
    p->words[p->size++] = word;
}

/* All that CPU 0 has, by the library. */
static inline void compare_registers(struct arm_machine *a, struct arm_machine *b)
{
    struct arm_register list[2048];
    size_t count = arm_reg_list(a, 0, list, ARRAY_SIZE(list));

    for (size_t k = 0; k < count; k++) {
        uint64_t v[2] = {0, 0}, w[2] = {0, 0};
        if (arm_reg_get(a, 0, list[k].number, v) && arm_reg_get(b, 0, list[k].number, w) &&
            (v[0] != w[0] || v[1] != w[1]))
            fail_msg("%s: %#llx and %#llx", list[k].name, (unsigned long long)v[0],
                     (unsigned long long)w[0]);
    }
}

static inline void compare_memory(struct arm_machine *a, struct arm_machine *b, uint64_t at,
                                  size_t size)
{
    uint8_t *x = test_malloc(size), *y = test_malloc(size);

    assert_true(arm_mem_read(a, at, x, size) && arm_mem_read(b, at, y, size));
    assert_memory_equal(x, y, size);
    test_free(x);
    test_free(y);
}

/* What a machine's registers have before its first instruction. */
struct initial {
    const char *name;
    uint64_t value;
};

static inline void set_registers(struct arm_machine *m, const struct initial *list, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (!arm_reg_write(m, 0, list[k].name, list[k].value))
            fail_msg("no %s", list[k].name);
}

/* A machine of one CPU, without EL2, that begins with @p. */
static inline struct arm_machine *machine_with(const struct program *p, const char *cpu,
                                               enum arm_engine engine)
{
    const struct arm_config config = {
        .size = sizeof(config), .cpu = cpu, .cpus = 1, .ram_size = 8 << 20, .engine = engine};

    return new_machine_of(config, p->words, p->size * 4, p->at ? p->at : CODE, 0);
}

static inline void put(struct arm_machine *m, uint64_t at, uint64_t value)
{
    assert_true(arm_mem_write(m, at, &value, sizeof(value)));
}

/* X0 to X30, of all lengths. */
static inline void set_random_registers(struct arm_machine *m, uint64_t *random)
{
    for (unsigned k = 0; k < 31; k++) {
        uint64_t value[2] = {random_next(random) >> random_next(random) % 64, 0};
        assert_true(arm_reg_set(m, 0, ARM_X(k), value));
    }
}

/* The same code for each of the 16 vectors at @at. */
static inline void put_vectors(struct arm_machine *m, uint64_t at, const uint32_t *code,
                               size_t size)
{
    for (unsigned k = 0; k < 16; k++)
        assert_true(arm_mem_write(m, at + 0x80 * k, code, size));
}

typedef void compare_fn(struct arm_machine *a, struct arm_machine *b);

/* In @pieces of up to @longest instructions, after each of which they are the same. */
static inline void run_both_in_pieces(struct arm_machine *a, struct arm_machine *b,
                                      uint64_t *random, unsigned pieces, uint64_t longest,
                                      compare_fn *compare)
{
    for (unsigned k = 0; k < pieces; k++) {
        uint64_t piece = 1 + random_next(random) % longest;
        assert_int_equal(arm_run(a, piece), arm_run(b, piece));
        compare(a, b);
    }
}
