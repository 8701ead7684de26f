#include "hyp/pv.h"

#include "hyp/cpu.h"
#include "hyp/hook.h"
#include "hyp/memory.h"
#include "hyp/psci.h"
#include "hyp/rendezvous.h"
#include "hyp/s2_ops.h"
#include "hyp/vcpu.h"

/* Ours among all hypervisors. */
static int64_t uid(uint64_t *x)
{
    x[1] = HYP_UID_1;
    x[2] = HYP_UID_2;
    x[3] = HYP_UID_3;
    return HYP_UID_0;
}

/* As a WFI (hyp/exits.c): `poked` is cleared before we look. */
static int64_t wait_kick(struct vcpu *v)
{
    STAT(PV_WAIT);
    __atomic_store_n(&v->poked, false, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&v->kicked, __ATOMIC_SEQ_CST) && !v->serror && !v->stopping &&
        !vgic_has_pending(v) && vtimer_sleep(v) && !__atomic_load_n(&v->poked, __ATOMIC_SEQ_CST))
        task_block();
    return !__atomic_exchange_n(&v->kicked, false, __ATOMIC_SEQ_CST);
}

/* A kick before the wait is not lost: one that is in the guest does not sleep: it sees `kicked`
 * when it comes to wait. */
static int64_t kick(struct vcpu *target)
{
    if (!target)
        return PSCI_INVALID_PARAMETERS;
    STAT(PV_KICK);
    __atomic_store_n(&target->kicked, true, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&target->running, __ATOMIC_SEQ_CST))
        vcpu_kick(target);
    return PSCI_SUCCESS;
}

static int64_t entries(const struct vm *vm)
{
    uint64_t sum = 0;

    for (unsigned k = 0; k < vm->vcpu_count; k++)
        sum += __atomic_load_n(&vm->vcpus[k].entries, __ATOMIC_RELAXED);
    return (int64_t)sum;
}

static int64_t unmap(struct vm *vm, uint64_t ipa, uint64_t size)
{
    uint64_t page = UINT64_C(1) << vm->s2.page_log2, at = align_down(ipa, page);

    if (!size || !memory_has(vm, ipa, size))
        return PSCI_INVALID_PARAMETERS;
    stage2_unmap(&vm->s2, at, align_up(ipa + size, page) - at);
    return PSCI_SUCCESS;
}

static int64_t swap(struct vm *vm, uint64_t a, uint64_t b)
{
    return memory_swap(vm, a, b) ? PSCI_SUCCESS : PSCI_INVALID_PARAMETERS;
}

static int64_t log_writes(struct vm *vm, uint64_t what, uint64_t ipa, uint64_t pages)
{
    struct stage2 *s = &vm->s2;

    switch (what) {
    case HYP_LOG_STOP:
        s2_log_stop(s);
        return PSCI_SUCCESS;
    case HYP_LOG_START:
        return s2_log_start(s, VM_RAM_BASE, vm->ram_size) ? (int64_t)s->page_log2 : PSCI_DENIED;
    case HYP_LOG_TAKE:
        return pages <= 32
                   ? (int64_t)s2_log_take(s, align_down(ipa, BIT(s->page_log2)), (unsigned)pages)
                   : PSCI_INVALID_PARAMETERS;
    default:
        return PSCI_INVALID_PARAMETERS;
    }
}

static int64_t tidy(struct vm *vm, uint64_t what, uint64_t ipa, uint64_t size)
{
    uint64_t block = BIT(2 * vm->s2.page_log2 - 3), at = align_down(ipa, block);

    if (!size || !memory_has(vm, ipa, size))
        return PSCI_INVALID_PARAMETERS;
    if (what == HYP_TIDY_AGE)
        return (int64_t)s2_age(&vm->s2, at, align_up(ipa + size, block) - at);
    if (what == HYP_TIDY_COLLAPSE)
        return s2_collapse_range(&vm->s2, at, align_up(ipa + size, block) - at);
    return PSCI_INVALID_PARAMETERS;
}

/* One at a time; CPUs that wait let the others' rendezvous in. */
static int64_t choose_hook(uint64_t n)
{
    static struct waiting_lock lock;

    if (n >= HOOKS)
        return PSCI_INVALID_PARAMETERS;
    waiting_lock_take(&lock);
    hook_choose((unsigned)n);
    waiting_lock_drop(&lock);
    return 0;
}

int64_t pv_call(struct vcpu *v, uint64_t *x)
{
    switch ((uint32_t)x[0]) {
    case HYP_UID:
        return uid(x);
    case HYP_PV_WAIT:
        return wait_kick(v);
    case HYP_PV_KICK:
        return kick(psci_target(v->vm, x[1]));
    case HYP_ENTRIES:
        return entries(v->vm);
    case HYP_UNMAP:
        return unmap(v->vm, x[1], x[2]);
    case HYP_SWAP:
        return swap(v->vm, x[1], x[2]);
    case HYP_LOG:
        return log_writes(v->vm, x[1], x[2], x[3]);
    case HYP_TIDY:
        return tidy(v->vm, x[1], x[2], x[3]);
    case HYP_HOOK:
        return choose_hook(x[1]);
    default:
        return PSCI_NOT_SUPPORTED;
    }
}
