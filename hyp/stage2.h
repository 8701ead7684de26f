/*
 * Stage-2 translation (DDI0487 D8): tables for 4K, 16K and 64K pages with a root of up to 16
 * concatenated tables, blocks where alignment allows, one lock, and VMIDs with generations.
 *
 * Portable: memory comes from and TLB maintenance goes through hyp/arch.h and hyp/mem.h.
 */
#pragma once

#include "hyp/arch.h"
#include "hyp/s2_lock.h"

struct stage2 {
    struct rw_lock lock; /* hyp/s2_fault.h */
    uint64_t *root;
    uint64_t vmid;      /* with its generation above the VMID's bits */
    unsigned page_log2; /* 12, 14, 16 */
    unsigned ipa_bits;
    unsigned start_level; /* 0..3 */
    unsigned root_tables; /* 1..16 */
    unsigned loads;       /* CPUs that run it, under the VMIDs' lock */
    uint32_t changing;    /* what is behind IPAs is changing this moment, and how often it has */
    uint64_t changes;
    uint64_t *dirty; /* while writes are logged: a bit a page from dirty_base on */
    uint64_t dirty_base, dirty_size;
};

enum stage2_kind { S2_RAM, S2_RAM_READONLY, S2_DEVICE };

/* Which page sizes the CPU has at stage 2; @page_log2 is opts.granule's. */
bool stage2_granule_exists(unsigned page_log2);
unsigned stage2_page_log2(void);

/* VTCR_EL2, the same for all guests. */
uint64_t stage2_vtcr(void);

void stage2_init(struct stage2 *s);

/* Is there a guest? */
bool stage2_any(void);

/* hyp.s2_flags, and the CPU has it: DBM and the access flag are written by walks. */
bool stage2_dirty_by_hardware(void);

/* There are no guests: between unit tests. */
void stage2_forget_guests(void);

/* Map @size bytes, all multiples of a page; blocks only if @blocks. What is mapped already stays as
 * it is. */
void stage2_map(struct stage2 *s, uint64_t ipa, uint64_t pa, uint64_t size, enum stage2_kind kind,
                bool blocks);

/* Unmap what is there; a block that is cut is split. Break before make, and the TLBs know when it
 * returns. */
void stage2_unmap(struct stage2 *s, uint64_t ipa, uint64_t size);

/* The output address of an IPA; false if nothing is mapped. */
bool stage2_lookup(struct stage2 *s, uint64_t ipa, uint64_t *pa, enum stage2_kind *kind);

/* A CPU begins and ends to run the guest. Load gives VTTBR_EL2, with a VMID of the current
 * generation; when there are no more VMIDs a new generation begins and all TLBs are emptied. */
uint64_t stage2_load(struct stage2 *s);
void stage2_put(struct stage2 *s);
uint64_t stage2_vttbr(struct stage2 *s);
