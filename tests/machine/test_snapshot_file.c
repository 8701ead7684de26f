/* Snapshots as files: what does not fit or is not whole is refused. */
#include "tests/machine/snapshot_fixture.h"

/* Both ways of not fitting say what differs. */
static void assert_refused(struct arm_machine *m, const char *expected)
{
    struct arm_error err = {0};
    struct arm_snapshot *before = take(m);

    assert_int_equal(arm_snapshot_load(m, file, &err), -ARM_EINVAL);
    if (!strstr(err.text, expected))
        fail_msg("\"%s\": expected \"%s\"", err.text, expected);
    assert_is(m, before);
    arm_snapshot_free(before);
    arm_machine_free(m);
}

static void test_a_machine_that_does_not_fit_is_refused_by_what_differs(void **state)
{
    struct arm_error err = {0};
    struct arm_machine *m = CREATE(guest_loop, NULL, .cpu = "n1");

    (void)state;
    arm_run(m, 1000);
    assert_int_equal(arm_snapshot_save(m, file, &err), 0);
    arm_machine_free(m);
    assert_refused(CREATE(guest_loop, NULL, .cpu = "a57"), "CPU: n1 in the snapshot, a57");
    assert_refused(CREATE(guest_loop, NULL, .cpu = "n1,-lse"),
                   "features than this machine's: +LSE");
    assert_refused(CREATE(guest_loop, NULL, .cpu = "n1", .cpus = 2), "CPUs: 1 in the snapshot, 2");
    assert_refused(CREATE(guest_loop, NULL, .cpu = "n1", .ram_size = 2 * RAM_SIZE), "memory: ");
    assert_refused(CREATE(guest_loop, NULL, .cpu = "n1", .gic = {.no_its = 1}), "GIC: ");
    assert_refused(CREATE(guest_loop, NULL, .cpu = "n1", .seed = 3), "seed: ");
    assert_refused(CREATE(guest_loop, NULL, .cpu = "n1", .append = "x"), "command line: x");
    const struct arm_device rng = {.kind = ARM_VIRTIO_RNG};
    assert_refused(CREATE(guest_loop, NULL, .cpu = "n1", .devices = &rng, .device_count = 1),
                   "virtio device: rng");
    m = CREATE(guest_loop, NULL, .cpu = "n1");
    assert_int_equal(arm_snapshot_load(m, file, &err), 0);
    assert_int_equal(arm_retired(m), 1000);
    arm_machine_free(m);
}

/* Any byte of a file that is another one, or that is not there. */
static void test_a_damaged_file_is_refused_and_changes_nothing(void **state)
{
    struct arm_error err = {0};
    struct arm_machine *m = PLAIN(guest_loop, NULL);
    uint64_t random = test_seed(5);
    static uint8_t whole[1 << 20], bytes[1 << 20];

    (void)state;
    assert_int_equal(arm_snapshot_save(m, file, &err), 0);
    FILE *f = fopen(file, "rb");
    assert_non_null(f);
    size_t size = fread(whole, 1, sizeof(whole), f);
    fclose(f);
    assert_in_range(size, 1000, sizeof(whole) - 1);
    arm_run(m, 77);
    struct arm_snapshot *before = take(m);
    for (unsigned k = 0; k < 300; k++) {
        size_t at = k < 150 ? k : random_next(&random) % size;
        memcpy(bytes, whole, size);
        bytes[at] ^= 1u << (random_next(&random) % 8);
        write_file(file, bytes, k % 5 ? size : random_next(&random) % size);
        assert_true(arm_snapshot_load(m, file, &err) < 0);
        assert_non_null(strstr(err.text, file));
    }
    assert_is(m, before);
    write_file(file, whole, size);
    assert_int_equal(arm_snapshot_load(m, file, &err), 0);
    arm_snapshot_free(before);
    arm_machine_free(m);
}

static void test_another_version_of_the_format_says_so(void **state)
{
    struct arm_error err = {0};
    struct arm_machine *m = PLAIN(guest_loop, NULL);
    char text[256];
    int fd;

    (void)state;
    assert_int_equal(arm_snapshot_save(m, file, &err), 0);
    fd = open(file, O_WRONLY);
    assert_int_equal(pwrite(fd, "\x63", 1, 8), 1);
    close(fd);
    assert_int_equal(arm_snapshot_load(m, file, &err), -ARM_ENOTSUP);
    assert_non_null(strstr(err.text, "version 99"));
    assert_int_equal(arm_snapshot_info(file, text, sizeof(text), NULL), -ARM_ENOTSUP);
    write_file(file, "no snapshot", 11);
    assert_int_equal(arm_snapshot_load(m, file, &err), -ARM_EFORMAT);
    assert_non_null(strstr(err.text, "not a snapshot"));
    assert_int_equal(arm_snapshot_load(m, "/nowhere/at/all", &err), -ARM_EIO);
    arm_machine_free(m);
}

static void test_info_names_the_machine(void **state)
{
    struct arm_error err = {0};
    struct arm_machine *m = CREATE(guest_loop, NULL, .cpu = "n1");
    char text[8192];

    (void)state;
    arm_run(m, 42);
    assert_int_equal(arm_snapshot_save(m, file, &err), 0);
    assert_int_equal(arm_snapshot_info(file, text, sizeof(text), &err), 0);
    assert_non_null(strstr(text, "\nCPU: n1\n"));
    assert_non_null(strstr(text, program));
    assert_non_null(strstr(text, "# after 42 instructions"));
    assert_int_equal(arm_snapshot_info(program, text, sizeof(text), &err), -ARM_EFORMAT);
    arm_machine_free(m);
}

static void test_a_file_that_cannot_be_written_leaves_the_old_one(void **state)
{
    struct arm_error err = {0};
    struct arm_machine *m = PLAIN(guest_loop, NULL);

    (void)state;
    assert_int_equal(arm_snapshot_save(m, "/nowhere/at/all", &err), -ARM_EIO);
    assert_non_null(strstr(err.text, "/nowhere/at/all"));
    arm_machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_machine_that_does_not_fit_is_refused_by_what_differs),
        cmocka_unit_test(test_a_damaged_file_is_refused_and_changes_nothing),
        cmocka_unit_test(test_another_version_of_the_format_says_so),
        cmocka_unit_test(test_info_names_the_machine),
        cmocka_unit_test(test_a_file_that_cannot_be_written_leaves_the_old_one),
    };

    return cmocka_run_group_tests(tests, make_names, remove_names);
}
