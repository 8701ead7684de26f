/* SErrors that the system signals: taken, masked and routed as
 * AArch64.TakePhysicalSErrorException() and its callers say, recorded by ESB, seen in ISR_EL1, and
 * replayed. */
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
#include "tests/machine/new_machine.h"

#define ENTRY    UINT64_C(0x40080000)
#define VBAR_EL1 UINT64_C(0x40100000)
#define VBAR_EL2 UINT64_C(0x40200000)

#define NOP        0xd503201fu
#define ESB        0xd503221fu
#define WFI        0xd503207fu
#define MRS_X0_ISR 0xd538c100u
#define B_SELF     0x14000000u

#define HCR_RW  BIT(31)
#define HCR_AMO BIT(5)
#define HCR_TGE BIT(27)
#define HCR_E2H BIT(34)

/* SPSR values: all of DAIF masked, or but A. */
#define EL0    UINT64_C(0x3c0)
#define EL1    UINT64_C(0x3c5)
#define EL2    UINT64_C(0x3c9)
#define UNMASK UINT64_C(0x100)

/* ESR_ELx of an SError: EC, IL. */
#define ESR(iss) (UINT64_C(0xbe000000) | (iss))
#define IDS      BIT(24)
#define AET_UEU  (UINT64_C(1) << 10)
#define EA       BIT(9)
#define DFSC     UINT64_C(0x11)

static struct arm_machine *create(const char *cpu, uint32_t word)
{
    const struct arm_config config = {
        .size = sizeof(config),
        .cpu = cpu,
        .cpus = 2,
        .ram_size = UINT64_C(16) << 20,
        .el2 = true,
        .blobs = &(struct arm_blob){.addr = ENTRY, .cpu = 0},
        .blob_count = 1,
    };
    struct arm_machine *m = new_machine(&config);

    for (uint64_t pa = ENTRY; pa < ENTRY + 0x100; pa += 4)
        assert_true(arm_mem_write(m, pa, &word, 4));
    assert_true(arm_mem_write(m, VBAR_EL1 + 0x380, &(uint32_t){B_SELF}, 4));
    return m;
}

static void set(struct arm_machine *m, const char *name, uint64_t value)
{
    if (!arm_reg_write(m, 0, name, value))
        fail_msg("%s cannot be written", name);
}

static uint64_t get(struct arm_machine *m, const char *name)
{
    uint64_t value;

    if (!arm_reg_read(m, 0, name, &value))
        fail_msg("%s cannot be read", name);
    return value;
}

/* CPU 0 in a mode of a world. */
static void enter(struct arm_machine *m, uint64_t spsr, uint64_t hcr)
{
    set(m, "VBAR_EL1", VBAR_EL1);
    set(m, "VBAR_EL2", VBAR_EL2);
    set(m, "HCR_EL2", HCR_RW | hcr);
    set(m, "pstate", spsr);
    set(m, "pc", ENTRY);
}

struct taken {
    uint64_t spsr, hcr, pc; /* pc 0: not taken */
};

static void check_taken(const struct taken *t)
{
    struct arm_machine *m = create("max", NOP);
    const bool el2 = t->pc >= VBAR_EL2;

    enter(m, t->spsr, t->hcr);
    assert_int_equal(arm_raise_serror(m, 0, AET_UEU | EA | DFSC), 0);
    assert_int_equal(get(m, "ISR_EL1"), BIT(8));
    arm_step(m, 0);
    if (!t->pc) {
        assert_int_equal(get(m, "pc"), ENTRY + 4);
    } else {
        assert_int_equal(get(m, "pc"), t->pc);
        assert_int_equal(get(m, el2 ? "ESR_EL2" : "ESR_EL1"), ESR(AET_UEU | EA | DFSC));
        assert_int_equal(get(m, el2 ? "ELR_EL2" : "ELR_EL1"), ENTRY);
        assert_int_equal(get(m, "ISR_EL1"), 0);
    }
    arm_machine_free(m);
}

static void test_it_is_taken_masked_and_routed(void **state)
{
    (void)state;
    static const struct taken cases[] = {
        {EL0 & ~UNMASK, 0, VBAR_EL1 + 0x580},
        {EL0, 0, 0},
        {EL1 & ~UNMASK, 0, VBAR_EL1 + 0x380},
        {EL1, 0, 0},
        {EL2 & ~UNMASK, 0, 0},            /* for EL1, which is lower */
        {EL1, HCR_AMO, VBAR_EL2 + 0x580}, /* PSTATE.A of EL1 does not mask EL2's */
        {EL0, HCR_AMO, VBAR_EL2 + 0x580},
        {EL0, HCR_TGE, VBAR_EL2 + 0x580},
        {EL2 & ~UNMASK, HCR_AMO, VBAR_EL2 + 0x380},
        {EL2, HCR_AMO, 0},
        {EL2 & ~UNMASK, HCR_TGE, VBAR_EL2 + 0x380},
        {EL0 & ~UNMASK, HCR_E2H | HCR_TGE, VBAR_EL2 + 0x580},
        {EL0, HCR_E2H | HCR_TGE, 0}, /* EL0 of a host */
        {EL1, HCR_E2H | HCR_AMO, VBAR_EL2 + 0x580},
    };

    for (size_t k = 0; k < ARRAY_SIZE(cases); k++)
        check_taken(&cases[k]);
}

static void test_it_stays_pending_until_it_is_unmasked(void **state)
{
    (void)state;
    struct arm_machine *m = create("a57", NOP);

    enter(m, EL1, 0);
    assert_int_equal(arm_raise_serror(m, 0, IDS | 0x12345), 0);
    assert_int_equal(arm_raise_serror(m, 0, 0), 0); /* one is pending: it stays as it is */
    assert_int_equal(arm_run(m, 10), ARM_STOP_LIMIT);
    assert_int_equal(get(m, "pc"), ENTRY + 40);
    set(m, "pstate", EL1 & ~UNMASK);
    arm_step(m, 0);
    assert_int_equal(get(m, "pc"), VBAR_EL1 + 0x380);
    assert_int_equal(get(m, "ESR_EL1"), ESR(IDS | 0x12345));
    arm_machine_free(m);
}

static void test_the_guest_sees_a_pending_one_in_isr_el1(void **state)
{
    (void)state;
    static const uint64_t modes[] = {EL1, EL2};

    for (size_t k = 0; k < ARRAY_SIZE(modes); k++) {
        struct arm_machine *m = create("n1", MRS_X0_ISR);
        enter(m, modes[k], 0);
        arm_step(m, 0);
        assert_int_equal(get(m, "x0"), 0);
        assert_int_equal(arm_raise_serror(m, 0, 0), 0);
        arm_step(m, 0);
        assert_int_equal(get(m, "x0"), BIT(8));
        arm_machine_free(m);
    }
}

static void test_esb_records_a_masked_one(void **state)
{
    (void)state;
    struct arm_machine *m = create("n1", ESB);

    enter(m, EL2, HCR_AMO);
    assert_int_equal(arm_raise_serror(m, 0, AET_UEU | DFSC), 0);
    arm_step(m, 0);
    assert_int_equal(get(m, "DISR_EL1"), BIT(31) | AET_UEU | DFSC);
    assert_int_equal(get(m, "ISR_EL1"), 0);
    set(m, "pstate", EL2 & ~UNMASK);
    arm_step(m, 0);
    assert_int_equal(get(m, "pc"), ENTRY + 8);
    arm_machine_free(m);
}

static void test_it_ends_wfi(void **state)
{
    (void)state;
    struct arm_machine *m = create("max", WFI);

    enter(m, EL1, 0);
    assert_int_equal(arm_run(m, 5), ARM_STOP_IDLE);
    assert_int_equal(arm_raise_serror(m, 0, 0), 0);
    assert_int_equal(arm_run(m, 5), ARM_STOP_LIMIT); /* masked, so WFI does not wait any more */
    set(m, "pstate", EL1 & ~UNMASK);
    arm_step(m, 0);
    assert_int_equal(get(m, "pc"), VBAR_EL1 + 0x380);
    arm_machine_free(m);
}

static void test_what_a_cpu_does_not_report_is_refused(void **state)
{
    (void)state;
    struct arm_machine *n1 = create("n1", NOP), *a57 = create("a57", NOP);

    enter(n1, EL1, 0);
    enter(a57, EL1, 0);
    assert_int_equal(arm_raise_serror(n1, 2, 0), -ARM_EINVAL);
    assert_int_equal(arm_raise_serror(n1, 0, 1), -ARM_EINVAL);
    assert_int_equal(arm_raise_serror(n1, 0, AET_UEU), -ARM_EINVAL); /* only with DFSC */
    assert_int_equal(arm_raise_serror(n1, 0, BIT(25) | IDS), -ARM_EINVAL);
    assert_int_equal(arm_raise_serror(a57, 0, DFSC), -ARM_EINVAL); /* no FEAT_RAS */
    assert_int_equal(get(n1, "ISR_EL1"), 0);
    assert_int_equal(get(a57, "ISR_EL1"), 0);
    assert_int_equal(arm_raise_serror(n1, 1, IDS), 0);
    assert_int_equal(get(n1, "ISR_EL1"), 0); /* the other CPU's */
    arm_machine_free(n1);
    arm_machine_free(a57);
}

static void test_it_is_replayed_where_it_came(void **state)
{
    (void)state;
    char path[] = "/tmp/armillary-test-XXXXXX";
    struct arm_error err = {0};
    uint64_t elr[2];

    close(mkstemp(path));
    for (unsigned replay = 0; replay < 2; replay++) {
        struct arm_machine *m = create("max", NOP);
        enter(m, EL1 & ~UNMASK, 0);
        assert_int_equal(replay ? arm_replay(m, path, &err) : arm_record(m, path, &err), 0);
        if (!replay) {
            arm_run(m, 7);
            assert_int_equal(arm_raise_serror(m, 0, IDS | 0xabcdef), 0);
        }
        arm_run(m, replay ? 12 : 5);
        elr[replay] = get(m, "ELR_EL1");
        assert_int_equal(get(m, "ESR_EL1"), ESR(IDS | 0xabcdef));
        assert_int_equal(arm_record_end(m, &err), 0);
        arm_machine_free(m);
    }
    assert_int_equal(elr[0], ENTRY + 28);
    assert_int_equal(elr[1], elr[0]);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_taken_masked_and_routed),
        cmocka_unit_test(test_it_stays_pending_until_it_is_unmasked),
        cmocka_unit_test(test_the_guest_sees_a_pending_one_in_isr_el1),
        cmocka_unit_test(test_esb_records_a_masked_one),
        cmocka_unit_test(test_it_ends_wfi),
        cmocka_unit_test(test_what_a_cpu_does_not_report_is_refused),
        cmocka_unit_test(test_it_is_replayed_where_it_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
