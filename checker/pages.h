/*
 * The pages of translation tables that walks have read: what is in them, since when, whose they are
 * and how they hang together. They are watched (arm_watch_page()), so that every store shows.
 *
 * Tables of stage 2, of EL2 and of EL2&0 are followed. Not those of EL1&0: they are a world's own;
 * and not the lower half of EL2&0 where TTBR0_EL2 changes: user space of a host.
 */
#pragma once

#include <glib.h>

#include "checker/checker.h"
#include "checker/descriptor.h"
#include "checker/finding.h"

#define PAGE_DESCRIPTORS 512

/* Whose translations: what a TLB tags them with, ASIDs apart. */
struct tlb_context {
    uint8_t stage, regime; /* ARM_REGIME_xxx */
    uint16_t vmid;         /* of stage 2 */
    uint64_t root;         /* of stage 2: VTTBR_EL2.BADDR */
    uint64_t cpus[2];      /* that have walked them */
    uint64_t entered;      /* stage 2: when a world with it was entered last; 0: never seen */
    unsigned running;      /* stage 2: CPUs that run with it now */
    bool over;             /* stage 2: its root was filled anew since, and may be another VM's */
    GPtrArray *stale;      /* struct stale (checker/stale.h) */
};

struct table_page {
    uint64_t pa;
    struct tlb_context *context;
    struct descriptor_place at;
    uint64_t ia;     /* what its first descriptor translates */
    uint16_t asid;   /* it was walked with */
    uint64_t parent; /* address of the descriptor that leads here; 0: none was seen */
    bool cut;        /* it was taken out of the tables, and TLBs may not know yet */
    struct site cut_at;
    uint64_t desc[PAGE_DESCRIPTORS];  /* as the CPUs see them */
    uint64_t since[PAGE_DESCRIPTORS]; /* when each was written; 0: before it was first walked */
};

/* The last descriptor that a walk of a stage has read. */
struct walk_step {
    bool valid;
    uint64_t pa, next; /* the descriptor, and the table it points to */
    int8_t level;
};

struct pages {
    GHashTable *by_pa; /* struct table_page by page number */
    GPtrArray *contexts;
    struct walk_step *last; /* two for each CPU, by stage */
    uint64_t ttbr0;         /* of EL2&0: the only one so far */
    bool many_ttbr0;
    uint64_t clock; /* counts events: orders them */
};

void pages_init(struct pages *s, unsigned cpu_count);
void pages_free(struct arm_checker *c, struct pages *s);

/* The page that holds @pa, or NULL. */
struct table_page *pages_find(const struct pages *s, uint64_t pa);

/* The context of stage 2 with these; made if it is new. */
struct tlb_context *pages_stage2(struct pages *s, uint16_t vmid, uint64_t root);

/* A walk has read a descriptor. */
void pages_walked(struct arm_checker *c, struct pages *s, const struct arm_event *p);

/* Do the current tables of some CPU, or those of a stage 2, lead to @page? */
bool pages_live(const struct arm_checker *c, const struct pages *s, const struct table_page *page);

/* Of a root that nobody runs with: has all of it been written since somebody has? */
bool pages_over(const struct table_page *root);

/* Where in its table page a descriptor is; what it translates. */
static inline unsigned descriptor_index(uint64_t pa)
{
    return (pa >> 3) % PAGE_DESCRIPTORS;
}

uint64_t pages_ia(const struct table_page *page, unsigned index);

/* Forget @page and look no longer. */
void pages_drop(struct arm_checker *c, struct pages *s, struct table_page *page);
