/*
 * The board: memory map, interrupt map and devices of QEMU 7.2's `virt`. CPUs, PSCI and the
 * run loop are the machine's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "armillary.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/physmem.h"
#include "devices/disk.h"
#include "devices/display.h"
#include "devices/flash.h"
#include "devices/fw_cfg.h"
#include "devices/host_input.h"
#include "devices/pci_host.h"
#include "devices/pci_port.h"
#include "devices/pl011.h"
#include "devices/pl031.h"
#include "devices/pl061.h"
#include "devices/ramfb.h"
#include "devices/tpm_tis.h"
#include "devices/virtio_mmio.h"
#include "smmu/smmuv3.h"

struct dt;
struct gic;
struct state_io;
struct virt_plugged; /* a device and what it is connected by */

#define VIRT_CPUS_MAX   ARM_CPUS_MAX
#define VIRT_SPI_COUNT  256
#define VIRT_CLOCK_HZ   24000000   /* of the peripherals, the UART's baud rate among them */
#define VIRT_EPOCH_S    1672531200 /* what the RTC shows first by default: 2023-01-01 00:00 UTC */
#define VIRT_FLASHES    2
#define VIRT_SLOTS      32 /* of virtio-mmio */
#define VIRT_POWER_GPIO 3  /* line of the PL061 */

/* Lines of the Secure world's PL061. */
#define VIRT_SECURE_POWEROFF_GPIO 0
#define VIRT_SECURE_RESTART_GPIO  1

enum virt_region {
    VIRT_FLASH,
    VIRT_GICD,
    VIRT_GICC,
    VIRT_GICV2M,
    VIRT_GICH,
    VIRT_GICV,
    VIRT_ITS,
    VIRT_GICR,
    VIRT_UART,
    VIRT_RTC,
    VIRT_FW_CFG,
    VIRT_GPIO,
    VIRT_SECURE_UART,
    VIRT_SMMU,
    VIRT_SECURE_GPIO,
    VIRT_VIRTIO_MMIO,
    VIRT_PLATFORM_BUS,
    VIRT_SECURE_MEM,
    VIRT_PCIE_MMIO,
    VIRT_PCIE_PIO,
    VIRT_PCIE_ECAM,
    VIRT_RAM,
    VIRT_HIGH_PCIE_ECAM,
    VIRT_HIGH_PCIE_MMIO,
    VIRT_REGION_COUNT,
};

/* All places are kept free for what QEMU has there, also those of devices that we do not have. */
struct virt_memmap {
    uint64_t base, size; /* bytes; of one device where there are several */
};
extern const struct virt_memmap virt_memmap[VIRT_REGION_COUNT];

/* SPI numbers: INTID - 32. */
enum virt_spi {
    VIRT_SPI_SECURE_GPIO = 0,
    VIRT_SPI_UART = 1,
    VIRT_SPI_RTC = 2,
    VIRT_SPI_PCIE = 3, /* ..6 */
    VIRT_SPI_GPIO = 7,
    VIRT_SPI_SECURE_UART = 8,
    VIRT_SPI_VIRTIO_MMIO = 16, /* ..47 */
    VIRT_SPI_SMMU = 74,        /* ..77, in the order of enum smmuv3_line */
};

/* MPIDR_EL1 of CPU @index: Aff0 counts to 15 and carries into Aff1, as GICv3's target
 * lists want it. */
uint64_t virt_mpidr(unsigned index);

/* Requesters of PCI that are on one way to memory. */
struct virt_requesters {
    uint32_t first, count; /* bus, device and function, in 16 bits */
    bool smmu;             /* through it */
};

#define VIRT_REQUESTERS_MAX (ARM_PCIE_PORTS_MAX + 1)

struct virt_config {
    unsigned cpu_count;         /* 1..VIRT_CPUS_MAX */
    uint64_t ram_size;          /* bytes */
    bool el2;                   /* CPUs have EL2: PSCI by SMC, maintenance interrupt */
    bool vhe;                   /* el2, with FEAT_VHE: EL2 has a virtual timer */
    bool secure;                /* there is a Secure world, with devices of its own */
    bool no_psci;               /* nothing runs below who would answer */
    bool its;                   /* the GIC has an ITS */
    bool gic_v2;                /* the GIC is a GICv2 */
    bool gicv;                  /* the GIC has GICV, for guests with a GICv2 */
    bool pmu;                   /* CPUs have a PMUv3 */
    const char *cpu_compatible; /* "arm,cortex-a57", ...: of the device tree's cpu nodes */
    uint64_t seed;              /* where /chosen's rng-seed and kaslr-seed come from */
    uint32_t epoch_s;           /* seconds since 1970 at reset; VIRT_EPOCH_S by default */
    pl011_write_fn *console;    /* the guest's serial output; may be NULL */
    void *console_ctx;
    pl011_write_fn *secure_console; /* likewise, of the Secure world's UART */
    void *secure_console_ctx;

    const char *bios; /* the first flash bank's contents; NULL: none */
    struct arm_drive pflash[VIRT_FLASHES];
    const char *kernel, *initrd, *append; /* for firmware to load, if there is one */
    const struct arm_device *devices;     /* at most VIRT_SLOTS */
    unsigned device_count;
    const struct arm_pcie_port *pcie_ports;
    unsigned pcie_port_count;                               /* at most ARM_PCIE_PORTS_MAX */
    bool smmu;                                              /* PCIe is behind an SMMUv3, */
    bool bypass_iommu;                                      /* but for bus 0 */
    struct virt_requesters requesters[VIRT_REQUESTERS_MAX]; /* all of them, in their order */
    unsigned requester_count;        /* 0: there is no SMMU, or all are behind it */
    bool no_highmem;                 /* of PCIe, the device tree has what is below 4 GiB */
    const struct arm_fw_cfg *fw_cfg; /* the user's files */
    unsigned fw_cfg_count;
    bool virtio_legacy;              /* virtio-mmio is version 1 */
    const struct arm_smbios *smbios; /* what the user says of the board */
    unsigned smbios_count;
    struct arm_node nodes[ARM_NODES_MAX];
    unsigned node_count;                              /* 0: nothing is told of nodes */
    struct arm_topology topology;                     /* of the CPUs; virt_topology() */
    uint8_t distances[ARM_NODES_MAX * ARM_NODES_MAX]; /* node_count rows; all 0: none is told */
    struct arm_tpm tpm;                               /* .command NULL: there is none */
    bool no_acpi;                                     /* firmware gets no ACPI tables */
    bool no_seeds;                                    /* nothing random in the device tree */
    bool ramfb;                                       /* firmware may put a picture into RAM */
    const struct host_failure *host;                  /* what devices tell of */
    void (*exit)(void *ctx, int code);                /* a guest's exit by testdev */
    void *exit_ctx;
    void (*power)(void *ctx, bool restart); /* the Secure world switches the machine off */
    void *power_ctx;
};

/* Of the configuration, or cores of one cluster. */
static inline struct arm_topology virt_topology(const struct virt_config *cfg)
{
    return cfg->topology.cores ? cfg->topology : (struct arm_topology){1, cfg->cpu_count, 1};
}

/* Who is behind the SMMU and who is not, from the ports and bridges: fill @cfg->requesters. */
void virt_divide_requesters(struct virt_config *cfg);

/* The node that a CPU is in; 0 if there are none. */
unsigned virt_node_of(const struct virt_config *cfg, unsigned cpu);

struct virt_board {
    struct pl011 uart;
    struct pl031 rtc;
    struct pl061 gpio;
    struct pl011 secure_uart; /* with config.secure, as the next */
    struct pl061 secure_gpio;
    struct fw_cfg fw_cfg;
    struct disk pflash[VIRT_FLASHES]; /* .fd < 0: none */
    struct flash flash[VIRT_FLASHES];
    uint64_t bios_size; /* bytes of the first bank that a file was copied to; 0: none */
    struct virtio_mmio slots[VIRT_SLOTS];
    struct virt_plugged *plugged[VIRT_SLOTS]; /* by index in the configuration */
    struct smmuv3 smmu;                       /* .dev.ops NULL: none */
    struct host_input host_input;
    struct display_sources displays;
    struct tpm_tis tpm; /* .dev.ops NULL: none */
    struct ramfb ramfb; /* if the configuration has it */
    struct pci_host pci;
    struct pci_port pcie_ports[ARM_PCIE_PORTS_MAX];
    struct gic *gic; /* where the functions' messages go */
    struct physmem *mem;
    struct clock *clock;
    struct clock_event power_released;
};

/**
 * virt_board_create() - RAM, devices and their wires.
 * @board: all zeros; must not move afterwards. @mem: gets the RAM bank and the windows, the GIC's
 * included. @gic: has at least VIRT_SPI_COUNT SPIs and @cfg->cpu_count CPUs. All must outlive the
 * board.
 *
 * Return: 0, or -ARM_Exxx; then there is nothing to destroy but @mem.
 */
int virt_board_create(struct virt_board *board, const struct virt_config *cfg, struct physmem *mem,
                      struct gic *gic, struct clock *clock, const struct arm_log *log,
                      struct arm_error *err) __attribute__((warn_unused_result));
void virt_board_destroy(struct virt_board *board);

/* Reset of the devices. Not the GIC: it is the machine's. RAM and flash memory keep their contents,
 * and the RTC its time. */
void virt_board_reset(struct virt_board *board);

/* Its virtio devices, what is on PCI, and its disks, as lines for people. */
void virt_describe_virtio(const struct virt_board *board, void (*line)(void *ctx, const char *text),
                          void *ctx);
void virt_describe_pci(const struct virt_board *board, void (*line)(void *ctx, const char *text),
                       void *ctx);
void virt_describe_disks(const struct virt_board *board, void (*line)(void *ctx, const char *text),
                         void *ctx);
void virt_describe_usb(const struct virt_board *board, void (*line)(void *ctx, const char *text),
                       void *ctx);

/* Characters for port @port of the console that is config.devices[@device], or a frame for the
 * network device there; how many were taken. */
size_t virt_board_port_input(struct virt_board *board, unsigned device, unsigned port,
                             const uint8_t *data, size_t n);

/* What of the board's devices a snapshot has. The contents of memory and disks have a place of
 * their own. */
void virt_board_state(struct state_io *io, struct virt_board *board);

/* Disk @n of the board, those of the flash memory first: NULL if there is none of that number.
 * @n < VIRT_DISKS. */
#define VIRT_DISKS (VIRT_FLASHES + VIRT_SLOTS)
struct disk *virt_board_disk(struct virt_board *board, unsigned n);

struct disk_spec virt_disk_spec(const struct arm_drive *drive, const struct virt_config *cfg);

/* Is there code in flash, which then is what CPU 0 starts with? */
bool virt_has_firmware(const char *bios, const struct arm_drive pflash[VIRT_FLASHES]);

/* The steps of virt_board_create() that machine/virt_firmware.c, machine/virt_flash.c and
 * machine/virt_slots.c have, and their undoing, which is for a half-made board too. Return 0 or
 * -ARM_Exxx. */
int virt_describe_to_firmware(struct fw_cfg *fw, const struct virt_config *cfg,
                              struct arm_error *err) __attribute__((warn_unused_result));
int virt_create_flash(struct virt_board *board, const struct virt_config *cfg, struct physmem *mem,
                      const struct arm_log *log, struct arm_error *err)
    __attribute__((warn_unused_result));
int virt_load_bios(struct virt_board *board, const char *path, struct arm_error *err)
    __attribute__((warn_unused_result));
void virt_destroy_flash(struct virt_board *board);
int virt_create_slots(struct virt_board *board, const struct virt_config *cfg, struct physmem *mem,
                      struct gic *gic, const struct arm_log *log, struct arm_error *err)
    __attribute__((warn_unused_result));
void virt_destroy_slots(struct virt_board *board);
void virt_slots_state(struct state_io *io, struct virt_board *board);
struct disk *virt_plugged_disk(struct virt_plugged *plugged); /* NULL: it has none */

/* Which devices firmware is to try to boot, in the file bootorder, of machine/virt_boot.c. */
int virt_boot_order(struct virt_board *board, const struct virt_config *cfg, struct arm_error *err)
    __attribute__((warn_unused_result));

/* The Secure world's part, of machine/virt_secure.c. @cfg must not move afterwards. */
int virt_create_secure(struct virt_board *board, const struct virt_config *cfg, struct physmem *mem,
                       struct gic *gic, struct clock *clock, const struct arm_log *log,
                       struct arm_error *err) __attribute__((warn_unused_result));

/* PCI's part, of machine/virt_pci.c. */
int virt_create_pci(struct virt_board *board, const struct virt_config *cfg, struct gic *gic,
                    const struct arm_log *log, struct arm_error *err)
    __attribute__((warn_unused_result));
int virt_map_pci(struct virt_board *board, struct physmem *mem, struct arm_error *err)
    __attribute__((warn_unused_result));

/* A free place for a function, its devfn; -ARM_EINVAL: what was asked for is taken or not there. */
int virt_pci_place(struct virt_board *board, const struct virt_config *cfg,
                   const struct arm_pci_place *place, struct arm_error *err)
    __attribute__((warn_unused_result));

/* The port that a place is behind; NULL: it is on bus 0. */
struct pci_function *virt_pci_port(struct virt_board *board, const struct arm_pci_place *place);

/* Is it at the end of a link, with PCI Express's capability? */
bool virt_is_express(const struct virt_config *cfg, const struct arm_pci_place *place);

/* Press the power button and release it 100 ms of virtual time later. */
void virt_board_power_button(struct virt_board *board);

/**
 * virt_fdt() - the board's device tree, complete except for what loader_load() adds.
 * @dt: filled; freed by dt_free() also on error. Source: the bindings of the nodes' compatibles.
 */
int virt_fdt(const struct virt_config *cfg, struct dt *dt, struct arm_error *err)
    __attribute__((warn_unused_result));
