#include "trace/names.h"

#include <glib.h>
#include <string.h>

#include "symbols/kernels.h"
#include "symbols/symbols.h"

/* A kernel's image is moved by a multiple of this. */
#define MOVE_UNIT (UINT64_C(64) << 10)

/* Words that are compared to know a page again, a power of two. */
#define WINDOW 16

/* Where a world has the program of a file. */
struct move {
    bool guest;
    uint16_t vmid;
    uint64_t offset;
};

/* A page of a world: has it the file's instructions? */
struct page {
    uint64_t number;
    uint16_t vmid;
    bool guest, high; /* high: EL2's */
    bool same;
};

struct file {
    char *path;
    struct symbols *symbols;
    GHashTable *pages; /* struct page, by itself; NULL: the file has no instructions */
    uint64_t vectors;  /* of a kernel that may have moved itself; 0: none */
    GArray *moves;     /* struct move */
};

struct trace_names {
    struct arm_machine *m;
    GArray *files; /* struct file */
    struct kernels *kernels;
    bool any_vectors;
    int handle; /* of the subscription that learns where kernels are; 0: none */
};

static void clear_file(void *ptr)
{
    struct file *f = ptr;

    g_free(f->path);
    symbols_free(f->symbols);
    g_array_unref(f->moves);
    if (f->pages)
        g_hash_table_unref(f->pages);
}

static unsigned page_hash(const void *key)
{
    const struct page *p = key;

    return (unsigned)(p->number ^ p->number >> 20) * 4 + p->vmid * 31U + p->guest * 2U + p->high;
}

static int same_page(const void *a, const void *b)
{
    const struct page *x = a, *y = b;

    return x->number == y->number && x->vmid == y->vmid && x->guest == y->guest &&
           x->high == y->high;
}

struct trace_names *trace_names_new(struct arm_machine *m)
{
    struct trace_names *n = g_new0(struct trace_names, 1);

    n->m = m;
    n->files = g_array_new(FALSE, TRUE, sizeof(struct file));
    g_array_set_clear_func(n->files, clear_file);
    n->kernels = kernels_new(m);
    return n;
}

void trace_names_free(struct trace_names *n)
{
    if (!n)
        return;
    if (n->handle)
        arm_unsubscribe(n->m, n->handle);
    g_array_unref(n->files);
    kernels_free(n->kernels);
    g_free(n);
}

static struct file *file_at(const struct trace_names *n, unsigned k)
{
    return &g_array_index(n->files, struct file, k);
}

int trace_names_add(struct trace_names *n, const char *spec, struct arm_error *err)
{
    struct file f = {0};
    uint64_t offset, vectors;

    f.symbols = symbols_load(spec, &f.path, &offset, err);
    if (!f.symbols)
        return -ARM_EINVAL;
    if (!offset && symbols_find(f.symbols, "vectors", &vectors) && vectors >> 63)
        f.vectors = vectors;
    f.moves = g_array_new(FALSE, TRUE, sizeof(struct move));
    if (!f.vectors)
        /* symbols_load() has moved its symbols already. */
        g_array_append_val(f.moves, ((struct move){false, 0, 0}));
    if (symbols_have_code(f.symbols))
        f.pages = g_hash_table_new_full(page_hash, same_page, g_free, NULL);
    n->any_vectors |= f.vectors != 0;
    g_array_append_val(n->files, f);
    return 0;
}

/* ---- where it is ---- */

static void moved(struct file *f, bool guest, uint16_t vmid, uint64_t offset)
{
    for (unsigned k = 0; k < f->moves->len; k++) {
        struct move *m = &g_array_index(f->moves, struct move, k);
        if (m->guest == guest && m->vmid == vmid) {
            m->offset = offset;
            return;
        }
    }
    struct move m = {guest, vmid, offset};
    g_array_append_val(f->moves, m);
}

/* VBAR_EL1 is @vbar, as the code at @pc has set it; the trampolines that a kernel has for user
 * space are elsewhere. */
static void learn(struct trace_names *n, bool guest, uint16_t vmid, uint64_t vbar,
                  const uint64_t *pc)
{
    char name[16];

    for (unsigned k = 0; k < n->files->len; k++) {
        struct file *f = file_at(n, k);
        uint64_t offset = vbar - f->vectors;
        if (f->vectors && vbar >> 63 && offset % MOVE_UNIT == 0 &&
            (!pc || symbols_name(f->symbols, *pc - offset, name, sizeof(name))))
            moved(f, guest, vmid, offset);
    }
}

static void on_write(void *ctx, const struct arm_event *e)
{
    const uint32_t vbar_el1 = ARM_SYSREG(3, 0, 12, 0, 0);

    if (e->sysreg_write.sr == vbar_el1 || e->sysreg_write.name == vbar_el1)
        learn(ctx, e->guest, e->vmid, e->sysreg_write.after, &e->pc);
}

void trace_names_begin(struct trace_names *n)
{
    uint64_t value;

    for (unsigned cpu = 0; cpu < arm_cpu_count(n->m); cpu++) {
        if (arm_reg_read(n->m, cpu, "VBAR_EL1", &value))
            learn(n, false, 0, value, NULL);
        for (unsigned el = 1; el <= 2 && arm_reg_read(n->m, cpu, "PC", &value); el++)
            kernels_look(n->kernels, cpu, el, value);
    }
}

void trace_names_follow(struct trace_names *n)
{
    if (n->any_vectors)
        n->handle = arm_subscribe(n->m,
                                  &(struct arm_filter){.size = sizeof(struct arm_filter),
                                                       .events = ARM_BIT(ARM_EVENT_SYSREG_WRITE)},
                                  on_write, n);
}

void trace_names_look(struct trace_names *n, const struct arm_event *e)
{
    const char *vectors = e->el == 2 ? "VBAR_EL2" : "VBAR_EL1";
    uint64_t vbar;

    if (n->any_vectors && e->el && arm_reg_read(n->m, e->cpu, vectors, &vbar))
        learn(n, e->guest, e->vmid, vbar, &e->pc);
}

/* False: this world has not said yet where it is, and no other has. */
static bool offset_in(const struct file *f, const struct arm_event *e, uint64_t *offset)
{
    bool guest = e && e->guest;

    if (!f->moves->len)
        return false;
    *offset = g_array_index(f->moves, struct move, 0).offset;
    for (unsigned k = 0; k < f->moves->len; k++) {
        const struct move *m = &g_array_index(f->moves, struct move, k);
        if (m->guest == guest && m->vmid == (guest ? e->vmid : 0))
            *offset = m->offset;
    }
    return true;
}

/* ---- names ---- */

/* Are most of the words around @address the file's? A kernel patches some of its own. */
static bool compare(const struct trace_names *n, const struct file *f, unsigned cpu, unsigned el,
                    uint64_t address, uint64_t offset)
{
    uint32_t memory[WINDOW], word;
    const uint8_t *bytes;
    uint64_t from = address & ~(uint64_t)(sizeof(memory) - 1);
    unsigned same = 0, others = 0;

    if (!arm_virt_read(n->m, cpu, el, from, memory, sizeof(memory)))
        return false;
    for (unsigned k = 0; k < WINDOW; k++) {
        if (symbols_code(f->symbols, from + 4 * (uint64_t)k - offset, &bytes) < sizeof(word))
            continue;
        memcpy(&word, bytes, sizeof(word));
        if (word == memory[k])
            same++;
        else
            others++;
    }
    return same > others;
}

/* Has memory at @address what the file has? It is looked at once for each page of a world. */
static bool is_there(const struct trace_names *n, const struct file *f, unsigned cpu, unsigned el,
                     const struct arm_event *e, uint64_t address, uint64_t offset)
{
    bool guest = e && e->guest && el < 2;
    struct page key = {address >> 12, guest ? e->vmid : 0, guest, el == 2, false}, *page;

    if (!f->pages)
        return true;
    page = g_hash_table_lookup(f->pages, &key);
    if (!page) {
        key.same = compare(n, f, cpu, el, address, offset);
        page = g_memdup2(&key, sizeof(key));
        g_hash_table_add(f->pages, page);
    }
    return page->same;
}

/* Does @f know @address? Then its symbol is in @buf. */
static bool knows(const struct trace_names *n, const struct file *f, unsigned cpu, unsigned el,
                  const struct arm_event *e, uint64_t address, uint64_t *offset, char *buf,
                  unsigned size)
{
    return offset_in(f, el < 2 ? e : NULL, offset) &&
           symbols_name(f->symbols, address - *offset, buf, size) &&
           is_there(n, f, cpu, el, e, address, *offset);
}

bool trace_name(struct trace_names *n, unsigned cpu, unsigned el, const struct arm_event *e,
                uint64_t address, char *buf, unsigned size)
{
    uint64_t offset;

    for (unsigned k = 0; n && k < n->files->len; k++)
        if (knows(n, file_at(n, k), cpu, el, e, address, &offset, buf, size))
            return true;
    return n && kernels_name(n->kernels, cpu, el, address, buf, size);
}

bool trace_function(struct trace_names *n, const struct arm_event *e, char *buf, unsigned size)
{
    bool known = trace_name(n, e->cpu, e->el, e, e->pc, buf, size);
    char *plus = known ? strrchr(buf, '+') : buf;

    if (plus)
        *plus = '\0';
    return known;
}

bool trace_names_file(const struct trace_names *n, const struct arm_event *e, uint64_t address,
                      unsigned *file, uint64_t *offset)
{
    char name[16];

    for (unsigned k = 0; n && k < n->files->len; k++) {
        if (!knows(n, file_at(n, k), e->cpu, e->el, e, address, offset, name, sizeof(name)))
            continue;
        *file = k;
        return true;
    }
    return false;
}

bool trace_names_get(const struct trace_names *n, unsigned index, const char **path,
                     const struct symbols **symbols)
{
    if (!n || index >= n->files->len)
        return false;
    *path = file_at(n, index)->path;
    *symbols = file_at(n, index)->symbols;
    return true;
}

int trace_names_write_elf(struct trace_names *n, uint64_t pa, uint64_t va, const char *path,
                          struct arm_error *err)
{
    return kernels_write_elf(n->kernels, pa, va, path, err);
}
