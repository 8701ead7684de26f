/* The performance monitors: what each instruction counts as, at which EL, in whose range; and that
 * an overflow is seen at the instruction that caused it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arch/cpu_models.h"
#include "cpu/code_cache.h"
#include "cpu/context.h"
#include "cpu/create.h"
#include "cpu/exception.h"
#include "cpu/interp.h"
#include "cpu/interp_plain.h"
#include "cpu/mem.h"
#include "cpu/pmu.h"
#include "cpu/pstate.h"
#include "cpu/reset.h"
#include "cpu/sysreg.h"

#define RAM_BASE UINT64_C(0x40000000)
#define RAM_SIZE (UINT64_C(16) << 20)
#define CODE     (RAM_BASE + 0x100000)
#define DATA     (RAM_BASE + 0xc00000)
#define VECTORS  (RAM_BASE + 0xd00000)
#define TABLE    (RAM_BASE + 0xe00000)

#define CYCLES     BIT(31)
#define PMCR_E     BIT(0)
#define PMCR_D     BIT(3)
#define PMCR_DP    BIT(5)
#define PMCR_LC    BIT(6)
#define PMCR_LP    BIT(7)
#define FILTER_P   BIT(31)
#define FILTER_U   BIT(30)
#define FILTER_NSH BIT(27)
#define MDCR_HPME  BIT(7)
#define MDCR_HPMD  BIT(17)
#define MDCR_HCCD  BIT(23)
#define MDCR_HLP   BIT(26)

#define NOP  0xd503201f
#define SVC  0xd4000001
#define HVC  0xd4000002
#define UDF  0
#define ERET 0xd69f03e0

struct fixture {
    struct cpu *cpu;
    struct physmem mem;
    struct clock clock;
    struct arm_log log;
    struct probes probes;
    struct code_cache *code;
    struct features features;
    uint64_t next_code;
    unsigned line_changes;
    bool line;
    uint64_t line_retired; /* when it changed */
};

static void line_set(void *ctx, unsigned n, bool level)
{
    struct fixture *s = ctx;

    (void)n;
    s->line = level;
    s->line_changes++;
    s->line_retired = cpu_retired(s->cpu);
}

static uint64_t progress(void *ctx)
{
    const struct fixture *s = ctx;

    return s->cpu ? cpu_retired(s->cpu) : 0;
}

static void make_cpu(struct fixture *s, const char *name)
{
    const struct cpu_model *model = cpu_model_find(name);

    s->features = cpu_model_features(model);
    s->cpu = cpu_create(&(struct cpu_params){.model = model,
                                             .features = &s->features,
                                             .has_el2 = true,
                                             .code = s->code,
                                             .mem = &s->mem,
                                             .clock = &s->clock,
                                             .log = &s->log,
                                             .probes = &s->probes});
    assert_non_null(s->cpu);
    cpu_reset(s->cpu);
    s->cpu->power = CPU_RUNNING;
    s->cpu->pmu_line = (struct irq_line){line_set, s, 0};
    cpu_sysreg_set(s->cpu, SR_VBAR_EL1, VECTORS);
    cpu_sysreg_set(s->cpu, SR_VBAR_EL2, VECTORS);
    cpu_sysreg_set(s->cpu, SR_HCR_EL2, FIELD_MASK(HCR_EL2_RW));
}

/* EL2 translates RAM to itself, as Normal memory: what is not aligned is no fault there. */
static void enable_mmu(struct fixture *s)
{
    uint64_t block = RAM_BASE | BIT(10) | BIT(6) | 1; /* AF, AP[1], MAIR index 0 */

    memcpy(physmem_bank(&s->mem, pa(TABLE))->host + (TABLE + 8 - RAM_BASE), &block, 8);
    cpu_sysreg_set(s->cpu, SR_MAIR_EL2, 0xff);
    cpu_sysreg_set(s->cpu, SR_TCR_EL2, 32); /* T0SZ: level 1 is first, RAM its entry 1 */
    cpu_sysreg_set(s->cpu, SR_TTBR0_EL2, TABLE);
    cpu_sysreg_set(s->cpu, SR_SCTLR_EL2, FIELD_MASK(SCTLR_EL2_M));
}

static int setup(void **state)
{
    struct fixture *s = test_calloc(1, sizeof(*s));

    s->code = code_cache_create(&interp_engine);
    s->clock.next_ns = CLOCK_NEVER;
    s->clock.progress_ns = progress;
    s->clock.progress_ctx = s;
    s->next_code = CODE;
    assert_int_equal(physmem_add_ram(&s->mem, pa(RAM_BASE), RAM_SIZE, NULL), 0);
    make_cpu(s, "max");
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *s = *state;

    cpu_destroy(s->cpu);
    code_cache_destroy(s->code);
    physmem_destroy(&s->mem);
    test_free(s);
    return 0;
}

static void other_model(struct fixture *s, const char *name)
{
    cpu_destroy(s->cpu);
    s->cpu = NULL;
    s->clock.event_count = 0;
    make_cpu(s, name);
}

static void set(struct fixture *s, enum sysreg sr, uint64_t value)
{
    cpu_sysreg_set(s->cpu, sr, value);
}

static uint64_t get(struct fixture *s, enum sysreg sr)
{
    return cpu_sysreg_get(s->cpu, sr);
}

static void go_to_el(struct fixture *s, unsigned el)
{
    pmu_sync(s->cpu);
    cpu_set_el_sp(s->cpu, el, el != 0);
    cpu_context_changed(s->cpu);
}

/* Put @words where nothing has run yet, make the PC point there. */
static void load(struct fixture *s, const uint32_t *words, unsigned count)
{
    memcpy(physmem_bank(&s->mem, pa(s->next_code))->host + (s->next_code - RAM_BASE), words,
           count * 4);
    s->cpu->pc = s->next_code;
    s->next_code += PAGE_SIZE;
}

static void run(struct fixture *s, uint32_t word)
{
    load(s, &word, 1);
    cpu_run(s->cpu, 1);
}

/* Counter @n alone counts @event from zero, everywhere; set at EL2. */
static void count(struct fixture *s, unsigned n, uint64_t event)
{
    go_to_el(s, 2);
    set(s, SR_PMCNTENCLR_EL0, ~UINT64_C(0));
    set(s, pmu_type_register(n), FILTER_NSH | event);
    set(s, pmu_counter_register(n), 0);
    set(s, SR_PMCNTENSET_EL0, BIT(n));
    set(s, SR_PMCR_EL0, PMCR_E);
}

static uint64_t counted(struct fixture *s, unsigned n)
{
    return get(s, pmu_counter_register(n));
}

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

/* Instructions with X1 = DATA, X2 = 1, X5 = the next instruction, Z = 0, and what each counts as.
 */
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

/* Which EL's B counts, by filter, range and prohibition; HPMN is 3. */
static const struct {
    uint64_t filter, mdcr, pmcr;
    unsigned n;
    bool counts[3];
} filters[] = {
    {0, 0, PMCR_E, 0, {true, true, false}},
    {FILTER_NSH, 0, PMCR_E, 0, {true, true, true}},
    {FILTER_P | FILTER_NSH, 0, PMCR_E, 0, {true, false, true}},
    {FILTER_U | FILTER_NSH, 0, PMCR_E, 0, {false, true, true}},
    {FILTER_P | FILTER_U, 0, PMCR_E, 0, {false, false, false}},
    {FILTER_NSH, MDCR_HPMD, PMCR_E, 0, {true, true, false}},
    {FILTER_NSH, MDCR_HPME, 0, 0, {false, false, false}},
    /* EL2's range */
    {FILTER_NSH, 0, PMCR_E, 3, {false, false, false}},
    {FILTER_NSH, MDCR_HPME, 0, 3, {true, true, true}},
    {FILTER_NSH, MDCR_HPME | MDCR_HPMD, 0, 5, {true, true, true}},
    {FILTER_P, MDCR_HPME, PMCR_E, 3, {true, false, false}},
};

static void test_filters_and_ranges_hold_for_every_kind_of_event(void **state)
{
    struct fixture *s = *state;
    static const uint16_t events[] = {PMU_EVENT_INST_RETIRED, PMU_EVENT_BR_RETIRED};

    for (unsigned e = 0; e < ARRAY_SIZE(events); e++)
        for (unsigned k = 0; k < ARRAY_SIZE(filters); k++)
            for (unsigned el = 0; el < 3; el++) {
                unsigned n = filters[k].n;
                count(s, n, events[e]);
                set(s, pmu_type_register(n), filters[k].filter | events[e]);
                set(s, SR_MDCR_EL2, filters[k].mdcr | 3);
                set(s, SR_PMCR_EL0, filters[k].pmcr);
                go_to_el(s, el);
                run(s, 0x14000001); /* b .+4 */
                go_to_el(s, 2);
                if (counted(s, n) != filters[k].counts[el])
                    fail_msg("filter %u, event %#x, EL%u: %u", k, events[e], el,
                             (unsigned)counted(s, n));
            }
}

static void test_the_cycle_counter_stops_at_el2_where_it_is_told_to(void **state)
{
    struct fixture *s = *state;
    static const struct {
        uint64_t mdcr, pmcr;
        bool counts;
    } rows[] = {
        {0, PMCR_E, true},
        {MDCR_HPMD, PMCR_E, true},
        {MDCR_HPMD, PMCR_E | PMCR_DP, false},
        {0, PMCR_E | PMCR_DP, true},
        {MDCR_HCCD, PMCR_E, false},
    };

    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        go_to_el(s, 2);
        set(s, SR_PMCCFILTR_EL0, FILTER_NSH);
        set(s, SR_MDCR_EL2, rows[k].mdcr | 6);
        set(s, SR_PMCR_EL0, rows[k].pmcr);
        set(s, SR_PMCCNTR_EL0, 0);
        set(s, SR_PMCNTENSET_EL0, CYCLES);
        run(s, NOP);
        assert_int_equal(get(s, SR_PMCCNTR_EL0), rows[k].counts);
        set(s, SR_PMCNTENCLR_EL0, CYCLES);
    }
}

/* What has retired under one setting of MDCR_EL2 is counted under it. */
static void test_a_change_of_mdcr_acts_from_then_on(void **state)
{
    struct fixture *s = *state;

    count(s, 0, PMU_EVENT_INST_RETIRED);
    run(s, NOP);
    run(s, NOP);
    set(s, SR_MDCR_EL2, MDCR_HPMD | 6);
    run(s, NOP);
    assert_int_equal(counted(s, 0), 2);
}

/* Calls and returns belong to the EL they leave; the filter counts EL0, then EL1, then EL2. */
static void test_calls_and_returns_count_where_they_come_from(void **state)
{
    struct fixture *s = *state;
    static const struct {
        uint32_t word;
        unsigned from;
        uint64_t spsr;
        uint16_t event;
    } rows[] = {
        {SVC, 0, 0, PMU_EVENT_INST_RETIRED},      {SVC, 0, 0, PMU_EVENT_EXC_TAKEN},
        {HVC, 1, 0, PMU_EVENT_INST_RETIRED},      {HVC, 1, 0, PMU_EVENT_EXC_TAKEN},
        {ERET, 1, 0x3c0, PMU_EVENT_INST_RETIRED}, {ERET, 1, 0x3c0, PMU_EVENT_EXC_RETURN},
        {ERET, 2, 0x3c5, PMU_EVENT_INST_RETIRED}, {ERET, 2, 0x3c5, PMU_EVENT_EXC_RETURN},
        {ERET, 2, 0x3c0, PMU_EVENT_BR_RETIRED},   {ERET, 1, 0x3c0, PMU_EVENT_PC_WRITE_RETIRED},
    };
    static const uint64_t only[] = {FILTER_P, FILTER_U, FILTER_P | FILTER_U | FILTER_NSH};

    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++)
        for (unsigned el = 0; el < 3; el++) {
            count(s, 0, rows[k].event);
            set(s, SR_PMEVTYPER0_EL0, only[el] | rows[k].event);
            set(s, rows[k].from == 2 ? SR_ELR_EL2 : SR_ELR_EL1, CODE);
            set(s, rows[k].from == 2 ? SR_SPSR_EL2 : SR_SPSR_EL1, rows[k].spsr);
            go_to_el(s, rows[k].from);
            run(s, rows[k].word);
            uint64_t n = counted(s, 0);
            if (n != (el == rows[k].from))
                fail_msg("row %u: %u at EL%u", k, (unsigned)n, el);
        }
}

/* What is trapped does not retire and takes a cycle, of the EL that it is trapped from. */
static void test_an_exception_that_is_no_call_takes_a_cycle(void **state)
{
    struct fixture *s = *state;
    static const struct {
        uint32_t word;
        unsigned retires;
    } rows[] = {
        {0xd53b9d00 /* mrs x0, pmccntr_el0 */, 0},
        {0xd503207f /* wfi */, 0},
        {0xd4000003 /* smc #0 */, 0},
        {HVC, 1},
    };

    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        count(s, 1, PMU_EVENT_INST_RETIRED);
        set(s, SR_MDCR_EL2, FIELD_MASK(MDCR_EL2_TPM) | 6);
        set(s, SR_HCR_EL2,
            FIELD_MASK(HCR_EL2_RW) | FIELD_MASK(HCR_EL2_TWI) | FIELD_MASK(HCR_EL2_TSC));
        set(s, SR_PMEVTYPER0_EL0, PMU_EVENT_CPU_CYCLES);
        set(s, SR_PMEVTYPER1_EL0, PMU_EVENT_INST_RETIRED);
        set(s, SR_PMEVCNTR0_EL0, 0);
        set(s, SR_PMCCFILTR_EL0, 0);
        set(s, SR_PMCCNTR_EL0, 0);
        set(s, SR_PMCNTENSET_EL0, CYCLES | 3);
        for (uint64_t n = 1; n < 4; n++) {
            go_to_el(s, 1);
            run(s, rows[k].word);
            assert_int_equal(s->cpu->ps.el, 2);
            assert_int_equal(get(s, SR_PMCCNTR_EL0), n);
            assert_int_equal(counted(s, 0), n);
            assert_int_equal(counted(s, 1), n * rows[k].retires);
        }
    }
}

/* The cycle that an exception takes overflows a counter like any other. */
static void test_a_lost_cycle_overflows_and_interrupts(void **state)
{
    struct fixture *s = *state;

    go_to_el(s, 2);
    set(s, SR_PMCCNTR_EL0, 0xffffffff);
    set(s, SR_PMINTENSET_EL1, CYCLES);
    set(s, SR_PMCNTENSET_EL0, CYCLES);
    set(s, SR_PMCR_EL0, PMCR_E);
    set(s, SR_MDCR_EL2, FIELD_MASK(MDCR_EL2_TPM) | 6);
    go_to_el(s, 1);
    run(s, 0xd53b9d00); /* mrs x0, pmccntr_el0 */
    assert_int_equal(get(s, SR_PMOVSSET_EL0), CYCLES);
    assert_int_equal(s->line_changes, 1);
    assert_true(s->line);
}

/* add x0, x0, #1; cbnz x1, .+8; nop; ldr x3, [x2]; b.al start */
static const uint32_t loop[] = {0x91000400, 0xb5000041, NOP, 0xf9400043, 0x54ffff8e};
#define LOOP_RETIRED 4 /* instructions of one turn, of which two are branches */

static void start_loop(struct fixture *s)
{
    s->cpu->x[1] = 1;
    s->cpu->x[2] = DATA;
    load(s, loop, ARRAY_SIZE(loop));
}

static void test_long_slices_count_like_short_ones(void **state)
{
    struct fixture *s = *state;
    static const struct {
        uint16_t event;
        unsigned per_turn;
    } rows[] = {{PMU_EVENT_BR_RETIRED, 2}, {PMU_EVENT_LD_RETIRED, 1}, {PMU_EVENT_INST_RETIRED, 4}};

    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        count(s, 0, rows[k].event);
        start_loop(s);
        cpu_run(s->cpu, 50000 * LOOP_RETIRED);
        assert_int_equal(counted(s, 0), 50000 * rows[k].per_turn);
        assert_int_equal(get(s, SR_PMOVSSET_EL0), 0);
    }
}

static void test_an_overflow_is_signalled_by_the_instruction_that_caused_it(void **state)
{
    struct fixture *s = *state;

    count(s, 0, PMU_EVENT_LD_RETIRED);
    set(s, SR_PMINTENSET_EL1, 1);
    set(s, SR_PMEVCNTR0_EL0, 0xffffffff - 2000); /* the 2001st load overflows */
    start_loop(s);
    uint64_t before = cpu_retired(s->cpu);
    cpu_run(s->cpu, 50000);
    assert_true(s->line);
    assert_int_equal(s->line_changes, 1);
    assert_int_equal(s->line_retired - before, 2000 * LOOP_RETIRED + 3);
    assert_int_equal(get(s, SR_PMOVSSET_EL0), 1);
    set(s, SR_PMOVSCLR_EL0, 1);
    assert_false(s->line);
}

/* The wait for an overflow of what counts by time follows the EL and its chain. */
static void test_the_next_overflow_is_waited_for_where_it_can_happen(void **state)
{
    struct fixture *s = *state;
    const struct clock_event *wait = &s->cpu->pmu_event;

    count(s, 0, PMU_EVENT_INST_RETIRED);
    set(s, SR_PMEVTYPER0_EL0, FILTER_U | PMU_EVENT_INST_RETIRED); /* EL1 only */
    set(s, SR_PMEVCNTR0_EL0, 0xffffff00);
    set(s, SR_PMINTENSET_EL1, 1);
    assert_true(wait->deadline_ns == CLOCK_NEVER);
    set(s, SR_ELR_EL2, CODE);
    set(s, SR_SPSR_EL2, 0x3c5);
    run(s, ERET);
    assert_int_equal(wait->deadline_ns - s->cpu->pmu_synced, 0x100 - 1); /* from before the ERET */
    run(s, HVC);
    assert_true(wait->deadline_ns == CLOCK_NEVER);
    assert_int_equal(counted(s, 0), 0xffffff01);

    /* Only the chained counter interrupts. */
    count(s, 0, PMU_EVENT_INST_RETIRED);
    set(s, SR_PMINTENCLR_EL1, 1);
    set(s, SR_PMINTENSET_EL1, 2);
    set(s, SR_PMEVTYPER1_EL0, FILTER_NSH | PMU_EVENT_CHAIN);
    set(s, SR_PMEVCNTR0_EL0, 0xffffff00);
    assert_true(wait->deadline_ns == CLOCK_NEVER);
    set(s, SR_PMCNTENSET_EL0, 2);
    assert_int_equal(wait->deadline_ns - cpu_retired(s->cpu), 0x100);

    /* A cycle of 64. */
    set(s, SR_PMCNTENCLR_EL0, 3);
    set(s, SR_PMCR_EL0, PMCR_E | PMCR_D);
    set(s, SR_PMCCFILTR_EL0, FILTER_NSH);
    set(s, SR_PMCCNTR_EL0, 0xfffffffe);
    set(s, SR_PMINTENSET_EL1, CYCLES);
    set(s, SR_PMCNTENSET_EL0, CYCLES);
    assert_int_equal(wait->deadline_ns - cpu_retired(s->cpu), 64 + 1);
}

/* Counter 0 at its largest 32-bit value takes one more, and counter 1 may be chained to it. */
static void overflow_once(struct fixture *s, uint16_t event, uint64_t pmcr)
{
    count(s, 0, event);
    set(s, SR_PMOVSCLR_EL0, ~UINT64_C(0));
    set(s, SR_PMEVTYPER1_EL0, FILTER_NSH | PMU_EVENT_CHAIN);
    set(s, SR_PMEVCNTR1_EL0, 5);
    set(s, SR_PMEVCNTR0_EL0, 0xffffffff);
    set(s, SR_PMCR_EL0, pmcr);
    set(s, SR_PMCNTENSET_EL0, 3);
    run(s, 0x14000001); /* b .+4 */
}

static void test_counters_overflow_at_32_or_64_bits_and_chain(void **state)
{
    struct fixture *s = *state;
    static const uint16_t events[] = {PMU_EVENT_INST_RETIRED, PMU_EVENT_BR_RETIRED};

    for (unsigned k = 0; k < ARRAY_SIZE(events); k++) {
        overflow_once(s, events[k], PMCR_E);
        assert_int_equal(counted(s, 0), UINT64_C(0x100000000)); /* PMUv3p5 keeps 64 bits */
        assert_int_equal(get(s, SR_PMOVSSET_EL0), 1);
        assert_int_equal(counted(s, 1), 6);
        overflow_once(s, events[k], PMCR_E | PMCR_LP);
        assert_int_equal(get(s, SR_PMOVSSET_EL0), 0);
        assert_int_equal(counted(s, 1), 5);
        /* CHAIN counts overflows of 32 bits only. */
        overflow_once(s, events[k], PMCR_E);
        set(s, SR_PMOVSCLR_EL0, ~UINT64_C(0));
        set(s, SR_PMCR_EL0, PMCR_E | PMCR_LP);
        set(s, SR_PMEVCNTR0_EL0, UINT64_MAX);
        set(s, SR_PMEVCNTR1_EL0, 5);
        run(s, 0x14000001);
        assert_int_equal(counted(s, 0), 0);
        assert_int_equal(get(s, SR_PMOVSSET_EL0), 1);
        assert_int_equal(counted(s, 1), 5);
        /* EL2's range has its own control. */
        set(s, SR_MDCR_EL2, MDCR_HLP | MDCR_HPME);
        overflow_once(s, events[k], PMCR_E);
        assert_int_equal(get(s, SR_PMOVSSET_EL0), 0);
        set(s, SR_MDCR_EL2, 6);
    }
    other_model(s, "n1");
    for (unsigned k = 0; k < ARRAY_SIZE(events); k++) {
        overflow_once(s, events[k], PMCR_E | PMCR_LP);
        assert_int_equal(counted(s, 0), 0);
        assert_int_equal(counted(s, 1), 6);
        assert_int_equal(get(s, SR_PMOVSSET_EL0), 1);
    }
}

/* With a counter of accesses on, an access that L1 would have served is seen; afterwards L1 serves
 * again. */
static void test_counting_accesses_does_not_outlive_the_counter(void **state)
{
    struct fixture *s = *state;

    assert_false(s->cpu->pmu_insns || s->cpu->pmu_accesses);
    count(s, 2, PMU_EVENT_LD_RETIRED);
    assert_true(s->cpu->pmu_insns && s->cpu->pmu_accesses);
    set(s, SR_PMEVTYPER2_EL0, PMU_EVENT_BR_RETIRED);
    assert_true(s->cpu->pmu_insns && !s->cpu->pmu_accesses);
    set(s, SR_PMCR_EL0, 0);
    assert_false(s->cpu->pmu_insns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_pmceid_announces_the_events_there_are),
        TEST(test_an_unknown_event_counts_nothing),
        TEST(test_the_event_number_has_16_bits_from_pmuv3p1_on),
        TEST(test_each_instruction_counts_as_the_events_it_is),
        TEST(test_every_row_is_a_branch_or_not),
        TEST(test_filters_and_ranges_hold_for_every_kind_of_event),
        TEST(test_the_cycle_counter_stops_at_el2_where_it_is_told_to),
        TEST(test_a_change_of_mdcr_acts_from_then_on),
        TEST(test_calls_and_returns_count_where_they_come_from),
        TEST(test_an_exception_that_is_no_call_takes_a_cycle),
        TEST(test_a_lost_cycle_overflows_and_interrupts),
        TEST(test_long_slices_count_like_short_ones),
        TEST(test_an_overflow_is_signalled_by_the_instruction_that_caused_it),
        TEST(test_the_next_overflow_is_waited_for_where_it_can_happen),
        TEST(test_counters_overflow_at_32_or_64_bits_and_chain),
        TEST(test_counting_accesses_does_not_outlive_the_counter),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
