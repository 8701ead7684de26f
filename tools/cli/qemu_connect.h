/* What a -device of `armillary qemu` becomes, by the table of its properties (qemu_drivers.def).
 * False: a message was printed. */
#pragma once

#include <stdbool.h>

struct qemu;
struct qemu_device;
struct qemu_drive;

bool qemu_connect_blk(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_net(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_p9(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_rng(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_ramfb_gpu(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_ramfb(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_gpu(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_bochs(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_edu(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_keyboard(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_mouse(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_vsock(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_balloon(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_tablet(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_scsi(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_scsi_unit(struct qemu *q, const struct qemu_device *device); /* qemu_units.c */
bool qemu_connect_ehci(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_xhci(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_usb_hub(struct qemu *q, const struct qemu_device *device); /* qemu_usb.c */
bool qemu_connect_usb_keyboard(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_usb_mouse(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_usb_storage(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_usb_tablet(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_usb_unplugged(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_nvme(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_nvme_ns(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_gpu_gl(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_e1000(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_e1000e(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_ide_unit(struct qemu *q, const struct qemu_device *device); /* qemu_units.c */
bool qemu_connect_hda(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_hda_codec(struct qemu *q, const struct qemu_device *device); /* qemu_units.c */
bool qemu_connect_tpm(struct qemu *q, const struct qemu_device *device);       /* qemu_tpm.c */
bool qemu_connect_smmu(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_sdhci(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_sd_card(struct qemu *q, const struct qemu_device *device); /* qemu_units.c */
bool qemu_connect_ahci(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_serial(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_port(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_ivshmem(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_i6300esb(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_pci_testdev(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_pvpanic(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_snd(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_pci_serial(struct qemu *q, const struct qemu_device *device);
bool qemu_connect_pcie_port(struct qemu *q, const struct qemu_device *device); /* qemu_pci.c */
bool qemu_connect_bridge(struct qemu *q, const struct qemu_device *device);

/* @device NULL: a disk of if=virtio, which is on PCI. */
bool qemu_add_blk(struct qemu *q, const struct qemu_device *device, const struct qemu_drive *drive);
