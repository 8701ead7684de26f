#include "checker/names.h"

#include <glib.h>
#include <string.h>

#include "checker/kallsyms.h"
#include "checker/symbols.h"

/* An Image: its header says that it is one, and how much memory it has
 * (Documentation/arm64/booting.rst). It stands at 2 MiB and an offset of some pages; it is looked
 * for so far before an address. */
#define HEADER     64
#define STEP       (UINT64_C(64) << 10)
#define REACH      (UINT64_C(128) << 20)
#define IMAGE_MOST (UINT64_C(512) << 20)

/* A kernel in memory, or where there was none. */
struct kernel {
    uint64_t pa, size;
    bool is_kernel;
    bool read;               /* its table has been looked for */
    struct symbols *symbols; /* NULL: it has none */
};

struct names {
    struct arm_machine *m;
    GPtrArray *files; /* struct symbols */
    GArray *kernels;
};

static void free_symbols(void *s)
{
    symbols_free(s);
}

struct names *names_new(struct arm_machine *m)
{
    struct names *n = g_new0(struct names, 1);

    n->m = m;
    n->files = g_ptr_array_new_with_free_func(free_symbols);
    n->kernels = g_array_new(FALSE, TRUE, sizeof(struct kernel));
    return n;
}

void names_free(struct names *n)
{
    if (!n)
        return;
    for (unsigned k = 0; k < n->kernels->len; k++)
        symbols_free(g_array_index(n->kernels, struct kernel, k).symbols);
    g_array_unref(n->kernels);
    g_ptr_array_unref(n->files);
    g_free(n);
}

int names_add(struct names *n, const char *spec, struct arm_error *err)
{
    struct symbols *s = symbols_load(spec, err);

    if (!s)
        return -ARM_EINVAL;
    g_ptr_array_add(n->files, s);
    return 0;
}

/* ---- kernels in memory ---- */

/* The bytes of the image at @pa; 0: there is none. */
static uint64_t image_size(struct arm_machine *m, uint64_t pa)
{
    uint8_t header[HEADER];
    uint64_t size;

    if (!arm_mem_read(m, pa, header, sizeof(header)) || memcmp(header + 56, "ARM\x64", 4) != 0)
        return 0;
    memcpy(&size, header + 16, sizeof(size));
    return size <= IMAGE_MOST ? size : 0;
}

/* As much of it as is RAM. */
static struct symbols *read_symbols(struct arm_machine *m, uint64_t pa, uint64_t size)
{
    g_autofree uint8_t *image = g_malloc0(size);
    uint64_t at = 0;

    while (at < size && arm_mem_read(m, pa + at, image + at, MIN(STEP, size - at)))
        at += STEP;
    return kallsyms_read(image, MIN(at, size));
}

/* What has @pa, if it is known. */
static struct kernel *known(struct names *n, uint64_t pa)
{
    for (unsigned k = 0; k < n->kernels->len; k++) {
        struct kernel *kernel = &g_array_index(n->kernels, struct kernel, k);
        if (pa >= kernel->pa && pa - kernel->pa < kernel->size)
            return kernel;
    }
    return NULL;
}

static struct kernel *look(struct names *n, uint64_t pa)
{
    struct kernel *found = known(n, pa);
    struct kernel one = {.pa = pa / STEP * STEP, .size = STEP};

    if (found)
        return found;
    for (uint64_t back = 0; back < REACH && back <= one.pa; back += STEP) {
        uint64_t size = image_size(n->m, one.pa - back);
        if (pa - (one.pa - back) >= size)
            continue;
        one = (struct kernel){.pa = one.pa - back, .size = size, .is_kernel = true};
        break;
    }
    g_array_append_val(n->kernels, one);
    return &g_array_index(n->kernels, struct kernel, n->kernels->len - 1);
}

void names_look(struct names *n, unsigned cpu, uint64_t pc)
{
    struct arm_translation t;

    if (arm_translate(n->m, cpu, 2, pc, ARM_ACCESS_READ, &t))
        look(n, t.pa);
}

static bool kernel_name(struct names *n, unsigned cpu, uint64_t pc, char *buf, unsigned size)
{
    struct arm_translation t;

    if (!arm_translate(n->m, cpu, 2, pc, ARM_ACCESS_READ, &t))
        return false;
    struct kernel *kernel = look(n, t.pa);
    if (kernel->is_kernel && !kernel->read)
        kernel->symbols = read_symbols(n->m, kernel->pa, kernel->size);
    kernel->read = true;
    return symbols_name(kernel->symbols, t.pa - kernel->pa, buf, size);
}

char *names_of(struct names *n, unsigned cpu, unsigned el, uint64_t pc)
{
    char buf[160];
    bool found = false;

    for (unsigned k = 0; n && k < n->files->len && !found; k++)
        found = symbols_name(g_ptr_array_index(n->files, k), pc, buf, sizeof(buf));
    if (n && !found && el == 2)
        found = kernel_name(n, cpu, pc, buf, sizeof(buf));
    return found ? g_strdup(buf) : NULL;
}
