/* The SMMU: streams, both stages, commands, events and errors, by tables in RAM. */
#include "base/bits.h"
#include "base/physmem.h"
#include "smmu/smmuv3.h"
#include "tests/devices/fixture.h"

#define RAM        UINT64_C(0x40000000)
#define RAM_BYTES  UINT64_C(0x100000)
#define STREAMS    (RAM + 0x10000) /* the stream table: 256 entries */
#define CONTEXT    (RAM + 0x20000)
#define S1_TABLES  (RAM + 0x30000) /* levels 1 to 3, a page each */
#define S2_TABLES  (RAM + 0x40000) /* likewise */
#define COMMANDS   (RAM + 0x50000) /* 16 */
#define EVENTS     (RAM + 0x60000) /* 4 */
#define STREAM     0x18
#define INPUT      UINT64_C(0x00005000) /* what stage 1 translates */
#define MIDDLE     UINT64_C(0x00009000) /* what it makes of it, for stage 2 */
#define OUTPUT     (RAM + 0x77000)
#define PAGE_FLAGS UINT64_C(0x743) /* a page: AF, inner shareable, EL0 may access it */

/* Registers, IHI 0070, 6.2. */
enum {
    CR0 = 0x20,
    GBPA = 0x44,
    IRQ_CTRL = 0x50,
    GERROR = 0x60,
    GERRORN = 0x64,
    STRTAB_BASE = 0x80,
    STRTAB_BASE_CFG = 0x88,
    CMDQ_BASE = 0x90,
    CMDQ_PROD = 0x98,
    CMDQ_CONS = 0x9c,
    EVENTQ_BASE = 0xa0,
    EVENTQ_PROD = 0x100a8,
    EVENTQ_CONS = 0x100ac,
};

struct bench {
    struct physmem mem;
    struct smmuv3 smmu;
    unsigned pulses[SMMUV3_LINES];
};

static void count(void *ctx, unsigned n, bool level)
{
    ((struct bench *)ctx)->pulses[n] += level;
}

static void put(struct bench *b, uint64_t at, uint64_t value)
{
    assert_true(physmem_write(&b->mem, pa(at), &value, sizeof(value)));
}

static uint64_t get(struct bench *b, uint64_t at)
{
    uint64_t value;

    assert_true(physmem_read(&b->mem, pa(at), &value, sizeof(value)));
    return value;
}

static void set(struct bench *b, uint64_t offset, unsigned size, uint64_t value)
{
    device_write(&b->smmu.dev, offset, size, value);
}

static uint64_t reg(struct bench *b, uint64_t offset)
{
    return device_read(&b->smmu.dev, offset, 4);
}

/* Words of the stream's entry and context descriptor. */
static void ste(struct bench *b, unsigned word, uint64_t value)
{
    put(b, STREAMS + STREAM * 64 + 8 * word, value);
}

static void cd(struct bench *b, unsigned word, uint64_t value)
{
    put(b, CONTEXT + 8 * word, value);
}

#define STE_BYPASS UINT64_C(0x9)
#define STE_STAGE1 (CONTEXT | 0xb)
#define STE_STAGE2 UINT64_C(0xd)
#define STE_NESTED (CONTEXT_IPA | 0xf)
/* T0SZ 32, 4 KiB, EPD1, V, 44 bits, AA64, R, A. */
#define CD_WORD (32 | BIT(30) | BIT(31) | UINT64_C(4) << 32 | BIT(41) | BIT(45) | BIT(46))
/* VMID 3, T0SZ 32 from level 1, 4 KiB, 44 bits, AA64, R. */
#define S2_WORD (3 | UINT64_C(0x40060) << 32 | BIT(51) | BIT(58))
/* Stage 2 maps the first pages from IPA 0x100000 to CONTEXT and S1_TABLES.. */
#define CONTEXT_IPA UINT64_C(0x100000)
#define TABLES_IPA  UINT64_C(0x101000)

static void stage1_tables(struct bench *b, uint64_t where, uint64_t output)
{
    put(b, S1_TABLES, (where + 0x1000) | 3);
    put(b, S1_TABLES + 0x1000, (where + 0x2000) | 3);
    put(b, S1_TABLES + 0x2000 + (INPUT >> 12) * 8, output | PAGE_FLAGS);
    cd(b, 0, CD_WORD);
    cd(b, 1, where);
    cd(b, 3, 0xff);
}

static void stage2_page(struct bench *b, uint64_t from, uint64_t to)
{
    put(b, S2_TABLES + 0x2000 + (from >> 12) * 8, to | 0x7ff);
}

static void stage2_tables(struct bench *b)
{
    put(b, S2_TABLES, (S2_TABLES + 0x1000) | 3);
    put(b, S2_TABLES + 0x1000, (S2_TABLES + 0x2000) | 3);
    stage2_page(b, MIDDLE, OUTPUT);
    stage2_page(b, CONTEXT_IPA, CONTEXT);
    for (unsigned n = 0; n < 3; n++)
        stage2_page(b, TABLES_IPA + 0x1000 * n, S1_TABLES + 0x1000 * n);
    ste(b, 2, S2_WORD);
    ste(b, 3, S2_TABLES);
}

static void begin(struct bench *b)
{
    static const struct arm_log quiet;
    struct irq_line lines[SMMUV3_LINES];
    struct arm_error err;

    *b = (struct bench){0};
    assert_int_equal(physmem_add_ram(&b->mem, pa(RAM), RAM_BYTES, &err), 0);
    for (unsigned n = 0; n < SMMUV3_LINES; n++)
        lines[n] = (struct irq_line){count, b, n};
    smmuv3_init(&b->smmu, &quiet, &b->mem, lines);
    set(b, STRTAB_BASE, 8, STREAMS);
    set(b, STRTAB_BASE_CFG, 4, 8);
    set(b, CMDQ_BASE, 8, COMMANDS | 4);
    set(b, EVENTQ_BASE, 8, EVENTS | 2);
    set(b, IRQ_CTRL, 4, 5);
    set(b, CR0, 4, 0xd);
    assert_int_equal(reg(b, CR0 + 4), 0xd);
}

static void end(struct bench *b)
{
    physmem_destroy(&b->mem);
}

static bool reaches(struct bench *b, uint64_t addr, bool write, uint64_t *out, uint64_t *bytes)
{
    uint64_t wanted = 0x10000;
    pa_t at = {0};
    bool good = smmuv3_translate(&b->smmu, STREAM, addr, write, &at, &wanted);

    if (out)
        *out = at.a;
    if (bytes)
        *bytes = wanted;
    return good;
}

/* The newest record: its number is @event; taken out of the queue. */
static void assert_event(struct bench *b, unsigned event, unsigned word, uint64_t mask,
                         uint64_t value)
{
    uint32_t cons = (uint32_t)reg(b, EVENTQ_CONS);
    uint64_t at = EVENTS + 32 * (uint64_t)(cons & 3);

    assert_int_not_equal(reg(b, EVENTQ_PROD), cons);
    assert_int_equal(get(b, at) & 0xff, event);
    assert_int_equal(get(b, at) >> 32, STREAM);
    assert_int_equal(get(b, at + 8 * word) & mask, value);
    set(b, EVENTQ_CONS, 4, (cons + 1) & 7);
}

static void test_without_smmuen_gbpa_decides(void **state)
{
    struct bench b;
    uint64_t out;

    (void)state;
    begin(&b);
    set(&b, CR0, 4, 0);
    assert_true(reaches(&b, 0x12345, false, &out, NULL));
    assert_int_equal(out, 0x12345);
    set(&b, GBPA, 4, BIT(20)); /* without UPDATE it is not taken */
    assert_true(reaches(&b, 0x12345, false, NULL, NULL));
    set(&b, GBPA, 4, BIT(31) | BIT(20));
    assert_int_equal(reg(&b, GBPA), BIT(20));
    assert_false(reaches(&b, 0x12345, false, NULL, NULL));
    assert_int_equal(reg(&b, EVENTQ_PROD), 0);
    end(&b);
}

static void test_streams_without_an_entry_are_recorded(void **state)
{
    struct bench b;
    uint64_t out;

    (void)state;
    begin(&b);
    assert_false(reaches(&b, INPUT, true, NULL, NULL));
    assert_event(&b, 0x04, 0, 0, 0); /* C_BAD_STE */
    assert_int_equal(b.pulses[SMMUV3_EVENTQ], 1);
    ste(&b, 0, 1); /* abort, of which nothing is recorded */
    assert_false(reaches(&b, INPUT, true, NULL, NULL));
    assert_int_equal(reg(&b, EVENTQ_PROD), reg(&b, EVENTQ_CONS));
    ste(&b, 0, STE_BYPASS);
    assert_true(reaches(&b, INPUT, true, &out, NULL));
    assert_int_equal(out, INPUT);

    set(&b, CR0, 4, 0xc);
    set(&b, STRTAB_BASE_CFG, 4, 4); /* 16 streams */
    set(&b, CR0, 4, 0xd);
    assert_false(reaches(&b, INPUT, true, NULL, NULL));
    assert_event(&b, 0x02, 0, 0, 0); /* C_BAD_STREAMID */
    end(&b);
}

static void test_a_table_of_two_levels(void **state)
{
    struct bench b;

    (void)state;
    begin(&b);
    ste(&b, 0, STE_BYPASS);
    set(&b, CR0, 4, 0xc);
    set(&b, STRTAB_BASE, 8, RAM + 0x70000);
    set(&b, STRTAB_BASE_CFG, 4, 16 | 6 << 6 | 1 << 16);
    set(&b, CR0, 4, 0xd);
    assert_false(reaches(&b, INPUT, true, NULL, NULL)); /* a span of none */
    assert_event(&b, 0x02, 0, 0, 0);
    put(&b, RAM + 0x70000, STREAMS | 5); /* of 16 streams */
    assert_false(reaches(&b, INPUT, true, NULL, NULL));
    assert_event(&b, 0x02, 0, 0, 0);
    put(&b, RAM + 0x70000, STREAMS | 7);
    assert_true(reaches(&b, INPUT, true, NULL, NULL));
    end(&b);
}

static void test_stage_1_translates_and_forbids(void **state)
{
    struct bench b;
    uint64_t out, bytes;

    (void)state;
    begin(&b);
    ste(&b, 0, STE_STAGE1);
    stage1_tables(&b, S1_TABLES, OUTPUT);
    assert_true(reaches(&b, INPUT + 0x123, true, &out, &bytes));
    assert_int_equal(out, OUTPUT + 0x123);
    assert_int_equal(bytes, 0x1000 - 0x123);

    assert_false(reaches(&b, INPUT + 0x1000, false, NULL, NULL));
    assert_event(&b, 0x10, 2, UINT64_MAX, INPUT + 0x1000); /* F_TRANSLATION */
    put(&b, S1_TABLES + 0x2000 + (INPUT >> 12) * 8, OUTPUT | PAGE_FLAGS | 0x80);
    assert_true(reaches(&b, INPUT, false, NULL, NULL));
    assert_false(reaches(&b, INPUT, true, NULL, NULL));
    assert_event(&b, 0x13, 1, BIT(35) | BIT(39) | MASK(41, 40), UINT64_C(2) << 40);
    put(&b, S1_TABLES + 0x2000 + (INPUT >> 12) * 8, OUTPUT | (PAGE_FLAGS & ~BIT(10)));
    assert_false(reaches(&b, INPUT, false, NULL, NULL));
    assert_event(&b, 0x12, 1, BIT(35), BIT(35)); /* F_ACCESS of a read */
    cd(&b, 0, CD_WORD | BIT(43));                /* HA */
    assert_true(reaches(&b, INPUT, false, NULL, NULL));
    assert_int_equal(get(&b, S1_TABLES + 0x2000 + (INPUT >> 12) * 8), OUTPUT | PAGE_FLAGS);
    end(&b);
}

static void test_context_descriptors_are_checked(void **state)
{
    static const uint64_t bad[] = {
        CD_WORD & ~BIT(31), /* V */
        CD_WORD & ~BIT(41), /* AA64 */
        CD_WORD & ~BIT(46), /* A, which SMMU_IDR0.TERM_MODEL demands */
        CD_WORD | BIT(44),  /* S, without a stall model */
        CD_WORD | 63,       /* T0SZ */
    };
    struct bench b;

    (void)state;
    begin(&b);
    ste(&b, 0, STE_STAGE1);
    stage1_tables(&b, S1_TABLES, OUTPUT);
    for (unsigned k = 0; k < ARRAY_SIZE(bad); k++) {
        cd(&b, 0, bad[k]);
        assert_false(reaches(&b, INPUT, false, NULL, NULL));
        assert_event(&b, 0x0a, 0, 0, 0); /* C_BAD_CD */
    }
    ste(&b, 0, UINT64_C(0x80000000) | 0xb);
    assert_false(reaches(&b, INPUT, false, NULL, NULL));
    assert_event(&b, 0x09, 3, UINT64_MAX, 0x80000000); /* F_CD_FETCH */
    end(&b);
}

static void test_stage_2_and_both(void **state)
{
    struct bench b;
    uint64_t out;

    (void)state;
    begin(&b);
    ste(&b, 0, STE_STAGE2);
    stage2_tables(&b);
    assert_true(reaches(&b, MIDDLE + 8, true, &out, NULL));
    assert_int_equal(out, OUTPUT + 8);
    assert_false(reaches(&b, MIDDLE + 0x1000, true, NULL, NULL));
    assert_event(&b, 0x10, 3, UINT64_MAX, MIDDLE + 0x1000);

    ste(&b, 0, STE_NESTED);
    stage1_tables(&b, TABLES_IPA, MIDDLE);
    assert_true(reaches(&b, INPUT + 16, true, &out, NULL));
    assert_int_equal(out, OUTPUT + 16);
    put(&b, S2_TABLES + 0x2000 + ((TABLES_IPA + 0x2000) >> 12) * 8, 0);
    assert_false(reaches(&b, INPUT, true, NULL, NULL));
    assert_event(&b, 0x10, 1, BIT(39) | MASK(41, 40), BIT(39) | UINT64_C(1) << 40);
    put(&b, S2_TABLES + 0x2000 + (CONTEXT_IPA >> 12) * 8, 0);
    assert_false(reaches(&b, INPUT, true, NULL, NULL));
    assert_event(&b, 0x10, 1, BIT(39) | MASK(41, 40), BIT(39));
    ste(&b, 2, S2_WORD & ~BIT(51));
    assert_false(reaches(&b, INPUT, true, NULL, NULL));
    assert_event(&b, 0x04, 0, 0, 0);
    end(&b);
}

static void command(struct bench *b, unsigned n, uint64_t word)
{
    put(b, COMMANDS + 16 * (uint64_t)n, word);
    put(b, COMMANDS + 16 * (uint64_t)n + 8, 0);
}

static void test_commands_stop_at_one_that_is_not_offered(void **state)
{
    struct bench b;

    (void)state;
    begin(&b);
    command(&b, 0, 0x30);           /* CMD_TLBI_NSNH_ALL */
    command(&b, 1, 0x46 | 1 << 12); /* CMD_SYNC with an interrupt */
    command(&b, 2, 0x40);           /* CMD_ATC_INV, without ATS */
    command(&b, 3, 0x46 | 1 << 12);
    set(&b, CMDQ_PROD, 4, 4);
    assert_int_equal(b.pulses[SMMUV3_CMD_SYNC], 1);
    assert_int_equal(reg(&b, CMDQ_CONS), 2 | 1 << 24); /* CERROR_ILL */
    assert_int_equal(reg(&b, GERROR), 1);
    assert_int_equal(b.pulses[SMMUV3_GERROR], 1);
    command(&b, 2, 0x46);
    set(&b, GERRORN, 4, 1);
    assert_int_equal(reg(&b, CMDQ_CONS) & 0x1f, 4);
    assert_int_equal(b.pulses[SMMUV3_CMD_SYNC], 2);
    end(&b);
}

static void test_a_full_event_queue_says_so_and_loses(void **state)
{
    struct bench b;

    (void)state;
    begin(&b);
    for (unsigned k = 0; k < 6; k++)
        assert_false(reaches(&b, INPUT, true, NULL, NULL));
    assert_int_equal(reg(&b, EVENTQ_PROD), BIT(31) | 4);
    assert_int_equal(b.pulses[SMMUV3_EVENTQ], 4);
    set(&b, EVENTQ_CONS, 4, BIT(31) | 1);
    assert_false(reaches(&b, INPUT, true, NULL, NULL));
    assert_int_equal(reg(&b, EVENTQ_PROD), BIT(31) | 5);

    set(&b, EVENTQ_CONS, 4, reg(&b, EVENTQ_PROD));
    set(&b, CR0, 4, 0x9);
    set(&b, EVENTQ_BASE, 8, 0x80000000 | 2);
    set(&b, CR0, 4, 0xd);
    assert_false(reaches(&b, INPUT, true, NULL, NULL));
    assert_int_equal(reg(&b, GERROR), BIT(2)); /* EVENTQ_ABT_ERR */
    end(&b);
}

/* Whatever the tables hold, an access ends, and where it may it reaches RAM's addresses only by
 * what they say. */
static void test_random_tables_end(void **state)
{
    uint64_t rng = test_seed(7);
    struct bench b;

    (void)state;
    begin(&b);
    for (unsigned k = 0; k < 20000; k++) {
        for (unsigned word = 0; word < 4; word++) {
            ste(&b, word, random_next(&rng) & random_next(&rng));
            cd(&b, word, random_next(&rng) & random_next(&rng));
        }
        if (k & 1)
            ste(&b, 0, STE_NESTED);
        reaches(&b, random_next(&rng) >> (random_next(&rng) & 63), k & 2, NULL, NULL);
        set(&b, EVENTQ_CONS, 4, reg(&b, EVENTQ_PROD));
        put(&b, COMMANDS + 8 * (random_next(&rng) & 31), random_next(&rng));
        set(&b, CMDQ_PROD, 4, random_next(&rng));
        set(&b, GERRORN, 4, reg(&b, GERROR));
    }
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_smmuen_gbpa_decides),
        cmocka_unit_test(test_streams_without_an_entry_are_recorded),
        cmocka_unit_test(test_a_table_of_two_levels),
        cmocka_unit_test(test_stage_1_translates_and_forbids),
        cmocka_unit_test(test_context_descriptors_are_checked),
        cmocka_unit_test(test_stage_2_and_both),
        cmocka_unit_test(test_commands_stop_at_one_that_is_not_offered),
        cmocka_unit_test(test_a_full_event_queue_says_so_and_loses),
        cmocka_unit_test(test_random_tables_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
