/* Registers of every EL by number and by name: what is put there is there, and for
 * the guest too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "armillary.h"
#include "base/bits.h"
#include "tests/machine/new_machine.h"
#include "tests/random.h"

#define RAM           UINT64_C(0x40000000)
#define ENTRY         (RAM + 0x100000)
#define REGISTERS_MAX 2048

static struct arm_machine *create(const char *cpu)
{
    const struct arm_config config = {.size = sizeof(config),
                                      .cpu = cpu,
                                      .cpus = 2,
                                      .ram_size = UINT64_C(4) << 20,
                                      .el2 = true,
                                      .blobs = &(struct arm_blob){.addr = ENTRY, .cpu = 0},
                                      .blob_count = 1};

    return new_machine(&config);
}

/* All registers of CPU 0 with their values. */
struct registers {
    size_t count;
    struct arm_register r[REGISTERS_MAX];
    uint64_t value[REGISTERS_MAX][2];
};

static void read_all(struct arm_machine *m, struct registers *all)
{
    all->count = arm_reg_list(m, 0, all->r, REGISTERS_MAX);
    assert_in_range(all->count, 250, REGISTERS_MAX);
    for (size_t k = 0; k < all->count; k++)
        if (!arm_reg_get(m, 0, all->r[k].number, all->value[k]))
            fail_msg("%s is listed and cannot be read", all->r[k].name);
}

static void test_the_list_names_each_register_once_and_by_its_number(void **state)
{
    (void)state;
    static struct registers all;
    struct arm_machine *m = create("max");
    struct arm_register few[3] = {{0}};

    read_all(m, &all);
    for (size_t k = 0; k < all.count; k++) {
        assert_string_equal(arm_reg_name(all.r[k].number), all.r[k].name);
        assert_int_equal(arm_reg_number(all.r[k].name), all.r[k].number);
        assert_int_equal(all.r[k].width, all.r[k].name[0] == 'v' ? 128 : 64);
        for (size_t i = 0; i < k; i++)
            assert_int_not_equal(all.r[i].number, all.r[k].number);
    }
    assert_int_equal(arm_reg_list(m, 0, few, 2), all.count);
    assert_string_equal(few[1].name, all.r[1].name);
    assert_null(few[2].name);
    assert_int_equal(arm_reg_list(m, 2, few, 3), 0);
    arm_machine_free(m);
}

static void test_numbers_are_those_of_the_architecture_and_of_the_header(void **state)
{
    (void)state;
    assert_int_equal(arm_reg_number("hcr_el2"), ARM_SYSREG(3, 4, 1, 1, 0));
    assert_int_equal(ARM_SYSREG(3, 4, 1, 1, 0), 0xe088);
    assert_int_equal(arm_reg_number("X7"), ARM_X(7));
    assert_int_equal(ARM_X(7), 0x10007);
    assert_int_equal(arm_reg_number("sp"), 0x1001f);
    assert_int_equal(arm_reg_number("pc"), 0x10020);
    assert_int_equal(arm_reg_number("PState"), 0x10021);
    assert_int_equal(arm_reg_number("v31"), 0x1011f);
    assert_int_equal(arm_reg_number("x31"), ARM_NO_REGISTER);
    assert_int_equal(arm_reg_number(""), ARM_NO_REGISTER);
    assert_null(arm_reg_name(ARM_NO_REGISTER));
    assert_null(arm_reg_name(ARM_X(34)));
    assert_null(arm_reg_name(ARM_V(32)));
    assert_null(arm_reg_name(ARM_SYSREG(3, 7, 15, 15, 7)));
}

/* Every one in turn: what is put there is there, and no other register has changed. */
static void test_a_value_that_is_put_back_changes_nothing(void **state)
{
    (void)state;
    static struct registers before, after;

    for (unsigned c = 0; c < 3; c++) {
        struct arm_machine *m = create((const char *const[]){"a57", "n1", "max"}[c]);
        arm_run(m, 1000);
        read_all(m, &before);
        for (size_t k = 0; k < before.count; k++)
            if (arm_reg_set(m, 0, before.r[k].number, before.value[k]) != before.r[k].writable)
                fail_msg("%s: writable is %d", before.r[k].name, before.r[k].writable);
        read_all(m, &after);
        for (size_t k = 0; k < before.count; k++)
            if (memcmp(before.value[k], after.value[k], 16) != 0)
                fail_msg("%s was %#llx, is %#llx", before.r[k].name,
                         (unsigned long long)before.value[k][0],
                         (unsigned long long)after.value[k][0]);
        arm_machine_free(m);
    }
}

static void test_core_registers_hold_any_value(void **state)
{
    (void)state;
    struct arm_machine *m = create("max");
    uint64_t random = test_seed(1), in[2], out[2];

    for (unsigned k = 0; k < 32 + 33; k++) {
        bool vector = k < 32;
        uint32_t number = vector ? ARM_V(k) : ARM_X(k - 32); /* and SP, PC */
        in[0] = random_next(&random);
        in[1] = vector ? random_next(&random) : 0;
        assert_true(arm_reg_set(m, 1, number, in));
        assert_true(arm_reg_get(m, 1, number, out));
        assert_memory_equal(in, out, sizeof(in));
        assert_true(arm_reg_get(m, 0, number, out)); /* another CPU's is another register */
        assert_int_not_equal(in[0], out[0]);
    }
    assert_true(arm_reg_write(m, 1, "v3", 5));
    assert_true(arm_reg_get(m, 1, ARM_V(3), out));
    assert_int_equal(out[0], 5);
    assert_int_equal(out[1], 0);
    arm_machine_free(m);
}

/* add x2,x0,x1; mov v1.d[0],v0.d[1]; mrs x3,tpidr_el2; mov x4,sp; mrs x5,tpidr_el1; b . */
static const uint32_t reader[] = {0x8b010002, 0x6e084401, 0xd53cd043,
                                  0x910003e4, 0xd538d085, 0x14000000};

static void test_the_guest_sees_what_was_put_there(void **state)
{
    (void)state;
    struct arm_machine *m = create("n1");
    uint64_t v[2] = {1, UINT64_C(0x0123456789abcdef)}, x;

    assert_true(arm_mem_write(m, ENTRY + 0x100, reader, sizeof(reader)));
    assert_true(arm_reg_write(m, 0, "x0", 40));
    assert_true(arm_reg_write(m, 0, "x1", 2));
    assert_true(arm_reg_set(m, 0, ARM_V(0), v));
    assert_true(arm_reg_write(m, 0, "TPIDR_EL2", 0x22));
    assert_true(arm_reg_write(m, 0, "tpidr_el1", 0x11));
    assert_true(arm_reg_write(m, 0, "SP_EL1", 0x5110));
    assert_true(arm_reg_write(m, 0, "SP_EL2", 0x5120));
    assert_true(arm_reg_write(m, 0, "pc", ENTRY + 0x100));
    assert_int_equal(arm_run(m, 5), ARM_STOP_LIMIT);
    assert_true(arm_reg_read(m, 0, "x2", &x));
    assert_int_equal(x, 42);
    assert_true(arm_reg_read(m, 0, "v1", &x));
    assert_int_equal(x, v[1]);
    assert_true(arm_reg_read(m, 0, "x3", &x));
    assert_int_equal(x, 0x22);
    assert_true(arm_reg_read(m, 0, "x4", &x));
    assert_int_equal(x, 0x5120); /* at EL2h */
    assert_true(arm_reg_read(m, 0, "x5", &x));
    assert_int_equal(x, 0x11);
    /* The same at EL1t: SP is SP_EL0, and EL2's register is out of reach. */
    assert_true(arm_reg_write(m, 0, "SP_EL0", 0x5100));
    assert_true(arm_reg_write(m, 0, "pstate", UINT64_C(0x600003c4)));
    assert_true(arm_reg_read(m, 0, "CurrentEL", &x));
    assert_int_equal(x, 4);
    assert_true(arm_reg_read(m, 0, "NZCV", &x));
    assert_int_equal(x, 0x60000000);
    assert_true(arm_reg_read(m, 0, "sp", &x));
    assert_int_equal(x, 0x5100);
    arm_machine_free(m);
}

static void test_what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const char *const unreadable[] = {"ICC_IAR1_EL1", "ICC_EOIR1_EL1", "TLBI_VAE1", "x31"};
    static const uint64_t modes[] = {0x10, 2, 1, 0xc, 0xf};
    struct arm_machine *m = create("n1");
    uint64_t x;

    for (size_t k = 0; k < ARRAY_SIZE(unreadable); k++) {
        assert_false(arm_reg_read(m, 0, unreadable[k], &x));
        assert_false(arm_reg_write(m, 0, unreadable[k], 0));
    }
    for (size_t k = 0; k < ARRAY_SIZE(modes); k++)
        assert_false(arm_reg_write(m, 0, "pstate", modes[k]));
    assert_false(arm_reg_write(m, 0, "MIDR_EL1", 0));
    assert_false(arm_reg_read(m, 2, "x0", &x));
    assert_false(arm_reg_write(m, 2, "x0", 0));
    arm_machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_list_names_each_register_once_and_by_its_number),
        cmocka_unit_test(test_numbers_are_those_of_the_architecture_and_of_the_header),
        cmocka_unit_test(test_a_value_that_is_put_back_changes_nothing),
        cmocka_unit_test(test_core_registers_hold_any_value),
        cmocka_unit_test(test_the_guest_sees_what_was_put_there),
        cmocka_unit_test(test_what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests_name("machine/registers", tests, NULL, NULL);
}
