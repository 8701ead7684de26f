/* The performance monitors: what each instruction counts as. */
#include "tests/cpu/pmu_fixture.h"

static void test_pmceid_announces_the_events_there_are(void **state)
{
    struct fixture *s = *state;

    assert_int_equal(get(s, SR_PMCEID0_EL0), 0x580affc1);
    assert_int_equal(get(s, SR_PMCEID1_EL0), 0x1000001a);
    for (uint64_t event = 0; event < 64; event++) {
        uint64_t ids = get(s, event < 32 ? SR_PMCEID0_EL0 : SR_PMCEID1_EL0);
        assert_int_equal(pmu_how(event) != PMU_NEVER, bit(ids, event % 32));
    }
}

static void test_an_unknown_event_counts_nothing(void **state)
{
    struct fixture *s = *state;
    const uint16_t events[] = {0x01, 0x04, 0x10,  0x14,   0x19,  0x25,
                               0x3f, 0x40, 0x108, 0x4008, 0xffff};

    for (unsigned k = 0; k < ARRAY_SIZE(events); k++) {
        count(s, 0, events[k]);
        s->cpu->x[1] = DATA;
        run(s, 0xf9400020); /* ldr x0, [x1] */
        assert_int_equal(counted(s, 0), 0);
        assert_false(s->cpu->pmu_insns);
    }
}

static void test_the_event_number_has_16_bits_from_pmuv3p1_on(void **state)
{
    struct fixture *s = *state;

    set(s, SR_PMEVTYPER0_EL0, 0xffff);
    assert_int_equal(get(s, SR_PMEVTYPER0_EL0), 0xffff);
    other_model(s, "a57");
    set(s, SR_PMEVTYPER0_EL0, 0xffff);
    assert_int_equal(get(s, SR_PMEVTYPER0_EL0), 0x3ff);
}

#define E(name) BIT(PMU_EVENT_##name)
#define ALWAYS  (E(INST_RETIRED) | E(INST_SPEC) | E(CPU_CYCLES))
#define LOAD    (ALWAYS | E(MEM_ACCESS) | E(LD_RETIRED))
#define STORE   (ALWAYS | E(MEM_ACCESS) | E(ST_RETIRED))
#define TRAP    (E(CPU_CYCLES) | E(EXC_TAKEN))
#define BRANCH  (ALWAYS | E(BR_RETIRED))
#define TAKEN   (BRANCH | E(PC_WRITE_RETIRED))
#define BOTH    (E(LD_RETIRED) | E(ST_RETIRED))

/* Instructions with X1 = DATA, X2 = 1, X5 = the next instruction, Z = 0, and what
 * each counts as. */
static const struct {
    const char *text;
    uint32_t word;
    uint64_t events;
} insns[] = {
    {"nop", NOP, ALWAYS},
    {"isb", 0xd5033fdf, ALWAYS},
    {"ldr x0, [x1]", 0xf9400020, LOAD},
    {"str x0, [x1]", 0xf9000020, STORE},
    {"ldp x2, x3, [x1]", 0xa9400c22, LOAD},
    {"ldr xzr, [x1]", 0xf940003f, LOAD},
    {"ld4 {v0.16b-v3.16b}, [x1]", 0x4c400020, LOAD},
    {"st4 {v0.16b-v3.16b}, [x1]", 0x4c000020, STORE},
    {"prfm pldl1keep, [x1]", 0xf9800020, ALWAYS},
    {"ldur x0, [x1, #1]", 0xf8401020, LOAD | E(UNALIGNED_LDST_RETIRED)},
    {"stur w0, [x1, #2]", 0xb8002020, STORE | E(UNALIGNED_LDST_RETIRED)},
    {"ldur w0, [x1, #4]", 0xb8404020, LOAD},
    {"ldp x2, x3, [x1, #8]", 0xa9408c22, LOAD},
    {"ldadd x2, x0, [x1]", 0xf8220020, LOAD | STORE},
    {"cas x2, x0, [x1]: unequal", 0xc8a27c20, LOAD},
    {"stxr w4, x0, [x1]: no monitor", 0xc8047c20, ALWAYS},
    {"ldxr x0, [x1]", 0xc85f7c20, LOAD},
    {"stxr w4, x0, [x1]: with it", 0xc8047c20, STORE},
    {"dc zva, x1", 0xd50b7421, STORE},
    {"dc civac, x1", 0xd50b7e21, ALWAYS},
    {"b .+4", 0x14000001, TAKEN | E(BR_IMMED_RETIRED)},
    {"bl .+4", 0x94000001, TAKEN | E(BR_IMMED_RETIRED)},
    {"b.ne .+4", 0x54000021, TAKEN | E(BR_IMMED_RETIRED)},
    {"b.eq .+4", 0x54000020, BRANCH | E(BR_IMMED_RETIRED)},
    {"cbz x2, .+4", 0xb4000022, BRANCH | E(BR_IMMED_RETIRED)},
    {"cbnz x2, .+4", 0xb5000022, TAKEN | E(BR_IMMED_RETIRED)},
    {"tbz x2, #0, .+4", 0x36000022, BRANCH | E(BR_IMMED_RETIRED)},
    {"tbnz x2, #0, .+4", 0x37000022, TAKEN | E(BR_IMMED_RETIRED)},
    {"br x5", 0xd61f00a0, TAKEN},
    {"blr x5", 0xd63f00a0, TAKEN},
    {"ret x5", 0xd65f00a0, TAKEN | E(BR_RETURN_RETIRED)},
    {"eret", ERET, TAKEN | E(EXC_RETURN)},
    {"svc #0", SVC, ALWAYS | E(EXC_TAKEN)},
    {"udf", UDF, TRAP},
    {"ldr x0, [x6]: aborts", 0xf94000c0, TRAP},
    {"msr contextidr_el1, x0", 0xd518d020, ALWAYS | E(CID_WRITE_RETIRED)},
    {"msr ttbr0_el1, x0", 0xd5182000, ALWAYS | E(TTBR_WRITE_RETIRED)},
    {"msr ttbr1_el1, x0", 0xd5182020, ALWAYS | E(TTBR_WRITE_RETIRED)},
    {"msr ttbr0_el2, x0", 0xd51c2000, ALWAYS},
    {"mrs x0, ttbr0_el1", 0xd5382000, ALWAYS},
    {"msr pmswinc_el0, x2", 0xd51b9c82, ALWAYS | E(SW_INCR)},
};

static void prepare_insn(struct fixture *s)
{
    struct cpu *cpu = s->cpu;

    cpu->x[0] = TABLE; /* for TTBR0_EL2 */
    cpu->x[1] = DATA;
    cpu->x[2] = 1;
    cpu->x[5] = s->next_code + 4;
    cpu->x[6] = 0x100; /* nothing there */
    cpu_set_nzcv(cpu, 0);
    set(s, SR_ELR_EL2, s->next_code + 4);
    set(s, SR_SPSR_EL2, 0x3c9);
}

static void test_each_instruction_counts_as_the_events_it_is(void **state)
{
    struct fixture *s = *state;

    enable_mmu(s);
    for (uint64_t event = 0; event < 64; event++) {
        if (pmu_how(event) == PMU_NEVER || pmu_how(event) == PMU_CHAIN)
            continue;
        for (unsigned k = 0; k < ARRAY_SIZE(insns); k++) {
            count(s, 0, event);
            prepare_insn(s);
            load(s, &insns[k].word, 1);
            cpu_run(s->cpu, 1);
            /* An exception does not retire: the vector's first word (0) takes others. */
            uint64_t n = counted(s, 0), expected = bit(insns[k].events, (unsigned)event);
            if (!(insns[k].events & E(INST_RETIRED)))
                n = n > 0;
            if (event == PMU_EVENT_MEM_ACCESS && (insns[k].events & BOTH) == BOTH)
                expected = 2;
            if (n != expected)
                fail_msg("%s: event %#x counts %u, not %u", insns[k].text, (unsigned)event,
                         (unsigned)n, (unsigned)expected);
        }
    }
}

static bool starts_with(const char *text, const char *prefix)
{
    return !strncmp(text, prefix, strlen(prefix));
}

/* The manual's list of branches, by mnemonic, against the table's rows. */
static void test_every_row_is_a_branch_or_not(void **state)
{
    (void)state;
    static const char *const offset[] = {"b", "bl", "cbz", "cbnz", "tbz", "tbnz"};
    static const char *const reg[] = {"br",     "blr",   "ret",    "braaz",  "brabz", "blraaz",
                                      "blrabz", "retaa", "retab",  "braa",   "brab",  "blraa",
                                      "blrab",  "eret",  "eretaa", "eretab", "drps"};

    for (unsigned op = 0; op < A64_UNALLOCATED; op++) {
        const char *mnemonic = a64_rows[op].mnemonic;
        bool immediate = starts_with(mnemonic, "b."), indirect = false;
        for (unsigned k = 0; k < ARRAY_SIZE(offset); k++)
            immediate |= !strcmp(mnemonic, offset[k]);
        for (unsigned k = 0; k < ARRAY_SIZE(reg); k++)
            indirect |= !strcmp(mnemonic, reg[k]);
        uint64_t events = pmu_insn_events((enum a64_op)op, false, 0);
        assert_int_equal((events & E(BR_IMMED_RETIRED)) != 0, immediate);
        assert_int_equal((events & E(BR_RETIRED)) != 0, immediate || indirect);
        assert_int_equal((events & E(BR_RETURN_RETIRED)) != 0, starts_with(mnemonic, "ret"));
        assert_int_equal(events & E(PC_WRITE_RETIRED), 0);
        events = pmu_insn_events((enum a64_op)op, true, ACCESSED_READ);
        assert_int_equal((events & E(PC_WRITE_RETIRED)) != 0, immediate || indirect);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pmceid_announces_the_events_there_are),
        TEST(test_an_unknown_event_counts_nothing),
        TEST(test_the_event_number_has_16_bits_from_pmuv3p1_on),
        TEST(test_each_instruction_counts_as_the_events_it_is),
        TEST(test_every_row_is_a_branch_or_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
