/* Snapshots: the run after one is the run without it, and what does not fit is refused. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bits.h"
#include "machine/machine.h"
#include "machine/snapshot.h"
#include "tests/guests.h"
#include "tests/machine/new_machine.h"
#include "tests/random.h"

#define RAM      UINT64_C(0x40000000)
#define ENTRY    (RAM + 0x80000)
#define RAM_SIZE (UINT64_C(16) << 20)
#define CPUS_MAX 4

static char program[] = "/tmp/armillary-test-XXXXXX";
static char file[] = "/tmp/armillary-test-XXXXXX"; /* a snapshot */
static char dir[] = "/tmp/armillary-test-XXXXXX";

static int make_names(void **state)
{
    (void)state;
    int a = mkstemp(program), b = mkstemp(file);

    return a < 0 || b < 0 || close(a) || close(b) || !mkdtemp(dir);
}

static int remove_names(void **state)
{
    (void)state;
    unlink(program);
    unlink(file);
    return rmdir(dir);
}

static void write_file(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* A machine of @c with defaults, whose CPUs all start at @words. */
static struct arm_machine *create(struct arm_config c, const uint32_t *words, size_t size,
                                  struct output *out)
{
    struct arm_blob blobs[CPUS_MAX];

    write_file(program, words, size);
    c.size = sizeof(c);
    c.cpus = c.cpus ? c.cpus : 1;
    c.ram_size = c.ram_size ? c.ram_size : RAM_SIZE;
    c.no_reboot = true;
    for (unsigned k = 0; k < c.cpus; k++)
        blobs[k] = (struct arm_blob){
            .path = program, .addr = ENTRY + 0x1000 * k, .force_raw = true, .cpu = (int)k};
    c.blobs = blobs;
    c.blob_count = c.cpus;
    if (out) {
        memset(out, 0, sizeof(*out));
        c.console_write = keep_output;
        c.console_ctx = out;
    }
    return new_machine(&c);
}
#define CREATE(guest, out, ...)                                                                    \
    create((struct arm_config){.el2 = true, __VA_ARGS__}, guest, sizeof(guest), out)
#define PLAIN(guest, out) create((struct arm_config){.el2 = true}, guest, sizeof(guest), out)

/* One CPU has nobody to wake it from the second WFE: a NOP there. */
static struct arm_machine *create_mix(unsigned cpus, struct output *out)
{
    uint32_t words[ARRAY_SIZE(guest_mix)];

    memcpy(words, guest_mix, sizeof(words));
    if (cpus == 1)
        words[18] = 0xd503201f;
    return create((struct arm_config){.cpus = cpus, .el2 = true}, words, sizeof(words), out);
}

static struct arm_snapshot *take(struct arm_machine *m)
{
    struct arm_error err;
    struct arm_snapshot *s = arm_snapshot_take(m, &err);

    if (!s)
        fail_msg("%s", err.text);
    return s;
}

static void restore(struct arm_machine *m, const struct arm_snapshot *s)
{
    struct arm_error err = {0};

    if (arm_snapshot_restore(m, s, &err) < 0)
        fail_msg("%s", err.text);
}

static void assert_is(struct arm_machine *m, const struct arm_snapshot *s)
{
    static const uint8_t zeros[PAGE_SIZE];
    struct state_io io;

    state_io_compare(&io, s->state, s->state_size);
    machine_state(&io, m);
    assert_string_equal(io.error.text, "");
    for (unsigned k = 0; k < m->mem.bank_count; k++)
        for (uint64_t n = 0; n < m->mem.banks[k].size / PAGE_SIZE; n++) {
            const uint8_t *page = ram_contents_page(&s->ram[k], n);
            if (page || !(m->mem.banks[k].flags[n] & PAGE_SHARED))
                assert_memory_equal(m->mem.banks[k].host + n * PAGE_SIZE, page ? page : zeros,
                                    PAGE_SIZE);
        }
}

static void test_the_run_after_a_snapshot_is_the_run_without_it(void **state)
{
    static struct output out, fork_out;
    uint64_t random = test_seed(1);

    (void)state;
    for (unsigned cpus = 1; cpus <= CPUS_MAX; cpus++) {
        struct arm_machine *m = create_mix(cpus, &out), *fork = create_mix(cpus, &fork_out);
        for (unsigned k = 0; k < 6; k++) {
            arm_run(m, 1 + random_next(&random) % 60000);
            struct arm_snapshot *at = take(m);
            size_t shown = out.size;
            uint64_t insns = 1 + random_next(&random) % 60000;
            arm_run(m, insns);
            struct arm_snapshot *later = take(m);
            restore(fork, at);
            fork_out.size = 0;
            arm_run(fork, insns);
            assert_is(fork, later);
            assert_int_equal(fork_out.size, out.size - shown);
            assert_memory_equal(fork_out.text, out.text + shown, fork_out.size);
            restore(m, at);
            assert_is(m, at);
            arm_run(m, insns);
            assert_is(m, later);
            arm_snapshot_free(at);
            arm_snapshot_free(later);
        }
        arm_machine_free(m);
        arm_machine_free(fork);
    }
}

static void test_a_file_holds_all_of_it(void **state)
{
    static struct output out, other_out;
    struct arm_error err = {0};

    (void)state;
    for (unsigned cpus = 1; cpus <= 2; cpus++) {
        struct arm_machine *m = create_mix(cpus, &out), *other = create_mix(cpus, &other_out);
        arm_run(m, 123456);
        assert_int_equal(arm_snapshot_save(m, file, &err), 0);
        assert_int_equal(arm_snapshot_load(other, file, &err), 0);
        arm_run(m, 100000);
        struct arm_snapshot *later = take(m);
        arm_run(other, 100000);
        assert_is(other, later);
        arm_snapshot_free(later);
        arm_machine_free(m);
        arm_machine_free(other);
    }
}

static void test_snapshots_outlive_their_machine_and_each_other(void **state)
{
    static struct output out;
    struct arm_machine *m = create_mix(2, &out);
    struct arm_snapshot *s[20];

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(s); k++) {
        arm_run(m, 5000);
        s[k] = take(m);
    }
    arm_machine_free(m);
    m = create_mix(2, &out);
    for (unsigned k = ARRAY_SIZE(s); k-- > 0;) {
        if (k % 2)
            arm_snapshot_free(s[k]);
        else
            restore(m, s[k]);
    }
    for (unsigned k = 0; k < ARRAY_SIZE(s); k += 2) {
        restore(m, s[k]);
        assert_is(m, s[k]);
        assert_int_equal(arm_retired(m), 5000 * (k + 1));
        arm_snapshot_free(s[k]);
    }
    arm_snapshot_free(NULL);
    arm_machine_free(m);
}

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
    const struct arm_virtio rng = {.kind = ARM_VIRTIO_RNG};
    assert_refused(CREATE(guest_loop, NULL, .cpu = "n1", .virtio = &rng, .virtio_count = 1),
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
    int fd;

    (void)state;
    assert_int_equal(arm_snapshot_save(m, file, &err), 0);
    fd = open(file, O_WRONLY);
    assert_int_equal(pwrite(fd, "\x63", 1, 8), 1);
    close(fd);
    assert_int_equal(arm_snapshot_load(m, file, &err), -ARM_ENOTSUP);
    assert_non_null(strstr(err.text, "version 99"));
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

/* ---- not now ---- */

struct asked {
    struct arm_machine *m;
    struct arm_snapshot *s;
    struct arm_error take, restore;
};

static void ask(void *ctx, const struct arm_event *event)
{
    struct asked *a = ctx;

    (void)event;
    assert_null(arm_snapshot_take(a->m, &a->take));
    assert_int_equal(arm_snapshot_restore(a->m, a->s, &a->restore), -ARM_EINVAL);
    arm_stop(a->m);
}

static void test_a_callback_can_neither_take_nor_restore(void **state)
{
    struct arm_machine *m = PLAIN(guest_loop, NULL);
    struct asked a = {.m = m, .s = take(m)};

    (void)state;
    assert_true(arm_subscribe(
        m, &(struct arm_filter){.size = sizeof(struct arm_filter), .events = BIT(ARM_EVENT_INSN)},
        ask, &a));
    assert_int_equal(arm_run(m, 100), ARM_STOP_REQUEST);
    assert_non_null(strstr(a.take.text, "callback"));
    assert_non_null(strstr(a.restore.text, "callback"));
    arm_snapshot_free(a.s);
    arm_machine_free(m);
}

static void test_nothing_is_restored_while_input_is_recorded(void **state)
{
    struct arm_machine *m = PLAIN(guest_loop, NULL);
    struct arm_snapshot *s = take(m);
    struct arm_error err = {0};

    (void)state;
    assert_int_equal(arm_record(m, file, &err), 0);
    assert_int_equal(arm_snapshot_restore(m, s, &err), -ARM_EINVAL);
    assert_non_null(strstr(err.text, "recorded"));
    assert_int_equal(arm_record_end(m, &err), 0);
    assert_int_equal(arm_snapshot_restore(m, s, &err), 0);
    arm_snapshot_free(s);
    arm_machine_free(m);
}

static void test_a_disk_that_the_guest_writes_itself_is_refused(void **state)
{
    const struct arm_virtio disk = {.kind = ARM_VIRTIO_BLK,
                                    .drive = {file, ARM_DRIVE_WRITABLE, "raw"}};
    static const uint8_t sectors[4096];
    struct arm_error err = {0};

    (void)state;
    write_file(file, sectors, sizeof(sectors));
    struct arm_machine *m = CREATE(guest_loop, NULL, .virtio = &disk, .virtio_count = 1);
    assert_null(arm_snapshot_take(m, &err));
    assert_int_equal(err.code, ARM_ENOTSUP);
    assert_non_null(strstr(err.text, file));
    arm_machine_free(m);
}

/* ---- parts ---- */

static void test_a_disks_overlay_comes_back(void **state)
{
    const struct arm_virtio blk = {.kind = ARM_VIRTIO_BLK,
                                   .drive = {program, ARM_DRIVE_SNAPSHOT, "raw"}};
    static uint8_t contents[3 << 16];
    struct arm_error err = {0};
    uint8_t byte = 0;
    char path[] = "/tmp/armillary-test-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, contents, sizeof(contents)), sizeof(contents));
    close(fd);
    struct arm_virtio own = blk;
    own.drive.path = path;
    struct arm_machine *m = CREATE(guest_loop, NULL, .virtio = &own, .virtio_count = 1);
    struct arm_machine *other = CREATE(guest_loop, NULL, .virtio = &own, .virtio_count = 1);
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
    const struct arm_virtio rng = {.kind = ARM_VIRTIO_RNG};
    struct arm_machine *m =
        CREATE(guest_loop, NULL, .cpus = 3, .virtio = (const struct arm_virtio[]){rng, rng},
               .virtio_count = 2);

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
        cmocka_unit_test(test_the_run_after_a_snapshot_is_the_run_without_it),
        cmocka_unit_test(test_a_file_holds_all_of_it),
        cmocka_unit_test(test_snapshots_outlive_their_machine_and_each_other),
        cmocka_unit_test(test_a_machine_that_does_not_fit_is_refused_by_what_differs),
        cmocka_unit_test(test_a_damaged_file_is_refused_and_changes_nothing),
        cmocka_unit_test(test_another_version_of_the_format_says_so),
        cmocka_unit_test(test_info_names_the_machine),
        cmocka_unit_test(test_a_file_that_cannot_be_written_leaves_the_old_one),
        cmocka_unit_test(test_a_callback_can_neither_take_nor_restore),
        cmocka_unit_test(test_nothing_is_restored_while_input_is_recorded),
        cmocka_unit_test(test_a_disk_that_the_guest_writes_itself_is_refused),
        cmocka_unit_test(test_a_disks_overlay_comes_back),
        cmocka_unit_test(test_flash_contents_and_commands_come_back),
        cmocka_unit_test(test_open_files_of_semihosting_are_opened_again),
        cmocka_unit_test(test_a_replay_goes_on_where_the_snapshot_was),
        cmocka_unit_test(test_events_of_the_clock_have_names_of_their_own),
        cmocka_unit_test(test_no_state_can_do_harm),
    };

    return cmocka_run_group_tests(tests, make_names, remove_names);
}
