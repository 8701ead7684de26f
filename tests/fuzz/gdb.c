/*
 * A client of gdb's protocol that sends anything. The first byte chooses: bytes as they are, or
 * lines as the contents of packets, with right checksums. Nothing crashes, what comes back is made
 * of whole packets, and the server still answers.
 */
#include "tests/gdb/fixture.h"

#include "tests/fuzz/input.h"

#define CPUS 3

/* A machine, and what it is at the beginning of each input. */
struct subject {
    struct session session;
    struct arm_snapshot *start;
};

static struct subject *subject(void)
{
    static struct subject *only;
    struct arm_error err;

    if (!only) {
        only = calloc(1, sizeof(*only));
        session_open(&only->session, CPUS);
        gdb_server_free(only->session.s);
        only->start = arm_snapshot_take(only->session.m, &err);
        if (!only->start)
            abort();
    }
    return only;
}

/* Acknowledgements and packets, nothing else. Return: how many packets. */
static unsigned check_output(struct session *t)
{
    GByteArray *out = gdb_server_output(t->s);
    struct gdb_reader reader;
    unsigned packets = 0;

    gdb_reader_init(&reader);
    for (guint k = 0; k < out->len; k++) {
        switch (gdb_reader_byte(&reader, out->data[k])) {
        case GDB_TOKEN_PACKET:
            packets++;
            break;
        case GDB_TOKEN_BAD:
        case GDB_TOKEN_INTERRUPT:
            abort();
        default:
            break;
        }
    }
    if (reader.state != GDB_OUTSIDE)
        abort();
    gdb_reader_free(&reader);
    g_byte_array_set_size(out, 0);
    return packets;
}

/* What the machine is asked for it does a little of. */
static void carry_out(struct session *t)
{
    for (unsigned k = 0; k < 1000 && gdb_server_request(t->s).order != GDB_NOTHING; k++) {
        struct gdb_request r = gdb_server_request(t->s);
        if (r.cpu >= CPUS)
            abort();
        gdb_server_interrupted(t->s);
        arm_run(t->m, 10);
        gdb_server_stopped(t->s, &(struct gdb_stop){.kind = (enum gdb_stop_kind)(k % 8),
                                                    .cpu = r.cpu,
                                                    .address = r.start});
    }
}

static void feed(struct session *t, const uint8_t *data, size_t size)
{
    gdb_server_feed(t->s, data, size);
    carry_out(t);
    check_output(t);
}

static void feed_lines(struct session *t, const uint8_t *data, size_t size)
{
    while (size) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t n = end ? (size_t)(end - data) : size;
        g_autoptr(GByteArray) packet = g_byte_array_new();
        gdb_packet_append(packet, data, n);
        feed(t, packet->data, packet->len);
        n += end != NULL;
        data += n;
        size -= n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t question[] = "$qAttached#8f";
    struct subject *one = subject();
    struct session *t = &one->session;

    if (size == 0 || arm_snapshot_restore(t->m, one->start, NULL) < 0)
        return 0;
    t->s =
        gdb_server_new(&(struct gdb_target){session_machine, session_change, session_monitor, t});
    t->refuses = data[0] & 2;
    if (data[0] & 1)
        feed_lines(t, data + 1, size - 1);
    else
        feed(t, data + 1, size - 1);
    /* The first one may be taken for the end of a packet that was begun. */
    gdb_server_feed(t->s, question, sizeof(question) - 1);
    gdb_server_feed(t->s, question, sizeof(question) - 1);
    carry_out(t);
    if (check_output(t) == 0)
        abort();
    gdb_server_free(t->s);
    return 0;
}
