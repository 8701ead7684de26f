/* A driver that waits for a virtio device: what it has left out. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
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
    bool packed; /* then the rest counts: */
    uint64_t ring;
    unsigned entries;
};

#define DESCRIPTOR 16 /* bytes, of a packed ring; 2.8.13 */
#define FLAGS      14
#define AVAIL      0x80u
#define USED       0x8000u

/* Is @pa among the flags, index and entries of a used ring? 2.6.8. */
static bool is_in_ring(uint64_t pa, uint64_t used, unsigned entries)
{
    return used && pa >= used && pa - used < 4 + 8 * (uint64_t)entries + 2;
}

static void note_state(struct search *s, unsigned queue, const char *state)
{
    s->found = true;
    s->queue = queue;
    s->ready = !strcmp(state, "ready");
    s->broken = !strcmp(state, "broken");
}

static void look_at_packed(struct search *s, const char *line)
{
    unsigned queue, entries, taken;
    uint64_t ring;
    char state[16];
    const char *at = strstr(line, " taken, ");

    if (!at || sscanf(line, "  queue %u: %15[^,], packed, %u entries, descriptors 0x%" SCNx64,
                      &queue, state, &entries, &ring) != 4)
        return;
    while (at > line && at[-1] != ' ')
        at--;
    taken = (unsigned)strtoul(at, NULL, 10);
    if (!entries || s->pa < ring || s->pa - ring >= (uint64_t)entries * DESCRIPTOR)
        return;
    note_state(s, queue, state);
    s->packed = true;
    s->ring = ring;
    s->entries = entries;
    s->taken = taken;
}

static void look(void *ctx, const char *line)
{
    struct search *s = ctx;
    unsigned queue, entries, available, taken;
    uint64_t used;
    char state[16];
    const char *at = strstr(line, ", used 0x");

    if (!s->found)
        look_at_packed(s, line);
    if (s->found || sscanf(line, "virtio %31[^:]: status %x", s->device, &s->status) == 2 || !at ||
        sscanf(line, "  queue %u: %15[^,], %u entries", &queue, state, &entries) != 3 ||
        sscanf(at, ", used %" SCNx64 "; %u made available", &used, &available) != 2 ||
        !(at = strstr(at, " taken")) || !is_in_ring(s->pa, used, entries))
        return;
    while (at > line && at[-1] != ' ')
        at--;
    taken = (unsigned)strtoul(at, NULL, 10);
    note_state(s, queue, state);
    s->available = available;
    s->taken = taken;
}

/* 2.8.1: a descriptor is available if AVAIL is the round's bit and USED the other one. */
static void add_packed(const struct corpse *c, const struct search *s, GString *out)
{
    unsigned slot = s->taken % s->entries, round = s->taken < s->entries ? AVAIL : 0;
    uint8_t flags[2] = {0, 0};

    arm_mem_read(c->m, s->ring + (uint64_t)slot * DESCRIPTOR + FLAGS, flags, sizeof(flags));
    unsigned now = flags[0] | (unsigned)flags[1] << 8;
    if ((now & AVAIL) == round && !(now & USED) == !!round)
        g_string_append_printf(out,
                               "descriptor %u is available, and the device was not notified "
                               "(QueueNotify) since",
                               slot);
    else
        g_string_append_printf(out,
                               "the device has taken all before descriptor %u, whose flags are "
                               "%#x: in this round of the ring it is available with AVAIL (bit 7) "
                               "%u and USED (bit 15) %u",
                               slot, now, !!round, !round);
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
    g_string_append_printf(out, "; that is the %s ring of queue %u of virtio %s: ",
                           s.packed ? "packed" : "used", s.queue, s.device);
    if (s.broken)
        g_string_append_printf(out, "it is broken (%s)", refusal);
    else if (!s.ready)
        g_string_append(out, "the queue is not ready (QueueReady)");
    else if (!(s.status & STATUS_DRIVER_OK))
        g_string_append_printf(out, "DRIVER_OK is not set in its status, which is %#x", s.status);
    else if (s.packed)
        add_packed(c, &s, out);
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
