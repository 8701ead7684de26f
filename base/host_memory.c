#define _GNU_SOURCE
#include "base/host_memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/bits.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14; older ones refuse it */
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1; older ones refuse it */
#endif

/* To the next large page; 0, if @p is at one. */
static size_t before(const uint8_t *p)
{
    return -(uintptr_t)p % HOST_LARGE_PAGE;
}

void host_memory_advise(void *p, size_t bytes)
{
    uint8_t *first = p;
    size_t skipped = before(first);

    if (skipped < bytes)
        madvise(first + skipped, align_down(bytes - skipped, HOST_LARGE_PAGE), MADV_HUGEPAGE);
}

void *host_memory_for_later(size_t bytes)
{
    size_t size = align_up(bytes, HOST_LARGE_PAGE);

    if (size < bytes || size + HOST_LARGE_PAGE < size)
        return NULL;
    uint8_t *p = mmap(NULL, size + HOST_LARGE_PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    size_t skipped = before(p);
    if (skipped)
        munmap(p, skipped);
    munmap(p + skipped + size, HOST_LARGE_PAGE - skipped);
    return p + skipped;
}

bool host_memory_collapse(void *p, size_t bytes)
{
    return madvise(p, bytes, MADV_COLLAPSE) == 0;
}

void host_memory_enlarge(void *p, size_t bytes)
{
    size_t size = align_up(bytes, HOST_LARGE_PAGE);

    host_memory_advise(p, size);
    (void)host_memory_collapse(p, size); /* likewise advice only */
}

void *host_memory(size_t bytes)
{
    void *p = host_memory_for_later(bytes);

    if (p)
        host_memory_advise(p, align_up(bytes, HOST_LARGE_PAGE));
    return p;
}

#ifdef ARMILLARY_ASAN

/* What the sanitizer knows the ends of, and looks through for pointers. */
void *host_pages(size_t bytes)
{
    return calloc(1, bytes);
}

void host_pages_free(void *p, size_t bytes)
{
    (void)bytes;
    free(p);
}

#else

void *host_pages(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

void host_pages_free(void *p, size_t bytes)
{
    if (p)
        munmap(p, bytes);
}

#endif

void host_pages_find(void *p, size_t bytes)
{
    madvise(p, bytes, MADV_POPULATE_WRITE);
}

void host_memory_free(void *p, size_t bytes)
{
    if (p)
        munmap(p, align_up(bytes, HOST_LARGE_PAGE));
}
