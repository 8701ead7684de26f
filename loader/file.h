/* A host file read into memory, and unpacked if it is a compressed kernel. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define FILE_SIZE_MAX   (UINT64_C(4) << 30)
#define UNPACK_SIZE_MAX (UINT64_C(1) << 30)

struct file_data {
    const char *path; /* not owned; in error texts */
    uint8_t *bytes;   /* owned */
    size_t size;
};

/* Read @path (a file or a pipe) to its end. Return 0 or -ARM_Exxx; freed by file_free(). */
int file_read(struct file_data *f, const char *path, struct arm_error *err)
    __attribute__((warn_unused_result));

void file_free(struct file_data *f);

/**
 * file_unpack() - replace the bytes of a gzip file or an EFI zboot image by what is packed in them.
 * Anything else is left alone. @f->size afterwards is the unpacked size, at most UNPACK_SIZE_MAX.
 *
 * Return: 0, or -ARM_EFORMAT (corrupt, truncated, too big) or -ARM_ENOTSUP (another compression).
 */
int file_unpack(struct file_data *f, struct arm_error *err) __attribute__((warn_unused_result));

/* Little-endian fields of file headers; the caller has checked the bounds. */
uint32_t file_le32(const struct file_data *f, size_t offset);
uint64_t file_le64(const struct file_data *f, size_t offset);
