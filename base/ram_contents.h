/*
 * What a bank of RAM holds at one time: an image in host memory that any number of machines map
 * copy-on-write, and the pages that differ from it. Copies share both.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/blocks.h"
#include "base/error.h"

struct ram_image;

struct ram_contents {
    struct ram_image *image; /* NULL: zeros */
    struct blocks pages;     /* of PAGE_SIZE, by number in the bank */
};

/* @page_count zero pages; or a copy. False: the host has no memory. */
bool ram_contents_init(struct ram_contents *c, uint64_t page_count);
bool ram_contents_copy(struct ram_contents *c, const struct ram_contents *from);
void ram_contents_destroy(struct ram_contents *c);

/* Page @n; NULL: zeros. */
const uint8_t *ram_contents_page(const struct ram_contents *c, uint64_t n);

/* The first page from @n on that may be other than zeros; the number of pages if there is none. */
uint64_t ram_contents_next(const struct ram_contents *c, uint64_t n);

/* How many pages may be other than zeros, at most. */
uint64_t ram_contents_used(const struct ram_contents *c);

/* An image of @page_count zero pages, to be filled and then finished before it is used; freed as
 * part of contents. *err and NULL: the host has no memory. */
struct ram_image *ram_image_create(uint64_t page_count, struct arm_error *err);

/* Pages @first, ... of @image, @count of them, each once, become those at @from. */
int ram_image_fill(struct ram_image *image, uint64_t first, uint64_t count, const uint8_t *from,
                   struct arm_error *err) __attribute__((warn_unused_result));
int ram_image_finish(struct ram_image *image, struct arm_error *err)
    __attribute__((warn_unused_result));

/* Put @image, or zeros, in place of what is mapped at @host, of the image's size: what is written
 * there is the writer's alone. 0 or -ARM_ENOMEM; then nothing has changed. */
int ram_image_map(const struct ram_image *image, uint8_t *host, uint64_t size,
                  struct arm_error *err) __attribute__((warn_unused_result));

/* Put what @image has into @host, of the image's size, where there are zeros. */
int ram_image_read(const struct ram_image *image, uint8_t *host, struct arm_error *err)
    __attribute__((warn_unused_result));
