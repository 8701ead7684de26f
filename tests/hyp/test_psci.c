/* PSCI for guests: its answers, and random orders of what virtual CPUs do against a model of power
 * states; each may be overtaken by others right before it takes a lock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hyp/cpu.h"
#include "hyp/fake.h"
#include "hyp/power.h"
#include "hyp/psci.h"
#include "tests/hyp/fake_core.h"
#include "tests/random.h"

#define VCPUS 4
#define ENTRY UINT64_C(0x1000)

static struct vm vm;
static struct vcpu vcpus[VCPUS];
static uint64_t rng;

static struct {
    unsigned count;
    enum vm_end how;
    bool again; /* a machine that has ended begins anew */
} ends;

/* What the states must be. */
static struct model {
    enum vcpu_power power[VCPUS];
    uint64_t entry[VCPUS], x0[VCPUS];
    bool told[VCPUS]; /* to stop */
    bool stopping;
    enum vm_end how, ended_how;
    unsigned ends;
} model;

static void vm_began(void)
{
    model.power[0] = POWER_ON_PENDING;
    model.entry[0] = ENTRY;
    model.x0[0] = 7;
}

static void ended(struct vm *v, enum vm_end how)
{
    ends.count++;
    ends.how = how;
    if (ends.again)
        assert_int_equal(power_on(&v->vcpus[0], ENTRY, 7), PSCI_SUCCESS);
}

static int setup(void **state)
{
    (void)state;
    fake_reset();
    memset(&vm, 0, sizeof(vm));
    memset(vcpus, 0, sizeof(vcpus));
    memset(&model, 0, sizeof(model));
    memset(&ends, 0, sizeof(ends));
    vm.vcpus = vcpus;
    vm.vcpu_count = VCPUS;
    vm.ops.ended = ended;
    for (unsigned k = 0; k < VCPUS; k++) {
        vcpus[k].vm = &vm;
        vcpus[k].index = k;
        vcpus[k].mpidr = BIT(31) | k;
        vcpus[k].task.state = TASK_RUNNING; /* a wake is a mark then, and no queue is needed */
    }
    assert_int_equal(power_on(&vcpus[0], ENTRY, 7), PSCI_SUCCESS);
    vm_began();
    return 0;
}

static int64_t ask(unsigned who, uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t *x = vcpus[who].regs.x;

    x[0] = function;
    x[1] = a;
    x[2] = b;
    x[3] = c;
    psci_call(&vcpus[who]);
    return (int64_t)x[0];
}

static void arrive(unsigned k)
{
    assert_true(power_called(&vcpus[k]));
    power_arrived(&vcpus[k]);
}

static void test_versions_and_features_are_those_of_psci_1_1_and_smccc_1_1(void **state)
{
    static const uint32_t known[] = {
        PSCI_VERSION,    PSCI_CPU_SUSPEND_32,    PSCI_CPU_SUSPEND_64,   PSCI_CPU_OFF,
        PSCI_CPU_ON_32,  PSCI_CPU_ON_64,         PSCI_AFFINITY_INFO_32, PSCI_AFFINITY_INFO_64,
        PSCI_SYSTEM_OFF, PSCI_MIGRATE_INFO_TYPE, PSCI_SYSTEM_RESET,     PSCI_FEATURES,
        SMCCC_VERSION};

    (void)state;
    assert_int_equal(ask(0, PSCI_VERSION, 0, 0, 0), 0x10001);
    assert_int_equal(ask(0, SMCCC_VERSION, 0, 0, 0), 0x10001);
    assert_int_equal(ask(0, PSCI_MIGRATE_INFO_TYPE, 0, 0, 0), 2);
    for (unsigned k = 0; k < ARRAY_SIZE(known); k++)
        assert_int_equal(ask(0, PSCI_FEATURES, known[k], 0, 0), PSCI_SUCCESS);
    assert_int_equal(ask(0, PSCI_FEATURES, PSCI_SYSTEM_SUSPEND_32, 0, 0), PSCI_NOT_SUPPORTED);
    assert_int_equal(ask(0, PSCI_FEATURES, PSCI_MIGRATE_64, 0, 0), PSCI_NOT_SUPPORTED);
    assert_int_equal(ask(0, PSCI_SYSTEM_SUSPEND_32, 0, 0, 0), PSCI_NOT_SUPPORTED);
    assert_int_equal(ask(0, 0x12345678, 0, 0, 0), PSCI_NOT_SUPPORTED);
    assert_int_equal(ask(0, SMCCC_ARCH_FEATURES, PV_TIME_FEATURES, 0, 0), PSCI_SUCCESS);
    assert_int_equal(ask(0, PV_TIME_FEATURES, PV_TIME_ST, 0, 0), PSCI_SUCCESS);
    assert_int_equal(ask(0, PV_TIME_FEATURES, PSCI_VERSION, 0, 0), PSCI_NOT_SUPPORTED);
}

static void test_cpu_on_says_what_is_wrong_with_its_target_and_its_entry(void **state)
{
    (void)state;
    arrive(0);
    assert_int_equal(ask(0, PSCI_CPU_ON_64, VCPUS, ENTRY, 0), PSCI_INVALID_PARAMETERS);
    assert_int_equal(ask(0, PSCI_CPU_ON_64, BIT(31) | 1, ENTRY, 0), PSCI_INVALID_PARAMETERS);
    assert_int_equal(ask(0, PSCI_CPU_ON_64, UINT64_C(1) << 32 | 1, ENTRY, 0),
                     PSCI_INVALID_PARAMETERS);
    assert_int_equal(ask(0, PSCI_CPU_ON_64, 1, UINT64_MAX, 0), PSCI_INVALID_ADDRESS);
    assert_int_equal(ask(0, PSCI_CPU_ON_64, 0, ENTRY, 0), PSCI_ALREADY_ON);
    assert_int_equal(ask(0, PSCI_CPU_ON_64, 1, ENTRY, UINT64_C(0x1234567890)), PSCI_SUCCESS);
    assert_int_equal(vcpus[1].entry, ENTRY);
    assert_int_equal(vcpus[1].entry_x0, UINT64_C(0x1234567890));
    assert_int_equal(ask(0, PSCI_CPU_ON_64, 1, ENTRY + 4, 9), PSCI_ON_PENDING);
    assert_int_equal(vcpus[1].entry, ENTRY); /* the second is without effect */
    /* Of SMC32's arguments only 32 bits count. */
    assert_int_equal(ask(0, PSCI_CPU_ON_32, 0xffffffff00000002, 0xffffffff00001000, ~UINT64_C(0)),
                     PSCI_SUCCESS);
    assert_int_equal(vcpus[2].entry, ENTRY);
    assert_int_equal(vcpus[2].entry_x0, UINT32_MAX);
}

static void test_affinity_info_of_one_and_of_levels_above_it(void **state)
{
    (void)state;
    assert_int_equal(ask(0, PSCI_AFFINITY_INFO_64, 0, 0, 0), PSCI_IS_PENDING);
    arrive(0);
    assert_int_equal(ask(0, PSCI_AFFINITY_INFO_64, 0, 0, 0), PSCI_ON);
    assert_int_equal(ask(0, PSCI_AFFINITY_INFO_32, 1, 0, 0), PSCI_OFF);
    assert_int_equal(ask(0, PSCI_AFFINITY_INFO_64, VCPUS, 0, 0), PSCI_INVALID_PARAMETERS);
    assert_int_equal(ask(0, PSCI_AFFINITY_INFO_64, 0, 4, 0), PSCI_INVALID_PARAMETERS);
    assert_int_equal(ask(0, PSCI_AFFINITY_INFO_64, VCPUS, 1, 0), PSCI_ON); /* Aff0 does not count */
    assert_int_equal(ask(0, PSCI_AFFINITY_INFO_64, 0x100, 1, 0), PSCI_INVALID_PARAMETERS);
    assert_int_equal(ask(0, PSCI_AFFINITY_INFO_64, 0x100, 2, 0), PSCI_ON);
    assert_int_equal(ask(0, PSCI_AFFINITY_INFO_64, UINT64_C(1) << 32, 3, 0),
                     PSCI_INVALID_PARAMETERS);
}

static void test_the_last_one_that_switches_itself_off_ends_the_machine(void **state)
{
    (void)state;
    arrive(0);
    assert_int_equal(ask(0, PSCI_CPU_ON_64, 1, ENTRY, 0), PSCI_SUCCESS);
    ask(0, PSCI_CPU_OFF, 0, 0, 0);
    assert_int_equal(ends.count, 0); /* one is on its way */
    arrive(1);
    ask(1, PSCI_CPU_OFF, 0, 0, 0);
    assert_int_equal(ends.count, 1);
    assert_int_equal(ends.how, VM_OFF);
}

static void test_a_machine_that_stops_switches_nobody_on_and_its_first_reason_counts(void **state)
{
    (void)state;
    arrive(0);
    assert_int_equal(ask(0, PSCI_CPU_ON_64, 1, ENTRY, 0), PSCI_SUCCESS);
    arrive(1);
    ask(0, PSCI_SYSTEM_RESET, 0, 0, 0);
    assert_true(vcpus[0].stopping && vcpus[1].stopping);
    ask(1, PSCI_SYSTEM_OFF, 0, 0, 0);
    assert_int_equal(ask(1, PSCI_CPU_ON_64, 2, ENTRY, 0), PSCI_DENIED);
    power_leave(&vcpus[1]);
    power_leave(&vcpus[0]);
    assert_int_equal(ends.count, 1);
    assert_int_equal(ends.how, VM_RESET);
}

static void test_who_stops_a_machine_that_has_ended_does_not_stop_its_next_life(void **state)
{
    (void)state;
    ends.again = true;
    arrive(0);
    ask(0, PSCI_SYSTEM_RESET, 0, 0, 0);
    power_leave(&vcpus[0]);
    assert_int_equal(ends.count, 1);
    assert_false(vcpus[0].stopping);
    arrive(0);
    ends.again = false;
    power_leave(&vcpus[0]);
    vm_stop(&vm, VM_CRASHED); /* nobody is on */
    assert_false(vm.stopping || vcpus[0].stopping);
    assert_int_equal(power_on(&vcpus[0], ENTRY, 7), PSCI_SUCCESS);
}

/* The model of one step; each is one critical section, so the order of the locks is the order of
 * all. */
static int64_t model_on(unsigned target, uint64_t x0)
{
    if (model.power[target] == POWER_ON)
        return PSCI_ALREADY_ON;
    if (model.power[target] == POWER_ON_PENDING)
        return PSCI_ON_PENDING;
    if (model.stopping)
        return PSCI_DENIED;
    model.power[target] = POWER_ON_PENDING;
    model.entry[target] = ENTRY;
    model.x0[target] = x0;
    return PSCI_SUCCESS;
}

static void model_stop(enum vm_end how)
{
    if (model.stopping)
        return;
    model.stopping = true;
    model.how = how;
    for (unsigned k = 0; k < VCPUS; k++)
        model.told[k] = true;
}

static void model_leave(unsigned k)
{
    model.power[k] = POWER_OFF;
    for (unsigned n = 0; n < VCPUS; n++)
        if (model.power[n] != POWER_OFF)
            return;
    if (!model.stopping)
        model.how = VM_OFF;
    model.ended_how = model.how;
    model.stopping = false;
    memset(model.told, 0, sizeof(model.told));
    model.ends++;
    vm_began();
}

static void check(void)
{
    unsigned on = 0;

    for (unsigned k = 0; k < VCPUS; k++) {
        assert_int_equal(vcpus[k].power, model.power[k]);
        assert_int_equal(vcpus[k].stopping, model.told[k]);
        if (model.power[k] != POWER_OFF) {
            assert_int_equal(vcpus[k].entry, model.entry[k]);
            assert_int_equal(vcpus[k].entry_x0, model.x0[k]);
        }
        on += model.power[k] != POWER_OFF;
    }
    assert_int_equal(vm.vcpus_on, on);
    assert_int_equal(vm.stopping, model.stopping);
    assert_int_equal(ends.count, model.ends);
    if (model.ends)
        assert_int_equal(ends.how, model.ended_how);
}

static unsigned busy; /* who waits for a lock */
static bool first;    /* it has done nothing yet */

/* One thing that virtual CPU @k may do in its state. */
static void step(unsigned k)
{
    unsigned target = (unsigned)(random_next(&rng) % VCPUS);
    uint64_t x0 = random_next(&rng);
    bool reset = x0 & 1;

    if (model.power[k] == POWER_OFF)
        return;
    if (model.power[k] == POWER_ON_PENDING) {
        arrive(k);
        model.power[k] = POWER_ON;
    } else if (model.told[k]) {
        power_leave(&vcpus[k]);
        model_leave(k);
    } else if (random_next(&rng) % 100 < 55) {
        int64_t answer = ask(k, PSCI_CPU_ON_64, target, ENTRY, x0);
        assert_int_equal(answer, model_on(target, x0));
    } else if (random_next(&rng) % 100 < 50) {
        int64_t answer = ask(k, PSCI_AFFINITY_INFO_64, target, 0, 0);
        assert_int_equal(answer, model.power[target] == POWER_ON    ? PSCI_ON
                                 : model.power[target] == POWER_OFF ? PSCI_OFF
                                                                    : PSCI_IS_PENDING);
    } else if (random_next(&rng) % 100 < 90) {
        ask(k, PSCI_CPU_OFF, 0, 0, 0);
        model_leave(k);
    } else {
        ask(k, reset ? PSCI_SYSTEM_RESET : PSCI_SYSTEM_OFF, 0, 0, 0);
        model_stop(reset ? VM_RESET : VM_OFF);
    }
}

/* Others are faster; and whoever finds nobody on, outside, stops nothing. */
static void overtake(void)
{
    void (*hook)(void) = fake_core.before_lock;
    unsigned k = (unsigned)(random_next(&rng) % VCPUS);
    bool before = first;

    first = false;
    if (vm.lock.next != vm.lock.owner || random_next(&rng) % 2)
        return;
    fake_core.before_lock = NULL;
    if (!vm.vcpus_on)
        vm_stop(&vm, VM_CRASHED);
    if (before && k != busy) {
        step(k);
        check();
    }
    fake_core.before_lock = hook;
}

static void test_power_states_are_the_models_in_any_order_of_calls(void **state)
{
    unsigned seen[3] = {0};

    (void)state;
    rng = test_seed(1);
    ends.again = true;
    fake_core.before_lock = overtake;
    for (unsigned n = 0; n < 200000; n++) {
        busy = (unsigned)(random_next(&rng) % VCPUS);
        first = true;
        step(busy);
        check();
        for (unsigned k = 0; k < VCPUS; k++)
            seen[model.power[k]]++;
    }
    assert_true(ends.count > 100);
    for (unsigned k = 0; k < 3; k++)
        assert_true(seen[k] > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_versions_and_features_are_those_of_psci_1_1_and_smccc_1_1,
                               setup),
        cmocka_unit_test_setup(test_cpu_on_says_what_is_wrong_with_its_target_and_its_entry, setup),
        cmocka_unit_test_setup(test_affinity_info_of_one_and_of_levels_above_it, setup),
        cmocka_unit_test_setup(test_the_last_one_that_switches_itself_off_ends_the_machine, setup),
        cmocka_unit_test_setup(
            test_a_machine_that_stops_switches_nobody_on_and_its_first_reason_counts, setup),
        cmocka_unit_test_setup(test_who_stops_a_machine_that_has_ended_does_not_stop_its_next_life,
                               setup),
        cmocka_unit_test_setup(test_power_states_are_the_models_in_any_order_of_calls, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
