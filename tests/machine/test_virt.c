/* The board: what is where, and which wire goes to which interrupt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bits.h"
#include "gic/gic.h"
#include "machine/virt.h"

#define GICD_ISPENDR 0x200
#define CPUS         2

struct machine_of_devices {
    struct virt_board board;
    struct physmem mem;
    struct clock clock;
    struct arm_log log;
    struct gic *gic;
    char out[16];
    size_t out_count;
};

static void console(void *ctx, const uint8_t *data, size_t n)
{
    struct machine_of_devices *m = ctx;

    for (size_t i = 0; i < n && m->out_count < sizeof(m->out); i++)
        m->out[m->out_count++] = (char)data[i];
}

static int create_of(struct machine_of_devices *m, const struct virt_config *cfg,
                     struct arm_error *err)
{
    static const uint64_t mpidr[CPUS] = {0, 1};
    struct gic_config gic = {.cpus = CPUS, .mpidr = mpidr, .spis = VIRT_SPI_COUNT, .log = &m->log};

    memset(m, 0, sizeof(*m));
    m->clock.next_ns = CLOCK_NEVER;
    m->gic = gic_create(&gic, err);
    assert_non_null(m->gic);
    return virt_board_create(&m->board, cfg, &m->mem, m->gic, &m->clock, &m->log, err);
}

static int create(struct machine_of_devices *m, unsigned cpus, uint64_t ram, struct arm_error *err)
{
    const struct virt_config cfg = {
        .cpu_count = cpus,
        .ram_size = ram,
        .el2 = true,
        .its = true,
        .epoch_s = VIRT_EPOCH_S,
        .console = console,
        .console_ctx = m,
    };

    return create_of(m, &cfg, err);
}

static void destroy(struct machine_of_devices *m)
{
    virt_board_destroy(&m->board);
    gic_destroy(m->gic);
    physmem_destroy(&m->mem);
}

static uint64_t rd(struct machine_of_devices *m, uint64_t addr)
{
    struct device_window *w = physmem_window(&m->mem, pa(addr));

    assert_non_null(w);
    return device_read(w->dev, addr - w->base + w->dev_offset, 4);
}

static void wr(struct machine_of_devices *m, uint64_t addr, uint64_t value)
{
    struct device_window *w = physmem_window(&m->mem, pa(addr));

    assert_non_null(w);
    device_write(w->dev, addr - w->base + w->dev_offset, 4, value);
}

static bool spi_pending(struct machine_of_devices *m, unsigned spi)
{
    unsigned intid = 32 + spi;

    return bit(rd(m, 0x08000000 + GICD_ISPENDR + intid / 32 * 4), intid % 32);
}

static void test_regions_do_not_overlap(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VIRT_REGION_COUNT; i++) {
        const struct virt_memmap *a = &virt_memmap[i];
        assert_true(a->size > 0);
        for (unsigned k = 0; k < i; k++) {
            const struct virt_memmap *b = &virt_memmap[k];
            assert_true(a->base + a->size <= b->base || b->base + b->size <= a->base);
        }
    }
}

static void test_devices_answer_at_their_addresses(void **state)
{
    struct machine_of_devices m;
    struct arm_error err;

    (void)state;
    assert_int_equal(create(&m, CPUS, UINT64_C(64) << 20, &err), 0);
    assert_int_equal(rd(&m, 0x09000fe0), 0x11);
    assert_int_equal(rd(&m, 0x09010fe0), 0x31);
    assert_int_equal(rd(&m, 0x09010000), VIRT_EPOCH_S);
    assert_int_equal(rd(&m, 0x09020010), 0x554d4551);
    assert_int_equal(rd(&m, 0x09030fe0), 0x61);
    assert_int_equal(bits(rd(&m, 0x0800ffe8), 7, 4), 3);            /* GICD_PIDR2.ArchRev */
    assert_int_equal(bits(rd(&m, 0x080affe8), 7, 4), 3);            /* GICR_PIDR2 of CPU 0 */
    assert_int_equal(bits(rd(&m, 0x080a0008 + 0x20000), 23, 8), 1); /* GICR_TYPER of CPU 1 */
    assert_null(physmem_window(&m.mem, pa(0x080a0000 + CPUS * 0x20000)));
    assert_non_null(physmem_ram(&m.mem, pa(0x40000000), UINT64_C(64) << 20));
    wr(&m, 0x09000000, 'A');
    assert_int_equal(m.out_count, 1);
    assert_int_equal(m.out[0], 'A');
    destroy(&m);
}

/* Where QEMU's device tree has them, both places of the ECAM with the host bridge's function; the
 * last 4 bytes of each, and what is around is nothing. */
static void test_pcie_windows_are_all_there_and_empty_but_for_the_host_bridge(void **state)
{
    static const struct {
        uint64_t base, size;
    } windows[] = {
        {0x10000000, 0x2eff0000},
        {0x3eff0000, 0x00010000},
        {0x3f000000, 0x01000000},
        {UINT64_C(0x4010000000), 0x10000000},
        {UINT64_C(0x8000000000), UINT64_C(0x8000000000)},
    };
    struct machine_of_devices m;
    struct arm_error err;

    (void)state;
    assert_int_equal(create(&m, CPUS, UINT64_C(64) << 20, &err), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(windows); i++) {
        uint64_t last = windows[i].base + windows[i].size - 4;
        bool ecam = i == 2 || i == 3;
        wr(&m, windows[i].base, 0);
        wr(&m, last, 0);
        assert_int_equal(rd(&m, windows[i].base), ecam ? 0x00081b36 : 0xffffffff);
        assert_int_equal(rd(&m, last), 0xffffffff);
    }
    assert_null(physmem_window(&m.mem, pa(0x0fffffff)));
    assert_null(physmem_window(&m.mem, pa(UINT64_C(0x400fffffff))));
    assert_null(physmem_window(&m.mem, pa(UINT64_C(0x4020000000))));
    assert_null(physmem_window(&m.mem, pa(UINT64_C(0x7fffffffff))));
    assert_null(physmem_window(&m.mem, pa(UINT64_C(0x10000000000))));
    destroy(&m);
}

static void test_interrupts_reach_their_spi(void **state)
{
    struct machine_of_devices m;
    struct arm_error err;

    (void)state;
    assert_int_equal(create(&m, CPUS, UINT64_C(64) << 20, &err), 0);
    wr(&m, 0x09000038, 0x10);
    assert_false(spi_pending(&m, VIRT_SPI_UART));
    pl011_receive(&m.board.uart, (const uint8_t *)"x", 1);
    assert_true(spi_pending(&m, VIRT_SPI_UART));
    wr(&m, 0x09010010, 1);
    wr(&m, 0x09010004, VIRT_EPOCH_S);
    assert_true(spi_pending(&m, VIRT_SPI_RTC));
    virt_board_reset(&m.board);
    assert_false(spi_pending(&m, VIRT_SPI_UART));
    assert_false(spi_pending(&m, VIRT_SPI_RTC));
    destroy(&m);
}

static void test_power_button_is_pressed_for_100_ms(void **state)
{
    struct machine_of_devices m;
    struct arm_error err;

    (void)state;
    assert_int_equal(create(&m, CPUS, UINT64_C(64) << 20, &err), 0);
    wr(&m, 0x09030404, 1 << VIRT_POWER_GPIO); /* GPIOIS: level */
    wr(&m, 0x0903040c, 1 << VIRT_POWER_GPIO); /* GPIOIEV: high */
    wr(&m, 0x09030410, 1 << VIRT_POWER_GPIO); /* GPIOIE */
    assert_false(spi_pending(&m, VIRT_SPI_GPIO));
    virt_board_power_button(&m.board);
    assert_true(spi_pending(&m, VIRT_SPI_GPIO));
    clock_run(&m.clock, 99999999);
    assert_true(spi_pending(&m, VIRT_SPI_GPIO));
    clock_run(&m.clock, 100000000);
    assert_false(spi_pending(&m, VIRT_SPI_GPIO));
    destroy(&m);
}

static void test_bad_configurations_are_refused(void **state)
{
    static const struct {
        unsigned cpus;
        uint64_t ram;
    } rows[] = {
        {0, 1 << 20}, {VIRT_CPUS_MAX + 1, 1 << 20}, {1, 0}, {1, 4097}, {1, UINT64_C(256) << 30},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct machine_of_devices m;
        struct arm_error err = {0};

        assert_int_equal(create(&m, rows[i].cpus, rows[i].ram, &err), -ARM_EINVAL);
        assert_int_equal(err.code, ARM_EINVAL);
        gic_destroy(m.gic);
        physmem_destroy(&m.mem);
    }
}

#define ID_RNG 4

static uint64_t device_id(struct machine_of_devices *m, unsigned slot)
{
    return rd(m, 0x0a000000 + slot * 0x200 + 8);
}

static void test_a_virtio_device_is_in_its_slot_or_the_last_free_one(void **state)
{
    const struct arm_device devices[] = {
        {.kind = ARM_VIRTIO_RNG},
        {.kind = ARM_VIRTIO_RNG, .bus = 1 + 30},
        {.kind = ARM_VIRTIO_RNG},
        {.kind = ARM_VIRTIO_RNG, .bus = 1},
    };
    const struct virt_config cfg = {.cpu_count = CPUS,
                                    .ram_size = UINT64_C(16) << 20,
                                    .devices = devices,
                                    .device_count = ARRAY_SIZE(devices)};
    struct machine_of_devices m;
    struct arm_error err;

    (void)state;
    assert_int_equal(create_of(&m, &cfg, &err), 0);
    for (unsigned slot = 0; slot < VIRT_SLOTS; slot++)
        assert_int_equal(device_id(&m, slot), slot == 0 || slot >= 29 ? ID_RNG : 0);
    destroy(&m);
}

static void test_a_slot_that_is_taken_or_not_there_is_refused(void **state)
{
    static const struct {
        unsigned first, second;
        const char *text;
    } rows[] = {
        {1 + 5, 1 + 5, "virtio-mmio-bus.5"},
        {0, 1 + 31, "virtio-mmio-bus.31"},
        {0, 1 + 32, "virtio-mmio-bus.32"},
        {0, UINT32_MAX, "expected 0 to 31"},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct arm_device devices[] = {
            {.kind = ARM_VIRTIO_RNG, .bus = rows[i].first},
            {.kind = ARM_VIRTIO_RNG, .bus = rows[i].second},
        };
        const struct virt_config cfg = {.cpu_count = CPUS,
                                        .ram_size = UINT64_C(16) << 20,
                                        .devices = devices,
                                        .device_count = ARRAY_SIZE(devices)};
        struct machine_of_devices m;
        struct arm_error err;

        assert_int_equal(create_of(&m, &cfg, &err), -ARM_EINVAL);
        assert_non_null(strstr(err.text, rows[i].text));
        gic_destroy(m.gic);
        physmem_destroy(&m.mem);
    }
}

static void test_a_device_is_of_a_kind_and_where_that_may_be(void **state)
{
    const struct {
        struct arm_device device;
        const char *text;
    } rows[] = {
        {{.kind = (enum arm_device_kind)99}, "device 0 is of kind 99"},
        {{.kind = ARM_AHCI}, "device 0 is one of PCI"},
        {{.kind = ARM_DISK, .unit = {.cdrom = true}}, "no controller before it"},
        {{.kind = ARM_USB_MOUSE, .pci.on = true}, "no controller before it"},
    };
    struct machine_of_devices m;
    struct arm_error err;

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        struct virt_config cfg = {.cpu_count = CPUS,
                                  .ram_size = UINT64_C(16) << 20,
                                  .devices = &rows[k].device,
                                  .device_count = 1};
        assert_int_equal(create_of(&m, &cfg, &err), -ARM_EINVAL);
        assert_non_null(strstr(err.text, rows[k].text));
        gic_destroy(m.gic);
        physmem_destroy(&m.mem);
    }
}

/* The lines are those of QEMU 7.2 for these devices. */
static void test_the_order_to_boot_in_is_in_fw_cfg(void **state)
{
    static const char expected[] = "/virtio-mmio@000000000a003e00/disk@0,0\n"
                                   "/pci@ffffffffffffffff/scsi@1/disk@0,0\n"
                                   "/pci@ffffffffffffffff/ethernet@2,1/ethernet-phy@0\n"
                                   "/pci@ffffffffffffffff/pci1b36,0010@3/namespace@1,0\n"
                                   "/pci@ffffffffffffffff/scsi@4/channel@0/disk@3,2\n"
                                   "/pci@ffffffffffffffff/usb@5/storage@1/channel@0/disk@0,0\n"
                                   "/pci@ffffffffffffffff/pci-bridge@10/ethernet@0/ethernet-phy@0\n"
                                   "/pci@ffffffffffffffff/pci8086,2922@6/drive@1/disk@0\n"
                                   "/pci@ffffffffffffffff/pci-bridge@11/pci-bridge@0/"
                                   "pci1b36,0010@2/namespace@1,0\n"
                                   "/pci@ffffffffffffffff/usb@5/hub@2/hub@4/storage@3/"
                                   "channel@0/disk@0,0";
    static const struct arm_pcie_port ports[] = {
        {.devfn = PCI_DEVFN(0x10, 0)},
        {.devfn = PCI_DEVFN(0x11, 0)},
        {.kind = ARM_PCIE_TO_PCI, .port = 2},
    };
    char path[] = "/tmp/armillary-test-XXXXXX";
    int fd = mkstemp(path);
    const struct arm_drive disk = {.path = path, .mode = ARM_DRIVE_SNAPSHOT};
#define AT(slot, fn) .pci = {.on = true, .devfn = PCI_DEVFN(slot, fn) }
    const struct arm_device devices[] = {
        {.kind = ARM_NVME, .boot = 4, .drive = disk, .serial = "1", AT(3, 0)},
        {.kind = ARM_VIRTIO_SCSI, AT(4, 0)},
        {.kind = ARM_DISK, .boot = 5, .unit = {1, 3, 2, true}},
        {.kind = ARM_USB_XHCI, AT(5, 0)},
        {.kind = ARM_DISK, .boot = 6, .drive = disk, .unit = {.controller = 3}},
        {.kind = ARM_VIRTIO_NET, .boot = 3, AT(2, 1)},
        {.kind = ARM_E1000, .boot = 7, .pci = {.on = true, .port = 1}},
        {.kind = ARM_AHCI, AT(6, 0)},
        {.kind = ARM_DISK, .boot = 8, .unit = {7, 1, 0, true}},
        {.kind = ARM_VIRTIO_BLK, .boot = 2, .drive = disk, AT(1, 0)},
        {.kind = ARM_VIRTIO_BLK, .boot = 1, .drive = disk},
        {.kind = ARM_NVME,
         .boot = 9,
         .drive = disk,
         .serial = "2",
         .pci = {.on = true, .port = 3, .devfn = PCI_DEVFN(2, 0)}},
        {.kind = ARM_USB_HUB, .unit = {.controller = 3, .target = 2}},
        {.kind = ARM_USB_HUB, .unit = {.controller = 12, .target = 4}},
        {.kind = ARM_DISK, .boot = 10, .drive = disk, .unit = {.controller = 13, .target = 3}},
    };
#undef AT
    const struct virt_config cfg = {.cpu_count = CPUS,
                                    .ram_size = UINT64_C(16) << 20,
                                    .pcie_ports = ports,
                                    .pcie_port_count = ARRAY_SIZE(ports),
                                    .devices = devices,
                                    .device_count = ARRAY_SIZE(devices)};
    struct machine_of_devices m;
    struct arm_error err = {0};

    (void)state;
    assert_int_equal(ftruncate(fd, 4096), 0);
    close(fd);
    if (create_of(&m, &cfg, &err))
        fail_msg("%s", err.text);
    assert_int_equal(m.board.fw_cfg.file_count, 1);
    assert_string_equal((const char *)fw_cfg_file(&m.board.fw_cfg, "bootorder"), expected);
    assert_int_equal(m.board.fw_cfg.files[0].item.size, sizeof(expected));
    destroy(&m);
    unlink(path);
}

static void test_files_of_the_user_are_in_fw_cfg(void **state)
{
    const struct arm_fw_cfg files[] = {{.name = "opt/b", .string = "two"},
                                       {.name = "opt/a", .path = "/proc/version"}};
    const struct arm_fw_cfg missing = {.name = "opt/a", .path = "/nonexistent"};
    struct virt_config cfg = {.cpu_count = CPUS,
                              .ram_size = UINT64_C(16) << 20,
                              .fw_cfg = files,
                              .fw_cfg_count = ARRAY_SIZE(files)};
    struct machine_of_devices m;
    struct arm_error err;

    (void)state;
    assert_int_equal(create_of(&m, &cfg, &err), 0);
    assert_int_equal(m.board.fw_cfg.file_count, 2);
    assert_string_equal(m.board.fw_cfg.files[0].name, "opt/a");
    assert_memory_equal(m.board.fw_cfg.files[0].item.data, "Linux", 5);
    assert_int_equal(m.board.fw_cfg.files[1].item.size, 3);
    assert_memory_equal(m.board.fw_cfg.files[1].item.data, "two", 3);
    destroy(&m);
    cfg.fw_cfg = &missing;
    cfg.fw_cfg_count = 1;
    assert_int_equal(create_of(&m, &cfg, &err), -ARM_ENOENT);
    gic_destroy(m.gic);
    physmem_destroy(&m.mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regions_do_not_overlap),
        cmocka_unit_test(test_devices_answer_at_their_addresses),
        cmocka_unit_test(test_pcie_windows_are_all_there_and_empty_but_for_the_host_bridge),
        cmocka_unit_test(test_interrupts_reach_their_spi),
        cmocka_unit_test(test_power_button_is_pressed_for_100_ms),
        cmocka_unit_test(test_bad_configurations_are_refused),
        cmocka_unit_test(test_a_virtio_device_is_in_its_slot_or_the_last_free_one),
        cmocka_unit_test(test_a_slot_that_is_taken_or_not_there_is_refused),
        cmocka_unit_test(test_a_device_is_of_a_kind_and_where_that_may_be),
        cmocka_unit_test(test_the_order_to_boot_in_is_in_fw_cfg),
        cmocka_unit_test(test_files_of_the_user_are_in_fw_cfg),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
