/* Looking for something, forwards and backwards. */
#include "timeline_state.h"

/* What is observed at each instruction is looked for in pieces that grow, from here backwards. */
#define PIECE_FIRST (UINT64_C(1) << 14)
#define PIECE_MOST  (UINT64_C(1) << 20)

struct hunter {
    struct hunt *h;
    const struct timeline_quest *quest;
    unsigned index;
    int handle;
};

struct hunt {
    struct side *s;
    const struct timeline_quest *quests;
    unsigned count;
    struct hunter hunters[ARM_SUBSCRIBERS_MAX];
    GArray *pcs;
    int seen;               /* index of the quest that has matched; -1: none */
    struct arm_position at; /* when the event was told */
};

static void on_event(void *ctx, const struct arm_event *event)
{
    struct hunter *one = ctx;
    struct hunt *h = one->h;

    if (h->seen >= 0 || (one->quest->match && !one->quest->match(one->quest->ctx, event)))
        return;
    h->seen = (int)one->index;
    h->at = side_at(h->s);
    arm_stop(h->s->m);
}

static bool hunt_begin(struct hunt *h, struct side *s)
{
    *h = (struct hunt){.s = s,
                       .quests = h->quests,
                       .count = h->count,
                       .seen = -1,
                       .pcs = g_array_new(FALSE, FALSE, sizeof(uint64_t))};
    for (unsigned k = 0; k < h->count; k++) {
        const struct timeline_quest *q = &h->quests[k];
        if (q->pc_count)
            g_array_append_vals(h->pcs, q->pcs, q->pc_count);
        if (q->begin)
            q->begin(q->ctx);
        if (q->sysreg)
            stretches_watch(s->t);
        if (q->watch)
            arm_watch_page(s->m, q->pa, true);
        if (!q->filter.size || k >= ARM_SUBSCRIBERS_MAX)
            continue;
        h->hunters[k] = (struct hunter){h, q, k, 0};
        h->hunters[k].handle = arm_subscribe(s->m, &q->filter, on_event, &h->hunters[k]);
        if (!h->hunters[k].handle) {
            s->t->error = (struct arm_error){.code = ARM_EINVAL};
            g_strlcpy(s->t->error.text, "too many things to look for at a time",
                      sizeof(s->t->error.text));
            return false;
        }
    }
    return true;
}

static void hunt_end(struct hunt *h)
{
    for (unsigned k = 0; k < h->count; k++) {
        if (h->quests[k].watch)
            arm_watch_page(h->s->m, h->quests[k].pa, false);
        if (k < ARM_SUBSCRIBERS_MAX && h->hunters[k].handle)
            arm_unsubscribe(h->s->m, h->hunters[k].handle);
    }
    g_array_unref(h->pcs);
}

static unsigned quest_of_pc(const struct hunt *h, uint64_t pc)
{
    for (unsigned k = 0; k < h->count; k++)
        for (unsigned n = 0; n < h->quests[k].pc_count; n++)
            if (h->quests[k].pcs[n] == pc)
                return k;
    return 0;
}

/* An event between two instructions, as an interrupt of a device, may come at the end of a wait:
 * go on to the end of the next instruction, which is a point that one can go to. */
static void land(struct hunt *h)
{
    if (position_compare(h->at, side_at(h->s)) == 0) {
        const struct arm_until one = {.size = sizeof(one), .max_insns = 1};
        int seen = h->seen;
        side_go(h->s, &one);
        h->seen = seen;
    }
}

/* How far the next piece may go: to @to's instructions, and there by single exceptions. */
static struct arm_until piece_to(const struct hunt *h, const struct arm_position *to,
                                 const struct arm_filter *exceptions)
{
    struct arm_until until = {.size = sizeof(until),
                              .pcs = (const uint64_t *)(const void *)h->pcs->data,
                              .pc_count = h->pcs->len};

    if (to && side_at(h->s).insns < to->insns)
        until.max_insns = to->insns - side_at(h->s).insns;
    else if (to)
        until.event = exceptions;
    return until;
}

/* Go on to something that is looked for, at most to @to (NULL: no limit). THERE: h->seen, or -1 at
 * the limit. */
static enum timeline_result hunt_on(struct hunt *h, const struct arm_position *to)
{
    const struct arm_filter any = {.size = sizeof(any), .events = ARM_BIT(ARM_EVENT_EXCEPTION)};
    struct timeline *t = h->s->t;

    h->seen = -1;
    for (;;) {
        struct arm_position before = side_at(h->s);
        if (to && position_compare(before, *to) >= 0)
            return TIMELINE_THERE;
        if (t->interrupted)
            return TIMELINE_STOPPED;
        const struct arm_until until = piece_to(h, to, &any);
        enum arm_stop_reason why = side_go(h->s, &until);
        bool exception = until.event && side_at(h->s).exceptions != before.exceptions;
        if (why == ARM_STOP_ERROR)
            return TIMELINE_ERROR;
        if (h->seen >= 0) {
            land(h);
            return TIMELINE_THERE;
        }
        if (why == ARM_STOP_UNTIL && !exception) {
            struct arm_end end;
            arm_last_end(h->s->m, &end);
            h->seen = (int)quest_of_pc(h, end.pc);
            return TIMELINE_THERE;
        }
        if (!t->interrupted && (is_final(why) || why == ARM_STOP_IDLE))
            return to && position_compare(side_at(h->s), *to) >= 0 ? TIMELINE_THERE : TIMELINE_END;
    }
}

/* ---- forwards ---- */

/* One machine, to @to at most. Where it starts does not count. */
static enum timeline_result search_side(struct timeline *t, struct hunt *h,
                                        const struct arm_position *to)
{
    struct arm_position start = side_at(t->here);
    enum timeline_result r = TIMELINE_ERROR;

    if (hunt_begin(h, t->here))
        do {
            r = hunt_on(h, to);
        } while (r == TIMELINE_THERE && h->seen >= 0 &&
                 position_compare(side_at(t->here), start) == 0);
    hunt_end(h);
    return r;
}

/* The past machine, up to where the live one is or to @limit. It goes an instruction farther, so
 * that the one at which the live machine stands is told of. */
static enum timeline_result search_past(struct timeline *t, struct hunt *h,
                                        const struct arm_position *limit)
{
    const struct arm_position live = live_at(t), behind = {live.insns + 1, 0};
    bool limited = limit && position_compare(*limit, live) <= 0;
    enum timeline_result r = search_side(t, h, limited ? limit : &behind);

    if (r == TIMELINE_THERE && h->seen >= 0)
        return settle(t);
    if (r == TIMELINE_STOPPED || r == TIMELINE_ERROR)
        return r;
    if (limited)
        return TIMELINE_END;
    h->seen = -1;
    return live_return(t);
}

enum timeline_result timeline_next(struct timeline *t, const struct timeline_quest *quests,
                                   unsigned count, uint64_t limit, unsigned *which)
{
    const struct arm_position to = {limit, 0};
    struct hunt h = {.quests = quests, .count = count, .seen = -1};
    enum timeline_result r = TIMELINE_THERE;

    t->interrupted = 0;
    if (t->here == &t->past)
        r = search_past(t, &h, limit ? &to : NULL);
    if (r == TIMELINE_THERE && h.seen < 0)
        r = is_final(t->end) ? TIMELINE_END : search_side(t, &h, limit ? &to : NULL);
    if (r == TIMELINE_THERE && h.seen < 0)
        return TIMELINE_END;
    if (which && r == TIMELINE_THERE)
        *which = (unsigned)h.seen;
    return r;
}

/* ---- backwards ---- */

static bool is_slow(const struct timeline_quest *q)
{
    return q->pc_count || (q->filter.events & (ARM_BIT(ARM_EVENT_INSN) | ARM_BIT(ARM_EVENT_MEM)));
}

static bool wants_worlds_only(const struct timeline_quest *q)
{
    return !q->pc_count && q->filter.events == ARM_BIT(ARM_EVENT_WORLD);
}

/* The last match between where the past machine is and @to that compares to @here with less than
 * @below: *last, *which; -1: none. */
static enum timeline_result scan(struct timeline *t, struct hunt *h, struct arm_position to,
                                 struct arm_position here, int below, bool observed,
                                 struct arm_position *last, int *which)
{
    enum timeline_result r = TIMELINE_ERROR;

    t->observed = observed;
    if (hunt_begin(h, &t->past))
        do {
            r = hunt_on(h, &to);
            if (r == TIMELINE_THERE && h->seen >= 0 &&
                position_compare(side_at(&t->past), here) < (h->quests[h->seen].here ? 1 : below)) {
                *last = side_at(&t->past);
                *which = h->seen;
            }
        } while (r == TIMELINE_THERE && h->seen >= 0 &&
                 position_compare(side_at(&t->past), to) < 0);
    hunt_end(h);
    t->observed = false;
    return r;
}

/* Where to begin a scan that ends at @to: at a point that is kept, or if it is slow @piece
 * instructions before at most. */
static enum timeline_result begin_scan(struct timeline *t, struct arm_position to, uint64_t piece)
{
    const struct point *p = points_before(t, to, true);

    if (!p)
        return TIMELINE_START;
    enum timeline_result r = past_restore(t, p);
    if (r != TIMELINE_THERE || !piece || to.insns - p->at.insns <= piece)
        return r;
    return side_run(&t->past, (struct arm_position){to.insns - piece, 0});
}

/* The last place at or before @to behind which there may be what is looked for: by what is known
 * of the stretches between points that are kept. @only: the one quest, NULL if there are more. */
static struct arm_position skip(const struct timeline *t, struct arm_position to, bool worlds,
                                uint64_t crossings, const struct timeline_quest *only)
{
    const struct point *p;

    if (only && only->sysreg)
        to = stretches_skip(t, to, only->sysreg);
    for (p = points_before(t, to, true); p && points_before(t, p->at, true);
         p = points_before(t, to, true)) {
        bool none = (worlds && p->crossings == crossings) ||
                    (only && only->watch && points_share(t, p->at, to, only->pa));
        if (!none)
            break;
        to = p->at;
    }
    return to;
}

static enum timeline_result search_back(struct timeline *t, const struct timeline_quest *quests,
                                        unsigned count, int below, unsigned *which)
{
    struct hunt h = {.quests = quests, .count = count};
    struct arm_position here = side_at(t->here), to = here, last;
    uint64_t piece = 0;
    bool worlds = true;

    t->interrupted = 0;
    for (unsigned k = 0; k < count; k++) {
        piece = is_slow(&quests[k]) ? PIECE_FIRST : piece;
        worlds &= wants_worlds_only(&quests[k]);
    }
    if (worlds)
        crossings_watch(t);
    uint64_t crossings = t->here->crossings;
    for (;;) {
        to = skip(t, to, worlds, crossings, count == 1 ? quests : NULL);
        int found = -1;
        enum timeline_result r =
            t->allowed && t->work >= t->allowed ? TIMELINE_TIRED : begin_scan(t, to, piece);
        crossings = t->past.crossings;
        struct arm_position from = r == TIMELINE_THERE ? side_at(&t->past) : to;
        if (r == TIMELINE_THERE)
            r = scan(t, &h, to, here, below, piece != 0, &last, &found);
        t->looked = to;
        if (r != TIMELINE_THERE && r != TIMELINE_END) {
            enum timeline_result back = timeline_goto(t, here); /* where it was */
            return back == TIMELINE_THERE ? r : back;
        }
        if (found >= 0) {
            if (which)
                *which = (unsigned)found;
            return timeline_goto(t, last);
        }
        to = from;
        piece = piece && piece < PIECE_MOST ? piece * 4 : piece;
    }
}

enum timeline_result timeline_previous(struct timeline *t, const struct timeline_quest *quests,
                                       unsigned count, unsigned *which)
{
    return search_back(t, quests, count, 0, which);
}

enum timeline_result timeline_last(struct timeline *t, const struct timeline_quest *quests,
                                   unsigned count, unsigned *which)
{
    return search_back(t, quests, count, 1, which);
}
