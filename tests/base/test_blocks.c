#include "base/blocks.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/random.h"

#define COUNT 2000
#define BYTES 16

/* What the array should hold: one number a block, 0: not there. */
struct model {
    uint64_t v[COUNT];
};

static void put(struct blocks *b, struct model *m, uint64_t n, uint64_t v)
{
    uint8_t *to = blocks_put(b, n);

    assert_non_null(to);
    memcpy(to, &v, sizeof(v));
    m->v[n] = v;
}

static void check(const struct blocks *b, const struct model *m)
{
    uint64_t used = 0, at = 0;

    for (uint64_t n = 0; n < COUNT; n++) {
        const uint8_t *got = blocks_get(b, n);
        assert_int_equal(got != NULL, m->v[n] != 0);
        if (got)
            assert_memory_equal(got, &m->v[n], sizeof(m->v[n]));
        used += got != NULL;
    }
    assert_int_equal(blocks_used(b), used);
    while ((at = blocks_next(b, at)) < COUNT) {
        assert_true(m->v[at++]);
        used--;
    }
    assert_int_equal(used, 0);
}

static void test_a_new_block_is_zero(void **state)
{
    static const uint8_t zeros[BYTES];
    struct blocks b;

    (void)state;
    assert_true(blocks_init(&b, BYTES, COUNT));
    assert_null(blocks_get(&b, COUNT - 1));
    assert_memory_equal(blocks_put(&b, COUNT - 1), zeros, BYTES);
    assert_int_equal(blocks_next(&b, 0), COUNT - 1);
    blocks_destroy(&b);
}

static void test_copies_are_independent(void **state)
{
    struct blocks b[8];
    struct model m[8] = {0};
    uint64_t s = test_seed(1);

    (void)state;
    assert_true(blocks_init(&b[0], BYTES, COUNT));
    for (unsigned k = 1; k < 8; k++)
        assert_true(blocks_copy(&b[k], &b[0]));
    for (unsigned round = 0; round < 20000; round++) {
        unsigned k = (unsigned)(random_next(&s) % 8), other = (unsigned)(random_next(&s) % 8);
        if (random_next(&s) % 100 == 0 && k != other) {
            blocks_destroy(&b[k]);
            assert_true(blocks_copy(&b[k], &b[other]));
            m[k] = m[other];
        } else {
            put(&b[k], &m[k], random_next(&s) % COUNT, random_next(&s) | 1);
        }
    }
    for (unsigned k = 0; k < 8; k++) {
        check(&b[k], &m[k]);
        blocks_destroy(&b[k]);
    }
}

/* Of one piece of memory, which stays as long as one of them does. */
static void test_blocks_of_one_room_go_one_by_one(void **state)
{
    enum { MANY = 600, SIZE = 4096 };
    struct blocks_room room;
    uint8_t bytes[SIZE];
    struct blocks a, b;

    (void)state;
    assert_true(blocks_init(&a, SIZE, COUNT));
    blocks_room_begin(&room, SIZE, MANY);
    assert_int_equal(room.left, MANY);
    for (unsigned n = 0; n < MANY; n++)
        assert_true(blocks_set_in(&a, n, memset(bytes, (int)n & 0xff, SIZE), &room));
    assert_int_equal(room.left, 0);
    assert_true(blocks_set_in(&a, MANY, memset(bytes, 1, SIZE), &room)); /* one more has its own */
    blocks_room_end(&room);
    assert_true(blocks_copy(&b, &a));
    for (unsigned n = 1; n <= MANY; n++)
        memset(blocks_put(&b, n), 0x55, SIZE);
    blocks_destroy(&a); /* but the first, which is shared */
    assert_int_equal(blocks_get(&b, 0)[SIZE - 1], 0);
    assert_int_equal(blocks_get(&b, MANY)[SIZE - 1], 0x55);
    blocks_destroy(&b);
    blocks_room_begin(&room, SIZE, 3);
    assert_int_equal(room.left, 0); /* few are not worth it */
    blocks_room_end(&room);
}

static void test_what_is_not_shared_is_found(void **state)
{
    struct blocks a, b;
    struct model m = {0};
    uint64_t n = 0;

    (void)state;
    assert_true(blocks_init(&a, BYTES, COUNT));
    for (uint64_t i = 0; i < COUNT; i += 3)
        put(&a, &m, i, i + 1);
    assert_true(blocks_copy(&b, &a));
    assert_int_equal(blocks_next_unshared(&a, &b, 0), COUNT);
    put(&b, &m, 4, 1);
    put(&a, &m, 1500, 1);
    n = blocks_next_unshared(&a, &b, 0);
    assert_int_equal(n, 4);
    n = blocks_next_unshared(&a, &b, n + 1);
    assert_int_equal(n, 1500);
    assert_int_equal(blocks_next_unshared(&a, &b, n + 1), COUNT);
    blocks_destroy(&a);
    blocks_destroy(&b);
}

/* What the owner of lent bytes has to say before they change. */
static void test_a_lent_block_is_kept_for_who_shares_it(void **state)
{
    uint8_t bytes[2][BYTES] = {{1}, {2}};
    struct blocks a, b;

    (void)state;
    assert_true(blocks_init(&a, BYTES, COUNT));
    assert_true(blocks_lend(&a, 3, bytes[0]) && blocks_lend(&a, 700, bytes[1]));
    assert_ptr_equal(blocks_get(&a, 3), bytes[0]);
    assert_true(blocks_keep(&a, 700)); /* nobody else has it: it goes */
    assert_ptr_equal(blocks_get(&a, 700), bytes[1]);
    assert_true(blocks_copy(&b, &a) && blocks_keep(&a, 3));
    assert_ptr_not_equal(blocks_get(&b, 3), bytes[0]);
    bytes[0][0] = 9;
    assert_int_equal(blocks_get(&b, 3)[0], 1);
    assert_true(blocks_keep_all(&a, false));
    bytes[1][0] = 9;
    assert_int_equal(blocks_get(&b, 700)[0], 2);
    assert_int_equal(blocks_used(&b), 2);
    assert_true(blocks_lend(&b, 3, bytes[0]) && blocks_keep_all(&b, true));
    assert_ptr_not_equal(blocks_get(&b, 3), bytes[0]);
    blocks_destroy(&a);
    blocks_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_block_is_zero),
        cmocka_unit_test(test_copies_are_independent),
        cmocka_unit_test(test_blocks_of_one_room_go_one_by_one),
        cmocka_unit_test(test_what_is_not_shared_is_found),
        cmocka_unit_test(test_a_lent_block_is_kept_for_who_shares_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
