#include "devices/pci_testdev.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"

#define MEMORY_HALF 2048 /* of a BAR; the places that tests write to are in the upper half */
#define PORTS_HALF  128
#define KINDS       3 /* of tests, in each BAR */
#define FITTING     0xfa
#define OTHER       0xce

/* What a test says of itself, by the specification's struct pci_testdev_hdr. */
enum { AT_TEST, AT_WIDTH, AT_OFFSET = 4, AT_DATA = 8, AT_COUNT = 12, AT_NAME = 16 };
#define WIDTH        1 /* byte */
#define HEADER_BYTES 64

/* Who is notified by a host's kernel: nobody, whatever is written, or of the right byte only. */
static const char *const kinds[KINDS] = {"no-eventfd", "wildcard-eventfd", "datamatch-eventfd"};

static uint32_t place_of(unsigned test)
{
    return (test < KINDS ? MEMORY_HALF : PORTS_HALF) + test * WIDTH;
}

static bool takes_any(unsigned test)
{
    return test % KINDS == 1;
}

static size_t header(const struct pci_testdev *t, uint8_t bytes[HEADER_BYTES])
{
    unsigned test = t->chosen - 1u;

    memset(bytes, 0, HEADER_BYTES);
    bytes[AT_TEST] = (uint8_t)(test % KINDS);
    bytes[AT_WIDTH] = WIDTH;
    le_put(bytes + AT_OFFSET, 4, place_of(test));
    bytes[AT_DATA] = takes_any(test) ? OTHER : FITTING;
    le_put(bytes + AT_COUNT, 4, t->count);
    snprintf((char *)bytes + AT_NAME, HEADER_BYTES - AT_NAME, "%s-%s",
             test < KINDS ? "mmio" : "portio", kinds[test % KINDS]);
    return AT_NAME + strlen((char *)bytes + AT_NAME) + 1;
}

static uint64_t read_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size)
{
    const struct pci_testdev *t = (const struct pci_testdev *)f;
    uint8_t bytes[HEADER_BYTES];

    (void)bar;
    return t->chosen && offset + size <= header(t, bytes) ? le_get(bytes + offset, size) : 0;
}

static void choose(struct pci_testdev *t, unsigned bar, uint64_t test)
{
    t->count = 0;
    t->chosen = (uint8_t)(test < KINDS ? 1 + test + bar * KINDS : 0);
}

static void write_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size,
                      uint64_t value)
{
    struct pci_testdev *t = (struct pci_testdev *)f;
    unsigned test = t->chosen - 1u;

    if (offset == 0)
        choose(t, bar, value & 0xff);
    else if (t->chosen && offset == place_of(test) &&
             (takes_any(test) || (size == WIDTH && value == FITTING)))
        t->count++;
}

static void reset(struct pci_function *f)
{
    choose((struct pci_testdev *)f, 0, KINDS);
}

static void state(struct state_io *io, struct pci_function *f)
{
    struct pci_testdev *t = (struct pci_testdev *)f;

    STATE(io, t->count);
    STATE(io, t->chosen);
    if (t->chosen > 2 * KINDS)
        state_fail(io, ARM_EINVAL, "the test of a test device is %u", t->chosen);
}

static const struct pci_ops ops = {
    .name = "pci-testdev", .read = read_bar, .write = write_bar, .reset = reset, .state = state};

void pci_testdev_init(struct pci_testdev *t, const struct arm_log *log)
{
    *t = (struct pci_testdev){0};
    pci_init(&t->function, &ops, log,
             &(struct pci_identity){.vendor = 0x1b36,
                                    .device = 0x0005,
                                    .subsystem_vendor = 0x1af4,
                                    .subsystem = 0x1100,
                                    .class = 0x00ff});
    pci_add_bar(&t->function, 0, (struct pci_bar){.size = UINT64_C(2) * MEMORY_HALF});
    pci_add_bar(&t->function, 1, (struct pci_bar){.size = UINT64_C(2) * PORTS_HALF, .io = true});
}
