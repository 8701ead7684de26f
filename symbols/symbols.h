/* Names of addresses: the functions of an ELF file, of a System.map, or of what else has some. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "armillary.h"

struct symbols;

/**
 * symbols_load() - @spec: FILE, or FILE@OFFSET with what is to be added to the file's addresses.
 * @path, @offset: get the two, if they are not NULL; *@path is freed with g_free().
 * Return: NULL and *err: it cannot be read, or is neither. Free with symbols_free().
 */
struct symbols *symbols_load(const char *spec, char **path, uint64_t *offset,
                             struct arm_error *err);

/* One without symbols; add functions (@size 0: up to the next one), then sort. */
struct symbols *symbols_new(void);
void symbols_add(struct symbols *s, uint64_t address, uint64_t size, const char *name,
                 size_t length);
void symbols_sort(struct symbols *s);

void symbols_free(struct symbols *s);

/* The address of the first symbol of this name; false: there is none. @s: may be NULL. */
bool symbols_find(const struct symbols *s, const char *name, uint64_t *address);

/* "name+0x1c" of @address in @buf; false: nothing is known of it. @s: may be NULL. */
bool symbols_name(const struct symbols *s, uint64_t address, char *buf, unsigned size);

/* The @index-th by address, and the bytes that are its own. @name: lives as long as @s. False:
 * there are fewer. @s: may be NULL. */
bool symbols_get(const struct symbols *s, unsigned index, uint64_t *address, uint64_t *size,
                 const char **name);

/* The instructions that an ELF file has from @address on, to the end of their section. @bytes: live
 * as long as @s. Return: how many bytes; 0: none. */
size_t symbols_code(const struct symbols *s, uint64_t address, const uint8_t **bytes);

/* Has the file any instructions? */
bool symbols_have_code(const struct symbols *s);
