#include "hyp/rendezvous.h"

#include "hyp/cpu.h"
#include "hyp/gic.h"

static struct {
    struct waiting_lock lock;
    bool hold; /* who arrives waits until it is over */
    uint32_t arrived, left;
} meeting;

static void wait_for(const uint32_t *count, uint32_t n)
{
    while (__atomic_load_n(count, __ATOMIC_ACQUIRE) != n)
        ;
}

static void call_others(bool hold)
{
    __atomic_store_n(&meeting.arrived, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&meeting.left, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&meeting.hold, hold, __ATOMIC_RELEASE);
    for (unsigned k = 0; k < pcpu_count; k++)
        if (&pcpus[k] != this_cpu())
            gic_send(&pcpus[k], SGI_RENDEZVOUS);
    wait_for(&meeting.arrived, pcpu_count - 1);
}

void rendezvous_sync(void)
{
    if (pcpu_count == 1)
        return;
    waiting_lock_take(&meeting.lock);
    call_others(false);
    waiting_lock_drop(&meeting.lock);
}

void rendezvous_run(void (*fn)(void *arg), void *arg)
{
    waiting_lock_take(&meeting.lock);
    if (pcpu_count > 1)
        call_others(true);
    uint64_t daif = irq_save(); /* no handler of this CPU is in the middle of what changes */
    fn(arg);
    irq_restore(daif);
    if (pcpu_count > 1) {
        __atomic_store_n(&meeting.hold, false, __ATOMIC_RELEASE);
        wait_for(&meeting.left, pcpu_count - 1);
    }
    waiting_lock_drop(&meeting.lock);
}

void rendezvous_arrive(void)
{
    bool held = __atomic_load_n(&meeting.hold, __ATOMIC_ACQUIRE);

    if (!held)
        isb();
    __atomic_fetch_add(&meeting.arrived, 1, __ATOMIC_ACQ_REL);
    if (!held)
        return;
    while (__atomic_load_n(&meeting.hold, __ATOMIC_ACQUIRE))
        ;
    isb();
    __atomic_fetch_add(&meeting.left, 1, __ATOMIC_ACQ_REL);
}
