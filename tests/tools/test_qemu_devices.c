#define _GNU_SOURCE /* memmem() */
/* Boards and devices of QEMU's command line: they are where QEMU has them. */
#include "qemu_fixture.h"

static void test_older_and_newer_boards_are_as_qemu_has_them(void **state)
{
    (void)state;
    static const struct {
        const char *version;
        bool its, pmu;
    } rows[] = {{"virt-2.6", false, false}, {"virt-2.7", false, true}, {"virt-6.1", false, true},
                {"virt-6.2", true, true},   {"virt", true, true},      {"virt-10.0", true, true}};
    static char tree[FILE_MAX];
    char machine[256];

    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        snprintf(machine, sizeof(machine), "%s,gic-version=3,dumpdtb=%s", rows[k].version,
                 in_dir("dtb"));
        struct result *r = RUN("qemu", "-M", machine, "-cpu", "max");
        assert_int_equal(r->code, 0);
        size_t n = read_file(in_dir("dtb"), tree);
        assert_int_equal(has_bytes(tree, n, "arm,gic-v3-its"), rows[k].its);
        assert_int_equal(has_bytes(tree, n, "arm,armv8-pmuv3"), rows[k].pmu);
        assert_int_equal(strstr(r->err, "the board is 7.2's") != NULL, k == 5);
    }
}

static void test_the_device_tree_has_the_topology_and_no_seeds(void **state)
{
    static char tree[FILE_MAX];
    char machine[256];
    size_t n;

    (void)state;
    snprintf(machine, sizeof(machine), "virt,gic-version=3,dumpdtb=%s", in_dir("dtb"));
    assert_int_equal(
        RUN("qemu", "-M", machine, "-smp", "12,sockets=1,clusters=3,threads=2,maxcpus=12")->code,
        0);
    n = read_file(in_dir("dtb"), tree);
    assert_true(has_bytes(tree, n, "cluster2") && has_bytes(tree, n, "core1"));
    assert_true(has_bytes(tree, n, "thread1") && has_bytes(tree, n, "kaslr-seed"));
    assert_false(has_bytes(tree, n, "cluster3") || has_bytes(tree, n, "core2"));
    assert_false(has_bytes(tree, n, "socket1") || has_bytes(tree, n, "thread2"));
    snprintf(machine, sizeof(machine), "virt,dtb-randomness=off,dumpdtb=%s", in_dir("dtb"));
    assert_int_equal(RUN("qemu", "-M", machine, "-smp", "4,sockets=2,cores=2")->code, 0);
    n = read_file(in_dir("dtb"), tree);
    assert_true(has_bytes(tree, n, "socket1") && has_bytes(tree, n, "core1"));
    assert_false(has_bytes(tree, n, "core2") || has_bytes(tree, n, "thread0"));
    assert_false(has_bytes(tree, n, "kaslr-seed") || has_bytes(tree, n, "rng-seed"));
}

static void test_functions_of_one_device_say_that_there_are_several(void **state)
{
    (void)state;
    assert_int_equal(PEEK(PCI_CONFIG(7, 0x0e), "-device", "virtio-rng-pci,addr=7"), 0);
    assert_int_equal(PEEK(PCI_CONFIG(7, 0x0e), "-device", "virtio-rng-pci,addr=7,multifunction=on",
                          "-device", "virtio-rng-pci,addr=7.3"),
                     0x80);
    assert_int_equal(PEEK(PCI_CONFIG(1, 0x0e), "-device",
                          "pcie-root-port,id=a,addr=1.0,multifunction=on", "-device",
                          "pcie-root-port,id=b,addr=1.1"),
                     0x81);
}

static void test_the_smmu_is_a_device_or_the_boards(void **state)
{
    static char tree[FILE_MAX];
    char machine[256];

    (void)state;
    snprintf(machine, sizeof(machine), "virt,dumpdtb=%s", in_dir("dtb"));
    assert_int_equal(RUN("qemu", "-M", machine)->code, 0);
    assert_false(has_bytes(tree, read_file(in_dir("dtb"), tree), "arm,smmu-v3"));
    assert_int_equal(
        RUN("qemu", "-M", machine, "-device", "arm-smmuv3,primary-bus=pcie.0,id=smmuv3.0")->code,
        0);
    assert_true(has_bytes(tree, read_file(in_dir("dtb"), tree), "arm,smmu-v3"));
    struct result *r = RUN("qemu", "-M", machine, "-device", "arm-smmuv3,primary-bus=pcie.1");
    assert_true(r->code == 2 && strstr(r->err, "primary-bus=pcie.1"));
}

/* GICD_TYPER of a GICv2 has CPUNumber in bits 7:5, of a GICv3 with affinity routing none. */
static void test_without_a_version_the_gic_is_a_gicv2(void **state)
{
    (void)state;
    const char *typer = peek(0x08000004);

    assert_int_equal(RUN("qemu", "-M", "virt", "-cpu", "max", "-kernel", typer, "-semihosting",
                         "-smp", "2", "--max-insns", "100")
                         ->code,
                     1 << 5 | 8);
    assert_int_equal(PEEK(0x08000004, "-smp", "2"), 8);
    struct result *r = RUN("qemu", "-M", "virt", "-cpu", "cortex-a57", "-kernel", in_dir("off"),
                           "-smp", "9", "-machine", "virtualization=on");
    assert_contains(r->err, "taking a GICv3");
    assert_int_equal(r->code, 0);
}

static void test_a_device_is_in_the_slot_of_its_bus(void **state)
{
    (void)state;
    assert_int_equal(PEEK(ID(31), "-device", "virtio-rng-device"), ID_RNG);
    assert_int_equal(PEEK(ID(31), "-device", "virtio-rng-device,bus=virtio-mmio-bus.3"), 0);
    assert_int_equal(PEEK(ID(31), "-device", "virtio-balloon-device"), ID_BALLOON);
    assert_int_equal(PEEK(ID(31), "-device", "virtio-serial-device"), ID_CONS);
    assert_int_equal(PEEK(PCI_ID(1), "-device", "virtio-balloon"), ID_BALLOON);
    assert_int_equal(PEEK(ID(3), "-device", "virtio-rng-device,bus=virtio-mmio-bus.3"), ID_RNG);
    assert_int_equal(PEEK(ID(30), "-device", "virtio-serial-device", "-device", "virtio-rng-device",
                          "-device", "virtconsole,chardev=c", "-chardev", "null,id=c"),
                     ID_RNG);
    assert_int_equal(PEEK(ID(31), "-device", "virtio-serial-device,id=s", "-device", "virtio-rng",
                          "-device", "virtserialport,chardev=c,bus=s.0", "-chardev", "null,id=c"),
                     ID_CONS);
}

static void test_keyboards_and_pointers_are_in_their_slots(void **state)
{
    (void)state;
    assert_int_equal(
        PEEK(ID(30), "-device", "virtio-keyboard-device", "-device", "virtio-tablet-device"),
        ID_INPUT);
    assert_int_equal(PEEK(ID(31), "-device", "virtio-mouse-device"), ID_INPUT);
    assert_int_equal(PEEK(PCI_CLASS(1), "-device", "virtio-keyboard-pci"), 0x00);
    assert_int_equal(PEEK(PCI_CLASS(2), "-device", "virtio-tablet-pci", "-device", "virtio-mouse"),
                     0x02);
    /* It never had another interface. */
    assert_int_equal(PEEK(PCI_CLASS(1), "-device", "virtio-mouse-pci,disable-modern=on"), 0x02);
    struct result *r = RUN("qemu", "-M", "virt", "-kernel", in_dir("off"), "-device",
                           "virtio-rng-pci,disable-modern=on,disable-legacy=on");
    assert_contains(r->err, "neither modern nor legacy");
    assert_int_not_equal(r->code, 0);
}

static void test_usb_devices_need_a_controller_with_a_free_port(void **state)
{
    static const char *const refused[][2] = {
        {"usb-kbd", "expected the bus of a usb-bus controller"},
        {"usb-kbd,bus=other.0", "expected the bus of a usb-bus controller"},
        {"usb-kbd,port=7", "no such USB port"},
        {"usb-kbd,port=5", "no such USB port"},
        {"usb-kbd,port=1.1", "no such USB port"},
        {"usb-kbd,port=2.1", "no such USB port"},
        {"usb-kbd,port=1.", "no such USB port"},
        {"usb-hub,ports=4", "expected 8"},
        {"usb-mouse,port=2", "taken"},
        {"usb-audio", "of USB devices there are"},
    };
    struct result *r;

    (void)state;
    assert_int_equal(PEEK(PCI_CLASS(1), "-device", "qemu-xhci", "-device", "usb-kbd", "-device",
                          "usb-tablet,port=4"),
                     0x03);
    assert_int_equal(
        PEEK(PCI_CLASS(5), "-device", "nec-usb-xhci,id=u,addr=5", "-device", "usb-mouse,bus=u.0"),
        0x03);
    assert_int_equal(
        PEEK(PCI_CLASS(2), "-device", "qemu-xhci", "-device", "usb-ehci", "-usbdevice", "tablet"),
        0x03);
    for (size_t k = 0; k < sizeof(refused) / sizeof(refused[0]); k++) {
        r = k ? RUN(MINIMAL, "-kernel", in_dir("off"), "-device", "qemu-xhci", "-device",
                    "usb-kbd,port=2", "-device", refused[k][0])
              : RUN(MINIMAL, "-kernel", in_dir("off"), "-device", refused[k][0]);
        assert_int_not_equal(r->code, 0);
        assert_contains(r->err, refused[k][1]);
    }
    r = RUN(MINIMAL, "-kernel", in_dir("off"), "-device", "usb-ehci", "-device", "usb-hub");
    assert_int_not_equal(r->code, 0);
    assert_contains(r->err, "QEMU USB Hub: it is of full speed");
    r = RUN(MINIMAL, "-kernel", in_dir("off"), "-device", "usb-kbd", "-device", "qemu-xhci,p2=x");
    assert_int_equal(r->code, 2);
    assert_contains(r->err, "\"x\": expected a number");
}

static void test_network_devices_are_in_their_slots_with_their_addresses(void **state)
{
    (void)state;
    assert_int_equal(PEEK(ID(31), "-nic", "user,model=virtio-net-device"), ID_NET);
    assert_int_equal(PEEK(PCI_ID(1), "-net", "nic", "-net", "user"), ID_NET);
    assert_int_equal(PEEK(PCI_ID(9), "-net", "nic,addr=9", "-net", "user"), ID_NET);
    assert_int_equal(PEEK(PCI_ID(1), "-nic", "none", "-net", "none"), 0xff);
    assert_int_equal(PEEK(MAC(30), "-nic", "user,model=virtio-net-device", "-nic",
                          "user,model=virtio-net-device"),
                     0x52);
    assert_int_equal(PEEK(MAC(31), "-nic", "user,mac=9a:54:00:12:34:56,model=virtio-net-device"),
                     0x9a);
    assert_int_equal(PEEK(MAC(7), "-netdev", "user,id=n", "-device",
                          "virtio-net-device,netdev=n,mac=0e-1-2-3-4-5,bus=virtio-mmio-bus.7"),
                     0x0e);
}

static const char *disk_option(const char *name, size_t blocks, const char *format)
{
    static char options[8][256];
    static unsigned next;
    char *option = options[next++ % 8];
    static const char zeros[16 * 512];

    snprintf(option, sizeof(options[0]), format, write_file(name, zeros, blocks * 512));
    return option;
}

/* As QEMU gives out its places: -nic, then -device in their order, then disks of if=virtio. */
static void test_a_device_on_pci_has_qemus_place(void **state)
{
    (void)state;
    const char *disk = disk_option("a", 3, "file=%s,format=raw,if=virtio");
    const char *const line[] = {
        "-drive", disk,   "-device", "virtio-rng",         "-device", "pcie-root-port,id=p",
        "-nic",   "user", "-device", "virtio-rng,addr=2.0"};
    static const uint8_t kinds[] = {0xff, ID_NET, ID_RNG, 0, ID_BLOCK, 0xff};

    for (unsigned n = 1; n < sizeof(kinds); n++)
        assert_int_equal(
            PEEK(PCI_ID(n), line[0], line[1], line[2], line[3], line[4], line[5], line[6], line[7]),
            kinds[n]);
    assert_contains(
        RUN(MINIMAL, "-kernel", in_dir("off"), line[2], line[3], line[8], line[9], line[6], line[7])
            ->err,
        "addr=2.0: the place is taken");
    assert_int_equal(PEEK(PCI_ID(0x1f), "-device", "virtio-rng-pci,addr=1f,multifunction=on",
                          "-device", "virtio-rng-pci,addr=0x1f.7"),
                     ID_RNG);
    assert_int_equal(PEEK(PCI_CONFIG(1, 8), "-device", "virtio-rng-pci-non-transitional"), 1);
    assert_int_equal(PEEK(PCI_CONFIG(1, 8), "-device", "virtio-rng-pci,disable-modern=on"), 0);
    assert_int_equal(PEEK(PCI_CONFIG(1, 0x34), "-device", "virtio-rng-pci,disable-modern=on"),
                     0x40); /* MSI-X only */
    assert_int_equal(PEEK(PCI_CONFIG(1, 0x34), "-global", "virtio-rng-pci.vectors=0", "-device",
                          "virtio-rng-pci"),
                     0x84); /* all but MSI-X */
}

#define SWITCH                                                                                     \
    "-device", "pcie-root-port,id=r", "-device", "x3130-upstream,id=u,bus=r", "-device",           \
        "xio3130-downstream,id=d,bus=u,chassis=1"

/* Whose buses have no numbers before the guest gives them: an expander has one of its own. */
static void test_bridges_have_their_places(void **state)
{
    (void)state;
    assert_int_equal(PEEK(PCI_CLASS(2), "-device", "edu", "-device", "pcie-pci-bridge"), 4);
    assert_int_equal(PEEK(PCI_CONFIG(1, 0), "-device", "i82801b11-bridge"), 0x86);
    assert_int_equal(PEEK(PCI_CONFIG(1, 2), "-device", "pci-bridge,chassis_nr=2"), 1);
    assert_int_equal(PEEK(PCI_CONFIG(1, 2) + (8 << 20), "-device", "pxb-pcie,id=x,bus_nr=8",
                          "-device", "pcie-root-port,addr=1,bus=x"),
                     0x0c);
    assert_int_equal(PEEK(PCI_CONFIG(1, 2), SWITCH, "-device", "virtio-rng-pci,bus=d"), 0x0c);
    assert_int_equal(PEEK(PCI_CONFIG(1, 2), "-device", "x3130-upstream"), 0x32);
}

static void test_small_functions_are_what_they_are_called(void **state)
{
    (void)state;
    char backend[256];

    snprintf(backend, sizeof(backend), "memory-backend-file,id=m,size=1M,share=on,mem-path=%s",
             in_dir("shared"));
    assert_int_equal(
        PEEK(PCI_CONFIG(1, 2), "-object", backend, "-device", "ivshmem-plain,memdev=m"), 0x10);
    assert_int_equal(PEEK(PCI_CONFIG(1, 2), "-device", "pvpanic-pci", "-action", "panic=none"),
                     0x11);
    assert_int_equal(PEEK(PCI_CONFIG(1, 2), "-device", "pci-testdev"), 0x05);
    struct result *r =
        RUN(MINIMAL, "-kernel", in_dir("off"), "-device", "ivshmem-plain,memdev=none");
    assert_contains(r->err, "memdev=none: expected the id of an -object memory-backend-file");
    r = RUN(MINIMAL, "-kernel", in_dir("off"), "-device", "ivshmem-doorbell,chardev=c");
    assert_contains(r->err, "there is ivshmem-plain, which has no interrupts");
}

static void test_a_namespace_has_the_disk_of_its_controller(void **state)
{
    (void)state;
    const char *disk = disk_option("ns", 3, "file=%s,format=raw,if=none,id=d");

    assert_int_equal(PEEK(PCI_CLASS(1), "-drive", disk, "-device", "nvme,id=n,serial=1", "-device",
                          "nvme-ns,drive=d,bus=n,nsid=1"),
                     0x08);
    struct result *r =
        RUN(MINIMAL, "-kernel", in_dir("off"), "-drive", disk, "-device", "nvme-ns,drive=d,bus=n");
    assert_contains(r->err, "expected a -device nvme without drive= before it");
    r = RUN(MINIMAL, "-kernel", in_dir("off"), "-drive", disk, "-device", "nvme,serial=1",
            "-device", "nvme-ns,drive=d", "-device", "nvme-ns,drive=d");
    assert_contains(r->err, "it has one namespace");
}

/* The second is refused: the first has the host's port. */
static void test_redir_forwards_a_port_of_the_host(void **state)
{
    (void)state;
    struct result *r = RUN(MINIMAL, "-kernel", in_dir("off"), "-nic", "user", "-redir",
                           "tcp:33221::80", "-redir", "tcp:33221:10.0.2.15:81");
    assert_contains(r->err, "hostfwd=tcp::33221-10.0.2.15:81: expected a port of the host");
    r = RUN(MINIMAL, "-kernel", in_dir("off"), "-nic", "user", "-redir", "udp:33221::80");
    assert_null(strstr(r->err, "hostfwd"));
}

static void test_a_drive_of_another_interface_is_the_devices_that_names_it(void **state)
{
    (void)state;
    const char *disk = disk_option("sd", 3, "file=%s,format=raw,if=sd,id=d");

    assert_int_equal(PEEK(ID(31), "-drive", disk, "-device", "virtio-blk-device,drive=d"),
                     ID_BLOCK);
    struct result *r = RUN(MINIMAL, "-kernel", in_dir("off"), "-drive", disk);
    assert_contains(r->err, "-drive if=sd is not offered: virt has no SD card");
}

static void test_an_sd_card_is_in_the_slot_that_is_free(void **state)
{
    (void)state;
    const char *one = disk_option("one", 1, "file=%s,format=raw,if=sd,id=a");
    const char *two = disk_option("two", 1, "file=%s,format=raw,if=none,id=b");

    assert_int_equal(truncate(in_dir("one"), 1 << 20) | truncate(in_dir("two"), 1 << 20), 0);
    assert_int_equal(PEEK(PCI_CLASS(2), "-drive", one, "-drive", two, "-device", "sdhci-pci",
                          "-device", "sdhci-pci,id=s", "-device", "sd-card,drive=a", "-device",
                          "sd-card,drive=b,bus=sd-bus"),
                     0x05);
    assert_contains(
        RUN(MINIMAL, "-kernel", in_dir("off"), "-drive", one, "-device", "sd-card,drive=a")->err,
        "expected the bus of a sd-bus controller before it");
}

static void test_a_watchdog_is_a_device_by_either_option(void **state)
{
    (void)state;
    assert_int_equal(PEEK(PCI_CONFIG(1, 2), "-device", "i6300esb"), 0xab);
    assert_int_equal(PEEK(PCI_CONFIG(1, 2), "-watchdog", "i6300esb", "-action", "watchdog=none"),
                     0xab);
}

static void test_a_sound_device_is_on_either_bus(void **state)
{
    (void)state;
    assert_int_equal(PEEK(ID(31), "-device", "virtio-sound-device"), 25);
    assert_int_equal(PEEK(PCI_CONFIG(1, 2), "-device", "virtio-sound-pci,audiodev=a"), 0x59);
    assert_int_equal(PEEK(PCI_CONFIG(1, 2), "-audio", "pa,model=virtio"), 0x59);
    assert_int_equal(PEEK(PCI_CONFIG(1, 2), "-audio", "driver=none,model=hda"), 0x68);
    assert_contains(RUN(MINIMAL, "-kernel", in_dir("off"), "-audio", "none,model=ac97")->err,
                    "expected hda or virtio");
    assert_contains(RUN(MINIMAL, "-kernel", in_dir("off"), "-device", "virtio-snd-pci")->err,
                    "of sound there are virtio-sound-pci");
}

static void test_a_uart_on_pci_needs_a_chardev(void **state)
{
    (void)state;
    assert_int_equal(
        PEEK(PCI_CONFIG(1, 2), "-device", "pci-serial,chardev=c", "-chardev", "null,id=c"), 0x02);
    struct result *r = RUN(MINIMAL, "-kernel", in_dir("off"), "-device", "pci-serial,chardev=c",
                           "-chardev", "null,id=c,logfile=log");
    assert_contains(r->err, "logfile=log: only of the first UART");
    assert_contains(RUN(MINIMAL, "-kernel", in_dir("off"), "-device", "pci-serial")->err,
                    "expected the id of a -chardev");
}

static void test_a_virtio_ramfb_is_both(void **state)
{
    (void)state;
    assert_int_equal(PEEK(PCI_CLASS(1), "-device", "virtio-ramfb"), 0x80);
    assert_contains(
        RUN(MINIMAL, "-kernel", in_dir("off"), "-device", "virtio-ramfb-gl", "-device", "ramfb")
            ->err,
        "-device ramfb: expected one of them");
}

static void test_what_is_accepted_with_less_says_so(void **state)
{
    (void)state;
    struct result *r = RUN(MINIMAL, "-semihosting", "-kernel", peek(PCI_CONFIG(1, 2)), "-device",
                           "virtio-gpu-gl-pci");
    assert_contains(r->err, "there is no GL: it is a virtio-gpu of two dimensions");
    assert_int_equal(r->code, 0x50);
    r = RUN(MINIMAL, "-kernel", in_dir("off"), "-device", "vhost-user-blk-pci,chardev=c");
    assert_contains(r->err, "no device is in another process");
}

static void test_what_is_on_no_bus_is_refused(void **state)
{
    static const struct {
        const char *device, *text;
    } rows[] = {
        {"virtio-rng-pci,bus=u", "a device behind a PCIe upstream port: expected a port"},
        {"virtio-rng-pci,bus=d,addr=1", "slot 1 is not valid behind a xio3130-downstream"},
        {"xio3130-downstream,bus=r", "there is a device behind that port"},
        {"x3130-upstream,bus=u", "a PCIe upstream port on or behind the PCIe upstream port: it"},
        {"pxb-pcie", "expected bus_nr=N, 1 to 255"},
        {"pxb", "of ports and bridges there are"},
    };

    (void)state;
    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        struct result *r =
            RUN(MINIMAL, "-kernel", in_dir("off"), SWITCH, "-device", rows[k].device);
        assert_contains(r->err, rows[k].text);
        assert_int_not_equal(r->code, 0);
    }
}

static void test_a_folder_is_a_device_of_either_transport(void **state)
{
    (void)state;
    char folder[256], virtfs[256];

    snprintf(folder, sizeof(folder), "local,id=f,path=%s,security_model=none", in_dir(""));
    snprintf(virtfs, sizeof(virtfs), "local,path=%s,mount_tag=a,,b,readonly", in_dir(""));
    assert_int_equal(
        PEEK(ID(31), "-fsdev", folder, "-device", "virtio-9p-device,fsdev=f,mount_tag=host"), 9);
    assert_int_equal(PEEK(SLOT(31) + 0x100, "-fsdev", folder, "-device",
                          "virtio-9p-device,fsdev=f,mount_tag=host"),
                     strlen("host"));
    assert_int_equal(PEEK(PCI_ID(1), "-virtfs", virtfs), 9);
    assert_contains(
        RUN(MINIMAL, "-kernel", in_dir("off"), "-device", "virtio-9p-pci,fsdev=x,mount_tag=t")->err,
        "fsdev=x: expected the id of a -fsdev");
    assert_contains(RUN(MINIMAL, "-kernel", in_dir("off"), "-fsdev", "local,id=f,path=x")->err,
                    "expected security_model=");
    assert_contains(RUN(MINIMAL, "-kernel", in_dir("off"), "-fsdev", "proxy,id=f,path=x")->err,
                    "-fsdev proxy is not offered");
}

static void test_the_first_disk_is_the_first_that_a_guest_finds(void **state)
{
    (void)state;
    const char *a =
        disk_option("a", 3, "file=%s,format=raw,cache=unsafe,aio=threads,discard=unmap");
    const char *b = disk_option("b", 5, "%s,if=virtio,index=1,media=disk,snapshot,format=raw");

    for (unsigned n = 0; n <= 3; n++)
        assert_int_equal(PEEK(PCI_ID(n), "-drive", a, "-drive", b), n == 0   ? 0
                                                                    : n == 3 ? 0xff
                                                                             : ID_BLOCK);
    assert_int_equal(PEEK(PCI_ID(2), "-hda", in_dir("b"), "-cdrom", in_dir("a")), ID_BLOCK);
}

static void test_a_cdrom_is_only_read(void **state)
{
    (void)state;
    const char *cd = disk_option("a", 3, "media=cdrom,if=none,id=d,format=raw,file=%s");

    chmod(in_dir("a"), 0444);
    assert_int_equal(PEEK(ID(31), "-device", "virtio-blk-device,drive=d,scsi=off", "-drive", cd),
                     ID_BLOCK);
    unlink(in_dir("a"));
}

static void test_nodes_of_blockdev_are_disks(void **state)
{
    (void)state;
    const char *file = disk_option("a", 3, "driver=file,node-name=f,filename=%s");
    const char *node = "driver=raw,node-name=d,file=f,read-only=on";
    const char *whole =
        disk_option("b", 3, "driver=raw,node-name=d,file.driver=file,file.filename=%s");

    assert_int_equal(
        PEEK(ID(31), "-blockdev", file, "-blockdev", node, "-device", "virtio-blk-device,drive=d"),
        ID_BLOCK);
    assert_int_equal(PEEK(ID(31), "-blockdev", whole, "-device", "virtio-blk-device,drive=d"),
                     ID_BLOCK);
    struct result *r = RUN(MINIMAL, "-kernel", in_dir("loop"), "-blockdev", node);
    assert_contains(r->err, "file=f: expected the node-name of a -blockdev before it");
    r = RUN(MINIMAL, "-M", "pflash1=x", "-kernel", in_dir("loop"));
    assert_contains(r->err, "-machine pflash1=x: expected the node-name of a -blockdev");
}

static void test_the_loader_stores_numbers_and_starts_cpus(void **state)
{
    (void)state;
    char entry[64];

    assert_int_equal(PEEK(0x46000000, "-device", "loader,addr=0x46000000,data=0x12a,data-len=1"),
                     0x2a);
    assert_int_equal(
        PEEK(0x46000004, "-device", "loader,addr=0x46000000,data=0x2a000000,data-len=8,data-be=on"),
        0x2a);
    snprintf(entry, sizeof(entry), "loader,addr=0x40200000,cpu-num=%d", 0);
    struct result *r = RUN(MINIMAL, "-semihosting", "-kernel", in_dir("loop"), "-device", entry,
                           "--max-insns", "100", "--trace", "insn");
    assert_contains(r->err, "0x0000000040200000");
}

static void test_the_clock_starts_where_rtc_says(void **state)
{
    (void)state;
    assert_int_equal(PEEK(0x09010000, "-rtc", "base=2000-01-01,clock=vm"), 946684800 % 256);
    assert_int_equal(PEEK(0x09010000, "-rtc", "base=2006-06-17T16:01:21"), 1150560081 % 256);
    struct result *r =
        RUN(MINIMAL, "-rtc", "base=utc,clock=host", "-kernel", in_dir("loop"), "--max-insns", "5");
    assert_contains(r->err, "warning: -rtc base=utc");
    assert_contains(r->err, "warning: -rtc clock=host");
}

static void test_files_for_firmware_are_named_by_fw_cfg(void **state)
{
    (void)state;
    char option[192];

    snprintf(option, sizeof(option), "name=opt/a,file=%s", in_dir("missing"));
    struct result *r = RUN(MINIMAL, "-kernel", in_dir("off"), "-fw_cfg", option);
    assert_contains(r->err, "missing: cannot open");
    assert_int_equal(r->code, 2);
    r = RUN(MINIMAL, "-kernel", in_dir("off"), "-fw_cfg", "opt/a,string=x", "-fw_cfg",
            "opt/a,string=y");
    assert_contains(r->err, "'opt/a' is there already");
    r = RUN(MINIMAL, "-semihosting", "-kernel", in_dir("exit42"), "-fw_cfg", "opt/a,string=x",
            "-fw_cfg", "name=opt/b,file=/proc/version");
    assert_string_equal(r->err, "");
    assert_int_equal(r->code, 42);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_older_and_newer_boards_are_as_qemu_has_them),
        cmocka_unit_test(test_the_device_tree_has_the_topology_and_no_seeds),
        cmocka_unit_test(test_functions_of_one_device_say_that_there_are_several),
        cmocka_unit_test(test_the_smmu_is_a_device_or_the_boards),
        cmocka_unit_test(test_without_a_version_the_gic_is_a_gicv2),
        cmocka_unit_test(test_a_device_is_in_the_slot_of_its_bus),
        cmocka_unit_test(test_keyboards_and_pointers_are_in_their_slots),
        cmocka_unit_test(test_usb_devices_need_a_controller_with_a_free_port),
        cmocka_unit_test(test_network_devices_are_in_their_slots_with_their_addresses),
        cmocka_unit_test(test_a_folder_is_a_device_of_either_transport),
        cmocka_unit_test(test_a_device_on_pci_has_qemus_place),
        cmocka_unit_test(test_bridges_have_their_places),
        cmocka_unit_test(test_small_functions_are_what_they_are_called),
        cmocka_unit_test(test_what_is_on_no_bus_is_refused),
        cmocka_unit_test(test_a_namespace_has_the_disk_of_its_controller),
        cmocka_unit_test(test_redir_forwards_a_port_of_the_host),
        cmocka_unit_test(test_a_drive_of_another_interface_is_the_devices_that_names_it),
        cmocka_unit_test(test_an_sd_card_is_in_the_slot_that_is_free),
        cmocka_unit_test(test_a_watchdog_is_a_device_by_either_option),
        cmocka_unit_test(test_a_sound_device_is_on_either_bus),
        cmocka_unit_test(test_a_uart_on_pci_needs_a_chardev),
        cmocka_unit_test(test_a_virtio_ramfb_is_both),
        cmocka_unit_test(test_what_is_accepted_with_less_says_so),
        cmocka_unit_test(test_the_first_disk_is_the_first_that_a_guest_finds),
        cmocka_unit_test(test_a_cdrom_is_only_read),
        cmocka_unit_test(test_nodes_of_blockdev_are_disks),
        cmocka_unit_test(test_the_loader_stores_numbers_and_starts_cpus),
        cmocka_unit_test(test_the_clock_starts_where_rtc_says),
        cmocka_unit_test(test_files_for_firmware_are_named_by_fw_cfg),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s ARMILLARY\n", argv[0]);
        return 2;
    }
    program = realpath(argv[1], NULL);
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
