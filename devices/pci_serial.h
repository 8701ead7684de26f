/* QEMU's pci-serial (its docs/specs/pci-serial): a 16550 whose registers are ports of a PCI
 * function. */
#pragma once

#include "devices/pci.h"
#include "devices/uart16550.h"

struct pci_serial {
    struct pci_function function; /* first */
    struct uart16550 uart;
};

/* @write: of what the guest sends, or NULL. @unit: in its event's name. Must not move afterwards.
 */
void pci_serial_init(struct pci_serial *s, unsigned unit, struct clock *clock,
                     void (*write)(void *ctx, const uint8_t *data, size_t size), void *ctx,
                     const struct arm_log *log);
