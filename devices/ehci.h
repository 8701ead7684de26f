/*
 * An Enhanced Host Controller (EHCI 1.0) as a PCI function, for devices of high speed. It looks at
 * its schedules once a frame, a millisecond of virtual time; there are no isochronous transfers,
 * no companion controllers and no hubs, which are of full speed.
 */
#pragma once

#include "armillary.h"
#include "base/device.h"
#include "base/dma.h"
#include "base/pace.h"
#include "devices/pci.h"
#include "devices/usb.h"

#define EHCI_PORTS ARM_USB_EHCI_PORTS

struct ehci_port {
    uint32_t portsc;
    struct usb_device *device; /* NULL: nothing is plugged in; not owned */
};

struct ehci {
    struct pci_function function; /* first */
    struct physmem *mem;
    struct dma_master who;
    struct clock *clock;
    struct clock_event frame_over;
    struct pace pace;
    struct device regs;
    uint32_t command, status, interrupts, frame, periodic, async, configured;
    struct ehci_port ports[EHCI_PORTS];
};

struct ehci_config {
    struct physmem *mem;
    struct clock *clock;
    unsigned unit; /* in events of DMA, and in names */
    bool express;  /* it is behind a PCI Express port, else on a root bus */
};

/* Must not move afterwards; reset by pci_host_reset(). */
void ehci_init(struct ehci *e, const struct ehci_config *config, const struct arm_log *log);

/* As xhci_plug(): @port 1 to EHCI_PORTS, or 0. */
bool ehci_plug(struct ehci *e, struct usb_device *device, unsigned port);

/* -- of devices/ehci_schedule.c, for devices/ehci.c. Sections are those of the Enhanced Host
 * Controller Interface specification, revision 1.0. -- */

/* 2.3.2, USBSTS */
#define EHCI_STS_INTERRUPT  UINT32_C(0x1)
#define EHCI_STS_ERROR      UINT32_C(0x2)
#define EHCI_STS_PORT       UINT32_C(0x4)
#define EHCI_STS_ROLLOVER   UINT32_C(0x8)
#define EHCI_STS_HOST_ERROR UINT32_C(0x10)
#define EHCI_STS_ADVANCE    UINT32_C(0x20)
#define EHCI_STS_CAUSES     UINT32_C(0x3f)

/* Walk the list of this frame, or the asynchronous one. False: a host system error. */
bool ehci_walk_periodic(struct ehci *e);
bool ehci_walk_async(struct ehci *e);
