#include "qemu_drivers.h"

#include <glib.h>
#include <string.h>

#include "parse.h"
#include "qemu.h"
#include "qemu_blocks.h"
#include "qemu_connect.h"

/* The row being filled. */
static struct qemu_device *device(struct qemu *q)
{
    return &q->devices.devices[q->devices.device_count];
}

#define TEXT(member) PROPERTY_TEXT(set_##member, device(q)->member)
TEXT(id)
TEXT(drive)
TEXT(chardev)
TEXT(name)
TEXT(rng)
TEXT(netdev)
TEXT(mac)
TEXT(on)
TEXT(serial)
TEXT(fsdev)
TEXT(tag)
TEXT(scsi_id)
TEXT(lun)
TEXT(port)
TEXT(cad)
TEXT(tpmdev)
TEXT(bus_nr)
TEXT(memdev)
#undef TEXT

#define FLAG(member, is) PROPERTY_FLAG(set_##member, device(q)->member, is)
FLAG(no_event_idx, false)
FLAG(no_indirect, false)
FLAG(packed, true)
FLAG(access_platform, true)
FLAG(bypass, true)
#undef FLAG

static bool set_side(struct qemu *q, const char *name, const char *value, unsigned *side)
{
    uint64_t n;

    (void)q;
    if (!parse_number(value, 1, 4095, &n))
        return qemu_bad("-device virtio-gpu,%s=%s: expected 1 to 4095 pixels", name, value);
    *side = (unsigned)n;
    return true;
}

static bool set_width(struct qemu *q, const char *value)
{
    return set_side(q, "xres", value, &device(q)->width);
}

static bool set_height(struct qemu *q, const char *value)
{
    return set_side(q, "yres", value, &device(q)->height);
}

static bool set_boot(struct qemu *q, const char *value)
{
    uint64_t n;

    if (!parse_number(value, 0, INT32_MAX, &n))
        return qemu_bad("-device %s,bootindex=%s: expected a number", device(q)->driver->name,
                        value);
    device(q)->boot = 1 + (unsigned)n;
    return true;
}

/* "on" asks for more than there is: it is not offered to the driver, who does without. */
#define LACKING(property, what)                                                                    \
    static bool set_##property(struct qemu *q, const char *value)                                  \
    {                                                                                              \
        if (property_is_on(value))                                                                 \
            qemu_note(q, "-device %s: there " what, device(q)->driver->name);                      \
        return true;                                                                               \
    }
LACKING(multiqueue, "is one pair of queues")
LACKING(offload, "are no offloads")
LACKING(blob, "are no blobs")
LACKING(removable, "is no way to take the disk out")
#undef LACKING

/* So many, of something of which there is a number of its own. */
static bool note_number(struct qemu *q, const char *value, uint64_t ours, const char *what)
{
    uint64_t n;

    if (!parse_number(value, 0, UINT32_MAX, &n))
        return qemu_bad("-device %s: \"%s\": expected a number", device(q)->driver->name, value);
    if (n != ours)
        qemu_note(q, "-device %s: of %s there is %u", device(q)->driver->name, what,
                  (unsigned)ours);
    return true;
}

#define NUMBER(property, ours, what)                                                               \
    static bool set_##property(struct qemu *q, const char *value)                                  \
    {                                                                                              \
        return note_number(q, value, ours, what);                                                  \
    }
NUMBER(usb2_ports, 4, "USB 2 ports")
NUMBER(usb3_ports, 4, "USB 3 ports")
NUMBER(outputs, 1, "outputs")
NUMBER(queue_size, 256, "a queue's entries")
#undef NUMBER

/* What every virtio device has. The features are what these devices offer; what of them only old
 * drivers know, and what becomes of them when a machine is migrated, is no matter here. */
#define VIRTIO_PROPERTIES                                                                          \
    {"id", "ID", set_id, NULL}, {"bus", "BUS", set_on, NULL},                                      \
        {"event-idx", "on|off", set_no_event_idx, NULL},                                           \
        {"indirect-desc", "on|off", set_no_indirect, NULL},                                        \
        {"packed", "on|off", set_packed, NULL}, {"any-layout", "on|off", NULL, NULL},              \
        {"notify-on-empty", "on|off", NULL, NULL}, {"queue-reset", "on|off", NULL, NULL},          \
        {"use-started", "on|off", NULL, NULL}, {"use-disabled-flag", "on|off", NULL, NULL},        \
        {"migrate-extra", "on|off", NULL, NULL},                                                   \
    {                                                                                              \
        "iommu-platform", "on|off", set_access_platform, NULL                                      \
    }

/* What every disk has, whatever it is connected to: what it says of itself and how the host treats
 * its file, but for what else stands in its table. */
#define DISK_PROPERTIES                                                                            \
    {"drive", "ID", set_drive, NULL}, {"bootindex", "N", set_boot, NULL},                          \
        {"share-rw", "on|off", NULL, NULL}, {"backend-defaults", "on|off|auto", NULL, NULL},       \
        {"account-invalid", "on|off|auto", NULL, NULL},                                            \
        {"account-failed", "on|off|auto", NULL, NULL},                                             \
        {"rerror", "report|ignore|stop|auto", NULL, NULL},                                         \
    {                                                                                              \
        "werror", "report|ignore|stop|enospc|auto", NULL, NULL                                     \
    }

/* The blocks of other disks than virtio's. */
#define PLAIN_BLOCKS                                                                               \
    {"write-cache", "on|auto", NULL, NULL},                                                        \
        {"logical-block-size", "SIZE", qemu_set_logical_block, NULL},                              \
        {"physical-block-size", "SIZE", qemu_set_physical_block, NULL},                            \
        {"min-io-size", "SIZE", NULL, NULL}, {"opt-io-size", "SIZE", NULL, NULL},                  \
    {                                                                                              \
        "discard-granularity", "SIZE", NULL, NULL                                                  \
    }

/* Names and numbers that a SCSI or an ATA disk of QEMU can be given. */
#define DISK_NAMES                                                                                 \
    {"vendor", "TEXT", NULL, DISK_NAMED}, {"product", "TEXT", NULL, DISK_NAMED},                   \
        {"model", "TEXT", NULL, DISK_NAMED}, {"ver", "TEXT", NULL, DISK_NAMED},                    \
        {"wwn", "N", NULL, DISK_NAMED}, {"port-wwn", "N", NULL, DISK_NAMED},                       \
        {"port-index", "N", NULL, NULL}, {"scsi-version", "N", NULL, NULL},                        \
        {"dpofua", "on|off", NULL, NULL}, {"max-unmap-size", "SIZE", NULL, NULL},                  \
        {"max-io-size", "SIZE", NULL, NULL}, {"cyls", "N", NULL, NULL},                            \
        {"heads", "N", NULL, NULL}, {"secs", "N", NULL, NULL},                                     \
    {                                                                                              \
        "removable", "on|off", set_removable, NULL                                                 \
    }
#define DISK_NAMED "of names the guest sees the serial number"

static const struct property blk_properties[] = {
    DISK_PROPERTIES,
    VIRTIO_PROPERTIES,
    {"write-cache", "on|off|auto", qemu_set_write_cache, NULL},
    {"logical-block-size", "SIZE", qemu_set_logical_block, NULL},
    {"physical-block-size", "SIZE", qemu_set_physical_block, NULL},
    {"min-io-size", "SIZE", qemu_set_min_io, NULL},
    {"opt-io-size", "SIZE", qemu_set_opt_io, NULL},
    {"discard-granularity", "SIZE", qemu_set_discard_granularity, NULL},
    {"discard", "on|off", qemu_set_discard, NULL},
    {"write-zeroes", "on|off", qemu_set_write_zeroes, NULL},
    {"report-discard-granularity", "on|off", NULL, NULL},
    {"max-discard-sectors", "N", NULL, NULL},
    {"max-write-zeroes-sectors", "N", NULL, NULL},
    {"request-merging", "on|off", NULL, NULL},
    {"seg-max-adjust", "on|off", NULL, NULL},
    {"x-enable-wce-if-config-wce", "on|off", NULL, NULL},
    {"cyls", "N", NULL, NULL},
    {"heads", "N", NULL, NULL},
    {"secs", "N", NULL, NULL},
    {"serial", "TEXT", set_serial, NULL},
    {"scsi", "off", NULL, NULL},
    {"num-queues", "N", qemu_set_queues, NULL},
    {"queue-size", "N", set_queue_size, NULL},
    {"iothread", "ID", NULL, NULL}, /* devices have no threads here */
    {"config-wce", "off", NULL, NULL},
};

/* What is off is not offered to the driver; QEMU's device offers it. */
static const struct property net_properties[] = {
    {"netdev", "ID", set_netdev, NULL},
    {"mac", "MAC", set_mac, NULL},
    VIRTIO_PROPERTIES,
    {"status", "on", NULL, NULL},
    {"mq", "on|off", set_multiqueue, NULL},
    {"csum", "on|off", set_offload, NULL},
    {"gso", "on|off", set_offload, NULL},
    {"mrg-rxbuf", "on|off", set_offload, NULL},
    {"ctrl-vq", "on|off", set_offload, NULL},
    {"guest-csum", "on|off", set_offload, NULL},
    {"guest-tso4", "on|off", set_offload, NULL},
    {"guest-tso6", "on|off", set_offload, NULL},
    {"host-tso4", "on|off", set_offload, NULL},
    {"host-tso6", "on|off", set_offload, NULL},
    {"rss", "on|off", set_multiqueue, NULL},
    {"hash", "on|off", set_multiqueue, NULL},
    {"host-mtu", "N", NULL, "the driver is told of no MTU"},
    {"rx-queue-size", "N", set_queue_size, NULL},
    {"tx-queue-size", "N", set_queue_size, NULL},
    {"bootindex", "N", set_boot, NULL},
    {"guest-ecn", "on|off", set_offload, NULL},
    {"guest-ufo", "on|off", set_offload, NULL},
    {"host-ecn", "on|off", set_offload, NULL},
    {"host-ufo", "on|off", set_offload, NULL},
    {"guest-rsc-ext", "on|off", set_offload, NULL},
    {"ctrl-guest-offloads", "on|off", set_offload, NULL},
    {"ctrl-rx", "on|off", set_offload, NULL},
    {"ctrl-rx-extra", "on|off", set_offload, NULL},
    {"ctrl-vlan", "on|off", set_offload, NULL},
    {"ctrl-mac-addr", "on|off", set_offload, NULL},
    {"guest-announce", "on|off", NULL, NULL}, /* after a migration */
    {"tx", "timer|bh", NULL, NULL},           /* how QEMU's device sends, like the next two */
    {"x-txtimer", "N", NULL, NULL},
    {"x-txburst", "N", NULL, NULL},
    {"speed", "N", NULL, "the driver is told of no speed"},
    {"duplex", "half|full", NULL, NULL},
};

static const struct property e1000_properties[] = {
    {"netdev", "ID", set_netdev, NULL},
    {"mac", "MAC", set_mac, NULL},
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
    {"bootindex", "N", set_boot, NULL},
    {"autonegotiation", "on", NULL, NULL},
    {"mitigation", "on|off", NULL, "interrupts come at once"},
    {"extra-mac-registers", "on|off", NULL, NULL},
    {"migrate-tso-props", "on|off", NULL, NULL},
    {"init-vet", "on|off", NULL, NULL},
};

static const struct property e1000e_properties[] = {
    {"netdev", "ID", set_netdev, NULL}, {"mac", "MAC", set_mac, NULL},
    {"id", "ID", set_id, NULL},         {"bus", "BUS", set_on, NULL},
    {"bootindex", "N", set_boot, NULL}, {"disable_vnet_hdr", "on|off", NULL, NULL},
    {"init-vet", "on|off", NULL, NULL},
};

static const struct property rng_properties[] = {
    {"rng", "ID", set_rng, NULL},
    VIRTIO_PROPERTIES,
    {"max-bytes", "N", NULL, "entropy comes without a limit"},
    {"period", "N", NULL, NULL},
};

/* What the host could ask the balloon for, it does not. */
static const struct property balloon_properties[] = {
    VIRTIO_PROPERTIES,
    {"deflate-on-oom", "on|off", NULL, NULL},
    {"free-page-hint", "on|off", NULL, NULL},
    {"free-page-reporting", "on|off", NULL, NULL},
    {"page-poison", "on|off", NULL, NULL},
    {"guest-stats-polling-interval", "N", NULL, NULL},
    {"iothread", "ID", NULL, NULL},
    {"qemu-4-0-config-size", "on|off", NULL, NULL},
};

static bool set_cid(struct qemu *q, const char *value)
{
    uint64_t n;

    if (!parse_number(value, 3, UINT32_MAX - 1, &n))
        return qemu_bad("-device %s,guest-cid=%s: expected 3 to %u", device(q)->driver->name, value,
                        UINT32_MAX - 1);
    device(q)->cid = (uint32_t)n;
    return true;
}

/* Of the host's kernel, whose part this is on QEMU, there is none. */
static const struct property vsock_properties[] = {
    {"guest-cid", "N", set_cid, NULL},
    VIRTIO_PROPERTIES,
    {"vhostfd", "N", NULL, NULL},
    {"seqpacket", "on|off|auto", NULL, NULL},
};

static const struct property p9_properties[] = {
    {"fsdev", "ID", set_fsdev, NULL},
    {"mount-tag", "TAG", set_tag, NULL},
    VIRTIO_PROPERTIES,
};

static const struct property ramfb_properties[] = {
    {"id", "ID", set_id, NULL},
    {"x-migrate", "on|off", NULL, NULL},
};

static const struct property gpu_properties[] = {
    {"xres", "N", set_width, NULL},
    {"yres", "N", set_height, NULL},
    VIRTIO_PROPERTIES,
    {"max-outputs", "N", set_outputs, NULL},
    {"max-hostmem", "SIZE", NULL, "the pictures of a device may have 256 MiB"},
    {"edid", "on", NULL, NULL},
    {"blob", "on|off", set_blob, NULL},
    {"hostmem", "SIZE", NULL, NULL}, /* of blobs, like the next one */
    {"resource-uuid", "on|off", NULL, NULL},
    {"venus", "on|off", NULL, NULL}, /* of what is drawn with GL and Vulkan, like the others */
    {"drm-native-context", "on|off", NULL, NULL},
    {"stats", "on|off", NULL, NULL},
};

/* What is drawn is two-dimensional: the driver is not offered the rest. */
#define gpu_gl_properties gpu_properties

static bool set_vgamem(struct qemu *q, const char *value)
{
    uint64_t n;

    if (!parse_number(value, 1, 256, &n))
        return qemu_bad("-device %s,vgamem_mb=%s: expected 1 to 256", device(q)->driver->name,
                        value);
    device(q)->vram_mib = (unsigned)n;
    return true;
}

static const struct property bochs_properties[] = {
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
    {"vgamem-mb", "N", set_vgamem, NULL},
    {"xres", "N", set_width, NULL},
    {"yres", "N", set_height, NULL},
    {"edid", "on", NULL, NULL},
    {"mmio", "on", NULL, NULL},
    {"xmax", "N", NULL, NULL},
    {"ymax", "N", NULL, NULL},
    {"refresh-rate", "N", NULL, NULL},
    {"qemu-extended-regs", "on", NULL, NULL},
};

/* The addresses of its transfers have 28 bits, as they have there by default. */
static const struct property edu_properties[] = {
    {"dma-mask", "N", NULL, "it reaches the addresses below 256 MiB"},
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
};

static const struct property ivshmem_properties[] = {
    {"memdev", "ID", set_memdev, NULL},
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
    {"master", "on|off|auto", NULL, NULL}, /* of migration */
};

static const struct property pci_serial_properties[] = {
    {"chardev", "ID", set_chardev, NULL},
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
    {"prog-if", "2", NULL, NULL},
};

static const struct property i6300esb_properties[] = {
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
};

static const struct property pvpanic_properties[] = {
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
    {"events", "N", NULL, "it knows both"},
};

static const struct property pci_testdev_properties[] = {
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
    {"membar", "0", NULL, NULL},
};

static const struct property input_properties[] = {
    VIRTIO_PROPERTIES,
    {"display", "ID", NULL, "there is one display, and all input is its"},
    {"head", "N", NULL, NULL},
    {"wheel-axis", "on", NULL, NULL},
};

static const struct property scsi_properties[] = {
    VIRTIO_PROPERTIES,
    {"num-queues", "N", qemu_set_queues, NULL},
    {"iothread", "ID", NULL, NULL},
    {"hotplug", "on|off", NULL, "nothing is hot-plugged"},
    {"param-change", "on|off", NULL, NULL},
    {"virtqueue-size", "N", set_queue_size, NULL},
    {"cmd-per-lun", "N", NULL, NULL},
    {"max-sectors", "N", NULL, NULL},
    {"seg-max-adjust", "on|off", NULL, NULL},
};

static const struct property scsi_unit_properties[] = {
    DISK_PROPERTIES,
    PLAIN_BLOCKS,
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
    {"scsi-id", "N", set_scsi_id, NULL},
    {"lun", "N", set_lun, NULL},
    {"channel", "0", NULL, NULL},
    {"serial", "TEXT", set_serial, NULL},
    {"rotation-rate", "N", NULL, NULL},
    DISK_NAMES,
    {"device-id", "TEXT", NULL, NULL},
};

static const struct property xhci_properties[] = {
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
    {"p2", "N", set_usb2_ports, NULL},
    {"p3", "N", set_usb3_ports, NULL},
    {"intrs", "16", NULL, NULL},
    {"slots", "N", NULL, "there are 16"},
    {"streams", "on|off", NULL, "there are no streams"},
    {"msi", "on|off|auto", NULL, NULL},
    {"msix", "on|auto", NULL, NULL},
    {"superspeed-ports-first", "on|off", NULL, NULL},
};

static const struct property ehci_properties[] = {
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
    {"maxframes", "N", NULL, NULL},
};

/* What every USB device has. */
#define USB_PROPERTIES                                                                             \
    {"id", "ID", set_id, NULL}, {"bus", "BUS", set_on, NULL}, {"port", "N[.N]", set_port, NULL},   \
        {"msos-desc", "on|off", NULL, NULL}, {"pcap", "FILE", NULL, "nothing is written there"},   \
    {                                                                                              \
        "attached", "on", NULL, NULL                                                               \
    }

static const struct property usb_hid_properties[] = {
    USB_PROPERTIES,
    {"usb-version", "2", NULL, NULL},
    {"display", "ID", NULL, "there is one display, and all input is its"},
    {"head", "N", NULL, NULL},
};

static const struct property usb_hub_properties[] = {
    USB_PROPERTIES,
    {"ports", "8", NULL, NULL},
    {"port-power", "off", NULL, NULL},
};

static const struct property usb_storage_properties[] = {
    DISK_PROPERTIES,
    PLAIN_BLOCKS,
    USB_PROPERTIES,
    {"serial", "TEXT", set_serial, NULL},
    {"removable", "on|off", set_removable, NULL},
    {"commandlog", "on|off", NULL, NULL},
};

/* Which device of the host it is to be, and how it is handed through. */
static const struct property usb_host_properties[] = {
    USB_PROPERTIES,
    {"vendorid", "N", NULL, NULL},
    {"productid", "N", NULL, NULL},
    {"hostbus", "N", NULL, NULL},
    {"hostaddr", "N", NULL, NULL},
    {"hostport", "N", NULL, NULL},
    {"hostdevice", "FILE", NULL, NULL},
    {"isobufs", "N", NULL, NULL},
    {"isobsize", "N", NULL, NULL},
    {"guest-reset", "on|off", NULL, NULL},
    {"guest-resets-all", "on|off", NULL, NULL},
    {"suppress-remote-wake", "on|off", NULL, NULL},
    {"bootindex", "N", NULL, NULL},
};

static const struct property usb_redir_properties[] = {
    {"chardev", "ID", set_chardev, NULL}, USB_PROPERTIES,
    {"debug", "N", NULL, NULL},           {"filter", "TEXT", NULL, NULL},
    {"streams", "on|off", NULL, NULL},    {"bootindex", "N", NULL, NULL},
};

static const struct property nvme_properties[] = {
    DISK_PROPERTIES,
    PLAIN_BLOCKS,
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
    {"serial", "TEXT", set_serial, NULL},
    {"max-ioqpairs", "N", NULL, "there are 16 pairs"},
    {"msix-qsize", "N", NULL, "there are 17 messages"},
    {"mdts", "N", NULL, "a command moves 128 KiB at most"},
    {"aerl", "N", NULL, NULL},
    {"cmb-size-mb", "0", NULL, NULL},
    {"num-queues", "N", NULL, "there are 16 pairs"},
    {"aer-max-queued", "N", NULL, NULL},
    {"use-intel-id", "off", NULL, NULL},
    {"vsl", "N", NULL, NULL},
    {"ioeventfd", "on|off", NULL, NULL},
    {"msix-exclusive-bar", "on|off", NULL, NULL},
    {"smart-critical-warning", "0", NULL, NULL},
    {"sriov-max-vfs", "0", NULL, NULL},
    {"subsys", "ID", NULL, "it is a subsystem of its own"},
};

static const struct property nvme_ns_properties[] = {
    DISK_PROPERTIES,
    PLAIN_BLOCKS,
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
    {"nsid", "1", NULL, NULL},
    {"uuid", "UUID", NULL, NULL}, /* of what the namespace says of itself, like the others */
    {"eui64", "N", NULL, NULL},
    {"shared", "on|off", NULL, NULL},
};

static const struct property ahci_properties[] = {
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
};

static const struct property ide_unit_properties[] = {
    DISK_PROPERTIES,
    PLAIN_BLOCKS,
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
    {"unit", "0", NULL, NULL},
    {"serial", "TEXT", set_serial, NULL},
    {"rotation-rate", "N", NULL, NULL},
    DISK_NAMES,
};

/* Its interrupts are by its pin. */
static const struct property hda_properties[] = {
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
    {"msi", "on|off|auto", NULL, NULL},
    {"debug", "N", NULL, NULL},
    {"old-msi-addr", "on|off", NULL, NULL},
};

static const struct property sdhci_properties[] = {
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
    {"sd-spec-version", "2", NULL, NULL},
    {"uhs", "0", NULL, NULL},
    {"capareg", "N", NULL, "it says of itself what it has"},
    {"maxcurr", "N", NULL, NULL},
    {"pending-insert-quirk", "on|off", NULL, NULL},
};

static const struct property sd_card_properties[] = {
    {"drive", "ID", set_drive, NULL},  {"id", "ID", set_id, NULL}, {"bus", "BUS", set_on, NULL},
    {"spec_version", "2", NULL, NULL}, {"spi", "off", NULL, NULL},
};

static const struct property hda_codec_properties[] = {
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
    {"cad", "N", set_cad, NULL},
    {"audiodev", "ID", NULL, "what is played is heard by nobody, what is recorded is silence"},
    {"mixer", "on", NULL, NULL},
    {"use-timer", "on", NULL, NULL},
    {"debug", "N", NULL, NULL},
};

static const struct property snd_properties[] = {
    {"audiodev", "ID", NULL, "what is played is heard by nobody, what is recorded is silence"},
    VIRTIO_PROPERTIES,
    {"jacks", "0", NULL, NULL},
    {"streams", "2", NULL, NULL},
    {"chmaps", "0", NULL, NULL},
};

static const struct property tpm_properties[] = {
    {"id", "ID", set_id, NULL},
    {"tpmdev", "ID", set_tpmdev, NULL},
    {"ppi", "off", NULL, NULL},
};

/* What QEMU 10.1 and later have in place of -machine iommu=smmuv3. */
static const struct property smmu_properties[] = {
    {"primary-bus", "pcie.0", NULL, NULL},
    {"id", "ID", set_id, NULL},
    {"accel", "off", NULL, NULL}, /* by the host's, like the rest */
    {"stage", "1|2|nested", NULL, "it has both stages"},
    {"ril", "on|off", NULL, NULL},
    {"ats", "off", NULL, NULL},
    {"oas", "44|48", NULL, NULL},
    {"pasid", "off", NULL, NULL},
};

static const struct property serial_properties[] = {
    VIRTIO_PROPERTIES,
    {"max-ports", "N", NULL, NULL}, /* there is room for as many as -device names */
    {"emergency-write", "on|off", NULL, NULL},
    {"class", "N", NULL, NULL},
};

static const struct property pcie_port_properties[] = {
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
};

static const struct property pcie_pci_properties[] = {
    {"id", "ID", set_id, NULL},         {"bus", "BUS", set_on, NULL},
    {"msi", "on|off|auto", NULL, NULL}, /* of hot-plug, like shpc */
    {"shpc", "on|off", NULL, NULL},     {"chassis-nr", "N", NULL, NULL},
};

static const struct property pxb_properties[] = {
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
    {"bus-nr", "N", set_bus_nr, NULL},
    {"numa-node", "N", NULL, "no table says it"},
    {"bypass-iommu", "on|off", set_bypass, NULL},
};

static const struct property port_properties[] = {
    {"chardev", "ID", set_chardev, NULL},
    {"name", "TEXT", set_name, NULL},
    {"id", "ID", set_id, NULL},
    {"bus", "BUS", set_on, NULL},
    {"nr", "N", NULL, "ports have numbers in their order"},
};

#define PCI QEMU_PCI_BUS

const struct qemu_driver qemu_drivers[] = {
#define DRIVER(title, name, bus, alias, table, connect)                                            \
    {name,                                                                                         \
     bus,                                                                                          \
     title,                                                                                        \
     alias,                                                                                        \
     table##_properties,                                                                           \
     G_N_ELEMENTS(table##_properties),                                                             \
     qemu_connect_##connect},
#define VIRTIO(title, stem, table)                                                                 \
    DRIVER(title, stem "-pci", PCI, stem, table, table)                                            \
    DRIVER(title, stem "-device", "virtio-bus", NULL, table, table)
#define LOADER(title, name) {name, NULL, title, NULL, NULL, 0, NULL},
#include "tools/cli/qemu_drivers.def"
#undef DRIVER
#undef VIRTIO
#undef LOADER
};

const size_t qemu_driver_count = G_N_ELEMENTS(qemu_drivers);
