/* What to do with an exit: a function for each exception class. Interrupts are enabled; the
 * registers of the guest are wherever the policy has left them. */
#include "hyp/cpu.h"
#include "hyp/emulate.h"
#include "hyp/inject.h"
#include "hyp/lazy.h"
#include "hyp/lib.h"
#include "hyp/memory.h"
#include "hyp/mutant.h"
#include "hyp/opts.h"
#include "hyp/panic.h"
#include "hyp/psci.h"
#include "hyp/trace.h"
#include "hyp/vcpu.h"

enum {
#define ESR_EC(name, value, text) EC_##name = (value),
#include "arch/esr.def"
#undef ESR_EC
};

static void exit_unknown(struct vcpu *v)
{
    print("hyp: %s: an exit that nothing handles, ESR 0x%lx\n", v->vm->name, (unsigned long)v->esr);
    inject_undefined(v);
}

static void exit_undefined(struct vcpu *v)
{
    inject_undefined(v);
}

/* PC is already behind it. */
static void exit_hvc(struct vcpu *v)
{
    STAT(HVC);
    if (MUTANT(clobber_hvc))
        v->regs.x[19] ^= 1;
    trace(TRACE_HVC, v->regs.x[0], v->regs.x[1]);
    if (MUTANT(unknown_far))
        memory_fault(v->vm, bits(mrs(HPFAR_EL2), 43, 4) << 12, BIT(2), false);
    psci_call(v);
    if (MUTANT(pc_hvc_twice))
        vcpu_skip(v);
}

/* A trapped SMC is not executed: PC is at it, and moves on before the call, which may give it
 * another life. */
static void exit_smc(struct vcpu *v)
{
    STAT(HVC);
    vcpu_skip(v);
    psci_call(v);
}

/* ISS.TI: bit 0 set for WFE and WFET. A WFE waits for an event that another virtual CPU will send:
 * let it. */
void vcpu_wait(struct vcpu *v)
{
    /* `poked` is cleared before we look, and set by whoever makes something pending
     * after it did. */
    __atomic_store_n(&v->poked, false, __ATOMIC_SEQ_CST);
    if (!v->serror && !v->stopping && !vgic_has_pending(v) && vtimer_sleep(v) && !v->poked) {
        console_waits(v);
        task_block();
    }
}

static void exit_wfx(struct vcpu *v)
{
    STAT(WFX);
    if (!MUTANT(pc_wfx_stays))
        vcpu_skip(v);
    if (bit(v->esr, 0))
        task_yield();
    else
        vcpu_wait(v);
}

static void exit_fp(struct vcpu *v)
{
    uint64_t daif = irq_save();

    if (v->loaded_on == this_cpu())
        fp_trapped(v);
    irq_restore(daif);
}

static void exit_pauth(struct vcpu *v)
{
    lazy_load(v, GROUP_PAUTH);
}

/* DFSC and IFSC (DDI0487, ESR_ELx): 0b0001LL translation, 0b0010LL access flag, 0b0011LL
 * permission. */
static bool is_translation_fault(uint64_t esr)
{
    return bits(esr, 5, 2) == 1;
}

static bool access_device(struct vcpu *v, struct mmio *m)
{
    STAT(MMIO);
    return vgic_mmio(v, m) || vpl011_mmio(v, m) || (v->vm->ops.mmio && v->vm->ops.mmio(v, m));
}

/* ISS of a data abort with ISV (DDI0487, ESR_ELx): SAS 23..22, SSE 21, SRT 20..16, SF 15, WnR 6. */
static bool emulate_access(struct vcpu *v, uint64_t ipa)
{
    uint64_t e = v->esr;
    unsigned srt = (unsigned)bits(e, 20, 16), bytes = 1u << bits(e, 23, 22);
    struct mmio m = {.ipa = ipa, .bytes = (uint8_t)bytes, .write = bit(e, 6)};

    if (!bit(e, 24)) {
        print("hyp: %s: the access to 0x%lx at pc 0x%lx has no syndrome\n", v->vm->name,
              (unsigned long)ipa, (unsigned long)v->regs.pc);
        return false;
    }
    if (m.write)
        m.value = zext(vcpu_x(v, srt), 8 * bytes);
    if (!access_device(v, &m))
        return false;
    if (!m.write) {
        uint64_t value = bit(e, 21) ? sext(m.value, 8 * bytes) : zext(m.value, 8 * bytes);
        if (MUTANT(clobber_mmio_width) && !bit(e, 15))
            value = (uint32_t)value | (vcpu_x(v, srt) & ~MASK(31, 0));
        vcpu_set_x(v, srt, bit(e, 15) || MUTANT(clobber_mmio_width) ? value : (uint32_t)value);
    }
    if (!MUTANT(pc_mmio_stays) || !m.write)
        vcpu_skip(v);
    if (MUTANT(pc_mmio_twice) && !m.write)
        vcpu_skip(v);
    return true;
}

static void exit_data_abort(struct vcpu *v)
{
    uint64_t far = mrs(FAR_EL2), ipa = v->fault_ipa;

    if (!v->fault_known)
        return; /* the instruction again */
    trace(TRACE_FAULT, ipa, v->esr);
    if (memory_fault(v->vm, ipa, v->esr, bit(v->esr, 6) && !bit(v->esr, 8))) {
        if (MUTANT(pc_mended_skip) && bit(v->esr, 6))
            vcpu_skip(v);
        return;
    }
    if (is_translation_fault(v->esr) && emulate_access(v, ipa))
        return;
    inject_abort(v, false, far);
}

/* An exception would only lead to the next: the guest has no handlers. */
static bool at_its_vectors(struct vcpu *v)
{
    uint64_t daif = irq_save(), vbar = vcpu_read(v, VBAR_EL1);

    irq_restore(daif);
    return v->regs.pc - vbar < 0x800;
}

static void exit_fetch_abort(struct vcpu *v)
{
    uint64_t far = mrs(FAR_EL2);

    if (!v->fault_known || memory_fault(v->vm, v->fault_ipa, v->esr, false))
        return;
    report_guest(v, "a fetch from nowhere");
    if (at_its_vectors(v))
        vm_stop(v->vm, VM_CRASHED);
    else
        inject_abort(v, true, far);
}

/* By ESR_EL2.EC; what is not here is nothing that our traps cause. */
static void (*const by_class[64])(struct vcpu *v) = {
    [EC_UNKNOWN] = exit_undefined,   [EC_WFX] = exit_wfx,       [EC_FP] = exit_fp,
    [EC_PAC] = exit_pauth,           [EC_HVC64] = exit_hvc,     [EC_SMC64] = exit_smc,
    [EC_SYS64] = emulate_sysreg,     [EC_SVE] = exit_undefined, [EC_IABT_LOW] = exit_fetch_abort,
    [EC_DABT_LOW] = exit_data_abort,
};

static void exit_sync(struct vcpu *v)
{
    void (*handle)(struct vcpu *) = by_class[bits(v->esr, 31, 26)];

    STAT(EXIT_SYNC);
    if (handle)
        handle(v);
    else
        exit_unknown(v);
}

void vcpu_handle_exit(struct vcpu *v, enum exit_kind kind)
{
    switch (kind) {
    case EXIT_SYNC:
        exit_sync(v);
        break;
    case EXIT_IRQ:
    case EXIT_FIQ: /* it was taken when interrupts were enabled */
        STAT(EXIT_IRQ);
        if (MUTANT(unknown_esr_kept) && bits(mrs(ESR_EL2), 31, 26) == EC_WFX)
            v->regs.pc += 4;
        break;
    case EXIT_SERROR: /* nothing of ours was running: it is the guest's */
        STAT(EXIT_SERROR);
        inject_serror(v, v->esr);
        break;
    }
}
