/* -chardev of `armillary qemu`: the host's ends of UARTs, virtio ports and monitors, by id. */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "parse.h"
#include "qemu.h"

static struct qemu_chardev *chardev(struct qemu *q)
{
    return &q->host.chardevs[q->host.chardev_count];
}

#define TEXT(member) PROPERTY_TEXT(set_##member, chardev(q)->member)
TEXT(id)
TEXT(backend)
TEXT(path)
TEXT(logfile)
TEXT(host)
TEXT(port)
TEXT(fd)
#undef TEXT

#define FLAG(name, member, on) PROPERTY_FLAG(set_##name, chardev(q)->member, on)
FLAG(mux, mux, true)
FLAG(server, server, true)
FLAG(wait, nowait, false)
FLAG(telnet, telnet, true)
FLAG(append, append, true)
FLAG(log_append, log_append, true)
#undef FLAG

static bool set_reconnect(struct qemu *q, const char *value)
{
    return parse_number(value, 0, UINT16_MAX, &chardev(q)->reconnect_s) ||
           qemu_bad("-chardev reconnect=%s: expected seconds", value);
}

static bool set_size(struct qemu *q, const char *value)
{
    uint64_t *size = &chardev(q)->size;

    return (parse_size(value, 1, size) && *size && !(*size & (*size - 1))) ||
           qemu_bad("-chardev size=%s: expected a power of two", value);
}

static const struct property chardev_properties[] = {
    {"backend",
     "stdio|file|null|pty|pipe|socket|ringbuf|memory|vc|testdev|"
     "spicevmc|spiceport|qemu-vdagent",
     set_backend, NULL},
    {"id", "ID", set_id, NULL},
    {"path", "FILE", set_path, NULL},
    {"mux", "on|off", set_mux, NULL},
    {"signal", "on|off", NULL, NULL},
    {"logfile", "FILE", set_logfile, NULL},
    {"logappend", "on|off", set_log_append, NULL},
    {"append", "on|off", set_append, NULL},
    {"host", "HOST", set_host, NULL}, /* of a socket, down to reconnect */
    {"port", "PORT", set_port, NULL},
    {"fd", "N", set_fd, NULL},
    {"server", "on|off", set_server, NULL},
    {"wait", "on|off", set_wait, NULL},
    {"telnet", "on|off", set_telnet, NULL},
    {"websocket", "off", NULL, NULL},
    {"nodelay", "on|off", NULL, NULL},
    {"delay", "on|off", NULL, NULL},
    {"ipv4", "on|off", NULL, NULL},
    {"ipv6", "on|off", NULL, NULL},
    {"reconnect", "N", set_reconnect, NULL},
    {"size", "SIZE", set_size, NULL},
    {"width", "N", NULL, NULL}, /* of a vc's picture, like the others */
    {"height", "N", NULL, NULL},
    {"cols", "N", NULL, NULL},
    {"rows", "N", NULL, NULL},
    {"name", "TEXT", NULL, NULL}, /* of what SPICE shares, like the others */
    {"clipboard", "on|off", NULL, NULL},
    {"mouse", "on|off", NULL, NULL},
    {"debug", "N", NULL, NULL},
};

static bool is(const struct qemu_chardev *c, const char *backend)
{
    return !strcmp(c->backend, backend);
}

/* What a backend needs, and what only it has. */
static bool check(const struct qemu_chardev *c, const char *text)
{
    if (!c->id)
        return qemu_bad("-chardev %s: expected id=ID", text);
    if (is(c, "socket")) {
        if (!!c->path + !!c->port + !!c->fd != 1)
            return qemu_bad("-chardev %s: expected path=PATH, host=HOST,port=PORT, or fd=N", text);
        if (c->fd && c->reconnect_s)
            return qemu_bad("-chardev %s: reconnect does not go with fd", text);
        return !c->nowait || c->server || qemu_bad("-chardev %s: wait is a server's", text);
    }
    if (c->host || c->port || c->fd || c->server || c->telnet || c->reconnect_s)
        return qemu_bad("-chardev %s: host, port, fd, server, telnet and reconnect are a "
                        "socket's",
                        text);
    if ((is(c, "file") || is(c, "pipe")) && !c->path)
        return qemu_bad("-chardev %s: expected path=FILE for %s", text, c->backend);
    if (c->path && !is(c, "file") && !is(c, "pipe"))
        return qemu_bad("-chardev %s: expected path=FILE for file, pipe and socket only", text);
    return true;
}

bool qemu_chardev(struct qemu *q, const char *option, const char *value)
{
    const char *backends = chardev_properties[0].accepts;
    g_autofree char *backend = properties_find(value, "backend", "backend");
    g_autofree char *what = g_strdup_printf("-chardev %s", backend ? backend : "");

    if (properties_want_help(value)) {
        g_auto(GStrv) words = g_strsplit(backends, "|", -1);
        printf("Available chardev backend types: \n");
        for (char **w = words; *w; w++)
            printf("  %s\n", *w);
        q->answered = true;
        return true;
    }
    if (!backend || !properties_accept(backends, backend))
        return qemu_refuse("chardev", backend ? backend : "", what, backends);
    if (q->host.chardev_count == QEMU_CHARDEVS_MAX)
        return qemu_bad("-chardev: more than %d of them", QEMU_CHARDEVS_MAX);
    *chardev(q) = (struct qemu_chardev){0};
    if (!properties_set(q, option, value, "backend", chardev_properties,
                        G_N_ELEMENTS(chardev_properties)) ||
        !check(chardev(q), value))
        return false;
    q->host.chardev_count++;
    return true;
}

struct qemu_chardev *qemu_find_chardev(struct qemu *q, const char *id)
{
    for (unsigned n = 0; n < q->host.chardev_count; n++)
        if (!strcmp(q->host.chardevs[n].id, id))
            return &q->host.chardevs[n];
    return NULL;
}

/* As -serial would have it; commas of a path are two. */
static char *socket_text(const struct qemu_chardev *c)
{
    GString *to = g_string_new(c->path ? "unix:" : c->fd ? "fd:" : "tcp:");

    if (c->port)
        g_string_append_printf(to, "%s:%s", c->host ? c->host : "", c->port);
    for (const char *at = c->path ? c->path : c->fd; at && *at; at++)
        g_string_append(to, *at == ',' ? ",," : (char[]){*at, '\0'});
    if (c->server)
        g_string_append(to, c->nowait ? ",server,nowait" : ",server");
    if (c->telnet)
        g_string_append(to, ",telnet");
    if (c->reconnect_s)
        g_string_append_printf(to, ",reconnect=%u", (unsigned)c->reconnect_s);
    return g_string_free(to, FALSE);
}

const char *qemu_chardev_where(struct qemu *q, const char *id, bool *testdev)
{
    static const char agents[] = "spicevmc|spiceport|qemu-vdagent";
    struct qemu_chardev *c = qemu_find_chardev(q, id);

    if (!c)
        return NULL;
    c->users++;
    *testdev = is(c, "testdev");
    if (is(c, "socket"))
        return qemu_keep(q, socket_text(c));
    if (is(c, "pty"))
        return qemu_keep(q, g_strdup_printf("pty:%s", c->id));
    if (c->path)
        return qemu_keep(
            q,
            g_strdup_printf("%s:%s", c->append && is(c, "file") ? "append" : c->backend, c->path));
    if (is(c, "vc"))
        qemu_note(q, "-chardev vc: there is no display that would show it: what is written is "
                     "lost");
    else if (is(c, "ringbuf") || is(c, "memory"))
        qemu_note(q, "-chardev %s: the monitor has no command to read it: what is written is lost",
                  c->backend);
    else if (properties_accept(agents, c->backend))
        qemu_note(q, "-chardev %s: there is no SPICE display: nobody is at its other end",
                  c->backend);
    else
        return c->backend;
    return "null";
}
