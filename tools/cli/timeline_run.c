/* Running a machine of a timeline, and keeping points on the way. */
#include "timeline_state.h"

/* Points are kept at these distances before the place that one goes back to: who goes back once
 * does so again. */
static const uint64_t approaches[] = {UINT64_C(1) << 22, UINT64_C(1) << 20, UINT64_C(1) << 18,
                                      UINT64_C(1) << 16, UINT64_C(1) << 14, TIMELINE_CLOSE};

bool is_final(enum arm_stop_reason why)
{
    return why != ARM_STOP_LIMIT && why != ARM_STOP_UNTIL && why != ARM_STOP_REQUEST &&
           why != ARM_STOP_IDLE;
}

uint64_t to_next_point(const struct timeline *t, const struct side *s)
{
    const struct point *last = points_before(t, side_at(s), false);
    uint64_t kept_ns = s == &t->live ? t->kept_ns : t->past_ns;
    if (!last)
        return 0;
    uint64_t since = side_at(s).insns - last->at.insns;

    if (since >= t->config.interval && timeline_busy_ns() - kept_ns >= t->config.interval_ns)
        return 0;
    return t->config.interval - since % t->config.interval;
}

enum arm_stop_reason side_go(struct side *s, const struct arm_until *until)
{
    struct timeline *t = s->t;
    struct arm_until piece = *until;
    uint64_t left = until->max_insns;

    for (;;) {
        /* On the way through the past, what was not kept as long as nobody went there. */
        bool keeps = t->begun && (s == &t->live || t->config.few);
        uint64_t most = keeps ? to_next_point(t, s) : 0;
        if (keeps && most == 0) {
            if (!points_take(t, s, false))
                return ARM_STOP_ERROR;
            continue;
        }
        bool whole = !most || (left && left <= most);
        piece.max_insns = whole ? left : most;
        uint64_t before = side_at(s).insns;
        int why = arm_run_until(s->m, &piece, &t->error);
        if (why < 0)
            return ARM_STOP_ERROR;
        if (s == &t->live)
            t->end = (enum arm_stop_reason)why;
        else
            t->work += (side_at(s).insns - before) * (t->observed ? TIMELINE_WORK_OBSERVED : 1);
        if (why != ARM_STOP_LIMIT || whole)
            return (enum arm_stop_reason)why;
        left -= left ? side_at(s).insns - before : 0;
    }
}

/* Until @to's instructions have retired. */
static enum timeline_result run_insns(struct side *s, uint64_t insns)
{
    struct timeline *t = s->t;

    while (side_at(s).insns < insns) {
        const struct arm_until until = {.size = sizeof(until),
                                        .max_insns = insns - side_at(s).insns};
        enum arm_stop_reason why = side_go(s, &until);
        if (t->interrupted)
            return TIMELINE_STOPPED;
        if (why == ARM_STOP_ERROR)
            return TIMELINE_ERROR;
        if (why != ARM_STOP_LIMIT && why != ARM_STOP_REQUEST && side_at(s).insns < insns)
            return TIMELINE_END;
    }
    return TIMELINE_THERE;
}

static enum timeline_result run_exceptions(struct side *s, uint64_t exceptions)
{
    const struct arm_filter any = {.size = sizeof(any), .events = ARM_BIT(ARM_EVENT_EXCEPTION)};
    const struct arm_until until = {.size = sizeof(until), .event = &any};

    while (side_at(s).exceptions < exceptions) {
        enum arm_stop_reason why = side_go(s, &until);
        if (s->t->interrupted)
            return TIMELINE_STOPPED;
        if (why == ARM_STOP_ERROR)
            return TIMELINE_ERROR;
        if (why != ARM_STOP_UNTIL && why != ARM_STOP_REQUEST)
            return TIMELINE_END;
    }
    return TIMELINE_THERE;
}

enum timeline_result approach(struct side *s, struct arm_position to)
{
    struct timeline *t = s->t;

    for (unsigned k = 0; k < G_N_ELEMENTS(approaches); k++) {
        uint64_t d = approaches[k], at = to.insns > d ? to.insns - d : 0;
        const struct point *p = points_before(t, side_at(s), false);
        if (at <= side_at(s).insns || at - p->at.insns < d)
            continue;
        enum timeline_result r = run_insns(s, at);
        if (r != TIMELINE_THERE)
            return r;
        if (!points_take(t, s, true))
            return TIMELINE_ERROR;
    }
    return TIMELINE_THERE;
}

enum timeline_result run_exactly(struct side *s, struct arm_position to)
{
    enum timeline_result r = run_insns(s, to.insns);

    return r == TIMELINE_THERE ? run_exceptions(s, to.exceptions) : r;
}

enum timeline_result side_run(struct side *s, struct arm_position to)
{
    enum timeline_result r = s == &s->t->past ? approach(s, to) : TIMELINE_THERE;

    return r == TIMELINE_THERE ? run_exactly(s, to) : r;
}
