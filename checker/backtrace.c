#include "checker/backtrace.h"

#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "checker/checker.h"

#define FAR (UINT64_C(64) << 10) /* at most between two frame records */

#define MEMOS 256

/* Frame records that have been walked. Those that are still where they were, and the same, need not
 * be found again: each by its address in the CPU's translation, which costs more than all else. */
struct memo {
    uint64_t fp; /* 0: none */
    unsigned cpu;
    uint32_t number;
    unsigned count;
    uint64_t pa[BACKTRACE_MOST + 1];
    uint64_t pair[BACKTRACE_MOST + 1][2];
};

struct backtraces {
    GArray *list;        /* struct backtrace; the first is none */
    GHashTable *numbers; /* by contents, struct backtrace */
    struct memo memos[MEMOS];
};

static guint hash(gconstpointer key)
{
    const struct backtrace *t = key;
    uint64_t h = t->count;

    for (unsigned k = 0; k < t->count; k++)
        h = (h ^ t->pc[k]) * UINT64_C(0x9e3779b97f4a7c15);
    return (guint)(h >> 32);
}

static gboolean equal(gconstpointer a, gconstpointer b)
{
    const struct backtrace *s = a, *t = b;

    return s->count == t->count && !memcmp(s->pc, t->pc, s->count * sizeof(s->pc[0]));
}

struct backtraces *backtraces_new(void)
{
    struct backtraces *b = g_new0(struct backtraces, 1);
    const struct backtrace none = {0};

    b->list = g_array_new(FALSE, TRUE, sizeof(struct backtrace));
    g_array_append_val(b->list, none);
    b->numbers = g_hash_table_new_full(hash, equal, g_free, NULL);
    return b;
}

void backtraces_free(struct backtraces *b)
{
    if (!b)
        return;
    g_hash_table_unref(b->numbers);
    g_array_unref(b->list);
    g_free(b);
}

/* A page of the stack. */
struct page {
    bool known;
    uint64_t va, pa;
};

/* The frame record at @fp: the caller's X29, and X30. It lies where the last one does, in @page,
 * mostly. */
static bool record(const struct arm_checker *c, unsigned cpu, struct memo *m, uint64_t fp,
                   struct page *page)
{
    const uint64_t offset = fp & MASK(11, 0);
    struct arm_translation t;

    if (!page->known || page->va != fp - offset) {
        if (!arm_translate(c->m, cpu, 2, fp, ARM_ACCESS_READ, &t))
            return false;
        *page = (struct page){.known = true, .va = fp - offset, .pa = t.pa - offset};
    }
    if (!arm_mem_read(c->m, page->pa + offset, m->pair[m->count], sizeof(m->pair[0])))
        return false;
    m->pa[m->count++] = page->pa + offset;
    return true;
}

/* Without an authentication code, as in a 48-bit address. */
static uint64_t stripped(uint64_t pc)
{
    return pc >> 55 & 1 ? pc | UINT64_C(0xffff) << 48 : pc & ~(UINT64_C(0xffff) << 48);
}

static void unwind(const struct arm_checker *c, unsigned cpu, struct memo *m, struct backtrace *out)
{
    uint64_t fp = m->fp;
    struct page page = {0};

    while (out->count < BACKTRACE_MOST && fp && fp % 16 == 0 && record(c, cpu, m, fp, &page)) {
        const uint64_t *pair = m->pair[m->count - 1];
        if (pair[1] % 4 || !pair[1])
            break;
        out->pc[out->count++] = stripped(pair[1]);
        if (pair[0] <= fp || pair[0] - fp > FAR)
            break; /* the first one, another stack, or no frame records */
        fp = pair[0];
    }
}

static bool is_still(const struct arm_checker *c, const struct memo *m)
{
    uint64_t pair[2];

    for (unsigned k = 0; k < m->count; k++)
        if (!arm_mem_read(c->m, m->pa[k], pair, sizeof(pair)) ||
            memcmp(pair, m->pair[k], sizeof(pair)) != 0)
            return false;
    return true;
}

static uint32_t number_of(struct backtraces *b, const struct backtrace *t)
{
    uint32_t number = GPOINTER_TO_UINT(g_hash_table_lookup(b->numbers, t));

    if (number || !t->count)
        return number;
    g_array_append_val(b->list, *t);
    number = b->list->len - 1;
    g_hash_table_insert(b->numbers, g_memdup2(t, sizeof(*t)), GUINT_TO_POINTER(number));
    return number;
}

uint32_t backtrace_take(const struct arm_checker *c, unsigned cpu)
{
    struct backtraces *b = c->backtraces;
    uint64_t fp = checker_reg(c, cpu, ARM_X(29));
    struct backtrace now = {0};

    if (!b || !fp || fp % 16)
        return 0;
    struct memo *m = &b->memos[(fp >> 4 ^ fp >> 12) % MEMOS];
    if (m->fp == fp && m->cpu == cpu && is_still(c, m))
        return m->number;
    m->fp = fp;
    m->cpu = cpu;
    m->count = 0;
    unwind(c, cpu, m, &now);
    m->number = number_of(b, &now);
    if (!m->count)
        m->fp = 0;
    return m->number;
}

const struct backtrace *backtrace_get(const struct arm_checker *c, uint32_t number)
{
    return number ? &g_array_index(c->backtraces->list, struct backtrace, number) : NULL;
}
