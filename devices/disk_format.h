/* Files that must not be taken for the sectors of a disk, known by their magic: disk_format.def. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum disk_format_kind { DISK_FORMAT_IMAGE, DISK_FORMAT_PACKED };
enum disk_format_from { DISK_FORMAT_START, DISK_FORMAT_END };

struct disk_format {
    const char *name;
    enum disk_format_kind kind;
    enum disk_format_from from;
    uint32_t offset;
    const char *magic; /* with zeros in it */
    size_t magic_bytes;
    const char *command; /* makes a raw disk of it */
};

/* Ended by a NULL name. */
extern const struct disk_format disk_formats[];

#define DISK_FORMAT_MAGIC_MAX 32   /* bytes of a magic */
#define DISK_FORMAT_EDGE      1024 /* magics lie in so many bytes at the start and the end */

/* Where the magic of @f is in a file of @size bytes. False: the file is too small to have it. */
bool disk_format_place(const struct disk_format *f, uint64_t size, uint64_t *place);
