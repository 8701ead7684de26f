/* The software TLB of one CPU. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define TLB_L1_SIZE 2048 /* entries of one half of a bank, direct mapped by page number */
#define TLB_L1_EMPTY 1   /* a tag no page-aligned address equals */

/* tag: virtual page address (top byte as used); host address of a byte = addend + va. */
struct tlb_l1_entry {
    uint64_t tag;
    uint64_t addend;
};

/* One translation context: loads and stores that hit here need no further check. */
struct tlb_bank {
    struct tlb_l1_entry r[TLB_L1_SIZE], w[TLB_L1_SIZE];
};
