/* Flags of what is mapped: the right to write, the access flag; blocks into pages and back. */
#include "hyp/mem.h"
#include "hyp/mutant.h"
#include "hyp/s2_desc.h"
#include "hyp/s2_free.h"
#include "hyp/s2_tables.h"

struct clearing {
    const struct s2_walk *w;
    uint64_t bits;
    s2_hit *hit;
    void *arg;
    bool any;
};

static enum s2_step clear_leaf(struct clearing *c, uint64_t *entry, uint64_t desc, unsigned level,
                               uint64_t ipa)
{
    if (!(desc & c->bits))
        return S2_DONE;
    if (desc & DESC_CONTIGUOUS) {
        enum s2_step step = s2_part(c->w, entry, ipa);
        desc = load_desc(entry);
        if (step != S2_DONE || !is_leaf(desc, level))
            return S2_AGAIN;
    }
    if (!s2_set(c->w, entry, desc, desc & ~c->bits))
        return S2_AGAIN;
    c->any = true;
    if (c->hit)
        c->hit(c->arg, align_down(ipa, level_step(c->w->s, level)), level_step(c->w->s, level));
    return S2_DONE;
}

static enum s2_step clear_table(struct clearing *c, uint64_t *table, unsigned level, uint64_t ipa,
                                uint64_t size)
{
    enum s2_step step = S2_DONE;

    while (size && step == S2_DONE) {
        uint64_t *entry = entry_of(c->w->s, table, level, ipa), desc = load_desc(entry);
        uint64_t n = part(c->w->s, level, ipa, size);

        if (is_frozen(desc))
            step = S2_AGAIN;
        else if (is_table(desc, level))
            step = clear_table(c, next_table(desc), level + 1, ipa, n);
        else if (desc)
            step = clear_leaf(c, entry, desc, level, ipa);
        ipa += n;
        size -= n;
    }
    return step;
}

enum s2_step s2_clear(const struct s2_walk *w, uint64_t ipa, uint64_t size, uint64_t bits_,
                      s2_hit *hit, void *arg)
{
    struct clearing c = {w, bits_, hit, arg, false};
    enum s2_step step = clear_table(&c, w->s->root, w->s->start_level, ipa, size);

    /* Also of what was done before another was in the way. */
    if (c.any && !(MUTANT(tlb_miss_log) && bits_ == DESC_WRITE))
        stage2_forget(w->s, ipa, size, table_bytes(w->s));
    return step;
}

static enum s2_step split_table(const struct s2_walk *w, uint64_t *table, unsigned level,
                                uint64_t ipa, uint64_t size)
{
    while (size) {
        uint64_t *entry = entry_of(w->s, table, level, ipa), desc = load_desc(entry);
        uint64_t n = part(w->s, level, ipa, size);
        enum s2_step step = S2_DONE;

        if (is_frozen(desc))
            return S2_AGAIN;
        if (level < 3 && is_leaf(desc, level))
            step = s2_split(w, entry, level, ipa);
        else if (level == 3 && (desc & DESC_CONTIGUOUS))
            step = s2_part(w, entry, ipa);
        if (step != S2_DONE)
            return step;
        desc = load_desc(entry);
        if (is_table(desc, level))
            step = split_table(w, next_table(desc), level + 1, ipa, n);
        if (step != S2_DONE)
            return step;
        ipa += n;
        size -= n;
    }
    return S2_DONE;
}

enum s2_step s2_split_range(const struct s2_walk *w, uint64_t ipa, uint64_t size)
{
    return split_table(w, w->s->root, w->s->start_level, ipa, size);
}

/* What pages of one block may differ in. */
#define VARIES (DESC_ADDRESS | DESC_AF)

/* The descriptor of the block that a table's pages are, with its access flag set; 0:
 * they are none. */
static uint64_t as_block(const struct stage2 *s, const uint64_t *table)
{
    uint64_t first = load_desc(&table[0]);

    if (!is_leaf(first, 3) || first & DESC_CONTIGUOUS ||
        !is_aligned(first & DESC_ADDRESS, level_step(s, 2)))
        return 0;
    for (unsigned k = 0; k < table_entries(s); k++) {
        uint64_t desc = load_desc(&table[k]);

        if (((desc ^ first) & ~VARIES) || !is_leaf(desc, 3) ||
            (desc & DESC_ADDRESS) != (first & DESC_ADDRESS) + k * table_bytes(s))
            return 0;
    }
    return (first & ~DESC_TABLE) | DESC_AF;
}

static uint64_t *level_2_entry(const struct stage2 *s, uint64_t ipa)
{
    uint64_t *table = s->root;

    for (unsigned at = s->start_level; at < 2; at++) {
        uint64_t desc = load_desc(entry_of(s, table, at, ipa));

        if (!is_table(desc, at))
            return NULL;
        table = next_table(desc);
    }
    return entry_of(s, table, 2, ipa);
}

static uint64_t page_of(const struct stage2 *s, uint64_t block, unsigned k)
{
    return leaf(3, (block & DESC_ADDRESS) + k * table_bytes(s), block & DESC_ATTRIBUTES);
}

/* Take every entry, each still that page of the block; or put all back. *block is old if one is. */
static bool take_pages(const struct s2_walk *w, uint64_t *table, uint64_t *block)
{
    unsigned k, n = table_entries(w->s);
    uint64_t af = DESC_AF;

    for (k = 0; k < n; k++) {
        uint64_t desc = load_desc(&table[k]);

        if ((desc | DESC_AF) != page_of(w->s, *block, k) ||
            !s2_set(w, &table[k], desc, DESC_FROZEN))
            break;
        af &= desc;
    }
    if (k == n) {
        *block &= af | ~DESC_AF;
        return true;
    }
    while (k--)
        s2_set(w, &table[k], DESC_FROZEN, page_of(w->s, *block, k));
    return false;
}

enum s2_step s2_collapse(const struct s2_walk *w, uint64_t ipa)
{
    struct stage2 *s = w->s;
    uint64_t *entry = level_2_entry(s, ipa), desc = entry ? load_desc(entry) : 0, block;
    uint64_t base = align_down(ipa, level_step(s, 2));
    enum s2_step step;
    bool whole;

    if (is_frozen(desc))
        return S2_AGAIN;
    if (!is_table(desc, 2))
        return S2_ABSENT;
    step = s2_split_range(w, base, level_step(s, 2)); /* no group of contiguous pages is left */
    if (step != S2_DONE)
        return step;
    if (!(block = as_block(s, next_table(desc))))
        return S2_ABSENT;
    if (w->shared && s2_waiting() >= S2_WAITING_ENOUGH)
        return S2_AGAIN;
    if (!s2_set(w, entry, desc, DESC_FROZEN))
        return S2_AGAIN;
    if (!MUTANT(bbm_collapse))
        stage2_forget(s, base, level_step(s, 2), level_step(s, 3));
    whole = take_pages(w, next_table(desc), &block);
    s2_set(w, entry, DESC_FROZEN, whole ? block : desc);
    dsb(ishst);
    if (!whole)
        return S2_AGAIN;
    s2_kill(w, next_table(desc));
    return S2_DONE;
}
