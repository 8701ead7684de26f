/* The requests of 9P2000.L. Nothing is done before all arguments have been read. */
#define _GNU_SOURCE /* O_DIRECTORY, O_PATH */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/bits.h"
#include "devices/p9.h"

#define VERSION       "9P2000.L"
#define NAME_ROOM     256
#define IO_HEADER     24 /* of a read or write, at most */
#define MESSAGE_MIN   4096
#define WALK_MAX      16
#define QID_DIR       0x80
#define QID_LINK      0x02
#define GETATTR_BASIC UINT64_C(0x7ff)
#define UNLINK_DIR    0x200
#define ENTRIES_MAX   (UINT32_C(1) << 20)
#define V9FS_MAGIC    0x01021997
#define LOCK_SUCCESS  0
#define LOCK_UNLOCKED 2

/* The protocol's numbers of open flags are Linux' generic ones, which are this host's but for
 * these. */
#define L_DIRECTORY 0200000
#define L_EXCL      00000200
#define L_TRUNC     00001000
#define L_APPEND    00002000

static int host_flags(uint32_t flags)
{
    return (int)(flags & 3) | (flags & L_TRUNC ? O_TRUNC : 0) | (flags & L_APPEND ? O_APPEND : 0);
}

static void put_qid(struct p9_bytes *out, const struct stat *st)
{
    p9_put(out, 1, S_ISDIR(st->st_mode) ? QID_DIR : S_ISLNK(st->st_mode) ? QID_LINK : 0);
    p9_put(out, 4, 0);
    p9_put(out, 8, st->st_ino);
}

/* @dir and the name in it. */
static bool join(char to[P9_PATH_MAX], const char *dir, const char *name)
{
    size_t a = strlen(dir), b = strlen(name);

    if (a + b + 2 > P9_PATH_MAX)
        return false;
    memcpy(to, dir, a);
    if (a)
        to[a++] = '/';
    memcpy(to + a, name, b + 1);
    return true;
}

static int stat_fid(const struct p9 *p, const struct p9_fid *fid, struct stat *st)
{
    return folder_stat(&p->folder, fid->path, st);
}

/* ---- session ---- */

static int version(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    uint64_t max = p9_get(in, 4);
    char text[32];

    if (!p9_get_text(in, text, sizeof(text)))
        return -EINVAL;
    if (max < MESSAGE_MIN)
        return -EMSGSIZE;
    p9_reset(p);
    p->message_max = max < P9_MESSAGE_MAX ? (uint32_t)max : P9_MESSAGE_MAX;
    p9_put(out, 4, p->message_max);
    if (strcmp(text, VERSION))
        p9_put_text(out, "unknown", strlen("unknown"));
    else
        p9_put_text(out, VERSION, strlen(VERSION));
    return 0;
}

static int attach(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    uint32_t number = (uint32_t)p9_get(in, 4), uid;
    char name[NAME_ROOM], tree[P9_PATH_MAX];
    struct p9_fid *fid;
    struct stat st;
    int rc;

    p9_get(in, 4); /* no authentication */
    if (!p9_get_text(in, name, sizeof(name)) || !p9_get_text(in, tree, sizeof(tree)))
        return -EINVAL;
    uid = (uint32_t)p9_get(in, 4);
    if (in->bad || p9_find(p, number))
        return -EINVAL;
    rc = folder_stat(&p->folder, "", &st);
    if (rc)
        return rc;
    fid = p9_new(p, number, "");
    if (!fid)
        return -ENOMEM;
    fid->uid = uid;
    put_qid(out, &st);
    return 0;
}

/* Requests are answered in their order: there is nothing to be flushed. */
static int flush(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    (void)p, (void)in, (void)out;
    return 0;
}

static int clunk(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    struct p9_fid *fid = p9_find(p, (uint32_t)p9_get(in, 4));

    (void)out;
    if (!fid || in->bad)
        return -EBADF;
    p9_drop(p, fid);
    return 0;
}

/* ---- walk ---- */

/* One component; ".." of the root is the root. */
static int step(char path[P9_PATH_MAX], const char *name)
{
    char longer[P9_PATH_MAX], *slash = strrchr(path, '/');

    if (!strcmp(name, "..")) {
        *(slash ? slash : path) = '\0';
        return 0;
    }
    if (!strcmp(name, "."))
        return 0;
    if (!folder_is_name(name))
        return -ENOENT;
    if (!join(longer, path, name))
        return -ENAMETOOLONG;
    memcpy(path, longer, strlen(longer) + 1);
    return 0;
}

/* As far as there is something; the new fid only if all was there. */
static int walk(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    struct p9_fid *fid = p9_find(p, (uint32_t)p9_get(in, 4)), *to;
    uint32_t number = (uint32_t)p9_get(in, 4), uid = fid ? fid->uid : 0;
    unsigned wanted = (unsigned)p9_get(in, 2), found = 0;
    struct stat st[WALK_MAX];
    char path[P9_PATH_MAX], name[NAME_ROOM];
    int rc = 0;

    if (in->bad || wanted > WALK_MAX)
        return -EINVAL;
    to = p9_find(p, number);
    if (!fid || (to && to != fid) || (to && to->fd >= 0))
        return -EBADF;
    memcpy(path, fid->path, strlen(fid->path) + 1);
    for (; found < wanted; found++) {
        if (!p9_get_text(in, name, sizeof(name)))
            return -EINVAL;
        rc = step(path, name);
        rc = rc ? rc : folder_stat(&p->folder, path, &st[found]);
        if (rc)
            break;
    }
    if (rc && found == 0)
        return rc;
    if (found == wanted && to && !p9_set_path(to, path))
        return -ENOMEM;
    if (found == wanted && !to) {
        to = p9_new(p, number, path);
        if (!to)
            return -ENOMEM;
        to->uid = uid;
    }
    p9_put(out, 2, found);
    for (unsigned i = 0; i < found; i++)
        put_qid(out, &st[i]);
    in->bad = false; /* what is behind a name that is not there */
    return 0;
}

/* ---- files ---- */

static int opened(struct p9 *p, struct p9_fid *fid, int fd, struct p9_bytes *out)
{
    struct stat st;
    int rc = fstat(fd, &st) ? -errno : 0;

    if (rc) {
        close(fd);
        return rc;
    }
    fid->fd = fd;
    p->open++;
    put_qid(out, &st);
    p9_put(out, 4, p->message_max - IO_HEADER);
    return 0;
}

static int lopen(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    struct p9_fid *fid = p9_find(p, (uint32_t)p9_get(in, 4));
    uint32_t flags = (uint32_t)p9_get(in, 4);
    int fd;

    if (!fid || in->bad || fid->fd >= 0)
        return -EBADF;
    if (p->open == P9_OPEN_MAX)
        return -EMFILE;
    fd = folder_open_file(&p->folder, fid->path,
                          host_flags(flags) | (flags & L_DIRECTORY ? O_DIRECTORY : 0));
    return fd < 0 ? fd : opened(p, fid, fd, out);
}

static int lcreate(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    struct p9_fid *fid = p9_find(p, (uint32_t)p9_get(in, 4));
    char name[NAME_ROOM], path[P9_PATH_MAX];
    uint32_t flags, mode, gid;
    int fd;

    if (!p9_get_text(in, name, sizeof(name)))
        return -EINVAL;
    flags = (uint32_t)p9_get(in, 4);
    mode = (uint32_t)p9_get(in, 4);
    gid = (uint32_t)p9_get(in, 4);
    if (!fid || in->bad || fid->fd >= 0)
        return -EBADF;
    if (p->open == P9_OPEN_MAX)
        return -EMFILE;
    if (!join(path, fid->path, name))
        return -ENAMETOOLONG;
    fd = folder_create(&p->folder, fid->path, name, host_flags(flags), mode, fid->uid, gid);
    if (fd == -EEXIST && !(flags & L_EXCL))
        fd = folder_open_file(&p->folder, path, host_flags(flags));
    if (fd < 0)
        return fd;
    if (!p9_set_path(fid, path)) {
        close(fd);
        return -ENOMEM;
    }
    return opened(p, fid, fd, out);
}

static int read_file(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    struct p9_fid *fid = p9_find(p, (uint32_t)p9_get(in, 4));
    uint64_t offset = p9_get(in, 8), count = p9_get(in, 4);
    ssize_t n;

    if (!fid || in->bad || fid->fd < 0)
        return -EBADF;
    if (offset > INT64_MAX || out->left < 4)
        return -EINVAL;
    count = count < out->left - 4 ? count : out->left - 4;
    n = pread(fid->fd, out->at + 4, count, (off_t)offset);
    if (n < 0)
        return -errno;
    p9_put(out, 4, (uint64_t)n);
    out->at += n;
    out->left -= (size_t)n;
    return 0;
}

static int write_file(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    struct p9_fid *fid = p9_find(p, (uint32_t)p9_get(in, 4));
    uint64_t offset = p9_get(in, 8), count = p9_get(in, 4);
    ssize_t n;

    if (!fid || in->bad || fid->fd < 0)
        return -EBADF;
    if (offset > INT64_MAX || count > in->left)
        return -EINVAL;
    n = pwrite(fid->fd, in->at, count, (off_t)offset);
    if (n < 0)
        return -errno;
    p9_put(out, 4, (uint64_t)n);
    return 0;
}

static int sync_file(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    struct p9_fid *fid = p9_find(p, (uint32_t)p9_get(in, 4));

    (void)out;
    if (!fid || in->bad || fid->fd < 0)
        return -EBADF;
    return (p9_get(in, 4) ? fdatasync(fid->fd) : fsync(fid->fd)) ? -errno : 0;
}

/* ---- folders ---- */

struct p9_entry {
    uint64_t inode;
    uint8_t type;
    char name[NAME_ROOM];
};

struct p9_entries {
    unsigned count;
    struct p9_entry rows[];
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct p9_entry *)a)->name, ((const struct p9_entry *)b)->name);
}

static bool add_entry(struct p9_entries **all, const struct dirent *d)
{
    unsigned n = (*all)->count;
    struct p9_entries *more;

    if (n == ENTRIES_MAX)
        return false;
    if ((n & (n - 1)) == 0) { /* room is the next power of 2 */
        more = realloc(*all, sizeof(**all) + 2 * (n ? (size_t)n : 1) * sizeof(struct p9_entry));
        if (!more)
            return false;
        *all = more;
    }
    struct p9_entry *e = &(*all)->rows[(*all)->count++];
    *e = (struct p9_entry){.inode = d->d_ino, .type = d->d_type};
    memcpy(e->name, d->d_name, strnlen(d->d_name, sizeof(e->name) - 1));
    return true;
}

/* All of them, sorted: the order of the host's file system is none of the guest's business. */
static struct p9_entries *read_entries(int fd)
{
    struct p9_entries *all = calloc(1, sizeof(*all));
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    struct dirent *d = NULL;

    if (!dir && copy >= 0)
        close(copy);
    while (all && dir && (d = readdir(dir)) && add_entry(&all, d))
        ;
    if (dir)
        closedir(dir);
    if (!all || !dir || d) {
        free(all);
        return NULL;
    }
    qsort(all->rows, all->count, sizeof(all->rows[0]), by_name);
    return all;
}

static void put_entry(struct p9_bytes *out, const struct p9_entry *e, uint64_t next)
{
    p9_put(out, 1, e->type == DT_DIR ? QID_DIR : e->type == DT_LNK ? QID_LINK : 0);
    p9_put(out, 4, 0);
    p9_put(out, 8, e->inode);
    p9_put(out, 8, next);
    p9_put(out, 1, e->type);
    p9_put_text(out, e->name, strlen(e->name));
}

static int read_dir(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    struct p9_fid *fid = p9_find(p, (uint32_t)p9_get(in, 4));
    uint64_t offset = p9_get(in, 8), count = p9_get(in, 4);
    struct p9_bytes data, before;
    struct stat st;

    if (!fid || in->bad || fid->fd < 0)
        return -EBADF;
    if (fstat(fid->fd, &st) || !S_ISDIR(st.st_mode))
        return -ENOTDIR;
    if (offset == 0 || !fid->entries) {
        free(fid->entries);
        fid->entries = read_entries(fid->fd);
        if (!fid->entries)
            return -ENOMEM;
    }
    if (out->left < 4)
        return -ENOBUFS;
    count = count < out->left - 4 ? count : out->left - 4;
    data = (struct p9_bytes){out->at + 4, count, false};
    for (; offset < fid->entries->count; offset++) {
        before = data;
        put_entry(&data, &fid->entries->rows[offset], offset + 1);
        if (data.bad) {
            data = before;
            break;
        }
    }
    count = (uint64_t)(data.at - (out->at + 4));
    p9_put(out, 4, count);
    out->at += count;
    out->left -= count;
    return 0;
}

/* A folder's fid and a name in it. */
static int in_folder(struct p9 *p, struct p9_bytes *in, struct p9_fid **dir, char name[NAME_ROOM])
{
    *dir = p9_find(p, (uint32_t)p9_get(in, 4));
    if (!p9_get_text(in, name, NAME_ROOM))
        return -EINVAL;
    return *dir ? 0 : -EBADF;
}

/* What was made there. */
static int put_made(struct p9 *p, const struct p9_fid *dir, const char *name, struct p9_bytes *out)
{
    char path[P9_PATH_MAX];
    struct stat st;
    int rc = join(path, dir->path, name) ? folder_stat(&p->folder, path, &st) : -ENAMETOOLONG;

    if (!rc)
        put_qid(out, &st);
    return rc;
}

static int make_dir(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    char name[NAME_ROOM];
    struct p9_fid *dir;
    int rc = in_folder(p, in, &dir, name);
    uint32_t mode = (uint32_t)p9_get(in, 4), gid = (uint32_t)p9_get(in, 4);

    if (rc || in->bad)
        return rc ? rc : -EINVAL;
    rc = folder_make_dir(&p->folder, dir->path, name, mode, dir->uid, gid);
    return rc ? rc : put_made(p, dir, name, out);
}

static int make_node(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    char name[NAME_ROOM];
    struct p9_fid *dir;
    int rc = in_folder(p, in, &dir, name);
    uint32_t mode = (uint32_t)p9_get(in, 4), major = (uint32_t)p9_get(in, 4);
    uint32_t minor = (uint32_t)p9_get(in, 4), gid = (uint32_t)p9_get(in, 4);

    if (rc || in->bad)
        return rc ? rc : -EINVAL;
    rc = folder_make_node(&p->folder, dir->path, name, mode, makedev(major, minor), dir->uid, gid);
    return rc ? rc : put_made(p, dir, name, out);
}

static int make_symlink(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    char name[NAME_ROOM], target[P9_PATH_MAX];
    struct p9_fid *dir;
    int rc = in_folder(p, in, &dir, name);
    uint32_t gid;

    if (!p9_get_text(in, target, sizeof(target)))
        return -EINVAL;
    gid = (uint32_t)p9_get(in, 4);
    if (rc || in->bad)
        return rc ? rc : -EINVAL;
    rc = folder_make_symlink(&p->folder, dir->path, name, target, dir->uid, gid);
    return rc ? rc : put_made(p, dir, name, out);
}

static int read_link(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    const struct p9_fid *fid = p9_find(p, (uint32_t)p9_get(in, 4));
    char target[P9_PATH_MAX];
    int n;

    if (!fid || in->bad)
        return -EBADF;
    n = folder_read_link(&p->folder, fid->path, target, sizeof(target));
    if (n < 0)
        return n;
    p9_put_text(out, target, (size_t)n);
    return 0;
}

static int make_link(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    const struct p9_fid *dir = p9_find(p, (uint32_t)p9_get(in, 4));
    const struct p9_fid *fid = p9_find(p, (uint32_t)p9_get(in, 4));
    char name[NAME_ROOM];

    (void)out;
    if (!p9_get_text(in, name, sizeof(name)))
        return -EINVAL;
    return dir && fid ? folder_link(&p->folder, fid->path, dir->path, name) : -EBADF;
}

/* Fids at and below @from are at and below @to from now on. */
static int follow(struct p9 *p, const char *from, const char *to)
{
    size_t length = strlen(from);
    char path[P9_PATH_MAX];

    for (unsigned i = 0; i < p->count; i++) {
        const char *rest = p->fids[i].path + length;
        if (strncmp(p->fids[i].path, from, length) || (*rest && *rest != '/'))
            continue;
        if (strlen(to) + strlen(rest) >= sizeof(path))
            return -ENAMETOOLONG;
        memcpy(path, to, strlen(to));
        memcpy(path + strlen(to), rest, strlen(rest) + 1);
        if (!p9_set_path(&p->fids[i], path))
            return -ENOMEM;
    }
    return 0;
}

static int move(struct p9 *p, const char *from_dir, const char *from, const char *to_dir,
                const char *to)
{
    char a[P9_PATH_MAX], b[P9_PATH_MAX];
    int rc;

    if (!join(a, from_dir, from) || !join(b, to_dir, to))
        return -ENAMETOOLONG;
    rc = folder_rename(&p->folder, from_dir, from, to_dir, to);
    return rc ? rc : follow(p, a, b);
}

static int rename_at(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    struct p9_fid *from, *to;
    char a[NAME_ROOM], b[NAME_ROOM];
    int rc = in_folder(p, in, &from, a), other = in_folder(p, in, &to, b);

    (void)out;
    rc = rc ? rc : other;
    return rc ? rc : move(p, from->path, a, to->path, b);
}

/* The folder and the name that a path is made of; false: it is the root's. */
static bool split(const char *path, char dir[P9_PATH_MAX], const char **name)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;

    memcpy(dir, path, length);
    dir[length] = '\0';
    *name = slash ? slash + 1 : path;
    return *path;
}

static int rename_fid(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    struct p9_fid *fid = p9_find(p, (uint32_t)p9_get(in, 4)), *to;
    char name[NAME_ROOM], path[P9_PATH_MAX], dir[P9_PATH_MAX];
    const char *old;
    int rc = in_folder(p, in, &to, name);

    (void)out;
    if (rc || !fid)
        return rc ? rc : -EBADF;
    memcpy(path, fid->path, strlen(fid->path) + 1);
    return split(path, dir, &old) ? move(p, dir, old, to->path, name) : -EBUSY;
}

static int unlink_at(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    char name[NAME_ROOM];
    struct p9_fid *dir;
    int rc = in_folder(p, in, &dir, name);
    uint32_t flags = (uint32_t)p9_get(in, 4);

    (void)out;
    if (rc || in->bad)
        return rc ? rc : -EINVAL;
    return folder_unlink(&p->folder, dir->path, name, flags & UNLINK_DIR);
}

/* The fid is gone whether it could be removed or not. */
static int remove_fid(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    struct p9_fid *fid = p9_find(p, (uint32_t)p9_get(in, 4));
    char dir[P9_PATH_MAX];
    const char *name;
    struct stat st;
    int rc;

    (void)out;
    if (!fid || in->bad)
        return -EBADF;
    rc = stat_fid(p, fid, &st);
    if (!rc)
        rc = split(fid->path, dir, &name)
                 ? folder_unlink(&p->folder, dir, name, S_ISDIR(st.st_mode))
                 : -EBUSY;
    p9_drop(p, fid);
    return rc;
}

/* ---- attributes ---- */

static int get_attributes(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    const struct p9_fid *fid = p9_find(p, (uint32_t)p9_get(in, 4));
    struct stat st;
    int rc;

    p9_get(in, 8);
    if (!fid || in->bad)
        return -EBADF;
    rc = stat_fid(p, fid, &st);
    if (rc)
        return rc;
    p9_put(out, 8, GETATTR_BASIC);
    put_qid(out, &st);
    p9_put(out, 4, st.st_mode);
    p9_put(out, 4, st.st_uid);
    p9_put(out, 4, st.st_gid);
    const uint64_t rest[] = {
        st.st_nlink,
        st.st_rdev,
        (uint64_t)st.st_size,
        (uint64_t)st.st_blksize,
        (uint64_t)st.st_blocks,
        (uint64_t)st.st_atim.tv_sec,
        (uint64_t)st.st_atim.tv_nsec,
        (uint64_t)st.st_mtim.tv_sec,
        (uint64_t)st.st_mtim.tv_nsec,
        (uint64_t)st.st_ctim.tv_sec,
        (uint64_t)st.st_ctim.tv_nsec,
        0, /* birth, generation, data version: none */
        0,
        0,
        0,
    };
    for (size_t i = 0; i < ARRAY_SIZE(rest); i++)
        p9_put(out, 8, rest[i]);
    return 0;
}

static int set_attributes(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    enum {
        MODE = 1,
        UID = 2,
        GID = 4,
        SIZE = 8,
        ATIME = 16,
        MTIME = 32,
        ATIME_SET = 128,
        MTIME_SET = 256
    };
    const struct p9_fid *fid = p9_find(p, (uint32_t)p9_get(in, 4));
    uint32_t valid = (uint32_t)p9_get(in, 4);
    struct folder_changes c = {
        .mode = valid & MODE, .uid = valid & UID, .gid = valid & GID, .size = valid & SIZE};

    (void)out;
    c.new_mode = (uint32_t)p9_get(in, 4);
    c.new_uid = (uint32_t)p9_get(in, 4);
    c.new_gid = (uint32_t)p9_get(in, 4);
    c.new_size = p9_get(in, 8);
    c.atime = (struct folder_time){.set = valid & ATIME, .now = !(valid & ATIME_SET)};
    c.atime.s = (int64_t)p9_get(in, 8);
    c.atime.ns = (int64_t)(p9_get(in, 8) % 1000000000);
    c.mtime = (struct folder_time){.set = valid & MTIME, .now = !(valid & MTIME_SET)};
    c.mtime.s = (int64_t)p9_get(in, 8);
    c.mtime.ns = (int64_t)(p9_get(in, 8) % 1000000000);
    if (!fid || in->bad)
        return -EBADF;
    return folder_change(&p->folder, fid->path, &c);
}

static int stat_fs(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    const struct p9_fid *fid = p9_find(p, (uint32_t)p9_get(in, 4));
    struct statfs st;

    if (!fid || in->bad)
        return -EBADF;
    if (fstatfs(p->folder.root, &st))
        return -errno;
    p9_put(out, 4, V9FS_MAGIC);
    p9_put(out, 4, (uint64_t)st.f_bsize);
    p9_put(out, 8, st.f_blocks);
    p9_put(out, 8, st.f_bfree);
    p9_put(out, 8, st.f_bavail);
    p9_put(out, 8, st.f_files);
    p9_put(out, 8, st.f_ffree);
    p9_put(out, 8, 0);
    p9_put(out, 4, NAME_ROOM - 1);
    return 0;
}

/* One client: whoever asks has the lock; as with QEMU, the client settles it among its own. */
static int lock(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    const struct p9_fid *fid = p9_find(p, (uint32_t)p9_get(in, 4));

    if (!fid)
        return -EBADF;
    p9_put(out, 1, LOCK_SUCCESS);
    return 0;
}

static int get_lock(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out)
{
    const struct p9_fid *fid = p9_find(p, (uint32_t)p9_get(in, 4));
    uint64_t start, length, process;
    char client[NAME_ROOM];

    p9_get(in, 1);
    start = p9_get(in, 8);
    length = p9_get(in, 8);
    process = p9_get(in, 4);
    if (!p9_get_text(in, client, sizeof(client)) || !fid)
        return -EBADF;
    p9_put(out, 1, LOCK_UNLOCKED);
    p9_put(out, 8, start);
    p9_put(out, 8, length);
    p9_put(out, 4, process);
    p9_put_text(out, client, strlen(client));
    return 0;
}

p9_fn *p9_function(uint8_t type)
{
    /* Authentication and extended attributes are not among them. */
    static p9_fn *const functions[256] = {
        [8] = stat_fs,         [12] = lopen,      [14] = lcreate,     [16] = make_symlink,
        [18] = make_node,      [20] = rename_fid, [22] = read_link,   [24] = get_attributes,
        [26] = set_attributes, [40] = read_dir,   [50] = sync_file,   [52] = lock,
        [54] = get_lock,       [70] = make_link,  [72] = make_dir,    [74] = rename_at,
        [76] = unlink_at,      [100] = version,   [104] = attach,     [108] = flush,
        [110] = walk,          [116] = read_file, [118] = write_file, [120] = clunk,
        [122] = remove_fid,
    };

    return functions[type];
}
