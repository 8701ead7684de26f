/* What a client's request does to the machine, and where that leads. */
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "gdb_catch.h"
#include "gdb_findings.h"
#include "gdb_session.h"

/* One thing that ends a run. */
struct gdb_goal {
    struct gdb_session *g;
    struct gdb_catch *caught; /* NULL: a point of gdb's */
    struct gdb_point point;
    uint64_t pa; /* of a watchpoint */
    bool mapped; /* it has one */
};

#define QUESTS_MAX (1 + GDB_WATCHPOINTS_MAX + GDB_CATCHES_MAX)
#define PCS_MAX    (GDB_BREAKPOINTS_MAX + GDB_CATCHES_MAX)

/* All that ends a run. */
struct gdb_goals {
    struct gdb_goal goals[QUESTS_MAX];
    struct timeline_quest quests[QUESTS_MAX];
    unsigned count;
    uint64_t pcs[PCS_MAX];
    unsigned pc_count;
};

static bool overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

/* Of an access, and of the kind that is wanted. */
static bool is_access(void *ctx, const struct arm_event *e)
{
    const struct gdb_goal *goal = ctx;
    const struct gdb_point *p = &goal->point;
    bool hit = false;

    if (e->kind == ARM_EVENT_STORE)
        hit = overlaps(goal->pa, p->size, e->store.pa, e->store.size);
    else if (e->kind == ARM_EVENT_DMA)
        hit = e->dma.write && overlaps(goal->pa, p->size, e->dma.pa, e->dma.size);
    else if (p->kind == GDB_POINT_ACCESS ||
             !(e->mem.kind & ARM_MEM_WRITE) == (p->kind == GDB_POINT_READ))
        hit = goal->mapped ? overlaps(goal->pa, p->size, e->mem.pa, e->mem.size)
                           : overlaps(p->address, p->size, e->mem.va, e->mem.size);
    return hit;
}

/* Where the address leads now: stores through other addresses count too. */
static void resolve(struct gdb_goal *goal, unsigned cpu)
{
    struct arm_machine *m = timeline_machine(goal->g->t);
    enum gdb_space space = gdb_server_space(goal->g->server);
    struct arm_translation t;
    unsigned el = space == GDB_SPACE_NOW || space == GDB_SPACE_PA ? gdb_current_el(m, cpu)
                                                                  : space - GDB_SPACE_EL0;

    goal->pa = goal->point.address;
    goal->mapped = space == GDB_SPACE_PA;
    if (!goal->mapped && arm_translate(m, cpu, el, goal->point.address, ARM_ACCESS_READ, &t)) {
        goal->mapped = true;
        goal->pa = t.pa;
    }
}

static void add_watch(struct gdb_goals *goals, struct gdb_session *g, const struct gdb_point *p,
                      unsigned cpu)
{
    struct gdb_goal *goal = &goals->goals[goals->count];
    struct timeline_quest *q = &goals->quests[goals->count++];
    uint8_t byte;

    *goal = (struct gdb_goal){.g = g, .point = *p};
    resolve(goal, cpu);
    *q = (struct timeline_quest){
        .filter = {.size = sizeof(q->filter), .events = ARM_BIT(ARM_EVENT_MEM)},
        .match = is_access,
        .here = true,
        .ctx = goal};
    if (p->kind != GDB_POINT_WRITE || !goal->mapped ||
        !arm_mem_read(timeline_machine(g->t), goal->pa, &byte, 1))
        return;
    q->filter.events = ARM_BIT(ARM_EVENT_STORE) | ARM_BIT(ARM_EVENT_DMA);
    q->watch = true;
    q->pa = goal->pa;
}

static void collect(struct gdb_goals *goals, struct gdb_session *g, unsigned cpu)
{
    const GArray *points = gdb_server_points(g->server);

    for (guint k = 0; k < points->len; k++) {
        const struct gdb_point *p = &g_array_index(points, struct gdb_point, k);
        if (p->kind <= GDB_POINT_HARDWARE && goals->pc_count < GDB_BREAKPOINTS_MAX)
            goals->pcs[goals->pc_count++] = p->address;
    }
    for (guint k = 0; k < g->catches->len; k++) {
        const struct gdb_catch *c = g->catches->pdata[k];
        if (c->is_pc)
            goals->pcs[goals->pc_count++] = c->address;
    }
    if (goals->pc_count) {
        goals->goals[0] = (struct gdb_goal){.g = g, .point.kind = GDB_POINT_HARDWARE};
        goals->quests[goals->count++] =
            (struct timeline_quest){.pcs = goals->pcs, .pc_count = goals->pc_count};
    }
    for (guint k = 0; k < points->len && goals->count < QUESTS_MAX; k++)
        if (g_array_index(points, struct gdb_point, k).kind > GDB_POINT_HARDWARE)
            add_watch(goals, g, &g_array_index(points, struct gdb_point, k), cpu);
    for (guint k = 0; k < g->catches->len && goals->count < QUESTS_MAX; k++) {
        struct gdb_catch *c = g->catches->pdata[k];
        if (c->is_pc || c->is_finding)
            continue;
        goals->goals[goals->count] = (struct gdb_goal){.g = g, .caught = c};
        goals->quests[goals->count++] = gdb_catch_quest(c);
    }
}

/* ---- where it has led ---- */

static const char *end_text(enum arm_stop_reason why)
{
    static const char *const texts[] = {
        [ARM_STOP_POWEROFF] = "the guest has switched the machine off",
        [ARM_STOP_RESET] = "the guest has reset the machine",
        [ARM_STOP_EXIT] = "the guest has ended the run",
        [ARM_STOP_IDLE] = "every CPU waits and no timer is set: nothing will ever happen",
        [ARM_STOP_FAULT_LOOP] = "a fault loop that nothing can end",
        [ARM_STOP_DIVERGED] = "it is not the run that was recorded",
        [ARM_STOP_ERROR] = "the host has failed",
    };

    return (size_t)why < G_N_ELEMENTS(texts) && texts[why] ? texts[why] : "the limit is reached";
}

static void print(struct gdb_session *g, const char *text)
{
    g_autofree char *line = g_strdup_printf("armillary: %s\n", text);

    gdb_server_print(g->server, line);
}

/* The run is over: that can be looked at, and gone back from. Who goes on then ends it. */
static void at_end(struct gdb_session *g, struct gdb_stop *stop)
{
    enum arm_stop_reason why = timeline_end(g->t);

    print(g, end_text(why));
    g->ended = why != ARM_STOP_IDLE;
    stop->kind = g->ended ? GDB_STOP_END : GDB_STOP_PLAIN;
    stop->signal = GDB_SIGNAL_NONE;
}

static void set_watch(const struct gdb_goal *goal, struct gdb_stop *stop)
{
    static const enum gdb_stop_kind kinds[] = {[GDB_POINT_WRITE] = GDB_STOP_WATCH,
                                               [GDB_POINT_READ] = GDB_STOP_RWATCH,
                                               [GDB_POINT_ACCESS] = GDB_STOP_AWATCH};

    stop->kind = kinds[goal->point.kind];
    stop->address = goal->point.address;
}

/* *@stop of @r, but for what was found. */
static void arrive(struct gdb_session *g, enum timeline_result r, struct gdb_stop *stop)
{
    switch (r) {
    case TIMELINE_THERE:
        break;
    case TIMELINE_END:
        at_end(g, stop);
        break;
    case TIMELINE_START:
        stop->kind = GDB_STOP_BEGIN;
        break;
    case TIMELINE_TIRED: /* never: timeline_allow() is not called */
    case TIMELINE_STOPPED:
        stop->signal = GDB_SIGNAL_INT;
        break;
    case TIMELINE_ERROR:
        print(g, timeline_error(g->t));
        stop->signal = GDB_SIGNAL_NONE;
        break;
    }
    g->interrupted = false;
}

/* ---- moves ---- */

static unsigned last_cpu(const struct gdb_session *g)
{
    struct arm_end end;

    arm_last_end(timeline_machine(g->t), &end);
    return end.cpu;
}

static uint64_t pc_of(const struct gdb_session *g, unsigned cpu)
{
    uint64_t pc[2] = {0, 0};

    arm_reg_get(timeline_machine(g->t), cpu, ARM_PC, pc);
    return pc[0];
}

static bool at_breakpoint(const struct gdb_session *g, uint64_t pc)
{
    const GArray *points = gdb_server_points(g->server);

    for (guint k = 0; k < points->len; k++) {
        const struct gdb_point *p = &g_array_index(points, struct gdb_point, k);
        if (p->kind <= GDB_POINT_HARDWARE && p->address == pc)
            return true;
    }
    return false;
}

/* To the next goal, or the one before; findings are not among them. */
static enum timeline_result search_goals(struct gdb_session *g, const struct gdb_goals *goals,
                                         bool back, uint64_t limit, unsigned *which)
{
    enum timeline_result r = TIMELINE_START;

    if (!back)
        return timeline_next(g->t, goals->quests, goals->count, limit, which);
    if (timeline_has_past(g->t) && goals->count)
        r = timeline_previous(g->t, goals->quests, goals->count, which);
    if (r != TIMELINE_START || !timeline_has_past(g->t))
        return r;
    enum timeline_result start = timeline_goto(g->t, timeline_start(g->t));
    return start == TIMELINE_STOPPED || start == TIMELINE_ERROR ? start : r;
}

/* The same with findings, of which that one in the past is known that is nearest. *@finding: it has
 * led there; NULL: to a goal. */
static enum timeline_result search(struct gdb_session *g, const struct gdb_goals *goals, bool back,
                                   unsigned *which, const struct gdb_finding **finding)
{
    struct arm_position here = timeline_here(g->t);
    const struct gdb_finding *known = !gdb_catch_of_findings(g) ? NULL
                                      : back                    ? gdb_findings_previous(g, here)
                                                                : gdb_findings_next(g, here);
    uint64_t limit = known && !back ? known->at.insns : g->limit;
    enum timeline_result r;

    do {
        r = search_goals(g, goals, back, limit, which);
        *finding = gdb_findings_note(g);
        if (*finding && gdb_catch_of_findings(g))
            return TIMELINE_THERE;
    } while (*finding && r == TIMELINE_STOPPED && !g->interrupted);
    *finding = NULL;
    bool nearer =
        r == TIMELINE_THERE &&
        position_compare(timeline_here(g->t), known ? known->at : here) * (back ? -1 : 1) < 0;
    if (!known || nearer || r == TIMELINE_STOPPED || r == TIMELINE_ERROR)
        return r;
    *finding = known;
    return timeline_goto(g->t, known->at);
}

static void print_caught(struct gdb_session *g, const struct gdb_catch *c, unsigned cpu, bool back)
{
    /* Backwards the last event that was looked at is another one. */
    bool event = !back && !c->is_pc;
    g_autoptr(GString) text = g_string_new(c->text);
    uint64_t value = 0;

    if (event)
        g_string_append_printf(text, ": %s", c->seen);
    else if (c->sysreg != ARM_NO_REGISTER &&
             arm_reg_read(timeline_machine(g->t), cpu, arm_reg_name(c->sysreg), &value))
        g_string_append_printf(text, ": %#" PRIx64 " behind the write", value);
    print(g, text->str);
}

/* What goal @which has led to. False: it is not where it is wanted. */
static bool found(struct gdb_session *g, const struct gdb_goals *goals, unsigned which, bool back,
                  struct gdb_stop *stop)
{
    const struct gdb_goal *goal = &goals->goals[which];
    const struct gdb_catch *caught = goal->caught;

    if (!goals->count)
        return true;
    if (goals->quests[which].pc_count) {
        uint64_t pc = pc_of(g, stop->cpu);
        if (at_breakpoint(g, pc)) {
            stop->kind = GDB_STOP_BREAK;
            return true;
        }
        caught = gdb_catch_at(g, stop->cpu, pc);
        if (!caught)
            return false;
    }
    if (caught) {
        print_caught(g, caught, stop->cpu, back);
        return true;
    }
    set_watch(goal, stop);
    /* On this architecture gdb wants to stop before the access, and steps over it itself; backwards
     * that is behind it. */
    if (!back && timeline_has_past(g->t) && timeline_back(g->t, stop->cpu) == TIMELINE_ERROR)
        print(g, timeline_error(g->t));
    return true;
}

static void print_finding(struct gdb_session *g, const struct gdb_finding *f)
{
    g_autofree char *text = g_strdup_printf("catch finding: %s", f->text);

    print(g, text);
}

/* It was stopped for somebody else's word. A search does not count the place where it begins: one
 * that goes on at a breakpoint has found it. */
static bool goes_on_aside(struct gdb_session *g, enum timeline_result *r, struct gdb_stop *stop)
{
    if (!gdb_session_aside(g))
        return false;
    if (!at_breakpoint(g, pc_of(g, stop->cpu)))
        return true;
    stop->kind = GDB_STOP_BREAK;
    *r = TIMELINE_THERE;
    return false;
}

static void run(struct gdb_session *g, const struct gdb_request *request, struct gdb_stop *stop)
{
    bool back = request->order == GDB_REVERSE;
    struct gdb_goals goals = {0};
    const struct gdb_finding *finding;
    enum timeline_result r;
    unsigned which = 0;

    collect(&goals, g, request->cpu);
    g->listens = true;
    do {
        r = search(g, &goals, back, &which, &finding);
        stop->cpu = finding ? finding->cpu : last_cpu(g);
        if (r == TIMELINE_THERE && g->interrupted)
            r = TIMELINE_STOPPED;
    } while (
        (r == TIMELINE_STOPPED && goes_on_aside(g, &r, stop)) ||
        (r == TIMELINE_THERE && !finding && !stop->kind && !found(g, &goals, which, back, stop)));
    g->listens = g->asked = false;
    if (finding)
        print_finding(g, finding);
    arrive(g, r, stop);
}

/* A finding on the way, of another CPU too, ends it only where it is to be caught. */
static enum timeline_result step(struct gdb_session *g, unsigned cpu,
                                 const struct gdb_finding **finding)
{
    struct arm_position before = arm_cpu_position(timeline_machine(g->t), cpu);
    enum timeline_result r;

    do {
        r = timeline_step(g->t, cpu);
        *finding = gdb_findings_note(g);
        if (!*finding)
            return r;
    } while (!gdb_catch_of_findings(g) && !g->interrupted &&
             position_compare(arm_cpu_position(timeline_machine(g->t), cpu), before) == 0);
    if (!gdb_catch_of_findings(g))
        *finding = NULL;
    return TIMELINE_THERE;
}

/* In a range of addresses no other CPU's breakpoint is looked for. */
static void steps(struct gdb_session *g, const struct gdb_request *request, struct gdb_stop *stop)
{
    const struct gdb_finding *finding;
    enum timeline_result r;
    uint64_t pc;

    do {
        r = step(g, request->cpu, &finding);
        pc = pc_of(g, request->cpu);
        gdb_session_poll(g, false);
    } while (r == TIMELINE_THERE && request->order == GDB_RANGE && pc >= request->start &&
             pc < request->end && !g->interrupted && !finding && !at_breakpoint(g, pc));
    if (finding)
        print_finding(g, finding);
    if (r == TIMELINE_THERE && g->interrupted)
        r = TIMELINE_STOPPED;
    arrive(g, r, stop);
}

void gdb_move(struct gdb_session *g, const struct gdb_request *request, struct gdb_stop *stop)
{
    *stop = (struct gdb_stop){.cpu = request->cpu, .signal = GDB_SIGNAL_TRAP};
    g->skip = g->slices = 0;
    if (request->order == GDB_CONTINUE || request->order == GDB_REVERSE)
        run(g, request, stop);
    else if (request->order == GDB_BACK)
        arrive(g, timeline_has_past(g->t) ? timeline_back(g->t, request->cpu) : TIMELINE_START,
               stop);
    else
        steps(g, request, stop);
}
