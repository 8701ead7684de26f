/*
 * Random ITS commands, LPI and ITS register accesses and guest memory: nothing may crash (run under
 * the sanitizers), and what can be said of every state must hold. ARMILLARY_SEED repeats a run,
 * ARMILLARY_FUZZ sets the count.
 */
#include "tests/gic/fuzz.h"
#include "tests/gic/its_fixture.h"

/* Mostly small, so that commands meet; now and then any value. */
static uint64_t id(uint64_t *seed, unsigned limit)
{
    return random_next(seed) % 16 ? random_next(seed) % limit : random_next(seed) & UINT32_MAX;
}

static uint64_t address(uint64_t *seed)
{
    static const uint64_t places[] = {QUEUE,  DEVICES, COLLECTIONS,         ITT,
                                      CONFIG, PENDING, RAM_BASE + RAM_SIZE, 0x8000000};

    if (random_next(seed) % 16 == 0)
        return random_next(seed);
    return places[random_next(seed) % ARRAY_SIZE(places)] - 0x1000 * (random_next(seed) % 8 == 0);
}

static void command(struct its_fix *t, uint64_t *seed)
{
    static const uint8_t codes[] = {
#define COMMAND(name, code) code,
#include "gic/its_commands.def"
#undef COMMAND
    };
    uint64_t code = random_next(seed) % 16 ? codes[random_next(seed) % ARRAY_SIZE(codes)]
                                           : random_next(seed) & 0xff;
    uint64_t low = random_next(seed) % 2 ? id(seed, 40) : id(seed, 8) << 16 | id(seed, 6);
    uint64_t valid = random_next(seed) % 4 ? VALID : 0, intid = LPI + id(seed, 48);

    if (code == 0x08)
        low = address(seed);
    else if (code == 0x0f && random_next(seed) % 4) /* so that something stays mapped */
        code = 0x0a;
    t->cwriter %= t->queue_bytes;
    its_cmd(t, code | id(seed, 3) << 32, id(seed, 24) | intid << 32, valid | low,
            id(seed, 6) << 16);
}

static void its_register(struct its_fix *t, uint64_t *seed)
{
    unsigned size = 1u << random_next(seed) % 4;
    uint64_t offset = align_down(
        random_next(seed) % 4 ? random_next(seed) % 0x140 : random_next(seed) % 0x20000, size);
    struct device *dev = gic_its(t->f->gic);

    if (random_next(seed) % 2)
        device_read(dev, offset, size);
    else
        device_write(dev, offset, size,
                     zext(random_next(seed) % 2 ? address(seed) : random_next(seed), 8 * size));
}

static void redistributor(struct its_fix *t, uint64_t *seed)
{
    static const uint16_t offsets[] = {0, 0x14, 0x70, 0x74, 0x78, 0x7c, 0xa0, 0xc0};
    uint64_t offset = offsets[random_next(seed) % ARRAY_SIZE(offsets)];
    unsigned size = offset & 4 || offset == 0 ? 4 : random_next(seed) % 2 ? 8 : 4;
    struct device *dev = gic_redistributor(t->f->gic, random_next(seed) % CPUS);

    if (random_next(seed) % 2)
        device_read(dev, offset, size);
    else
        device_write(dev, offset, size, address(seed) | random_next(seed) % 32);
}

static void scribble(struct its_fix *t, uint64_t *seed)
{
    uint64_t value =
        random_next(seed) % 2 ? random_next(seed) : VALID | id(seed, 16) | id(seed, 6) << 32;
    uint64_t where = address(seed) + random_next(seed) % 512;

    (void)physmem_write(&t->mem, pa(where), &value, 8);
}

static void interface(struct its_fix *t, uint64_t *seed)
{
    unsigned cpu = random_next(seed) % CPUS;
    uint64_t intid = rd(t->f, cpu, SR_ICC_IAR1_EL1);

    if (random_next(seed) % 8)
        wr(t->f, cpu, SR_ICC_EOIR1_EL1, intid);
    if (random_next(seed) % 8 == 0)
        wr(t->f, cpu, SR_ICC_PMR_EL1, random_next(seed) % 2 ? 0xff : random_next(seed) & 0xff);
    if (random_next(seed) % 8 == 0)
        wr(t->f, cpu, SR_ICC_IGRPEN1_EL1, random_next(seed) % 4 != 0);
}

static void bring_up(struct its_fix *t)
{
    fix_bring_up(t->f);
    for (unsigned k = 0; k < CPUS; k++) {
        lpis_off(t, k);
        lpis_on(t, k, k % 2);
        for (unsigned n = 0; n < 8; n++) /* end whatever was left active */
            wr(t->f, k, SR_ICC_EOIR1_EL1, LPI);
    }
    its_tables(t, 1);
    for (unsigned k = 0; k < CPUS; k++)
        cmd_mapc(t, k, k);
    for (unsigned d = 0; d < 3; d++)
        cmd_mapd(t, d, ITT + d * 0x100, 5);
    for (unsigned n = 0; n < 48; n++)
        lpi_config(t, LPI + n, (uint8_t)(n << 4 & 0xf0), n % 8 != 0);
}

/* The next LPI is pending, and the summary of pending LPIs is right. */
static void check_lpis(const struct gic_cpu *c)
{
    const struct gic_lpis *l = &c->lpi;

    assert_true(l->stale || l->best.intid == NONE || gic_lpi_pending(c, l->best.intid));
    for (unsigned w = 0; w < LPI_WORDS; w++) {
        assert_int_equal(l->pending[w] != 0, bit(l->summary[w / 64], w % 64));
        assert_true(l->pending[w] == 0 || (w >= LPI / 64 && w < l->limit / 64));
    }
}

static void run(uint64_t seed, uint64_t count, uint64_t *taken)
{
    static const struct gic_config cfg = {.spis = 32};
    struct its_fix *t = its_new(&cfg);

    bring_up(t);
    for (uint64_t k = 0; k < count; k++) {
        switch (random_next(&seed) % 16) {
        case 0:
            its_register(t, &seed);
            break;
        case 1:
            redistributor(t, &seed);
            break;
        case 2:
            scribble(t, &seed);
            break;
        case 3:
            gic_msi(t->f->gic, (uint32_t)id(&seed, 3), (uint32_t)id(&seed, 24));
            break;
        case 4:
        case 5:
            interface(t, &seed);
            break;
        default:
            command(t, &seed);
            break;
        }
        for (unsigned c = 0; c < CPUS; c++)
            *taken += t->f->gic->cpu[c].hppi.intid >= LPI;
        if (random_next(&seed) % 64 == 0) {
            check_caches(t->f);
            for (unsigned c = 0; c < CPUS; c++)
                check_lpis(&t->f->gic->cpu[c]);
        }
        if (random_next(&seed) % 256 == 0)
            bring_up(t);
    }
    its_teardown((void **)&t);
}

static void test_random_commands_keep_the_state_consistent(void **state)
{
    uint64_t seed = test_seed((uint64_t)time(NULL)), taken = 0;

    (void)state;
    for (unsigned k = 0; k < 4; k++)
        run(seed + k, test_option("ARMILLARY_FUZZ", 40000), &taken);
    assert_int_not_equal(taken, 0); /* the commands do get somewhere */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_commands_keep_the_state_consistent),
    };

    return cmocka_run_group_tests_name("its fuzz", tests, NULL, NULL);
}
