/* When instructions issue: each answer is computed by hand. */
#include "core_fixture.h"

#include "../random.h"
#include "arch/sysreg.h"

static void repeat(struct rig *r, uint32_t word, unsigned times)
{
    while (times--)
        rig_do(r, word);
}

static uint64_t cycles_of(const struct arm_core *core, uint32_t a, uint32_t b, unsigned pairs)
{
    struct rig r;

    rig_init(&r, core);
    uint64_t start = rig_cycles(&r);
    while (pairs--) {
        rig_do(&r, a);
        rig_do(&r, b);
    }
    uint64_t end = rig_cycles(&r);
    rig_free(&r);
    return end - start;
}

static void test_independent_instructions_issue_together_and_dependent_ones_do_not(void **state)
{
    (void)state;
    struct arm_core core = plain_core();

    core.v[P_width] = 2;
    assert_int_equal(cycles_of(&core, W_ADD(2), W_ADD(3), 100), 99); /* the first pair is at 0 */
    assert_int_equal(cycles_of(&core, W_ADD(2), W_ADD(2), 100), 199);
    core.v[P_width] = 1;
    assert_int_equal(cycles_of(&core, W_ADD(2), W_ADD(3), 100), 199);
    core.v[P_width] = 2;
    core.v[P_alu_units] = 1;
    assert_int_equal(cycles_of(&core, W_ADD(2), W_ADD(3), 100), 199);
}

static void test_a_result_is_waited_for(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct rig r;

    core.v[P_lat_mul_long] = 4;
    assert_int_equal(cycles_of(&core, W_MUL, W_ADD(3), 10), 36 + 1); /* each needs the one before */
    core.v[P_lat_load] = 3;
    rig_init(&r, &core);
    rig_access(&r, W_LDR, 0x8000, 8, false); /* at 0, misses: 100 more */
    rig_access(&r, W_LDR, 0x8000, 8, false); /* at 1; the line is there at 100 */
    rig_do(&r, W_ADD(0));
    assert_int_equal(rig_cycles(&r), 103);
    assert_int_equal(r.pe.n.operand_stalls, 102 - 0);
    rig_access(&r, W_LDR, 0x8000, 8, false); /* 104 */
    rig_do(&r, W_ADD(4));                    /* 105: does not need it */
    rig_do(&r, W_ADD(0));                    /* 107 */
    assert_int_equal(rig_cycles(&r), 107);
    rig_free(&r);
}

static void test_a_base_is_written_back_before_the_value_comes(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct rig r;

    core.v[P_lat_load] = 3;
    rig_init(&r, &core);
    for (unsigned k = 0; k < 10; k++)
        rig_access(&r, W_LDR_POST, 0x8000, 8, false);
    assert_int_equal(rig_cycles(&r), 9);
    rig_free(&r);
}

static void test_a_wide_access_has_its_unit_for_longer(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct rig r;

    core.v[P_access_bytes] = 8;
    rig_init(&r, &core);
    for (unsigned k = 0; k < 10; k++)
        rig_access(&r, W_LDP_Q, 0x8000, 32, false); /* 4 cycles each */
    assert_int_equal(rig_cycles(&r), 39);
    rig_free(&r);
}

static void test_a_division_keeps_others_out(void **state)
{
    (void)state;
    struct arm_core core = plain_core();

    core.v[P_lat_div_long] = 20;
    assert_int_equal(
        cycles_of(&core, 0x9ac30841 /* udiv x1, x2, x3 */, 0x9ac30845 /* udiv x5, x2, x3 */, 1),
        20);
}

static void test_a_full_store_buffer_stops_the_pipeline(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct rig r;

    core.v[P_store_buffer] = 4;
    core.v[P_miss_buffers] = 1;
    rig_init(&r, &core);
    for (unsigned k = 0; k < 4; k++)
        rig_access(&r, W_STR, 0x8000 + 64 * k, 8, true); /* 0 to 3: there is room */
    assert_int_equal(rig_cycles(&r), 3);
    rig_access(&r, W_STR, 0x9000, 8, true); /* the first has left at 100 */
    assert_int_equal(rig_cycles(&r), 100);
    assert_int_equal(r.pe.n.store_stalls, 96);
    rig_access(&r, W_STR, 0x9040, 8, true); /* the second at 200 */
    assert_int_equal(rig_cycles(&r), 200);
    rig_free(&r);
}

static void test_stores_that_hit_leave_one_a_cycle(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct rig r;

    core.v[P_store_buffer] = 2;
    core.v[P_store_drain] = 1;
    rig_init(&r, &core);
    rig_access(&r, W_LDR, 0x8000, 8, false);
    rig_do(&r, W_ADD(0)); /* waits for the line */
    uint64_t start = rig_cycles(&r);
    for (unsigned k = 0; k < 50; k++)
        rig_access(&r, W_STR, 0x8000, 8, true);
    assert_int_equal(rig_cycles(&r) - start, 50);
    assert_int_equal(r.pe.n.store_stalls, 0);
    core.v[P_store_drain] = 3;
    rig_free(&r);
    rig_init(&r, &core);
    for (unsigned k = 0; k < 50; k++)
        rig_access(&r, W_STR, 0x8000, 8, true);
    assert_true(rig_cycles(&r) >= 3 * 47);
    rig_free(&r);
}

static void test_a_misprediction_costs_what_it_should(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct rig r;

    core.v[P_predictor] = PREDICT_STATIC;
    core.v[P_mispredict] = 7;
    rig_init(&r, &core);
    rig_insn(&r, W_B_NE, NULL, 0x1000, 0x1004); /* at 0: forwards, not taken, as expected */
    assert_int_equal(rig_cycles(&r), 0);
    rig_insn(&r, W_B_NE, NULL, 0x1004, 0x1010); /* at 1, resolved at 2 */
    rig_insn(&r, W_NOP, NULL, 0x1010, 0x1014);
    assert_int_equal(rig_cycles(&r), 9);
    assert_int_equal(r.pe.n.mispredicts, 1);
    assert_int_equal(r.pe.n.branches, 2);
    assert_int_equal(r.pe.n.taken, 1);
    rig_free(&r);
}

static void test_barriers_wait_for_what_they_order(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct rig r;

    core.v[P_dsb] = 8;
    core.v[P_dmb] = 4;
    core.v[P_isb] = 10;
    core.v[P_tlbi] = 3;
    core.v[P_tlbi_sync] = 40;
    rig_init(&r, &core);
    rig_access(&r, W_STR, 0x8000, 8, true); /* 0, leaves the buffer at 100 */
    rig_do(&r, W_DMB);                      /* 1: a store does not hold it */
    assert_int_equal(rig_cycles(&r), 5);
    rig_do(&r, W_DSB); /* it does here */
    assert_int_equal(rig_cycles(&r), 108);
    rig_do(&r, W_DSB); /* issues at 108: nothing is under way */
    assert_int_equal(rig_cycles(&r), 116);
    rig_do(&r, W_ISB);
    assert_int_equal(rig_cycles(&r), 126);
    rig_do(&r, W_TLBI);
    rig_do(&r, W_DSB);
    assert_int_equal(rig_cycles(&r), 126 + 3 + 8 + 40);
    rig_do(&r, W_DSB);
    assert_int_equal(rig_cycles(&r), 126 + 3 + 8 + 40 + 8);
    assert_int_equal(r.pe.n.barriers, 6);
    assert_int_equal(r.pe.n.tlbis, 1);
    rig_free(&r);
}

static void test_system_registers_cost_what_their_class_costs(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    static const struct {
        enum sysreg sr;
        bool write;
        enum param p;
    } registers[] = {
        {SR_ICH_LR0_EL2, false, P_mrs_gic},    {SR_ICH_LR0_EL2, true, P_msr_gic},
        {SR_CNTV_CTL_EL0, false, P_mrs_timer}, {SR_CNTV_CTL_EL0, true, P_msr_timer},
        {SR_SCTLR_EL1, false, P_mrs_plain},    {SR_TTBR0_EL1, true, P_msr_plain},
        {SR_MIDR_EL1, false, P_mrs_id},        {SR_MDSCR_EL1, false, P_mrs_debug},
        {SR_PMCR_EL0, true, P_msr_debug},      {SR_ELR_EL2, false, P_mrs_pstate},
        {SR_SPSR_EL1, true, P_msr_pstate},     {SR_TPIDR_EL2, true, P_msr_pstate},
        {SR_ICC_PMR_EL1, true, P_msr_gic},     {SR_HCR_EL2, true, P_msr_plain},
        {SR_VBAR_EL1, false, P_mrs_plain},     {SR_VMPIDR_EL2, true, P_msr_plain},
    };

    for (size_t k = 0; k < ARRAY_SIZE(registers); k++) {
        struct arm_core one = core;
        struct rig r;
        uint16_t enc = sysreg_number(registers[k].sr);
        one.v[registers[k].p] = 77;
        rig_init(&r, &one);
        rig_do(&r, registers[k].write ? W_MSR(enc) : W_MRS(enc));
        if (rig_cycles(&r) != 77)
            fail_msg("%s", sysreg_rows[registers[k].sr].name);
        assert_int_equal(r.pe.n.sysreg_reads, !registers[k].write);
        assert_int_equal(r.pe.n.sysreg_writes, registers[k].write);
        rig_free(&r);
    }
}

static void test_exceptions_and_their_return_empty_the_pipeline(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct rig r;

    core.v[P_exception_entry] = 16;
    core.v[P_interrupt_entry] = 20;
    core.v[P_exception_return] = 12;
    rig_init(&r, &core);
    rig_do(&r, W_SVC); /* 0 */
    pe_step(&r.pe, &(struct step){.kind = STEP_EXCEPTION, .trap = true}, NULL);
    assert_int_equal(rig_cycles(&r), 16);
    rig_do(&r, W_ERET); /* 16 */
    assert_int_equal(rig_cycles(&r), 28);
    pe_step(&r.pe, &(struct step){.kind = STEP_EXCEPTION, .interrupt = true}, NULL);
    assert_int_equal(rig_cycles(&r), 48);
    assert_int_equal(r.pe.n.exceptions, 2);
    assert_int_equal(r.pe.n.traps, 1);
    assert_int_equal(r.pe.n.interrupts, 1);
    assert_int_equal(r.pe.n.exception_returns, 1);
    rig_free(&r);
}

static void test_a_window_goes_on_behind_what_waits(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct rig r;

    for (unsigned window = 0; window <= 64; window += 32) {
        core.v[P_window] = window;
        rig_init(&r, &core);
        rig_access(&r, W_LDR, 0x8000, 8, false); /* the value is there at 101 */
        rig_do(&r, W_ADD(0));                    /* needs it */
        repeat(&r, W_ADD(2), 40);                /* do not */
        rig_free(&r);
        rig_init(&r, &core);
        uint64_t begin = rig_cycles(&r);
        rig_access(&r, W_LDR, 0x8000, 8, false);
        rig_do(&r, W_ADD(0));
        repeat(&r, W_ADD(2), 40);
        /* In order the last of them issues 40 cycles behind the one that waits until 101. A window
         * of 32 lets 31 of the 41 behind the load go before it retires; one of 64 all. */
        uint64_t want = window == 0 ? 101 + 40 : window == 32 ? 101 + 11 : 102;
        assert_in_range(rig_cycles(&r) - begin, want - 1, want + 1);
        rig_free(&r);
    }
}

static void test_a_window_fetches_on_while_a_load_waits(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct rig r;

    core.v[P_window] = 64;
    rig_init(&r, &core);
    struct arm_model_counts n = {0};
    memory_fetch(&r.memory, 0, 0x1040, 0, &n);
    r.pe.clock = r.pe.retired = 1000;        /* both lines have come */
    rig_access(&r, W_LDR, 0x8000, 8, false); /* until 1101 */
    r.op = op_of(W_ADD(2), r.classes);
    const struct step next_line = {.kind = STEP_INSN,
                                   .completed = true,
                                   .pc = 0x1040,
                                   .next = 0x1044,
                                   .pa = 0x1040,
                                   .mapping = &r.mapping,
                                   .op = &r.op};
    pe_step(&r.pe, &next_line, NULL);
    assert_int_equal(r.pe.n.fetch_stalls, 0);
    assert_int_equal(r.pe.clock, 1001);
    rig_free(&r);
}

static void test_an_access_that_crosses_a_line_is_two(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct rig r;

    rig_init(&r, &core);
    rig_access(&r, W_LDR, 0x803c, 8, false);
    assert_int_equal(r.pe.n.l1d_accesses, 2);
    assert_int_equal(r.pe.n.loads, 1);
    rig_free(&r);
}

static void test_no_core_is_faster_than_it_is_wide(void **state)
{
    (void)state;
    static const uint32_t words[] = {W_ADD(2), W_ADD(3), W_NOP,  W_MUL, W_UDIV,
                                     W_LDR,    W_STR,    W_B_NE, W_ISB, W_DMB};
    uint64_t random = test_seed(7);

    for (unsigned width = 1; width <= 4; width++)
        for (unsigned window = 0; window <= 32; window += 32) {
            struct arm_core core = plain_core();
            struct rig r;
            uint64_t last = 0;
            core.v[P_width] = width;
            core.v[P_alu_units] = width;
            core.v[P_window] = window;
            rig_init(&r, &core);
            for (unsigned k = 0; k < 5000; k++) {
                uint32_t word = words[random_next(&random) % ARRAY_SIZE(words)];
                if (word == W_LDR || word == W_STR)
                    rig_access(&r, word, random_next(&random) % 65536 * 8, 8, word == W_STR);
                else
                    rig_do(&r, word);
                assert_true(rig_cycles(&r) >= last);
                last = rig_cycles(&r);
                assert_true((last + 1) * width >= r.pe.n.instructions);
            }
            rig_free(&r);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_independent_instructions_issue_together_and_dependent_ones_do_not),
        cmocka_unit_test(test_a_result_is_waited_for),
        cmocka_unit_test(test_a_base_is_written_back_before_the_value_comes),
        cmocka_unit_test(test_a_wide_access_has_its_unit_for_longer),
        cmocka_unit_test(test_a_division_keeps_others_out),
        cmocka_unit_test(test_a_full_store_buffer_stops_the_pipeline),
        cmocka_unit_test(test_stores_that_hit_leave_one_a_cycle),
        cmocka_unit_test(test_a_misprediction_costs_what_it_should),
        cmocka_unit_test(test_barriers_wait_for_what_they_order),
        cmocka_unit_test(test_system_registers_cost_what_their_class_costs),
        cmocka_unit_test(test_exceptions_and_their_return_empty_the_pipeline),
        cmocka_unit_test(test_a_window_goes_on_behind_what_waits),
        cmocka_unit_test(test_a_window_fetches_on_while_a_load_waits),
        cmocka_unit_test(test_an_access_that_crosses_a_line_is_two),
        cmocka_unit_test(test_no_core_is_faster_than_it_is_wide),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
