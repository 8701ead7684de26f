#include "checker/backtrace.h"

#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "checker/checker.h"

#define PAGE UINT64_C(4096)
#define FAR  (UINT64_C(64) << 10) /* at most between two frame records */

struct backtraces {
    GArray *list;        /* struct backtrace; the first is none */
    GHashTable *numbers; /* by contents, GBytes */
};

struct backtraces *backtraces_new(void)
{
    struct backtraces *b = g_new0(struct backtraces, 1);
    const struct backtrace none = {0};

    b->list = g_array_new(FALSE, TRUE, sizeof(struct backtrace));
    g_array_append_val(b->list, none);
    b->numbers =
        g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
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

/* A part of the stack that has been read. */
struct stack {
    uint64_t from, size;
    uint8_t bytes[PAGE];
};

/* The frame record at @fp: the caller's X29, and X30. */
static bool record(const struct arm_checker *c, unsigned cpu, struct stack *s, uint64_t fp,
                   uint64_t pair[2])
{
    if (fp - s->from >= s->size) {
        s->from = fp;
        s->size = PAGE - fp % PAGE;
        if (!arm_virt_read(c->m, cpu, 2, fp, s->bytes, s->size))
            return false;
    }
    if (s->size - (fp - s->from) < 16)
        return false; /* it crosses a page: not one of a stack pointer's alignment */
    memcpy(pair, s->bytes + (fp - s->from), 16);
    return true;
}

/* Without an authentication code, as in a 48-bit address. */
static uint64_t stripped(uint64_t pc)
{
    return pc >> 55 & 1 ? pc | UINT64_C(0xffff) << 48 : pc & ~(UINT64_C(0xffff) << 48);
}

static void unwind(const struct arm_checker *c, unsigned cpu, struct backtrace *out)
{
    struct stack s = {0};
    uint64_t fp = checker_reg(c, cpu, ARM_X(29)), pair[2];

    while (out->count < BACKTRACE_MOST && fp && fp % 16 == 0 && record(c, cpu, &s, fp, pair)) {
        if (pair[1] % 4 || !pair[1])
            break;
        out->pc[out->count++] = stripped(pair[1]);
        if (pair[0] <= fp || pair[0] - fp > FAR)
            break; /* the first one, another stack, or no frame records */
        fp = pair[0];
    }
}

uint32_t backtrace_take(const struct arm_checker *c, unsigned cpu)
{
    struct backtraces *b = c->backtraces;
    struct backtrace now = {0};

    if (!b)
        return 0;
    unwind(c, cpu, &now);
    if (!now.count)
        return 0;
    g_autoptr(GBytes) key = g_bytes_new(now.pc, now.count * sizeof(now.pc[0]));
    uint32_t number = GPOINTER_TO_UINT(g_hash_table_lookup(b->numbers, key));
    if (number)
        return number;
    g_array_append_val(b->list, now);
    number = b->list->len - 1;
    g_hash_table_insert(b->numbers, g_bytes_ref(key), GUINT_TO_POINTER(number));
    return number;
}

const struct backtrace *backtrace_get(const struct arm_checker *c, uint32_t number)
{
    return number ? &g_array_index(c->backtraces->list, struct backtrace, number) : NULL;
}
