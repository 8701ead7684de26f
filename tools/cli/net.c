#include "net.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "console.h"
#include "net_pcap.h"
#include "output.h"

/* Polls between two looks at the host, if the guest has sent nothing. */
#define POLL_SLICES 16

/* What waits for the guest at most; as on a wire, the rest is lost. */
#define WAITING_MAX ((size_t)1 << 20)

static const struct net_kind *const net_kinds[] = {&net_user, &net_socket, &net_stream, &net_dgram,
                                                   &net_tap,  &net_bridge, &net_hub};

static const struct net_kind *find_kind(const char *name)
{
    for (size_t k = 0; k < G_N_ELEMENTS(net_kinds); k++)
        if (!strcmp(net_kinds[k]->name, name))
            return net_kinds[k];
    return NULL;
}

int64_t net_now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- frames ---- */

void network_send(void *ctx, const uint8_t *frame, size_t size)
{
    struct network *n = ctx;

    if (n->pcap && n->m)
        pcap_write(n->pcap, arm_time_ns(n->m), frame, size, n->dump_max);
    if (n->kind)
        n->kind->send(n, frame, size);
    n->active = true;
}

void network_receive(struct network *n, const uint8_t *frame, size_t size)
{
    uint32_t length = (uint32_t)size;

    if (size == 0 || size > ARM_FRAME_MAX || n->waiting.count + size > WAITING_MAX)
        return;
    if (bytes_append(&n->waiting, &length, sizeof(length)) &&
        !bytes_append(&n->waiting, frame, size))
        n->waiting.count -= sizeof(length);
}

/* Give the guest what it has buffers for. True: it took something. */
static bool deliver(struct network *n)
{
    bool taken = false;
    uint32_t length;

    while (n->waiting.count) {
        const uint8_t *at = bytes_peek(&n->waiting);
        memcpy(&length, at, sizeof(length));
        if (!arm_port_input(n->m, n->device, 0, at + sizeof(length), length))
            break;
        if (n->pcap)
            pcap_write(n->pcap, arm_time_ns(n->m), at + sizeof(length), length, n->dump_max);
        bytes_drop(&n->waiting, sizeof(length) + length);
        taken = true;
    }
    return taken;
}

static bool deliver_all(struct networks *all)
{
    bool taken = false;

    for (unsigned k = 0; k < all->count; k++)
        taken |= deliver(&all->rows[k]);
    return taken;
}

/* ---- the host ---- */

static void fill(struct networks *all, int timeout_ms)
{
    all->poll.count = 0;
    all->poll.timeout_ms = timeout_ms;
    for (unsigned k = 0; k < all->count; k++)
        if (all->rows[k].kind)
            all->rows[k].kind->fill(&all->rows[k], &all->poll);
}

/* Wait for the descriptors, and act on what they have. */
static void look(struct networks *all)
{
    if (poll(all->poll.fds, all->poll.count, all->poll.timeout_ms) < 0)
        for (unsigned k = 0; k < all->poll.count; k++)
            all->poll.fds[k].revents = 0;
    for (unsigned k = 0; k < all->count; k++) {
        struct network *n = &all->rows[k];
        n->active = false;
        if (n->kind)
            n->kind->look(n, &all->poll);
    }
}

bool networks_open(struct networks *all, struct outputs *outputs, bool replays)
{
    for (unsigned k = 0; all && k < all->count; k++) {
        struct network *n = &all->rows[k];
        const struct net_kind *kind = replays ? NULL : find_kind(n->spec.kind);

        n->all = all;
        if (n->dump && !(n->pcap = output_file(outputs, n->dump, "frames")))
            return false;
        if (n->pcap)
            pcap_begin(n->pcap);
        if (kind && !kind->open(n))
            return false;
        n->kind = kind;
    }
    return true;
}

void networks_start(struct networks *all, struct arm_machine *m)
{
    for (unsigned k = 0; all && k < all->count; k++)
        all->rows[k].m = m;
}

void networks_close(struct networks *all)
{
    for (unsigned k = 0; all && k < all->count; k++) {
        struct network *n = &all->rows[k];
        if (n->kind)
            n->kind->close(n);
        n->kind = NULL;
        bytes_free(&n->waiting);
    }
}

/* ---- the machine's callbacks ---- */

static bool is_active(const struct networks *all)
{
    for (unsigned k = 0; k < all->count; k++)
        if (all->rows[k].active)
            return true;
    return false;
}

void networks_poll(struct networks *all)
{
    deliver_all(all);
    if (all->skip && !is_active(all)) {
        all->skip--;
        return;
    }
    all->skip = POLL_SLICES;
    fill(all, 0);
    look(all);
    deliver_all(all);
}

/* Milliseconds of the host's clock until the guest's wait is over; 0: it is. */
static int64_t wait_left(struct networks *all, uint64_t now_ns, uint64_t next_ns)
{
    int64_t now_ms = net_now_ms();

    if (next_ns == UINT64_MAX)
        return INT64_MAX;
    if (all->idle_from_ns != now_ns || all->idle_to_ns != next_ns) {
        all->idle_from_ns = now_ns;
        all->idle_to_ns = next_ns;
        all->idle_end_ms = now_ms + (int64_t)((next_ns - now_ns) / 1000000);
    }
    return all->idle_end_ms > now_ms ? all->idle_end_ms - now_ms : 0;
}

bool networks_idle(struct networks *all, struct console *console, uint64_t next_ns,
                   unsigned wait_max_ms)
{
    int64_t left = wait_left(all, arm_time_ns(all->rows[0].m), next_ns);

    if (deliver_all(all))
        return true;
    fill(all, left < wait_max_ms ? (int)left : (int)wait_max_ms);
    if (console->input && !console->eof && all->poll.count < NET_POLLED_MAX)
        all->poll.fds[all->poll.count++] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    look(all);
    if (deliver_all(all) || console_idle(console, next_ns, 0))
        return true;
    return wait_left(all, all->idle_from_ns, next_ns) > 0;
}
