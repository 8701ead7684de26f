#include "tests/gic/fixture.h"

static void test_typer_names_each_cpu_and_the_last(void **state)
{
    struct fix *f = *state;

    for (unsigned k = 0; k < CPUS; k++) {
        uint64_t typer = device_read(gic_redistributor(f->gic, k), GICR_TYPER, 8);

        assert_int_equal(bits(typer, 63, 32), fix_mpidr[k] & 0xffffff);
        assert_int_equal(bits(typer, 23, 8), k);
        assert_int_equal(bit(typer, 4), k == CPUS - 1);
        assert_int_equal(bits(typer, 3, 0), 0);
        assert_int_equal(gicr_r(f, k, GICR_TYPER), bits(typer, 31, 0));
        assert_int_equal(gicr_r(f, k, GICR_TYPER + 4), bits(typer, 63, 32));
    }
}

static void test_waker_sleeps_at_reset_and_blocks_forwarding(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 27, 1, 0x80);
    ppi(f, 0, 27, true);
    assert_true(f->pin[0][PIN_IRQ]);
    gicr_w(f, 0, GICR_WAKER, 2);
    assert_int_equal(gicr_r(f, 0, GICR_WAKER), 6);
    assert_false(f->pin[0][PIN_IRQ]);
    gicr_w(f, 0, GICR_WAKER, 4);
    assert_int_equal(gicr_r(f, 0, GICR_WAKER), 0);
    assert_true(f->pin[0][PIN_IRQ]);
    gic_sleep(f->gic, 0, true);
    assert_int_equal(gicr_r(f, 0, GICR_WAKER), 6);
    assert_false(f->pin[0][PIN_IRQ]);
    gic_sleep(f->gic, 0, false);
    assert_true(f->pin[0][PIN_IRQ]);
    gic_reset(f->gic);
    assert_int_equal(gicr_r(f, 0, GICR_WAKER), 6);
}

static void test_ctlr_has_the_opt_outs_only(void **state)
{
    struct fix *f = *state;

    gicr_w(f, 0, GICR_CTLR, 0xffffffff);
    assert_int_equal(gicr_r(f, 0, GICR_CTLR), BIT(24) | BIT(25));
}

static void test_lpi_registers_are_raz_wi(void **state)
{
    static const uint16_t offsets[] = {0x40, 0x48, 0x70, 0x78, 0xa0, 0xb0, 0xc0};
    struct fix *f = *state;

    for (unsigned k = 0; k < ARRAY_SIZE(offsets); k++) {
        gicr_w(f, 0, offsets[k], 0xffffffff);
        assert_int_equal(gicr_r(f, 0, offsets[k]), 0);
    }
}

static void test_private_interrupts_are_banked(void **state)
{
    struct fix *f = *state;

    for (unsigned k = 0; k < CPUS; k++) {
        gicr_w(f, k, SGI_BASE + ISENABLER, UINT64_C(1) << k);
        irq_prio(f, k, 30, (uint8_t)(k * 8));
    }
    for (unsigned k = 0; k < CPUS; k++) {
        assert_int_equal(gicr_r(f, k, SGI_BASE + ISENABLER), UINT64_C(1) << k);
        assert_int_equal(gicr_r(f, k, SGI_BASE + IPRIORITYR + 28), k * 8 << 16);
    }
}

static void test_sgis_are_edge_for_ever(void **state)
{
    struct fix *f = *state;

    gicr_w(f, 0, SGI_BASE + ICFGR, 0);
    assert_int_equal(gicr_r(f, 0, SGI_BASE + ICFGR), 0xaaaaaaaa);
    assert_int_equal(gicr_r(f, 0, SGI_BASE + ICFGR + 4), 0);
    gicr_w(f, 0, SGI_BASE + ICFGR + 4, 0xffffffff);
    assert_int_equal(gicr_r(f, 0, SGI_BASE + ICFGR + 4), 0xaaaaaaaa);
}

static void test_arrays_beyond_the_first_bank_are_raz_wi(void **state)
{
    struct fix *f = *state;

    gicr_w(f, 0, SGI_BASE + ISENABLER + 4, 0xffffffff);
    assert_int_equal(gicr_r(f, 0, SGI_BASE + ISENABLER + 4), 0);
    gicr_w(f, 0, SGI_BASE + IPRIORITYR + 32, 0xffffffff);
    assert_int_equal(gicr_r(f, 0, SGI_BASE + IPRIORITYR + 32), 0);
    assert_int_equal(gicd_r(f, IPRIORITYR + 32), 0);
    assert_int_equal(gicr_r(f, 0, SGI_BASE + 0xd00), 0);
    assert_int_equal(gicr_r(f, 0, SGI_BASE + 0xe00), 0);
}

static void test_ppi_level_and_edge(void **state)
{
    struct fix *f = *state;

    irq_on(f, 2, 27, 1, 0x80);
    ppi(f, 2, 27, true);
    assert_true(f->pin[2][PIN_IRQ]);
    assert_false(f->pin[0][PIN_IRQ]);
    ppi(f, 2, 27, false);
    assert_false(f->pin[2][PIN_IRQ]);
    irq_edge(f, 2, 27, true);
    ppi(f, 2, 27, true);
    ppi(f, 2, 27, false);
    assert_int_equal(rd(f, 2, SR_ICC_IAR1_EL1), 27);
}

static void test_sgi_can_be_made_pending_by_ispendr(void **state)
{
    struct fix *f = *state;

    irq_on(f, 1, 3, 1, 0x80);
    irq_w(f, 1, ISPENDR, 3);
    assert_int_equal(rd(f, 1, SR_ICC_IAR1_EL1), 3);
    assert_false(irq_r(f, 1, ISPENDR, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GIC_TEST(test_typer_names_each_cpu_and_the_last),
        GIC_TEST(test_waker_sleeps_at_reset_and_blocks_forwarding),
        GIC_TEST(test_ctlr_has_the_opt_outs_only),
        GIC_TEST(test_lpi_registers_are_raz_wi),
        GIC_TEST(test_private_interrupts_are_banked),
        GIC_TEST(test_sgis_are_edge_for_ever),
        GIC_TEST(test_arrays_beyond_the_first_bank_are_raz_wi),
        GIC_TEST(test_ppi_level_and_edge),
        GIC_TEST(test_sgi_can_be_made_pending_by_ispendr),
    };

    return cmocka_run_group_tests_name("gicr", tests, NULL, NULL);
}
