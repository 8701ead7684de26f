/* Values of options as text. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A number (decimal, 0x, 0 octal) with an optional suffix K, M or G, powers of 1024; a number
 * without one counts @unit. False if it is not one, or does not fit. */
bool parse_size(const char *text, uint64_t unit, uint64_t *out);

/* An address: 0x..., 0, or a number with a suffix K, M or G. Digits alone are refused, since they
 * are read as hexadecimal by one and as decimal by another. */
bool parse_address(const char *text, uint64_t *out);

/* A number without suffix, min..max. */
bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* Hexadecimal digits with or without 0x, and nothing else. */
bool parse_hex(const char *text, uint64_t *out);
