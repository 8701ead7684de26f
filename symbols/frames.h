/* How debuggers find the callers of functions that have no debug information of their own. */
#pragma once

#include <glib.h>
#include <stdint.h>

/** frames_new() - begin a .debug_frame section (DWARF 5, 6.4.1) of functions that are around
 * @address; the caller frees it. */
GByteArray *frames_new(uint64_t address);

/**
 * frames_add() - where a function keeps its caller's frame, by what its instructions do with SP,
 * X29 and X30.
 * @address: of its first instruction. @code: @size bytes of it, little-endian.
 */
void frames_add(GByteArray *section, uint64_t address, const uint8_t *code, uint64_t size);
