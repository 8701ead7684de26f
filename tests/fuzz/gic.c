/* The GIC: registers, system registers and inputs, the ITS with its queue, tables and guest memory
 * that anybody writes. What is cached must be what a recomputation gives. */
#include "arch/ppi.h"
#include "tests/gic/fuzz.h"
#include "tests/gic/its_fixture.h"

#include "tests/fuzz/input.h"

static const enum sysreg registers[] = {
#define CPUIF(reg, n, exists, read, write) SR_##reg,
#include "gic/cpuif.def"
#undef CPUIF
};

static const uint8_t commands[] = {
#define COMMAND(name, code) code,
#include "gic/its_commands.def"
#undef COMMAND
};

/* Few interrupts, so that they meet each other. */
static uint64_t word(struct choices *in)
{
    unsigned how = below(in, 8);

    if (how < 3)
        return LPI + below(in, 64);
    if (how < 4) /* a list register */
        return (take(in, 2) << 48 & 0xf0f8000000000000) | below(in, 32) |
               (uint64_t)below(in, 32) << 32;
    return value(in);
}

static uint64_t address(struct choices *in)
{
    static const uint64_t places[] = {
        QUEUE, DEVICES, COLLECTIONS, ITT, CONFIG, PENDING, RAM_BASE + RAM_SIZE - 0x100, 0x8000000};

    return below(in, 16) ? places[below(in, ARRAY_SIZE(places))] + take(in, 1) : value(in);
}

static void command(struct its_fix *t, struct choices *in)
{
    uint64_t code = below(in, 16) ? commands[below(in, ARRAY_SIZE(commands))] : below(in, 256);
    uint64_t device = below(in, 16) ? below(in, 3) : value(in) & UINT32_MAX;
    uint64_t event = below(in, 16) ? below(in, 34) : value(in) & UINT32_MAX;
    uint64_t intid = below(in, 16) ? LPI + below(in, 50) : value(in) & UINT32_MAX;
    uint64_t low = below(in, 2) ? (uint64_t)below(in, 6) << 16 | below(in, 6) : address(in);
    const uint64_t dw[4] = {code | device << 32, event | intid << 32,
                            low | (below(in, 4) ? VALID : 0), (uint64_t)below(in, 6) << 16};

    t->cwriter %= t->queue_bytes;
    its_cmd(t, dw[0], dw[1], dw[2], dw[3]);
}

static void scribble(struct its_fix *t, struct choices *in)
{
    uint64_t where = address(in), what = word(in) | (below(in, 2) ? VALID : 0);

    (void)physmem_write(&t->mem, pa(where), &what, 8);
}

static struct device *any_frame(struct gic *gic, struct choices *in, uint64_t *bytes)
{
    switch (below(in, 4)) {
    case 0:
        *bytes = GICD_WINDOW_BYTES;
        return gic_distributor(gic);
    case 1:
        *bytes = GITS_WINDOW_BYTES;
        return gic_its(gic);
    case 2:
        *bytes = GICV_WINDOW_BYTES;
        if (gic_virtual_interface(gic))
            return gic_virtual_interface(gic);
        __attribute__((fallthrough));
    default:
        *bytes = GICR_WINDOW_BYTES;
        return gic_redistributor(gic, below(in, CPUS));
    }
}

/* The registers that say where tables are, with values that are places. */
static void point(struct its_fix *t, struct choices *in)
{
    static const uint16_t its[] = {GITS_CBASER, GITS_CWRITER, GITS_CREADR, GITS_BASER0,
                                   GITS_BASER1};
    static const uint16_t redist[] = {GICR_PROPBASER, GICR_PENDBASER, 0xa0, 0xc0};
    uint64_t where =
        address(in) | below(in, 32) | (below(in, 4) ? VALID : 0) | (below(in, 4) ? 0 : BIT(62));

    if (below(in, 2))
        its_w(t, its[below(in, ARRAY_SIZE(its))], where);
    else
        gicr_w64(t, below(in, CPUS), redist[below(in, ARRAY_SIZE(redist))], where);
    if (below(in, 2))
        its_ctlr(t, below(in, 4));
    else
        gicr_w(t->f, below(in, CPUS), GICR_CTLR, below(in, 4) != 0);
}

static void system_register(struct gic *gic, struct choices *in)
{
    enum sysreg sr = registers[below(in, ARRAY_SIZE(registers))];
    unsigned how = below(in, 4), cpu = below(in, CPUS);

    if (!gic_sysreg_implemented(gic, sr))
        return;
    if (how & 1)
        gic_cpuif_read(gic, cpu, sr, how & 2);
    else
        gic_cpuif_write(gic, cpu, sr, how & 2, word(in));
}

static void input_line(struct fix *f, struct choices *in)
{
    unsigned cpu = below(in, CPUS), n = below(in, 64);
    bool level = below(in, 2);

    if (n >= 32)
        spi(f, n, level);
    else if (n >= 16 && n != PPI_MAINTENANCE)
        ppi(f, cpu, n, level);
}

static void step(struct its_fix *t, struct choices *in)
{
    uint64_t bytes;
    struct device *dev;

    switch (below(in, 12)) {
    case 0:
        scribble(t, in);
        break;
    case 1:
        point(t, in);
        break;
    case 2:
        input_line(t->f, in);
        break;
    case 3:
        gic_msi(t->f->gic, below(in, 4), below(in, 34));
        break;
    case 4:
    case 5:
    case 6:
        system_register(t->f->gic, in);
        break;
    case 7:
    case 8:
        dev = any_frame(t->f->gic, in, &bytes);
        any_access(in, dev, bytes);
        break;
    case 9:
        if (below(in, 16) == 1)
            gic_reset(t->f->gic);
        else
            gic_reset_cpu_interface(t->f->gic, below(in, CPUS));
        break;
    default:
        command(t, in);
        break;
    }
}

static void begin(struct its_fix *t)
{
    for (unsigned k = 0; k < CPUS; k++)
        lpis_on(t, k, true);
    its_tables(t, 1);
    for (unsigned k = 0; k < CPUS; k++)
        cmd_mapc(t, k, k);
    for (unsigned d = 0; d < 3; d++)
        cmd_mapd(t, d, ITT + d * 0x100, 5);
    for (unsigned n = 0; n < 8; n++) {
        lpi_config(t, LPI + n, 0x80, true);
        cmd_mapti(t, n % 3, n, LPI + n, n % CPUS);
    }
}

static void drop_text(void *ctx, const char *text)
{
    (void)ctx, (void)text;
}

static unsigned first_cpu(void *ctx)
{
    (void)ctx;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct choices in = {data, size};
    unsigned how = below(&in, 256);
    const struct gic_config cfg = {.spis = 64,
                                   .lr_count = 1 + how % 16,
                                   .pribits = 7 + how / 16 % 2,
                                   .prebits = 5 + how % 3,
                                   .id24 = how / 32 % 2,
                                   .v2_guests = how / 64 % 2,
                                   .accessing_cpu = first_cpu};
    struct its_fix *t = its_new(&cfg);

    if (how / 128)
        begin(t);
    else
        its_tables(t, 1);
    t->f->log = fuzz_log();
    while (in.left > 0) {
        step(t, &in);
        check_caches(t->f);
    }
    gic_describe(t->f->gic, drop_text, NULL);
    its_teardown((void **)&t);
    return 0;
}
