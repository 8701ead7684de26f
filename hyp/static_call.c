#include "hyp/static_call.h"

void static_call_set(struct static_call *c, const struct call_target *t)
{
    patch_lock();
    if (c->target != t) {
        __atomic_store_n(&c->target, t, __ATOMIC_RELEASE);
        patch_owner(c);
    }
    patch_unlock();
}
