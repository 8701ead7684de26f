/*
 * Many runs in place of one: with the turns of CPUs drawn by seeds, or with an interrupt before
 * each instruction of chosen passages. Each run is a child of this process, which forks where it
 * stands, and what all have found is one report.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"

struct run_request;

enum sweep_kind { SWEEP_SGI, SWEEP_PPI, SWEEP_VTIMER, SWEEP_SERROR, SWEEP_KINDS };

struct sweep_request {
    uint64_t seeds;         /* 1 to this many; 0: no runs by seeds */
    unsigned kinds;         /* a bit for each enum sweep_kind; 0: no interrupts */
    uint64_t passages;      /* of each CPU and reason of exit */
    uint64_t insns;         /* of each passage, at most */
    uint64_t shard, shards; /* of these, this one, from 1 */
    bool one;               /* only inject, once: */
    enum sweep_kind kind;
    uint64_t at; /* instructions of all CPUs */
    unsigned cpu;
};

/* "irq", or words of it: "sgi,ppi,vtimer,serror". False: something else. */
bool sweep_parse_kinds(const char *text, unsigned *kinds);

/* "K/N". */
bool sweep_parse_shard(const char *text, uint64_t *shard, uint64_t *shards);

/* KIND@INSTRUCTIONS[:CPU] */
bool sweep_parse_injection(const char *text, struct sweep_request *sweep);

/* Runs by seeds, each by runner_run(). Return: the exit code. */
int sweep_seeds(const struct run_request *req);

/**
 * sweep_interrupts() - run @m, with @checker, and inject in children of it; to be called in place
 * of arm_run(). @max_insns: as there; 0: no limit. What the children find goes to @merge.
 *
 * Return: why @m has stopped; ARM_STOP_UNTIL: all passages that were wanted have been swept.
 */
enum arm_stop_reason sweep_interrupts(const struct sweep_request *sweep, struct arm_machine *m,
                                      struct arm_checker *checker, struct arm_merge *merge,
                                      uint64_t max_insns);

/* Inject what @sweep->one says, now. */
void sweep_inject(const struct sweep_request *sweep, struct arm_machine *m);
