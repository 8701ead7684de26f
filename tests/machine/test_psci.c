/* PSCI and SMCCC as functions of the machine; tests/guest/psci*.c call them as a guest does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "cpu/timer.h"
#include "machine/machine.h"
#include "tests/machine/new_machine.h"

#define RAM   UINT64_C(0x40000000)
#define ENTRY (RAM + 0x80000)

#define FN32(n)             (UINT32_C(0x84000000) + (n))
#define FN64(n)             (UINT32_C(0xc4000000) + (n))
#define NOT_SUPPORTED       UINT64_MAX
#define INVALID_PARAMETERS  (UINT64_MAX - 1)
#define DENIED              (UINT64_MAX - 2)
#define INVALID_ADDRESS     (UINT64_MAX - 8)
#define PSCI_FEATURES       FN32(10)
#define SMCCC_ARCH_FEATURES UINT32_C(0x80000001)

static struct arm_machine *create(unsigned cpus)
{
    const struct arm_config config = {.size = sizeof(config),
                                      .cpus = cpus,
                                      .ram_size = UINT64_C(16) << 20,
                                      .el2 = true,
                                      .no_reboot = true};
    static const uint32_t loop = 0x14000000;
    struct arm_machine *m = new_machine(&config);

    assert_true(arm_mem_write(m, ENTRY, &loop, 4));
    machine_start_cpu(m, m->cpus[0], ENTRY, 0);
    return m;
}

/* From CPU 0. */
static uint64_t call(struct arm_machine *m, uint64_t id, uint64_t a, uint64_t b, uint64_t c)
{
    struct cpu *cpu = m->cpus[0];

    cpu->x[0] = id;
    cpu->x[1] = a;
    cpu->x[2] = b;
    cpu->x[3] = c;
    psci_call(m, cpu, 0);
    return cpu->x[0];
}

/* DEN0022, "Function prototypes" and "PSCI_FEATURES"; SMCCC's version is found there too. */
static bool is_offered(uint32_t id)
{
    static const uint32_t both[] = {0x01, 0x03, 0x04, 0x0e, 0x12},
                          only32[] = {0x00, 0x02, 0x06, 0x08, 0x09, 0x0a};

    for (size_t k = 0; k < ARRAY_SIZE(both); k++)
        if (id == FN32(both[k]) || id == FN64(both[k]))
            return true;
    for (size_t k = 0; k < ARRAY_SIZE(only32); k++)
        if (id == FN32(only32[k]))
            return true;
    return id == 0x80000000;
}

static void test_features_tells_what_can_be_called(void **state)
{
    struct arm_machine *m = create(1);

    static const uint32_t middles[] = {0, 0xff00, 0x10000}; /* 0xff00: queries of a service */

    (void)state;
    for (uint32_t owner = 0; owner < 0x100; owner++)
        for (uint32_t n = 0; n < 0x300; n++) {
            uint32_t id = owner << 24 | middles[n >> 8] | (n & 0xff);
            bool there = is_offered(id);
            assert_int_equal(call(m, PSCI_FEATURES, id, 0, 0), there ? 0 : NOT_SUPPORTED);
            if (!there && id != SMCCC_ARCH_FEATURES)
                assert_int_equal(call(m, id, 0, 0, 0), NOT_SUPPORTED);
            bool arch = id == 0x80000000 || id == SMCCC_ARCH_FEATURES;
            assert_int_equal(call(m, SMCCC_ARCH_FEATURES, id, 0, 0), arch ? 0 : NOT_SUPPORTED);
        }
    assert_false(m->stopped);
    arm_machine_free(m);
}

static void test_an_immediate_other_than_0_calls_nothing(void **state)
{
    struct arm_machine *m = create(1);

    (void)state;
    for (unsigned immediate = 1; immediate < 0x10000; immediate <<= 1) {
        m->cpus[0]->x[0] = FN32(8);
        psci_call(m, m->cpus[0], (uint16_t)immediate);
        assert_int_equal(m->cpus[0]->x[0], NOT_SUPPORTED);
        assert_false(m->stopped);
    }
    arm_machine_free(m);
}

static void test_system_reset2_is_warm_or_refused(void **state)
{
    static const uint64_t bad[] = {1, 2, BIT(30), BIT(31), BIT(31) | 1};

    (void)state;
    for (unsigned wide = 0; wide < 2; wide++) {
        struct arm_machine *m = create(1);
        uint32_t id = wide ? FN64(0x12) : FN32(0x12);

        for (size_t k = 0; k < ARRAY_SIZE(bad); k++)
            assert_int_equal(call(m, id, bad[k], 0, 0), INVALID_PARAMETERS);
        assert_false(m->stopped);
        call(m, id, BIT(32), 0x55, 0); /* the type is 32 bits wide, the cookie is a vendor's */
        assert_true(m->stopped);
        assert_int_equal(m->stop, ARM_STOP_RESET);
        arm_machine_free(m);
    }
}

static void test_system_suspend_wants_to_be_alone_and_an_entry_point(void **state)
{
    struct arm_machine *m = create(2);
    struct cpu *cpu = m->cpus[0];

    (void)state;
    assert_int_equal(call(m, FN64(3), 1, ENTRY, 0), 0);
    assert_int_equal(call(m, FN64(14), ENTRY, 0, 0), DENIED);
    m->cpus[1]->power = CPU_OFF;
    assert_int_equal(call(m, FN64(14), ENTRY + 1, 0, 0), INVALID_ADDRESS);
    assert_int_equal(call(m, FN64(14), 0x09000000, 0, 0), INVALID_ADDRESS);
    call(m, FN64(14), ENTRY, 0x1122334455667788, 0);
    assert_int_equal(cpu->power, CPU_SUSPENDED);
    assert_int_equal(arm_run(m, 0), ARM_STOP_IDLE);
    arm_machine_free(m);
}

/* GICD: group 1 on; PPI 30 (the physical timer) in it and enabled. */
static void let_timer_through(struct arm_machine *m)
{
    device_write(gic_distributor(m->gic), 0, 4, 2);
    device_write(gic_redistributor(m->gic, 0), 0x10080, 4, UINT32_MAX);
    device_write(gic_redistributor(m->gic, 0), 0x10100, 4, BIT(30));
}

static void test_a_timer_keeps_its_state_while_its_cpu_is_suspended_and_wakes_it(void **state)
{
    struct arm_machine *m = create(1);
    struct cpu *cpu = m->cpus[0];

    (void)state;
    let_timer_through(m);
    cpu->sr[SR_CNTP_CVAL_EL0] = 1000;
    cpu->sr[SR_CNTP_CTL_EL0] = 1;
    cpu->sr[SR_TPIDR_EL2] = 5;
    cpu_timers_changed(cpu);
    call(m, FN64(1), BIT(16), ENTRY, 0x1122334455667788);
    assert_int_equal(cpu->power, CPU_SUSPENDED);
    assert_int_equal(arm_run(m, 1), ARM_STOP_LIMIT);
    assert_int_equal(arm_time_ns(m), 1000 * TIMER_NS_PER_TICK + 1);
    assert_int_equal(cpu->pc, ENTRY);
    assert_int_equal(cpu->x[0], 0x1122334455667788);
    assert_int_equal(cpu->sr[SR_CNTP_CVAL_EL0], 1000);
    assert_int_equal(cpu->sr[SR_CNTP_CTL_EL0] & 1, 1);
    assert_int_equal(cpu->sr[SR_TPIDR_EL2], 0);
    arm_machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features_tells_what_can_be_called),
        cmocka_unit_test(test_an_immediate_other_than_0_calls_nothing),
        cmocka_unit_test(test_system_reset2_is_warm_or_refused),
        cmocka_unit_test(test_system_suspend_wants_to_be_alone_and_an_entry_point),
        cmocka_unit_test(test_a_timer_keeps_its_state_while_its_cpu_is_suspended_and_wakes_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
