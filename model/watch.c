#include "model/watch.h"

#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "model/mapping.h"

#define STEPS    1024 /* a batch */
#define ACCESSES 4096
#define OPS      8192 /* recently used, by word */

#define PIECE_MAX 64 /* bytes of accesses that are told as one */

#define HELD 8 /* pages that an instruction has to do with, and more */

#define KEYS 8 /* that wait for their instruction */

struct watch_cpu {
    bool pending;  /* step: an instruction that has begun, */
    bool excepted; /* exception: one that has been taken behind it */
    struct step exception;
    unsigned key_count;
    struct {
        uint64_t count;
        unsigned key;
    } keys[KEYS];
    unsigned held_count;
    struct mapping held[HELD]; /* of the pending step, kept while mappings are forgotten */
    uint64_t count;            /* retired before it */
    struct step step;
    struct step_access accesses[128];
};

struct watch {
    struct arm_machine *m;
    int handle, rare; /* subscriptions; handle: 0 while nobody listens */
    batch_fn *fn;
    void *ctx;
    struct mappings *mappings;
    unsigned cpu_count;
    struct watch_cpu *cpus;
    uint8_t classes[A64_OP_COUNT]; /* op_row_class() */
    GHashTable *ops;               /* every word that was seen */
    const struct op *recent[OPS];
    unsigned region_count;
    struct {
        uint64_t from, to;
    } regions[ARM_MODEL_REGIONS_MAX];
    unsigned step_count, access_count;
    struct step steps[STEPS];
    struct step_access accesses[ACCESSES];
};

static void flush(struct watch *w)
{
    if (w->step_count)
        w->fn(w->ctx, w->steps, w->step_count, w->accesses);
    w->step_count = w->access_count = 0;
}

static void put_step(struct watch *w, const struct step *s, const struct step_access *accesses)
{
    if (w->step_count == STEPS || w->access_count + s->access_count > ACCESSES)
        flush(w);
    struct step *out = &w->steps[w->step_count++];
    *out = *s;
    out->access_first = w->access_count;
    memcpy(w->accesses + w->access_count, accesses, s->access_count * sizeof(accesses[0]));
    w->access_count += s->access_count;
}

static const struct op *find_op(struct watch *w, uint32_t word)
{
    const struct op **slot = &w->recent[(word ^ word >> 13) % OPS];

    if (*slot && (*slot)->word == word)
        return *slot;
    const struct op *o = g_hash_table_lookup(w->ops, GUINT_TO_POINTER(word));
    if (!o) {
        struct op made = op_of(word, w->classes);
        o = g_memdup2(&made, sizeof(made));
        g_hash_table_insert(w->ops, GUINT_TO_POINTER(word), (gpointer)o);
    }
    *slot = o;
    return o;
}

static void put_keys(struct watch *w, struct watch_cpu *c, uint64_t count)
{
    unsigned put = 0;

    for (; put < c->key_count && c->keys[put].count <= count; put++)
        put_step(w,
                 &(struct step){.kind = STEP_KEY,
                                .cpu = (uint8_t)(c - w->cpus),
                                .key = (uint16_t)c->keys[put].key},
                 c->accesses);
    c->key_count -= put;
    memmove(c->keys, c->keys + put, c->key_count * sizeof(c->keys[0]));
}

void watch_key(struct watch *w, unsigned cpu, uint64_t count, unsigned key)
{
    struct watch_cpu *c = &w->cpus[cpu];

    if (c->key_count == KEYS)
        put_keys(w, c, UINT64_MAX);
    c->keys[c->key_count].count = count;
    c->keys[c->key_count++].key = key;
}

/* What was begun is over; the CPU goes on at @next, and has retired @count. */
static void finish(struct watch *w, struct watch_cpu *c, uint64_t count, uint64_t next)
{
    if (c->pending) {
        put_keys(w, c, c->count);
        c->step.completed = count > c->count;
        c->step.next = next;
        put_step(w, &c->step, c->accesses);
    } else if (c->excepted) {
        put_keys(w, c, c->count);
        put_step(w, &c->exception, c->accesses);
    }
    c->pending = c->excepted = false;
}

static const struct mapping *hold(struct watch_cpu *c, const struct mapping *mp)
{
    for (unsigned k = 0; k < c->held_count; k++)
        if (mp == &c->held[k] || mp->id == c->held[k].id)
            return &c->held[k];
    if (c->held_count == HELD)
        return &c->held[0];
    c->held[c->held_count] = *mp;
    return &c->held[c->held_count++];
}

/* Mappings are about to be forgotten: of instructions that have begun they are kept. */
static void hold_all(struct watch *w)
{
    flush(w);
    for (unsigned k = 0; k < w->cpu_count; k++) {
        struct watch_cpu *c = &w->cpus[k];
        if (!c->pending)
            continue;
        if (c->step.mapping != &c->held[0])
            c->held_count = 0;
        c->step.mapping = hold(c, c->step.mapping);
        for (unsigned a = 0; a < c->step.access_count; a++)
            c->accesses[a].mapping = hold(c, c->accesses[a].mapping);
    }
}

static uint32_t marks(const struct watch *w, uint64_t pc, bool ends)
{
    uint32_t set = 0;

    for (unsigned k = 0; k < w->region_count; k++)
        if (pc == (ends ? w->regions[k].to : w->regions[k].from))
            set |= 1U << k;
    return set;
}

static void on_insn(struct watch *w, struct watch_cpu *c, const struct arm_event *p)
{
    finish(w, c, p->count, p->pc);
    if (mappings_full(w->mappings)) {
        hold_all(w);
        mappings_clear(w->mappings);
    }
    c->pending = true;
    c->count = p->count;
    c->step = (struct step){
        .kind = STEP_INSN,
        .cpu = p->cpu,
        .pc = p->pc,
        .pa = p->insn.pa,
        .mapping = mappings_find(w->mappings, p->cpu, p->el, p->pc, ARM_ACCESS_EXECUTE),
        .op = find_op(w, p->insn.word),
    };
    if (w->region_count) {
        c->step.begins = marks(w, p->pc, false);
        c->step.ends = marks(w, p->pc, true);
    }
}

/* Registers in a row in memory are one access, as far as a cache is concerned. */
static bool goes_on(const struct step_access *last, const struct step_access *a)
{
    return last->write == a->write && last->device == a->device && !a->device &&
           last->pa + last->size == a->pa && last->size + a->size <= PIECE_MAX &&
           last->mapping == a->mapping;
}

static void add_access(struct watch_cpu *c, const struct step_access *a)
{
    struct step *s = &c->step;

    if (s->access_count && goes_on(&c->accesses[s->access_count - 1], a))
        c->accesses[s->access_count - 1].size += a->size;
    else if (s->access_count < G_N_ELEMENTS(c->accesses))
        c->accesses[s->access_count++] = *a;
}

static void on_mem(struct watch *w, struct watch_cpu *c, const struct arm_event *p)
{
    bool write = p->mem.kind & ARM_MEM_WRITE;
    enum arm_access access = write ? ARM_ACCESS_WRITE : ARM_ACCESS_READ;
    unsigned first = p->mem.size;

    if (!c->pending)
        return;
    if (p->mem.pa2)
        first = 4096 - (unsigned)(p->mem.va & 4095);
    struct step_access a = {.pa = p->mem.pa,
                            .mapping = mappings_find(w->mappings, p->cpu, p->el, p->mem.va, access),
                            .size = (uint8_t)first,
                            .write = write,
                            .device = p->mem.kind & ARM_MEM_DEVICE};
    add_access(c, &a);
    if (!p->mem.pa2)
        return;
    a.pa = p->mem.pa2;
    a.size = (uint8_t)(p->mem.size - first);
    a.mapping = mappings_find(w->mappings, p->cpu, p->el, p->mem.va + first, access);
    add_access(c, &a);
}

static void on_exception(struct watch *w, struct watch_cpu *c, const struct arm_event *p)
{
    unsigned offset = p->exception.vector & 0x180;

    finish(w, c, p->count, p->pc);
    c->excepted =
        true; /* and told when the next instruction begins: whose it is may be said till then */
    c->count = p->count;
    c->exception = (struct step){.kind = STEP_EXCEPTION,
                                 .cpu = p->cpu,
                                 .interrupt = offset != 0,
                                 .trap = !offset && p->exception.target_el == 2 && p->el < 2};
}

static void on_tlbi(struct watch *w, const struct arm_event *p)
{
    hold_all(w);
    mappings_invalidate(w->mappings, p);
}

static void on_event(void *ctx, const struct arm_event *p)
{
    struct watch *w = ctx;
    struct watch_cpu *c = &w->cpus[p->cpu];

    if (p->kind == ARM_EVENT_INSN)
        on_insn(w, c, p);
    else if (p->kind == ARM_EVENT_MEM)
        on_mem(w, c, p);
    else
        on_exception(w, c, p);
}

/* What says how addresses are translated: also while nobody listens. */
static void on_rare(void *ctx, const struct arm_event *p)
{
    struct watch *w = ctx;

    if (p->kind == ARM_EVENT_TLBI)
        on_tlbi(w, p);
    else if (p->kind == ARM_EVENT_POWER || mappings_register(p->sysreg_write.sr))
        mappings_changed(w->mappings, p->cpu);
}

/* Has the instruction been executed that has begun? Of several CPUs only the sum of what they have
 * retired is known: a branch to itself is taken for one that is still to come. */
static bool is_over(const struct watch *w, const struct watch_cpu *c, uint64_t pc)
{
    return w->cpu_count == 1 ? arm_retired(w->m) > c->count : pc != c->step.pc;
}

/* What was begun and is over, as far as the CPUs have come; with @drop, what is about to begin will
 * not be told. */
static void finish_all(struct watch *w, bool drop)
{
    for (unsigned k = 0; k < w->cpu_count; k++) {
        struct watch_cpu *c = &w->cpus[k];
        uint64_t pc[2] = {0, 0};
        arm_reg_get(w->m, k, ARM_PC, pc);
        if (!c->pending || is_over(w, c, pc[0]))
            finish(w, c, c->count + 1, pc[0]);
        c->pending &= !drop;
        if (drop)
            put_keys(w, c, UINT64_MAX);
    }
    flush(w);
}

void watch_catch_up(struct watch *w)
{
    finish_all(w, false);
}

static int subscribe(struct watch *w, uint64_t events, arm_event_fn *fn)
{
    const struct arm_filter filter = {.size = sizeof(filter), .events = events};

    return arm_subscribe(w->m, &filter, fn, w);
}

void watch_listen(struct watch *w, bool on)
{
    if (on == (w->handle != 0))
        return;
    if (on) {
        w->handle = subscribe(
            w, ARM_BIT(ARM_EVENT_INSN) | ARM_BIT(ARM_EVENT_MEM) | ARM_BIT(ARM_EVENT_EXCEPTION),
            on_event);
        return;
    }
    finish_all(w, true);
    arm_unsubscribe(w->m, w->handle);
    w->handle = 0;
}

int watch_region(struct watch *w, uint64_t from, uint64_t to)
{
    if (w->region_count == ARM_MODEL_REGIONS_MAX)
        return -ARM_EINVAL;
    w->regions[w->region_count].from = from;
    w->regions[w->region_count].to = to;
    return (int)w->region_count++;
}

unsigned watch_regions(const struct watch *w)
{
    return w->region_count;
}

struct watch *watch_new(struct arm_machine *m, batch_fn *fn, void *ctx, struct arm_error *err)
{
    struct watch *w = g_new0(struct watch, 1);

    w->m = m;
    w->fn = fn;
    w->ctx = ctx;
    w->cpu_count = arm_cpu_count(m);
    w->cpus = g_new0(struct watch_cpu, w->cpu_count);
    w->mappings = mappings_new(m);
    w->ops = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    for (unsigned k = 0; k < A64_OP_COUNT; k++)
        w->classes[k] = (uint8_t)op_row_class((enum a64_op)k);
    w->rare = subscribe(
        w, ARM_BIT(ARM_EVENT_TLBI) | ARM_BIT(ARM_EVENT_POWER) | ARM_BIT(ARM_EVENT_SYSREG_WRITE),
        on_rare);
    watch_listen(w, true);
    if (!w->handle || !w->rare) {
        error_set(err, ARM_EINVAL, "no room for a model: expected fewer than %d subscribers",
                  ARM_SUBSCRIBERS_MAX);
        watch_free(w);
        return NULL;
    }
    return w;
}

void watch_free(struct watch *w)
{
    if (!w)
        return;
    if (w->handle)
        arm_unsubscribe(w->m, w->handle);
    if (w->rare)
        arm_unsubscribe(w->m, w->rare);
    mappings_free(w->mappings);
    g_hash_table_destroy(w->ops);
    g_free(w->cpus);
    g_free(w);
}
