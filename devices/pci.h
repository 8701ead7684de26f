/*
 * PCI functions (PCI Local Bus Specification 3.0, PCI Express Base Specification): configuration
 * space, base addresses, INTx and MSI-X. Who finds them, and where their messages and interrupts
 * go, is the host bridge's (devices/pci_host.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/device.h"
#include "base/dma.h"
#include "base/log.h"

struct pci_function;
struct pci_host;
struct state_io;

#define PCI_CONFIG_BYTES 256 /* what is behind them in an extended space reads as zero */
#define PCI_BARS         6
#define PCI_VECTORS_MAX  64

/* Configuration space header, 6.1 and 6.2; the bridge's by the PCI-to-PCI Bridge Specification. */
enum {
    PCI_VENDOR_ID = 0x00,
    PCI_DEVICE_ID = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_INTERFACE = 0x09,
    PCI_CLASS = 0x0a, /* class and subclass */
    PCI_CACHE_LINE = 0x0c,
    PCI_HEADER_TYPE = 0x0e,
    PCI_BAR0 = 0x10,
    PCI_SUBSYSTEM_VENDOR = 0x2c,
    PCI_SUBSYSTEM = 0x2e,
    PCI_CAPABILITIES = 0x34,
    PCI_INTERRUPT_LINE = 0x3c,
    PCI_INTERRUPT_PIN = 0x3d,
    PCI_HEADER_END = 0x40,
};

#define PCI_COMMAND_IO           UINT16_C(0x0001)
#define PCI_COMMAND_MEMORY       UINT16_C(0x0002)
#define PCI_COMMAND_MASTER       UINT16_C(0x0004)
#define PCI_COMMAND_INTX_DISABLE UINT16_C(0x0400)
#define PCI_STATUS_INTERRUPT     UINT16_C(0x0008)
#define PCI_STATUS_CAPABILITIES  UINT16_C(0x0010)

enum { PCI_CAP_POWER = 0x01, PCI_CAP_VENDOR = 0x09, PCI_CAP_EXPRESS = 0x10, PCI_CAP_MSIX = 0x11 };

struct pci_ops {
    const char *name;
    /* Of a BAR without registers of its own. @offset is aligned to @size (1, 2, 4 or 8) and inside
     * the BAR. */
    uint64_t (*read)(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size);
    void (*write)(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size,
                  uint64_t value);
    /* The driver is about to read, or has written, [@offset, @offset + @size) of the configuration
     * space. NULL: nothing to do. */
    void (*config_read)(struct pci_function *f, unsigned offset, unsigned size);
    void (*config_written)(struct pci_function *f, unsigned offset, unsigned size);
    void (*reset)(struct pci_function *f);                      /* NULL: nothing to do */
    void (*state)(struct state_io *io, struct pci_function *f); /* behind the function's */
};

struct pci_bar {
    uint64_t size;       /* a power of 2, 0: not there */
    bool io, wide;       /* wide: the next one is its upper half */
    struct device *regs; /* what is in it, not owned; NULL: pci_ops answer */
};

struct pci_vector {
    uint64_t address;
    uint32_t data;
    bool masked;
};

/* MSI-X, 6.8.2: its table and the pending bits have a BAR of their own. */
struct pci_msix {
    unsigned count; /* 0: none */
    unsigned bar, cap;
    struct pci_vector table[PCI_VECTORS_MAX];
    uint64_t pending;
};

struct pci_function {
    const struct pci_ops *ops;
    const struct arm_log *log;
    struct pci_host *host;
    struct pci_function *port; /* the bridge that it is behind; NULL: it is on bus 0 */
    uint8_t root_bus;       /* the bus that begins behind it, if that is a root's; 0: it does not */
    bool bypass;            /* with root_bus: what is behind it goes past the IOMMU */
    bool conventional;      /* a bridge: what is behind it has no requester's number of its own */
    uint8_t devfn;          /* 5 bits of device, 3 of function */
    struct dma_iommu iommu; /* its way to memory, where the host has an IOMMU */
    bool express;           /* it has an extended configuration space */
    bool intx;              /* it wants an interrupt by its pin */
    uint8_t config[PCI_CONFIG_BYTES];
    uint8_t initial[PCI_CONFIG_BYTES];  /* after a reset */
    uint8_t writable[PCI_CONFIG_BYTES]; /* bits */
    uint8_t cap_end;                    /* where the next capability goes */
    struct pci_bar bars[PCI_BARS];
    struct pci_msix msix;
};

struct pci_identity {
    uint16_t vendor, device, subsystem_vendor, subsystem, class;
    uint8_t interface, revision;
    bool pin; /* INTA */
};

/* A function of type 0 without BARs and capabilities, in reset. What is added to it is added before
 * pci_host_add(). */
void pci_init(struct pci_function *f, const struct pci_ops *ops, const struct arm_log *log,
              const struct pci_identity *id);

/* The value of a field after a reset, and which bits of it are the driver's to write. */
void pci_field(struct pci_function *f, unsigned offset, unsigned bytes, uint64_t value,
               uint64_t writable);

void pci_add_bar(struct pci_function *f, unsigned n, struct pci_bar bar);

/* A capability of so many bytes; returns where it is. */
unsigned pci_add_cap(struct pci_function *f, uint8_t id, unsigned bytes);
void pci_add_msix(struct pci_function *f, unsigned bar, unsigned count);

/* The PCI Express capability, 7.8. */
enum pci_express_kind {
    PCI_EXPRESS_ENDPOINT = 0,
    PCI_EXPRESS_ROOT_PORT = 4,
    PCI_EXPRESS_UPSTREAM = 5,
    PCI_EXPRESS_DOWNSTREAM = 6,
    PCI_EXPRESS_TO_PCI = 7,
};
void pci_add_express(struct pci_function *f, enum pci_express_kind kind, unsigned slot);

/* What an endpoint behind a PCI Express port has: that capability, and power management (PCI Bus
 * Power Management Interface 1.2): the state is kept, nothing stops. */
void pci_add_endpoint(struct pci_function *f);

/* As if its reset line was pulled. */
void pci_reset(struct pci_function *f);

uint64_t pci_get(const struct pci_function *f, unsigned offset, unsigned bytes);

/* Configuration accesses; @offset + @size <= PCI_CONFIG_BYTES. */
uint64_t pci_config_read(struct pci_function *f, unsigned offset, unsigned size);
void pci_config_write(struct pci_function *f, unsigned offset, unsigned size, uint64_t value);

/* Where a BAR is, whether the command register enables it or not. */
uint64_t pci_bar_base(const struct pci_function *f, unsigned n);
uint64_t pci_bar_read(struct pci_function *f, unsigned n, uint64_t offset, unsigned size);
void pci_bar_write(struct pci_function *f, unsigned n, uint64_t offset, unsigned size,
                   uint64_t value);

/* What its accesses to memory go through; NULL: nothing. A message always goes that way. */
struct dma_iommu *pci_iommu(struct pci_function *f);

/* May it access memory? A message is such an access. */
bool pci_is_master(const struct pci_function *f);

bool pci_msix_enabled(const struct pci_function *f);

/* An interrupt by vector @n; nothing happens if there is no such vector, or
 * without MSI-X enabled. */
void pci_msix_signal(struct pci_function *f, unsigned n);

/* The level of its pin, if MSI-X is not enabled. */
void pci_intx_set(struct pci_function *f, bool level);

void pci_state(struct state_io *io, struct pci_function *f);

/* Of devices/pci_msix.c, for devices/pci.c. */
uint64_t pci_msix_read(struct pci_function *f, uint64_t offset, unsigned size);
void pci_msix_write(struct pci_function *f, uint64_t offset, unsigned size, uint64_t value);
void pci_msix_send_pending(struct pci_function *f);
void pci_msix_reset(struct pci_function *f);
void pci_msix_state(struct state_io *io, struct pci_function *f);
