/* One CPU with nothing around it, for the tests of system registers and of the instructions that
 * trap: instruction words are decoded and executed one at a time. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/cpu_models.h"
#include "arch/esr.h"
#include "cpu/code_cache.h"
#include "cpu/create.h"
#include "cpu/exec.h"
#include "cpu/interp_plain.h"
#include "cpu/pstate.h"
#include "cpu/reset.h"
#include "cpu/sysreg.h"
#include "cpu/traps.h"

#define CODE_VA 0x10000

/* A CPU with nothing around it, and one record to execute. */
struct fixture {
    struct physmem mem;
    struct clock clock;
    struct arm_log log;
    struct probes probes;
    struct features features;
    struct code_cache *code;
    struct cpu *cpu;
    struct insn record;
    bool last_virtual;
    enum sysreg last_gic;
    uint64_t ich_hcr; /* in the GIC, as ICC_SRE_EL1, which is 7 */
    unsigned log_lines;
    char log_line[300];
};

static inline uint64_t gic_read(void *ctx, unsigned cpu, enum sysreg sr, bool virt)
{
    struct fixture *f = ctx;

    (void)cpu;
    if (sr == SR_ICH_HCR_EL2)
        return f->ich_hcr;
    if (sr == SR_ICC_SRE_EL1)
        return 7;
    f->last_virtual = virt;
    f->last_gic = sr;
    return 0x55;
}

static inline void gic_write(void *ctx, unsigned cpu, enum sysreg sr, bool virt, uint64_t value)
{
    (void)value;
    gic_read(ctx, cpu, sr, virt);
}

static inline bool gic_implemented(void *ctx, enum sysreg sr)
{
    (void)ctx;
    return sr != SR_ICH_LR15_EL2;
}

static const struct cpu_gic_ops gic_ops = {gic_read, gic_write, gic_implemented, NULL};

static inline void log_sink(void *ctx, enum arm_log_category cat, enum arm_log_level level,
                            const char *line)
{
    struct fixture *f = ctx;

    (void)level;
    if (cat != ARM_LOG_SYSREG)
        return;
    f->log_lines++;
    strncpy(f->log_line, line, sizeof(f->log_line) - 1);
}

static inline void start(struct fixture *f, const char *model, bool has_el2, bool with_gic)
{
    const struct cpu_model *m = cpu_model_find(model);

    *f = (struct fixture){.clock = {.next_ns = CLOCK_NEVER}, .log = {.sink = log_sink, .ctx = f}};
    for (unsigned k = 0; k < ARM_LOG_CATEGORY_COUNT; k++)
        f->log.level[k] = ARM_LOG_GUEST;
    f->features = cpu_model_features(m);
    f->code = code_cache_create(&interp_engine);
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

static inline void finish(struct fixture *f)
{
    cpu_destroy(f->cpu);
    code_cache_destroy(f->code);
}

static inline void at_el(struct fixture *f, unsigned el)
{
    cpu_set_el_sp(f->cpu, el, el > 0);
    f->cpu->trap_epoch++; /* tests store into controls directly */
}

static inline enum exec_result execute(struct fixture *f, uint32_t word)
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

/* Execute one instruction word. */
static inline enum exec_result run(struct fixture *f, uint32_t word)
{
    enum exec_result r = execute(f, word);

    exec_take_raised(f->cpu, &f->record);
    return r;
}

static inline uint32_t word_of(enum sysreg sr, bool read, unsigned rt)
{
    return 0xd5000000 | (uint32_t)sysreg_rows[sr].enc << 5 | (read ? UINT32_C(1) << 21 : 0) | rt;
}

static inline enum exec_result mrs(struct fixture *f, enum sysreg sr)
{
    f->cpu->x[3] = 0xdead;
    return run(f, word_of(sr, true, 3));
}

static inline enum exec_result msr(struct fixture *f, enum sysreg sr, uint64_t value)
{
    f->cpu->x[3] = value;
    return run(f, word_of(sr, false, 3));
}

/* The last instruction trapped to @el with @ec and @iss. */
static inline void assert_trapped(struct fixture *f, unsigned el, unsigned ec, uint32_t iss)
{
    assert_int_equal(f->cpu->ps.el, el);
    assert_int_equal(f->cpu->sr[el == 2 ? SR_ESR_EL2 : SR_ESR_EL1],
                     (uint64_t)ec << 26 | ESR_IL | iss);
    assert_int_equal(f->cpu->sr[el == 2 ? SR_ELR_EL2 : SR_ELR_EL1], CODE_VA);
}

/* ISS of EC 0x18 for X3. */
static inline uint32_t iss_of(enum sysreg sr, bool read)
{
    uint16_t e = sysreg_rows[sr].enc;
    uint32_t op0 = e >> 14, op1 = (e >> 11) & 7, crn = (e >> 7) & 15, crm = (e >> 3) & 15;

    return op0 << 20 | (e & 7u) << 17 | op1 << 14 | crn << 10 | 3 << 5 | crm << 1 | read;
}

/* Everything allowed, so that only the control under test traps. */
static inline void allow_all(struct fixture *f)
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
    f->ich_hcr = 0;
    sr[SR_HFGRTR_EL2] = sr[SR_HFGWTR_EL2] = sr[SR_HFGITR_EL2] = 0;
    sr[SR_HDFGRTR_EL2] = sr[SR_HDFGWTR_EL2] = 0;
}
