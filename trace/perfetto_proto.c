/*
 * Perfetto's own format: a Trace of TracePackets (protos/perfetto/trace/trace_packet.proto of
 * Perfetto), which track events and the descriptors of their tracks are made of. A view is the
 * track of a process, a row one below it, and each id of spans one below its row.
 */
#include "trace/perfetto.h"
#include "trace/protobuf.h"

/* Numbers of fields, by message. */
enum { TRACE_PACKET = 1 };
enum {
    PACKET_TIMESTAMP = 8, /* ns, of the trace's clock */
    PACKET_SEQUENCE_ID = 10,
    PACKET_TRACK_EVENT = 11,
    PACKET_SEQUENCE_FLAGS = 13,
    PACKET_TRACK_DESCRIPTOR = 60,
};
enum { DESCRIPTOR_UUID = 1, DESCRIPTOR_NAME = 2, DESCRIPTOR_PROCESS = 3, DESCRIPTOR_PARENT = 5 };
enum { PROCESS_PID = 1, PROCESS_NAME = 6 };
enum {
    EVENT_ANNOTATION = 4,
    EVENT_TYPE = 9,
    EVENT_TRACK = 11,
    EVENT_CATEGORY = 22,
    EVENT_NAME = 23
};
enum { ANNOTATION_UINT = 3, ANNOTATION_TEXT = 6, ANNOTATION_NAME = 10 };

enum { TYPE_SLICE_BEGIN = 1, TYPE_SLICE_END = 2, TYPE_INSTANT = 3 };

#define SEQUENCE         1 /* of packets, the only one */
#define SEQUENCE_CLEARED 1 /* SEQ_INCREMENTAL_STATE_CLEARED: it begins */

static uint64_t view_track(const struct perfetto_event *e)
{
    return (uint64_t)e->view << 32;
}

static uint64_t row_track(const struct perfetto_event *e)
{
    return view_track(e) | (e->row + 1);
}

static size_t open_packet(struct perfetto_out *out, uint64_t ns)
{
    size_t at = protobuf_open(out->text, TRACE_PACKET);

    protobuf_number(out->text, PACKET_TIMESTAMP, ns);
    protobuf_number(out->text, PACKET_SEQUENCE_ID, SEQUENCE);
    if (out->count++ == 0)
        protobuf_number(out->text, PACKET_SEQUENCE_FLAGS, SEQUENCE_CLEARED);
    return at;
}

/* @parent: 0: the track of a process. */
static void describe(struct perfetto_out *out, const struct perfetto_event *e, uint64_t uuid,
                     uint64_t parent)
{
    size_t packet = open_packet(out, e->ns);
    size_t descriptor = protobuf_open(out->text, PACKET_TRACK_DESCRIPTOR);

    protobuf_number(out->text, DESCRIPTOR_UUID, uuid);
    if (parent) {
        protobuf_number(out->text, DESCRIPTOR_PARENT, parent);
        protobuf_text(out->text, DESCRIPTOR_NAME, e->name);
    } else {
        size_t process = protobuf_open(out->text, DESCRIPTOR_PROCESS);
        protobuf_number(out->text, PROCESS_PID, e->view);
        protobuf_text(out->text, PROCESS_NAME, e->name);
        protobuf_close(out->text, process);
    }
    protobuf_close(out->text, descriptor);
    protobuf_close(out->text, packet);
}

/* Of a span: a track of its own, which is described when it is first used. */
static uint64_t span_track(struct perfetto_out *out, const struct perfetto_event *e)
{
    guint64 *uuid = g_hash_table_lookup(out->spans, e->id);

    if (uuid)
        return *uuid;
    uuid = g_new(guint64, 1);
    *uuid = UINT64_C(1) << 48 | g_hash_table_size(out->spans);
    g_hash_table_insert(out->spans, g_strdup(e->id), uuid);
    describe(out, e, *uuid, row_track(e));
    return *uuid;
}

static void annotate(GString *text, const struct perfetto_argument *a)
{
    size_t at = protobuf_open(text, EVENT_ANNOTATION);

    protobuf_text(text, ANNOTATION_NAME, a->key);
    if (*a->text)
        protobuf_text(text, ANNOTATION_TEXT, a->text);
    else
        protobuf_number(text, ANNOTATION_UINT, a->number);
    protobuf_close(text, at);
}

static void begin(struct perfetto_out *out)
{
    out->spans = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void event(struct perfetto_out *out, const struct perfetto_event *e)
{
    static const uint8_t types[] = {
        [PERFETTO_OPEN] = TYPE_SLICE_BEGIN, [PERFETTO_CLOSE] = TYPE_SLICE_END,
        [PERFETTO_SPAN] = TYPE_SLICE_BEGIN, [PERFETTO_SPAN_END] = TYPE_SLICE_END,
        [PERFETTO_INSTANT] = TYPE_INSTANT,
    };

    if (e->phase == PERFETTO_VIEW) {
        describe(out, e, view_track(e), 0);
        return;
    }
    if (e->phase == PERFETTO_ROW) {
        describe(out, e, row_track(e), view_track(e));
        return;
    }
    uint64_t track = e->id ? span_track(out, e) : row_track(e);
    size_t packet = open_packet(out, e->ns);
    size_t at = protobuf_open(out->text, PACKET_TRACK_EVENT);
    protobuf_number(out->text, EVENT_TYPE, types[e->phase]);
    protobuf_number(out->text, EVENT_TRACK, track);
    if (e->name && types[e->phase] != TYPE_SLICE_END)
        protobuf_text(out->text, EVENT_NAME, e->name);
    if (e->category && types[e->phase] != TYPE_SLICE_END)
        protobuf_text(out->text, EVENT_CATEGORY, e->category);
    for (unsigned k = 0; k < e->argument_count; k++)
        annotate(out->text, &e->argument[k]);
    protobuf_close(out->text, at);
    protobuf_close(out->text, packet);
}

static void end(struct perfetto_out *out)
{
    g_hash_table_unref(out->spans);
}

const struct perfetto_writer perfetto_proto = {begin, event, end};
