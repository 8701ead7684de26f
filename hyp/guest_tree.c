#include "hyp/guest_tree.h"

#include "hyp/fdt.h"
#include "hyp/lib.h"
#include "hyp/opts.h"
#include "hyp/panic.h"
#include "hyp/vcpu.h"
#include "hyp/vgic_frames.h"

#define HIGH(v) ((uint32_t)((v) >> 32))
#define LOW(v)  ((uint32_t)(v))

enum { PHANDLE_GIC = 1, PHANDLE_CLOCK = 2, PHANDLE_ITS = 3 };
enum { SPI = 0, PPI = 1, EDGE = 1, LEVEL = 4 };

static void begin_at(struct fdt_writer *w, const char *stem, uint64_t address)
{
    char name[40];

    format(name, sizeof(name), "%s@%lx", stem, (unsigned long)address);
    fdt_node(w, name);
}

static void write_cpus(struct fdt_writer *w, const struct vm *vm)
{
    fdt_node(w, "cpus");
    FDT_CELLS(w, "#address-cells", 1);
    FDT_CELLS(w, "#size-cells", 0);
    for (unsigned k = 0; k < vm->vcpu_count; k++) {
        begin_at(w, "cpu", k);
        fdt_put_string(w, "device_type", "cpu");
        fdt_put_string(w, "compatible", "arm,armv8");
        FDT_CELLS(w, "reg", k);
        fdt_put_string(w, "enable-method", "psci");
        fdt_end_node(w);
    }
    fdt_end_node(w);
}

static void write_gic(struct fdt_writer *w, const struct vm *vm)
{
    uint64_t redist_size = vm->vcpu_count * VGIC_REDIST_STRIDE;

    begin_at(w, "intc", VGIC_DIST_BASE);
    FDT_CELLS(w, "#interrupt-cells", 3);
    FDT_CELLS(w, "#address-cells", 2);
    FDT_CELLS(w, "#size-cells", 2);
    FDT_CELLS(w, "phandle", PHANDLE_GIC);
    fdt_put(w, "interrupt-controller", "", 0);
    fdt_put(w, "ranges", "", 0);
    if (opts.gicv) {
        fdt_put_string(w, "compatible", "arm,cortex-a15-gic");
        FDT_CELLS(w, "reg", 0, LOW(VGIC_DIST_BASE), 0, LOW(VGIC_DIST_SIZE), 0, LOW(VGIC_CPU_BASE),
                  0, LOW(VGIC_CPU_SIZE));
    } else {
        fdt_put_string(w, "compatible", "arm,gic-v3");
        FDT_CELLS(w, "reg", 0, LOW(VGIC_DIST_BASE), 0, LOW(VGIC_DIST_SIZE), 0,
                  LOW(VGIC_REDIST_BASE), 0, LOW(redist_size));
    }
    if (vm->vgic.its) {
        begin_at(w, "its", VGIC_ITS_BASE);
        fdt_put_string(w, "compatible", "arm,gic-v3-its");
        fdt_put(w, "msi-controller", "", 0);
        FDT_CELLS(w, "#msi-cells", 1);
        FDT_CELLS(w, "phandle", PHANDLE_ITS);
        FDT_CELLS(w, "reg", 0, LOW(VGIC_ITS_BASE), 0, LOW(VGIC_ITS_SIZE));
        fdt_end_node(w);
    }
    fdt_end_node(w);
}

/* Secure, physical, virtual, hypervisor; PPI numbers are INTIDs less 16. */
static void write_timer(struct fdt_writer *w)
{
    fdt_node(w, "timer");
    fdt_put_string(w, "compatible", "arm,armv8-timer");
    fdt_put(w, "always-on", "", 0);
    FDT_CELLS(w, "interrupts", PPI, 13, LEVEL, PPI, 14, LEVEL, PPI, 11, LEVEL, PPI, 10, LEVEL);
    fdt_end_node(w);
}

static void write_uart(struct fdt_writer *w)
{
    fdt_node(w, "apb-pclk");
    fdt_put_string(w, "compatible", "fixed-clock");
    FDT_CELLS(w, "#clock-cells", 0);
    FDT_CELLS(w, "clock-frequency", 24000000);
    FDT_CELLS(w, "phandle", PHANDLE_CLOCK);
    fdt_end_node(w);
    begin_at(w, "pl011", VPL011_BASE);
    fdt_put(w, "compatible", "arm,pl011\0arm,primecell", 24);
    FDT_CELLS(w, "reg", 0, LOW(VPL011_BASE), 0, LOW(VPL011_SIZE));
    FDT_CELLS(w, "interrupts", SPI, VPL011_INTID - 32, LEVEL);
    FDT_CELLS(w, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
    fdt_put(w, "clock-names", "uartclk\0apb_pclk", 17);
    fdt_end_node(w);
}

static void write_chosen(struct fdt_writer *w, const char *args, uint64_t ramdisk,
                         uint64_t ramdisk_size)
{
    char path[40];

    fdt_node(w, "chosen");
    if (args)
        fdt_put_string(w, "bootargs", args);
    format(path, sizeof(path), "/pl011@%lx", (unsigned long)VPL011_BASE);
    fdt_put_string(w, "stdout-path", path);
    if (ramdisk) {
        uint64_t end = ramdisk + ramdisk_size;
        FDT_CELLS(w, "linux,initrd-start", HIGH(ramdisk), LOW(ramdisk));
        FDT_CELLS(w, "linux,initrd-end", HIGH(end), LOW(end));
    }
    fdt_end_node(w);
}

static void write_memory(struct fdt_writer *w, const struct vm *vm)
{
    begin_at(w, "memory", VM_RAM_BASE);
    fdt_put_string(w, "device_type", "memory");
    FDT_CELLS(w, "reg", HIGH(VM_RAM_BASE), LOW(VM_RAM_BASE), HIGH(vm->ram_size), LOW(vm->ram_size));
    fdt_end_node(w);
}

void guest_tree_write(struct vm *vm, void *bytes, uint32_t size, const char *args, uint64_t ramdisk,
                      uint64_t ramdisk_size)
{
    struct fdt_writer w;

    fdt_begin(&w, bytes, size);
    FDT_CELLS(&w, "#address-cells", 2);
    FDT_CELLS(&w, "#size-cells", 2);
    FDT_CELLS(&w, "interrupt-parent", PHANDLE_GIC);
    fdt_put_string(&w, "compatible", "linux,dummy-virt");
    write_chosen(&w, args, ramdisk, ramdisk_size);
    write_memory(&w, vm);
    write_cpus(&w, vm);
    fdt_node(&w, "psci");
    fdt_put(&w, "compatible", "arm,psci-1.0\0arm,psci-0.2", 26);
    fdt_put_string(&w, "method", "hvc");
    fdt_end_node(&w);
    write_gic(&w, vm);
    write_timer(&w);
    write_uart(&w);
    CHECK(fdt_finish(&w));
}
