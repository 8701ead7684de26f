/* The architectural state of a CPU as one thing: cpu/state.def. */
#include "cpu/state.h"

#include "cpu/context.h"
#include "cpu/timer.h"
#include "tests/cpu/sysreg_fixture.h"
#include "tests/random.h"

static struct state_io saved(struct cpu *cpu)
{
    struct state_io io;

    state_io_save(&io);
    state_section_begin(&io, "cpu", 1);
    cpu_state(&io, cpu);
    state_section_end(&io);
    assert_int_equal(io.error.code, 0);
    return io;
}

/* Return: the error's code. */
static int restore(const uint8_t *bytes, size_t len, struct cpu *cpu)
{
    struct state_io io;

    state_io_restore(&io, bytes, len);
    state_section_begin(&io, "cpu", 1);
    cpu_state(&io, cpu);
    state_section_end(&io);
    return io.error.code;
}

/* The state of @from to @to. */
static void carry(struct cpu *from, struct cpu *to)
{
    struct state_io io = saved(from);

    assert_int_equal(restore(io.out, io.len, to), 0);
    state_io_destroy(&io);
}

static void assert_same(const struct cpu *a, const struct cpu *b)
{
    struct cpu_state_difference d;

    if (cpu_state_compare(a, b, &d, 1))
        fail_msg("%s[%u]: %#llx and %#llx", d.name, d.index, (unsigned long long)d.a,
                 (unsigned long long)d.b);
    assert_int_equal(cpu_state_hash(a), cpu_state_hash(b));
}

struct field {
    const char *name;
    size_t offset, size, bytes; /* bytes of one number; 0: no plain state */
};

static const struct field fields[] = {
#define ARCH(field, type, n, most, text)                                                           \
    {#field, offsetof(struct cpu, field), sizeof(type) * (n), sizeof(type)},
#define HELD(name, type, most, text)
#define DERIVED(field, text)                                                                       \
    {#field, offsetof(struct cpu, field), sizeof(((struct cpu *)0)->field), 0},
#define CACHE(field, text)  DERIVED(field, text)
#define WIRING(field, text) DERIVED(field, text)
#include "cpu/state.def"
#undef ARCH
#undef HELD
#undef DERIVED
#undef CACHE
#undef WIRING
};

static unsigned rows_at(size_t byte, const struct field **last)
{
    unsigned n = 0;

    for (const struct field *f = fields; f < fields + ARRAY_SIZE(fields); f++) {
        if (byte >= f->offset && byte < f->offset + f->size) {
            *last = f;
            n++;
        }
    }
    return n;
}

static void test_every_byte_of_struct_cpu_belongs_to_one_row(void **state)
{
    (void)state;
    const struct field *f = fields;

    for (size_t byte = 0; byte <= offsetof(struct cpu, end); byte++) {
        unsigned n = rows_at(byte, &f);
        if (n > 1)
            fail_msg("byte %zu belongs to %u rows, one is %s", byte, n, f->name);
        if (n == 0)
            fail_msg("byte %zu, after %s, belongs to no row", byte, f->name);
    }
    assert_true(sizeof(struct cpu) - offsetof(struct cpu, end) <= _Alignof(struct cpu));
}

/* Each number of each plain row changes alone: it is seen, named, saved and restored. */
static void test_each_number_of_the_state_is_compared_hashed_and_carried(void **state)
{
    (void)state;
    struct fixture a, b, c;
    unsigned numbers = 0;

    start(&a, "max", true, true);
    start(&b, "max", true, true);
    start(&c, "max", true, true);
    assert_same(a.cpu, b.cpu);
    for (const struct field *f = fields; f < fields + ARRAY_SIZE(fields); f++) {
        for (size_t at = 0; f->bytes && at < f->size; at += f->bytes) {
            struct cpu_state_difference d;
            uint8_t *byte = (uint8_t *)a.cpu + f->offset + at;
            unsigned sr = (unsigned)(at / f->bytes);
            uint8_t flip = f->offset == offsetof(struct cpu, ps.el) ? 2 : 1;
            bool is_sr = f->offset == offsetof(struct cpu, sr);

            if (is_sr && !sysreg_is_stored((enum sysreg)sr))
                continue;
            *byte ^= flip;
            if (cpu_state_compare(a.cpu, b.cpu, &d, 1) != 1)
                fail_msg("%s[%zu] is not compared", f->name, at / f->bytes);
            assert_string_equal(d.name, is_sr ? sysreg_rows[sr].name : f->name);
            assert_int_equal(d.index, at / f->bytes);
            assert_int_not_equal(cpu_state_hash(a.cpu), cpu_state_hash(b.cpu));
            if (!is_sr || sysreg_home((enum sysreg)sr) != HOME_CONSTANT) {
                carry(a.cpu, c.cpu);
                assert_same(a.cpu, c.cpu);
            }
            *byte ^= flip;
            numbers++;
        }
    }
    assert_true(numbers > 400);
    finish(&a);
    finish(&b);
    finish(&c);
}

/* Flags, stack pointers and counts are state whatever form they are held in. */
static void test_the_form_that_a_value_is_held_in_is_not_compared(void **state)
{
    (void)state;
    struct fixture a, b;

    start(&a, "max", true, true);
    start(&b, "max", true, true);
    a.cpu->nf = UINT64_C(0x8000000000001234);
    a.cpu->zf = 77;
    cpu_set_nzcv(b.cpu, 8);
    a.cpu->retired_goal = 1000, a.cpu->left = 300;
    b.cpu->retired_goal = 700, b.cpu->left = 0;
    a.cpu->sr[SR_SP_EL2] = 0xdead; /* stale: the register is in use */
    a.cpu->x[REG_SP] = b.cpu->x[REG_SP] = 0x4000;
    a.cpu->x[REG_SINK] = 5;
    assert_same(a.cpu, b.cpu);
    b.cpu->zf = 0;
    assert_int_not_equal(cpu_state_compare(a.cpu, b.cpu, NULL, 0), 0);
    cpu_set_nzcv(b.cpu, 8);
    b.cpu->x[REG_SP] = 0x5000;
    assert_int_not_equal(cpu_state_compare(a.cpu, b.cpu, NULL, 0), 0);
    carry(b.cpu, a.cpu);
    assert_int_equal(a.cpu->x[REG_SP], 0x5000);
    assert_int_equal(cpu_retired(a.cpu), 700);
    finish(&a);
    finish(&b);
}

/* Values that steer something, tried again and again. */
static uint64_t draw_value(uint64_t *random)
{
    uint64_t v = random_next(random);

    switch (random_next(random) % 4) {
    case 0:
        return v;
    case 1:
        return v & random_next(random) & random_next(random);
    case 2:
        return v | random_next(random) | random_next(random);
    default:
        return UINT64_C(1) << (v % 64);
    }
}

/* PMXEVCNTR_EL0 and so on included: storage changes as MSR would change it. */
static void disturb(struct fixture *f, uint64_t *random)
{
    for (unsigned k = 0; k < 40; k++) {
        enum sysreg sr = (enum sysreg)(random_next(random) % SR_COUNT);
        const struct sysreg_row *row = &sysreg_rows[sr];

        if ((row->access & SR_WRITE) && !row->alias && !row->gic)
            (void)cpu_sysreg_set(f->cpu, sr, draw_value(random));
    }
    cpu_set_el_sp(f->cpu, (unsigned)(random_next(random) % 3), 1);
    f->cpu->ps.pan = random_next(random) % 2;
    f->cpu->ps.uao = random_next(random) % 2;
    cpu_sysreg_effects(f->cpu, SR_FX_REGIME | SR_FX_TIMER);
}

static void assert_same_derived(const struct cpu *a, const struct cpu *b)
{
    const struct xlat *x = a->contexts.x, *y = b->contexts.x;
    /* A context of EL2 may have been found by these bits. */
    uint64_t hcr =
        x->rg.id == REGIME_EL10 ? UINT64_MAX : FIELD_MASK(HCR_EL2_E2H) | FIELD_MASK(HCR_EL2_TGE);

    assert_int_equal(a->x[REG_SP], b->x[REG_SP]);
    assert_int_equal(a->block, b->block);
    assert_int_equal(a->watchpoints_on, b->watchpoints_on);
    assert_int_equal(a->breakpoints_on, b->breakpoints_on);
    assert_int_equal(a->pmu_on, b->pmu_on);
    assert_int_equal(a->pmu_insns, b->pmu_insns);
    assert_int_equal(a->pmu_accesses, b->pmu_accesses);
    assert_int_equal(a->pmu_level, b->pmu_level);
    assert_int_equal(a->comm_level, b->comm_level);
    assert_int_equal(a->pmu_event.deadline_ns, b->pmu_event.deadline_ns);
    assert_int_equal((a->timer_level ^ b->timer_level) & MASK(TIMER_S - 1, 0), 0);
    for (unsigned t = 0; t < TIMER_S; t++) { /* the last one comes with EL3 */
        assert_int_equal(a->timer_event[t].deadline_ns, b->timer_event[t].deadline_ns);
    }
    assert_int_equal(x->rg.id, y->rg.id);
    assert_int_equal(x->rg.sctlr, y->rg.sctlr);
    assert_int_equal(x->rg.tcr, y->rg.tcr);
    assert_int_equal(x->rg.ttbr0, y->rg.ttbr0);
    assert_int_equal(x->rg.ttbr1, y->rg.ttbr1);
    assert_int_equal(x->rg.mair, y->rg.mair);
    assert_int_equal(x->rg.hcr & hcr, y->rg.hcr & hcr);
    assert_int_equal(x->rg.vttbr, y->rg.vttbr);
    assert_int_equal(a->bank == a->bank_unpriv, b->bank == b->bank_unpriv);
}

/* @b has been something else before. */
static void test_what_is_derived_follows_a_restored_state(void **state)
{
    (void)state;
    uint64_t random = test_seed(20);
    struct fixture a, b;

    start(&a, "max", true, false);
    start(&b, "max", true, false);
    for (unsigned round = 0; round < 2000; round++) {
        disturb(&a, &random);
        disturb(&b, &random);
        b.cpu->spin.times = 100;
        b.cpu->trap_epoch = 7;
        b.cpu->sr_allowed[0][SR_SCTLR_EL1] = 8;
        carry(a.cpu, b.cpu);
        assert_same(a.cpu, b.cpu);
        assert_same_derived(a.cpu, b.cpu);
        assert_true(b.cpu->irq_check);
        assert_int_equal(b.cpu->spin.times, 0);
        assert_int_not_equal(b.cpu->sr_allowed[0][SR_SCTLR_EL1], b.cpu->trap_epoch);
    }
    finish(&a);
    finish(&b);
}

static void test_a_state_that_does_not_suit_is_refused(void **state)
{
    (void)state;
    struct fixture a, b;

    start(&a, "n1", true, true);
    start(&b, "n1", false, true);
    struct state_io io = saved(a.cpu);
    assert_int_not_equal(restore(io.out, io.len, b.cpu), 0); /* EL2 is not there */
    assert_int_equal(b.cpu->ps.el < 2 || b.cpu->has_el2, false);
    finish(&b);
    start(&b, "a57", true, true);
    assert_int_not_equal(restore(io.out, io.len, b.cpu), 0); /* another MIDR_EL1 */
    assert_int_equal(b.cpu->sr[SR_MIDR_EL1], cpu_model_id(b.cpu->model, &b.features, SR_MIDR_EL1));
    state_io_destroy(&io);
    finish(&a);
    finish(&b);
}

static bool in_range(const struct cpu *cpu)
{
    return cpu->ps.el <= 2 && cpu->ps.sp <= 1 && cpu->ps.daif <= 15 && cpu->ps.btype <= 3 &&
           cpu->ps.il <= 1 && cpu->ps.pan <= 1 && cpu->excl_size <= 16 &&
           (unsigned)cpu->power <= CPU_HALTED && cpu->cf <= 1;
}

static void test_bytes_that_are_no_state_are_refused_or_harmless(void **state)
{
    (void)state;
    uint64_t random = test_seed(21);
    struct fixture a, b;

    start(&a, "max", true, true);
    start(&b, "max", true, true);
    struct state_io io = saved(a.cpu);
    for (size_t len = 0; len < io.len; len += 1 + random_next(&random) % 50) {
        assert_int_not_equal(restore(io.out, len, b.cpu), 0);
        assert_true(in_range(b.cpu));
    }
    for (unsigned round = 0; round < 2000; round++) {
        uint8_t *byte = &io.out[random_next(&random) % (round % 2 ? io.len : 60)];
        uint8_t before = *byte;
        *byte = (uint8_t)random_next(&random);
        (void)restore(io.out, io.len, b.cpu);
        assert_true(in_range(b.cpu));
        *byte = before;
    }
    assert_int_equal(restore(io.out, io.len, b.cpu), 0);
    assert_same(a.cpu, b.cpu);
    state_io_destroy(&io);
    finish(&a);
    finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_of_struct_cpu_belongs_to_one_row),
        cmocka_unit_test(test_each_number_of_the_state_is_compared_hashed_and_carried),
        cmocka_unit_test(test_the_form_that_a_value_is_held_in_is_not_compared),
        cmocka_unit_test(test_what_is_derived_follows_a_restored_state),
        cmocka_unit_test(test_a_state_that_does_not_suit_is_refused),
        cmocka_unit_test(test_bytes_that_are_no_state_are_refused_or_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
