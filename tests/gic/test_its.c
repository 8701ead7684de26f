/* The ITS: registers, commands, its queue and tables, and where an interrupt goes. */
#include "tests/gic/its_fixture.h"

static void test_id_registers(void **state)
{
    struct its_fix *t = *state;

    assert_int_equal(its_r(t, GITS_TYPER), 0x1f0001ef71);
    assert_int_equal(gicd_r(t->f, 4) & (BIT(17) | 31 << 19), BIT(17) | 15 << 19);
    assert_int_equal(gicr_r(t->f, 0, GICR_TYPER) & 1, 1);
    assert_int_equal(gicr_r(t->f, 0, GICR_CTLR), 3);
    assert_int_equal(device_read(gic_its(t->f->gic), 0xffe8, 4) >> 4, 3);
    assert_int_equal(device_read(gic_its(t->f->gic), GITS_CTLR, 4), 1);
    its_ctlr(t, false);
    assert_int_equal(device_read(gic_its(t->f->gic), GITS_CTLR, 4), UINT32_C(1) << 31);
}

/* As on QEMU and KVM, from which software takes them (Page_Size: 64 KiB). */
static void test_reset_values(void **state)
{
    struct its_fix *t = *state;

    its_ctlr(t, false);
    its_w(t, GITS_BASER0, UINT64_MAX);
    gic_reset(t->f->gic);
    assert_int_equal(device_read(gic_its(t->f->gic), GITS_CTLR, 4), UINT32_C(1) << 31);
    assert_int_equal(its_r(t, GITS_CBASER), 0);
    assert_int_equal(its_r(t, GITS_CWRITER), 0);
    assert_int_equal(its_r(t, GITS_CREADR), 0);
    assert_int_equal(its_r(t, GITS_BASER0), 0x0107000000000200);
    assert_int_equal(its_r(t, GITS_BASER1), 0x0407000000000200);
    for (uint64_t n = 2; n < 8; n++)
        assert_int_equal(its_r(t, GITS_BASER0 + 8 * n), 0);
    assert_int_equal(gicr_r64(t, 0, GICR_PROPBASER), 0);
    assert_int_equal(gicr_r64(t, 0, GICR_PENDBASER), 0);
    assert_int_equal(gicr_r(t->f, 0, GICR_CTLR), 2);
    assert_int_equal(gicr_r(t->f, 0, GICR_WAKER), 6);
    assert_int_equal(gicd_r(t->f, GICD_CTLR), 0x50);
}

static void test_without_memory_there_are_no_lpis(void **state)
{
    static const struct gic_config cfg = {.spis = 32};
    struct fix *f = fix_new(&cfg);

    (void)state;
    assert_null(gic_its(f->gic));
    gic_msi(f->gic, 1, 1);
    assert_int_equal(gicd_r(f, 4) & BIT(17), 0);
    gicr_w(f, 0, GICR_CTLR, 1);
    assert_int_equal(gicr_r(f, 0, GICR_CTLR), 0);
    gicr_w(f, 0, GICR_PROPBASER, 0xffffffff);
    assert_int_equal(gicr_r(f, 0, GICR_PROPBASER), 0);
    fix_teardown((void **)&f);
}

static void test_register_fields(void **state)
{
    struct its_fix *t = *state;

    its_w(t, GITS_BASER0, 0); /* ignored while enabled */
    assert_int_equal(its_r(t, GITS_BASER0), VALID | 0x0107000000000000 | DEVICES);
    its_ctlr(t, false);
    its_w(t, GITS_BASER0, UINT64_MAX);
    its_w(t, GITS_BASER1, UINT64_MAX);
    its_w(t, GITS_BASER1 + 8, UINT64_MAX);
    assert_int_equal(its_r(t, GITS_BASER0), 0xf9e7ffffffffffff);
    assert_int_equal(its_r(t, GITS_BASER1), 0xfce7ffffffffffff);
    assert_int_equal(its_r(t, GITS_BASER1 + 8), 0);
    assert_int_not_equal(its_r(t, GITS_CREADR), 0);
    its_w(t, GITS_CBASER, UINT64_MAX);
    assert_int_equal(its_r(t, GITS_CBASER), 0xb8effffffffffcff);
    assert_int_equal(its_r(t, GITS_CREADR), 0);
    device_write(gic_its(t->f->gic), GITS_CBASER + 4, 4, 0);
    assert_int_equal(its_r(t, GITS_CBASER), 0xfffffcff);
}

static void test_propbaser_and_pendbaser(void **state)
{
    struct its_fix *t = *state;

    gicr_w64(t, 0, GICR_PROPBASER, 0); /* ignored while enabled */
    assert_int_equal(gicr_r64(t, 0, GICR_PROPBASER), CONFIG | 15);
    assert_int_equal(gicr_r64(t, 0, GICR_PENDBASER), PENDING); /* PTZ reads as 0 */
    lpis_off(t, 0);
    gicr_w64(t, 0, GICR_PROPBASER, UINT64_MAX);
    gicr_w64(t, 0, GICR_PENDBASER, UINT64_MAX);
    assert_int_equal(gicr_r64(t, 0, GICR_PROPBASER), 0x070fffffffffff9f);
    assert_int_equal(gicr_r64(t, 0, GICR_PENDBASER), 0x070fffffffff0f80);
    gicr_w(t->f, 0, GICR_PENDBASER + 4, 0);
    assert_int_equal(gicr_r64(t, 0, GICR_PENDBASER), 0xffff0f80);
}

static void test_mapi_uses_the_event_as_intid(void **state)
{
    struct its_fix *t = *state;

    cmd_mapd(t, 2, ITT + 0x1000, 14);
    cmd_event(t, MAPI, 2, LPI + 1, 0);
    cmd_event(t, INT, 2, LPI + 1, 0);
    assert_next(t, 0, LPI + 1);
    cmd_event(t, MAPI, 2, 5, 0); /* not an LPI */
    gic_msi(t->f->gic, 2, 5);
    EOI(t, 0, IAR(t, 0));
    assert_next(t, 0, NONE);
}

static void test_movi_takes_the_pending_state_along(void **state)
{
    struct its_fix *t = *state;

    cmd_event(t, INT, 1, 3, 0);
    cmd_event(t, MOVI, 1, 3, 2);
    assert_false(t->f->pin[0][PIN_IRQ]);
    assert_true(t->f->pin[2][PIN_IRQ]);
    assert_int_equal(IAR(t, 2), LPI + 3);
    cmd_event(t, INT, 1, 3, 0);
    assert_next(t, 0, NONE);
    assert_next(t, 2, LPI + 3);
}

static void test_movall(void **state)
{
    struct its_fix *t = *state;

    cmd_event(t, INT, 1, 3, 0);
    cmd_event(t, INT, 1, 30, 0);
    its_cmd(t, 0x0e, 0, 0 << 16, 3 << 16);
    assert_next(t, 0, NONE);
    assert_int_equal(IAR(t, 3), LPI + 3);
    EOI(t, 3, LPI + 3);
    assert_int_equal(IAR(t, 3), LPI + 30);
    EOI(t, 3, LPI + 30);
    its_cmd(t, 0x0e, 0, 3 << 16, 3 << 16);
    its_cmd(t, 0x0e, 0, 3 << 16, 77 << 16);
    assert_next(t, 3, NONE);
}

static void test_unmapped_collections_and_devices(void **state)
{
    struct its_fix *t = *state;

    cmd_mapti(t, 1, 0, LPI, 9);
    cmd_event(t, INT, 1, 0, 0);
    assert_next(t, 0, NONE);
    cmd_mapc(t, 9, 1);
    cmd_event(t, INT, 1, 0, 0);
    assert_next(t, 1, LPI);
    cmd_mapc(t, 9, CPUS); /* no such processor: stays as it was */
    EOI(t, 1, IAR(t, 1));
    cmd_event(t, INT, 1, 0, 0);
    assert_next(t, 1, LPI);
    EOI(t, 1, IAR(t, 1));
    its_cmd(t, 0x09, 0, 9, 0); /* MAPC, V == 0 */
    cmd_event(t, INT, 1, 0, 0);
    assert_next(t, 1, NONE);
    its_cmd(t, 0x08 | BIT(32), 0, 0, 0); /* MAPD, V == 0 */
    cmd_event(t, INT, 1, 3, 0);
    assert_next(t, 0, NONE);
}

static void test_command_errors_are_skipped(void **state)
{
    struct its_fix *t = *state;

    cmd_mapd(t, 512, ITT, 5);                   /* beyond the table */
    cmd_mapd(t, 0x10000, ITT, 5);               /* beyond DeviceIDs */
    cmd_mapd(t, 3, ITT, 17);                    /* beyond EventIDs */
    cmd_mapti(t, 1, 32, LPI, 0);                /* beyond the ITT */
    cmd_mapti(t, 1, 1, LPI - 1, 0);             /* not an LPI */
    cmd_mapti(t, 1, 1, 0x10000, 0);             /* beyond INTIDs */
    its_cmd(t, 0x77, 0, 0, 0);                  /* no such command */
    its_cmd(t, 0x05, 0, UINT64_C(99) << 16, 0); /* SYNC, no such processor */
    cmd_mapd(t, 4, 0x10000000, 5);              /* its ITT is not RAM */
    cmd_mapti(t, 4, 0, LPI, 0);
    cmd_event(t, INT, 4, 0, 0);
    cmd_event(t, INT, 1, 32, 0);
    assert_int_equal(its_r(t, GITS_CREADR), t->cwriter);
    assert_next(t, 0, NONE);
    cmd_event(t, INT, 1, 1, 0);
    assert_next(t, 0, LPI + 1);
}

static void test_queue_wraps_and_waits_for_enable(void **state)
{
    struct its_fix *t = *state;

    for (unsigned k = 0; k < 300; k++) {
        cmd_event(t, INT, 1, k % 32, 0);
        assert_int_equal(IAR(t, 0), LPI + k % 32);
        EOI(t, 0, LPI + k % 32);
    }
    its_ctlr(t, false);
    cmd_event(t, INT, 1, 3, 0);
    assert_int_not_equal(its_r(t, GITS_CREADR), t->cwriter);
    assert_next(t, 0, NONE);
    its_ctlr(t, true);
    assert_next(t, 0, LPI + 3);
}

/* MOVALL from CPU 0 to 1 and back, for ever; the guest sees CREADR move, and can stop it. */
static void test_a_long_queue_goes_on_while_the_guest_runs(void **state)
{
    const uint64_t there[4] = {0x0e, 0, 0, 1 << 16}, back[4] = {0x0e, 0, 1 << 16, 0};
    struct its_fix *t = *state;
    uint64_t count = 0x100000 / sizeof(there), seen = 0, steps = 0;

    its_tables(t, 0x100);
    for (uint64_t k = 0; k < count; k++)
        poke(t, QUEUE + k * sizeof(there), k % 2 ? back : there, sizeof(there));
    its_wait_a_microsecond(t);
    its_w(t, GITS_CWRITER, 1001 * sizeof(there));
    for (; its_r(t, GITS_CREADR) != 1001 * sizeof(there); steps++) {
        assert_true(its_r(t, GITS_CREADR) > seen && steps < 100);
        seen = its_r(t, GITS_CREADR);
        its_wait_a_microsecond(t);
    }
    assert_in_range(steps, 5, 12);
    its_w(t, GITS_CWRITER, 1000 * sizeof(there));
    its_ctlr(t, false);
    seen = its_r(t, GITS_CREADR);
    its_wait_a_microsecond(t);
    assert_int_equal(its_r(t, GITS_CREADR), seen);
    gic_reset(t->f->gic);
    its_wait_a_microsecond(t);
    assert_int_equal(its_r(t, GITS_CREADR), 0);
}

static void test_queue_that_is_not_ram_stalls(void **state)
{
    struct its_fix *t = *state;

    its_ctlr(t, false);
    its_w(t, GITS_CBASER, VALID | (RAM_BASE + RAM_SIZE - 0x1000) | 1);
    its_w(t, GITS_CWRITER, 0);
    its_ctlr(t, true);
    its_w(t, GITS_CWRITER, 0x1020);
    assert_int_equal(its_r(t, GITS_CREADR), 0x1001);
    its_w(t, GITS_CWRITER, 0x1020 | 1); /* Retry: the same again */
    assert_int_equal(its_r(t, GITS_CREADR), 0x1001);
    its_w(t, GITS_CBASER, 0); /* ignored */
    its_ctlr(t, false);
    its_w(t, GITS_CBASER, VALID | QUEUE);
    assert_int_equal(its_r(t, GITS_CREADR), 0);
    its_ctlr(t, true);
    its_w(t, GITS_CWRITER, 0x1020); /* outside */
    assert_int_equal(its_r(t, GITS_CREADR), 0);
}

static void test_two_level_tables(void **state)
{
    static const struct {
        unsigned field;
        uint64_t bytes;
    } pages[] = {{0, 0x1000}, {1, 0x4000}, {2, 0x10000}};
    struct its_fix *t = *state;

    for (unsigned k = 0; k < ARRAY_SIZE(pages); k++) {
        uint64_t device = 3 * pages[k].bytes / 8 + 5;
        uint64_t l1 = VALID | (DEVICES + 0x40000);

        its_ctlr(t, false);
        its_w(t, GITS_BASER0, VALID | BIT(62) | DEVICES | pages[k].field << 8);
        its_ctlr(t, true);
        poke(t, DEVICES + 3 * 8, &l1, 8);
        cmd_mapd(t, device, ITT + 0x2000, 4);
        cmd_mapti(t, device, 9, LPI + 50, 0);
        lpi_config(t, LPI + 50, 0x20, true);
        cmd_event(t, INT, device, 9, 0);
        assert_int_equal(peek8(t, DEVICES + 0x40000 + 5 * 8 + 7), 0x80);
        assert_int_equal(IAR(t, 0), LPI + 50);
        EOI(t, 0, LPI + 50);
        cmd_mapd(t, device + pages[k].bytes / 8, ITT, 5); /* its first level entry is not valid */
        gic_msi(t->f->gic, (uint32_t)(device + pages[k].bytes / 8), 0);
        assert_next(t, 0, NONE);
    }
}

static void test_reset(void **state)
{
    struct its_fix *t = *state;

    cmd_event(t, INT, 1, 3, 0);
    gic_reset(t->f->gic);
    assert_false(t->f->pin[0][PIN_IRQ]);
    assert_int_equal(gicr_r(t->f, 0, GICR_CTLR), 2);
    assert_int_equal(its_r(t, GITS_CBASER) | its_r(t, GITS_CREADR), 0);
    assert_int_equal(gicr_r64(t, 0, GICR_PROPBASER), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ITS_TEST(test_id_registers),
        ITS_TEST(test_reset_values),
        cmocka_unit_test(test_without_memory_there_are_no_lpis),
        ITS_TEST(test_register_fields),
        ITS_TEST(test_propbaser_and_pendbaser),
        ITS_TEST(test_mapi_uses_the_event_as_intid),
        ITS_TEST(test_movi_takes_the_pending_state_along),
        ITS_TEST(test_movall),
        ITS_TEST(test_unmapped_collections_and_devices),
        ITS_TEST(test_command_errors_are_skipped),
        ITS_TEST(test_queue_wraps_and_waits_for_enable),
        ITS_TEST(test_a_long_queue_goes_on_while_the_guest_runs),
        ITS_TEST(test_queue_that_is_not_ram_stalls),
        ITS_TEST(test_two_level_tables),
        ITS_TEST(test_reset),
    };

    return cmocka_run_group_tests_name("its", tests, NULL, NULL);
}
