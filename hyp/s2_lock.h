/* Readers and a writer. Interrupts are masked while it is held. Writers are served in order
 * and before readers that come later. Who waits spins, without WFE: the machine's clock is
 * the sum of what all CPUs execute (docs/decisions/002), so only a wait that executes is a
 * wait that counts. */
#pragma once

#include "hyp/arch.h"

struct rw_lock {
    uint32_t next, owner; /* writers */
    uint32_t readers;
};

#ifndef __aarch64__
/* Unit tests run one after the other; a reader that meets a writer would wait for ever. */
static inline uint64_t write_take(struct rw_lock *l)
{
    l->next++;
    return 0;
}

static inline void write_drop(struct rw_lock *l, uint64_t daif)
{
    (void)daif;
    l->owner++;
}

static inline uint64_t read_take(struct rw_lock *l)
{
    l->readers++;
    return 0;
}

static inline void read_drop(struct rw_lock *l, uint64_t daif)
{
    (void)daif;
    l->readers--;
}
#else
static inline uint64_t write_take(struct rw_lock *l)
{
    uint64_t daif = irq_save();
    uint32_t ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_SEQ_CST);

    while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket)
        ;
    while (__atomic_load_n(&l->readers, __ATOMIC_SEQ_CST))
        ;
    return daif;
}

static inline void write_drop(struct rw_lock *l, uint64_t daif)
{
    __atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
    irq_restore(daif);
}

static inline bool has_writer(const struct rw_lock *l)
{
    return __atomic_load_n(&l->next, __ATOMIC_SEQ_CST) !=
           __atomic_load_n(&l->owner, __ATOMIC_SEQ_CST);
}

static inline uint64_t read_take(struct rw_lock *l)
{
    uint64_t daif = irq_save();

    for (;;) {
        __atomic_fetch_add(&l->readers, 1, __ATOMIC_SEQ_CST);
        if (!has_writer(l))
            return daif;
        __atomic_fetch_sub(&l->readers, 1, __ATOMIC_RELEASE);
        while (has_writer(l))
            ;
    }
}

static inline void read_drop(struct rw_lock *l, uint64_t daif)
{
    __atomic_fetch_sub(&l->readers, 1, __ATOMIC_RELEASE);
    irq_restore(daif);
}
#endif
