#include "checker/names.h"

#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "checker/flow.h"
#include "checker/ldst.h"
#include "symbols/dwarf.h"
#include "symbols/kernels.h"
#include "symbols/symbols.h"

/* How far an object's members are looked for that a load or store has told more of. */
#define NEAR UINT64_C(8192)

/* A file that was given. */
struct file {
    struct symbols *symbols;
    struct dwarf *dwarf; /* NULL: it has none */
    uint64_t offset;     /* by which the program was moved */
};

struct names {
    struct arm_machine *m;
    GArray *files; /* struct file */
    struct kernels *kernels;
};

static void clear_file(void *ptr)
{
    struct file *f = ptr;

    symbols_free(f->symbols);
    dwarf_free(f->dwarf);
}

struct names *names_new(struct arm_machine *m)
{
    struct names *n = g_new0(struct names, 1);

    n->m = m;
    n->files = g_array_new(FALSE, TRUE, sizeof(struct file));
    g_array_set_clear_func(n->files, clear_file);
    n->kernels = kernels_new(m);
    return n;
}

void names_free(struct names *n)
{
    if (!n)
        return;
    kernels_free(n->kernels);
    g_array_unref(n->files);
    g_free(n);
}

int names_add(struct names *n, const char *spec, struct arm_error *err)
{
    g_autofree char *path = NULL;
    struct file f = {0};

    f.symbols = symbols_load(spec, &path, &f.offset, err);
    if (!f.symbols)
        return -ARM_EINVAL;
    f.dwarf = dwarf_read(path);
    g_array_append_val(n->files, f);
    return 0;
}

void names_look(struct names *n, unsigned cpu, uint64_t pc)
{
    kernels_look(n->kernels, cpu, 2, pc);
}

/* Below EL2 the same addresses may be another program's: they are the file's if EL2 maps them there
 * too, or if there is no EL2. */
static bool is_the_same(const struct names *n, unsigned cpu, unsigned el, uint64_t pc)
{
    struct arm_translation low, high;

    if (el == 2)
        return true;
    if (!arm_translate(n->m, cpu, 2, pc, ARM_ACCESS_READ, &high))
        return !high.fault;
    return arm_translate(n->m, cpu, 1, pc, ARM_ACCESS_READ, &low) && low.pa == high.pa;
}

char *names_of(struct names *n, unsigned cpu, unsigned el, uint64_t pc)
{
    char buf[160], line[80];

    if (!n || !is_the_same(n, cpu, el, pc))
        return NULL;
    for (unsigned k = 0; k < n->files->len; k++) {
        const struct file *f = &g_array_index(n->files, struct file, k);
        if (!symbols_name(f->symbols, pc, buf, sizeof(buf)))
            continue;
        bool has_line = f->dwarf && dwarf_line(f->dwarf, pc - f->offset, line, sizeof(line));
        return has_line ? g_strdup_printf("%s (%s)", buf, line) : g_strdup(buf);
    }
    return el == 2 && kernels_name(n->kernels, cpu, 2, pc, buf, sizeof(buf)) ? g_strdup(buf) : NULL;
}

bool names_find(const struct names *n, const char *name, uint64_t *address)
{
    for (unsigned k = 0; n && k < n->files->len; k++)
        if (symbols_find(g_array_index(n->files, struct file, k).symbols, name, address))
            return true;
    return n && kernels_find(n->kernels, name, address);
}

/* ---- slots ---- */

/* The object that the instruction at @s has stored into at @pa, or loaded from. */
static bool object_at(const struct names *n, const struct file *f, const struct site *s,
                      uint64_t pa, struct dwarf_object *o)
{
    struct ldst access;
    uint32_t word;

    if (!s->known || s->el != 2 || s->rt > 31 || !f->dwarf ||
        !arm_virt_read(n->m, s->cpu, 2, s->pc, &word, sizeof(word)) ||
        !ldst_of(word, s->rt, &access) ||
        !dwarf_pointed(f->dwarf, s->pc - f->offset, access.base, access.displacement, o))
        return false;
    if (bit(word, 26) && s->wide)
        o->offset += pa & 8; /* the high half of a vector register */
    return o->offset < o->size;
}

static char *path_in(const struct file *f, const struct dwarf_object *o, uint64_t offset)
{
    char buf[200] = "";

    dwarf_path(f->dwarf, o, offset, buf, sizeof(buf));
    return *buf ? g_strdup(buf) : NULL;
}

/* By an access to @near, which may be in the same object. */
static char *by_access(const struct names *n, const struct file *f, const struct site *s,
                       uint64_t near, uint64_t pa)
{
    struct dwarf_object o;

    if (!object_at(n, f, s, near, &o))
        return NULL;
    uint64_t offset = o.offset + pa - near;
    return offset < o.size ? path_in(f, &o, offset) : NULL;
}

static char *by_store(const struct names *n, const struct file *f, const struct flow *flow,
                      uint64_t near, uint64_t pa)
{
    const struct granule *g = flow_granule(flow, near);

    return g ? by_access(n, f, &g->saved, near, pa) : NULL;
}

/* By what stored there; by what has accessed something close to it; by stores close to it. */
static char *by_flow(const struct names *n, const struct file *f, const struct flow *flow,
                     uint64_t pa)
{
    char *found = by_store(n, f, flow, pa, pa);
    const struct flow_access *all = flow_accesses(flow);

    for (unsigned k = 0; k < FLOW_ACCESSES && !found; k++)
        if (all[k].pa && all[k].pa + NEAR - pa <= 2 * NEAR)
            found = by_access(n, f, &all[k].at, all[k].pa, pa);
    for (uint64_t far = 8; far <= NEAR && !found; far += 8) {
        found = by_store(n, f, flow, pa - far, pa);
        if (!found)
            found = by_store(n, f, flow, pa + far, pa);
    }
    return found;
}

/* A variable: where the program and memory have the same addresses, or by the page that EL2 has
 * there. */
static char *by_variable(const struct names *n, const struct file *f, unsigned cpu, uint64_t pa)
{
    struct dwarf_object o;
    struct arm_translation t;

    if (!f->dwarf || !arm_translate(n->m, cpu, 2, pa, ARM_ACCESS_READ, &t) || t.pa != pa ||
        !dwarf_global(f->dwarf, pa - f->offset, &o))
        return NULL;
    return path_in(f, &o, o.offset);
}

char *names_slot(struct names *n, const struct flow *flow, unsigned cpu, uint64_t pa)
{
    char *found = NULL;

    for (unsigned k = 0; n && k < n->files->len && !found; k++) {
        const struct file *f = &g_array_index(n->files, struct file, k);
        if (f->dwarf && flow)
            found = by_flow(n, f, flow, pa);
        if (!found)
            found = by_variable(n, f, cpu, pa);
    }
    return found;
}
