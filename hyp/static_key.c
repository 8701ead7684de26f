#include "hyp/static_key.h"

#include "hyp/panic.h"

static void change(struct static_key *k, int32_t by)
{
    patch_lock();
    bool was = static_key_enabled(k);
    __atomic_store_n(&k->count, k->count + by, __ATOMIC_RELEASE);
    CHECK(k->count >= 0);
    if (was != static_key_enabled(k))
        patch_owner(k);
    patch_unlock();
}

void static_key_inc(struct static_key *k)
{
    change(k, 1);
}

void static_key_dec(struct static_key *k)
{
    change(k, -1);
}
