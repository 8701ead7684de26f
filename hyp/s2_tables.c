#include "hyp/s2_tables.h"

#include "hyp/cpu.h"
#include "hyp/mem.h"
#include "hyp/mutant.h"
#include "hyp/panic.h"
#include "hyp/s2_desc.h"
#include "hyp/s2_free.h"

bool s2_set(const struct s2_walk *w, uint64_t *entry, uint64_t from, uint64_t to)
{
    if (w->shared)
        s2_race();
    if (MUTANT(lost_dirty)) {
        bool same = load_desc(entry) == from;
        if (same)
            __atomic_store_n(entry, to, __ATOMIC_RELEASE);
        return same;
    }
    /* Alone, it can still fail for the hardware: the access flag and DBM. */
    return __atomic_compare_exchange_n(entry, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* A frozen entry becomes what it should; false: its table has died meanwhile. */
static bool thaw(const struct s2_walk *w, uint64_t *entry, uint64_t to)
{
    return s2_set(w, entry, DESC_FROZEN, to);
}

static uint64_t *new_table(const struct s2_walk *w)
{
    if (w->budget && w->budget->count)
        return w->budget->table[--w->budget->count];
    return mem_alloc(table_bytes(w->s));
}

/* Nobody has seen it. */
static void unused_table(const struct s2_walk *w, uint64_t *table)
{
    mem_free(table, table_bytes(w->s));
}

/* The table that an entry leads to, made if there is nothing. NULL: it is a leaf, or frozen. */
static uint64_t *table_below(const struct s2_walk *w, uint64_t *entry, unsigned level)
{
    uint64_t desc = load_desc(entry);

    if (desc == 0) {
        uint64_t *below = new_table(w);

        dsb(ishst); /* the walker sees an empty table before it sees the table */
        if (s2_set(w, entry, 0, table_desc(below)))
            return below;
        unused_table(w, below);
        desc = load_desc(entry);
    }
    return is_table(desc, level) ? next_table(desc) : NULL;
}

/* The first entry of the contiguous group that one is in, and its address. */
static uint64_t *group_start(const struct stage2 *s, uint64_t *entry, uint64_t *ipa)
{
    unsigned n = contiguous_pages(s), index = (unsigned)(*ipa >> s->page_log2) % n;

    *ipa = align_down(*ipa, (uint64_t)n << s->page_log2);
    return entry - index;
}

static void thaw_all(const struct s2_walk *w, uint64_t *entry, unsigned n, uint64_t to)
{
    for (unsigned k = 0; k < n; k++)
        thaw(w, &entry[k], to);
}

/* Each is valid only when all were free: else other pages of the group would be valid with another
 * meaning. */
static bool map_group(const struct s2_walk *w, uint64_t *entry, uint64_t ipa, uint64_t pa,
                      uint64_t attributes)
{
    unsigned n = contiguous_pages(w->s), k;
    uint64_t first = ipa, page = table_bytes(w->s);

    entry = group_start(w->s, entry, &first);
    pa -= ipa - first;
    if (!is_aligned(pa, n * page))
        return false;
    for (k = 0; k < n && load_desc(&entry[k]) == 0 && s2_set(w, &entry[k], 0, DESC_FROZEN); k++)
        ;
    if (k < n) {
        thaw_all(w, entry, k, 0);
        return false;
    }
    for (k = 0; k < n; k++)
        thaw(w, &entry[k],
             leaf(3, pa + k * page,
                  MUTANT(bbm_uneven) && k == n - 1 ? attributes : attributes | DESC_CONTIGUOUS));
    return true;
}

static enum s2_step map_here(const struct s2_walk *w, uint64_t *entry, uint64_t ipa, uint64_t pa,
                             unsigned level, uint64_t attributes, bool contiguous)
{
    uint64_t desc = load_desc(entry);

    if (is_frozen(desc))
        return S2_AGAIN;
    if (desc == 0 && level == 3 && contiguous && map_group(w, entry, ipa, pa, attributes))
        desc = load_desc(entry);
    if (desc == 0 && !s2_set(w, entry, 0, leaf(level, pa, attributes)))
        return S2_AGAIN;
    dsb(ishst); /* a walk after this finds it; nothing invalid is ever in a TLB */
    return S2_DONE;
}

enum s2_step s2_map(const struct s2_walk *w, uint64_t ipa, uint64_t pa, unsigned level,
                    uint64_t attributes, bool contiguous)
{
    struct stage2 *s = w->s;
    uint64_t *table = s->root, *entry;

    for (unsigned at = s->start_level;; at++) {
        entry = entry_of(s, table, at, ipa);
        uint64_t desc = load_desc(entry);

        if (is_leaf(desc, at))
            return S2_DONE;
        if (at == 3 || (at == level && !is_table(desc, at)))
            return map_here(w, entry, align_down(ipa, level_step(s, at)),
                            align_down(pa, level_step(s, at)), at, attributes, contiguous);
        table = table_below(w, entry, at);
        if (!table)
            return S2_AGAIN;
    }
}

/* The entry that translates an address, NULL if there is none or it is frozen: *step says which. */
static uint64_t *find_leaf(const struct s2_walk *w, uint64_t ipa, unsigned *level,
                           enum s2_step *step)
{
    uint64_t *table = w->s->root;

    for (unsigned at = w->s->start_level;; at++) {
        uint64_t *entry = entry_of(w->s, table, at, ipa), desc = load_desc(entry);

        *level = at;
        if (is_leaf(desc, at))
            return entry;
        if (!is_table(desc, at)) {
            *step = is_frozen(desc) ? S2_AGAIN : S2_ABSENT;
            return NULL;
        }
        table = next_table(desc);
    }
}

enum s2_step s2_split(const struct s2_walk *w, uint64_t *entry, unsigned level, uint64_t ipa)
{
    struct stage2 *s = w->s;
    uint64_t block = load_desc(entry), step = level_step(s, level + 1);
    uint64_t between = MUTANT(bbm_replace) ? block : DESC_FROZEN;
    uint64_t *below;

    if (!is_leaf(block, level) || !s2_set(w, entry, block, between))
        return S2_AGAIN;
    below = new_table(w);
    for (unsigned k = 0; k < table_entries(s); k++)
        below[k] = leaf(level + 1, (block & DESC_ADDRESS) + k * step, block & DESC_ATTRIBUTES) &
                   (block | ~DESC_AF);
    if (!MUTANT(bbm_split))
        stage2_forget(s, align_down(ipa, level_step(s, level)), step, step);
    if (!s2_set(w, entry, between, table_desc(below))) {
        unused_table(w, below);
        return S2_AGAIN;
    }
    dsb(ishst);
    return S2_DONE;
}

enum s2_step s2_part(const struct s2_walk *w, uint64_t *entry, uint64_t ipa)
{
    struct stage2 *s = w->s;
    unsigned n = contiguous_pages(s), k;
    uint64_t was[128], first = ipa;

    entry = group_start(s, entry, &first);
    for (k = 0; k < n; k++) {
        was[k] = load_desc(&entry[k]);
        if (!is_leaf(was[k], 3) || !(was[k] & DESC_CONTIGUOUS) ||
            !s2_set(w, &entry[k], was[k], DESC_FROZEN))
            break;
    }
    if (k == n && !MUTANT(bbm_contiguous))
        stage2_forget(s, first, n * table_bytes(s), table_bytes(s));
    for (unsigned j = 0; j < k; j++)
        thaw(w, &entry[j], k == n ? was[j] & ~DESC_CONTIGUOUS : was[j]);
    dsb(ishst);
    return k == n ? S2_DONE : S2_AGAIN;
}

/* A page or block of its own, or smaller if it must be for one page to differ from others. */
static enum s2_step alone(const struct s2_walk *w, uint64_t *entry, unsigned level, uint64_t ipa,
                          bool page)
{
    if (load_desc(entry) & DESC_CONTIGUOUS)
        return s2_part(w, entry, ipa);
    if (page && level < 3)
        return s2_split(w, entry, level, ipa);
    return S2_ABSENT; /* it is already */
}

/* Once: S2_AGAIN also after a step on the way. */
static enum s2_step allow_once(const struct s2_walk *w, uint64_t ipa, bool write, bool *progress)
{
    enum s2_step step = S2_DONE;
    unsigned level;
    uint64_t *entry = find_leaf(w, ipa, &level, &step);
    uint64_t desc = entry ? load_desc(entry) : 0, wanted = desc | DESC_AF;

    if (!entry)
        return step;
    if (!is_leaf(desc, level))
        return S2_AGAIN;
    if (write && !(desc & (DESC_RAM | DESC_WRITE)))
        return S2_DENIED;
    if (write)
        wanted |= DESC_WRITE;
    if (wanted == desc)
        return S2_DONE;
    step = alone(w, entry, level, ipa, write && w->s->dirty);
    if (step != S2_ABSENT) {
        *progress = step == S2_DONE;
        return S2_AGAIN;
    }
    return s2_set(w, entry, desc, wanted) ? S2_DONE : S2_AGAIN;
}

enum s2_step s2_allow(const struct s2_walk *w, uint64_t ipa, bool write)
{
    enum s2_step step;
    bool progress;

    do {
        progress = false;
        step = allow_once(w, ipa, write, &progress);
    } while (step == S2_AGAIN && progress);
    /* This CPU may still hold the entry that did not allow it (DDI0487 D8.14): others will come
     * here themselves. */
    if (step == S2_DONE && write)
        stage2_forget_here(w->s, ipa);
    return step;
}

/* All entries of a table that is taken out. Whoever has one frozen finds it dead. */
void s2_kill(const struct s2_walk *w, uint64_t *table)
{
    for (unsigned k = 0; k < table_entries(w->s); k++)
        __atomic_exchange_n(&table[k], DESC_DEAD, __ATOMIC_ACQ_REL);
    if (w->shared)
        s2_free_later(table, table_bytes(w->s));
    else
        mem_free(table, table_bytes(w->s));
}

/* A table of pages that are all to go. Higher tables stay: there are few. */
static enum s2_step zap_pages(const struct s2_walk *w, uint64_t *entry, uint64_t desc, uint64_t ipa)
{
    if (w->shared && s2_waiting() >= S2_WAITING_ENOUGH)
        return S2_AGAIN;
    if (!s2_set(w, entry, desc, DESC_FROZEN))
        return S2_AGAIN;
    stage2_forget(w->s, align_down(ipa, level_step(w->s, 2)), level_step(w->s, 2),
                  level_step(w->s, 3));
    s2_kill(w, next_table(desc));
    thaw(w, entry, 0);
    return S2_DONE;
}

/* Leaves side by side that go as a whole, @n at most; *done: how many it were. */
static enum s2_step zap_leaves(const struct s2_walk *w, uint64_t *entry, unsigned level,
                               uint64_t ipa, unsigned n, unsigned *done)
{
    uint64_t step = level_step(w->s, level);
    unsigned k;

    for (k = 0; k < n; k++) {
        uint64_t desc = load_desc(&entry[k]);
        if (!is_leaf(desc, level) || (desc & DESC_CONTIGUOUS) ||
            !s2_set(w, &entry[k], desc, DESC_FROZEN))
            break;
    }
    *done = k;
    if (!k)
        return S2_AGAIN;
    if (!MUTANT(tlb_miss_zap))
        stage2_forget(w->s, ipa, k * step, step);
    thaw_all(w, entry, k, 0);
    return S2_DONE;
}

/* What the entry at @ipa wants before or instead of being zapped. *n: bytes that are dealt with. */
static enum s2_step zap_entry(const struct s2_walk *w, uint64_t *table, unsigned level,
                              uint64_t ipa, uint64_t size, uint64_t *n);

static enum s2_step zap_table(const struct s2_walk *w, uint64_t *table, unsigned level,
                              uint64_t ipa, uint64_t size)
{
    while (size) {
        uint64_t n = 0;
        enum s2_step step = zap_entry(w, table, level, ipa, size, &n);

        if (step == S2_AGAIN)
            return step;
        ipa += n;
        size -= n;
    }
    return S2_DONE;
}

static enum s2_step zap_entry(const struct s2_walk *w, uint64_t *table, unsigned level,
                              uint64_t ipa, uint64_t size, uint64_t *n)
{
    uint64_t *entry = entry_of(w->s, table, level, ipa), desc = load_desc(entry);
    uint64_t step = level_step(w->s, level), here = part(w->s, level, ipa, size);
    uint64_t whole = size >> level_shift(w->s, level);
    unsigned run, done, left = table_entries(w->s) - (unsigned)(entry - table);

    *n = here;
    if (desc == 0)
        return S2_DONE;
    if (is_frozen(desc))
        return S2_AGAIN;
    if (is_table(desc, level)) {
        if (level == 2 && here == step)
            return zap_pages(w, entry, desc, ipa);
        return zap_table(w, next_table(desc), level + 1, ipa, here);
    }
    *n = 0;
    if (desc & DESC_CONTIGUOUS)
        return s2_part(w, entry, ipa);
    if (here < step)
        return s2_split(w, entry, level, ipa);
    run = level == w->s->start_level ? 1 : (unsigned)(whole < left ? whole : left);
    enum s2_step result = zap_leaves(w, entry, level, ipa, run, &done);
    *n = done * step;
    return result;
}

enum s2_step s2_zap(const struct s2_walk *w, uint64_t ipa, uint64_t size)
{
    return zap_table(w, w->s->root, w->s->start_level, ipa, size);
}
