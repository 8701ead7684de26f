/* PCI functions of a few registers: shared memory, a place for a guest's panic, a watchdog, and
 * QEMU's device for tests of accesses. */
#include "base/state_io.h"
#include "devices/i6300esb.h"
#include "devices/ivshmem.h"
#include "devices/pci_testdev.h"
#include "devices/pvpanic.h"
#include "tests/devices/function_bench.h"

#define MEMORY_AT (HIGH_MEMORY + 0x100000)
#define SHARED    UINT64_C(0x10000)

static uint64_t look(struct function_bench *b, uint64_t offset, unsigned size)
{
    return device_read(&b->host.high_memory.dev, MEMORY_AT - HIGH_MEMORY + offset, size);
}

static void store(struct function_bench *b, uint64_t offset, unsigned size, uint64_t value)
{
    device_write(&b->host.high_memory.dev, MEMORY_AT - HIGH_MEMORY + offset, size, value);
}

static void plug_memory(struct function_bench *b, struct ivshmem *s, const char *path)
{
    bench_begin(b, DISK_SNAPSHOT, SECTORS * 512);
    assert_int_equal(ivshmem_init(s, path, SHARED, &b->d.log, NULL), 0);
    bench_plug(b, &s->function, 0);
    bench_config(b, PCI_BAR0 + 8, 8, MEMORY_AT);
}

static void unplug_memory(struct function_bench *b, struct ivshmem *s)
{
    ivshmem_destroy(s);
    bench_end(b);
}

static void test_two_machines_have_the_memory_of_one_file(void **state)
{
    static struct function_bench a, b, c;
    static struct ivshmem one, two, alone;
    char path[] = "/tmp/armillary-test-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    plug_memory(&a, &one, path);
    plug_memory(&b, &two, path);
    plug_memory(&c, &alone, NULL);
    assert_int_equal(device_read(&a.host.ecam, PCI_DEVFN(1, 0) << 12, 4), 0x11101af4);
    assert_int_equal(lseek(fd, 0, SEEK_END), SHARED);
    store(&a, 8, 8, UINT64_C(0x1122334455667788));
    assert_int_equal(look(&b, 8, 8), UINT64_C(0x1122334455667788));
    assert_int_equal(look(&c, 8, 8), 0);
    store(&b, SHARED - 1, 1, 0xa5);
    assert_int_equal(look(&a, SHARED - 4, 4), 0xa5000000);
    out(&a, 0, 4, 7); /* the mask of interrupts that there are not, and the doorbell */
    out(&a, 12, 4, 1 << 16);
    assert_int_equal(in(&a, 0, 4), 7);
    assert_int_equal(in(&a, 8, 4), 0);
    unplug_memory(&a, &one);
    unplug_memory(&b, &two);
    unplug_memory(&c, &alone);
    close(fd);
    unlink(path);
}

static void test_memory_of_no_size_that_a_bar_has_is_refused(void **state)
{
    struct arm_error err;
    struct ivshmem s;

    (void)state;
    assert_int_equal(ivshmem_init(&s, NULL, 0x3000, NULL, &err), -ARM_EINVAL);
    assert_non_null(strstr(err.text, "expected a power of 2"));
    ivshmem_destroy(&s);
    assert_int_equal(ivshmem_init(&s, "/nonexistent/x", 0x1000, NULL, &err), -ARM_EIO);
    ivshmem_destroy(&s);
}

static void test_memory_of_its_own_is_in_a_snapshot(void **state)
{
    static struct function_bench a, b;
    static struct ivshmem one, two;
    struct state_io saved, restored;

    (void)state;
    plug_memory(&a, &one, NULL);
    plug_memory(&b, &two, NULL);
    store(&a, 0x5000, 4, 0x12345678);
    store(&b, 0x6000, 4, 1);
    state_io_save(&saved);
    pci_host_state(&saved, &a.host);
    state_io_restore(&restored, saved.out, saved.len);
    pci_host_state(&restored, &b.host);
    assert_false(state_failed(&restored));
    assert_int_equal(look(&b, 0x5000, 4), 0x12345678);
    assert_int_equal(look(&b, 0x6000, 4), 0);
    state_io_destroy(&saved);
    unplug_memory(&a, &one);
    unplug_memory(&b, &two);
}

static int ended;

static void end(void *ctx, int code)
{
    (void)ctx;
    ended = 1 + code;
}

static void test_a_panic_ends_the_machine(void **state)
{
    static struct function_bench b;
    struct pvpanic p;

    (void)state;
    bench_begin(&b, DISK_SNAPSHOT, SECTORS * 512);
    pvpanic_init(&p, end, NULL, 1, &b.d.log);
    bench_plug(&b, &p.function, 0);
    assert_int_equal(device_read(&b.host.ecam, PCI_DEVFN(1, 0) << 12, 4), 0x00111b36);
    assert_int_equal(in(&b, 0, 1), 3);
    out(&b, 0, 1, 2);
    out(&b, 1, 1, 1);
    assert_int_equal(ended, 0);
    out(&b, 0, 1, 1);
    assert_int_equal(ended, 2);
    bench_end(&b);
}

static bool restarted;

static void power(void *ctx, bool restart)
{
    (void)ctx;
    ended++;
    restarted = restart;
}

static void pass_ms(struct function_bench *b, uint64_t ms)
{
    clock_run(&b->d.clock, b->d.clock.now_ns + ms * 1000000);
}

/* Both stages a second: 1000 * 2^15 clocks of 33 MHz are 993 ms. */
static void start_watchdog(struct function_bench *b, struct i6300esb *w, unsigned lock)
{
    bench_begin(b, DISK_SNAPSHOT, SECTORS * 512);
    i6300esb_init(w,
                  &(struct i6300esb_config){.clock = &b->d.clock, .power = power, .restart = true},
                  &b->d.log);
    bench_plug(b, &w->function, 0);
    assert_int_equal(device_read(&b->host.ecam, PCI_DEVFN(1, 0) << 12, 4), 0x25ab8086);
    for (unsigned n = 0; n < 2; n++) {
        out(b, 12, 2, 0x80);
        out(b, 12, 2, 0x86);
        out(b, 4 * n, 4, 1000);
    }
    out(b, 0, 4, 1); /* is not unlocked */
    ended = 0;
    bench_config(b, 0x68, 1, lock);
}

static void test_a_watchdog_that_is_not_reloaded_resets(void **state)
{
    static struct function_bench b;
    struct i6300esb w;

    (void)state;
    start_watchdog(&b, &w, 2);
    for (unsigned n = 0; n < 3; n++) {
        pass_ms(&b, 990);
        out(&b, 12, 2, 0x80);
        out(&b, 12, 2, 0x86);
        out(&b, 12, 2, 0x100);
    }
    assert_int_equal(in(&b, 8, 4), 0);
    pass_ms(&b, 1000);
    assert_int_equal(in(&b, 8, 4), 1);
    out(&b, 12, 2, 0x100); /* is not unlocked */
    pass_ms(&b, 980);
    assert_int_equal(ended, 0);
    pass_ms(&b, 20);
    assert_int_equal(ended, 1);
    assert_true(restarted);
    pci_reset(&w.function);
    bench_config(&b, PCI_BAR0, 4, BAR_AT);
    bench_config(&b, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    assert_int_equal(in(&b, 12, 2), 0x200); /* that it was it is still known */
    out(&b, 12, 2, 0x80);
    out(&b, 12, 2, 0x86);
    out(&b, 12, 2, 0x200);
    assert_int_equal(in(&b, 12, 2), 0);
    pass_ms(&b, 1000000);
    assert_int_equal(ended, 1);
    bench_end(&b);
}

static void test_a_watchdog_is_locked_and_runs_freely(void **state)
{
    static struct function_bench b;
    struct i6300esb w;

    (void)state;
    start_watchdog(&b, &w, 7);
    bench_config(&b, 0x68, 1, 0);
    assert_int_equal(device_read(&b.host.ecam, PCI_DEVFN(1, 0) << 12 | 0x68, 1), 7);
    pass_ms(&b, 1000); /* there is the second stage only */
    assert_int_equal(ended, 1);
    for (unsigned n = 0; n < 2; n++)
        pass_ms(&b, 1000);
    assert_int_equal(ended, 3);
    bench_config(&b, 0x60, 2, 0x20); /* WDT_TOUT# is not driven */
    pass_ms(&b, 1000);
    assert_int_equal(ended, 3);
    assert_int_equal(b.d.watched.log_lines, 1);
    bench_end(&b);
}

static unsigned count_of(struct function_bench *b)
{
    return (unsigned)in(b, 12, 4);
}

static void test_a_test_counts_the_writes_that_fit(void **state)
{
    static struct function_bench b;
    struct pci_testdev t;
    char name[32] = "";

    (void)state;
    bench_begin(&b, DISK_SNAPSHOT, SECTORS * 512);
    pci_testdev_init(&t, &b.d.log);
    bench_plug(&b, &t.function, 0);
    assert_int_equal(in(&b, 4, 4), 0); /* none is chosen */
    out(&b, 0, 1, 2);
    assert_int_equal(in(&b, 0, 2), 0x0102);
    assert_int_equal(in(&b, 4, 4), 2050);
    for (unsigned n = 0; n < sizeof(name) - 1 && (name[n] = (char)in(&b, 16 + n, 1)); n++)
        ;
    assert_string_equal(name, "mmio-datamatch-eventfd");
    out(&b, 2050, 1, in(&b, 8, 1));
    out(&b, 2050, 1, 0);
    out(&b, 2051, 1, in(&b, 8, 1));
    assert_int_equal(count_of(&b), 1);
    out(&b, 0, 1, 1); /* any byte fits */
    assert_int_equal(count_of(&b), 0);
    out(&b, 2049, 1, 0x55);
    assert_int_equal(count_of(&b), 1);
    out(&b, 0, 1, 3);
    assert_int_equal(in(&b, 4, 4), 0);
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_machines_have_the_memory_of_one_file),
        cmocka_unit_test(test_memory_of_no_size_that_a_bar_has_is_refused),
        cmocka_unit_test(test_memory_of_its_own_is_in_a_snapshot),
        cmocka_unit_test(test_a_panic_ends_the_machine),
        cmocka_unit_test(test_a_watchdog_that_is_not_reloaded_resets),
        cmocka_unit_test(test_a_watchdog_is_locked_and_runs_freely),
        cmocka_unit_test(test_a_test_counts_the_writes_that_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
