#include "hyp/pv.h"

#include "hyp/cpu.h"
#include "hyp/psci.h"
#include "hyp/vcpu.h"

int64_t pv_uid(uint64_t *x)
{
    x[1] = HYP_UID_1;
    x[2] = HYP_UID_2;
    x[3] = HYP_UID_3;
    return HYP_UID_0;
}

/* As a WFI (hyp/exits.c): `poked` is cleared before we look. */
int64_t pv_wait(struct vcpu *v)
{
    STAT(PV_WAIT);
    __atomic_store_n(&v->poked, false, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&v->kicked, __ATOMIC_SEQ_CST) && !v->serror && !v->stopping &&
        !vgic_has_pending(v) && vtimer_sleep(v) && !__atomic_load_n(&v->poked, __ATOMIC_SEQ_CST))
        task_block();
    return !__atomic_exchange_n(&v->kicked, false, __ATOMIC_SEQ_CST);
}

/* One that is in the guest does not sleep: it sees `kicked` when it comes to wait. */
int64_t pv_kick(struct vcpu *target)
{
    if (!target)
        return PSCI_INVALID_PARAMETERS;
    STAT(PV_KICK);
    __atomic_store_n(&target->kicked, true, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&target->running, __ATOMIC_SEQ_CST))
        vcpu_kick(target);
    return PSCI_SUCCESS;
}

int64_t pv_entries(const struct vm *vm)
{
    uint64_t sum = 0;

    for (unsigned k = 0; k < vm->vcpu_count; k++)
        sum += __atomic_load_n(&vm->vcpus[k].entries, __ATOMIC_RELAXED);
    return (int64_t)sum;
}

int64_t pv_unmap(struct vm *vm, uint64_t ipa, uint64_t size)
{
    uint64_t page = UINT64_C(1) << vm->s2.page_log2, at = align_down(ipa, page);

    if (!size || !vm_ram(vm, ipa, size))
        return PSCI_INVALID_PARAMETERS;
    stage2_unmap(&vm->s2, at, align_up(ipa + size, page) - at);
    return PSCI_SUCCESS;
}
