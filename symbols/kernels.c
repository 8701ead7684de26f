#include "symbols/kernels.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/le.h"
#include "base/magic.h"
#include "symbols/elf.h"
#include "symbols/kallsyms.h"
#include "symbols/symbols.h"

/* An Image stands at 2 MiB and an offset of some pages; it is looked for so far
 * before an address. */
#define STEP       (UINT64_C(64) << 10)
#define REACH      (UINT64_C(128) << 20)
#define IMAGE_MOST (UINT64_C(512) << 20)

struct kernel {
    uint64_t pa, size;
    uint64_t va;             /* of @pa, where it was last asked for */
    bool read;               /* its table has been looked for */
    struct symbols *symbols; /* NULL: it has none */
};

struct kernels {
    struct arm_machine *m;
    GArray *list;     /* struct kernel */
    GHashTable *none; /* numbers of the steps of memory that are no kernel's */
};

static void clear_kernel(void *ptr)
{
    symbols_free(((struct kernel *)ptr)->symbols);
}

struct kernels *kernels_new(struct arm_machine *m)
{
    struct kernels *k = g_new0(struct kernels, 1);

    k->m = m;
    k->list = g_array_new(FALSE, TRUE, sizeof(struct kernel));
    g_array_set_clear_func(k->list, clear_kernel);
    k->none = g_hash_table_new(g_direct_hash, g_direct_equal);
    return k;
}

void kernels_free(struct kernels *k)
{
    if (!k)
        return;
    g_array_unref(k->list);
    g_hash_table_unref(k->none);
    g_free(k);
}

/* The bytes of the image at @pa; 0: there is none. */
static uint64_t image_size(struct arm_machine *m, uint64_t pa)
{
    uint8_t header[IMAGE_HEADER_SIZE];
    uint64_t size;

    if (!arm_mem_read(m, pa, header, sizeof(header)) ||
        memcmp(header + IMAGE_MAGIC_AT, MAGIC_IMAGE, 4) != 0)
        return 0;
    size = le_get(header + IMAGE_SIZE_AT, sizeof(size));
    return size <= IMAGE_MOST ? size : 0;
}

/* As much of it as is RAM, *@size then; the caller frees it. */
static uint8_t *read_image(struct arm_machine *m, uint64_t pa, uint64_t *size)
{
    uint8_t *image = g_malloc0(*size);
    uint64_t at = 0;

    while (at < *size && arm_mem_read(m, pa + at, image + at, MIN(STEP, *size - at)))
        at += STEP;
    *size = MIN(at, *size);
    return image;
}

static struct symbols *read_symbols(struct arm_machine *m, uint64_t pa, uint64_t size)
{
    g_autofree uint8_t *image = read_image(m, pa, &size);

    return kallsyms_read(image, size);
}

/* What has @pa, if it is known. */
static struct kernel *known(const struct kernels *k, uint64_t pa)
{
    for (unsigned n = 0; n < k->list->len; n++) {
        struct kernel *kernel = &g_array_index(k->list, struct kernel, n);
        if (pa >= kernel->pa && pa - kernel->pa < kernel->size)
            return kernel;
    }
    return NULL;
}

/* NULL: no kernel has @pa. */
static struct kernel *look(struct kernels *k, uint64_t pa)
{
    struct kernel *found = known(k, pa);
    uint64_t step = pa / STEP;

    if (found || g_hash_table_contains(k->none, GSIZE_TO_POINTER(step)))
        return found;
    for (uint64_t back = 0; back < REACH / STEP && back <= step; back++) {
        uint64_t at = (step - back) * STEP, size = image_size(k->m, at);
        if (pa - at >= size)
            continue;
        struct kernel one = {.pa = at, .size = size};
        g_array_append_val(k->list, one);
        return &g_array_index(k->list, struct kernel, k->list->len - 1);
    }
    g_hash_table_add(k->none, GSIZE_TO_POINTER(step));
    return NULL;
}

void kernels_look(struct kernels *k, unsigned cpu, unsigned el, uint64_t pc)
{
    struct arm_translation t;

    if (arm_translate(k->m, cpu, el, pc, ARM_ACCESS_READ, &t))
        look(k, t.pa);
}

static const struct symbols *symbols_of(struct kernels *k, struct kernel *kernel)
{
    if (!kernel->read)
        kernel->symbols = read_symbols(k->m, kernel->pa, kernel->size);
    kernel->read = true;
    return kernel->symbols;
}

bool kernels_name(struct kernels *k, unsigned cpu, unsigned el, uint64_t pc, char *buf,
                  unsigned size)
{
    struct arm_translation t;
    struct kernel *kernel =
        arm_translate(k->m, cpu, el, pc, ARM_ACCESS_READ, &t) ? look(k, t.pa) : NULL;

    if (!kernel)
        return false;
    kernel->va = pc - (t.pa - kernel->pa);
    return symbols_name(symbols_of(k, kernel), t.pa - kernel->pa, buf, size);
}

bool kernels_find(const struct kernels *k, const char *name, uint64_t *address)
{
    for (unsigned n = 0; n < k->list->len; n++) {
        const struct kernel *kernel = &g_array_index(k->list, struct kernel, n);
        if (!symbols_find(kernel->symbols, name, address))
            continue;
        *address += kernel->va;
        return true;
    }
    return false;
}

int kernels_write_elf(struct kernels *k, uint64_t pa, uint64_t va, const char *path,
                      struct arm_error *err)
{
    struct kernel *kernel = look(k, pa);
    const struct symbols *symbols = kernel ? symbols_of(k, kernel) : NULL;

    if (!symbols)
        return error_set(err, ARM_EINVAL, "no kernel with symbols is at PA 0x%" PRIx64, pa);
    uint64_t start = va - (pa - kernel->pa), size = kernel->size;
    g_autofree uint8_t *image = read_image(k->m, kernel->pa, &size);
    return symbols_write_elf(symbols, start, start, size, image, path, err);
}
