#include "tests/gic/fixture.h"

static void test_reset_values(void **state)
{
    static const struct gic_config cfg = {.spis = 256, .id24 = true};
    struct fix *f = fix_new(&cfg);

    (void)state;
    assert_int_equal(rd(f, 0, SR_ICC_PMR_EL1), 0);
    assert_int_equal(rd(f, 0, SR_ICC_BPR0_EL1), 2);
    assert_int_equal(rd(f, 0, SR_ICC_BPR1_EL1), 3);
    assert_int_equal(rd(f, 0, SR_ICC_RPR_EL1), 0xff);
    assert_int_equal(rd(f, 0, SR_ICC_IGRPEN0_EL1), 0);
    assert_int_equal(rd(f, 0, SR_ICC_IGRPEN1_EL1), 0);
    assert_int_equal(rd(f, 0, SR_ICC_CTLR_EL1), 0x8c00); /* A3V, 24 bits, 5 priority bits */
    assert_int_equal(rd(f, 0, SR_ICC_SRE_EL1), 7);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), NONE);
    assert_int_equal(rd(f, 0, SR_ICC_HPPIR1_EL1), NONE);
    fix_teardown((void **)&f);
}

static void test_writable_bits(void **state)
{
    struct fix *f = *state;

    wr(f, 0, SR_ICC_PMR_EL1, UINT64_MAX);
    assert_int_equal(rd(f, 0, SR_ICC_PMR_EL1), 0xf8);
    wr(f, 0, SR_ICC_CTLR_EL1, UINT64_MAX);
    assert_int_equal(rd(f, 0, SR_ICC_CTLR_EL1), 0x8c03);
    wr(f, 0, SR_ICC_SRE_EL1, 0);
    assert_int_equal(rd(f, 0, SR_ICC_SRE_EL1), 7);
    wr(f, 0, SR_ICC_IGRPEN1_EL1, UINT64_MAX);
    assert_int_equal(rd(f, 0, SR_ICC_IGRPEN1_EL1), 1);
}

static void test_binary_points_have_minima_and_cbpr_shows_bpr0_plus_one(void **state)
{
    struct fix *f = *state;

    wr(f, 0, SR_ICC_BPR0_EL1, 0);
    wr(f, 0, SR_ICC_BPR1_EL1, 0);
    assert_int_equal(rd(f, 0, SR_ICC_BPR0_EL1), 2);
    assert_int_equal(rd(f, 0, SR_ICC_BPR1_EL1), 3);
    wr(f, 0, SR_ICC_BPR1_EL1, 6);
    wr(f, 0, SR_ICC_CTLR_EL1, 1);
    assert_int_equal(rd(f, 0, SR_ICC_BPR1_EL1), 3);
    wr(f, 0, SR_ICC_BPR1_EL1, 5);
    wr(f, 0, SR_ICC_BPR0_EL1, 7);
    assert_int_equal(rd(f, 0, SR_ICC_BPR1_EL1), 7);
    wr(f, 0, SR_ICC_CTLR_EL1, 0);
    assert_int_equal(rd(f, 0, SR_ICC_BPR1_EL1), 6);
}

static void test_group0_is_fiq_and_group1_is_irq(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 20, 0, 0x80);
    irq_on(f, 0, 21, 1, 0x40);
    ppi(f, 0, 20, true);
    assert_true(f->pin[0][PIN_FIQ] && !f->pin[0][PIN_IRQ]);
    assert_int_equal(rd(f, 0, SR_ICC_HPPIR0_EL1), 20);
    assert_int_equal(rd(f, 0, SR_ICC_HPPIR1_EL1), NONE);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), NONE);
    ppi(f, 0, 21, true);
    assert_true(!f->pin[0][PIN_FIQ] && f->pin[0][PIN_IRQ]);
    assert_int_equal(rd(f, 0, SR_ICC_IAR0_EL1), NONE);
    assert_int_equal(rd(f, 0, SR_ICC_HPPIR1_EL1), 21);
    ppi(f, 0, 21, false);
    assert_int_equal(rd(f, 0, SR_ICC_IAR0_EL1), 20);
    assert_int_equal(rd(f, 0, SR_ICC_AP0R0_EL1), 1u << 16);
    assert_int_equal(rd(f, 0, SR_ICC_AP1R0_EL1), 0);
    wr(f, 0, SR_ICC_EOIR0_EL1, 20);
    assert_int_equal(rd(f, 0, SR_ICC_AP0R0_EL1), 0);
}

static void test_disabled_group_does_not_hide_the_other(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 20, 0, 0x00);
    irq_on(f, 0, 21, 1, 0x80);
    ppi(f, 0, 20, true);
    ppi(f, 0, 21, true);
    assert_true(f->pin[0][PIN_FIQ]);
    wr(f, 0, SR_ICC_IGRPEN0_EL1, 0);
    assert_false(f->pin[0][PIN_FIQ]);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 21);
}

static void test_highest_priority_then_lowest_intid_first(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 40, 1, 0x80);
    irq_on(f, 0, 41, 1, 0x60);
    irq_on(f, 0, 22, 1, 0x80);
    irq_on(f, 0, 21, 1, 0x80);
    spi(f, 40, true);
    ppi(f, 0, 22, true);
    ppi(f, 0, 21, true);
    assert_int_equal(rd(f, 0, SR_ICC_HPPIR1_EL1), 21);
    spi(f, 41, true);
    assert_int_equal(rd(f, 0, SR_ICC_HPPIR1_EL1), 41);
    irq_prio(f, 0, 40, 0x20);
    assert_int_equal(rd(f, 0, SR_ICC_HPPIR1_EL1), 40);
}

static void test_pmr_masks_equal_and_lower_priorities(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 20, 1, 0x80);
    ppi(f, 0, 20, true);
    wr(f, 0, SR_ICC_PMR_EL1, 0x80);
    assert_false(f->pin[0][PIN_IRQ]);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), NONE);
    assert_int_equal(rd(f, 0, SR_ICC_HPPIR1_EL1), 20); /* HPPIR ignores PMR */
    wr(f, 0, SR_ICC_PMR_EL1, 0x88);
    assert_true(f->pin[0][PIN_IRQ]);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 20);
}

static void test_preemption_needs_a_higher_group_priority(void **state)
{
    struct fix *f = *state;

    wr(f, 0, SR_ICC_BPR1_EL1, 5); /* group priority: bits 7..5 */
    irq_on(f, 0, 20, 1, 0x78);
    irq_on(f, 0, 21, 1, 0x60);
    irq_on(f, 0, 22, 1, 0x58);
    ppi(f, 0, 20, true);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 20);
    assert_int_equal(rd(f, 0, SR_ICC_RPR_EL1), 0x60);
    ppi(f, 0, 21, true); /* same group priority */
    assert_false(f->pin[0][PIN_IRQ]);
    ppi(f, 0, 22, true);
    assert_true(f->pin[0][PIN_IRQ]);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 22);
    assert_int_equal(rd(f, 0, SR_ICC_RPR_EL1), 0x40);
    assert_int_equal(rd(f, 0, SR_ICC_AP1R0_EL1), 1u << 8 | 1u << 12);
    ppi(f, 0, 22, false);
    wr(f, 0, SR_ICC_EOIR1_EL1, 22);
    assert_int_equal(rd(f, 0, SR_ICC_RPR_EL1), 0x60);
    assert_false(f->pin[0][PIN_IRQ]);
    wr(f, 0, SR_ICC_EOIR1_EL1, 20);
    assert_int_equal(rd(f, 0, SR_ICC_RPR_EL1), 0xff);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 21);
}

static void test_bpr0_of_7_disables_preemption_and_cbpr_extends_it_to_group1(void **state)
{
    struct fix *f = *state;

    wr(f, 0, SR_ICC_BPR0_EL1, 7);
    wr(f, 0, SR_ICC_CTLR_EL1, 1);
    irq_on(f, 0, 20, 1, 0xf0);
    irq_on(f, 0, 21, 1, 0x00);
    ppi(f, 0, 20, true);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 20);
    assert_int_equal(rd(f, 0, SR_ICC_RPR_EL1), 0);
    ppi(f, 0, 21, true);
    assert_false(f->pin[0][PIN_IRQ]);
    wr(f, 0, SR_ICC_EOIR1_EL1, 20);
    assert_true(f->pin[0][PIN_IRQ]);
}

static void test_group0_preempts_group1_and_each_ends_its_own(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 20, 1, 0x80);
    irq_on(f, 0, 21, 0, 0x40);
    irq_edge(f, 0, 20, true);
    irq_edge(f, 0, 21, true);
    ppi(f, 0, 20, true);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 20);
    ppi(f, 0, 21, true);
    assert_int_equal(rd(f, 0, SR_ICC_IAR0_EL1), 21);
    assert_int_equal(rd(f, 0, SR_ICC_RPR_EL1), 0x40);
    wr(f, 0, SR_ICC_EOIR1_EL1, 20); /* the running one is group 0: ignored */
    assert_int_equal(rd(f, 0, SR_ICC_RPR_EL1), 0x40);
    assert_true(irq_r(f, 0, ISACTIVER, 20));
    wr(f, 0, SR_ICC_EOIR0_EL1, 21);
    assert_int_equal(rd(f, 0, SR_ICC_RPR_EL1), 0x80);
    wr(f, 0, SR_ICC_EOIR1_EL1, 20);
    assert_int_equal(rd(f, 0, SR_ICC_RPR_EL1), 0xff);
    assert_int_equal(gicr_r(f, 0, SGI_BASE + ISACTIVER), 0);
}

static void test_eoimode1_splits_drop_from_deactivation(void **state)
{
    struct fix *f = *state;

    wr(f, 0, SR_ICC_CTLR_EL1, 2);
    irq_on(f, 0, 40, 1, 0x80);
    spi(f, 40, true);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 40);
    wr(f, 0, SR_ICC_EOIR1_EL1, 40);
    assert_int_equal(rd(f, 0, SR_ICC_RPR_EL1), 0xff);
    assert_true(irq_r(f, 0, ISACTIVER, 40));
    assert_false(f->pin[0][PIN_IRQ]);
    wr(f, 1, SR_ICC_CTLR_EL1, 2);
    wr(f, 1, SR_ICC_DIR_EL1, 40); /* any CPU may deactivate an SPI */
    assert_false(irq_r(f, 0, ISACTIVER, 40));
    assert_true(f->pin[0][PIN_IRQ]);
}

static void test_dir_is_ignored_in_eoimode0(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 20, 1, 0x80);
    ppi(f, 0, 20, true);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 20);
    wr(f, 0, SR_ICC_DIR_EL1, 20);
    assert_true(irq_r(f, 0, ISACTIVER, 20));
}

static void test_special_intids_do_not_end_anything(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 20, 1, 0x80);
    ppi(f, 0, 20, true);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 20);
    for (unsigned intid = 1020; intid < 1024; intid++)
        wr(f, 0, SR_ICC_EOIR1_EL1, intid);
    assert_int_equal(rd(f, 0, SR_ICC_RPR_EL1), 0x80);
    assert_true(irq_r(f, 0, ISACTIVER, 20));
    wr(f, 0, SR_ICC_EOIR1_EL1, 20);
    wr(f, 0, SR_ICC_EOIR1_EL1, 20); /* nothing active */
    assert_int_equal(rd(f, 0, SR_ICC_RPR_EL1), 0xff);
}

static void send(struct fix *f, unsigned cpu, enum sysreg sr, unsigned sgi, uint64_t where)
{
    wr(f, cpu, sr, where | (uint64_t)sgi << 24);
}

static unsigned pending_on(struct fix *f, unsigned sgi)
{
    unsigned mask = 0;

    for (unsigned k = 0; k < CPUS; k++) {
        mask |= (unsigned)irq_r(f, k, ISPENDR, sgi) << k;
        irq_w(f, k, ICPENDR, sgi);
    }
    return mask;
}

static void test_sgi_targets(void **state)
{
    struct fix *f = *state;

    for (unsigned k = 0; k < CPUS; k++)
        irq_on(f, k, 5, 1, 0x80);
    send(f, 0, SR_ICC_SGI1R_EL1, 5, 0x1);
    assert_int_equal(pending_on(f, 5), 1);
    send(f, 0, SR_ICC_SGI1R_EL1, 5, 0x3);
    assert_int_equal(pending_on(f, 5), 3);
    send(f, 0, SR_ICC_SGI1R_EL1, 5, UINT64_C(1) << 16 | 0x2);
    assert_int_equal(pending_on(f, 5), 8);
    send(f, 0, SR_ICC_SGI1R_EL1, 5, UINT64_C(1) << 32 | 0x3); /* no such Aff2 */
    assert_int_equal(pending_on(f, 5), 0);
    send(f, 0, SR_ICC_SGI1R_EL1, 5, UINT64_C(1) << 48 | 0x3); /* no such Aff3 */
    assert_int_equal(pending_on(f, 5), 0);
    send(f, 2, SR_ICC_SGI1R_EL1, 5, BIT(40)); /* all but self */
    assert_int_equal(pending_on(f, 5), 0xb);
}

static void test_sgi_registers_reach_configured_groups(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 6, 0, 0x80);
    irq_on(f, 1, 6, 1, 0x80);
    send(f, 0, SR_ICC_SGI0R_EL1, 6, 3);
    assert_int_equal(pending_on(f, 6), 1);
    send(f, 0, SR_ICC_SGI1R_EL1, 6, 3);
    assert_int_equal(pending_on(f, 6), 3);
    send(f, 0, SR_ICC_ASGI1R_EL1, 6, 3);
    assert_int_equal(pending_on(f, 6), 1);
}

static void test_sgi_is_taken_and_ended(void **state)
{
    struct fix *f = *state;

    irq_on(f, 1, 15, 1, 0x80);
    send(f, 0, SR_ICC_SGI1R_EL1, 15, 2);
    assert_true(f->pin[1][PIN_IRQ]);
    assert_int_equal(rd(f, 1, SR_ICC_IAR1_EL1), 15);
    assert_false(f->pin[1][PIN_IRQ]);
    send(f, 0, SR_ICC_SGI1R_EL1, 15, 2); /* again while active */
    assert_false(f->pin[1][PIN_IRQ]);
    wr(f, 1, SR_ICC_EOIR1_EL1, 15);
    assert_int_equal(rd(f, 1, SR_ICC_IAR1_EL1), 15);
    wr(f, 1, SR_ICC_EOIR1_EL1, 15);
    assert_int_equal(rd(f, 1, SR_ICC_IAR1_EL1), NONE);
}

static void test_active_priorities_can_be_restored(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 20, 1, 0x80);
    ppi(f, 0, 20, true);
    wr(f, 0, SR_ICC_AP1R0_EL1, 1u << 4);
    assert_false(f->pin[0][PIN_IRQ]);
    assert_int_equal(rd(f, 0, SR_ICC_RPR_EL1), 0x20);
    wr(f, 0, SR_ICC_AP1R0_EL1, 0);
    assert_true(f->pin[0][PIN_IRQ]);
}

static void test_pins_only_change_when_the_level_does(void **state)
{
    struct fix *f = *state;
    unsigned before = f->changes;

    irq_on(f, 0, 20, 1, 0x80);
    ppi(f, 0, 20, true);
    ppi(f, 0, 20, true);
    irq_w(f, 0, ISPENDR, 20);
    wr(f, 0, SR_ICC_PMR_EL1, 0xf0);
    assert_int_equal(f->changes, before + 1);
}

static void test_priority_bits_decide_which_active_priority_registers_exist(void **state)
{
    static const unsigned counts[] = {1, 2, 4, 4};

    (void)state;
    for (unsigned k = 0; k < 4; k++) {
        struct gic_config cfg = {.spis = 32, .pribits = 5 + k};
        struct fix *f = fix_new(&cfg);
        const enum sysreg ap[] = {SR_ICC_AP1R0_EL1, SR_ICC_AP1R1_EL1, SR_ICC_AP1R2_EL1,
                                  SR_ICC_AP1R3_EL1};
        unsigned shift = k < 2 ? 3 - k : 1;

        for (unsigned n = 0; n < 4; n++)
            assert_int_equal(gic_sysreg_implemented(f->gic, ap[n]), n < counts[k]);
        fix_bring_up(f);
        assert_int_equal(rd(f, 0, SR_ICC_BPR0_EL1), shift - 1);
        irq_on(f, 0, 20, 1, 0xd6);
        ppi(f, 0, 20, true);
        assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 20);
        assert_int_equal(rd(f, 0, SR_ICC_RPR_EL1), 0xd6 & (0xff << shift));
        assert_int_equal(rd(f, 0, ap[(0xd6 >> shift) / 32]), UINT32_C(1) << ((0xd6 >> shift) % 32));
        wr(f, 0, SR_ICC_EOIR1_EL1, 20);
        assert_int_equal(rd(f, 0, SR_ICC_RPR_EL1), 0xff);
        fix_teardown((void **)&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_values),
        GIC_TEST(test_writable_bits),
        GIC_TEST(test_binary_points_have_minima_and_cbpr_shows_bpr0_plus_one),
        GIC_TEST(test_group0_is_fiq_and_group1_is_irq),
        GIC_TEST(test_disabled_group_does_not_hide_the_other),
        GIC_TEST(test_highest_priority_then_lowest_intid_first),
        GIC_TEST(test_pmr_masks_equal_and_lower_priorities),
        GIC_TEST(test_preemption_needs_a_higher_group_priority),
        GIC_TEST(test_bpr0_of_7_disables_preemption_and_cbpr_extends_it_to_group1),
        GIC_TEST(test_group0_preempts_group1_and_each_ends_its_own),
        GIC_TEST(test_eoimode1_splits_drop_from_deactivation),
        GIC_TEST(test_dir_is_ignored_in_eoimode0),
        GIC_TEST(test_special_intids_do_not_end_anything),
        GIC_TEST(test_sgi_targets),
        GIC_TEST(test_sgi_registers_reach_configured_groups),
        GIC_TEST(test_sgi_is_taken_and_ended),
        GIC_TEST(test_active_priorities_can_be_restored),
        GIC_TEST(test_pins_only_change_when_the_level_does),
        cmocka_unit_test(test_priority_bits_decide_which_active_priority_registers_exist),
    };

    return cmocka_run_group_tests_name("icc", tests, NULL, NULL);
}
