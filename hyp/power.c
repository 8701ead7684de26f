#include "hyp/power.h"

#include "hyp/psci.h"

int64_t power_on(struct vcpu *v, uint64_t entry, uint64_t x0)
{
    uint64_t daif = lock_take(&v->vm->lock);
    int64_t answer = PSCI_SUCCESS;

    if (v->power == POWER_ON) {
        answer = PSCI_ALREADY_ON;
    } else if (v->power == POWER_ON_PENDING) {
        answer = PSCI_ON_PENDING;
    } else if (v->vm->stopping) {
        answer = PSCI_DENIED;
    } else {
        v->entry = entry;
        v->entry_x0 = x0;
        v->power = POWER_ON_PENDING;
        v->vm->vcpus_on++;
        task_wake(&v->task);
    }
    lock_drop(&v->vm->lock, daif);
    return answer;
}

int64_t power_state(struct vcpu *v)
{
    static const int8_t answer[] = {
        [POWER_OFF] = PSCI_OFF, [POWER_ON_PENDING] = PSCI_IS_PENDING, [POWER_ON] = PSCI_ON};
    uint64_t daif = lock_take(&v->vm->lock);
    enum vcpu_power power = v->power;

    lock_drop(&v->vm->lock, daif);
    return answer[power];
}

bool power_called(struct vcpu *v)
{
    return power_state(v) == PSCI_IS_PENDING;
}

void power_arrived(struct vcpu *v)
{
    uint64_t daif = lock_take(&v->vm->lock);

    v->power = POWER_ON;
    lock_drop(&v->vm->lock, daif);
}

static void machine_stopped(struct vm *vm)
{
    uint64_t daif = lock_take(&vm->lock);

    for (unsigned k = 0; k < vm->vcpu_count; k++)
        vm->vcpus[k].stopping = false;
    vm->stopping = false;
    lock_drop(&vm->lock, daif);
    if (vm->ops.ended)
        vm->ops.ended(vm, vm->end);
}

/* That they are to stop, with the lock held: nobody is told after the machine has ended, when it
 * may run again. */
static void tell_to_stop(struct vm *vm, enum vm_end how)
{
    vm->stopping = true;
    vm->end = how;
    for (unsigned k = 0; k < vm->vcpu_count; k++) {
        vm->vcpus[k].stopping = true;
        vcpu_kick(&vm->vcpus[k]);
    }
}

void vm_stop(struct vm *vm, enum vm_end how)
{
    uint64_t daif = lock_take(&vm->lock);

    if (!vm->stopping && vm->vcpus_on)
        tell_to_stop(vm, how);
    lock_drop(&vm->lock, daif);
}

void power_leave(struct vcpu *v)
{
    struct vm *vm = v->vm;
    bool last = false;
    uint64_t daif = lock_take(&vm->lock);

    if (v->power == POWER_ON) {
        v->power = POWER_OFF;
        last = --vm->vcpus_on == 0;
        if (last && !vm->stopping) { /* the last one switched itself off */
            vm->stopping = true;
            vm->end = VM_OFF;
        }
    }
    lock_drop(&vm->lock, daif);
    if (last)
        machine_stopped(vm);
}
