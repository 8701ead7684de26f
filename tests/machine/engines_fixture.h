/* Programs for machines that differ in their engine alone, and the comparison of these. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bits.h"
#include "tests/machine/new_machine.h"

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
