/* Devices of the configuration, by kind (base/device_kinds.def). */
#pragma once

#include "devices/ahci.h"
#include "devices/bochs.h"
#include "devices/e1000.h"
#include "devices/edu.h"
#include "devices/hda.h"
#include "devices/i6300esb.h"
#include "devices/ivshmem.h"
#include "devices/nvme.h"
#include "devices/pci_serial.h"
#include "devices/pci_testdev.h"
#include "devices/pvpanic.h"
#include "devices/sdhci.h"
#include "devices/testdev.h"
#include "devices/virtio_9p.h"
#include "devices/virtio_balloon.h"
#include "devices/virtio_blk.h"
#include "devices/virtio_console.h"
#include "devices/virtio_gpu.h"
#include "devices/virtio_input.h"
#include "devices/virtio_net.h"
#include "devices/virtio_pci.h"
#include "devices/virtio_rng.h"
#include "devices/virtio_scsi.h"
#include "devices/virtio_snd.h"
#include "devices/virtio_vsock.h"
#include "machine/virt.h"
#include "machine/virt_usb.h"

struct virt_plugged {
    enum arm_device_kind kind;
    struct disk disk; /* of a block device; .fd < 0: not open */
    struct scsi_unit unit;
    struct testdev testdev[ARM_PORTS_MAX];
    struct virtio_pci pci; /* if it is there */
    struct virt_usb *usb;  /* of USB; owned */
    union {
        struct virtio virtio;
        struct pci_function function; /* of what is on PCI only */
        struct virtio_blk blk;
        struct virtio_console console;
        struct virtio_rng rng;
        struct virtio_balloon balloon;
        struct virtio_net net;
        struct virtio_vsock vsock;
        struct virtio_snd snd;
        struct virtio_9p folder;
        struct virtio_input input;
        struct virtio_gpu gpu;
        struct virtio_scsi scsi;
        struct nvme nvme;
        struct e1000 e1000;
        struct ahci ahci;
        struct hda hda;
        struct bochs bochs;
        struct edu edu;
        struct ivshmem ivshmem;
        struct pvpanic pvpanic;
        struct pci_testdev pci_testdev;
        struct i6300esb i6300esb;
        struct pci_serial pci_serial;
        struct sdhci sdhci;
        struct sd_card sd_card;
        struct hda_codec codec;
    };
};

/* What the creation of one device needs. */
struct plug {
    struct virt_board *board;
    const struct virt_config *cfg;
    const struct arm_device *what;
    unsigned unit; /* on PCI, in events of DMA */
    struct physmem *mem;
    const struct arm_log *log;
};

/* In a virtio-mmio slot or as virtio on PCI; on PCI only, with nothing of virtio; on a controller
 * before it. */
enum virt_place { VIRT_SLOT, VIRT_FUNCTION, VIRT_UNIT };

/* Of a kind that virt_check_kinds() has let through. */
enum virt_place virt_place_of(enum arm_device_kind kind);
const char *virt_kind_name(enum arm_device_kind kind); /* as a snapshot's facts have it */

int virt_check_kinds(const struct virt_config *cfg, struct arm_error *err)
    __attribute__((warn_unused_result));

/* Return 0 or -ARM_Exxx. *@out, if it is not NULL, is unplugged in both cases. */
int virt_plug(struct virt_plugged **out, const struct plug *plug, struct arm_error *err)
    __attribute__((warn_unused_result));
void virt_unplug(struct virt_plugged *p);

/* The PCI function of one that is there. */
struct pci_function *virt_function_of(struct virt_plugged *p);

/* Messages for a function that has a use for @count of them, if nothing else is wanted. */
unsigned virt_vectors(const struct virt_config *cfg, const struct arm_pci_place *place,
                      unsigned count);
