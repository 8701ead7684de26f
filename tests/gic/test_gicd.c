#include "tests/gic/fixture.h"

static void test_ctlr_has_ds_and_are_fixed_and_two_enables(void **state)
{
    struct fix *f = *state;

    gicd_w(f, GICD_CTLR, 0xffffffff);
    assert_int_equal(gicd_r(f, GICD_CTLR), 0x53);
    gicd_w(f, GICD_CTLR, 0);
    assert_int_equal(gicd_r(f, GICD_CTLR), 0x50);
}

static void test_identification(void **state)
{
    struct fix *f = *state;

    assert_int_equal(bits(gicd_r(f, 4), 4, 0), 8);      /* 288 interrupts */
    assert_int_equal(bits(gicd_r(f, 4), 23, 19), 15);   /* 16 bits of INTID */
    assert_int_equal(bits(gicd_r(f, 4), 17, 17), 0);    /* no LPIs */
    assert_int_equal(bits(gicd_r(f, 4), 10, 10), 0);    /* one security state */
    assert_int_equal(gicd_r(f, 8), 0x43b);              /* IIDR */
    assert_int_equal(bits(gicd_r(f, 0xffe8), 7, 4), 3); /* PIDR2.ArchRev */
    assert_int_equal(gicr_r(f, 0, 0xffe8), gicd_r(f, 0xffe8));
    assert_int_equal(gicr_r(f, 1, 4), 0x43b);
}

static void test_private_interrupts_are_raz_wi_in_the_distributor(void **state)
{
    static const uint16_t first[] = {IGROUPR,   ISENABLER, ICENABLER,  ISPENDR,   ICPENDR,
                                     ISACTIVER, ICACTIVER, IPRIORITYR, ICFGR + 4, ICFGR};
    struct fix *f = *state;

    for (unsigned k = 0; k < ARRAY_SIZE(first); k++) {
        gicd_w(f, first[k], 0xffffffff);
        assert_int_equal(gicd_r(f, first[k]), 0);
        assert_int_equal(gicr_r(f, 0, SGI_BASE + IGROUPR), 0);
    }
}

static void test_unimplemented_spis_are_raz_wi(void **state)
{
    static const uint16_t arrays[] = {IGROUPR, ISENABLER, ISPENDR, ISACTIVER};
    struct fix *f = *state;

    for (unsigned k = 0; k < ARRAY_SIZE(arrays); k++) {
        gicd_w(f, arrays[k] + 8 * 4, 0xffffffff);
        gicd_w(f, arrays[k] + 9 * 4, 0xffffffff);
        assert_int_equal(gicd_r(f, arrays[k] + 8 * 4), 0xffffffff);
        assert_int_equal(gicd_r(f, arrays[k] + 9 * 4), 0);
    }
    gicd_w(f, IPRIORITYR + 288, 0xffffffff);
    assert_int_equal(gicd_r(f, IPRIORITYR + 288), 0);
    gicd_w(f, ICFGR + 288 / 4, 0xffffffff);
    assert_int_equal(gicd_r(f, ICFGR + 288 / 4), 0);
    device_write(gic_distributor(f->gic), IROUTER + 8 * 288, 8, UINT64_MAX);
    assert_int_equal(device_read(gic_distributor(f->gic), IROUTER + 8 * 288, 8), 0);
}

static void test_spi_count_not_a_multiple_of_32(void **state)
{
    static const struct gic_config cfg = {.spis = 40};
    struct fix *f = fix_new(&cfg);

    (void)state;
    assert_int_equal(bits(gicd_r(f, 4), 4, 0), 2);
    gicd_w(f, ISENABLER + 8, 0xffffffff);
    assert_int_equal(gicd_r(f, ISENABLER + 8), 0xff);
    fix_teardown((void **)&f);
}

static void test_reserved_legacy_and_security_registers_are_raz_wi(void **state)
{
    static const uint16_t offsets[] = {0xc, 0x10, 0xd04, 0xe08, 0xf00, 0xf10, 0xf20};
    struct fix *f = *state;

    for (unsigned k = 0; k < ARRAY_SIZE(offsets); k++) {
        gicd_w(f, offsets[k], 0xffffffff);
        assert_int_equal(gicd_r(f, offsets[k]), 0);
    }
}

static void test_set_and_clear_registers_read_the_same_state(void **state)
{
    struct fix *f = *state;

    gicd_w(f, ISENABLER + 4, 0xf0);
    gicd_w(f, ICENABLER + 4, 0x30);
    assert_int_equal(gicd_r(f, ISENABLER + 4), 0xc0);
    assert_int_equal(gicd_r(f, ICENABLER + 4), 0xc0);
    gicd_w(f, ISPENDR + 4, 0x0f);
    gicd_w(f, ICPENDR + 4, 0x03);
    assert_int_equal(gicd_r(f, ISPENDR + 4), 0x0c);
    assert_int_equal(gicd_r(f, ICPENDR + 4), 0x0c);
    gicd_w(f, ISACTIVER + 4, 0x0f);
    gicd_w(f, ICACTIVER + 4, 0x0c);
    assert_int_equal(gicd_r(f, ISACTIVER + 4), 0x03);
    assert_int_equal(gicd_r(f, ICACTIVER + 4), 0x03);
}

static void test_priorities_by_byte_and_word_keep_implemented_bits(void **state)
{
    struct fix *f = *state;

    gicd_w(f, IPRIORITYR + 32, 0xff8741a0);
    assert_int_equal(gicd_r(f, IPRIORITYR + 32), 0xf88040a0);
    device_write(gic_distributor(f->gic), IPRIORITYR + 33, 1, 0xcf);
    assert_int_equal(gicd_r(f, IPRIORITYR + 32), 0xf880c8a0);
    assert_int_equal(device_read(gic_distributor(f->gic), IPRIORITYR + 33, 1), 0xc8);
}

static void test_priority_bits_are_configurable(void **state)
{
    static const struct gic_config cfg = {.spis = 32, .pribits = 8, .prebits = 7};
    struct fix *f = fix_new(&cfg);

    (void)state;
    gicd_w(f, IPRIORITYR + 32, 0x01020304);
    assert_int_equal(gicd_r(f, IPRIORITYR + 32), 0x01020304);
    fix_teardown((void **)&f);
}

static void test_icfgr_has_one_writable_bit_an_interrupt(void **state)
{
    struct fix *f = *state;

    gicd_w(f, ICFGR + 8, 0xffffffff);
    assert_int_equal(gicd_r(f, ICFGR + 8), 0xaaaaaaaa);
    gicd_w(f, ICFGR + 8, 0x00000008);
    assert_int_equal(gicd_r(f, ICFGR + 8), 0x00000008);
}

static void test_access_sizes_not_allowed_do_nothing(void **state)
{
    struct fix *f = *state;
    struct device *d = gic_distributor(f->gic);

    device_write(d, ISENABLER + 4, 1, 0xff);
    device_write(d, ISENABLER + 4, 8, 0xff);
    device_write(d, IPRIORITYR + 32, 8, 0xff);
    assert_int_equal(gicd_r(f, ISENABLER + 4), 0);
    assert_int_equal(gicd_r(f, IPRIORITYR + 32), 0);
    assert_int_equal(device_read(d, GICD_CTLR, 8), 0);
}

static void test_level_spi_follows_its_input(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 40, 1, 0x80);
    spi(f, 40, true);
    assert_true(irq_r(f, 0, ISPENDR, 40));
    assert_true(f->pin[0][PIN_IRQ]);
    spi(f, 40, false);
    assert_false(irq_r(f, 0, ISPENDR, 40));
    assert_false(f->pin[0][PIN_IRQ]);
}

static void test_icpendr_does_not_clear_an_asserted_level(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 40, 1, 0x80);
    spi(f, 40, true);
    irq_w(f, 0, ICPENDR, 40);
    assert_true(irq_r(f, 0, ISPENDR, 40));
    spi(f, 40, false);
    assert_false(irq_r(f, 0, ISPENDR, 40));
}

static void test_ispendr_on_a_level_spi_lasts_until_acknowledged(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 40, 1, 0x80);
    irq_w(f, 0, ISPENDR, 40);
    spi(f, 40, true);
    spi(f, 40, false);
    assert_true(f->pin[0][PIN_IRQ]);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 40);
    assert_false(irq_r(f, 0, ISPENDR, 40));
    assert_true(irq_r(f, 0, ISACTIVER, 40));
}

static void test_level_still_high_is_active_and_pending(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 40, 1, 0x80);
    spi(f, 40, true);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 40);
    assert_true(irq_r(f, 0, ISPENDR, 40));
    assert_true(irq_r(f, 0, ISACTIVER, 40));
    assert_false(f->pin[0][PIN_IRQ]);
    wr(f, 0, SR_ICC_EOIR1_EL1, 40);
    assert_true(f->pin[0][PIN_IRQ]);
}

static void test_edge_spi_latches_and_is_cleared_by_acknowledge(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 40, 1, 0x80);
    irq_edge(f, 0, 40, true);
    spi(f, 40, true);
    spi(f, 40, false);
    assert_true(irq_r(f, 0, ISPENDR, 40));
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 40);
    assert_false(irq_r(f, 0, ISPENDR, 40));
    spi(f, 40, true); /* a second edge while active */
    assert_true(irq_r(f, 0, ISPENDR, 40));
    assert_false(f->pin[0][PIN_IRQ]);
    wr(f, 0, SR_ICC_EOIR1_EL1, 40);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 40);
    wr(f, 0, SR_ICC_EOIR1_EL1, 40);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), NONE);
}

static void test_icpendr_clears_an_edge(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 40, 1, 0x80);
    irq_edge(f, 0, 40, true);
    spi(f, 40, true);
    irq_w(f, 0, ICPENDR, 40);
    assert_false(irq_r(f, 0, ISPENDR, 40));
    assert_false(f->pin[0][PIN_IRQ]);
}

static void test_message_spis(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 50, 1, 0x80);
    gicd_w(f, 0x40, 50); /* level-sensitive: pending until CLRSPI */
    assert_true(f->pin[0][PIN_IRQ]);
    irq_w(f, 0, ICPENDR, 50);
    assert_true(f->pin[0][PIN_IRQ]);
    gicd_w(f, 0x48, 50);
    assert_false(f->pin[0][PIN_IRQ]);

    irq_edge(f, 0, 50, true);
    device_write(gic_distributor(f->gic), 0x40, 2, 50);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 50);
    wr(f, 0, SR_ICC_EOIR1_EL1, 50);
    assert_false(f->pin[0][PIN_IRQ]);
    gicd_w(f, 0x40, 50);
    gicd_w(f, 0x48, 50);
    assert_false(irq_r(f, 0, ISPENDR, 50));
    gicd_w(f, 0x40, 5); /* not an SPI */
    gicd_w(f, 0x40, 0x1fff);
    assert_int_equal(gicr_r(f, 0, SGI_BASE + ISPENDR), 0);
}

static void test_disabling_an_interrupt_or_its_group_withdraws_it(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 40, 1, 0x80);
    spi(f, 40, true);
    irq_w(f, 0, ICENABLER, 40);
    assert_false(f->pin[0][PIN_IRQ]);
    irq_w(f, 0, ISENABLER, 40);
    assert_true(f->pin[0][PIN_IRQ]);
    gicd_w(f, GICD_CTLR, 1);
    assert_false(f->pin[0][PIN_IRQ]);
    irq_group(f, 0, 40, 0);
    assert_true(f->pin[0][PIN_FIQ]);
    gicd_w(f, GICD_CTLR, 2);
    assert_false(f->pin[0][PIN_FIQ]);
}

static void test_irouter_sends_to_the_named_affinity_only(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 40, 1, 0x80);
    spi(f, 40, true);
    for (unsigned k = 0; k < CPUS; k++) {
        device_write(gic_distributor(f->gic), IROUTER + 8 * 40, 8, fix_mpidr[k] & 0xffffff);
        for (unsigned c = 0; c < CPUS; c++)
            assert_int_equal(f->pin[c][PIN_IRQ], c == k);
    }
    device_write(gic_distributor(f->gic), IROUTER + 8 * 40, 8, 0x77);
    for (unsigned c = 0; c < CPUS; c++)
        assert_false(f->pin[c][PIN_IRQ]);
}

static void test_irouter_by_halves_keeps_its_fields(void **state)
{
    struct fix *f = *state;

    gicd_w(f, IROUTER + 8 * 40, 0xffffffff);
    gicd_w(f, IROUTER + 8 * 40 + 4, 0xffffffff);
    assert_int_equal(gicd_r(f, IROUTER + 8 * 40), 0x80ffffff);
    assert_int_equal(gicd_r(f, IROUTER + 8 * 40 + 4), 0xff);
    assert_true(device_read(gic_distributor(f->gic), IROUTER + 8 * 40, 8) == 0xff80ffffff);
}

static void test_one_of_n_takes_the_first_willing_cpu(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 40, 1, 0x80);
    device_write(gic_distributor(f->gic), IROUTER + 8 * 40, 8, BIT(31));
    spi(f, 40, true);
    assert_true(f->pin[0][PIN_IRQ]);
    gicr_w(f, 0, GICR_CTLR, BIT(25)); /* DPG1NS */
    assert_false(f->pin[0][PIN_IRQ]);
    assert_true(f->pin[1][PIN_IRQ]);
    gicr_w(f, 1, GICR_WAKER, 2);
    assert_false(f->pin[1][PIN_IRQ]);
    assert_true(f->pin[2][PIN_IRQ]);
    wr(f, 2, SR_ICC_IGRPEN1_EL1, 0);
    assert_true(f->pin[3][PIN_IRQ]);
    assert_int_equal(rd(f, 3, SR_ICC_IAR1_EL1), 40);
    gicr_w(f, 0, GICR_CTLR, BIT(24)); /* DPG0 does not concern group 1 */
    wr(f, 3, SR_ICC_EOIR1_EL1, 40);
    assert_true(f->pin[0][PIN_IRQ]);
    assert_false(f->pin[3][PIN_IRQ]);
}

static void test_one_of_n_prefers_a_cpu_that_can_take_it(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 40, 1, 0x80);
    irq_on(f, 0, 41, 1, 0x80);
    for (unsigned n = 40; n <= 41; n++)
        device_write(gic_distributor(f->gic), IROUTER + 8 * n, 8, BIT(31));
    wr(f, 0, SR_ICC_PMR_EL1, 0x80);
    spi(f, 40, true);
    assert_false(f->pin[0][PIN_IRQ]);
    assert_true(f->pin[1][PIN_IRQ]);
    wr(f, 0, SR_ICC_PMR_EL1, 0xff);
    assert_true(f->pin[0][PIN_IRQ]);
    assert_false(f->pin[1][PIN_IRQ]);
    spi(f, 41, true);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 40);
    assert_false(f->pin[0][PIN_IRQ]); /* busy: the next CPU takes the next one */
    assert_int_equal(rd(f, 1, SR_ICC_IAR1_EL1), 41);
    wr(f, 1, SR_ICC_EOIR1_EL1, 41);
    assert_true(f->pin[1][PIN_IRQ]); /* CPU 0 still runs 40 */
    wr(f, 0, SR_ICC_EOIR1_EL1, 40);
    assert_true(f->pin[0][PIN_IRQ]);
    for (unsigned k = 0; k < CPUS; k++)
        wr(f, k, SR_ICC_PMR_EL1, 0);
    assert_int_equal(rd(f, 0, SR_ICC_HPPIR1_EL1), 40); /* nobody can: the first */
    assert_int_equal(rd(f, 1, SR_ICC_HPPIR1_EL1), NONE);
}

static void test_ending_on_another_cpu_signals_the_routed_one(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 40, 1, 0x80);
    spi(f, 40, true);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 40);
    device_write(gic_distributor(f->gic), IROUTER + 8 * 40, 8, 1);
    assert_false(f->pin[1][PIN_IRQ]); /* active */
    wr(f, 0, SR_ICC_EOIR1_EL1, 40);
    assert_true(f->pin[1][PIN_IRQ]);
}

static void test_configuration_out_of_range_is_refused(void **state)
{
    static const struct gic_config bad[] = {
        {.cpus = 0, .spis = 32},
        {.cpus = 513, .spis = 32},
        {.cpus = 1, .spis = 0},
        {.cpus = 1, .spis = 989},
        {.cpus = 1, .spis = 32, .lr_count = 17},
        {.cpus = 1, .spis = 32, .prebits = 8, .pribits = 8},
        {.cpus = 1, .spis = 32, .prebits = 6, .pribits = 5},
        {.cpus = 1, .spis = 32, .pribits = 9},
        {.cpus = 1, .spis = 32, .pribits = 4},
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(bad); k++) {
        struct gic_config cfg = bad[k];
        struct arm_error err = {0};

        cfg.mpidr = fix_mpidr;
        assert_null(gic_create(&cfg, &err));
        assert_int_equal(err.code, ARM_EINVAL);
    }
}

static void test_reset_keeps_wires_and_nothing_else(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 40, 1, 0x80);
    spi(f, 40, true);
    gic_reset(f->gic);
    assert_false(f->pin[0][PIN_IRQ]);
    assert_int_equal(gicd_r(f, ISENABLER + 4), 0);
    assert_int_equal(gicd_r(f, IPRIORITYR + 40), 0);
    assert_true(irq_r(f, 0, ISPENDR, 40));
    fix_bring_up(f);
    irq_on(f, 0, 40, 1, 0x80);
    assert_true(f->pin[0][PIN_IRQ]);
}

static void count_events(void *ctx, const struct arm_event *p)
{
    uint64_t *seen = ctx;

    seen[p->irq.change] += p->irq.intid;
}

static void test_probe_events(void **state)
{
    uint64_t seen[4] = {0};
    struct probes probes = {0};
    struct gic_config cfg = {.spis = 32, .probes = &probes};
    struct fix *f = fix_new(&cfg);

    (void)state;
    assert_true(probe_subscribe(&probes, &(struct arm_filter){.events = BIT(ARM_EVENT_IRQ)},
                                count_events, seen));
    fix_bring_up(f);
    irq_on(f, 0, 40, 1, 0x80);
    spi(f, 40, true);
    spi(f, 40, true);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 40);
    spi(f, 40, false);
    assert_int_equal(seen[ARM_IRQ_HIGH], 40);
    assert_int_equal(seen[ARM_IRQ_LOW], 40);
    assert_int_equal(seen[ARM_IRQ_ACKNOWLEDGED], 40);
    assert_int_equal(seen[ARM_IRQ_DEACTIVATED], 0);
    wr(f, 0, SR_ICC_EOIR1_EL1, 40);
    assert_int_equal(seen[ARM_IRQ_DEACTIVATED], 40);
    fix_teardown((void **)&f);
}

static void count_line(void *ctx, const char *text)
{
    assert_non_null(text);
    ++*(unsigned *)ctx;
}

static void test_describe_has_a_line_for_each_interrupt_in_use(void **state)
{
    struct fix *f = *state;
    unsigned before = 0, after = 0;

    gic_describe(f->gic, count_line, &before);
    irq_on(f, 0, 40, 1, 0x80);
    irq_on(f, 1, 27, 1, 0x80);
    gic_describe(f->gic, count_line, &after);
    assert_int_equal(after, before + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GIC_TEST(test_ctlr_has_ds_and_are_fixed_and_two_enables),
        GIC_TEST(test_identification),
        GIC_TEST(test_private_interrupts_are_raz_wi_in_the_distributor),
        GIC_TEST(test_unimplemented_spis_are_raz_wi),
        cmocka_unit_test(test_spi_count_not_a_multiple_of_32),
        GIC_TEST(test_reserved_legacy_and_security_registers_are_raz_wi),
        GIC_TEST(test_set_and_clear_registers_read_the_same_state),
        GIC_TEST(test_priorities_by_byte_and_word_keep_implemented_bits),
        cmocka_unit_test(test_priority_bits_are_configurable),
        GIC_TEST(test_icfgr_has_one_writable_bit_an_interrupt),
        GIC_TEST(test_access_sizes_not_allowed_do_nothing),
        GIC_TEST(test_level_spi_follows_its_input),
        GIC_TEST(test_icpendr_does_not_clear_an_asserted_level),
        GIC_TEST(test_ispendr_on_a_level_spi_lasts_until_acknowledged),
        GIC_TEST(test_level_still_high_is_active_and_pending),
        GIC_TEST(test_edge_spi_latches_and_is_cleared_by_acknowledge),
        GIC_TEST(test_icpendr_clears_an_edge),
        GIC_TEST(test_message_spis),
        GIC_TEST(test_disabling_an_interrupt_or_its_group_withdraws_it),
        GIC_TEST(test_irouter_sends_to_the_named_affinity_only),
        GIC_TEST(test_irouter_by_halves_keeps_its_fields),
        GIC_TEST(test_one_of_n_takes_the_first_willing_cpu),
        GIC_TEST(test_one_of_n_prefers_a_cpu_that_can_take_it),
        GIC_TEST(test_ending_on_another_cpu_signals_the_routed_one),
        cmocka_unit_test(test_configuration_out_of_range_is_refused),
        GIC_TEST(test_reset_keeps_wires_and_nothing_else),
        cmocka_unit_test(test_probe_events),
        GIC_TEST(test_describe_has_a_line_for_each_interrupt_in_use),
    };

    return cmocka_run_group_tests_name("gicd", tests, NULL, NULL);
}
