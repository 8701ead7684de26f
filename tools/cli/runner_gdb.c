/* A run with --gdb: its machine is a timeline's, which gdb is the user of. */
#include <glib.h>
#include <malloc.h>
#include <stdio.h>

#include "check.h"
#include "gdb_session.h"
#include "runner_state.h"
#include "signals.h"

/* Between two snapshots of a run that gdb is at: what a step back executes again takes at most as
 * long as it took, and each costs some 2 ms. Whether so long has passed is asked after so many
 * instructions. */
#define GDB_INTERVAL_NS 110000000
#define GDB_INTERVAL    (UINT64_C(4) << 20)
/* As long as nobody goes back, so many are enough: the farther away, the farther apart. */
#define GDB_FEW 12

/* Has something else ended it? */
static bool is_over(void *ctx)
{
    struct run *r = ctx;

    console_look(r->input);
    if (r->input->request == CONSOLE_MONITOR && !runner_enter_monitor(r))
        r->input->request = CONSOLE_QUIT;
    return signals_seen() || r->input->request == CONSOLE_QUIT || controls_over(r->controls);
}

/* ---- monitors beside it ---- */

static bool asked(void *ctx)
{
    const struct run *r = ctx;

    return controls_asked(r->controls);
}

static bool serve(void *ctx)
{
    const struct run *r = ctx;

    return controls_serve_some(r->controls);
}

static void hold(void *ctx, bool held)
{
    struct run *r = ctx;

    r->serial.soon = !held; /* as in any run */
    if (held)
        outputs_offer(&r->outputs);
    controls_hold(r->controls, held);
}

static struct arm_machine *looked_at(void *ctx)
{
    const struct run *r = ctx;

    return timeline_machine(r->t);
}

static struct arm_machine *live(void *ctx)
{
    const struct run *r = ctx;

    return timeline_live(r->t);
}

static struct arm_machine *change(void *ctx, const char **why)
{
    const struct run *r = ctx;

    return gdb_session_change(r->gdb, why) ? timeline_machine(r->t) : NULL;
}

/* Input goes by the timeline, which gives it again. */
static size_t give(void *ctx, const struct console *c, const uint8_t *data, size_t size)
{
    struct run *r = ctx;

    return c->port < 0 ? timeline_give(r->t, -1, 0, data, size)
                       : timeline_give(r->t, (int)c->device, (unsigned)c->port, data, size);
}

/* What each of a timeline's machines needs before its first run. */
static int prepare(void *ctx, struct arm_machine *m, struct arm_error *err)
{
    const struct run_request *req = ctx;
    int rc = req->restore ? arm_snapshot_load(m, req->restore, err) : 0;

    return rc == 0 && req->replay ? arm_replay(m, req->replay, err) : rc;
}

/* What goes not with it. False: it was printed. */
static bool is_possible(const struct run_request *req)
{
    const struct {
        bool asked;
        const char *option;
    } others[] = {
        {req->save_count != 0, "--save"},
        {req->inject.one, "--inject"},
        {req->on_death == DEATH_STOP, "--on-death=stop"},
        {req->death_reports != NULL, "--death-report"},
        {req->check && req->check->sweep.kinds, "--sweep"},
    };

    for (size_t k = 0; k < G_N_ELEMENTS(others); k++) {
        if (!others[k].asked)
            continue;
        fprintf(stderr, "armillary: --gdb goes not with %s\n", others[k].option);
        return false;
    }
    return true;
}

/* Nothing but the console hears of what the machine does: that is told once by the timeline. */
static bool is_alone(const struct run_request *req, const struct arm_config *c)
{
    unsigned ports = 0;

    for (unsigned k = 0; k < c->device_count; k++)
        ports += c->devices[k].port_count;
    return !ports && !req->check && !req->model && !req->trace_irq && !req->record &&
           !(req->traces.specs && *req->traces.specs);
}

/* What a snapshot leaves behind is the next one's: fresh memory costs the host a fault for each
 * page of it. */
static void keep_freed_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 16 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

bool runner_open_gdb(struct run *r, struct arm_error *err)
{
    const struct gdb_host host = {runner_poll, runner_idle_at_most, is_over, asked, serve, hold, r};
    char text[200];

    if (!is_possible(r->req))
        return false;
    r->gdb = gdb_session_open(r->req->gdb, &host, text);
    if (!r->gdb) {
        fprintf(stderr, "armillary: --gdb: cannot listen: %s\n", text);
        return false;
    }
    keep_freed_memory();
    r->t = timeline_new(&(struct timeline_config){.machine = &r->config,
                                                  .prepare = prepare,
                                                  .ctx = (void *)(uintptr_t)r->req,
                                                  .interval = GDB_INTERVAL,
                                                  .interval_ns = GDB_INTERVAL_NS,
                                                  .few = GDB_FEW,
                                                  .later = true,
                                                  .alone = is_alone(r->req, &r->config),
                                                  .poll = gdb_session_poll,
                                                  .idle = gdb_session_idle,
                                                  .host_ctx = r->gdb},
                        err);
    if (!r->t)
        return false;
    r->gdb->t = r->t;
    r->gdb->say = r->outputs.say;
    r->gdb->limit = r->req->max_insns;
    r->gdb->one_way = saves_obstacle(&r->config) != NULL;
    r->gdb->records = r->req->record != NULL;
    r->m = timeline_live(r->t);
    if (!r->req->qemu_codes || r->req->gdb_wait || r->req->stopped)
        fprintf(r->outputs.say, "armillary: gdb: listening at %s\n", text);
    return true;
}

void runner_start_gdb(struct run *r)
{
    r->gdb->checker = r->checker;
    r->control_gdb = (struct control_gdb){looked_at, live, change, r};
    controls_share(r->controls, &r->control_gdb);
    r->input->give = give;
    r->input->give_ctx = r;
    for (unsigned k = 0; k < r->links.count; k++) {
        r->links.rows[k]->give = give;
        r->links.rows[k]->give_ctx = r;
    }
}
