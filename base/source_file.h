/*
 * A file that memory was filled from, kept open: what stood there can be read again as long as
 * nobody changes the file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source_file;

/* The file that @fd is open on, which stays the caller's. NULL: it is none that can be read
 * again, or the host has no memory. */
struct source_file *source_file_new(int fd);

/* Counts, of one thread. source_file_put(): @f may be NULL; the last one closes it. */
struct source_file *source_file_get(struct source_file *f);
void source_file_put(struct source_file *f);

/* @size bytes at @offset, to @to. False: they cannot be read, or it is not the file that it was. */
bool source_file_read(const struct source_file *f, uint64_t offset, void *to, size_t size);
