#include "devices/virtio_snd.h"

#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"

#define DEVICE_ID      25
#define CONFIG_STREAMS 4 /* 5.14.4: le32 jacks, streams, chmaps */
#define CONFIG_BYTES   12
#define BUFFER_MAX     (UINT32_C(1) << 22)
#define CHANNELS_MAX   2
#define SECOND_NS      UINT64_C(1000000000)
#define SILENCE_BYTES  1024

/* 5.14.2, Virtqueues */
enum { CONTROL, EVENT, TX, RX, QUEUES };

/* 5.14.6, Device Operation: codes of requests and of what comes back. */
enum {
    JACK_INFO = 1,
    PCM_INFO = 0x100,
    SET_PARAMS = 0x101,
    PREPARE = 0x102,
    RELEASE = 0x103,
    START = 0x104,
    STOP = 0x105,
    CHMAP_INFO = 0x200,
    OK = 0x8000,
    BAD_MSG = 0x8001,
    NOT_SUPP = 0x8002,
};

/* Bytes of their structures; what is in them, by offset. */
enum {
    HEADER = 4,
    AT_START_ID = 4,
    AT_COUNT = 8,
    AT_SIZE = 12,
    QUERY = 16,
    INFO = 32,
    AT_FORMATS = 8,
    AT_RATES = 16,
    AT_DIRECTION = 24,
    AT_CHANNELS_MIN = 25,
    AT_CHANNELS_MAX = 26,
    AT_STREAM = 4,
    STREAM_REQUEST = 8,
    AT_BUFFER = 8,
    AT_PERIOD = 12,
    AT_FEATURES = 16,
    AT_CHANNELS = 20,
    AT_FORMAT = 21,
    AT_RATE = 22,
    PARAMS = 24,
    XFER = 4,   /* before what is played */
    STATUS = 8, /* behind all, and behind what is recorded */
};

/* 5.14.6.6.2: samples that there are, by the bits that stand for them. The last byte of silence is
 * that of zero, or of the middle. */
static const struct {
    uint8_t bytes, last;
} formats[] = {
    [3] = {1, 0},  [4] = {1, 0x80},  /* S8, U8 */
    [5] = {2, 0},  [6] = {2, 0x80},  /* S16, U16 */
    [17] = {4, 0}, [18] = {4, 0x80}, /* S32, U32 */
    [19] = {4, 0},                   /* FLOAT */
};

static const uint32_t rates[] = {5512,  8000,  11025, 16000, 22050,  32000,  44100,
                                 48000, 64000, 88200, 96000, 176400, 192000, 384000};

/* 5.14.6.6.1, PCM Command Lifecycle: the commands that each may follow. */
enum { NONE, IS_SET, IS_PREPARED, IS_RELEASED, IS_STARTED, IS_STOPPED, STATES };
static const struct {
    uint8_t after, to;
} lifecycle[] = {
    [SET_PARAMS - PCM_INFO] = {1 << NONE | 1 << IS_SET | 1 << IS_PREPARED | 1 << IS_RELEASED,
                               IS_SET},
    [PREPARE - PCM_INFO] = {1 << IS_SET | 1 << IS_PREPARED | 1 << IS_RELEASED, IS_PREPARED},
    [RELEASE - PCM_INFO] = {1 << IS_PREPARED | 1 << IS_STOPPED, IS_RELEASED},
    [START - PCM_INFO] = {1 << IS_PREPARED | 1 << IS_STOPPED, IS_STARTED},
    [STOP - PCM_INFO] = {1 << IS_STARTED, IS_STOPPED},
};

static struct virtio_snd *to_snd(struct virtio *v)
{
    return (struct virtio_snd *)v;
}

static unsigned number_of(const struct virtio_snd_stream *s)
{
    return (unsigned)(s - s->snd->streams);
}

static bool records(const struct virtio_snd_stream *s)
{
    return number_of(s) == 1;
}

static struct virtq *queue_of(struct virtio_snd_stream *s)
{
    return &s->snd->virtio.queues[records(s) ? RX : TX];
}

/* ---- messages, 5.14.6.8 ---- */

static uint32_t sound_bytes(const struct virtio_snd_stream *s)
{
    return records(s) ? s->chain.in_bytes - STATUS : s->chain.out_bytes - XFER;
}

static uint32_t write_silence(struct virtio_snd_stream *s)
{
    uint8_t silence[SILENCE_BYTES] = {0};
    uint32_t at = 0, bytes = sound_bytes(s);

    for (unsigned k = formats[s->format].bytes; k <= sizeof(silence); k += formats[s->format].bytes)
        silence[k - 1] = formats[s->format].last;
    while (at < bytes) {
        uint32_t n = bytes - at < sizeof(silence) ? bytes - at : sizeof(silence);
        if (virtq_write(queue_of(s), &s->chain, at, silence, n) != n)
            break;
        at += n;
    }
    return at;
}

/* Of one that is a message at least as far as its status goes. */
static void push(struct virtio_snd_stream *s, uint32_t status, uint32_t recorded)
{
    struct virtq *q = queue_of(s);
    uint8_t bytes[STATUS] = {0};
    uint32_t at = s->chain.in_bytes < STATUS ? 0 : s->chain.in_bytes - STATUS;

    le_put(bytes, 4, status);
    if (q->ready && !q->broken)
        virtq_push(q, &s->chain, recorded + (uint32_t)virtq_write(q, &s->chain, at, bytes, STATUS));
}

/* What may be played or recorded; not more than the buffer, which its owner has said. */
static uint32_t problem_of(struct virtio_snd_stream *s)
{
    uint8_t id[XFER];

    if (virtq_read(queue_of(s), &s->chain, 0, id, sizeof(id)) != sizeof(id) ||
        s->chain.in_bytes < STATUS || le_get(id, 4) != number_of(s) ||
        sound_bytes(s) > s->buffer_bytes)
        return BAD_MSG;
    return OK;
}

/* It ends when all frames since the first one have had their time: what is rounded away does not
 * add up. @follows: the one before it has just ended. */
static void begin(struct virtio_snd_stream *s, bool follows)
{
    uint32_t frame = (uint32_t)formats[s->format].bytes * s->channels, rate = rates[s->rate];

    if (!follows) {
        s->start_ns = clock_now_ns(s->snd->clock);
        s->frames = 0;
    }
    s->frames += sound_bytes(s) / frame;
    s->busy = true;
    clock_event_set(s->snd->clock, &s->end,
                    s->start_ns + s->frames / rate * SECOND_NS +
                        s->frames % rate * SECOND_NS / rate);
}

static void take_next(struct virtio_snd_stream *s, bool follows)
{
    while (s->state == IS_STARTED && !s->busy && virtq_pop(queue_of(s), &s->chain)) {
        uint32_t problem = problem_of(s);
        if (problem == OK)
            begin(s, follows);
        else
            push(s, problem, 0);
    }
}

static void end(void *ctx, uint64_t now_ns)
{
    struct virtio_snd_stream *s = ctx;

    (void)now_ns;
    if (!virtio_is_live(&s->snd->virtio))
        return;
    push(s, OK, records(s) ? write_silence(s) : 0);
    s->busy = false;
    take_next(s, true);
    virtio_settle(&s->snd->virtio);
}

static void fill(struct virtio *v)
{
    for (unsigned n = 0; n < VIRTIO_SND_STREAMS; n++)
        take_next(&to_snd(v)->streams[n], false);
}

/* ---- the control queue ---- */

static void pause_stream(struct virtio_snd_stream *s)
{
    clock_event_set(s->snd->clock, &s->end, CLOCK_NEVER);
}

/* 5.14.6.6.5.1: what waits is done before the answer. */
static void release(struct virtio_snd_stream *s)
{
    pause_stream(s);
    if (s->busy)
        push(s, OK, 0);
    s->busy = false;
    while (virtq_pop(queue_of(s), &s->chain))
        push(s, problem_of(s), 0);
}

static uint32_t set_params(struct virtio_snd_stream *s, const uint8_t *request)
{
    uint32_t buffer = (uint32_t)le_get(request + AT_BUFFER, 4);
    uint32_t period = (uint32_t)le_get(request + AT_PERIOD, 4);
    uint8_t format = request[AT_FORMAT], rate = request[AT_RATE], channels = request[AT_CHANNELS];

    if (!period || period > buffer)
        return BAD_MSG;
    if (buffer > BUFFER_MAX || le_get(request + AT_FEATURES, 4) || !channels ||
        channels > CHANNELS_MAX || format >= ARRAY_SIZE(formats) || !formats[format].bytes ||
        rate >= ARRAY_SIZE(rates))
        return NOT_SUPP;
    s->buffer_bytes = buffer;
    s->format = format;
    s->rate = rate;
    s->channels = channels;
    return OK;
}

static void follow(struct virtio_snd_stream *s, uint32_t code)
{
    if (code == RELEASE)
        release(s);
    else if (code == STOP)
        pause_stream(s);
    else if (code == START && s->busy)
        begin(s, false);
}

static uint32_t command(struct virtio_snd *snd, uint32_t code, const uint8_t *request, size_t size)
{
    uint64_t id = le_get(request + AT_STREAM, 4);
    struct virtio_snd_stream *s;
    uint32_t status = OK;

    if (size < (code == SET_PARAMS ? (size_t)PARAMS : (size_t)STREAM_REQUEST) ||
        id >= VIRTIO_SND_STREAMS)
        return BAD_MSG;
    s = &snd->streams[id];
    if (!(lifecycle[code - PCM_INFO].after >> s->state & 1))
        return BAD_MSG;
    if (code == SET_PARAMS)
        status = set_params(s, request);
    if (status == OK) {
        s->state = lifecycle[code - PCM_INFO].to;
        follow(s, code);
    }
    return status;
}

static void put_info(uint8_t info[INFO], unsigned stream)
{
    uint64_t samples = 0;

    memset(info, 0, INFO);
    for (unsigned k = 0; k < ARRAY_SIZE(formats); k++)
        samples |= formats[k].bytes ? BIT(k) : 0;
    le_put(info + AT_FORMATS, 8, samples);
    le_put(info + AT_RATES, 8, BIT(ARRAY_SIZE(rates)) - 1);
    info[AT_DIRECTION] = (uint8_t)stream;
    info[AT_CHANNELS_MIN] = 1;
    info[AT_CHANNELS_MAX] = CHANNELS_MAX;
}

/* 5.14.6.1, Item Information Request: of jacks and channel maps there are none. Return: bytes that
 * have been written behind the status. */
static uint32_t inform(struct virtio *v, struct virtq *q, const uint8_t *request, uint32_t *status)
{
    uint64_t first = le_get(request + AT_START_ID, 4), count = le_get(request + AT_COUNT, 4);
    uint64_t stride = le_get(request + AT_SIZE, 4), items = VIRTIO_SND_STREAMS;
    uint32_t written = 0;

    if (le_get(request, HEADER) != PCM_INFO)
        items = 0;
    if (first > items || count > items - first || stride < INFO ||
        HEADER + count * stride > v->chain.in_bytes) {
        *status = BAD_MSG;
        return 0;
    }
    for (uint64_t k = 0; k < count; k++) {
        uint8_t info[INFO];
        put_info(info, (unsigned)(first + k));
        written += (uint32_t)virtq_write(q, &v->chain, (uint32_t)(HEADER + k * stride), info, INFO);
    }
    return written;
}

static uint32_t request(struct virtio *v, struct virtq *q, uint32_t budget)
{
    uint8_t bytes[PARAMS] = {0}, answer[HEADER];
    size_t size = virtq_read(q, &v->chain, 0, bytes, sizeof(bytes));
    uint32_t code = (uint32_t)le_get(bytes, HEADER), status = OK, written = 0;

    (void)budget;
    if (code == JACK_INFO || code == PCM_INFO || code == CHMAP_INFO) {
        if (size < QUERY)
            status = BAD_MSG;
        else
            written = inform(v, q, bytes, &status);
    } else if (code >= SET_PARAMS && code <= STOP) {
        status = command(to_snd(v), code, bytes, size);
    } else {
        status = size < HEADER ? BAD_MSG : NOT_SUPP;
    }
    le_put(answer, HEADER, status);
    written += (uint32_t)virtq_write(q, &v->chain, 0, answer, HEADER);
    virtio_done(v, written);
    return (uint32_t)size + written;
}

/* ---- the device ---- */

static void reset(struct virtio *v)
{
    for (unsigned n = 0; n < VIRTIO_SND_STREAMS; n++) {
        struct virtio_snd_stream *s = &to_snd(v)->streams[n];
        pause_stream(s);
        s->state = NONE;
        s->busy = false;
    }
}

static void stream_state(struct state_io *io, struct virtio_snd_stream *s)
{
    STATE(io, s->state);
    STATE(io, s->format);
    STATE(io, s->rate);
    STATE(io, s->channels);
    STATE(io, s->buffer_bytes);
    STATE(io, s->start_ns);
    STATE(io, s->frames);
    STATE(io, s->busy);
    state_require(io, s->state < STATES, "state");
    state_require(io,
                  s->state == NONE ||
                      (s->format < ARRAY_SIZE(formats) && formats[s->format].bytes &&
                       s->rate < ARRAY_SIZE(rates) && s->channels && s->channels <= CHANNELS_MAX &&
                       s->buffer_bytes <= BUFFER_MAX),
                  "format");
    state_require(io, !s->busy || s->state == IS_STARTED || s->state == IS_STOPPED, "busy");
    if (state_failed(io) || !s->busy)
        return;
    virtq_chain_state(io, queue_of(s), &s->chain);
    state_require(io, s->chain.out_bytes >= XFER && s->chain.in_bytes >= STATUS, "chain");
}

static void state(struct state_io *io, struct virtio *v)
{
    for (unsigned n = 0; n < VIRTIO_SND_STREAMS; n++)
        stream_state(io, &to_snd(v)->streams[n]);
}

static const struct virtio_ops ops = {.name = "snd",
                                      .id = DEVICE_ID,
                                      .request = request,
                                      .fill = fill,
                                      .reset = reset,
                                      .state = state};

/* The event queue's buffers stay with the device: nobody plugs a jack, and no period is told of. */
void virtio_snd_init(struct virtio_snd *snd, const struct arm_log *log, struct physmem *mem,
                     struct clock *clock, unsigned unit)
{
    static const char *const names[] = {"plays", "records"};

    virtio_init(&snd->virtio, &ops, log, mem, QUEUES, BIT(CONTROL), 0);
    le_put(snd->virtio.config + CONFIG_STREAMS, 4, VIRTIO_SND_STREAMS);
    snd->virtio.config_size = CONFIG_BYTES;
    snd->clock = clock;
    for (unsigned n = 0; n < VIRTIO_SND_STREAMS; n++) {
        struct virtio_snd_stream *s = &snd->streams[n];
        *s = (struct virtio_snd_stream){.snd = snd, .end = {.fn = end, .ctx = s}};
        clock_event_add(clock, &s->end, "snd%u %s", unit, names[n]);
    }
}
