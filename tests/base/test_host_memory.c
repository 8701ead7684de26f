#define _GNU_SOURCE
#include "base/host_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static const size_t sizes[] = {
    1, 4096, HOST_LARGE_PAGE - 1, HOST_LARGE_PAGE, HOST_LARGE_PAGE + 1, 5 * HOST_LARGE_PAGE - 8};

#define COUNT (sizeof(sizes) / sizeof(sizes[0]))

static void test_it_is_aligned_zero_and_nobody_elses(void **state)
{
    uint8_t *p[COUNT];

    (void)state;
    for (unsigned k = 0; k < COUNT; k++) {
        p[k] = host_memory(sizes[k]);
        assert_non_null(p[k]);
        assert_int_equal((uintptr_t)p[k] % HOST_LARGE_PAGE, 0);
        for (size_t n = 0; n < sizes[k]; n++)
            assert_int_equal(p[k][n], 0);
        memset(p[k], (int)k + 1, sizes[k]);
    }
    for (unsigned k = 0; k < COUNT; k++) {
        assert_int_equal(p[k][0], k + 1);
        assert_int_equal(p[k][sizes[k] - 1], k + 1);
        host_memory_free(p[k], sizes[k]);
    }
    host_memory_free(NULL, 1);
}

static void test_what_the_host_has_not_is_not_there(void **state)
{
    (void)state;
    assert_null(host_memory(SIZE_MAX / 4));
    assert_null(host_memory(SIZE_MAX));
}

/* Advice never writes, however the piece lies. */
static void test_advice_changes_no_byte(void **state)
{
    size_t size = 3 * HOST_LARGE_PAGE;
    uint8_t *p = malloc(size);

    (void)state;
    assert_non_null(p);
    memset(p, 0x5a, size);
    for (size_t from = 0; from < size; from += HOST_LARGE_PAGE / 4 + 1)
        host_memory_advise(p + from, size - from);
    for (size_t n = 0; n < size; n++)
        assert_int_equal(p[n], 0x5a);
    free(p);
}

/* A page that nobody has touched takes no memory of the host. */
static void test_pages_are_there_when_they_are_touched(void **state)
{
#ifdef ARMILLARY_ASAN
    (void)state;
    skip(); /* they are calloc()'s */
#else
    enum { PAGES = 64, TOUCHED = 17 };
    uint8_t *p = host_pages((size_t)PAGES * 4096);
    unsigned char there[PAGES];

    (void)state;
    assert_non_null(p);
    assert_int_equal(p[TOUCHED * 4096 + 5], 0);
    p[TOUCHED * 4096 + 5] = 1;
    assert_int_equal(mincore(p, (size_t)PAGES * 4096, there), 0);
    for (unsigned k = 0; k < PAGES; k++)
        assert_int_equal(there[k] & 1, k == TOUCHED);
    host_pages_free(p, (size_t)PAGES * 4096);
    host_pages_free(NULL, 1);
    assert_null(host_pages(SIZE_MAX));
#endif
}

/* Where the host cannot, they come when they are touched. */
static void test_pages_that_are_found_are_all_there(void **state)
{
#ifdef ARMILLARY_ASAN
    (void)state;
    skip();
#else
    enum { PAGES = 64 };
    uint8_t *p = host_pages((size_t)PAGES * 4096);
    unsigned char there[PAGES];

    (void)state;
    assert_non_null(p);
    host_pages_find(p, (size_t)PAGES * 4096);
    assert_int_equal(mincore(p, (size_t)PAGES * 4096, there), 0);
    bool can = there[0] & 1;
    for (unsigned k = 0; k < PAGES; k++) {
        assert_int_equal(there[k] & 1, can);
        assert_int_equal(p[k * 4096], 0);
    }
    host_pages_free(p, (size_t)PAGES * 4096);
    if (!can)
        skip();
#endif
}

/* Has a host that gives large pages to who does not ask for them its way? */
static bool always_large(void)
{
    FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
    char text[64] = "";

    if (f) {
        (void)!fgets(text, sizeof(text), f);
        fclose(f);
    }
    return strstr(text, "[always]") != NULL;
}

static void test_what_is_for_later_is_small_first_and_stays_what_it_is(void **state)
{
    const size_t size = 2 * HOST_LARGE_PAGE - 1, at[] = {0, 4096 * 7 + 5, HOST_LARGE_PAGE + 9};
    static unsigned char there[2 * HOST_LARGE_PAGE / 4096];
    uint8_t *p = host_memory_for_later(size);
    unsigned count = 0;

    (void)state;
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % HOST_LARGE_PAGE, 0);
    for (unsigned k = 0; k < 3; k++)
        p[at[k]] = (uint8_t)(k + 1);
    assert_int_equal(mincore(p, size, there), 0);
    for (unsigned k = 0; k < sizeof(there); k++)
        count += there[k] & 1;
    assert_true(count == 3 || always_large());
    host_memory_enlarge(p, size);
    for (size_t n = 0; n < size; n++)
        if (n != at[0] && n != at[1] && n != at[2])
            assert_int_equal(p[n], 0);
    for (unsigned k = 0; k < 3; k++)
        assert_int_equal(p[at[k]], k + 1);
    host_memory_free(p, size);
    assert_null(host_memory_for_later(SIZE_MAX));
}

/* As code is: written at one place, and executed at the other. */
static void test_memory_at_two_places_may_become_large_and_stays_one(void **state)
{
    const size_t size = HOST_LARGE_PAGE;
    uint8_t *p[2];
    int fd = memfd_create("test", MFD_CLOEXEC);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    for (unsigned k = 0; k < 2; k++) {
        p[k] = host_memory_for_later(size);
        assert_ptr_equal(mmap(p[k], size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0),
                         p[k]);
    }
    close(fd);
    p[0][4096 * 7 + 5] = 1;
    p[1][9] = 2;
    bool large = host_memory_collapse(p[0], size);
    assert_int_equal(large, host_memory_collapse(p[1], size));
    p[0][size - 1] = 3;
    for (unsigned k = 0; k < 2; k++) {
        for (size_t n = 0; n < size; n++)
            assert_int_equal(p[k][n], n == 4096 * 7 + 5 ? 1 : n == 9 ? 2 : n == size - 1 ? 3 : 0);
        host_memory_free(p[k], size);
    }
    if (!large)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_aligned_zero_and_nobody_elses),
        cmocka_unit_test(test_what_the_host_has_not_is_not_there),
        cmocka_unit_test(test_pages_are_there_when_they_are_touched),
        cmocka_unit_test(test_pages_that_are_found_are_all_there),
        cmocka_unit_test(test_advice_changes_no_byte),
        cmocka_unit_test(test_what_is_for_later_is_small_first_and_stays_what_it_is),
        cmocka_unit_test(test_memory_at_two_places_may_become_large_and_stays_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
