/* Virtio over PCI: a driver by the modern interface, by the legacy one, and
 * by configuration space. */
#include "tests/devices/pci_bench.h"

/* struct virtio_pci_common_cfg, 4.1.4.3 */
enum {
    FEATURE_SEL = 0x00,
    FEATURE = 0x04,
    GUEST_FEATURE_SEL = 0x08,
    GUEST_FEATURE = 0x0c,
    CONFIG_VECTOR = 0x10,
    DEVICE_STATUS = 0x14,
    SELECT = 0x16,
    SIZE = 0x18,
    QUEUE_VECTOR = 0x1a,
    ENABLE = 0x1c,
    DESC = 0x20,
    AVAIL = 0x28,
    USED = 0x30,
    ISR_AT = 0x1000,
    NOTIFY_AT = 0x3000,
};

/* Ports of the legacy interface, 4.1.4.8 */
enum {
    P_FEATURES = 0,
    P_GUEST = 4,
    P_PFN = 8,
    P_SIZE = 12,
    P_SELECT = 14,
    P_NOTIFY = 16,
    P_STATUS = 18,
    P_ISR = 19,
    P_VECTOR = 20
};

#define GIVEN 64

static void common(struct pci_bench *b, unsigned offset, unsigned size, uint64_t value)
{
    bus_write(b, MODERN_AT + offset, size, value);
}

static void start_modern(struct pci_bench *b)
{
    common(b, DEVICE_STATUS, 1, 0);
    common(b, DEVICE_STATUS, 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    for (unsigned half = 0; half < 2; half++) {
        common(b, FEATURE_SEL, 4, half);
        common(b, GUEST_FEATURE_SEL, 4, half);
        common(b, GUEST_FEATURE, 4, bus_read(b, MODERN_AT + FEATURE, 4));
    }
    common(b, DEVICE_STATUS, 1, 11);
    assert_int_equal(bus_read(b, MODERN_AT + DEVICE_STATUS, 1), 11);
    common(b, SELECT, 2, 0);
    common(b, SIZE, 2, QUEUE);
    common(b, DESC, 8, ring(0) + DESC_AT);
    common(b, AVAIL, 4, ring(0) + AVAIL_AT);
    common(b, AVAIL + 4, 4, 0);
    common(b, USED, 8, ring(0) + USED_AT);
}

static void offer_buffer(struct pci_bench *b, unsigned n)
{
    put_desc(&b->d, ring(0), n, BUFFERS + GIVEN * n, GIVEN, DESC_WRITE, 0);
    make_available(&b->d, 0, n);
}

static void test_a_modern_driver_is_served_and_interrupted_by_messages(void **state)
{
    struct pci_bench b;

    (void)state;
    bench_begin(&b);
    open_transitional(&b);
    bus_write(&b, MSIX_AT + 16, 8, 0x8090040);
    bus_write(&b, MSIX_AT + 24, 8, 9); /* its data, and no mask */
    config_write(&b, 0, AT_TRANSITIONAL, MSIX_CAP + 2, 2, 0x8000);
    start_modern(&b);
    common(&b, CONFIG_VECTOR, 2, VECTORS);
    assert_int_equal(bus_read(&b, MODERN_AT + CONFIG_VECTOR, 2), VIRTIO_PCI_NO_VECTOR);
    common(&b, QUEUE_VECTOR, 2, 1);
    assert_int_equal(bus_read(&b, MODERN_AT + QUEUE_VECTOR, 2), 1);
    common(&b, ENABLE, 2, 1);
    assert_int_equal(bus_read(&b, MODERN_AT + ENABLE, 2), 1);
    common(&b, DEVICE_STATUS, 1, 15);
    offer_buffer(&b, 0);
    bus_write(&b, MODERN_AT + NOTIFY_AT, 2, 0);
    assert_int_equal(used_count(&b.d, 0), 1);
    assert_int_equal(used_len(&b.d, 0, 0), GIVEN);
    assert_int_equal(b.messages, 1);
    assert_int_equal(b.data, 9);
    assert_false(b.pins[3]);
    bench_end(&b);
}

static void test_without_messages_the_pin_is_high_until_the_isr_is_read(void **state)
{
    struct pci_bench b;

    (void)state;
    bench_begin(&b);
    open_transitional(&b);
    start_modern(&b);
    common(&b, ENABLE, 2, 1);
    common(&b, DEVICE_STATUS, 1, 15);
    offer_buffer(&b, 0);
    bus_write(&b, MODERN_AT + NOTIFY_AT, 2, 0);
    assert_true(b.pins[3]);
    assert_int_equal(bus_read(&b, MODERN_AT + ISR_AT, 1), VIRTIO_ISR_QUEUE);
    assert_false(b.pins[3]);
    assert_int_equal(bus_read(&b, MODERN_AT + ISR_AT, 1), 0);
    bench_end(&b);
}

static void test_a_function_that_is_no_bus_master_does_nothing(void **state)
{
    struct pci_bench b;

    (void)state;
    bench_begin(&b);
    open_transitional(&b);
    start_modern(&b);
    common(&b, ENABLE, 2, 1);
    common(&b, DEVICE_STATUS, 1, 15);
    offer_buffer(&b, 0);
    config_write(&b, 0, AT_TRANSITIONAL, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    bus_write(&b, MODERN_AT + NOTIFY_AT, 2, 0);
    assert_int_equal(used_count(&b.d, 0), 0);
    config_write(&b, 0, AT_TRANSITIONAL, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    bus_write(&b, MODERN_AT + NOTIFY_AT, 2, 0);
    assert_int_equal(used_count(&b.d, 0), 1);
    bench_end(&b);
}

static void port(struct pci_bench *b, unsigned offset, unsigned size, uint64_t value)
{
    device_write(&b->host.ports.dev, PORTS_AT + offset, size, value);
}

static uint64_t read_port(struct pci_bench *b, unsigned offset, unsigned size)
{
    return device_read(&b->host.ports.dev, PORTS_AT + offset, size);
}

/* The layout of a legacy queue of 256: its used ring is in the third page. */
static void test_a_legacy_driver_is_served_by_ports_too(void **state)
{
    const uint64_t at = RAM + 0x80000, avail = at + UINT64_C(16) * VIRTQ_SIZE_MAX;
    struct pci_bench b;

    (void)state;
    bench_begin(&b);
    open_transitional(&b);
    config_write(&b, 0, AT_TRANSITIONAL, PCI_COMMAND, 2, PCI_COMMAND_IO); /* no bus master */
    port(&b, P_STATUS, 1, 0);
    port(&b, P_STATUS, 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    assert_false(read_port(&b, P_FEATURES, 4) >> 32);
    port(&b, P_GUEST, 4, 0);
    port(&b, P_SELECT, 2, 0);
    assert_int_equal(read_port(&b, P_SIZE, 2), VIRTQ_SIZE_MAX);
    port(&b, P_PFN, 4, at >> 12);
    assert_int_equal(read_port(&b, P_PFN, 4), at >> 12);
    port(&b, P_STATUS, 1, 7);
    put_desc(&b.d, at, 0, BUFFERS, GIVEN, DESC_WRITE, 0);
    poke(&b.d, avail + 4, 2, 0);
    poke(&b.d, avail + 2, 2, 1);
    port(&b, P_NOTIFY, 2, 0);
    assert_int_equal(peek(&b.d, at + 0x2000 + 2, 2), 1);
    assert_int_equal(peek(&b.d, at + 0x2000 + 8, 4), GIVEN);
    assert_true(b.pins[3]);
    assert_int_equal(read_port(&b, P_ISR, 1), VIRTIO_ISR_QUEUE);
    assert_false(b.pins[3]);
    /* 4.1.4.8: with MSI-X enabled two vectors come in front of the configuration. */
    assert_int_equal(read_port(&b, P_VECTOR, 2), 0);
    config_write(&b, 0, AT_TRANSITIONAL, MSIX_CAP + 2, 2, 0x8000);
    assert_int_equal(read_port(&b, P_VECTOR, 2), VIRTIO_PCI_NO_VECTOR);
    port(&b, P_VECTOR + 2, 2, 1);
    assert_int_equal(read_port(&b, P_VECTOR + 2, 2), 1);
    port(&b, P_STATUS, 1, 0);
    assert_int_equal(read_port(&b, P_VECTOR + 2, 2), VIRTIO_PCI_NO_VECTOR);
    assert_int_equal(read_port(&b, P_PFN, 4), 0);
    bench_end(&b);
}

/* 4.1.4.9, VIRTIO_PCI_CAP_PCI_CFG; its place as QEMU has it. */
static void test_registers_are_reached_through_configuration_space(void **state)
{
    enum { CAP = 0x84, BAR = CAP + 4, OFFSET = CAP + 8, LENGTH = CAP + 12, DATA = CAP + 16 };
    struct pci_bench b;

    (void)state;
    bench_begin(&b); /* no BAR is enabled */
    config_write(&b, 0, AT_TRANSITIONAL, BAR, 1, 4);
    config_write(&b, 0, AT_TRANSITIONAL, OFFSET, 4, DEVICE_STATUS);
    config_write(&b, 0, AT_TRANSITIONAL, LENGTH, 4, 1);
    config_write(&b, 0, AT_TRANSITIONAL, DATA, 1, VIRTIO_ACKNOWLEDGE);
    assert_int_equal(b.rng[TRANSITIONAL].virtio.status, VIRTIO_ACKNOWLEDGE);
    config_write(&b, 0, AT_TRANSITIONAL, OFFSET, 4, 0x12);
    config_write(&b, 0, AT_TRANSITIONAL, LENGTH, 4, 2);
    assert_int_equal(config_read(&b, 0, AT_TRANSITIONAL, DATA, 2), 1); /* num_queues */
    config_write(&b, 0, AT_TRANSITIONAL, OFFSET, 4, 0xffffffff);       /* nowhere */
    config_write(&b, 0, AT_TRANSITIONAL, DATA, 4, 0x12345678);
    assert_int_equal(config_read(&b, 0, AT_TRANSITIONAL, DATA, 4), 0x12345678);
    bench_end(&b);
}

/* Whatever is written to it, of any size: for the sanitizers; and it is alive after a reset. */
static void test_random_accesses_harm_nothing(void **state)
{
    uint64_t rng = test_seed(1);
    struct pci_bench b;

    (void)state;
    bench_begin(&b);
    for (unsigned k = 0; k < 200000; k++) {
        unsigned size = 1u << random_next(&rng) % 4;
        uint64_t value = random_next(&rng) >> random_next(&rng) % 64, at = random_next(&rng);
        if (k % 1000 == 0)
            open_transitional(&b);
        switch (random_next(&rng) % 4) {
        case 0:
            config_write(&b, 0, AT_TRANSITIONAL, (unsigned)(at % 0x100) & ~(size - 1), size, value);
            break;
        case 1:
            common(&b, (unsigned)(at % 0x40) & ~(size - 1), size, value);
            break;
        case 2:
            port(&b, (unsigned)(at % 0x80) & ~(size - 1), size, value);
            break;
        default:
            (void)bus_read(&b, MODERN_AT + (at % 0x4000 & ~(uint64_t)(size - 1)), size);
            (void)config_read(&b, 0, AT_TRANSITIONAL, (unsigned)(at % 0x100) & ~(size - 1), size);
            break;
        }
    }
    pci_host_reset(&b.host);
    open_transitional(&b);
    start_modern(&b);
    common(&b, ENABLE, 2, 1);
    common(&b, DEVICE_STATUS, 1, 15);
    memset(b.d.avail, 0, sizeof(b.d.avail));
    poke(&b.d, ring(0) + USED_AT, 4, 0);
    poke(&b.d, ring(0) + AVAIL_AT, 4, 0);
    offer_buffer(&b, 0);
    bus_write(&b, MODERN_AT + NOTIFY_AT, 2, 0);
    assert_int_equal(used_count(&b.d, 0), 1);
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_modern_driver_is_served_and_interrupted_by_messages),
        cmocka_unit_test(test_without_messages_the_pin_is_high_until_the_isr_is_read),
        cmocka_unit_test(test_a_function_that_is_no_bus_master_does_nothing),
        cmocka_unit_test(test_a_legacy_driver_is_served_by_ports_too),
        cmocka_unit_test(test_registers_are_reached_through_configuration_space),
        cmocka_unit_test(test_random_accesses_harm_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
