/* Stage-2 descriptors (DDI0487 D8.3), and where in the tables one is. */
#pragma once

#include "hyp/stage2.h"

/* Bits 1..0 say what; a table and a page have both set, on their levels. */
#define DESC_VALID      BIT(0)
#define DESC_TABLE      BIT(1)
#define DESC_ADDRESS    MASK(47, 12)
#define DESC_AF         BIT(10)
#define DESC_INNER      (UINT64_C(3) << 8)
#define DESC_READ       BIT(6)
#define DESC_WRITE      BIT(7)
#define DESC_NORMAL     (UINT64_C(15) << 2)
#define DESC_DEVICE     (UINT64_C(1) << 2) /* nGnRE */
#define DESC_DBM        BIT(51)
#define DESC_CONTIGUOUS BIT(52)
#define DESC_XN         BIT(54)
#define DESC_RAM        BIT(55) /* ours: a write may be allowed */
#define DESC_ATTRIBUTES (~(DESC_ADDRESS | DESC_TABLE))

/* Invalid, and ours. Who has frozen an entry decides what it becomes, everybody else tries again. A
 * dead one is in a table that is nobody's any more: it stays so until the table is freed. */
#define DESC_FROZEN UINT64_C(2)
#define DESC_DEAD   UINT64_C(4)

static inline bool is_frozen(uint64_t desc)
{
    return desc == DESC_FROZEN || desc == DESC_DEAD;
}

static inline bool is_table(uint64_t desc, unsigned level)
{
    return level < 3 && (desc & (DESC_VALID | DESC_TABLE)) == (DESC_VALID | DESC_TABLE);
}

static inline bool is_leaf(uint64_t desc, unsigned level)
{
    return (desc & DESC_VALID) && !is_table(desc, level);
}

static inline uint64_t *next_table(uint64_t desc)
{
    return (uint64_t *)(uintptr_t)(desc & DESC_ADDRESS);
}

static inline uint64_t table_desc(const uint64_t *table)
{
    return (uint64_t)(uintptr_t)table | DESC_VALID | DESC_TABLE;
}

static inline uint64_t table_bytes(const struct stage2 *s)
{
    return UINT64_C(1) << s->page_log2;
}

static inline unsigned table_entries(const struct stage2 *s)
{
    return 1u << (s->page_log2 - 3);
}

/* log2 of what an entry of the level covers. */
static inline unsigned level_shift(const struct stage2 *s, unsigned level)
{
    return s->page_log2 + (s->page_log2 - 3) * (3 - level);
}

static inline uint64_t level_step(const struct stage2 *s, unsigned level)
{
    return UINT64_C(1) << level_shift(s, level);
}

static inline uint64_t *entry_of(const struct stage2 *s, uint64_t *table, unsigned level,
                                 uint64_t ipa)
{
    uint64_t index = ipa >> level_shift(s, level);

    return &table[level == s->start_level ? index : index & (table_entries(s) - 1)];
}

/* The part of [ipa, ipa + size) that one entry at @level covers. */
static inline uint64_t part(const struct stage2 *s, unsigned level, uint64_t ipa, uint64_t size)
{
    uint64_t step = level_step(s, level), to_end = step - (ipa & (step - 1));

    return size < to_end ? size : to_end;
}

/* Blocks: levels 1 and 2 with 4K pages, level 2 with 16K and 64K. */
static inline bool may_be_leaf(const struct stage2 *s, unsigned level, bool blocks)
{
    return level == 3 || (blocks && (level == 2 || (level == 1 && s->page_log2 == 12)));
}

static inline uint64_t leaf(unsigned level, uint64_t pa, uint64_t attr)
{
    return pa | attr | DESC_AF | DESC_VALID | (level == 3 ? DESC_TABLE : 0);
}

/* How many pages side by side may share a TLB entry (DDI0487 D8, "Contiguous bit"): 64K, 2M, 2M. */
static inline unsigned contiguous_pages(const struct stage2 *s)
{
    return s->page_log2 == 12 ? 16 : s->page_log2 == 14 ? 128 : 32;
}

static inline uint64_t load_desc(const uint64_t *entry)
{
    return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

uint64_t stage2_attributes(enum stage2_kind kind);

/* After descriptors of @size bytes at @ipa, entries of @step each, have become invalid or lost
 * rights: no CPU uses them any more. And the same on this CPU only, of one page that gained. */
void stage2_forget(struct stage2 *s, uint64_t ipa, uint64_t size, uint64_t step);
void stage2_forget_here(struct stage2 *s, uint64_t ipa);
