/*
 * What a host does with a guest's memory while it runs: a fork takes all of it away, so that each
 * page comes back by a fault and is copied at the first write; and dirty pages are logged for a
 * while, as a migration does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kvmtest.h"

#define EVERY 4 /* exits to user space between two steps */

static struct {
    unsigned exits, forks, logs;
    uint64_t dirty; /* pages of all logs */
} memory;

static uint64_t bitmap[RAM_SIZE / 4096 / 64];

static void set_region(struct vm *vm, bool logged)
{
    struct kvm_userspace_memory_region region = {
        .flags = logged ? KVM_MEM_LOG_DIRTY_PAGES : 0,
        .guest_phys_addr = RAM_BASE,
        .memory_size = RAM_SIZE,
        .userspace_addr = (uint64_t)(uintptr_t)vm->ram,
    };

    if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
        die("KVM_SET_USER_MEMORY_REGION");
}

static void read_log(struct vm *vm)
{
    struct kvm_dirty_log log = {.dirty_bitmap = bitmap};

    if (ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log) < 0)
        die("KVM_GET_DIRTY_LOG");
    for (unsigned k = 0; k < sizeof(bitmap) / sizeof(bitmap[0]); k++)
        memory.dirty += (unsigned)__builtin_popcountll(bitmap[k]);
    memory.logs++;
}

static void take_away(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    if (pid < 0 || waitpid(pid, NULL, 0) != pid)
        die("fork");
    memory.forks++;
}

/* Called at exits to user space: one step of several. */
void memory_change(struct vm *vm)
{
    if (memory.exits++ % EVERY)
        return;
    switch (memory.exits / EVERY % 4) {
    case 0:
        take_away();
        break;
    case 1:
        set_region(vm, true);
        break;
    case 2:
        read_log(vm);
        break;
    default:
        set_region(vm, false);
    }
}

void memory_end(void)
{
    printf("kvmtest: memory was taken away and logged: %s\n",
           memory.forks && memory.logs && memory.dirty ? "yes" : "NO");
}
