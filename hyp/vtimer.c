#include "hyp/vtimer.h"

#include "hyp/gic.h"
#include "hyp/mutant.h"
#include "hyp/vcpu.h"

enum { CTL_ENABLE = 1, CTL_IMASK = 2, CTL_ISTATUS = 4, PPI_PHYSICAL_TIMER = 30 };

static void woken(void *arg)
{
    vcpu_kick(arg);
}

/* The emulated timer's output follows its registers and the count. With its lock held: who saw it
 * due must not disarm what the guest has armed since. */
static void update_physical(struct vcpu *v)
{
    struct vtimer *t = &v->ptimer;
    bool due = mrs(CNTPCT_EL0) >= t->cval, on = t->ctl & CTL_ENABLE;

    vgic_set_line(v, PPI_PHYSICAL_TIMER, on && due && !(t->ctl & CTL_IMASK));
    if (on && !due)
        timer_arm(&t->soft, t->cval);
    else
        timer_disarm(&t->soft);
}

static void physical_due(void *arg)
{
    struct vcpu *v = arg;
    uint64_t daif = lock_take(&v->ptimer.lock);

    update_physical(v);
    lock_drop(&v->ptimer.lock, daif);
}

void vtimer_init(struct vcpu *v)
{
    timer_disarm(&v->vtimer.soft);
    timer_disarm(&v->ptimer.soft);
    v->vtimer = (struct vtimer){.soft = {.fn = woken, .arg = v}};
    v->ptimer = (struct vtimer){.soft = {.fn = physical_due, .arg = v}};
}

void vtimer_load(struct vcpu *v)
{
    struct vtimer *t = &v->vtimer;

    timer_disarm(&t->soft);
    if (!MUTANT(leak_cntvoff) || !t->cval)
        msr(CNTVOFF_EL2, v->vm->cntvoff + (MUTANT(trapcfg_cntvoff) ? 16 * v->index : 0));
    if (MUTANT(window_timer))
        hyp_vhe ? msr_el12(CNTV_CTL_EL0, t->ctl) : msr(CNTV_CTL_EL0, t->ctl);
    if (hyp_vhe) {
        msr_el12(CNTV_CVAL_EL0, t->cval);
        isb(); /* compare value and offset before the enable bit */
        msr_el12(CNTV_CTL_EL0, t->ctl | (MUTANT(clobber_timer_ctl) ? CTL_IMASK : 0));
    } else {
        msr(CNTV_CVAL_EL0, t->cval);
        isb();
        msr(CNTV_CTL_EL0, t->ctl);
    }
}

void vtimer_put(struct vcpu *v)
{
    struct vtimer *t = &v->vtimer;

    if (MUTANT(lost_timer_ctl))
        hyp_vhe ? msr_el12(CNTV_CTL_EL0, 0) : msr(CNTV_CTL_EL0, 0);
    if (hyp_vhe) {
        t->ctl = MUTANT(alias_timer) ? mrs(CNTV_CTL_EL0) : mrs_el12(CNTV_CTL_EL0);
        if (!MUTANT(stale_restore_cval) || !t->cval)
            t->cval = mrs_el12(CNTV_CVAL_EL0);
        if (!MUTANT(handover_timer))
            msr_el12(CNTV_CTL_EL0, 0);
    } else {
        t->ctl = mrs(CNTV_CTL_EL0);
        t->cval = mrs(CNTV_CVAL_EL0);
        msr(CNTV_CTL_EL0, 0);
    }
    isb();
}

bool vtimer_irq(void)
{
    struct vcpu *v = this_cpu()->loaded;
    uint64_t ctl;

    if (!v)
        return true;
    ctl = hyp_vhe ? mrs_el12(CNTV_CTL_EL0) : mrs(CNTV_CTL_EL0);
    if ((ctl & (CTL_ENABLE | CTL_IMASK | CTL_ISTATUS)) != (CTL_ENABLE | CTL_ISTATUS))
        return true; /* it was taken back meanwhile */
    STAT(VTIMER);
    vgic_latch(v, PPI_TIMER_VIRT);
    return false;
}

bool vtimer_sleep(struct vcpu *v)
{
    uint64_t ctl, cval, daif = irq_save();
    bool sleeps = true;

    if (v->loaded_on) {
        ctl = hyp_vhe ? mrs_el12(CNTV_CTL_EL0) : mrs(CNTV_CTL_EL0);
        cval = hyp_vhe ? mrs_el12(CNTV_CVAL_EL0) : mrs(CNTV_CVAL_EL0);
    } else {
        ctl = v->vtimer.ctl;
        cval = v->vtimer.cval;
    }
    if ((ctl & (CTL_ENABLE | CTL_IMASK)) == CTL_ENABLE) {
        sleeps = mrs(CNTPCT_EL0) < cval + v->vm->cntvoff;
        timer_arm(&v->vtimer.soft, cval + v->vm->cntvoff);
    }
    irq_restore(daif);
    return sleeps;
}

static bool access_physical(struct vcpu *v, uint16_t enc, bool write, unsigned rt)
{
    struct vtimer *t = &v->ptimer;
    uint64_t now = mrs(CNTPCT_EL0), x = vcpu_x(v, rt);

    switch (enc) {
    case SYSREG_ENC(3, 3, 14, 2, 0): /* CNTP_TVAL_EL0: a signed 32-bit view of the compare value */
        if (write)
            t->cval = now + sext(x, 32);
        else
            x = (uint32_t)(t->cval - now);
        break;
    case SYSREG_ENC(3, 3, 14, 2, 1): /* CNTP_CTL_EL0 */
        if (write)
            t->ctl = x & (CTL_ENABLE | CTL_IMASK);
        else
            x = t->ctl | (t->ctl & CTL_ENABLE && now >= t->cval ? CTL_ISTATUS : 0);
        break;
    case SYSREG_ENC(3, 3, 14, 2, 2): /* CNTP_CVAL_EL0 */
        if (write)
            t->cval = x;
        else
            x = t->cval;
        break;
    default:
        return false;
    }
    if (write)
        update_physical(v);
    else
        vcpu_set_x(v, rt, x);
    return true;
}

bool vtimer_trap(struct vcpu *v, uint16_t enc, bool write, unsigned rt)
{
    uint64_t daif = lock_take(&v->ptimer.lock);
    bool is_timer = access_physical(v, enc, write, rt);

    lock_drop(&v->ptimer.lock, daif);
    return is_timer;
}
