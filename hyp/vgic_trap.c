/*
 * The CPU interface of a guest by emulation (IHI0069 4.8, 12.2): with hyp.gic_trap=on each access
 * traps (ICH_HCR_EL2.{TC,TALL0,TALL1}); SGIs always do, and ICC_DIR_EL1 does while an active
 * interrupt has no list register.
 *
 * Signalling stays the hardware's: list registers, ICH_VMCR_EL2 and the active priorities are as
 * they would be if the guest had used the interface itself.
 */
#include "hyp/vgic.h"

#include "hyp/cpu.h"
#include "hyp/opts.h"
#include "hyp/vcpu.h"
#include "hyp/vits.h"

#define INTID_NONE 1023
#define IDLE       256 /* running priority: nothing is active */

#define VMCR_VPMR  24
#define VMCR_VBPR0 21
#define VMCR_VBPR1 18
#define VMCR_VEOIM 9
#define VMCR_VCBPR 4

/* ICH_VMCR_EL2 is in the CPU from load to put, or only while the guest runs. */
static uint64_t vmcr_read(struct vcpu *v)
{
    return opts.vgic == OPT_vgic_deferred ? mrs(ICH_VMCR_EL2) : v->vgic.hw.vmcr;
}

static void vmcr_write(struct vcpu *v, uint64_t value)
{
    v->vgic.hw.vmcr = value;
    if (opts.vgic == OPT_vgic_deferred)
        msr(ICH_VMCR_EL2, value);
}

static void vmcr_set(struct vcpu *v, unsigned lo, unsigned width, uint64_t field)
{
    vmcr_write(v, set_bits(vmcr_read(v), lo + width - 1, lo, field));
}

#define APR_CASES(X) X(0) X(1) X(2) X(3)

static uint64_t apr_read(struct vcpu *v, bool group1, unsigned n)
{
    if (opts.vgic != OPT_vgic_deferred)
        return group1 ? v->vgic.hw.ap1r[n] : v->vgic.hw.ap0r[n];
    switch (n) {
#define X(k)                                                                                       \
    case k:                                                                                        \
        return group1 ? mrs(ICH_AP1R##k##_EL2) : mrs(ICH_AP0R##k##_EL2);
        APR_CASES(X)
#undef X
    default:
        return 0;
    }
}

static void apr_write(struct vcpu *v, bool group1, unsigned n, uint64_t value)
{
    if (opts.vgic != OPT_vgic_deferred) {
        *(group1 ? &v->vgic.hw.ap1r[n] : &v->vgic.hw.ap0r[n]) = value;
        return;
    }
    switch (n) {
#define X(k)                                                                                       \
    case k:                                                                                        \
        if (group1)                                                                                \
            msr(ICH_AP1R##k##_EL2, value);                                                         \
        else                                                                                       \
            msr(ICH_AP0R##k##_EL2, value);                                                         \
        break;
        APR_CASES(X)
#undef X
    default:
        break;
    }
}

static unsigned apr_count(void)
{
    return 1u << (cpu_limits.preemption_bits - 5);
}

/* The highest active priority of either group, as its bit's number; IDLE: none. */
static unsigned highest_active(struct vcpu *v)
{
    for (unsigned n = 0; n < apr_count(); n++) {
        uint64_t both = apr_read(v, false, n) | apr_read(v, true, n);
        if (both)
            return 32 * n + (unsigned)__builtin_ctzll(both);
    }
    return IDLE;
}

static unsigned running_priority(struct vcpu *v)
{
    unsigned at = highest_active(v);

    return at == IDLE ? IDLE : at << (8 - cpu_limits.preemption_bits);
}

/* The part of a priority that preempts: bits 7 to BPR1 for group 1, 7 to BPR0 + 1 for group 0. */
static unsigned group_priority(struct vcpu *v, const struct virq *i)
{
    uint64_t vmcr = vmcr_read(v);
    unsigned bpr0 = (unsigned)bits(vmcr, VMCR_VBPR0 + 2, VMCR_VBPR0) + 1;
    unsigned lowest = i->group1 && !bit(vmcr, VMCR_VCBPR)
                          ? (unsigned)bits(vmcr, VMCR_VBPR1 + 2, VMCR_VBPR1)
                          : bpr0;

    if (lowest < 8 - cpu_limits.preemption_bits)
        lowest = 8 - cpu_limits.preemption_bits;
    return lowest > 7 ? 0 : i->priority >> lowest << lowest;
}

static bool is_pending_and_enabled(struct vcpu *v, const struct virq *i)
{
    uint64_t enabled = vmcr_read(v) & (i->group1 ? ICH_VMCR_VENG1 : ICH_VMCR_VENG0);

    return enabled && i->enabled && !i->active &&
           (i->latch || (!i->edge && i->line) || i->sources) &&
           v->vm->vgic.ctlr & (i->group1 ? 2 : 1);
}

static struct virq *highest_pending(struct vcpu *v)
{
    struct virq *best = NULL;

    for (struct virq *i = v->vgic.queue; i; i = i->next)
        if (is_pending_and_enabled(v, i) && (!best || i->priority < best->priority))
            best = i;
    return best;
}

static bool can_preempt(struct vcpu *v, const struct virq *i)
{
    return i->priority < bits(vmcr_read(v), VMCR_VPMR + 7, VMCR_VPMR) &&
           group_priority(v, i) < running_priority(v);
}

static uint64_t acknowledge(struct vcpu *v, bool group1)
{
    struct virq *i = highest_pending(v);
    unsigned at;

    if (!i || i->group1 != group1 || !can_preempt(v, i))
        return INTID_NONE;
    at = group_priority(v, i) >> (8 - cpu_limits.preemption_bits);
    apr_write(v, group1, at / 32, apr_read(v, group1, at / 32) | BIT(at % 32));
    i->active = i->intid < LPI_FIRST;
    i->latch = false;
    vgic_update(i);
    return i->intid;
}

static void deactivate(struct vcpu *v, uint64_t intid)
{
    struct virq *i = vgic_irq(v, (uint32_t)intid);

    if (i)
        vgic_deactivate(v, i);
}

static void end(struct vcpu *v, bool group1, uint64_t intid)
{
    unsigned at = highest_active(v);

    if (at != IDLE) {
        uint64_t apr = apr_read(v, group1, at / 32);
        apr_write(v, group1, at / 32, apr & ~BIT(at % 32));
    }
    if (!bit(vmcr_read(v), VMCR_VEOIM))
        deactivate(v, intid & MASK(23, 0));
}

static uint64_t highest_pending_intid(struct vcpu *v, bool group1)
{
    const struct virq *i = highest_pending(v);

    return i && i->group1 == group1 ? i->intid : INTID_NONE;
}

/* ICC_CTLR_EL1: CBPR 0, EOImode 1, PRIbits 10..8, IDbits 13..11, A3V 15. */
static uint64_t ctlr_read(struct vcpu *v)
{
    uint64_t vmcr = vmcr_read(v);

    return bit(vmcr, VMCR_VCBPR) | (uint64_t)bit(vmcr, VMCR_VEOIM) << 1 |
           (uint64_t)(cpu_limits.priority_bits - 1) << 8 | bits(mrs(ICH_VTR_EL2), 25, 23) << 11;
}

static void ctlr_write(struct vcpu *v, uint64_t value)
{
    vmcr_set(v, VMCR_VCBPR, 1, bit(value, 0));
    vmcr_set(v, VMCR_VEOIM, 1, bit(value, 1));
}

/* A register of one group: IAR, EOIR, HPPIR, BPR, APR, IGRPEN; *x is read or written. */
enum group_register { IAR, EOIR, HPPIR, BPR, IGRPEN, APR };

static void access_group(struct vcpu *v, enum group_register r, bool group1, unsigned n, bool write,
                         uint64_t *x)
{
    unsigned bpr = group1 ? VMCR_VBPR1 : VMCR_VBPR0, enable = group1 ? 1 : 0;

    switch (r) {
    case IAR:
        *x = acknowledge(v, group1);
        break;
    case EOIR:
        end(v, group1, *x);
        break;
    case HPPIR:
        *x = highest_pending_intid(v, group1);
        break;
    case BPR:
        if (write)
            vmcr_set(v, bpr, 3, *x);
        else
            *x = bits(vmcr_read(v), bpr + 2, bpr);
        break;
    case IGRPEN:
        if (write)
            vmcr_set(v, enable, 1, *x & 1);
        else
            *x = bit(vmcr_read(v), enable);
        break;
    case APR:
        if (n >= apr_count())
            *x = 0;
        else if (write)
            apr_write(v, group1, n, (uint32_t)*x);
        else
            *x = apr_read(v, group1, n);
        break;
    }
}

#define ENC(crm, op2) SYSREG_ENC(3, 0, 12, crm, op2)

/* False: not a register of the interface. */
static bool access(struct vcpu *v, uint16_t enc, bool write, uint64_t *x)
{
    switch (enc) {
    case ENC(8, 0):
    case ENC(12, 0):
        access_group(v, IAR, enc == ENC(12, 0), 0, write, x);
        return !write;
    case ENC(8, 1):
    case ENC(12, 1):
        access_group(v, EOIR, enc == ENC(12, 1), 0, write, x);
        return write;
    case ENC(8, 2):
    case ENC(12, 2):
        access_group(v, HPPIR, enc == ENC(12, 2), 0, write, x);
        return !write;
    case ENC(8, 3):
    case ENC(12, 3):
        access_group(v, BPR, enc == ENC(12, 3), 0, write, x);
        return true;
    case ENC(12, 6):
    case ENC(12, 7):
        access_group(v, IGRPEN, enc == ENC(12, 7), 0, write, x);
        return true;
    case ENC(8, 4):
    case ENC(8, 5):
    case ENC(8, 6):
    case ENC(8, 7):
        access_group(v, APR, false, enc & 3, write, x);
        return true;
    case ENC(9, 0):
    case ENC(9, 1):
    case ENC(9, 2):
    case ENC(9, 3):
        access_group(v, APR, true, enc & 3, write, x);
        return true;
    case ENC(11, 1): /* ICC_DIR_EL1 */
        deactivate(v, *x & MASK(23, 0));
        return write;
    case ENC(11, 3): /* ICC_RPR_EL1 */
        *x = running_priority(v) == IDLE ? 0xff : running_priority(v);
        return !write;
    case SYSREG_ENC(3, 0, 4, 6, 0): /* ICC_PMR_EL1 */
        if (write)
            vmcr_set(v, VMCR_VPMR, 8, *x & 0xff & ~(0xffu >> cpu_limits.priority_bits));
        else
            *x = bits(vmcr_read(v), VMCR_VPMR + 7, VMCR_VPMR);
        return true;
    case ENC(12, 4):
        if (write)
            ctlr_write(v, *x);
        else
            *x = ctlr_read(v);
        return true;
    default:
        return false;
    }
}

static bool send_sgi(struct vcpu *v, uint16_t enc, bool write, uint64_t x)
{
    switch (enc) {
    case ENC(11, 5): /* ICC_SGI1R_EL1 */
        if (write)
            vgic_send_sgi(v, x, true);
        return write;
    case ENC(11,
             6): /* ICC_ASGI1R_EL1: group 1 of the other Security state, of which there is none */
        return write;
    case ENC(11, 7): /* ICC_SGI0R_EL1 */
        if (write)
            vgic_send_sgi(v, x, false);
        return write;
    default:
        return false;
    }
}

bool vgic_trap(struct vcpu *v, uint16_t enc, bool write, unsigned rt)
{
    uint64_t x = vcpu_x(v, rt);
    bool done;

    if (opts.gicv)
        return false;
    if (send_sgi(v, enc, write, x))
        return true;
    uint64_t daif = lock_take(&v->vm->vgic.lock);
    done = access(v, enc, write, &x);
    lock_drop(&v->vm->vgic.lock, daif);
    if (done && !write)
        vcpu_set_x(v, rt, x);
    return done;
}
