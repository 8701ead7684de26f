/* The NVMe controller: queues, data by physical region pages, and what is refused. */
#include "devices/nvme.h"

#include "base/state_io.h"
#include "tests/devices/function_bench.h"

enum { CAP = 0, CC = 0x14, CSTS = 0x1c, AQA = 0x24, ASQ = 0x28, ACQ = 0x30, BELLS = 0x1000 };

/* Queue n in RAM: commands, and answers; then buffers. */
#define ENTRIES  8
#define SQ(n)    (RAM + (n)*0x2000)
#define CQ(n)    (RAM + (n)*0x2000 + 0x1000)
#define LIST     (RAM + 0x8000)
#define DATA     (RAM + 0x10000)
#define COMMANDS 64

struct bench {
    struct function_bench b;
    struct nvme dev;
    unsigned tail[2], head[2];
};

static void enable(struct bench *b)
{
    struct function_bench *f = &b->b;

    memset(b->tail, 0, sizeof(b->tail));
    memset(b->head, 0, sizeof(b->head));
    out(f, CC, 4, 0);
    out(f, AQA, 4, (ENTRIES - 1) << 16 | (ENTRIES - 1));
    out(f, ASQ, 8, SQ(0));
    out(f, ACQ, 8, CQ(0));
    out(f, CC, 4, 0x460001);
}

static void start_of(struct bench *b, enum disk_mode mode, off_t bytes, unsigned vectors,
                     uint32_t block)
{
    bench_begin(&b->b, mode, bytes);
    assert_int_equal(nvme_init(&b->dev,
                               &(struct nvme_config){.disk = &b->b.disk,
                                                     .block = block,
                                                     .serial = "S123",
                                                     .unit = 7,
                                                     .vectors = vectors,
                                                     .mem = &b->b.d.mem,
                                                     .clock = &b->b.d.clock},
                               &b->b.d.log, NULL),
                     0);
    bench_plug(&b->b, &b->dev.function, 0);
    enable(b);
    assert_int_equal(in(&b->b, CSTS, 4), 1);
}

static void start_with(struct bench *b, enum disk_mode mode, off_t bytes, unsigned vectors)
{
    start_of(b, mode, bytes, vectors, 0);
}

/* Put a command in queue @q, with the dwords given from the tenth on. */
static void give(struct bench *b, unsigned q, unsigned opcode, uint64_t prp1, uint64_t prp2,
                 uint32_t dw10, uint32_t dw11, uint32_t dw12)
{
    uint64_t at = SQ(q) + COMMANDS * b->tail[q];

    for (unsigned i = 0; i < COMMANDS; i += 8)
        poke(&b->b.d, at + i, 8, 0);
    poke(&b->b.d, at, 4, opcode | (0x100 + b->tail[q]) << 16);
    poke(&b->b.d, at + 4, 4, 1);
    poke(&b->b.d, at + 24, 8, prp1);
    poke(&b->b.d, at + 32, 8, prp2);
    poke(&b->b.d, at + 40, 4, dw10);
    poke(&b->b.d, at + 44, 4, dw11);
    poke(&b->b.d, at + 48, 4, dw12);
    b->tail[q] = (b->tail[q] + 1) % ENTRIES;
    out(&b->b, BELLS + 8 * q, 4, b->tail[q]);
}

/* Take the next answer: its status. */
static unsigned answer(struct bench *b, unsigned q)
{
    uint64_t at = CQ(q) + 16 * b->head[q], status = peek(&b->b.d, at + 12, 4);

    assert_int_equal(peek(&b->b.d, at + 10, 2), q);
    assert_int_equal(b->dev.completions[q].tail, (b->head[q] + 1) % ENTRIES);
    b->head[q] = (b->head[q] + 1) % ENTRIES;
    out(&b->b, BELLS + 8 * q + 4, 4, b->head[q]);
    return (unsigned)(status >> 17);
}

static unsigned command(struct bench *b, unsigned q, unsigned opcode, uint64_t prp1, uint64_t prp2,
                        uint32_t dw10, uint32_t dw11, uint32_t dw12)
{
    driver_wait(&b->b.d, 2);
    give(b, q, opcode, prp1, prp2, dw10, dw11, dw12);
    return answer(b, q);
}

static void make_queues(struct bench *b)
{
    assert_int_equal(command(b, 0, 5, CQ(1), 0, (ENTRIES - 1) << 16 | 1, 3, 0), 0);
    assert_int_equal(command(b, 0, 1, SQ(1), 0, (ENTRIES - 1) << 16 | 1, 1 << 16 | 1, 0), 0);
}

static void test_it_says_what_it_is(void **state)
{
    struct bench b;

    (void)state;
    start_with(&b, DISK_SNAPSHOT, SECTORS * 512, 4);
    assert_int_equal(device_read(&b.b.host.ecam, PCI_DEVFN(1, 0) << 12 | 8, 4), 0x01080202);
    assert_int_equal(in(&b.b, CAP, 4), 1023 | 1 << 16 | 15 << 24);
    assert_int_equal(in(&b.b, 8, 4), 0x00010400);
    assert_int_equal(command(&b, 0, 6, DATA, 0, 1, 0, 0), 0);
    assert_memory_equal(physmem_ram(&b.b.d.mem, pa(DATA + 4), 8), "S123    ", 8);
    assert_int_equal(peek(&b.b.d, DATA + 516, 4), 1);
    assert_int_equal(command(&b, 0, 6, DATA, 0, 0, 0, 0), 0);
    assert_int_equal(peek(&b.b.d, DATA, 8), SECTORS);
    assert_int_equal(peek(&b.b.d, DATA + 130, 1), 9);
    assert_int_equal(command(&b, 0, 6, DATA, 0, 3, 0, 0), 0);
    assert_int_equal(peek(&b.b.d, DATA, 2), 0x1003);
    assert_int_equal(command(&b, 0, 6, DATA, 0, 99, 0, 0), 2);
    assert_int_equal(command(&b, 0, 2, DATA, 0, 127 << 16 | 2, 0, 0), 0);
    assert_int_equal(peek(&b.b.d, DATA + 1, 2), 323);
    assert_int_equal(command(&b, 0, 2, DATA, 0, 127 << 16 | 9, 0, 0), 0x109);
    assert_int_equal(command(&b, 0, 9, 0, 0, 7, 0x00ff00ff, 0), 0);
    assert_int_equal(peek(&b.b.d, CQ(0) + 16 * ((b.head[0] + ENTRIES - 1) % ENTRIES), 4), 0xf000f);
    assert_int_equal(command(&b, 0, 0x77, 0, 0, 0, 0, 0), 1);
    bench_end(&b.b);
}

static void test_blocks_may_be_of_4096_bytes(void **state)
{
    struct bench b;

    (void)state;
    start_of(&b, DISK_SNAPSHOT, SECTORS * 512, 4, 4096);
    make_queues(&b);
    assert_int_equal(command(&b, 0, 6, DATA, 0, 0, 0, 0), 0);
    assert_int_equal(peek(&b.b.d, DATA, 8), SECTORS / 8);
    assert_int_equal(peek(&b.b.d, DATA + 130, 1), 12);
    assert_int_equal(command(&b, 1, 2, DATA, 0, 1, 0, 0), 0);
    assert_int_equal(peek(&b.b.d, DATA, 1), 9);
    assert_int_equal(peek(&b.b.d, DATA + 7 * 512, 1), 16);
    assert_int_equal(command(&b, 1, 2, DATA, 0, SECTORS / 8, 0, 0), 0x80);
    bench_end(&b.b);
}

static void test_blocks_are_moved_by_every_form_of_region_pages(void **state)
{
    struct bench b;

    (void)state;
    start_with(&b, DISK_SNAPSHOT, SECTORS * 512, 4);
    make_queues(&b);
    /* One page, and an offset in it */
    assert_int_equal(command(&b, 1, 2, DATA + 0x200, 0, 5, 0, 0), 0);
    assert_int_equal(peek(&b.b.d, DATA + 0x200, 1), 6);
    /* Two pages: the second is the second entry */
    assert_int_equal(command(&b, 1, 2, DATA + 0xe00, DATA + 0x5000, 8, 0, 1), 0);
    assert_int_equal(peek(&b.b.d, DATA + 0xe00, 1), 9);
    assert_int_equal(peek(&b.b.d, DATA + 0x5000, 1), 10);
    /* A list that goes on in another page: the last entry of the first leads there. */
    poke(&b.b.d, LIST + 0xff0, 8, DATA + 0x3000);
    poke(&b.b.d, LIST + 0xff8, 8, LIST + 0x1000);
    poke(&b.b.d, LIST + 0x1000, 8, DATA + 0x1000);
    poke(&b.b.d, LIST + 0x1008, 8, DATA + 0x2000);
    assert_int_equal(command(&b, 1, 2, DATA, LIST + 0xff0, 0, 0, 31), 0);
    assert_int_equal(peek(&b.b.d, DATA + 0x3000, 1), 9);
    assert_int_equal(peek(&b.b.d, DATA + 0x1000, 1), 17);
    assert_int_equal(peek(&b.b.d, DATA + 0x2000, 1), 25);
    poke(&b.b.d, DATA + 0x1e00, 1, 0x5a);
    assert_int_equal(command(&b, 1, 1, DATA + 0x1e00, 0, 63, 0, 0), 0);
    assert_int_equal(command(&b, 1, 0, 0, 0, 0, 0, 0), 0);
    assert_int_equal(command(&b, 1, 2, DATA, 0, 63, 0, 0), 0);
    assert_int_equal(peek(&b.b.d, DATA, 1), 0x5a);
    /* Write Zeroes; Dataset Management drops block 1 */
    assert_int_equal(command(&b, 1, 8, 0, 0, 63, 0, 0), 0);
    poke(&b.b.d, DATA, 8, UINT64_C(1) << 32);
    poke(&b.b.d, DATA + 8, 8, 1);
    assert_int_equal(command(&b, 1, 9, DATA, 0, 0, 4, 0), 0);
    assert_int_equal(command(&b, 1, 2, DATA, 0, 63, 0, 0), 0);
    assert_int_equal(peek(&b.b.d, DATA, 1), 0);
    assert_int_equal(command(&b, 1, 2, DATA, 0, 1, 0, 0), 0);
    assert_int_equal(peek(&b.b.d, DATA, 1), 0);
    bench_end(&b.b);
}

static void test_what_is_wrong_is_refused_by_its_status(void **state)
{
    static const struct {
        unsigned q, opcode;
        uint64_t prp1, prp2;
        uint32_t dw10, dw11, dw12;
        unsigned status;
    } rows[] = {
        {1, 2, DATA, 0, 64, 0, 0, 0x80},
        {1, 2, DATA, 0, 0, 0xffffffff, 0, 0x80},
        {1, 2, DATA, LIST, 0, 0, 63, 0x04},
        {1, 2, DATA + 2, 0, 0, 0, 0, 0x13},
        {1, 2, 0x1000, 0, 0, 0, 0, 0x04},
        {1, 2, DATA, DATA + 0x1008, 0, 0, 8, 0x13},
        {1, 2, DATA, LIST + 4, 0, 0, 63, 0x13},
        {1, 1, DATA, 0, 0, 0, 0, 0x20},
        {1, 8, 0, 0, 0, 0, 0, 0x20},
        {1, 0x7f, 0, 0, 0, 0, 0, 0x01},
        {0, 5, CQ(1), 0, 7 << 16 | 1, 3, 0, 0x101},
        {0, 5, CQ(1), 0, 7 << 16 | 99, 3, 0, 0x101},
        {0, 5, CQ(1), 0, 2, 3, 0, 0x102},
        {0, 5, CQ(1), 0, 0xffff0002, 3, 0, 0x102},
        {0, 5, CQ(1) + 8, 0, 7 << 16 | 2, 3, 0, 0x13},
        {0, 5, CQ(1), 0, 7 << 16 | 2, 9 << 16 | 3, 0, 0x108},
        {0, 1, SQ(1), 0, 7 << 16 | 2, 9 << 16 | 1, 0, 0x100},
        {0, 4, 0, 0, 1, 0, 0, 0x10c},
        {0, 4, 0, 0, 2, 0, 0, 0x101},
        {0, 0, 0, 0, 0, 0, 0, 0x101},
        {0, 10, 0, 0, 0x33, 0, 0, 0x02},
    };
    struct bench b;

    (void)state;
    start_with(&b, DISK_READONLY, SECTORS * 512, 4);
    make_queues(&b);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(command(&b, rows[i].q, rows[i].opcode, rows[i].prp1, rows[i].prp2,
                                 rows[i].dw10, rows[i].dw11, rows[i].dw12),
                         rows[i].status);
    assert_int_equal(command(&b, 0, 0, 0, 0, 1, 0, 0), 0);
    assert_int_equal(command(&b, 0, 4, 0, 0, 1, 0, 0), 0);
    bench_end(&b.b);
}

/* A full completion queue stops its submission queue until the driver has taken answers. */
static void test_answers_wait_for_room(void **state)
{
    struct bench b;

    (void)state;
    start_with(&b, DISK_READONLY, SECTORS * 512, 0);
    make_queues(&b);
    driver_wait(&b.b.d, 2);
    for (unsigned i = 0; i < ENTRIES - 1; i++)
        give(&b, 1, 0, 0, 0, 0, 0, 0);
    assert_int_equal(b.dev.completions[1].tail, ENTRIES - 1);
    give(&b, 1, 0, 0, 0, 0, 0, 0);
    assert_int_equal(b.dev.submissions[1].head, ENTRIES - 1);
    assert_true(b.b.pin);
    b.head[1] = 2;
    out(&b.b, BELLS + 12, 4, b.head[1]);
    assert_int_equal(b.dev.submissions[1].head, 0);
    b.head[1] = 0;
    out(&b.b, BELLS + 12, 4, b.head[1]);
    assert_false(b.b.pin);
    bench_end(&b.b);
}

static void test_interrupts_are_messages_of_their_queues(void **state)
{
    struct bench b;

    (void)state;
    start_with(&b, DISK_READONLY, SECTORS * 512, 4);
    bench_config(&b.b, b.dev.function.msix.cap + 2, 2, 0x8000);
    for (unsigned v = 0; v < 4; v++) {
        uint64_t at = MSIX_AT - MEMORY + 16 * v;
        device_write(&b.b.host.memory.dev, at, 4, 0x8080000);
        device_write(&b.b.host.memory.dev, at + 8, 4, 0x70 + v);
        device_write(&b.b.host.memory.dev, at + 12, 4, 0);
    }
    assert_int_equal(command(&b, 0, 5, CQ(1), 0, 7 << 16 | 1, 2 << 16 | 3, 0), 0);
    assert_int_equal(b.b.data, 0x70);
    assert_int_equal(command(&b, 0, 1, SQ(1), 0, 7 << 16 | 1, 1 << 16 | 1, 0), 0);
    assert_int_equal(command(&b, 1, 0, 0, 0, 0, 0, 0), 0);
    assert_int_equal(b.b.messages, 3);
    assert_int_equal(b.b.data, 0x72);
    assert_false(b.b.pin);
    bench_end(&b.b);
}

/* Sixteen reads of 128 KiB do not fit in the microsecond. */
static void test_long_work_goes_on_while_the_guest_runs(void **state)
{
    struct bench b;
    unsigned steps = 0;

    (void)state;
    start_with(&b, DISK_READONLY, 1 << 20, 0);
    make_queues(&b);
    for (unsigned i = 0; i < 32; i++)
        poke(&b.b.d, LIST + 8 * i, 8, DATA + 0x1000 * i);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 7; i++)
            give(&b, 1, 2, DATA, LIST, 0, 0, 255);
        for (; b.dev.submissions[1].head != b.dev.submissions[1].tail; steps++) {
            assert_true(steps < 8);
            driver_wait(&b.b.d, 1);
        }
        b.head[1] = b.dev.completions[1].tail;
        out(&b.b, BELLS + 12, 4, b.head[1]);
    }
    assert_in_range(steps, 1, 4);
    bench_end(&b.b);
}

static void test_nothing_moves_without_bus_master_and_errors_are_fatal(void **state)
{
    struct bench b;

    (void)state;
    start_with(&b, DISK_READONLY, SECTORS * 512, 0);
    bench_config(&b.b, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    give(&b, 0, 6, DATA, 0, 1, 0, 0);
    assert_int_equal(b.dev.completions[0].tail, 0);
    bench_config(&b.b, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    assert_int_equal(answer(&b, 0), 0);
    out(&b.b, CC, 4, 0);
    out(&b.b, ASQ, 8, 0x1000); /* nothing is there */
    out(&b.b, CC, 4, 0x460001);
    out(&b.b, BELLS, 4, 1);
    assert_int_equal(in(&b.b, CSTS, 4), 3);
    out(&b.b, CC, 4, 0);
    assert_int_equal(in(&b.b, CSTS, 4), 0);
    out(&b.b, CC, 4, 0x460001 | 15 << 7); /* pages that are too large */
    assert_int_equal(in(&b.b, CSTS, 4), 2);
    enable(&b);
    assert_int_equal(command(&b, 0, 6, DATA, 0, 1, 0, 0), 0);
    bench_end(&b.b);
}

static void test_a_snapshot_keeps_its_queues(void **state)
{
    struct state_io saved, restored;
    struct bench b;

    (void)state;
    start_with(&b, DISK_READONLY, SECTORS * 512, 4);
    make_queues(&b);
    state_io_save(&saved);
    pci_host_state(&saved, &b.b.host);
    pci_host_reset(&b.b.host);
    assert_int_equal(in(&b.b, CSTS, 4), UINT32_MAX);
    state_io_restore(&restored, saved.out, saved.len);
    pci_host_state(&restored, &b.b.host);
    assert_false(state_failed(&restored));
    assert_int_equal(command(&b, 1, 2, DATA, 0, 5, 0, 0), 0);
    assert_int_equal(peek(&b.b.d, DATA, 1), 6);
    state_io_destroy(&saved);
    bench_end(&b.b);
}

static void test_garbage(void **state)
{
    uint64_t rng = test_seed(1);
    struct bench b;

    (void)state;
    start_with(&b, DISK_SNAPSHOT, SECTORS * 512, 4);
    for (unsigned round = 0; round < 500; round++) {
        enable(&b);
        (void)command(&b, 0, 5, CQ(1), 0, (ENTRIES - 1) << 16 | 1, 3, 0);
        (void)command(&b, 0, 1, SQ(1), 0, (ENTRIES - 1) << 16 | 1, 1 << 16 | 1, 0);
        for (unsigned i = 0; i < 0x400; i += 8) {
            uint64_t v = random_next(&rng) & 1 ? DATA + random_next(&rng) % 0x8000 : 0;
            poke(&b.b.d, LIST + i, 8, random_next(&rng) % 4 ? align_down(v, 4096) : v);
        }
        for (unsigned k = 0; k < 32; k++) {
            unsigned q = random_next(&rng) & 1;
            driver_wait(&b.b.d, 1);
            give(&b, q, (unsigned)(random_next(&rng) % 14),
                 DATA + random_next(&rng) % 0x1000 / 4 * 4,
                 random_next(&rng) % 4 ? LIST + random_next(&rng) % 0x400 / 8 * 8
                                       : random_next(&rng),
                 (uint32_t)(random_next(&rng) % 70), (uint32_t)(random_next(&rng) % 5),
                 (uint32_t)(random_next(&rng) % 300));
            uint64_t offset = align_down(random_next(&rng) % 0x1100, 4);
            if (random_next(&rng) % 8 == 0)
                out(&b.b, offset, 4, random_next(&rng) % 16);
            (void)in(&b.b, offset, 4);
            out(&b.b, BELLS + 8 * q + 4, 4, b.dev.completions[q].tail);
        }
    }
    pci_host_reset(&b.b.host);
    assert_false(b.b.pin);
    bench_end(&b.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_says_what_it_is),
        cmocka_unit_test(test_blocks_may_be_of_4096_bytes),
        cmocka_unit_test(test_blocks_are_moved_by_every_form_of_region_pages),
        cmocka_unit_test(test_what_is_wrong_is_refused_by_its_status),
        cmocka_unit_test(test_answers_wait_for_room),
        cmocka_unit_test(test_interrupts_are_messages_of_their_queues),
        cmocka_unit_test(test_long_work_goes_on_while_the_guest_runs),
        cmocka_unit_test(test_nothing_moves_without_bus_master_and_errors_are_fatal),
        cmocka_unit_test(test_a_snapshot_keeps_its_queues),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
