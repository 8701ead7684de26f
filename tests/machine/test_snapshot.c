/* Snapshots: the run after one is the run without it; when there is none. */
#include "cpu/late_state.h"
#include "tests/machine/snapshot_fixture.h"

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

/* ---- what is made of code ---- */

static const uint32_t calls[] = {
    0xd2800000, /*    mov  x0, 0               */
    0xd2801901, /*    mov  x1, 200             */
    0xf1000421, /* 1: subs x1, x1, 1           */
    0x54ffffe1, /*    b.ne 1b                  */
    0xd289c402, /*    mov  x2, 20000           */
    0x940003fb, /* 2: bl   ENTRY + 0x1000      */
    0xf1000442, /*    subs x2, x2, 1           */
    0x54ffffc1, /*    b.ne 2b                  */
    0x14000000, /*    b    .                   */
};

/* What @calls calls: adds @n to X0. */
static void write_callee(struct arm_machine *m, uint32_t n)
{
    const uint32_t callee[] = {0x91000000 | n << 10, 0xd65f03c0}; /* add x0, x0, n; ret */

    assert_true(arm_mem_write(m, ENTRY + 0x1000, callee, sizeof(callee)));
}

/* A page that is first executed behind the snapshot, and is another one the next time. */
static void test_code_from_behind_a_snapshot_is_not_led_into(void **state)
{
    (void)state;
    for (enum arm_engine engine = ARM_ENGINE_INTERP; engine <= ARM_ENGINE_JIT_EAGER; engine++) {
        struct arm_machine *m = CREATE(calls, NULL, .engine = engine);
        write_callee(m, 1);
        arm_run(m, 300);
        struct arm_snapshot *s = take(m);
        arm_run(m, 110000);
        assert_int_equal(m->cpus[0]->x[0], 20000);
        restore(m, s);
        write_callee(m, 2);
        arm_run(m, 110000);
        assert_int_equal(m->cpus[0]->x[0], 40000);
        arm_snapshot_free(s);
        arm_machine_free(m);
    }
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
    const struct arm_device disk = {.kind = ARM_VIRTIO_BLK,
                                    .drive = {file, ARM_DRIVE_WRITABLE, "raw"}};
    static const uint8_t sectors[4096];
    struct arm_error err = {0};

    (void)state;
    write_file(file, sectors, sizeof(sectors));
    struct arm_machine *m = CREATE(guest_loop, NULL, .devices = &disk, .device_count = 1);
    assert_null(arm_snapshot_take(m, &err));
    assert_int_equal(err.code, ARM_ENOTSUP);
    assert_non_null(strstr(err.text, file));
    arm_machine_free(m);
}

static void test_snapshots_share_pages_that_have_not_been_written_in_between(void **state)
{
    static const uint8_t other[4] = {1, 2, 3, 4};
    static struct output out;
    struct arm_machine *m = create_mix(1, &out);
    uint64_t written = ENTRY + 0x10000, left = written + 0x1000, outside = UINT64_C(0x1000000000);

    (void)state;
    assert_true(arm_mem_write(m, written, other, 4));
    assert_true(arm_mem_write(m, left, other, 4));
    struct arm_snapshot *a = take(m), *b = take(m);
    assert_true(arm_snapshot_shares(a, b, written + 8));
    assert_true(arm_mem_write(m, written, other, 4)); /* the same bytes again */
    struct arm_snapshot *c = take(m);
    assert_false(arm_snapshot_shares(a, c, written + 8));
    assert_true(arm_snapshot_shares(a, c, left));
    assert_false(arm_snapshot_shares(a, c, outside));
    arm_snapshot_free(a);
    arm_snapshot_free(b);
    arm_snapshot_free(c);
    arm_machine_free(m);
}

/* Writes and TLBIs at EL2 with some instructions before the barriers that complete them. */
static const uint32_t guest_late[] = {
    0xd2880000, /*    mov  x0, #0x4000        */
    0xf2a82000, /*    movk x0, #0x4100, lsl 16*/
    0xd2a80181, /*    mov  x1, #0x400c0000    */
    0x91200000, /* 1: add  x0, x0, #0x800     */
    0xd51cc000, /*    msr  vbar_el2, x0       */
    0xd51ce060, /*    msr  cntvoff_el2, x0    */
    0xd53cc002, /*    mrs  x2, vbar_el2       */
    0xca020063, /*    eor  x3, x3, x2         */
    0xd53be046, /*    mrs  x6, cntvct_el0     */
    0xca060063, /*    eor  x3, x3, x6         */
    0xd50c871f, /*    tlbi alle2              */
    0xf9000020, /*    str  x0, [x1]           */
    0x91000484, /*    add  x4, x4, #1         */
    0x91000484, /*    add  x4, x4, #1         */
    0xd508831f, /*    tlbi vmalle1is          */
    0x91000484, /*    add  x4, x4, #1         */
    0xd5033b9f, /*    dsb  ish                */
    0xd51ce060, /*    msr  cntvoff_el2, x0    */
    0x91000484, /*    add  x4, x4, #1         */
    0x91000484, /*    add  x4, x4, #1         */
    0xd5033fdf, /*    isb                     */
    0x17ffffee, /*    b    1b                 */
};

static void test_what_is_late_is_so_behind_a_snapshot_too(void **state)
{
    unsigned registers = 0, tlbis = 0;
    uint64_t random = test_seed(5);

    (void)state;
    for (unsigned seed = 1; seed <= 3; seed++) {
        struct arm_machine *m = CREATE(guest_late, NULL, .late_effects = true, .seed = seed);
        struct arm_machine *fork = CREATE(guest_late, NULL, .late_effects = true, .seed = seed);
        struct arm_machine *whole = CREATE(guest_late, NULL, .late_effects = true, .seed = seed);
        for (unsigned k = 0; k < 40; k++) {
            uint64_t first = 1 + random_next(&random) % 300, then = 1 + random_next(&random) % 300;
            arm_run(m, first);
            struct arm_snapshot *at = take(m);
            registers += m->late->cpus[0].register_count;
            tlbis += m->late->cpus[0].tlbi_count;
            restore(fork, at);
            assert_is(fork, at);
            arm_run(m, then);
            arm_run(fork, then);
            arm_run(whole, first + then); /* nobody has looked at this one */
            struct arm_snapshot *later = take(m);
            assert_is(fork, later);
            assert_is(whole, later);
            arm_snapshot_free(at);
            arm_snapshot_free(later);
        }
        arm_machine_free(m);
        arm_machine_free(fork);
        arm_machine_free(whole);
    }
    assert_true(registers >= 10); /* there was something that was on its way */
    assert_true(tlbis >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_run_after_a_snapshot_is_the_run_without_it),
        cmocka_unit_test(test_a_file_holds_all_of_it),
        cmocka_unit_test(test_snapshots_outlive_their_machine_and_each_other),
        cmocka_unit_test(test_snapshots_share_pages_that_have_not_been_written_in_between),
        cmocka_unit_test(test_what_is_late_is_so_behind_a_snapshot_too),
        cmocka_unit_test(test_code_from_behind_a_snapshot_is_not_led_into),
        cmocka_unit_test(test_a_callback_can_neither_take_nor_restore),
        cmocka_unit_test(test_nothing_is_restored_while_input_is_recorded),
        cmocka_unit_test(test_a_disk_that_the_guest_writes_itself_is_refused),
    };

    return cmocka_run_group_tests(tests, make_names, remove_names);
}
