/* A guest reset: what was loaded is loaded again, everything else in memory stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "machine/machine.h"
#include "tests/guests.h"
#include "tests/machine/new_machine.h"

#define RAM   UINT64_C(0x40000000)
#define PLACE (RAM + 0x80000)
#define FAR   (RAM + 0x700000)

static char path[] = "/tmp/armillary-test-XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd >= 0 && write(fd, guest_reset, sizeof(guest_reset)) == sizeof(guest_reset) &&
                   close(fd) == 0
               ? 0
               : -1;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static struct arm_machine *create(struct arm_config config)
{
    config.size = sizeof(config);
    config.cpus = 1;
    config.ram_size = UINT64_C(16) << 20;
    config.el2 = true;
    return new_machine(&config);
}

static uint32_t word(struct arm_machine *m, uint64_t pa)
{
    uint32_t w = 0;

    assert_true(arm_mem_read(m, pa, &w, 4));
    return w;
}

static void set_word(struct arm_machine *m, uint64_t pa, uint32_t w)
{
    assert_true(arm_mem_write(m, pa, &w, 4));
}

static void test_a_reset_loads_files_again_and_leaves_the_rest_of_ram(void **state)
{
    const struct arm_blob blob = {.path = path, .addr = PLACE, .force_raw = true};
    struct arm_machine *m = create((struct arm_config){.blobs = &blob, .blob_count = 1});
    struct arm_error err;

    (void)state;
    uint32_t magic = word(m, RAM); /* the device tree */
    set_word(m, PLACE + 4, 0);
    set_word(m, PLACE + sizeof(guest_reset), 1);
    set_word(m, RAM, 0);
    set_word(m, FAR, 2);
    assert_int_equal(machine_reboot(m, &err), 0);
    assert_int_equal(word(m, PLACE + 4), guest_reset[1]);
    assert_int_equal(word(m, PLACE + sizeof(guest_reset)), 1);
    assert_int_equal(word(m, RAM), magic);
    assert_int_equal(word(m, FAR), 2);
    arm_machine_free(m);
}

static void test_firmware_given_as_a_file_is_put_back_into_flash(void **state)
{
    struct arm_machine *m = create((struct arm_config){.bios = path});
    struct arm_error err;
    uint8_t *flash = physmem_rom_changing(&m->mem, pa(0), 0, sizeof(guest_reset) + 1);

    (void)state;
    flash[0] ^= 1;
    flash[sizeof(guest_reset)] = 3;
    assert_int_equal(machine_reboot(m, &err), 0);
    assert_memory_equal(flash, guest_reset, sizeof(guest_reset));
    assert_int_equal(flash[sizeof(guest_reset)], 3);
    arm_machine_free(m);
}

static void test_time_goes_on_over_a_reset(void **state)
{
    const struct arm_blob blob = {.path = path, .addr = PLACE, .force_raw = true, .cpu = 0};
    struct arm_machine *m = create((struct arm_config){.blobs = &blob, .blob_count = 1});
    uint64_t before = 0;

    (void)state;
    for (unsigned boots = 1; boots < 4; boots++) {
        assert_int_equal(arm_run(m, 3), ARM_STOP_LIMIT);
        assert_int_equal(arm_time_ns(m), 3 * boots);
        assert_true(arm_time_ns(m) > before);
        before = arm_time_ns(m);
    }
    arm_machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reset_loads_files_again_and_leaves_the_rest_of_ram),
        cmocka_unit_test(test_firmware_given_as_a_file_is_put_back_into_flash),
        cmocka_unit_test(test_time_goes_on_over_a_reset),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
