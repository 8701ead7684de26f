/* Where the value of each row of arch/sysreg.def is, on every model with and without EL2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/cpu_models.h"
#include "armillary.h"
#include "base/bits.h"
#include "cpu/block.h"
#include "cpu/create.h"
#include "cpu/pmu.h"
#include "cpu/state.h"
#include "cpu/sysreg.h"
#include "machine/machine.h"
#include "tests/machine/new_machine.h"
#include "tests/random.h"

#define RAM    UINT64_C(0x40000000)
#define READS  (RAM + 0x10000) /* mrs x3,<row>, for each row */
#define WRITES (RAM + 0x20000) /* msr <row>,x3 */

/* At the highest EL, with FP. */
static void begin(struct arm_machine *m)
{
    machine_start_cpu(m, m->cpus[0], READS, 0);
    assert_true(cpu_sysreg_poke(m->cpus[0], SR_CPACR_EL1, FIELD_MASK(CPACR_EL1_FPEN)));
}

static struct arm_machine *create(const char *model, bool el2)
{
    const struct arm_config config = {
        .size = sizeof(config), .cpu = model, .cpus = 1, .ram_size = UINT64_C(4) << 20, .el2 = el2};
    struct arm_machine *m = new_machine(&config);

    for (unsigned sr = 0; sr < SR_COUNT; sr++) {
        uint32_t write = 0xd5000003 | (uint32_t)sysreg_rows[sr].enc << 5, read = write | 1 << 21;
        assert_true(arm_mem_write(m, READS + 4 * sr, &read, 4));
        assert_true(arm_mem_write(m, WRITES + 4 * sr, &write, 4));
    }
    begin(m);
    return m;
}

/* Call @check with a machine of each kind. */
static void on_every_cpu(void (*check)(struct arm_machine *m, uint64_t *random))
{
    uint64_t random = test_seed(30);

    for (const struct cpu_model *model = cpu_models; model->name; model++) {
        for (unsigned el2 = 0; el2 < 2; el2++) {
            struct arm_machine *m = create(model->name, el2);
            check(m, &random);
            arm_machine_free(m);
        }
    }
}

static bool execute(struct arm_machine *m, uint64_t pc)
{
    struct cpu *cpu = m->cpus[0];

    cpu->pc = pc;
    assert_int_equal(arm_step(m, 0), ARM_STOP_LIMIT);
    return cpu->pc == pc + 4;
}

/* Registers whose random values would stop instructions from being fetched or executed. */
static bool steers(enum sysreg sr)
{
    static const enum sysreg list[] = {SR_SCTLR_EL1, SR_SCTLR_EL2, SR_HCR_EL2,    SR_CPTR_EL2,
                                       SR_CPACR_EL1, SR_MDSCR_EL1, SR_SPSel,      SR_TCR_EL1,
                                       SR_TCR_EL2,   SR_MDCR_EL2,  SR_ICH_HCR_EL2};

    for (size_t k = 0; k < ARRAY_SIZE(list); k++)
        if (list[k] == sr || (enum sysreg)sysreg_rows[sr].alias == list[k])
            return sr != 0;
    return false;
}

static void poke_all(struct cpu *cpu, uint64_t *random)
{
    for (unsigned sr = 0; sr < SR_COUNT; sr++)
        if (!steers((enum sysreg)sr))
            cpu_sysreg_poke(cpu, (enum sysreg)sr, random_next(random));
}

/* UNDEFINED at the highest EL, though there is a value: names of E2H, and op1 = 6. */
static bool is_undefined(enum sysreg sr)
{
    return sysreg_rows[sr].alias || sr == SR_SP_EL2;
}

static void check_reads(struct arm_machine *m, uint64_t *random)
{
    struct cpu *cpu = m->cpus[0];
    unsigned seen = 0;

    for (unsigned round = 0; round < 3; round++) {
        for (unsigned sr = 0; sr < SR_COUNT; sr++) {
            uint64_t value;

            if (!cpu_sysreg_peek(cpu, (enum sysreg)sr, &value))
                continue;
            if (execute(m, READS + 4 * sr) == is_undefined((enum sysreg)sr))
                fail_msg("%s: MRS at the highest EL", sysreg_rows[sr].name);
            if (!is_undefined((enum sysreg)sr) && cpu->x[3] != value)
                fail_msg("%s: MRS reads %#" PRIx64 ", not %#" PRIx64, sysreg_rows[sr].name,
                         cpu->x[3], value);
            seen++;
        }
        begin(m);
        poke_all(cpu, random);
    }
    assert_true(seen > 3 * 120);
}

static void test_a_peek_is_what_an_mrs_of_the_highest_el_reads(void **state)
{
    (void)state;
    on_every_cpu(check_reads);
}

static void check_refusals(struct arm_machine *m, uint64_t *random)
{
    struct cpu *cpu = m->cpus[0];

    (void)random;
    for (unsigned sr = 0; sr < SR_COUNT; sr++) {
        const struct sysreg_row *row = &sysreg_rows[sr];
        uint64_t value;
        bool el2 = sysreg_min_el(row->enc) < 2 || cpu->has_el2;

        /* What can be executed at the highest EL has a value, unless a read takes it away. */
        if (!is_undefined((enum sysreg)sr) && (row->access & SR_READ) && !row->take && el2 &&
            execute(m, READS + 4 * sr) != cpu_sysreg_peek(cpu, (enum sysreg)sr, &value))
            fail_msg("%s: a peek and MRS do not agree that it is there", row->name);
        if (cpu->pc != READS + 4 * (sr + 1)) /* was not executed, or trapped */
            begin(m);
        if (row->take || !(row->access & SR_READ) || !el2)
            assert_false(cpu_sysreg_peek(cpu, (enum sysreg)sr, &value));
        if (row->take || !(row->access & SR_WRITE))
            assert_false(cpu_sysreg_poke(cpu, (enum sysreg)sr, 0));
    }
}

static void test_what_is_not_there_or_would_be_taken_away_has_no_value(void **state)
{
    (void)state;
    on_every_cpu(check_refusals);
}

/* Writes of ones set or clear bits, so that a poke is no write. */
static bool is_pair(enum sysreg sr, uint64_t *bits)
{
    switch (sr) {
    case SR_PMCNTENSET_EL0:
    case SR_PMCNTENCLR_EL0:
    case SR_PMINTENSET_EL1:
    case SR_PMINTENCLR_EL1:
    case SR_PMOVSSET_EL0:
    case SR_PMOVSCLR_EL0:
        *bits = BIT(31) | MASK(PMU_COUNTERS - 1, 0);
        return true;
    case SR_DBGCLAIMCLR_EL1:
        *bits = 0xff;
        return true;
    default:
        return false;
    }
}

/* Fields of struct cpu that may change beside the value: outputs, and what was waiting. */
static bool is_consequence(const char *name)
{
    static const char *const names[] = {"pmu_deadline", "stream_seen", "event",   "irq_pin",
                                        "fiq_pin",      "virq_pin",    "vfiq_pin"};

    for (size_t k = 0; k < ARRAY_SIZE(names); k++)
        if (!strcmp(name, names[k]))
            return true;
    return false;
}

/* What one register shows of another's value; read-only ones and timers' apart. */
static bool shows(enum sysreg sr, enum sysreg of)
{
    return (sr == SR_ICH_VMCR_EL2 && of == SR_ICC_SRE_EL1) ||
           (sr == SR_ICC_BPR1_EL1 && of == SR_ICC_CTLR_EL1);
}

struct peeks {
    bool there[SR_COUNT];
    uint64_t value[SR_COUNT];
};

static void peek_all(const struct cpu *cpu, struct peeks *p)
{
    for (unsigned sr = 0; sr < SR_COUNT; sr++)
        p->there[sr] = cpu_sysreg_peek(cpu, (enum sysreg)sr, &p->value[sr]);
}

static void assert_nothing_else(struct cpu *cpu, const struct cpu *before,
                                const struct peeks *peeks, enum sysreg poked)
{
    struct cpu_state_difference d[16];
    unsigned n = cpu_state_compare(before, cpu, d, ARRAY_SIZE(d)), changed = 0;
    static struct peeks now;

    assert_true(n <= ARRAY_SIZE(d));
    for (unsigned k = 0; k < n; k++)
        changed += !is_consequence(d[k].name);
    if (changed > (sysreg_home(poked) != HOME_GIC))
        fail_msg("a poke of %s changes %s and %u more", sysreg_rows[poked].name, d[0].name, n - 1);
    peek_all(cpu, &now);
    for (unsigned sr = 0; sr < SR_COUNT; sr++) {
        enum sysreg_home home = sysreg_home((enum sysreg)sr);
        bool own = home == HOME_STORAGE || home == HOME_CONSTANT || home == HOME_PSTATE ||
                   (home == HOME_GIC && (sysreg_rows[sr].access & SR_WRITE));
        if (sr != poked && own && now.there[sr] && !shows((enum sysreg)sr, poked) &&
            now.value[sr] != peeks->value[sr])
            fail_msg("a poke of %s changes %s", sysreg_rows[poked].name, sysreg_rows[sr].name);
    }
}

/* A write of the same value to @twin, which is in the same state, is the oracle for masks. */
static void check_poke(struct cpu *cpu, struct cpu *twin, enum sysreg sr, uint64_t value)
{
    static struct cpu before;
    static struct peeks peeks;
    uint64_t bits, after, expected, old;

    if (!cpu_sysreg_peek(cpu, sr, &old))
        return;
    pmu_sync(cpu);
    memcpy(&before, cpu, sizeof(before));
    peek_all(cpu, &peeks);
    if (!cpu_sysreg_poke(cpu, sr, value)) {
        if ((sysreg_rows[sr].access & SR_WRITE) && sr != SR_DBGCLAIMSET_EL1)
            fail_msg("%s cannot be poked", sysreg_rows[sr].name);
        return;
    }
    assert_true(cpu_sysreg_peek(cpu, sr, &after));
    (void)cpu_sysreg_set(twin, sr, value);
    assert_true(cpu_sysreg_peek(twin, sr, &expected));
    if (is_pair(sr, &bits))
        expected = value & bits;
    if (after != expected)
        fail_msg("%s: %#" PRIx64 " after a poke of %#" PRIx64 ", not %#" PRIx64,
                 sysreg_rows[sr].name, after, value, expected);
    assert_nothing_else(cpu, &before, &peeks, sr);
    assert_true(cpu_sysreg_poke(cpu, sr, old));
    assert_true(cpu_sysreg_poke(twin, sr, old));
    assert_true(cpu_sysreg_peek(cpu, sr, &after));
    if (after != old)
        fail_msg("%s: %#" PRIx64 " where %#" PRIx64 " was put back", sysreg_rows[sr].name, after,
                 old);
}

static void check_pokes(struct arm_machine *m, uint64_t *random)
{
    struct arm_machine *twin = create(m->cpus[0]->model->name, m->cpus[0]->has_el2);

    for (unsigned round = 0; round < 2; round++)
        for (unsigned sr = 0; sr < SR_COUNT; sr++)
            if (!sysreg_rows[sr].alias)
                check_poke(m->cpus[0], twin->cpus[0], (enum sysreg)sr,
                           round == 0 ? UINT64_MAX : random_next(random));
    arm_machine_free(twin);
}

static void test_a_poke_leaves_the_masked_value_and_changes_nothing_else(void **state)
{
    (void)state;
    on_every_cpu(check_pokes);
}

static void check_no_effect(struct arm_machine *m, uint64_t *random)
{
    static struct peeks first, second;
    struct cpu *cpu = m->cpus[0];

    poke_all(cpu, random);
    /* Counters run, and have not been looked at for some instructions. */
    cpu_sysreg_poke(cpu, SR_PMCR_EL0, 1);
    cpu_sysreg_poke(cpu, SR_PMCNTENSET_EL0, UINT64_MAX);
    cpu_sysreg_poke(cpu, SR_PMCCFILTR_EL0, FIELD_MASK(PMCCFILTR_EL0_NSH));
    for (unsigned k = 0; k < 10; k++)
        execute(m, READS + 4 * SR_MIDR_EL1);
    uint64_t hash = cpu_state_hash(cpu);
    peek_all(cpu, &first);
    peek_all(cpu, &second);
    assert_memory_equal(&first, &second, sizeof(first));
    assert_int_equal(cpu_state_hash(cpu), hash);
    /* And pmu_sync() agrees. */
    pmu_sync(cpu);
    peek_all(cpu, &second);
    assert_memory_equal(&first, &second, sizeof(first));
    if (cpu_has(cpu, FEAT_PMUv3))
        assert_int_not_equal(cpu_state_hash(cpu), hash);
}

static void test_a_peek_has_no_effect(void **state)
{
    (void)state;
    on_every_cpu(check_no_effect);
}

/* What is in the GIC or in PSTATE is not in cpu->sr[] too. */
static void check_mirrors(struct arm_machine *m, uint64_t *random)
{
    struct cpu *cpu = m->cpus[0];

    for (unsigned sr = 0; sr < SR_COUNT; sr++) {
        cpu->x[3] = random_next(random);
        if (steers((enum sysreg)sr) || sr == SR_ICC_SGI0R_EL1 || sr == SR_ICC_SGI1R_EL1)
            continue;
        if (!execute(m, WRITES + 4 * sr))
            begin(m);
        for (unsigned k = 0; k < SR_COUNT; k++)
            if (!sysreg_is_stored((enum sysreg)k) && sysreg_rows[k].rd != SYSREG_RD_SP &&
                sysreg_home((enum sysreg)k) != HOME_COMPUTED && cpu->sr[k])
                fail_msg("%s is in cpu->sr[], after a write of %s", sysreg_rows[k].name,
                         sysreg_rows[sr].name);
    }
}

static void test_no_value_has_a_second_home(void **state)
{
    (void)state;
    on_every_cpu(check_mirrors);
}

/* ICC_PMR_EL1 at EL1, which ICH_HCR_EL2.TC and ICC_SRE_EL1.SRE control from within the GIC. */
static void test_traps_follow_a_poked_control(void **state)
{
    (void)state;
    struct arm_machine *m = create("max", true);
    struct cpu *cpu = m->cpus[0];
    const uint64_t pc = READS + 4 * SR_ICC_PMR_EL1;

    cpu_enter_el(cpu, 1);
    assert_true(execute(m, pc));
    assert_true(execute(m, pc));
    assert_true(cpu_sysreg_poke(cpu, SR_ICH_HCR_EL2, FIELD_MASK(ICH_HCR_EL2_TC)));
    assert_false(execute(m, pc));
    assert_int_equal(cpu->ps.el, 2);
    assert_true(cpu_sysreg_poke(cpu, SR_ICH_HCR_EL2, 0));
    cpu_enter_el(cpu, 1);
    assert_true(execute(m, pc));
    arm_machine_free(m);
}

/* FP disabled by a poke traps at the next FP instruction; a breakpoint is found. */
static void test_what_is_derived_follows_a_poke(void **state)
{
    (void)state;
    struct arm_machine *m = create("max", true);
    struct cpu *cpu = m->cpus[0];

    assert_false(cpu_block_has(cpu, BLOCK_FP_HELD));
    assert_true(cpu_sysreg_poke(cpu, SR_CPTR_EL2, FIELD_MASK(CPTR_EL2_TFP)));
    assert_true(cpu_block_has(cpu, BLOCK_FP_HELD));
    assert_true(cpu_sysreg_poke(cpu, SR_MDSCR_EL1, FIELD_MASK(MDSCR_EL1_MDE)));
    assert_true(cpu_sysreg_poke(cpu, SR_DBGBCR2_EL1, 1));
    assert_true(cpu_sysreg_poke(cpu, SR_DBGWCR1_EL1, 1));
    assert_true(cpu->breakpoints_on);
    assert_true(cpu->watchpoints_on);
    assert_true(cpu_sysreg_poke(cpu, SR_CNTV_CVAL_EL0, 1000));
    assert_true(cpu_sysreg_poke(cpu, SR_CNTV_CTL_EL0, 1));
    assert_int_equal(cpu->timer_event[1].deadline_ns, 16000);
    arm_machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_peek_is_what_an_mrs_of_the_highest_el_reads),
        cmocka_unit_test(test_what_is_not_there_or_would_be_taken_away_has_no_value),
        cmocka_unit_test(test_a_poke_leaves_the_masked_value_and_changes_nothing_else),
        cmocka_unit_test(test_a_peek_has_no_effect),
        cmocka_unit_test(test_no_value_has_a_second_home),
        cmocka_unit_test(test_traps_follow_a_poked_control),
        cmocka_unit_test(test_what_is_derived_follows_a_poke),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
