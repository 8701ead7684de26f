/*
 * What a host file is, by its first bytes: the rows of formats.def. What has no row is a flat
 * binary, whose bytes are taken as they are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* What a file is given as; a column of formats.def each, but for the last two. */
enum format_role {
    FORMAT_KERNEL, /* of the machine */
    FORMAT_MODULE, /* a hypervisor's kernel for its first or another domain */
    FORMAT_INITRD, /* also a module of that kind */
    FORMAT_BIOS,   /* contents of flash memory */
    FORMAT_BLOB,   /* to be loaded where it says, or else as it is */
    FORMAT_ROLES,
    FORMAT_FW_KERNEL, /* a kernel that firmware will load: it knows more formats than we do */
    FORMAT_RAW,       /* whatever it is, its bytes are what is wanted */
};

enum format_use { FORMAT_TAKE, FORMAT_UNPACK, FORMAT_REFUSE };

struct packed;

struct format {
    const char *name; /* with its article */
    size_t offset, magic_size;
    const char *magic;
    bool (*also)(const uint8_t *bytes, size_t size);        /* NULL: the magic suffices */
    int (*unpack)(struct packed *p, struct arm_error *err); /* NULL: nobody here can */
    enum format_use use[FORMAT_ROLES];
    const char *advice; /* what to do instead, if it is refused */
};

/* The row of a file that begins with these bytes; NULL: a flat binary. */
const struct format *format_of(const uint8_t *bytes, size_t size);

enum format_use format_use(const struct format *format, enum format_role role);

/* Is it an ELF file, and as @role loaded by its segments? */
bool format_by_segments(const struct format *format, enum format_role role);

bool format_is_image(const struct format *format);
bool format_is_uimage(const struct format *format);
bool format_is_dtb(const struct format *format);

/**
 * format_check() - refuse what cannot be @role.
 * @inside: put before the format's name: "" or how it came out of another file.
 *
 * Return: 0 or -ARM_ENOTSUP, naming the format, what is expected and what to do.
 */
int format_check(const struct format *format, enum format_role role, const char *path,
                 const char *inside, struct arm_error *err) __attribute__((warn_unused_result));
