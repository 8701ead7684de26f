/* A driver that waits for a virtio device: what it has left out. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "death_state.h"

#define STATUS_DRIVER_OK 4 /* Virtual I/O Device specification 1.1, 2.1 */

struct search {
    uint64_t pa;
    char device[32];
    unsigned status; /* of the device whose queues come */
    bool found;
    unsigned queue;
    bool ready, broken;
    unsigned available, taken;
};

/* Is @pa among the flags, index and entries of a used ring? 2.6.8. */
static bool is_in_ring(uint64_t pa, uint64_t used, unsigned entries)
{
    return used && pa >= used && pa - used < 4 + 8 * (uint64_t)entries + 2;
}

static void look(void *ctx, const char *line)
{
    struct search *s = ctx;
    unsigned queue, entries, available, taken;
    uint64_t used;
    char state[16];
    const char *at = strstr(line, ", used 0x");

    if (s->found || sscanf(line, "virtio %31[^:]: status %x", s->device, &s->status) == 2 || !at ||
        sscanf(line, "  queue %u: %15[^,], %u entries", &queue, state, &entries) != 3 ||
        sscanf(at, ", used %" SCNx64 "; %u made available", &used, &available) != 2 ||
        !(at = strstr(at, " taken")) || !is_in_ring(s->pa, used, entries))
        return;
    while (at > line && at[-1] != ' ')
        at--;
    taken = (unsigned)strtoul(at, NULL, 10);
    s->found = true;
    s->queue = queue;
    s->ready = !strcmp(state, "ready");
    s->broken = !strcmp(state, "broken");
    s->available = available;
    s->taken = taken;
}

bool death_add_virtio(const struct corpse *c, uint64_t pa, GString *out)
{
    struct search s = {.pa = pa};
    const char *refusal = c->history ? c->history->refusal : "";

    arm_describe(c->m, "virtio", look, &s);
    if (!s.found && strstr(refusal, "virtio")) {
        g_string_append_printf(out, "; a device has refused something: %s", refusal);
        return true;
    }
    if (!s.found)
        return false;
    g_string_append_printf(out, "; that is the used ring of queue %u of virtio %s: ", s.queue,
                           s.device);
    if (s.broken)
        g_string_append_printf(out, "it is broken (%s)", refusal);
    else if (!s.ready)
        g_string_append(out, "the queue is not ready (QueueReady)");
    else if (!(s.status & STATUS_DRIVER_OK))
        g_string_append_printf(out, "DRIVER_OK is not set in its status, which is %#x", s.status);
    else if (s.available == s.taken)
        g_string_append_printf(out,
                               "the index of the available ring is %u, and the device has taken "
                               "all before it",
                               s.available);
    else
        g_string_append_printf(out,
                               "%u of the available ring are not taken: the device was not "
                               "notified (QueueNotify) since",
                               (s.available - s.taken) & 0xffff);
    return true;
}
