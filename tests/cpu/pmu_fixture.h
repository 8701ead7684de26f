/* A CPU with performance monitors, stopped before one instruction. */
#pragma once

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

static inline void line_set(void *ctx, unsigned n, bool level)
{
    struct fixture *s = ctx;

    (void)n;
    s->line = level;
    s->line_changes++;
    s->line_retired = cpu_retired(s->cpu);
}

static inline uint64_t progress(void *ctx)
{
    const struct fixture *s = ctx;

    return s->cpu ? cpu_retired(s->cpu) : 0;
}

static inline void make_cpu(struct fixture *s, const char *name)
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
static inline void enable_mmu(struct fixture *s)
{
    uint64_t block = RAM_BASE | BIT(10) | BIT(6) | 1; /* AF, AP[1], MAIR index 0 */

    memcpy(physmem_bank(&s->mem, pa(TABLE))->host + (TABLE + 8 - RAM_BASE), &block, 8);
    cpu_sysreg_set(s->cpu, SR_MAIR_EL2, 0xff);
    cpu_sysreg_set(s->cpu, SR_TCR_EL2, 32); /* T0SZ: level 1 is first, RAM its entry 1 */
    cpu_sysreg_set(s->cpu, SR_TTBR0_EL2, TABLE);
    cpu_sysreg_set(s->cpu, SR_SCTLR_EL2, FIELD_MASK(SCTLR_EL2_M));
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
    struct fixture *s = *state;

    cpu_destroy(s->cpu);
    code_cache_destroy(s->code);
    physmem_destroy(&s->mem);
    test_free(s);
    return 0;
}

static inline void other_model(struct fixture *s, const char *name)
{
    cpu_destroy(s->cpu);
    s->cpu = NULL;
    s->clock.event_count = 0;
    make_cpu(s, name);
}

static inline void set(struct fixture *s, enum sysreg sr, uint64_t value)
{
    cpu_sysreg_set(s->cpu, sr, value);
}

static inline uint64_t get(struct fixture *s, enum sysreg sr)
{
    return cpu_sysreg_get(s->cpu, sr);
}

static inline void go_to_el(struct fixture *s, unsigned el)
{
    pmu_sync(s->cpu);
    cpu_set_el_sp(s->cpu, el, el != 0);
    cpu_context_changed(s->cpu);
}

/* Put @words where nothing has run yet, make the PC point there. */
static inline void load(struct fixture *s, const uint32_t *words, unsigned count)
{
    memcpy(physmem_bank(&s->mem, pa(s->next_code))->host + (s->next_code - RAM_BASE), words,
           count * 4);
    s->cpu->pc = s->next_code;
    s->next_code += PAGE_SIZE;
}

static inline void run(struct fixture *s, uint32_t word)
{
    load(s, &word, 1);
    cpu_run(s->cpu, 1);
}

/* Counter @n alone counts @event from zero, everywhere; set at EL2. */
static inline void count(struct fixture *s, unsigned n, uint64_t event)
{
    go_to_el(s, 2);
    set(s, SR_PMCNTENCLR_EL0, ~UINT64_C(0));
    set(s, pmu_type_register(n), FILTER_NSH | event);
    set(s, pmu_counter_register(n), 0);
    set(s, SR_PMCNTENSET_EL0, BIT(n));
    set(s, SR_PMCR_EL0, PMCR_E);
}

static inline uint64_t counted(struct fixture *s, unsigned n)
{
    return get(s, pmu_counter_register(n));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
