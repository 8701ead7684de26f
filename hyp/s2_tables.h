/*
 * Changes of a stage-2 tree, by one CPU under the write lock or by several under the read lock
 * (struct s2_walk, .shared). Shared, an entry changes by compare-and-swap only; what needs several
 * steps freezes the entry first (DESC_FROZEN), which is also the break of break-before-make; and a
 * table that is taken out is freed when nobody can be in it (hyp/s2_free.h).
 *
 * Each answers S2_AGAIN when another was there first: nothing is wrong, and nothing half-done; the
 * caller gives up the lock and comes back.
 */
#pragma once

#include "hyp/stage2.h"

enum s2_step {
    S2_DONE,
    S2_AGAIN,
    S2_ABSENT, /* nothing is mapped there */
    S2_DENIED, /* it may not be written */
};

/* Tables for the walk, made before the lock is taken. */
#define S2_BUDGET 4
struct s2_budget {
    uint64_t *table[S2_BUDGET];
    unsigned count;
};

struct s2_walk {
    struct stage2 *s;
    bool shared;
    struct s2_budget *budget; /* NULL: tables are allocated when they are needed */
};

/* Between what is read and the compare-and-swap that relies on it: unit tests come between. */
#ifdef __aarch64__
#define s2_race() ((void)0)
#else
void s2_race(void);
#endif

/* Change *entry from what was read; false: it is not that any more. */
bool s2_set(const struct s2_walk *w, uint64_t *entry, uint64_t from, uint64_t to);

/* A leaf at @level, and below if there is a table in the way; what is mapped stays. @contiguous:
 * with its neighbours, if all are free and their frames lie side by side. */
enum s2_step s2_map(const struct s2_walk *w, uint64_t ipa, uint64_t pa, unsigned level,
                    uint64_t attributes, bool contiguous);

/* The access flag, and for a write the right to it. While writes are logged, of one page only. */
enum s2_step s2_allow(const struct s2_walk *w, uint64_t ipa, bool write);

/* A block becomes a table of the same; contiguous pages become single ones. */
enum s2_step s2_split(const struct s2_walk *w, uint64_t *entry, unsigned level, uint64_t ipa);
enum s2_step s2_part(const struct s2_walk *w, uint64_t *entry, uint64_t ipa);

/* The table of pages around @ipa becomes a block, if they are one. S2_ABSENT: they are not. */
enum s2_step s2_collapse(const struct s2_walk *w, uint64_t ipa);

/* On [ipa, ipa + size): unmap; take the right to write away, or the access flag. @hit is told each
 * page that had it (it may be called again for the same one after S2_AGAIN). */
typedef void s2_hit(void *arg, uint64_t ipa, uint64_t size);
enum s2_step s2_zap(const struct s2_walk *w, uint64_t ipa, uint64_t size);
enum s2_step s2_clear(const struct s2_walk *w, uint64_t ipa, uint64_t size, uint64_t bits_,
                      s2_hit *hit, void *arg);

/* A table of pages that was taken out: its entries die, then it is freed. */
void s2_kill(const struct s2_walk *w, uint64_t *table);

/* All blocks of a range become pages, all contiguous pages single ones. */
enum s2_step s2_split_range(const struct s2_walk *w, uint64_t ipa, uint64_t size);
