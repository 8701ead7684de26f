/* The SD host controller's registers, commands and interrupts. */
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/state_io.h"
#include "devices/sdhci_internal.h"

#define SLOT_INFORMATION 0x40   /* of the configuration space, C.3.2: one slot, BAR 0 */
#define VERSION          0x0001 /* 2.00 */

/* 2.2.25: 52 MHz for card and time-outs, blocks of 512 bytes, ADMA2, 50 MHz, SDMA, 3.3 V */
#define CAPABILITIES UINT32_C(0x016834b4)

/* Present state, 2.2.9 */
#define PRESENT_DATA_BUSY UINT32_C(0x00000006) /* command inhibit (DAT), DAT line active */
#define PRESENT_WRITING   UINT32_C(0x00000100)
#define PRESENT_READING   UINT32_C(0x00000200)
#define PRESENT_WRITE     UINT32_C(0x00000400) /* the buffer */
#define PRESENT_READ      UINT32_C(0x00000800)
#define PRESENT_CARD      UINT32_C(0x00070000) /* inserted, stable, its pin */
#define PRESENT_STABLE    UINT32_C(0x00020000)
#define PRESENT_WRITABLE  UINT32_C(0x00080000)
#define PRESENT_LINES     UINT32_C(0x01f00000)
#define PRESENT_LINE_0    UINT32_C(0x00100000) /* of the data, which a busy card holds down */

enum { RESET_ALL = 1, RESET_COMMAND = 2, RESET_DATA = 4 };
#define CLOCK_INTERNAL 1
#define CLOCK_STABLE   2
#define CLOCK_CARD     4

/* Command, 2.2.6: its type of response, and whether there are data */
enum { RESPONSE_NONE = 0, RESPONSE_LONG = 1, RESPONSE_BUSY = 3 };
#define COMMAND_DATA 0x20

static struct sdhci *to_sdhci(struct pci_function *f)
{
    return (struct sdhci *)f;
}

/* ---- interrupts ---- */

static void update(struct sdhci *h)
{
    uint32_t errors = sdhci_get(h, SDHCI_ERRORS, 2);
    uint32_t normal = (sdhci_get(h, SDHCI_STATUS, 2) & 0x7fff) | (errors ? 0x8000 : 0);
    bool level;

    sdhci_put(h, SDHCI_STATUS, 2, normal);
    level = (normal & sdhci_get(h, SDHCI_STATUS_SIGNAL, 2)) ||
            (errors & sdhci_get(h, SDHCI_ERRORS_SIGNAL, 2));
    sdhci_put(h, SDHCI_SLOT, 2, level);
    pci_intx_set(&h->function, level);
}

void sdhci_interrupt(struct sdhci *h, uint16_t causes)
{
    causes &= (uint16_t)sdhci_get(h, SDHCI_STATUS_ENABLE, 2);
    sdhci_put(h, SDHCI_STATUS, 2, sdhci_get(h, SDHCI_STATUS, 2) | causes);
    update(h);
}

void sdhci_error(struct sdhci *h, uint16_t causes)
{
    causes &= (uint16_t)sdhci_get(h, SDHCI_ERRORS_ENABLE, 2);
    sdhci_put(h, SDHCI_ERRORS, 2, sdhci_get(h, SDHCI_ERRORS, 2) | causes);
    update(h);
}

/* ---- commands, 3.7.1 ---- */

/* Where the response goes, 2.2.7: the CRC of a long one is not shown, an automatic CMD12's has the
 * last word. */
static void put_response(struct sdhci *h, const struct sd_reply *r, bool automatic)
{
    if (r->kind == SD_SHORT)
        sdhci_put(h, SDHCI_RESPONSE + (automatic ? 12 : 0), 4, r->word);
    if (r->kind == SD_LONG)
        for (unsigned i = 0; i < SD_LONG_BYTES - 1; i++)
            h->regs[SDHCI_RESPONSE + i] = r->register_bytes[SD_LONG_BYTES - 2 - i];
}

static struct sd_reply send(struct sdhci *h, unsigned index, uint32_t argument)
{
    return h->card && h->regs[SDHCI_CLOCK] & CLOCK_CARD ? sd_card_command(h->card, index, argument)
                                                        : (struct sd_reply){.kind = SD_SILENT};
}

void sdhci_run_command(struct sdhci *h)
{
    uint32_t command = sdhci_get(h, SDHCI_COMMAND, 2), type = command & 3;
    struct sd_reply r = send(h, command >> 8 & 63, sdhci_get(h, SDHCI_ARGUMENT, 4));

    put_response(h, &r, false);
    if (type != RESPONSE_NONE && r.kind == SD_SILENT) {
        sdhci_error(h, SDHCI_COMMAND_LATE);
        return;
    }
    sdhci_interrupt(h, SDHCI_COMMAND_DONE);
    if (command & COMMAND_DATA) {
        sdhci_begin_data(h);
    } else if (type == RESPONSE_BUSY || (h->phase == SDHCI_IDLE && sdhci_is_busy(h))) {
        h->phase = SDHCI_BUSY;
        h->tells = type == RESPONSE_BUSY;
        sdhci_go_on(h, 0);
    }
}

/* ---- registers ---- */

static uint32_t present(const struct sdhci *h)
{
    bool reads = sdhci_get(h, SDHCI_TRANSFER_MODE, 2) & SDHCI_MODE_READ;
    uint32_t state = PRESENT_LINES | PRESENT_STABLE;

    if (h->card)
        state |= PRESENT_CARD;
    if (!h->card || h->card->disk->mode != DISK_READONLY)
        state |= PRESENT_WRITABLE;
    if (sdhci_is_busy(h))
        state &= ~PRESENT_LINE_0;
    if (h->phase != SDHCI_IDLE && (h->phase != SDHCI_BUSY || h->tells))
        state |= PRESENT_DATA_BUSY;
    if (h->phase == SDHCI_PORT)
        state |= reads ? PRESENT_READ : PRESENT_WRITE;
    if (h->phase != SDHCI_IDLE && h->phase != SDHCI_BUSY)
        state |= reads ? PRESENT_READING : PRESENT_WRITING;
    return state;
}

static void start(struct sdhci *h)
{
    memset(h->regs, 0, sizeof(h->regs));
    sdhci_put(h, SDHCI_CAPABILITIES, 4, CAPABILITIES);
    sdhci_put(h, SDHCI_VERSION, 2, VERSION);
    sdhci_stop(h);
}

static void written_power(struct sdhci *h)
{
    if (h->card && !(h->regs[SDHCI_POWER] & 1))
        sd_card_power(h->card);
}

static void written_clock(struct sdhci *h)
{
    uint32_t clock = sdhci_get(h, SDHCI_CLOCK, 2) & ~(uint32_t)CLOCK_STABLE;

    sdhci_put(h, SDHCI_CLOCK, 2, clock | (clock & CLOCK_INTERNAL ? CLOCK_STABLE : 0));
}

/* 2.2.16 */
static void written_reset(struct sdhci *h)
{
    unsigned what = h->regs[SDHCI_RESET];

    h->regs[SDHCI_RESET] = 0;
    if (what & RESET_ALL) {
        start(h);
        if (h->card)
            sd_card_power(h->card);
    } else if (what & RESET_DATA) {
        sdhci_stop(h);
    }
    update(h);
}

static void written_command(struct sdhci *h)
{
    if (h->phase == SDHCI_IDLE || !(sdhci_get(h, SDHCI_COMMAND, 2) & COMMAND_DATA))
        sdhci_run_command(h);
}

static void written_address(struct sdhci *h)
{
    if (h->phase != SDHCI_BOUNDARY)
        return;
    h->phase = SDHCI_DMA;
    sdhci_go_on(h, 0);
}

static void written_forced(struct sdhci *h)
{
    sdhci_error(h, (uint16_t)sdhci_get(h, SDHCI_FORCE_ERRORS, 2));
    sdhci_put(h, SDHCI_FORCE_ERRORS, 2, 0);
}

/* Which bits of a byte the driver can write, and which it clears by writing ones; and what follows
 * once this byte, the last of its register, was written. Differs: to stop at a gap between blocks
 * and to suspend do nothing. */
struct byte_row {
    uint8_t at, bytes, writable, clears;
    void (*written)(struct sdhci *h);
};
static const struct byte_row rows[] = {
    {SDHCI_SYSTEM_ADDRESS, 3, 0xff, 0, NULL},
    {SDHCI_SYSTEM_ADDRESS + 3, 1, 0xff, 0, written_address},
    {SDHCI_BLOCK_SIZE, 1, 0xff, 0, NULL},
    {SDHCI_BLOCK_SIZE + 1, 1, 0x7f, 0, NULL},
    {SDHCI_BLOCK_COUNT, 2, 0xff, 0, NULL},
    {SDHCI_ARGUMENT, 4, 0xff, 0, NULL},
    {SDHCI_TRANSFER_MODE, 1, 0x37, 0, NULL},
    {SDHCI_COMMAND, 1, 0xfb, 0, NULL},
    {SDHCI_COMMAND + 1, 1, 0x3f, 0, written_command},
    {SDHCI_HOST_CONTROL, 1, 0xdf, 0, NULL},
    {SDHCI_POWER, 1, 0x0f, 0, written_power},
    {SDHCI_POWER + 1, 2, 0x0f, 0, NULL}, /* block gap, wake-up */
    {SDHCI_CLOCK, 1, 0x05, 0, written_clock},
    {SDHCI_CLOCK + 1, 1, 0xff, 0, NULL},
    {SDHCI_CLOCK + 2, 1, 0x0f, 0, NULL}, /* time-outs */
    {SDHCI_RESET, 1, 0x07, 0, written_reset},
    {SDHCI_STATUS, 1, 0, 0xff, update},
    {SDHCI_STATUS + 1, 1, 0, 0x00, update},
    {SDHCI_ERRORS, 2, 0, 0xff, update},
    {SDHCI_STATUS_ENABLE, 1, 0xff, 0, NULL},
    {SDHCI_STATUS_ENABLE + 1, 1, 0x01, 0, NULL},
    {SDHCI_ERRORS_ENABLE, 2, 0xff, 0, NULL},
    {SDHCI_STATUS_SIGNAL, 1, 0xff, 0, update},
    {SDHCI_STATUS_SIGNAL + 1, 1, 0x01, 0, update},
    {SDHCI_ERRORS_SIGNAL, 2, 0xff, 0, update},
    {SDHCI_FORCE_ERRORS, 1, 0xff, 0, NULL},
    {SDHCI_FORCE_ERRORS + 1, 1, 0xff, 0, written_forced},
    {SDHCI_ADMA_ADDRESS, 8, 0xff, 0, NULL},
};

static const struct byte_row *row_of(uint64_t at)
{
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
        if (at >= rows[k].at && at < (uint64_t)rows[k].at + rows[k].bytes)
            return &rows[k];
    return NULL;
}

static bool is_port(uint64_t offset)
{
    return offset >= SDHCI_BUFFER && offset < SDHCI_BUFFER + 4;
}

static uint64_t read_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size)
{
    struct sdhci *h = to_sdhci(f);

    (void)bar;
    if (is_port(offset))
        return sdhci_read_port(h, size < 4 ? size : 4);
    sdhci_put(h, SDHCI_PRESENT, 4, present(h));
    return le_get(h->regs + offset, size);
}

static void write_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size,
                      uint64_t value)
{
    struct sdhci *h = to_sdhci(f);

    (void)bar;
    if (is_port(offset)) {
        sdhci_write_port(h, size < 4 ? size : 4, value);
        return;
    }
    for (unsigned i = 0; i < size; i++) {
        const struct byte_row *row = row_of(offset + i);
        uint8_t *byte = &h->regs[offset + i], v = (uint8_t)(value >> (8 * i));
        if (row)
            *byte =
                (uint8_t)(((*byte & ~row->writable) | (v & row->writable)) & ~(v & row->clears));
    }
    for (unsigned i = 0; i < size; i++) {
        const struct byte_row *row = row_of(offset + i);
        if (row && row->written)
            row->written(h);
    }
}

/* ---- the function ---- */

static void reset(struct pci_function *f)
{
    struct sdhci *h = to_sdhci(f);

    start(h);
    if (h->card)
        sd_card_power(h->card);
}

static void state(struct state_io *io, struct pci_function *f)
{
    struct sdhci *h = to_sdhci(f);
    uint8_t phase = (uint8_t)h->phase;

    pace_state(io, &h->pace);
    state_bytes(io, "h->regs", h->regs, sizeof(h->regs));
    STATE(io, phase);
    state_bytes(io, "h->buffer", h->buffer, sizeof(h->buffer));
    STATE(io, h->tells);
    STATE(io, h->in_buffer);
    STATE(io, h->desc.data);
    STATE(io, h->desc.left);
    STATE(io, h->desc.last);
    STATE(io, h->desc.interrupts);
    state_require(io, phase <= SDHCI_BUSY, "phase");
    state_require(io, h->in_buffer < SDHCI_BLOCK_MAX, "h->in_buffer");
    if (state_restoring(io) && !state_failed(io))
        h->phase = (enum sdhci_phase)phase;
    if (h->card)
        sd_card_state(io, h->card);
}

static const struct pci_ops ops = {
    .name = "sdhci", .read = read_bar, .write = write_bar, .reset = reset, .state = state};

void sdhci_init(struct sdhci *h, const struct sdhci_config *config, const struct arm_log *log)
{
    struct pci_function *f = &h->function;
    char name[CLOCK_NAME_MAX];

    *h = (struct sdhci){.dma = {f, config->mem, (uint8_t)config->unit}};
    pci_init(f, &ops, log,
             &(struct pci_identity){.vendor = 0x1b36, /* QEMU's */
                                    .device = 0x0007,
                                    .subsystem_vendor = 0x1af4,
                                    .subsystem = 0x1100,
                                    .class = 0x0805,
                                    .interface = 1, /* with DMA */
                                    .pin = true});
    pci_field(f, SLOT_INFORMATION, 1, 0, 0);
    pci_add_bar(f, 0, (struct pci_bar){.size = SDHCI_REGS});
    snprintf(name, sizeof(name), "sdhci%u", config->unit);
    pace_init(&h->pace, config->clock, name, sdhci_go_on, h);
    start(h);
}

bool sdhci_insert(struct sdhci *h, struct sd_card *card)
{
    if (h->card)
        return false;
    h->card = card;
    return true;
}
