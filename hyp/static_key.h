/*
 * Static keys: a condition that changes seldom costs an instruction, B or NOP, where it is asked.
 * All keys are off at boot. Keys count: one is on while anybody wants it on.
 *
 *     struct static_key tracing;                     at file scope, not static
 *     if (static_branch_unlikely(tracing)) ...       NOP while it is off
 *     if (static_branch_likely(tracing)) ...         NOP while it is on
 */
#pragma once

#include "hyp/patch.h"

struct static_key {
    int32_t count;
};

static inline bool static_key_enabled(const struct static_key *k)
{
    return __atomic_load_n(&k->count, __ATOMIC_ACQUIRE) > 0;
}

/* When they return, the branches of no CPU go the old way. See patch_owner(). */
void static_key_inc(struct static_key *k);
void static_key_dec(struct static_key *k);

#ifndef __aarch64__
#define static_branch_unlikely(key) static_key_enabled(&(key))
#define static_branch_likely(key)   static_key_enabled(&(key))
#else
/* The text of `insn` is what stands there while the key is off. */
#define STATIC_BRANCH_(key, insn, flags, other)                                                    \
    __extension__({                                                                                \
        __label__ far_, end_;                                                                      \
        bool on_ = !(other);                                                                       \
        __asm__ goto("1: " insn "\n\t" PATCH_SITE("1b", "%l[far_]", #key, flags)::                 \
                         : "memory"                                                                \
                     : far_);                                                                      \
        goto end_;                                                                                 \
    far_:                                                                                          \
        on_ = (other);                                                                             \
    end_:                                                                                          \
        (void)sizeof(&(key) == (struct static_key *)0);                                            \
        on_;                                                                                       \
    })
#define static_branch_unlikely(key) __builtin_expect(STATIC_BRANCH_(key, "nop", "0", true), 0)
#define static_branch_likely(key)   __builtin_expect(STATIC_BRANCH_(key, "b %l[far_]", "1", false), 1)
#endif
