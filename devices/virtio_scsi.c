#include "devices/virtio_scsi.h"

#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"

#define DEVICE_ID 8

/* 5.6.2, Virtqueues; those of requests are the last */
enum { CONTROL, EVENT, REQUEST };

/* 5.6.4, struct virtio_scsi_config. Differs: a driver cannot change sense_size and cdb_size. */
enum {
    CONFIG_NUM_QUEUES = 0,
    CONFIG_SEG_MAX = 4,
    CONFIG_MAX_SECTORS = 8,
    CONFIG_CMD_PER_LUN = 12,
    CONFIG_EVENT_INFO_SIZE = 16,
    CONFIG_SENSE_SIZE = 20,
    CONFIG_CDB_SIZE = 24,
    CONFIG_MAX_TARGET = 30,
    CONFIG_MAX_LUN = 32,
    CONFIG_BYTES = 36,
};
#define CDB_SIZE   32
#define SENSE_SIZE 96

/* 5.6.6.1, struct virtio_scsi_req_cmd: what the device reads and what it writes, before the data */
enum { REQ_LUN = 0, REQ_CDB = 19, REQ_BYTES = REQ_CDB + CDB_SIZE };
enum {
    RESP_SENSE_LEN = 0,
    RESP_RESIDUAL = 4,
    RESP_STATUS = 10,
    RESP_RESPONSE = 11,
    RESP_SENSE = 12,
    RESP_BYTES = RESP_SENSE + SENSE_SIZE,
};
enum { S_OK = 0, S_OVERRUN = 1, S_BAD_TARGET = 3, S_FAILURE = 9 };

/* 5.6.6.2, Device Operation: controlq */
enum { T_TMF = 0, T_AN_QUERY = 1, T_AN_SUBSCRIBE = 2 };
enum { CTRL_TYPE = 0, TMF_SUBTYPE = 4, TMF_LUN = 8, TMF_BYTES = 24, AN_BYTES = 16 };
enum { TMF_LOGICAL_UNIT_RESET = 5, TMF_TARGET_RESET_I_T_NEXUS = 4, TMF_QUERY_TASK_SET = 7 };
enum { S_FUNCTION_REJECTED = 11, S_INCORRECT_LUN = 12 };

static struct virtio_scsi *to_scsi(struct virtio *v)
{
    return (struct virtio_scsi *)v;
}

/* ---- addresses, 5.6.6.1: byte 0 is 1, then a target and a unit ---- */

#define LUN_BYTES 8

/* 1 + its place; 0: there is none. @*target: somebody has this target. */
static uint32_t find(const struct virtio_scsi *s, const uint8_t lun[LUN_BYTES], bool *target)
{
    unsigned n = (lun[2] << 8 | lun[3]) & 0x3fff;
    uint32_t at = 0;

    *target = false;
    for (uint32_t k = 0; k < s->count; k++) {
        if (lun[0] != 1 || s->places[k].target != lun[1])
            continue;
        *target = true;
        if (s->places[k].lun == n)
            at = 1 + k;
    }
    return at;
}

static struct scsi_unit *unit_of(struct virtio_scsi *s)
{
    return s->at ? s->places[s->at - 1].unit : NULL;
}

/* ---- commands ---- */

/* Data that the driver has, or has room for. */
static uint32_t room(const struct virtio_scsi *s)
{
    const struct virtq_chain *chain = &s->virtio.chain;

    switch (s->request.direction) {
    case SCSI_IN:
        return chain->in_bytes - RESP_BYTES;
    case SCSI_OUT:
        return chain->out_bytes - REQ_BYTES;
    case SCSI_NO_DATA:
        break;
    }
    return 0;
}

static void begin(struct virtio_scsi *s, struct virtq *q)
{
    uint8_t header[REQ_BYTES];
    bool target;

    s->response = S_OK;
    virtq_read(q, &s->virtio.chain, 0, header, sizeof(header));
    s->at = find(s, header + REQ_LUN, &target);
    scsi_begin(unit_of(s), &s->request, header + REQ_CDB, SCSI_CDB_MAX);
    if (!target)
        s->response = S_BAD_TARGET;
    else if (s->request.bytes > room(s))
        s->response = S_OVERRUN;
    if (s->response != S_OK)
        s->request.bytes = 0;
}

/* The next @n bytes of data. */
static bool move(struct virtio_scsi *s, struct virtq *q, uint32_t n)
{
    const struct virtq_chain *chain = &s->virtio.chain;
    struct scsi_request *r = &s->request;
    uint32_t done = r->done;

    if (r->direction == SCSI_IN)
        return scsi_read(unit_of(s), r, s->chunk, n) &&
               virtq_write(q, chain, RESP_BYTES + done, s->chunk, n) == n;
    return virtq_read(q, chain, REQ_BYTES + done, s->chunk, n) == n &&
           scsi_write(unit_of(s), r, s->chunk, n);
}

static void finish(struct virtio_scsi *s, struct virtq *q)
{
    struct scsi_request *r = &s->request;
    uint32_t left = room(s) - r->done;
    uint8_t response[RESP_BYTES] = {0};

    if (s->response == S_OK)
        scsi_end(unit_of(s), r);
    pace_spend(&s->virtio.pace, r->cost);
    response[RESP_RESPONSE] = s->response;
    if (s->response == S_OK) {
        response[RESP_STATUS] = r->status;
        le_put(response + RESP_RESIDUAL, 4, r->direction == SCSI_NO_DATA ? 0 : left);
    }
    if (s->response == S_OK && r->status == SCSI_CHECK_CONDITION) {
        le_put(response + RESP_SENSE_LEN, 4, SCSI_SENSE);
        scsi_take_sense(unit_of(s), response + RESP_SENSE);
    }
    virtq_write(q, &s->virtio.chain, 0, response, sizeof(response));
    virtio_done(&s->virtio, RESP_BYTES + (r->direction == SCSI_IN ? r->done : 0));
}

static uint32_t command(struct virtio *v, struct virtq *q, uint32_t budget)
{
    struct virtio_scsi *s = to_scsi(v);
    struct scsi_request *r = &s->request;
    uint32_t moved = 0;

    if (v->chain.out_bytes < REQ_BYTES || v->chain.in_bytes < RESP_BYTES) {
        LOG(v->log, DEVICE, GUEST, "virtio scsi: a request of %u and %u bytes, expected %d and %d",
            v->chain.out_bytes, v->chain.in_bytes, REQ_BYTES, RESP_BYTES);
        virtio_done(v, 0);
        return 0;
    }
    if (v->done == 0)
        begin(s, q);
    while (r->done < r->bytes && moved < budget) {
        uint32_t n = r->bytes - r->done;
        n = n < VIRTIO_SCSI_CHUNK ? n : VIRTIO_SCSI_CHUNK;
        if (!move(s, q, n))
            r->bytes = r->done;
        moved += n;
    }
    v->done = r->done;
    if (r->done == r->bytes)
        finish(s, q);
    return moved;
}

/* ---- the control queue ---- */

/* Commands are done one after the other, and this is between them: none is left to abort. */
static uint8_t manage_task(struct virtio_scsi *s, const uint8_t *request)
{
    uint64_t subtype = le_get(request + TMF_SUBTYPE, 4);
    bool target;
    uint32_t at = find(s, request + TMF_LUN, &target);

    if (!target)
        return S_BAD_TARGET;
    if (subtype > TMF_QUERY_TASK_SET)
        return S_FUNCTION_REJECTED;
    if (subtype == TMF_LOGICAL_UNIT_RESET && !at)
        return S_INCORRECT_LUN;
    for (uint32_t k = 0; k < s->count; k++)
        if (s->places[k].target == request[TMF_LUN + 1] &&
            (subtype == TMF_TARGET_RESET_I_T_NEXUS ||
             (subtype == TMF_LOGICAL_UNIT_RESET && at == 1 + k)))
            scsi_unit_reset(s->places[k].unit);
    return S_OK;
}

static void control(struct virtio_scsi *s, struct virtq *q)
{
    const struct virtq_chain *chain = &s->virtio.chain;
    uint8_t request[TMF_BYTES], answer[5] = {0};
    size_t length = virtq_read(q, chain, 0, request, sizeof(request));
    uint64_t type = length >= 4 ? le_get(request + CTRL_TYPE, 4) : UINT64_MAX;
    uint32_t written = 0;

    if (type == T_TMF && length == TMF_BYTES) {
        answer[0] = manage_task(s, request);
        written = (uint32_t)virtq_write(q, chain, 0, answer, 1);
    } else if ((type == T_AN_QUERY || type == T_AN_SUBSCRIBE) && length >= AN_BYTES) {
        written = (uint32_t)virtq_write(q, chain, 0, answer, sizeof(answer)); /* no such events */
    } else {
        LOG(s->virtio.log, DEVICE, GUEST, "virtio scsi: a control request of %zu bytes, type %#llx",
            length, (unsigned long long)type);
    }
    virtio_done(&s->virtio, written);
}

static uint32_t request(struct virtio *v, struct virtq *q, uint32_t budget)
{
    if (q == &v->queues[CONTROL]) {
        control(to_scsi(v), q);
        return 0;
    }
    return command(v, q, budget);
}

static void reset(struct virtio *v)
{
    struct virtio_scsi *s = to_scsi(v);

    for (uint32_t k = 0; k < s->count; k++)
        scsi_unit_reset(s->places[k].unit);
}

static void state(struct state_io *io, struct virtio *v)
{
    struct virtio_scsi *s = to_scsi(v);

    for (uint32_t k = 0; k < s->count; k++)
        scsi_unit_state(io, s->places[k].unit);
    STATE(io, s->at);
    STATE(io, s->response);
    if (state_require(io, s->at <= s->count, "s->at") && !state_failed(io))
        scsi_request_state(io, unit_of(s), &s->request);
    state_require(
        io,
        !v->busy || v->done == 0 ||
            (v->done == s->request.done && v->done <= room(s) && s->request.bytes <= room(s)),
        "v->done");
}

static const struct virtio_ops ops = {
    .name = "scsi", .id = DEVICE_ID, .request = request, .reset = reset, .state = state};

void virtio_scsi_init(struct virtio_scsi *s, const struct arm_log *log, struct physmem *mem,
                      unsigned queues)
{
    static const struct {
        uint32_t offset, value;
    } config[] = {
        {CONFIG_SEG_MAX, VIRTQ_SIZE_MAX - 2},
        {CONFIG_MAX_SECTORS, SCSI_BLOCKS_MAX},
        {CONFIG_CMD_PER_LUN, 128},
        {CONFIG_EVENT_INFO_SIZE, 16},
        {CONFIG_SENSE_SIZE, SENSE_SIZE},
        {CONFIG_CDB_SIZE, CDB_SIZE},
        {CONFIG_MAX_LUN, SCSI_LUNS_MAX - 1},
    };

    virtio_init(&s->virtio, &ops, log, mem, REQUEST + queues,
                BIT(CONTROL) | (BIT(queues) - 1) << REQUEST, 0);
    s->count = 0;
    s->at = 0;
    s->request = (struct scsi_request){0};
    for (size_t k = 0; k < ARRAY_SIZE(config); k++)
        le_put(s->virtio.config + config[k].offset, 4, config[k].value);
    le_put(s->virtio.config + CONFIG_NUM_QUEUES, 4, queues);
    le_put(s->virtio.config + CONFIG_MAX_TARGET, 2, VIRTIO_SCSI_TARGETS_MAX - 1);
    s->virtio.config_size = CONFIG_BYTES;
}

bool virtio_scsi_attach(struct virtio_scsi *s, unsigned target, unsigned lun,
                        struct scsi_unit *unit)
{
    uint64_t taken = 0;

    if (s->count == VIRTIO_SCSI_UNITS_MAX || target >= VIRTIO_SCSI_TARGETS_MAX ||
        lun >= SCSI_LUNS_MAX)
        return false;
    for (uint32_t k = 0; k < s->count; k++)
        if (s->places[k].target == target)
            taken |= BIT(s->places[k].lun);
    if (taken & BIT(lun))
        return false;
    s->places[s->count++] = (struct virtio_scsi_place){(uint8_t)target, (uint8_t)lun, unit};
    for (uint32_t k = 0; k < s->count; k++)
        if (s->places[k].target == target)
            s->places[k].unit->luns = taken | BIT(lun);
    return true;
}
