#include "hyp/psci.h"

#include "hyp/cpu.h"
#include "hyp/lib.h"
#include "hyp/mutant.h"
#include "hyp/power.h"
#include "hyp/pv.h"
#include "hyp/vcpu.h"

#define SMCCC_1_1   0x10001
#define PSCI_1_1    0x10001
#define PV_TIME_IPA UINT64_C(0x0b000000) /* where a guest finds its page of stolen times */

struct vcpu *psci_target(struct vm *vm, uint64_t mpidr)
{
    for (unsigned k = 0; k < vm->vcpu_count; k++)
        if ((vm->vcpus[k].mpidr & (MASK(39, 32) | MASK(23, 0))) == mpidr)
            return &vm->vcpus[k];
    return NULL;
}

static int64_t cpu_on(struct vcpu *v, uint64_t mpidr, uint64_t entry, uint64_t x0)
{
    struct vcpu *target = psci_target(v->vm, mpidr);

    if (!target)
        return PSCI_INVALID_PARAMETERS;
    if (!vm_ram(v->vm, entry, 4))
        return PSCI_INVALID_ADDRESS;
    return power_on(target, entry, MUTANT(clobber_cpu_on) ? entry : x0);
}

/* Of an affinity level above 0: fields below it do not count, and all virtual CPUs have the others
 * zero, as has the one that asks: on. */
static int64_t affinity_info(struct vcpu *v, uint64_t mpidr, uint64_t level)
{
    if (level > 3)
        return PSCI_INVALID_PARAMETERS;
    if (level > 0)
        return mpidr & ~MASK(8 * level - 1, 0) ? PSCI_INVALID_PARAMETERS : PSCI_ON;
    struct vcpu *target = psci_target(v->vm, mpidr);
    return target ? power_state(target) : PSCI_INVALID_PARAMETERS;
}

/* A suspend is a WFI: retention, which the caller must expect whatever it asked for. */
static int64_t suspend(struct vcpu *v)
{
    vcpu_wait(v);
    return PSCI_SUCCESS;
}

static int64_t features(uint64_t function)
{
    switch (function) {
    case SMCCC_VERSION:
    case PSCI_VERSION:
    case PSCI_CPU_SUSPEND_32:
    case PSCI_CPU_SUSPEND_64:
    case PSCI_CPU_OFF:
    case PSCI_CPU_ON_32:
    case PSCI_CPU_ON_64:
    case PSCI_AFFINITY_INFO_32:
    case PSCI_AFFINITY_INFO_64:
    case PSCI_MIGRATE_INFO_TYPE:
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case PSCI_FEATURES:
        return PSCI_SUCCESS;
    default:
        return PSCI_NOT_SUPPORTED;
    }
}

static int64_t arch_features(uint64_t function)
{
    return function == SMCCC_VERSION || function == SMCCC_ARCH_FEATURES ||
                   function == PV_TIME_FEATURES
               ? PSCI_SUCCESS
               : PSCI_NOT_SUPPORTED;
}

static int64_t pv_time_features(uint64_t function)
{
    return function == PV_TIME_FEATURES || function == PV_TIME_ST ? PSCI_SUCCESS
                                                                  : PSCI_NOT_SUPPORTED;
}

/* "Stolen time" (DEN0057): revision and attributes 0, then nanoseconds; 64 bytes a virtual CPU. */
static int64_t pv_time_st(struct vcpu *v)
{
    v->pv_time_ipa = PV_TIME_IPA + 64 * v->index;
    stage2_map(&v->vm->s2, PV_TIME_IPA, (uint64_t)(uintptr_t)v->vm->pv_time,
               UINT64_C(1) << v->vm->s2.page_log2, S2_RAM_READONLY, false);
    return (int64_t)v->pv_time_ipa;
}

static int64_t call(struct vcpu *v, uint64_t *x)
{
    uint64_t function = (uint32_t)x[0];

    switch (function) {
    case HYP_NULL:
        return PSCI_SUCCESS;
    case SMCCC_VERSION:
        return SMCCC_1_1;
    case SMCCC_ARCH_FEATURES:
        return arch_features((uint32_t)x[1]);
    case PSCI_VERSION:
        return PSCI_1_1;
    case PSCI_FEATURES:
        return features((uint32_t)x[1]);
    case PSCI_MIGRATE_INFO_TYPE:
        return 2; /* no trusted OS that would have to move */
    case PSCI_CPU_ON_32:
        return cpu_on(v, (uint32_t)x[1], (uint32_t)x[2], (uint32_t)x[3]);
    case PSCI_CPU_ON_64:
        return cpu_on(v, x[1], x[2], x[3]);
    case PSCI_AFFINITY_INFO_32:
        return affinity_info(v, (uint32_t)x[1], (uint32_t)x[2]);
    case PSCI_AFFINITY_INFO_64:
        return affinity_info(v, x[1], x[2]);
    case PSCI_CPU_SUSPEND_32:
    case PSCI_CPU_SUSPEND_64:
        return suspend(v);
    case PSCI_CPU_OFF:
        vcpu_off(v);
        return (int64_t)x[0]; /* it is a new life: x0 is what CPU_ON gave */
    case PSCI_SYSTEM_OFF:
        vm_stop(v->vm, VM_OFF);
        return (int64_t)x[0];
    case PSCI_SYSTEM_RESET:
        vm_stop(v->vm, VM_RESET);
        return (int64_t)x[0];
    case PV_TIME_FEATURES:
        return pv_time_features((uint32_t)x[1]);
    case PV_TIME_ST:
        return pv_time_st(v);
    default:
        return pv_call(v, x);
    }
}

/* The library's calls first, then the program's. */
void psci_call(struct vcpu *v)
{
    uint64_t *x = v->regs.x;

    if ((uint32_t)x[0] >= HYP_CALL_USER && (uint32_t)x[0] < HYP_PV_WAIT && v->vm->ops.call &&
        v->vm->ops.call(v))
        return;
    x[0] = (uint64_t)call(v, x);
}
