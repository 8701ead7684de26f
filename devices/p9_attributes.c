/* Requests of 9P2000.L: what is known of a file, and of all of them. */
#include <errno.h>
#include <sys/statfs.h>

#include "base/bits.h"
#include "devices/p9_internal.h"

#define GETATTR_BASIC UINT64_C(0x7ff)
#define V9FS_MAGIC    0x01021997

int p9_getattr(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    struct stat st;
    int rc = folder_stat(&p->folder, a->fid[0]->path, &st);

    if (rc)
        return rc;
    p9_put(out, 8, GETATTR_BASIC);
    p9_put_qid(out, &st);
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

static struct folder_time time_of(bool set, bool given, const uint64_t value[2])
{
    return (struct folder_time){
        .set = set, .now = !given, .s = (int64_t)value[0], .ns = (int64_t)(value[1] % 1000000000)};
}

int p9_setattr(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
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
    uint64_t valid = a->n[0];
    const struct folder_changes c = {
        .mode = valid & MODE,
        .uid = valid & UID,
        .gid = valid & GID,
        .size = valid & SIZE,
        .new_mode = (uint32_t)a->n[1],
        .new_uid = (uint32_t)a->n[2],
        .new_gid = (uint32_t)a->n[3],
        .new_size = a->n[4],
        .atime = time_of(valid & ATIME, valid & ATIME_SET, &a->n[5]),
        .mtime = time_of(valid & MTIME, valid & MTIME_SET, &a->n[7]),
    };

    (void)out;
    return folder_change(&p->folder, a->fid[0]->path, &c);
}

int p9_statfs(struct p9 *p, struct p9_args *a, struct p9_bytes *out)
{
    struct statfs st;

    (void)a;
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
    p9_put(out, 4, P9_NAME_ROOM - 1);
    return 0;
}
