/* What the files of the xHCI share. Sections are those of the eXtensible Host Controller Interface
 * specification, revision 1.1. */
#pragma once

#include "devices/xhci.h"

/* 5.4.1, USBCMD */
#define USBCMD_RUN         UINT32_C(0x1)
#define USBCMD_RESET       UINT32_C(0x2)
#define USBCMD_INTERRUPTS  UINT32_C(0x4)
#define USBCMD_LIGHT_RESET UINT32_C(0x80)
#define USBCMD_SAVE        UINT32_C(0x100)
#define USBCMD_RESTORE     UINT32_C(0x200)
#define USBCMD_KEPT        UINT32_C(0xc0d)

/* 5.4.2, USBSTS */
#define USBSTS_HALTED      UINT32_C(0x1)
#define USBSTS_HOST_ERROR  UINT32_C(0x4)
#define USBSTS_EVENT       UINT32_C(0x8)
#define USBSTS_PORT_CHANGE UINT32_C(0x10)
#define USBSTS_RESTORE_BAD UINT32_C(0x400)
#define USBSTS_CLEARABLE   (USBSTS_EVENT | USBSTS_PORT_CHANGE | USBSTS_RESTORE_BAD)

/* 5.4.5, CRCR */
#define CRCR_CYCLE   UINT64_C(0x1)
#define CRCR_STOP    UINT64_C(0x2)
#define CRCR_ABORT   UINT64_C(0x4)
#define CRCR_RUNNING UINT64_C(0x8)
#define CRCR_POINTER (~UINT64_C(0x3f))

/* 5.5.2.1, IMAN */
#define IMAN_PENDING UINT32_C(0x1)
#define IMAN_ENABLE  UINT32_C(0x2)

/* 5.5.2.3.3, ERDP */
#define ERDP_BUSY    UINT64_C(0x8)
#define ERDP_POINTER (~UINT64_C(0xf))

/* 5.4.8, PORTSC */
#define PORTSC_CONNECTED   UINT32_C(0x1)
#define PORTSC_ENABLED     UINT32_C(0x2)
#define PORTSC_RESET       UINT32_C(0x10)
#define PORTSC_LINK        UINT32_C(0x1e0)
#define PORTSC_LINK_SHIFT  5
#define PORTSC_POWER       UINT32_C(0x200)
#define PORTSC_SPEED_SHIFT 10
#define PORTSC_INDICATOR   UINT32_C(0xc000)
#define PORTSC_LINK_WRITE  UINT32_C(0x10000)
#define PORTSC_CSC         UINT32_C(0x20000)
#define PORTSC_WRC         UINT32_C(0x80000)
#define PORTSC_PRC         UINT32_C(0x200000)
#define PORTSC_PLC         UINT32_C(0x400000)
#define PORTSC_CHANGES     UINT32_C(0xfe0000)
#define PORTSC_WAKES       UINT32_C(0xe000000)
#define PORTSC_WARM_RESET  UINT32_C(0x80000000)

enum { LINK_U0 = 0, LINK_U3 = 3, LINK_RX_DETECT = 5, LINK_POLLING = 7, LINK_RESUME = 15 };

/* 6.4.6, TRB Types */
enum {
    TRB_NORMAL = 1,
    TRB_SETUP = 2,
    TRB_DATA = 3,
    TRB_STATUS = 4,
    TRB_LINK = 6,
    TRB_EVENT_DATA = 7,
    TRB_NO_OP = 8,
    TRB_ENABLE_SLOT = 9,
    TRB_DISABLE_SLOT = 10,
    TRB_ADDRESS_DEVICE = 11,
    TRB_CONFIGURE_ENDPOINT = 12,
    TRB_EVALUATE_CONTEXT = 13,
    TRB_RESET_ENDPOINT = 14,
    TRB_STOP_ENDPOINT = 15,
    TRB_SET_DEQUEUE = 16,
    TRB_RESET_DEVICE = 17,
    TRB_NO_OP_COMMAND = 23,
    TRB_TRANSFER_EVENT = 32,
    TRB_COMMAND_COMPLETION = 33,
    TRB_PORT_CHANGE = 34,
};

/* 6.4.5, TRB Completion Codes */
enum {
    CODE_SUCCESS = 1,
    CODE_TRANSACTION_ERROR = 4,
    CODE_TRB_ERROR = 5,
    CODE_STALL = 6,
    CODE_RESOURCE_ERROR = 7,
    CODE_NO_SLOTS = 9,
    CODE_SLOT_NOT_ENABLED = 11,
    CODE_ENDPOINT_NOT_ENABLED = 12,
    CODE_SHORT_PACKET = 13,
    CODE_PARAMETER_ERROR = 17,
    CODE_CONTEXT_STATE = 19,
    CODE_COMMAND_RING_STOPPED = 24,
    CODE_STOPPED = 26,
};

/* A Transfer Request Block, 4.11.1, and its fields. */
#define TRB_BYTES 16
struct xhci_trb {
    uint64_t parameter;
    uint32_t status, control;
};

#define TRB_CYCLE           UINT32_C(0x1)
#define TRB_TOGGLE          UINT32_C(0x2) /* of a Link TRB */
#define TRB_EVENT_IS_DATA   UINT32_C(0x4) /* of a Transfer Event */
#define TRB_ON_SHORT        UINT32_C(0x4)
#define TRB_CHAIN           UINT32_C(0x10)
#define TRB_ON_COMPLETION   UINT32_C(0x20)
#define TRB_IMMEDIATE       UINT32_C(0x40)
#define TRB_NO_ADDRESS      UINT32_C(0x200) /* BSR of Address Device */
#define TRB_DECONFIGURE     UINT32_C(0x200)
#define TRB_BLOCK_INTERRUPT UINT32_C(0x200)
#define TRB_DIR_IN          UINT32_C(0x10000)
#define TRB_LENGTH(t)       ((t)->status & 0x1ffff)
#define TRB_TARGET(t)       ((t)->status >> 22)
#define TRB_TYPE(t)         ((t)->control >> 10 & 0x3f)
#define TRB_ENDPOINT(t)     ((t)->control >> 16 & 0x1f)
#define TRB_SLOT(t)         ((t)->control >> 24)

/* Endpoint types, 6.2.3; those that send to the host have 4 more. */
enum { ENDPOINT_ISOCH = 1, ENDPOINT_BULK = 2, ENDPOINT_INTERRUPT = 3, ENDPOINT_CONTROL = 4 };

#define CONTEXT_BYTES 32

/* Work as so many bytes (base/pace.h), so that no ring keeps the run from its limits. */
#define TRB_COST 256

/* Link TRBs in a row that are followed: a ring of nothing else is not. */
#define LINKS_MAX 32

/* -- xhci.c -- */

/* A Host System Error: nothing works until a reset, 4.10.2.6 */
void xhci_die(struct xhci *x, const char *what, uint64_t at);
static inline bool xhci_is_running(const struct xhci *x)
{
    return !(x->status & USBSTS_HALTED);
}

/* Do what there is to do, as much as this microsecond has room for. */
void xhci_pump(struct xhci *x);

/* Of devices: an endpoint that has answered USB_NAK may have something now. */
void xhci_device_ready(void *ctx, struct usb_device *d, uint8_t address);

/* -- xhci_state.c -- */
void xhci_state(struct state_io *io, struct pci_function *f);

/* -- xhci_memory.c: the guest's memory; false: it is not there, and the controller has died -- */
bool xhci_read(struct xhci *x, uint64_t at, void *buf, size_t n);
bool xhci_write(struct xhci *x, uint64_t at, const void *buf, size_t n);
bool xhci_read32s(struct xhci *x, uint64_t at, uint32_t *values, unsigned count);
bool xhci_write32s(struct xhci *x, uint64_t at, const uint32_t *values, unsigned count);

/* The TRB at a ring's dequeue pointer, behind Link TRBs; false: there is none (yet). */
bool xhci_fetch(struct xhci *x, struct xhci_ring *ring, struct xhci_trb *trb);
void xhci_advance(struct xhci_ring *ring);

/* -- xhci_event.c -- */
void xhci_erst_written(struct xhci *x, unsigned n); /* the ring begins anew */
bool xhci_has_room(struct xhci *x, unsigned n, unsigned events);
void xhci_event(struct xhci *x, unsigned n, const struct xhci_trb *event);
void xhci_erdp_written(struct xhci *x, unsigned n, uint64_t value);
void xhci_update_pin(struct xhci *x);

/* -- xhci_port.c -- */
void xhci_ports_reset(struct xhci *x); /* all of them, as at power on */
uint32_t xhci_port_read(struct xhci *x, unsigned port);
void xhci_port_write(struct xhci *x, unsigned port, uint32_t value);
bool xhci_tell_ports(struct xhci *x); /* events that are due; true: there was one */
void xhci_ports_started(struct xhci *x);

/* -- xhci_command.c -- */
bool xhci_command(
    struct xhci *x); /* the next one; false: there is none, or no room for its event */
void xhci_command_stop(struct xhci *x);
void xhci_slots_reset(struct xhci *x);
void xhci_put_endpoint(struct xhci *x, struct xhci_slot *s, unsigned dci);

/* -- xhci_transfer.c -- */

/* Go on with an endpoint, a few TRBs; false: it waits. */
bool xhci_transfer(struct xhci *x, struct xhci_slot *s, unsigned dci);
void xhci_transfer_stopped(struct xhci *x, struct xhci_slot *s, unsigned dci);
struct usb_device *xhci_device(struct xhci *x, const struct xhci_slot *s);
void xhci_forget_transfer(struct xhci_endpoint *e);
static inline unsigned xhci_slot_id(const struct xhci *x, const struct xhci_slot *s)
{
    return (unsigned)(s - x->slots) + 1;
}
