/* The snapshots and pictures that a run writes on its way. */
#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "picture.h"
#include "runner_state.h"

static bool has_snapshot(const struct run_request *req)
{
    bool found = false;

    for (unsigned k = 0; k < req->save_count; k++)
        found |= !req->saves[k].picture;
    return found;
}

/* Said before the run, not when the first one is due. */
bool runner_saves_possible(const struct run_request *req)
{
    const char *drive = has_snapshot(req) ? saves_obstacle(&req->config) : NULL;

    if (drive)
        fprintf(stderr,
                "armillary: --save: the guest writes %s itself, of which a snapshot would keep "
                "nothing: expected a drive in snapshot mode or read-only\n",
                drive);
    return !drive;
}

/* Has the run not come to the next snapshot's point before it begins to look for it? Time may jump
 * over one later. */
bool runner_save_can_come(struct run *r)
{
    const struct save *next = &r->req->saves[r->saved];

    if (r->saved == r->req->save_count || !save_is_past(next, r->m))
        return true;
    fprintf(r->outputs.say,
            "armillary: %s: not written: the machine is past that, at %" PRIu64
            " instructions, %" PRIu64 " ns\n",
            next->file, arm_retired(r->m), arm_time_ns(r->m));
    r->save_failed = true;
    return false;
}

static bool write_one(struct run *r, const struct save *save)
{
    g_autofree char *problem = NULL;
    struct arm_error err = {0};
    bool good = save->picture ? picture_write(r->m, save->file, &problem)
                              : arm_snapshot_save(r->m, save->file, &err) == 0;

    if (!good)
        fprintf(r->outputs.say, "armillary: %s\n", problem ? problem : err.text);
    return good;
}

/* The next one is due. False: it could not be written, or the one behind it never will be. */
static bool save(struct run *r)
{
    if (!write_one(r, &r->req->saves[r->saved])) {
        r->save_failed = true;
        return false;
    }
    r->saved++;
    return runner_save_can_come(r);
}

enum arm_stop_reason runner_run_and_save(struct run *r, uint64_t limit)
{
    uint64_t left = limit, took;

    while (r->saved < r->req->save_count) {
        const struct save *next = &r->req->saves[r->saved];
        if (save_due(next, r->m)) {
            if (!save(r))
                return ARM_STOP_REQUEST;
            continue;
        }
        if (limit && left == 0)
            break;
        enum arm_stop_reason why = save_run(next, r->m, left, &took);
        if (why == ARM_STOP_UNTIL && !save(r))
            return ARM_STOP_REQUEST;
        if (why != ARM_STOP_UNTIL && why != ARM_STOP_LIMIT)
            return why;
        left -= took < left ? took : left;
    }
    return limit && left == 0 ? ARM_STOP_LIMIT : arm_run(r->m, left);
}

int runner_all_saved(struct run *r, int code)
{
    if (r->saved == r->req->save_count)
        return code;
    if (!r->save_failed)
        fprintf(r->outputs.say, "armillary: %s: not written: the run ended before\n",
                r->req->saves[r->saved].file);
    return EXIT_USAGE;
}
