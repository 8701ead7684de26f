/* Page tables of 4 KiB granule with 39-bit addresses (level 1 to 3), for any stage and regime. */
#pragma once

#include "guest.h"

#define PT_VALID   BIT(0)
#define PT_TABLE   BIT(1) /* or a page at level 3 */
#define PT_ATTR(n) ((uint64_t)(n) << 2)
#define PT_USER    BIT(6)
#define PT_RO      BIT(7)
#define PT_ISH     (UINT64_C(3) << 8)
#define PT_AF      BIT(10)
#define PT_NG      BIT(11)
#define PT_DBM     BIT(51)
#define PT_PXN     BIT(53)
#define PT_UXN     BIT(54)

/* MAIR: 0 Normal write-back, 1 Device-nGnRE, 2 Normal non-cacheable. */
#define MAIR_INIT   UINT64_C(0x4404ff)
#define PT_NORMAL   (PT_VALID | PT_ATTR(0) | PT_ISH | PT_AF)
#define PT_DEVICE   (PT_VALID | PT_ATTR(1) | PT_AF | PT_PXN | PT_UXN)
#define S2_NORMAL   (PT_VALID | 0xf << 2 | PT_ISH | PT_AF | 3 << 6)
#define S2_DEVICE   (PT_VALID | 1 << 2 | PT_AF | 3 << 6)
#define TCR_39      (UINT64_C(25) | 1 << 8 | 1 << 10 | 3 << 12) /* TTBR0: 4K, WB, ISH */
#define TCR_39_HIGH (UINT64_C(25) << 16 | 1 << 24 | 1 << 26 | 3 << 28 | UINT64_C(2) << 30)
#define TCR_IPS     (UINT64_C(2) << 32) /* EL1: 40 bits */
#define TCR_EL2_39  (TCR_39 | 2 << 16 | BIT(31) | BIT(23))
#define VTCR_39     (UINT64_C(25) | 1 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 2 << 16 | BIT(31))

uint64_t *pt_new(void);

/* Map [va, va + size) to pa: blocks where they fit; or pages only. */
void pt_map(uint64_t *root, uint64_t va, uint64_t pa, uint64_t size, uint64_t attr);
void pt_map_pages(uint64_t *root, uint64_t va, uint64_t pa, uint64_t size, uint64_t attr);

/* The descriptor of a VA at a level; the tables above are made if need be. */
uint64_t *pt_entry(uint64_t *root, uint64_t va, unsigned level);

/* RAM and devices mapped one to one, for EL1 and EL2 (stage 1) or a guest (stage 2). In stage 1 the
 * program's text is for reading and executing at every EL, its data writable at every EL, and the
 * page of run_word_at() writable above EL0 and executable everywhere. */
uint64_t *pt_identity(uint64_t extra);
uint64_t *pt_identity_s2(void);

/* Turn on stage 1 of EL1&0 or of EL2 (nVHE layout), or stage 2, with these tables. */
void mmu_on_el1(uint64_t *root);
void mmu_on_el2(uint64_t *root);
void mmu_on_s2(uint64_t *root, unsigned vmid);
