#include "hyp/s2_free.h"

#include "hyp/cpu.h"
#include "hyp/mem.h"
#include "hyp/panic.h"

#define WAITING_MAX 256

static struct {
    struct lock lock;
    uint64_t epoch; /* each table that is taken out ends one */
    unsigned count;
    struct {
        uint64_t *table;
        uint64_t bytes, epoch;
    } table[WAITING_MAX];
} waiting = {.epoch = 1};

/* Sequentially consistent: who finds this CPU outside has taken the table out before it looks. */
void s2_enter(void)
{
    __atomic_store_n(&this_cpu()->s2_epoch, __atomic_load_n(&waiting.epoch, __ATOMIC_SEQ_CST),
                     __ATOMIC_SEQ_CST);
}

void s2_leave(void)
{
    __atomic_store_n(&this_cpu()->s2_epoch, 0, __ATOMIC_RELEASE);
}

/* The epoch of the oldest walk. */
static uint64_t oldest(void)
{
    uint64_t least = UINT64_MAX;

    for (unsigned k = 0; k < pcpu_count; k++) {
        uint64_t at = __atomic_load_n(&pcpus[k].s2_epoch, __ATOMIC_SEQ_CST);

        if (at && at < least)
            least = at;
    }
    return least;
}

void s2_free_later(uint64_t *table, uint64_t bytes)
{
    uint64_t daif = lock_take(&waiting.lock);

    CHECK(waiting.count < WAITING_MAX);
    waiting.table[waiting.count].table = table;
    waiting.table[waiting.count].bytes = bytes;
    waiting.table[waiting.count++].epoch = __atomic_fetch_add(&waiting.epoch, 1, __ATOMIC_SEQ_CST);
    lock_drop(&waiting.lock, daif);
}

void s2_reap(void)
{
    if (!__atomic_load_n(&waiting.count, __ATOMIC_RELAXED))
        return;
    uint64_t daif = lock_take(&waiting.lock), before = oldest();
    unsigned kept = 0;

    for (unsigned k = 0; k < waiting.count; k++) {
        if (waiting.table[k].epoch < before)
            mem_free(waiting.table[k].table, waiting.table[k].bytes);
        else
            waiting.table[kept++] = waiting.table[k];
    }
    waiting.count = kept;
    lock_drop(&waiting.lock, daif);
}

unsigned s2_waiting(void)
{
    return waiting.count;
}
