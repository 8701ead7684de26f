/*
 * A guest's ITS and its LPIs (IHI0069 chapter 5): translation of (DeviceID, EventID) into an LPI of
 * a virtual CPU.
 *
 * The tables are the hypervisor's: GITS_BASERn exist and their memory is not used, as the manual
 * leaves to the implementation. LPI configuration is read from the guest's memory where the manual
 * says that it is cached: at MAPTI, INV, INVALL and when LPIs are enabled.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hyp/vgic.h"

#define LPI_FIRST       8192
#define LPIS_MAX        128
#define COLLECTIONS_MAX 16

struct vits {
    bool enabled;
    uint64_t cbaser, cwriter, creadr, baser[2];
    struct vcpu *collection[COLLECTIONS_MAX]; /* NULL: not mapped */
    struct lpi {
        struct virq irq; /* intid 0: free */
        uint32_t device, event;
        uint16_t collection;
    } lpi[LPIS_MAX];
};

/* With an ITS, if @vm has one; at its start. */
void vits_init(struct vm *vm);

/* With the lock of vm->vgic. */
struct virq *vits_irq(struct vm *vm, uint32_t intid);
void vits_enable_lpis(struct vcpu *v);

bool vits_mmio(struct vcpu *v, struct mmio *m);

/* A message-signalled interrupt of an emulated device. */
void vits_send(struct vm *vm, uint32_t device, uint32_t event);
