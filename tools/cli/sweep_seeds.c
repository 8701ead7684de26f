/* Runs that differ in the turns of their CPUs. */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "check.h"
#include "command.h"
#include "runner.h"
#include "sweep_child.h"

/* In a child: the whole run, with nothing of standard input and output. */
static int run_seed(const struct run_request *req, const struct child *child)
{
    struct check_request check = *req->check;
    struct run_request one = *req;

    check.child = child;
    one.check = &check;
    one.config.turn_seed = child->run;
    return runner_run(&one);
}

int sweep_seeds(const struct run_request *req)
{
    const struct sweep_request *sweep = &req->check->sweep;
    struct arm_merge *merge = arm_merge_new();

    for (uint64_t seed = sweep->shard; seed <= sweep->seeds; seed += sweep->shards) {
        struct child child = {.run = seed};
        g_snprintf(child.words, sizeof(child.words), "--turns %" PRIu64, seed);
        if (child_begin(&child))
            _exit(run_seed(req, &child));
        child_end(&child, merge);
    }
    return check_end_merge(req->check, merge, stderr, 0);
}
