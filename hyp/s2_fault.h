/*
 * Stage-2 faults, two handlers: one alone under the write lock, with its tables allocated before,
 * and one that runs on several CPUs under the read lock (hyp/s2_tables.h). Which is chosen by
 * hyp.s2_fault and never changes once there is a guest.
 *
 * And the question of what the code looks like: two functions or one with conditions
 * (hyp.s2_layout), decided by a static key, a flag or a pointer (hyp.s2_choice). All six are there;
 * each is a function, to be counted and disassembled.
 */
#pragma once

#include "hyp/s2_tables.h"
#include "hyp/static_key.h"

struct s2_fault {
    struct stage2 *s;
    uint64_t ipa;
    bool write;
    bool mapped; /* a permission or access flag fault: there is a descriptor */
    /* What is at the IPA: fills the rest; false: nothing. Without locks; if it changes meanwhile
     * (s2_change_begin()) the fault is tried again. */
    bool (*resolve)(struct s2_fault *f);
    void *arg;
    uint64_t pa;
    unsigned level; /* of the largest leaf that is possible */
    uint64_t attributes;
    uint64_t changes; /* the handler's */
};

/* S2_DONE, and S2_AGAIN: the guest may try again. */
enum s2_step s2_handle(struct s2_fault *f);

/* What is behind some IPAs changes between the two: what a fault has resolved before is not mapped
 * any more. Between them, unmap, then change. */
void s2_change_begin(struct stage2 *s);
void s2_change_end(struct stage2 *s);

extern struct static_key s2_parallel;

/* From the options, before patch_init(); and by hand. False: there is a guest already. */
void s2_mode_init(void);
bool s2_mode_set(bool parallel);
bool s2_is_parallel(void);
