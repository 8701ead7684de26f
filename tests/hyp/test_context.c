/* The registers that a world switch moves, and the accessors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "hyp/context.h"
#include "hyp/cpu.h"
#include "hyp/fake.h"

static int setup(void **state)
{
    (void)state;
    fake_reset();
    return 0;
}

/* What the rows say of a slot's register. */
static const struct {
    uint16_t sr;
    enum switched_class class;
    struct sysreg_row row;
} rows[SLOT_COUNT] = {
#define SWITCHED(name, class, op0, op1, crn, crm, op2, ...)                                        \
    [SLOT_##name] = {                                                                              \
        SR_##name, CLASS_##class, {.enc = SYSREG_ENC(op0, op1, crn, crm, op2), __VA_ARGS__}},
#include "hyp/switched.def"
};

static enum group group(unsigned slot)
{
    return group_of(rows[slot].class, &rows[slot].row);
}

/* What EL1 calls DISR_EL1 is VDISR_EL2. */
static uint64_t *register_of(unsigned slot)
{
    if (rows[slot].row.rd == SYSREG_RD_DISR)
        return &fake.sr[SR_VDISR_EL2];
    return rows[slot].row.e2h && hyp_vhe ? &fake.el12[rows[slot].sr] : &fake.sr[rows[slot].sr];
}

#define LAZY (BIT(GROUP_PAUTH) | BIT(GROUP_DEBUG) | BIT(GROUP_PMU))
#define ALL  (BIT(GROUP_USER) | BIT(GROUP_EL1) | LAZY)

/* Not registers of debug and of FEAT_RAS that this CPU has not (fake_reset()). */
static bool is_there(unsigned slot)
{
    unsigned op2 = bits(rows[slot].row.enc, 2, 0);

    if (rows[slot].row.feature == FEAT_RAS)
        return cpu_has(FEAT_RAS);
    if (group(slot) == GROUP_DEBUG && op2 >= 4)
        return rows[slot].row.n < (op2 >= 6 ? 4 : 6);
    return true;
}

static void test_save_moves_every_register_of_its_groups_and_no_other(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 4; how++)
        for (unsigned g = GROUP_USER; g <= GROUP_PMU; g++) {
            struct context c = {.live = (unsigned)ALL};
            unsigned moved = 0;

            hyp_vhe = how & 1;
            set_feature(&cpu_features, FEAT_RAS, how & 2);
            for (unsigned s = 0; s < SLOT_COUNT; s++)
                *register_of(s) = 0x1000 + s;
            fake.reads = 0;
            context_save(&c, (unsigned)BIT(g));
            for (unsigned s = 0; s < SLOT_COUNT; s++) {
                bool moves = group(s) == (enum group)g && is_there(s);
                assert_int_equal(c.slot[s], moves ? 0x1000 + s : 0);
                moved += moves;
            }
            assert_true(moved > 0);
            assert_int_equal(fake.reads, moved);
            assert_int_equal(c.live, (unsigned)ALL & ~(unsigned)BIT(g));
        }
}

static void test_restore_writes_what_save_read_and_touches_no_redirected_name(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 4; how++) {
        struct context c = {.live = 0};
        bool vhe = how & 1;

        fake_reset();
        hyp_vhe = vhe;
        set_feature(&cpu_features, FEAT_RAS, how & 2);
        for (unsigned s = 0; s < SLOT_COUNT; s++)
            c.slot[s] = 0x2000 + s;
        context_restore(&c, (unsigned)ALL);
        for (unsigned s = 0; s < SLOT_COUNT; s++)
            if (group(s) != GROUP_NEVER && is_there(s)) {
                assert_int_equal(*register_of(s), 0x2000 + s);
                if (vhe && rows[s].row.e2h) /* that name is EL2's own there */
                    assert_int_equal(fake.sr[rows[s].sr], 0);
            }
        assert_int_equal(c.live, (unsigned)ALL);
    }
}

static void test_what_always_traps_and_aarch32_state_never_moves(void **state)
{
    (void)state;
    for (unsigned s = 0; s < SLOT_COUNT; s++)
        if (rows[s].row.feature == FEAT_AA32_context || rows[s].row.trap[0] == TRAP_ACTLR ||
            rows[s].row.trap[0] == TRAP_IMP || rows[s].row.trap[0] == TRAP_LOR)
            assert_int_equal(group(s), GROUP_NEVER);
    assert_int_equal(group(SLOT_SCTLR_EL1), GROUP_EL1);
    assert_int_equal(group(SLOT_CNTKCTL_EL1), GROUP_EL1);
    assert_int_equal(group(SLOT_TPIDR_EL0), GROUP_USER);
    assert_int_equal(group(SLOT_APIAKeyLo_EL1), GROUP_PAUTH);
    assert_int_equal(group(SLOT_DBGBVR0_EL1), GROUP_DEBUG);
    assert_int_equal(group(SLOT_PMCCNTR_EL0), GROUP_PMU);
    assert_int_equal(group(SLOT_CNTV_CVAL_EL0), GROUP_NEVER); /* hyp/vtimer.c's */
}

typedef uint64_t read_fn(const struct context *c, enum slot slot);
typedef void write_fn(struct context *c, enum slot slot, uint64_t v);

static uint64_t read_inline(const struct context *c, enum slot slot)
{
    return context_read_inline(c, slot);
}

static void write_inline(struct context *c, enum slot slot, uint64_t v)
{
    context_write_inline(c, slot, v);
}

static void test_each_form_of_accessor_finds_the_register_where_it_is(void **state)
{
    static const struct {
        read_fn *read;
        write_fn *write;
    } forms[] = {{context_read_table, context_write_table},
                 {context_read_switch, context_write_switch},
                 {read_inline, write_inline}};

    (void)state;
    for (unsigned f = 0; f < ARRAY_SIZE(forms); f++)
        for (unsigned vhe = 0; vhe < 2; vhe++)
            for (unsigned s = 0; s < SLOT_COUNT; s++) {
                struct context c = {.live = 0};
                bool in_cpu = group(s) != GROUP_NEVER;

                hyp_vhe = vhe;
                *register_of(s) = 11;
                c.slot[s] = 22;
                assert_int_equal(forms[f].read(&c, s), 22);
                c.live = (unsigned)ALL;
                assert_int_equal(forms[f].read(&c, s), in_cpu ? 11 : 22);
                forms[f].write(&c, s, 33);
                assert_int_equal(*register_of(s), in_cpu ? 33 : 11);
                assert_int_equal(c.slot[s], in_cpu ? 22 : 33);
                c.live = 0;
                forms[f].write(&c, s, 44);
                assert_int_equal(c.slot[s], 44);
                assert_int_equal(*register_of(s), in_cpu ? 33 : 11);
            }
}

static void test_names_find_slots(void **state)
{
    (void)state;
    for (unsigned s = 0; s < SLOT_COUNT; s++)
        assert_int_equal(context_slot_by_name(context_slot_name(s)), s);
    assert_int_equal(context_slot_by_name("HCR_EL2"), SLOT_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_save_moves_every_register_of_its_groups_and_no_other, setup),
        cmocka_unit_test_setup(test_restore_writes_what_save_read_and_touches_no_redirected_name,
                               setup),
        cmocka_unit_test_setup(test_what_always_traps_and_aarch32_state_never_moves, setup),
        cmocka_unit_test_setup(test_each_form_of_accessor_finds_the_register_where_it_is, setup),
        cmocka_unit_test_setup(test_names_find_slots, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
