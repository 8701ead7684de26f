/*
 * An eXtensible Host Controller (xHCI 1.1) as a PCI function, with root ports of USB 2 and of
 * USB 3. Transfers are control, bulk and interrupt; there are no isochronous ones, no streams and
 * no scratchpad. Hubs behind the ports of USB 2 are of full speed, so that there are no transaction
 * translators.
 */
#pragma once

#include "armillary.h"
#include "base/device.h"
#include "base/dma.h"
#include "base/pace.h"
#include "devices/pci.h"
#include "devices/usb.h"

#define XHCI_PORTS_EACH   ARM_USB_XHCI_PORTS /* of USB 2, numbers 1 to 4; then of USB 3 */
#define XHCI_PORTS        (2 * XHCI_PORTS_EACH)
#define XHCI_SLOTS        16
#define XHCI_INTERRUPTERS 16
#define XHCI_ENDPOINTS    32 /* by Device Context Index, 4.5.1; 0 is none */

/* Where the controller is in a ring of Transfer Request Blocks, 4.9. */
struct xhci_ring {
    uint64_t dequeue;
    bool cycle;
};

/* 6.2.3, EP State */
enum xhci_endpoint_state { XHCI_DISABLED, XHCI_RUNNING, XHCI_HALTED, XHCI_STOPPED, XHCI_ERROR };

struct xhci_endpoint {
    enum xhci_endpoint_state state;
    uint8_t type; /* 6.2.3, EP Type */
    uint16_t max_packet;
    struct xhci_ring ring;
    bool pending;   /* there may be something to do */
    bool skip;      /* the Transfer Descriptor is over, but for the TRBs that are left of it */
    uint8_t code;   /* with this completion code */
    bool told;      /* by an event */
    bool in;        /* a control transfer's data goes to the host */
    uint32_t done;  /* bytes of the TRB at the dequeue pointer */
    uint32_t moved; /* bytes since the last Event Data TRB, 4.11.5.2 */
};

/* 6.2.2, Slot State; one that is enabled and has no address yet is 0 there too. */
enum xhci_slot_state {
    XHCI_SLOT_ENABLED,
    XHCI_SLOT_DEFAULT,
    XHCI_SLOT_ADDRESSED,
    XHCI_SLOT_CONFIGURED
};

struct xhci_slot {
    bool enabled;
    enum xhci_slot_state state;
    uint8_t port;   /* 1 + number; 0: none yet */
    uint32_t route; /* the Route String: where behind that port's device, 6.2.2 */
    uint64_t context;
    struct xhci_endpoint endpoints[XHCI_ENDPOINTS];
};

/* 5.5.2; and where it is in its event ring, 4.9.4. */
struct xhci_interrupter {
    uint32_t iman, imod, erst_size;
    uint64_t erst_base, erdp;
    uint32_t segment, segment_size, index; /* of the next event */
    uint64_t segment_base;
    bool cycle;
    bool running; /* it has a ring */
};

struct xhci_port {
    uint32_t portsc;
    bool told;                 /* no: a Port Status Change Event is due */
    struct usb_device *device; /* NULL: nothing is plugged in; not owned */
};

struct xhci {
    struct pci_function function; /* first */
    struct physmem *mem;
    struct dma_master who;
    struct clock *clock;
    struct pace pace;
    struct device regs;
    unsigned interrupters;
    uint32_t command, status, notify, config;
    uint64_t command_control; /* CRCR as it was written */
    uint64_t contexts;        /* DCBAAP */
    struct xhci_ring commands;
    bool commands_running;
    bool pumping, woken; /* in xhci_pump(); meanwhile a device had something */
    struct xhci_port ports[XHCI_PORTS];
    struct xhci_slot slots[XHCI_SLOTS]; /* slot n is at n - 1 */
    struct xhci_interrupter interrupters_of[XHCI_INTERRUPTERS];
};

struct xhci_config {
    struct physmem *mem;
    struct clock *clock;
    unsigned unit;    /* in events of DMA, and in names */
    unsigned vectors; /* of MSI-X; 0: interrupts by the pin only */
    bool express;     /* it is behind a PCI Express port, else on a root bus */
};

/* Must not move afterwards; reset by pci_host_reset(). */
void xhci_init(struct xhci *x, const struct xhci_config *config, const struct arm_log *log);

/* Plug @device in, which outlives @x, before the first reset. @port: as of arm_usb_device, 1 to
 * XHCI_PORTS_EACH; 0: the first free one. False: there is none, or one is there already. */
bool xhci_plug(struct xhci *x, struct usb_device *device, unsigned port);
