/* Which parameter moves a result most: cores that differ in one parameter, and what came of it. */
#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/params.h"

static uint32_t words_of(enum param p)
{
    struct arm_core_parameter row;

    arm_core_describe(p, &row);
    return (uint32_t)row.max + 1;
}

static uint32_t lower(enum param p, uint32_t v)
{
    switch (param_kind(p)) {
    case PARAM_WORD:
        return (v + words_of(p) - 1) % words_of(p);
    case PARAM_POWER:
    case PARAM_SETS:
        return v / 2;
    default:
        return v - MAX(1, v / 4);
    }
}

static uint32_t higher(enum param p, uint32_t v)
{
    switch (param_kind(p)) {
    case PARAM_WORD:
        return (v + 1) % words_of(p);
    case PARAM_POWER:
    case PARAM_SETS:
        return v ? v * 2 : 1;
    default:
        return v + MAX(1, v / 4);
    }
}

static void add(GPtrArray *list, const struct arm_core *core, enum param p, uint32_t value)
{
    struct arm_core_parameter row;
    struct arm_core variant = *core;

    arm_core_describe(p, &row);
    if (value == core->v[p] || value < row.min || value > row.max)
        return;
    core_put(&variant, p, value);
    if (core_check(&variant, NULL) == 0)
        g_ptr_array_add(list, arm_core_copy(&variant));
}

unsigned arm_core_variants(const struct arm_core *core, struct arm_core ***list)
{
    GPtrArray *all = g_ptr_array_new();

    g_ptr_array_add(all, arm_core_copy(core));
    for (unsigned k = 0; k < PARAM_COUNT; k++) {
        enum param p = (enum param)k;
        uint32_t v = core->v[p], low = v ? lower(p, v) : v, high = higher(p, v);
        add(all, core, p, param_kind(p) == PARAM_WORD ? lower(p, v) : low);
        if (high != low)
            add(all, core, p, high);
    }
    unsigned count = all->len;
    *list = (struct arm_core **)g_ptr_array_free(all, FALSE);
    return count;
}

void arm_core_variants_free(struct arm_core **list, unsigned count)
{
    for (unsigned k = 0; k < count; k++)
        arm_core_free(list[k]);
    g_free(list);
}

/* The parameter in which @a and @b differ. */
static enum param difference(const struct arm_core *a, const struct arm_core *b)
{
    unsigned p = 0;

    while (p < PARAM_COUNT && a->v[p] == b->v[p])
        p++;
    return (enum param)p;
}

static double part(double result, double base)
{
    return base != 0 ? (result - base) / base : result != 0 ? HUGE_VAL : 0;
}

static int larger_first(gconstpointer a, gconstpointer b)
{
    double x = fabs(((const struct arm_influence *)a)->change);
    double y = fabs(((const struct arm_influence *)b)->change);

    if (x == y)
        return strcmp(((const struct arm_influence *)a)->parameter,
                      ((const struct arm_influence *)b)->parameter);
    return x < y ? 1 : -1;
}

size_t arm_core_influences(struct arm_core *const *list, unsigned count, const double *result,
                           struct arm_influence *out, size_t room)
{
    struct arm_influence best[PARAM_COUNT] = {{0}};
    size_t moved = 0;

    for (unsigned k = 1; k < count; k++) {
        enum param p = difference(list[0], list[k]);
        double change = part(result[k], result[0]);
        if (p < PARAM_COUNT && fabs(change) > fabs(best[p].change))
            best[p] = (struct arm_influence){param_name(p), list[0]->v[p], list[k]->v[p], change};
    }
    for (unsigned p = 0; p < PARAM_COUNT; p++)
        if (best[p].parameter)
            best[moved++] = best[p];
    qsort(best, moved, sizeof(best[0]), larger_first);
    memcpy(out, best, MIN(moved, room) * sizeof(best[0]));
    return moved;
}
