#include "model/tlb.h"

#include <string.h>

#include "model/lru.h"

/* A cache whose lines are of one byte: their number is the mapping's, their set what
 * its page says. */
void tlbs_init(struct tlbs *t, const struct arm_core *core)
{
    memset(t, 0, sizeof(*t));
    cache_init(&t->l2, core->v[P_tlb2_entries], core->v[P_tlb2_ways], 1);
}

void tlbs_free(struct tlbs *t)
{
    cache_free(&t->l2);
}

void tlbs_clear(struct tlbs *t)
{
    memset(t->l1i, 0, sizeof(t->l1i));
    memset(t->l1d, 0, sizeof(t->l1d));
    memset(t->walk_cache, 0, sizeof(t->walk_cache));
    memset(t->ipa_cache, 0, sizeof(t->ipa_cache));
    cache_clear(&t->l2);
}

/* The number of the page in the low bits, which choose the set, and whose it is above. */
static uint64_t key_of(const struct mapping *mp)
{
    return (uint64_t)mp->id << 20 | (mp->set & 0xfffff);
}

/* The first step that is to be made: behind the last table of stage 1 that the walk cache has. */
static unsigned first_step(struct tlbs *t, const struct arm_core *core, const struct mapping *mp)
{
    unsigned table = mp->step_count;

    for (unsigned k = 0; k < mp->step_count; k++)
        if (mp->steps[k].stage == 1 && !mp->steps[k].leaf)
            table = k;
    if (table == mp->step_count)
        return 0;
    return lru_touch(t->walk_cache, core->v[P_walk_cache], mp->steps[table].pa) ? table + 1 : 0;
}

static unsigned walk(struct tlbs *t, struct memory *mem, unsigned cpu, const struct mapping *mp,
                     uint64_t now, struct arm_model_counts *n)
{
    const uint32_t *v = mem->core->v;
    unsigned cycles = v[P_walk_start];
    unsigned k = first_step(t, mem->core, mp);

    n->walks++;
    while (k < mp->step_count) {
        unsigned end = k; /* of a stage-2 walk, its last step */
        while (mp->steps[end].stage == 2 && !mp->steps[end].leaf && end + 1U < mp->step_count)
            end++;
        bool known =
            mp->steps[k].stage == 2 && lru_touch(t->ipa_cache, v[P_ipa_cache], mp->steps[end].pa);
        for (; k <= end; k++)
            if (!known)
                cycles += memory_walk(mem, cpu, mp->steps[k].pa, now + cycles, n);
    }
    return cycles;
}

unsigned tlbs_find(struct tlbs *t, struct memory *mem, unsigned cpu, const struct mapping *mp,
                   bool fetch, uint64_t now, struct arm_model_counts *n)
{
    const uint32_t *v = mem->core->v;
    unsigned entries = v[fetch ? P_itlb_entries : P_dtlb_entries];
    uint64_t key = key_of(mp);

    if (lru_touch(fetch ? t->l1i : t->l1d, entries, key))
        return 0;
    n->tlb_misses++;
    if (cache_find(&t->l2, key))
        return v[P_lat_tlb2];
    cache_insert(&t->l2, key, 0);
    return (v[P_tlb2_entries] ? v[P_lat_tlb2] : 0) + walk(t, mem, cpu, mp, now, n);
}
