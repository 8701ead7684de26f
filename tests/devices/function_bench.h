/* A host bridge with one function at 1.0 and a disk, for the tests of controllers on PCI. */
#pragma once

#include "devices/disk.h"
#include "devices/pci_host.h"
#include "tests/devices/virtio_driver.h"

#define MEMORY      UINT64_C(0x10000000)
#define HIGH_MEMORY UINT64_C(0x8000000000)
#define BAR_AT      (MEMORY + 0x100000)
#define MSIX_AT     (MEMORY + 0x200000)
#define SECTORS     64

struct function_bench {
    struct driver d; /* its memory, clock and log */
    struct pci_host host;
    struct pci_function *function;
    struct disk disk;
    char path[64];
    bool pin;
    unsigned messages;
    uint32_t data; /* of the last one */
};

static inline void bench_pin(void *ctx, unsigned n, bool level)
{
    (void)n;
    ((struct function_bench *)ctx)->pin = level;
}

static inline void bench_message(void *ctx, uint32_t requester, uint64_t address, uint32_t data)
{
    struct function_bench *b = ctx;

    (void)requester, (void)address;
    b->messages++;
    b->data = data;
}

/* Memory and a disk whose blocks begin with 1, 2, 3...; the function comes by bench_plug(). */
static inline void bench_begin(struct function_bench *b, enum disk_mode mode, off_t bytes)
{
    memset(b, 0, sizeof(*b));
    driver_begin(&b->d);
    snprintf(b->path, sizeof(b->path), "%s/function_XXXXXX", P_tmpdir);
    int fd = mkstemp(b->path);
    assert_true(fd >= 0 && ftruncate(fd, bytes) == 0);
    for (unsigned i = 0; i < SECTORS; i++)
        assert_int_equal(pwrite(fd, &(char){(char)(i + 1)}, 1, i * 512), 1);
    close(fd);
    assert_int_equal(
        disk_open(&b->disk, &(struct disk_spec){.path = b->path, .mode = mode}, &b->d.log, NULL),
        0);
}

static inline void bench_config(struct function_bench *b, unsigned offset, unsigned size,
                                uint64_t value)
{
    device_write(&b->host.ecam, PCI_DEVFN(1, 0) << 12 | offset, size, value);
}

/* On the bus, with BAR @bar of registers and the one of MSI-X where they are expected. */
static inline void bench_plug(struct function_bench *b, struct pci_function *f, unsigned bar)
{
    struct pci_host_config config = {.log = &b->d.log, .message = bench_message, .message_ctx = b};

    for (unsigned n = 0; n < PCI_PINS; n++)
        config.pins[n] = (struct irq_line){bench_pin, b, n};
    b->function = f;
    pci_host_init(&b->host, &config, MEMORY, HIGH_MEMORY);
    pci_host_add(&b->host, f, NULL, PCI_DEVFN(1, 0));
    pci_host_reset(&b->host);
    bench_config(b, PCI_BAR0 + 4 * bar, 4, BAR_AT);
    if (f->msix.count)
        bench_config(b, PCI_BAR0 + 4 * f->msix.bar, 4, MSIX_AT);
    bench_config(b, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static inline void bench_end(struct function_bench *b)
{
    disk_close(&b->disk);
    driver_end(&b->d);
    unlink(b->path);
}

static inline uint64_t in(struct function_bench *b, uint64_t offset, unsigned size)
{
    return device_read(&b->host.memory.dev, BAR_AT - MEMORY + offset, size);
}

static inline void out(struct function_bench *b, uint64_t offset, unsigned size, uint64_t value)
{
    device_write(&b->host.memory.dev, BAR_AT - MEMORY + offset, size, value);
}
