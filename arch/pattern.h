/* The pattern column of arch/a64.def: fixed bits and fields, bit 31 first. The generator of the
 * decoder has checked them all. */
#pragma once

#include <stdbool.h>

struct pattern_field {
    char name[16];
    unsigned lsb, width;
};

/* Start with *pos = 32 and *text = the pattern. False at the end. */
bool pattern_next_field(const char **text, unsigned *pos, struct pattern_field *field);
