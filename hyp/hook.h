/*
 * One hook, called with the syndrome at each exit of a guest, in every form that a hook can have
 * (hyp.hook), with four implementations (hyp.hook_does). The forms are beside each other in
 * hyp/hook_forms.c and hyp/hook_sites.S, each a function, so that they can be counted and
 * disassembled.
 */
#pragma once

#include "hyp/arch.h"
#include "hyp/static_call.h"
#include "hyp/static_key.h"

/* What the hook has seen on one CPU. */
struct hook_seen {
    uint64_t count, by_class[64], hash;
};

/* The hook is in use at all: the one place in the exit path. */
extern struct static_key hook_on;
uint64_t hook_exit(uint64_t esr);

static inline void hook(uint64_t esr)
{
    if (static_branch_unlikely(hook_on))
        hook_exit(esr);
}

/* Implementations: nothing, count, count by exception class, hash. Each returns its argument. */
#define HOOKS 4
uint64_t hook_nothing(uint64_t esr);
uint64_t hook_count(uint64_t esr);
uint64_t hook_class(uint64_t esr);
uint64_t hook_hash(uint64_t esr);

/* The forms. */
uint64_t hook_by_flag(uint64_t esr);
uint64_t hook_by_branch(uint64_t esr);
uint64_t hook_by_pointer(uint64_t esr);
uint64_t hook_by_call(uint64_t esr);
uint64_t hook_by_keeping_call(uint64_t esr);
uint64_t hook_by_branch_asm(uint64_t esr); /* hyp/hook_sites.S */
uint64_t hook_by_call_asm(uint64_t esr);

extern struct static_key hook_is_count, hook_is_class, hook_is_hash;
extern struct static_call hook_call;

/* All forms have implementation @n from now on. hook_init() is for before patch_init(). */
void hook_init(void);
void hook_choose(unsigned n);

/* What all CPUs have seen, on the console. */
void hook_print(void);
