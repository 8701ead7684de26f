#include "tests/gic/fixture.h"

#define LR(state, prio, group, intid)                                                              \
    ((uint64_t)(state) << 62 | (uint64_t)(group) << 60 | (uint64_t)(prio) << 48 | (intid))
#define LR_HW  BIT(61)
#define LR_EOI BIT(41)

enum { INVALID, PENDING, ACTIVE, PENDING_ACTIVE };

static const enum sysreg lrs[16] = {
    SR_ICH_LR0_EL2,  SR_ICH_LR1_EL2,  SR_ICH_LR2_EL2,  SR_ICH_LR3_EL2,
    SR_ICH_LR4_EL2,  SR_ICH_LR5_EL2,  SR_ICH_LR6_EL2,  SR_ICH_LR7_EL2,
    SR_ICH_LR8_EL2,  SR_ICH_LR9_EL2,  SR_ICH_LR10_EL2, SR_ICH_LR11_EL2,
    SR_ICH_LR12_EL2, SR_ICH_LR13_EL2, SR_ICH_LR14_EL2, SR_ICH_LR15_EL2,
};

static void test_vtr(void **state)
{
    struct fix *f = *state;

    /* 5 priority bits, 5 preemption bits, 24 bits of INTID, A3V, nV4, TDS, 4 list registers */
    assert_int_equal(rd(f, 0, SR_ICH_VTR_EL2), 0x90b80003);
}

static void test_vmcr_fields(void **state)
{
    struct fix *f = *state;

    assert_int_equal(rd(f, 0, SR_ICH_VMCR_EL2), 0x004c0008);
    wr(f, 0, SR_ICH_VMCR_EL2, UINT64_MAX);
    assert_int_equal(rd(f, 0, SR_ICH_VMCR_EL2), 0xf8fc021b);
    wr(f, 0, SR_ICH_VMCR_EL2, 0);
    assert_int_equal(rd(f, 0, SR_ICH_VMCR_EL2), 0x004c0008); /* minimum binary points, VFIQEn */
}

static void test_hcr_writable_bits(void **state)
{
    struct fix *f = *state;

    wr(f, 0, SR_ICH_HCR_EL2, UINT64_MAX);
    assert_int_equal(rd(f, 0, SR_ICH_HCR_EL2), 0xf8005cff);
    wr(f, 0, SR_ICH_HCR_EL2, 0);
    assert_int_equal(rd(f, 0, SR_ICH_HCR_EL2), 0);
}

static void test_lr_res0_bits(void **state)
{
    struct fix *f = *state;

    wr(f, 0, SR_ICH_LR0_EL2, UINT64_MAX);
    assert_true(rd(f, 0, SR_ICH_LR0_EL2) == 0xf0f81fff00ffffff);
}

static void test_lr_count_decides_which_exist(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= 16; count++) {
        struct gic_config cfg = {.spis = 32, .lr_count = count};
        struct fix *f = fix_new(&cfg);

        assert_int_equal(bits(rd(f, 0, SR_ICH_VTR_EL2), 4, 0), count - 1);
        assert_int_equal(rd(f, 0, SR_ICH_ELRSR_EL2), MASK(count - 1, 0));
        for (unsigned n = 0; n < 16; n++)
            assert_int_equal(gic_sysreg_implemented(f->gic, lrs[n]), n < count);
        fix_teardown((void **)&f);
    }
}

static void test_prebits_decide_which_aprs_exist(void **state)
{
    static const enum sysreg ap[2][4] = {
        {SR_ICH_AP0R0_EL2, SR_ICH_AP0R1_EL2, SR_ICH_AP0R2_EL2, SR_ICH_AP0R3_EL2},
        {SR_ICH_AP1R0_EL2, SR_ICH_AP1R1_EL2, SR_ICH_AP1R2_EL2, SR_ICH_AP1R3_EL2},
    };

    (void)state;
    for (unsigned prebits = 5; prebits <= 7; prebits++) {
        struct gic_config cfg = {.spis = 32, .pribits = 7, .prebits = prebits};
        struct fix *f = fix_new(&cfg);

        assert_int_equal(bits(rd(f, 0, SR_ICH_VTR_EL2), 28, 26), prebits - 1);
        for (unsigned n = 0; n < 8; n++) {
            bool exists = n % 4 < 1u << (prebits - 5);

            assert_int_equal(gic_sysreg_implemented(f->gic, ap[n / 4][n % 4]), exists);
            wr(f, 0, ap[n / 4][n % 4], 0x1234567800000000 | n << 8);
            assert_int_equal(rd(f, 0, ap[n / 4][n % 4]), exists ? n << 8 : 0);
        }
        fix_teardown((void **)&f);
    }
    assert_false(gic_sysreg_implemented(((struct fix *)*state)->gic, SR_SCTLR_EL1));
}

static void test_elrsr_and_eisr(void **state)
{
    struct fix *f = *state;

    assert_int_equal(rd(f, 0, SR_ICH_ELRSR_EL2), 0xf);
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING, 0x80, 1, 40));
    wr(f, 0, SR_ICH_LR1_EL2, LR(INVALID, 0x80, 1, 41) | LR_EOI);
    wr(f, 0, SR_ICH_LR2_EL2, LR(INVALID, 0x80, 1, 42) | LR_HW | LR_EOI); /* EOI is pINTID here */
    wr(f, 0, SR_ICH_LR3_EL2, LR(ACTIVE, 0x80, 1, 43) | LR_EOI);
    assert_int_equal(rd(f, 0, SR_ICH_ELRSR_EL2), 0x4);
    assert_int_equal(rd(f, 0, SR_ICH_EISR_EL2), 0x2);
    assert_int_equal(rd(f, 0, SR_ICH_MISR_EL2), 1);
}

/* MISR of cpu 0 and the level of the maintenance interrupt's input must agree when En is 1. */
static unsigned misr(struct fix *f)
{
    uint64_t v = rd(f, 0, SR_ICH_MISR_EL2);

    assert_int_equal(irq_r(f, 0, ISPENDR, 25), v != 0 && bit(rd(f, 0, SR_ICH_HCR_EL2), 0));
    return (unsigned)v;
}

static void test_misr_eoi(void **state)
{
    struct fix *f = *state;

    wr(f, 0, SR_ICH_HCR_EL2, 1);
    assert_int_equal(misr(f), 0);
    wr(f, 0, SR_ICH_LR2_EL2, LR(INVALID, 0, 1, 41) | LR_EOI);
    assert_int_equal(misr(f), 1);
    wr(f, 0, SR_ICH_LR2_EL2, 0);
    assert_int_equal(misr(f), 0);
}

static void test_misr_u_with_zero_or_one_valid(void **state)
{
    struct fix *f = *state;

    wr(f, 0, SR_ICH_HCR_EL2, 3);
    assert_int_equal(misr(f), 2);
    wr(f, 0, SR_ICH_LR0_EL2, LR(ACTIVE, 0, 1, 40));
    assert_int_equal(misr(f), 2);
    wr(f, 0, SR_ICH_LR1_EL2, LR(PENDING, 0, 1, 41));
    assert_int_equal(misr(f), 0);
}

static void test_misr_lrenp(void **state)
{
    struct fix *f = *state;

    wr(f, 0, SR_ICH_HCR_EL2, 5);
    assert_int_equal(misr(f), 0);
    wr(f, 0, SR_ICH_HCR_EL2, 5 | BIT(27));
    assert_int_equal(misr(f), 4);
    wr(f, 0, SR_ICH_HCR_EL2, 1 | BIT(27));
    assert_int_equal(misr(f), 0);
}

static void test_misr_np(void **state)
{
    struct fix *f = *state;

    wr(f, 0, SR_ICH_HCR_EL2, 9);
    assert_int_equal(misr(f), 8);
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING, 0, 1, 40));
    assert_int_equal(misr(f), 0);
    wr(f, 0, SR_ICH_LR0_EL2, LR(PENDING_ACTIVE, 0, 1, 40));
    assert_int_equal(misr(f), 8);
}

static void test_misr_group_enables_and_disables(void **state)
{
    struct fix *f = *state;

    wr(f, 0, SR_ICH_HCR_EL2, 0xf1);
    assert_int_equal(misr(f), 0xa0);
    wr(f, 0, SR_ICH_VMCR_EL2, 1);
    assert_int_equal(misr(f), 0x90);
    vwr(f, 0, SR_ICC_IGRPEN1_EL1, 1);
    assert_int_equal(misr(f), 0x50);
    wr(f, 0, SR_ICH_HCR_EL2, 1);
    assert_int_equal(misr(f), 0);
}

static void test_maintenance_interrupt_needs_en_and_is_ppi_25(void **state)
{
    struct fix *f = *state;

    irq_on(f, 0, 25, 1, 0x80);
    wr(f, 0, SR_ICH_HCR_EL2, 2);
    assert_int_equal(misr(f), 2); /* MISR itself is not gated */
    assert_false(f->pin[0][PIN_IRQ]);
    wr(f, 0, SR_ICH_HCR_EL2, 3);
    assert_true(f->pin[0][PIN_IRQ]);
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), 25);
    wr(f, 0, SR_ICH_HCR_EL2, 0);
    wr(f, 0, SR_ICC_EOIR1_EL1, 25);
    assert_false(f->pin[0][PIN_IRQ]);
}

static void test_ich_and_icv_names_reach_the_same_state(void **state)
{
    struct fix *f = *state;

    wr(f, 0, SR_ICH_VMCR_EL2, 0x80000000 | 3u << 21 | 5u << 18 | 1u << 9 | 3);
    assert_int_equal(vrd(f, 0, SR_ICC_PMR_EL1), 0x80);
    assert_int_equal(vrd(f, 0, SR_ICC_BPR0_EL1), 3);
    assert_int_equal(vrd(f, 0, SR_ICC_BPR1_EL1), 5);
    assert_int_equal(vrd(f, 0, SR_ICC_CTLR_EL1), 0x8c02);
    assert_int_equal(vrd(f, 0, SR_ICC_IGRPEN0_EL1), 1);
    vwr(f, 0, SR_ICC_IGRPEN0_EL1, 0);
    vwr(f, 0, SR_ICC_PMR_EL1, 0xff);
    vwr(f, 0, SR_ICC_CTLR_EL1, 1);
    vwr(f, 0, SR_ICC_AP1R0_EL1, 4);
    assert_int_equal(rd(f, 0, SR_ICH_VMCR_EL2), 0xf8000000 | 3u << 21 | 5u << 18 | 1u << 4 | 0xa);
    assert_int_equal(rd(f, 0, SR_ICH_AP1R0_EL2), 4);
    assert_int_equal(vrd(f, 0, SR_ICC_BPR1_EL1), 4); /* CBPR */
    assert_int_equal(vrd(f, 0, SR_ICC_RPR_EL1), 0x10);
    /* The physical interface did not notice. */
    assert_int_equal(rd(f, 0, SR_ICC_CTLR_EL1), 0x8c00);
    assert_int_equal(rd(f, 0, SR_ICC_IGRPEN0_EL1), 1);
    assert_int_equal(rd(f, 0, SR_ICC_AP1R0_EL1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GIC_TEST(test_vtr),
        GIC_TEST(test_vmcr_fields),
        GIC_TEST(test_hcr_writable_bits),
        GIC_TEST(test_lr_res0_bits),
        cmocka_unit_test(test_lr_count_decides_which_exist),
        GIC_TEST(test_prebits_decide_which_aprs_exist),
        GIC_TEST(test_elrsr_and_eisr),
        GIC_TEST(test_misr_eoi),
        GIC_TEST(test_misr_u_with_zero_or_one_valid),
        GIC_TEST(test_misr_lrenp),
        GIC_TEST(test_misr_np),
        GIC_TEST(test_misr_group_enables_and_disables),
        GIC_TEST(test_maintenance_interrupt_needs_en_and_is_ppi_25),
        GIC_TEST(test_ich_and_icv_names_reach_the_same_state),
    };

    return cmocka_run_group_tests_name("ich", tests, NULL, NULL);
}
