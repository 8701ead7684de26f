#include "cpu/context.h"

#include <string.h>

#include "cpu/block.h"
#include "cpu/events.h"
#include "cpu/late.h"
#include "cpu/read_list.h"
#include "cpu/regime.h"
#include "cpu/traps.h"
#include "cpu/world.h"
#include "mmu/regime_bits.h"

/* Everything that cpu_regime() and the choice of banks depend on, EL and PAN apart. */
static void inputs(const struct cpu *cpu, enum regime_id id, uint64_t in[CONTEXT_INPUTS])
{
    const uint64_t *sr = cpu->sr;
    uint64_t flags =
        (uint64_t)cpu->ps.uao | (uint64_t)cpu_accesses_observed(cpu) << 1 | (uint64_t)id << 2;

    if (likely(id == REGIME_EL10 || id == REGIME_SECURE_EL10)) {
        in[0] = sr[SR_SCTLR_EL1];
        in[1] = sr[SR_TCR_EL1];
        in[2] = sr[SR_TTBR0_EL1];
        in[3] = sr[SR_TTBR1_EL1];
        in[4] = sr[SR_MAIR_EL1];
        in[5] = cpu_hcr_of_el10(cpu);
        in[6] = sr[SR_VTCR_EL2];
        in[7] = sr[SR_VTTBR_EL2];
        in[8] = flags | (sr[SR_SCTLR_EL2] & SCTLR_EE);
    } else if (likely(id != REGIME_EL3)) {
        in[0] = sr[SR_SCTLR_EL2];
        in[1] = sr[SR_TCR_EL2];
        in[2] = sr[SR_TTBR0_EL2];
        in[3] = sr[SR_TTBR1_EL2];
        in[4] = sr[SR_MAIR_EL2];
        in[5] = cpu_hcr(cpu) & (HCR_E2H | HCR_TGE);
        in[6] = in[7] = 0;
        in[8] = flags;
    } else {
        in[0] = sr[SR_SCTLR_EL3];
        in[1] = sr[SR_TCR_EL3];
        in[2] = sr[SR_TTBR0_EL3];
        in[4] = sr[SR_MAIR_EL3];
        in[3] = in[5] = in[6] = in[7] = 0;
        in[8] = flags;
    }
}

static bool slot_matches(const struct context_slot *s, const uint64_t in[CONTEXT_INPUTS])
{
    uint64_t diff = 0;

    for (unsigned i = 0; i < CONTEXT_INPUTS; i++)
        diff |= s->in[i] ^ in[i];
    return diff == 0 && s->bank && s->serial == s->bank->serial &&
           s->serial_unpriv == s->bank_unpriv->serial;
}

/* Do LDTR and STTR act as EL0 now? */
static bool unpriv_acts(const struct cpu *cpu)
{
    if (cpu->ps.el == 1)
        return !cpu->ps.uao;
    return cpu->ps.el == 2 && !cpu->ps.uao && cpu_host_regime(cpu);
}

static void slot_fill(struct cpu *cpu, struct context_slot *s, const uint64_t in[CONTEXT_INPUTS])
{
    struct regime rg;

    cpu_regime(cpu, cpu_current_regime(cpu), &rg);
    xlat_init(&s->x, &rg);
    tlb_config(cpu->tlb, &s->x, cpu_accesses_observed(cpu));
    memcpy(s->in, in, sizeof(s->in));
    s->bank = tlb_bank(cpu->tlb, &s->x, cpu->ps.el != 0, cpu->ps.el != 0 && cpu->ps.pan);
    s->bank_unpriv = unpriv_acts(cpu) ? tlb_bank(cpu->tlb, &s->x, false, false) : s->bank;
    s->serial = s->bank->serial;
    s->serial_unpriv = s->bank_unpriv->serial;
    s->block = block_of_regime(&rg, cpu->ps.el);
    if (cpu_accesses_observed(cpu))
        s->block |= BLOCK_OBSERVED;
}

/* The slot of the current context among the recent ones of its kind, filled if there is none. */
static struct context_slot *slot_find(struct cpu *cpu, unsigned kind,
                                      const uint64_t in[CONTEXT_INPUTS])
{
    struct contexts *c = &cpu->contexts;

    for (unsigned k = 0; k < CONTEXT_WAYS; k++) {
        if (slot_matches(&c->slot[kind][k], in)) {
            c->recent[kind] = (uint8_t)k;
            return &c->slot[kind][k];
        }
    }
    unsigned victim = c->next[kind];
    c->next[kind] = (uint8_t)((victim + 1) % CONTEXT_WAYS);
    c->recent[kind] = (uint8_t)victim;
    slot_fill(cpu, &c->slot[kind][victim], in);
    return &c->slot[kind][victim];
}

static struct context_slot *slot_of_now(struct cpu *cpu)
{
    struct contexts *c = &cpu->contexts;
    unsigned kind = cpu_context_kind(cpu);
    uint64_t in[CONTEXT_INPUTS];

    inputs(cpu, cpu_current_regime(cpu), in);
    struct context_slot *s = &c->slot[kind][c->recent[kind]];
    if (unlikely(!slot_matches(s, in)))
        s = slot_find(cpu, kind, in);
    CHECK(s->bank); /* it has been filled */
    c->x = &s->x;
    return s;
}

static void want(struct cpu *cpu)
{
    struct arm_event here;

    cpu_locate(cpu, &here);
    cpu->wanted = probe_mask_at(cpu->probes, &here) | (cpu->late ? WANTED_LATE : 0);
    read_list_follow(cpu);
}

/* What is wanted depends on the world, and whether accesses are observed on what is wanted. */
static __attribute__((noinline)) struct context_slot *slot_when_observed(struct cpu *cpu)
{
    want(cpu);
    return slot_of_now(cpu);
}

void cpu_follow_scr(struct cpu *cpu)
{
    cpu->el2_enabled = cpu->has_el2 && !cpu_secure_below_el3(cpu);
    if (cpu_has_el3(cpu) && cpu->gic && cpu->gic->security)
        cpu->gic->security(cpu->gic_ctx, cpu->index, cpu->ps.el == 3, cpu_secure_below_el3(cpu),
                           SCR_EL3_FIQ(cpu_scr(cpu)));
}

void cpu_contexts_forget(struct cpu *cpu)
{
    cpu->contexts = (struct contexts){0};
    cpu_context_changed(cpu);
}

void cpu_context_choose(struct cpu *cpu)
{
    struct context_slot *s = slot_of_now(cpu);

    if (unlikely(cpu->probes->placed))
        s = slot_when_observed(cpu);
    s->held = s->block | (uint32_t)(cpu_wants(cpu, ARM_EVENT_FP) || cpu_fp_would_trap(cpu)) *
                             (uint32_t)BLOCK_FP_HELD;
    s->epoch = cpu->ps.uao ? 0 : cpu->contexts.epoch;
    cpu_context_use(cpu, s);
}

void cpu_context_changed(struct cpu *cpu)
{
    cpu->contexts.epoch++;
    cpu_context_choose(cpu);
}

void cpu_wishes_changed(struct cpu *cpu)
{
    want(cpu);
    cpu_context_changed(cpu);
}
