/*
 * A USB disk (Mass Storage Class, Bulk-Only Transport 1.0) with the commands of SCSI: each comes in
 * a Command Block Wrapper, then its data, then a Command Status Wrapper goes back.
 */
#pragma once

#include "devices/scsi.h"
#include "devices/usb.h"

#define USB_STORAGE_CBW 31 /* bytes */

enum usb_storage_phase {
    USB_STORAGE_COMMAND,
    USB_STORAGE_DATA_IN,
    USB_STORAGE_DATA_OUT,
    USB_STORAGE_STATUS,
    USB_STORAGE_LOST, /* until a reset: what came was no command */
};

struct usb_storage {
    struct usb_device usb; /* first */
    struct scsi_unit *unit;
    enum usb_storage_phase phase;
    uint8_t cbw[USB_STORAGE_CBW], have; /* of the command, as far as it has come */
    bool is_unit;                       /* it is for the unit that there is */
    uint32_t tag, expected;             /* bytes that the host wants to move */
    uint32_t moved;                     /* and those that were */
    uint32_t useful;                    /* of those the ones that were data */
    uint8_t status;
    struct scsi_request request;
};

/* @unit outlives it. @serial may be NULL. */
void usb_storage_init(struct usb_storage *s, struct scsi_unit *unit, const char *serial);
