#define _GNU_SOURCE
#include "base/source_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct source_file {
    unsigned refs;
    int fd;
    struct stat was; /* when it was first read */
};

struct source_file *source_file_new(int fd)
{
    struct source_file *f = malloc(sizeof(*f));

    if (!f)
        return NULL;
    *f = (struct source_file){.refs = 1, .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)};
    if (f->fd >= 0 && fstat(f->fd, &f->was) == 0 && S_ISREG(f->was.st_mode))
        return f;
    source_file_put(f);
    return NULL;
}

struct source_file *source_file_get(struct source_file *f)
{
    f->refs++;
    return f;
}

void source_file_put(struct source_file *f)
{
    if (!f || --f->refs)
        return;
    if (f->fd >= 0)
        close(f->fd);
    free(f);
}

bool source_file_read(const struct source_file *f, uint64_t offset, void *to, size_t size)
{
    struct stat is;

    /* In this order: what was written before the read is seen by its time. */
    return pread(f->fd, to, size, (off_t)offset) == (ssize_t)size && fstat(f->fd, &is) == 0 &&
           is.st_size == f->was.st_size && is.st_mtim.tv_sec == f->was.st_mtim.tv_sec &&
           is.st_mtim.tv_nsec == f->was.st_mtim.tv_nsec;
}
