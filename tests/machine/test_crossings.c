/*
 * Exceptions and returns are the same by each engine, whatever changes between two of them: random
 * loops of calls and returns at EL0 and EL1, and of writes of what they and other instructions
 * depend on; handlers at EL1 and EL2 that take PSTATE, SPSR_ELx and ESR_ELx into account, and
 * change more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "machine/machine.h"
#include "tests/machine/engines_fixture.h"
#include "tests/random.h"

static const uint32_t items[][3] = {
    {0xd4000021},                         /* svc #1 */
    {0xd4000042},                         /* hvc #2 */
    {0xd4000021, 0xd503201f},             /* svc #1; nop */
    {0xd4000042, 0xd503201f},             /* hvc #2; nop */
    {0xd500409f},                         /* msr pan, #0 */
    {0xd500419f},                         /* msr pan, #1 */
    {0xd500407f},                         /* msr uao, #0 */
    {0xd500417f},                         /* msr uao, #1 */
    {0xd5034fdf},                         /* msr daifset, #15 */
    {0xd5034fff},                         /* msr daifclr, #15 */
    {0x8b3463f4, 0xd50040bf, 0x8b3463f4}, /* add x20, sp, x20; msr spsel, #0; add */
    {0x8b3463f4, 0xd50041bf, 0x8b3463f4}, /* the same with #1 */
    {0xd518c01a},                         /* msr vbar_el1, x26 */
    {0xd518c01b},                         /* msr vbar_el1, x27 */
    {0xd5381000, 0xd2690000, 0xd5181000}, /* mrs x0, sctlr_el1; eor x0, x0, #SPAN; msr */
    {0xd5381000, 0xd2540000, 0xd5181000}, /* the same of DSSBS */
    {0xd51b4201, 0x8b140021},             /* msr nzcv, x1; add x1, x1, x20 */
    {0xd5182016},                         /* msr ttbr0_el1, x22 */
    {0xd5182017},                         /* msr ttbr0_el1, x23: another ASID */
    {0xd5381040, 0xd26c0000, 0xd5181040}, /* mrs x0, cpacr_el1; eor x0, x0, #FPEN<0>; msr */
    {0xd5381000, 0xd27f0000, 0xd5181000}, /* the same of SCTLR_EL1.A */
    {0x9e670280, 0x9e660014},             /* fmov d0, x20; fmov x20, d0 */
    {0xf84012c0},                         /* ldur x0, [x22, #1] */
};

/* To EL0 or EL1, with some PSTATE. */
static void emit_return(struct program *p, uint64_t *random)
{
    static const uint32_t modes[] = {0x0, 0x4, 0x5, 0x5};
    uint64_t r = random_next(random);
    uint32_t spsr =
        modes[r & 3] | ((uint32_t)(r >> 8) & 15) << 6 | ((uint32_t)(r >> 16) & 15) << 28;

    if (r & BIT(40))
        spsr |= (uint32_t)(r >> 20) & (BIT(12) | BIT(22) | BIT(23)); /* SSBS, PAN, UAO */
    if ((r >> 41) % 16 == 0)
        spsr |= BIT(20); /* IL */
    emit(p, 0x100000a3); /* adr x3, .+20 */
    emit(p, 0xd5184023); /* msr elr_el1, x3 */
    emit(p, 0xd2800002 | (spsr & 0xffff) << 5);
    emit(p, 0xf2a00002 | spsr >> 16 << 5);
    emit(p, 0xd5184002); /* msr spsr_el1, x2 */
    emit(p, 0xd69f03e0); /* eret */
}

static void make(struct program *p, uint64_t *random)
{
    unsigned body = 4 + (unsigned)(random_next(random) % 30);

    p->size = 0;
    emit(p, 0xd51c4038); /* msr elr_el2, x24: behind these */
    emit(p, 0xd51c4019); /* msr spsr_el2, x25 */
    emit(p, 0xd69f03e0); /* eret */
    while (body--) {
        uint64_t r = random_next(random) % 32;
        const uint32_t *item = items[r % ARRAY_SIZE(items)];
        if (r >= 24)
            emit_return(p, random);
        for (unsigned k = 0; r < 24 && k < 3 && item[k]; k++)
            emit(p, item[k]);
    }
    for (unsigned k = 0; k < 3; k++)
        emit(p, 0x91001e94); /* add x20, x20, #7 */
    emit(p, 0xd1000673);     /* sub x19, x19, #1 */
    emit(p, 0xb5000000 | ((3u - p->size) & 0x7ffff) << 5 | 19);
    emit(p, 0x14000000 | ((3u - p->size) & 0x3ffffff));
}

/* Each goes on behind the instruction that ELR_EL1 names; PSTATE.IL is not kept. */
static const uint32_t vector_el1[] = {
    0x91001e94, /* add x20, x20, #7 */
    0xd5384271, /* mrs x17, pan */
    0xcad50635, /* eor x21, x17, x21, ror #1 */
    0xd53b42d1, /* mrs x17, ssbs */
    0xca5116b5, /* eor x21, x21, x17, lsr #5 */
    0xd5384011, /* mrs x17, spsr_el1 */
    0x926bfa31, /* and x17, x17, #~IL */
    0xd5184011, /* msr spsr_el1, x17 */
    0xca1102b5, /* eor x21, x21, x17 */
    0xd5384032, /* mrs x18, elr_el1 */
    0x91001252, /* add x18, x18, #4 */
    0xd5184032, /* msr elr_el1, x18 */
    0xd69f03e0, /* eret */
};

/* Now and then it changes HCR_EL2.FB, SCTLR_EL1.SPAN or VBAR_EL1. */
static const uint32_t vector_el2[] = {
    0xd53c5211, /* mrs x17, esr_el2 */
    0xcad10eb5, /* eor x21, x21, x17, ror #3 */
    0xd53c4012, /* mrs x18, spsr_el2 */
    0x8b1202b5, /* add x21, x21, x18 */
    0x36280095, /* tbz w21, #5, .+16 */
    0xd53c1111, /* mrs x17, hcr_el2 */
    0xd2770231, /* eor x17, x17, #FB */
    0xd51c1111, /* msr hcr_el2, x17 */
    0x36300095, /* tbz w21, #6, .+16 */
    0xd5381011, /* mrs x17, sctlr_el1 */
    0xd2690231, /* eor x17, x17, #SPAN */
    0xd5181011, /* msr sctlr_el1, x17 */
    0x36400055, /* tbz w21, #8, .+8 */
    0xd518c01b, /* msr vbar_el1, x27 */
    0xd69f03e0, /* eret */
};

static const struct initial registers[] = {
    {"MAIR_EL1", 0xff},
    {"TCR_EL1", 0x00803519},
    {"TTBR0_EL1", TABLE},
    {"VBAR_EL2", VECTOR},
    {"VBAR_EL1", VECTOR + 0x1000},
    {"SCTLR_EL1", 0x30d0199d},
    {"CPACR_EL1", 3 << 20},
    {"HCR_EL2", UINT64_C(1) << 31},
    {"SP", DATA},
    {"SP_EL1", DATA + 4096},
    {"X19", 1000},
    {"X22", TABLE},
    {"X23", TABLE | UINT64_C(1) << 48},
    {"X24", CODE + 12},
    {"X25", 0x3c5},
    {"X26", VECTOR + 0x1000},
    {"X27", VECTOR + 0x2000},
};

static struct arm_machine *start(const struct program *p, enum arm_engine engine)
{
    const struct arm_config config = {.size = sizeof(config),
                                      .cpu = "n1",
                                      .cpus = 1,
                                      .el2 = true,
                                      .engine = engine,
                                      .ram_size = 8 << 20};
    uint64_t block = 0x40000000 | 0x701;
    struct arm_machine *m = new_machine_of(config, p->words, p->size * 4, CODE, 0);

    put_vectors(m, VECTOR, vector_el2, sizeof(vector_el2));
    put_vectors(m, VECTOR + 0x1000, vector_el1, sizeof(vector_el1));
    put_vectors(m, VECTOR + 0x2000, vector_el1 + 1, sizeof(vector_el1) - 4);
    assert_true(arm_mem_write(m, TABLE + 8, &block, 8));
    set_registers(m, registers, ARRAY_SIZE(registers));
    return m;
}

static void test_what_changes_between_two_exceptions_is_seen(void **state)
{
    (void)state;
    static struct program p;
    uint64_t seed = test_option("ARMILLARY_SEED", 1);
    uint64_t rounds = test_option("ARMILLARY_ROUNDS", 200);
    uint64_t taken = 0;

    for (uint64_t n = 0; n < rounds; n++) {
        uint64_t random = seed + n * 1000003;
        printf("ARMILLARY_SEED=%llu\n", (unsigned long long)random);
        make(&p, &random);
        struct arm_machine *a = start(&p, ARM_ENGINE_INTERP), *b = start(&p, ARM_ENGINE_JIT);
        run_both_in_pieces(a, b, &random, 8, 20000, compare_registers);
        assert_int_equal(arm_cpu_position(a, 0).exceptions, arm_cpu_position(b, 0).exceptions);
        taken += arm_cpu_position(a, 0).exceptions;
        arm_machine_free(a);
        arm_machine_free(b);
    }
    assert_true(taken > rounds * 100);
}

static void ignore(void *ctx, const struct arm_event *p)
{
    (void)ctx;
    (void)p;
}

/* Has the call of the supervisor from EL1, 1000 times, come to repeat itself? */
static bool repeats_while_wanted(struct arm_filter filter)
{
    static struct program p;
    uint64_t random = 1;

    p.size = 0;
    emit(&p, 0xd51c4038); /* msr elr_el2, x24: behind these */
    emit(&p, 0xd51c4019); /* msr spsr_el2, x25 */
    emit(&p, 0xd69f03e0); /* eret */
    emit(&p, 0xd4000021); /* svc #1, whose handler goes on behind the next one */
    emit(&p, 0xd503201f); /* nop */
    emit(&p, 0xd1000673); /* sub x19, x19, #1 */
    emit(&p, 0xb5ffffb3); /* cbnz x19, .-12 */
    emit(&p, 0x14000000); /* b . */
    struct arm_machine *a = start(&p, ARM_ENGINE_INTERP), *b = start(&p, ARM_ENGINE_JIT);
    filter.size = sizeof(filter);
    assert_true(arm_subscribe(b, &filter, ignore, NULL) > 0);
    run_both_in_pieces(a, b, &random, 8, 20000, compare_registers);
    const struct contexts *c = &b->cpus[0]->contexts;
    bool repeats = c->svc[1].epoch == c->epoch;
    arm_machine_free(a);
    arm_machine_free(b);
    return repeats;
}

static void test_calls_repeat_unless_somebody_wants_them(void **state)
{
    (void)state;

    assert_true(repeats_while_wanted((struct arm_filter){.events = BIT(ARM_EVENT_FIRMWARE)}));
    assert_false(repeats_while_wanted((struct arm_filter){.events = BIT(ARM_EVENT_EXCEPTION)}));
    assert_false(repeats_while_wanted(
        (struct arm_filter){.events = BIT(ARM_EVENT_SYSREG_READ), .els = BIT(0)}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_repeat_unless_somebody_wants_them),
        cmocka_unit_test(test_what_changes_between_two_exceptions_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
