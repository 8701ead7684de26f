#include "gdb_session.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gdb_catch.h"
#include "gdb_findings.h"
#include "gdb_monitor.h"
#include "gdb_socket.h"
#include "trace/names.h"

#define LOOK_MS     100   /* between two looks at what else may end the run */
#define LOOK_US     10000 /* between two looks at the client, while the machine runs, */
#define LOOK_SLICES 1000  /* and at most so many slices */
#define IDLE_MAX_MS 50
#define SILENT_MS   30 /* a client that says nothing for so long after a stop: a person thinks */

struct gdb_session *gdb_session_open(const char *where, const struct gdb_host *host, char *text)
{
    struct gdb_session *g = g_new0(struct gdb_session, 1);

    g->host = *host;
    g->client = -1;
    g->catches = g_ptr_array_new_with_free_func(gdb_catch_free);
    g->listener = gdb_listen(where, &g->path, text);
    if (g->listener >= 0)
        return g;
    gdb_session_close(g);
    return NULL;
}

static void drop_client(struct gdb_session *g)
{
    if (g->client >= 0)
        close(g->client);
    g->client = -1;
    gdb_server_free(g->server);
    g->server = NULL;
}

void gdb_session_close(struct gdb_session *g)
{
    if (!g)
        return;
    drop_client(g);
    if (g->listener >= 0)
        close(g->listener);
    if (g->path)
        unlink(g->path);
    g_free(g->path);
    g_ptr_array_unref(g->catches);
    g_free(g);
}

/* ---- bytes ---- */

/* False: the client has gone. */
static bool send_output(struct gdb_session *g)
{
    GByteArray *out = gdb_server_output(g->server);
    size_t done = 0;

    while (done < out->len) {
        ssize_t n = send(g->client, out->data + done, out->len - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    g_byte_array_set_size(out, 0);
    return true;
}

bool gdb_session_receive(struct gdb_session *g, int wait_ms)
{
    struct pollfd fd = {.fd = g->client, .events = POLLIN};
    uint8_t buf[4096];

    if (poll(&fd, 1, wait_ms) <= 0)
        return true;
    ssize_t n = recv(g->client, buf, sizeof(buf), MSG_DONTWAIT);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    gdb_server_feed(g->server, buf, (size_t)n);
    return n > 0;
}

/* Has it said something by then, or gone? */
static bool client_moves(const struct gdb_session *g, int wait_ms)
{
    struct pollfd fd = {.fd = g->client, .events = POLLIN};

    return poll(&fd, 1, wait_ms) != 0;
}

/* Another client is told at once, and not left to wait, that there is one. Who has gone before it
 * came is seen to have gone. */
static void turn_away(const struct gdb_session *g)
{
    struct pollfd other = {.fd = g->listener, .events = POLLIN};
    int fd = g->client >= 0 && poll(&other, 1, 0) > 0 && !client_moves(g, 0)
                 ? gdb_accept(g->listener)
                 : -1;

    if (fd < 0)
        return;
    fprintf(g->say, "armillary: gdb: another client was turned away: there is one\n");
    fflush(g->say);
    close(fd);
}

/* ---- while the machine runs ---- */

static void look_at_client(struct gdb_session *g)
{
    if (g->preparing)
        g->interrupted = client_moves(g, 0);
    else if (g->server && (!gdb_session_receive(g, 0) || gdb_server_interrupted(g->server)))
        g->interrupted = true;
    else if (!g->server && g->client < 0 && (g->client = gdb_accept(g->listener)) >= 0)
        g->interrupted = true;
}

/* How many slices take LOOK_US, as those since the last look did. It grows slowly: those of a
 * machine that is observed take a hundred times as long. */
static unsigned slices_to_look(struct gdb_session *g)
{
    gint64 now = g_get_monotonic_time(), since = MAX(now - g->looked_us, 1);
    gint64 most = MIN(2 * g->slices + 1, LOOK_SLICES);

    g->looked_us = now;
    g->slices = (unsigned)CLAMP((gint64)g->slices * LOOK_US / since, 1, most);
    return g->slices;
}

void gdb_session_poll(void *ctx, bool live)
{
    struct gdb_session *g = ctx;

    if (live)
        g->host.poll(g->host.ctx);
    if (g->skip) {
        g->skip--;
        return;
    }
    g->skip = slices_to_look(g);
    look_at_client(g);
    turn_away(g);
    g->asked = g->listens && g->host.asked(g->host.ctx);
    if (g->interrupted || g->asked || g->host.over(g->host.ctx))
        timeline_interrupt(g->t);
}

bool gdb_session_idle(void *ctx, uint64_t next_ns)
{
    struct gdb_session *g = ctx;

    g->skip = 0;
    return g->host.idle(g->host.ctx, next_ns, IDLE_MAX_MS);
}

/* ---- the client ---- */

static struct arm_machine *machine(void *ctx)
{
    const struct gdb_session *g = ctx;

    return timeline_machine(g->t);
}

bool gdb_session_change(struct gdb_session *g, const char **why)
{
    if (timeline_in_past(g->t)) {
        *why = g->records   ? "the past cannot be changed while input is recorded"
               : g->checker ? "the past cannot be changed while a checker follows the run"
                            : NULL;
        if (*why)
            return false;
    }
    if (timeline_fork(g->t)) {
        g->ended = false;
        return true;
    }
    *why = timeline_error(g->t);
    return false;
}

static bool change(void *ctx, const char **why)
{
    return gdb_session_change(ctx, why);
}

static void monitor(void *ctx, struct gdb_server *s, unsigned cpu, const char *line, GString *out)
{
    (void)s;
    gdb_monitor_execute(ctx, cpu, line, out);
}

static void attach(struct gdb_session *g)
{
    const struct gdb_target target = {machine, change, monitor, g};

    if (!g->one_way && !timeline_begin(g->t)) {
        fprintf(g->say, "armillary: gdb: no way back: %s\n", timeline_error(g->t));
        timeline_forget(g->t);
    }
    g->server = gdb_server_new(&target);
    g->interrupted = g->prepared = false;
    g->host.hold(g->host.ctx, true);
}

static void detach(struct gdb_session *g)
{
    send_output(g);
    drop_client(g);
    timeline_forget(g->t);
    g_ptr_array_set_size(g->catches, 0);
    g->interrupted = false;
    g->host.hold(g->host.ctx, false);
}

bool gdb_session_aside(struct gdb_session *g)
{
    if (g->interrupted || !g->asked || g->host.over(g->host.ctx))
        return false;
    g->asked = false;
    return !g->host.serve(g->host.ctx);
}

/* Without one. False: the run is over. */
static bool run_alone(struct gdb_session *g)
{
    bool still = g->host.serve(g->host.ctx);
    enum timeline_result r = TIMELINE_STOPPED;

    g->listens = true;
    if (!still)
        r = timeline_next(g->t, NULL, 0, g->limit, NULL);
    else if (g->client < 0)
        g->client = gdb_accept(g->listener);
    g->listens = g->asked = false;
    gdb_findings_note(g);
    if (r == TIMELINE_STOPPED && g->client >= 0)
        attach(g);
    return r == TIMELINE_STOPPED && !g->host.over(g->host.ctx);
}

static void wait_for_client(struct gdb_session *g)
{
    struct pollfd fd = {.fd = g->listener, .events = POLLIN};

    while (g->client < 0 && !g->host.over(g->host.ctx)) {
        poll(&fd, 1, LOOK_MS);
        g->host.serve(g->host.ctx);
        g->client = gdb_accept(g->listener);
    }
    if (g->client >= 0)
        attach(g);
}

static uint8_t exit_code(const struct gdb_session *g)
{
    enum arm_stop_reason why = timeline_end(g->t);

    return why == ARM_STOP_EXIT ? (uint8_t)arm_exit_code(timeline_live(g->t))
                                : why != ARM_STOP_POWEROFF;
}

static void reset(struct gdb_session *g)
{
    struct arm_error err = {0};
    const char *why = NULL;

    if (!change(g, &why))
        gdb_server_print(g->server, why);
    else if (arm_reset(timeline_machine(g->t), &err) < 0)
        gdb_server_print(g->server, err.text);
}

/* A step back is what somebody may ask for next. */
static void prepare(struct gdb_session *g)
{
    if (g->prepared || client_moves(g, SILENT_MS))
        return;
    g->skip = 0;
    g->preparing = true;
    timeline_prepare(g->t);
    g->preparing = g->interrupted = false;
    g->prepared = true;
}

/* Others see it run meanwhile. */
static void move(struct gdb_session *g, const struct gdb_request *r, struct gdb_stop *stop)
{
    g->host.hold(g->host.ctx, false);
    gdb_move(g, r, stop);
    g->host.hold(g->host.ctx, true);
}

/* Packets, until one of them lets the machine go on; then that. False: the run is over. */
static bool serve(struct gdb_session *g)
{
    struct gdb_stop stop = {.signal = GDB_SIGNAL_TRAP};
    bool there = send_output(g);

    if (there)
        prepare(g);
    g->host.serve(g->host.ctx);
    turn_away(g);
    there = there && gdb_session_receive(g, LOOK_MS);
    const struct gdb_request r = gdb_server_request(g->server);

    if (!there || r.order == GDB_DETACH) {
        detach(g);
        return true;
    }
    switch (r.order) {
    case GDB_NOTHING:
        if (g->quit)
            send_output(g);
        return !g->quit;
    case GDB_KILL:
        send_output(g);
        return false;
    case GDB_RESET:
        reset(g);
        break;
    default:
        if (g->ended && (r.order == GDB_CONTINUE || r.order == GDB_STEP) && !timeline_in_past(g->t))
            stop = (struct gdb_stop){.kind = GDB_STOP_EXITED, .signal = exit_code(g)};
        else
            move(g, &r, &stop);
        g->prepared = false;
        break;
    }
    gdb_server_stopped(g->server, &stop);
    if (stop.kind == GDB_STOP_EXITED)
        send_output(g);
    return stop.kind != GDB_STOP_EXITED;
}

enum arm_stop_reason gdb_session_run(struct gdb_session *g, bool wait)
{
    bool goes_on = true;

    /* A kernel gives up the header by which it is known. */
    g->names = trace_names_new(timeline_live(g->t));
    trace_names_begin(g->names);
    gdb_findings_begin(g);
    if (wait)
        wait_for_client(g);
    while (goes_on && !g->host.over(g->host.ctx))
        goes_on = g->server ? serve(g) : run_alone(g);
    gdb_findings_end(g);
    trace_names_free(g->names);
    bool by_client = g->server && !g->ended;
    timeline_forget(g->t); /* who looks at it afterwards looks at its end */
    if (by_client || g->host.over(g->host.ctx))
        return ARM_STOP_REQUEST;
    return timeline_end(g->t);
}
