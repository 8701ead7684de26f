#include "checker/switches.h"

#include "checker/account_state.h"

/* The first grain that is tried; it doubles. */
#define GRAIN 256

struct lane {
    GArray *list;
    bool open; /* the last one's world runs */
};

struct switches {
    unsigned cpu_count, most;
    struct lane *lanes; /* by CPU */
    uint64_t entries, kept, grain;
};

struct switches *switches_new(unsigned cpu_count, unsigned most)
{
    struct switches *s = g_new0(struct switches, 1);

    s->cpu_count = cpu_count;
    s->most = MAX(most, 2 * cpu_count);
    s->lanes = g_new0(struct lane, cpu_count);
    for (unsigned k = 0; k < cpu_count; k++)
        s->lanes[k].list = g_array_new(FALSE, FALSE, sizeof(struct stretch));
    return s;
}

void switches_free(struct switches *s)
{
    if (!s)
        return;
    for (unsigned k = 0; k < s->cpu_count; k++)
        g_array_unref(s->lanes[k].list);
    g_free(s->lanes);
    g_free(s);
}

static struct stretch *last_of(const struct lane *l)
{
    return l->list->len ? &g_array_index(l->list, struct stretch, l->list->len - 1) : NULL;
}

/* ---- too many ---- */

static void join(struct stretch *a, const struct stretch *b)
{
    if (b->inside > a->inside)
        a->world = b->world;
    a->to = b->to;
    a->inside += b->inside;
    a->passages += b->passages;
    a->reason = b->reason;
}

/* Neighbours that are together no longer than the grain become one. The last stays, if
 * it is open. */
static void thin(struct lane *l, uint64_t grain)
{
    unsigned len = l->list->len - l->open, kept = 0;
    struct stretch *all = (struct stretch *)(void *)l->list->data;

    for (unsigned k = 1; k < len; k++)
        if (all[k].to - all[kept].from <= grain)
            join(&all[kept], &all[k]);
        else
            all[++kept] = all[k];
    if (len > kept + 1)
        g_array_remove_range(l->list, kept + 1, len - kept - 1);
}

static void make_room(struct switches *s)
{
    while (s->kept > s->most / 2) {
        s->grain = s->grain ? s->grain * 2 : GRAIN;
        s->kept = 0;
        for (unsigned k = 0; k < s->cpu_count; k++) {
            if (s->lanes[k].list->len > 1)
                thin(&s->lanes[k], s->grain);
            s->kept += s->lanes[k].list->len;
        }
        if (s->grain > UINT64_MAX / 4)
            return;
    }
}

/* ---- writing down ---- */

void switches_enter(struct switches *s, unsigned cpu, unsigned world, uint64_t at)
{
    struct lane *l = &s->lanes[cpu];
    struct stretch *last = last_of(l);

    s->entries++;
    if (s->grain && last && !l->open && at - last->from < s->grain / 2 && last->world == world) {
        last->passages++; /* goes on: EL2's part is what is not inside */
        last->to = at;
        last->reason = REASON_COUNT;
        l->open = true;
        return;
    }
    if (s->kept >= s->most)
        make_room(s);
    struct stretch one = {
        .from = at, .to = at, .passages = 1, .world = (uint16_t)world, .reason = REASON_COUNT};
    g_array_append_val(l->list, one);
    l->open = true;
    s->kept++;
}

void switches_exit(struct switches *s, unsigned cpu, unsigned reason, uint64_t at)
{
    struct lane *l = &s->lanes[cpu];
    struct stretch *last = last_of(l);

    if (!l->open || !last)
        return;
    last->inside += at - last->to;
    last->to = at;
    last->reason = (uint16_t)reason;
    l->open = false;
}

const GArray *switches_of(struct switches *s, unsigned cpu, uint64_t to)
{
    struct lane *l = &s->lanes[cpu];
    struct stretch *last = last_of(l);

    if (l->open && last && to > last->to) {
        last->inside += to - last->to;
        last->to = to;
    }
    return l->list;
}

uint64_t switches_count(const struct switches *s)
{
    return s->entries;
}

uint64_t switches_grain(const struct switches *s)
{
    return s->grain;
}
