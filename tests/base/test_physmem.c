#include "base/physmem.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <fcntl.h>

#include "base/log.h"
#include "base/source_file.h"
#include "tests/random.h"
#include "tests/temp_file.h"

#define BASE  UINT64_C(0x40000000)
#define PAGES 16384
#define SNAPS 12
#define MEMS  3

static struct physmem new_mem(void)
{
    struct physmem mem = {0};
    struct arm_error err;

    assert_int_equal(physmem_add_ram(&mem, pa(BASE), PAGES * PAGE_SIZE, &err), 0);
    return mem;
}

/* One number a page stands for its contents. */
struct model {
    uint64_t v[PAGES];
};

static void set(struct physmem *mem, struct model *m, uint64_t page, uint64_t v)
{
    assert_true(physmem_write(mem, pa(BASE + page * PAGE_SIZE + 8 * (v % 512)), &v, sizeof(v)));
    assert_true(physmem_write(mem, pa(BASE + page * PAGE_SIZE), &v, sizeof(v)));
    m->v[page] = v;
}

static void check(struct physmem *mem, const struct model *m)
{
    for (uint64_t page = 0; page < PAGES; page++) {
        const uint64_t *p = (const uint64_t *)physmem_ram(mem, pa(BASE + page * PAGE_SIZE), 4096);
        assert_int_equal(p[0], m->v[page]);
        if (p[0])
            assert_int_equal(p[p[0] % 512], m->v[page]);
    }
}

static struct ram_contents take_so(struct physmem *mem, bool lend)
{
    struct ram_contents c;
    struct arm_error err;

    assert_int_equal(physmem_take(mem, lend, &c, &err), 0);
    return c;
}

static struct ram_contents take(struct physmem *mem)
{
    return take_so(mem, false);
}

static void test_ram_is_what_was_taken_again(void **state)
{
    struct physmem mem = new_mem();
    static struct model m, later;

    (void)state;
    set(&mem, &m, 5, 77);
    struct ram_contents c = take(&mem);
    later = m;
    set(&mem, &later, 5, 78);
    set(&mem, &later, 6, 1);
    assert_int_equal(physmem_restore(&mem, &c, NULL), 0);
    check(&mem, &m);
    ram_contents_destroy(&c);
    physmem_destroy(&mem);
}

static void test_a_host_address_stays(void **state)
{
    struct physmem a = new_mem(), b = new_mem();
    const uint8_t *host = physmem_ram(&b, pa(BASE), 4096);
    static struct model m;

    (void)state;
    for (uint64_t n = 0; n < 6000; n++)
        set(&a, &m, n, n + 1);
    struct ram_contents c = take(&a); /* so many pages are an image */
    assert_non_null(c.image);
    assert_int_equal(physmem_restore(&b, &c, NULL), 0);
    assert_ptr_equal(physmem_ram(&b, pa(BASE), 4096), host);
    check(&b, &m);
    ram_contents_destroy(&c);
    physmem_destroy(&a);
    check(&b, &m); /* on its own */
    physmem_destroy(&b);
}

static void test_a_second_snapshot_has_no_more_than_what_changed(void **state)
{
    struct physmem mem = new_mem();
    static struct model m;

    (void)state;
    for (uint64_t n = 0; n < 6000; n++)
        set(&mem, &m, n, n + 1);
    struct ram_contents first = take(&mem);
    set(&mem, &m, 3, 9);
    set(&mem, &m, PAGES - 1, 9);
    set(&mem, &m, 3, 10);
    struct ram_contents second = take(&mem);
    assert_ptr_equal(second.image, first.image);
    assert_int_equal(blocks_used(&second.pages), 2);
    ram_contents_destroy(&first);
    ram_contents_destroy(&second);
    physmem_destroy(&mem);
}

/* Another memory gets an image and few single pages by a mapping, and many by a copy of all. */
static void test_single_pages_reach_another_memory(void **state)
{
    static const unsigned counts[] = {1, 1000, 3000};
    static struct model m;

    (void)state;
    for (unsigned k = 0; k < 3; k++) {
        struct physmem a = new_mem(), b = new_mem();
        memset(&m, 0, sizeof(m));
        for (uint64_t n = 0; n < 5000; n++)
            set(&a, &m, n, n + 1);
        struct ram_contents image = take(&a);
        for (uint64_t n = 0; n < counts[k]; n++)
            set(&a, &m, 2 * n, n + 7);
        struct ram_contents c = take(&a);
        assert_ptr_equal(c.image, image.image);
        assert_int_equal(blocks_used(&c.pages), counts[k]);
        static struct model other;
        set(&b, &other, PAGES - 1, 5); /* is gone then */
        assert_int_equal(physmem_restore(&b, &c, NULL), 0);
        check(&b, &m);
        assert_int_equal(physmem_restore(&a, &c, NULL), 0);
        check(&a, &m);
        ram_contents_destroy(&image);
        ram_contents_destroy(&c);
        physmem_destroy(&a);
        check(&b, &m);
        physmem_destroy(&b);
    }
}

/* Writes, snapshots and restores in any order, of several memories. */
static void test_snapshots_are_exact_in_any_order(void **state)
{
    static struct model snap_model[SNAPS], mem_model[MEMS];
    struct ram_contents snap[SNAPS];
    bool taken[SNAPS] = {false};
    struct physmem mem[MEMS];
    uint64_t s = test_seed(2);

    (void)state;
    memset(mem_model, 0, sizeof(mem_model));
    for (unsigned k = 0; k < MEMS; k++)
        mem[k] = new_mem();
    for (unsigned round = 0; round < 50; round++) {
        unsigned k = (unsigned)(random_next(&s) % MEMS), n = (unsigned)(random_next(&s) % SNAPS);
        uint64_t writes = random_next(&s) % 4 ? random_next(&s) % 50 : random_next(&s) % 9000;
        for (uint64_t w = 0; w < writes; w++)
            set(&mem[k], &mem_model[k], random_next(&s) % PAGES, random_next(&s));
        if (!taken[n] || random_next(&s) % 3 == 0) {
            if (taken[n])
                ram_contents_destroy(&snap[n]);
            snap[n] = take_so(&mem[k], random_next(&s) % 2);
            snap_model[n] = mem_model[k];
            taken[n] = true;
        } else {
            assert_int_equal(physmem_restore(&mem[k], &snap[n], NULL), 0);
            mem_model[k] = snap_model[n];
        }
        check(&mem[k], &mem_model[k]);
    }
    for (unsigned k = 0; k < MEMS; k++)
        physmem_destroy(&mem[k]);
    for (unsigned n = 0; n < SNAPS; n++) {
        if (!taken[n])
            continue;
        struct physmem other = new_mem();
        assert_int_equal(physmem_restore(&other, &snap[n], NULL), 0);
        check(&other, &snap_model[n]);
        ram_contents_destroy(&snap[n]);
        physmem_destroy(&other);
    }
}

/* A page of a snapshot is the memory's own until it changes, and one that no snapshot has any more
 * is not copied. */
static void test_a_lent_page_is_copied_when_it_changes(void **state)
{
    struct physmem mem = new_mem();
    static struct model m, later;

    (void)state;
    memset(&m, 0, sizeof(m));
    set(&mem, &m, 5, 77);
    set(&mem, &m, 6, 78);
    set(&mem, &m, 7, 79);
    struct ram_contents c = take_so(&mem, true);
    const uint8_t *host = physmem_ram(&mem, pa(BASE), PAGE_SIZE);
    for (uint64_t n = 5; n < 8; n++)
        assert_ptr_equal(ram_contents_page(&c, n), host + n * PAGE_SIZE);
    later = m;
    set(&mem, &later, 6, 1);
    assert_ptr_equal(ram_contents_page(&c, 5), host + 5 * PAGE_SIZE);
    assert_ptr_not_equal(ram_contents_page(&c, 6), host + 6 * PAGE_SIZE);
    struct ram_contents second = take_so(&mem, true);
    assert_int_equal(physmem_restore(&mem, &c, NULL), 0);
    check(&mem, &m);
    assert_int_equal(physmem_restore(&mem, &second, NULL), 0);
    check(&mem, &later);
    struct ram_contents third = take(&mem); /* this one has all for itself */
    assert_ptr_not_equal(ram_contents_page(&third, 5), host + 5 * PAGE_SIZE);
    ram_contents_destroy(&c);
    ram_contents_destroy(&second);
    ram_contents_destroy(&third);
    physmem_destroy(&mem);
}

#define FILE_PAGES 6

/* A file of FILE_PAGES pages, page n of which is that of set(..., n + 1), loaded to page 10. */
static void load_file(struct physmem *mem, struct model *m)
{
    static uint64_t bytes[FILE_PAGES][PAGE_SIZE / 8];
    size_t size = sizeof(bytes);

    for (uint64_t n = 0; n < FILE_PAGES; n++)
        m->v[10 + n] = bytes[n][0] = bytes[n][n + 1] = n + 1;
    int fd = open(temp_file(""), O_RDWR);
    assert_true(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    struct source_file *file = source_file_new(fd);
    assert_non_null(file);
    close(fd);
    memcpy(physmem_ram_changing(mem, pa(BASE + 10 * PAGE_SIZE), size), bytes, size);
    physmem_is_file(mem, pa(BASE + 10 * PAGE_SIZE), size, file);
    source_file_put(file);
}

/* The snapshot of it is right as long as nobody changes the file. */
static void test_what_a_file_has_is_not_copied(void **state)
{
    struct physmem mem = new_mem();
    static struct model m, later;

    (void)state;
    memset(&m, 0, sizeof(m));
    load_file(&mem, &m);
    struct ram_contents c = take_so(&mem, true), d = take_so(&mem, true);
    later = m;
    set(&mem, &later, 11, 77);
    set(&mem, &later, 12, 78);
    assert_int_equal(physmem_restore(&mem, &c, NULL), 0);
    check(&mem, &m);
    set(&mem, &m, 13, 79);
    assert_int_equal(truncate(temp_path, 5), 0);
    assert_non_null(ram_contents_page(&d, 11)); /* it has been read again */
    assert_null(ram_contents_page(&d, 13));
    assert_int_equal(physmem_restore(&mem, &d, NULL), -ARM_ENOMEM);
    check(&mem, &m);
    ram_contents_destroy(&c);
    ram_contents_destroy(&d);
    physmem_destroy(&mem);
}

/* What has been written since it was loaded, or may have been, is copied. */
static void test_what_is_no_longer_a_files_is_copied(void **state)
{
    struct physmem mem = new_mem();
    static struct model m, later;

    for (unsigned forgotten = 0; forgotten < 2; forgotten++) {
        (void)state;
        memset(&m, 0, sizeof(m));
        load_file(&mem, &m);
        set(&mem, &m, forgotten ? 10 : 15, 99);
        set(&mem, &m, 12, 99);
        if (forgotten)
            physmem_forget_files(&mem);
        struct ram_contents c = take_so(&mem, true);
        assert_int_equal(truncate(temp_path, 5), 0);
        later = m;
        set(&mem, &later, forgotten ? 13 : 12, 1);
        set(&mem, &later, forgotten ? 10 : 15, 2);
        assert_int_equal(physmem_restore(&mem, &c, NULL), 0);
        check(&mem, &m);
        ram_contents_destroy(&c);
    }
    physmem_destroy(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ram_is_what_was_taken_again),
        cmocka_unit_test(test_a_host_address_stays),
        cmocka_unit_test(test_a_second_snapshot_has_no_more_than_what_changed),
        cmocka_unit_test(test_single_pages_reach_another_memory),
        cmocka_unit_test(test_snapshots_are_exact_in_any_order),
        cmocka_unit_test(test_a_lent_page_is_copied_when_it_changes),
        cmocka_unit_test(test_what_a_file_has_is_not_copied),
        cmocka_unit_test(test_what_is_no_longer_a_files_is_copied),
    };

    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
