/* Loops that wait for the counter: carried forward or executed, a run is the same run. */
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

#define LOOP_MAX 16

/* The loops: wait for x1 ticks, may use x0 to x9, x29, x30 and the data; x0 is a count. */
static const struct loop {
    const char *name;
    bool waits; /* it does nothing but wait */
    uint32_t words[LOOP_MAX];
} loops[] = {
    {"until a time, unsigned",
     true,
     {0xd53be042, 0x8b010042, 0xd53be040, 0xeb02001f,
      0x54ffffc3}}, /* mrs x2, cntvct_el0; add x2, x2, x1; 1: mrs x0, cntvct_el0; cmp x0, x2; b.lo
                       1b */
    {"until a time, signed, with barrier and yield",
     true,
     {0xd53be022, 0x8b010042, 0xd503203f, 0xd5033fdf, 0xd53be020, 0xeb00005f,
      0x54ffff8c}}, /* mrs x2, cntpct_el0; add x2, x2, x1; 1: yield; isb; mrs x0, cntpct_el0; cmp
                       x2, x0; b.gt 1b */
    {"elapsed",
     true,
     {0xd53be043, 0xd53be040, 0xcb030000, 0xeb01001f,
      0x54ffffa9}}, /* mrs x3, cntvct_el0; 1: mrs x0, cntvct_el0; sub x0, x0, x3; cmp x0, x1; b.ls
                       1b */
    {"elapsed, 32 bits",
     true,
     {0xd53be043, 0xd53be040, 0x4b030000, 0x6b01001f,
      0x54ffffa3}}, /* mrs x3, cntvct_el0; 1: mrs x0, cntvct_el0; sub w0, w0, w3; cmp w0, w1; b.cc
                       1b */
    {"until a time, by the sign of 32 bits",
     true,
     {0xd53be043, 0x0b010062, 0xd53be040, 0x4b020004,
      0x37ffffc4}}, /* mrs x3, cntvct_el0; add w2, w3, w1; 1: mrs x0, cntvct_el0; sub w4, w0, w2;
                       tbnz w4, #31, 1b */
    {"elapsed, compared by adding",
     true,
     {0xd53be043, 0x8b010063, 0xcb0303e3, 0xd53be040, 0xab03001f,
      0x54ffffc4}}, /* mrs x3, cntvct_el0; add x3, x3, x1; neg x3, x3; 1: mrs x0, cntvct_el0; cmn
                       x0, x3; b.mi 1b */
    {"a call with a frame, the count on the stack",
     true,
     {0xd53be042, 0x8b010042, 0x14000008, 0xa9be7bfd, 0x910003fd, 0xd53be040, 0xf9000fe0,
      0xf9400fe0, 0xa8c27bfd, 0xd65f03c0, 0x97fffff9, 0xf9000680, 0xf9400684, 0xeb02009f,
      0x54ffff83}}, /* mrs x2, cntvct_el0; add x2, x2, x1; b 1f; 2: stp x29, x30, [sp, #-32]!; mov
                       x29, sp; mrs x0, cntvct_el0; str x0, [sp, #24]; ldr x0, [sp, #24]; ldp x29,
                       x30, [sp], #32; ret; 1: bl 2b; str x0, [x20, #8]; ldr x4, [x20, #8]; cmp x4,
                       x2; b.lo 1b */
    {"a call by pointer",
     true,
     {0xd53be042, 0x8b010042, 0x14000003, 0xd53be040, 0xd65f03c0, 0x10ffffc5, 0xd63f00a0,
      0xeb02001f, 0x54ffffa3}}, /* mrs x2, cntvct_el0; add x2, x2, x1; b 1f; 2: mrs x0, cntvct_el0;
                                   ret; 1: adr x5, 2b; blr x5; cmp x0, x2; b.lo 1b */
    {"an order between counter and loads",
     true,
     {0xd53be042, 0x8b010042, 0xd5033fdf, 0xd53be040, 0xca000004, 0x8b2463e4, 0xf85f009f,
      0xeb02001f,
      0x54ffff43}}, /* mrs x2, cntvct_el0; add x2, x2, x1; 1: isb; mrs x0, cntvct_el0; eor x4, x0,
                       x0; add x4, sp, x4; ldur xzr, [x4, #-16]; subs xzr, x0, x2; b.cc 1b */
    {"scaled",
     true,
     {0xd53be043, 0xd2807d07, 0xd2804e28, 0xd53be040, 0xcb030000, 0x9b077c04, 0x9ac80884,
      0xeb01009f,
      0x54ffff63}}, /* mrs x3, cntvct_el0; mov x7, #1000; mov x8, #625; 1: mrs x0, cntvct_el0; sub
                       x0, x0, x3; mul x4, x0, x7; udiv x4, x4, x8; cmp x4, x1; b.lo 1b */
    {"scaled by a reciprocal",
     true,
     {0xd53be043, 0xd2e80008, 0xd53be040, 0xcb030000, 0x9bc87c04, 0xd342fc05, 0xeb4108bf,
      0x54ffff63}}, /* mrs x3, cntvct_el0; mov x8, #0x4000000000000000; 1: mrs x0, cntvct_el0; sub
                       x0, x0, x3; umulh x4, x0, x8; lsr x5, x0, #2; cmp x5, x1, lsr #2; b.lo 1b */
    {"a condition made of two",
     true,
     {0xd53be042, 0x8b010042, 0x91000443, 0xd53be040, 0xeb02001f, 0xfa433002, 0x1a9f27e4,
      0x35ffff84}}, /* mrs x2, cntvct_el0; add x2, x2, x1; add x3, x2, #1; 1: mrs x0, cntvct_el0;
                       cmp x0, x2; ccmp x0, x3, #2, lo; cset w4, lo; cbnz w4, 1b */
    {"a flag in memory or a time",
     true,
     {0xb900029f, 0xd53be042, 0x8b010042, 0xb9400284, 0x350000c4, 0x88dffe84, 0x35000084,
      0xd53be040, 0xeb02001f,
      0x54ffff43}}, /* str wzr, [x20]; mrs x2, cntvct_el0; add x2, x2, x1; 1: ldr w4, [x20]; cbnz
                       w4, 2f; ldar w4, [x20]; cbnz w4, 2f; mrs x0, cntvct_el0; cmp x0, x2; b.lo 1b;
                       2: */
    {"the count left in memory",
     true,
     {0xd53be042, 0x8b010042, 0xd53be040, 0xf9002280, 0x29090a80, 0xeb02001f,
      0x54ffff83}}, /* mrs x2, cntvct_el0; add x2, x2, x1; 1: mrs x0, cntvct_el0; str x0, [x20,
                       #64]; stp w0, w2, [x20, #72]; cmp x0, x2; b.lo 1b */
    {"part of the count by way of memory",
     true,
     {0xd53be042, 0x8b010042, 0x92403c42, 0xd53be040, 0xf9002a80, 0x7940a284, 0x6b02009f,
      0x54ffff81}}, /* mrs x2, cntvct_el0; add x2, x2, x1; and x2, x2, #0xffff; 1: mrs x0,
                       cntvct_el0; str x0, [x20, #80]; ldrh w4, [x20, #80]; cmp w4, w2; b.ne 1b */
    {"registers used twice",
     true,
     {0xd53be042, 0x8b010042, 0xaa0203e8, 0xaa0803e2, 0xd53be040, 0xeb02001f, 0xd28000e2,
      0x9a9f27e5, 0x8b050042, 0xf1001c5f, 0xd28000a0,
      0x54ffff01}}, /* mrs x2, cntvct_el0; add x2, x2, x1; mov x8, x2; 1: mov x2, x8; mrs x0,
                       cntvct_el0; cmp x0, x2; mov x2, #7; cset x5, lo; add x2, x2, x5; cmp x2, #7;
                       mov x0, #5; b.ne 1b */
    {"a bit of the count",
     true,
     {0xd53be040, 0x364fffe0, 0xd53be040, 0xf277001f,
      0x54ffffc1}}, /* 1: mrs x0, cntvct_el0; tbz x0, #9, 1b; 2: mrs x0, cntvct_el0; tst x0, #0x200;
                       b.ne 2b */
    {"until no difference is left",
     true,
     {0xd53be042, 0x8b010042, 0xd53be040, 0xd344fc00, 0xeb421004,
      0xb5ffffa4}}, /* mrs x2, cntvct_el0; add x2, x2, x1; 1: mrs x0, cntvct_el0; lsr x0, x0, #4;
                       subs x4, x0, x2, lsr #4; cbnz x4, 1b */
    {"a pair of which one half is the count",
     true,
     {0xd53be042, 0x8b010042, 0xd53be040, 0xa9060a80, 0xa9461684, 0xeb02009f,
      0x54ffff83}}, /* mrs x2, cntvct_el0; add x2, x2, x1; 1: mrs x0, cntvct_el0; stp x0, x2, [x20,
                       #96]; ldp x4, x5, [x20, #96]; cmp x4, x2; b.lo 1b */
    {"the count is kept behind the end",
     true,
     {0xd53be042, 0x8b010042, 0xd2800005, 0xd53be040, 0xeb02001f, 0x54000082, 0xaa0003e5,
      0xf9001a80, 0x17fffffb, 0x8b050000}},
    /* mrs x2,cntvct_el0; add x2,x2,x1; mov x5,#0; 1: mrs x0,cntvct_el0; cmp x0,x2; b.hs 2f; mov
       x5,x0; str x0,[x20,#48]; b 1b; 2: add x0,x0,x5 */
    {"until 32 bits begin again",
     true,
     {0xd53be043, 0xd2c00027, 0xcb0100e7, 0xcb0300e3, 0xd53be040, 0x8b030004, 0x35ffffc4}},
    /* mrs x3,cntvct_el0; mov x7,#0x100000000; sub x7,x7,x1; sub x3,x7,x3; 1: mrs x0,cntvct_el0; add
       x4,x0,x3; cbnz w4,1b */
    {"iterations are counted",
     false,
     {0xd53be042, 0x8b010042, 0xd53be040, 0x910004c6, 0xeb02001f,
      0x54ffffa3}}, /* mrs x2, cntvct_el0; add x2, x2, x1; 1: mrs x0, cntvct_el0; add x6, x6, #1;
                       cmp x0, x2; b.lo 1b */
    {"iterations are counted in memory",
     false,
     {0xd53be042, 0x8b010042, 0xf9400a84, 0x91000484, 0xf9000a84, 0xd53be040, 0xeb02001f,
      0x54ffff63}}, /* mrs x2, cntvct_el0; add x2, x2, x1; 1: ldr x4, [x20, #16]; add x4, x4, #1;
                       str x4, [x20, #16]; mrs x0, cntvct_el0; cmp x0, x2; b.lo 1b */
    {"iterations toggle the carry",
     false,
     {0xd53be042, 0x8b010042, 0xd53be040, 0xcb020004, 0xda0600c6, 0xb10004df,
      0xb7ffff84}}, /* mrs x2, cntvct_el0; add x2, x2, x1; 1: mrs x0, cntvct_el0; sub x4, x0, x2;
                       sbc x6, x6, x6; cmn x6, #1; tbnz x4, #63, 1b */
    {"iterations walk through memory",
     false,
     {0xd53be042, 0x8b010042, 0x91200284, 0xb800449f, 0x9275f884, 0xd53be040, 0xeb02001f,
      0x54ffff83}}, /* mrs x2, cntvct_el0; add x2, x2, x1; add x4, x20, #0x800; 1: str wzr, [x4],
                       #4; and x4, x4, #~0x400; mrs x0, cntvct_el0; cmp x0, x2; b.lo 1b */
    {"a device is read",
     false,
     {0xd53be042, 0x8b010042, 0xd2a12004, 0xb9401885, 0xd53be040, 0xeb02001f,
      0x54ffffa3}}, /* mrs x2, cntvct_el0; add x2, x2, x1; mov x4, #0x09000000; 1: ldr w5, [x4,
                       #0x18]; mrs x0, cntvct_el0; cmp x0, x2; b.lo 1b */
    {"the count is read twice",
     false,
     {0xd53be042, 0x8b010042, 0xd53be044, 0xd53be040, 0xeb04001f, 0x54ffffa1, 0xeb02001f,
      0x54ffff63}}, /* mrs x2, cntvct_el0; add x2, x2, x1; 1: mrs x4, cntvct_el0; mrs x0,
                       cntvct_el0; cmp x0, x4; b.ne 1b; cmp x0, x2; b.lo 1b */
    {"the last count is kept",
     false,
     {0xd53be042, 0x8b010042, 0xd2800004, 0xd53be040, 0xcb040005, 0xaa0003e4, 0xeb02001f,
      0x54ffff83}}, /* mrs x2, cntvct_el0; add x2, x2, x1; mov x4, #0; 1: mrs x0, cntvct_el0; sub
                       x5, x0, x4; mov x4, x0; cmp x0, x2; b.lo 1b */
    {"the last count is kept in memory",
     true,
     {0xd53be042, 0x8b010042, 0xf9401284, 0xd53be040, 0xf9001280, 0xeb02001f,
      0x54ffff83}}, /* mrs x2, cntvct_el0; add x2, x2, x1; 1: ldr x4, [x20, #32]; mrs x0,
                       cntvct_el0; str x0, [x20, #32]; cmp x0, x2; b.lo 1b */
    {"a count is overwritten in memory",
     false,
     {0xd53be042, 0x8b010042, 0xd53be040, 0xf9001680, 0xb9002e82, 0xeb02001f,
      0x54ffff83}}, /* mrs x2, cntvct_el0; add x2, x2, x1; 1: mrs x0, cntvct_el0; str x0, [x20,
                       #40]; str w2, [x20, #44]; cmp x0, x2; b.lo 1b */
    {"an address depends on the count",
     false,
     {0xd53be042, 0x8b010042, 0xd53be040, 0x927d1404, 0x8b040284, 0xf9400085, 0xeb02001f,
      0x54ffff63}}, /* mrs x2, cntvct_el0; add x2, x2, x1; 1: mrs x0, cntvct_el0; and x4, x0,
                       #0x1f8; add x4, x20, x4; ldr x5, [x4]; cmp x0, x2; b.lo 1b */
};

struct program {
    unsigned size;
    uint32_t words[WORDS_MAX];
};

static void emit(struct program *p, uint32_t word)
{
    assert_true(p->size < WORDS_MAX);
    p->words[p->size++] = word;
}

/* Wait for @ticks by @loop, and mix the count that it has ended with into x21. */
static void emit_loop(struct program *p, const struct loop *loop, unsigned ticks)
{
    emit(p, 0xd2800001 | ticks << 5); /* mov x1,#ticks */
    for (unsigned k = 0; k < LOOP_MAX && loop->words[k]; k++)
        emit(p, loop->words[k]);
    emit(p, 0x8b150415); /* add x21,x0,x21,lsl #1 */
}

static void begin_program(struct program *p, bool interrupts)
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
static void end_program(struct program *p, unsigned first)
{
    emit(p, 0x14000000 | ((first - p->size) & 0x3ffffff));
}

static struct arm_machine *create(const struct program *p, unsigned cpus, const char *model)
{
    const struct arm_config config = {
        .size = sizeof(config), .cpus = cpus, .cpu = model, .ram_size = RAM_SIZE, .el2 = true};

    return new_machine_of(config, p->words, p->size * 4, ENTRY, CPU_SIZE);
}

static void ignore(void *ctx, const struct arm_event *p)
{
    (void)ctx;
    (void)p;
}

/* The same, whose loops are executed. */
static struct arm_machine *create_observed(const struct program *p, unsigned cpus,
                                           const char *model)
{
    struct arm_machine *m = create(p, cpus, model);
    const struct arm_filter reads = {.size = sizeof(struct arm_filter),
                                     .events = BIT(ARM_EVENT_SYSREG_READ)};

    assert_true(arm_subscribe(m, &reads, ignore, NULL) > 0);
    return m;
}

static uint64_t skipped(const struct arm_machine *m)
{
    uint64_t sum = 0;

    for (unsigned k = 0; k < m->cpu_count; k++)
        sum += m->cpus[k]->spin.skipped;
    return sum;
}

/* Everything of two runs. */
static void assert_same(struct arm_machine *a, struct arm_machine *b)
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

static void test_a_loop_that_only_waits_is_carried_forward_and_no_other(void **state)
{
    (void)state;
    static struct program p;

    for (unsigned k = 0; k < ARRAY_SIZE(loops); k++) {
        begin_program(&p, true);
        unsigned first = p.size;
        emit_loop(&p, &loops[k], 6000);
        end_program(&p, first);
        struct arm_machine *m = create(&p, 1, NULL), *executed = create_observed(&p, 1, NULL);
        assert_int_equal(arm_run(m, 400000), ARM_STOP_LIMIT);
        assert_int_equal(arm_run(executed, 400000), ARM_STOP_LIMIT);
        if (loops[k].waits ? skipped(m) < 300000 : skipped(m) > 0)
            fail_msg("%s: %" PRIu64 " instructions skipped", loops[k].name, skipped(m));
        assert_int_equal(skipped(executed), 0);
        assert_same(m, executed);
        arm_machine_free(m);
        arm_machine_free(executed);
    }
}

/* Loops in an order by @random, that wait for a few ticks or for many quanta. */
static void random_program(struct program *p, uint64_t *random)
{
    begin_program(p, random_next(random) % 4);
    unsigned first = p->size;
    for (unsigned n = 5 + random_next(random) % 40; n; n--) {
        unsigned nops = random_next(random) % 5;
        while (nops--)
            emit(p, 0xd503201f);
        emit_loop(p, &loops[random_next(random) % ARRAY_SIZE(loops)],
                  random_next(random) % (random_next(random) % 2 ? 6000 : 60));
    }
    end_program(p, first);
}

static void test_a_run_is_the_same_with_its_loops_executed(void **state)
{
    (void)state;
    static struct program p;
    uint64_t random = test_seed(1);
    uint64_t rounds = test_option("ARMILLARY_ROUNDS", 25), total = 0;

    for (uint64_t n = 0; n < rounds; n++) {
        static const char *const models[] = {"a57", "n1", "max"};
        unsigned cpus = 1 + (unsigned)(random_next(&random) % 3);
        const char *model = models[random_next(&random) % ARRAY_SIZE(models)];
        random_program(&p, &random);
        struct arm_machine *m = create(&p, cpus, model),
                           *executed = create_observed(&p, cpus, model);
        /* One is cut, the other not: then they meet. */
        for (unsigned meet = 0; meet < 4; meet++) {
            uint64_t goal = arm_retired(m) + 1 + random_next(&random) % 300000;
            while (arm_retired(m) < goal) {
                uint64_t piece = 1 + random_next(&random) % (random_next(&random) % 8 ? 9000 : 20);
                uint64_t left = goal - arm_retired(m);
                assert_int_equal(arm_run(m, piece < left ? piece : left), ARM_STOP_LIMIT);
            }
            assert_int_equal(arm_run(executed, goal - arm_retired(executed)), ARM_STOP_LIMIT);
            assert_same(m, executed);
        }
        assert_int_equal(skipped(executed), 0);
        total += skipped(m);
        arm_machine_free(m);
        arm_machine_free(executed);
    }
    assert_true(total > rounds * 100000);
}

#define SF(random)     ((uint32_t)(random_next(random) & 1) << 31)
#define R(rd, rn, rm)  ((uint32_t)(rd) | (uint32_t)(rn) << 5 | (uint32_t)(rm) << 16)
#define MRS_CNTVCT(rd) (0xd53be040u | (rd))

/* Make x@reg @value. */
static void emit_constant(struct program *p, unsigned reg, uint64_t value)
{
    for (unsigned k = 0; k < 4; k++)
        emit(p, (k ? 0xf2800000 : 0xd2800000) | k << 21 |
                    (uint32_t)(value >> 16 * k & 0xffff) << 5 | reg);
}

/* A value whose neighbours differ from it in much. */
static uint64_t edge(uint64_t *random)
{
    static const unsigned bits[] = {0, 8, 16, 31, 32, 63};

    return (random_next(random) % 2 ? BIT(bits[random_next(random) % ARRAY_SIZE(bits)]) : 0) +
           random_next(random) % 1000 - 500;
}

/* Of the registers whose value is known: x0 to x4, ZR, and of x7 to x10 those written so far. */
static unsigned source(uint64_t *random, unsigned temps)
{
    static const uint8_t regs[] = {0, 0, 0, 2, 3, 4, 31, 7, 8, 9, 10};

    return regs[random_next(random) % (ARRAY_SIZE(regs) - 4 + temps)];
}

static unsigned target(uint64_t *random, unsigned *temps)
{
    if (*temps < 4)
        return 7 + (*temps)++;
    return 7 + (unsigned)(random_next(random) % 4);
}

/* An instruction that computes something. */
static void emit_operation(struct program *p, uint64_t *random, unsigned *temps)
{
    static const uint32_t shifted[] = {0x0b000000, 0x4b000000, 0x2b000000, 0x6b000000, 0x2a000000,
                                       0x0a000000, 0x4a000000, 0x6a000000, 0x2a000000};
    static const uint32_t immediate[] = {0x11000000, 0x51000000, 0x31000000, 0x71000000};
    static const uint32_t accesses[] = {0xf9400000, 0xb9400000, 0xb9800000, 0x79400000, 0x79800000};
    uint32_t n = source(random, *temps), m = source(random, *temps), sf = SF(random);
    uint32_t imm = (uint32_t)random_next(random), d = target(random, temps);

    switch (random_next(random) % 10) {
    case 0:
    case 1:
        emit(p, shifted[random_next(random) % ARRAY_SIZE(shifted)] | sf | R(d, n, m) |
                    (imm & 1 ? imm >> 1 & 0x7c00 : 0));
        break;
    case 2:
        emit(p, immediate[random_next(random) % ARRAY_SIZE(immediate)] | sf | (imm & 0x1ffc00) |
                    R(d, n == 31 ? 0 : n, 0));
        break;
    case 3: /* CMP */
        emit(p, 0x6b00001f | sf | R(0, n, m));
        break;
    case 4: /* UBFM, SBFM */
        imm &= sf ? 0x3ffc00 : 0x1f7c00;
        emit(p, (imm & 0x400 ? 0x53000000u : 0x13000000u) | sf | sf >> 9 | imm | R(d, n, 0));
        break;
    case 5: /* MUL, MADD */
        emit(p, 0x1b000000 | sf | R(d, n, m) | (imm & 1 ? 31u : source(random, *temps - 1)) << 10);
        break;
    case 6: /* UMULH, UDIV */
        emit(p, imm & 1 ? 0x9bc07c00 | R(d, n, m) : 0x1ac00800 | sf | R(d, n, m));
        break;
    case 7: /* CCMP, CCMN */
        emit(p, (imm & 1 ? 0x3a400000u : 0x7a400000u) | sf | (imm & 0xf80f) | R(0, n, m));
        break;
    case 8: /* CSEL, CSINC, CSINV, CSNEG */
        emit(p, 0x1a800000 | sf | (imm & 0x4000f400) | R(d, n, m));
        break;
    case 9: /* by way of memory */
        emit(p, (imm & 1 ? 0xf9000000u : 0xb9000000u) | 16u << 10 | R(n, 20, 0));
        emit(p, accesses[random_next(random) % ARRAY_SIZE(accesses)] | (imm & 1 ? 16u : 8u) << 10 |
                    R(d, 20, 0));
        break;
    }
}

/* A loop of operations on the count: until a branch turns, or an interrupt comes. */
static void emit_random_loop(struct program *p, uint64_t *random)
{
    unsigned temps = 0;

    emit(p, MRS_CNTVCT(2));
    emit(p, 0x91000042 | (uint32_t)(random_next(random) % 400) << 10); /* add x2,x2,#n */
    emit_constant(p, 3, edge(random));
    emit_constant(p, 4, random_next(random) >> random_next(random) % 64);
    unsigned adr = p->size, n = (unsigned)(random_next(random) % 6);
    emit(p, 0);
    unsigned head = p->size;
    emit(p, MRS_CNTVCT(0));
    unsigned out = 0;
    while (n--) {
        emit_operation(p, random, &temps);
        if (!out && random_next(random) % 8 == 0) {
            out = p->size;
            emit(p, 0);
        }
    }
    emit(p, 0x6b00001f | SF(random) | R(0, source(random, temps), source(random, temps)));
    uint32_t back = (head - p->size) & 0x3fff, reg = source(random, temps);
    uint32_t b = (uint32_t)random_next(random);
    if (b % 4 == 0)
        emit(p, 0x34000000 | SF(random) | (b & 0x01000000) | (back | 0x7c000) << 5 | reg);
    else if (b % 4 == 1)
        emit(p, 0x36000000 | SF(random) | (b & 0x01f80000 & ~0x80000u) | back << 5 | reg);
    else
        emit(p, 0x54000000 | (back | 0x7c000) << 5 | b >> 28);
    if (out) /* b.cond end */
        p->words[out] = 0x54000000 | (p->size - out) << 5 | (uint32_t)(random_next(random) % 14);
    p->words[adr] = 0x10000013 | (p->size - adr) << 5; /* adr x19,end */
    emit(p, 0x8b150415);                               /* add x21,x0,x21,lsl #1 */
}

static void test_a_loop_of_random_operations_turns_where_it_does_executed(void **state)
{
    (void)state;
    static struct program p;
    uint64_t random = test_seed(2);
    uint64_t rounds = test_option("ARMILLARY_ROUNDS", 40), total = 0;

    for (uint64_t n = 0; n < rounds; n++) {
        begin_program(&p, true);
        emit_constant(&p, 0, 0 - edge(&random));
        emit(&p, 0xd51ce060); /* msr cntvoff_el2,x0 */
        unsigned first = p.size;
        for (unsigned k = 0; k < 60; k++)
            emit_random_loop(&p, &random);
        end_program(&p, first);
        struct arm_machine *m = create(&p, 1, "n1"), *executed = create_observed(&p, 1, "n1");
        for (unsigned meet = 0; meet < 20; meet++) {
            uint64_t piece = 1 + random_next(&random) % 30000;
            assert_int_equal(arm_run(m, piece), ARM_STOP_LIMIT);
            assert_int_equal(arm_run(executed, piece), ARM_STOP_LIMIT);
            assert_same(m, executed);
        }
        total += skipped(m);
        arm_machine_free(m);
        arm_machine_free(executed);
    }
    assert_true(total > rounds * 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_loop_that_only_waits_is_carried_forward_and_no_other),
        cmocka_unit_test(test_a_run_is_the_same_with_its_loops_executed),
        cmocka_unit_test(test_a_loop_of_random_operations_turns_where_it_does_executed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
