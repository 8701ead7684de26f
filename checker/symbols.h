/* Names of addresses: the functions of an ELF file, or the lines of a System.map. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"

struct symbols;

/**
 * symbols_load() - @spec: FILE, or FILE@OFFSET with what is to be added to the file's addresses.
 * Return: NULL and *err: it cannot be read, or is neither. Free with symbols_free().
 */
struct symbols *symbols_load(const char *spec, struct arm_error *err);
void symbols_free(struct symbols *s);

/* "name+0x1c" of @address in @buf; false: nothing is known of it. @s: may be NULL. */
bool symbols_name(const struct symbols *s, uint64_t address, char *buf, unsigned size);
