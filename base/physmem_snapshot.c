/* Snapshots of RAM: who copies what, and when. docs/decisions/011 says why. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/physmem.h"

/* So many pages that differ from an image are kept singly whatever the image's size. More than
 * that, and more than half of all that is in use, and a new image is cheaper to share. */
#define SINGLE_PAGES_MIN 4096

static uint64_t page_count(const struct ram_bank *b)
{
    return b->size >> PAGE_SHIFT;
}

static bool wants_image(const struct ram_bank *b)
{
    uint64_t single = blocks_used(&b->last.pages) + b->changed_count;

    return single > SINGLE_PAGES_MIN &&
           single > (ram_contents_used(&b->last) + b->changed_count) / 2;
}

/* The first page from @n on that @b may hold other than as zeros. */
static uint64_t next_used(const struct ram_bank *b, uint64_t n)
{
    uint64_t last = ram_contents_next(&b->last, n);

    while (n < last && !(b->flags[n] & PAGE_CHANGED))
        n++;
    return n;
}

static int fill_image(const struct ram_bank *b, struct ram_image *image, struct arm_error *err)
{
    uint64_t pages = page_count(b), n = 0, first;
    int rc = 0;

    while (!rc && (first = next_used(b, n)) < pages) {
        for (n = first + 1; n < pages && next_used(b, n) == n;)
            n++;
        rc = ram_image_fill(image, first, n - first, b->host + first * PAGE_SIZE, err);
    }
    return rc ? rc : ram_image_finish(image, err);
}

/* All that @b holds, as one image. */
static int take_image(const struct ram_bank *b, struct ram_contents *to, struct arm_error *err)
{
    int rc;

    if (!ram_contents_init(to, page_count(b)))
        return error_set(err, ARM_ENOMEM, "a snapshot: the host has no memory");
    to->image = ram_image_create(page_count(b), err);
    rc = to->image ? fill_image(b, to->image, err) : -ARM_ENOMEM;
    if (rc)
        ram_contents_destroy(to);
    return rc;
}

/* Page @n of @b is in a snapshot as it is here. */
static bool lend_page(const struct ram_bank *b, struct blocks *to, uint64_t n)
{
    if (!blocks_lend(to, n, b->host + n * PAGE_SIZE))
        return false;
    for (unsigned k = 0; k < b->file_count; k++) {
        const struct ram_file *f = &b->files[k];
        if (n >= f->first && n < f->end) {
            blocks_lend_of(to, n, f->file, f->offset + (n - f->first) * PAGE_SIZE);
            break;
        }
    }
    return true;
}

/* What @b held at the last snapshot, and the pages that have changed since. */
static int take_changes(const struct ram_bank *b, bool lend, struct ram_contents *to,
                        struct arm_error *err)
{
    bool ok = ram_contents_copy(to, &b->last);
    struct blocks_room room;

    blocks_room_begin(&room, PAGE_SIZE, lend ? 0 : b->changed_count);
    for (uint32_t k = 0; ok && k < b->changed_count; k++) {
        uint64_t n = b->changed[k];
        ok = lend ? lend_page(b, &to->pages, n)
                  : blocks_set_in(&to->pages, n, b->host + n * PAGE_SIZE, &room);
    }
    blocks_room_end(&room);
    if (ok)
        return 0;
    ram_contents_destroy(to);
    return error_set(err, ARM_ENOMEM, "a snapshot: the host has no memory");
}

/* @b is as @last has it, which becomes the bank's. */
static void in_step(struct ram_bank *b, struct ram_contents *last)
{
    ram_contents_destroy(&b->last);
    b->last = *last;
    for (uint32_t k = 0; k < b->changed_count; k++)
        b->flags[b->changed[k]] &= (uint8_t)~PAGE_CHANGED;
    b->changed_count = 0;
}

void ram_keep(struct ram_bank *b, uint64_t page)
{
    (void)blocks_keep(&b->last.pages, page); /* who restores a page that is lost is told */
}

static int take_bank(struct ram_bank *b, bool lend, struct ram_contents *to, struct arm_error *err)
{
    struct ram_contents now;
    int rc;

    if (!lend && b->lends && !blocks_keep_all(&b->last.pages, true))
        return error_set(err, ARM_ENOMEM, "a snapshot: the host has no memory");
    rc = !lend && wants_image(b) ? take_image(b, &now, err) : take_changes(b, lend, &now, err);
    if (rc)
        return rc;
    b->lends = lend;
    if (!ram_contents_copy(to, &now)) {
        ram_contents_destroy(&now);
        return error_set(err, ARM_ENOMEM, "a snapshot: the host has no memory");
    }
    in_step(b, &now);
    return 0;
}

int physmem_take(struct physmem *mem, bool lend, struct ram_contents *contents,
                 struct arm_error *err)
{
    for (unsigned i = 0; i < mem->bank_count; i++) {
        int rc = take_bank(&mem->banks[i], lend, &contents[i], err);
        if (rc) {
            while (i--)
                ram_contents_destroy(&contents[i]);
            return rc;
        }
    }
    return 0;
}

/* Page @n of @b is to be another. */
static void tell_changing(const struct physmem *mem, const struct ram_bank *b, uint64_t n)
{
    if ((b->flags[n] & PAGE_HAS_CODE) && mem->code_written)
        mem->code_written(mem->code_written_ctx, (pa_t){b->base + n * PAGE_SIZE});
}

static int lost_page(struct arm_error *err)
{
    return error_set(err, ARM_ENOMEM,
                     "a snapshot: the host had no memory for what has changed behind it, or a file "
                     "that was loaded has changed");
}

/* All that @contents have can be had: what was lent once, and was to be read from files, is here
 * now. */
static bool is_whole(const struct physmem *mem, const struct ram_contents *contents)
{
    for (unsigned i = 0; i < mem->bank_count; i++) {
        const struct blocks *pages = &contents[i].pages;
        for (uint64_t n = 0; pages->pool && (n = blocks_next(pages, n)) < pages->count; n++)
            if (blocks_is_lost(pages, n))
                return false;
    }
    return true;
}

/* False: nobody has it any more. */
static bool set_page(const struct ram_bank *b, const struct ram_contents *c, uint64_t n)
{
    const uint8_t *from = ram_contents_page(c, n);

    if (!from && blocks_is_lost(&c->pages, n))
        return false;
    if (from)
        memcpy(b->host + n * PAGE_SIZE, from, PAGE_SIZE);
    else
        memset(b->host + n * PAGE_SIZE, 0, PAGE_SIZE);
    return true;
}

/* From one snapshot of an image to another: pages that have changed since, and those in which the
 * two differ. */
static int set_difference(const struct physmem *mem, struct ram_bank *b,
                          const struct ram_contents *c, struct arm_error *err)
{
    const struct blocks *from = &b->last.pages, *to = &c->pages;
    bool good = true;

    for (uint32_t k = 0; k < b->changed_count; k++) {
        tell_changing(mem, b, b->changed[k]);
        good &= set_page(b, c, b->changed[k]);
    }
    for (uint64_t n = 0; (n = blocks_next_unshared(from, to, n)) < to->count; n++) {
        if (b->flags[n] & PAGE_CHANGED)
            continue;
        tell_changing(mem, b, n);
        ram_keep(b, n);
        good &= set_page(b, c, n);
    }
    return good ? 0 : lost_page(err);
}

/* Many single pages are copied whatever is done, and each is a fault for the host if it is put into
 * a mapping of the image: where there are many all is copied, into large pages. */
static bool wants_copy(const struct ram_contents *c)
{
    uint64_t single = blocks_used(&c->pages);

    return single > SINGLE_PAGES_MIN / 4 && single > ram_contents_used(c) / 4;
}

static int set_image(const struct physmem *mem, struct ram_bank *b, const struct ram_contents *c,
                     struct arm_error *err)
{
    bool copy = wants_copy(c), good = !b->lends || blocks_keep_all(&b->last.pages, false);
    int rc = ram_image_map(copy ? NULL : c->image, b->host, b->size, err);

    if (!rc && copy && c->image)
        rc = ram_image_read(c->image, b->host, err);
    for (uint64_t n = 0; !rc && n < page_count(b); n++)
        tell_changing(mem, b, n);
    for (uint64_t n = 0; !rc && (n = blocks_next(&c->pages, n)) < c->pages.count; n++)
        good &= set_page(b, c, n);
    return rc || good ? rc : lost_page(err);
}

static int restore_bank(const struct physmem *mem, struct ram_bank *b, const struct ram_contents *c,
                        struct arm_error *err)
{
    struct ram_contents now;
    int rc = 0;

    if (!ram_contents_copy(&now, c))
        return error_set(err, ARM_ENOMEM, "a snapshot: the host has no memory");
    if (b->last.image == c->image)
        rc = set_difference(mem, b, c, err);
    else
        rc = set_image(mem, b, c, err);
    if (rc) {
        ram_contents_destroy(&now);
    } else {
        in_step(b, &now);
        b->lends |= b->last.pages.pool != NULL;
    }
    return rc;
}

int physmem_restore(struct physmem *mem, const struct ram_contents *contents, struct arm_error *err)
{
    int rc = 0;

    if (!is_whole(mem, contents))
        return lost_page(err);
    physmem_forget_files(mem);
    for (unsigned i = 0; !rc && i < mem->bank_count; i++)
        rc = restore_bank(mem, &mem->banks[i], &contents[i], err);
    return rc;
}
