#define _GNU_SOURCE /* O_PATH, AT_EMPTY_PATH */
#include "devices/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/le.h"

#define MODE_BITS UINT32_C(07777)

static int result(long rc)
{
    return rc < 0 ? -errno : (int)rc;
}

/* Whatever is renamed or linked meanwhile, what is opened is beneath the root. */
static int beneath(const struct folder *f, const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW),
                           .resolve =
                               RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};

    return result(syscall(SYS_openat2, f->root, *path ? path : ".", &how, sizeof(how)));
}

int folder_open(struct folder *f, const char *path, enum folder_security security, bool readonly,
                struct arm_error *err)
{
    *f = (struct folder){open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), security, readonly};
    if (f->root < 0)
        return error_set(err, ARM_EIO, "%s: %s", path, strerror(errno));
    int fd = beneath(f, "", O_PATH);
    if (fd >= 0) {
        close(fd);
        return 0;
    }
    folder_close(f);
    return error_set(err, ARM_EIO, "%s: openat2: %s", path, strerror(-fd));
}

void folder_close(struct folder *f)
{
    if (f->root >= 0)
        close(f->root);
    f->root = -1;
}

bool folder_is_name(const char *name)
{
    return *name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

/* ---- mapped attributes: user.virtfs.*, 32-bit little-endian numbers ---- */

/* The way of calls that take no descriptor of O_PATH. */
struct by_fd {
    char path[40];
};

static struct by_fd by_fd(int fd)
{
    struct by_fd p;

    snprintf(p.path, sizeof(p.path), "/proc/self/fd/%d", fd);
    return p;
}

static bool get_attribute(int fd, const char *name, unsigned bytes, uint64_t *value)
{
    uint8_t le[8];

    if (getxattr(by_fd(fd).path, name, le, sizeof(le)) != (ssize_t)bytes)
        return false;
    *value = le_get(le, bytes);
    return true;
}

static int set_attribute(int fd, const char *name, unsigned bytes, uint64_t value)
{
    uint8_t le[8];

    le_put(le, bytes, value);
    return result(setxattr(by_fd(fd).path, name, le, bytes, 0));
}

#define UID_NAME    "user.virtfs.uid"
#define GID_NAME    "user.virtfs.gid"
#define MODE_NAME   "user.virtfs.mode"
#define DEVICE_NAME "user.virtfs.rdev"

static void map_stat(int fd, struct stat *st)
{
    uint64_t v;

    if (get_attribute(fd, UID_NAME, 4, &v))
        st->st_uid = (uid_t)v;
    if (get_attribute(fd, GID_NAME, 4, &v))
        st->st_gid = (gid_t)v;
    if (get_attribute(fd, MODE_NAME, 4, &v))
        st->st_mode = (mode_t)v;
    if (get_attribute(fd, DEVICE_NAME, 8, &v))
        st->st_rdev = (dev_t)v;
}

static int stat_fd(const struct folder *f, int fd, struct stat *st)
{
    int rc = result(fstatat(fd, "", st, AT_EMPTY_PATH));

    if (!rc && f->security == FOLDER_MAPPED)
        map_stat(fd, st);
    return rc;
}

int folder_stat(const struct folder *f, const char *path, struct stat *st)
{
    int fd = beneath(f, path, O_PATH), rc = fd < 0 ? fd : stat_fd(f, fd, st);

    if (fd >= 0)
        close(fd);
    return rc;
}

/* A pipe or a device would be the host's: only files and folders are opened. */
int folder_open_file(const struct folder *f, const char *path, int flags)
{
    struct stat st;
    int rc, fd;

    if (f->readonly && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC)))
        return -EROFS;
    rc = folder_stat(f, path, &st);
    if (rc)
        return rc;
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return -ENXIO;
    fd = beneath(f, path, (flags & (O_ACCMODE | O_TRUNC | O_APPEND | O_DIRECTORY)) | O_NONBLOCK);
    return fd;
}

/* ---- making ---- */

/* The folder that something is to be made or removed in; -EROFS and -EINVAL are said here. */
static int parent(const struct folder *f, const char *dir, const char *name)
{
    if (f->readonly)
        return -EROFS;
    if (!folder_is_name(name))
        return -EINVAL;
    return beneath(f, dir, O_PATH | O_DIRECTORY);
}

/* What was made belongs to the guest's user, as far as that can be. @mode with its type. */
static int give(const struct folder *f, int dir, const char *name, uint32_t mode, uint64_t device,
                uint32_t uid, uint32_t gid)
{
    int fd = result(openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)), rc = fd < 0 ? fd : 0;

    if (fd < 0)
        return rc;
    if (f->security == FOLDER_MAPPED) {
        rc = set_attribute(fd, UID_NAME, 4, uid);
        rc = rc ? rc : set_attribute(fd, GID_NAME, 4, gid);
        rc = rc ? rc : set_attribute(fd, MODE_NAME, 4, mode);
        if (!rc && (S_ISCHR(mode) || S_ISBLK(mode)))
            rc = set_attribute(fd, DEVICE_NAME, 8, device);
    } else {
        rc = result(fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
        if (!rc && !S_ISLNK(mode))
            rc = result(chmod(by_fd(fd).path, mode & MODE_BITS));
        if (f->security == FOLDER_NONE)
            rc = 0;
    }
    close(fd);
    return rc;
}

static uint32_t host_mode(const struct folder *f, uint32_t mode, uint32_t mapped)
{
    return f->security == FOLDER_MAPPED ? mapped : mode & MODE_BITS;
}

int folder_create(const struct folder *f, const char *dir, const char *name, int flags,
                  uint32_t mode, uint32_t uid, uint32_t gid)
{
    int at = parent(f, dir, name), fd, rc;

    if (at < 0)
        return at;
    fd = result(openat(at, name,
                       (flags & (O_ACCMODE | O_TRUNC | O_APPEND)) | O_CREAT | O_EXCL | O_NOFOLLOW |
                           O_CLOEXEC | O_NONBLOCK,
                       host_mode(f, mode, 0600)));
    rc = fd < 0 ? fd : give(f, at, name, S_IFREG | (mode & MODE_BITS), 0, uid, gid);
    if (fd >= 0 && rc) {
        close(fd);
        unlinkat(at, name, 0);
    }
    close(at);
    return rc ? rc : fd;
}

int folder_make_dir(const struct folder *f, const char *dir, const char *name, uint32_t mode,
                    uint32_t uid, uint32_t gid)
{
    int at = parent(f, dir, name), rc;

    if (at < 0)
        return at;
    rc = result(mkdirat(at, name, host_mode(f, mode, 0700)));
    if (!rc && (rc = give(f, at, name, S_IFDIR | (mode & MODE_BITS), 0, uid, gid)))
        unlinkat(at, name, AT_REMOVEDIR);
    close(at);
    return rc;
}

/* A file of these contents, for what the host shall not have as it is. */
static int make_mapped(const struct folder *f, int at, const char *name, const char *contents,
                       uint32_t mode, uint64_t device, uint32_t uid, uint32_t gid)
{
    int fd = result(openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    int rc = fd < 0 ? fd : result(write(fd, contents, strlen(contents)));

    if (fd < 0)
        return rc;
    close(fd);
    rc = rc < 0 ? rc : give(f, at, name, mode, device, uid, gid);
    if (rc)
        unlinkat(at, name, 0);
    return rc;
}

int folder_make_node(const struct folder *f, const char *dir, const char *name, uint32_t mode,
                     uint64_t device, uint32_t uid, uint32_t gid)
{
    int at = parent(f, dir, name), rc;

    if (at < 0)
        return at;
    if (f->security == FOLDER_MAPPED) {
        rc = make_mapped(f, at, name, "", mode, device, uid, gid);
    } else {
        rc = result(mknodat(at, name, mode & (S_IFMT | MODE_BITS), device));
        if (!rc && (rc = give(f, at, name, mode, device, uid, gid)))
            unlinkat(at, name, 0);
    }
    close(at);
    return rc;
}

int folder_make_symlink(const struct folder *f, const char *dir, const char *name,
                        const char *target, uint32_t uid, uint32_t gid)
{
    int at = parent(f, dir, name), rc;

    if (at < 0)
        return at;
    if (f->security == FOLDER_MAPPED) {
        rc = make_mapped(f, at, name, target, S_IFLNK | 0777, 0, uid, gid);
    } else {
        rc = result(symlinkat(target, at, name));
        if (!rc && (rc = give(f, at, name, S_IFLNK | 0777, 0, uid, gid)))
            unlinkat(at, name, 0);
    }
    close(at);
    return rc;
}

int folder_read_link(const struct folder *f, const char *path, char *to, size_t room)
{
    int fd = beneath(f, path, O_PATH), rc;
    struct stat real, st;

    if (fd < 0)
        return fd;
    rc = result(fstatat(fd, "", &real, AT_EMPTY_PATH));
    rc = rc ? rc : stat_fd(f, fd, &st);
    if (!rc && S_ISLNK(st.st_mode) && S_ISREG(real.st_mode)) {
        int file = beneath(f, path, O_RDONLY | O_NONBLOCK);
        rc = file < 0 ? file : result(read(file, to, room));
        if (file >= 0)
            close(file);
    } else if (!rc) {
        rc = result(readlinkat(fd, "", to, room));
    }
    close(fd);
    return rc;
}

/* ---- names ---- */

int folder_link(const struct folder *f, const char *path, const char *dir, const char *name)
{
    int at = parent(f, dir, name), fd, rc;

    if (at < 0)
        return at;
    fd = beneath(f, path, O_PATH);
    rc = fd < 0 ? fd : result(linkat(AT_FDCWD, by_fd(fd).path, at, name, AT_SYMLINK_FOLLOW));
    if (fd >= 0)
        close(fd);
    close(at);
    return rc;
}

int folder_rename(const struct folder *f, const char *from_dir, const char *from,
                  const char *to_dir, const char *to)
{
    int a = parent(f, from_dir, from), b, rc;

    if (a < 0)
        return a;
    b = parent(f, to_dir, to);
    rc = b < 0 ? b : result(renameat(a, from, b, to));
    if (b >= 0)
        close(b);
    close(a);
    return rc;
}

int folder_unlink(const struct folder *f, const char *dir, const char *name, bool is_dir)
{
    int at = parent(f, dir, name), rc;

    if (at < 0)
        return at;
    rc = result(unlinkat(at, name, is_dir ? AT_REMOVEDIR : 0));
    close(at);
    return rc;
}

/* ---- attributes ---- */

static int change_owner(const struct folder *f, int fd, const struct folder_changes *c)
{
    int rc = 0;

    if (f->security == FOLDER_MAPPED) {
        if (c->uid)
            rc = set_attribute(fd, UID_NAME, 4, c->new_uid);
        return rc || !c->gid ? rc : set_attribute(fd, GID_NAME, 4, c->new_gid);
    }
    rc = result(fchownat(fd, "", c->uid ? c->new_uid : (uid_t)-1, c->gid ? c->new_gid : (gid_t)-1,
                         AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
    return f->security == FOLDER_NONE ? 0 : rc;
}

static int change_mode(const struct folder *f, int fd, uint32_t mode)
{
    struct stat st;
    int rc = stat_fd(f, fd, &st);

    if (rc)
        return rc;
    if (S_ISLNK(st.st_mode))
        return -EOPNOTSUPP;
    mode &= MODE_BITS;
    if (f->security == FOLDER_MAPPED)
        return set_attribute(fd, MODE_NAME, 4, (st.st_mode & S_IFMT) | mode);
    return result(chmod(by_fd(fd).path, mode));
}

static struct timespec timespec(const struct folder_time *t)
{
    return (struct timespec){t->s, !t->set ? UTIME_OMIT : t->now ? UTIME_NOW : (long)t->ns};
}

/* Only a file has a size, and a node's length is none of the guest's business. */
static int change_size(const struct folder *f, int fd, uint64_t size)
{
    struct stat st;
    int rc = stat_fd(f, fd, &st);

    if (rc)
        return rc;
    if (!S_ISREG(st.st_mode) || size > INT64_MAX)
        return -EINVAL;
    return result(truncate(by_fd(fd).path, (off_t)size));
}

int folder_change(const struct folder *f, const char *path, const struct folder_changes *c)
{
    const struct timespec times[] = {timespec(&c->atime), timespec(&c->mtime)};
    int fd, rc = 0;

    if (f->readonly)
        return -EROFS;
    fd = beneath(f, path, O_PATH);
    if (fd < 0)
        return fd;
    if (c->mode)
        rc = change_mode(f, fd, c->new_mode);
    if (!rc && (c->uid || c->gid))
        rc = change_owner(f, fd, c);
    if (!rc && c->size)
        rc = change_size(f, fd, c->new_size);
    if (!rc && (c->atime.set || c->mtime.set))
        rc = result(utimensat(fd, "", times, AT_EMPTY_PATH));
    close(fd);
    return rc;
}
