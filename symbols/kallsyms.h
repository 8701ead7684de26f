/*
 * The symbol table that a kernel has in its own image: Linux's kallsyms, and Xen's, which was made
 * from it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "symbols/symbols.h"

/**
 * kallsyms_read() - the functions of an image as it is in memory; nothing of it is trusted.
 * @image: from its first byte on, @size of them. Addresses are offsets into it.
 *
 * Return: NULL: no table is found. Free with symbols_free().
 * Source: scripts/kallsyms.c of Linux and xen/tools/symbols.c of Xen, as formats.
 */
struct symbols *kallsyms_read(const uint8_t *image, size_t size);
