/* Relocations of AArch64 ELF files: the rows of relocations.def. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"

struct relocation {
    uint32_t type;      /* R_AARCH64_xxx */
    uint64_t place;     /* P: the address that is changed */
    uint64_t value;     /* S+A */
    uint64_t got;       /* address of the symbol's slot; 0 unless relocate_needs_got() */
    uint64_t got_base;  /* a page's */
    uint8_t *bytes;     /* at P */
    uint64_t room;      /* how many of them there are */
    const char *symbol; /* for error texts; "" if it has no name */
};

bool relocate_needs_got(uint32_t type);

/* Return: 0, or -ARM_EFORMAT (does not fit, outside of its section) or -ARM_ENOTSUP. */
int relocate(const struct relocation *r, struct arm_error *err);
