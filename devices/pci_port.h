/* What leads to a further bus: ports of PCI Express and bridges (PCI-to-PCI Bridge Specification
 * 1.2), and QEMU's expander, which only announces another root bus. They report no errors and no
 * hot-plug events. */
#pragma once

#include "devices/pci.h"

enum pci_port_kind {
    PCI_PORT_ROOT,       /* QEMU's pcie-root-port */
    PCI_PORT_UPSTREAM,   /* x3130-upstream */
    PCI_PORT_DOWNSTREAM, /* xio3130-downstream */
    PCI_PORT_PCIE_PCI,   /* pcie-pci-bridge */
    PCI_PORT_PCI_PCI,    /* pci-bridge */
    PCI_PORT_DMI_PCI,    /* i82801b11-bridge */
    PCI_PORT_EXPANDER,   /* pxb-pcie */
};

struct pci_port {
    struct pci_function function; /* first */
};

/* @number: the physical slot number of a root or downstream port, as the guest is told; of an
 * expander its bus, 1 to 255. */
void pci_port_init(struct pci_port *port, enum pci_port_kind kind, const struct arm_log *log,
                   unsigned number);

/* The number of the bus behind it, 0: it has none yet. */
unsigned pci_port_bus(const struct pci_function *f);

/* Does it hand on what is addressed to @address? */
bool pci_port_forwards(const struct pci_function *f, bool io, uint64_t address);
