/* An SD card's data, and its state. */
#include <string.h>

#include "base/bits.h"
#include "base/state_io.h"
#include "devices/sd_card_internal.h"

void sd_end_erase(struct sd_card *c)
{
    c->erase_from = c->erase_to = 0;
    c->erase_started = false;
}

void sd_end_transfer(struct sd_card *c)
{
    c->state = SD_TRANSFER;
    c->left = 0;
}

static bool moved(struct sd_card *c, size_t n)
{
    c->at += n;
    if (c->left != SD_OPEN)
        c->left -= n;
    if (!c->left)
        sd_end_transfer(c);
    return true;
}

static bool failed(struct sd_card *c, uint32_t error)
{
    c->errors |= error;
    sd_end_transfer(c);
    return false;
}

bool sd_card_read(struct sd_card *c, uint8_t *data, size_t n)
{
    if (c->state != SD_SENDING || n > c->left)
        return false;
    if (c->is_register) {
        memcpy(data, c->data + c->at, n);
        return moved(c, n);
    }
    if (n > c->bytes || c->at > c->bytes - n)
        return failed(c, SD_OUT_OF_RANGE);
    return disk_read(c->disk, c->at, data, n) ? moved(c, n) : failed(c, SD_ERROR);
}

bool sd_card_write(struct sd_card *c, const uint8_t *data, size_t n)
{
    if (c->state != SD_RECEIVING || n > c->left)
        return false;
    if (n > c->bytes || c->at > c->bytes - n)
        return failed(c, SD_OUT_OF_RANGE);
    if (!disk_write(c->disk, c->at, data, n))
        return failed(c, SD_ERROR);
    c->written += (uint32_t)((c->at + n) / SD_BLOCK - c->at / SD_BLOCK);
    return moved(c, n);
}

void sd_card_go_on(struct sd_card *c, uint64_t max)
{
    uint64_t left = c->erase_to - c->erase_from, n = left < max ? left : max;

    if (c->state != SD_PROGRAMMING && c->state != SD_DISCONNECTED)
        return;
    if (left && !disk_zero(c->disk, c->erase_from, n)) {
        c->errors |= SD_ERROR;
        n = left;
    }
    c->erase_from += n;
    if (c->erase_from < c->erase_to)
        return;
    sd_end_erase(c);
    c->state = c->state == SD_PROGRAMMING ? SD_TRANSFER : SD_STANDBY;
}

/* ---- snapshots ---- */

static void require_bounds(struct state_io *io, const struct sd_card *c, uint8_t state)
{
    state_require(io, state <= SD_INACTIVE, "state");
    state_require(io, c->block_length - 1 < SD_BLOCK, "c->block_length");
    state_require(io,
                  !c->is_register || state != SD_SENDING ||
                      (c->at <= SD_REGISTER_BYTES && c->left <= SD_REGISTER_BYTES - c->at),
                  "c->left");
    state_require(io, c->erase_to <= c->bytes, "c->erase_to");
    state_require(io, c->erase_from <= c->erase_to || state != SD_PROGRAMMING, "c->erase_from");
}

void sd_card_state(struct state_io *io, struct sd_card *c)
{
    uint8_t state = (uint8_t)c->state;

    STATE(io, state);
    STATE(io, c->errors);
    STATE(io, c->address);
    STATE(io, c->app);
    STATE(io, c->wide);
    STATE(io, c->fast);
    STATE(io, c->block_length);
    STATE(io, c->at);
    STATE(io, c->left);
    STATE(io, c->written);
    state_bytes(io, "c->data", c->data, sizeof(c->data));
    STATE(io, c->is_register);
    STATE(io, c->erase_from);
    STATE(io, c->erase_to);
    STATE(io, c->erase_started);
    require_bounds(io, c, state);
    if (state_restoring(io) && !state_failed(io))
        c->state = (enum sd_state)state;
}
