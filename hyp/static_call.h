/*
 * Static calls: a call of one of any number of implementations, by a BL that is patched.
 *
 *     struct static_call hook = {&targets[0]};                at file scope, not static
 *     static_call_set(&hook, &targets[n]);
 *     x = static_call1(hook, x);                              one argument, as the AAPCS64 has it
 *     x = static_call1_keeping(hook, x);                      only X0, X16, X17 and X30 may change
 *
 * Each site says which registers may change there, each implementation which it changes. Where
 * that fits the site calls the implementation itself, else a thunk that saves registers
 * (patch_asm.inc, `saving_thunk`); an implementation that is one instruction replaces the call.
 */
#pragma once

#include "hyp/patch.h"

#define CHANGES_AAPCS   0x4007ffffu /* X0 to X18, X30 */
#define CHANGES_KEEPING 0x40030001u /* X0, X16, X17 (linker veneers), X30 */

struct call_target {
    void (*fn)(void);
    void (*saving)(void); /* keeps all but CHANGES_KEEPING; NULL: there is none */
    uint32_t clobbers;    /* BIT(n): changes Xn */
    uint32_t insn;        /* not 0: this, instead of a call */
};

struct static_call {
    const struct call_target *target; /* never NULL */
};

/* See patch_owner(). */
void static_call_set(struct static_call *c, const struct call_target *t);

#ifdef __aarch64__
/* A site that was forgotten stops: BRK. */
#define STATIC_CALL1_(call, argument, mask, ...)                                                   \
    __extension__({                                                                                \
        register uint64_t x0_ __asm__("x0") = (argument);                                          \
        (void)sizeof(&(call) == (struct static_call *)0);                                          \
        __asm__ volatile("1: brk #0x5ca1\n\t" PATCH_SITE("1b", "1b", #call, "0x80000000 + " mask)  \
                         : "+r"(x0_)::__VA_ARGS__, "x16", "x17", "x30", "cc", "memory");           \
        x0_;                                                                                       \
    })
#define static_call1(call, argument)                                                               \
    STATIC_CALL1_(call, argument, "0x4007ffff", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8",    \
                  "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x18")
#define static_call1_keeping(call, argument) STATIC_CALL1_(call, argument, "0x40030001", "memory")
#endif
