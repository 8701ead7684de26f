/* Block state: each thing that code is made for changes the value, and nothing else does. */
#include "cpu/block.h"
#include "cpu/pauth.h"
#include "tests/cpu/mem_fixture.h"

/* Where the CPU is: EL, HCR_EL2.{E2H,TGE}. */
static const struct world {
    const char *name;
    unsigned el;
    uint64_t hcr;
} worlds[] = {
    {"EL0", 0, 0},
    {"EL1", 1, 0},
    {"EL2", 2, 0},
    {"EL0 of a VHE host", 0, FIELD_MASK(HCR_EL2_E2H) | FIELD_MASK(HCR_EL2_TGE)},
    {"EL1 under a VHE host", 1, FIELD_MASK(HCR_EL2_E2H)},
    {"EL2 as a VHE host", 2, FIELD_MASK(HCR_EL2_E2H) | FIELD_MASK(HCR_EL2_TGE)},
};
#define W_EL0    1
#define W_EL1    2
#define W_EL2    4
#define W_HOST0  8
#define W_GUEST1 16
#define W_HOST2  32
#define W_EL10   (W_EL0 | W_EL1 | W_GUEST1)  /* under SCTLR_EL1 */
#define W_EL2S   (W_EL2 | W_HOST0 | W_HOST2) /* under SCTLR_EL2 */
#define W_AT_EL0 (W_EL0 | W_HOST0)
#define W_ALL    63
#define W_VHE    (W_HOST0 | W_GUEST1 | W_HOST2)

/* The ingredients that are bits of system registers: in which worlds, and what changes. */
static const struct ingredient {
    enum sysreg sr;
    uint64_t mask;
    unsigned worlds;
    uint32_t block;
    bool may; /* only with other bits of the register: it may change that, and nothing else */
} ingredients[] = {
#define SCTLR(bits, els, block)                                                                    \
    {SR_SCTLR_EL1, FIELD_MASK(SCTLR_EL1_##bits), W_EL10 & (els), block, false},                    \
    {                                                                                              \
        SR_SCTLR_EL2, FIELD_MASK(SCTLR_EL1_##bits), W_EL2S &(els), block, false                    \
    }
    SCTLR(A, W_ALL, BLOCK_ALIGN),
    SCTLR(nAA, W_ALL, BLOCK_NAA),
    SCTLR(SA0, W_AT_EL0, BLOCK_SP_ALIGN),
    SCTLR(SA, W_ALL & ~W_AT_EL0, BLOCK_SP_ALIGN),
    SCTLR(E0E, W_AT_EL0, BLOCK_BIG_ENDIAN),
    SCTLR(EE, W_ALL & ~W_AT_EL0, BLOCK_BIG_ENDIAN),
    SCTLR(EnIA, W_ALL, BLOCK_PAC(PAUTH_IA)),
    SCTLR(EnIB, W_ALL, BLOCK_PAC(PAUTH_IB)),
    SCTLR(EnDA, W_ALL, BLOCK_PAC(PAUTH_DA)),
    SCTLR(EnDB, W_ALL, BLOCK_PAC(PAUTH_DB)),
#undef SCTLR
    {SR_CPACR_EL1, FIELD_MASK(CPACR_EL1_FPEN), W_EL10, BLOCK_FP_HELD, true},
    {SR_CPTR_EL2, FIELD_MASK(CPTR_EL2_TFP), W_ALL & ~W_VHE, BLOCK_FP_HELD, false},
    {SR_CPTR_EL2, FIELD_MASK(CPTR_EL2_FPEN), W_VHE, BLOCK_FP_HELD, true},
};

static uint32_t block_now(struct fixture *s)
{
    cpu_context_changed(s->cpu);
    return s->cpu->block;
}

/* FP is enabled, everything else off. */
static void enter(struct fixture *s, const struct world *w)
{
    memset(s->cpu->sr, 0, sizeof(s->cpu->sr));
    s->cpu->sr[SR_HCR_EL2] = w->hcr;
    s->cpu->sr[SR_CPACR_EL1] = FIELD_MASK(CPACR_EL1_FPEN);
    s->cpu->sr[SR_CPTR_EL2] = w->hcr ? FIELD_MASK(CPTR_EL2_FPEN) : 0;
    s->cpu->ps = (struct pstate){.el = (uint8_t)w->el, .sp = w->el != 0};
}

/* What flipping bit @n of @sr changes; *may: perhaps. The bits of HCR_EL2 that say which world it
 * is are another test's. */
static uint32_t expected(enum sysreg sr, unsigned n, unsigned world, bool *may)
{
    *may = false;
    for (unsigned k = 0; k < ARRAY_SIZE(ingredients); k++) {
        const struct ingredient *i = &ingredients[k];
        if (i->sr == sr && bit(i->mask, n) && bit(i->worlds, world)) {
            *may = i->may;
            return i->block;
        }
    }
    return 0;
}

static void test_each_bit_of_a_register_changes_what_it_is_an_ingredient_of(void **state)
{
    struct fixture *s = *state;
    const uint64_t worlds_bits = FIELD_MASK(HCR_EL2_E2H) | FIELD_MASK(HCR_EL2_TGE);
    uint32_t seen = 0;

    for (unsigned w = 0; w < ARRAY_SIZE(worlds); w++) {
        enter(s, &worlds[w]);
        const uint32_t base = block_now(s);
        for (enum sysreg sr = 0; sr < SR_COUNT; sr++) {
            for (unsigned n = 0; n < 64; n++) {
                bool may;
                if (sr == SR_HCR_EL2 && bit(worlds_bits, n))
                    continue;
                s->cpu->sr[sr] ^= BIT(n);
                uint32_t changed = block_now(s) ^ base;
                uint32_t want = expected(sr, n, w, &may);
                s->cpu->sr[sr] ^= BIT(n);
                if (changed != want && !(may && changed == 0))
                    fail_msg("%s: bit %u of %s changes %#x, expected %#x", worlds[w].name, n,
                             sysreg_rows[sr].name, changed, want);
                seen |= changed;
            }
        }
        assert_int_equal(block_now(s), base);
    }
    const uint32_t all = BLOCK_FP_HELD | BLOCK_ALIGN | BLOCK_NAA | BLOCK_SP_ALIGN |
                         BLOCK_BIG_ENDIAN | BLOCK_PAC(PAUTH_IA) | BLOCK_PAC(PAUTH_IB) |
                         BLOCK_PAC(PAUTH_DA) | BLOCK_PAC(PAUTH_DB);
    assert_int_equal(seen, all);
}

static void test_the_el_and_the_world_are_ingredients(void **state)
{
    struct fixture *s = *state;

    for (unsigned w = 0; w < ARRAY_SIZE(worlds); w++) {
        enter(s, &worlds[w]);
        uint32_t b = block_now(s);
        assert_int_equal(b & BLOCK_EL, worlds[w].el);
        assert_int_equal((b & BLOCK_SP) != 0, worlds[w].el != 0);
        assert_int_equal((b & BLOCK_E2H) != 0, HCR_EL2_E2H(worlds[w].hcr));
        assert_int_equal((b & BLOCK_TGE) != 0, HCR_EL2_TGE(worlds[w].hcr));
    }
}

/* Of PSTATE, EL and SP; of the general and vector registers, FPCR and the CPU's pins nothing. */
static void test_other_state_of_the_cpu_is_none(void **state)
{
    struct fixture *s = *state;
    struct cpu *cpu = s->cpu;

    for (unsigned w = 0; w < ARRAY_SIZE(worlds); w++) {
        enter(s, &worlds[w]);
        const uint32_t base = block_now(s);
        uint8_t *const fields[] = {&cpu->ps.daif, &cpu->ps.pan, &cpu->ps.uao, &cpu->ps.dit,
                                   &cpu->ps.ssbs, &cpu->ps.il,  &cpu->ps.ss,  &cpu->ps.btype};
        bool *const pins[] = {&cpu->irq_pin,  &cpu->fiq_pin,    &cpu->virq_pin,
                              &cpu->vfiq_pin, &cpu->serror_pin, &cpu->event};
        for (unsigned k = 0; k < ARRAY_SIZE(fields); k++) {
            *fields[k] ^= 1;
            assert_int_equal(block_now(s), base);
        }
        for (unsigned k = 0; k < ARRAY_SIZE(pins); k++) {
            *pins[k] = !*pins[k];
            assert_int_equal(block_now(s), base);
        }
        memset(cpu->x, 0xff, sizeof(cpu->x[0]) * 31);
        memset(cpu->v, 0xff, sizeof(cpu->v));
        cpu_set_nzcv(cpu, cpu_nzcv(cpu) ^ 15);
        cpu->fpcr ^= UINT32_MAX;
        assert_int_equal(block_now(s), base);
        cpu->ps.sp ^= 1;
        assert_int_equal(block_now(s) ^ base, BLOCK_SP);
    }
}

static void test_who_observes_accesses_is_an_ingredient(void **state)
{
    struct fixture *s = *state;

    enter(s, &worlds[1]);
    const uint32_t base = block_now(s);
    s->cpu->watchpoints_on = true;
    assert_int_equal(block_now(s) ^ base, BLOCK_OBSERVED);
    s->cpu->watchpoints_on = false;
    s->cpu->pmu_accesses = true;
    assert_int_equal(block_now(s) ^ base, BLOCK_OBSERVED);
    s->cpu->pmu_accesses = false;
    assert_int_equal(block_now(s), base);
}

/* The instruction that selects another SP says so at once. */
static void test_msr_spsel_changes_it(void **state)
{
    struct fixture *s = *state;
    struct insn i;

    enter(s, &worlds[1]);
    const uint32_t base = block_now(s);
    a64_decode(0xd50040bf, 0, &i); /* msr spsel, #0 */
    s->insn[0] = i;
    assert_int_equal(exec_MSR_SPSel(s->cpu, &s->insn[0]), EXEC_NEXT);
    assert_int_equal(s->cpu->block ^ base, BLOCK_SP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_each_bit_of_a_register_changes_what_it_is_an_ingredient_of),
        TEST(test_the_el_and_the_world_are_ingredients),
        TEST(test_other_state_of_the_cpu_is_none),
        TEST(test_who_observes_accesses_is_an_ingredient),
        TEST(test_msr_spsel_changes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
