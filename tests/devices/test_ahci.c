/* The AHCI adapter: ports, commands by their slots, regions of memory, packets, and errors. */
#include "devices/ahci.h"

#include "base/state_io.h"
#include "tests/devices/function_bench.h"

enum { GHC = 4, IS = 8, PI = 0xc };
enum {
    CLB = 0x00,
    FB = 0x08,
    PIS = 0x10,
    PIE = 0x14,
    CMD = 0x18,
    TFD = 0x20,
    SIG = 0x24,
    SSTS = 0x28,
    SCTL = 0x2c,
    CI = 0x38
};

#define LIST  RAM
#define FIS   (RAM + 0x1000)
#define TABLE (RAM + 0x2000)
#define DATA  (RAM + 0x10000)

struct bench {
    struct function_bench b;
    struct ahci dev;
    struct scsi_unit units[2];
};

static uint64_t port(unsigned n, unsigned reg)
{
    return 0x100 + 0x80 * n + reg;
}

/* A disk at port 0 and a drive with the same contents at port 2. */
static void start(struct bench *b, enum disk_mode mode)
{
    memset(b, 0, sizeof(*b));
    bench_begin(&b->b, mode, SECTORS * 512);
    ahci_init(&b->dev, &(struct ahci_config){.mem = &b->b.d.mem, .clock = &b->b.d.clock},
              &b->b.d.log);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(scsi_unit_init(&b->units[i], &b->b.disk, i, "S1", NULL), 0);
        assert_true(ahci_attach(&b->dev, 2 * i, &b->units[i]));
        assert_false(ahci_attach(&b->dev, 2 * i, &b->units[i]));
    }
    assert_false(ahci_attach(&b->dev, AHCI_PORTS, &b->units[0]));
    bench_plug(&b->b, &b->dev.function, 5);
    out(&b->b, GHC, 4, 0x80000002);
    for (unsigned n = 0; n < 4; n += 2) {
        out(&b->b, port(n, CLB), 4, LIST);
        out(&b->b, port(n, FB), 4, FIS);
        out(&b->b, port(n, PIE), 4, UINT32_MAX);
        out(&b->b, port(n, CMD), 4, 0x11);
    }
}

/* Command @code in slot 1 with two regions of @bytes in all, the first of 1024. */
static void give(struct bench *b, unsigned n, unsigned code, uint64_t lba, unsigned count,
                 uint32_t bytes)
{
    struct driver *d = &b->b.d;

    poke(d, LIST + 32, 8, bytes ? 2 << 16 | 5 : 5);
    poke(d, LIST + 40, 8, TABLE);
    poke(d, TABLE, 8, 0x8027 | code << 16 | (lba & 0xffffff) << 32 | UINT64_C(0x40) << 56);
    poke(d, TABLE + 8, 8, (lba >> 24 & 0xffffff) | (uint64_t)count << 32);
    poke(d, TABLE + 0x80, 8, DATA);
    poke(d, TABLE + 0x8c, 4, 1023);
    poke(d, TABLE + 0x90, 8, DATA + 0x1000);
    poke(d, TABLE + 0x9c, 4, bytes - 1025);
    out(&b->b, port(n, CI), 4, 2);
}

/* Its task file; the interrupt is taken. */
static unsigned command(struct bench *b, unsigned n, unsigned code, uint64_t lba, unsigned count,
                        uint32_t bytes)
{
    driver_wait(&b->b.d, 40);
    give(b, n, code, lba, count, bytes);
    unsigned tfd = (unsigned)in(&b->b, port(n, TFD), 4);
    assert_int_equal(in(&b->b, port(n, CI), 4), tfd & 1 ? 2 : 0);
    assert_true(b->b.pin);
    assert_int_equal(in(&b->b, IS, 4), 1u << n);
    out(&b->b, port(n, PIS), 4, UINT32_MAX);
    out(&b->b, IS, 4, UINT32_MAX);
    assert_false(b->b.pin);
    if (tfd & 1) { /* as drivers go on */
        out(&b->b, port(n, CMD), 4, 0x10);
        out(&b->b, port(n, CMD), 4, 0x11);
    }
    return tfd & 0xffff;
}

static void test_ports_say_what_is_there(void **state)
{
    struct bench b;

    (void)state;
    start(&b, DISK_READONLY);
    assert_int_equal(device_read(&b.b.host.ecam, PCI_DEVFN(1, 0) << 12 | 8, 4), 0x01060102);
    assert_int_equal(in(&b.b, PI, 4), 0x3f);
    assert_int_equal(in(&b.b, port(0, SSTS), 4), 0x113);
    assert_int_equal(in(&b.b, port(0, SIG), 4), 0x101);
    assert_int_equal(in(&b.b, port(2, SIG), 4), 0xeb140101);
    assert_int_equal(in(&b.b, port(1, SSTS), 4), 0);
    assert_int_equal(in(&b.b, port(1, TFD), 4), 0x7f);
    assert_int_equal(command(&b, 0, 0xec, 0, 0, 2048), 0x50);
    assert_int_equal(peek(&b.b.d, LIST + 36, 4), 512);
    assert_int_equal(peek(&b.b.d, DATA + 120, 4), SECTORS);
    assert_int_equal(peek(&b.b.d, DATA + 200, 8), SECTORS);
    assert_int_equal(peek(&b.b.d, DATA + 20, 2), 0x5331);
    assert_int_equal(peek(&b.b.d, FIS + 0x20, 1), 0x5f);
    assert_int_equal(command(&b, 0, 0xa1, 0, 0, 2048), 0x451); /* of the other drives */
    assert_int_equal(command(&b, 2, 0xa1, 0, 0, 2048), 0x50);
    assert_int_equal(peek(&b.b.d, DATA, 2), 0x85c0);
    bench_end(&b.b);
}

static void test_sectors_are_moved_by_regions(void **state)
{
    struct bench b;

    (void)state;
    start(&b, DISK_SNAPSHOT);
    assert_int_equal(command(&b, 0, 0x25, 5, 4, 2048), 0x50);
    assert_int_equal(peek(&b.b.d, LIST + 36, 4), 2048);
    assert_int_equal(peek(&b.b.d, DATA, 1), 6);
    assert_int_equal(peek(&b.b.d, DATA + 512, 1), 7);
    assert_int_equal(peek(&b.b.d, DATA + 0x1000, 1), 8);
    assert_int_equal(peek(&b.b.d, FIS + 0x40, 1), 0x34);
    poke(&b.b.d, DATA + 0x1000, 1, 0x5a);
    assert_int_equal(command(&b, 0, 0x35, 5, 4, 2048), 0x50);
    assert_int_equal(command(&b, 0, 0xea, 0, 0, 0), 0x50);
    assert_int_equal(command(&b, 0, 0xc8, 7, 1, 2048), 0x50);
    assert_int_equal(peek(&b.b.d, DATA, 1), 0x5a);
    assert_int_equal(command(&b, 0, 0x25, 63, 2, 2048), 0x1051);
    assert_int_equal(command(&b, 0, 0x25, UINT64_C(0xffffffffffff), 1, 2048), 0x1051);
    assert_int_equal(command(&b, 0, 0x25, 0, 5, 2048), 0x451); /* more than there is room for */
    assert_int_equal(command(&b, 0, 0x77, 0, 0, 0), 0x451);
    bench_end(&b.b);
}

static void test_packets_are_scsi_commands(void **state)
{
    struct bench b;

    (void)state;
    start(&b, DISK_READONLY);
    poke(&b.b.d, TABLE + 0x40, 8, 0); /* TEST UNIT READY: a reset is told of */
    poke(&b.b.d, TABLE + 0x48, 8, 0);
    assert_int_equal(command(&b, 2, 0xa0, 0, 0, 4096), 0x6051);
    poke(&b.b.d, TABLE + 0x40, 8, UINT64_C(18) << 32 | 3); /* REQUEST SENSE */
    assert_int_equal(command(&b, 2, 0xa0, 0, 0, 4096), 0x50);
    assert_int_equal(peek(&b.b.d, DATA + 12, 1), 0x29);
    poke(&b.b.d, TABLE + 0x40, 8, UINT64_C(1) << 40 | 0x28); /* READ(10) of block 1 */
    poke(&b.b.d, TABLE + 0x48, 8, 1);
    assert_int_equal(command(&b, 2, 0xa0, 0, 0, 4096), 0x50);
    assert_int_equal(peek(&b.b.d, LIST + 36, 4), 2048);
    assert_int_equal(peek(&b.b.d, DATA, 1), 5);
    bench_end(&b.b);
}

static void test_resets(void **state)
{
    struct bench b;

    (void)state;
    start(&b, DISK_READONLY);
    assert_int_equal(command(&b, 0, 0x77, 0, 0, 0), 0x451);
    out(&b.b, port(0, SCTL), 4, 1);
    assert_int_equal(in(&b.b, port(0, SSTS), 4), 0);
    out(&b.b, port(0, SCTL), 4, 0);
    assert_int_equal(in(&b.b, port(0, SSTS), 4), 0x113);
    assert_int_equal(in(&b.b, port(0, TFD), 4), 0x150);
    /* A soft reset: a FIS with the bit, and one without it */
    for (unsigned bit = 4; bit <= 4; bit -= 4) {
        poke(&b.b.d, LIST, 8, 5);
        poke(&b.b.d, LIST + 8, 8, TABLE);
        poke(&b.b.d, TABLE, 8, 0x27);
        poke(&b.b.d, TABLE + 8, 8, (uint64_t)bit << 56);
        out(&b.b, port(2, CI), 4, 1);
        assert_int_equal(in(&b.b, port(2, CI), 4), 0);
    }
    assert_int_equal(peek(&b.b.d, FIS + 0x44, 4), 0xeb1401);
    out(&b.b, GHC, 4, 1);
    assert_int_equal(in(&b.b, GHC, 4), 0x80000000);
    assert_int_equal(in(&b.b, port(0, CMD), 4) & 0xffff, 6);
    bench_end(&b.b);
}

static void test_a_snapshot_keeps_ports(void **state)
{
    struct state_io saved, restored;
    struct bench b;

    (void)state;
    start(&b, DISK_READONLY);
    state_io_save(&saved);
    pci_host_state(&saved, &b.b.host);
    pci_host_reset(&b.b.host);
    state_io_restore(&restored, saved.out, saved.len);
    pci_host_state(&restored, &b.b.host);
    assert_false(state_failed(&restored));
    assert_int_equal(command(&b, 0, 0x25, 5, 4, 2048), 0x50);
    assert_int_equal(peek(&b.b.d, DATA, 1), 6);
    state_io_destroy(&saved);
    bench_end(&b.b);
}

static void test_garbage(void **state)
{
    static const uint8_t codes[] = {0x06, 0x20, 0x25, 0x35, 0xa0, 0xc8, 0xca, 0xec, 0xa1};
    uint64_t rng = test_seed(1);
    struct bench b;

    (void)state;
    start(&b, DISK_SNAPSHOT);
    for (unsigned round = 0; round < 10000; round++) {
        unsigned n = (unsigned)(random_next(&rng) % 3);
        poke(&b.b.d, TABLE + 0x40, 8, random_next(&rng));
        poke(&b.b.d, TABLE + 0x48, 8, random_next(&rng) & 3);
        give(&b, n, codes[random_next(&rng) % sizeof(codes)], random_next(&rng) % 70,
             (unsigned)(random_next(&rng) % 70), (uint32_t)(random_next(&rng) % 40000));
        if (random_next(&rng) % 4 == 0)
            out(&b.b, port(n, (unsigned)(random_next(&rng) % 16) * 4), 4,
                random_next(&rng) & 1 ? random_next(&rng) % 64 : (uint32_t)random_next(&rng));
        (void)in(&b.b, align_down(random_next(&rng) % 0x400, 4), 4);
        out(&b.b, port(n, CLB), 4, LIST);
        out(&b.b, port(n, CMD), 4, 0x10);
        out(&b.b, port(n, CMD), 4, 0x11);
        driver_wait(&b.b.d, 1);
    }
    pci_host_reset(&b.b.host);
    assert_false(b.b.pin);
    bench_end(&b.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ports_say_what_is_there),
        cmocka_unit_test(test_sectors_are_moved_by_regions),
        cmocka_unit_test(test_packets_are_scsi_commands),
        cmocka_unit_test(test_resets),
        cmocka_unit_test(test_a_snapshot_keeps_ports),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
