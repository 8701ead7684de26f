/* A hub: what a port is sent, every other port of the same hub receives. Ports are network devices
 * of this machine; the host has no part in it. */
#include <string.h>

#include "net.h"

static bool hub_open(struct network *n)
{
    (void)n;
    return true;
}

static void hub_send(struct network *n, const uint8_t *frame, size_t size)
{
    for (unsigned k = 0; k < n->all->count; k++) {
        struct network *other = &n->all->rows[k];
        if (other != n && other->kind == n->kind && !strcmp(other->spec.hub, n->spec.hub))
            network_receive(other, frame, size);
    }
}

static void hub_fill(struct network *n, struct net_poll *poll)
{
    (void)n, (void)poll;
}

static void hub_look(struct network *n, const struct net_poll *poll)
{
    (void)n, (void)poll;
}

static void hub_close(struct network *n)
{
    (void)n;
}

const struct net_kind net_hub = {.name = "hubport",
                                 .open = hub_open,
                                 .send = hub_send,
                                 .fill = hub_fill,
                                 .look = hub_look,
                                 .close = hub_close};
