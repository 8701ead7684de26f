#define _GNU_SOURCE
#include "base/physmem.h"

#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "base/host_memory.h"
#include "base/log.h"
#include "base/source_file.h"

/* What is kept by page. */
static bool create_tables(struct ram_bank *b)
{
    uint64_t pages = b->size >> PAGE_SHIFT;

    b->flags = host_pages(pages * sizeof(*b->flags));
    b->changed = host_pages(pages * sizeof(*b->changed));
    return b->flags && b->changed && ram_contents_init(&b->last, pages);
}

static void forget_files(struct ram_bank *b)
{
    while (b->file_count)
        source_file_put(b->files[--b->file_count].file);
}

static void destroy_bank(struct ram_bank *b)
{
    uint64_t pages = b->size >> PAGE_SHIFT;

    if (b->lends)
        (void)blocks_keep_all(&b->last.pages, false); /* as ram_keep() */
    if (b->host)
        munmap(b->host, b->size);
    forget_files(b);
    host_pages_free(b->flags, pages * sizeof(*b->flags));
    host_pages_free(b->changed, pages * sizeof(*b->changed));
    ram_contents_destroy(&b->last);
}

int physmem_add_ram(struct physmem *mem, pa_t base, uint64_t size, struct arm_error *err)
{
    struct ram_bank *b = &mem->banks[mem->bank_count];

    CHECK(mem->bank_count < PHYSMEM_BANKS_MAX);
    if (size == 0 || !is_aligned(size | base.a, PAGE_SIZE))
        return error_set(err, ARM_EINVAL,
                         "RAM of %#llx bytes at %#llx: size and base must be multiples of 4096",
                         (unsigned long long)size, (unsigned long long)base.a);
    void *host = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    *b = (struct ram_bank){.base = base.a, .size = size, .host = host == MAP_FAILED ? NULL : host};
    if (!b->host || !create_tables(b)) {
        destroy_bank(b);
        return error_set(err, ARM_ENOMEM, "the host has no %llu MiB for the guest's RAM",
                         (unsigned long long)(size >> 20));
    }
    madvise(host, size, MADV_HUGEPAGE); /* advice only: refusal costs speed, nothing else */
    mem->bank_count++;
    return 0;
}

int physmem_add_rom(struct physmem *mem, pa_t base, uint64_t size, struct device *dev,
                    struct arm_error *err)
{
    int rc = physmem_add_ram(mem, base, size, err);

    if (rc)
        return rc;
    mem->banks[mem->bank_count - 1].readonly = true;
    return physmem_add_device(mem, base, size, dev, 0, err);
}

static struct ram_bank *rom_bank(struct physmem *mem, pa_t base)
{
    for (unsigned i = 0; i < mem->bank_count; i++)
        if (mem->banks[i].readonly && mem->banks[i].base == base.a)
            return &mem->banks[i];
    return NULL;
}

void physmem_hide_rom(struct physmem *mem, pa_t base, bool hidden)
{
    struct ram_bank *b = rom_bank(mem, base);

    if (!b || b->hidden == hidden)
        return;
    b->hidden = hidden;
    if (mem->remapped)
        mem->remapped(mem->remapped_ctx);
}

const uint8_t *physmem_rom(struct physmem *mem, pa_t base)
{
    struct ram_bank *b = rom_bank(mem, base);

    return b ? b->host : NULL;
}

int physmem_add_device(struct physmem *mem, pa_t base, uint64_t size, struct device *dev,
                       uint64_t dev_offset, struct arm_error *err)
{
    if (mem->window_count == PHYSMEM_WINDOWS_MAX)
        return error_set(err, ARM_EINVAL, "more than %d device windows", PHYSMEM_WINDOWS_MAX);
    mem->windows[mem->window_count++] =
        (struct device_window){base.a, size, dev, dev_offset, false};
    return 0;
}

void physmem_destroy(struct physmem *mem)
{
    for (unsigned i = 0; i < mem->bank_count; i++)
        destroy_bank(&mem->banks[i]);
    *mem = (struct physmem){0};
}

void physmem_make_secure(struct physmem *mem, pa_t base)
{
    mem->has_secure = true;
    for (unsigned i = 0; i < mem->bank_count; i++)
        if (mem->banks[i].base == base.a)
            mem->banks[i].secure = true;
    for (unsigned i = 0; i < mem->window_count; i++)
        if (mem->windows[i].base == base.a)
            mem->windows[i].secure = true;
}

bool physmem_is_in_secure(const struct physmem *mem, pa_t pa)
{
    for (unsigned i = 0; i < mem->bank_count; i++)
        if (pa.a - mem->banks[i].base < mem->banks[i].size)
            return mem->banks[i].secure;
    for (unsigned i = 0; i < mem->window_count; i++)
        if (pa.a - mem->windows[i].base < mem->windows[i].size)
            return mem->windows[i].secure;
    return false;
}

struct ram_bank *physmem_bank(struct physmem *mem, pa_t pa)
{
    for (unsigned i = 0; i < mem->bank_count; i++)
        if (!mem->banks[i].hidden && pa.a - mem->banks[i].base < mem->banks[i].size)
            return &mem->banks[i];
    return NULL;
}

struct ram_bank *physmem_bank_or_hidden(struct physmem *mem, pa_t pa)
{
    for (unsigned i = 0; i < mem->bank_count; i++)
        if (pa.a - mem->banks[i].base < mem->banks[i].size)
            return &mem->banks[i];
    return NULL;
}

struct device_window *physmem_window(struct physmem *mem, pa_t pa)
{
    for (unsigned i = 0; i < mem->window_count; i++)
        if (pa.a - mem->windows[i].base < mem->windows[i].size)
            return &mem->windows[i];
    return NULL;
}

const uint8_t *physmem_ram(struct physmem *mem, pa_t pa, uint64_t len)
{
    const struct ram_bank *b = physmem_bank(mem, pa);

    if (!b || len > b->size - (pa.a - b->base))
        return NULL;
    return b->host + (pa.a - b->base);
}

bool physmem_read(struct physmem *mem, pa_t pa, void *buf, size_t len)
{
    const uint8_t *host = physmem_ram(mem, pa, len);

    if (!host)
        return false;
    memcpy(buf, host, len);
    return true;
}

/* What is in a file up to page @first, and what is from @end on, is so still. */
static void leave_files(struct ram_bank *b, uint64_t first, uint64_t end)
{
    for (unsigned k = b->file_count; k-- > 0;) {
        struct ram_file *f = &b->files[k];
        if (f->first >= end || f->end <= first)
            continue;
        if (f->first < first) { /* what is behind is seldom much */
            f->end = first;
        } else if (f->end > end) {
            f->offset += (end - f->first) * PAGE_SIZE;
            f->first = end;
        } else {
            source_file_put(f->file);
            *f = b->files[--b->file_count];
        }
    }
}

void physmem_is_file(struct physmem *mem, pa_t pa, uint64_t len, struct source_file *file)
{
    struct ram_bank *b = physmem_bank(mem, pa);
    uint64_t at = pa.a - b->base, start = align_up(at, PAGE_SIZE);
    uint64_t end = align_down(at + len, PAGE_SIZE);

    if (b->file_count < RAM_FILES_MAX && start < end)
        b->files[b->file_count++] = (struct ram_file){start >> PAGE_SHIFT, end >> PAGE_SHIFT,
                                                      start - at, source_file_get(file)};
}

void physmem_forget_files(struct physmem *mem)
{
    for (unsigned i = 0; i < mem->bank_count; i++)
        forget_files(&mem->banks[i]);
}

/* Where to write @len bytes, all of them in @b, once everybody who has to know does. */
static uint8_t *changing(struct physmem *mem, struct ram_bank *b, uint64_t pa, uint64_t len)
{
    if (len && b->file_count)
        leave_files(b, (pa - b->base) >> PAGE_SHIFT, ((pa - b->base + len - 1) >> PAGE_SHIFT) + 1);
    for (uint64_t p = align_down(pa, PAGE_SIZE); len && p < pa + len; p += PAGE_SIZE) {
        ram_changing(b, p - b->base);
        if ((b->flags[(p - b->base) >> PAGE_SHIFT] & PAGE_HAS_CODE) && mem->code_written)
            mem->code_written(mem->code_written_ctx, (pa_t){p});
    }
    return b->host + (pa - b->base);
}

uint8_t *physmem_rom_changing(struct physmem *mem, pa_t base, uint64_t offset, uint64_t len)
{
    struct ram_bank *b = rom_bank(mem, base);

    CHECK(b && offset <= b->size && len <= b->size - offset);
    return changing(mem, b, base.a + offset, len);
}

uint8_t *physmem_ram_changing(struct physmem *mem, pa_t pa, uint64_t len)
{
    return physmem_ram(mem, pa, len) ? changing(mem, physmem_bank(mem, pa), pa.a, len) : NULL;
}

bool physmem_load(struct physmem *mem, pa_t pa, const void *buf, size_t len)
{
    uint8_t *host = physmem_ram_changing(mem, pa, len);

    if (!host)
        return false;
    memcpy(host, buf, len);
    return true;
}

bool physmem_write(struct physmem *mem, pa_t pa, const void *buf, size_t len)
{
    const struct ram_bank *b = physmem_bank(mem, pa);

    return b && !b->readonly && physmem_load(mem, pa, buf, len);
}

void physmem_never_shared(struct physmem *mem)
{
    for (unsigned i = 0; i < mem->bank_count; i++)
        for (uint64_t page = 0; page < mem->banks[i].size >> PAGE_SHIFT; page++)
            mem->banks[i].flags[page] |= PAGE_CHANGED;
}

bool physmem_swap64(struct physmem *mem, pa_t pa, const uint64_t *expected, const uint64_t *desired)
{
    struct ram_bank *b = physmem_bank(mem, pa);
    uint64_t at = pa.a - b->base, old = *expected;

    ram_changing(b, at);
    if (!__atomic_compare_exchange_n((uint64_t *)(void *)(b->host + at), &old, *desired, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        return false;
    if ((page_flags(b, at) & PAGE_HAS_CODE) && mem->code_written)
        mem->code_written(mem->code_written_ctx, (pa_t){align_down(pa.a, PAGE_SIZE)});
    return true;
}

struct ram_bank *physmem_bank_of_host(struct physmem *mem, const uint8_t *host)
{
    for (unsigned i = 0; i < mem->bank_count; i++)
        if ((uint64_t)((uintptr_t)host - (uintptr_t)mem->banks[i].host) < mem->banks[i].size)
            return &mem->banks[i];
    return NULL;
}
