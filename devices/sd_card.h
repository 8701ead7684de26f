/*
 * An SD memory card (SD Specifications Part 1, Physical Layer Simplified Specification 2.00) in SD
 * mode: what a host controller sends it, and the data of its blocks. A card of more than 2 GiB is
 * of high capacity (SDHC), as QEMU's are.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "devices/disk.h"

struct state_io;

#define SD_LONG_BYTES     16 /* of a response with the CID or the CSD */
#define SD_REGISTER_BYTES 64 /* the longest register that is read as data */

enum sd_response { SD_SILENT, SD_SHORT, SD_LONG };

struct sd_reply {
    enum sd_response kind;
    uint32_t word;                 /* SD_SHORT: bits 39:8 */
    const uint8_t *register_bytes; /* SD_LONG: SD_LONG_BYTES, bits 127:0, of the card */
};

/* 4.10.1, CURRENT_STATE */
enum sd_state {
    SD_IDLE,
    SD_READY,
    SD_IDENTIFICATION,
    SD_STANDBY,
    SD_TRANSFER,
    SD_SENDING,
    SD_RECEIVING,
    SD_PROGRAMMING,
    SD_DISCONNECTED,
    SD_INACTIVE, /* until the power goes */
};

struct sd_card {
    struct disk *disk;
    bool high_capacity;
    uint64_t bytes; /* that the CSD tells of: no more than the disk has */
    uint8_t cid[SD_LONG_BYTES], csd[SD_LONG_BYTES];

    enum sd_state state;
    uint32_t errors; /* of the card's status, until it is told */
    uint16_t address;
    bool app, wide, fast;            /* an application command is next; 4 bits; 50 MHz */
    uint32_t block_length;           /* CMD16; for reading, of a card of standard capacity */
    uint64_t at;                     /* of the next byte that moves */
    uint64_t left;                   /* until the command ends by itself; SD_OPEN: it does not */
    uint32_t written;                /* blocks, ACMD22 */
    uint8_t data[SD_REGISTER_BYTES]; /* SD_SENDING: a register */
    bool is_register;
    uint64_t erase_from, erase_to; /* CMD32 and CMD33, and behind it; from == to: nothing */
    bool erase_started;
};

#define SD_OPEN UINT64_MAX

/**
 * sd_card_init() - a card whose contents are @disk's, which outlives it.
 * Return: 0, or -ARM_EINVAL: the disk is too small, or larger than a card can say.
 */
int sd_card_init(struct sd_card *c, struct disk *disk, struct arm_error *err)
    __attribute__((warn_unused_result));

void sd_card_power(struct sd_card *c); /* as if it was put in */
void sd_card_state(struct state_io *io, struct sd_card *c);

/* A command, 4.7.4: what the card answers. */
struct sd_reply sd_card_command(struct sd_card *c, unsigned index, uint32_t argument);

/* The data of the last command. False: there are none, the card's range ends, or the host reports
 * an error; the command is over then. */
bool sd_card_read(struct sd_card *c, uint8_t *data, size_t n);
bool sd_card_write(struct sd_card *c, const uint8_t *data, size_t n);

/* A card that erases (SD_PROGRAMMING) goes on with at most @max bytes of it. */
void sd_card_go_on(struct sd_card *c, uint64_t max);
