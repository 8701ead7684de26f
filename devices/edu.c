#include "devices/edu.h"

#include "base/bits.h"
#include "base/state_io.h"

#define BAR_BYTES      (UINT64_C(1) << 20)
#define IDENTIFICATION UINT32_C(0x010000ed)
#define BUFFER_AT      UINT64_C(0x40000)
#define DMA_BITS       28        /* of an address, unless a property says otherwise */
#define TRANSFER_NS    100000000 /* QEMU's, and a driver's time to wait for the interrupt */

enum {
    AT_IDENTIFICATION = 0x00,
    AT_LIVENESS = 0x04,
    AT_FACTORIAL = 0x08,
    AT_STATUS = 0x20,
    AT_INTERRUPTS = 0x24,
    AT_RAISE = 0x60,
    AT_ACKNOWLEDGE = 0x64,
    AT_SOURCE = 0x80,
    AT_DESTINATION = 0x88,
    AT_COUNT = 0x90,
    AT_COMMAND = 0x98,
};
#define STATUS_INTERRUPT    UINT32_C(0x80) /* when a factorial is there */
#define FACTORIAL_INTERRUPT UINT32_C(0x001)
#define TRANSFER_INTERRUPT  UINT32_C(0x100)
#define COMMAND_START       UINT64_C(1)
#define COMMAND_TO_MEMORY   UINT64_C(2)
#define COMMAND_INTERRUPT   UINT64_C(4)

static struct edu *to_edu(struct pci_function *f)
{
    return (struct edu *)f;
}

static void interrupt(struct edu *e, uint32_t causes)
{
    e->interrupts |= causes;
    pci_intx_set(&e->function, e->interrupts != 0);
}

/* ---- registers ---- */

/* At once: nobody sees it being computed. */
static void set_number(struct edu *e, uint32_t n)
{
    uint32_t product = 1;

    for (uint32_t k = 2; k <= n && product; k++) /* soon there are 32 factors of 2 */
        product *= k;
    e->number = product;
    if (e->status & STATUS_INTERRUPT)
        interrupt(e, FACTORIAL_INTERRUPT);
}

/* The bytes wanted are in the buffer. */
static bool in_buffer(uint64_t at, uint64_t count)
{
    return at >= BUFFER_AT && at - BUFFER_AT <= EDU_BUFFER &&
           count <= EDU_BUFFER - (at - BUFFER_AT);
}

static void finish_transfer(void *ctx, uint64_t now_ns)
{
    struct edu *e = ctx;
    bool to_memory = e->command & COMMAND_TO_MEMORY;
    uint64_t inside = to_memory ? e->source : e->destination;
    uint64_t outside = bits(to_memory ? e->destination : e->source, DMA_BITS - 1, 0);
    bool good = in_buffer(inside, e->count);

    (void)now_ns;
    if (good) {
        uint8_t *at = e->buffer + (inside - BUFFER_AT);
        good = to_memory ? pci_dma_write(&e->dma, outside, at, e->count)
                         : pci_dma_read(&e->dma, outside, at, e->count);
    }
    if (!good)
        LOG(e->function.log, DEVICE, GUEST,
            "edu: a transfer of %llu bytes that is not in the buffer, or not in memory",
            (unsigned long long)e->count);
    e->command &= ~COMMAND_START;
    if (e->command & COMMAND_INTERRUPT)
        interrupt(e, TRANSFER_INTERRUPT);
}

static uint64_t *wide_register(struct edu *e, uint64_t offset)
{
    switch (offset) {
    case AT_SOURCE:
        return &e->source;
    case AT_DESTINATION:
        return &e->destination;
    case AT_COUNT:
        return &e->count;
    case AT_COMMAND:
        return &e->command;
    default:
        return NULL;
    }
}

static uint64_t read_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size)
{
    struct edu *e = to_edu(f);
    const uint64_t *wide = wide_register(e, offset);

    (void)bar;
    if (wide)
        return size == 8 ? *wide : zext(*wide, 32);
    if (size != 4)
        return UINT64_MAX;
    switch (offset) {
    case AT_IDENTIFICATION:
        return IDENTIFICATION;
    case AT_LIVENESS:
        return e->liveness;
    case AT_FACTORIAL:
        return e->number;
    case AT_STATUS:
        return e->status;
    case AT_INTERRUPTS:
        return e->interrupts;
    default:
        return UINT64_MAX;
    }
}

/* A transfer is not disturbed. */
static void write_wide(struct edu *e, uint64_t offset, uint64_t *to, uint64_t value)
{
    if (e->command & COMMAND_START)
        return;
    *to = value;
    if (offset == AT_COMMAND && value & COMMAND_START)
        clock_event_set(e->clock, &e->transfer, clock_now_ns(e->clock) + TRANSFER_NS);
}

static void write_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size,
                      uint64_t value)
{
    struct edu *e = to_edu(f);
    uint64_t *wide = wide_register(e, offset);

    (void)bar;
    if (wide)
        write_wide(e, offset, wide, value);
    if (wide || size != 4)
        return;
    if (offset == AT_LIVENESS)
        e->liveness = ~(uint32_t)value;
    else if (offset == AT_FACTORIAL)
        set_number(e, (uint32_t)value);
    else if (offset == AT_STATUS)
        e->status = (uint32_t)value & STATUS_INTERRUPT;
    else if (offset == AT_RAISE)
        interrupt(e, (uint32_t)value);
    else if (offset == AT_ACKNOWLEDGE) {
        e->interrupts &= ~(uint32_t)value;
        interrupt(e, 0);
    }
}

/* ---- the function ---- */

static void reset(struct pci_function *f)
{
    struct edu *e = to_edu(f);

    e->liveness = e->number = e->status = e->interrupts = 0;
    e->source = e->destination = e->count = e->command = 0;
    for (unsigned i = 0; i < EDU_BUFFER; i++)
        e->buffer[i] = 0;
    clock_event_set(e->clock, &e->transfer, CLOCK_NEVER);
}

static void state(struct state_io *io, struct pci_function *f)
{
    struct edu *e = to_edu(f);

    STATE(io, e->liveness);
    STATE(io, e->number);
    STATE(io, e->status);
    STATE(io, e->interrupts);
    STATE(io, e->source);
    STATE(io, e->destination);
    STATE(io, e->count);
    STATE(io, e->command);
    state_bytes(io, "e->buffer", e->buffer, sizeof(e->buffer));
}

static const struct pci_ops ops = {
    .name = "edu",
    .read = read_bar,
    .write = write_bar,
    .reset = reset,
    .state = state,
};

void edu_init(struct edu *e, const struct edu_config *config, const struct arm_log *log)
{
    struct pci_function *f = &e->function;

    *e = (struct edu){.dma = {f, config->mem, (uint8_t)config->unit},
                      .clock = config->clock,
                      .transfer = {.fn = finish_transfer, .ctx = e}};
    pci_init(f, &ops, log,
             &(struct pci_identity){.vendor = 0x1234,
                                    .device = 0x11e8,
                                    .subsystem_vendor = 0x1af4,
                                    .subsystem = 0x1100,
                                    .class = 0x00ff,
                                    .revision = 0x10,
                                    .pin = true});
    pci_add_bar(f, 0, (struct pci_bar){.size = BAR_BYTES});
    clock_event_add(config->clock, &e->transfer, "edu%u", config->unit);
    reset(f);
}
