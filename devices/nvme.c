#include "devices/nvme.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/state_io.h"
#include "devices/nvme_internal.h"

#define REGS_BAR     0
#define REGS_BYTES   0x4000
#define MSIX_BAR     4
#define DOORBELLS    0x1000
#define STRIDE       8 /* of a pair of doorbells */
#define COMMAND_COST 512

/* 3.1.1: entries; contiguous queues; 7.5 s; pages of 4 KiB to 64 KiB; NVM commands */
#define CAP                                                                                        \
    ((NVME_ENTRIES - 1) | UINT64_C(1) << 16 | UINT64_C(15) << 24 | UINT64_C(1) << 37 |             \
     UINT64_C(4) << 52)
#define PAGE_SHIFT_MAX 4
#define CC_ENABLE      UINT32_C(1)
#define CSTS_READY     UINT32_C(1)
#define CSTS_FATAL     UINT32_C(2)
#define CSTS_SHUT_DOWN UINT32_C(8)

static const struct pci_identity identity = {
    .vendor = 0x1b36, /* QEMU's */
    .device = 0x0010,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class = 0x0108,
    .interface = 2, /* NVM Express */
    .revision = 2,
    .pin = true,
};

static struct nvme *to_nvme(struct pci_function *f)
{
    return (struct nvme *)f;
}

static struct nvme *owner(struct device *dev)
{
    return (struct nvme *)((char *)dev - offsetof(struct nvme, regs));
}

/* ---- interrupts, 7.5 ---- */

static void update_pin(struct nvme *n)
{
    bool level = false;

    for (uint32_t k = 0; k < NVME_QUEUES; k++) {
        const struct nvme_completion *q = &n->completions[k];
        level |= q->size && q->interrupts && q->head != q->tail && q->vector < 32 &&
                 !(n->intms & BIT(q->vector));
    }
    pci_intx_set(&n->function, level);
}

/* ---- the queues ---- */

/* 9.5: it stops until it is reset. */
static void fail(struct nvme *n, const char *why)
{
    LOG(n->function.log, DEVICE, GUEST, "nvme: fatal error: %s", why);
    n->csts |= CSTS_FATAL;
}

static bool is_full(const struct nvme_completion *q)
{
    return (q->tail + 1) % q->size == q->head;
}

/* 4.6 */
static void complete(struct nvme *n, uint32_t id, const struct nvme_command *c,
                     enum nvme_status status)
{
    const struct nvme_submission *from = &n->submissions[id];
    struct nvme_completion *q = &n->completions[from->completion];
    uint8_t entry[16] = {0};

    le_put(entry, 4, c->result);
    le_put(entry + 8, 4, from->head | id << 16);
    le_put(entry + 12, 4,
           nvme_dword(c, 0) >> 16 | (uint32_t)q->phase << 16 | (uint32_t)status << 17);
    if (!pci_dma_write(&n->dma, q->base + 16 * q->tail, entry, sizeof(entry))) {
        fail(n, "a completion queue is not in RAM");
        return;
    }
    q->tail = (q->tail + 1) % q->size;
    q->phase ^= q->tail == 0;
    if (q->interrupts)
        pci_msix_signal(&n->function, q->vector);
}

static enum nvme_status run(struct nvme *n, bool admin, struct nvme_command *c)
{
    const struct nvme_opcode *row = admin ? nvme_admin_opcodes : nvme_io_opcodes;
    bool all = c->bytes[0] == 0 && nvme_dword(c, 1) == UINT32_MAX; /* Flush of all */

    if (c->bytes[1] & 0xc3) /* fused, or with a scatter gather list */
        return NVME_INVALID_FIELD;
    while (row->run && row->code != c->bytes[0])
        row++;
    if (!row->run)
        return NVME_INVALID_OPCODE;
    if (!admin && nvme_dword(c, 1) != 1 && !all)
        return NVME_INVALID_NAMESPACE;
    return row->run(n, c);
}

static void take(struct nvme *n, uint32_t id)
{
    struct nvme_submission *q = &n->submissions[id];
    struct nvme_command c = {.result = 0};
    enum nvme_status status;

    pace_spend(&n->pace, COMMAND_COST);
    if (!pci_dma_read(&n->dma, q->base + (uint64_t)NVME_COMMAND * q->head, c.bytes,
                      sizeof(c.bytes))) {
        fail(n, "a submission queue is not in RAM");
        return;
    }
    q->head = (q->head + 1) % q->size;
    status = run(n, id == 0, &c);
    if (status != NVME_NO_ANSWER)
        complete(n, id, &c, status);
}

static bool may_work(const struct nvme *n)
{
    return (n->csts & (CSTS_READY | CSTS_FATAL)) == CSTS_READY && pci_is_master(&n->function);
}

/* The next queue that has a command and room for its answer; NVME_QUEUES: none. They take turns. */
static uint32_t next_queue(const struct nvme *n)
{
    for (uint32_t k = 1; k <= NVME_QUEUES; k++) {
        uint32_t id = (n->turn + k) % NVME_QUEUES;
        const struct nvme_submission *q = &n->submissions[id];
        if (q->size && q->head != q->tail && n->completions[q->completion].size &&
            !is_full(&n->completions[q->completion]))
            return id;
    }
    return NVME_QUEUES;
}

static void work(void *ctx, uint64_t now_ns)
{
    struct nvme *n = ctx;

    (void)now_ns;
    while (may_work(n)) {
        uint32_t id = next_queue(n);
        if (id == NVME_QUEUES)
            break;
        if (pace_left(&n->pace) == 0) {
            pace_wait(&n->pace);
            break;
        }
        n->turn = id;
        take(n, id);
    }
    update_pin(n);
}

/* ---- registers, 3.1 ---- */

/* 7.6.1 */
static void enable(struct nvme *n)
{
    uint32_t submissions = (n->aqa & 0xfff) + 1, completions = (n->aqa >> 16 & 0xfff) + 1;
    uint64_t page = nvme_page(n);

    if (bits(n->cc, 10, 7) > PAGE_SHIFT_MAX || submissions < 2 || completions < 2 ||
        submissions > NVME_ENTRIES || completions > NVME_ENTRIES || !is_aligned(n->asq, page) ||
        !is_aligned(n->acq, page)) {
        fail(n, "enabled with pages or admin queues that cannot be");
        return;
    }
    n->submissions[0] = (struct nvme_submission){.base = n->asq, .size = submissions};
    n->completions[0] = (struct nvme_completion){
        .base = n->acq, .size = completions, .phase = true, .interrupts = true};
    n->csts = CSTS_READY;
}

/* 7.3.2: what a controller reset keeps is the admin queue's place. */
static void disable(struct nvme *n)
{
    memset(n->submissions, 0, sizeof(n->submissions));
    memset(n->completions, 0, sizeof(n->completions));
    n->csts = n->intms = n->turn = n->event_count = 0;
    nvme_default_features(n);
    pace_stop(&n->pace);
}

static void write_cc(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct nvme *n = owner(dev);
    uint32_t changed = n->cc ^ (uint32_t)value;

    (void)offset, (void)size;
    n->cc = (uint32_t)value;
    if ((changed & CC_ENABLE) && (n->cc & CC_ENABLE))
        enable(n);
    else if (changed & CC_ENABLE)
        disable(n);
    if (bits(n->cc, 15, 14)) {
        (void)disk_flush(n->disk);
        n->csts |= CSTS_SHUT_DOWN;
    } else {
        n->csts &= ~CSTS_SHUT_DOWN;
    }
    update_pin(n);
}

/* 3.1.24, 3.1.25: even ones are tails, odd ones heads. */
static void write_doorbell(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct nvme *n = owner(dev);
    uint64_t id = (offset - DOORBELLS) / STRIDE;
    bool tail = !(offset & 4);
    uint32_t entries = 0;

    (void)size;
    if (id < NVME_QUEUES)
        entries = tail ? n->submissions[id].size : n->completions[id].size;
    if (value >= entries) {
        LOG(dev->log, DEVICE, GUEST, "nvme: doorbell of queue %llu, %s %llu: of %u entries",
            (unsigned long long)id, tail ? "tail" : "head", (unsigned long long)value, entries);
        return;
    }
    if (tail)
        n->submissions[id].tail = (uint32_t)value;
    else
        n->completions[id].head = (uint32_t)value;
    work(n, 0);
}

#define READ(name, value)                                                                          \
    static uint64_t read_##name(struct device *dev, uint64_t offset, unsigned size)                \
    {                                                                                              \
        const struct nvme *n = owner(dev);                                                         \
        (void)n, (void)offset, (void)size;                                                         \
        return (value);                                                                            \
    }
READ(cap, reg64_get((CAP), offset, size))
READ(vs, 0x00010400)
READ(intms, n->intms)
READ(cc, n->cc)
READ(csts, n->csts)
READ(aqa, n->aqa)
READ(asq, reg64_get(n->asq, offset, size))
READ(acq, reg64_get(n->acq, offset, size))
#undef READ

#define WRITE(name, action)                                                                        \
    static void write_##name(struct device *dev, uint64_t offset, unsigned size, uint64_t value)   \
    {                                                                                              \
        struct nvme *n = owner(dev);                                                               \
        (void)offset, (void)size;                                                                  \
        action;                                                                                    \
        update_pin(n);                                                                             \
    }
WRITE(intms, n->intms |= (uint32_t)value)
WRITE(intmc, n->intms &= ~(uint32_t)value)
WRITE(aqa, n->aqa = (uint32_t)value & 0x0fff0fff)
WRITE(asq, n->asq = reg64_put(n->asq, offset, size, value))
WRITE(acq, n->acq = reg64_put(n->acq, offset, size, value))
#undef WRITE

#define WIDE (REG_SIZE_32 | REG_SIZE_64)

static const struct reg_row regs[] = {
    {"CAP", 0x00, 8, WIDE, read_cap, NULL},
    {"VS", 0x08, 4, REG_SIZE_32, read_vs, NULL},
    {"INTMS", 0x0c, 4, REG_SIZE_32, read_intms, write_intms},
    {"INTMC", 0x10, 4, REG_SIZE_32, read_intms, write_intmc},
    {"CC", 0x14, 4, REG_SIZE_32, read_cc, write_cc},
    {"CSTS", 0x1c, 4, REG_SIZE_32, read_csts, NULL},
    {"AQA", 0x24, 4, REG_SIZE_32, read_aqa, write_aqa},
    {"ASQ", 0x28, 8, WIDE, read_asq, write_asq},
    {"ACQ", 0x30, 8, WIDE, read_acq, write_acq},
    {"CMBLOC", 0x38, 8, WIDE, NULL, NULL},
    {"doorbells", DOORBELLS, STRIDE *NVME_QUEUES, REG_SIZE_32, NULL, write_doorbell},
    {0},
};
static const struct device_ops regs_ops = {.name = "nvme", .regs = regs};

/* ---- the function ---- */

static void reset(struct pci_function *f)
{
    struct nvme *n = to_nvme(f);

    disable(n);
    n->cc = n->aqa = 0;
    n->asq = n->acq = 0;
}

/* It may be a master now. */
static void config_written(struct pci_function *f, unsigned offset, unsigned size)
{
    (void)size;
    if (offset <= PCI_COMMAND)
        work(to_nvme(f), 0);
}

static void queues_state(struct state_io *io, struct nvme *n, uint32_t id)
{
    struct nvme_submission *from = &n->submissions[id];
    struct nvme_completion *to = &n->completions[id];

    STATE(io, from->base);
    STATE(io, from->size);
    STATE(io, from->head);
    STATE(io, from->tail);
    STATE(io, from->completion);
    STATE(io, to->base);
    STATE(io, to->size);
    STATE(io, to->head);
    STATE(io, to->tail);
    STATE(io, to->vector);
    STATE(io, to->phase);
    STATE(io, to->interrupts);
    state_require(io,
                  from->size <= NVME_ENTRIES && from->size != 1 && from->completion < NVME_QUEUES &&
                      (!from->size || (from->head < from->size && from->tail < from->size)),
                  "from->size");
    state_require(io,
                  to->size <= NVME_ENTRIES && to->size != 1 &&
                      (!to->size || (to->head < to->size && to->tail < to->size)),
                  "to->size");
}

static void state(struct state_io *io, struct pci_function *f)
{
    struct nvme *n = to_nvme(f);

    STATE(io, n->cc);
    STATE(io, n->csts);
    STATE(io, n->intms);
    STATE(io, n->aqa);
    STATE(io, n->asq);
    STATE(io, n->acq);
    STATE(io, n->turn);
    for (uint32_t id = 0; id < NVME_QUEUES; id++)
        queues_state(io, n, id);
    STATE_ARRAY(io, n->features);
    STATE_ARRAY(io, n->events);
    STATE(io, n->event_count);
    pace_state(io, &n->pace);
    state_require(io, n->event_count <= NVME_EVENTS, "n->event_count");
    state_require(io, n->turn < NVME_QUEUES, "n->turn");
    state_require(io, bits(n->cc, 10, 7) <= PAGE_SHIFT_MAX || !(n->csts & CSTS_READY), "n->cc");
}

static const struct pci_ops ops = {
    .name = "nvme",
    .config_written = config_written,
    .reset = reset,
    .state = state,
};

int nvme_init(struct nvme *n, const struct nvme_config *config, const struct arm_log *log,
              struct arm_error *err)
{
    struct pci_function *f = &n->function;
    char name[CLOCK_NAME_MAX];

    uint32_t block = config->block ? config->block : NVME_BLOCK;
    if (config->disk->size % block)
        return error_set(err, ARM_EFORMAT, "%s: a disk of %llu bytes, expected a multiple of %u",
                         config->disk->path, (unsigned long long)config->disk->size, block);
    memset(n, 0, sizeof(*n));
    n->block = block;
    n->dma = (struct pci_dma){f, config->mem, (uint8_t)config->unit};
    n->regs = (struct device){&regs_ops, log};
    n->disk = config->disk;
    memcpy(n->serial, config->serial, strnlen(config->serial, NVME_SERIAL_MAX));
    pci_init(f, &ops, log, &identity);
    pci_add_bar(f, REGS_BAR, (struct pci_bar){.size = REGS_BYTES, .wide = true, .regs = &n->regs});
    if (config->express)
        pci_add_endpoint(f);
    if (config->vectors)
        pci_add_msix(f, MSIX_BAR, config->vectors);
    snprintf(name, sizeof(name), "nvme%u", config->unit);
    pace_init(&n->pace, config->clock, name, work, n);
    reset(f);
    return 0;
}
