/* Break- and watchpoints. */
#include "gdb/state.h"

/* "KIND,ADDRESS,SIZE"; a breakpoint's size says nothing. */
static bool parse(const char *rest, struct gdb_point *p)
{
    uint64_t kind;

    if (!gdb_take_hex(&rest, &kind) || kind > GDB_POINT_ACCESS || *rest++ != ',' ||
        !gdb_take_hex(&rest, &p->address) || *rest++ != ',' || !gdb_take_hex(&rest, &p->size))
        return false;
    p->kind = (enum gdb_point_kind)kind;
    if (p->kind <= GDB_POINT_HARDWARE)
        p->size = 4;
    return true;
}

static bool is_break(const struct gdb_point *p)
{
    return p->kind <= GDB_POINT_HARDWARE;
}

static unsigned count_like(const struct gdb_server *s, const struct gdb_point *p)
{
    unsigned count = 0;

    for (guint k = 0; k < s->points->len; k++)
        count += is_break(&g_array_index(s->points, struct gdb_point, k)) == is_break(p);
    return count;
}

static int find(const struct gdb_server *s, const struct gdb_point *p)
{
    for (guint k = 0; k < s->points->len; k++) {
        const struct gdb_point *q = &g_array_index(s->points, struct gdb_point, k);
        if (q->kind == p->kind && q->address == p->address && q->size == p->size)
            return (int)k;
    }
    return -1;
}

/* A watchpoint is at most a page, and in one. */
static bool fits(const struct gdb_point *p)
{
    return is_break(p) ||
           (p->size >= 1 && p->size <= 4096 && (p->address & 4095) + p->size <= 4096);
}

bool gdb_do_insert(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    struct gdb_point p;

    (void)size;
    if (!parse(rest, &p) || !fits(&p)) {
        g_string_assign(reply, "E16");
        return true;
    }
    if (find(s, &p) < 0) {
        if (count_like(s, &p) >= (is_break(&p) ? GDB_BREAKPOINTS_MAX : GDB_WATCHPOINTS_MAX)) {
            g_string_assign(reply, "E1c");
            return true;
        }
        g_array_append_val(s->points, p);
    }
    g_string_assign(reply, "OK");
    return true;
}

bool gdb_do_remove(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    struct gdb_point p;

    (void)size;
    if (!parse(rest, &p)) {
        g_string_assign(reply, "E16");
        return true;
    }
    int k = find(s, &p);
    if (k >= 0)
        g_array_remove_index(s->points, (guint)k);
    g_string_assign(reply, "OK");
    return true;
}
