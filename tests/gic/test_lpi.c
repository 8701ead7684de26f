/* LPIs at the CPU interfaces: taken and ended, priorities, configuration, pending tables. */
#include "tests/gic/its_fixture.h"

static void test_int_is_taken_and_ended(void **state)
{
    struct its_fix *t = *state;

    cmd_event(t, INT, 1, 3, 0);
    assert_int_equal(its_r(t, GITS_CREADR), t->cwriter);
    assert_true(t->f->pin[0][PIN_IRQ]);
    assert_int_equal(IAR(t, 0), LPI + 3);
    assert_false(t->f->pin[0][PIN_IRQ]);
    assert_int_equal(rd(t->f, 0, SR_ICC_RPR_EL1), 0x80);
    cmd_event(t, INT, 1, 3, 0); /* pending again while it runs: there is no active state */
    assert_false(t->f->pin[0][PIN_IRQ]);
    assert_next(t, 0, LPI + 3);
    EOI(t, 0, LPI + 3);
    assert_true(t->f->pin[0][PIN_IRQ]);
    assert_int_equal(IAR(t, 0), LPI + 3);
    EOI(t, 0, LPI + 3);
    assert_int_equal(rd(t->f, 0, SR_ICC_RPR_EL1), 0xff);
    assert_int_equal(IAR(t, 0), NONE);
}

static void test_dir_of_an_lpi_does_nothing(void **state)
{
    struct its_fix *t = *state;

    wr(t->f, 0, SR_ICC_CTLR_EL1, 2);
    cmd_event(t, INT, 1, 3, 0);
    assert_int_equal(IAR(t, 0), LPI + 3);
    EOI(t, 0, LPI + 3);
    assert_int_equal(rd(t->f, 0, SR_ICC_RPR_EL1), 0xff);
    wr(t->f, 0, SR_ICC_DIR_EL1, LPI + 3);
    cmd_event(t, INT, 1, 3, 0);
    assert_int_equal(IAR(t, 0), LPI + 3);
}

static void test_messages(void **state)
{
    struct its_fix *t = *state;

    gic_msi(t->f->gic, 1, 7);
    assert_int_equal(IAR(t, 0), LPI + 7);
    EOI(t, 0, LPI + 7);
    gic_msi(t->f->gic, 2, 7);          /* no such device */
    gic_msi(t->f->gic, 1, 32);         /* no such event */
    gic_msi(t->f->gic, 0x10001, 7);    /* beyond DeviceIDs */
    gic_msi(t->f->gic, 1, 0x10000007); /* beyond EventIDs */
    assert_next(t, 0, NONE);
    /* A CPU's own write is device 0's. */
    cmd_mapd(t, 0, ITT + 0x1000, 2);
    cmd_mapti(t, 0, 1, LPI + 40, 2);
    lpi_config(t, LPI + 40, 0x40, true);
    device_write(gic_its(t->f->gic), GITS_TRANSLATER, 4, 1);
    assert_int_equal(IAR(t, 2), LPI + 40);
    EOI(t, 2, LPI + 40);
    device_write(gic_its(t->f->gic), GITS_TRANSLATER, 2, 1);
    assert_int_equal(IAR(t, 2), LPI + 40);
    EOI(t, 2, LPI + 40);
    its_ctlr(t, false);
    gic_msi(t->f->gic, 1, 7);
    assert_next(t, 0, NONE);
}

static void test_priorities_among_lpis_and_others(void **state)
{
    struct its_fix *t = *state;

    lpi_config(t, LPI + 9, 0x40, true);
    irq_on(t->f, 0, 40, 1, 0x60);
    irq_on(t->f, 0, 41, 1, 0x40);
    cmd_event(t, INT, 1, 5, 0);
    cmd_event(t, INT, 1, 4, 0);
    assert_next(t, 0, LPI + 4); /* equal priority: the lower INTID */
    irq_w(t->f, 0, ISPENDR, 40);
    assert_next(t, 0, 40);
    cmd_event(t, INT, 1, 9, 0);
    assert_next(t, 0, LPI + 9);
    irq_w(t->f, 0, ISPENDR, 41);
    assert_int_equal(IAR(t, 0), 41);
    EOI(t, 0, 41);
    assert_int_equal(IAR(t, 0), LPI + 9);
    EOI(t, 0, LPI + 9);
    assert_int_equal(IAR(t, 0), 40);
    EOI(t, 0, 40);
    assert_int_equal(IAR(t, 0), LPI + 4);
    EOI(t, 0, LPI + 4);
    assert_int_equal(IAR(t, 0), LPI + 5);
}

static void test_lpis_are_group_1(void **state)
{
    struct its_fix *t = *state;

    cmd_event(t, INT, 1, 3, 0);
    assert_int_equal(rd(t->f, 0, SR_ICC_IAR0_EL1), NONE);
    wr(t->f, 0, SR_ICC_IGRPEN1_EL1, 0);
    assert_false(t->f->pin[0][PIN_IRQ]);
    wr(t->f, 0, SR_ICC_IGRPEN1_EL1, 1);
    assert_true(t->f->pin[0][PIN_IRQ]);
    gicd_w(t->f, GICD_CTLR, 1);
    assert_false(t->f->pin[0][PIN_IRQ]);
}

static void test_configuration_is_seen_at_inv_and_invall(void **state)
{
    struct its_fix *t = *state;

    lpi_config(t, LPI + 3, 0x80, false);
    cmd_event(t, INT, 1, 3, 0);
    assert_next(t, 0, NONE);
    lpi_config(t, LPI + 3, 0x80, true);
    cmd_event(t, INV, 1, 3, 0);
    assert_next(t, 0, LPI + 3);
    lpi_config(t, LPI + 3, 0x80, false);
    its_cmd(t, 0x0d, 0, 0, 0); /* INVALL, collection 0 */
    assert_next(t, 0, NONE);
    assert_false(t->f->pin[0][PIN_IRQ]);
}

static void test_clear_and_discard(void **state)
{
    struct its_fix *t = *state;

    cmd_event(t, INT, 1, 3, 0);
    cmd_event(t, INT, 1, 4, 0);
    cmd_event(t, CLEAR, 1, 3, 0);
    assert_next(t, 0, LPI + 4);
    cmd_event(t, DISCARD, 1, 4, 0);
    assert_next(t, 0, NONE);
    cmd_event(t, INT, 1, 4, 0); /* no longer mapped */
    assert_next(t, 0, NONE);
    cmd_mapti(t, 1, 4, LPI + 20, 0);
    cmd_event(t, INT, 1, 4, 0);
    assert_next(t, 0, LPI + 20);
}

static void test_pending_table_is_written_and_read(void **state)
{
    struct its_fix *t = *state;

    cmd_event(t, INT, 1, 3, 0);
    cmd_event(t, INT, 1, 30, 0);
    lpis_off(t, 0);
    assert_false(t->f->pin[0][PIN_IRQ]);
    assert_int_equal(gicr_r(t->f, 0, GICR_CTLR), 2);
    assert_int_equal(peek8(t, PENDING + 1024), 1 << 3);
    assert_int_equal(peek8(t, PENDING + 1024 + 3), 1 << 6);
    cmd_event(t, INT, 1, 4, 0); /* lost: no LPIs there */
    lpis_on(t, 0, false);
    assert_int_equal(IAR(t, 0), LPI + 3);
    EOI(t, 0, LPI + 3);
    assert_int_equal(IAR(t, 0), LPI + 30);
    EOI(t, 0, LPI + 30);
    assert_next(t, 0, NONE);
    cmd_event(t, INT, 1, 3, 0);
    lpis_off(t, 0);
    lpis_on(t, 0, true); /* PTZ: the table is all zero, says software */
    assert_next(t, 0, NONE);
    cmd_event(t, INT, 1, 3, 0);
    lpis_off(t, 0);
    gicr_w(t->f, 0, GICR_CTLR, 1); /* PTZ was said of the table before */
    assert_next(t, 0, LPI + 3);
}

static void test_idbits_limit_lpis(void **state)
{
    struct its_fix *t = *state;

    lpis_off(t, 0);
    gicr_w64(t, 0, GICR_PROPBASER, CONFIG | 12);
    gicr_w(t->f, 0, GICR_CTLR, 1);
    cmd_event(t, INT, 1, 3, 0);
    assert_next(t, 0, NONE);
    lpis_off(t, 0);
    gicr_w64(t, 0, GICR_PROPBASER, CONFIG | 13);
    gicr_w(t->f, 0, GICR_CTLR, 1);
    lpi_config(t, 16384, 0, true);
    cmd_mapti(t, 1, 2, 16384, 0);
    cmd_event(t, INT, 1, 2, 0);
    assert_next(t, 0, NONE);
    cmd_event(t, INT, 1, 3, 0);
    assert_next(t, 0, LPI + 3);
    lpis_off(t, 0);
    gicr_w64(t, 0, GICR_PROPBASER, CONFIG | 31); /* as GICD_TYPER.IDbits */
    gicr_w(t->f, 0, GICR_CTLR, 1);
    cmd_event(t, INT, 1, 2, 0);
    assert_next(t, 0, 16384);
}

static void test_lpi_in_a_list_register(void **state)
{
    struct its_fix *t = *state;
    struct fix *f = t->f;

    wr(f, 0, SR_ICH_HCR_EL2, 1);
    wr(f, 0, SR_ICH_VMCR_EL2, UINT64_C(0xff) << 24 | 2);
    for (unsigned split = 0; split < 2; split++) {
        vwr(f, 0, SR_ICC_CTLR_EL1, split << 1);
        wr(f, 0, SR_ICH_LR0_EL2, BIT(62) | BIT(60) | UINT64_C(0x80) << 48 | (LPI + 3));
        assert_true(f->pin[0][PIN_VIRQ]);
        assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), LPI + 3);
        assert_int_equal(rd(f, 0, SR_ICH_LR0_EL2) >> 62, 0); /* invalid, not active */
        assert_int_equal(vrd(f, 0, SR_ICC_RPR_EL1), 0x80);
        vwr(f, 0, SR_ICC_EOIR1_EL1, LPI + 3);
        assert_int_equal(vrd(f, 0, SR_ICC_RPR_EL1), 0xff);
        vwr(f, 0, SR_ICC_DIR_EL1, LPI + 3);
        assert_int_equal(bits(rd(f, 0, SR_ICH_HCR_EL2), 31, 27), 0); /* EOIcount */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ITS_TEST(test_int_is_taken_and_ended),
        ITS_TEST(test_dir_of_an_lpi_does_nothing),
        ITS_TEST(test_messages),
        ITS_TEST(test_priorities_among_lpis_and_others),
        ITS_TEST(test_lpis_are_group_1),
        ITS_TEST(test_configuration_is_seen_at_inv_and_invall),
        ITS_TEST(test_clear_and_discard),
        ITS_TEST(test_pending_table_is_written_and_read),
        ITS_TEST(test_idbits_limit_lpis),
        ITS_TEST(test_lpi_in_a_list_register),
    };

    return cmocka_run_group_tests_name("lpi", tests, NULL, NULL);
}
