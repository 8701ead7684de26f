/* The kernel formats; each is checked and placed by one function. Used by loader.c and its tests.
 */
#pragma once

#include "loader/file.h"
#include "loader/loader.h"
#include "loader/place.h"

struct kernel {
    enum kernel_kind kind;
    uint64_t entry;
    uint64_t low, high; /* RAM it covers: first byte, byte after the last */
};

bool elf_match(const struct file_data *f);

/**
 * elf_load() - PT_LOAD segments go to their p_paddr; the entry point is translated like the segment
 * it is in, since the MMU is off.
 */
int elf_load(struct load_map *map, const struct file_data *f, struct kernel *out,
             struct arm_error *err) __attribute__((warn_unused_result));

/* An arm64 Image or a file with no header. @f must be unpacked; @ram_base 2 MiB aligned. */
int image_load(struct load_map *map, const struct file_data *f, uint64_t ram_base,
               struct kernel *out, struct arm_error *err) __attribute__((warn_unused_result));
