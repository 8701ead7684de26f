/* A CPU with keys for pointer authentication. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch/cpu_models.h"
#include "arch/esr.h"
#include "cpu/code_cache.h"
#include "cpu/context.h"
#include "cpu/create.h"
#include "cpu/exception.h"
#include "cpu/interp_plain.h"
#include "cpu/pauth.h"
#include "cpu/pstate.h"
#include "cpu/qarma.h"
#include "tests/cpu/exec_oracle.h"

#define HCR_TGE BIT(27)
#define HCR_RW  BIT(31)
#define HCR_E2H BIT(34)
#define HCR_API BIT(41)
#define TCR_48  (UINT64_C(16) << 16 | 16) /* both halves of 48 bits, no tags */
#define TCR_TBI (TCR_48 | UINT64_C(3) << 37)
#define ENABLES (BIT(31) | BIT(30) | BIT(27) | BIT(13))

enum { KEY_COUNT = 4 };

struct fixture {
    struct clock clock;
    struct probes probes;
    struct physmem mem;
    struct arm_log log;
    struct code_cache *code;
    struct cpu *cpu;
    struct insn insn[2]; /* the current page: the exceptions here are those of insn[1] */
    uint64_t rng;
};

static const enum sysreg key_regs[] = {
    SR_APIAKeyLo_EL1, SR_APIAKeyHi_EL1, SR_APIBKeyLo_EL1, SR_APIBKeyHi_EL1, SR_APDAKeyLo_EL1,
    SR_APDAKeyHi_EL1, SR_APDBKeyLo_EL1, SR_APDBKeyHi_EL1, SR_APGAKeyLo_EL1, SR_APGAKeyHi_EL1,
};

/* A CPU at @el with random keys, all enabled, and the features of @list (FEAT_BASE ends it) on top
 * of those the address layout depends on. */
static inline void use(struct fixture *f, unsigned el, uint64_t tcr, const enum feature *list)
{
    struct cpu *cpu = f->cpu;

    cpu->features = (struct features){0};
    set_feature(&cpu->features, FEAT_PAuth, true);
    set_feature(&cpu->features, FEAT_VHE, true);
    set_feature(&cpu->features, FEAT_LVA, true);
    set_feature(&cpu->features, FEAT_LPA2, true);
    set_feature(&cpu->features, FEAT_TTST, true);
    for (; list && *list != FEAT_BASE; list++)
        set_feature(&cpu->features, *list, true);
    for (size_t k = 0; k < ARRAY_SIZE(key_regs); k++)
        cpu->sr[key_regs[k]] = random_next(&f->rng);
    cpu->sr[SR_HCR_EL2] = HCR_RW | HCR_API;
    cpu->sr[SR_TCR_EL1] = cpu->sr[SR_TCR_EL2] = tcr;
    cpu->sr[SR_SCTLR_EL1] = cpu->sr[SR_SCTLR_EL2] = ENABLES;
    cpu->sr[SR_ESR_EL1] = cpu->sr[SR_ESR_EL2] = 0;
    cpu_set_el_sp(cpu, el, 1);
    cpu->page = f->insn;
    cpu->page_va = 0x4000;
    cpu_context_changed(cpu);
}

static inline int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const struct cpu_model *model = cpu_model_find("max");
    const struct features features = cpu_model_features(model);

    assert_non_null(f);
    f->code = code_cache_create(&interp_engine);
    assert_non_null(f->code);
    f->cpu = cpu_create(&(struct cpu_params){.model = model,
                                             .features = &features,
                                             .has_el2 = true,
                                             .code = f->code,
                                             .mem = &f->mem,
                                             .clock = &f->clock,
                                             .log = &f->log,
                                             .probes = &f->probes});
    assert_non_null(f->cpu);
    f->rng = test_option("ARMILLARY_SEED", 1);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;

    cpu_destroy(f->cpu);
    code_cache_destroy(f->code);
    free(f);
    return 0;
}

/* A pointer into the lower or upper 48-bit half. */
static inline uint64_t random_pointer(struct fixture *f)
{
    return sext(random_next(&f->rng), 49);
}

static inline uint64_t authenticate(struct fixture *f, uint64_t ptr, uint64_t modifier,
                                    enum pauth_key key)
{
    uint64_t out;

    assert_true(pauth_auth(f->cpu, &f->insn[1], ptr, modifier, key, false, &out));
    return out;
}

static const enum feature pauth1[] = {FEAT_BASE};
static const enum feature qarma5[] = {FEAT_PACQARMA5, FEAT_BASE};
static const enum feature qarma3[] = {FEAT_PACQARMA3, FEAT_BASE};
static const enum feature epac[] = {FEAT_EPAC, FEAT_BASE};
static const enum feature pauth2[] = {FEAT_PAuth2, FEAT_BASE};
static const enum feature constpac[] = {FEAT_PAuth2, FEAT_CONSTPACFIELD, FEAT_BASE};
static const enum feature fpac[] = {FEAT_PAuth2, FEAT_FPAC, FEAT_BASE};
static const enum feature fpaccombine[] = {FEAT_PAuth2, FEAT_FPAC, FEAT_FPACCOMBINE, FEAT_BASE};
