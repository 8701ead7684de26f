#define _GNU_SOURCE
#include "base/ram_contents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/bits.h"
#include "base/host_memory.h"

struct ram_image {
    unsigned refs; /* changed atomically: contents are shared between threads */
    int fd;        /* a file in memory, sparse; nothing writes it once it is complete */
    const uint8_t *bytes;
    uint64_t page_count, used_count;
    uint64_t *used; /* bit n % 64 of word n / 64: page n is in it */
};

/* -- images -- */

static void image_free(struct ram_image *image)
{
    if (image->bytes)
        munmap((void *)(uintptr_t)image->bytes, image->page_count * PAGE_SIZE);
    if (image->fd >= 0)
        close(image->fd);
    free(image->used);
    free(image);
}

static void image_put(struct ram_image *image)
{
    if (image && __atomic_fetch_sub(&image->refs, 1, __ATOMIC_ACQ_REL) == 1)
        image_free(image);
}

static bool has_page(const struct ram_image *image, uint64_t n)
{
    return bit(image->used[n / 64], n % 64);
}

static int no_memory(const struct ram_image *image, struct arm_error *err)
{
    return error_set(err, ARM_ENOMEM, "a snapshot of %llu MiB of RAM: the host says: %s",
                     (unsigned long long)(image->page_count * PAGE_SIZE >> 20), strerror(errno));
}

struct ram_image *ram_image_create(uint64_t page_count, struct arm_error *err)
{
    struct ram_image *image = calloc(1, sizeof(*image));

    if (!image) {
        error_set(err, ARM_ENOMEM, "a snapshot: the host has no memory");
        return NULL;
    }
    *image = (struct ram_image){.refs = 1, .page_count = page_count};
    image->used = calloc((page_count + 63) / 64, sizeof(*image->used));
    image->fd = memfd_create("armillary-ram", MFD_CLOEXEC);
    if (!image->used || image->fd < 0 ||
        ftruncate(image->fd, (off_t)(page_count * PAGE_SIZE)) < 0) {
        no_memory(image, err);
        image_free(image);
        return NULL;
    }
    return image;
}

int ram_image_fill(struct ram_image *image, uint64_t first, uint64_t count, const uint8_t *from,
                   struct arm_error *err)
{
    uint64_t at = first * PAGE_SIZE, end = at + count * PAGE_SIZE;

    while (at < end) {
        ssize_t n = pwrite(image->fd, from, end - at, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return no_memory(image, err);
        from += n;
        at += (uint64_t)n;
    }
    for (uint64_t n = first; n < first + count; n++)
        image->used[n / 64] |= BIT(n % 64);
    image->used_count += count;
    return 0;
}

int ram_image_finish(struct ram_image *image, struct arm_error *err)
{
    void *bytes = mmap(NULL, image->page_count * PAGE_SIZE, PROT_READ, MAP_SHARED, image->fd, 0);

    if (bytes == MAP_FAILED)
        return no_memory(image, err);
    image->bytes = bytes;
    return 0;
}

/* Mapped elsewhere first: what is there stays if that fails. */
int ram_image_map(const struct ram_image *image, uint8_t *host, uint64_t size,
                  struct arm_error *err)
{
    int flags = MAP_PRIVATE | MAP_NORESERVE | (image ? 0 : MAP_ANONYMOUS);
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, image ? image->fd : -1, 0);

    if (p != MAP_FAILED && mremap(p, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, host) == host) {
        if (!image)
            host_memory_advise(host, size);
        return 0;
    }
    int reason = errno;
    if (p != MAP_FAILED)
        munmap(p, size);
    return error_set(err, ARM_ENOMEM, "mapping %llu MiB of RAM: the host says: %s",
                     (unsigned long long)(size >> 20), strerror(reason));
}

/* The first page from @n on that is in @image, or is not; the number of pages if there is none. */
static uint64_t image_next(const struct ram_image *image, uint64_t n, bool in)
{
    while (n < image->page_count && has_page(image, n) != in)
        n += n % 64 == 0 && image->used[n / 64] == (in ? 0 : UINT64_MAX) ? 64 : 1;
    return n < image->page_count ? n : image->page_count;
}

/* By the file: a page of the mapping would be a fault for the host. */
int ram_image_read(const struct ram_image *image, uint8_t *host, struct arm_error *err)
{
    uint64_t n = image_next(image, 0, true), end;

    for (; n < image->page_count; n = image_next(image, end, true)) {
        end = image_next(image, n, false);
        for (uint64_t at = n * PAGE_SIZE; at < end * PAGE_SIZE;) {
            ssize_t got = pread(image->fd, host + at, end * PAGE_SIZE - at, (off_t)at);
            if (got < 0 && errno == EINTR)
                continue;
            if (got <= 0)
                return no_memory(image, err);
            at += (uint64_t)got;
        }
    }
    return 0;
}

/* -- contents -- */

bool ram_contents_init(struct ram_contents *c, uint64_t page_count)
{
    c->image = NULL;
    return blocks_init(&c->pages, PAGE_SIZE, page_count);
}

bool ram_contents_copy(struct ram_contents *c, const struct ram_contents *from)
{
    c->image = NULL;
    if (!blocks_copy(&c->pages, &from->pages))
        return false;
    c->image = from->image;
    if (c->image)
        __atomic_fetch_add(&c->image->refs, 1, __ATOMIC_RELAXED);
    return true;
}

void ram_contents_destroy(struct ram_contents *c)
{
    image_put(c->image);
    c->image = NULL;
    blocks_destroy(&c->pages);
}

const uint8_t *ram_contents_page(const struct ram_contents *c, uint64_t n)
{
    const uint8_t *page = blocks_get(&c->pages, n);

    if (!page && c->image && has_page(c->image, n))
        page = c->image->bytes + n * PAGE_SIZE;
    return page;
}

uint64_t ram_contents_next(const struct ram_contents *c, uint64_t n)
{
    uint64_t other = blocks_next(&c->pages, n);

    if (!c->image)
        return other;
    while (n < other && !has_page(c->image, n))
        n += n % 64 == 0 && c->image->used[n / 64] == 0 ? 64 : 1;
    return n < other ? n : other;
}

uint64_t ram_contents_used(const struct ram_contents *c)
{
    return blocks_used(&c->pages) + (c->image ? c->image->used_count : 0);
}
