/* Models of a machine that runs a program: what is counted, for whom, and that it is the same each
 * time. */
#include "core_fixture.h"

#include <stdlib.h>

#include "arch/sysreg.h"
#include "base/bits.h"

#define RAM   UINT64_C(0x40000000)
#define ENTRY (RAM + 0x80000)
#define AT(k) (ENTRY + 4 * (uint64_t)(k))
#define DATA  (RAM + 0x100000)

/* A loop of 100 rounds that adds up what is at X1 and calls a function, then power-off. */
static const uint32_t program[] = {
    0xd2800c82, /*  0 mov x2, #100 */
    0xf8408423, /*  1 ldr x3, [x1], #8 */
    0x8b030000, /*  2 add x0, x0, x3 */
    0x94000007, /*  3 bl 10 */
    0xf1000442, /*  4 subs x2, x2, #1 */
    0x54ffff81, /*  5 b.ne 1 */
    0xd2800100, /*  6 mov x0, #8 */
    0xf2b08000, /*  7 movk x0, #0x8400, lsl #16: SYSTEM_OFF */
    0xd4000003, /*  8 smc #0 */
    0x14000000, /*  9 b . */
    0x91000484, /* 10 add x4, x4, #1 */
    0xd65f03c0, /* 11 ret */
};
#define ROUNDS       100
#define INSTRUCTIONS (1 + 7 * ROUNDS + 3)

static struct arm_machine *machine(unsigned cpus)
{
    const struct arm_config config = {.size = sizeof(config),
                                      .cpus = cpus,
                                      .ram_size = UINT64_C(16) << 20,
                                      .el2 = true,
                                      .blobs = &(struct arm_blob){.addr = ENTRY, .cpu = 0},
                                      .blob_count = 1};
    struct arm_error err = {0};
    struct arm_machine *m = arm_machine_new(&config, &err);
    uint64_t x1[2] = {DATA, 0};

    if (!m)
        fail_msg("%s", err.text);
    assert_true(arm_mem_write(m, ENTRY, program, sizeof(program)));
    assert_true(arm_reg_set(m, 0, ARM_X(1), x1));
    return m;
}

static void set(struct arm_machine *m, const char *name, uint64_t value)
{
    if (!arm_reg_write(m, 0, name, value))
        fail_msg("%s", name);
}

#define TABLES (RAM + 0x200000)
#define BLOCK  UINT64_C(0x705) /* AF, inner shareable, EL2, AttrIndx 1, block */
#define PAGE   UINT64_C(0x707)

static void put(struct arm_machine *m, uint64_t table, unsigned index, uint64_t descriptor)
{
    assert_true(arm_mem_write(m, table + 8 * index, &descriptor, sizeof(descriptor)));
}

/* EL2's stage 1 on: RAM's first 2 MiB in pages of 4 KiB, at three levels (T0SZ 25), all cached. */
static void turn_mmu_on(struct arm_machine *m)
{
    put(m, TABLES, 1, (TABLES + 0x1000) | 3);
    put(m, TABLES + 0x1000, 0, (TABLES + 0x2000) | 3);
    put(m, TABLES + 0x1000, 1, (RAM + 0x200000) | BLOCK);
    for (unsigned k = 0; k < 512; k++)
        put(m, TABLES + 0x2000, k, (RAM + 0x1000 * k) | PAGE);
    set(m, "MAIR_EL2", 0xff00);
    set(m, "TCR_EL2", UINT64_C(0x80803500) | 25);
    set(m, "TTBR0_EL2", TABLES);
    set(m, "SCTLR_EL2", UINT64_C(0x30c51835) | 1 | 4 | 1 << 12);
}

static struct arm_model_counts counts(struct arm_model *model, unsigned core, int region)
{
    struct arm_model_counts n = {.size = sizeof(n)};

    assert_true(arm_model_read(model, core, ARM_MODEL_ALL, region, &n));
    return n;
}

static struct arm_model *model_of(struct arm_machine *m, const struct arm_core *core)
{
    struct arm_error err = {0};
    struct arm_model *model = arm_model_new(m, &core, 1, &err);

    if (!model)
        fail_msg("%s", err.text);
    return model;
}

static void test_what_is_exact_is_what_the_program_does(void **state)
{
    (void)state;
    struct arm_machine *m = machine(1);
    struct arm_core core = plain_core();
    struct arm_model *model = model_of(m, &core);

    assert_int_equal(arm_run(m, 0), ARM_STOP_POWEROFF);
    struct arm_model_counts n = counts(model, 0, ARM_MODEL_ALL);
    assert_int_equal(n.instructions, arm_retired(m));
    assert_int_equal(n.instructions, INSTRUCTIONS);
    assert_int_equal(n.branches, 3 * ROUNDS);
    assert_int_equal(n.taken, 3 * ROUNDS - 1);
    assert_int_equal(n.returns, ROUNDS);
    assert_int_equal(n.indirect, 0);
    assert_int_equal(n.loads, ROUNDS);
    assert_int_equal(n.stores, 0);
    assert_int_equal(n.return_misses, 0);
    assert_true(n.cycles >= n.instructions - 1);
    arm_model_free(model);
    arm_machine_free(m);
}

static void test_memory_is_cached_when_software_says_so(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct arm_model_counts n[2];

    for (unsigned on = 0; on < 2; on++) {
        struct arm_machine *m = machine(1);
        if (on)
            turn_mmu_on(m);
        struct arm_model *model = model_of(m, &core);
        assert_int_equal(arm_run(m, 0), ARM_STOP_POWEROFF);
        n[on] = counts(model, 0, ARM_MODEL_ALL);
        arm_model_free(model);
        arm_machine_free(m);
    }
    assert_int_equal(n[0].l1d_accesses, 0);
    assert_true(n[0].cycles > ROUNDS * UINT64_C(100)); /* each load goes to memory */
    /* 100 loads of 8 bytes: 13 lines. Two pages, which are in the same tables: the walk cache
     * spares the second walk two levels. One line of instructions. */
    assert_int_equal(n[1].l1d_accesses, ROUNDS);
    assert_int_equal(n[1].l1d_misses, 13);
    assert_int_equal(n[1].l2_accesses, 13 + 3 + 1 + 1);
    assert_int_equal(n[1].tlb_misses, 2);
    assert_int_equal(n[1].walks, 2);
    assert_int_equal(n[1].walk_accesses, 3 + 1);
    assert_true(n[1].cycles < n[0].cycles / 3);
}

static void test_many_cores_in_one_run_count_as_each_alone(void **state)
{
    (void)state;
    const char *const names[] = {"a53", "n1"};
    struct arm_core *both[2];
    struct arm_model_counts alone[2];

    for (unsigned k = 0; k < 2; k++) {
        struct arm_machine *m = machine(1);
        turn_mmu_on(m);
        both[k] = arm_core_new(names[k], NULL);
        struct arm_model *model = model_of(m, both[k]);
        arm_run(m, 0);
        alone[k] = counts(model, 0, ARM_MODEL_ALL);
        arm_model_free(model);
        arm_machine_free(m);
    }
    struct arm_machine *m = machine(1);
    turn_mmu_on(m);
    struct arm_model *model = arm_model_new(m, (const struct arm_core *const *)both, 2, NULL);
    while (arm_run(m, 37) == ARM_STOP_LIMIT) /* and however the run is cut */
        counts(model, 0, ARM_MODEL_ALL);
    for (unsigned k = 0; k < 2; k++) {
        struct arm_model_counts n = counts(model, k, ARM_MODEL_ALL);
        assert_memory_equal(&n, &alone[k], sizeof(n));
        arm_core_free(both[k]);
    }
    arm_model_free(model);
    arm_machine_free(m);
}

static void test_a_region_is_from_its_first_instruction_to_the_one_behind(void **state)
{
    (void)state;
    struct arm_machine *m = machine(1);
    struct arm_core core = plain_core();

    turn_mmu_on(m);
    struct arm_model *model = model_of(m, &core);
    int function = arm_model_region(model, AT(10), AT(4));
    int call = arm_model_region(model, AT(3), AT(4));
    arm_run(m, 0);
    struct arm_model_counts n = counts(model, 0, function);
    assert_int_equal(n.passes, ROUNDS);
    assert_int_equal(n.instructions, 2 * ROUNDS);
    assert_int_equal(n.returns, ROUNDS);
    n = counts(model, 0, call);
    assert_int_equal(n.passes, ROUNDS);
    assert_int_equal(n.instructions, 3 * ROUNDS);
    assert_in_range(n.cycles, 3 * ROUNDS, 8 * ROUNDS);
    assert_false(arm_model_read(model, 0, ARM_MODEL_ALL, call + 1, &n));
    arm_model_free(model);
    arm_machine_free(m);
}

/* Who counts a stretch under a key, and lets nobody listen elsewhere. */
struct marker {
    struct arm_model *model;
    bool off;
};

static void mark(void *ctx, const struct arm_event *p)
{
    const struct marker *k = ctx;

    if (p->pc == AT(3)) {
        if (k->off)
            arm_model_listen(k->model, true);
        arm_model_stretch(k->model, 0, p->count + 1, 5); /* behind the call */
    } else if (p->pc == AT(4)) {
        arm_model_stretch(k->model, 0, p->count, ARM_MODEL_NO_KEY);
        if (k->off)
            arm_model_listen(k->model, false);
    }
}

static void test_a_key_counts_what_lies_between_its_calls(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    const struct arm_filter filter = {.size = sizeof(filter), .events = ARM_BIT(ARM_EVENT_INSN)};

    /* Whether the model hears of an instruction before who marks it, or after. */
    for (unsigned k = 0; k < 4; k++) {
        struct arm_machine *m = machine(1);
        struct marker marker = {.off = k & 2};
        turn_mmu_on(m);
        if (k & 1)
            marker.model = model_of(m, &core);
        assert_true(arm_subscribe(m, &filter, mark, &marker) > 0);
        if (!(k & 1))
            marker.model = model_of(m, &core);
        arm_run(m, 0);
        struct arm_model_counts n = counts(marker.model, 0, ARM_MODEL_KEY(5));
        assert_int_equal(n.passes, ROUNDS);
        assert_int_equal(n.instructions, 2 * ROUNDS);
        assert_int_equal(n.returns, ROUNDS);
        n = counts(marker.model, 0, ARM_MODEL_KEY(6));
        assert_int_equal(n.passes, 0);
        arm_model_free(marker.model);
        arm_machine_free(m);
    }
}

static void test_counts_begin_again_and_what_is_learned_stays_unless_cold(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct arm_machine *m = machine(1);

    turn_mmu_on(m);
    struct arm_model *model = model_of(m, &core);
    assert_int_equal(arm_run(m, 1 + 7 * 8), ARM_STOP_LIMIT);
    assert_int_equal(counts(model, 0, ARM_MODEL_ALL).l1i_misses, 1);
    arm_model_reset(model, false);
    assert_int_equal(counts(model, 0, ARM_MODEL_ALL).cycles, 0);
    arm_run(m, 7);
    assert_int_equal(counts(model, 0, ARM_MODEL_ALL).instructions, 7);
    assert_int_equal(counts(model, 0, ARM_MODEL_ALL).l1i_misses, 0);
    arm_model_reset(model, true);
    arm_run(m, 7);
    assert_int_equal(counts(model, 0, ARM_MODEL_ALL).l1i_misses, 1);
    arm_model_free(model);
    arm_machine_free(m);
}

static void test_the_parameter_that_matters_is_found_in_one_run(void **state)
{
    (void)state;
    struct arm_machine *m = machine(1);
    struct arm_core core = plain_core(), **list;
    struct arm_influence out[4];

    turn_mmu_on(m);
    unsigned count = arm_core_variants(&core, &list);
    struct arm_model *model = arm_model_new(m, (const struct arm_core *const *)list, count, NULL);
    arm_run(m, 0);
    double *result = calloc(count, sizeof(*result));
    for (unsigned k = 0; k < count; k++)
        result[k] = (double)counts(model, k, ARM_MODEL_ALL).cycles;
    /* 13 lines in a row come from memory, 100 cycles each, beside some 700 instructions: half the
     * line doubles the misses, a prefetcher spares most, and each is a quarter cheaper. */
    assert_true(arm_core_influences(list, count, result, out, 4) >= 4);
    assert_string_equal(out[0].parameter, "line");
    assert_int_equal(out[0].to, 32);
    assert_string_equal(out[1].parameter, "prefetcher");
    assert_true(out[1].change < -0.3);
    assert_string_equal(out[2].parameter, "lat_memory");
    free(result);
    arm_model_free(model);
    arm_core_variants_free(list, count);
    arm_machine_free(m);
}

static void test_what_cannot_be_read_is_refused(void **state)
{
    (void)state;
    struct arm_machine *m = machine(1);
    struct arm_core core = plain_core();
    struct arm_model *model = model_of(m, &core);
    struct arm_model_counts n = {.size = sizeof(n)};

    assert_false(arm_model_read(model, 1, ARM_MODEL_ALL, ARM_MODEL_ALL, &n));
    assert_false(arm_model_read(model, 0, 1, ARM_MODEL_ALL, &n));
    assert_false(arm_model_read(model, 0, 0, 0, &n));
    assert_false(arm_model_read(model, 0, 0, ARM_MODEL_KEY(ARM_MODEL_KEYS), &n));
    n.size = 8;
    assert_false(arm_model_read(model, 0, 0, ARM_MODEL_ALL, &n));
    for (unsigned k = 0; k < ARM_MODEL_REGIONS_MAX; k++)
        assert_int_equal(arm_model_region(model, AT(k), AT(k + 1)), k);
    assert_int_equal(arm_model_region(model, 0, 4), -ARM_EINVAL);
    arm_model_free(model);
    arm_machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_exact_is_what_the_program_does),
        cmocka_unit_test(test_memory_is_cached_when_software_says_so),
        cmocka_unit_test(test_many_cores_in_one_run_count_as_each_alone),
        cmocka_unit_test(test_a_region_is_from_its_first_instruction_to_the_one_behind),
        cmocka_unit_test(test_a_key_counts_what_lies_between_its_calls),
        cmocka_unit_test(test_counts_begin_again_and_what_is_learned_stays_unless_cold),
        cmocka_unit_test(test_the_parameter_that_matters_is_found_in_one_run),
        cmocka_unit_test(test_what_cannot_be_read_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
