/* A GICv2: its distributor, GICC, GICH with GICV, and the GICv2m frame. */
#include "tests/gic/fixture.h"
#include "tests/random.h"

#define GICD_TYPER 0x004
#define ITARGETSR  0x800
#define SGIR       0xf00
#define CPENDSGIR  0xf10
#define SPENDSGIR  0xf20
#define GICD_PIDR2 0xfe8
#define GICC_CTLR  0x00
#define GICC_PMR   0x04
#define GICC_IAR   0x0c
#define GICC_EOIR  0x10
#define GICC_RPR   0x14
#define GICC_HPPIR 0x18
#define GICC_AIAR  0x20
#define GICC_AEOIR 0x24
#define GICC_IIDR  0xfc
#define GICC_DIR   0x1000
#define GICH_HCR   0x00
#define GICH_VTR   0x04
#define GICH_VMCR  0x08
#define GICH_MISR  0x10
#define GICH_EISR  0x20
#define GICH_ELRSR 0x30
#define GICH_APR   0xf0
#define GICH_LR    0x100
#define SETSPI     0x40

#define AckCtl  BIT(2)
#define FIQEn   BIT(3)
#define EOImode BIT(9)
#define OTHERS  (1u << 24)
#define SELF    (2u << 24)

struct gicv2 {
    struct fix *f;
    unsigned cpu; /* the one that accesses */
};

static unsigned accessing(void *ctx)
{
    return ((const struct gicv2 *)ctx)->cpu;
}

static uint64_t get(struct gicv2 *t, struct device *dev, unsigned cpu, uint64_t offset)
{
    t->cpu = cpu;
    return device_read(dev, offset, 4);
}

static void put(struct gicv2 *t, struct device *dev, unsigned cpu, uint64_t offset, uint64_t value)
{
    t->cpu = cpu;
    device_write(dev, offset, 4, value);
}

#define D(t) gic_distributor((t)->f->gic)
#define C(t) gic_physical_interface((t)->f->gic)
#define H(t) gic_hypervisor_control((t)->f->gic)
#define V(t) gic_virtual_interface((t)->f->gic)

/* Both groups on, all priorities let through. */
static int setup(void **state)
{
    struct gicv2 *t = calloc(1, sizeof(*t));
    const struct gic_config cfg = {
        .spis = 256, .v2 = true, .accessing_cpu = accessing, .accessing_ctx = t};

    t->f = fix_new(&cfg);
    put(t, D(t), 0, GICD_CTLR, 3);
    for (unsigned k = 0; k < CPUS; k++) {
        put(t, C(t), k, GICC_PMR, 0xff);
        put(t, C(t), k, GICC_CTLR, 3);
    }
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct gicv2 *t = *state;

    gic_destroy(t->f->gic);
    free(t->f);
    free(t);
    return 0;
}

/* SPI @intid, enabled, with @priority, for the CPUs of @targets. */
static void spi_on(struct gicv2 *t, unsigned intid, uint8_t priority, uint8_t targets)
{
    t->cpu = 0;
    device_write(D(t), IPRIORITYR + intid, 1, priority);
    device_write(D(t), ITARGETSR + intid, 1, targets);
    put(t, D(t), 0, ISENABLER + intid / 32 * 4, UINT64_C(1) << intid % 32);
}

static void test_its_registers_say_what_it_is(void **state)
{
    struct gicv2 *t = *state;

    assert_int_equal(get(t, D(t), 0, GICD_TYPER), (CPUS - 1) << 5 | 8);
    assert_int_equal(get(t, D(t), 0, GICD_PIDR2) >> 4, 2);
    assert_int_equal(get(t, C(t), 0, GICC_IIDR) >> 16 & 0xf, 2);
    assert_int_equal(get(t, V(t), 0, GICC_IIDR) >> 16 & 0xf, 2);
    assert_null(gic_its(t->f->gic));
    for (unsigned k = 0; k < CPUS; k++) /* private ones are for who reads */
        assert_int_equal(get(t, D(t), k, ITARGETSR + 28), 0x01010101u << k);
    put(t, D(t), 0, ICENABLER, UINT32_MAX);
    assert_int_equal(get(t, D(t), 0, ISENABLER), 0xffff); /* SGIs stay */
    put(t, D(t), 0, ITARGETSR + 32, 0xff0201ff);
    assert_int_equal(get(t, D(t), 0, ITARGETSR + 32), 0x0f02010f);
}

static void test_an_sgi_says_whom_it_comes_from_and_comes_once_from_each(void **state)
{
    struct gicv2 *t = *state;

    put(t, D(t), 2, SGIR, UINT32_C(2) << 16 | 5); /* CPU 2 to CPU 1 */
    put(t, D(t), 3, SGIR, OTHERS | 5);
    assert_true(t->f->pin[1][PIN_IRQ] && t->f->pin[0][PIN_IRQ]);
    assert_false(t->f->pin[3][PIN_IRQ]);
    assert_int_equal(get(t, D(t), 1, SPENDSGIR + 4), 0x0c00);
    assert_int_equal(get(t, C(t), 1, GICC_HPPIR), 2u << 10 | 5);
    assert_int_equal(get(t, C(t), 1, GICC_IAR), 2u << 10 | 5);
    assert_false(t->f->pin[1][PIN_IRQ]); /* active */
    put(t, C(t), 1, GICC_EOIR, 2u << 10 | 5);
    assert_int_equal(get(t, C(t), 1, GICC_IAR), 3u << 10 | 5);
    put(t, C(t), 1, GICC_EOIR, 3u << 10 | 5);
    assert_int_equal(get(t, C(t), 1, GICC_IAR), NONE);
    put(t, D(t), 0, CPENDSGIR + 4, 0x0800);
    assert_false(t->f->pin[0][PIN_IRQ]);
    put(t, D(t), 3, SGIR, SELF | 15);
    assert_int_equal(get(t, C(t), 3, GICC_IAR), 3u << 10 | 15);
}

static void test_an_spi_is_seen_by_all_its_targets_and_taken_by_one(void **state)
{
    struct gicv2 *t = *state;

    spi_on(t, 40, 0x80, 0x6);
    spi(t->f, 40, true);
    assert_true(t->f->pin[1][PIN_IRQ] && t->f->pin[2][PIN_IRQ]);
    assert_false(t->f->pin[0][PIN_IRQ] || t->f->pin[3][PIN_IRQ]);
    assert_int_equal(get(t, C(t), 2, GICC_IAR), 40);
    assert_int_equal(get(t, C(t), 2, GICC_RPR), 0x80);
    assert_false(t->f->pin[1][PIN_IRQ]);
    assert_int_equal(get(t, C(t), 1, GICC_IAR), NONE);
    spi(t->f, 40, false);
    put(t, C(t), 2, GICC_EOIR, 40);
    assert_int_equal(get(t, C(t), 2, GICC_RPR), 0xff);
    assert_int_equal(get(t, D(t), 0, ISACTIVER + 4), 0);
}

static void test_eoimode_leaves_deactivation_to_dir(void **state)
{
    struct gicv2 *t = *state;

    put(t, C(t), 0, GICC_CTLR, 3 | EOImode);
    spi_on(t, 40, 0x80, 1);
    spi(t->f, 40, true);
    assert_int_equal(get(t, C(t), 0, GICC_IAR), 40);
    put(t, C(t), 0, GICC_EOIR, 40);
    assert_int_equal(get(t, C(t), 0, GICC_RPR), 0xff);
    assert_false(t->f->pin[0][PIN_IRQ]);
    put(t, C(t), 0, GICC_DIR, 40);
    assert_true(t->f->pin[0][PIN_IRQ]);
}

static void test_groups_and_pins_are_as_ctlr_says(void **state)
{
    struct gicv2 *t = *state;

    spi_on(t, 40, 0x80, 1);
    spi(t->f, 40, true); /* group 0: IRQ without FIQEn */
    assert_true(t->f->pin[0][PIN_IRQ] && !t->f->pin[0][PIN_FIQ]);
    put(t, C(t), 0, GICC_CTLR, 3 | FIQEn);
    assert_true(t->f->pin[0][PIN_FIQ] && !t->f->pin[0][PIN_IRQ]);
    put(t, D(t), 0, IGROUPR + 4, UINT32_C(1) << 8);
    assert_true(t->f->pin[0][PIN_IRQ] && !t->f->pin[0][PIN_FIQ]);
    assert_int_equal(get(t, C(t), 0, GICC_IAR), 1022);
    assert_int_equal(get(t, C(t), 0, GICC_HPPIR), 1022);
    assert_int_equal(get(t, C(t), 0, GICC_AIAR), 40);
    put(t, C(t), 0, GICC_AEOIR, 40);
    put(t, C(t), 0, GICC_CTLR, 3 | AckCtl);
    assert_int_equal(get(t, C(t), 0, GICC_IAR), 40);
    put(t, C(t), 0, GICC_EOIR, 40);
    assert_int_equal(get(t, D(t), 0, ISACTIVER + 4), 0);
    put(t, C(t), 0, GICC_CTLR, 1);
    assert_false(t->f->pin[0][PIN_IRQ]);
}

static void test_a_list_register_is_acknowledged_by_gicv(void **state)
{
    struct gicv2 *t = *state;
    const uint32_t sgi = 1u << 28 | 0x10u << 23 | 1u << 19 | 3u << 10 | 7; /* EOI, from CPU 3 */
    const uint32_t hw = 1u << 31 | 1u << 28 | 0x11u << 23 | 40u << 10 | 40;

    assert_int_equal(get(t, H(t), 0, GICH_VTR) & 0x3f, 3);
    put(t, H(t), 0, GICH_VMCR, 0x1fu << 27 | 1);
    put(t, H(t), 0, GICH_HCR, 1);
    put(t, H(t), 0, GICH_LR, sgi);
    put(t, H(t), 0, GICH_LR + 4, hw);
    assert_int_equal(get(t, H(t), 0, GICH_LR), sgi);
    assert_int_equal(get(t, H(t), 0, GICH_LR + 4), hw);
    assert_int_equal(get(t, H(t), 1, GICH_LR), 0);
    assert_int_equal(get(t, H(t), 0, GICH_ELRSR), 0xc);
    assert_true(t->f->pin[0][PIN_VIRQ]);
    assert_int_equal(get(t, V(t), 0, GICC_IAR), 3u << 10 | 7);
    assert_int_equal(get(t, H(t), 0, GICH_LR) >> 28 & 3, 2); /* active */
    assert_int_equal(get(t, H(t), 0, GICH_APR), 1u << 16);
    put(t, V(t), 0, GICC_EOIR, 3u << 10 | 7);
    assert_int_equal(get(t, H(t), 0, GICH_EISR), 1);
    assert_int_equal(get(t, H(t), 0, GICH_MISR), 1);
    spi_on(t, 40, 0x80, 1); /* the physical one ends with the virtual one */
    put(t, D(t), 0, ISACTIVER + 4, UINT32_C(1) << 8);
    assert_int_equal(get(t, V(t), 0, GICC_IAR), 40);
    put(t, V(t), 0, GICC_EOIR, 40);
    assert_int_equal(get(t, D(t), 0, ISACTIVER + 4), 0);
    assert_int_equal(get(t, V(t), 0, GICC_IAR), NONE);
}

static void test_a_message_is_an_edge_of_an_spi_of_the_frame(void **state)
{
    struct gicv2 *t = *state;
    struct device *frame = gic_message_frame(t->f->gic);

    assert_int_equal(get(t, frame, 0, 0x8), GICV2M_FIRST << 16 | GICV2M_COUNT);
    put(t, D(t), 0, ICFGR + 80 / 16 * 4, 2); /* 80 is edge-triggered */
    spi_on(t, 80, 0x80, 1);
    put(t, frame, 0, SETSPI, 79);
    put(t, frame, 0, SETSPI, 144);
    assert_false(t->f->pin[0][PIN_IRQ]);
    put(t, frame, 0, SETSPI, 80);
    assert_int_equal(get(t, C(t), 0, GICC_IAR), 80);
    put(t, C(t), 0, GICC_EOIR, 80);
    assert_false(t->f->pin[0][PIN_IRQ]);
}

static void test_it_has_eight_cpus_at_most_and_no_its(void **state)
{
    (void)state;
    static const uint64_t mpidr[9] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    struct arm_error err;
    struct gic_config cfg = {
        .cpus = 9, .mpidr = mpidr, .spis = 32, .v2 = true, .accessing_cpu = accessing};

    assert_null(gic_create(&cfg, &err));
    cfg.cpus = 8;
    cfg.accessing_cpu = NULL;
    assert_null(gic_create(&cfg, &err));
}

/* Anything at any of its registers: it may do nothing that a sanitizer sees. */
static void test_random_accesses_do_no_harm(void **state)
{
    struct gicv2 *t = *state;
    struct device *const devices[] = {D(t), C(t), H(t), V(t), gic_message_frame(t->f->gic)};
    uint64_t seed = test_seed(1);

    for (unsigned k = 0; k < 200000; k++) {
        uint64_t draw = random_next(&seed);
        unsigned size = 1u << draw % 3;
        uint64_t offset = align_down((draw >> 2) % (draw & 4 ? 0x1010 : 0x140), size);
        struct device *dev = devices[(draw >> 15) % ARRAY_SIZE(devices)];
        t->cpu = (unsigned)(draw >> 18) % CPUS;
        if (draw >> 20 & 1)
            device_read(dev, offset, size);
        else
            device_write(dev, offset, size, zext(random_next(&seed), size * 8));
        spi(t->f, 32 + (unsigned)(draw >> 21) % 128, draw >> 28 & 1);
        assert_false(t->f->pin[0][PIN_IRQ] && t->f->pin[0][PIN_FIQ]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_its_registers_say_what_it_is),
        TEST(test_an_sgi_says_whom_it_comes_from_and_comes_once_from_each),
        TEST(test_an_spi_is_seen_by_all_its_targets_and_taken_by_one),
        TEST(test_eoimode_leaves_deactivation_to_dir),
        TEST(test_groups_and_pins_are_as_ctlr_says),
        TEST(test_a_list_register_is_acknowledged_by_gicv),
        TEST(test_a_message_is_an_edge_of_an_spi_of_the_frame),
        cmocka_unit_test(test_it_has_eight_cpus_at_most_and_no_its),
        TEST(test_random_accesses_do_no_harm),
    };

    return cmocka_run_group_tests_name("gicv2", tests, NULL, NULL);
}
