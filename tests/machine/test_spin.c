/* Loops that wait for the counter: carried forward or executed, a run is the same run. */
#include "tests/machine/spin_fixture.h"

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

/* Wait for @ticks by @loop, and mix the count that it has ended with into x21. */
static void emit_loop(struct program *p, const struct loop *loop, unsigned ticks)
{
    emit(p, 0xd2800001 | ticks << 5); /* mov x1,#ticks */
    for (unsigned k = 0; k < LOOP_MAX && loop->words[k]; k++)
        emit(p, loop->words[k]);
    emit(p, 0x8b150415); /* add x21,x0,x21,lsl #1 */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_loop_that_only_waits_is_carried_forward_and_no_other),
        cmocka_unit_test(test_a_run_is_the_same_with_its_loops_executed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
