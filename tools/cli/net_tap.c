/*
 * A network of the host: a tap device of Linux, made here, given as a descriptor, or had from
 * QEMU's helper at a bridge. A frame is a read or a write.
 */
#define _GNU_SOURCE /* O_CLOEXEC, SOCK_CLOEXEC */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host_socket.h"
#include "net.h"
#include "parse.h"

#define TUN "/dev/net/tun"

/* Frames that are read between two turns of the guest. */
#define FRAMES_AT_ONCE 64

/* QEMU's defaults. */
#define SCRIPT     "/etc/qemu-ifup"
#define DOWNSCRIPT "/etc/qemu-ifdown"
#define BRIDGE     "br0"
#define HELPER     "/usr/lib/qemu/qemu-bridge-helper"

struct tap {
    int fd;
    bool headed; /* before each frame is a header of virtio's, whose fields are 0 */
    unsigned at; /* its place in the poll; NET_POLLED_MAX: not there */
    char name[IFNAMSIZ];
    const char *down; /* program to run at the end, or NULL */
};

static bool failed(const char *what, const char *where, const char *why)
{
    fprintf(stderr, "armillary: network: cannot %s %s: %s\n", what, where, why);
    return false;
}

/* ---- programs of the host ---- */

/* NULL: @script is not to be run. */
static const char *script_of(const char *script, const char *otherwise)
{
    script = script ? script : otherwise;
    return *script && strcmp(script, "no") ? script : NULL;
}

static bool run_script(const char *script, const char *name)
{
    const char *words[] = {script, name, NULL};
    g_autoptr(GError) error = NULL;
    int status = 0;

    if (!g_spawn_sync(NULL, (char **)words, NULL, G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, NULL,
                      NULL, &status, &error))
        return failed("run", script, error->message);
    return g_spawn_check_wait_status(status, &error) || failed("run", script, error->message);
}

/* ---- where the descriptor comes from ---- */

static bool make_device(struct tap *t, const struct net_spec *spec)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    const char *name = spec->ifname ? spec->ifname : "tap%d";
    const char *up = script_of(spec->script, SCRIPT);

    if (strlen(name) >= sizeof(request.ifr_name))
        return failed("make a device", name, "expected a name of at most 15 characters");
    memcpy(request.ifr_name, name, strlen(name) + 1);
    t->fd = open(TUN, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (t->fd < 0)
        return failed("open", TUN, strerror(errno));
    if (ioctl(t->fd, TUNSETIFF, &request) != 0)
        return failed("make a device by " TUN ":", name, strerror(errno));
    memcpy(t->name, request.ifr_name, sizeof(t->name));
    if (up && !run_script(up, t->name))
        return false;
    t->down = script_of(spec->downscript, DOWNSCRIPT);
    return true;
}

/* Who has made the device for a virtio card, as libvirt does, has given its frames headers. Nothing
 * is left to the reader of a frame: no checksum, no segments. */
static void look_for_headers(struct tap *t)
{
    struct ifreq device = {0};
    int size = sizeof(struct virtio_net_hdr);

    t->headed = ioctl(t->fd, TUNGETIFF, &device) == 0 && (device.ifr_flags & IFF_VNET_HDR) &&
                ioctl(t->fd, TUNSETVNETHDRSZ, &size) == 0;
    if (t->headed)
        (void)ioctl(t->fd, TUNSETOFFLOAD, 0);
}

/* FD or FD:FD..., one for each queue of the device: frames of all flows come to the first once the
 * others are no more. */
static bool use_descriptors(struct tap *t, const char *text)
{
    struct ifreq leave = {.ifr_flags = IFF_DETACH_QUEUE};
    g_auto(GStrv) words = g_strsplit(text, ":", -1);
    uint64_t fd;

    for (unsigned k = 0; words[k]; k++) {
        if (!parse_number(words[k], 0, INT32_MAX, &fd))
            return failed("use descriptor", words[k], "expected a number");
        if (fcntl((int)fd, F_GETFD) < 0)
            return failed("use descriptor", words[k], strerror(errno));
        if (!k)
            t->fd = socket_prepared((int)fd);
        else if (ioctl((int)fd, TUNSETQUEUE, &leave) != 0)
            return failed("leave the queue of descriptor", words[k], strerror(errno));
    }
    look_for_headers(t);
    return true;
}

/* The helper sends the device's descriptor beside one byte of its socket. */
static int receive_descriptor(int from)
{
    char byte, room[CMSG_SPACE(sizeof(int))];
    struct iovec piece = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
    struct cmsghdr *head;
    int fd = -1;

    if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) != 1)
        return -1;
    head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(head), sizeof(fd));
    return fd;
}

static bool run_helper(struct tap *t, const char *helper, const char *bridge)
{
    g_autofree char *name = g_strdup_printf("--br=%s", bridge);
    g_autofree char *to = NULL;
    g_autoptr(GError) error = NULL;
    int pair[2];
    GPid child;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return failed("reach", helper, strerror(errno));
    to = g_strdup_printf("--fd=%d", pair[1]);
    const char *words[] = {helper, to, name, NULL};
    bool runs = g_spawn_async(NULL, (char **)words, NULL,
                              G_SPAWN_LEAVE_DESCRIPTORS_OPEN | G_SPAWN_DO_NOT_REAP_CHILD, NULL,
                              NULL, &child, &error);
    close(pair[1]);
    if (runs) {
        t->fd = receive_descriptor(pair[0]);
        waitpid(child, NULL, 0);
    }
    close(pair[0]);
    if (!runs)
        return failed("run", helper, error->message);
    if (t->fd < 0)
        return failed("join bridge", bridge, "the helper has given no device; see its message");
    t->fd = socket_prepared(t->fd);
    return true;
}

static bool obtain(struct tap *t, const struct net_spec *spec)
{
    bool bridge = !strcmp(spec->kind, "bridge");

    if (spec->fd)
        return use_descriptors(t, spec->fd);
    if (bridge || spec->helper || spec->bridge)
        return run_helper(t, spec->helper ? spec->helper : HELPER,
                          spec->bridge ? spec->bridge : BRIDGE);
    return make_device(t, spec);
}

static void tap_close(struct network *n)
{
    struct tap *t = n->own;

    if (t->down)
        (void)run_script(t->down, t->name);
    if (t->fd >= 0)
        close(t->fd);
    g_free(t);
    n->own = NULL;
}

static bool tap_open(struct network *n)
{
    struct tap *t = g_new0(struct tap, 1);

    n->own = t;
    t->fd = -1;
    if (obtain(t, &n->spec))
        return true;
    tap_close(n);
    return false;
}

/* ---- frames ---- */

/* A device that is down, or full, loses frames: so does this. */
static void tap_send(struct network *n, const uint8_t *frame, size_t size)
{
    const struct tap *t = n->own;
    struct virtio_net_hdr none = {0};
    const struct iovec pieces[] = {{&none, sizeof(none)}, {(void *)(uintptr_t)frame, size}};
    ssize_t done = writev(t->fd, t->headed ? pieces : pieces + 1, t->headed ? 2 : 1);

    (void)done;
}

static void tap_fill(struct network *n, struct net_poll *poll)
{
    struct tap *t = n->own;

    t->at = NET_POLLED_MAX;
    if (poll->count == NET_POLLED_MAX)
        return;
    poll->fds[poll->count] = (struct pollfd){.fd = t->fd, .events = POLLIN};
    t->at = poll->count++;
}

static void tap_look(struct network *n, const struct net_poll *poll)
{
    const struct tap *t = n->own;
    struct virtio_net_hdr header;
    uint8_t frame[ARM_FRAME_MAX + 1];
    const struct iovec pieces[] = {{&header, sizeof(header)}, {frame, sizeof(frame)}};
    const ssize_t before = t->headed ? sizeof(header) : 0;
    ssize_t got = 1;

    if (t->at >= poll->count || !poll->fds[t->at].revents)
        return;
    for (unsigned k = 0; k < FRAMES_AT_ONCE && got > 0; k++) {
        got = readv(t->fd, t->headed ? pieces : pieces + 1, t->headed ? 2 : 1);
        if (got > before)
            network_receive(n, frame, (size_t)(got - before));
    }
}

#define KIND(word)                                                                                 \
    {                                                                                              \
        .name = word, .open = tap_open, .send = tap_send, .fill = tap_fill, .look = tap_look,      \
        .close = tap_close                                                                         \
    }
const struct net_kind net_tap = KIND("tap");
const struct net_kind net_bridge = KIND("bridge");
