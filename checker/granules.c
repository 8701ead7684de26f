#include "checker/granules.h"

#include <glib.h>

/* What lies in 64 bytes has its keys in as many of the host's: registers are saved side by side. */
static size_t place_of(const struct granules *s, uint64_t pa)
{
    size_t line = (size_t)((pa >> 6) * UINT64_C(0x9e3779b97f4a7c15) >> 32);

    return (line << 3 | (pa >> 3 & 7)) & (s->room - 1);
}

struct granule *granules_find(const struct granules *s, uint64_t pa)
{
    size_t k = place_of(s, pa);

    while (s->keys[k] && s->keys[k] != pa)
        k = (k + 1) & (s->room - 1);
    return &s->list[k];
}

/* The one at @pa, which has none yet. */
static struct granule *take(struct granules *s, uint64_t pa)
{
    struct granule *g = granules_find(s, pa);

    s->keys[g - s->list] = pa;
    return g;
}

static void make_room(struct granules *s, size_t room)
{
    s->room = room;
    s->keys = g_new0(uint64_t, room);
    s->list = g_new0(struct granule, room);
}

void granules_free(struct granules *s)
{
    g_free(s->keys);
    g_free(s->list);
}

static void grow(struct granules *s)
{
    struct granules old = *s;

    make_room(s, 2 * old.room);
    for (size_t k = 0; k < old.room; k++)
        if (old.keys[k])
            *take(s, old.keys[k]) = old.list[k];
    granules_free(&old);
}

static bool same_register(const struct tag *a, const struct tag *b)
{
    return a->world == b->world && a->reg == b->reg;
}

void granules_bind(struct granules *s, uint64_t pa, const struct tag *tag, uint64_t value,
                   bool stack, const struct site *at)
{
    struct granule *g = granules_find(s, pa);

    if (!g->pa) {
        if (++s->used > s->room / 2)
            grow(s);
        g = take(s, pa);
        g->pa = pa;
    } else if (!same_register(&g->tag, tag)) {
        g->before = g->tag;
        g->slot &= g->tag.reg == tag->reg;
    }
    g->tag = *tag;
    g->tag.from = pa;
    g->value = value;
    g->stack = stack;
    g->assumed = g->again = false;
    g->saved = *at;
    g->modified.known = false;
}

void granules_init(struct granules *s)
{
    make_room(s, 1 << 14);
}
