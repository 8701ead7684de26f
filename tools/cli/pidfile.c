#include "pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool pidfile_open(struct pidfile *p, const char *path)
{
    *p = (struct pidfile){.fd = -1};
    if (!path)
        return true;
    p->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (p->fd < 0 || lockf(p->fd, F_TLOCK, 0) || ftruncate(p->fd, 0) ||
        dprintf(p->fd, "%d\n", (int)getpid()) < 0) {
        fprintf(stderr, "armillary: -pidfile %s: %s\n", path,
                p->fd >= 0 && (errno == EACCES || errno == EAGAIN) ? "another process holds it"
                                                                   : strerror(errno));
        if (p->fd >= 0)
            close(p->fd);
        return false;
    }
    p->path = path;
    return true;
}

void pidfile_close(struct pidfile *p)
{
    if (!p->path)
        return;
    unlink(p->path);
    close(p->fd);
    p->path = NULL;
}
