/* Linux as the guest: arm64 Image, initrd and a device tree written here. */
#include <stdio.h>
#include <string.h>

#include "fdt.h"
#include "kvmtest.h"

#define TEXT_OFFSET_AT 8 /* in the Image's header */

#define INITRD_AT (RAM_BASE + 0x08000000)
#define FDT_AT    (RAM_BASE + 0x0f000000)

#define PHANDLE_GIC   1
#define PHANDLE_CLOCK 2

#define PPI        1
#define SPI        0
#define LEVEL_HIGH 4

static void root_and_chosen(struct fdt *f, const char *append, size_t initrd_size)
{
    fdt_node(f, "");
    FDT_CELLS(f, "#address-cells", 2);
    FDT_CELLS(f, "#size-cells", 2);
    FDT_CELLS(f, "interrupt-parent", PHANDLE_GIC);
    fdt_text(f, "compatible", "linux,dummy-virt");
    fdt_text(f, "model", "kvmtest");

    fdt_node(f, "chosen");
    fdt_text(f, "bootargs", append);
    fdt_text(f, "stdout-path", "/pl011@9000000");
    if (initrd_size) {
        FDT_CELLS(f, "linux,initrd-start", INITRD_AT);
        FDT_CELLS(f, "linux,initrd-end", INITRD_AT + (uint32_t)initrd_size);
    }
    FDT_CELLS(f, "kaslr-seed", 0, 0);
    fdt_end_node(f);

    fdt_node(f, "memory@80000000");
    fdt_text(f, "device_type", "memory");
    FDT_CELLS(f, "reg", 0, RAM_BASE, 0, RAM_SIZE);
    fdt_end_node(f);
}

static void cpus_and_psci(struct fdt *f, unsigned count)
{
    fdt_node(f, "cpus");
    FDT_CELLS(f, "#address-cells", 1);
    FDT_CELLS(f, "#size-cells", 0);
    for (unsigned k = 0; k < count; k++) {
        char name[16];
        snprintf(name, sizeof(name), "cpu@%u", k);
        fdt_node(f, name);
        fdt_text(f, "device_type", "cpu");
        fdt_text(f, "compatible", "arm,armv8");
        fdt_text(f, "enable-method", "psci");
        FDT_CELLS(f, "reg", k);
        fdt_end_node(f);
    }
    fdt_end_node(f);

    fdt_node(f, "psci");
    fdt_text(f, "compatible", "arm,psci-1.0");
    fdt_text(f, "method", "hvc");
    fdt_end_node(f);
}

static void gicv3(struct fdt *f, unsigned count)
{
    fdt_text(f, "compatible", "arm,gic-v3");
    FDT_CELLS(f, "reg", 0, GICD_BASE, 0, GICD_SIZE, 0, GICR_BASE, 0, GICR_SIZE * count);
    fdt_node(f, "its@8080000");
    fdt_text(f, "compatible", "arm,gic-v3-its");
    fdt_prop(f, "msi-controller", "", 0);
    FDT_CELLS(f, "#msi-cells", 1);
    FDT_CELLS(f, "reg", 0, ITS_BASE, 0, ITS_SIZE);
    fdt_end_node(f);
}

static void gicv2(struct fdt *f)
{
    fdt_text(f, "compatible", "arm,cortex-a15-gic");
    FDT_CELLS(f, "reg", 0, GICD_BASE, 0, GICD_V2_SIZE, 0, GICC_BASE, 0, GICC_SIZE);
}

/* PPIs: the timers', and the PMU's. */
static void interrupts_and_timer(struct fdt *f, const struct vm *vm)
{
    /* With a GICv2 a PPI says in bits [15:8] which CPUs have it. */
    uint32_t level = LEVEL_HIGH | (vm->gic_version == 2 ? ((1U << vm->vcpu_count) - 1) << 8 : 0);

    fdt_node(f, "intc@8000000");
    FDT_CELLS(f, "#interrupt-cells", 3);
    FDT_CELLS(f, "#address-cells", 2);
    FDT_CELLS(f, "#size-cells", 2);
    fdt_prop(f, "ranges", "", 0);
    fdt_prop(f, "interrupt-controller", "", 0);
    FDT_CELLS(f, "phandle", PHANDLE_GIC);
    if (vm->gic_version == 2)
        gicv2(f);
    else
        gicv3(f, vm->vcpu_count);
    fdt_end_node(f);

    fdt_node(f, "timer");
    fdt_text(f, "compatible", "arm,armv8-timer");
    FDT_CELLS(f, "interrupts", PPI, 13, level, PPI, 14, level, PPI, 11, level, PPI, 10, level);
    fdt_prop(f, "always-on", "", 0);
    fdt_end_node(f);
    if (!vm->pmu)
        return;
    fdt_node(f, "pmu");
    fdt_text(f, "compatible", "arm,armv8-pmuv3");
    FDT_CELLS(f, "interrupts", PPI, PMU_INTID - 16, level);
    fdt_end_node(f);
}

static void console(struct fdt *f)
{
    static const char compatible[] = "arm,pl011\0arm,primecell";
    static const char names[] = "uartclk\0apb_pclk";

    fdt_node(f, "apb-pclk");
    fdt_text(f, "compatible", "fixed-clock");
    FDT_CELLS(f, "#clock-cells", 0);
    FDT_CELLS(f, "clock-frequency", 24000000);
    FDT_CELLS(f, "phandle", PHANDLE_CLOCK);
    fdt_end_node(f);

    fdt_node(f, "pl011@9000000");
    fdt_prop(f, "compatible", compatible, sizeof(compatible));
    FDT_CELLS(f, "reg", 0, UART_BASE, 0, UART_SIZE);
    FDT_CELLS(f, "interrupts", SPI, 1, LEVEL_HIGH);
    FDT_CELLS(f, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
    fdt_prop(f, "clock-names", names, sizeof(names));
    fdt_end_node(f);
}

int linux_guest(struct vm *vm, const char *image, const char *initrd, const char *append)
{
    struct fdt f;
    uint64_t text_offset;
    size_t initrd_size = strcmp(initrd, "-") == 0 ? 0 : vm_load(vm, initrd, INITRD_AT);

    vm_load(vm, image, RAM_BASE);
    memcpy(&text_offset, vm->ram + TEXT_OFFSET_AT, sizeof(text_offset));
    if (text_offset) {
        printf("kvmtest: %s: text_offset %#llx, expected 0\n", image,
               (unsigned long long)text_offset);
        return 1;
    }
    fdt_begin(&f, vm->ram + (FDT_AT - RAM_BASE));
    root_and_chosen(&f, append, initrd_size);
    cpus_and_psci(&f, vm->vcpu_count);
    interrupts_and_timer(&f, vm);
    console(&f);
    fdt_end_node(&f);
    fdt_finish(&f);
    vm_set_entry(vm, RAM_BASE, FDT_AT, 0);
    vm_run(vm);
    if (vm->failed || vm->event != KVM_SYSTEM_EVENT_SHUTDOWN)
        return 1;
    printf("kvmtest: the guest powered off, %u vCPU(s), GICv%u\n", vm->vcpu_count, vm->gic_version);
    return 0;
}
