/*
 * Both engines make the same run where what an instruction does changes under blocks that are there
 * already: PAN and UAO, the byte order and alignment of EL0 and EL1, another address space,
 * breakpoints, watchpoints and single steps, exceptions to EL1 and returns to EL0, patched code.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cpu/jit/jit.h"
#include "machine/machine.h"
#include "tests/machine/engines_fixture.h"

/* Two address spaces. The first GiB of RAM is there twice, the second time for EL0 too, which is
 * not to execute what EL1 does; the other has other data in the second half of that. */
#define OTHER   (TABLE + 0x1000)
#define TABLE2  (TABLE + 0x2000)
#define AGAIN   UINT64_C(0x40000000)
#define ACROSS  UINT32_C(0xc0000000) /* from one to the other: exclusive or */
#define HANDLER 18u

static void emit_constant(struct program *p, unsigned r, uint64_t v)
{
    emit(p, 0xd2800000 | (uint32_t)(v & 0xffff) << 5 | r); /* movz */
    for (unsigned k = 1; k < 4; k++)
        if (v >> 16 * k & 0xffff)
            emit(p, 0xf2800000 | k << 21 | (uint32_t)(v >> 16 * k & 0xffff) << 5 | r); /* movk */
}

static void emit_msr(struct program *p, uint32_t msr, uint64_t v)
{
    emit_constant(p, 8, v);
    emit(p, msr | 8);
}

/* A word of the program, at either address. */
static uint64_t some_word(uint64_t *random)
{
    uint64_t r = random_next(random);

    return (CODE + r % 160 * 4) ^ (r & BIT(40) ? ACROSS : 0);
}

static void emit_debug(struct program *p, uint64_t *random)
{
    static const uint32_t mdscr[] = {0, 0x8000, 0xa000, 0xa000, 0xa001, 1};
    uint64_t r = random_next(random);

    switch (r % 5) {
    case 0:
        emit_msr(p, 0xd5100240, mdscr[(r >> 8) % ARRAY_SIZE(mdscr)]); /* mdscr_el1 */
        break;
    case 1:
        emit_msr(p, 0xd5100080, some_word(random));      /* dbgbvr0_el1 */
        emit_msr(p, 0xd51000a0, r & BIT(8) ? 0x1e7 : 0); /* dbgbcr0_el1: EL1 and EL0 */
        break;
    case 2:
        emit_msr(p, 0xd51000c0, (DATA + (r >> 16) % 64 * 8) ^ (r & BIT(9) ? ACROSS : 0));
        emit_msr(p, 0xd51000e0, r & BIT(8) ? 7 | (1 + (r >> 32) % 3) << 3 | 0xfu << 5 : 0);
        break;
    default:
        emit(p, 0xd50348df | (uint32_t)(r & BIT(8)) >> 3); /* msr daifset, daifclr, #8 */
    }
    if (r & BIT(50))
        emit(p, 0xd5033fdf); /* isb */
}

static void emit_mode(struct program *p, uint64_t *random)
{
    static const uint32_t words[] = {
        0xd500409f, 0xd500419f, /* msr pan, #0 and #1 */
        0xd500407f, 0xd500417f, /* msr uao */
        0xd508871f,             /* tlbi vmalle1 */
        0xd50041bf,             /* msr spsel, #1 */
        0xd5033fdf,             /* isb */
    };
    uint64_t r = random_next(random);

    switch (r % 4) {
    case 0: /* sctlr_el1: E0E, SA0, SA and A */
        emit_msr(p, 0xd5181000, 0x30d01985 | (r >> 8 & 0x100001a));
        emit(p, 0xd5033fdf);
        break;
    case 1: /* ttbr0_el1, with its ASID */
        emit_msr(p, 0xd5182000, r & BIT(8) ? TABLE | BIT(48) : OTHER | BIT(49));
        emit(p, 0xd5033fdf);
        break;
    default:
        emit(p, words[(r >> 8) % ARRAY_SIZE(words)]);
    }
}

static void emit_access(struct program *p, uint64_t *random)
{
    static const uint32_t words[] = {
        0xf9400005, 0xf9000005, 0xb9400405, 0xb9000405,
        0x79400805, 0x39000c05, /* ldr, str */
        0xf8003005, 0xf8403005, 0xa9400405, 0xa9000405,
        0x3cc01005, 0x3c801005,                         /* unaligned, pairs */
        0xf8400805, 0xf8000805, 0xb8404805, 0x38001805, /* ldtr, sttr */
        0xc85f7c05, 0xc8067c05, 0xf8250006, 0xc8a57c06, /* ldxr, stxr, ldadd, cas */
        0xf8408405, 0xa8c10405, 0xd50b7420,             /* with write-back; dc zva */
    };
    uint64_t r = random_next(random);
    unsigned base = r & BIT(20) ? 20 : 23;
    uint32_t word = words[r % ARRAY_SIZE(words)];

    emit(p, word >> 16 == 0xd50b ? word | base : word | base << 5);
}

/* To EL0 behind it, and back by an SVC. */
static void emit_el0(struct program *p, uint64_t *random)
{
    uint64_t r = random_next(random);

    emit_constant(p, 9, (r & 0x3c0) | (r & BIT(20) ? BIT(21) : 0)); /* DAIF, SS */
    emit(p, 0xd5184009);                                            /* msr spsr_el1, x9 */
    emit(p, 0x10000089);                                            /* adr x9, .+16 */
    emit(p, 0xd2620529);                                            /* eor x9, x9, ACROSS */
    emit(p, 0xd5184029);                                            /* msr elr_el1, x9 */
    emit(p, 0xd69f03e0);                                            /* eret */
    for (uint64_t n = r >> 24 & 3; n; n--)
        emit_access(p, random);
    emit(p, 0xd4000001); /* svc #0 */
}

/* One of the words behind it becomes another, and again the first. */
static void emit_patch(struct program *p, uint64_t *random)
{
    uint64_t r = random_next(random);
    uint32_t ahead = 4 + (uint32_t)r % 4;

    emit(p, 0x10000009 | ahead << 5); /* adr x9, the word */
    emit(p, 0xb940012a);              /* ldr w10, [x9] */
    emit(p, 0x5200014a);              /* eor w10, w10, #1: another register */
    emit(p, 0xb900012a);              /* str w10, [x9] */
    if (r & BIT(20))
        emit(p, 0xd50b7529); /* ic ivau, x9 */
    if (r & BIT(21))
        emit(p, 0xd5033fdf); /* isb */
    for (unsigned k = 0; k < 4; k++)
        emit(p, 0x91000400 | (uint32_t)(r >> (32 + 2 * k) & 3) << 5 | (k & 2)); /* add */
}

static void make(struct program *p, uint64_t *random)
{
    p->size = 0;
    p->at = CODE;
    emit(p, 0xd510109f); /* msr oslar_el1, xzr */
    emit_constant(p, 20, DATA + 64);
    emit_constant(p, 23, (DATA + 64) ^ ACROSS);
    while (p->size < 160) {
        switch (random_next(random) % 12) {
        case 0:
            emit_debug(p, random);
            break;
        case 1:
            emit_mode(p, random);
            break;
        case 2:
            emit_el0(p, random);
            break;
        case 3:
            emit_patch(p, random);
            break;
        case 4: /* what is there already, more often */
            emit(p, 0x54000040 | (uint32_t)random_next(random) % 14); /* b.cond .+8 */
            break;
        case 5:
            emit(p, 0xeb01001f | (uint32_t)(random_next(random) & 3) << 16); /* cmp x0, x1... */
            break;
        default:
            emit_access(p, random);
        }
    }
    emit(p, 0xd1000673); /* sub x19, x19, #1 */
    emit(p, 0x14000000 | ((0u - p->size) & 0x3ffffff));
}

/* What came, and where from, goes into X16; a supervisor call of EL0 goes on at EL1, all else
 * behind its instruction. */
static const uint32_t vector[] = {
    0xd5384012, 0xca120210, /* mrs x18, spsr_el1; eor x16, x16, x18 */
    0xd5386012, 0x8b120210, /* mrs x18, far_el1; add x16, x16, x18 */
    0xd5385212, 0x8b120210, /* mrs x18, esr_el1; add x16, x16, x18 */
    0x93d01e10, 0xd35afe52, /* ror x16, x16, #7; lsr x18, x18, #26 */
    0xd1005652, 0xb5000132, /* sub x18, x18, #0x15; cbnz x18, other */
    0xd5384032, 0xd2620652, /* mrs x18, elr_el1; eor x18, x18, ACROSS */
    0xd5184032, 0xd5384012, /* msr elr_el1, x18; mrs x18, spsr_el1 */
    0xb2400252, 0xb27e0252, /* orr x18, x18, #1; orr x18, x18, #4 */
    0xd5184012, 0xd69f03e0, /* msr spsr_el1, x18; eret */
    0xd5384032, 0x91001252, /* other: mrs x18, elr_el1; add x18, x18, #4 */
    0xd5184032, 0xd69f03e0, /* msr elr_el1, x18; eret */
};

static const struct initial registers[] = {
    {"MAIR_EL1", 0xff},        {"TCR_EL1", 0x00803519}, {"TTBR0_EL1", TABLE}, {"VBAR_EL1", VECTOR},
    {"SCTLR_EL1", 0x30d01985}, {"CPACR_EL1", 3 << 20},  {"SP", DATA + 4096},
};

static struct arm_machine *start(const struct program *p, enum arm_engine engine, uint64_t seed)
{
    uint64_t random = seed;
    struct arm_machine *m = machine_with(p, "n1", engine);

    put_vectors(m, VECTOR, vector, sizeof(vector));
    put(m, TABLE + 8, 0x40000000 | 0x701);
    put(m, TABLE + 16, 0x40000000 | 0xf41);
    put(m, OTHER + 8, 0x40000000 | 0x701);
    put(m, OTHER + 16, TABLE2 | 3);
    put(m, TABLE2, 0x40000000 | 0xf41);
    put(m, TABLE2 + 8, 0x40200000 | 0xf41);
    put(m, TABLE2 + 16, 0x40600000 | 0xf41); /* not 0x40400000 */
    for (unsigned k = 0; k < 512; k++)
        put(m, DATA + 8 * k, random_next(&random));
    set_random_registers(m, &random);
    set_registers(m, registers, ARRAY_SIZE(registers));
    return m;
}

static void compare(struct arm_machine *a, struct arm_machine *b)
{
    compare_registers(a, b);
    compare_memory(a, b, DATA, 8192);
    compare_memory(a, b, DATA + 0x200000, 8192);
    compare_memory(a, b, CODE, 4096);
}

static void test_what_blocks_rely_on_may_change(void **state)
{
    (void)state;
    static struct program p;
    uint64_t seed = test_option("ARMILLARY_SEED", 1);
    uint64_t rounds = test_option("ARMILLARY_ROUNDS", 100);

    for (uint64_t n = 0; n < rounds; n++) {
        uint64_t random = seed + n * 1000003;
        printf("ARMILLARY_SEED=%" PRIu64 "\n", random);
        make(&p, &random);
        uint64_t values = random_next(&random);
        struct arm_machine *a = start(&p, ARM_ENGINE_INTERP, values);
        struct arm_machine *b = start(&p, n % 2 ? ARM_ENGINE_JIT : ARM_ENGINE_JIT_EAGER, values);
        run_both_in_pieces(a, b, &random, 10, 20000, compare);
        arm_machine_free(a);
        arm_machine_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_blocks_rely_on_may_change)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
