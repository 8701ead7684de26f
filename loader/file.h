/*
 * Host files on their way into the machine: the first bytes are read and judged, and only then, up
 * to a limit, the rest.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "loader/format.h"

#define FILE_HEAD_SIZE  65536 /* read before judging: more than any format's magic is behind */
#define UNPACK_SIZE_MAX (UINT64_C(1) << 30)
#define UNPACK_HEADROOM (UINT64_C(256) << 20) /* over the limit: an ELF file has unloaded parts */

#define FILE_SIZE_UNKNOWN UINT64_MAX

struct file_data {
    const char *path; /* not owned; in error texts */
    uint8_t *bytes;   /* owned */
    size_t size;      /* of @bytes: what has been read, or what was unpacked */
    int fd;           /* where the rest is; -1: there is none */
    uint64_t whole;   /* bytes of the file, read or not; FILE_SIZE_UNKNOWN: of a pipe */
};

/* Bytes that may be packed, or unpacked, for a place of @size bytes. */
uint64_t file_unpack_max(uint64_t size);

/* How much of a file there is room for. */
struct file_limit {
    uint64_t size;    /* bytes */
    const char *what; /* that has this size: "the machine's RAM" */
};

/**
 * file_open() - read the head of @path, a file, a pipe or a device.
 * It has at least one byte: an empty file is refused by that word.
 *
 * Return: 0 or -ARM_Exxx with the host's reason; freed by file_free() in both cases.
 */
int file_open(struct file_data *f, const char *path, struct arm_error *err)
    __attribute__((warn_unused_result));

/* Read on until @end bytes are there, or the file ends. Return 0 or -ARM_Exxx. */
int file_read_until(struct file_data *f, uint64_t end, struct arm_error *err)
    __attribute__((warn_unused_result));

/* Read all, or refuse what is larger than @limit: a file of known size without reading it. */
int file_read_all(struct file_data *f, const struct file_limit *limit, struct arm_error *err)
    __attribute__((warn_unused_result));

/**
 * file_fetch() - open @path and judge it by its head as @role; then read and, if that is what the
 * role wants, unpack it. At most @limit and UNPACK_HEADROOM bytes are held, unpacked too.
 *
 * An ELF file that will be loaded by segments is left open, with its head read: elf_load() reads
 * on.
 *
 * Return: 0 or -ARM_Exxx; freed by file_free() in both cases.
 */
int file_fetch(struct file_data *f, const char *path, enum format_role role,
               const struct file_limit *limit, struct arm_error *err)
    __attribute__((warn_unused_result));

/* The same, but what is used as it is may be left open, with its head read: file_read_to() reads it
 * to where it belongs. */
int file_begin(struct file_data *f, const char *path, enum format_role role,
               const struct file_limit *limit, struct arm_error *err)
    __attribute__((warn_unused_result));

/* Bytes of the file as far as is known. */
static inline uint64_t file_size(const struct file_data *f)
{
    return f->whole == FILE_SIZE_UNKNOWN ? f->size : f->whole;
}

/* What file_begin() has left: bytes that are there, or that the file has. */
static inline uint64_t file_extent(const struct file_data *f)
{
    return f->fd < 0 ? f->size : f->whole;
}

/* All of it, file_extent() bytes, to @to, and close the file. Return: 0 or -ARM_EIO, then part of
 * it has been written. */
int file_read_to(struct file_data *f, uint8_t *to, struct arm_error *err)
    __attribute__((warn_unused_result));

void file_free(struct file_data *f);

/* Fields of file headers; the caller has checked the bounds. */
uint32_t file_le32(const struct file_data *f, size_t offset);
uint64_t file_le64(const struct file_data *f, size_t offset);
uint32_t file_be32(const struct file_data *f, size_t offset);
