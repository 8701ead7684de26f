/* Requests of 9P2000.L: names, which are made, moved and taken away. */
#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "devices/p9_internal.h"

#define UNLINK_DIR 0x200

/* What was made by the name that is the first text. */
static int put_made(struct p9 *p, const struct p9_args *a, struct p9_bytes *out)
{
    char path[P9_PATH_MAX];
    struct stat st;
    int rc = p9_join(path, a->fid[0]->path, a->text[0]) ? folder_stat(&p->folder, path, &st)
                                                        : -ENAMETOOLONG;

    if (!rc)
        p9_put_qid(out, &st);
    return rc;
}

int p9_mkdir(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    const struct p9_fid *dir = a->fid[0];
    int rc = folder_make_dir(&p->folder, dir->path, a->text[0], (uint32_t)a->n[0], dir->uid,
                             (uint32_t)a->n[1]);

    return rc ? rc : put_made(p, a, out);
}

int p9_mknod(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    const struct p9_fid *dir = a->fid[0];
    uint64_t device = makedev((unsigned)a->n[1], (unsigned)a->n[2]);
    int rc = folder_make_node(&p->folder, dir->path, a->text[0], (uint32_t)a->n[0], device,
                              dir->uid, (uint32_t)a->n[3]);

    return rc ? rc : put_made(p, a, out);
}

int p9_symlink(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    const struct p9_fid *dir = a->fid[0];
    int rc = folder_make_symlink(&p->folder, dir->path, a->text[0], a->text[1], dir->uid,
                                 (uint32_t)a->n[0]);

    return rc ? rc : put_made(p, a, out);
}

int p9_readlink(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    char target[P9_PATH_MAX];
    int n = folder_read_link(&p->folder, a->fid[0]->path, target, sizeof(target));

    if (n < 0)
        return n;
    p9_put_text(out, target, (size_t)n);
    return 0;
}

int p9_link(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    (void)out;
    return folder_link(&p->folder, a->fid[1]->path, a->fid[0]->path, a->text[0]);
}

/* ---- moved ---- */

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

    if (!p9_join(a, from_dir, from) || !p9_join(b, to_dir, to))
        return -ENAMETOOLONG;
    rc = folder_rename(&p->folder, from_dir, from, to_dir, to);
    return rc ? rc : follow(p, a, b);
}

int p9_renameat(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    (void)out;
    return move(p, a->fid[0]->path, a->text[0], a->fid[1]->path, a->text[1]);
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

int p9_rename(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    char path[P9_PATH_MAX], dir[P9_PATH_MAX];
    const char *old;

    (void)out;
    memcpy(path, a->fid[0]->path, strlen(a->fid[0]->path) + 1);
    return split(path, dir, &old) ? move(p, dir, old, a->fid[1]->path, a->text[0]) : -EBUSY;
}

/* ---- taken away ---- */

int p9_unlinkat(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    (void)out;
    return folder_unlink(&p->folder, a->fid[0]->path, a->text[0], a->n[0] & UNLINK_DIR);
}

/* The fid is gone whether it could be removed or not. */
int p9_remove(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    struct p9_fid *fid = a->fid[0];
    char dir[P9_PATH_MAX];
    const char *name;
    struct stat st;
    int rc = folder_stat(&p->folder, fid->path, &st);

    (void)out;
    if (!rc)
        rc = split(fid->path, dir, &name)
                 ? folder_unlink(&p->folder, dir, name, S_ISDIR(st.st_mode))
                 : -EBUSY;
    p9_drop(p, fid);
    return rc;
}
