/* The kernel formats; each is checked and placed by one function. Used by loader.c
 * and its tests. */
#pragma once

#include "loader/file.h"
#include "loader/loader.h"
#include "loader/place.h"

struct kernel {
    enum kernel_kind kind;
    bool linux_boot; /* starts as Linux does: told of the device tree, and given an initrd */
    uint64_t entry;
    uint64_t low, high; /* RAM it covers: first byte, byte after the last */
};

/**
 * elf_load() - PT_LOAD segments go to their p_paddr; the entry point is translated like the segment
 * it is in, since the MMU is off.
 * @f: opened by file_begin(); read as far as segments need.
 * @started: it will be entered, so that there must be something at its entry point.
 */
int elf_load(struct load_map *map, struct file_data *f, bool started, struct kernel *out,
             struct arm_error *err) __attribute__((warn_unused_result));

/* Has it the header of an arm64 Image? */
bool image_match(const struct file_data *f);

/* Bytes of RAM that an arm64 Image takes, its .bss included. */
uint64_t image_memory(const struct file_data *f);

/* An arm64 Image or a file with no header. @f: as file_begin() leaves it, and unpacked; RAM's base
 * is 2 MiB aligned. */
int image_load(struct load_map *map, struct file_data *f, struct kernel *out, struct arm_error *err)
    __attribute__((warn_unused_result));

/* A U-Boot legacy image of a kernel; @f becomes what is in it. */
int uimage_load(struct load_map *map, struct file_data *f, struct kernel *out,
                struct arm_error *err) __attribute__((warn_unused_result));
