/*
 * Decoded code, by physical page. A record is decoded when it is first executed; a store into the
 * page (PAGE_HAS_CODE keeps it off the fast path) makes the records it covers undecoded again. So
 * instruction fetch is coherent without cache maintenance (CTR_EL0.{IDC,DIC} == {1,1}).
 */
#pragma once

#include "arch/insn.h"
#include "base/physmem.h"
#include "mmu/tlb.h"

#define CODE_PAGE_INSNS     1024
#define CODE_CACHE_TLBS_MAX 128

struct code_page;
struct jit_block;

/* Whose functions the records have: that of a record nobody has executed yet, and that of the
 * record behind the last one of a page. All others the engine puts in when it decodes; from then on
 * a record does not change until its page kills it. */
struct code_engine {
    exec_fn *fresh, *page_end;
    /* End what else has been made of the instructions @first to @last of @page. */
    void (*kill)(struct code_page *page, unsigned first, unsigned last);
};

struct code_page {
    struct insn insn[CODE_PAGE_INSNS + 1]; /* first: a page is found by its records */
    uint64_t pa;
    const uint8_t *host; /* the code itself */
    struct code_page *next;
    unsigned stores;          /* into it since it was last entered in an L1 TLB */
    bool recent;              /* used since the last trim */
    bool blank;               /* insn[] is not even written yet: nobody has asked for it */
    struct jit_block *blocks; /* host code of its instructions, see cpu/jit/jit.h */
    const uint8_t *ours;      /* if it points at 0: those are of a parent process */
    bool kept;                /* while a snapshot is restored: it has this page too */
};

struct code_cache;
struct state_io;

/* For records of @engine. NULL: no memory. */
struct code_cache *code_cache_create(const struct code_engine *engine);
void code_cache_destroy(struct code_cache *cache);

/* CPUs that run at the same time have a cache each. From now on @cache and @other, and who has
 * joined them, are told of each other's stores, and none of the calls below is for one that another
 * CPU executes from. Destroyed together. */
void code_cache_join(struct code_cache *cache, struct code_cache *other);

/* A TLB whose direct writes and fetch entries the cache has to know. Not owned. */
void code_cache_attach(struct code_cache *cache, struct tlb *tlb);
void code_cache_detach(struct code_cache *cache, struct tlb *tlb);

/* The decoded page at @pa (page aligned), made if need be. NULL: not RAM, or no memory. */
struct code_page *code_cache_page(struct code_cache *cache, struct physmem *mem, uint64_t pa);

/* Are stores into the page at @pa seen already, so that decoding it changes nothing for others?
 * True if it is not RAM. */
bool code_cache_sees_stores(struct physmem *mem, uint64_t pa);

/* RAM at @pa is about to change or has changed: forget what was decoded from these bytes. */
void code_cache_invalidate(struct code_cache *cache, struct physmem *mem, pa_t pa, uint64_t size);

/* The same for a store of the CPU whose current page is @running: a page that is written again and
 * again gives up its records, so that stores to it get fast. Return: there was something decoded,
 * which the caller tells (ARM_EVENT_CODE). */
bool code_cache_store(struct code_cache *cache, struct physmem *mem, pa_t pa, unsigned size,
                      const struct insn *running);

/* From now on stores into the page at @pa of @bank have to be seen, for which it gets @flag, one of
 * PAGE_STORES_SEEN. */
void code_cache_see_stores(struct code_cache *cache, struct ram_bank *bank, uint64_t pa,
                           uint8_t flag);

/* Do @fn for the instructions of every page. */
void code_cache_each(struct code_cache *cache,
                     void (*fn)(struct code_page *page, unsigned first, unsigned last));

/* Forget everything. No CPU may be in the middle of a page. */
void code_cache_flush(struct code_cache *cache, struct physmem *mem);

/* Which pages are decoded, and how near each is to be given up; not the records. Restoring drops
 * all fetch entries, and what else TLBs have is the caller's to restore. No CPU may be in the
 * middle of a page. */
void code_cache_state(struct state_io *io, struct code_cache *cache, struct physmem *mem);

/* How a TLB's state names what its fetch entries point at. */
struct tlb_code code_cache_names(struct code_cache *cache);

/* Is there something to do for code_cache_trim()? */
bool code_cache_is_full(const struct code_cache *cache);

/* Between turns: drop pages not used lately if there are too many. */
void code_cache_trim(struct code_cache *cache, struct physmem *mem);

static inline uint32_t code_page_word(const struct insn *page, unsigned index)
{
    const uint8_t *p = ((const struct code_page *)page)->host + index * 4;

    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t code_page_pa(const struct insn *page)
{
    return ((const struct code_page *)page)->pa;
}
