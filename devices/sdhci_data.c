/* How an SD host controller moves the data of a command. */
#include "base/bits.h"
#include "devices/sdhci_internal.h"

#define DESCRIPTOR_COST 64 /* as so many bytes */
#define ERASE_PIECE     (UINT64_C(1) << 20)

/* Host control 1, 2.2.10: which DMA. */
enum { SDMA = 0, ADMA2 = 2 };

static unsigned kind_of_dma(const struct sdhci *h)
{
    return h->regs[SDHCI_HOST_CONTROL] >> 3 & 3;
}

static uint32_t mode(const struct sdhci *h)
{
    return sdhci_get(h, SDHCI_TRANSFER_MODE, 2);
}

void sdhci_stop(struct sdhci *h)
{
    h->phase = SDHCI_IDLE;
    h->in_buffer = 0;
    h->desc.left = 0;
    h->desc.last = h->desc.interrupts = false;
    pace_stop(&h->pace);
}

/* 2.2.5: by itself it says CMD12 behind several blocks. */
static void finish(struct sdhci *h)
{
    if (mode(h) & SDHCI_MODE_AUTO && mode(h) & SDHCI_MODE_MULTI && h->card) {
        struct sd_reply r = sd_card_command(h->card, 12, 0);
        if (r.kind == SD_SHORT)
            sdhci_put(h, SDHCI_RESPONSE + 12, 4, r.word);
    }
    sdhci_stop(h);
    sdhci_interrupt(h, SDHCI_TRANSFER_DONE);
}

static void give_up(struct sdhci *h, uint16_t why)
{
    sdhci_stop(h);
    sdhci_error(h, why);
}

/* ---- blocks ---- */

/* A block is done; true: it was the last one. */
static bool count_block(struct sdhci *h)
{
    uint32_t left = sdhci_get(h, SDHCI_BLOCK_COUNT, 2);

    h->in_buffer = 0;
    if (!(mode(h) & SDHCI_MODE_MULTI))
        return true;
    if (!(mode(h) & SDHCI_MODE_COUNT))
        return false;
    left -= left != 0;
    sdhci_put(h, SDHCI_BLOCK_COUNT, 2, left);
    return left == 0;
}

/* The next block is in the buffer; false: the card has none. */
static bool fetch(struct sdhci *h)
{
    if (h->card && sd_card_read(h->card, h->buffer, sdhci_block(h)))
        return true;
    give_up(h, SDHCI_DATA_LATE);
    return false;
}

static bool store(struct sdhci *h)
{
    if (h->card && sd_card_write(h->card, h->buffer, sdhci_block(h)))
        return true;
    give_up(h, SDHCI_DATA_LATE);
    return false;
}

/* ---- the port, 3.7.2.1 ---- */

static void open_port(struct sdhci *h)
{
    bool reads = mode(h) & SDHCI_MODE_READ;

    h->phase = SDHCI_PORT;
    if (!reads || fetch(h))
        sdhci_interrupt(h, reads ? SDHCI_READ_READY : SDHCI_WRITE_READY);
}

/* The driver is done with a block. */
static void next_block(struct sdhci *h)
{
    if (!(mode(h) & SDHCI_MODE_READ) && !store(h))
        return;
    if (count_block(h))
        finish(h);
    else
        open_port(h);
}

uint64_t sdhci_read_port(struct sdhci *h, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++) {
        if (h->phase != SDHCI_PORT || !(mode(h) & SDHCI_MODE_READ))
            break;
        value |= (uint64_t)h->buffer[h->in_buffer++] << (8 * i);
        if (h->in_buffer >= sdhci_block(h))
            next_block(h);
    }
    return value;
}

void sdhci_write_port(struct sdhci *h, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++) {
        if (h->phase != SDHCI_PORT || mode(h) & SDHCI_MODE_READ)
            break;
        h->buffer[h->in_buffer++] = (uint8_t)(value >> (8 * i));
        if (h->in_buffer >= sdhci_block(h))
            next_block(h);
    }
}

/* ---- ADMA2, 1.13 ---- */

enum { ADMA_VALID = 0x01, ADMA_END = 0x02, ADMA_INTERRUPT = 0x04, ADMA_ACTION = 0x30 };
enum { ACTION_TRANSFER = 0x20, ACTION_LINK = 0x30 };
enum { STATE_FETCH = 1, STATE_TRANSFER = 3 };

static bool adma_fails(struct sdhci *h, unsigned state)
{
    h->regs[SDHCI_ADMA_ERROR] = (uint8_t)state;
    give_up(h, SDHCI_ADMA_FAILED);
    return false;
}

/* Go to the next descriptor that has data; false: there is none yet, or it was an error. */
static bool next_descriptor(struct sdhci *h)
{
    uint64_t at = le_get(h->regs + SDHCI_ADMA_ADDRESS, 4);
    uint8_t d[8];
    uint32_t length;

    pace_spend(&h->pace, DESCRIPTOR_COST);
    if (h->desc.last)
        return adma_fails(h, STATE_TRANSFER); /* it has ended before the data */
    if (!pci_dma_read(&h->dma, at, d, sizeof(d)) || !(d[0] & ADMA_VALID))
        return adma_fails(h, STATE_FETCH);
    length = (uint32_t)le_get(d + 2, 2);
    h->desc.data = le_get(d + 4, 4);
    h->desc.last = d[0] & ADMA_END;
    h->desc.interrupts = d[0] & ADMA_INTERRUPT;
    at = (d[0] & ADMA_ACTION) == ACTION_LINK ? h->desc.data : at + sizeof(d);
    sdhci_put(h, SDHCI_ADMA_ADDRESS, 4, at);
    h->desc.left = (d[0] & ADMA_ACTION) == ACTION_TRANSFER ? length ? length : 0x10000 : 0;
    if (!h->desc.left && h->desc.interrupts)
        sdhci_interrupt(h, SDHCI_DMA_INTERRUPT);
    return h->desc.left;
}

/* ---- DMA, 3.7.2.2 and 3.7.2.3 ---- */

/* Where the next bytes are in memory, and how many lie together; 0: none now. */
static uint32_t next_piece(struct sdhci *h, uint64_t *at)
{
    uint32_t boundary;

    if (kind_of_dma(h) == ADMA2) {
        if (!h->desc.left && !next_descriptor(h))
            return 0;
        *at = h->desc.data;
        return h->desc.left;
    }
    boundary = UINT32_C(4096) << (sdhci_get(h, SDHCI_BLOCK_SIZE, 2) >> 12 & 7);
    *at = sdhci_get(h, SDHCI_SYSTEM_ADDRESS, 4);
    return boundary - (uint32_t)(*at & (boundary - 1));
}

/* @n bytes of it are done. */
static void advance(struct sdhci *h, uint32_t n)
{
    if (kind_of_dma(h) == ADMA2) {
        h->desc.data += n;
        h->desc.left -= n;
        if (!h->desc.left && h->desc.interrupts)
            sdhci_interrupt(h, SDHCI_DMA_INTERRUPT);
    } else {
        sdhci_put(h, SDHCI_SYSTEM_ADDRESS, 4, sdhci_get(h, SDHCI_SYSTEM_ADDRESS, 4) + n);
    }
}

/* SDMA stops where its buffer ends, until the driver says where it goes on. */
static void stop_at_boundary(struct sdhci *h)
{
    uint32_t boundary = UINT32_C(4096) << (sdhci_get(h, SDHCI_BLOCK_SIZE, 2) >> 12 & 7);

    if (kind_of_dma(h) == ADMA2 || sdhci_get(h, SDHCI_SYSTEM_ADDRESS, 4) & (boundary - 1))
        return;
    h->phase = SDHCI_BOUNDARY;
    sdhci_interrupt(h, SDHCI_DMA_INTERRUPT);
}

/* A part of a block, as much as lies together. */
static void move(struct sdhci *h)
{
    bool reads = mode(h) & SDHCI_MODE_READ;
    uint32_t block = sdhci_block(h), n;
    uint64_t at = 0;

    if (h->in_buffer >= block) { /* the driver has made it shorter meanwhile */
        give_up(h, SDHCI_DATA_LATE);
        return;
    }
    n = next_piece(h, &at);
    if (n == 0 || (reads && h->in_buffer == 0 && !fetch(h)))
        return;
    n = n < block - h->in_buffer ? n : block - h->in_buffer;
    pace_spend(&h->pace, n);
    if (reads ? !pci_dma_write(&h->dma, at, h->buffer + h->in_buffer, n)
              : !pci_dma_read(&h->dma, at, h->buffer + h->in_buffer, n)) {
        give_up(h, kind_of_dma(h) == ADMA2 ? SDHCI_ADMA_FAILED : SDHCI_DATA_LATE);
        return;
    }
    h->in_buffer = (uint16_t)(h->in_buffer + n);
    advance(h, n);
    if (h->in_buffer == block && (reads || store(h)) && count_block(h))
        finish(h);
    else if (h->phase == SDHCI_DMA)
        stop_at_boundary(h);
}

/* The card is busy as long as it erases. */
static void wait_for_card(struct sdhci *h)
{
    bool tells = h->tells;

    if (sdhci_is_busy(h)) {
        sd_card_go_on(h->card, ERASE_PIECE);
        pace_spend(&h->pace, ERASE_PIECE);
        return;
    }
    sdhci_stop(h);
    if (tells)
        sdhci_interrupt(h, SDHCI_TRANSFER_DONE);
}

void sdhci_go_on(void *ctx, uint64_t now_ns)
{
    struct sdhci *h = ctx;

    (void)now_ns;
    while (h->phase == SDHCI_DMA || h->phase == SDHCI_BUSY) {
        if (!pace_left(&h->pace)) {
            pace_wait(&h->pace);
            return;
        }
        if (h->phase == SDHCI_BUSY)
            wait_for_card(h);
        else
            move(h);
    }
}

void sdhci_begin_data(struct sdhci *h)
{
    bool none = mode(h) & SDHCI_MODE_MULTI && mode(h) & SDHCI_MODE_COUNT &&
                !sdhci_get(h, SDHCI_BLOCK_COUNT, 2);

    h->in_buffer = 0;
    h->desc.left = 0;
    h->desc.last = h->desc.interrupts = false;
    if (none || !sdhci_block(h)) {
        finish(h);
    } else if (mode(h) & SDHCI_MODE_DMA) {
        h->phase = SDHCI_DMA;
        sdhci_go_on(h, 0);
    } else {
        open_port(h);
    }
}
