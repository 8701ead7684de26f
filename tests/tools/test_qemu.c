#define _GNU_SOURCE /* memmem() */
/* The command line of `armillary qemu`: what it takes from QEMU's, what it answers and what it
 * refuses, in which words. */
#include "qemu_fixture.h"

static void test_options_run_a_guest_and_give_qemus_exit_codes(void **state)
{
    (void)state;
    char device[192];

    struct result *r = RUN(MINIMAL, "-semihosting", "-nographic", "-kernel", in_dir("exit42"));
    assert_int_equal(r->code, 42);
    r = RUN("qemu", "-machine", "virt", "-machine", "gic-version=max,virtualization=yes",
            "--semihosting-config", "enable,target=native", "-kernel", in_dir("exit42"));
    assert_contains(r->err, "warning: no -cpu");
    assert_int_equal(r->code, 42);
    snprintf(device, sizeof(device), "loader,file=%s,addr=0x40080000,force-raw=on,cpu-num=0",
             in_dir("off"));
    r = RUN("qemu", "-M", VIRT ",virtualization=on,secure=off,its=off", "-cpu",
            "max,pauth-impdef=on,sve=off", "-m", "256M", "-smp", "4,sockets=1,cores=4", "-device",
            device, "-display", "none", "-nodefaults", "-net", "none", "-icount", "shift=0");
    assert_string_equal(r->err, "");
    assert_int_equal(r->code, 0);
    r = RUN("qemu", "-M", VIRT ",virtualization=on", "-cpu", "max", "-no-reboot", "-kernel",
            in_dir("reset"));
    assert_int_equal(r->code, 0);
}

static void test_what_is_not_offered_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *args[14], *text, *also;
    } rows[] = {
        {{"qemu", "-netdev", "vde,id=x"}, "-netdev vde is not offered: no VDE", "use user"},
        {{"qemu", "-netdev", "users,id=x"}, "-netdev users is not offered", "did you mean user?"},
        {{"qemu", "-netdev", "user"}, "-netdev user: expected id=ID", ""},
        {{"qemu", "-redir", "tcp:2222"}, "-redir tcp:2222: expected tcp:PORT:[", ""},
        {{"qemu", "-watchdog", "ib700"}, "-watchdog ib700 is not offered", "expected i6300esb"},
        {{"qemu", "-M", VIRT, "-redir", "tcp:1::2"}, "-redir: expected a user network", ""},
        {{"qemu", "-netdev", "socket,id=x"}, "expected one of listen=", ""},
        {{"qemu", "-netdev", "stream,id=x,server=on"}, "addr.path=PATH", ""},
        {{"qemu", "-M", VIRT, "-daemonize", "-serial", "stdio"},
         "-daemonize: the UART",
         "file:FILE"},
        {{"qemu", "-chroot", "/"}, "-chroot is not offered: start it in one", ""},
        {{"qemu", "nonexistent"}, "no machine; expected", ""},
        {{"qemu", "-M", "raspi3b"}, "-machine raspi3b is not offered", "virt"},
        {{"qemu", "-M", "sbsa-ref"}, "-machine sbsa-ref is not offered: firmware", "EDK2"},
        {{"qemu", "-device", "quux"}, "-device quux is not offered; `-device help`", ""},
        {{"qemu", "-M", "virt-2.5"}, "-machine virt-2.5 is not offered", "virt-2.6"},
        {{"qemu", "-M", "virt-4.20"}, "-machine virt-4.20 is not offered", ""},
        {{"qemu", "-M", "virt,gic-version=4"}, "gic-version=4 is not offered", "use 3"},
        {{"qemu", "-M", "virt,gic-version=2", "-smp", "9"}, "exceeds max CPUs supported by", "(8)"},
        {{"qemu", "-M", "virt,foo=1"}, "no property \"foo\"", "help"},
        {{"qemu", "-cpu", "a57"}, "-cpu a57 is not offered", ""},
        {{"qemu", "-cpu", "cortex-a57,sve=on"}, "sve", "max only"},
        {{"qemu", "-cpu", "max,sve100=on"}, "no property \"sve100\"", ""},
        {{"qemu", "-cpu", "cortex-a57,pauth=on"}, "pauth", "max only"},
        {{"qemu", "-smp", "0"}, "-smp 0: expected 1 to ", ""},
        {{"qemu", "-M", "virt", "-smp", "3,cores=2"}, "-smp: expected maxcpus (3)", ""},
        {{"qemu", "-M", "virt", "-smp", "4,maxcpus=2"}, "-smp: expected maxcpus (2)", ""},
        {{"qemu", "-M", "virt,smp.cpus=3,smp.cores=2"}, "-smp: expected maxcpus (3)", ""},
        {{"qemu", "-m", "lots"}, "-m lots: expected MiB", ""},
        {{"qemu", "-accel", "magic"}, "magic is not offered", "tcg"},
        {{"qemu", "-M", "virt", "-device", "virtio-net-device,netdev=n"},
         "virtio-net-device,netdev=n: expected the id of a -netdev",
         ""},
        {{"qemu", "-M", "virt", "-nic", "user,mac=53:54:00:12:34:56"}, "expected an address", ""},
        {{"qemu", "-net", "nic", "-net", "nic", "-net", "user"}, "a second one", ""},
        {{"qemu", "-M", "virt", "-net", "user", "-net", "user"}, "there is no hub", ""},
        {{"qemu", "-M", "virt", "-object", "filter-dump,id=f,netdev=n,file=x"},
         "expected the id of a -netdev",
         ""},
        {{"qemu", "-device", "rtl8139"}, "is not offered", "virtio-net-pci"},
        {{"qemu", "-device", "virtio-iommu-pci"}, "is not offered", "iommu=smmuv3"},
        {{"qemu", "-device", "vfio-pci"}, "is not offered", "handed through"},
        {{"qemu", "-device", "virtio-mem-pci"}, "is not offered", "hot-plug"},
        {{"qemu", "-device", "sp804-pci"}, "is not offered", "no such PCI device"},
        {{"qemu", "-incoming", "defer"}, "-incoming is not offered", "--restore"},
        {{"qemu", "-M", "virt", "-device", "virtio-rng-pci,addr=20"},
         "addr=20: expected DEVICE",
         ""},
        {{"qemu", "-M", "virt", "-device", "virtio-rng-pci,bus=p"}, "bus=p: expected pcie.0", ""},
        {{"qemu", "-M", "virt", "-device", "virtio-rng-pci,disable-legacy=on,disable-modern=on"},
         "neither modern nor legacy",
         ""},
        {{"qemu", "-device", "loader,addr=0"}, "expected file=FILE", ""},
        {{"qemu", "-device", "loader,file=x,data=1"}, "not both", ""},
        {{"qemu", "-device", "loader,data=1,addr=0x40000000"}, "data-len=BYTES", ""},
        {{"qemu", "-device", "loader,data=1,data-len=9"}, "data-len=9: expected", ""},
        {{"qemu", "-device", "guest-loader,kernel=x"}, "expected addr=ADDR", ""},
        {{"qemu", "-device", "guest-loader,addr=1M,initrd=x"}, "addr=1M", "address above 0"},
        {{"qemu", "-device", "guest-loader,kernel=x,initrd=y"}, "expected one of them", ""},
        {{"qemu", "-M", VIRT, "-drive", "if=ide,file=x"}, "if=ide is not offered", "if=virtio"},
        {{"qemu", "-drive", "id=x"}, "-drive id=x: expected file=FILE", ""},
        {{"qemu", "-drive", "file=nbd:localhost:1"}, "expected a file of this host", ""},
        {{"qemu", "-drive", "file=fat:/nonexistent", "-M", "virt"}, "/nonexistent", ""},
        {{"qemu", "-chardev", "udp,id=x"}, "-chardev udp is not offered", "tcp or unix"},
        {{"qemu", "-chardev", "file,id=x"}, "expected path=FILE for file", ""},
        {{"qemu", "-object", "rng-egd,id=x"}, "-object rng-egd is not offered", "-seed"},
        {{"qemu", "-object", "memory-backend-rm,id=x"}, "did you mean memory-backend-ram?", ""},
        {{"qemu", "-object", "memory-backend-ram,id=x"}, "expected id=ID and size=SIZE", ""},
        {{"qemu", "-M", VIRT ",memory-backend=x"}, "memory-backend=x: expected the id", ""},
        {{"qemu", "-M", VIRT, "-m", "128", "-object", "memory-backend-ram,id=x,size=1G", "-numa",
          "node,memdev=x"},
         "it has 1024 MiB, and -m says 128",
         ""},
        {{"qemu", "-M", VIRT, "-m", "2G", "-object", "memory-backend-ram,id=x,size=1G", "-object",
          "memory-backend-ram,id=y,size=512M", "-numa", "node,memdev=x", "-numa", "node,memdev=y"},
         "with the others it has 1536 MiB, and -m says 2048",
         ""},
        {{"qemu", "-device", "{\"driver\": \"virtio-rng\", 1}"}, "expected an object in JSON", ""},
        {{"qemu", "-device", "{\"driver\": \"virtio-rng-pci\", \"foo\": true}"},
         "no property \"foo\"",
         ""},
        {{"qemu", "-icount", "0,rr=record"}, "rr=record: expected rrfile=FILE", ""},
        {{"qemu", "-device", "qemu-xhci,p2=many"}, "\"many\": expected a number", ""},
        {{"qemu", "-global", "virtio"}, "expected DRIVER.PROPERTY=VALUE", ""},
        {{"qemu", "-M", VIRT, "-global", "virtio-rng-device.foo=1", "-device", "virtio-rng-device"},
         "no property \"foo\"",
         ""},
        {{"qemu", "-M", "virt", "-device", "virtio-blk-device,drive=x"},
         "drive=x: expected the id",
         ""},
        {{"qemu", "-M", "virt", "-device", "virtio-rng-device,rng=x"},
         "rng=x: expected the id",
         ""},
        {{"qemu", "-M", "virt", "-device", "virtio-rng-device,bus=pcie.0"},
         "bus=pcie.0: expected",
         "virtio-mmio-bus.0"},
        {{"qemu", "-M", "virt", "-device", "virtconsole,chardev=x"},
         "chardev=x: expected the id",
         ""},
        {{"qemu", "-M", "virt", "-serial", "chardev:x"}, "-serial chardev:x: expected the id", ""},
        {{"qemu", "-M", "virt", "-serial", "ptty"}, "-serial ptty is not offered", "pty?"},
        {{"qemu", "-M", "virt", "-nographic", "-monitor", "stdio"},
         "standard input is the UART's",
         ""},
        {{"qemu", "-monitor", "vnc"}, "-monitor vnc is not", ""},
        {{"qemu", "-M", "virt", "-mon", "chardev=x"}, "expected chardev=ID", ""},
        {{"qemu", "-mon", "chardev=x,mode=nothing"}, "mode=nothing", ""},
        {{"qemu", "-display", "gdk"}, "-display gdk is not offered", "did you mean gtk?"},
        {{"qemu", "-nic", "user,model=rtl8139"}, "model=rtl8139 is not offered", "virtio-net-pci"},
        {{"qemu", "-smbios", "type=1,seriel=x"}, "no property \"seriel\"", "serial"},
        {{"qemu", "-smbios", "serial=x"}, "expected type=N", ""},
        {{"qemu", "-uuid", "x"}, "expected a UUID", ""},
        {{"qemu", "-numa", "node,cpus=3-1"}, "cpus=3-1: expected FIRST-LAST", ""},
        {{"qemu", "-numa", "node,cpus=0-64"}, "cpus=0-64: expected FIRST-LAST, 0 to 63", ""},
        {{"qemu", "-M", VIRT, "-smp", "65", "-numa", "node"}, "65 CPUs, expected at most 64", ""},
        {{"qemu", "-numa", "node", "-numa", "node,nodeid=0"}, "there is one already", ""},
        {{"qemu", "-numa", "dist,src=0"}, "expected src=NODE,dst=NODE", ""},
        {{"qemu", "-M", VIRT, "-numa", "node", "-numa", "node", "-numa", "dist,src=0,dst=1,val=10"},
         "dst=1: expected val=11 to 255",
         ""},
        {{"qemu", "-M", VIRT, "-numa", "node,nodeid=1"}, "there is no node 0", ""},
        {{"qemu", "-M", VIRT, "-numa", "node,mem=64M"}, "have 64 MiB, and -m says 128", ""},
        {{"qemu", "-rtc", "base=2000-13-01"}, "base=2000-13-01: expected utc", ""},
        {{"qemu", "-rtc", "base=2000-01-01T"}, "base=2000-01-01T: expected utc", ""},
        {{"qemu", "-fw_cfg", "name=opt/x"}, "file=FILE or string=TEXT", ""},
        {{"qemu", "-global", "virtio-mmio.foo=1"}, "no property \"virtio-mmio.foo\"", ""},
        {{"qemu", "-d", "int,nothing"}, "-d nothing is not offered", ""},
        {{"qemu", "-kernel"}, "-kernel: expected FILE", ""},
        {{"qemu", "--timeout"}, "--timeout: expected its value", ""},
        {{"qemu", "-M", "virt", "--timeout", "soon"}, "--timeout=soon: expected seconds", ""},
        {{"qemu", "-cpu", "max"}, "expected -machine virt", ""},
        {{"qemu", "-M", VIRT, "-cpu", "max"}, "nothing to run", ""},
        {{"qemu", "-M", VIRT, "-cpu", "max", "-append", "x"}, "need -kernel", ""},
    };

    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        struct result *r = run_args("", rows[k].args);
        assert_contains(r->err, rows[k].text);
        assert_contains(r->err, rows[k].also);
        assert_string_equal(r->out, "");
        assert_int_equal(r->code, 2);
    }
}

static void test_all_refusals_are_shown_at_once_without_the_help(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "-machine gic-version=4", "-machine cxl=on", "-cpu cortex-a78", "-netdev vde", "-foo",
        "-device rtl8139",        "-chardev udp",    "-usbdevice"};

    struct result *r =
        RUN("qemu", "-M", "virt,gic-version=4,cxl=on", "-cpu", "cortex-a78", "-netdev", "vde,id=n",
            "-foo", "bar", "-device", "rtl8139,netdev=n", "-chardev", "udp,id=c", "-usbdevice",
            "braille", "-device", "virtconsole,chardev=c", "-kernel", in_dir("off"));
    for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
        assert_contains(r->err, texts[k]);
    assert_int_equal(lines_of(r->err), sizeof(texts) / sizeof(texts[0]));
    assert_int_equal(r->code, 2);

    r = RUN("qemu", "-M", "virt", "-cpu", "max", "-device", "tpm", "-drive",
            "if=pflash,format=raw,file=firmware");
    assert_contains(r->err, "-device tpm is not offered");
    assert_int_equal(lines_of(r->err), 1); /* not also that nothing is to be run */
}

static void test_the_nearest_word_is_suggested(void **state)
{
    (void)state;
    static const struct {
        const char *args[6], *text;
    } rows[] = {
        {{"qemu", "-kernal", "x"}, "did you mean -kernel?"},
        {{"qemu", "--max-inns", "5"}, "did you mean --max-insns?"},
        {{"qemu", "-machine", "vrit"}, "did you mean virt?"},
        {{"qemu", "-machine", "virt,gic-versoin=3"}, "did you mean gic-version?"},
        {{"qemu", "-machine", "virt,its=onn"}, "did you mean on?"},
        {{"qemu", "-cpu", "cortex-a75"}, "did you mean cortex-a35?"},
        {{"qemu", "-cpu", "neoverse-n3"}, "did you mean neoverse-n1?"},
        {{"qemu", "-device", "virtio-blk-devic,drive=x"}, "did you mean virtio-blk-device?"},
        {{"qemu", "-device", "virtio-rng-device,rgn=x"}, "did you mean rng?"},
        {{"qemu", "-drive", "flie=x"}, "did you mean file?"},
        {{"qemu", "-d", "in_asn"}, "did you mean in_asm?"},
    };

    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        struct result *r = run_args("", rows[k].args);
        assert_contains(r->err, rows[k].text);
        assert_int_equal(r->code, 2);
    }
}

static void test_questions_are_answered_in_qemus_form_with_exit_code_0(void **state)
{
    (void)state;
    static const struct {
        const char *args[7], *text;
    } rows[] = {
        {{"qemu", "-machine", "?"}, "\nvirt                 QEMU 7.2 ARM Virtual Machine"},
        {{"qemu", "-M", "help"}, "Supported machines are:"},
        {{"qemu", "-M", "virt,?"}, "  gic-version=<2|3|max|host>\n"},
        {{"qemu", "-cpu", "help"}, "Available CPUs:\n  cortex-a35\n"},
        {{"qemu", "-cpu", "?"}, "  neoverse-n1\n"},
        {{"qemu", "-machine", "virt,accel=tcg", "-device", "?"},
         "name \"virtconsole\", bus virtio-serial-bus\n"},
        {{"qemu", "-device", "help"}, "name \"loader\"\n"},
        {{"qemu", "-device", "virtconsole,help"}, "virtconsole options:\n  chardev=<ID>\n"},
        {{"qemu", "-device", "loader,help"}, "  data-len=<N>\n"},
        {{"qemu", "-M", "virt", "-chardev", "?"}, "  testdev\n"},
        {{"qemu", "-chardev", "help"}, "Available chardev backend types: \n  stdio\n"},
        {{"qemu", "-accel", "help"}, "Accelerators supported in QEMU binary:\ntcg\n"},
        {{"qemu", "-object", "help"}, "  rng-random\n"},
        {{"qemu", "-object", "rng-random,help"}, "  filename=<FILE>\n"},
        {{"qemu", "-object", "filter-dump,help"}, "  netdev=<ID>\n"},
        {{"qemu", "-object", "memory-backend-ram,help"}, "  size=<SIZE>\n"},
        {{"qemu", "-netdev", "help"}, "Available netdev backend types:\nuser\n"},
        {{"qemu", "-nic", "help"}, "socket"},
        {{"qemu", "-drive", "help"}, "  if=<pflash|none|virtio|sd|ide|scsi|mtd|floppy>\n"},
        {{"qemu", "-nic", "user,model=help"}, "Available NIC models:\nvirtio\n"},
        {{"qemu", "-net", "nic,model=?"}, "virtio-net-device\n"},
        {{"qemu", "-audiodev", "help"}, "nothing is heard"},
        {{"qemu", "-audio", "none,model=help"}, "hda\nvirtio\n"},
        {{"qemu", "-watchdog", "help"}, "i6300esb\n"},
        {{"qemu", "-d", "help"}, "guest_errors"},
        {{"qemu", "-M", "virt", "-h"}, "usage:"},
        {{"qemu", "--help"}, "QEMU"},
        {{"qemu", "--help"}, "--max-insns"},
        {{"qemu", "-version"}, "QEMU emulator version 7.2."},
    };

    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        struct result *r = run_args("", rows[k].args);
        assert_contains(r->out, rows[k].text);
        assert_string_equal(r->err, "");
        assert_int_equal(r->code, 0);
    }
    /* What kvm-unit-tests look for before they test PCI. */
    assert_non_null(strstr(RUN("qemu", "-device", "help")->out, "pci-testdev"));
}

static void test_a_link_of_qemus_name_needs_no_subcommand(void **state)
{
    (void)state;
    const char *armillary = program;
    char link[160];

    snprintf(link, sizeof(link), "%s/qemu-system-aarch64", dir);
    assert_int_equal(symlink(armillary, link), 0);
    program = link;
    struct result *r = RUN("-M", VIRT, "-cpu", "max", "-kernel", in_dir("exit42"), "-semihosting");
    program = armillary;
    assert_int_equal(r->code, 42);
}

/* kvm-unit-tests looks for these: scripts/vmm.bash and runtime.bash there. */
static void test_scripts_find_the_words_that_they_look_for(void **state)
{
    (void)state;
    char *line;

    struct result *r = RUN("qemu", "-nodefaults", "-machine", "virt", "-accel", "tcg", "-cpu",
                           "cortex-a57", "-device", "virtio-serial-device", "-device",
                           "virtconsole,chardev=ctd", "-chardev", "testdev,id=ctd", "-display",
                           "none", "-serial", "stdio", "-kernel", "_NO_FILE_4Uhere_", "-smp", "2");
    line = strstr(r->err, "could not load kernel");
    assert_non_null(line);
    assert_true((size_t)(strstr(line, "_NO_FILE_4Uhere_") - line) < strcspn(line, "\n"));
    assert_int_not_equal(r->code, 0);
    r = RUN("qemu", "-machine", "virt", "-kernel", "_NO_FILE_4Uhere_", "-smp", "4096");
    line = strstr(r->err, "SMP CPUs");
    assert_non_null(line);
    assert_non_null(strstr(line, "exceeds max CPUs"));
    assert_int_equal(line[strcspn(line, "\n") - 1], ')');
    /* What they take for an error is a line without "warning". */
    r = RUN("qemu", "-machine", "virt", "-kernel", in_dir("off"), "-no-shutdown", "-S", "-machine",
            "virtualization=on");
    assert_int_equal(r->code, 0);
    for (char *at = r->err; *at; at += strcspn(at, "\n") + 1)
        assert_true((size_t)(strstr(at, "warning") - at) < strcspn(at, "\n"));
}

static void test_what_changes_nothing_is_taken(void **state)
{
    (void)state;
    struct result *r =
        RUN("qemu", "-machine", "virt", "-machine",
            "gic_version=3,virtualization,dtb_randomness=off", "-cpu", "max,pauth_impdef",
            "-no-acpi", "-name", "x", "-mem-prealloc", "-m", "size=256M,slots=4,maxmem=8G", "-smp",
            "cpus=2,maxcpus=4,sockets=2,cores=2", "-accel", "kvm:tcg", "-object",
            "rng-builtin,id=r", "-device", "virtio-rng-device,rng=r", "-vga", "none", "-msg",
            "timestamp=on", "-parallel", "none", "-global", "virtio-mmio.force-legacy=false",
            "-global", "driver=virtio-mmio,property=ioeventfd,value=off", "-usb", "-singlestep",
            "-tb-size", "64", "-action", "reboot=shutdown,panic=none", "-object",
            "memory-backend-ram,id=ram,size=256M,prealloc=on", "-numa", "node,memdev=ram,cpus=0-1",
            "-object", "iothread,id=io", "-machine", "usb=on,graphics=off", "-realtime",
            "mlock=off", "-balloon", "virtio", "-kernel", in_dir("off"));
    assert_string_equal(r->err, "");
    assert_int_equal(r->code, 0);
    /* Memory is what -m says, or as large as what is to be it. */
    r = RUN("qemu", "-M", "virt,virtualization=on,memory-backend=m", "-cpu", "max", "-object",
            "memory-backend-ram,id=m,size=64M", "-kernel", in_dir("off"));
    assert_string_equal(r->err, "");
    assert_int_equal(r->code, 0);
}

static void test_a_disk_has_the_properties_that_libvirt_names(void **state)
{
    (void)state;
    char drive[200];
    static const uint8_t sector[512];

    snprintf(drive, sizeof(drive), "if=none,id=d,format=raw,file=%s",
             write_file("disk", sector, sizeof(sector)));
    struct result *r =
        RUN("qemu", "-M", VIRT ",virtualization=on", "-cpu", "max", "-kernel", in_dir("off"),
            "-drive", drive, "-device",
            "virtio-blk-pci,drive=d,share-rw=on,werror=report,rerror=stop,seg-max-adjust=on,"
            "write-zeroes=on,min_io_size=512,opt_io_size=4096,backend_defaults=auto");
    assert_string_equal(r->err, "");
    assert_int_equal(r->code, 0);
    r = RUN("qemu", "-M", VIRT ",virtualization=on", "-cpu", "max", "-kernel", in_dir("off"),
            "-drive", drive, "-device", "virtio-scsi-pci", "-device",
            "scsi-hd,drive=d,share-rw=on,device_id=x,discard_granularity=0");
    assert_string_equal(r->err, "");
    assert_int_equal(r->code, 0);
    r = RUN("qemu", "-M", VIRT ",virtualization=on", "-cpu", "max", "-kernel", in_dir("off"),
            "-drive", drive, "-device",
            "virtio-blk-pci,drive=d,discard=off,num_queues=4,logical_block_size=512,"
            "physical_block_size=4k,discard_granularity=64k,write-cache=off");
    assert_string_equal(r->err, "");
    assert_int_equal(r->code, 0);
    r = RUN("qemu", "-M", VIRT ",virtualization=on", "-cpu", "max", "-kernel", in_dir("off"),
            "-drive", drive, "-device",
            "virtio-blk-pci,drive=d,logical_block_size=4096,physical_block_size=512");
    assert_contains(r->err, "a physical block that is not a power of 2 from the logical block's");
    assert_int_equal(r->code, 2);
    r = RUN("qemu", "-M", VIRT ",virtualization=on", "-cpu", "max", "-kernel", in_dir("off"),
            "-drive", drive, "-device", "virtio-blk-pci,drive=d,num-queues=64");
    assert_contains(r->err, "of request queues there are 36");
    assert_int_equal(r->code, 0);
}

/* Zeros, and no file of the host; a stream by TCP, which is a socket. */
static void test_disks_of_nothing_and_streams_by_tcp_are_taken(void **state)
{
    (void)state;
    static const char *const rows[][6] = {
        {"-drive", "driver=null-co,size=1M"},
        {"-drive", "file=null-co://,format=raw"},
        {"-blockdev", "null-co,node-name=n,size=1048576,read-zeroes=on", "-device",
         "virtio-blk-pci,drive=n"},
        {"-blockdev", "driver=null-aio,node-name=f", "-blockdev", "driver=raw,file=f,node-name=n",
         "-device", "nvme,serial=1,drive=n"},
        {"-netdev", "stream,id=n,server=on,addr.type=inet,addr.host=127.0.0.1,addr.port=0",
         "-device", "virtio-net-pci,netdev=n"},
        {"-netdev", "socket,id=n,mcast=230.0.0.1:1,localaddr=127.0.0.1", "-device",
         "virtio-net-pci,netdev=n"},
        {"-netdev",
         "dgram,id=n,local.type=inet,local.host=127.0.0.1,local.port=0,remote.type=inet,"
         "remote.host=127.0.0.1,remote.port=9",
         "-device", "virtio-net-pci,netdev=n"},
        {"-run-with", "async-teardown=on"},
        {"-net", "nic,vlan=0", "-net", "user,vlan=0"},
    };

    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        const char *args[16] = {"qemu",    "-M",         VIRT ",virtualization=on", "-cpu", "max",
                                "-kernel", in_dir("off")};
        for (unsigned n = 0; n < 6 && rows[k][n]; n++)
            args[7 + n] = rows[k][n];
        struct result *r = run_args("", args);
        assert_string_equal(r->err, "");
        assert_int_equal(r->code, 0);
    }
    struct result *r = RUN("qemu", "-M", VIRT, "-cpu", "max", "-kernel", in_dir("off"), "-drive",
                           "driver=null-co,size=x");
    assert_contains(r->err, "-drive size=x: expected a size in bytes");
    assert_int_equal(r->code, 2);
    r = RUN("qemu", "-M", VIRT, "-cpu", "max", "-kernel", in_dir("off"), "-netdev",
            "stream,id=n,addr.type=inet,addr.host=x");
    assert_contains(r->err, "or addr.type=inet,addr.host=HOST,addr.port=PORT");
    assert_int_equal(r->code, 2);
}

static void test_what_differs_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *args[6], *text;
    } rows[] = {
        {{"-accel", "hvf"}, "there is no accelerator hvf"},
        {{"-enable-kvm"}, "there is no accelerator kvm"},
        {{"-display", "gtk,gl=on"}, "-display gtk: the window is SDL's"},
        {{"-vnc", ":1"}, "-vnc :1: no picture is served to others"},
        {{"-boot", "menu=on"}, "-boot menu=on: firmware of this board hears of no letters"},
        {{"-smbios", "type=41,designation=x"}, "type=41: there is no such structure"},
        {{"-audiodev", "none,id=snd0"}, "nothing is heard"},
        {{"-machine", "x-oem-id=me"}, "an OEM of their own"},
        {{"-machine", "gic-version=host"}, "there is no KVM: taking 3"},
        {{"-machine", "secure=on"}, "EL3 is AArch64 only"},
        {{"-mem-path", "/dev/hugepages"}, "RAM is anonymous memory"},
        {{"-acpitable", "file=ssdt.aml"}, "virt hands on its own tables alone"},
        {{"-global", "rtl8139.mac=1"}, "there is no rtl8139: it changes nothing"},
        {{"-no-shutdown"}, "-no-shutdown: the machine ends"},
        {{"-cpu", "max,sve=on,sve512=on"}, "neither SVE nor SME"},
        {{"-machine", "mte=on"}, "there is no MTE"},
        {{"-device", "virtio-serial-pci", "-device", "virtconsole"}, "it is connected to nothing"},
        {{"-device", "qemu-xhci", "-device", "usb-host,vendorid=1"}, "nothing is plugged in there"},
        {{"-device", "ioh3420,id=p"}, "it is a pcie-root-port"},
        {{"-device", "e1000-82545em"}, "it is an e1000"},
        {{"-bios", "none"}, "there is no firmware in any case"},
        {{"-device", "vhost-vsock-pci,guest-cid=3"}, "each connection is reset"},
        {{"-machine", "highmem=off", "-m", "4G"}, "the rest above, as with QEMU before 7.0"},
        {{"-watchdog-action", "pause"}, "watchdog=pause: the machine ends at once"},
        {{"-nic", "user,smb=/srv"}, "no SMB server is run for the guest"},
        {{"-localtime"}, "the clock starts at the host's time"},
        {{"-machine", "ras=on"}, "no table that would tell"},
        {{"-numa", "node", "-numa", "node,nodeid=1,cpus=0", "-smp", "2"}, "are in node 0"},
        {{"-numa", "node", "-numa", "hmat-lb,initiator=0"}, "there is no HMAT"},
        {{"-device", "virtio-scsi-pci,num_queues=64"}, "of request queues there are 34"},
        {{"-device", "qemu-xhci,p2=8"}, "of USB 2 ports there is 4"},
        {{"-netdev", "vmnet-shared,id=n", "-device", "virtio-net,netdev=n"},
         "taking a user network"},
        {{"-device", "virtio-serial-pci", "-device", "virtserialport,chardev=v", "-chardev",
          "qemu-vdagent,id=v,name=vdagent"},
         "there is no SPICE display"},
        {{"-device",
          "{\"driver\":\"virtio-scsi-pci\",\"disable-legacy\":\"on\",\"num_queues\":64}"},
         "of request queues there are 34"},
        {{"-S"}, "-S: the machine runs at once"},
        {{"-serial", "mon:stdio", "-serial", "pty"}, "-serial pty goes nowhere"},
        {{"-object", "rng-random,filename=/dev/urandom,id=r"}, "follows from -seed"},
        {{"-device", "virtio-rng,acpi-index=1"}, "no ACPI table says it"},
        {{"-d", "trace:virtio*,cpu,nochain"}, "no counterpart"},
        {{"-trace", "enable=x,file=y"}, "no counterpart"},
        {{"-drive", "driver=null-co,size=1M,throttling.iops-total=100"}, "as fast as it is"},
        {{"-device", "edu,dma_mask=0xffffffff"}, "the addresses below 256 MiB"},
        {{"-machine", "highmem-mmio-size=1T"}, "PCI has 512 GiB there"},
        {{"-virtfs", "local,path=/tmp,mount_tag=t,security_model=mapped-file,fmode=0644"},
         "as by mapped-xattr"},
        {{"-name", "guest=a,process=b,debug-threads=on"}, "the process keeps its name"},
    };

    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        const char *args[16] = {"qemu",    "-M",         VIRT ",virtualization=on", "-cpu", "max",
                                "-kernel", in_dir("off")};
        for (unsigned n = 0; n < 6 && rows[k].args[n]; n++)
            args[7 + n] = rows[k].args[n];
        struct result *r = run_args("", args);
        assert_contains(r->err, "armillary qemu: warning: ");
        assert_contains(r->err, rows[k].text);
        assert_int_equal(r->code, 0);
    }
}

static void test_gdb_is_listened_for_and_without_S_nothing_waits(void **state)
{
    (void)state;
    struct result *r = RUN("qemu", "-M", VIRT ",virtualization=on", "-cpu", "max", "-kernel",
                           in_dir("off"), "-gdb", "tcp:127.0.0.1:0,server=on,wait=off");
    assert_string_equal(r->err, "");
    assert_int_equal(r->code, 0);
    r = RUN("qemu", "-M", VIRT ",virtualization=on", "-cpu", "max", "-kernel", in_dir("off"), "-S",
            "-gdb", "tcp::0", "--timeout", "0.3");
    assert_contains(r->err, "gdb: listening at 127.0.0.1:");
    assert_int_equal(r->code, 3);
    r = RUN("qemu", "-M", VIRT, "-cpu", "max", "-kernel", in_dir("off"), "-gdb", "stdio");
    assert_contains(r->err, "-gdb stdio: expected tcp:[HOST]:PORT, unix:PATH or none");
    assert_int_equal(r->code, 2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_run_a_guest_and_give_qemus_exit_codes),
        cmocka_unit_test(test_what_is_not_offered_is_refused_by_name),
        cmocka_unit_test(test_all_refusals_are_shown_at_once_without_the_help),
        cmocka_unit_test(test_the_nearest_word_is_suggested),
        cmocka_unit_test(test_questions_are_answered_in_qemus_form_with_exit_code_0),
        cmocka_unit_test(test_a_link_of_qemus_name_needs_no_subcommand),
        cmocka_unit_test(test_scripts_find_the_words_that_they_look_for),
        cmocka_unit_test(test_what_changes_nothing_is_taken),
        cmocka_unit_test(test_a_disk_has_the_properties_that_libvirt_names),
        cmocka_unit_test(test_disks_of_nothing_and_streams_by_tcp_are_taken),
        cmocka_unit_test(test_what_differs_is_said),
        cmocka_unit_test(test_gdb_is_listened_for_and_without_S_nothing_waits),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s ARMILLARY\n", argv[0]);
        return 2;
    }
    program = realpath(argv[1], NULL);
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
