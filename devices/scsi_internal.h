/* What the files of the SCSI units share: answers, and the commands. */
#pragma once

#include "devices/scsi.h"

#define SCSI_UNMAP_RANGES 64      /* of a command */
#define SCSI_UNMAP_BLOCKS 0x10000 /* of a range */
#define SCSI_SAME_BLOCKS  0x1000  /* that WRITE SAME writes */

/* Why a command has failed, SPC-4 4.5: sense key, additional sense code and its qualifier, a byte
 * each. */
enum scsi_reason {
    SENSE_NO_MEDIUM = 0x023a00,
    SENSE_READ_ERROR = 0x031100,
    SENSE_WRITE_ERROR = 0x030c00,
    SENSE_BAD_LIST_LENGTH = 0x051a00,
    SENSE_BAD_OPCODE = 0x052000,
    SENSE_OUT_OF_RANGE = 0x052100,
    SENSE_BAD_FIELD = 0x052400,
    SENSE_NO_SUCH_UNIT = 0x052500,
    SENSE_BAD_PARAMETER = 0x052600,
    SENSE_WAS_RESET = 0x062900,
    SENSE_WRITE_PROTECTED = 0x072700,
};

/* False, for the caller to return. */
bool scsi_fail(struct scsi_unit *u, struct scsi_request *r, enum scsi_reason reason);

/* Answer with the first @bytes of r->data, and of them what the allocation length asks for. */
void scsi_answer(struct scsi_request *r, uint32_t bytes, uint64_t allocated);

static inline uint64_t scsi_blocks(const struct scsi_unit *u)
{
    return u->disk->size / u->block;
}

/* What a command does when it comes (devices/scsi_commands.def), and with its parameters. */
typedef void scsi_command_fn(struct scsi_unit *u, struct scsi_request *r);
#define COMMAND(opcode, name, units, bytes, begin, end) scsi_command_fn scsi_begin_##begin;
#define COMMAND_READY                                   COMMAND
#include "devices/scsi_commands.def"
#undef COMMAND
#undef COMMAND_READY
scsi_command_fn scsi_end_write_same, scsi_end_unmap;
