/* The host bridge, configuration spaces, BARs, MSI-X, pins, ports and bridges. */
#include "base/state_io.h"
#include "tests/devices/pci_bench.h"

static void test_what_is_not_there_reads_ones_and_takes_writes(void **state)
{
    static const uint64_t ones[] = {[1] = 0xff, [2] = 0xffff, [4] = 0xffffffff, [8] = UINT64_MAX};
    struct pci_bench b;

    (void)state;
    bench_begin(&b);
    for (unsigned size = 1; size <= 8; size *= 2) {
        config_write(&b, 0, PCI_DEVFN(1, 0), 0, size, 0);
        assert_int_equal(config_read(&b, 0, PCI_DEVFN(1, 0), 0, size), ones[size]);
        assert_int_equal(config_read(&b, 0, PCI_DEVFN(3, 1), 8, size), ones[size]);
        assert_int_equal(config_read(&b, 255, PCI_DEVFN(31, 7), 0xff8, size), ones[size]);
        bus_write(&b, MEMORY + 0x10000, size, 0);
        assert_int_equal(bus_read(&b, MEMORY + 0x10000, size), ones[size]);
        assert_int_equal(bus_read(&b, HIGH_MEMORY, size), ones[size]);
        assert_int_equal(device_read(&b.host.ports.dev, 0, size), ones[size]);
    }
    assert_int_equal(b.d.watched.log_lines, 1); /* said once */
    bench_end(&b);
}

/* 6.1: only what is meant to be written changes; QEMU's numbers. */
static void test_identities_withstand_writes(void **state)
{
    static const struct {
        unsigned devfn;
        uint32_t id, class, subsystem;
    } rows[] = {{0, 0x00081b36, 0x06000000, 0x11001af4},
                {AT_PORT, 0x000c1b36, 0x06040000, 0},
                {AT_TRANSITIONAL, 0x10051af4, 0x00ff0000, 0x00041af4}};
    uint64_t rng = test_seed(1);
    struct pci_bench b;

    (void)state;
    bench_begin(&b);
    for (unsigned k = 0; k < 10000; k++)
        config_write(&b, 0, rows[random_next(&rng) % 3].devfn,
                     (unsigned)(random_next(&rng) % 0x40) * 4, 4, random_next(&rng));
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(config_read(&b, 0, rows[i].devfn, 0, 4), rows[i].id);
        assert_int_equal(config_read(&b, 0, rows[i].devfn, 8, 4), rows[i].class);
        if (rows[i].devfn != AT_PORT) /* there it is the upper half of a limit */
            assert_int_equal(config_read(&b, 0, rows[i].devfn, 0x2c, 4), rows[i].subsystem);
    }
    pci_host_reset(&b.host);
    assert_int_equal(config_read(&b, 0, AT_TRANSITIONAL, PCI_COMMAND, 2), 0);
    assert_int_equal(config_read(&b, 0, AT_TRANSITIONAL, 0x10, 4), 1);
    bench_end(&b);
}

static void test_bars_tell_their_sizes(void **state)
{
    static const uint32_t sizes[] = {0xffffff81, 0xfffff000, 0, 0, 0xffffc00c, 0xffffffff};
    struct pci_bench b;

    (void)state;
    bench_begin(&b);
    for (unsigned n = 0; n < ARRAY_SIZE(sizes); n++) {
        config_write(&b, 0, AT_TRANSITIONAL, 0x10 + 4 * n, 4, 0xffffffff);
        assert_int_equal(config_read(&b, 0, AT_TRANSITIONAL, 0x10 + 4 * n, 4), sizes[n]);
    }
    config_write(&b, 0, AT_TRANSITIONAL, 0x30, 4, 0xffffffff); /* no ROM */
    assert_int_equal(config_read(&b, 0, AT_TRANSITIONAL, 0x30, 4), 0);
    bench_end(&b);
}

static void test_bars_are_where_they_were_put_while_enabled(void **state)
{
    struct pci_bench b;

    (void)state;
    bench_begin(&b);
    open_transitional(&b);
    assert_int_equal(bus_read(&b, MSIX_AT + 12, 4), 1); /* masked */
    assert_int_equal(bus_read(&b, MODERN_AT + 0x12, 2), 1);
    assert_int_equal(device_read(&b.host.ports.dev, PORTS_AT + 12, 2), VIRTQ_SIZE_MAX);
    assert_int_equal(bus_read(&b, MSIX_AT + 0x1000, 4), 0xffffffff);
    config_write(&b, 0, AT_TRANSITIONAL, 0x14, 4, MSIX_AT + 0x10000);
    assert_int_equal(bus_read(&b, MSIX_AT + 12, 4), 0xffffffff);
    assert_int_equal(bus_read(&b, MSIX_AT + 0x1000c, 4), 1);
    config_write(&b, 0, AT_TRANSITIONAL, PCI_COMMAND, 2, PCI_COMMAND_IO);
    assert_int_equal(bus_read(&b, MSIX_AT + 0x1000c, 4), 0xffffffff);
    assert_int_equal(device_read(&b.host.ports.dev, PORTS_AT + 12, 2), VIRTQ_SIZE_MAX);
    bench_end(&b);
}

static void test_messages_wait_while_they_are_masked(void **state)
{
    struct pci_function *f;
    struct pci_bench b;

    (void)state;
    bench_begin(&b);
    open_transitional(&b);
    f = &b.pci[TRANSITIONAL].function;
    bus_write(&b, MSIX_AT + 16, 8, UINT64_C(0x808010040));
    bus_write(&b, MSIX_AT + 24, 4, 77);
    pci_msix_signal(f, 1); /* not enabled */
    assert_int_equal(bus_read(&b, MSIX_AT + 0x800, 8), 0);
    config_write(&b, 0, AT_TRANSITIONAL, MSIX_CAP + 2, 2, 0xc000);
    pci_msix_signal(f, 1);
    pci_msix_signal(f, VECTORS); /* there is no such vector */
    assert_int_equal(bus_read(&b, MSIX_AT + 0x800, 4), 2);
    bus_write(&b, MSIX_AT + 28, 4, 0);
    assert_int_equal(b.messages, 0); /* all are masked yet */
    config_write(&b, 0, AT_TRANSITIONAL, MSIX_CAP + 2, 2, 0x8000);
    assert_int_equal(b.messages, 1);
    assert_int_equal(b.address, UINT64_C(0x808010040));
    assert_int_equal(b.data, 77);
    assert_int_equal(b.requester, AT_TRANSITIONAL);
    assert_int_equal(bus_read(&b, MSIX_AT + 0x800, 4), 0);
    config_write(&b, 0, AT_TRANSITIONAL, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    pci_msix_signal(f, 1); /* it may not access memory */
    assert_int_equal(b.messages, 1);
    config_write(&b, 0, AT_TRANSITIONAL, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    assert_int_equal(b.messages, 2);
    bench_end(&b);
}

/* Device 3's INTA is line 3; device 0 behind the port, device 2, is line 2. */
static void test_pins_are_turned_by_devices_and_bridges(void **state)
{
    struct pci_bench b;

    (void)state;
    bench_begin(&b);
    open_port(&b);
    pci_intx_set(&b.pci[TRANSITIONAL].function, true);
    assert_true(b.pins[3] && !b.pins[2]);
    assert_int_equal(config_read(&b, 0, AT_TRANSITIONAL, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT,
                     PCI_STATUS_INTERRUPT);
    pci_intx_set(&b.pci[MODERN].function, true);
    pci_intx_set(&b.port.function, true);
    assert_true(b.pins[2]);
    pci_intx_set(&b.pci[MODERN].function, false);
    assert_true(b.pins[2]); /* the port's own */
    pci_intx_set(&b.port.function, false);
    assert_false(b.pins[2]);
    config_write(&b, 0, AT_TRANSITIONAL, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
    assert_false(b.pins[3]);
    config_write(&b, 0, AT_TRANSITIONAL, PCI_COMMAND, 2, 0);
    assert_true(b.pins[3]);
    config_write(&b, 0, AT_TRANSITIONAL, MSIX_CAP + 2, 2, 0x8000);
    assert_false(b.pins[3]);
    bench_end(&b);
}

static void test_a_port_forwards_what_its_registers_say(void **state)
{
    struct pci_bench b;

    (void)state;
    bench_begin(&b);
    assert_int_equal(config_read(&b, 1, 0, 0, 4), 0xffffffff);
    open_port(&b);
    assert_int_equal(config_read(&b, 1, 0, 0, 4), 0x10441af4);
    assert_int_equal(config_read(&b, 1, PCI_DEVFN(1, 0), 0, 4), 0xffffffff);
    assert_int_equal(config_read(&b, 1, 0, 0x100, 4), 0); /* no extended capabilities */
    assert_int_equal(config_read(&b, 0, AT_TRANSITIONAL, 0x100, 4), 0xffffffff);
    config_write(&b, 1, 0, 0x14, 4, BEHIND);
    config_write(&b, 1, 0, 0x20, 8, HIGH_BEHIND);
    config_write(&b, 1, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    assert_int_equal(bus_read(&b, BEHIND + 12, 4), 1);
    assert_int_equal(bus_read(&b, HIGH_BEHIND + 0x12, 2), 1);
    config_write(&b, 0, AT_PORT, 0x20, 4, 0x00001010); /* the limit below the base: nothing */
    assert_int_equal(bus_read(&b, BEHIND + 12, 4), 0xffffffff);
    assert_int_equal(bus_read(&b, HIGH_BEHIND + 0x12, 2), 1);
    config_write(&b, 0, AT_PORT, 0x3e, 2, 0x40); /* secondary bus reset */
    assert_int_equal(config_read(&b, 1, 0, PCI_COMMAND, 2), 0);
    bench_end(&b);
}

/* A switch behind the port, a conventional bridge behind its downstream port, and behind that
 * another: buses 2 to 5, of which each hands on the megabyte that the one before it does. */
struct deep {
    struct pci_bench b;
    struct pci_port ports[4];
};
enum { UP, DOWN, CONVENTIONAL, SECOND };

static void deep_begin(struct deep *d)
{
    static const struct {
        enum pci_port_kind kind;
        uint8_t devfn;
    } rows[] = {{PCI_PORT_UPSTREAM, 0},
                {PCI_PORT_DOWNSTREAM, PCI_DEVFN(1, 0)},
                {PCI_PORT_PCIE_PCI, 0},
                {PCI_PORT_PCI_PCI, PCI_DEVFN(4, 0)}};
    struct pci_bench *b = &d->b;

    bench_begin(b);
    b->host.count--; /* the modern device goes further down */
    for (unsigned n = 0; n < 4; n++) {
        pci_port_init(&d->ports[n], rows[n].kind, &b->d.log, 7);
        pci_host_add(&b->host, &d->ports[n].function,
                     n ? &d->ports[n - 1].function : &b->port.function, rows[n].devfn);
    }
    pci_host_add(&b->host, &b->pci[MODERN].function, &d->ports[SECOND].function, PCI_DEVFN(5, 0));
    open_port(b);
    config_write(b, 0, AT_PORT, 0x18, 4, 0x060100);
    for (unsigned n = 0; n < 4; n++) {
        config_write(b, 1 + n, rows[n].devfn, 0x18, 4, 0x060000 | (n + 2) << 8 | (n + 1));
        config_write(b, 1 + n, rows[n].devfn, 0x20, 4, 0x10101010);
        config_write(b, 1 + n, rows[n].devfn, PCI_COMMAND, 2,
                     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    }
    config_write(b, 5, PCI_DEVFN(5, 0), 0x14, 4, BEHIND);
    config_write(b, 5, PCI_DEVFN(5, 0), PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void test_a_function_is_reached_through_all_bridges_before_it(void **state)
{
    static struct deep d;
    struct pci_bench *b = &d.b;

    (void)state;
    deep_begin(&d);
    assert_int_equal(config_read(b, 1, 0, 0, 4), 0x8232104c);
    assert_int_equal(config_read(b, 2, PCI_DEVFN(1, 0), 0, 4), 0x8233104c);
    assert_int_equal(config_read(b, 4, PCI_DEVFN(4, 0), 0, 4), 0x00011b36);
    assert_int_equal(config_read(b, 5, PCI_DEVFN(5, 0), 0, 4), 0x10441af4);
    assert_int_equal(config_read(b, 3, 0, 0x100, 4), 0);
    assert_int_equal(config_read(b, 4, PCI_DEVFN(4, 0), 0x100, 4), 0xffffffff); /* conventional */
    assert_int_equal(bus_read(b, BEHIND + 12, 4), 1);
    config_write(b, 2, PCI_DEVFN(1, 0), 0x20, 4, 0x10201020);
    assert_int_equal(bus_read(b, BEHIND + 12, 4), 0xffffffff);
    config_write(b, 2, PCI_DEVFN(1, 0), 0x20, 4, 0x10101010);
    assert_true(pci_is_master(&b->pci[MODERN].function));
    config_write(b, 1, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    assert_false(pci_is_master(&b->pci[MODERN].function));
    config_write(b, 0, AT_PORT, 0x3e, 2, 0x40); /* a reset of all that is behind it */
    assert_int_equal(pci_get(&b->pci[MODERN].function, PCI_COMMAND, 2), 0);
    bench_end(b);
}

/* Conventional buses have no requesters: the bridge's is that of device 0 behind it. The pin of
 * device 5 is turned by the bridges 4, 0, 1, 0 and 2. */
static void test_a_conventional_bridge_speaks_for_those_behind_it(void **state)
{
    static struct deep d;
    struct pci_bench *b = &d.b;

    (void)state;
    deep_begin(&d);
    pci_intx_set(&b->pci[MODERN].function, true);
    assert_true(b->pins[(5 + 4 + 0 + 1 + 0 + 2) % 4]);
    pci_intx_set(&b->pci[MODERN].function, false);
    pci_host_message(&b->pci[MODERN].function, 0x8090040, 3);
    assert_int_equal(b->requester, 4 << 8);
    pci_host_message(&d.ports[DOWN].function, 0x8090040, 3);
    assert_int_equal(b->requester, 2 << 8 | PCI_DEVFN(1, 0));
    bench_end(b);
}

/* Its number is given, and all of the windows reaches it. */
static void test_an_expander_has_a_root_bus_behind_it(void **state)
{
    static struct pci_bench b;
    static struct pci_port expander, port;

    (void)state;
    bench_begin(&b);
    b.host.count--;
    pci_port_init(&expander, PCI_PORT_EXPANDER, &b.d.log, 0x20);
    pci_port_init(&port, PCI_PORT_ROOT, &b.d.log, 1);
    pci_host_add(&b.host, &expander.function, NULL, PCI_DEVFN(9, 0));
    pci_host_add(&b.host, &port.function, &expander.function, PCI_DEVFN(1, 0));
    pci_host_add(&b.host, &b.pci[MODERN].function, &port.function, 0);
    assert_int_equal(config_read(&b, 0, PCI_DEVFN(9, 0), 0, 4), 0x000b1b36);
    assert_int_equal(config_read(&b, 0x20, PCI_DEVFN(1, 0), 0, 4), 0x000c1b36);
    config_write(&b, 0x20, PCI_DEVFN(1, 0), 0x18, 4, 0x212120);
    config_write(&b, 0x20, PCI_DEVFN(1, 0), 0x20, 4, 0x10101010);
    config_write(&b, 0x20, PCI_DEVFN(1, 0), PCI_COMMAND, 2,
                 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    config_write(&b, 0x21, 0, 0x14, 4, BEHIND);
    config_write(&b, 0x21, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    assert_int_equal(bus_read(&b, BEHIND + 12, 4), 1);
    assert_true(pci_is_master(&b.pci[MODERN].function));
    pci_intx_set(&b.pci[MODERN].function, true); /* the root bus has the lines of bus 0 */
    assert_true(b.pins[1]);
    bench_end(&b);
}

static void test_a_restored_bus_is_the_saved_one(void **state)
{
    static struct pci_bench a, b;
    struct state_io out, in;

    (void)state;
    bench_begin(&a);
    open_port(&a);
    open_transitional(&a);
    bus_write(&a, MSIX_AT, 8, 0x123456789a8);
    bus_write(&a, MODERN_AT + 0x14, 1, VIRTIO_ACKNOWLEDGE);
    state_io_save(&out);
    pci_host_state(&out, &a.host);
    bench_begin(&b);
    state_io_restore(&in, out.out, out.len);
    pci_host_state(&in, &b.host);
    assert_false(state_failed(&in));
    assert_int_equal(bus_read(&b, MSIX_AT, 8), 0x123456789a8);
    assert_int_equal(bus_read(&b, MODERN_AT + 0x14, 1), VIRTIO_ACKNOWLEDGE);
    state_io_compare(&in, out.out, out.len);
    pci_host_state(&in, &b.host);
    assert_false(state_failed(&in));
    config_write(&b, 0, AT_PORT, 0x3c, 1, 5);
    state_io_compare(&in, out.out, out.len);
    pci_host_state(&in, &b.host);
    assert_true(state_failed(&in));
    state_io_destroy(&out);
    bench_end(&a);
    bench_end(&b);
}

static bool one_to_one(void *ctx, uint32_t requester, uint64_t addr, bool write, pa_t *at,
                       uint64_t *bytes)
{
    (void)ctx, (void)requester, (void)write, (void)bytes;
    *at = pa(addr);
    return true;
}

static void test_a_root_bus_may_be_past_the_iommu(void **state)
{
    static const struct arm_log quiet;
    static const struct pci_ops none = {.name = "none"};

    (void)state;
    for (unsigned bypass = 0; bypass < 4; bypass++) {
        const struct pci_host_config config = {
            .log = &quiet, .translate = one_to_one, .bypass = bypass & 1};
        static struct pci_host host;
        static struct pci_port expander;
        static struct pci_function near, far;
        memset(&host, 0, sizeof(host));
        pci_host_init(&host, &config, 0x10000000, UINT64_C(0x8000000000));
        pci_port_init(&expander, PCI_PORT_EXPANDER, &quiet, 32);
        expander.function.bypass = bypass & 2;
        pci_host_add(&host, &expander.function, NULL, 8);
        pci_init(&near, &none, &quiet, &(struct pci_identity){.vendor = 1});
        pci_init(&far, &none, &quiet, &(struct pci_identity){.vendor = 1});
        pci_host_add(&host, &near, NULL, 16);
        pci_host_add(&host, &far, &expander.function, 0);
        assert_int_equal(pci_iommu(&near) == NULL, bypass & 1);
        assert_int_equal(pci_iommu(&far) == NULL, bypass >> 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_root_bus_may_be_past_the_iommu),
        cmocka_unit_test(test_what_is_not_there_reads_ones_and_takes_writes),
        cmocka_unit_test(test_identities_withstand_writes),
        cmocka_unit_test(test_bars_tell_their_sizes),
        cmocka_unit_test(test_bars_are_where_they_were_put_while_enabled),
        cmocka_unit_test(test_messages_wait_while_they_are_masked),
        cmocka_unit_test(test_pins_are_turned_by_devices_and_bridges),
        cmocka_unit_test(test_a_port_forwards_what_its_registers_say),
        cmocka_unit_test(test_a_function_is_reached_through_all_bridges_before_it),
        cmocka_unit_test(test_a_conventional_bridge_speaks_for_those_behind_it),
        cmocka_unit_test(test_an_expander_has_a_root_bus_behind_it),
        cmocka_unit_test(test_a_restored_bus_is_the_saved_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
