#include "gdb/server.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gdb/state.h"

static const struct {
    const char *name;
    gdb_packet_fn *fn;
} packets[] = {
#define GDB_PACKET(name, fn, ...) {name, gdb_do_##fn},
#include "gdb/packets.def"
#undef GDB_PACKET
};

struct gdb_server *gdb_server_new(const struct gdb_target *target)
{
    struct gdb_server *s = g_new0(struct gdb_server, 1);

    s->target = *target;
    s->out = g_byte_array_new();
    s->waiting = g_byte_array_new();
    s->sent = g_byte_array_new();
    s->points = g_array_new(FALSE, FALSE, sizeof(struct gdb_point));
    s->system = gdb_system_registers(gdb_machine(s));
    s->last = (struct gdb_stop){.signal = GDB_SIGNAL_TRAP};
    gdb_reader_init(&s->reader);
    return s;
}

void gdb_server_free(struct gdb_server *s)
{
    if (!s)
        return;
    gdb_reader_free(&s->reader);
    g_byte_array_unref(s->out);
    g_byte_array_unref(s->waiting);
    g_byte_array_unref(s->sent);
    g_array_unref(s->points);
    g_array_unref(s->system);
    g_free(s->description);
    g_free(s);
}

struct arm_machine *gdb_machine(const struct gdb_server *s)
{
    return s->target.machine(s->target.ctx);
}

/* An error with text is known to gdb as "E." and the text. */
bool gdb_may_change(const struct gdb_server *s, GString *reply)
{
    const char *why = NULL;

    if (!s->target.change || s->target.change(s->target.ctx, &why))
        return true;
    g_string_printf(reply, "E.%s", why ? why : "the machine cannot be changed");
    return false;
}

static void send_packet(struct gdb_server *s, const char *data, size_t size)
{
    g_byte_array_set_size(s->sent, 0);
    gdb_packet_append(s->sent, (const uint8_t *)data, size);
    g_byte_array_append(s->out, s->sent->data, s->sent->len);
}

static void execute(struct gdb_server *s)
{
    g_autoptr(GString) reply = g_string_new(NULL);
    size_t size = s->reader.data->len;
    g_autofree char *text = g_malloc(size + 1);
    bool replies = true;

    if (size)
        memcpy(text, s->reader.data->data, size);
    text[size] = '\0';
    for (size_t k = 0; k < G_N_ELEMENTS(packets); k++) {
        size_t length = strlen(packets[k].name);
        if (size < length || memcmp(text, packets[k].name, length) != 0)
            continue;
        replies = packets[k].fn(s, text + length, size - length, reply);
        break;
    }
    if (replies)
        send_packet(s, reply->str, reply->len);
    s->no_ack |= s->no_ack_next;
}

static void acknowledge(struct gdb_server *s, const char *sign)
{
    if (!s->no_ack)
        g_byte_array_append(s->out, (const uint8_t *)sign, 1);
}

static void take(struct gdb_server *s, uint8_t byte)
{
    switch (gdb_reader_byte(&s->reader, byte)) {
    case GDB_TOKEN_PACKET:
        acknowledge(s, "+");
        execute(s);
        break;
    case GDB_TOKEN_BAD:
        acknowledge(s, "-");
        break;
    case GDB_TOKEN_AGAIN:
        if (!s->no_ack)
            g_byte_array_append(s->out, s->sent->data, s->sent->len);
        break;
    case GDB_TOKEN_INTERRUPT: /* it has stopped already */
    case GDB_TOKEN_NONE:
        break;
    }
}

/* While the machine runs a client sends nothing else. */
static void look_for_interrupt(struct gdb_server *s)
{
    guint kept = 0;

    for (guint k = 0; k < s->waiting->len; k++)
        if (s->waiting->data[k] == 3)
            s->interrupted = true;
        else
            s->waiting->data[kept++] = s->waiting->data[k];
    g_byte_array_set_size(s->waiting, kept);
}

/* What waited, as far as nothing is to be done before. */
static void go_on(struct gdb_server *s)
{
    size_t k = 0;

    while (k < s->waiting->len && s->request.order == GDB_NOTHING)
        take(s, s->waiting->data[k++]);
    if (k)
        g_byte_array_remove_range(s->waiting, 0, (guint)k);
    if (s->request.order != GDB_NOTHING)
        look_for_interrupt(s);
}

void gdb_server_feed(struct gdb_server *s, const uint8_t *data, size_t size)
{
    /* Nobody has to send faster than we answer: what goes on doing so is lost. */
    if (s->waiting->len + size <= 16 * GDB_PACKET_MAX)
        g_byte_array_append(s->waiting, data, (guint)size);
    go_on(s);
}

GByteArray *gdb_server_output(struct gdb_server *s)
{
    return s->out;
}

struct gdb_request gdb_server_request(const struct gdb_server *s)
{
    return s->request;
}

bool gdb_server_interrupted(struct gdb_server *s)
{
    bool yes = s->interrupted;

    s->interrupted = false;
    return yes;
}

void gdb_server_stopped(struct gdb_server *s, const struct gdb_stop *stop)
{
    g_autoptr(GString) reply = g_string_new(NULL);

    s->request = (struct gdb_request){0};
    s->last = *stop;
    s->interrupted = false;
    if (stop->cpu < arm_cpu_count(gdb_machine(s)))
        s->cpu = s->cpu_goes = stop->cpu;
    gdb_append_stop(s, stop, reply);
    send_packet(s, reply->str, reply->len);
    go_on(s);
}

void gdb_server_print(struct gdb_server *s, const char *text)
{
    const size_t most = GDB_PACKET_MAX / 2 - 1;
    size_t left = strlen(text);

    while (left) {
        size_t n = left < most ? left : most;
        g_autoptr(GString) packet = g_string_new("O");
        gdb_append_hex(packet, (const uint8_t *)text, n);
        send_packet(s, packet->str, packet->len);
        text += n;
        left -= n;
    }
}

const GArray *gdb_server_points(const struct gdb_server *s)
{
    return s->points;
}

enum gdb_space gdb_server_space(const struct gdb_server *s)
{
    return s->space;
}

void gdb_server_set_space(struct gdb_server *s, enum gdb_space space)
{
    s->space = space;
}

unsigned gdb_current_el(struct arm_machine *m, unsigned cpu)
{
    uint64_t pstate[2] = {0, 0};

    arm_reg_get(m, cpu, ARM_PSTATE, pstate);
    return (unsigned)(pstate[0] >> 2) & 3;
}

/* ---- packets about the connection ---- */

bool gdb_do_supported(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)size;
    s->tells_breaks = strstr(rest, "swbreak+") != NULL;
    g_string_printf(reply,
                    "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+;vContSupported+;"
                    "swbreak+;hwbreak+;ReverseStep+;ReverseContinue+;binary-upload+",
                    GDB_PACKET_MAX);
    return true;
}

bool gdb_do_no_ack(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)rest, (void)size;
    s->no_ack_next = true;
    g_string_assign(reply, "OK");
    return true;
}

bool gdb_do_ok(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)s, (void)rest, (void)size;
    g_string_assign(reply, "OK");
    return true;
}

bool gdb_do_unknown(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)s, (void)rest, (void)size, (void)reply;
    return true;
}

bool gdb_do_attached(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)s, (void)rest, (void)size;
    g_string_assign(reply, "1");
    return true;
}

/* LLDB's: without it LLDB goes on from a watchpoint without a step, and comes to the same one. */
bool gdb_do_host(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)rest, (void)size;
    g_string_printf(reply,
                    "endian:little;ptrsize:8;watchpoint_exceptions_received:before;"
                    "addressing_bits:%u;",
                    gdb_address_bits(s, s->cpu, true));
    return true;
}

bool gdb_do_watchpoints(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)s, (void)rest, (void)size;
    g_string_printf(reply, "num:%u;", GDB_WATCHPOINTS_MAX);
    return true;
}

bool gdb_do_command(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    g_autoptr(GByteArray) line = g_byte_array_new();
    g_autoptr(GString) out = g_string_new(NULL);

    if (!s->target.monitor)
        return true;
    if (!gdb_hex_bytes(rest, size, line)) {
        g_string_assign(reply, "E16");
        return true;
    }
    g_byte_array_append(line, (const uint8_t *)"", 1);
    s->target.monitor(s->target.ctx, s, s->cpu, (const char *)line->data, out);
    gdb_server_print(s, out->str);
    g_string_assign(reply, "OK");
    return true;
}

/* "OFFSET,LENGTH" of the description. */
bool gdb_do_features(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    uint64_t offset, length;

    (void)size;
    if (!gdb_take_hex(&rest, &offset) || *rest++ != ',' || !gdb_take_hex(&rest, &length)) {
        g_string_assign(reply, "E16");
        return true;
    }
    if (!s->description)
        s->description = gdb_describe(s);
    size_t all = strlen(s->description);
    if (offset > all)
        offset = all;
    /* Half, since escaping may double it. */
    if (length > GDB_PACKET_MAX / 2)
        length = GDB_PACKET_MAX / 2;
    g_string_append_c(reply, offset + length < all ? 'm' : 'l');
    g_string_append_len(reply, s->description + offset,
                        (gssize)(length < all - offset ? length : all - offset));
    return true;
}
