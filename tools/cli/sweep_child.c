#define _GNU_SOURCE /* memfd_create() */
#include "sweep_child.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* The guest's console and our words are the first run's. */
static void silence(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; null >= 0 && fd < 3; fd++)
        dup2(null, fd);
}

bool child_begin(struct child *child)
{
    child->fd = memfd_create("armillary-findings", 0);
    fflush(NULL);
    child->pid = child->fd < 0 ? -1 : fork();
    if (child->pid == 0)
        silence();
    return child->pid == 0;
}

static char *place(const struct child *child)
{
    return g_strdup_printf("/dev/fd/%d", child->fd);
}

void child_report(const struct child *child, struct arm_checker *checker, const char *bad)
{
    struct arm_merge *merge = arm_merge_new();
    g_autofree char *path = place(child);
    struct arm_error err;

    arm_merge_add(merge, checker, child->run, child->words);
    if (bad) {
        g_autofree char *text = g_strdup_printf("%s: %s", child->words, bad);
        arm_merge_note(merge, child->run, text);
    }
    if (arm_merge_save(merge, path, &err) < 0)
        _exit(1);
    arm_merge_free(merge);
}

void child_end(struct child *child, struct arm_merge *merge)
{
    g_autofree char *path = place(child);
    struct arm_error err = {0};
    int status = 0;

    while (child->pid > 0 && waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (child->fd < 0 || child->pid < 0 || arm_merge_load(merge, path, &err) < 0) {
        g_autofree char *text =
            g_strdup_printf("%s: the run told nothing (status %#x)", child->words, status);
        arm_merge_note(merge, child->run, text);
    }
    if (child->fd >= 0)
        close(child->fd);
}
