#include "tests/devices/fixture.h"

#include "devices/fw_cfg.h"
#include "devices/ramfb.h"

#define RAM      UINT64_C(0x40000000)
#define RAM_SIZE (UINT64_C(8) << 20)
#define DESC     (RAM + 0x100) /* of DMA requests */
#define BUFFER   (RAM + 0x2000)

#define DMA_READ   2
#define DMA_SKIP   4
#define DMA_SELECT 8
#define DMA_WRITE  16

struct cfg {
    struct fw_cfg dev;
    struct physmem mem;
    struct clock clock;
    struct watched watched;
    struct arm_log log;
};

static struct device *start(struct cfg *c)
{
    memset(c, 0, sizeof(*c));
    c->log = watched_log(&c->watched);
    assert_int_equal(physmem_add_ram(&c->mem, pa(RAM), RAM_SIZE, NULL), 0);
    c->clock.next_ns = CLOCK_NEVER;
    assert_int_equal(fw_cfg_init(&c->dev, &c->log, &c->mem, &c->clock, NULL), 0);
    return &c->dev.dev;
}

static void stop(struct cfg *c)
{
    fw_cfg_destroy(&c->dev);
    physmem_destroy(&c->mem);
}

static void put_be(uint8_t *to, unsigned n, uint64_t v)
{
    while (n--) {
        to[n] = (uint8_t)v;
        v >>= 8;
    }
}

static void select_key(struct device *dev, uint16_t key)
{
    device_write(dev, 8, 2, __builtin_bswap16(key));
}

/* Put a request at DESC, start it a microsecond later, and return its control word afterwards. */
static uint32_t dma(struct cfg *c, uint32_t control, uint32_t len, uint64_t addr, bool in_halves)
{
    uint8_t request[16];

    clock_run(&c->clock, c->clock.now_ns + PACE_NS);
    put_be(request, 4, control);
    put_be(request + 4, 4, len);
    put_be(request + 8, 8, addr);
    assert_true(physmem_write(&c->mem, pa(DESC), request, sizeof(request)));
    if (in_halves) {
        device_write(&c->dev.dev, 0x10, 4, __builtin_bswap32((uint32_t)(DESC >> 32)));
        device_write(&c->dev.dev, 0x14, 4, __builtin_bswap32((uint32_t)DESC));
    } else {
        device_write(&c->dev.dev, 0x10, 8, __builtin_bswap64(DESC));
    }
    assert_true(physmem_read(&c->mem, pa(DESC), request, 4));
    return (uint32_t)request[0] << 24 | request[1] << 16 | request[2] << 8 | request[3];
}

static void test_signature_and_id(void **state)
{
    struct cfg c;
    struct device *dev = start(&c);

    (void)state;
    select_key(dev, FW_CFG_SIGNATURE);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(device_read(dev, 0, 1), "QEMU"[i]);
    assert_int_equal(device_read(dev, 0, 1), 0);
    select_key(dev, FW_CFG_ID);
    assert_int_equal(device_read(dev, 0, 4), 3);
    select_key(dev, FW_CFG_SIGNATURE);
    assert_int_equal(device_read(dev, 0, 8), 0x554d4551); /* bytes in memory order, then zeros */
    assert_int_equal(__builtin_bswap64(device_read(dev, 0x10, 8)), 0x51454d5520434647);
    assert_int_equal(__builtin_bswap32((uint32_t)device_read(dev, 0x14, 4)), 0x20434647);
    assert_int_equal(device_read(dev, 0x12, 1), 'M');
    assert_int_equal(device_read(dev, 0x12, 2), 0x554d);
    device_write(dev, 0x10, 2, 0xffff); /* too narrow: no request */
    device_write(dev, 0x14, 1, 0xff);
    assert_int_equal(c.watched.log_lines, 0);
    stop(&c);
}

static void test_items_and_absent_keys(void **state)
{
    struct cfg c;
    struct device *dev = start(&c);

    (void)state;
    assert_int_equal(fw_cfg_set_le16(&c.dev, FW_CFG_NB_CPUS, 1, NULL), 0);
    assert_int_equal(fw_cfg_set_le16(&c.dev, FW_CFG_NB_CPUS, 0x1234, NULL), 0);
    select_key(dev, FW_CFG_NB_CPUS);
    assert_int_equal(device_read(dev, 0, 2), 0x1234);
    select_key(dev, FW_CFG_MAX_CPUS);
    assert_int_equal(device_read(dev, 0, 8), 0);
    select_key(dev, 0x3fff);
    assert_int_equal(device_read(dev, 0, 8), 0);
    assert_int_equal(c.watched.log_lines, 0);
    select_key(dev, 0x8000);
    assert_int_equal(device_read(dev, 0, 8), 0);
    assert_int_equal(c.watched.log_lines, 1);
    device_write(dev, 0, 8, 1);
    stop(&c);
}

static void test_directory_lists_files_by_name(void **state)
{
    static const char *const names[] = {"etc/b", "etc/a", "opt/c"};
    static const char *const sorted[] = {"etc/a", "etc/b", "opt/c"};
    struct cfg c;
    struct device *dev = start(&c);
    struct arm_error err;

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(fw_cfg_add_file(&c.dev, names[i], names[i], i + 3, NULL), 0);
    assert_int_equal(fw_cfg_add_file(&c.dev, "etc/a", "", 0, &err), -ARM_EINVAL);
    assert_string_equal(err.text, "fw_cfg: file 'etc/a' is there already");
    select_key(dev, FW_CFG_FILE_DIR);
    assert_int_equal(__builtin_bswap32((uint32_t)device_read(dev, 0, 4)), 3);
    for (unsigned i = 0; i < 3; i++) {
        char name[57] = {0};
        uint32_t size = __builtin_bswap32((uint32_t)device_read(dev, 0, 4));
        assert_int_equal(__builtin_bswap16((uint16_t)device_read(dev, 0, 2)),
                         FW_CFG_FILE_FIRST + i);
        assert_int_equal(device_read(dev, 0, 2), 0);
        for (unsigned k = 0; k < 56; k++)
            name[k] = (char)device_read(dev, 0, 1);
        assert_string_equal(name, sorted[i]);
        assert_int_equal(size, i == 0 ? 4 : i == 1 ? 3 : 5);
    }
    assert_int_equal(device_read(dev, 0, 8), 0);
    select_key(dev, FW_CFG_FILE_FIRST + 2);
    assert_int_equal(device_read(dev, 0, 8), 0x2f74706f | UINT64_C(0x63) << 32);
    stop(&c);
}

static void test_file_limits(void **state)
{
    char name[100];
    struct cfg c;
    struct arm_error err;

    (void)state;
    start(&c);
    memset(name, 'n', sizeof(name));
    name[FW_CFG_NAME_MAX + 1] = 0;
    assert_int_equal(fw_cfg_add_file(&c.dev, name, "", 0, &err), -ARM_EINVAL);
    name[FW_CFG_NAME_MAX] = 0;
    for (unsigned i = 0; i < FW_CFG_FILES_MAX; i++) {
        name[0] = (char)('A' + i);
        assert_int_equal(fw_cfg_add_file(&c.dev, name, "xy", 2, NULL), 0);
    }
    assert_int_equal(fw_cfg_add_file(&c.dev, "more", "", 0, &err), -ARM_EINVAL);
    stop(&c);
}

static void test_dma_reads_and_skips(void **state)
{
    uint8_t data[5000], got[6000];
    struct cfg c;

    (void)state;
    start(&c);
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 3 + 1);
    assert_int_equal(fw_cfg_set(&c.dev, FW_CFG_KERNEL_DATA, data, sizeof(data), NULL), 0);
    for (unsigned halves = 0; halves < 2; halves++) {
        memset(physmem_ram_changing(&c.mem, pa(BUFFER), 8000), 0xee, 8000);
        assert_int_equal(
            dma(&c, DMA_SELECT | DMA_READ | FW_CFG_KERNEL_DATA << 16, 100, BUFFER, halves), 0);
        assert_int_equal(dma(&c, DMA_SKIP, 10, 0, halves), 0);
        assert_int_equal(dma(&c, DMA_READ, 6000, BUFFER + 100, halves), 0);
        assert_true(physmem_read(&c.mem, pa(BUFFER), got, 100));
        assert_memory_equal(got, data, 100);
        assert_true(physmem_read(&c.mem, pa(BUFFER + 100), got, 6000));
        assert_memory_equal(got, data + 110, 4890);
        for (unsigned i = 4890; i < 6000; i++)
            assert_int_equal(got[i], 0); /* behind the item */
        assert_int_equal(*physmem_ram(&c.mem, pa(BUFFER + 6100), 1), 0xee);
        assert_int_equal(dma(&c, DMA_SKIP, UINT32_MAX, 0, halves), 0);
    }
    stop(&c);
}

static void test_dma_errors(void **state)
{
    static const struct {
        uint32_t control, len;
        uint64_t addr;
    } rows[] = {
        {DMA_READ, 4, 0},                  /* nothing there */
        {DMA_READ, 4, RAM + RAM_SIZE - 3}, /* past the end */
        {DMA_READ, UINT32_MAX, RAM},       /* longer than RAM */
        {DMA_READ, 16, UINT64_MAX - 7},    /* wraps */
        {DMA_WRITE, 4, BUFFER},            /* items are read-only */
        {DMA_WRITE | DMA_SELECT, 4, BUFFER},
        {DMA_WRITE | DMA_SKIP, 4, BUFFER}, /* the write is what counts */
    };
    struct cfg c;
    struct device *dev = start(&c);

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(dma(&c, rows[i].control, rows[i].len, rows[i].addr, false), 1);
    assert_int_equal(dma(&c, 0, 4, 0, false), 0);
    assert_int_equal(dma(&c, DMA_READ, 0, 0, false), 0);
    assert_int_equal(dma(&c, DMA_WRITE, 0, 0, false), 0);
    device_write(dev, 0x10, 8, __builtin_bswap64(RAM + RAM_SIZE - 15));
    device_write(dev, 0x10, 8, UINT64_MAX);
    assert_int_equal(c.watched.log_lines, 2);
    stop(&c);
}

static uint32_t control_word(struct cfg *c, uint64_t at)
{
    uint8_t be[4];

    assert_true(physmem_read(&c->mem, pa(at), be, 4));
    return (uint32_t)be[0] << 24 | (uint32_t)be[1] << 16 | (uint32_t)be[2] << 8 | be[3];
}

/* How many microseconds a read of @len bytes takes in which the guest could be stopped. */
static unsigned long_read(struct cfg *c, uint32_t len)
{
    unsigned steps = 0;

    for (dma(c, DMA_SELECT | DMA_READ | FW_CFG_KERNEL_DATA << 16, len, BUFFER, false);
         control_word(c, DESC) != 0; steps++)
        clock_run(&c->clock, c->clock.now_ns + PACE_NS);
    return steps;
}

/* What the host's file holds is there at once, which U-Boot takes for granted. */
static void test_zeros_behind_a_file_go_on_while_the_guest_runs(void **state)
{
    static uint8_t data[3 * PACE_BYTES];
    uint64_t rng = test_seed(1);
    struct device *dev;
    struct cfg c;

    (void)state;
    dev = start(&c);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)random_next(&rng);
    assert_int_equal(fw_cfg_set(&c.dev, FW_CFG_KERNEL_DATA, data, sizeof(data), NULL), 0);
    assert_int_equal(long_read(&c, PACE_BYTES), 0);
    assert_int_equal(long_read(&c, sizeof(data)), 0);
    memset(physmem_ram_changing(&c.mem, pa(BUFFER), 5 * PACE_BYTES), 0xee, 5 * PACE_BYTES);
    assert_int_equal(long_read(&c, 4 * PACE_BYTES + 5), 2);
    assert_memory_equal(physmem_ram(&c.mem, pa(BUFFER), sizeof(data)), data, sizeof(data));
    for (unsigned i = 0; i < PACE_BYTES + 5; i++)
        assert_int_equal(*physmem_ram(&c.mem, pa(BUFFER + sizeof(data) + i), 1), 0);
    assert_int_equal(*physmem_ram(&c.mem, pa(BUFFER + 4 * PACE_BYTES + 5), 1), 0xee);
    /* Many short ones are no way around it: the second one needs another microsecond, and the third
     * comes before it is done. */
    for (unsigned i = 0; i < 3; i++) {
        uint8_t request[16];
        put_be(request, 4, DMA_SELECT | DMA_READ);
        put_be(request + 4, 4, PACE_BYTES / 2);
        put_be(request + 8, 8, BUFFER);
        assert_true(physmem_write(&c.mem, pa(DESC + 16 * i), request, sizeof(request)));
        device_write(dev, 0x10, 8, __builtin_bswap64(DESC + 16 * i));
        assert_int_equal(control_word(&c, DESC + 16 * i) == 0, i == 0);
    }
    assert_int_equal(control_word(&c, DESC + 32), 1);
    clock_run(&c.clock, c.clock.now_ns + PACE_NS);
    assert_int_equal(control_word(&c, DESC + 16), 0);
    stop(&c);
}

static void test_a_reset_ends_a_long_dma(void **state)
{
    struct device *dev;
    struct cfg c;

    (void)state;
    dev = start(&c);
    dma(&c, DMA_SELECT | DMA_READ, 2 * PACE_BYTES, BUFFER, false);
    dev->ops->reset(dev);
    memset(physmem_ram_changing(&c.mem, pa(BUFFER), 2 * PACE_BYTES), 0xee, 2 * PACE_BYTES);
    clock_run(&c.clock, c.clock.now_ns + 10 * PACE_NS);
    assert_int_equal(control_word(&c, DESC), DMA_SELECT | DMA_READ);
    assert_int_equal(*physmem_ram(&c.mem, pa(BUFFER + PACE_BYTES), 1), 0xee);
    assert_int_equal(dma(&c, DMA_READ, 4, BUFFER, false), 0);
    stop(&c);
}

struct counter {
    unsigned calls;
};

static void code_written(void *ctx, pa_t addr)
{
    assert_int_equal(addr.a, BUFFER);
    ((struct counter *)ctx)->calls++;
}

static void test_dma_into_code_is_announced(void **state)
{
    struct counter n = {0};
    struct cfg c;

    (void)state;
    start(&c);
    c.mem.code_written = code_written;
    c.mem.code_written_ctx = &n;
    c.mem.banks[0].flags[(BUFFER - RAM) >> PAGE_SHIFT] |= PAGE_HAS_CODE;
    assert_int_equal(dma(&c, DMA_SELECT | DMA_READ, 4, BUFFER, false), 0);
    assert_int_equal(n.calls, 1);
    stop(&c);
}

static void check_nothing(struct device *dev, void *ctx)
{
    struct cfg *c = ctx;

    (void)dev;
    assert_true(c->dev.file_count == 1);
}

static void test_random_accesses_and_requests(void **state)
{
    uint64_t rng = test_seed(1);
    struct cfg c;
    struct device *dev = start(&c);

    (void)state;
    assert_int_equal(fw_cfg_add_file(&c.dev, "etc/file", "0123456789", 10, NULL), 0);
    random_accesses(dev, 0x20, 50000, &rng, check_nothing, &c);
    for (unsigned n = 0; n < 5000; n++) {
        uint32_t control = (random_next(&rng) & 0x1f) | (random_next(&rng) % 0x30) << 16;
        uint64_t addr =
            random_next(&rng) & 1 ? RAM + random_next(&rng) % (2 * RAM_SIZE) : random_next(&rng);
        if (addr - RAM < 0x200)
            continue; /* would overwrite its own request */
        assert_true(dma(&c, control, random_next(&rng) % 9000, addr, n & 1) <= 1);
    }
    stop(&c);
}

#define FILE_KEY(n) ((uint32_t)(FW_CFG_FILE_FIRST + (n)) << 16)

static void test_a_writable_file_is_written_by_dma_and_cleared_by_a_reset(void **state)
{
    struct cfg c;
    struct device *dev = start(&c);
    const uint8_t *file;

    (void)state;
    assert_int_equal(fw_cfg_add_writable(&c.dev, "etc/b", "12345678", 8, NULL), 0);
    assert_int_equal(fw_cfg_add_file(&c.dev, "etc/a", "x", 1, NULL), 0); /* moves the other one */
    assert_null(fw_cfg_file(&c.dev, "etc/c"));
    file = fw_cfg_file(&c.dev, "etc/b");
    assert_memory_equal(file, "12345678", 8);
    assert_true(physmem_write(&c.mem, pa(BUFFER), "abcdefghi", 9));
    assert_int_equal(dma(&c, DMA_SELECT | DMA_WRITE | FILE_KEY(1), 3, BUFFER, false), 0);
    assert_int_equal(dma(&c, DMA_WRITE, 2, BUFFER + 7, false), 0);
    assert_memory_equal(file, "abchi678", 8);
    assert_int_equal(dma(&c, DMA_WRITE, 4, BUFFER, false), 1); /* past its end */
    assert_int_equal(dma(&c, DMA_SELECT | DMA_WRITE | FILE_KEY(1), UINT32_MAX, BUFFER, false), 1);
    assert_int_equal(dma(&c, DMA_SELECT | DMA_WRITE | FILE_KEY(1), 4, 0, false), 1); /* no RAM */
    assert_int_equal(dma(&c, DMA_SELECT | DMA_WRITE | FILE_KEY(0), 1, BUFFER, false), 1);
    assert_memory_equal(file, "abchi678", 8);
    dev->ops->reset(dev);
    assert_memory_equal(file, "\0\0\0\0\0\0\0\0", 8);
    stop(&c);
}

/* What firmware writes into etc/ramfb. */
static bool shows(struct cfg *c, struct ramfb *ramfb, uint64_t address, const uint32_t numbers[5],
                  struct display *d)
{
    uint8_t file[28];

    put_be(file, 8, address);
    for (unsigned i = 0; i < 5; i++)
        put_be(file + 8 + 4 * i, 4, numbers[i]);
    assert_true(physmem_write(&c->mem, pa(BUFFER), file, sizeof(file)));
    assert_int_equal(dma(c, DMA_SELECT | DMA_WRITE | FILE_KEY(0), 28, BUFFER, false), 0);
    return ramfb->source.show(ramfb, d);
}

static void test_ramfb_shows_ram_where_its_file_says(void **state)
{
    enum { XR24 = 0x34325258, RG16 = 0x36314752 };
    static const struct {
        uint64_t address;
        uint32_t numbers[5]; /* fourcc, flags, width, height, stride */
        bool shown;
    } rows[] = {
        {RAM, {XR24, 0, 16, 16, 64}, true},
        {RAM, {XR24, 0, 640, 480, 0}, true},
        {RAM + RAM_SIZE - 16 * 16 * 2, {RG16, 0, 16, 16, 32}, true},
        {RAM + RAM_SIZE - 16 * 16 * 2 + 1, {RG16, 0, 16, 16, 32}, false},
        {RAM, {XR24, 0, 15, 16, 64}, false},
        {RAM, {XR24, 0, 16, 0, 64}, false},
        {RAM, {0, 0, 16, 16, 64}, false},
        {RAM, {XR24, 0, UINT32_MAX, 16, 64}, false},
        {RAM, {XR24, 0, 16384, 16384, UINT32_MAX}, false},
        {UINT64_MAX - 63, {XR24, 0, 16, 16, 64}, false},
    };
    uint32_t pixels[16 * 16];
    struct display d;
    struct ramfb ramfb;
    struct cfg c;
    struct device *dev = start(&c);

    (void)state;
    assert_int_equal(ramfb_init(&ramfb, &c.dev, &c.mem, NULL), 0);
    assert_false(ramfb.source.show(&ramfb, &d));
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
        assert_int_equal(shows(&c, &ramfb, rows[k].address, rows[k].numbers, &d), rows[k].shown);
    assert_true(shows(&c, &ramfb, RAM + 0x4000, (const uint32_t[]){XR24, 0, 16, 16, 128}, &d));
    assert_true(physmem_write(&c.mem, pa(RAM + 0x4000 + 128 + 4), "\x33\x22\x11", 3));
    display_read(&d, pixels);
    assert_int_equal(pixels[17], 0x112233);
    dev->ops->reset(dev);
    assert_false(ramfb.source.show(&ramfb, &d));
    stop(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signature_and_id),
        cmocka_unit_test(test_items_and_absent_keys),
        cmocka_unit_test(test_directory_lists_files_by_name),
        cmocka_unit_test(test_file_limits),
        cmocka_unit_test(test_dma_reads_and_skips),
        cmocka_unit_test(test_dma_errors),
        cmocka_unit_test(test_a_writable_file_is_written_by_dma_and_cleared_by_a_reset),
        cmocka_unit_test(test_ramfb_shows_ram_where_its_file_says),
        cmocka_unit_test(test_zeros_behind_a_file_go_on_while_the_guest_runs),
        cmocka_unit_test(test_a_reset_ends_a_long_dma),
        cmocka_unit_test(test_dma_into_code_is_announced),
        cmocka_unit_test(test_random_accesses_and_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
