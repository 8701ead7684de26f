/* GICV: the memory-mapped virtual interface, for guests with ICC_SRE_EL1.SRE == 0. */
#include "tests/gic/fixture.h"

#define GICV_CTLR   0x00
#define GICV_PMR    0x04
#define GICV_BPR    0x08
#define GICV_IAR    0x0c
#define GICV_EOIR   0x10
#define GICV_RPR    0x14
#define GICV_HPPIR  0x18
#define GICV_ABPR   0x1c
#define GICV_AIAR   0x20
#define GICV_AEOIR  0x24
#define GICV_AHPPIR 0x28
#define GICV_APR0   0xd0
#define GICV_IIDR   0xfc
#define GICV_DIR    0x1000

#define AckCtl  BIT(2)
#define FIQEn   BIT(3)
#define EOImode BIT(9)

#define PENDING_LR(prio, group, intid)                                                             \
    (BIT(62) | (uint64_t)(group) << 60 | (uint64_t)(prio) << 48 | (intid))

static unsigned cpu_0(void *ctx)
{
    (void)ctx;
    return 0;
}

static uint64_t gicv_r(struct fix *f, uint64_t offset)
{
    return device_read(gic_virtual_interface(f->gic), offset, 4);
}

static void gicv_w(struct fix *f, uint64_t offset, uint64_t value)
{
    device_write(gic_virtual_interface(f->gic), offset, 4, value);
}

static unsigned lr_state(struct fix *f, enum sysreg sr)
{
    return (unsigned)(rd(f, 0, sr) >> 62);
}

static int setup(void **state)
{
    static const struct gic_config cfg = {.spis = 32, .v2_guests = true, .accessing_cpu = cpu_0};
    struct fix *f = fix_new(&cfg);

    fix_bring_up(f);
    wr(f, 0, SR_ICH_HCR_EL2, 1);
    gicv_w(f, GICV_CTLR, 3);
    gicv_w(f, GICV_PMR, 0xff);
    *state = f;
    return 0;
}

static void test_sre_is_writable_only_with_gicv(void **state)
{
    static const struct gic_config plain = {.spis = 32};
    struct fix *f = *state, *g = fix_new(&plain);

    assert_int_equal(rd(f, 0, SR_ICC_SRE_EL1), 6);
    wr(f, 0, SR_ICC_SRE_EL1, 7);
    assert_int_equal(rd(f, 0, SR_ICC_SRE_EL1), 7);
    wr(g, 0, SR_ICC_SRE_EL1, 0);
    assert_int_equal(rd(g, 0, SR_ICC_SRE_EL1), 7);
    assert_null(gic_virtual_interface(g->gic));
    fix_teardown((void **)&g);
}

static void test_vmcr_shows_gicv_ctlr(void **state)
{
    struct fix *f = *state;

    gicv_w(f, GICV_CTLR, EOImode | FIQEn | AckCtl | 1);
    gicv_w(f, GICV_BPR, 5);
    gicv_w(f, GICV_ABPR, 6);
    gicv_w(f, GICV_PMR, 0xa3);
    assert_int_equal(rd(f, 0, SR_ICH_VMCR_EL2),
                     0xa0u << 24 | 5 << 21 | 6 << 18 | BIT(9) | BIT(3) | BIT(2) | 1);
    wr(f, 0, SR_ICH_VMCR_EL2, 0xf0u << 24 | 4 << 21 | 7 << 18 | BIT(4) | BIT(3) | 2);
    assert_int_equal(gicv_r(f, GICV_CTLR), BIT(4) | FIQEn | 2);
    assert_int_equal(gicv_r(f, GICV_PMR), 0xf0);
    assert_int_equal(gicv_r(f, GICV_BPR), 4);
    assert_int_equal(gicv_r(f, GICV_ABPR), 7);
    wr(f, 0, SR_ICC_SRE_EL1, 1); /* a v3 guest: VAckCtl RES0, VFIQEn RES1 */
    gicv_w(f, GICV_CTLR, AckCtl);
    assert_int_equal(rd(f, 0, SR_ICH_VMCR_EL2) & 0x3ff, BIT(3));
    assert_int_equal(gicv_r(f, GICV_IIDR), 0x3043b);
}

static void test_group_0_is_an_irq_unless_fiqen(void **state)
{
    struct fix *f = *state;

    wr(f, 0, SR_ICH_LR0_EL2, PENDING_LR(0x80, 0, 27));
    assert_true(f->pin[0][PIN_VIRQ]);
    gicv_w(f, GICV_CTLR, 3 | FIQEn);
    assert_true(f->pin[0][PIN_VFIQ] && !f->pin[0][PIN_VIRQ]);
    gicv_w(f, GICV_CTLR, 3);
    assert_int_equal(gicv_r(f, GICV_IAR), 27);
    assert_int_equal(gicv_r(f, GICV_RPR), 0x80);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), 2);
    /* Both groups' active priorities are in AP1R. */
    assert_int_equal(rd(f, 0, SR_ICH_AP0R0_EL2), 0);
    assert_int_equal(rd(f, 0, SR_ICH_AP1R0_EL2), 1u << 16);
    assert_int_equal(gicv_r(f, GICV_APR0), 1u << 16);
    gicv_w(f, GICV_EOIR, 27);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), 0);
    assert_int_equal(gicv_r(f, GICV_RPR), 0xff);
    assert_int_equal(gicv_r(f, GICV_IAR), 1023);
}

static void test_group_1_needs_ackctl_or_the_aliases(void **state)
{
    struct fix *f = *state;

    wr(f, 0, SR_ICH_LR0_EL2, PENDING_LR(0x80, 1, 40));
    assert_int_equal(gicv_r(f, GICV_IAR), 1022);
    assert_int_equal(gicv_r(f, GICV_HPPIR), 1022);
    assert_int_equal(gicv_r(f, GICV_AHPPIR), 40);
    assert_int_equal(gicv_r(f, GICV_AIAR), 40);
    gicv_w(f, GICV_AEOIR, 40);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), 0);
    gicv_w(f, GICV_CTLR, 3 | AckCtl);
    wr(f, 0, SR_ICH_LR0_EL2, PENDING_LR(0x80, 1, 40));
    assert_int_equal(gicv_r(f, GICV_HPPIR), 40);
    assert_int_equal(gicv_r(f, GICV_IAR), 40);
    gicv_w(f, GICV_EOIR, 40);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), 0);
    wr(f, 0, SR_ICH_LR0_EL2, PENDING_LR(0x80, 0, 41));
    assert_int_equal(gicv_r(f, GICV_AIAR), 1023);
    assert_int_equal(gicv_r(f, GICV_AHPPIR), 1023);
    assert_int_equal(gicv_r(f, GICV_IAR), 41);
}

/* An SGI of source CPU 5: bits 12:10 come back in IAR and find the list register at the end. */
static void test_sgi_carries_its_source(void **state)
{
    struct fix *f = *state;
    unsigned sgi = 5 << 10 | 3;

    wr(f, 0, SR_ICH_LR0_EL2, PENDING_LR(0x80, 0, 4 << 10 | 3) ^ BIT(62) ^ BIT(63));
    wr(f, 0, SR_ICH_LR1_EL2, PENDING_LR(0x40, 0, sgi));
    assert_int_equal(gicv_r(f, GICV_IAR), sgi);
    gicv_w(f, GICV_EOIR, sgi);
    assert_int_equal(lr_state(f, SR_ICH_LR1_EL2), 0);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), 2);
    assert_int_equal(bits(rd(f, 0, SR_ICH_HCR_EL2), 31, 27), 0);
}

static void test_eoimode_and_dir(void **state)
{
    struct fix *f = *state;

    gicv_w(f, GICV_CTLR, 3 | EOImode);
    wr(f, 0, SR_ICH_LR0_EL2, PENDING_LR(0x80, 0, 27));
    assert_int_equal(gicv_r(f, GICV_IAR), 27);
    gicv_w(f, GICV_EOIR, 27);
    assert_int_equal(gicv_r(f, GICV_RPR), 0xff);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), 2);
    gicv_w(f, GICV_DIR, 27);
    assert_int_equal(lr_state(f, SR_ICH_LR0_EL2), 0);
    gicv_w(f, GICV_DIR, 28); /* in no list register */
    assert_int_equal(bits(rd(f, 0, SR_ICH_HCR_EL2), 31, 27), 1);
}

static void test_active_priorities(void **state)
{
    struct fix *f = *state;

    gicv_w(f, GICV_APR0, 1u << 4);
    assert_int_equal(gicv_r(f, GICV_RPR), 0x20);
    assert_int_equal(rd(f, 0, SR_ICH_AP1R0_EL2), 1u << 4);
    gicv_w(f, GICV_APR0 + 4, 1); /* not there with 5 preemption bits */
    assert_int_equal(gicv_r(f, GICV_APR0 + 4), 0);
}

static void keep_last(void *ctx, const struct arm_event *p)
{
    *(struct arm_event *)ctx = *p;
}

/* What a GICv2's guest does changes ICH_ registers, and that is told. */
static void test_accesses_tell_what_they_change(void **state)
{
    (void)state;
    struct probes probes = {0};
    struct arm_event last = {0};
    const struct gic_config cfg = {
        .spis = 32, .v2_guests = true, .accessing_cpu = cpu_0, .probes = &probes};
    struct fix *f = fix_new(&cfg);

    fix_bring_up(f);
    wr(f, 0, SR_ICH_HCR_EL2, 1);
    gicv_w(f, GICV_CTLR, 3 | AckCtl);
    assert_true(probe_subscribe(&probes, &(struct arm_filter){.events = BIT(ARM_EVENT_HWREG)},
                                keep_last, &last));
    gicv_w(f, GICV_PMR, 0xf8);
    assert_int_equal(last.hwreg.sr, sysreg_number(SR_ICH_VMCR_EL2));
    assert_int_equal(last.hwreg.cause, ARM_HW_INTERFACE);
    assert_int_equal(last.hwreg.after >> 24, 0xf8);
    wr(f, 0, SR_ICH_LR1_EL2, PENDING_LR(0x80, 1, 40));
    assert_int_equal(last.hwreg.sr,
                     sysreg_number(SR_ICH_VMCR_EL2)); /* a write of a register is no such change */
    assert_int_equal(gicv_r(f, GICV_IAR), 40);
    assert_int_equal(last.hwreg.sr, sysreg_number(SR_ICH_AP1R0_EL2)); /* the second one */
    assert_int_equal(last.hwreg.cause, ARM_HW_ACKNOWLEDGE);
    gicv_w(f, GICV_EOIR, 40);
    assert_int_equal(last.hwreg.cause, ARM_HW_END);
    assert_int_equal(last.hwreg.after, 0);
    fix_teardown((void **)&f);
}

static void test_configuration_without_a_cpu_to_ask(void **state)
{
    static const struct gic_config cfg = {
        .cpus = CPUS, .mpidr = fix_mpidr, .spis = 32, .v2_guests = true};
    struct arm_error err = {0};

    (void)state;
    assert_null(gic_create(&cfg, &err));
    assert_int_equal(err.code, ARM_EINVAL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, fix_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sre_is_writable_only_with_gicv),
        TEST(test_vmcr_shows_gicv_ctlr),
        TEST(test_group_0_is_an_irq_unless_fiqen),
        TEST(test_group_1_needs_ackctl_or_the_aliases),
        TEST(test_sgi_carries_its_source),
        TEST(test_eoimode_and_dir),
        TEST(test_active_priorities),
        cmocka_unit_test(test_accesses_tell_what_they_change),
        cmocka_unit_test(test_configuration_without_a_cpu_to_ask),
    };

    return cmocka_run_group_tests_name("gicv", tests, NULL, NULL);
}
