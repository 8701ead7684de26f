/* The measuring guest's user-space side; the guest is payload.c. */
#include <stdio.h>
#include <string.h>

#include "kvmtest.h"

/* The payload's binary (blob.S). */
extern const uint8_t payload_start[], payload_end[];

static const struct {
    const char *word, *text;
} measurements[MEASURE_COUNT] = {
    [MEASURE_HYPERCALL] = {"hypercall", "hypercall"},
    [MEASURE_MMIO] = {"mmio", "MMIO exit to user space"},
    [MEASURE_SELF_IPI] = {"self_ipi", "virtual IPI to itself"},
    [MEASURE_IPI] = {"ipi", "virtual IPI to another vCPU"},
    [MEASURE_LPI] = {"lpi", "MMIO exit and LPI by the ITS"},
};

uint64_t measurement(const char *word)
{
    uint64_t all = strcmp(word, "all") == 0;
    uint64_t chosen = 0;

    for (unsigned k = 0; k < MEASURE_COUNT; k++)
        if (all || strcmp(word, measurements[k].word) == 0)
            chosen |= UINT64_C(1) << k;
    return chosen;
}

static uint64_t counter_frequency(void)
{
    uint64_t hz;

    __asm__("mrs %0, cntfrq_el0" : "=r"(hz));
    return hz;
}

static bool control(struct vm *vm, uint64_t offset, bool is_write, uint64_t *value)
{
    static uint64_t what, ticks;

    if (!is_write) {
        *value = vm->chosen;
        return offset == CONTROL_CHOSEN;
    }
    switch (offset) {
    case CONTROL_NOTHING:
        return true;
    case CONTROL_MSI:
        vm_signal_msi(vm, (uint32_t)*value);
        return true;
    case CONTROL_WHAT:
        what = *value;
        return what < MEASURE_COUNT;
    case CONTROL_TICKS:
        ticks = *value;
        return true;
    case CONTROL_ROUNDS:
        printf("kvmtest: %s: %llu ns\n", measurements[what].text,
               (unsigned long long)(ticks * 1000000000 / counter_frequency() / *value));
        return true;
    case CONTROL_FAULT:
        printf("kvmtest: exception in the guest, ESR_EL1 %#llx\n", (unsigned long long)*value);
        vm->failed = true;
        vm_stop(vm);
        return true;
    default:
        return false;
    }
}

int measuring_guest(struct vm *vm, uint64_t rounds, uint64_t chosen)
{
    vm->chosen = chosen;
    memcpy(vm->ram, payload_start, (size_t)(payload_end - payload_start));
    vm->control = control;
    vm_set_entry(vm, RAM_BASE, vm->vcpu_count, rounds);
    vm_run(vm);
    if (vm->failed || vm->event != KVM_SYSTEM_EVENT_SHUTDOWN)
        return 1;
    printf("kvmtest: the measuring guest powered off, %u vCPU(s)\n", vm->vcpu_count);
    return 0;
}
