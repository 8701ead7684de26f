/*
 * Random accesses of every kind and size: nothing may crash (run under the sanitizers), and what
 * can be said of every state must hold. ARMILLARY_SEED repeats a run, ARMILLARY_FUZZ sets the
 * count.
 */
#include "gic/prio.h"
#include "tests/gic/fuzz.h"

/* Values that mean something more often than uniform ones would. */
static uint64_t value_of(uint64_t *seed)
{
    uint64_t v = random_next(seed);

    switch (random_next(seed) % 6) {
    case 0:
        return v;
    case 1:
        return v % 288; /* an INTID */
    case 2:
        return UINT64_MAX;
    case 3:
        return v & random_next(seed) & random_next(seed);
    case 4: /* a list register */
        return (v & 0xf0f8000000000000) | (v >> 8 & 0x1f) | (v >> 16 & 0x1f) << 32;
    default:
        return v & 0xff;
    }
}

/* Few interrupts, so that they meet each other; now and then any register. */
static uint64_t offset_of(uint64_t *seed, uint64_t limit)
{
    static const uint16_t hot[] = {0x080, 0x100, 0x180, 0x200, 0x280, 0x300,
                                   0x380, 0x400, 0x420, 0xc00, 0x6100};
    uint64_t v = random_next(seed);

    if (random_next(seed) % 4 == 0)
        return v % limit;
    return (hot[v % ARRAY_SIZE(hot)] + (v >> 32) % 16 + (random_next(seed) & SGI_BASE)) % limit;
}

static void mmio(struct gic *gic, uint64_t *seed)
{
    unsigned size = 1u << random_next(seed) % 4;
    bool dist = random_next(seed) % 2;
    struct device *dev =
        dist ? gic_distributor(gic) : gic_redistributor(gic, random_next(seed) % CPUS);
    uint64_t offset = offset_of(seed, dist ? GICD_WINDOW_BYTES : GICR_WINDOW_BYTES);

    if (gic_virtual_interface(gic) && random_next(seed) % 2) {
        dev = gic_virtual_interface(gic);
        offset = random_next(seed) % 8 ? random_next(seed) % 0x30
                                       : random_next(seed) % GICV_WINDOW_BYTES;
    }
    offset = align_down(offset, size);
    if (random_next(seed) % 2)
        device_read(dev, offset, size);
    else
        device_write(dev, offset, size, zext(value_of(seed), size * 8));
}

static const enum sysreg registers[] = {
#define CPUIF(reg, n, exists, read, write) SR_##reg,
#include "gic/cpuif.def"
#undef CPUIF
    SR_SCTLR_EL1,
};

static void sysreg(struct gic *gic, uint64_t *seed)
{
    enum sysreg sr = registers[random_next(seed) % ARRAY_SIZE(registers)];
    unsigned cpu = random_next(seed) % CPUS;
    bool virt = random_next(seed) % 2;

    if (random_next(seed) % 2)
        gic_cpuif_read(gic, cpu, sr, virt);
    else
        gic_cpuif_write(gic, cpu, sr, virt, value_of(seed));
}

static void input(struct fix *f, uint64_t *seed)
{
    bool level = random_next(seed) % 2;

    if (random_next(seed) % 4 == 0) /* some are 1 of N */
        device_write(gic_distributor(f->gic), IROUTER + 8 * (32 + random_next(seed) % 32), 8,
                     random_next(seed) % 2 ? BIT(31) : random_next(seed) % 2);
    if (random_next(seed) % 2)
        spi(f, 32 + random_next(seed) % 256, level);
    else
        ppi(f, random_next(seed) % CPUS, 26 + random_next(seed) % 6,
            level); /* 25 is the GIC's own */
}

static void check_rules(const struct gic_cpu *c)
{
    assert_false(c->irq && c->fiq);
    assert_false(c->virq && c->vfiq);
    assert_int_equal(c->bank.edge & SGI_MASK, SGI_MASK);
    assert_int_equal(ich_eisr(c) & ich_elrsr(c), 0);
    for (unsigned g = 0; g < 2; g++)
        for (unsigned w = 0; w < 4; w++) {
            assert_true(w < if_apr_count(&c->phys) || c->phys.apr[g][w] == 0);
            assert_true(w < if_apr_count(&c->virt) || c->virt.apr[g][w] == 0);
        }
}

static void check(struct fix *f)
{
    check_caches(f);
    for (unsigned k = 0; k < CPUS; k++)
        check_rules(&f->gic->cpu[k]);
}

static void ignore_line(void *ctx, const char *text)
{
    (void)ctx;
    (void)text;
}

static unsigned some_cpu(void *ctx)
{
    return random_next(ctx) % CPUS;
}

static void run(uint64_t seed, uint64_t count)
{
    struct gic_config cfg = {.spis = 256,
                             .lr_count = 1 + seed % 16,
                             .pribits = 7 + seed % 2,
                             .prebits = 5 + seed % 3,
                             .id24 = seed % 2,
                             .v2_guests = seed / 2 % 2,
                             .accessing_cpu = some_cpu,
                             .accessing_ctx = &seed};
    struct fix *f = fix_new(&cfg);

    fix_bring_up(f);
    for (uint64_t k = 0; k < count; k++) {
        switch (random_next(&seed) % 4) {
        case 0:
            mmio(f->gic, &seed);
            break;
        case 1:
            input(f, &seed);
            break;
        default:
            sysreg(f->gic, &seed);
            break;
        }
        if (random_next(&seed) % 64 == 0)
            check(f);
        if (random_next(&seed) % 512 == 0)
            fix_bring_up(f);
    }
    gic_describe(f->gic, ignore_line, NULL);
    fix_teardown((void **)&f);
}

static void test_random_accesses_keep_the_state_consistent(void **state)
{
    uint64_t seed = test_seed((uint64_t)time(NULL));

    (void)state;
    for (unsigned k = 0; k < 8; k++)
        run(seed + k, test_option("ARMILLARY_FUZZ", 40000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_accesses_keep_the_state_consistent),
    };

    return cmocka_run_group_tests_name("gic fuzz", tests, NULL, NULL);
}
