#include "irqstorm_model.h"

static bool is_candidate(const struct source *s)
{
    return s->enabled && s->pending && !s->active;
}

const struct source *model_best_source(const struct model *m)
{
    const struct source *best = 0;

    for (const struct source *s = m->source; s < m->source + m->count; s++)
        if (is_candidate(s) && (!best || s->priority < best->priority))
            best = s;
    return best;
}

unsigned model_best(const struct model *m)
{
    const struct source *best = model_best_source(m);

    return best ? best->priority : 0x100;
}

uint8_t model_running_priority(const struct model *m)
{
    return m->depth ? m->running[m->depth - 1].priority : 0xff;
}

bool model_signalled(const struct model *m)
{
    unsigned best = model_best(m);

    return m->group && best < m->pmr &&
           (!m->depth || (best & m->group_mask) < model_running_priority(m));
}

/* Among equals any may come first. */
struct source *model_acknowledge(struct model *m, unsigned intid)
{
    struct source *s = m->source;

    while (s < m->source + m->count && s->intid != intid)
        s++;
    if (s == m->source + m->count || !model_signalled(m) || !is_candidate(s) ||
        s->priority != model_best(m))
        return 0;
    s->active = s->kind != KIND_LPI;
    if (s->kind != KIND_LINE)
        s->pending = false;
    m->running[m->depth++] = (struct running){s, s->priority & m->group_mask};
    return s;
}

struct source *model_end(struct model *m)
{
    struct source *s = m->running[--m->depth].source;

    if (s->kind != KIND_LPI && m->split)
        m->dropped[m->dropped_count++] = s;
    else
        s->active = false;
    return s;
}

void model_deactivate(struct model *m, unsigned n)
{
    m->dropped[n]->active = false;
    m->dropped[n] = m->dropped[--m->dropped_count];
}
