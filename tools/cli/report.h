/* What is said when a run ends, and the exit code. */
#pragma once

#include <stdio.h>

#include "armillary.h"

struct run_request;

/* Why it ended, unless the guest ended it in order; where it stands, unless the guest or the user
 * at the terminal ended it. */
void report_end(FILE *f, struct arm_machine *m, enum arm_stop_reason why,
                const struct run_request *req);

int report_exit_code(const struct arm_machine *m, enum arm_stop_reason why,
                     const struct run_request *req);

/* @took: host seconds. */
void report_stats(FILE *f, const struct arm_machine *m, double took);
