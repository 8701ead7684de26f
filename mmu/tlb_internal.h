/* Between mmu/tlb.c, mmu/tlb_bank.c and mmu/tlbi.c. */
#pragma once

#include "base/bits.h"
#include "mmu/tlb.h"

#define TLB_USED_SLOTS   (TLB_L1_SIZE / 64) /* slots one bit of `used` stands for */
#define TLB_USED_X_SLOTS (TLB_X_SIZE / 64)

extern const uint8_t tlb_class_shift[TLB_CLASSES];

uint32_t *tlb_gen_vmid(struct tlb *tlb, enum regime_id regime, uint16_t vmid);
uint32_t *tlb_gen_asid(struct tlb *tlb, enum regime_id regime, uint16_t vmid, uint16_t asid);
void tlb_s2_clear(struct tlb *tlb);
/* The only slot that may hold @ipa. */
struct tlb_s2_entry *tlb_s2_slot(struct tlb *tlb, uint64_t ipa, uint16_t vmid);
struct tlb_l2_entry *tlb_l2_set(struct tlb *tlb, uint64_t va, unsigned cls);

/* The second bank: L2 and the banks are going to be used all over. */
void tlb_enlarge(struct tlb *tlb);
/* The next one that was never used, empty. There are less than TLB_BANKS. */
struct tlb_bank *tlb_bank_add(struct tlb *tlb);
void tlb_bank_clear(struct tlb_bank *b);
void tlb_bank_clear_ng(struct tlb_bank *b);

/* The sizes of pieces that L2 may hold at @va, a bit for each class. */
static inline unsigned tlb_classes(const struct tlb *tlb, uint64_t va)
{
    unsigned large = tlb->classes_1g >> (va >> 30 & 63) & 1;

    return tlb->classes[va >> TLB_REGION_SHIFT & (TLB_REGIONS - 1)] | large << (TLB_CLASSES - 1);
}

/* One of class @cls comes. */
static inline void tlb_classes_add(struct tlb *tlb, uint64_t va, unsigned cls)
{
    if (cls == TLB_CLASSES - 1)
        tlb->classes_1g |= BIT(va >> 30 & 63);
    else
        tlb->classes[va >> TLB_REGION_SHIFT & (TLB_REGIONS - 1)] |= (uint8_t)(1u << cls);
}

/* Let @s cover the page of 2^shift bytes at @va. */
static inline void tlb_span_add(struct tlb_span *s, uint64_t va, unsigned shift)
{
    uint64_t mask = shift > 55 ? ~MASK(55, 0) : ~MASK(shift - 1, 0);

    if (s->mask == 0) {
        *s = (struct tlb_span){va & mask, mask};
        return;
    }
    mask &= s->mask;
    while ((va ^ s->base) & mask)
        mask <<= 1;
    *s = (struct tlb_span){s->base & mask, mask}; /* bits 63..55 of a half are equal: not 0 */
}
