/* Snapshots of parts: disks, flash memory, files of semihosting, input, clock events; and that no
 * state does harm. */
#include "tests/machine/snapshot_fixture.h"

/* ---- parts ---- */

static void test_a_disks_overlay_comes_back(void **state)
{
    const struct arm_device blk = {.kind = ARM_VIRTIO_BLK,
                                   .drive = {program, ARM_DRIVE_SNAPSHOT, "raw"}};
    static uint8_t contents[3 << 16];
    struct arm_error err = {0};
    uint8_t byte = 0;
    char path[] = "/tmp/armillary-test-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, contents, sizeof(contents)), sizeof(contents));
    close(fd);
    struct arm_device own = blk;
    own.drive.path = path;
    struct arm_machine *m = CREATE(guest_loop, NULL, .devices = &own, .device_count = 1);
    struct arm_machine *other = CREATE(guest_loop, NULL, .devices = &own, .device_count = 1);
    struct disk *disk = virt_board_disk(&m->board, VIRT_FLASHES);
    assert_true(disk_write(disk, 70000, "a", 1));
    struct arm_snapshot *s = take(m);
    assert_int_equal(arm_snapshot_save(m, file, &err), 0);
    assert_true(disk_write(disk, 70000, "b", 1));
    assert_true(disk_write(disk, 140000, "c", 1));
    restore(m, s);
    assert_true(disk_read(disk, 70000, &byte, 1));
    assert_int_equal(byte, 'a');
    assert_true(disk_read(disk, 140000, &byte, 1));
    assert_int_equal(byte, 0);
    assert_int_equal(arm_snapshot_load(other, file, &err), 0);
    assert_true(disk_read(virt_board_disk(&other->board, VIRT_FLASHES), 70000, &byte, 1));
    assert_int_equal(byte, 'a');
    arm_snapshot_free(s);
    arm_machine_free(m);
    arm_machine_free(other);
    unlink(path);
}

static void test_flash_contents_and_commands_come_back(void **state)
{
    struct arm_machine *m = PLAIN(guest_loop, NULL);
    struct device *flash = &m->board.flash[0].dev;

    (void)state;
    device_write(flash, 0, 4, 0x00200020); /* erase */
    device_write(flash, 0, 4, 0x00d000d0);
    struct arm_snapshot *s = take(m);
    assert_int_equal(device_read(flash, 0, 4), 0x00800080); /* the status */
    device_write(flash, 0, 4, 0x00ff00ff);
    device_write(flash, 0, 4, 0x00400040);
    device_write(flash, 0, 4, 0x12345678);
    device_write(flash, 0, 4, 0x00ff00ff);
    assert_int_equal(device_read(flash, 0, 4), 0x12345678);
    restore(m, s);
    assert_int_equal(device_read(flash, 0, 4), 0x00800080);
    assert_is(m, s);
    device_write(flash, 0, 4, 0x00ff00ff);
    assert_int_equal(device_read(flash, 0, 4), 0xffffffff);
    arm_snapshot_free(s);
    arm_machine_free(m);
}

static void test_open_files_of_semihosting_are_opened_again(void **state)
{
    char path[64];
    struct arm_error err = {0};
    struct arm_machine *m = CREATE(guest_loop, NULL, .semihosting = true, .semihosting_dir = dir);

    (void)state;
    snprintf(path, sizeof(path), "%s/name", dir);
    write_file(path, "contents", 8);
    int n = semi_file_open(&m->semi, "name", 2);
    assert_int_equal(n, 1);
    m->semi.handle[0].pos = 5;
    struct arm_snapshot *s = take(m);
    semi_handle_close(&m->semi.handle[0]);
    restore(m, s);
    assert_int_equal(m->semi.handle[0].kind, SEMI_FILE);
    assert_int_equal(m->semi.handle[0].pos, 5);
    char byte;
    assert_int_equal(pread(m->semi.handle[0].fd, &byte, 1, 5), 1);
    assert_int_equal(byte, 'n');
    unlink(path);
    assert_int_equal(arm_snapshot_restore(m, s, &err), -ARM_EIO);
    assert_non_null(strstr(err.text, "\"name\" was open"));
    arm_snapshot_free(s);
    arm_machine_free(m);
}

static void test_a_replay_goes_on_where_the_snapshot_was(void **state)
{
    static struct output out, other_out;
    struct arm_error err = {0};
    struct arm_machine *m = PLAIN(guest_echo, &out);

    (void)state;
    assert_int_equal(arm_record(m, file, &err), 0);
    arm_run(m, 1000);
    assert_int_equal(arm_console_input(m, (const uint8_t *)"a", 1), 1);
    arm_run(m, 1000);
    struct arm_snapshot *s = take(m);
    size_t shown = out.size;
    for (const char *c = "cd"; *c; c++) {
        assert_int_equal(arm_console_input(m, (const uint8_t *)c, 1), 1);
        arm_run(m, 1000);
    }
    assert_int_equal(arm_record_end(m, &err), 0);
    struct arm_machine *other = PLAIN(guest_echo, &other_out);
    assert_int_equal(arm_replay(other, file, &err), 0);
    restore(other, s);
    assert_int_equal(arm_run(other, 0), ARM_STOP_REQUEST); /* the end of the log */
    assert_string_equal(other_out.text, out.text + shown);
    assert_string_equal(other_out.text, "cd");
    arm_snapshot_free(s);
    arm_machine_free(m);
    arm_machine_free(other);
}

static void test_events_of_the_clock_have_names_of_their_own(void **state)
{
    const struct arm_device rng = {.kind = ARM_VIRTIO_RNG};
    struct arm_machine *m =
        CREATE(guest_loop, NULL, .cpus = 3, .devices = (const struct arm_device[]){rng, rng},
               .device_count = 2);

    (void)state;
    for (unsigned a = 0; a < m->clock.event_count; a++)
        for (unsigned b = 0; b < a; b++)
            assert_string_not_equal(m->clock.events[a]->name, m->clock.events[b]->name);
    arm_machine_free(m);
}

/* Each field of the state in turn is something else: it is refused, or the machine can go on. */
static void test_no_state_can_do_harm(void **state)
{
    static struct output out;
    struct arm_machine *m = create_mix(2, &out);
    uint64_t random = test_seed(6);
    struct arm_error err;

    (void)state;
    arm_run(m, 50000);
    struct arm_snapshot *s = take(m), *good = take(m);
    unsigned accepted = 0;
    for (unsigned k = 0; k < 400; k++) {
        size_t at = random_next(&random) % s->state_size;
        uint8_t was = s->state[at];
        s->state[at] = (uint8_t)random_next(&random);
        if (arm_snapshot_restore(m, s, &err) == 0) {
            arm_run(m, 300);
            accepted++;
        }
        s->state[at] = was;
        restore(m, good);
    }
    assert_in_range(accepted, 1, 399);
    arm_run(m, 1000);
    arm_snapshot_free(s);
    arm_snapshot_free(good);
    arm_machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_disks_overlay_comes_back),
        cmocka_unit_test(test_flash_contents_and_commands_come_back),
        cmocka_unit_test(test_open_files_of_semihosting_are_opened_again),
        cmocka_unit_test(test_a_replay_goes_on_where_the_snapshot_was),
        cmocka_unit_test(test_events_of_the_clock_have_names_of_their_own),
        cmocka_unit_test(test_no_state_can_do_harm),
    };

    return cmocka_run_group_tests(tests, make_names, remove_names);
}
