#include "checker/moves.h"

#include <string.h>

#include "checker/checker.h"
#include "checker/names.h"
#include "checker/own_state.h"

/* Different ones, kept at most. */
#define MOVES_MAX 8192

struct moves {
    GHashTable *table;              /* struct move, by all but the counts, to itself */
    GHashTable *names;              /* PC to text, "" if it has none */
    struct move *last[2][REGS_MAX]; /* the one that a register did before, host or guest */
    uint64_t dropped;
};

static unsigned hash(const void *ptr)
{
    const struct move *m = ptr;
    uint64_t h = m->saved * 31 + m->restored;

    return (unsigned)(h ^ h >> 32) * 31 + m->reg * 4U + m->save * 2U + m->host;
}

static int equal(const void *one, const void *other)
{
    const struct move *a = one, *b = other;

    return a->reg == b->reg && a->save == b->save && a->host == b->host && a->saved == b->saved &&
           a->restored == b->restored;
}

struct moves *moves_new(void)
{
    struct moves *v = g_new0(struct moves, 1);

    v->table = g_hash_table_new_full(hash, equal, g_free, NULL);
    v->names = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    return v;
}

void moves_free(struct moves *v)
{
    if (!v)
        return;
    g_hash_table_unref(v->table);
    g_hash_table_unref(v->names);
    g_free(v);
}

/* While its code is mapped. */
static void learn_name(struct arm_checker *c, unsigned cpu, uint64_t pc)
{
    if (!pc || g_hash_table_contains(c->moves->names, &pc))
        return;
    char *name = names_of(c->names, cpu, 2, pc);
    g_hash_table_insert(c->moves->names, g_memdup2(&pc, sizeof(pc)), name ? name : g_strdup(""));
}

static void count(struct arm_checker *c, unsigned cpu, const struct move *key)
{
    struct moves *v = c->moves;
    struct move **last = &v->last[key->host][key->reg], *m = *last;

    if (!m || !equal(m, key))
        m = g_hash_table_lookup(v->table, key);
    if (!m && g_hash_table_size(v->table) == MOVES_MAX) {
        v->dropped++;
        return;
    }
    if (!m) {
        m = g_memdup2(key, sizeof(*key));
        g_hash_table_add(v->table, m);
        learn_name(c, cpu, m->saved);
        learn_name(c, cpu, m->restored);
    }
    m->times++;
    if (!key->save)
        *last = m;
}

void moves_saved(struct arm_checker *c, const struct tag *tag, const struct site *at)
{
    if (tag->kind == TAG_EXACT && tag->world >= 0 && at->known && at->el == 2)
        count(c, at->cpu,
              &(struct move){.reg = tag->reg,
                             .save = true,
                             .host = c->worlds.list[tag->world]->kind == WORLD_HOST,
                             .saved = at->pc});
}

/* What put its value into @reg of @cpu, and what value that is. */
static struct tag source(const struct arm_checker *c, unsigned cpu, unsigned reg, struct site *at)
{
    struct own *u = c->unit[UNIT_own];
    const struct live *l = own_live(u, cpu, reg);

    if (reg < REG_V(0)) {
        *at = flow_x_site(c->flow, cpu, reg);
        return flow_x(c->flow, cpu, reg);
    }
    if (reg < REG_SYS && flow_v_site(c->flow, cpu, reg - REG_V(0)).known) {
        *at = flow_v_site(c->flow, cpu, reg - REG_V(0));
        return flow_v(c->flow, cpu, reg - REG_V(0));
    }
    *at = l->site;
    return l->written ? l->tag : (struct tag){0};
}

static void moved(struct arm_checker *c, const struct world *w, unsigned reg, unsigned cpu)
{
    struct site at;
    struct tag tag = source(c, cpu, reg, &at);
    const struct granule *g = tag.from ? flow_granule(c->flow, tag.from) : NULL;

    if (!at.known || at.el != 2 || !tag.from || (tag.kind != TAG_EXACT && tag.kind != TAG_MODIFIED))
        return;
    count(c, cpu,
          &(struct move){.reg = (uint16_t)reg,
                         .host = w->kind == WORLD_HOST,
                         .saved = g && g->saved.known ? g->saved.pc : 0,
                         .restored = at.pc});
}

void moves_entered(struct arm_checker *c, const struct world *w, const struct arm_event *p)
{
    for (unsigned reg = 0; c->flow && c->unit[UNIT_own] && reg < c->regs.count; reg++)
        if (c->regs.desc[reg].owner != OWNER_EL2CFG)
            moved(c, w, reg, p->cpu);
}

static int by_place(const void *one, const void *other)
{
    const struct move *a = one, *b = other;
    const uint64_t x[] = {a->reg, a->host, a->save, a->saved, a->restored};
    const uint64_t y[] = {b->reg, b->host, b->save, b->saved, b->restored};

    for (unsigned k = 0; k < G_N_ELEMENTS(x); k++)
        if (x[k] != y[k])
            return x[k] < y[k] ? -1 : 1;
    return 0;
}

GArray *moves_list(const struct moves *v)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(struct move));
    GHashTableIter iter;
    void *m;

    g_hash_table_iter_init(&iter, v->table);
    while (g_hash_table_iter_next(&iter, &m, NULL))
        g_array_append_vals(list, m, 1);
    g_array_sort(list, by_place);
    return list;
}

const char *moves_name(const struct moves *v, uint64_t pc)
{
    const char *name = g_hash_table_lookup(v->names, &pc);

    return name && *name ? name : NULL;
}

uint64_t moves_dropped(const struct moves *v)
{
    return v->dropped;
}
