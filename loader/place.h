/* Putting bytes into guest RAM, and knowing what is where, so that nothing is
 * loaded over another. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/physmem.h"
#include "loader/file.h"

#define LOAD_REGIONS_MAX 256

struct load_region {
    const char *file; /* not owned */
    char what[24];    /* which part of it */
    uint64_t base, size;
};

struct load_map {
    struct physmem *mem;
    const struct arm_log *log;
    uint64_t ram_base, ram_size; /* the main RAM bank, in bytes */
    unsigned region_count;
    struct load_region regions[LOAD_REGIONS_MAX];
};

/* Bytes from @base to whatever was loaded there or behind it, or to the end of the RAM; 0: none. */
uint64_t load_room(const struct load_map *map, uint64_t base);
/* Note that @size bytes at @base are taken. Return 0 or -ARM_Exxx, as load_place() does. */
int load_reserve(struct load_map *map, const char *file, const char *what, uint64_t base,
                 uint64_t size, struct arm_error *err) __attribute__((warn_unused_result));

/* The largest part of the RAM, @size bytes at @base, that nothing was placed in; *@free_size in
 * bytes. */
uint64_t load_free(const struct load_map *map, uint64_t base, uint64_t size, uint64_t *free_size);

/**
 * load_place() - copy @size bytes to @base and zero what follows, up to @mem_size.
 * @file, @what: for error texts; @file must live as long as @map. @mem_size: at least @size.
 *
 * Return: 0, or -ARM_EFORMAT if the destination is not RAM or something was loaded there before.
 */
int load_place(struct load_map *map, const char *file, const char *what, uint64_t base,
               const void *data, uint64_t size, uint64_t mem_size, struct arm_error *err)
    __attribute__((warn_unused_result));

/* The same of all of @f, as file_begin() has left it. Return: also the host's error, -ARM_EIO. */
int load_place_file(struct load_map *map, struct file_data *f, const char *what, uint64_t base,
                    uint64_t mem_size, struct arm_error *err) __attribute__((warn_unused_result));
