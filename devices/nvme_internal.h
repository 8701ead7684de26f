/* What the parts of the NVMe controller have in common. */
#pragma once

#include "base/le.h"
#include "devices/nvme.h"

#define NVME_BLOCK 512 /* bytes, if nothing else is said */

/* 4.6.1: type << 8 | code */
enum nvme_status {
    NVME_SUCCESS = 0,
    NVME_INVALID_OPCODE = 0x001,
    NVME_INVALID_FIELD = 0x002,
    NVME_TRANSFER_ERROR = 0x004,
    NVME_INVALID_NAMESPACE = 0x00b,
    NVME_INVALID_PRP_OFFSET = 0x013,
    NVME_WRITE_PROTECTED = 0x020,
    NVME_OUT_OF_RANGE = 0x080,
    NVME_INVALID_COMPLETION_QUEUE = 0x100,
    NVME_INVALID_QUEUE = 0x101,
    NVME_INVALID_QUEUE_SIZE = 0x102,
    NVME_TOO_MANY_EVENTS = 0x105,
    NVME_INVALID_VECTOR = 0x108,
    NVME_INVALID_LOG_PAGE = 0x109,
    NVME_INVALID_DELETION = 0x10c,
    NVME_WRITE_FAULT = 0x280,
    NVME_READ_ERROR = 0x281,
    NVME_NO_ANSWER = 0xffff, /* none is due now */
};

/* A command, 4.2, and what its completion says. */
struct nvme_command {
    uint8_t bytes[NVME_COMMAND];
    uint32_t result;
};

static inline uint32_t nvme_dword(const struct nvme_command *c, unsigned n)
{
    return (uint32_t)le_get(c->bytes + 4 * n, 4);
}

static inline uint64_t nvme_qword(const struct nvme_command *c, unsigned n)
{
    return le_get(c->bytes + 4 * n, 8);
}

/* An opcode's row; the tables end with a NULL. */
struct nvme_opcode {
    uint8_t code;
    enum nvme_status (*run)(struct nvme *n, struct nvme_command *c);
};

extern const struct nvme_opcode nvme_admin_opcodes[], nvme_io_opcodes[];

/* Bytes of a page of memory, as the driver has set it. */
static inline uint64_t nvme_page(const struct nvme *n)
{
    return UINT64_C(4096) << bits(n->cc, 10, 7);
}

/* Move @len bytes of n->data to or from where the command says, 4.3. */
enum nvme_status nvme_transfer(struct nvme *n, const struct nvme_command *c, uint32_t len,
                               bool to_host);

void nvme_default_features(struct nvme *n);
