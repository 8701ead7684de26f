/* What the stand-ins of tests/hyp/fake.c have been asked. */
#pragma once

#include <stdint.h>

struct fake_core {
    unsigned cpu; /* which this_cpu() is */
    unsigned kicks, deactivated[1024], sent[16];
    uint8_t ram[65536]; /* a guest's, at IPA 0 */
    unsigned allocations, frees;
    void (*race)(void);        /* before each compare-and-swap of a shared walk (hyp/s2_tables.h) */
    void (*before_lock)(void); /* before each lock is taken, by whoever waits for none */
    unsigned waits, puts;      /* vcpu_wait(), vcpu_put() */
    struct task *fp_task;      /* whose V registers fp_task_in() asked for last */
};
extern struct fake_core fake_core;
