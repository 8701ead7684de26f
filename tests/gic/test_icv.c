#include "tests/gic/fixture.h"

#define LR(state, prio, group, intid)                                                              \
    ((uint64_t)(state) << 62 | (uint64_t)(group) << 60 | (uint64_t)(prio) << 48 | (intid))
#define LR_HW(pintid) (BIT(61) | (uint64_t)(pintid) << 32)
#define LR_EOI        BIT(41)

enum { INVALID, PENDING, ACTIVE, PENDING_ACTIVE };

static unsigned lr_state(struct fix *f, enum sysreg sr)
{
    return (unsigned)(rd(f, 0, sr) >> 62);
}

static unsigned eoicount(struct fix *f)
{
    return (unsigned)bits(rd(f, 0, SR_ICH_HCR_EL2), 31, 27);
}

/* The virtual interface of cpu 0 on, both groups enabled, VPMR open. */
static void guest_on(struct fix *f)
{
    wr(f, 0, SR_ICH_HCR_EL2, 1);
    wr(f, 0, SR_ICH_VMCR_EL2, 0xff000003);
}

static void test_pending_lr_drives_the_pin_of_its_group(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING, 0x80, 1, 40));
    assert_true(f->pin[0][PIN_VIRQ] && !f->pin[0][PIN_VFIQ]);
    wr(f, 0, SR_ICH_LR1_EL2, LR(PENDING, 0x40, 0, 41));
    assert_true(!f->pin[0][PIN_VIRQ] && f->pin[0][PIN_VFIQ]);
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), NONE);
    assert_int_equal(vrd(f, 0, SR_ICC_HPPIR0_EL1), 41);
    assert_int_equal(vrd(f, 0, SR_ICC_HPPIR1_EL1), NONE);
    assert_int_equal(vrd(f, 0, SR_ICC_IAR0_EL1), 41);
    assert_int_equal(rd(f, 0, SR_ICH_AP0R0_EL2), 1u << 8);
    assert_false(f->pin[0][PIN_IRQ] || f->pin[0][PIN_FIQ]);
}

static void test_reset_of_a_cpu_keeps_the_redistributor(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING, 0x80, 1, 40));
    irq_on(f, 0, 20, 1, 0x80);
    ppi(f, 0, 20, true);
    assert_true(f->pin[0][PIN_VIRQ] && f->pin[0][PIN_IRQ]);
    gic_reset_cpu_interface(f->gic, 0);
    assert_false(f->pin[0][PIN_VIRQ] || f->pin[0][PIN_IRQ]);
    assert_int_equal(rd(f, 0, SR_ICH_HCR_EL2) | rd(f, 0, SR_ICH_LR0_EL2), 0);
    assert_int_equal(rd(f, 0, SR_ICC_PMR_EL1) | rd(f, 0, SR_ICC_IGRPEN1_EL1), 0);
    wr(f, 0, SR_ICC_PMR_EL1, 0xff);
    wr(f, 0, SR_ICC_IGRPEN1_EL1, 1);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 20);
}

static void test_disabled_interface_or_group_signals_nothing(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING, 0x80, 1, 40));
    wr(f, 0, SR_ICH_HCR_EL2, 0);
    assert_false(f->pin[0][PIN_VIRQ]);
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), NONE);
    wr(f, 0, SR_ICH_HCR_EL2, 1);
    assert_true(f->pin[0][PIN_VIRQ]);
    vwr(f, 0, SR_ICC_IGRPEN1_EL1, 0);
    assert_false(f->pin[0][PIN_VIRQ]);
    assert_int_equal(vrd(f, 0, SR_ICC_HPPIR1_EL1), NONE);
}

static void test_acknowledge_and_end(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    wr(f, 0, SR_ICH_LR2_EL2, LR(PENDING, 0x80, 1, 40));
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 40);
    assert_int_equal(lr_state(f, SR_ICH_LR2_EL2), ACTIVE);
    assert_int_equal(vrd(f, 0, SR_ICC_RPR_EL1), 0x80);
    assert_int_equal(rd(f, 0, SR_ICC_RPR_EL1), 0xff);
    assert_false(f->pin[0][PIN_VIRQ]);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 40);
    assert_int_equal(lr_state(f, SR_ICH_LR2_EL2), INVALID);
    assert_int_equal(vrd(f, 0, SR_ICC_RPR_EL1), 0xff);
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), NONE);
    assert_int_equal(eoicount(f), 0);
}

static void test_priority_pmr_and_preemption(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING, 0x80, 1, 40));
    wr(f, 0, SR_ICH_LR1_EL2, LR(PENDING, 0x40, 1, 41));
    wr(f, 0, SR_ICH_LR2_EL2, LR(PENDING, 0x80, 1, 42));
    vwr(f, 0, SR_ICC_PMR_EL1, 0x40);
    assert_false(f->pin[0][PIN_VIRQ]);
    assert_int_equal(vrd(f, 0, SR_ICC_HPPIR1_EL1), 41);
    vwr(f, 0, SR_ICC_PMR_EL1, 0xf8);
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 41);
    assert_false(f->pin[0][PIN_VIRQ]);
    wr(f, 0, SR_ICH_LR3_EL2, LR(PENDING, 0x20, 1, 43));
    assert_true(f->pin[0][PIN_VIRQ]);
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 43);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 43);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 41);
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 40); /* equal priorities: lowest list register */
}

static void test_binary_point_limits_preemption(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    vwr(f, 0, SR_ICC_BPR1_EL1, 5);
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING, 0x78, 1, 40));
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 40);
    assert_int_equal(rd(f, 0, SR_ICH_AP1R0_EL2), 1u << 12);
    wr(f, 0, SR_ICH_LR1_EL2, LR(PENDING, 0x60, 1, 41));
    assert_false(f->pin[0][PIN_VIRQ]);
    wr(f, 0, SR_ICH_LR1_EL2, LR(PENDING, 0x58, 1, 41));
    assert_true(f->pin[0][PIN_VIRQ]);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 40);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), INVALID);
}

static void test_cbpr_applies_bpr0_to_group1(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    vwr(f, 0, SR_ICC_BPR0_EL1, 6);
    vwr(f, 0, SR_ICC_CTLR_EL1, 1);
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING, 0x78, 1, 40));
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 40);
    assert_int_equal(vrd(f, 0, SR_ICC_RPR_EL1), 0);
}

static void test_pending_and_active_is_not_signalled_until_ended(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING, 0x80, 1, 40));
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 40);
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING_ACTIVE, 0x80, 1, 40));
    assert_false(f->pin[0][PIN_VIRQ]);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 40);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), PENDING);
    assert_true(f->pin[0][PIN_VIRQ]);
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 40);
}

static void test_eoimode1_needs_dir(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    vwr(f, 0, SR_ICC_CTLR_EL1, 2);
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING, 0x80, 1, 40));
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 40);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 40);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), ACTIVE);
    assert_int_equal(vrd(f, 0, SR_ICC_RPR_EL1), 0xff);
    vwr(f, 0, SR_ICC_DIR_EL1, 40);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), INVALID);
    assert_int_equal(eoicount(f), 0);
}

static void test_dir_is_ignored_in_eoimode0(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    wr(f, 0, SR_ICH_LR0_EL2, LR(ACTIVE, 0x80, 1, 40));
    vwr(f, 0, SR_ICC_DIR_EL1, 40);
    vwr(f, 0, SR_ICC_DIR_EL1, 41);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), ACTIVE);
    assert_int_equal(eoicount(f), 0);
}

static void test_eoicount_of_eoir(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 40); /* no active priority: no count */
    assert_int_equal(eoicount(f), 0);
    vwr(f, 0, SR_ICC_AP1R0_EL1, 1u << 16 | 1u << 8 | 1u << 4 | 1u << 2);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 40);
    assert_int_equal(eoicount(f), 1);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 8192); /* LPIs drop priority, do not count */
    assert_int_equal(eoicount(f), 1);
    assert_int_equal(rd(f, 0, SR_ICH_AP1R0_EL2), 1u << 16 | 1u << 8);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 1023); /* special: nothing at all */
    assert_int_equal(rd(f, 0, SR_ICH_AP1R0_EL2), 1u << 16 | 1u << 8);
    vwr(f, 0, SR_ICC_CTLR_EL1, 2);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 40); /* EOImode 1: deactivation is DIR's */
    assert_int_equal(eoicount(f), 1);
    assert_int_equal(rd(f, 0, SR_ICH_AP1R0_EL2), 1u << 16);
}

static void test_eoicount_of_dir_and_wrap(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    vwr(f, 0, SR_ICC_CTLR_EL1, 2);
    vwr(f, 0, SR_ICC_DIR_EL1, 8192);
    vwr(f, 0, SR_ICC_DIR_EL1, 1023);
    assert_int_equal(eoicount(f), 0);
    for (unsigned k = 1; k < 34; k++) {
        vwr(f, 0, SR_ICC_DIR_EL1, 40);
        assert_int_equal(eoicount(f), k % 32);
        assert_int_equal(rd(f, 0, SR_ICH_HCR_EL2) & 0x7ffffff, 1);
    }
}

static void test_lrenp_follows_eoicount(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 25, 1, 0x80);
    guest_on(f);
    wr(f, 0, SR_ICH_HCR_EL2, 5);
    vwr(f, 0, SR_ICC_AP1R0_EL1, 1);
    assert_false(f->pin[0][PIN_IRQ]);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 40);
    assert_int_equal(rd(f, 0, SR_ICH_MISR_EL2), 4);
    assert_true(f->pin[0][PIN_IRQ]);
}

static void test_end_with_eoi_flag_raises_maintenance(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 25, 1, 0x80);
    guest_on(f);
    wr(f, 0, SR_ICH_LR1_EL2, LR(PENDING, 0x80, 1, 40) | LR_EOI);
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 40);
    assert_false(f->pin[0][PIN_IRQ]);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 40);
    assert_int_equal(rd(f, 0, SR_ICH_EISR_EL2), 2);
    assert_int_equal(rd(f, 0, SR_ICH_ELRSR_EL2), 0xd);
    assert_true(f->pin[0][PIN_IRQ]);
}

/* A physical interrupt taken by the hypervisor and handed over: the guest's end deactivates it. */
static void hand_over(struct fix *f, unsigned intid)
{
    wr(f, 0, SR_ICC_CTLR_EL1, 2);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), intid);
    wr(f, 0, SR_ICC_EOIR1_EL1, intid);
    assert_true(irq_r(f, 0, ISACTIVER, intid));
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING, 0x80, 1, 27) | LR_HW(intid));
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 27);
}

static void test_hw_lr_deactivates_the_physical_ppi(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    irq_on(f, 0, 27, 1, 0x80);
    ppi(f, 0, 27, true);
    hand_over(f, 27);
    assert_false(f->pin[0][PIN_IRQ]);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 27);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), INVALID);
    assert_false(irq_r(f, 0, ISACTIVER, 27));
    assert_true(f->pin[0][PIN_IRQ]); /* the level is still high */
    assert_int_equal(rd(f, 0, SR_ICH_ELRSR_EL2), 0xf);
}

static void test_hw_lr_deactivates_the_physical_spi_by_dir(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    vwr(f, 0, SR_ICC_CTLR_EL1, 2);
    irq_on(f, 0, 60, 1, 0x80);
    spi(f, 60, true);
    hand_over(f, 60);
    spi(f, 60, false);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 27);
    assert_true(irq_r(f, 0, ISACTIVER, 60));
    vwr(f, 0, SR_ICC_DIR_EL1, 27);
    assert_false(irq_r(f, 0, ISACTIVER, 60));
    assert_false(f->pin[0][PIN_IRQ]);
}

static void test_hw_lr_with_an_absent_physical_interrupt(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING, 0x80, 1, 27) | LR_HW(0x1fff));
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 27);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 27);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), INVALID);
}

static void test_end_of_another_group_or_priority_only_drops(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING, 0x80, 1, 40));
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 40);
    vwr(f, 0, SR_ICC_EOIR0_EL1, 40);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), ACTIVE);
    assert_int_equal(vrd(f, 0, SR_ICC_RPR_EL1), 0xff);
    vwr(f, 0, SR_ICC_AP1R0_EL1, 1u << 4);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 40);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), ACTIVE);
    assert_int_equal(eoicount(f), 0);
}

static void test_lpi_has_no_active_state(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING, 0x80, 1, 8200));
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 8200);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), INVALID);
    assert_int_equal(vrd(f, 0, SR_ICC_RPR_EL1), 0x80);
    vwr(f, 0, SR_ICC_EOIR1_EL1, 8200);
    assert_int_equal(vrd(f, 0, SR_ICC_RPR_EL1), 0xff);
    assert_int_equal(eoicount(f), 0);
}

static void test_special_intid_in_an_lr_activates_nothing(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING, 0x80, 1, 1021));
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 1021);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), INVALID);
    assert_int_equal(vrd(f, 0, SR_ICC_RPR_EL1), 0xff);
}

static void test_each_cpu_has_its_own_virtual_interface(void **state)
{
    struct fix *f = *state;

    guest_on(f);
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING, 0x80, 1, 40));
    assert_int_equal(rd(f, 1, SR_ICH_LR0_EL2), 0);
    assert_int_equal(rd(f, 1, SR_ICH_HCR_EL2), 0);
    assert_false(f->pin[1][PIN_VIRQ]);
}

static void test_virtual_preemption_bits_5_to_7(void **state)
{
    (void)state;
    for (unsigned prebits = 5; prebits <= 7; prebits++) {
        struct gic_config cfg = {.spis = 32, .pribits = 8, .prebits = prebits};
        struct fix *f = fix_new(&cfg);
        unsigned step = 1u << (8 - prebits);

        guest_on(f);
        wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING, 0x80, 1, 40));
        assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 40);
        wr(f, 0, SR_ICH_LR1_EL2, LR(PENDING, 0x80 - step, 1, 41));
        assert_true(f->pin[0][PIN_VIRQ]);
        assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 41);
        assert_int_equal(vrd(f, 0, SR_ICC_RPR_EL1), 0x80 - step);
        wr(f, 0, SR_ICH_LR2_EL2, LR(PENDING, 0x80 - step, 1, 42));
        assert_false(f->pin[0][PIN_VIRQ]);
        vwr(f, 0, SR_ICC_EOIR1_EL1, 41);
        assert_int_equal(vrd(f, 0, SR_ICC_RPR_EL1), 0x80);
        fix_teardown((void **)&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GIC_TEST(test_pending_lr_drives_the_pin_of_its_group),
        GIC_TEST(test_reset_of_a_cpu_keeps_the_redistributor),
        GIC_TEST(test_disabled_interface_or_group_signals_nothing),
        GIC_TEST(test_acknowledge_and_end),
        GIC_TEST(test_priority_pmr_and_preemption),
        GIC_TEST(test_binary_point_limits_preemption),
        GIC_TEST(test_cbpr_applies_bpr0_to_group1),
        GIC_TEST(test_pending_and_active_is_not_signalled_until_ended),
        GIC_TEST(test_eoimode1_needs_dir),
        GIC_TEST(test_dir_is_ignored_in_eoimode0),
        GIC_TEST(test_eoicount_of_eoir),
        GIC_TEST(test_eoicount_of_dir_and_wrap),
        GIC_TEST(test_lrenp_follows_eoicount),
        GIC_TEST(test_end_with_eoi_flag_raises_maintenance),
        GIC_TEST(test_hw_lr_deactivates_the_physical_ppi),
        GIC_TEST(test_hw_lr_deactivates_the_physical_spi_by_dir),
        GIC_TEST(test_hw_lr_with_an_absent_physical_interrupt),
        GIC_TEST(test_end_of_another_group_or_priority_only_drops),
        GIC_TEST(test_lpi_has_no_active_state),
        GIC_TEST(test_special_intid_in_an_lr_activates_nothing),
        GIC_TEST(test_each_cpu_has_its_own_virtual_interface),
        cmocka_unit_test(test_virtual_preemption_bits_5_to_7),
    };

    return cmocka_run_group_tests_name("icv", tests, NULL, NULL);
}
