/* Symbols as a file for other tools. */
#pragma once

#include <stdint.h>

#include "symbols/symbols.h"

/**
 * symbols_write_elf() - write an ELF file that has no contents but functions' names: what a
 * debugger needs of a program whose own file is not at hand.
 * @offset: is added to each address. @start, @size: where the program is, the offset added.
 * @code: its @size bytes, from which each function's frame is found out (symbols/frames.h); NULL:
 * the file has no frames.
 *
 * Return: 0 or -ARM_Exxx and a sentence.
 */
int symbols_write_elf(const struct symbols *s, uint64_t offset, uint64_t start, uint64_t size,
                      const uint8_t *code, const char *path, struct arm_error *err);
