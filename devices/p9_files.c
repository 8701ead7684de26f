/* Requests of 9P2000.L: open files. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "devices/p9_internal.h"

#define IO_HEADER     24 /* of a read or write, at most */
#define LOCK_SUCCESS  0
#define LOCK_UNLOCKED 2

/* The protocol's numbers of open flags are Linux' generic ones, which are this host's but for
 * these. */
#define L_DIRECTORY 0200000
#define L_EXCL      00000200
#define L_TRUNC     00001000
#define L_APPEND    00002000

static int host_flags(uint64_t flags)
{
    return (int)(flags & 3) | (flags & L_TRUNC ? O_TRUNC : 0) | (flags & L_APPEND ? O_APPEND : 0);
}

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
    p9_put_qid(out, &st);
    p9_put(out, 4, p->message_max - IO_HEADER);
    return 0;
}

int p9_lopen(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    uint64_t flags = a->n[0];
    int fd;

    if (p->open == P9_OPEN_MAX)
        return -EMFILE;
    fd = folder_open_file(&p->folder, a->fid[0]->path,
                          host_flags(flags) | (flags & L_DIRECTORY ? O_DIRECTORY : 0));
    return fd < 0 ? fd : opened(p, a->fid[0], fd, out);
}

int p9_lcreate(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    struct p9_fid *fid = a->fid[0];
    const char *name = a->text[0];
    uint64_t flags = a->n[0];
    char path[P9_PATH_MAX];
    int fd;

    if (p->open == P9_OPEN_MAX)
        return -EMFILE;
    if (!p9_join(path, fid->path, name))
        return -ENAMETOOLONG;
    fd = folder_create(&p->folder, fid->path, name, host_flags(flags), (uint32_t)a->n[1], fid->uid,
                       (uint32_t)a->n[2]);
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

int p9_read(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    uint64_t offset = a->n[0];
    ssize_t n;

    (void)p;
    if (offset > INT64_MAX || out->left < 4)
        return -EINVAL;
    n = pread(a->fid[0]->fd, out->at + 4, p9_data_room(out, a->n[1]), (off_t)offset);
    if (n < 0)
        return -errno;
    p9_put_data(out, (size_t)n);
    return 0;
}

int p9_write(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    uint64_t offset = a->n[0], count = a->n[1];
    ssize_t n;

    (void)p;
    if (offset > INT64_MAX || count > a->rest.left)
        return -EINVAL;
    n = pwrite(a->fid[0]->fd, a->rest.at, count, (off_t)offset);
    if (n < 0)
        return -errno;
    p9_put(out, 4, (uint64_t)n);
    return 0;
}

int p9_fsync(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    (void)p, (void)out;
    return (a->n[0] ? fdatasync : fsync)(a->fid[0]->fd) ? -errno : 0;
}

/* One client: whoever asks has the lock; as with QEMU, the client settles it among its own. */
int p9_lock(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    (void)p, (void)a;
    p9_put(out, 1, LOCK_SUCCESS);
    return 0;
}

int p9_getlock(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    (void)p;
    p9_put(out, 1, LOCK_UNLOCKED);
    p9_put(out, 8, a->n[1]);
    p9_put(out, 8, a->n[2]);
    p9_put(out, 4, a->n[3]);
    p9_put_text(out, a->text[0], strlen(a->text[0]));
    return 0;
}
