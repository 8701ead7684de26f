/* Semihosting: handles, and the files of one directory of the host. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/host_failure.h"
#include "machine/semihosting.h"

int semi_handle_new(struct semihosting *s, struct semi_handle h)
{
    for (int n = 0; n < SEMI_HANDLES; n++)
        if (s->handle[n].kind == SEMI_CLOSED) {
            s->handle[n] = h;
            return n + 1;
        }
    return -EMFILE;
}

struct semi_handle *semi_handle(struct semihosting *s, uint64_t number)
{
    if (number < 1 || number > SEMI_HANDLES || s->handle[number - 1].kind == SEMI_CLOSED)
        return NULL;
    return &s->handle[number - 1];
}

void semi_handle_close(struct semi_handle *h)
{
    if (h->kind == SEMI_FILE) {
        close(h->fd);
        free(h->name);
    }
    *h = (struct semi_handle){.kind = SEMI_CLOSED};
}

/* The first @n characters at @at are a component that may be followed: 0 or a negative errno. */
static int check_component(const char *at, size_t n)
{
    if (n == 2 && !memcmp(at, "..", 2))
        return -EACCES;
    return n > NAME_MAX ? -ENAMETOOLONG : 0;
}

/* From directory @dir, which is closed, to its directory @name. */
static int descend(int dir, const char *name)
{
    int next = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int rc = next < 0 ? -errno : next;

    close(dir);
    return rc;
}

/*
 * The directory that @name is in, component by component so that no link is followed; @last: its
 * last component, NAME_MAX + 1 bytes. A file descriptor, or a negative errno.
 */
static int open_parent(const struct semihosting *s, const char *name, char *last)
{
    int dir;

    if (s->dir < 0 || *name == '/')
        return -EACCES;
    if (*name == '\0')
        return -ENOENT;
    dir = fcntl(s->dir, F_DUPFD_CLOEXEC, 0);
    if (dir < 0)
        return -errno;
    for (;;) {
        size_t n = strcspn(name, "/");
        int rc = check_component(name, n);
        if (rc) {
            close(dir);
            return rc;
        }
        memcpy(last, name, n);
        last[n] = '\0';
        if (name[n] == '\0')
            return dir;
        name += n + 1;
        if (n)
            dir = descend(dir, last);
        if (dir < 0)
            return dir;
    }
}

/* Not a directory, a link or something that could block: 0 or a negative errno. */
static int check_regular(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) ? 0 : S_ISDIR(st.st_mode) ? -EISDIR : -EACCES;
}

/* @name in the directory, as open() has @flags: a descriptor of a regular file, or
 * a negative errno. */
static int open_regular(const struct semihosting *s, const char *name, int flags)
{
    char last[NAME_MAX + 1];
    int dir = open_parent(s, name, last);

    if (dir < 0)
        return dir;
    int fd = openat(dir, *last ? last : ".", flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                    0666);
    int rc = fd < 0 ? -errno : check_regular(fd);
    close(dir);
    if (rc < 0 && fd >= 0)
        close(fd);
    return rc < 0 ? rc : fd;
}

/* By pairs of modes: text and binary are the same. */
static const int open_flags[] = {
    O_RDONLY,
    O_RDWR,
    O_WRONLY | O_CREAT | O_TRUNC, /* r, r+, w */
    O_RDWR | O_CREAT | O_TRUNC,
    O_WRONLY | O_CREAT,
    O_RDWR | O_CREAT, /* w+, a, a+ */
};

int semi_file_open(struct semihosting *s, const char *name, unsigned mode)
{
    if (mode / 2 >= ARRAY_SIZE(open_flags))
        return -EINVAL;
    int fd = open_regular(s, name, open_flags[mode / 2]);
    if (fd < 0)
        return fd;
    struct semi_handle h = {.kind = SEMI_FILE,
                            .fd = fd,
                            .append = mode / 2 >= 4,
                            .name = strdup(name),
                            .mode = (uint8_t)mode};
    int rc = h.name ? semi_handle_new(s, h) : -ENOMEM;
    if (!h.name)
        host_fail(s->host, ARM_ENOMEM, "no memory for the handle of a file that the guest opens");
    if (rc < 0)
        semi_handle_close(&h);
    return rc;
}

int semi_file_reopen(const struct semihosting *s, const char *name, unsigned mode)
{
    if (mode / 2 >= ARRAY_SIZE(open_flags))
        return -EINVAL;
    return open_regular(s, name, open_flags[mode / 2] & ~(O_CREAT | O_TRUNC));
}

int semi_file_remove(const struct semihosting *s, const char *name)
{
    char last[NAME_MAX + 1];
    int dir = open_parent(s, name, last);

    if (dir < 0)
        return dir;
    int rc = unlinkat(dir, last, 0) < 0 ? -errno : 0;
    close(dir);
    return rc;
}

int semi_file_rename(const struct semihosting *s, const char *from, const char *to)
{
    char last_from[NAME_MAX + 1], last_to[NAME_MAX + 1];
    int dir_from = open_parent(s, from, last_from);

    if (dir_from < 0)
        return dir_from;
    int dir_to = open_parent(s, to, last_to);
    int rc = dir_to;
    if (dir_to >= 0) {
        rc = renameat(dir_from, last_from, dir_to, last_to) < 0 ? -errno : 0;
        close(dir_to);
    }
    close(dir_from);
    return rc;
}
