#include "qemu_tpm.h"

#include <glib.h>
#include <string.h>
#include <sys/socket.h>

#include "host_socket.h"
#include "qemu.h"
#include "qemu_connect.h"

static bool set_id(struct qemu *q, const char *value)
{
    q->tpm.id = qemu_keep(q, g_strdup(value));
    return true;
}

static bool set_chardev(struct qemu *q, const char *value)
{
    q->tpm.chardev = qemu_keep(q, g_strdup(value));
    return true;
}

static const struct property properties[] = {
    {"type", "emulator", NULL, NULL},
    {"id", "ID", set_id, NULL},
    {"chardev", "ID", set_chardev, NULL},
};

bool qemu_tpmdev(struct qemu *q, const char *option, const char *value)
{
    if (q->tpm.id)
        return qemu_bad("-tpmdev %s: expected one of them", value);
    if (!properties_set(q, option, value, "type", properties, G_N_ELEMENTS(properties)))
        return false;
    if (!q->tpm.id || !q->tpm.chardev)
        return qemu_bad("-tpmdev %s: expected emulator,id=ID,chardev=ID", value);
    return true;
}

/* A connected socket, -1: a message was printed. */
static int connect_emulator(struct qemu *q)
{
    struct qemu_chardev *c = qemu_find_chardev(q, q->tpm.chardev);
    bool socket = c && !strcmp(c->backend, "socket") && !c->server;
    const char *why = NULL;
    int fd;

    if (!socket) {
        qemu_bad("-tpmdev chardev=%s: expected the id of a -chardev socket, which swtpm listens at",
                 q->tpm.chardev);
        return -1;
    }
    c->users++;
    g_autofree char *where =
        c->path ? g_strdup(c->path) : g_strdup_printf("%s:%s", c->host ? c->host : "", c->port);
    fd = c->path ? socket_open_unix(where, false, &why)
                 : socket_open_tcp(where, NULL, AF_UNSPEC, false, &why);
    if (fd < 0)
        qemu_bad("-tpmdev chardev=%s: cannot connect to %s: %s", q->tpm.chardev, where,
                 why ? why : "nobody is there");
    return fd;
}

bool qemu_connect_tpm(struct qemu *q, const struct qemu_device *device)
{
    struct qemu_tpm *t = &q->tpm;
    int fd;

    if (!t->id || !device->tpmdev || strcmp(t->id, device->tpmdev) != 0 || t->used)
        return qemu_bad("-device %s,tpmdev=%s: expected the id of a -tpmdev, in one device",
                        device->driver->name, device->tpmdev ? device->tpmdev : "");
    if (q->req.record || q->req.replay)
        return qemu_bad("-device %s: a recorded run cannot ask a TPM of the host",
                        device->driver->name);
    t->used = true;
    fd = connect_emulator(q);
    if (fd < 0 || !tpm_emulator_open(&t->emulator, fd))
        return false;
    t->tpm = (struct arm_tpm){tpm_emulator_command, &t->emulator};
    q->req.config.tpm = &t->tpm;
    return true;
}

void qemu_tpm_close(struct qemu *q)
{
    if (q->req.config.tpm)
        tpm_emulator_close(&q->tpm.emulator);
}
