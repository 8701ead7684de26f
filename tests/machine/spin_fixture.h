/* Programs on a machine of their own, run with their loops carried forward and executed. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "armillary.h"
#include "base/bits.h"
#include "cpu/state.h"
#include "machine/machine.h"
#include "tests/machine/new_machine.h"
#include "tests/random.h"

#define RAM       UINT64_C(0x40000000)
#define ENTRY     (RAM + 0x80000)
#define CPU_SIZE  0x10000 /* of a CPU's program, stack, data and tables */
#define RAM_SIZE  (UINT64_C(4) << 20)
#define IRQ_AT    (0x280 / 4)
#define START     (0x400 / 4)
#define WORDS_MAX (0x8000 / 4)

/*
 * At the start of the program, which is the vector base: b start. At 0x280:
 *   stp x0,x1,[sp,#-16]!; mrs x0,icc_iar1_el1; ldr x1,[x20,#128]; add x1,x1,#1; str x1,[x20,#128];
 *   mov x1,#421; msr cnthp_tval_el2,x1; msr icc_eoir1_el1,x0; cbz x19,1f; msr elr_el2,x19;
 *   1: ldp x0,x1,[sp],#16; eret
 */
static const uint32_t guest_irq[] = {
    0xa9bf07e0, 0xd538cc00, 0xf9404281, 0x91000421, 0xf9004281, 0xd28034a1,
    0xd51ce201, 0xd518cc20, 0xb4000053, 0xd51c4033, 0xa8c107e0, 0xd69f03e0,
};

/* x20: a page of data, whose end is the stack; x6 = x19 = x21 = 0. The MMU on with a map that
 * changes nothing, the GIC on, an interrupt from the EL2 physical timer every 421 ticks once it is
 * enabled (CNTHP_CTL_EL2), interrupts unmasked. */
static const uint32_t guest_start[] = {
    0x10000000, 0x9274cc14, 0xd51cc014, 0x91402294, 0x9140069f, 0xd53800a0, 0x92401c00, 0x91400a81,
    0xd28080a2, 0xf9000022, 0xd280e022, 0xf2a80002, 0xf9000422, 0xd51c2001, 0xd2801fe2, 0xd51ca202,
    0xd286a322, 0xf2b01022, 0xd51c2042, 0xd5033fdf, 0xd53c1002, 0xb2400042, 0xd51c1002, 0xd5033fdf,
    0xd2a10001, 0x52800242, 0xb9000022, 0xd2a10141, 0x8b004421, 0xb900143f, 0x91404021, 0x12800002,
    0xb9008022, 0x52a08002, 0xb9010022, 0xd28001e2, 0xd51cc9a2, 0xd2801fe2, 0xd5184602, 0xd2800022,
    0xd518cce2, 0xd2800202, 0xf2b00002, 0xd51c1102, 0xd5033fdf, 0xd2800802, 0xd51ce202, 0xd50342ff,
    0xd2800015, 0xd2800006, 0xd2800013,
};

struct program {
    unsigned size;
    uint32_t words[WORDS_MAX];
};

static inline void emit(struct program *p, uint32_t word)
{
    assert_true(p->size < WORDS_MAX);
    p->words[p->size++] = word;
}

static inline void begin_program(struct program *p, bool interrupts)
{
    memset(p, 0, sizeof(*p));
    p->words[0] = 0x14000000 | START; /* b start */
    memcpy(&p->words[IRQ_AT], guest_irq, sizeof(guest_irq));
    memcpy(&p->words[START], guest_start, sizeof(guest_start));
    p->size = START + ARRAY_SIZE(guest_start);
    emit(p, 0xd2800000u | (interrupts ? 1u << 5 : 0)); /* mov x0,#1 */
    emit(p, 0xd51ce220);                               /* msr cnthp_ctl_el2,x0 */
}

/* From @first on again. */
static inline void end_program(struct program *p, unsigned first)
{
    emit(p, 0x14000000 | ((first - p->size) & 0x3ffffff));
}

static inline struct arm_machine *create(const struct program *p, unsigned cpus, const char *model)
{
    const struct arm_config config = {
        .size = sizeof(config), .cpus = cpus, .cpu = model, .ram_size = RAM_SIZE, .el2 = true};

    return new_machine_of(config, p->words, p->size * 4, ENTRY, CPU_SIZE);
}

static inline void ignore(void *ctx, const struct arm_event *p)
{
    (void)ctx;
    (void)p;
}

/* The same, whose loops are executed. */
static inline struct arm_machine *create_observed(const struct program *p, unsigned cpus,
                                                  const char *model)
{
    struct arm_machine *m = create(p, cpus, model);
    const struct arm_filter reads = {.size = sizeof(struct arm_filter),
                                     .events = BIT(ARM_EVENT_SYSREG_READ)};

    assert_true(arm_subscribe(m, &reads, ignore, NULL) > 0);
    return m;
}

static inline uint64_t skipped(const struct arm_machine *m)
{
    uint64_t sum = 0;

    for (unsigned k = 0; k < m->cpu_count; k++)
        sum += m->cpus[k]->spin.skipped;
    return sum;
}

/* Everything of two runs. */
static inline void assert_same(struct arm_machine *a, struct arm_machine *b)
{
    static uint8_t ram[2][CPU_SIZE * ARM_CPUS_MAX];
    const size_t size = (size_t)CPU_SIZE * a->cpu_count;

    assert_int_equal(arm_retired(a), arm_retired(b));
    assert_int_equal(arm_time_ns(a), arm_time_ns(b));
    for (unsigned k = 0; k < a->cpu_count; k++) {
        const struct cpu *x = a->cpus[k], *y = b->cpus[k];
        struct cpu_state_difference d;
        if (cpu_state_compare(x, y, &d, 1))
            fail_msg("cpu%u at %#" PRIx64 ": %s[%u] %#" PRIx64 ", executed %#" PRIx64, k, x->pc,
                     d.name, d.index, d.a, d.b);
    }
    assert_true(arm_mem_read(a, ENTRY, ram[0], size));
    assert_true(arm_mem_read(b, ENTRY, ram[1], size));
    assert_memory_equal(ram[0], ram[1], size);
}
