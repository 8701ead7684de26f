/* Memory by virtual address: what the registers and tables say, without a trace in the guest. */
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

#define RAM    UINT64_C(0x40000000)
#define TABLES (RAM + 0x100000) /* of EL1&0 stage 1: level 1, 2, 3 of one page each */
#define STAGE2 (RAM + 0x110000) /* level 1 of a 1 GiB block, by 4 KiB granules */
#define PAGE   UINT64_C(0x1000)
#define VA     UINT64_C(0x80000000)

#define VALID_TABLE 3
#define AF          BIT(10)
#define AP_EL0      BIT(6)
#define AP_RO       BIT(7)
#define DBM         BIT(51)

static struct arm_machine *create(void)
{
    const struct arm_config config = {.size = sizeof(config),
                                      .cpu = "max",
                                      .cpus = 1,
                                      .ram_size = UINT64_C(16) << 20,
                                      .el2 = true,
                                      .blobs = &(struct arm_blob){.addr = RAM, .cpu = 0},
                                      .blob_count = 1};

    return new_machine(&config);
}

static void put(struct arm_machine *m, uint64_t pa, uint64_t value)
{
    assert_true(arm_mem_write(m, pa, &value, 8));
}

static uint64_t get(struct arm_machine *m, uint64_t pa)
{
    uint64_t value;

    assert_true(arm_mem_read(m, pa, &value, 8));
    return value;
}

static void set(struct arm_machine *m, const char *name, uint64_t value)
{
    if (!arm_reg_write(m, 0, name, value))
        fail_msg("%s cannot be written", name);
}

/* EL1&0 with 4 KiB granules and 39 bits: page @k from VA on is page @k of RAM + 8 MiB on, with
 * these bits. */
static void map(struct arm_machine *m, unsigned count, const uint64_t *attributes)
{
    put(m, TABLES + (VA >> 30) * 8, (TABLES + PAGE) | VALID_TABLE);
    put(m, TABLES + PAGE, (TABLES + 2 * PAGE) | VALID_TABLE);
    for (unsigned k = 0; k < count; k++)
        put(m, TABLES + 2 * PAGE + 8 * k,
            attributes[k] ? (RAM + 0x800000 + k * PAGE) | attributes[k] | VALID_TABLE : 0);
    set(m, "TTBR0_EL1", TABLES);
    set(m, "MAIR_EL1", 0xff);
    set(m, "TCR_EL1", 25 | BIT(23) | BIT(39) | BIT(40)); /* T0SZ, EPD1, HA, HD */
    set(m, "SCTLR_EL1", BIT(0) | BIT(2));                /* M, C */
    set(m, "HCR_EL2", BIT(31));                          /* RW: no E2H, no stage 2 */
}

static void test_an_address_is_translated_at_the_el_that_is_named(void **state)
{
    (void)state;
    const uint64_t attributes[] = {AF, AF | AP_EL0 | AP_RO, 0};
    struct arm_machine *m = create();
    struct arm_translation t;

    map(m, 3, attributes);
    assert_true(arm_translate(m, 0, 1, VA + 0x123, ARM_ACCESS_WRITE, &t));
    assert_int_equal(t.pa, RAM + 0x800123);
    assert_int_equal(t.attr, 0xff);
    assert_int_equal(t.stage1_log2, 12);
    assert_true(t.stage2_log2 >= 52);
    assert_true(t.global);
    assert_int_equal(t.perms, ARM_PERM_PR | ARM_PERM_PW | ARM_PERM_PX | ARM_PERM_UX);
    assert_null(t.fault);

    assert_false(arm_translate(m, 0, 0, VA, ARM_ACCESS_READ, &t)); /* not EL0's */
    assert_string_equal(t.fault, "permission");
    assert_int_equal(t.level, 3);
    assert_int_equal(t.stage, 1);
    assert_int_equal(t.fsc, 0xf);
    assert_true(arm_translate(m, 0, 0, VA + PAGE, ARM_ACCESS_READ, &t));
    assert_false(arm_translate(m, 0, 1, VA + PAGE, ARM_ACCESS_WRITE, &t));
    assert_false(arm_translate(m, 0, 1, VA + 2 * PAGE, ARM_ACCESS_READ, &t));
    assert_string_equal(t.fault, "translation");

    assert_true(arm_translate(m, 0, 2, VA, ARM_ACCESS_READ, &t)); /* EL2's MMU is off */
    assert_int_equal(t.pa, VA);
    assert_false(arm_translate(m, 0, 3, VA, ARM_ACCESS_READ, &t));
    assert_null(t.fault);
    assert_false(arm_translate(m, 1, 1, VA, ARM_ACCESS_READ, &t));
    arm_machine_free(m);
}

/* What a walk has read. */
struct steps {
    unsigned count;
    struct arm_walk_step step[32];
};

static void keep_step(void *ctx, const struct arm_walk_step *step)
{
    struct steps *s = ctx;

    assert_true(s->count < ARRAY_SIZE(s->step));
    s->step[s->count++] = *step;
}

static void test_a_walk_tells_each_descriptor(void **state)
{
    (void)state;
    const uint64_t attributes[] = {AF, 0};
    struct arm_machine *m = create();
    struct arm_translation t;
    struct steps s = {0};

    map(m, ARRAY_SIZE(attributes), attributes);
    assert_true(arm_walk(m, 0, 1, VA + 0x123, ARM_ACCESS_READ, keep_step, &s, &t));
    assert_int_equal(t.pa, RAM + 0x800123);
    assert_int_equal(s.count, 3);
    for (unsigned k = 0; k < 3; k++) {
        assert_int_equal(s.step[k].stage, 1);
        assert_int_equal(s.step[k].level, k + 1);
        assert_int_equal(s.step[k].pa, TABLES + k * PAGE + (k == 0 ? (VA >> 30) * 8 : 0));
        assert_int_equal(s.step[k].descriptor, get(m, s.step[k].pa));
    }
    s.count = 0;
    assert_false(arm_walk(m, 0, 1, VA + PAGE, ARM_ACCESS_READ, keep_step, &s, &t));
    assert_int_equal(t.level, 3);
    assert_int_equal(s.count, 3);
    arm_machine_free(m);
}

static void test_looking_leaves_no_access_flag_and_no_dirty_state(void **state)
{
    (void)state;
    const uint64_t attributes[] = {AP_EL0, AF | AP_EL0 | AP_RO | DBM};
    const uint64_t table = TABLES + 2 * PAGE;
    struct arm_machine *m = create();
    struct arm_translation t;
    uint64_t before[2], word = 1;

    map(m, 2, attributes);
    for (unsigned k = 0; k < 2; k++) {
        before[k] = get(m, table + 8 * k);
        assert_true(arm_translate(m, 0, 1, VA + k * PAGE, ARM_ACCESS_WRITE, &t));
        assert_true(t.perms & ARM_PERM_PW);
        assert_true(arm_virt_write(m, 0, 1, VA + k * PAGE, &word, 8));
        assert_int_equal(get(m, table + 8 * k), before[k]);
    }
    arm_machine_free(m);
}

static void test_stage_2_counts_below_el2(void **state)
{
    (void)state;
    const uint64_t attributes[] = {AF};
    struct arm_machine *m = create();
    struct arm_translation t;

    map(m, 1, attributes);
    put(m, STAGE2 + 8, RAM | AF | BIT(7) | BIT(6) | 0x3c | 1); /* IPA 1 GiB on: RAM, S2AP */
    set(m, "VTTBR_EL2", STAGE2);
    set(m, "VTCR_EL2", BIT(31) | UINT64_C(2) << 16 | UINT64_C(1) << 6 | 25); /* 40 bits, level 1 */
    set(m, "HCR_EL2", BIT(31) | BIT(0));
    assert_true(arm_translate(m, 0, 1, VA, ARM_ACCESS_READ, &t));
    assert_int_equal(t.pa, RAM + 0x800000);
    assert_int_equal(t.stage2_log2, 30);
    put(m, STAGE2 + 8, 0);
    assert_false(arm_translate(m, 0, 1, VA, ARM_ACCESS_READ, &t));
    assert_int_equal(t.stage, 2);
    assert_true(t.on_walk);
    assert_int_equal(t.ipa & ~(PAGE - 1), TABLES);
    arm_machine_free(m);
}

static void test_bytes_are_read_and_written_across_pages_or_not_at_all(void **state)
{
    (void)state;
    /* Not in order, read-only, and then a hole. */
    const uint64_t attributes[] = {AF, AF | AP_RO, 0};
    struct arm_machine *m = create();
    char text[16] = {0};

    map(m, 3, attributes);
    assert_true(arm_virt_write(m, 0, 1, VA + PAGE - 6, "across pages", 12));
    assert_true(arm_mem_read(m, RAM + 0x800000 + PAGE - 6, text, 12));
    assert_string_equal(text, "across pages");
    memset(text, 0, sizeof(text));
    assert_true(arm_virt_read(m, 0, 1, VA + PAGE - 6, text, 12));
    assert_string_equal(text, "across pages");

    assert_false(arm_virt_write(m, 0, 1, VA + 2 * PAGE - 4, "too far", 7));
    assert_int_equal(get(m, RAM + 0x800000 + 2 * PAGE - 8), 0);
    assert_false(arm_virt_read(m, 0, 1, VA + 2 * PAGE - 4, text, 7));
    assert_false(arm_virt_read(m, 0, 2, UINT64_C(0x9000000), text, 1)); /* the UART */
    assert_false(arm_virt_write(m, 0, 2, UINT64_C(0x9000000), text, 1));
    assert_true(arm_virt_read(m, 0, 1, UINT64_MAX, text, 0));
    arm_machine_free(m);
}

static void assert_control(const struct arm_machine *m, unsigned el, const char *name, bool read,
                           unsigned target, const char *expected)
{
    char text[64] = "?";

    assert_int_equal(arm_trap_control(m, 0, el, arm_reg_number(name), read, text, sizeof(text)),
                     target);
    if (target)
        assert_string_equal(text, expected);
}

static void test_the_control_that_traps_is_told(void **state)
{
    struct arm_machine *m = create();
    char text[64];

    (void)state;
    set(m, "HCR_EL2", BIT(31) | BIT(26)); /* RW, TVM */
    assert_control(m, 1, "SCTLR_EL1", false, 2, "HCR_EL2.TVM is 1");
    assert_control(m, 1, "SCTLR_EL1", true, 0, NULL);
    assert_control(m, 2, "SCTLR_EL1", false, 0, NULL);
    set(m, "CNTKCTL_EL1", 0);
    assert_control(m, 0, "CNTVCT_EL0", true, 1, "CNTKCTL_EL1.EL0VCTEN is 0");
    set(m, "HCR_EL2", BIT(31) | BIT(27)); /* TGE: what is EL1's goes to EL2 */
    assert_control(m, 0, "CNTVCT_EL0", true, 2, "CNTKCTL_EL1.EL0VCTEN is 0");
    set(m, "HCR_EL2", BIT(34) | BIT(31) | BIT(27)); /* E2H too: EL2's control counts */
    set(m, "CNTHCTL_EL2", 0);
    assert_control(m, 0, "CNTVCT_EL0", true, 2, "CNTHCTL_EL2.EL0VCTEN is 0 (as E2H lays it out)");
    set(m, "CNTHCTL_EL2", 3);
    assert_control(m, 0, "CNTVCT_EL0", true, 0, NULL);
    assert_int_equal(arm_trap_control(m, 1, 0, arm_reg_number("CNTVCT_EL0"), true, text, 64), 0);
    assert_int_equal(arm_trap_control(m, 0, 4, arm_reg_number("CNTVCT_EL0"), true, text, 64), 0);
    assert_int_equal(arm_trap_control(m, 0, 1, ARM_NO_REGISTER, true, text, 64), 0);
    arm_machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_is_translated_at_the_el_that_is_named),
        cmocka_unit_test(test_a_walk_tells_each_descriptor),
        cmocka_unit_test(test_looking_leaves_no_access_flag_and_no_dirty_state),
        cmocka_unit_test(test_stage_2_counts_below_el2),
        cmocka_unit_test(test_bytes_are_read_and_written_across_pages_or_not_at_all),
        cmocka_unit_test(test_the_control_that_traps_is_told),
    };
    return cmocka_run_group_tests_name("machine/look", tests, NULL, NULL);
}
