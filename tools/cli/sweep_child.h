/* A run in a child of this process, and what comes back of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "armillary.h"

struct child {
    uint64_t run;
    char words[80]; /* options that make it again */
    int fd;         /* of what it has found */
    pid_t pid;
};

/* Fork. True in the child, whose standard input and output are gone. */
bool child_begin(struct child *child);

/* In the child: what @checker has found, and how the run ended if that was bad (else NULL). */
void child_report(const struct child *child, struct arm_checker *checker, const char *bad);

/* Wait, and take its findings into @merge; one that tells nothing has ended badly. */
void child_end(struct child *child, struct arm_merge *merge);
