/*
 * SVC, HVC, SMC and the exception returns, which end a block: from there to the block where the
 * other EL goes on. What is usual is done here, and told from the rest by questions that may well
 * be too strict; the rest is the exec_ functions'.
 */
#include <string.h>

#include "cpu/exception_take.h"
#include "cpu/execute.h"
#include "cpu/interp_plain.h"
#include "cpu/jit/pieces.h"

/* Where a block goes on: at @next, or out of the code. */
static const uint8_t *code_of(struct cpu *cpu, const struct insn *next)
{
    const struct jit *jit = cpu->jit;

    if (unlikely(!next))
        return jit->rx + (jit->stop - jit->rw);
    if (unlikely(!jit_is_block(jit, next)))
        jit_seen(cpu, next);
    if (likely(jit_is_block(jit, next)))
        return (const uint8_t *)(uintptr_t)next->fn + JIT_INNER;
    cpu->resume = next;
    return jit->rx + (jit->resume - jit->rw);
}

/* By its exec_ function, with NZCV in the CPU. */
static __attribute__((noinline)) struct jit_way cross(struct cpu *cpu, const struct insn *i,
                                                      uint64_t flags)
{
    cpu_set_nzcv(cpu, jit_nzcv(flags));
    cpu->counted = i;
    const struct insn *next = interp_behind(cpu, i, exec_fns[i->op](cpu, i), JIT_INSNS_MAX);
    return (struct jit_way){code_of(cpu, next), jit_flags_of(cpu_nzcv(cpu))};
}

/* As interp_behind(), after the one instruction, which has retired. An interrupt shows NZCV. */
static inline struct jit_way arrive(struct cpu *cpu, uint64_t flags)
{
    cpu->left--;
    if (unlikely(cpu_interrupt_asked(cpu)))
        cpu_set_nzcv(cpu, jit_nzcv(flags));
    bool plain = interp_nothing_between(cpu, JIT_INSNS_MAX);
    return (struct jit_way){code_of(cpu, plain ? interp_next(cpu) : NULL), flags};
}

/* Is there nobody to be told of exceptions and returns, nor EL3, nor a control of EL2's that may
 * trap their instructions? */
static inline bool is_usual(const struct cpu *cpu)
{
    return !((cpu->wanted & CROSSING_EVENTS) | cpu->probes->placed | cpu->sr[SR_HFGITR_EL2]) &&
           !(cpu->pmu_on | cpu_has_el3(cpu)) && !MDSCR_EL1_SS(cpu->sr[SR_MDSCR_EL1]);
}

/* ---- what was there before ---- */

#define NZCV MASK(31, 28)

/* PSTATE less NZCV, IL and SS. */
static inline uint64_t pstate_bits(const struct cpu *cpu)
{
    _Static_assert(offsetof(struct pstate, il) == 8 && sizeof(struct pstate) == 10,
                   "all in 8 bytes");
    uint64_t bits;

    memcpy(&bits, &cpu->ps, sizeof(bits));
    return bits;
}

static inline void learn(struct cpu *cpu, struct context_crossing *c, uint64_t from, uint64_t spsr)
{
    struct context_slot *s =
        (struct context_slot *)((uintptr_t)cpu->contexts.x - offsetof(struct context_slot, x));
    const struct pstate *ps = &cpu->ps;
    bool known = s->epoch == cpu->contexts.epoch && !(ps->il | ps->uao | ps->btype);
    uint8_t before[8];

    memcpy(before, &from, sizeof(before));
    *c = (struct context_crossing){
        .epoch = known ? s->epoch : 0,
        .from = from,
        .to = pstate_bits(cpu),
        .spsr = spsr & ~NZCV,
        .slot = s,
        .vector = (uint32_t)(cpu->pc & 0x7ff),
        .sp_from = (uint16_t)cpu_sp_bank(before[0], before[1]),
        .sp_to = (uint16_t)cpu_sp_bank(ps->el, ps->sp),
    };
}

/* Does nothing that interp_nothing_between() and is_usual() ask about ask for anything? */
static inline bool is_quiet(const struct cpu *cpu)
{
    uint64_t any = (cpu->wanted & CROSSING_EVENTS) | cpu->probes->placed | cpu->sr[SR_HFGITR_EL2] |
                   (cpu->sr[SR_HCR_EL2] & HCR_VIRTUAL_PENDING) |
                   (cpu->sr[SR_MDSCR_EL1] & FIELD_MASK(MDSCR_EL1_SS)) | (uint64_t)cpu->recheck |
                   (uint64_t)(cpu->power != CPU_RUNNING);
    unsigned flags = cpu->pmu_on | cpu->pmu_insns | cpu->breakpoints_on | cpu->irq_pin |
                     cpu->fiq_pin | cpu->virq_pin | cpu->vfiq_pin | cpu->serror_pin |
                     *cpu->env.pause | cpu->ps.il | cpu->ps.ss;

    return !(any | flags) && cpu->left > JIT_INSNS_MAX;
}

static inline bool repeats(const struct cpu *cpu, const struct context_crossing *c)
{
    const struct context_slot *s = c->slot;

    return c->from == pstate_bits(cpu) && c->epoch == cpu->contexts.epoch &&
           s->serial == s->bank->serial && s->serial_unpriv == s->bank_unpriv->serial &&
           is_quiet(cpu);
}

/* All but the registers of the EL that an exception goes to, or a return comes from. */
static inline struct jit_way again(struct cpu *cpu, const struct context_crossing *c, uint64_t pc,
                                   uint64_t flags)
{
    cpu->sr[c->sp_from] = cpu->x[REG_SP];
    cpu->x[REG_SP] = cpu->sr[c->sp_to];
    memcpy(&cpu->ps, &c->to, sizeof(c->to));
    cpu_context_use(cpu, c->slot);
    cpu->pc = pc;
    cpu->left--;
    cpu->irq_check = false;
    return (struct jit_way){code_of(cpu, interp_next(cpu)), flags};
}

/* ---- calls ---- */

/* One that is not trapped, by @ec, to @el. */
static inline __attribute__((always_inline)) struct jit_way
call(struct cpu *cpu, const struct insn *i, uint64_t flags, unsigned el, enum esr_ec ec,
     struct context_crossing *c)
{
    uint64_t from = pstate_bits(cpu);

    exception_take(cpu,
                   &(struct exception){.type = VECTOR_SYNC,
                                       .target_el = el,
                                       .ret = insn_pc(cpu, i) + 4,
                                       .esr = esr(ec, (uint64_t)i->imm),
                                       .completed = true},
                   jit_nzcv(flags));
    learn(cpu, c, from, cpu->sr[exception_banks[el].spsr]);
    return arrive(cpu, flags);
}

static inline struct jit_way call_again(struct cpu *cpu, const struct insn *i, uint64_t flags,
                                        enum esr_ec ec, const struct context_crossing *c)
{
    const struct exception_bank *bank = &exception_banks[c->to & 3];

    cpu->sr[bank->spsr] = c->spsr | (uint64_t)jit_nzcv(flags) << 28;
    cpu->sr[bank->elr] = insn_pc(cpu, i) + 4;
    cpu->sr[bank->esr] = esr(ec, (uint64_t)i->imm);
    cpu->exceptions++;
    return again(cpu, c, (cpu->sr[bank->vbar] & ~UINT64_C(0x7ff)) + c->vector, flags);
}

static __attribute__((noinline)) struct jit_way svc(struct cpu *cpu, const struct insn *i,
                                                    uint64_t flags)
{
    struct context_crossing *c = &cpu->contexts.svc[cpu->ps.el];

    if (!is_usual(cpu))
        return cross(cpu, i, flags);
    return call(cpu, i, flags, cpu_default_target_el(cpu), ESR_EC_SVC64, c);
}

struct jit_way jit_cross_svc(struct cpu *cpu, const struct insn *i, uint64_t flags)
{
    const struct context_crossing *c = &cpu->contexts.svc[cpu->ps.el];

    if (likely(c->epoch && repeats(cpu, c)))
        return call_again(cpu, i, flags, ESR_EC_SVC64, c);
    return svc(cpu, i, flags);
}

static __attribute__((noinline)) struct jit_way hvc(struct cpu *cpu, const struct insn *i,
                                                    uint64_t flags)
{
    struct context_crossing *c = &cpu->contexts.hvc[cpu->ps.el];

    if (!is_usual(cpu) || cpu->ps.el == 0 || !cpu->has_el2 || HCR_EL2_HCD(cpu->sr[SR_HCR_EL2]))
        return cross(cpu, i, flags);
    return call(cpu, i, flags, 2, ESR_EC_HVC64, c);
}

struct jit_way jit_cross_hvc(struct cpu *cpu, const struct insn *i, uint64_t flags)
{
    const struct context_crossing *c = &cpu->contexts.hvc[cpu->ps.el];

    if (likely(c->epoch && repeats(cpu, c)))
        return call_again(cpu, i, flags, ESR_EC_HVC64, c);
    return hvc(cpu, i, flags);
}

/* ---- returns ---- */

static __attribute__((noinline)) struct jit_way eret(struct cpu *cpu, const struct insn *i,
                                                     uint64_t flags, uint64_t spsr, uint64_t pc)
{
    struct context_crossing *c = &cpu->contexts.eret[cpu->ps.el][bits(spsr, 3, 2)];
    uint64_t from = pstate_bits(cpu);

    if (!is_usual(cpu) || cpu->ps.el == 0 || exception_return_illegal(cpu, spsr))
        return cross(cpu, i, flags);
    exception_return_el(cpu, spsr);
    cpu->ps.ss = 0;
    exception_return_to(cpu, pc, spsr);
    learn(cpu, c, from, spsr);
    return arrive(cpu, jit_flags_of((unsigned)bits(spsr, 31, 28)));
}

/* Has @pc no tag, or what two ranges do not take for one? */
static inline bool is_untagged(uint64_t pc, bool two_ranges)
{
    return pc >> 55 == 0 || (pc >> 55 == MASK(8, 0) && two_ranges);
}

struct jit_way jit_cross_eret(struct cpu *cpu, const struct insn *i, uint64_t flags)
{
    const struct exception_bank *bank = &exception_banks[cpu->ps.el == 2 ? 2 : 1];
    uint64_t spsr = cpu->sr[bank->spsr], pc = cpu->sr[bank->elr];
    const struct context_crossing *c = &cpu->contexts.eret[cpu->ps.el][bits(spsr, 3, 2)];

    if (unlikely(!c->epoch || c->spsr != (spsr & ~NZCV) || !repeats(cpu, c) ||
                 !is_untagged(pc, c->slot->x.two_ranges)))
        return eret(cpu, i, flags, spsr, pc);
    cpu->excl_valid = false;
    cpu->event = true;
    return again(cpu, c, pc, jit_flags_of((unsigned)bits(spsr, 31, 28)));
}

struct jit_way jit_cross(struct cpu *cpu, const struct insn *i, uint64_t flags)
{
    return cross(cpu, i, flags);
}
