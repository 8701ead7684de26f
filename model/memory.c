#include "model/memory.h"

#include <glib.h>
#include <string.h>

#define PAGE_LOG2 12 /* what a prefetcher does not leave */

void memory_init(struct memory *mem, const struct arm_core *core, unsigned cpu_count)
{
    const uint32_t *v = core->v;

    *mem = (struct memory){.core = core,
                           .cpu_count = cpu_count,
                           .line_log2 = (unsigned)__builtin_ctz(v[P_line]),
                           .cpus = g_new0(struct cpu_caches, cpu_count)};
    cache_init(&mem->l2, (uint64_t)v[P_l2_size] * 1024, v[P_l2_ways], v[P_line]);
    for (unsigned k = 0; k < cpu_count; k++) {
        cache_init(&mem->cpus[k].l1i, (uint64_t)v[P_l1i_size] * 1024, v[P_l1i_ways], v[P_line]);
        cache_init(&mem->cpus[k].l1d, (uint64_t)v[P_l1d_size] * 1024, v[P_l1d_ways], v[P_line]);
    }
}

void memory_free(struct memory *mem)
{
    for (unsigned k = 0; k < mem->cpu_count; k++) {
        cache_free(&mem->cpus[k].l1i);
        cache_free(&mem->cpus[k].l1d);
    }
    cache_free(&mem->l2);
    g_free(mem->cpus);
}

void memory_clear(struct memory *mem)
{
    cache_clear(&mem->l2);
    for (unsigned k = 0; k < mem->cpu_count; k++) {
        struct cpu_caches *c = &mem->cpus[k];
        cache_clear(&c->l1i);
        cache_clear(&c->l1d);
        memset(c->streams, 0, sizeof(c->streams));
        c->fills_end = c->code_fills_end = 0;
    }
}

/* ---- fills ---- */

static void add_fill(struct fill *ring, unsigned *next, uint64_t *end, uint64_t line,
                     uint64_t ready)
{
    ring[*next] = (struct fill){line, ready};
    *next = (*next + 1) % FILLS;
    *end = MAX(*end, ready);
}

/* The line is in the cache's table: when has it come, or will it have? */
static uint64_t fill_ready(const struct fill *ring, uint64_t end, uint64_t line, uint64_t now)
{
    uint64_t ready = now;

    if (now >= end)
        return now;
    for (unsigned k = 0; k < FILLS; k++)
        if (ring[k].line == line && ring[k].ready > ready)
            ready = ring[k].ready;
    return ready;
}

/* The earliest cycle from @now on at which L1D can ask for a line, which then takes @cycles. */
static uint64_t take_buffer(struct cpu_caches *c, unsigned count, uint64_t now, unsigned cycles)
{
    unsigned first = 0;

    for (unsigned k = 1; k < count; k++)
        if (c->buffers[k] < c->buffers[first])
            first = k;
    uint64_t start = MAX(now, c->buffers[first]);
    c->buffers[first] = start + cycles;
    return start;
}

/* ---- L2 and other CPUs ---- */

static void write_back(struct memory *mem, uint64_t victim)
{
    if (victim & LINE_DIRTY)
        cache_insert(&mem->l2, cache_line_of(victim), LINE_DIRTY);
}

/* Cycles until the line comes from L2, or from memory by way of it. */
static unsigned from_l2(struct memory *mem, uint64_t line)
{
    if (cache_find(&mem->l2, line))
        return mem->core->v[P_lat_l2];
    cache_insert(&mem->l2, line, 0);
    return mem->core->v[P_lat_memory];
}

static unsigned count_l2(struct memory *mem, uint64_t line, struct arm_model_counts *n)
{
    unsigned cycles = from_l2(mem, line);

    n->l2_accesses += mem->l2.lines != NULL;
    n->l2_misses += mem->l2.lines && cycles == mem->core->v[P_lat_memory];
    return cycles;
}

/* Does another CPU's L1D have the line? With @take it has it no longer; else nobody owns it. */
static bool snoop(struct memory *mem, unsigned cpu, uint64_t line, bool take)
{
    bool found = false;

    for (unsigned k = 0; k < mem->cpu_count; k++) {
        uint64_t *entry = k == cpu ? NULL : cache_peek(&mem->cpus[k].l1d, line);
        if (!entry)
            continue;
        found = true;
        if (*entry & LINE_DIRTY)
            write_back(mem, *entry);
        *entry &= ~(uint64_t)(LINE_OWNED | LINE_DIRTY);
        if (take)
            cache_drop(&mem->cpus[k].l1d, line);
    }
    return found;
}

/* ---- the stream prefetcher ---- */

static bool same_page(const struct memory *mem, uint64_t a, uint64_t b)
{
    unsigned log2 = mem->line_log2 < PAGE_LOG2 ? PAGE_LOG2 - mem->line_log2 : 0;

    return a >> log2 == b >> log2;
}

static void prefetch(struct memory *mem, unsigned cpu, uint64_t line, uint64_t now,
                     struct arm_model_counts *n)
{
    struct cpu_caches *c = &mem->cpus[cpu];

    if (cache_peek(&c->l1d, line))
        return;
    n->prefetches++;
    bool shared = snoop(mem, cpu, line, false);
    uint64_t ready = now + from_l2(mem, line);
    write_back(mem, cache_insert(&c->l1d, line, LINE_PREFETCHED | (shared ? 0 : LINE_OWNED)));
    add_fill(c->fills, &c->next_fill, &c->fills_end, line, ready);
}

/* The stream that @line goes on, or the least recently used one. */
static struct stream *find_stream(struct cpu_caches *c, const uint32_t *v, uint64_t line)
{
    struct stream *oldest = &c->streams[0];

    for (unsigned k = 0; k < v[P_streams]; k++) {
        struct stream *s = &c->streams[k];
        int64_t by = (int64_t)(line - s->last);
        if (s->hits && (s->direction ? by == s->direction
                                     : by == 1 || (by == -1 && v[P_prefetcher] == PREFETCH_BOTH)))
            return s;
        if (s->used < oldest->used)
            oldest = s;
    }
    oldest->hits = 0;
    return oldest;
}

/* A line was missed, or one that was prefetched has been used. */
static void train(struct memory *mem, unsigned cpu, uint64_t line, uint64_t now,
                  struct arm_model_counts *n)
{
    const uint32_t *v = mem->core->v;
    struct cpu_caches *c = &mem->cpus[cpu];

    if (v[P_prefetcher] == PREFETCH_NONE)
        return;
    struct stream *s = find_stream(c, v, line);
    s->used = ++c->stream_clock;
    if (!s->hits) {
        *s = (struct stream){.last = line, .ahead = line, .hits = 1, .used = s->used};
        return;
    }
    s->direction = line > s->last ? 1 : -1;
    if (s->hits == 1)
        s->ahead = line;
    s->last = line;
    s->hits++;
    if (s->hits < v[P_prefetch_after])
        return;
    uint64_t until = line + (uint64_t)((int64_t)s->direction * (int64_t)v[P_prefetch_ahead]);
    if ((int64_t)(s->ahead - line) * s->direction < 0)
        s->ahead = line;
    while (s->ahead != until && same_page(mem, line, s->ahead + (uint64_t)(int64_t)s->direction)) {
        s->ahead += (uint64_t)(int64_t)s->direction;
        prefetch(mem, cpu, s->ahead, now, n);
    }
}

/* ---- accesses ---- */

/* The entry is hit: is the line there yet? */
static unsigned hit(struct memory *mem, unsigned cpu, uint64_t *entry, uint64_t line, uint64_t now,
                    struct arm_model_counts *n)
{
    struct cpu_caches *c = &mem->cpus[cpu];
    uint64_t ready = fill_ready(c->fills, c->fills_end, line, now);

    if (*entry & LINE_PREFETCHED) {
        *entry &= ~(uint64_t)LINE_PREFETCHED;
        n->prefetch_useful++;
        n->prefetch_late += ready > now;
        train(mem, cpu, line, now, n);
    }
    return (unsigned)(ready - now);
}

static unsigned miss(struct memory *mem, unsigned cpu, uint64_t line, bool write, uint64_t now,
                     struct arm_model_counts *n)
{
    struct cpu_caches *c = &mem->cpus[cpu];

    n->l1d_misses++;
    bool shared = mem->cpu_count > 1 && snoop(mem, cpu, line, write);
    n->snoops += shared;
    unsigned cycles = count_l2(mem, line, n);
    if (shared)
        cycles = mem->core->v[P_lat_snoop];
    uint64_t start = take_buffer(c, mem->core->v[P_miss_buffers], now, cycles);
    unsigned flags = (write ? LINE_DIRTY : 0) | (write || !shared ? LINE_OWNED : 0);
    write_back(mem, cache_insert(&c->l1d, line, flags));
    add_fill(c->fills, &c->next_fill, &c->fills_end, line, start + cycles);
    train(mem, cpu, line, now, n);
    return (unsigned)(start + cycles - now);
}

unsigned memory_load(struct memory *mem, unsigned cpu, uint64_t pa, uint64_t now,
                     struct arm_model_counts *n)
{
    uint64_t line = pa >> mem->line_log2;
    uint64_t *entry = cache_find(&mem->cpus[cpu].l1d, line);

    n->l1d_accesses++;
    return entry ? hit(mem, cpu, entry, line, now, n) : miss(mem, cpu, line, false, now, n);
}

unsigned memory_store(struct memory *mem, unsigned cpu, uint64_t pa, uint64_t now,
                      struct arm_model_counts *n)
{
    uint64_t line = pa >> mem->line_log2;
    uint64_t *entry = cache_find(&mem->cpus[cpu].l1d, line);

    n->l1d_accesses++;
    if (!entry)
        return miss(mem, cpu, line, true, now, n);
    bool owned = *entry & LINE_OWNED;
    *entry |= LINE_DIRTY | LINE_OWNED;
    unsigned cycles = hit(mem, cpu, entry, line, now, n);
    if (!owned && snoop(mem, cpu, line, true)) {
        n->snoops++;
        cycles += mem->core->v[P_lat_snoop];
    }
    return cycles;
}

/* The lines behind @line are fetched too. */
static void fetch_ahead(struct memory *mem, struct cpu_caches *c, uint64_t line, uint64_t now)
{
    for (unsigned k = 1; k <= mem->core->v[P_fetch_ahead]; k++) {
        if (!same_page(mem, line, line + k) || cache_peek(&c->l1i, line + k))
            continue;
        uint64_t ready = now + from_l2(mem, line + k);
        cache_insert(&c->l1i, line + k, 0);
        add_fill(c->code_fills, &c->next_code_fill, &c->code_fills_end, line + k, ready);
    }
}

unsigned memory_fetch(struct memory *mem, unsigned cpu, uint64_t pa, uint64_t now,
                      struct arm_model_counts *n)
{
    struct cpu_caches *c = &mem->cpus[cpu];
    uint64_t line = pa >> mem->line_log2;
    unsigned cycles;

    n->l1i_accesses++;
    if (cache_find(&c->l1i, line)) {
        cycles = (unsigned)(fill_ready(c->code_fills, c->code_fills_end, line, now) - now);
    } else {
        n->l1i_misses++;
        cycles = count_l2(mem, line, n);
        cache_insert(&c->l1i, line, 0);
    }
    fetch_ahead(mem, c, line, now);
    return cycles;
}

unsigned memory_walk(struct memory *mem, unsigned cpu, uint64_t pa, uint64_t now,
                     struct arm_model_counts *n)
{
    n->walk_accesses++;
    if (mem->core->v[P_walk_reads] == WALK_L1D)
        return mem->core->v[P_lat_load] + memory_load(mem, cpu, pa, now, n);
    return count_l2(mem, pa >> mem->line_log2, n);
}
