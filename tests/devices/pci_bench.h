/* A host bridge with a root port and virtio devices, for the tests of PCI: accesses by ECAM and by
 * windows, as a guest makes them. */
#pragma once

#include "devices/pci_host.h"
#include "devices/pci_port.h"
#include "devices/virtio_pci.h"
#include "devices/virtio_rng.h"
#include "tests/devices/virtio_driver.h"

#define MEMORY      UINT64_C(0x10000000)
#define HIGH_MEMORY UINT64_C(0x8000000000)

/* Where they are: the transitional device at 3.0, the port at 2.0, the modern device behind it. */
#define AT_TRANSITIONAL PCI_DEVFN(3, 0)
#define AT_PORT         PCI_DEVFN(2, 0)
#define VECTORS         2
enum { TRANSITIONAL, MODERN, DEVICES };

struct pci_bench {
    struct driver d; /* its memory, clock and log */
    struct pci_host host;
    struct pci_port port;
    struct virtio_rng rng[DEVICES];
    struct virtio_pci pci[DEVICES];
    bool pins[PCI_PINS];
    unsigned messages; /* sent so far, and the last one: */
    uint32_t requester, data;
    uint64_t address;
};

static inline void bench_pin(void *ctx, unsigned n, bool level)
{
    ((struct pci_bench *)ctx)->pins[n] = level;
}

static inline void bench_message(void *ctx, uint32_t requester, uint64_t address, uint32_t data)
{
    struct pci_bench *b = ctx;

    b->messages++;
    b->requester = requester;
    b->address = address;
    b->data = data;
}

static inline void bench_begin(struct pci_bench *b)
{
    memset(b, 0, sizeof(*b));
    driver_begin(&b->d);
    struct pci_host_config config = {.log = &b->d.log, .message = bench_message, .message_ctx = b};
    for (unsigned n = 0; n < PCI_PINS; n++)
        config.pins[n] = (struct irq_line){bench_pin, b, n};
    pci_host_init(&b->host, &config, MEMORY, HIGH_MEMORY);
    pci_port_init(&b->port, PCI_PORT_ROOT, &b->d.log, 1);
    pci_host_add(&b->host, &b->port.function, NULL, AT_PORT);
    for (unsigned i = 0; i < DEVICES; i++) {
        virtio_rng_init(&b->rng[i], &b->d.log, &b->d.mem, 1);
        virtio_pci_init(&b->pci[i],
                        &(struct virtio_pci_config){.virtio = &b->rng[i].virtio,
                                                    .unit = i,
                                                    .modern = true,
                                                    .legacy = i == TRANSITIONAL,
                                                    .express = i == MODERN,
                                                    .vectors = VECTORS},
                        &b->d.log, &b->d.clock);
    }
    pci_host_add(&b->host, &b->pci[TRANSITIONAL].function, NULL, AT_TRANSITIONAL);
    pci_host_add(&b->host, &b->pci[MODERN].function, &b->port.function, 0);
    pci_host_reset(&b->host);
}

static inline void bench_end(struct pci_bench *b)
{
    driver_end(&b->d);
}

static inline uint64_t config_at(unsigned bus, unsigned devfn, unsigned offset)
{
    return bus * PCI_ECAM_BUS | devfn << 12 | offset;
}

static inline uint64_t config_read(struct pci_bench *b, unsigned bus, unsigned devfn,
                                   unsigned offset, unsigned size)
{
    return device_read(&b->host.ecam, config_at(bus, devfn, offset), size);
}

static inline void config_write(struct pci_bench *b, unsigned bus, unsigned devfn, unsigned offset,
                                unsigned size, uint64_t value)
{
    device_write(&b->host.ecam, config_at(bus, devfn, offset), size, value);
}

static inline struct device *window_of(struct pci_bench *b, uint64_t *address)
{
    bool high = *address >= HIGH_MEMORY;

    *address -= high ? HIGH_MEMORY : MEMORY;
    return high ? &b->host.high_memory.dev : &b->host.memory.dev;
}

static inline uint64_t bus_read(struct pci_bench *b, uint64_t address, unsigned size)
{
    struct device *dev = window_of(b, &address);

    return device_read(dev, address, size);
}

static inline void bus_write(struct pci_bench *b, uint64_t address, unsigned size, uint64_t value)
{
    struct device *dev = window_of(b, &address);

    device_write(dev, address, size, value);
}

/* The port's bus is number 1, and it forwards these megabytes. */
#define BEHIND      UINT64_C(0x10100000)
#define HIGH_BEHIND UINT64_C(0x8000100000)

static inline void open_port(struct pci_bench *b)
{
    config_write(b, 0, AT_PORT, 0x18, 4, 0x010100);
    config_write(b, 0, AT_PORT, 0x20, 4, 0x10101010);
    config_write(b, 0, AT_PORT, 0x24, 4, 0x00100010);
    config_write(b, 0, AT_PORT, 0x28, 4, 0x80);
    config_write(b, 0, AT_PORT, 0x2c, 4, 0x80);
    config_write(b, 0, AT_PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

/* BARs of the transitional device: ports at 0x1000, MSI-X, the modern interface. */
#define PORTS_AT  0x1000
#define MSIX_AT   (MEMORY + 0x4000)
#define MODERN_AT (HIGH_MEMORY + 0x8000)

static inline void open_transitional(struct pci_bench *b)
{
    config_write(b, 0, AT_TRANSITIONAL, 0x10, 4, PORTS_AT);
    config_write(b, 0, AT_TRANSITIONAL, 0x14, 4, MSIX_AT);
    config_write(b, 0, AT_TRANSITIONAL, 0x20, 4, (uint32_t)MODERN_AT);
    config_write(b, 0, AT_TRANSITIONAL, 0x24, 4, MODERN_AT >> 32);
    config_write(b, 0, AT_TRANSITIONAL, PCI_COMMAND, 2,
                 PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

/* MSI-X's capability of the transitional device, behind the modern interface's structures. */
#define MSIX_CAP 0x98
