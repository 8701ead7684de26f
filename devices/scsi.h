/*
 * SCSI logical units over a disk (SPC-4, SBC-3, MMC-6): what a command asks for, its data and its
 * sense. How commands and data come is the transport's (devices/virtio_scsi.h): it begins a
 * request, moves as much of its data as its own buffers have room for, in pieces, and ends it.
 */
#pragma once

#include "devices/disk.h"

#define SCSI_CDB_MAX    16
#define SCSI_SENSE      18   /* bytes, of fixed format */
#define SCSI_DATA_MAX   4096 /* bytes of a command's parameters */
#define SCSI_SERIAL_MAX 36
#define SCSI_LUNS_MAX   64
#define SCSI_BLOCKS_MAX 0xffff /* that a command reads or writes */

enum scsi_status { SCSI_GOOD = 0, SCSI_CHECK_CONDITION = 2 };

enum scsi_direction { SCSI_NO_DATA, SCSI_IN, SCSI_OUT }; /* as the initiator sees it */

struct state_io;

struct scsi_sense {
    uint8_t key, code, qualifier;
};

struct scsi_unit {
    struct disk *disk; /* NULL: no medium */
    bool is_cdrom;
    uint32_t block;        /* bytes */
    uint8_t physical_log2; /* blocks in a physical one, which the guest is told of */
    char serial[SCSI_SERIAL_MAX + 1];
    uint64_t luns;           /* bit n: its target has unit n, for REPORT LUNS */
    bool attention;          /* a reset is to be told of */
    struct scsi_sense sense; /* of the last command that failed; key 0: none */
};

struct scsi_request {
    uint8_t cdb[SCSI_CDB_MAX];
    enum scsi_direction direction;
    uint32_t bytes, done; /* of data: what the command moves, what has been moved */
    bool on_disk;         /* they are the disk's from byte @at on, else those of @data */
    uint64_t at;
    uint8_t status;
    uint32_t cost; /* the work that it was beside moving data, as so many bytes (base/pace.h) */
    uint8_t data[SCSI_DATA_MAX];
};

/* @disk: whole blocks, not owned; NULL: a CD-ROM drive without a disc. @serial: NULL for none.
 * Return 0 or -ARM_EFORMAT. */
int scsi_unit_init(struct scsi_unit *u, struct disk *disk, bool is_cdrom, const char *serial,
                   struct arm_error *err) __attribute__((warn_unused_result));
void scsi_unit_reset(struct scsi_unit *u);

#define SCSI_BLOCK_MAX SCSI_DATA_MAX /* WRITE SAME has one as its parameters */

/* Before it is used, of a disk: what is told of its blocks, of which @logical and @physical count;
 * both 0: 512 bytes. Return 0 or -ARM_EINVAL. */
int scsi_unit_set_blocks(struct scsi_unit *u, const struct arm_blocks *blocks,
                         struct arm_error *err) __attribute__((warn_unused_result));

/* Begin the command of @length bytes at @cdb; direction, bytes and (of those that move no data)
 * status are known then. @u NULL: there is no such unit in a target that has others. */
void scsi_begin(struct scsi_unit *u, struct scsi_request *r, const uint8_t *cdb, size_t length);

/* The next @n bytes of data, r->done + @n <= r->bytes. False: it failed, and has its status. */
bool scsi_read(struct scsi_unit *u, struct scsi_request *r, void *buf, uint32_t n);
bool scsi_write(struct scsi_unit *u, struct scsi_request *r, const void *buf, uint32_t n);

/* All data that the transport had has been moved: do what is left to do. */
void scsi_end(struct scsi_unit *u, struct scsi_request *r);

/* The sense data of a CHECK CONDITION, which then is no longer the unit's. @u as scsi_begin(). */
void scsi_take_sense(struct scsi_unit *u, uint8_t sense[SCSI_SENSE]);

void scsi_unit_state(struct state_io *io, struct scsi_unit *u);

/* A request that is being done. */
void scsi_request_state(struct state_io *io, const struct scsi_unit *u, struct scsi_request *r);
