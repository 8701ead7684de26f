/*
 * A folder of the host for a guest: files below a root, named by paths of their own. No path leads
 * out of it: each is resolved by openat2(2) beneath the root, without symbolic links, which the
 * guest resolves itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

/* Whose the files are that a guest makes, and what modes they have. */
enum folder_security {
    FOLDER_NONE,        /* the host's; what the host does not let us change is left as it is */
    FOLDER_PASSTHROUGH, /* likewise, but that is an error */
    FOLDER_MAPPED, /* owner, mode and device numbers are in extended attributes, as QEMU has them */
};

struct folder {
    int root; /* a descriptor, -1: not open */
    enum folder_security security;
    bool readonly;
};

struct folder_time {
    bool set, now; /* now: not by @s and @ns */
    int64_t s, ns;
};

struct folder_changes {
    bool mode, uid, gid, size; /* is it to change? */
    uint32_t new_mode, new_uid, new_gid;
    uint64_t new_size;
    struct folder_time atime, mtime;
};

/* Return 0 or -ARM_Exxx. */
int folder_open(struct folder *f, const char *path, enum folder_security security, bool readonly,
                struct arm_error *err) __attribute__((warn_unused_result));
void folder_close(struct folder *f);

/* Is it the name of one file in a folder? */
bool folder_is_name(const char *name);

/*
 * Paths are relative to the root, "" is the root itself; a @name is that of one file in @dir.
 * Return: -errno, or 0 or more. Descriptors are the caller's.
 */
int folder_stat(const struct folder *f, const char *path, struct stat *st);
int folder_open_file(const struct folder *f, const char *path, int flags);
int folder_create(const struct folder *f, const char *dir, const char *name, int flags,
                  uint32_t mode, uint32_t uid, uint32_t gid);
int folder_make_dir(const struct folder *f, const char *dir, const char *name, uint32_t mode,
                    uint32_t uid, uint32_t gid);
int folder_make_node(const struct folder *f, const char *dir, const char *name, uint32_t mode,
                     uint64_t device, uint32_t uid, uint32_t gid);
int folder_make_symlink(const struct folder *f, const char *dir, const char *name,
                        const char *target, uint32_t uid, uint32_t gid);
int folder_read_link(const struct folder *f, const char *path, char *to, size_t room);
int folder_link(const struct folder *f, const char *path, const char *dir, const char *name);
int folder_rename(const struct folder *f, const char *from_dir, const char *from,
                  const char *to_dir, const char *to);
int folder_unlink(const struct folder *f, const char *dir, const char *name, bool is_dir);
int folder_change(const struct folder *f, const char *path, const struct folder_changes *c);
