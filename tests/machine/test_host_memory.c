/* A host without memory ends a run with an error of its own: the guest sees no fault. malloc(),
 * calloc(), strdup(), host_memory() and host_pages() are ours here (the linker's --wrap). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "armillary.h"
#include "base/bits.h"
#include "base/host_failure.h"
#include "cpu/code_cache_internal.h"
#include "devices/disk.h"
#include "machine/semihosting.h"

#define ENTRY           UINT64_C(0x40080000)
#define SLAB            ((unsigned)CODE_SLAB_PAGES)
#define PAGES           (4 * SLAB + 1)
#define PAGES_OF(slabs) ((slabs) ? CODE_SLAB_FIRST + ((slabs)-1) * SLAB : 0)
#define PAGE_NEXT       (0x14000000u | 0x1000 / 4) /* b .+4096 */
#define VECTORS         UINT64_C(0x40200000)

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_host_memory(size_t bytes);
void *__wrap_host_memory(size_t bytes);
void *__real_host_pages(size_t bytes);
void *__wrap_host_pages(size_t bytes);
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);

static unsigned left = UINT32_MAX; /* allocations that succeed */

static bool has(void)
{
    errno = ENOMEM;
    return left && left--;
}

void *__wrap_malloc(size_t size)
{
    return has() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return has() ? __real_calloc(count, size) : NULL;
}

void *__wrap_host_memory(size_t bytes)
{
    return has() ? __real_host_memory(bytes) : NULL;
}

void *__wrap_host_pages(size_t bytes)
{
    if (!has())
        return NULL;
    unsigned others = left;
    left = UINT32_MAX; /* with sanitizers it is a calloc(), which is not one more */
    void *p = __real_host_pages(bytes);
    left = others;
    return p;
}

char *__wrap_strdup(const char *s)
{
    return has() ? __real_strdup(s) : NULL;
}

static const struct arm_config config = {
    .size = sizeof(config),
    .cpu = "n1",
    .cpus = 1,
    .ram_size = UINT64_C(16) << 20,
    .el2 = true,
    .blobs = &(struct arm_blob){.addr = ENTRY, .cpu = 0},
    .blob_count = 1,
};

/* A guest that goes from page to page. */
static struct arm_machine *create(void)
{
    struct arm_error err = {0};
    struct arm_machine *m = arm_machine_new(&config, &err);

    if (!m)
        fail_msg("%s", err.text);
    for (unsigned k = 0; k < PAGES; k++)
        assert_true(arm_mem_write(m, ENTRY + k * UINT64_C(0x1000), &(uint32_t){PAGE_NEXT}, 4));
    assert_true(arm_reg_write(m, 0, "VBAR_EL2", VECTORS));
    assert_true(arm_reg_write(m, 0, "ESR_EL2", 0x1234));
    return m;
}

/* The guest's @n-th page had no memory, and nothing has come of it. */
static void assert_starved_at(struct arm_machine *m, unsigned n)
{
    struct arm_error err;
    struct arm_end end;
    uint64_t esr;
    char page[32];

    arm_last_error(m, &err);
    assert_int_equal(err.code, ARM_ENOMEM);
    snprintf(page, sizeof(page), "page at %#x", (unsigned)ENTRY + n * 0x1000);
    assert_non_null(strstr(err.text, "cpu0: "));
    assert_non_null(strstr(err.text, "no memory for the decoded instructions"));
    assert_non_null(strstr(err.text, page));
    arm_last_end(m, &end);
    assert_int_equal(end.why, ARM_STOP_ERROR);
    assert_int_equal(end.retired, n);
    assert_int_equal(end.pc, ENTRY + n * UINT64_C(0x1000));
    assert_true(arm_reg_read(m, 0, "ESR_EL2", &esr));
    assert_int_equal(esr, 0x1234);
}

static void test_no_memory_for_code_is_no_fault_of_the_guest(void **state)
{
    (void)state;

    for (unsigned n = 0; n < 4; n++) {
        struct arm_machine *m = create();
        left = n;
        enum arm_stop_reason why = arm_run(m, PAGES);
        left = UINT32_MAX;
        assert_int_equal(why, ARM_STOP_ERROR);
        assert_starved_at(m, PAGES_OF(n));
        assert_int_equal(arm_run(m, 1), ARM_STOP_ERROR); /* for good */
        assert_int_equal(arm_step(m, 0), ARM_STOP_ERROR);
        assert_int_equal(arm_retired(m), PAGES_OF(n));
        arm_machine_free(m);
    }
}

/* Every instruction is one page's first, however it is executed. */
static void test_no_memory_for_code_ends_a_step(void **state)
{
    (void)state;
    struct arm_machine *m = create();

    assert_int_equal(arm_run(m, PAGES_OF(2) - 1), ARM_STOP_LIMIT);
    assert_int_equal(arm_step(m, 0), ARM_STOP_LIMIT);
    left = 0;
    enum arm_stop_reason why = arm_step(m, 0);
    left = UINT32_MAX;
    assert_int_equal(why, ARM_STOP_ERROR);
    assert_starved_at(m, PAGES_OF(2));
    arm_machine_free(m);
}

static void test_with_memory_the_same_run_goes_on(void **state)
{
    (void)state;
    struct arm_machine *m = create();
    struct arm_error err;

    assert_int_equal(arm_run(m, PAGES), ARM_STOP_LIMIT);
    arm_last_error(m, &err);
    assert_int_equal(err.code, 0);
    arm_machine_free(m);
}

static void test_a_machine_whose_host_failed_goes_on_from_a_snapshot(void **state)
{
    (void)state;
    struct arm_machine *m = create();
    struct arm_snapshot *s = arm_snapshot_take(m, NULL);
    struct arm_error err;

    assert_non_null(s);
    left = 2;
    enum arm_stop_reason why = arm_run(m, PAGES);
    left = UINT32_MAX;
    assert_int_equal(why, ARM_STOP_ERROR);
    assert_null(arm_snapshot_take(m, &err));
    assert_int_equal(err.code, ARM_ENOMEM);
    assert_non_null(strstr(err.text, "the host failed: cpu0"));
    assert_int_equal(arm_snapshot_restore(m, s, NULL), 0);
    assert_int_equal(arm_run(m, PAGES), ARM_STOP_LIMIT);
    assert_int_equal(arm_retired(m), PAGES);
    arm_last_error(m, &err);
    assert_int_equal(err.code, 0);
    arm_snapshot_free(s);
    arm_machine_free(m);
}

/* Calls that allocate. */
enum call { NEW, TAKE, RESTORE, SAVE, LOAD, CALLS };

static int call(enum call what, struct arm_machine *m, struct arm_snapshot *s, const char *path,
                struct arm_error *err)
{
    struct arm_machine *other;
    struct arm_snapshot *taken;

    switch (what) {
    case NEW:
        other = arm_machine_new(&config, err);
        arm_machine_free(other);
        return other ? 0 : -err->code;
    case TAKE:
        taken = arm_snapshot_take(m, err);
        arm_snapshot_free(taken);
        return taken ? 0 : -err->code;
    case RESTORE:
        return arm_snapshot_restore(m, s, err);
    case SAVE:
        return arm_snapshot_save(m, path, err);
    default:
        return arm_snapshot_load(m, path, err);
    }
}

static void test_every_allocation_of_a_call_may_fail(void **state)
{
    (void)state;
    char path[] = "/tmp/armillary-test-XXXXXX";

    close(mkstemp(path));
    for (enum call what = 0; what < CALLS; what++) {
        int rc = -ARM_ENOMEM;
        unsigned n;
        for (n = 0; rc < 0; n++) {
            struct arm_machine *m = create();
            assert_int_equal(arm_run(m, 4), ARM_STOP_LIMIT);
            struct arm_snapshot *s = arm_snapshot_take(m, NULL);
            struct arm_error err = {0};
            assert_int_equal(arm_snapshot_save(m, path, NULL), 0);
            assert_int_equal(arm_run(m, 4), ARM_STOP_LIMIT);
            left = n;
            rc = call(what, m, s, path, &err);
            left = UINT32_MAX;
            if (rc < 0 && (err.code != ARM_ENOMEM ||
                           !(strstr(err.text, "memory") || strstr(err.text, "the host has no "))))
                fail_msg("call %d, allocation %u: error %d: %s", what, n, err.code, err.text);
            arm_snapshot_free(s);
            arm_machine_free(m);
        }
        assert_true(n > 1);
    }
    unlink(path);
}

/* What devices tell of. */
struct told {
    unsigned times;
    struct arm_error why;
};

static void note(void *ctx, const struct arm_error *why)
{
    struct told *t = ctx;

    t->times++;
    t->why = *why;
}

static void test_no_memory_for_an_overlay_s_cluster_is_told(void **state)
{
    (void)state;
    uint8_t bytes[512] = {1};

    for (unsigned n = 0; n < 3; n++) { /* allocations for it */
        char path[] = "/tmp/armillary-test-XXXXXX";
        int fd = mkstemp(path);
        struct told told = {0};
        const struct host_failure host = {note, &told};
        const struct disk_spec spec = {
            .path = path, .mode = DISK_SNAPSHOT, .format = "raw", .host = &host};
        const struct arm_log log = {0};
        struct disk disk;

        assert_int_equal(ftruncate(fd, 1 << 20), 0);
        close(fd);
        assert_int_equal(disk_open(&disk, &spec, &log, NULL), 0);
        left = n;
        bool written = disk_write(&disk, 0x24000, bytes, sizeof(bytes));
        left = UINT32_MAX;
        assert_false(written);
        assert_int_equal(told.times, 1);
        assert_int_equal(told.why.code, ARM_ENOMEM);
        assert_non_null(strstr(told.why.text, path));
        assert_non_null(strstr(told.why.text, "no memory"));
        assert_true(disk_write(&disk, 0x24000, bytes, sizeof(bytes)));
        assert_int_equal(told.times, 1);
        disk_close(&disk);
        unlink(path);
    }
}

static void test_no_memory_for_a_semihosting_handle_is_told(void **state)
{
    (void)state;
    char dir[] = "/tmp/armillary-test-XXXXXX";
    struct told told = {0};
    const struct host_failure host = {note, &told};
    struct semihosting s = {.host = &host};

    assert_non_null(mkdtemp(dir));
    s.dir = open(dir, O_RDONLY | O_DIRECTORY);
    left = 0;
    int handle = semi_file_open(&s, "file", 4);
    left = UINT32_MAX;
    assert_true(handle < 0);
    assert_int_equal(told.times, 1);
    assert_int_equal(told.why.code, ARM_ENOMEM);
    assert_true(semi_file_open(&s, "file", 4) > 0);
    assert_int_equal(told.times, 1);
    semihosting_reset(&s);
    assert_int_equal(unlinkat(s.dir, "file", 0), 0);
    close(s.dir);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_memory_for_code_is_no_fault_of_the_guest),
        cmocka_unit_test(test_no_memory_for_code_ends_a_step),
        cmocka_unit_test(test_with_memory_the_same_run_goes_on),
        cmocka_unit_test(test_a_machine_whose_host_failed_goes_on_from_a_snapshot),
        cmocka_unit_test(test_every_allocation_of_a_call_may_fail),
        cmocka_unit_test(test_no_memory_for_an_overlay_s_cluster_is_told),
        cmocka_unit_test(test_no_memory_for_a_semihosting_handle_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
