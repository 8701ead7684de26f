#include "devices/ivshmem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/le.h"
#include "base/state_io.h"

#define REGS_BAR   0
#define MEMORY_BAR 2
#define REGS_BYTES 256
#define PAGE_BYTES 4096

enum { AT_MASK = 0x00, AT_STATUS = 0x04, AT_POSITION = 0x08, AT_DOORBELL = 0x0c };

static struct ivshmem *to_ivshmem(struct pci_function *f)
{
    return (struct ivshmem *)f;
}

static uint64_t read_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size)
{
    const struct ivshmem *s = to_ivshmem(f);

    if (bar == MEMORY_BAR)
        return le_get(s->memory + offset, size);
    return offset == AT_MASK && size == 4 ? s->mask : 0;
}

static void write_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size,
                      uint64_t value)
{
    struct ivshmem *s = to_ivshmem(f);

    if (bar == MEMORY_BAR)
        le_put(s->memory + offset, size, value);
    else if (offset == AT_MASK && size == 4)
        s->mask = (uint32_t)value;
}

static void reset(struct pci_function *f)
{
    to_ivshmem(f)->mask = 0;
}

static void state(struct state_io *io, struct pci_function *f)
{
    struct ivshmem *s = to_ivshmem(f);

    STATE(io, s->mask);
    if (!s->shared)
        state_pages(io, "s->memory", s->memory, s->bytes);
}

static const struct pci_ops ops = {
    .name = "ivshmem",
    .read = read_bar,
    .write = write_bar,
    .reset = reset,
    .state = state,
};

/* Of the file, which is not made shorter: another machine may have it. */
static void *map_file(const char *path, uint64_t bytes)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    void *memory = MAP_FAILED;
    struct stat st;

    if (fd < 0)
        return memory;
    if (fstat(fd, &st) == 0 && ((uint64_t)st.st_size >= bytes || ftruncate(fd, (off_t)bytes) == 0))
        memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return memory;
}

int ivshmem_init(struct ivshmem *s, const char *path, uint64_t bytes, const struct arm_log *log,
                 struct arm_error *err)
{
    void *memory;

    *s = (struct ivshmem){.bytes = bytes, .shared = path != NULL};
    if (bytes < PAGE_BYTES || bytes > IVSHMEM_MAX || !is_pow2(bytes))
        return error_set(err, ARM_EINVAL,
                         "ivshmem: %llu bytes of memory: expected a power of 2, a page to 4 GiB",
                         (unsigned long long)bytes);
    memory = path ? map_file(path, bytes)
                  : mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return error_set(err, ARM_EIO, "ivshmem: cannot map %llu bytes of %s: %s",
                         (unsigned long long)bytes, path ? path : "memory", strerror(errno));
    s->memory = memory;
    pci_init(&s->function, &ops, log,
             &(struct pci_identity){.vendor = 0x1af4,
                                    .device = 0x1110,
                                    .subsystem_vendor = 0x1af4,
                                    .subsystem = 0x1100,
                                    .class = 0x0500,
                                    .revision = 1});
    pci_add_bar(&s->function, REGS_BAR, (struct pci_bar){.size = REGS_BYTES});
    pci_add_bar(&s->function, MEMORY_BAR, (struct pci_bar){.size = bytes, .wide = true});
    return 0;
}

void ivshmem_destroy(struct ivshmem *s)
{
    if (s->memory)
        munmap(s->memory, s->bytes);
    s->memory = NULL;
}
