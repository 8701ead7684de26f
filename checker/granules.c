#include "checker/granules.h"

#include <glib.h>

static size_t place_of(const struct granules *s, uint64_t pa)
{
    return (size_t)((pa >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (s->room - 1);
}

struct granule *granules_find(const struct granules *s, uint64_t pa)
{
    size_t k = place_of(s, pa);

    while (s->list[k].pa && s->list[k].pa != pa)
        k = (k + 1) & (s->room - 1);
    return &s->list[k];
}

static void grow(struct granules *s)
{
    struct granule *old = s->list;
    size_t count = s->room;

    s->room *= 2;
    s->list = g_new0(struct granule, s->room);
    for (size_t k = 0; k < count; k++)
        if (old[k].pa)
            *granules_find(s, old[k].pa) = old[k];
    g_free(old);
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
        if (++s->used > s->room / 2) {
            grow(s);
            g = granules_find(s, pa);
        }
        g->pa = pa;
    } else if (!same_register(&g->tag, tag)) {
        g->before = g->tag;
        g->slot &= g->tag.reg == tag->reg;
    }
    g->tag = *tag;
    g->tag.from = pa;
    g->value = value;
    g->stack = stack;
    g->assumed = false;
    g->saved = *at;
    g->modified.known = false;
}

void granules_init(struct granules *s)
{
    s->room = 1 << 14;
    s->list = g_new0(struct granule, s->room);
}

void granules_free(struct granules *s)
{
    g_free(s->list);
}
