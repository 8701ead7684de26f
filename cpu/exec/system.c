/* System instructions: system registers, PSTATE, barriers, hints, waiting (DDI0487 C4.1.88, C5,
 * C6). */
#include "cpu/context.h"
#include "cpu/events.h"
#include "cpu/exception.h"
#include "cpu/exec.h"
#include "cpu/interrupt.h"
#include "cpu/late.h"
#include "cpu/parallel.h"
#include "cpu/pauth.h"
#include "cpu/pstate.h"
#include "cpu/read_list.h"
#include "cpu/sysreg.h"
#include "cpu/sysreg_quick.h"
#include "cpu/timer.h"
#include "cpu/traps.h"
#include "cpu/world.h"

static unsigned crm(const struct insn *i)
{
    return (unsigned)bits((uint64_t)i->imm, 11, 8);
}

/* System registers and operations. */

EXEC enum exec_result exec_MRS(struct cpu *cpu, const struct insn *i)
{
    enum sysreg sr = sysreg_lookup((uint16_t)(i->imm >> 5));
    enum sr_mode mode = sr_mode(cpu);

    if (likely(sr != SR_NONE && (cpu->sr_quick[sr] & SR_PLAIN_READ(mode)) &&
               (!cpu_wants(cpu, ARM_EVENT_SYSREG_READ) ||
                read_list_takes(cpu, i, sr, sr_quick_target(sr, mode))))) {
        cpu->x[i->rd] = cpu->sr[sr_quick_target(sr, mode)];
        return EXEC_NEXT;
    }
    return cpu_mrs(cpu, i);
}

EXEC enum exec_result exec_MSR_reg(struct cpu *cpu, const struct insn *i)
{
    enum sysreg sr = sysreg_lookup((uint16_t)(i->imm >> 5));
    enum sr_mode mode = sr_mode(cpu);

    if (likely(sr != SR_NONE && (cpu->sr_quick[sr] & SR_PLAIN_WRITE(mode)) &&
               !cpu_wants(cpu, ARM_EVENT_SYSREG_WRITE))) {
        sr = sr_quick_target(sr, mode);
        cpu->sr[sr] = (cpu->x[i->rd] & cpu->sr_mask[sr]) | cpu->sr_res1[sr];
        return EXEC_NEXT;
    }
    return cpu_msr(cpu, i);
}

EXEC_FUNCTION(SYS, cpu_sys(cpu, i))

/* No SYSL operation is allocated, but HCR_EL2.TIDCP covers the IMPLEMENTATION DEFINED ones. */
EXEC enum exec_result exec_SYSL(struct cpu *cpu, const struct insn *i)
{
    unsigned crn = (unsigned)bits((uint64_t)i->imm, 15, 12);

    if (cpu->ps.el == 1 && (crn == 11 || crn == 15) && HCR_EL2_TIDCP(cpu_hcr(cpu)))
        return exec_take_trap(cpu, i, cpu_sysreg_trap(cpu, 2, (uint32_t)i->imm));
    return exec_undefined(cpu, i);
}

/* PSTATE. */

/* MSR (immediate) writes @value to what is a system register too. */
static void fire_immediate(struct cpu *cpu, const struct insn *i, enum sysreg sr, uint64_t before)
{
    CPU_FIRE(cpu, i, SYSREG_WRITE, sysreg_write, .sr = sysreg_number(sr), .name = sysreg_number(sr),
             .reg = ARM_NO_REG, .value = crm(i), .before = before,
             .after = cpu_sysreg_get(cpu, sr));
}

/* The register's value if the event is wanted, so that it costs nothing if not. */
static uint64_t before_immediate(struct cpu *cpu, enum sysreg sr)
{
    return cpu_wants(cpu, ARM_EVENT_SYSREG_WRITE) ? cpu_sysreg_get(cpu, sr) : 0;
}

/* PAN and UAO choose among the L1 banks; what may be fetched does not depend on them. */
static enum exec_result set_translation_bit(struct cpu *cpu, const struct insn *i, enum sysreg sr,
                                            uint8_t *field)
{
    uint8_t value = crm(i) & 1;

    if (cpu->ps.el == 0)
        return exec_undefined(cpu, i);
    uint64_t before = before_immediate(cpu, sr);
    if (*field != value) {
        *field = value;
        cpu_el_changed(cpu);
    }
    fire_immediate(cpu, i, sr, before);
    return cpu_next(cpu);
}

EXEC_FUNCTION(MSR_UAO, set_translation_bit(cpu, i, SR_UAO, &cpu->ps.uao))
EXEC_FUNCTION(MSR_PAN, set_translation_bit(cpu, i, SR_PAN, &cpu->ps.pan))

EXEC enum exec_result exec_MSR_SPSel(struct cpu *cpu, const struct insn *i)
{
    if (cpu->ps.el == 0)
        return exec_undefined(cpu, i);
    uint64_t before = before_immediate(cpu, SR_SPSel);
    cpu_set_el_sp(cpu, cpu->ps.el, crm(i) & 1);
    cpu_el_changed(cpu);
    fire_immediate(cpu, i, SR_SPSel, before);
    return cpu_next(cpu);
}

static enum exec_result set_bit(struct cpu *cpu, const struct insn *i, enum sysreg sr,
                                uint8_t *field)
{
    uint64_t before = before_immediate(cpu, sr);

    *field = crm(i) & 1;
    fire_immediate(cpu, i, sr, before);
    return cpu_next(cpu);
}

EXEC_FUNCTION(MSR_SSBS, set_bit(cpu, i, SR_SSBS, &cpu->ps.ssbs))
EXEC_FUNCTION(MSR_DIT, set_bit(cpu, i, SR_DIT, &cpu->ps.dit))

/* SCTLR_ELx.UMA for EL0: true if the exception has been taken. */
static bool daif_trapped(struct cpu *cpu, const struct insn *i)
{
    unsigned target = cpu_trap_group_el(cpu, TRAP_UMA, SR_WRITE);

    if (target)
        exec_take_trap(cpu, i, cpu_sysreg_trap(cpu, target, (uint32_t)i->imm));
    return target != 0;
}

EXEC enum exec_result exec_MSR_DAIFSet(struct cpu *cpu, const struct insn *i)
{
    if (cpu->ps.el == 0 && daif_trapped(cpu, i))
        return EXEC_ABORT;
    uint64_t before = before_immediate(cpu, SR_DAIF);
    cpu->ps.daif |= (uint8_t)crm(i);
    fire_immediate(cpu, i, SR_DAIF, before);
    return cpu_next(cpu);
}

EXEC enum exec_result exec_MSR_DAIFClr(struct cpu *cpu, const struct insn *i)
{
    if (cpu->ps.el == 0 && daif_trapped(cpu, i))
        return EXEC_ABORT;
    uint64_t before = before_immediate(cpu, SR_DAIF);
    cpu->ps.daif &= (uint8_t)~crm(i);
    fire_immediate(cpu, i, SR_DAIF, before);
    enum exec_result r = cpu_sysreg_effects(cpu, SR_FX_IRQ);
    return r == EXEC_NEXT ? cpu_next(cpu) : r;
}

EXEC_STATEMENT(CFINV, cpu->cf ^= 1)

EXEC enum exec_result exec_XAFLAG(struct cpu *cpu, const struct insn *i)
{
    bool z = cpu->zf == 0, c = cpu->cf;

    (void)i;
    cpu_set_nzcv(cpu, (unsigned)(!c && !z) << 3 | (unsigned)(z && c) << 2 |
                          (unsigned)(c || z) << 1 | (unsigned)(!c && z));
    return EXEC_NEXT;
}

EXEC enum exec_result exec_AXFLAG(struct cpu *cpu, const struct insn *i)
{
    bool z = cpu->zf == 0, c = cpu->cf, v = cpu->vf >> 63;

    (void)i;
    cpu_set_nzcv(cpu, (unsigned)(z || v) << 2 | (unsigned)(c && !v) << 1);
    return EXEC_NEXT;
}

/* Barriers: memory is sequentially consistent here and every effect immediate, but for late ones.
 * Where CPUs run at the same time it is x86-64's: of what DMB and DSB order only an earlier store
 * and a later load are not in order by themselves, which those for loads or for stores alone leave
 * out.
 */

enum { BARRIER_LOADS = 1, BARRIER_STORES = 2 };

static bool orders_stores_with_loads(const struct insn *i, unsigned kind, bool nxs)
{
    unsigned types = crm(i) & 3;

    return kind == ARM_BARRIER_DSB || nxs ||
           (kind == ARM_BARRIER_DMB && types != BARRIER_LOADS && types != BARRIER_STORES);
}

/* The domain in CRm<3:2>, where DSB nXS has it too; below EL2 at least that of HCR_EL2.BSU. */
static uint8_t domain(const struct cpu *cpu, const struct insn *i)
{
    static const uint8_t by_width[] = {1, 2, 0, 3}, width[] = {2, 0, 1, 3};
    unsigned own = width[crm(i) >> 2];
    unsigned least = cpu->ps.el < 2 && !cpu_host_regime(cpu) ? HCR_EL2_BSU(cpu_hcr(cpu)) : 0;

    return by_width[own > least ? own : least];
}

static __attribute__((noinline)) bool complete_late(struct cpu *cpu, const struct insn *i,
                                                    unsigned kind)
{
    if (kind == ARM_BARRIER_ISB)
        return late_synchronize(cpu);
    /* DSB nXS is for loads and stores. */
    return kind == ARM_BARRIER_DSB && late_dsb(cpu, domain(cpu, i), crm(i) & 3);
}

/* CRm: the type in <1:0>. */
static enum exec_result barrier(struct cpu *cpu, const struct insn *i, unsigned kind, bool nxs)
{
    CPU_FIRE(cpu, i, BARRIER, barrier, .kind = (uint8_t)kind, .domain = domain(cpu, i),
             .type = nxs ? 3 : (uint8_t)(crm(i) & 3), .nxs = nxs);
    if (unlikely(cpu->wanted & WANTED_LATE) && cpu->late && complete_late(cpu, i, kind))
        return EXEC_SYNC;
    if (cpu_is_parallel(cpu) && orders_stores_with_loads(i, kind, nxs))
        cpu_fence(cpu);
    return cpu_next(cpu);
}

EXEC_FUNCTION(DSB, barrier(cpu, i, ARM_BARRIER_DSB, false))
EXEC_FUNCTION(DSB_nXS, barrier(cpu, i, ARM_BARRIER_DSB, true))
EXEC_FUNCTION(DMB, barrier(cpu, i, ARM_BARRIER_DMB, false))
EXEC_FUNCTION(ISB, barrier(cpu, i, ARM_BARRIER_ISB, false))
EXEC_FUNCTION(SB, barrier(cpu, i, ARM_BARRIER_SB, false))
EXEC_STATEMENT(CLREX, cpu->excl_valid = false)

/* Waiting. */

/* Stop here until the machine finds a reason to go on; or trap. */
static enum exec_result wait(struct cpu *cpu, const struct insn *i, bool wfe, bool timed)
{
    struct trap t = cpu_wfx_trap(cpu, i, wfe, timed);

    if (t.el)
        return exec_take_trap(cpu, i, t);
    CPU_FIRE(cpu, i, WFX, wfx, .wfe = wfe);
    cpu->power = wfe ? CPU_WFE : CPU_WFI;
    return EXEC_SYNC;
}

/* The event register, after which it is clear; the event stream sets it too. */
static bool consume_event(struct cpu *cpu)
{
    bool event = cpu->event | cpu_event_stream_ticked(cpu);

    cpu->event = false;
    return event;
}

EXEC enum exec_result exec_WFI(struct cpu *cpu, const struct insn *i)
{
    cpu->wait_until_ns = CLOCK_NEVER;
    return cpu_wakeup_pending(cpu) ? EXEC_NEXT : wait(cpu, i, false, false);
}

EXEC enum exec_result exec_WFE(struct cpu *cpu, const struct insn *i)
{
    cpu->wait_until_ns = CLOCK_NEVER;
    return consume_event(cpu) ? EXEC_NEXT : wait(cpu, i, true, false);
}

/* LocalTimeoutEvent(): has the virtual count reached Xt? If not, when it will. */
static bool timed_out(struct cpu *cpu, const struct insn *i)
{
    uint64_t count = sr_read_CNT_COUNT(cpu, SR_CNTVCT_EL0, cpu->ps.el), until = cpu->x[i->rd];
    uint64_t now = clock_now_ns(cpu->clock);

    if (count >= until)
        return true;
    if (until - count > (CLOCK_NEVER - now) / TIMER_NS_PER_TICK)
        cpu->wait_until_ns = CLOCK_NEVER;
    else
        cpu->wait_until_ns =
            align_down(now, TIMER_NS_PER_TICK) + (until - count) * TIMER_NS_PER_TICK;
    return false;
}

EXEC enum exec_result exec_WFIT(struct cpu *cpu, const struct insn *i)
{
    if (cpu_wakeup_pending(cpu) || timed_out(cpu, i))
        return EXEC_NEXT;
    return wait(cpu, i, false, true);
}

EXEC enum exec_result exec_WFET(struct cpu *cpu, const struct insn *i)
{
    if (consume_event(cpu) || timed_out(cpu, i))
        return EXEC_NEXT;
    return wait(cpu, i, true, true);
}

EXEC enum exec_result exec_SEV(struct cpu *cpu, const struct insn *i)
{
    (void)i;
    cpu->event = true;
    if (cpu->env.send_event)
        cpu->env.send_event(cpu->env.ctx, cpu);
    return cpu_next(cpu);
}

EXEC_STATEMENT(SEVL, cpu->event = true)

/* Hints. */

/* Unallocated hints, and CSDB, DGH, PSB, TSB. */
EXEC_FUNCTION(HINT, EXEC_NEXT)

/* bti_target_ok() has looked at it. */
EXEC_FUNCTION(BTI, EXEC_NEXT)
EXEC_FUNCTION(NOP, EXEC_NEXT)
EXEC_FUNCTION(YIELD, EXEC_NEXT)

/* A masked pending SError is recorded and no longer pending; an unmasked one is taken before the
 * next instruction. */
EXEC enum exec_result exec_ESB(struct cpu *cpu, const struct insn *i)
{
    uint64_t disr = cpu->sr[SR_DISR_EL1], vdisr = cpu->sr[SR_VDISR_EL2];
    uint64_t hcr = cpu->sr[SR_HCR_EL2];

    if (!cpu_has(cpu, FEAT_RAS))
        return EXEC_NEXT;
    if (cpu->serror_pin && cpu_serror_masked(cpu)) {
        cpu->serror_pin = false;
        cpu->sr[SR_DISR_EL1] = FIELD_MASK(DISR_EL1_A) | cpu->serror_iss;
    }
    if (cpu_virtual_serror_masked(cpu)) {
        cpu->sr[SR_HCR_EL2] &= ~FIELD_MASK(HCR_EL2_VSE);
        cpu->sr[SR_VDISR_EL2] = FIELD_MASK(VDISR_EL2_A) | cpu->sr[SR_VSESR_EL2];
    }
    cpu_tell_hwreg(cpu, i, SR_DISR_EL1, disr, ARM_HW_ESB);
    cpu_tell_hwreg(cpu, i, SR_HCR_EL2, hcr, ARM_HW_ESB);
    cpu_tell_hwreg(cpu, i, SR_VDISR_EL2, vdisr, ARM_HW_ESB);
    cpu->irq_check = true;
    return EXEC_SYNC;
}

static enum exec_result hint_pac(struct cpu *cpu, const struct insn *i, unsigned reg,
                                 uint64_t modifier, enum pauth_key key)
{
    if (!cpu_has(cpu, FEAT_PAuth) || !pauth_enabled(cpu, key))
        return EXEC_NEXT;
    if (pauth_trapped(cpu, i))
        return EXEC_ABORT;
    cpu->x[reg] = pauth_add(cpu, cpu->x[reg], modifier, key);
    return EXEC_NEXT;
}

static enum exec_result hint_aut(struct cpu *cpu, const struct insn *i, unsigned reg,
                                 uint64_t modifier, enum pauth_key key)
{
    uint64_t ptr;

    if (!cpu_has(cpu, FEAT_PAuth) || !pauth_enabled(cpu, key))
        return EXEC_NEXT;
    if (pauth_trapped(cpu, i) || !pauth_auth(cpu, i, cpu->x[reg], modifier, key, false, &ptr))
        return EXEC_ABORT;
    cpu->x[reg] = ptr;
    return EXEC_NEXT;
}

#define HINT_PAUTH(key)                                                                            \
    EXEC_FUNCTION(PACI##key##1716, hint_pac(cpu, i, 17, cpu->x[16], PAUTH_I##key))                 \
    EXEC_FUNCTION(AUTI##key##1716, hint_aut(cpu, i, 17, cpu->x[16], PAUTH_I##key))                 \
    EXEC_FUNCTION(PACI##key##SP, hint_pac(cpu, i, 30, cpu->x[REG_SP], PAUTH_I##key))               \
    EXEC_FUNCTION(AUTI##key##SP, hint_aut(cpu, i, 30, cpu->x[REG_SP], PAUTH_I##key))               \
    EXEC_FUNCTION(PACI##key##Z, hint_pac(cpu, i, 30, 0, PAUTH_I##key))                             \
    EXEC_FUNCTION(AUTI##key##Z, hint_aut(cpu, i, 30, 0, PAUTH_I##key))
HINT_PAUTH(A)
HINT_PAUTH(B)

EXEC_STATEMENT(XPACLRI,
               if (cpu_has(cpu, FEAT_PAuth)) cpu->x[30] = pauth_strip(cpu, cpu->x[30], false))
