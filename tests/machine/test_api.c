/* The library's interface: machines do not know of each other, and do the same every time. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "armillary.h"
#include "base/bits.h"
#include "tests/guests.h"
#include "tests/machine/new_machine.h"

#define RAM   UINT64_C(0x40000000)
#define ENTRY (RAM + 0x80000)

static const struct arm_config defaults = {
    .size = sizeof(struct arm_config),
    .cpus = 2,
    .ram_size = UINT64_C(16) << 20,
    .el2 = true,
    .semihosting = true,
    .no_reboot = true,
    .console_write = keep_output,
};

/* A machine whose CPU 0 starts at @words. */
static struct arm_machine *create(const char *cpu, const uint32_t *words, size_t size,
                                  struct output *out)
{
    struct arm_config config = defaults;

    *out = (struct output){0};
    config.cpu = cpu;
    config.console_ctx = out;
    return new_machine_of(config, words, size, ENTRY, 0);
}
#define CREATE(cpu, guest, out) create(cpu, guest, sizeof(guest), out)

static uint64_t reg(struct arm_machine *m, const char *name)
{
    uint64_t v = 0;

    assert_true(arm_reg_read(m, 0, name, &v));
    return v;
}

/* What can be told apart of a run. */
struct summary {
    enum arm_stop_reason why;
    uint64_t retired, time_ns, x5;
    struct output out;
};

static struct summary summarize(struct arm_machine *m, enum arm_stop_reason why,
                                const struct output *out)
{
    return (struct summary){why, arm_retired(m), arm_time_ns(m), reg(m, "x5"), *out};
}

static struct summary run_alone(const char *cpu)
{
    struct output out;
    struct arm_machine *m = CREATE(cpu, guest_alphabet, &out);
    struct summary s = summarize(m, arm_run(m, 0), &out);

    arm_machine_free(m);
    return s;
}

static void assert_same(const struct summary *a, const struct summary *b)
{
    assert_int_equal(a->why, b->why);
    assert_int_equal(a->retired, b->retired);
    assert_int_equal(a->time_ns, b->time_ns);
    assert_int_equal(a->x5, b->x5);
    assert_string_equal(a->out.text, b->out.text);
}

static void test_two_runs_retire_the_same_and_print_the_same(void **state)
{
    (void)state;
    struct summary a = run_alone("max"), b = run_alone("max");

    assert_int_equal(a.why, ARM_STOP_POWEROFF);
    assert_string_equal(a.out.text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    assert_int_equal(a.retired, 2 + 26 * 6 + 3);
    assert_same(&a, &b);
}

static void test_two_machines_run_in_turns_as_if_each_were_alone(void **state)
{
    (void)state;
    static const char *const cpus[2] = {"n1", "max"};
    struct output out[2];
    struct arm_machine *m[2];
    enum arm_stop_reason why[2] = {ARM_STOP_LIMIT, ARM_STOP_LIMIT};

    for (unsigned k = 0; k < 2; k++)
        m[k] = CREATE(cpus[k], guest_alphabet, &out[k]);
    for (uint64_t steps = 1; why[0] == ARM_STOP_LIMIT || why[1] == ARM_STOP_LIMIT; steps++)
        for (unsigned k = 0; k < 2; k++)
            if (why[k] == ARM_STOP_LIMIT)
                why[k] = arm_run(m[k], 1 + steps % (3 + k));
    for (unsigned k = 0; k < 2; k++) {
        struct summary together = summarize(m[k], why[k], &out[k]), alone = run_alone(cpus[k]);
        assert_same(&together, &alone);
        arm_machine_free(m[k]);
    }
}

static void test_run_stops_after_exactly_the_number_of_instructions_given(void **state)
{
    (void)state;
    struct output out;
    struct arm_machine *m = CREATE("max", guest_loop, &out);

    assert_int_equal(arm_run(m, 1), ARM_STOP_LIMIT);
    assert_int_equal(arm_retired(m), 1);
    assert_int_equal(arm_run(m, 123456), ARM_STOP_LIMIT);
    assert_int_equal(arm_retired(m), 123457);
    assert_int_equal(arm_time_ns(m), 123457);
    arm_machine_free(m);
}

static void test_reasons_to_stop(void **state)
{
    (void)state;
    struct output out;
    struct arm_machine *m = CREATE("max", guest_exit42, &out);

    assert_int_equal(arm_run(m, 0), ARM_STOP_EXIT);
    assert_int_equal(arm_exit_code(m), 42);
    arm_machine_free(m);
    m = CREATE("max", guest_reset, &out);
    assert_int_equal(arm_run(m, 0), ARM_STOP_RESET);
    arm_machine_free(m);
    m = CREATE("max", guest_idle, &out);
    assert_int_equal(arm_run(m, 0), ARM_STOP_IDLE);
    arm_machine_free(m);
    m = CREATE("max", guest_loop, &out);
    arm_stop(m);
    assert_int_equal(arm_run(m, 0), ARM_STOP_REQUEST);
    assert_int_equal(arm_run(m, 100), ARM_STOP_LIMIT);
    arm_machine_free(m);
}

static void test_console_input_reaches_the_guest(void **state)
{
    (void)state;
    struct output out;
    struct arm_machine *m = CREATE("max", guest_echo, &out);

    assert_int_equal(arm_run(m, 100), ARM_STOP_LIMIT);
    assert_int_equal(arm_console_input(m, (const uint8_t *)"x", 1), 1);
    assert_int_equal(arm_run(m, 1000), ARM_STOP_LIMIT);
    assert_string_equal(out.text, ">x");
    arm_machine_free(m);
}

/* Wherever a register's value is kept: in PSTATE, the GIC, the timers, the PMU. */
static void test_a_system_register_reads_as_it_is(void **state)
{
    (void)state;
    static const char *const none[] = {"ICC_IAR1_EL1", "ICC_EOIR1_EL1", "DBGDTRRX_EL0", "TLBI_VAE1",
                                       "ICH_LR5_EL2",  "RNDR",          "RVBAR_EL1",    "nothing"};
    struct output out;
    struct arm_machine *m = CREATE("max", guest_loop, &out);
    uint64_t v;

    assert_int_equal(arm_run(m, 1600), ARM_STOP_LIMIT);
    assert_int_equal(reg(m, "CurrentEL"), 2 << 2);
    assert_int_equal(reg(m, "DAIF"), 0xf << 6);
    assert_int_equal(reg(m, "SPSel"), 1);
    assert_int_equal(reg(m, "CNTVCT_EL0"), 100);
    assert_int_equal(reg(m, "CNTPCT_EL0"), 100);
    assert_int_equal(reg(m, "ICH_VTR_EL2") & 0x1f, 3); /* four list registers */
    assert_int_equal(reg(m, "ICC_RPR_EL1"), 0xff);
    assert_int_equal(reg(m, "ICC_SRE_EL2") & 1, 1);
    assert_int_equal(reg(m, "MPIDR_EL1"), BIT(31));
    assert_int_equal(reg(m, "ID_AA64PFR0_EL1") >> 24 & 0xf, 1); /* GIC */
    assert_int_equal(reg(m, "SCTLR_EL12"), reg(m, "SCTLR_EL1"));
    for (size_t k = 0; k < ARRAY_SIZE(none); k++)
        assert_false(arm_reg_read(m, 0, none[k], &v));
    arm_machine_free(m);
}

static void test_registers_and_memory_can_be_read(void **state)
{
    (void)state;
    struct output out;
    struct arm_machine *m = CREATE("max", guest_loop, &out);
    uint64_t v;
    uint32_t word = 0;

    assert_int_equal(reg(m, "pc"), ENTRY);
    assert_int_equal(reg(m, "pstate"), 0x3c9);
    assert_int_equal(reg(m, "hcr_el2"), reg(m, "HCR_EL2"));
    assert_false(arm_reg_read(m, 0, "x31", &v));
    assert_false(arm_reg_read(m, 0, "nothing", &v));
    assert_false(arm_reg_read(m, 2, "x0", &v));
    assert_true(arm_mem_read(m, ENTRY, &word, 4));
    assert_int_equal(word, guest_loop[0]);
    word = 0x12345678;
    assert_true(arm_mem_write(m, RAM + 0x1000, &word, 4));
    assert_false(arm_mem_read(m, RAM - 4, &word, 8));
    assert_false(arm_mem_write(m, RAM + defaults.ram_size - 2, &word, 4));
    arm_machine_free(m);
}

static void count_event(void *ctx, const struct arm_event *p)
{
    unsigned *counts = ctx;

    counts[p->kind]++;
}

static void test_subscribers_see_the_events_they_asked_for(void **state)
{
    (void)state;
    struct output out;
    struct arm_machine *m = CREATE("max", guest_alphabet, &out);
    unsigned counts[ARM_EVENT_COUNT] = {0};

    const struct arm_filter filter = {.size = sizeof(struct arm_filter),
                                      .events = BIT(ARM_EVENT_INSN) | BIT(ARM_EVENT_MMIO) |
                                                BIT(ARM_EVENT_CALL)};
    assert_true(arm_subscribe(m, &filter, count_event, counts));
    assert_int_equal(arm_run(m, 0), ARM_STOP_POWEROFF);
    assert_int_equal(counts[ARM_EVENT_INSN], arm_retired(m));
    assert_int_equal(counts[ARM_EVENT_MMIO], 26);
    assert_int_equal(counts[ARM_EVENT_CALL], 1);
    assert_int_equal(counts[ARM_EVENT_SYSREG_READ], 0);
    arm_machine_free(m);
}

static void test_bytes_are_placed_and_a_cpu_starts_without_a_file(void **state)
{
    (void)state;
    const struct arm_blob blobs[] = {
        {.addr = RAM + 0x800000, .cpu = -1, .data = {1, 2, 3, 4}, .data_size = 4},
        {.addr = RAM + 0x900000, .cpu = 0}};
    struct arm_config config = defaults;
    uint8_t bytes[5];

    config.blobs = blobs;
    config.blob_count = ARRAY_SIZE(blobs);
    struct arm_machine *m = new_machine(&config);
    assert_true(arm_mem_read(m, RAM + 0x800000, bytes, sizeof(bytes)));
    assert_memory_equal(bytes, ((uint8_t[]){1, 2, 3, 4, 0}), 5);
    assert_int_equal(reg(m, "pc"), RAM + 0x900000);
    arm_machine_free(m);
}

static void test_a_machine_may_have_all_the_cpus_that_the_board_has_room_for(void **state)
{
    (void)state;
    const struct arm_blob blob = {.addr = RAM, .cpu = ARM_CPUS_MAX - 1};
    struct arm_config config = defaults;
    uint64_t mpidr = 0;

    config.cpus = ARM_CPUS_MAX;
    config.keep_going = true;
    config.blobs = &blob;
    config.blob_count = 1;
    struct arm_machine *m = new_machine(&config);
    assert_int_equal(arm_run(m, 1000000), ARM_STOP_LIMIT);
    assert_true(arm_reg_read(m, ARM_CPUS_MAX - 1, "MPIDR_EL1", &mpidr));
    assert_int_equal(mpidr, 0x8000070a); /* 122: Aff1 is 7, Aff0 10 */
    arm_machine_free(m);
}

static void test_a_bad_configuration_is_refused_in_words(void **state)
{
    (void)state;
    const struct arm_blob too_long = {.addr = RAM, .cpu = -1, .data_size = 9};
    struct arm_config configs[] = {defaults, defaults, defaults, defaults, defaults, defaults};
    static const char *const texts[] = {"CPUs", "486", "EL3", "/nonexistent", "", "9 bytes"};

    configs[0].cpus = ARM_CPUS_MAX + 1;
    configs[1].cpu = "486";
    configs[2].start_el = 3;
    configs[3].kernel = "/nonexistent";
    configs[4].ram_size = 4095;
    configs[5].blobs = &too_long;
    configs[5].blob_count = 1;
    for (size_t k = 0; k < ARRAY_SIZE(configs); k++) {
        struct arm_error err = {0};
        assert_null(arm_machine_new(&configs[k], &err));
        assert_non_null(strstr(err.text, texts[k]));
        assert_int_not_equal(err.text[0], '\0');
        assert_null(arm_machine_new(&configs[k], NULL));
    }
}

static void test_a_topology_is_whole_or_none(void **state)
{
    (void)state;
    struct arm_config config = defaults;
    struct arm_error err = {0};

    config.topology = (struct arm_topology){.clusters = 2, .cores = 2};
    assert_null(arm_machine_new(&config, &err));
    assert_non_null(strstr(err.text, "2 clusters of 2 cores of 0 threads"));
    config.topology.threads = 2;
    arm_machine_free(new_machine(&config));
}

/* Built against an older header: what its structure does not have is not looked at. */
static void test_a_smaller_configuration_is_an_older_one(void **state)
{
    (void)state;
    struct arm_config config = defaults;

    config.size = offsetof(struct arm_config, no_reboot);
    config.rtc_epoch_s = 1;
    memset((char *)&config + config.size, 0xff, sizeof(config) - config.size);
    struct arm_machine *m = new_machine(&config);
    arm_machine_free(m);
}

static void test_a_larger_structure_is_refused(void **state)
{
    (void)state;
    struct {
        struct arm_config config;
        uint64_t more;
    } newer = {.config = defaults};
    struct arm_filter filter = {.events = BIT(ARM_EVENT_INSN)};
    struct arm_error err = {0};
    struct arm_machine *m;

    newer.config.size = sizeof(newer);
    assert_null(arm_machine_new(&newer.config, &err));
    assert_int_equal(err.code, ARM_EINVAL);
    assert_non_null(strstr(err.text, "struct arm_config.size"));
    newer.config.size = 0;
    assert_null(arm_machine_new(&newer.config, &err));
    assert_non_null(strstr(err.text, "expected sizeof(struct arm_config)"));

    newer.config.size = sizeof(newer.config);
    m = arm_machine_new(&newer.config, &err);
    assert_non_null(m);
    for (filter.size = 0; filter.size <= sizeof(filter) + 8; filter.size += sizeof(filter) + 8)
        assert_int_equal(arm_subscribe(m, &filter, count_event, NULL), 0);
    arm_machine_free(m);
}

static void test_a_subscriber_can_name_any_cpu(void **state)
{
    (void)state;
    const struct arm_blob blobs[] = {
        {.addr = ENTRY, .cpu = 0, .data = {0, 0, 0, 0x14}, .data_size = 4}, /* b . */
        {.addr = ENTRY, .cpu = 100}};
    struct arm_filter filter = {.size = sizeof(filter), .events = BIT(ARM_EVENT_INSN)};
    struct arm_config config = defaults;
    unsigned counts[ARM_EVENT_COUNT] = {0};

    config.cpus = ARM_CPUS_MAX;
    config.blobs = blobs;
    config.blob_count = 2;
    struct arm_machine *m = new_machine(&config);
    filter.cpus[1] = BIT(100 - 64);
    filter.cpus[0] = 0;
    assert_true(arm_subscribe(m, &filter, count_event, counts));
    for (unsigned k = 0; k < 10; k++)
        arm_step(m, 0);
    assert_int_equal(counts[ARM_EVENT_INSN], 0);
    for (unsigned k = 0; k < 10; k++)
        arm_step(m, 100);
    assert_int_equal(counts[ARM_EVENT_INSN], 10);
    arm_machine_free(m);
}

static void test_errors_and_names_have_words(void **state)
{
    (void)state;
    assert_string_equal(arm_strerror(ARM_ENOMEM), "no memory");
    assert_string_equal(arm_strerror(-ARM_ENOMEM), "no memory");
    assert_string_equal(arm_strerror(0), "no error");
    assert_string_equal(arm_strerror(INT_MIN), "unknown error");
    assert_string_equal(arm_strerror(INT_MAX), "unknown error");
    assert_string_equal(arm_event_name(ARM_EVENT_WFX), "WFX");
    assert_null(arm_event_name((enum arm_event_kind)ARM_EVENT_COUNT));
    assert_string_equal(arm_log_category_name(ARM_LOG_GIC), "gic");
    assert_null(arm_log_category_name((enum arm_log_category)ARM_LOG_CATEGORY_COUNT));
    assert_null(arm_log_level_name((enum arm_log_level)5));
    assert_string_equal(arm_version(), ARM_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_runs_retire_the_same_and_print_the_same),
        cmocka_unit_test(test_two_machines_run_in_turns_as_if_each_were_alone),
        cmocka_unit_test(test_run_stops_after_exactly_the_number_of_instructions_given),
        cmocka_unit_test(test_reasons_to_stop),
        cmocka_unit_test(test_console_input_reaches_the_guest),
        cmocka_unit_test(test_a_system_register_reads_as_it_is),
        cmocka_unit_test(test_registers_and_memory_can_be_read),
        cmocka_unit_test(test_subscribers_see_the_events_they_asked_for),
        cmocka_unit_test(test_bytes_are_placed_and_a_cpu_starts_without_a_file),
        cmocka_unit_test(test_a_machine_may_have_all_the_cpus_that_the_board_has_room_for),
        cmocka_unit_test(test_a_bad_configuration_is_refused_in_words),
        cmocka_unit_test(test_a_topology_is_whole_or_none),
        cmocka_unit_test(test_a_smaller_configuration_is_an_older_one),
        cmocka_unit_test(test_a_larger_structure_is_refused),
        cmocka_unit_test(test_a_subscriber_can_name_any_cpu),
        cmocka_unit_test(test_errors_and_names_have_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
