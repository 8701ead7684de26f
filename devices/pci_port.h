/* A PCI Express root port: a bridge (PCI-to-PCI Bridge Specification 1.2) with one device behind
 * it. It reports no errors and no hot-plug events. */
#pragma once

#include "devices/pci.h"

struct pci_port {
    struct pci_function function; /* first */
};

/* @slot: its physical slot number, as the guest is told. */
void pci_port_init(struct pci_port *port, const struct arm_log *log, unsigned slot);

/* The number of the bus behind it, 0: it has none yet. */
unsigned pci_port_bus(const struct pci_function *f);

/* Does it hand on what is addressed to @address? */
bool pci_port_forwards(const struct pci_function *f, bool io, uint64_t address);
