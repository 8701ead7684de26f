/*
 * Translation table descriptors (D8.3): what a change of one means for TLBs that may hold it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Where a descriptor stands. */
struct descriptor_place {
    uint8_t stage;        /* 1 or 2 */
    int8_t level;         /* -1 to 3 */
    uint8_t granule_bits; /* 12, 14, 16 */
    bool two_ranges;      /* of a regime with EL0: has nG */
};

enum descriptor_change {
    CHANGE_NONE,       /* what TLBs hold may be used on: AF, dirty state, more permissions, bits of
                          software */
    CHANGE_PERMISSION, /* fewer permissions: needs a TLBI, but no break */
    CHANGE_GONE,       /* no longer valid */
    /* From here on: not without break-before-make (D8.16.1). */
    CHANGE_ADDRESS,    /* another output address, or next table */
    CHANGE_SIZE,       /* table to block or back */
    CHANGE_TYPE,       /* memory type, cacheability, shareability */
    CHANGE_CONTIGUOUS, /* the Contiguous bit */
    CHANGE_GLOBAL,     /* nG to global */
};

bool descriptor_valid(const struct descriptor_place *at, uint64_t desc);
bool descriptor_is_table(const struct descriptor_place *at, uint64_t desc);

/* log2 bytes of what one descriptor of this level translates. */
unsigned descriptor_shift(const struct descriptor_place *at);

/* The next table's address, or the page's or block's. FEAT_LPA2's and 52-bit forms: their upper
 * bits are left out. */
uint64_t descriptor_address(const struct descriptor_place *at, uint64_t desc);

/* What may TLBs hold of @before, which is valid, that @after does not say? @bbm:
 * ID_AA64MMFR2_EL1.BBM, which may allow sizes to change. */
enum descriptor_change descriptor_compare(const struct descriptor_place *at, uint64_t before,
                                          uint64_t after, unsigned bbm);

/* How many descriptors side by side the Contiguous bit is about at this level; 1:
 * it means nothing. */
unsigned descriptor_group(const struct descriptor_place *at);

/* Does @desc have the Contiguous bit, and is it a leaf? */
bool descriptor_is_contiguous(const struct descriptor_place *at, uint64_t desc);

/* Of the @k-th of a group whose first is @first: does it say the same, but for the address, which
 * follows, access flag and dirty state? */
bool descriptor_continues(const struct descriptor_place *at, uint64_t first, uint64_t desc,
                          unsigned k);

/* Of stage 2: may hardware make the leaf @desc writable, at any write (DBM), and has not yet? */
bool descriptor_is_clean(const struct descriptor_place *at, uint64_t desc);

/* "the output address", ...: what has changed. */
const char *descriptor_change_text(enum descriptor_change change);
