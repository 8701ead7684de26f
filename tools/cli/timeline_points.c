/* Which states of the run are kept. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "timeline_state.h"

#define FINE_MOST 64

int position_compare(struct arm_position a, struct arm_position b)
{
    if (a.insns != b.insns)
        return a.insns < b.insns ? -1 : 1;
    return a.exceptions == b.exceptions ? 0 : a.exceptions < b.exceptions ? -1 : 1;
}

void point_free(void *point)
{
    struct point *p = point;

    arm_snapshot_free(p->snapshot);
    g_free(p->cpus);
    g_free(p);
}

static struct point *nth(const struct timeline *t, unsigned k)
{
    return t->points->pdata[k];
}

/* How many are before @at, or at it. */
static unsigned count_before(const struct timeline *t, struct arm_position at, bool strictly)
{
    unsigned lo = 0, hi = t->points->len;

    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;
        if (position_compare(nth(t, mid)->at, at) < (strictly ? 0 : 1))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct point *points_before(const struct timeline *t, struct arm_position at, bool strictly)
{
    unsigned n = count_before(t, at, strictly);

    return n ? nth(t, n - 1) : NULL;
}

bool points_share(const struct timeline *t, struct arm_position from, struct arm_position to,
                  uint64_t pa)
{
    const struct point *a = points_before(t, from, false), *b = points_before(t, to, false);

    return a && b && position_compare(a->at, from) == 0 && position_compare(b->at, to) == 0 &&
           arm_snapshot_shares(a->snapshot, b->snapshot, pa);
}

struct point *points_of_cpu(const struct timeline *t, unsigned cpu, uint64_t progress)
{
    for (unsigned k = t->points->len; k-- > 0;)
        if (nth(t, k)->cpus[cpu].insns + nth(t, k)->cpus[cpu].exceptions <= progress)
            return nth(t, k);
    return NULL;
}

/* Bytes of memory that the process has. The host's, so it decides how long answers take, and none
 * of them. */
static uint64_t resident_bytes(void)
{
    unsigned long long size, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f)
        return 0;
    if (fscanf(f, "%llu %llu", &size, &resident) != 2)
        resident = 0;
    fclose(f);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t timeline_busy_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The fine one farthest from here goes. */
static void thin_fine(struct timeline *t)
{
    uint64_t here = side_at(t->here).insns, farthest = 0;
    unsigned count = 0, victim = 0;

    for (unsigned k = 1; k < t->points->len; k++) {
        uint64_t at = nth(t, k)->at.insns, distance = at > here ? at - here : here - at;
        if (!nth(t, k)->fine)
            continue;
        count++;
        if (distance >= farthest) {
            farthest = distance;
            victim = k;
        }
    }
    if (count > FINE_MOST)
        g_ptr_array_remove_index(t->points, victim);
}

/* Of the others the one whose neighbours are closest together, for its age. The first stays, and
 * the last. */
static void thin_coarse(struct timeline *t)
{
    uint64_t end = nth(t, t->points->len - 1)->at.insns;
    unsigned victim = 0;
    double least = 0;

    for (unsigned k = 1; k + 1 < t->points->len; k++) {
        double gap = (double)(nth(t, k + 1)->at.insns - nth(t, k - 1)->at.insns);
        double age = (double)(end - nth(t, k)->at.insns + 16 * t->config.interval);
        if (!victim || gap / age < least) {
            victim = k;
            least = gap / age;
        }
    }
    if (victim)
        g_ptr_array_remove_index(t->points, victim);
}

/* A number that grows as the logarithm of how many were taken: each gap is some two times the next
 * one then, and a short run has little to copy for. */
static unsigned most_points(const struct timeline *t)
{
    if (!t->config.few || t->went_back)
        return t->config.snapshots + FINE_MOST;
    return CLAMP(g_bit_storage(t->taken) - 1, 2, t->config.few);
}

static void thin(struct timeline *t)
{
    thin_fine(t);
    /* What goes at once leaves its copies of pages to the next one. */
    while (t->points->len > most_points(t))
        thin_coarse(t);
    /* A third at a time: what it frees shows only once no other shares it. */
    if (resident_bytes() > t->resident + t->config.memory)
        for (unsigned k = t->points->len / 3; k > 0; k--)
            thin_coarse(t);
}

struct point *point_of(struct timeline *t, const struct side *s, bool fine)
{
    struct arm_snapshot *snapshot = arm_snapshot_borrow(s->m, &t->error);

    if (!snapshot)
        return NULL;
    struct point *p = g_new0(struct point, 1);
    *p = (struct point){.at = side_at(s),
                        .cpus = g_new(struct arm_position, t->cpus),
                        .snapshot = snapshot,
                        .crossings = s->crossings,
                        .inputs = s->inputs,
                        .fine = fine};
    for (unsigned k = 0; k < t->cpus; k++)
        p->cpus[k] = arm_cpu_position(s->m, k);
    return p;
}

bool points_take(struct timeline *t, struct side *s, bool fine)
{
    struct arm_position at = side_at(s);
    unsigned n = count_before(t, at, false);

    if (n && position_compare(nth(t, n - 1)->at, at) == 0) {
        nth(t, n - 1)->fine &= fine;
        return true;
    }
    if (!t->counts)
        crossings_lost(s);
    struct point *p = point_of(t, s, fine);
    if (!p)
        return false;
    t->work += s == &t->past ? TIMELINE_WORK_SNAPSHOT : 0;
    if (s == &t->live)
        stretches_cut(t);
    *(s == &t->live ? &t->kept_ns : &t->past_ns) = timeline_busy_ns();
    g_ptr_array_insert(t->points, (int)n, p);
    t->taken++;
    if (t->points->len > 1)
        thin(t);
    else
        t->resident = resident_bytes();
    return true;
}

unsigned timeline_snapshots(const struct timeline *t)
{
    return t->points->len;
}
