/* The API's body: cores that are told of the same steps, and their counts, in all and by region. */
#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "model/model.h"
#include "model/pe.h"
#include "model/watch.h"

#define COUNTS ((sizeof(struct arm_model_counts) - sizeof(size_t)) / sizeof(uint64_t))

static const char *const count_names[] = {
#define COUNT(name, kind, text) #name,
#include "model/counts.def"
#undef COUNT
};
static const char *const count_texts[] = {
#define COUNT(name, kind, text) text,
#include "model/counts.def"
#undef COUNT
};
_Static_assert(ARRAY_SIZE(count_names) == COUNTS, "the header is made of the same table");

struct region_state {
    bool open;
    struct arm_model_counts begin, sum;
};

/* What a CPU is counted under besides. */
struct key_state {
    GHashTable *sums;                     /* key to struct arm_model_counts */
    struct arm_model_counts *open, begin; /* NULL: under none */
};

/* One core's: its CPUs and what they share. */
struct instance {
    struct arm_core core;
    struct memory memory;
    struct pe *pes;
    struct region_state *regions; /* cpu_count x ARM_MODEL_REGIONS_MAX */
    struct key_state *keys;       /* by CPU */
};

struct arm_model {
    struct watch *watch;
    unsigned cpu_count, count;
    struct instance *instances;
};

const char *arm_model_count(unsigned index, const char **meaning)
{
    if (index >= COUNTS)
        return NULL;
    if (meaning)
        *meaning = count_texts[index];
    return count_names[index];
}

static uint64_t *values(struct arm_model_counts *n)
{
    return &n->passes;
}

/* @sum += @sign * @n, modulo 2^64. */
static void add_counts(struct arm_model_counts *sum, const struct arm_model_counts *n,
                       uint64_t sign)
{
    const uint64_t *from = &n->passes;
    uint64_t *to = values(sum);

    for (size_t k = 0; k < COUNTS; k++)
        to[k] += sign * from[k];
}

static struct arm_model_counts counts_now(const struct pe *pe)
{
    struct arm_model_counts n = pe->n;

    n.cycles = pe_cycles(pe);
    return n;
}

/* ---- regions ---- */

static struct region_state *region_of(const struct instance *in, unsigned cpu, unsigned region)
{
    return &in->regions[cpu * ARM_MODEL_REGIONS_MAX + region];
}

static void mark_regions(const struct instance *in, const struct step *s)
{
    struct arm_model_counts now = counts_now(&in->pes[s->cpu]);

    for (uint32_t m = s->ends; m; m &= m - 1) {
        struct region_state *r = region_of(in, s->cpu, (unsigned)__builtin_ctz(m));
        if (!r->open)
            continue;
        r->open = false;
        add_counts(&r->sum, &now, 1);
        add_counts(&r->sum, &r->begin, UINT64_MAX);
        r->sum.passes++;
    }
    for (uint32_t m = s->begins; m; m &= m - 1) {
        struct region_state *r = region_of(in, s->cpu, (unsigned)__builtin_ctz(m));
        r->open = true;
        r->begin = now;
    }
}

static void close_key(struct key_state *k, const struct arm_model_counts *now)
{
    if (!k->open)
        return;
    add_counts(k->open, now, 1);
    add_counts(k->open, &k->begin, UINT64_MAX);
    k->open = NULL;
}

static void change_key(const struct instance *in, const struct step *s)
{
    struct arm_model_counts now = counts_now(&in->pes[s->cpu]);
    struct key_state *k = &in->keys[s->cpu];

    close_key(k, &now);
    if (s->key >= ARM_MODEL_KEYS)
        return;
    k->open = g_hash_table_lookup(k->sums, GUINT_TO_POINTER(s->key));
    if (!k->open) {
        k->open = g_new0(struct arm_model_counts, 1);
        g_hash_table_insert(k->sums, GUINT_TO_POINTER(s->key), k->open);
    }
    k->open->passes++;
    k->begin = now;
}

void arm_model_stretch(struct arm_model *model, unsigned cpu, uint64_t count, unsigned key)
{
    if (cpu < model->cpu_count)
        watch_key(model->watch, cpu, count, MIN(key, ARM_MODEL_NO_KEY));
}

static void do_step(const struct instance *in, const struct step *s,
                    const struct step_access *accesses)
{
    if (s->begins | s->ends)
        mark_regions(in, s);
    if (s->kind == STEP_KEY)
        change_key(in, s);
    else
        pe_step(&in->pes[s->cpu], s, accesses + s->access_first);
}

static void on_batch(void *ctx, const struct step *steps, unsigned count,
                     const struct step_access *accesses)
{
    const struct arm_model *model = ctx;

    for (unsigned k = 0; k < model->count; k++) {
        const struct instance *in = &model->instances[k];
        for (unsigned s = 0; s < count; s++)
            do_step(in, &steps[s], accesses);
    }
}

int arm_model_region(struct arm_model *model, uint64_t from, uint64_t to)
{
    return watch_region(model->watch, from, to);
}

/* ---- life ---- */

static void instance_init(struct instance *in, const struct arm_core *core, unsigned cpu_count)
{
    in->core = *core;
    memory_init(&in->memory, &in->core, cpu_count);
    in->pes = g_new(struct pe, cpu_count);
    in->regions = g_new0(struct region_state, (size_t)cpu_count * ARM_MODEL_REGIONS_MAX);
    in->keys = g_new0(struct key_state, cpu_count);
    for (unsigned k = 0; k < cpu_count; k++) {
        in->keys[k].sums = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        pe_init(&in->pes[k], &in->core, &in->memory, k);
    }
}

static void instance_free(struct instance *in, unsigned cpu_count)
{
    for (unsigned k = 0; k < cpu_count; k++) {
        g_hash_table_destroy(in->keys[k].sums);
        pe_free(&in->pes[k]);
    }
    g_free(in->keys);
    memory_free(&in->memory);
    g_free(in->pes);
    g_free(in->regions);
}

struct arm_model *arm_model_new(struct arm_machine *m, const struct arm_core *const *cores,
                                unsigned count, struct arm_error *err)
{
    struct arm_model *model = g_new0(struct arm_model, 1);

    model->cpu_count = arm_cpu_count(m);
    model->count = count;
    model->instances = g_new0(struct instance, count);
    for (unsigned k = 0; k < count; k++)
        instance_init(&model->instances[k], cores[k], model->cpu_count);
    model->watch = watch_new(m, on_batch, model, err);
    if (!model->watch) {
        arm_model_free(model);
        return NULL;
    }
    return model;
}

void arm_model_free(struct arm_model *model)
{
    if (!model)
        return;
    watch_free(model->watch);
    for (unsigned k = 0; k < model->count; k++)
        instance_free(&model->instances[k], model->cpu_count);
    g_free(model->instances);
    g_free(model);
}

void arm_model_listen(struct arm_model *model, bool on)
{
    watch_listen(model->watch, on);
}

void arm_model_reset(struct arm_model *model, bool cold)
{
    watch_catch_up(model->watch);
    for (unsigned k = 0; k < model->count; k++) {
        struct instance *in = &model->instances[k];
        memset(in->regions, 0,
               (size_t)model->cpu_count * ARM_MODEL_REGIONS_MAX * sizeof(in->regions[0]));
        if (cold)
            memory_clear(&in->memory);
        for (unsigned c = 0; c < model->cpu_count; c++) {
            in->keys[c].open = NULL;
            g_hash_table_remove_all(in->keys[c].sums);
            pe_reset(&in->pes[c], cold);
        }
    }
}

/* ---- counts ---- */

/* Of a key: with what is open. */
static void add_key(struct arm_model_counts *sum, const struct instance *in, unsigned cpu,
                    unsigned key)
{
    const struct key_state *k = &in->keys[cpu];
    const struct arm_model_counts *known = g_hash_table_lookup(k->sums, GUINT_TO_POINTER(key));

    if (known)
        add_counts(sum, known, 1);
    if (known && known == k->open) {
        struct arm_model_counts now = counts_now(&in->pes[cpu]);
        add_counts(sum, &now, 1);
        add_counts(sum, &k->begin, UINT64_MAX);
    }
}

static bool is_region(const struct arm_model *model, int region)
{
    return region == ARM_MODEL_ALL || (region >= 0 && region < (int)watch_regions(model->watch)) ||
           (region >= ARM_MODEL_KEY(0) && region < ARM_MODEL_KEY(ARM_MODEL_KEYS));
}

static void add_region(struct arm_model_counts *sum, const struct instance *in, unsigned cpu,
                       int region)
{
    struct arm_model_counts now = counts_now(&in->pes[cpu]);

    if (region >= ARM_MODEL_KEY(0))
        add_key(sum, in, cpu, (unsigned)(region - ARM_MODEL_KEY(0)));
    else
        add_counts(sum, region == ARM_MODEL_ALL ? &now : &region_of(in, cpu, (unsigned)region)->sum,
                   1);
}

bool arm_model_read(struct arm_model *model, unsigned core, int cpu, int region,
                    struct arm_model_counts *out)
{
    size_t size = out->size;

    if (size != sizeof(*out) || core >= model->count || cpu < ARM_MODEL_ALL ||
        cpu >= (int)model->cpu_count || !is_region(model, region))
        return false;
    watch_catch_up(model->watch);
    *out = (struct arm_model_counts){.size = size};
    for (unsigned c = 0; c < model->cpu_count; c++)
        if (cpu == ARM_MODEL_ALL || c == (unsigned)cpu)
            add_region(out, &model->instances[core], c, region);
    return true;
}

const struct arm_core *model_core(const struct arm_model *model, unsigned core)
{
    return &model->instances[core].core;
}
