/* Ticket locks: first come, first served. Interrupts are masked while one is held. */
#pragma once

#include "hyp/arch.h"

struct lock {
    uint32_t next, owner;
};

#ifndef __aarch64__
void fake_before_lock(const struct lock *l); /* tests/hyp/fake.c */

static inline uint64_t lock_take(struct lock *l)
{
    fake_before_lock(l);
    l->next++;
    return 0;
}

static inline void lock_drop(struct lock *l, uint64_t daif)
{
    (void)daif;
    l->owner++;
}
#else
/* Returns what lock_drop() puts back into DAIF. */
static inline uint64_t lock_take(struct lock *l)
{
    uint64_t daif = irq_save();
    uint32_t ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

    while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket)
        wfe();
    return daif;
}

static inline void lock_drop(struct lock *l, uint64_t daif)
{
    __atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
    dsb(ishst);
    sev();
    irq_restore(daif);
}
#endif
