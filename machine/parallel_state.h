/* Between machine/parallel.c, which has the lock and what CPUs are told, and
 * machine/parallel_threads.c, which has their threads and the host's side. */
#pragma once

#include <pthread.h>

#include "machine/parallel.h"

struct parallel_cpu {
    struct arm_machine *m;
    struct cpu *cpu;
    pthread_t thread;
    pthread_cond_t wake;
    unsigned depth; /* of its entries into the machine; 0: it executes */
    unsigned asked; /* CPU_ASK_xxx; atomic */
    unsigned pins;  /* as the GIC has them: enum parallel_pin */
    bool sleeps, started;
    uint64_t epoch; /* when it last entered */
};

struct parallel {
    pthread_mutex_t lock; /* of the machine */
    pthread_cond_t host;  /* the host's side sleeps by it */
    pthread_mutexattr_t attr;
    unsigned executing;   /* CPUs that do, without the lock; atomic */
    bool wanted;          /* somebody waits until none does; atomic */
    uint64_t epoch;       /* so often has somebody been alone */
    unsigned sleeping;    /* CPUs */
    bool running;         /* there are threads */
    uint64_t began_ns;    /* of the host's clock: when they were made */
    pthread_mutex_t gate; /* of `executing` going to 0 while somebody sleeps over it */
    pthread_cond_t none;
    pthread_mutex_t log_lock; /* of the sink */
    struct arm_log log;       /* the user's */
    struct parallel_cpu cpu[ARM_CPUS_MAX];
};

/* Of the host's clock. */
uint64_t parallel_host_ns(void);

/* With the lock, which is given away meanwhile: sleep until somebody signals @c, at most until
 * @until_ns of the machine's clock. */
void parallel_sleep(struct arm_machine *m, pthread_cond_t *c, uint64_t until_ns);

/* The thread of @c goes into the machine and has its lock, and back to executing. Calls nest. */
void parallel_enter(struct parallel_cpu *c);
void parallel_exit(struct parallel_cpu *c);

/* With the lock, its own thread: look at what has been asked of @c. */
void parallel_answer(struct parallel_cpu *c);
