#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvmtest.h"

#define BLOCK (UINT64_C(2) << 20) /* RAM is aligned so that huge pages can back it */

void die(const char *what)
{
    printf("kvmtest: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int need(int result, const char *what)
{
    if (result < 0)
        die(what);
    return result;
}

static void set_attr(int device, uint32_t group, uint64_t attr, const void *value, const char *what)
{
    struct kvm_device_attr a = {.group = group, .attr = attr, .addr = (uint64_t)(uintptr_t)value};

    need(ioctl(device, KVM_SET_DEVICE_ATTR, &a), what);
}

static int create_device(struct vm *vm, uint32_t type, const char *what)
{
    struct kvm_create_device d = {.type = type};

    need(ioctl(vm->fd, KVM_CREATE_DEVICE, &d), what);
    return (int)d.fd;
}

static void create_ram(struct vm *vm)
{
    uint8_t *area = mmap(NULL, RAM_SIZE + BLOCK, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (area == MAP_FAILED)
        die("guest RAM");
    vm->ram = area + (BLOCK - (uintptr_t)area % BLOCK) % BLOCK;

    struct kvm_userspace_memory_region region = {
        .guest_phys_addr = RAM_BASE,
        .memory_size = RAM_SIZE,
        .userspace_addr = (uint64_t)(uintptr_t)vm->ram,
    };

    need(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
}

static void create_vcpus(struct vm *vm)
{
    struct kvm_vcpu_init init;
    int size = need(ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");

    need(ioctl(vm->fd, KVM_ARM_PREFERRED_TARGET, &init), "KVM_ARM_PREFERRED_TARGET");
    for (unsigned k = 0; k < vm->vcpu_count; k++) {
        struct vcpu *v = &vm->vcpus[k];
        v->vm = vm;
        v->fd = need(ioctl(vm->fd, KVM_CREATE_VCPU, k), "KVM_CREATE_VCPU");
        v->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
        if (v->run == MAP_FAILED)
            die("kvm_run");
        init.features[0] = 1U << KVM_ARM_VCPU_PSCI_0_2;
        if (vm->pmu)
            init.features[0] |= 1U << KVM_ARM_VCPU_PMU_V3;
        if (k > 0)
            init.features[0] |= 1U << KVM_ARM_VCPU_POWER_OFF;
        need(ioctl(v->fd, KVM_ARM_VCPU_INIT, &init), "KVM_ARM_VCPU_INIT");
    }
}

static const uint32_t irqs = 64; /* of every kind */

static void create_gicv2(struct vm *vm)
{
    uint64_t dist = GICD_BASE, cpu = GICC_BASE;

    vm->gic = create_device(vm, KVM_DEV_TYPE_ARM_VGIC_V2, "vGICv2");
    set_attr(vm->gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_DIST, &dist, "GICD");
    set_attr(vm->gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_CPU, &cpu, "GICC");
    set_attr(vm->gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &irqs, "number of interrupts");
    set_attr(vm->gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL, "vGICv2 init");
}

static void create_gicv3(struct vm *vm)
{
    uint64_t dist = GICD_BASE, redist = GICR_BASE, its = ITS_BASE;

    vm->gic = create_device(vm, KVM_DEV_TYPE_ARM_VGIC_V3, "vGICv3");
    set_attr(vm->gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist, "GICD");
    set_attr(vm->gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist, "GICR");
    set_attr(vm->gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &irqs, "number of interrupts");
    set_attr(vm->gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL, "vGICv3 init");
    vm->its = create_device(vm, KVM_DEV_TYPE_ARM_VGIC_ITS, "vITS");
    set_attr(vm->its, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, &its, "vITS address");
    set_attr(vm->its, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL, "vITS init");
}

static void create_pmu(struct vm *vm)
{
    int intid = PMU_INTID;

    for (unsigned k = 0; k < vm->vcpu_count; k++) {
        int fd = vm->vcpus[k].fd;
        set_attr(fd, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_IRQ, &intid, "vPMU interrupt");
        set_attr(fd, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_INIT, NULL, "vPMU init");
    }
}

void vm_create(struct vm *vm, unsigned vcpus, unsigned gic_version)
{
    vm->vcpu_count = vcpus;
    vm->gic_version = gic_version;
    vm->kvm = need(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
    vm->fd = need(ioctl(vm->kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
    create_ram(vm);
    create_vcpus(vm);
    if (gic_version == 2)
        create_gicv2(vm);
    else
        create_gicv3(vm);
    if (vm->pmu)
        create_pmu(vm);
}

static void set_core_register(struct vcpu *v, size_t offset, uint64_t value)
{
    struct kvm_one_reg reg = {
        .id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | offset / sizeof(uint32_t),
        .addr = (uint64_t)(uintptr_t)&value,
    };

    need(ioctl(v->fd, KVM_SET_ONE_REG, &reg), "KVM_SET_ONE_REG");
}

void vm_set_entry(struct vm *vm, uint64_t pc, uint64_t x0, uint64_t x1)
{
    set_core_register(&vm->vcpus[0], offsetof(struct kvm_regs, regs.pc), pc);
    set_core_register(&vm->vcpus[0], offsetof(struct kvm_regs, regs.regs[0]), x0);
    set_core_register(&vm->vcpus[0], offsetof(struct kvm_regs, regs.regs[1]), x1);
}

size_t vm_load(struct vm *vm, const char *path, uint64_t gpa)
{
    size_t room = RAM_BASE + RAM_SIZE - gpa, size = 0;
    int fd = need(open(path, O_RDONLY | O_CLOEXEC), path);
    ssize_t n;

    while ((n = read(fd, vm->ram + (gpa - RAM_BASE) + size, room - size)) > 0)
        size += (size_t)n;
    need((int)n, path);
    close(fd);
    return size;
}

void vm_signal_msi(struct vm *vm, uint32_t event)
{
    struct kvm_msi msi = {
        .address_lo = ITS_BASE + 0x10040, /* GITS_TRANSLATER */
        .data = event,
        .flags = KVM_MSI_VALID_DEVID,
        .devid = 0,
    };

    need(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), "KVM_SIGNAL_MSI");
}

/* -- devices -- */

/* The guest's console, a line marked as the guest's. */
static void console_write(struct vm *vm, char c)
{
    if (c == '\r')
        return;
    if (!vm->line_begun)
        fputs("guest| ", stdout);
    putchar(c);
    vm->line_begun = c != '\n';
    if (c == '\n')
        fflush(stdout);
}

/* PL011 (DDI0183): a transmitter that is never full, and nothing received. */
static bool uart(struct vm *vm, uint64_t offset, bool is_write, uint64_t *value)
{
    static const uint8_t ids[8] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

    if (is_write) {
        if (offset == 0)
            console_write(vm, (char)*value);
        return true;
    }
    *value = 0;
    if (offset == 0x18)
        *value = 0x90; /* UARTFR: TXFE, RXFE */
    else if (offset >= 0xfe0)
        *value = ids[(offset - 0xfe0) / 4];
    return true;
}

static bool access_mmio(struct vm *vm, uint64_t gpa, bool is_write, uint64_t *value)
{
    if (gpa - UART_BASE < UART_SIZE)
        return uart(vm, gpa - UART_BASE, is_write, value);
    if (gpa - CONTROL_BASE < CONTROL_SIZE && vm->control)
        return vm->control(vm, gpa - CONTROL_BASE, is_write, value);
    return false;
}

/* -- running -- */

static pthread_mutex_t devices = PTHREAD_MUTEX_INITIALIZER;

void vm_stop(struct vm *vm)
{
    vm->done = true;
    for (unsigned k = 0; k < vm->vcpu_count; k++) {
        vm->vcpus[k].run->immediate_exit = 1;
        if (vm->vcpus[k].thread && !pthread_equal(vm->vcpus[k].thread, pthread_self()))
            pthread_kill(vm->vcpus[k].thread, SIGUSR1);
    }
}

static void fail(struct vm *vm, const char *what, uint64_t detail)
{
    printf("kvmtest: %s: %#llx\n", what, (unsigned long long)detail);
    vm->failed = true;
    vm_stop(vm);
}

static void handle_mmio(struct vcpu *v)
{
    uint64_t value = 0;

    if (v->run->mmio.is_write)
        memcpy(&value, v->run->mmio.data, v->run->mmio.len);
    if (!access_mmio(v->vm, v->run->mmio.phys_addr, v->run->mmio.is_write, &value))
        fail(v->vm, "guest accesses nothing at", v->run->mmio.phys_addr);
    if (!v->run->mmio.is_write)
        memcpy(v->run->mmio.data, &value, v->run->mmio.len);
}

static void handle_exit(struct vcpu *v)
{
    switch (v->run->exit_reason) {
    case KVM_EXIT_MMIO:
        handle_mmio(v);
        break;
    case KVM_EXIT_DEBUG:
        debugger_stopped(v);
        break;
    case KVM_EXIT_SYSTEM_EVENT:
        v->vm->event = v->run->system_event.type;
        vm_stop(v->vm);
        break;
    default:
        fail(v->vm, "unexpected exit reason", v->run->exit_reason);
    }
}

static void *run_vcpu(void *arg)
{
    struct vcpu *v = arg;

    while (!v->vm->done) {
        int r = ioctl(v->fd, KVM_RUN, 0);
        if (r < 0 && errno != EINTR)
            fail(v->vm, "KVM_RUN", (uint64_t)errno);
        if (r < 0)
            continue;
        pthread_mutex_lock(&devices);
        if (v->run->exit_reason < EXITS_MAX)
            v->exits[v->run->exit_reason]++;
        if (!v->vm->done)
            handle_exit(v);
        if (v->vm->perf)
            perf_touch();
        if (v->vm->debugger && v == v->vm->vcpus && v->run->exit_reason != KVM_EXIT_DEBUG)
            debugger_exit(v);
        if (v->vm->memory && !v->vm->done)
            memory_change(v->vm);
        pthread_mutex_unlock(&devices);
    }
    return NULL;
}

static void wake_up(int signal)
{
    (void)signal;
}

void vm_run(struct vm *vm)
{
    struct sigaction action = {.sa_handler = wake_up};

    sigaction(SIGUSR1, &action, NULL);
    if (vm->perf)
        perf_begin();
    pthread_mutex_lock(&devices); /* no vCPU ends the run before all threads are known */
    for (unsigned k = 0; k < vm->vcpu_count; k++)
        if (pthread_create(&vm->vcpus[k].thread, NULL, run_vcpu, &vm->vcpus[k]))
            die("thread");
    pthread_mutex_unlock(&devices);
    for (unsigned k = 0; k < vm->vcpu_count; k++)
        pthread_join(vm->vcpus[k].thread, NULL);
    if (vm->line_begun)
        putchar('\n');
    if (vm->perf)
        perf_end();
    if (vm->debugger)
        debugger_end();
    if (vm->memory)
        memory_end();
}
