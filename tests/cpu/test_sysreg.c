/* MRS, MSR, SYS: existence, redirection, traps with their syndromes, masks, effects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/cpu_models.h"
#include "cpu/code_cache.h"
#include "cpu/create.h"
#include "cpu/exception.h"
#include "cpu/exec.h"
#include "cpu/reset.h"
#include "cpu/sysreg.h"
#include "cpu/traps.h"
#include "tests/random.h"

#define CODE_VA 0x10000

/* A CPU with nothing around it, and one record to execute. */
struct fixture {
    struct physmem mem;
    struct clock clock;
    struct log log;
    struct probes probes;
    struct features features;
    struct code_cache *code;
    struct cpu *cpu;
    struct insn record;
    bool last_virtual;
    enum sysreg last_gic;
    unsigned log_lines;
    char log_line[300];
};

static uint64_t gic_read(void *ctx, unsigned cpu, enum sysreg sr, bool virt)
{
    struct fixture *f = ctx;

    (void)cpu;
    f->last_virtual = virt;
    f->last_gic = sr;
    return 0x55;
}

static void gic_write(void *ctx, unsigned cpu, enum sysreg sr, bool virt, uint64_t value)
{
    (void)value;
    gic_read(ctx, cpu, sr, virt);
}

static bool gic_implemented(void *ctx, enum sysreg sr)
{
    (void)ctx;
    return sr != SR_ICH_LR15_EL2;
}

static const struct cpu_gic_ops gic_ops = {gic_read, gic_write, gic_implemented};

static void log_sink(void *ctx, enum log_category cat, enum log_level level, const char *line)
{
    struct fixture *f = ctx;

    (void)level;
    if (cat != LOG_SYSREG)
        return;
    f->log_lines++;
    strncpy(f->log_line, line, sizeof(f->log_line) - 1);
}

static void start(struct fixture *f, const char *model, bool has_el2, bool with_gic)
{
    const struct cpu_model *m = cpu_model_find(model);

    *f = (struct fixture){.clock = {.next_ns = CLOCK_NEVER}, .log = {.sink = log_sink, .ctx = f}};
    for (unsigned k = 0; k < LOG_CATEGORY_COUNT; k++)
        f->log.level[k] = LOG_GUEST;
    f->features = cpu_model_features(m);
    f->code = code_cache_create();
    assert_non_null(f->code);
    struct cpu_params params = {
        .mpidr = 0x80000001,
        .model = m,
        .features = &f->features,
        .has_el2 = has_el2,
        .code = f->code,
        .mem = &f->mem,
        .clock = &f->clock,
        .log = &f->log,
        .probes = &f->probes,
        .gic = with_gic ? &gic_ops : NULL,
        .gic_ctx = f,
    };
    f->cpu = cpu_create(&params);
    assert_non_null(f->cpu);
    cpu_reset(f->cpu);
    f->cpu->power = CPU_RUNNING;
}

static void finish(struct fixture *f)
{
    cpu_destroy(f->cpu);
    code_cache_destroy(f->code);
}

static void at_el(struct fixture *f, unsigned el)
{
    cpu_set_el_sp(f->cpu, el, el > 0);
    f->cpu->trap_epoch++; /* tests store into controls directly */
}

/* Execute one instruction word. */
static enum exec_result run(struct fixture *f, uint32_t word)
{
    struct cpu *cpu = f->cpu;

    a64_decode(word, 0, &f->record);
    cpu->page = cpu->counted = &f->record;
    cpu->page_va = CODE_VA;
    switch (f->record.op) {
    case A64_MRS:
        return exec_MRS(cpu, &f->record);
    case A64_MSR_reg:
        return exec_MSR_reg(cpu, &f->record);
    case A64_SYS:
        return exec_SYS(cpu, &f->record);
    case A64_SYSL:
        return exec_SYSL(cpu, &f->record);
    case A64_MSR_DAIFSet:
        return exec_MSR_DAIFSet(cpu, &f->record);
    case A64_MSR_PAN:
        return exec_MSR_PAN(cpu, &f->record);
    case A64_WFI:
        return exec_WFI(cpu, &f->record);
    case A64_WFE:
        return exec_WFE(cpu, &f->record);
    case A64_SVC:
        return exec_SVC(cpu, &f->record);
    case A64_HVC:
        return exec_HVC(cpu, &f->record);
    case A64_SMC:
        return exec_SMC(cpu, &f->record);
    default:
        fail_msg("word %#x is not for this test", word);
        return EXEC_ABORT;
    }
}

static uint32_t word_of(enum sysreg sr, bool read, unsigned rt)
{
    return 0xd5000000 | (uint32_t)sysreg_rows[sr].enc << 5 | (read ? UINT32_C(1) << 21 : 0) | rt;
}

static enum exec_result mrs(struct fixture *f, enum sysreg sr)
{
    f->cpu->x[3] = 0xdead;
    return run(f, word_of(sr, true, 3));
}

static enum exec_result msr(struct fixture *f, enum sysreg sr, uint64_t value)
{
    f->cpu->x[3] = value;
    return run(f, word_of(sr, false, 3));
}

/* The last instruction trapped to @el with @ec and @iss. */
static void assert_trapped(struct fixture *f, unsigned el, unsigned ec, uint32_t iss)
{
    assert_int_equal(f->cpu->ps.el, el);
    assert_int_equal(f->cpu->sr[el == 2 ? SR_ESR_EL2 : SR_ESR_EL1],
                     (uint64_t)ec << 26 | ESR_IL | iss);
    assert_int_equal(f->cpu->sr[el == 2 ? SR_ELR_EL2 : SR_ELR_EL1], CODE_VA);
}

/* ISS of EC 0x18 for X3. */
static uint32_t iss_of(enum sysreg sr, bool read)
{
    uint16_t e = sysreg_rows[sr].enc;
    uint32_t op0 = e >> 14, op1 = (e >> 11) & 7, crn = (e >> 7) & 15, crm = (e >> 3) & 15;

    return op0 << 20 | (e & 7u) << 17 | op1 << 14 | crn << 10 | 3 << 5 | crm << 1 | read;
}

static void test_reset_values(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "a57", true, true);
    assert_int_equal(f.cpu->ps.el, 2);
    assert_int_equal(f.cpu->sr[SR_SCTLR_EL2], 0x30c50830);
    assert_int_equal(f.cpu->sr[SR_HCR_EL2], BIT(31));
    assert_int_equal(f.cpu->sr[SR_CPTR_EL2], 0x33ff);
    assert_int_equal(f.cpu->sr[SR_MDCR_EL2], 6);
    assert_int_equal(f.cpu->sr[SR_VPIDR_EL2], 0x411fd070);
    assert_int_equal(f.cpu->sr[SR_VMPIDR_EL2], 0x80000001);
    assert_int_equal(f.cpu->sr[SR_ICC_SRE_EL2], 0xf);
    assert_int_equal(f.cpu->sr[SR_ID_AA64PFR0_EL1], 0x01000111);
    finish(&f);
}

static void test_el1_register_is_undefined_at_el0(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "n1", true, false);
    at_el(&f, 0);
    assert_int_equal(mrs(&f, SR_SCTLR_EL1), EXEC_ABORT);
    assert_trapped(&f, 1, ESR_EC_UNKNOWN, 0);
    at_el(&f, 0);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_TGE);
    mrs(&f, SR_SCTLR_EL1);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    finish(&f);
}

static void test_wrong_direction_is_undefined(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "max", true, true);
    msr(&f, SR_MIDR_EL1, 0);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    mrs(&f, SR_OSLAR_EL1);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    finish(&f);
}

static void test_register_of_a_missing_feature_is_undefined(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "a57", true, false);
    mrs(&f, SR_PAN);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    mrs(&f, SR_ICC_SRE_EL2); /* no GIC connected */
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    mrs(&f, SR_DBGBVR6_EL1); /* six breakpoints: 0..5 */
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    assert_int_equal(mrs(&f, SR_DBGBVR5_EL1), EXEC_NEXT);
    assert_int_equal(f.log_lines, 0);
    finish(&f);
}

static void test_unknown_register_is_logged_once_as_a_row(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "max", true, false);
    run(&f, 0xd539f103); /* MRS X3, S3_1_C15_C1_0 */
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    assert_int_equal(f.log_lines, 1);
    assert_non_null(strstr(f.log_line, "SYSREG(S3_1_C15_C1_0, 3, 1, 15,  1, 0, RW, WS_NONE)"));
    run(&f, 0xd539f103);
    assert_int_equal(f.log_lines, 1);
    finish(&f);
}

static void test_every_stored_register_keeps_its_writable_bits(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "max", true, false);
    for (unsigned k = 0; k < SR_COUNT; k++) {
        const struct sysreg_row *row = &sysreg_rows[k];
        enum sysreg sr = (enum sysreg)k;
        uint64_t mask, res1;

        if (!(row->access & SR_WRITE) || row->wr || row->gic || row->alias || row->fx ||
            !has_feature(&f.features, (enum feature)row->feature) || sysreg_min_el(row->enc) == 3)
            continue;
        sysreg_write_mask(sr, &f.features, &mask, &res1);
        at_el(&f, 2);
        msr(&f, sr, UINT64_MAX);
        mrs(&f, sr);
        if (f.cpu->x[3] != (mask | res1))
            fail_msg("%s: %#llx", row->name, (unsigned long long)f.cpu->x[3]);
        msr(&f, sr, 0);
        mrs(&f, sr);
        if (f.cpu->x[3] != res1)
            fail_msg("%s: %#llx", row->name, (unsigned long long)f.cpu->x[3]);
    }
    finish(&f);
}

static void test_e2h_redirects_el1_names_at_el2(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "n1", true, false);
    f.cpu->sr[SR_ESR_EL1] = 1;
    f.cpu->sr[SR_ESR_EL2] = 2;
    mrs(&f, SR_ESR_EL1);
    assert_int_equal(f.cpu->x[3], 1);
    msr(&f, SR_HCR_EL2, FIELD_MASK(HCR_EL2_E2H));
    mrs(&f, SR_ESR_EL1);
    assert_int_equal(f.cpu->x[3], 2);
    mrs(&f, SR_ESR_EL12);
    assert_int_equal(f.cpu->x[3], 1);
    msr(&f, SR_ESR_EL12, 5);
    assert_int_equal(f.cpu->sr[SR_ESR_EL1], 5);
    msr(&f, SR_CPACR_EL1, 3 << 20);
    assert_int_equal(CPTR_EL2_FPEN(f.cpu->sr[SR_CPTR_EL2]), 3);
    assert_int_equal(f.cpu->sr[SR_CPACR_EL1], 0);
    msr(&f, SR_CNTKCTL_EL1, 3);
    assert_int_equal(f.cpu->sr[SR_CNTHCTL_EL2], 3);
    mrs(&f, SR_TPIDR_EL1); /* not redirected */
    assert_int_equal(f.cpu->x[3], f.cpu->sr[SR_TPIDR_EL1]);
    finish(&f);
}

static void test_el12_names_are_undefined_without_e2h(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "n1", true, false);
    mrs(&f, SR_SCTLR_EL12);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    finish(&f);
    start(&f, "n1", true, false);
    at_el(&f, 1);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_E2H);
    mrs(&f, SR_SCTLR_EL12);
    assert_trapped(&f, 1, ESR_EC_UNKNOWN, 0);
    finish(&f);
}

/* One control, the register and direction it traps, from which EL to which. */
static const struct trap_case {
    enum sysreg control;
    uint64_t value;
    enum sysreg sr;
    bool read;
    unsigned from, to;
} trap_cases[] = {
    {SR_HCR_EL2, BIT(26), SR_SCTLR_EL1, false, 1, 2},
    {SR_HCR_EL2, BIT(30), SR_TTBR0_EL1, true, 1, 2},
    {SR_HCR_EL2, BIT(16), SR_REVIDR_EL1, true, 1, 2},
    {SR_HCR_EL2, BIT(17), SR_CTR_EL0, true, 1, 2},
    {SR_HCR_EL2, BIT(17), SR_CSSELR_EL1, false, 1, 2},
    {SR_HCR_EL2, BIT(18), SR_ID_AA64PFR0_EL1, true, 1, 2},
    {SR_HCR_EL2, BIT(18), SR_MVFR0_EL1, true, 1, 2},
    {SR_HCR_EL2, BIT(49), SR_CCSIDR_EL1, true, 1, 2},
    {SR_HCR_EL2, BIT(21), SR_ACTLR_EL1, false, 1, 2},
    {SR_HCR_EL2, BIT(22), SR_DC_CISW, false, 1, 2},
    {SR_HCR_EL2, BIT(23), SR_DC_CIVAC, false, 1, 2},
    {SR_HCR_EL2, BIT(24), SR_IC_IVAU, false, 1, 2},
    {SR_HCR_EL2, BIT(25), SR_TLBI_VAE1IS, false, 1, 2},
    {SR_HCR_EL2, BIT(25), SR_TLBI_VAE1ISNXS, false, 1, 2},
    {SR_HCR_EL2, BIT(54), SR_TLBI_VAE1IS, false, 1, 2},
    {SR_HCR_EL2, BIT(55), SR_TLBI_VAE1OS, false, 1, 2},
    {SR_HCR_EL2, BIT(28), SR_DC_ZVA, false, 1, 2},
    {SR_HCR_EL2, BIT(35), SR_LORID_EL1, true, 1, 2},
    {SR_HCR_EL2, BIT(36), SR_ERRIDR_EL1, true, 1, 2},
    {SR_HCR_EL2, 0, SR_APIAKeyLo_EL1, true, 1, 2},
    {SR_HCR_EL2, 0, SR_SCXTNUM_EL1, true, 1, 2},
    {SR_HCR_EL2, BIT(3), SR_ICC_SGI1R_EL1, false, 1, 2},
    {SR_HCR_EL2, BIT(4), SR_ICC_SGI0R_EL1, false, 1, 2},
    {SR_CPTR_EL2, BIT(31), SR_CPACR_EL1, true, 1, 2},
    {SR_MDCR_EL2, BIT(9), SR_MDSCR_EL1, true, 1, 2},
    {SR_MDCR_EL2, BIT(8), SR_OSLAR_EL1, false, 1, 2},
    {SR_MDCR_EL2, BIT(10), SR_OSLSR_EL1, true, 1, 2},
    {SR_MDCR_EL2, BIT(11), SR_MDRAR_EL1, true, 1, 2},
    {SR_MDCR_EL2, BIT(6) | 6, SR_PMCCNTR_EL0, true, 1, 2},
    {SR_MDCR_EL2, BIT(5) | 6, SR_PMCR_EL0, true, 1, 2},
    {SR_MDCR_EL2, 2, SR_PMEVCNTR2_EL0, true, 1, 2},
    {SR_CNTHCTL_EL2, 2, SR_CNTPCT_EL0, true, 1, 2},
    {SR_CNTHCTL_EL2, 1, SR_CNTP_CTL_EL0, false, 1, 2},
    {SR_CNTHCTL_EL2, BIT(13) | 3, SR_CNTV_CTL_EL0, true, 1, 2},
    {SR_CNTHCTL_EL2, BIT(14) | 3, SR_CNTVCT_EL0, true, 1, 2},
    {SR_ICC_SRE_EL2, 7, SR_ICC_SRE_EL1, true, 1, 2},
    {SR_ICH_HCR_EL2, BIT(10), SR_ICC_PMR_EL1, true, 1, 2},
    {SR_ICH_HCR_EL2, BIT(11), SR_ICC_IAR0_EL1, true, 1, 2},
    {SR_ICH_HCR_EL2, BIT(12), SR_ICC_IAR1_EL1, true, 1, 2},
    {SR_ICH_HCR_EL2, BIT(14), SR_ICC_DIR_EL1, false, 1, 2},
    {SR_HFGRTR_EL2, BIT(33), SR_TPIDR_EL1, true, 1, 2},
    {SR_HFGWTR_EL2, BIT(38), SR_VBAR_EL1, false, 1, 2},
    {SR_HFGITR_EL2, BIT(29), SR_TLBI_VAE1IS, false, 1, 2},
    {SR_HFGITR_EL2, BIT(29), SR_TLBI_VAE1ISNXS, false, 1, 2},
    {SR_HDFGRTR_EL2, BIT(15), SR_PMCCNTR_EL0, true, 1, 2},
    {SR_HDFGWTR_EL2, BIT(8), SR_OSLAR_EL1, false, 1, 2},
    {SR_SCTLR_EL1, 0, SR_CTR_EL0, true, 0, 1},
    {SR_SCTLR_EL1, 0, SR_DC_CVAU, false, 0, 1},
    {SR_SCTLR_EL1, 0, SR_DC_ZVA, false, 0, 1},
    {SR_SCTLR_EL1, 0, SR_DAIF, true, 0, 1},
    {SR_CNTKCTL_EL1, 0, SR_CNTVCT_EL0, true, 0, 1},
    {SR_CNTKCTL_EL1, 0, SR_CNTP_CVAL_EL0, true, 0, 1},
    {SR_CNTKCTL_EL1, 0, SR_CNTFRQ_EL0, true, 0, 1},
    {SR_PMUSERENR_EL0, 0, SR_PMCCNTR_EL0, true, 0, 1},
    {SR_PMUSERENR_EL0, BIT(2), SR_PMCCNTR_EL0, false, 0, 1},
    {SR_PMUSERENR_EL0, BIT(1), SR_PMSELR_EL0, false, 0, 1},
    {SR_MDSCR_EL1, BIT(12), SR_MDCCSR_EL0, true, 0, 1},
    {SR_HFGRTR_EL2, BIT(35), SR_TPIDR_EL0, true, 0, 2},
    {SR_MDCR_EL2, BIT(9), SR_MDCCSR_EL0, true, 0, 2},
};

/* Everything allowed, so that only the control under test traps. */
static void allow_all(struct fixture *f)
{
    uint64_t *sr = f->cpu->sr;

    sr[SR_HCR_EL2] = FIELD_MASK(HCR_EL2_RW) | FIELD_MASK(HCR_EL2_APK) | FIELD_MASK(HCR_EL2_API) |
                     FIELD_MASK(HCR_EL2_EnSCXT);
    sr[SR_CPTR_EL2] = 0;
    sr[SR_MDCR_EL2] = 6;
    sr[SR_CNTHCTL_EL2] = 3;
    sr[SR_CNTKCTL_EL1] = 0x303;
    sr[SR_SCTLR_EL1] = UINT64_MAX & ~FIELD_MASK(SCTLR_EL1_TSCXT);
    sr[SR_PMUSERENR_EL0] = 15;
    sr[SR_MDSCR_EL1] = 0;
    sr[SR_ICC_SRE_EL2] = 0xf;
    sr[SR_ICH_HCR_EL2] = sr[SR_HFGRTR_EL2] = sr[SR_HFGWTR_EL2] = sr[SR_HFGITR_EL2] = 0;
    sr[SR_HDFGRTR_EL2] = sr[SR_HDFGWTR_EL2] = 0;
}

static void test_each_control_traps_with_the_exact_syndrome(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "max", true, true);
    for (unsigned k = 0; k < ARRAY_SIZE(trap_cases); k++) {
        const struct trap_case *c = &trap_cases[k];
        bool by_default = c->value == 0 && c->control == SR_HCR_EL2;

        allow_all(&f);
        at_el(&f, c->from);
        if (cpu_sysreg_trap_el(f.cpu, c->sr, c->read ? SR_READ : SR_WRITE, false))
            fail_msg("case %u: %s traps without its control", k, sysreg_rows[c->sr].name);
        f.cpu->sr[c->control] = c->value;
        if (by_default)
            f.cpu->sr[SR_HCR_EL2] = FIELD_MASK(HCR_EL2_RW);
        if (c->read)
            mrs(&f, c->sr);
        else
            msr(&f, c->sr, 0);
        if (f.cpu->ps.el != c->to)
            fail_msg("case %u: %s does not trap", k, sysreg_rows[c->sr].name);
        assert_trapped(&f, c->to, ESR_EC_SYS64, iss_of(c->sr, c->read));
        if (c->to != 1)
            continue;
        /* HCR_EL2.TGE sends it to EL2 instead. */
        at_el(&f, 0);
        f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_TGE);
        if (c->read)
            mrs(&f, c->sr);
        else
            msr(&f, c->sr, 0);
        assert_trapped(&f, 2, ESR_EC_SYS64, iss_of(c->sr, c->read));
    }
    finish(&f);
}

/* An allowed access is not checked again, until a control changes by an instruction. */
static void test_change_of_a_control_is_noticed(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "max", true, false);
    allow_all(&f);
    for (unsigned k = 0; k < 2; k++) {
        at_el(&f, 1);
        assert_int_equal(mrs(&f, SR_ESR_EL1), EXEC_NEXT);
        assert_int_equal(mrs(&f, SR_ESR_EL1), EXEC_NEXT);
        cpu_set_el_sp(f.cpu, 2, 1);
        if (k == 0)
            msr(&f, SR_HFGRTR_EL2, FIELD_MASK(HFGRTR_EL2_ESR_EL1));
        else
            msr(&f, SR_HCR_EL2, FIELD_MASK(HCR_EL2_TRVM));
        cpu_set_el_sp(f.cpu, 1, 1);
        mrs(&f, SR_ESR_EL1);
        assert_trapped(&f, 2, ESR_EC_SYS64, iss_of(SR_ESR_EL1, true));
        allow_all(&f);
    }
    finish(&f);
}

static void test_host_el0_obeys_el2_controls_only(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "max", true, false);
    allow_all(&f);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_E2H) | FIELD_MASK(HCR_EL2_TGE) | BIT(17) | BIT(18);
    f.cpu->sr[SR_SCTLR_EL1] = 0;
    f.cpu->sr[SR_SCTLR_EL2] = FIELD_MASK(SCTLR_EL2_UCT);
    f.cpu->sr[SR_HFGRTR_EL2] = UINT64_MAX;
    f.cpu->sr[SR_CNTKCTL_EL1] = 0;
    f.cpu->sr[SR_CNTHCTL_EL2] = 1;
    at_el(&f, 0);
    assert_int_equal(mrs(&f, SR_CTR_EL0), EXEC_NEXT);
    assert_int_equal(mrs(&f, SR_CNTPCT_EL0), EXEC_NEXT);
    mrs(&f, SR_CNTVCT_EL0);
    assert_trapped(&f, 2, ESR_EC_SYS64, iss_of(SR_CNTVCT_EL0, true));
    /* The EL1 timers' names mean EL2's. */
    at_el(&f, 0);
    f.cpu->sr[SR_CNTHCTL_EL2] = 0x300;
    f.cpu->sr[SR_CNTHP_CVAL_EL2] = 77;
    assert_int_equal(mrs(&f, SR_CNTP_CVAL_EL0), EXEC_NEXT);
    assert_int_equal(f.cpu->x[3], 77);
    finish(&f);
}

static void test_id_space(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "max", true, false);
    at_el(&f, 1);
    f.cpu->x[3] = 1;
    assert_int_equal(run(&f, 0xd53807e3), EXEC_NEXT); /* S3_0_C0_C7_7, reserved */
    assert_int_equal(f.cpu->x[3], 0);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_TID3);
    run(&f, 0xd53807e3);
    assert_int_equal(f.cpu->ps.el, 2);
    assert_int_equal(f.cpu->sr[SR_ESR_EL2] >> 26, ESR_EC_SYS64);
    /* FEAT_IDST: EL0 is trapped rather than UNDEFINED. */
    at_el(&f, 0);
    mrs(&f, SR_ID_AA64PFR0_EL1);
    assert_trapped(&f, 1, ESR_EC_SYS64, iss_of(SR_ID_AA64PFR0_EL1, true));
    finish(&f);
    start(&f, "n1", true, false);
    at_el(&f, 0);
    mrs(&f, SR_ID_AA64PFR0_EL1);
    assert_trapped(&f, 1, ESR_EC_UNKNOWN, 0);
    finish(&f);
}

static void test_tidcp_traps_the_implementation_defined_space_from_el1(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "max", true, false);
    at_el(&f, 1);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_TIDCP);
    run(&f, 0xd539f103); /* MRS X3, S3_1_C15_C1_0 */
    assert_trapped(&f, 2, ESR_EC_SYS64, 3 << 20 | 1 << 14 | 15 << 10 | 3 << 5 | 1 << 1 | 1);
    finish(&f);
}

static void test_identity_that_el1_sees_is_el2s_choice(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "a57", true, false);
    msr(&f, SR_VPIDR_EL2, 0x12345678);
    msr(&f, SR_VMPIDR_EL2, 0x80000007);
    mrs(&f, SR_MIDR_EL1);
    assert_int_equal(f.cpu->x[3], 0x411fd070);
    at_el(&f, 1);
    mrs(&f, SR_MIDR_EL1);
    assert_int_equal(f.cpu->x[3], 0x12345678);
    mrs(&f, SR_MPIDR_EL1);
    assert_int_equal(f.cpu->x[3], 0x80000007);
    finish(&f);
}

static void test_icc_names_the_virtual_interface_as_hcr_says(void **state)
{
    static const struct {
        uint64_t hcr;
        enum sysreg sr;
        bool virtual;
    } cases[] = {
        {0, SR_ICC_IAR1_EL1, false},      {BIT(4), SR_ICC_IAR1_EL1, true},
        {BIT(3), SR_ICC_IAR1_EL1, false}, {BIT(3), SR_ICC_IAR0_EL1, true},
        {BIT(4), SR_ICC_IAR0_EL1, false}, {BIT(3), SR_ICC_PMR_EL1, true},
        {BIT(4), SR_ICC_PMR_EL1, true},   {0, SR_ICC_PMR_EL1, false},
    };
    struct fixture f;

    (void)state;
    start(&f, "n1", true, true);
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        allow_all(&f);
        f.cpu->sr[SR_HCR_EL2] |= cases[k].hcr;
        at_el(&f, 1);
        assert_int_equal(mrs(&f, cases[k].sr), EXEC_SYNC);
        assert_int_equal(f.last_virtual, cases[k].virtual);
        at_el(&f, 2);
        mrs(&f, cases[k].sr);
        assert_false(f.last_virtual);
        assert_int_equal(f.last_gic, cases[k].sr);
    }
    mrs(&f, SR_ICH_LR15_EL2);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    finish(&f);
}

static void test_fp_registers_trap_like_fp_instructions(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "n1", true, false);
    allow_all(&f);
    at_el(&f, 1); /* CPACR_EL1 is zero */
    mrs(&f, SR_FPCR);
    assert_trapped(&f, 1, ESR_EC_FP, 0x1e00000);
    at_el(&f, 0);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_TGE);
    mrs(&f, SR_FPCR);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    allow_all(&f);
    at_el(&f, 1);
    f.cpu->sr[SR_CPACR_EL1] = 3 << 20;
    assert_int_equal(mrs(&f, SR_FPCR), EXEC_NEXT);
    f.cpu->sr[SR_CPTR_EL2] = BIT(10);
    mrs(&f, SR_FPCR);
    assert_trapped(&f, 2, ESR_EC_FP, 0x1e00000);
    /* E2H: FPEN instead; 0b01 traps only EL0 of the host. */
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_E2H);
    f.cpu->sr[SR_CPTR_EL2] = 1 << 20;
    assert_false(cpu_fp_would_trap(f.cpu));
    at_el(&f, 0);
    assert_false(cpu_fp_would_trap(f.cpu));
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_TGE);
    assert_true(cpu_fp_would_trap(f.cpu));
    f.cpu->sr[SR_CPTR_EL2] = 2 << 20;
    at_el(&f, 2);
    assert_true(cpu_fp_would_trap(f.cpu));
    finish(&f);
}

static void test_daif_immediate_from_el0_traps_with_the_instructions_fields(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "n1", true, false);
    allow_all(&f);
    f.cpu->sr[SR_SCTLR_EL1] = 0;
    at_el(&f, 0);
    run(&f, 0xd50342df); /* MSR DAIFSet, #2 */
    assert_trapped(&f, 1, ESR_EC_SYS64, 6 << 17 | 3 << 14 | 4 << 10 | 31 << 5 | 2 << 1);
    finish(&f);
}

static void test_wfx_traps(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "n1", true, false);
    allow_all(&f);
    at_el(&f, 0);
    assert_int_equal(run(&f, 0xd503207f), EXEC_SYNC);
    assert_int_equal(f.cpu->power, CPU_WFI);
    f.cpu->sr[SR_SCTLR_EL1] = 0;
    run(&f, 0xd503207f);
    assert_trapped(&f, 1, ESR_EC_WFX, 0x1e00000);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_TWE);
    f.cpu->event = true;
    assert_int_equal(run(&f, 0xd503205f), EXEC_NEXT); /* the event ends it */
    run(&f, 0xd503205f);
    assert_trapped(&f, 2, ESR_EC_WFX, 0x1e00001);
    finish(&f);
}

static void test_calls(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "max", true, false);
    allow_all(&f);
    at_el(&f, 0);
    assert_int_equal(run(&f, 0xd4000021 | 0x1234 << 5), EXEC_EXIT); /* SVC */
    assert_int_equal(f.cpu->sr[SR_ESR_EL1], 0x56000000 | 0x1235);
    assert_int_equal(f.cpu->sr[SR_ELR_EL1], CODE_VA + 4);
    assert_int_equal(run(&f, 0xd4000002), EXEC_EXIT); /* HVC from EL1 */
    assert_int_equal(f.cpu->ps.el, 2);
    assert_int_equal(f.cpu->sr[SR_ELR_EL2], CODE_VA + 4);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_HCD);
    run(&f, 0xd4000002);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_TSC);
    at_el(&f, 1);
    run(&f, 0xd4000063); /* SMC #3 */
    assert_trapped(&f, 2, ESR_EC_SMC64, 3);
    f.cpu->sr[SR_HFGITR_EL2] = BIT(53);
    at_el(&f, 1);
    run(&f, 0xd4000021);
    assert_trapped(&f, 2, ESR_EC_SVC64, 1);
    finish(&f);
}

static void test_sp_el0_is_undefined_while_it_is_the_stack_pointer(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "n1", true, false);
    msr(&f, SR_SP_EL0, 0x1000);
    assert_int_equal(cpu_sp_get(f.cpu, 0), 0x1000);
    cpu_set_el_sp(f.cpu, 2, 0);
    assert_int_equal(f.cpu->x[REG_SP], 0x1000);
    mrs(&f, SR_SP_EL0);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    finish(&f);
}

/* Registers whose writes another part acts on at once, or that differ on every read. */
static bool is_left_out(enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    return row->access == SR_OP || row->gic || (row->fx & (SR_FX_TIMER | SR_FX_REGIME));
}

/* The quick paths of MRS and MSR do what the full checks do, whatever the controls hold. */
static void test_quick_paths_agree_with_the_checks(void **state)
{
    static const char *const models[] = {"a57", "n1", "max"};
    uint64_t rng = test_seed(1);
    struct fixture f;

    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        start(&f, models[round % 3], round % 5 != 0, round & 1);
        struct cpu *cpu = f.cpu;
        for (unsigned k = 0; k < SR_COUNT; k++)
            if (f.cpu->has_el2 || sysreg_min_el(sysreg_rows[k].enc) < 2)
                cpu->sr[k] = (random_next(&rng) & cpu->sr_mask[k]) | cpu->sr_res1[k];
        struct cpu *saved = malloc(sizeof(*saved)), *slow = malloc(sizeof(*slow));
        assert_non_null(saved);
        assert_non_null(slow);
        *saved = *cpu;
        for (unsigned k = 0; k < SR_COUNT * 2; k++) {
            enum sysreg sr = (enum sysreg)(k / 2);
            unsigned el = (unsigned)(random_next(&rng) % (cpu->has_el2 ? 3 : 2));
            uint32_t word = word_of(sr, k & 1, 3);

            if (is_left_out(sr))
                continue;
            *cpu = *saved;
            at_el(&f, el);
            if (el > 0 && random_next(&rng) % 8 == 0)
                cpu_set_el_sp(cpu, el, 0);
            cpu->x[3] = random_next(&rng);
            *slow = *cpu;
            run(&f, word);
            struct cpu fast = *cpu;
            *cpu = *slow;
            memset(cpu->sr_quick, 0, sizeof(cpu->sr_quick));
            cpu->trap_epoch++;
            run(&f, word);
            if (fast.x[3] != cpu->x[3] || fast.ps.el != cpu->ps.el ||
                memcmp(fast.sr, cpu->sr, sizeof(fast.sr)))
                fail_msg("round %u: %s at EL%u, %s", round, sysreg_rows[sr].name, el,
                         k & 1 ? "read" : "written");
        }
        *cpu = *saved;
        free(saved);
        free(slow);
        finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_values),
        cmocka_unit_test(test_el1_register_is_undefined_at_el0),
        cmocka_unit_test(test_wrong_direction_is_undefined),
        cmocka_unit_test(test_register_of_a_missing_feature_is_undefined),
        cmocka_unit_test(test_unknown_register_is_logged_once_as_a_row),
        cmocka_unit_test(test_every_stored_register_keeps_its_writable_bits),
        cmocka_unit_test(test_e2h_redirects_el1_names_at_el2),
        cmocka_unit_test(test_el12_names_are_undefined_without_e2h),
        cmocka_unit_test(test_each_control_traps_with_the_exact_syndrome),
        cmocka_unit_test(test_change_of_a_control_is_noticed),
        cmocka_unit_test(test_host_el0_obeys_el2_controls_only),
        cmocka_unit_test(test_id_space),
        cmocka_unit_test(test_tidcp_traps_the_implementation_defined_space_from_el1),
        cmocka_unit_test(test_identity_that_el1_sees_is_el2s_choice),
        cmocka_unit_test(test_icc_names_the_virtual_interface_as_hcr_says),
        cmocka_unit_test(test_fp_registers_trap_like_fp_instructions),
        cmocka_unit_test(test_daif_immediate_from_el0_traps_with_the_instructions_fields),
        cmocka_unit_test(test_wfx_traps),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_sp_el0_is_undefined_while_it_is_the_stack_pointer),
        cmocka_unit_test(test_quick_paths_agree_with_the_checks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
