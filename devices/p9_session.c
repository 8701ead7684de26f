/* Requests of 9P2000.L: the session, and finding files. */
#include <errno.h>
#include <string.h>

#include "devices/p9_internal.h"

#define VERSION     "9P2000.L"
#define MESSAGE_MIN 4096
#define WALK_MAX    16

int p9_version(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    uint64_t max = a->n[0];

    if (max < MESSAGE_MIN)
        return -EMSGSIZE;
    p9_reset(p);
    p->message_max = max < P9_MESSAGE_MAX ? (uint32_t)max : P9_MESSAGE_MAX;
    p9_put(out, 4, p->message_max);
    if (strcmp(a->text[0], VERSION))
        p9_put_text(out, "unknown", strlen("unknown"));
    else
        p9_put_text(out, VERSION, strlen(VERSION));
    return 0;
}

/* There is no authentication, and one tree. */
int p9_attach(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    uint32_t number = (uint32_t)a->n[0];
    struct p9_fid *fid;
    struct stat st;
    int rc;

    if (p9_find(p, number))
        return -EINVAL;
    rc = folder_stat(&p->folder, "", &st);
    if (rc)
        return rc;
    fid = p9_new(p, number, "");
    if (!fid)
        return -ENOMEM;
    fid->uid = (uint32_t)a->n[2];
    p9_put_qid(out, &st);
    return 0;
}

/* Requests are answered in their order: there is nothing to be flushed. */
int p9_flush(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    (void)p, (void)a, (void)out;
    return 0;
}

int p9_clunk(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    (void)out;
    p9_drop(p, a->fid[0]);
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
    if (!p9_join(longer, path, name))
        return -ENAMETOOLONG;
    memcpy(path, longer, strlen(longer) + 1);
    return 0;
}

/* As far as there is something: from @path on by the names of @in. Returns how many steps, each of
 * which has its st[], or -errno: not even one. */
static int go(const struct p9 *p, struct p9_bytes *in, unsigned wanted, char path[P9_PATH_MAX],
              struct stat st[WALK_MAX])
{
    char name[P9_NAME_ROOM];
    unsigned found = 0;

    for (; found < wanted; found++) {
        int rc;
        if (!p9_get_text(in, name, sizeof(name)))
            return -EINVAL;
        rc = step(path, name);
        rc = rc ? rc : folder_stat(&p->folder, path, &st[found]);
        if (rc && found == 0)
            return rc;
        if (rc)
            break;
    }
    return (int)found;
}

/* The fid @number, which may be @from itself, is at @path now. */
static int arrive(struct p9 *p, struct p9_fid *from, uint32_t number, const char *path)
{
    uint32_t uid = from->uid;
    struct p9_fid *to;

    if (from->number == number)
        return p9_set_path(from, path) ? 0 : -ENOMEM;
    to = p9_new(p, number, path);
    if (!to)
        return -ENOMEM;
    to->uid = uid;
    return 0;
}

/* The new fid is there only if all was found. */
int p9_walk(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    struct p9_fid *fid = a->fid[0];
    uint32_t number = (uint32_t)a->n[0];
    unsigned wanted = (unsigned)a->n[1];
    const struct p9_fid *to = p9_find(p, number);
    struct stat st[WALK_MAX];
    char path[P9_PATH_MAX];
    int found, rc;

    if (wanted > WALK_MAX)
        return -EINVAL;
    if (to && (to != fid || to->fd >= 0))
        return -EBADF;
    memcpy(path, fid->path, strlen(fid->path) + 1);
    found = go(p, &a->rest, wanted, path, st);
    if (found < 0)
        return found;
    rc = (unsigned)found == wanted ? arrive(p, fid, number, path) : 0;
    if (rc)
        return rc;
    p9_put(out, 2, (unsigned)found);
    for (int i = 0; i < found; i++)
        p9_put_qid(out, &st[i]);
    return 0;
}
