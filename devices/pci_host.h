/*
 * A PCI Express host bridge with ECAM (PCI Express Base Specification, 7.2.2): the configuration
 * spaces of all functions in one window, and windows of memory and I/O that their BARs are in.
 * What is not there reads as ones, writes to it are lost, and nothing aborts. Behind bus 0, and
 * other root buses, are those of ports and bridges.
 */
#pragma once

#include "base/device.h"
#include "base/irq.h"
#include "devices/pci.h"

#define PCI_FUNCTIONS_MAX           72
#define PCI_PINS                    4
#define PCI_ECAM_BUS                (UINT64_C(1) << 20) /* bytes of a bus */
#define PCI_DEVFN(device, function) ((device) << 3 | (function))

struct pci_host_config {
    const struct arm_log *log;
    struct irq_line pins[PCI_PINS];
    /* A function writes @data to @address: @requester is its bus, device and function number. */
    void (*message)(void *ctx, uint32_t requester, uint64_t address, uint32_t data);
    void *message_ctx;
    /* An access of @requester goes through an IOMMU, as of struct dma_iommu. NULL:
     * there is none. */
    bool (*translate)(void *ctx, uint32_t requester, uint64_t addr, bool write, pa_t *pa,
                      uint64_t *bytes);
    void *translate_ctx;
    bool bypass; /* what is on bus 0, and behind it, goes past the IOMMU */
};

/* A window of the address map; its first byte is address @base of the bus. */
struct pci_window {
    struct device dev;
    struct pci_host *host;
    uint64_t base;
    bool io;
};

struct pci_host {
    struct pci_host_config config;
    struct device ecam;
    struct pci_window memory, high_memory, ports;
    struct pci_function bridge; /* 00:00.0: the host bridge itself */
    struct pci_function *functions[PCI_FUNCTIONS_MAX];
    unsigned count;
    bool told; /* the log line about nothing there */
};

/* @memory, @high_memory: where the windows begin. Must not move afterwards. */
void pci_host_init(struct pci_host *host, const struct pci_host_config *config, uint64_t memory,
                   uint64_t high_memory);

/* A function, behind @port or (NULL) on bus 0. NULL: the place is free. Otherwise what is there. */
struct pci_function *pci_host_find(struct pci_host *host, const struct pci_function *port,
                                   uint8_t devfn);
void pci_host_add(struct pci_host *host, struct pci_function *f, struct pci_function *port,
                  uint8_t devfn);

/* Of all functions. */
void pci_host_reset(struct pci_host *host);
void pci_host_state(struct state_io *io, struct pci_host *host);

/* For functions: the level of @f's pin may have changed; @f writes a message. */
void pci_host_pin_changed(struct pci_function *f);
void pci_host_message(struct pci_function *f, uint64_t address, uint32_t data);
