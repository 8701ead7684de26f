/*
 * QEMU's device for tests of accesses to PCI (its docs/specs/pci-testdev): a test is chosen by a
 * write to the first byte of a BAR, what it wants is read behind that, and it counts the writes
 * that fit.
 */
#pragma once

#include "devices/pci.h"

struct pci_testdev {
    struct pci_function function; /* first */
    uint32_t count;               /* of writes that were as the test wants them */
    uint8_t chosen;               /* 1 + the number of a test; 0: none */
};

void pci_testdev_init(struct pci_testdev *t, const struct arm_log *log);
