/* QEMU's pvpanic on PCI (its docs/specs/pvpanic): a register in which a guest's kernel says that it
 * has panicked, or has loaded one that dumps it. */
#pragma once

#include "devices/pci.h"

struct pvpanic {
    struct pci_function function;     /* first */
    void (*end)(void *ctx, int code); /* the machine; NULL: it goes on */
    void *ctx;
    int code;
};

/* @code: the exit code, where @end is given. */
void pvpanic_init(struct pvpanic *p, void (*end)(void *ctx, int code), void *ctx, int code,
                  const struct arm_log *log);
