/* The SD host controller and its card, as a driver uses them. */
#include "base/state_io.h"
#include "devices/sdhci.h"
#include "tests/devices/function_bench.h"

enum { SYSTEM = 0x00, BLOCK = 0x04, ARGUMENT = 0x08, MODE = 0x0c, COMMAND = 0x0e, RESPONSE = 0x10 };
enum { PORT = 0x20, PRESENT = 0x24, HOST = 0x28, CLOCK = 0x2c, RESET = 0x2f, CAUSES = 0x30 };
enum { ERRORS = 0x32, ENABLE = 0x34, SIGNAL = 0x38, ADMA = 0x58 };
enum { NONE = 0, LONG = 1, SHORT = 2, BUSY = 3, DATA = 0x20 };
#define CARD_BYTES   (UINT64_C(1) << 20)
#define MODE_READ    0x10
#define MODE_MULTI   0x36 /* several blocks, counted, CMD12 by itself, to the host */
#define DONE_COMMAND 0x0001
#define DONE_DATA    0x0002

struct bench {
    struct function_bench f;
    struct sdhci host;
    struct sd_card card;
    uint16_t address;
};

static void begin_with(struct bench *b, enum disk_mode mode, off_t bytes)
{
    memset(b, 0, sizeof(*b));
    bench_begin(&b->f, mode, bytes);
    assert_int_equal(sd_card_init(&b->card, &b->f.disk, NULL), 0);
    sdhci_init(&b->host, &(struct sdhci_config){.mem = &b->f.d.mem, .clock = &b->f.d.clock},
               &b->f.d.log);
    assert_true(sdhci_insert(&b->host, &b->card));
    assert_false(sdhci_insert(&b->host, &b->card));
    bench_plug(&b->f, &b->host.function, 0);
    out(&b->f, CLOCK, 2, 5);
    out(&b->f, ENABLE, 4, UINT32_MAX);
}

static uint32_t command(struct bench *b, unsigned index, unsigned type, uint32_t argument)
{
    out(&b->f, CAUSES, 4, UINT32_MAX);
    out(&b->f, ARGUMENT, 4, argument);
    out(&b->f, COMMAND, 2, index << 8 | type);
    return (uint32_t)in(&b->f, RESPONSE, 4);
}

static bool is_late(struct bench *b)
{
    return in(&b->f, ERRORS, 2) & 1;
}

static uint32_t app_command(struct bench *b, unsigned index, unsigned type, uint32_t argument)
{
    command(b, 55, SHORT, (uint32_t)b->address << 16);
    return command(b, index, type, argument);
}

/* 4.2.3 and 4.7.4: from the power to the transfer state. */
static void identify(struct bench *b)
{
    command(b, 0, NONE, 0);
    assert_int_equal(command(b, 8, SHORT, 0x1aa), 0x1aa);
    while (!(app_command(b, 41, SHORT, 0x40300000) >> 31))
        assert_false(is_late(b));
    command(b, 2, LONG, 0);
    b->address = (uint16_t)(command(b, 3, SHORT, 0) >> 16);
    command(b, 7, BUSY, (uint32_t)b->address << 16);
    assert_int_equal(in(&b->f, CAUSES, 2), DONE_COMMAND | DONE_DATA);
    assert_int_equal(command(b, 13, SHORT, (uint32_t)b->address << 16) >> 9 & 15, 4);
}

static void begin(struct bench *b)
{
    begin_with(b, DISK_WRITABLE, CARD_BYTES);
    identify(b);
}

static void end(struct bench *b)
{
    bench_end(&b->f);
}

/* CMD17 or CMD24, of one block of 512 bytes by the port. */
static void test_a_block_is_read_and_written_by_the_port(void **state)
{
    static struct bench b;
    char back;

    (void)state;
    begin(&b);
    out(&b.f, BLOCK, 4, 512);
    out(&b.f, MODE, 2, MODE_READ);
    command(&b, 17, SHORT | DATA, 512 * 2);
    assert_int_equal(in(&b.f, CAUSES, 2), DONE_COMMAND | 0x20);
    assert_int_equal(in(&b.f, PRESENT, 4) & 0xf00, 0xa00);
    assert_int_equal(in(&b.f, PORT, 4), 3);
    for (unsigned n = 1; n < 128; n++)
        assert_int_equal(in(&b.f, PORT, 4), 0);
    assert_int_equal(in(&b.f, CAUSES, 2), DONE_COMMAND | DONE_DATA | 0x20);
    assert_int_equal(in(&b.f, PORT, 4), 0);
    out(&b.f, MODE, 2, 0);
    command(&b, 24, SHORT | DATA, 512 * 9);
    for (unsigned n = 0; n < 512; n++)
        out(&b.f, PORT, 1, 'a' + n % 7);
    assert_int_equal(in(&b.f, CAUSES, 2), DONE_COMMAND | DONE_DATA | 0x10);
    assert_true(disk_read(&b.f.disk, 512 * 10 - 1, &back, 1));
    assert_int_equal(back, 'a' + 511 % 7);
    out(&b.f, BLOCK, 4, 4); /* ACMD22: how many blocks were written */
    out(&b.f, MODE, 2, MODE_READ);
    app_command(&b, 22, SHORT | DATA, 0);
    assert_int_equal(in(&b.f, PORT, 4), UINT32_C(1) << 24);
    end(&b);
}

/* Two descriptors, the second reached by a link. */
static void test_blocks_go_by_adma2(void **state)
{
    static struct bench b;

    (void)state;
    begin(&b);
    poke(&b.f.d, BUFFERS, 8, (BUFFERS + 0x1000) << 32 | 700u << 16 | 0x21);
    poke(&b.f.d, BUFFERS + 8, 8, (BUFFERS + 0x100) << 32 | 0x31);
    poke(&b.f.d, BUFFERS + 0x100, 8, (BUFFERS + 0x2000) << 32 | 836u << 16 | 0x23);
    out(&b.f, HOST, 1, 0x10);
    out(&b.f, ADMA, 8, BUFFERS);
    out(&b.f, BLOCK, 4, 512 | 3 << 16);
    out(&b.f, MODE, 2, MODE_MULTI | 1);
    command(&b, 18, SHORT | DATA, 512 * 4);
    assert_int_equal(in(&b.f, CAUSES, 4), DONE_COMMAND | DONE_DATA);
    assert_int_equal(peek(&b.f.d, BUFFERS + 0x1000, 4), 5);
    assert_int_equal(peek(&b.f.d, BUFFERS + 0x1000 + 512, 4), 6);
    assert_int_equal(peek(&b.f.d, BUFFERS + 0x2000 + 1024 - 700, 4), 7);
    assert_int_equal(in(&b.f, BLOCK + 2, 2), 0);
    assert_int_equal(command(&b, 13, SHORT, (uint32_t)b.address << 16) >> 9 & 15, 4);

    out(&b.f, BLOCK, 4, 512 | 4 << 16); /* the descriptors end before the blocks */
    out(&b.f, ADMA, 8, BUFFERS);
    command(&b, 18, SHORT | DATA, 0);
    assert_int_equal(in(&b.f, ERRORS, 2), 0x200);
    assert_int_equal(in(&b.f, 0x54, 1), 3);
    out(&b.f, RESET, 1, 6);
    command(&b, 12, BUSY, 0);
    poke(&b.f.d, BUFFERS, 8, 0); /* none */
    out(&b.f, ADMA, 8, BUFFERS);
    command(&b, 18, SHORT | DATA, 0);
    assert_int_equal(in(&b.f, ERRORS, 2), 0x200);
    end(&b);
}

/* Its buffer ends every 4 KiB; 12 blocks are more than one. */
static void test_sdma_stops_at_the_end_of_its_buffer(void **state)
{
    static struct bench b;

    (void)state;
    begin(&b);
    out(&b.f, SIGNAL, 4, 8);
    out(&b.f, SYSTEM, 4, BUFFERS);
    out(&b.f, BLOCK, 4, 512 | 12 << 16);
    out(&b.f, MODE, 2, MODE_MULTI | 1);
    command(&b, 18, SHORT | DATA, 0);
    assert_int_equal(in(&b.f, CAUSES, 4), DONE_COMMAND | 8);
    assert_true(b.f.pin);
    assert_int_equal(in(&b.f, SYSTEM, 4), BUFFERS + 4096);
    assert_int_equal(peek(&b.f.d, BUFFERS + 4096 - 512, 1), 8);
    out(&b.f, CAUSES, 4, 8);
    assert_false(b.f.pin);
    out(&b.f, SYSTEM, 4, BUFFERS + 0x4000);
    assert_int_equal(in(&b.f, CAUSES, 4), DONE_COMMAND | DONE_DATA);
    assert_int_equal(peek(&b.f.d, BUFFERS + 0x4000, 1), 9);
    assert_int_equal(peek(&b.f.d, BUFFERS + 0x4000 + 3 * 512, 1), 12);
    end(&b);
}

static void test_what_is_not_there_is_an_error(void **state)
{
    static struct bench b;

    (void)state;
    begin(&b);
    command(&b, 5, SHORT, 0); /* no card with I/O */
    assert_true(is_late(&b));
    assert_true(command(&b, 13, SHORT, (uint32_t)b.address << 16) & 0x00400000);
    assert_false(command(&b, 13, SHORT, (uint32_t)b.address << 16) & 0x00400000);
    out(&b.f, BLOCK, 4, 512 | 2 << 16);
    out(&b.f, MODE, 2, MODE_MULTI);
    command(&b, 18, SHORT | DATA, CARD_BYTES - 512);
    for (unsigned n = 0; n < 128; n++)
        (void)in(&b.f, PORT, 4);
    assert_int_equal(in(&b.f, ERRORS, 2), 0x10);
    assert_true(command(&b, 13, SHORT, (uint32_t)b.address << 16) >> 31);
    command(&b, 17, SHORT | DATA, CARD_BYTES);
    assert_true(in(&b.f, RESPONSE, 4) >> 31);
    assert_int_equal(in(&b.f, ERRORS, 2), 0x10);
    out(&b.f, CLOCK, 2, 1); /* the card has no clock */
    command(&b, 13, SHORT, (uint32_t)b.address << 16);
    assert_true(is_late(&b));
    end(&b);
}

static void test_a_card_that_is_only_read_says_so(void **state)
{
    static struct bench b;

    (void)state;
    begin_with(&b, DISK_READONLY, CARD_BYTES);
    identify(&b);
    assert_false(in(&b.f, PRESENT, 4) & 0x00080000);
    out(&b.f, BLOCK, 4, 512);
    out(&b.f, MODE, 2, 0);
    assert_true(command(&b, 24, SHORT | DATA, 0) & 0x04000000);
    end(&b);
}

static void test_what_is_erased_is_zeros_while_time_passes(void **state)
{
    static struct bench b;
    char block[512 * 3];

    (void)state;
    begin(&b);
    command(&b, 32, SHORT, 512);
    command(&b, 33, SHORT, 512 * 2);
    command(&b, 38, BUSY, 0);
    for (unsigned n = 0; n < 8 && !(in(&b.f, CAUSES, 2) & DONE_DATA); n++)
        clock_run(&b.f.d.clock, b.f.d.clock.now_ns + 1000);
    assert_true(in(&b.f, CAUSES, 2) & DONE_DATA);
    assert_true(disk_read(&b.f.disk, 0, block, sizeof(block)));
    assert_int_equal(block[0], 1);
    assert_int_equal(block[512], 0);
    assert_int_equal(block[1024], 0);
    assert_true(disk_read(&b.f.disk, 512 * 3, block, 1));
    assert_int_equal(block[0], 4);
    assert_true(command(&b, 38, BUSY, 0) >> 28 & 1); /* nothing was said of what */
    end(&b);
}

/* Of more than 2 GiB: addresses are of blocks, and the CSD is another. */
static void test_a_large_card_is_one_of_high_capacity(void **state)
{
    static struct bench b;

    (void)state;
    begin_with(&b, DISK_SNAPSHOT, (off_t)3 << 30);
    command(&b, 0, NONE, 0);
    command(&b, 8, SHORT, 0x1aa);
    assert_int_equal(app_command(&b, 41, SHORT, 0x00300000) >> 31, 0); /* unless the host knows */
    assert_int_equal(app_command(&b, 41, SHORT, 0x40300000) >> 30, 3);
    command(&b, 2, LONG, 0);
    b.address = (uint16_t)(command(&b, 3, SHORT, 0) >> 16);
    command(&b, 9, LONG, (uint32_t)b.address << 16);
    assert_int_equal(in(&b.f, RESPONSE + 12, 4) >> 22, 1);
    assert_int_equal(in(&b.f, RESPONSE + 5, 1) | in(&b.f, RESPONSE + 6, 1) << 8, (3 << 11) - 1);
    command(&b, 7, BUSY, (uint32_t)b.address << 16);
    out(&b.f, BLOCK, 4, 512);
    out(&b.f, MODE, 2, MODE_READ);
    command(&b, 17, SHORT | DATA, 2);
    assert_int_equal(in(&b.f, PORT, 4), 3);
    end(&b);
}

static void test_a_size_that_no_card_has_is_refused(void **state)
{
    static struct function_bench f;
    struct sd_card card;
    struct arm_error err;

    (void)state;
    bench_begin(&f, DISK_SNAPSHOT, 65536);
    assert_int_equal(sd_card_init(&card, &f.disk, &err), -ARM_EINVAL);
    assert_non_null(strstr(err.text, "65536 bytes: an SD card has"));
    bench_end(&f);
}

/* A snapshot in the middle of a block. */
static void test_a_block_goes_on_in_a_restored_machine(void **state)
{
    static struct bench a, b;
    struct state_io saved, restored;

    (void)state;
    begin(&a);
    begin(&b);
    out(&a.f, BLOCK, 4, 512);
    out(&a.f, MODE, 2, MODE_READ);
    command(&a, 17, SHORT | DATA, 512 * 5);
    state_io_save(&saved);
    pci_host_state(&saved, &a.f.host);
    state_io_restore(&restored, saved.out, saved.len);
    pci_host_state(&restored, &b.f.host);
    assert_false(state_failed(&restored));
    assert_int_equal(in(&b.f, PORT, 2), 6);
    for (unsigned n = 2; n < 512; n += 2)
        (void)in(&b.f, PORT, 2);
    assert_int_equal(in(&b.f, CAUSES, 2), DONE_COMMAND | DONE_DATA | 0x20);
    state_io_destroy(&saved);
    end(&a);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_is_read_and_written_by_the_port),
        cmocka_unit_test(test_blocks_go_by_adma2),
        cmocka_unit_test(test_sdma_stops_at_the_end_of_its_buffer),
        cmocka_unit_test(test_what_is_not_there_is_an_error),
        cmocka_unit_test(test_a_card_that_is_only_read_says_so),
        cmocka_unit_test(test_what_is_erased_is_zeros_while_time_passes),
        cmocka_unit_test(test_a_large_card_is_one_of_high_capacity),
        cmocka_unit_test(test_a_size_that_no_card_has_is_refused),
        cmocka_unit_test(test_a_block_goes_on_in_a_restored_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
