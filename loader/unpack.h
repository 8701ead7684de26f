/* What can be unpacked. The functions are named in formats.def. */
#pragma once

#include "loader/file.h"

/* A part of a file that is packed, and where its contents go. */
struct packed {
    const struct file_data *file;
    size_t offset, size;
    uint8_t *out; /* owned until handed over */
    size_t out_size, out_room;
    uint64_t out_max;
    size_t used; /* out: bytes of the part that belong to it; something else may follow */
};

/* Each fills @p->out with what is packed in the file. Return 0 or -ARM_Exxx. */
int unpack_gzip(struct packed *p, struct arm_error *err) __attribute__((warn_unused_result));
int unpack_zstd(struct packed *p, struct arm_error *err) __attribute__((warn_unused_result));
int unpack_xz(struct packed *p, struct arm_error *err) __attribute__((warn_unused_result));
int unpack_lzma(struct packed *p, struct arm_error *err) __attribute__((warn_unused_result));
int unpack_zboot(struct packed *p, struct arm_error *err) __attribute__((warn_unused_result));
int unpack_uinitrd(struct packed *p, struct arm_error *err) __attribute__((warn_unused_result));

/* One stream or several, one behind the other, of a compression that is known by its magic. @what:
 * the part, for error texts. */
int unpack_streams(struct packed *p, const char *what, struct arm_error *err)
    __attribute__((warn_unused_result));

/* What was unpacked becomes the contents of @f; after an error @rc it is freed and
 * @f left alone. */
void unpack_hand_over(struct packed *p, struct file_data *f, int rc);

/**
 * file_unpack() - replace the bytes of a file that @role wants unpacked by what is in it, which may
 * be packed again, and check that @role can be that.
 * @max: bytes to hold at most.
 *
 * Return: 0, or -ARM_EFORMAT (corrupt, truncated, too big), -ARM_ENOTSUP or -ARM_ENOMEM.
 */
int file_unpack(struct file_data *f, enum format_role role, uint64_t max, struct arm_error *err)
    __attribute__((warn_unused_result));
