#include "symbols/lines.h"

#include <dwarf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbols/libdw.h"

/* What is being read. */
struct reader {
    const struct libdw *lib;
    struct lines *lines;
    GHashTable *files;  /* path: its number and 1 */
    const char *folder; /* of the unit, or NULL */
};

static unsigned file_number(struct reader *r, const char *name)
{
    g_autofree char *path = g_canonicalize_filename(name, r->folder ? r->folder : "/");
    unsigned number = GPOINTER_TO_UINT(g_hash_table_lookup(r->files, path));

    if (!number) {
        g_ptr_array_add(r->lines->files, g_strdup(path));
        number = r->lines->files->len;
        g_hash_table_insert(r->files, g_steal_pointer(&path), GUINT_TO_POINTER(number));
    }
    return number - 1;
}

/* A row of the line table is the code up to the next row, which may be the end of a sequence. */
static void read_lines(struct reader *r, Dwarf_Die *unit)
{
    const struct libdw *dw = r->lib;
    Dwarf_Lines *table;
    size_t count;

    if (dw->getsrclines(unit, &table, &count) != 0)
        return;
    for (size_t k = 0; k + 1 < count; k++) {
        Dwarf_Line *row = dw->onesrcline(table, k), *next = dw->onesrcline(table, k + 1);
        Dwarf_Addr address, end;
        const char *file = dw->linesrc(row, NULL, NULL);
        bool over;
        int line;
        if (!file || dw->lineendsequence(row, &over) != 0 || over ||
            dw->lineaddr(row, &address) != 0 || dw->lineaddr(next, &end) != 0 ||
            dw->lineno(row, &line) != 0 || line <= 0 || end <= address)
            continue;
        struct line_code code = {address, end, file_number(r, file), (unsigned)line};
        g_array_append_val(r->lines->code, code);
    }
}

static int read_function(Dwarf_Die *die, void *ctx)
{
    struct reader *r = ctx;
    const struct libdw *dw = r->lib;
    const char *name = dw->diename(die), *file = dw->decl_file(die);
    Dwarf_Addr entry;
    int line;

    if (!name || !file || dw->decl_line(die, &line) != 0 || line <= 0 ||
        dw->entrypc(die, &entry) != 0)
        return DWARF_CB_OK; /* declared, or inlined everywhere */
    struct line_function f = {g_strdup(name), entry, file_number(r, file), (unsigned)line};
    g_array_append_val(r->lines->functions, f);
    return DWARF_CB_OK;
}

static void read_units(struct reader *r, Dwarf *file)
{
    const struct libdw *dw = r->lib;
    Dwarf_Off at = 0, next;
    size_t header;

    for (; dw->nextcu(file, at, &next, &header, NULL, NULL, NULL) == 0; at = next) {
        Dwarf_Attribute attr;
        Dwarf_Die unit;
        if (!dw->offdie(file, at + header, &unit))
            continue;
        r->folder = dw->attr(&unit, DW_AT_comp_dir, &attr) ? dw->formstring(&attr) : NULL;
        read_lines(r, &unit);
        dw->getfuncs(&unit, read_function, r, 0);
    }
}

static int by_code(const void *a, const void *b)
{
    const struct line_code *x = a, *y = b;

    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return x->file != y->file  ? (x->file < y->file ? -1 : 1)
           : x->line < y->line ? -1
                               : x->line > y->line;
}

static int by_entry(const void *a, const void *b)
{
    const struct line_function *x = a, *y = b;

    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void clear_function(void *f)
{
    g_free(((struct line_function *)f)->name);
}

struct lines *lines_read(const char *path)
{
    struct libdw dw;

    if (!libdw_load(&dw))
        return NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    Dwarf *file = fd < 0 ? NULL : dw.begin(fd, DWARF_C_READ);
    struct lines *l = g_new0(struct lines, 1);
    struct reader r = {&dw, l, g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL), NULL};

    l->files = g_ptr_array_new_with_free_func(g_free);
    l->code = g_array_new(FALSE, TRUE, sizeof(struct line_code));
    l->functions = g_array_new(FALSE, TRUE, sizeof(struct line_function));
    g_array_set_clear_func(l->functions, clear_function);
    if (file)
        read_units(&r, file);
    g_hash_table_unref(r.files);
    dw.end(file);
    if (fd >= 0)
        close(fd);
    if (!l->code->len) {
        lines_free(l);
        return NULL;
    }
    g_array_sort(l->code, by_code);
    g_array_sort(l->functions, by_entry);
    return l;
}

void lines_free(struct lines *l)
{
    if (!l)
        return;
    g_ptr_array_unref(l->files);
    g_array_unref(l->code);
    g_array_unref(l->functions);
    g_free(l);
}

const struct line_code *lines_find(const struct lines *l, uint64_t address)
{
    unsigned lo = 0, hi = l ? l->code->len : 0;

    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;
        if (g_array_index(l->code, struct line_code, mid).address <= address)
            lo = mid + 1;
        else
            hi = mid;
    }
    const struct line_code *found = lo ? &g_array_index(l->code, struct line_code, lo - 1) : NULL;
    return found && address < found->end ? found : NULL;
}
