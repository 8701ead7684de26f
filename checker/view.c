#include "checker/view.h"

#include <glib.h>

#include "checker/finding.h"
#include "checker/flow.h"
#include "checker/names.h"
#include "checker/own_state.h"
#include "checker/unit.h"

/* Records kept, of 24 bytes. The older half goes when there are more. */
#define RECORDS_MAX (UINT32_C(1) << 23)

struct record {
    uint64_t insns;
    uint64_t exceptions : 40, state : 8, trapped : 1, entered : 1;
    uint64_t slot; /* of a crossing: the world's index */
};

struct view {
    struct arm_position now;
    GPtrArray *worlds;  /* by index: GArray *[REGS_MAX] of struct record */
    GArray **crossings; /* by CPU */
    uint64_t records;
    struct arm_position forgotten; /* of what was before nothing is known */
};

struct view *view_new(struct arm_checker *c)
{
    struct view *v = g_new0(struct view, 1);

    v->worlds = g_ptr_array_new();
    v->crossings = g_new(GArray *, c->cpu_count + 1);
    for (unsigned k = 0; k < c->cpu_count; k++)
        v->crossings[k] = g_array_new(FALSE, FALSE, sizeof(struct record));
    v->crossings[c->cpu_count] = NULL;
    return v;
}

void view_free(struct view *v)
{
    if (!v)
        return;
    for (unsigned k = 0; k < v->worlds->len; k++) {
        GArray **regs = v->worlds->pdata[k];
        for (unsigned reg = 0; reg < REGS_MAX; reg++)
            if (regs[reg])
                g_array_unref(regs[reg]);
        g_free(regs);
    }
    for (GArray **a = v->crossings; *a; a++)
        g_array_unref(*a);
    g_free(v->crossings);
    g_ptr_array_unref(v->worlds);
    g_free(v);
}

/* ---- writing down ---- */

/* An exception has been counted when it is told. */
void view_begin(struct arm_checker *c, const struct arm_event *p)
{
    bool taken = p->kind == ARM_EVENT_EXCEPTION || (p->kind == ARM_EVENT_WORLD && !p->world.enter);

    c->view->now = arm_machine_position(c->m);
    c->view->now.exceptions -= taken ? 1 : 0;
}

static bool is_before(const struct record *r, struct arm_position at)
{
    return r->insns < at.insns || (r->insns == at.insns && r->exceptions < at.exceptions);
}

/* How many are before @at. */
static unsigned count_before(const GArray *a, struct arm_position at)
{
    unsigned lo = 0, hi = a ? a->len : 0;

    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;
        if (is_before(&g_array_index(a, struct record, mid), at))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The last record before @at; NULL: none. */
static const struct record *last_before(const GArray *a, struct arm_position at)
{
    unsigned n = count_before(a, at);

    return n ? &g_array_index(a, struct record, n - 1) : NULL;
}

/* Of each list the older half goes, but for what is true now. */
static void forget(struct view *v)
{
    v->records = 0;
    for (unsigned k = 0; k < v->worlds->len; k++)
        for (unsigned reg = 0; reg < REGS_MAX; reg++) {
            GArray *a = ((GArray **)v->worlds->pdata[k])[reg];
            unsigned gone = a ? a->len / 2 : 0;
            if (gone) {
                const struct record *first = &g_array_index(a, struct record, gone);
                if (is_before(&(struct record){.insns = v->forgotten.insns,
                                               .exceptions = v->forgotten.exceptions},
                              (struct arm_position){first->insns, first->exceptions}))
                    v->forgotten = (struct arm_position){first->insns, first->exceptions};
                g_array_remove_range(a, 0, gone);
            }
            v->records += a ? a->len : 0;
        }
}

static void put(struct view *v, GArray *a, const struct record *r)
{
    struct record *last = a->len ? &g_array_index(a, struct record, a->len - 1) : NULL;

    if (last && last->state == r->state && last->slot == r->slot && last->entered == r->entered &&
        last->trapped == r->trapped)
        return;
    if (last && last->insns == r->insns && last->exceptions == r->exceptions) {
        *last = *r;
        return;
    }
    g_array_append_vals(a, r, 1);
    v->records++;
}

static GArray *list_of(struct view *v, unsigned world, unsigned reg)
{
    while (v->worlds->len <= world)
        g_ptr_array_add(v->worlds, g_new0(GArray *, REGS_MAX));
    GArray **regs = v->worlds->pdata[world];
    if (!regs[reg])
        regs[reg] = g_array_new(FALSE, FALSE, sizeof(struct record));
    return regs[reg];
}

/* Is what @r has in the CPU where @w ran last? */
static bool is_live(const struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                    const struct wreg *r)
{
    const struct live *l = own_live(u, w->last_pe, reg);
    struct tag tag = l->tag;

    if (w->running)
        return true;
    if (reg < 31)
        tag = flow_x(c->flow, w->last_pe, reg);
    else if (l->owner != WORLD_EL2)
        return l->owner == (int)w->index;
    return tag.kind == TAG_EXACT && tag.world == (int)w->index && tag.reg == reg &&
           tag.version == r->version;
}

static bool is_modified(const struct arm_checker *c, const struct slot *s)
{
    const struct granule *g = s ? flow_granule(c->flow, s->pa) : NULL;

    return g && g->tag.kind == TAG_MODIFIED;
}

/* Of the slots of the newest value one that still has it, if any has. */
static const struct slot *slot_of(const struct arm_checker *c, const struct wreg *r)
{
    const struct slot *found = NULL;

    for (unsigned k = 0; r->saved && k < SLOTS; k++)
        if (r->slots[k].pa && r->slots[k].version == r->version &&
            (!found || is_modified(c, found)))
            found = &r->slots[k];
    return found;
}

/* One of ARM_OWNED_xxx, and the slot. */
static char state_of(const struct arm_checker *c, struct own *u, const struct world *w,
                     unsigned reg, uint64_t *slot)
{
    const struct wreg *r = own_wreg(u, w, reg);
    const struct slot *s = slot_of(c, r);
    bool modified = is_modified(c, s);

    *slot = s ? s->pa : 0;
    if (!r->version)
        return ARM_OWNED_NONE;
    if (is_live(c, u, w, reg, r))
        return s && !modified ? ARM_OWNED_BOTH : ARM_OWNED_LIVE;
    return !s ? ARM_OWNED_LOST : modified ? ARM_OWNED_MODIFIED : ARM_OWNED_SLOT;
}

enum { UNTRAPPED, TRAPPED, AS_BEFORE };

static void note(struct arm_checker *c, unsigned world, unsigned reg, int trapped)
{
    struct own *u = c->unit[UNIT_own];
    uint64_t slot;

    if (!u || !c->flow || c->regs.desc[reg].owner == OWNER_EL2CFG || c->regs.desc[reg].message)
        return;
    char state = state_of(c, u, c->worlds.list[world], reg, &slot);
    struct view *v = c->view;
    if (v->records > RECORDS_MAX)
        forget(v);
    GArray *list = list_of(v, world, reg);
    if (trapped == AS_BEFORE)
        trapped = list->len && g_array_index(list, struct record, list->len - 1).trapped;
    put(v, list,
        &(struct record){.trapped = trapped == TRAPPED,
                         .insns = v->now.insns,
                         .exceptions = v->now.exceptions & ((UINT64_C(1) << 40) - 1),
                         .state = (uint8_t)state,
                         .slot = slot});
}

void view_note(struct arm_checker *c, int world, unsigned reg)
{
    if (c->view && world >= 0)
        note(c, (unsigned)world, reg, AS_BEFORE);
}

void view_note_general(struct arm_checker *c, unsigned cpu, uint32_t written)
{
    const struct world *last = c->cpus[cpu].last;

    for (; c->view && written; written &= written - 1) {
        unsigned n = (unsigned)__builtin_ctz(written);
        struct tag tag = flow_x(c->flow, cpu, n);
        if (last)
            view_note(c, (int)last->index, n);
        if (tag.kind && tag.reg == n)
            view_note(c, tag.world, n);
    }
}

void view_crossing(struct arm_checker *c, unsigned cpu, const struct world *w, bool enter)
{
    struct view *v = c->view;

    if (!v)
        return;
    for (unsigned reg = 0; reg < c->regs.count; reg++)
        note(c, w->index, reg,
             !enter                         ? AS_BEFORE
             : regs_observable(c, cpu, reg) ? UNTRAPPED
                                            : TRAPPED);
    put(v, v->crossings[cpu],
        &(struct record){.insns = v->now.insns,
                         .exceptions = v->now.exceptions & ((UINT64_C(1) << 40) - 1),
                         .entered = enter,
                         .slot = w->index});
}

/* ---- asking ---- */

bool arm_checker_register(const struct arm_checker *c, unsigned index, uint32_t *number,
                          const char **group)
{
    if (index >= c->regs.count)
        return false;
    *number = c->regs.desc[index].number;
    *group = index < 31 ? "GPR" : sysreg_owner_name(c->regs.desc[index].owner);
    return true;
}

static unsigned index_of(const struct arm_checker *c, uint32_t number)
{
    unsigned k = 0;

    while (k < c->regs.count && c->regs.desc[k].number != number)
        k++;
    return k;
}

size_t arm_checker_owner(const struct arm_checker *c, uint32_t number, struct arm_position at,
                         struct arm_owner *list, size_t room)
{
    unsigned reg = index_of(c, number);
    size_t count = 0;

    for (unsigned k = 0; k < c->view->worlds->len && reg < c->regs.count; k++) {
        const struct record *r = last_before(((GArray **)c->view->worlds->pdata[k])[reg], at);
        if (!r || r->state == ARM_OWNED_NONE)
            continue;
        if (count < room)
            list[count] = (struct arm_owner){
                .world = c->worlds.list[k]->name,
                .state = (char)r->state,
                .trapped = r->trapped,
                .slot = r->slot,
                .since = {r->insns, r->exceptions},
            };
        count++;
    }
    return count;
}

struct arm_position arm_checker_forgotten(const struct arm_checker *c)
{
    return c->view->forgotten;
}

bool arm_checker_crossing(const struct arm_checker *c, unsigned cpu, struct arm_position at,
                          bool next, struct arm_crossing *out)
{
    const GArray *a = cpu < c->cpu_count ? c->view->crossings[cpu] : NULL;
    unsigned n = count_before(a, at), k = next ? n : n - 1;

    if (!a || (next ? n == a->len : n == 0))
        return false;
    const struct record *r = &g_array_index(a, struct record, k);
    *out = (struct arm_crossing){.world = c->worlds.list[r->slot]->name,
                                 .enter = r->entered,
                                 .at = {r->insns, r->exceptions}};
    return true;
}

void arm_checker_worlds(const struct arm_checker *c, arm_line_fn *line, void *ctx)
{
    checker_print_worlds(c, line, ctx);
}

void arm_checker_findings(const struct arm_checker *c, arm_line_fn *line, void *ctx)
{
    findings_print(c, line, ctx);
}

void arm_checker_tell(struct arm_checker *c, arm_line_fn *line, void *ctx)
{
    c->tell = line;
    c->tell_ctx = ctx;
}

bool arm_checker_symbol(const struct arm_checker *c, unsigned cpu, unsigned el, uint64_t address,
                        char *buf, size_t size)
{
    g_autofree char *name = names_of(c->names, cpu, el, address);

    g_strlcpy(buf, name ? name : "", size);
    return name != NULL;
}

bool arm_checker_address(const struct arm_checker *c, const char *name, uint64_t *address)
{
    return names_find(c->names, name, address);
}

bool arm_checker_slot(const struct arm_checker *c, unsigned cpu, uint64_t pa, char *buf,
                      size_t size)
{
    g_autofree char *name = names_slot(c->names, c->flow, cpu, pa);

    g_strlcpy(buf, name ? name : "", size);
    return name != NULL;
}
