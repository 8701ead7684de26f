#include "loader/place.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/source_file.h"

static const struct load_region *overlapped(const struct load_map *map, uint64_t base,
                                            uint64_t size)
{
    for (unsigned i = 0; i < map->region_count; i++) {
        const struct load_region *r = &map->regions[i];
        if (base < r->base + r->size && r->base < base + size)
            return r;
    }
    return NULL;
}

uint64_t load_room(const struct load_map *map, uint64_t base)
{
    const struct ram_bank *b = physmem_bank(map->mem, pa(base));
    uint64_t end = b ? b->base + b->size : base;

    for (unsigned i = 0; i < map->region_count; i++) {
        const struct load_region *r = &map->regions[i];
        if (r->base + r->size > base && r->base < end)
            end = r->base;
    }
    return end > base ? end - base : 0;
}

/* What is zero already stays untouched: RAM that nobody wrote takes no memory of the host. */
static void zero_fill(struct physmem *mem, uint64_t base, uint64_t size)
{
    static const uint8_t zeros[PAGE_SIZE];

    while (size) {
        uint64_t n = size < PAGE_SIZE ? size : PAGE_SIZE;
        const uint8_t *host = physmem_ram(mem, pa(base), n);
        if (memcmp(host, zeros, n) != 0)
            CHECK(physmem_load(mem, pa(base), zeros, n));
        base += n;
        size -= n;
    }
}

int load_reserve(struct load_map *map, const char *file, const char *what, uint64_t base,
                 uint64_t size, struct arm_error *err)
{
    const struct load_region *other;
    struct load_region *r;

    if (!physmem_ram(map->mem, pa(base), size))
        return error_set(
            err, ARM_EFORMAT,
            "%s: %s: %#llx bytes at %#llx are not all RAM, which is %#llx bytes at %#llx", file,
            what, (unsigned long long)size, (unsigned long long)base,
            (unsigned long long)map->ram_size, (unsigned long long)map->ram_base);
    other = overlapped(map, base, size);
    if (other)
        return error_set(
            err, ARM_EFORMAT, "%s: %s: %#llx bytes at %#llx overlap %s: %s, %#llx bytes at %#llx",
            file, what, (unsigned long long)size, (unsigned long long)base, other->file,
            other->what, (unsigned long long)other->size, (unsigned long long)other->base);
    if (map->region_count == LOAD_REGIONS_MAX)
        return error_set(err, ARM_ENOTSUP, "%s: %s: more than %d pieces to load", file, what,
                         LOAD_REGIONS_MAX);
    r = &map->regions[map->region_count++];
    *r = (struct load_region){.file = file, .base = base, .size = size};
    snprintf(r->what, sizeof(r->what), "%s", what);
    return 0;
}

/* Behind the @size bytes of @mem_size that have been written. */
static void finish(struct load_map *map, const char *file, const char *what, uint64_t base,
                   uint64_t size, uint64_t mem_size)
{
    zero_fill(map->mem, base + size, mem_size - size);
    LOG(map->log, LOADER, INFO, "%s: %s: %#llx bytes at %#llx", file, what,
        (unsigned long long)mem_size, (unsigned long long)base);
}

int load_place(struct load_map *map, const char *file, const char *what, uint64_t base,
               const void *data, uint64_t size, uint64_t mem_size, struct arm_error *err)
{
    int rc;

    if (mem_size == 0)
        return 0;
    rc = load_reserve(map, file, what, base, mem_size, err);
    if (rc)
        return rc;
    CHECK(size <= mem_size && physmem_load(map->mem, pa(base), data, size));
    finish(map, file, what, base, size, mem_size);
    return 0;
}

int load_place_file(struct load_map *map, struct file_data *f, const char *what, uint64_t base,
                    uint64_t mem_size, struct arm_error *err)
{
    uint64_t size = file_extent(f);
    struct source_file *file;
    uint8_t *to;
    int rc;

    if (mem_size == 0)
        return 0;
    rc = load_reserve(map, f->path, what, base, mem_size, err);
    if (rc)
        return rc;
    to = physmem_ram_changing(map->mem, pa(base), size);
    CHECK(to && size <= mem_size);
    file = f->fd < 0 ? NULL : source_file_new(f->fd); /* before it is read */
    rc = file_read_to(f, to, err);
    if (!rc && file)
        physmem_is_file(map->mem, pa(base), size, file);
    source_file_put(file);
    if (!rc)
        finish(map, f->path, what, base, size, mem_size);
    return rc;
}

uint64_t load_free(const struct load_map *map, uint64_t base, uint64_t size, uint64_t *free_size)
{
    uint64_t best = base;

    *free_size = load_room(map, base);
    for (unsigned i = 0; i < map->region_count; i++) {
        uint64_t at = map->regions[i].base + map->regions[i].size;
        uint64_t n = at - base < size ? load_room(map, at) : 0;
        if (n > *free_size) {
            *free_size = n;
            best = at;
        }
    }
    return best;
}
