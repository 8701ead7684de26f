/* What a run cost: exits to user space by reason, and the kernel's binary statistics. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kvmtest.h"

static const char *const reasons[EXITS_MAX] = {
    [KVM_EXIT_UNKNOWN] = "unknown",
    [KVM_EXIT_MMIO] = "mmio",
    [KVM_EXIT_INTR] = "signal",
    [KVM_EXIT_FAIL_ENTRY] = "fail_entry",
    [KVM_EXIT_INTERNAL_ERROR] = "internal_error",
    [KVM_EXIT_SYSTEM_EVENT] = "system_event",
    [KVM_EXIT_ARM_NISV] = "nisv",
};

static void report_exits(const struct vm *vm)
{
    printf("kvmtest: exits to user space:");
    for (unsigned reason = 0; reason < EXITS_MAX; reason++) {
        uint64_t sum = 0;
        for (unsigned k = 0; k < vm->vcpu_count; k++)
            sum += vm->vcpus[k].exits[reason];
        if (sum)
            printf(" %s=%llu", reasons[reason] ? reasons[reason] : "other",
                   (unsigned long long)sum);
    }
    printf("\n");
}

/* The counters of one vCPU whose names are of exits; descriptors as in the kernel's
 * Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD. */
static void report_statistics(const struct vcpu *v, unsigned index)
{
    struct kvm_stats_header h;
    int fd = ioctl(v->fd, KVM_GET_STATS_FD, NULL);

    if (fd < 0 || pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h))
        return;

    size_t size = sizeof(struct kvm_stats_desc) + h.name_size;
    char *d = malloc(size);

    printf("kvmtest: vCPU %u:", index);
    for (uint32_t k = 0; d && k < h.num_desc; k++) {
        struct kvm_stats_desc desc;
        uint64_t value;

        if (pread(fd, d, size, (off_t)(h.desc_offset + k * size)) != (ssize_t)size)
            break;
        memcpy(&desc, d, sizeof(desc));
        const char *name = d + sizeof(desc);
        if (desc.size == 1 && strstr(name, "exit") &&
            pread(fd, &value, 8, (off_t)(h.data_offset + desc.offset)) == 8)
            printf(" %s=%llu", name, (unsigned long long)value);
    }
    printf("\n");
    free(d);
    close(fd);
}

void vm_report(const struct vm *vm)
{
    report_exits(vm);
    for (unsigned k = 0; k < vm->vcpu_count; k++)
        report_statistics(&vm->vcpus[k], k);
}
