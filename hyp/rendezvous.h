/* All CPUs at one point. The caller has interrupts enabled, since it answers others while it waits;
 * before other CPUs run it may have them masked. */
#pragma once

#include <stdint.h>

/* Each other CPU has synchronized its context (DDI0487, "Context synchronization event"). */
void rendezvous_sync(void);

/* fn(arg) runs here while all others wait in an interrupt; then each synchronizes its context. */
void rendezvous_run(void (*fn)(void *arg), void *arg);

/* SGI_RENDEZVOUS has come. */
void rendezvous_arrive(void);

/* A ticket lock that is waited for with interrupts as they are. */
struct waiting_lock {
    uint32_t next, owner;
};

static inline void waiting_lock_take(struct waiting_lock *l)
{
    uint32_t ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

    while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket)
        ;
}

static inline void waiting_lock_drop(struct waiting_lock *l)
{
    __atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
}
