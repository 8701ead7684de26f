/* The admin commands of the NVMe controller (NVM Express Base Specification 1.4, clause 5). */
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "devices/nvme_internal.h"

/* ---- queues, 5.3 to 5.6 ---- */

#define CONTIGUOUS 1
#define INTERRUPTS 2

static bool is_io_queue(uint32_t id)
{
    return id >= 1 && id < NVME_QUEUES;
}

/* What creation of both kinds has in common. */
static enum nvme_status check_queue(const struct nvme *n, const struct nvme_command *c,
                                    uint32_t used)
{
    uint32_t id = nvme_dword(c, 10) & 0xffff, last = nvme_dword(c, 10) >> 16;

    if (!is_io_queue(id) || used)
        return NVME_INVALID_QUEUE;
    if (last < 1 || last >= NVME_ENTRIES)
        return NVME_INVALID_QUEUE_SIZE;
    if (!(nvme_dword(c, 11) & CONTIGUOUS))
        return NVME_INVALID_FIELD;
    return is_aligned(nvme_qword(c, 6), nvme_page(n)) ? NVME_SUCCESS : NVME_INVALID_PRP_OFFSET;
}

static enum nvme_status create_completion(struct nvme *n, struct nvme_command *c)
{
    uint32_t id = nvme_dword(c, 10) & 0xffff, vector = nvme_dword(c, 11) >> 16;
    uint32_t vectors = n->function.msix.count ? n->function.msix.count : 1;
    enum nvme_status status = check_queue(n, c, is_io_queue(id) ? n->completions[id].size : 0);

    if (status != NVME_SUCCESS)
        return status;
    if (vector >= vectors)
        return NVME_INVALID_VECTOR;
    n->completions[id] = (struct nvme_completion){
        .base = nvme_qword(c, 6),
        .size = (nvme_dword(c, 10) >> 16) + 1,
        .vector = vector,
        .phase = true,
        .interrupts = nvme_dword(c, 11) & INTERRUPTS,
    };
    return NVME_SUCCESS;
}

static enum nvme_status create_submission(struct nvme *n, struct nvme_command *c)
{
    uint32_t id = nvme_dword(c, 10) & 0xffff, completion = nvme_dword(c, 11) >> 16;
    enum nvme_status status = check_queue(n, c, is_io_queue(id) ? n->submissions[id].size : 0);

    if (status != NVME_SUCCESS)
        return status;
    if (!is_io_queue(completion) || !n->completions[completion].size)
        return NVME_INVALID_COMPLETION_QUEUE;
    n->submissions[id] = (struct nvme_submission){
        .base = nvme_qword(c, 6), .size = (nvme_dword(c, 10) >> 16) + 1, .completion = completion};
    return NVME_SUCCESS;
}

static enum nvme_status delete_submission(struct nvme *n, struct nvme_command *c)
{
    uint32_t id = nvme_dword(c, 10) & 0xffff;

    if (!is_io_queue(id) || !n->submissions[id].size)
        return NVME_INVALID_QUEUE;
    n->submissions[id] = (struct nvme_submission){0};
    return NVME_SUCCESS;
}

static enum nvme_status delete_completion(struct nvme *n, struct nvme_command *c)
{
    uint32_t id = nvme_dword(c, 10) & 0xffff;

    if (!is_io_queue(id) || !n->completions[id].size)
        return NVME_INVALID_QUEUE;
    for (uint32_t k = 1; k < NVME_QUEUES; k++)
        if (n->submissions[k].size && n->submissions[k].completion == id)
            return NVME_INVALID_DELETION;
    n->completions[id] = (struct nvme_completion){0};
    return NVME_SUCCESS;
}

/* ---- Identify, 5.15 ---- */

#define IDENTIFY_BYTES 4096

static void put_text(uint8_t *to, size_t bytes, const char *text)
{
    size_t length = strlen(text);

    memset(to, ' ', bytes);
    memcpy(to, text, length < bytes ? length : bytes);
}

/* Of the controller: where, how many bytes, what. */
static const struct {
    uint16_t at, bytes;
    uint32_t value;
} controller[] = {
    {0, 2, 0x1b36},      /* VID */
    {2, 2, 0x1af4},      /* SSVID */
    {72, 1, 6},          /* RAB */
    {77, 1, 5},          /* MDTS: NVME_MOVE_MAX */
    {80, 4, 0x00010400}, /* VER */
    {111, 1, 1},         /* CNTRLTYPE: I/O */
    {258, 1, 3},         /* ACL */
    {259, 1, NVME_EVENTS - 1},
    {260, 1, 3},      /* FRMW: one slot, read-only */
    {266, 2, 343},    /* WCTEMP, in kelvins */
    {268, 2, 373},    /* CCTEMP */
    {512, 1, 0x66},   /* SQES */
    {513, 1, 0x44},   /* CQES */
    {516, 4, 1},      /* NN */
    {520, 2, 0x0c},   /* ONCS: Dataset Management, Write Zeroes */
    {525, 1, 7},      /* VWC: there is one, and Flush takes any namespace */
    {2048, 2, 0x9c4}, /* PSD0: 25 W */
    {2052, 4, 16},    /* and its latencies, in microseconds */
    {2056, 4, 4},
};
_Static_assert(NVME_MOVE_MAX == 4096 << 5, "MDTS says so");

static void identify_controller(struct nvme *n)
{
    for (size_t k = 0; k < ARRAY_SIZE(controller); k++)
        le_put(n->data + controller[k].at, controller[k].bytes, controller[k].value);
    put_text(n->data + 4, 20, n->serial);
    put_text(n->data + 24, 40, "Armillary NVMe Ctrl");
    put_text(n->data + 64, 8, "1");
    snprintf((char *)n->data + 768, 256, "nqn.2014.08.org.nvmexpress:1b361af4%sArmillary",
             n->serial);
}

static void identify_namespace(struct nvme *n)
{
    for (unsigned at = 0; at <= 16; at += 8) /* NSZE, NCAP, NUSE */
        le_put(n->data + at, 8, n->disk->size / n->block);
    n->data[99] = n->disk->mode == DISK_READONLY;    /* NSATTR: write-protected */
    n->data[130] = (uint8_t)__builtin_ctz(n->block); /* LBAF0 */
}

/* 5.15.2.3: its UUID, of the serial number. */
static void identify_descriptors(struct nvme *n)
{
    uint64_t hash[2] = {UINT64_C(0xcbf29ce484222325), n->dma.unit + 1};

    for (const char *c = n->serial; *c; c++)
        hash[0] = (hash[0] ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    n->data[0] = 3;
    n->data[1] = 16;
    le_put(n->data + 4, 8, hash[0]);
    le_put(n->data + 12, 8, hash[1]);
}

static enum nvme_status identify(struct nvme *n, struct nvme_command *c)
{
    uint32_t nsid = nvme_dword(c, 1);

    memset(n->data, 0, IDENTIFY_BYTES);
    switch (nvme_dword(c, 10) & 0xff) {
    case 0:
        if (nsid != 1 && nsid != UINT32_MAX)
            return NVME_INVALID_NAMESPACE;
        identify_namespace(n);
        break;
    case 1:
        identify_controller(n);
        break;
    case 2: /* namespaces that are active, above this one */
        if (nsid >= UINT32_MAX - 1)
            return NVME_INVALID_NAMESPACE;
        le_put(n->data, 4, nsid == 0);
        break;
    case 3:
        if (nsid != 1)
            return NVME_INVALID_NAMESPACE;
        identify_descriptors(n);
        break;
    default:
        return NVME_INVALID_FIELD;
    }
    return nvme_transfer(n, c, IDENTIFY_BYTES, true);
}

/* ---- Get Log Page, 5.14 ---- */

enum { LOG_ERRORS = 1, LOG_HEALTH = 2, LOG_FIRMWARE = 3 };
#define LOG_BYTES 512

static enum nvme_status get_log_page(struct nvme *n, struct nvme_command *c)
{
    uint64_t bytes =
        4 * (((uint64_t)(nvme_dword(c, 11) & 0xffff) << 16 | nvme_dword(c, 10) >> 16) + 1);
    uint64_t from = nvme_qword(c, 12);

    memset(n->data, 0, sizeof(n->data));
    switch (nvme_dword(c, 10) & 0xff) {
    case LOG_ERRORS:
        break;
    case LOG_HEALTH:
        le_put(n->data + 1, 2, 323); /* kelvins */
        n->data[3] = 100;            /* spare, in percent, and its threshold */
        n->data[4] = 10;
        break;
    case LOG_FIRMWARE:
        n->data[0] = 1;
        put_text(n->data + 8, 8, "1");
        break;
    default:
        return NVME_INVALID_LOG_PAGE;
    }
    if (from > LOG_BYTES || from % 4 || bytes > NVME_MOVE_MAX)
        return NVME_INVALID_FIELD;
    memmove(n->data, n->data + from, LOG_BYTES);
    return nvme_transfer(n, c, (uint32_t)bytes, true);
}

/* ---- features, 5.13 and 5.21 ---- */

enum { FEATURE_TEMPERATURE = 4, FEATURE_CACHE = 6, FEATURE_QUEUES = 7 };
#define FEATURE_FIRST  1
#define FEATURE_RANGES 3 /* optional */
#define FEATURE_LAST   0xb

static bool is_feature(uint32_t id)
{
    return id >= FEATURE_FIRST && id <= FEATURE_LAST && id != FEATURE_RANGES;
}

void nvme_default_features(struct nvme *n)
{
    memset(n->features, 0, sizeof(n->features));
    n->features[FEATURE_TEMPERATURE] = 343;
    n->features[FEATURE_CACHE] = 1;
    n->features[FEATURE_QUEUES] = (NVME_QUEUES - 2) << 16 | (NVME_QUEUES - 2);
}

static enum nvme_status get_features(struct nvme *n, struct nvme_command *c)
{
    uint32_t id = nvme_dword(c, 10) & 0xff;

    if (!is_feature(id))
        return NVME_INVALID_FIELD;
    c->result = n->features[id];
    return NVME_SUCCESS;
}

/* They are kept, and change nothing; how many queues there are is ours to say. */
static enum nvme_status set_features(struct nvme *n, struct nvme_command *c)
{
    uint32_t id = nvme_dword(c, 10) & 0xff;

    if (!is_feature(id))
        return NVME_INVALID_FIELD;
    if (id != FEATURE_QUEUES)
        n->features[id] = nvme_dword(c, 11);
    else
        c->result = n->features[id];
    return NVME_SUCCESS;
}

/* ---- the others ---- */

/* Commands are done one after the other: what is to be aborted is done. */
static enum nvme_status abort_command(struct nvme *n, struct nvme_command *c)
{
    (void)n;
    c->result = 1;
    return NVME_SUCCESS;
}

static enum nvme_status wait_for_event(struct nvme *n, struct nvme_command *c)
{
    if (n->event_count == NVME_EVENTS)
        return NVME_TOO_MANY_EVENTS;
    n->events[n->event_count++] = (uint16_t)(nvme_dword(c, 0) >> 16);
    return NVME_NO_ANSWER;
}

const struct nvme_opcode nvme_admin_opcodes[] = {
    {0x00, delete_submission},
    {0x01, create_submission},
    {0x02, get_log_page},
    {0x04, delete_completion},
    {0x05, create_completion},
    {0x06, identify},
    {0x08, abort_command},
    {0x09, set_features},
    {0x0a, get_features},
    {0x0c, wait_for_event},
    {0, NULL},
};
