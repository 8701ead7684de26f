/* Requests of 9P2000.L: what is in a folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices/p9_internal.h"

#define ENTRIES_MAX (UINT32_C(1) << 20)

struct p9_entry {
    uint64_t inode;
    uint8_t type;
    char name[P9_NAME_ROOM];
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
    p9_put(out, 1, p9_qid_type(DTTOIF(e->type)));
    p9_put(out, 4, 0);
    p9_put(out, 8, e->inode);
    p9_put(out, 8, next);
    p9_put(out, 1, e->type);
    p9_put_text(out, e->name, strlen(e->name));
}

/* Whole entries, as many as have room. */
static size_t put_entries(struct p9_bytes data, const struct p9_entries *all, uint64_t next)
{
    const uint8_t *begin = data.at;
    size_t n = 0;

    for (; next < all->count; n = (size_t)(data.at - begin)) {
        put_entry(&data, &all->rows[next], next + 1);
        if (data.bad)
            break;
        next++;
    }
    return n;
}

int p9_readdir(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    struct p9_fid *fid = a->fid[0];
    uint64_t offset = a->n[0];
    struct stat st;

    (void)p;
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
    p9_put_data(out, put_entries((struct p9_bytes){out->at + 4, p9_data_room(out, a->n[1]), false},
                                 fid->entries, offset));
    return 0;
}
