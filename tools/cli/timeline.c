/* Two machines of one run, or one that is both: getting to a point. */
#include "timeline.h"

#include "timeline_state.h"

struct timeline *timeline_new(const struct timeline_config *config, struct arm_error *err)
{
    struct timeline *t = g_new0(struct timeline, 1);

    t->config = *config;
    t->machine = *config->machine;
    t->config.interval = config->interval ? config->interval : TIMELINE_INTERVAL;
    t->config.snapshots = config->snapshots ? config->snapshots : TIMELINE_SNAPSHOTS;
    t->config.memory = config->memory ? config->memory : TIMELINE_MEMORY;
    t->points = g_ptr_array_new_with_free_func(point_free);
    t->text = g_string_new(NULL);
    t->stretches = g_array_new(FALSE, TRUE, sizeof(struct stretch));
    t->inputs = g_array_new(FALSE, FALSE, sizeof(struct typed));
    t->here = &t->live;
    t->past.t = t;
    t->end = ARM_STOP_LIMIT;
    if (side_open(t, &t->live)) {
        t->cpus = arm_cpu_count(t->live.m);
        if (t->config.later || timeline_begin(t))
            return t;
    }
    if (err)
        *err = t->error;
    timeline_free(t);
    return NULL;
}

static void drop_far(struct timeline *t)
{
    if (t->far)
        point_free(t->far);
    t->far = NULL;
}

static void free_past(struct timeline *t)
{
    if (!t->config.alone)
        arm_machine_free(t->past.m);
    t->past = (struct side){.t = t};
}

void timeline_free(struct timeline *t)
{
    if (!t)
        return;
    g_ptr_array_unref(t->points); /* before: nothing of RAM is copied for them */
    drop_far(t);
    free_past(t);
    arm_machine_free(t->live.m);
    g_array_unref(t->inputs);
    g_array_unref(t->stretches);
    g_string_free(t->text, TRUE);
    g_free(t);
}

/* ---- the past, and its end ---- */

bool timeline_begin(struct timeline *t)
{
    t->begun = points_take(t, &t->live, false);
    if (!t->config.later) { /* it is there to be asked who wrote what */
        stretches_watch(t);
        crossings_watch(t);
    }
    return t->begun;
}

void timeline_forget(struct timeline *t)
{
    stretches_forget(t);
    crossings_forget(t);
    (void)live_return(t); /* who cannot looks at the past to the end */
    g_ptr_array_set_size(t->points, 0);
    drop_far(t);
    t->begun = t->went_back = false;
    t->here = &t->live;
    free_past(t);
}

bool timeline_has_past(const struct timeline *t)
{
    return t->begun;
}

static bool copy_past(struct timeline *t)
{
    struct arm_snapshot *s = arm_snapshot_borrow(t->past.m, &t->error);
    bool good = s && arm_snapshot_restore(t->live.m, s, &t->error) == 0;

    arm_snapshot_free(s);
    return good;
}

/* The live machine becomes what the past one is. */
static bool take_over(struct timeline *t)
{
    if (!t->config.alone && !copy_past(t))
        return false;
    drop_far(t);
    if (t->past.inputs < t->inputs->len)
        t->offered = g_array_index(t->inputs, struct typed, t->past.inputs).offset;
    g_array_set_size(t->inputs, (guint)t->past.inputs);
    t->live.crossings = t->past.crossings;
    t->live.inputs = t->past.inputs;
    t->end = ARM_STOP_LIMIT;
    t->here = &t->live;
    return true;
}

bool timeline_fork(struct timeline *t)
{
    if (!t->begun)
        return true;
    if (t->here == &t->past && !take_over(t))
        return false;
    g_ptr_array_set_size(t->points, 0);
    stretches_forget(t);
    return true;
}

struct arm_position live_at(const struct timeline *t)
{
    return t->far ? t->far->at : side_at(&t->live);
}

enum timeline_result live_return(struct timeline *t)
{
    if (t->far) {
        if (arm_snapshot_restore(t->live.m, t->far->snapshot, &t->error) < 0)
            return TIMELINE_ERROR;
        t->work += TIMELINE_WORK_SNAPSHOT;
        drop_far(t);
    }
    t->here = &t->live;
    return TIMELINE_THERE;
}

/* There is a machine to look at the past on. False: t->error. */
static bool open_past(struct timeline *t)
{
    if (!t->config.alone)
        return t->past.m || side_open(t, &t->past);
    t->past.m = t->live.m;
    if (!t->far)
        t->far = point_of(t, &t->live, false);
    return t->far;
}

enum timeline_result past_restore(struct timeline *t, const struct point *p)
{
    if (!open_past(t))
        return TIMELINE_ERROR;
    if (arm_snapshot_restore(t->past.m, p->snapshot, &t->error) < 0) {
        if (t->here == &t->live) /* where it still is */
            drop_far(t);
        return TIMELINE_ERROR;
    }
    t->work += TIMELINE_WORK_SNAPSHOT;
    t->past.crossings = p->crossings;
    t->past.inputs = p->inputs;
    t->here = &t->past;
    t->past_ns = timeline_busy_ns();
    t->went_back = true;
    return TIMELINE_THERE;
}

enum timeline_result settle(struct timeline *t)
{
    struct arm_position at = side_at(t->here);

    if (t->here == &t->live || position_compare(at, live_at(t)) < 0)
        return TIMELINE_THERE;
    enum timeline_result r = live_return(t);
    if (r == TIMELINE_THERE && position_compare(at, side_at(&t->live)) > 0)
        r = side_run(&t->live, at);
    return r;
}

/* ---- to a point ---- */

static enum timeline_result go_back(struct timeline *t, struct arm_position to)
{
    const struct point *p = points_before(t, to, false);
    bool near = t->here == &t->past && position_compare(side_at(t->here), to) <= 0 && p &&
                position_compare(side_at(t->here), p->at) >= 0;

    if (!p)
        return TIMELINE_START;
    enum timeline_result r = near ? TIMELINE_THERE : past_restore(t, p);
    return r == TIMELINE_THERE ? side_run(&t->past, to) : r;
}

enum timeline_result timeline_goto(struct timeline *t, struct arm_position to)
{
    int order = position_compare(to, live_at(t));

    t->interrupted = 0;
    if (order < 0)
        return go_back(t, to);
    if (live_return(t) != TIMELINE_THERE)
        return TIMELINE_ERROR;
    if (order > 0 && is_final(t->end))
        return TIMELINE_END;
    return side_run(&t->live, to);
}

enum timeline_result timeline_step(struct timeline *t, unsigned cpu)
{
    t->interrupted = 0;
    if (t->here == &t->live && is_final(t->end))
        return TIMELINE_END;
    if (t->here == &t->live && t->begun && to_next_point(t, t->here) == 0 &&
        !points_take(t, t->here, false))
        return TIMELINE_ERROR;
    enum arm_stop_reason why = arm_step(t->here->m, cpu);
    if (t->here == &t->live)
        t->end = why;
    enum timeline_result r = settle(t);
    if (r != TIMELINE_THERE)
        return r;
    return why == ARM_STOP_LIMIT ? TIMELINE_THERE
           : t->interrupted      ? TIMELINE_STOPPED
                                 : TIMELINE_END;
}

/* Steps of one CPU. */
static uint64_t progress(const struct timeline *t, unsigned cpu)
{
    struct arm_position p = arm_cpu_position(t->here->m, cpu);

    return p.insns + p.exceptions;
}

/* From a point before, until @cpu has made @goal steps, of which the last but few end with @insns
 * of its instructions. */
static enum timeline_result run_cpu(struct timeline *t, unsigned cpu, uint64_t insns, uint64_t goal)
{
    struct arm_position now = arm_cpu_position(t->past.m, cpu);
    const struct arm_until until = {
        .size = sizeof(until), .cpu = cpu, .cpu_insns = insns > now.insns ? insns - now.insns : 0};

    if (until.cpu_insns && now.insns + now.exceptions < goal)
        side_go(&t->past, &until);
    while (progress(t, cpu) < goal && !t->interrupted)
        if (arm_step(t->past.m, cpu) != ARM_STOP_LIMIT)
            break;
    return t->interrupted ? TIMELINE_STOPPED : TIMELINE_THERE;
}

enum timeline_result timeline_back(struct timeline *t, unsigned cpu)
{
    struct arm_position now = arm_cpu_position(t->here->m, cpu), close = side_at(t->here);
    uint64_t goal = now.insns + now.exceptions;
    const struct point *p = goal ? points_of_cpu(t, cpu, goal - 1) : NULL;

    t->interrupted = 0;
    if (!p)
        return TIMELINE_START;
    enum timeline_result r = past_restore(t, p);
    close.insns -= close.insns > p->at.insns ? 1 : 0;
    /* Points close to here are before that step too, unless other CPUs have run meanwhile. */
    if (r == TIMELINE_THERE && close.insns - p->at.insns > 2 * TIMELINE_CLOSE)
        r = approach(&t->past, close);
    if (r == TIMELINE_THERE && progress(t, cpu) >= goal)
        r = past_restore(t, points_of_cpu(t, cpu, goal - 1));
    if (r == TIMELINE_THERE)
        r = run_cpu(t, cpu, now.insns ? now.insns - 1 : 0, goal - 1);
    if (r == TIMELINE_THERE && progress(t, cpu) >= goal) { /* by SVC, HVC or SMC, as one step */
        p = points_of_cpu(t, cpu, goal - 2);
        r = p ? past_restore(t, p) : TIMELINE_START;
        return r == TIMELINE_THERE ? run_cpu(t, cpu, now.insns - 1, goal - 2) : r;
    }
    return r;
}

enum timeline_result timeline_prepare(struct timeline *t)
{
    struct arm_position here = live_at(t);
    const struct point *p = points_before(t, here, false);
    enum timeline_result r = TIMELINE_THERE;

    if (t->here == &t->past || !p || position_compare(p->at, here) == 0)
        return TIMELINE_THERE; /* where gdb has just come there is nothing behind */
    t->interrupted = 0;
    bool went_back = t->went_back;
    bool near = !t->config.alone && t->past.m && position_compare(side_at(&t->past), here) <= 0 &&
                position_compare(side_at(&t->past), p->at) >= 0;
    if (!near)
        r = past_restore(t, p);
    if (r == TIMELINE_THERE)
        r = approach(&t->past, here);
    t->went_back = went_back; /* nobody has, yet */
    enum timeline_result back = live_return(t);
    return back == TIMELINE_THERE ? r : back;
}

enum timeline_result timeline_tell(struct timeline *t, struct arm_position to, uint64_t insns,
                                   const struct arm_filter *filter, arm_event_fn *fn, void *ctx,
                                   struct arm_position *from)
{
    struct arm_position begin = {to.insns > insns ? to.insns - insns : 0, 0};

    if (!t->points->len)
        return TIMELINE_START;
    if (position_compare(begin, timeline_start(t)) < 0)
        begin = timeline_start(t);
    t->interrupted = 0;
    enum timeline_result r = past_restore(t, points_before(t, begin, false));
    if (r == TIMELINE_THERE)
        r = side_run(&t->past, begin);
    if (r != TIMELINE_THERE)
        return r;
    *from = side_at(&t->past);
    int handle = arm_subscribe(t->past.m, filter, fn, ctx);
    t->observed = true;
    r = handle ? run_exactly(&t->past, to) : TIMELINE_ERROR;
    t->observed = false;
    arm_unsubscribe(t->past.m, handle);
    return r == TIMELINE_THERE ? settle(t) : r;
}

uint64_t timeline_work(const struct timeline *t)
{
    return t->work;
}

void timeline_allow(struct timeline *t, uint64_t work)
{
    t->allowed = work;
}

struct arm_position timeline_looked(const struct timeline *t)
{
    return t->looked;
}

/* ---- what it is ---- */

struct arm_machine *timeline_machine(const struct timeline *t)
{
    return t->here->m;
}

bool timeline_in_past(const struct timeline *t)
{
    return t->here == &t->past;
}

struct arm_machine *timeline_live(const struct timeline *t)
{
    return t->live.m;
}

struct arm_position timeline_here(const struct timeline *t)
{
    return side_at(t->here);
}

struct arm_position timeline_start(const struct timeline *t)
{
    const struct point *first = t->points->len ? t->points->pdata[0] : NULL;

    return first ? first->at : live_at(t);
}

struct arm_position timeline_farthest(const struct timeline *t)
{
    return live_at(t);
}

enum arm_stop_reason timeline_end(const struct timeline *t)
{
    return t->end;
}

const char *timeline_error(const struct timeline *t)
{
    return t->error.text;
}

void timeline_interrupt(struct timeline *t)
{
    t->interrupted = 1;
    arm_stop(t->live.m);
    if (t->past.m)
        arm_stop(t->past.m);
}
