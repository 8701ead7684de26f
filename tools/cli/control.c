#include <poll.h>
#include <string.h>

#include "control_state.h"
#include "json.h"
#include "link.h"
#include "qmp.h"
#include "signals.h"

#define POLL_SLICES 16 /* between two looks */
#define IN_MAX                                                                                     \
    ((size_t)64 << 10) /* of what was not done yet; who says more at once is not understood */
#define WAIT_MS 50

static const char prompt[] = "(armillary) ";

static void say(struct control *c, const char *text)
{
    link_write(c->link, text, strlen(text));
}

/* ---- opening ---- */

struct controls *controls_open(const struct control_spec *specs, unsigned count, bool stopped,
                               const struct outline *outline, struct outputs *outputs)
{
    struct controls *all = g_new0(struct controls, 1);

    all->stopped = stopped;
    for (unsigned k = 0; k < count; k++) {
        struct control *c = &all->rows[k];
        *c = (struct control){.all = all, .qmp = specs[k].qmp, .in = g_string_new(NULL)};
        c->monitor.outline = outline;
        all->count++;
        c->link = specs[k].where ? link_open(specs[k].where, specs[k].serve, outputs)
                                 : link_standard(outputs);
        if (!c->link) {
            controls_close(all);
            return NULL;
        }
    }
    return all;
}

void controls_close(struct controls *all)
{
    for (unsigned k = 0; all && k < all->count; k++) {
        link_close(all->rows[k].link);
        g_string_free(all->rows[k].in, TRUE);
    }
    g_free(all);
}

void controls_start(struct controls *all, struct arm_machine *m)
{
    if (!all)
        return;
    all->m = m;
    for (unsigned k = 0; k < all->count; k++)
        all->rows[k].monitor.m = m;
    controls_poll(all);
}

/* ---- listening ---- */

static void greet(struct control *c)
{
    g_autoptr(GString) out = g_string_new(NULL);

    c->negotiated = false;
    g_string_truncate(c->in, 0);
    if (c->qmp)
        qmp_greet(out);
    else
        g_string_append(out, prompt);
    say(c, out->str);
}

/* What the other end has said so far; who is new is greeted first. */
static void listen_to(struct control *c)
{
    char buf[4096];
    size_t n;

    do {
        n = c->in->len < IN_MAX ? link_read(c->link, (uint8_t *)buf, sizeof(buf)) : 0;
        if (link_meetings(c->link) != c->meetings)
            greet(c);
        c->meetings = link_meetings(c->link);
        g_string_append_len(c->in, buf, (gssize)n);
    } while (n);
}

/* The length of the first whole request; 0: none. What can become none is thrown away. */
static size_t request_size(struct control *c)
{
    if (!c->qmp) {
        const char *end = memchr(c->in->str, '\n', c->in->len);
        return end ? (size_t)(end - c->in->str) + 1 : 0;
    }
    bool good;
    size_t size = json_object_size(c->in->str, c->in->len, &good);
    if (!good || (!size && c->in->len >= IN_MAX)) {
        g_string_truncate(c->in, 0);
        say(c, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error, expecting "
               "an object\"}}\r\n");
    }
    return size;
}

static bool has_request(struct controls *all)
{
    for (unsigned k = 0; k < all->count; k++)
        if (request_size(&all->rows[k]))
            return true;
    return false;
}

static void listen_to_all(struct controls *all)
{
    for (unsigned k = 0; k < all->count; k++)
        listen_to(&all->rows[k]);
}

void controls_poll(struct controls *all)
{
    if (!all || all->skip++ < POLL_SLICES)
        return;
    all->skip = 0;
    listen_to_all(all);
    if (has_request(all))
        arm_stop(all->m);
}

/* Return: somebody is at the other end of one. */
static bool wait_for_word(struct controls *all, unsigned wait_ms)
{
    struct pollfd fds[CONTROLS_MAX * LINK_FDS_MAX];
    unsigned count = 0;
    bool met = false;

    for (unsigned k = 0; k < all->count; k++) {
        count += link_fill(all->rows[k].link, &fds[count]);
        met |= link_has_peer(all->rows[k].link);
    }
    poll(fds, count, (int)wait_ms);
    listen_to_all(all);
    return met;
}

bool controls_idle(struct controls *all, unsigned wait_max_ms)
{
    bool met = wait_for_word(all, wait_max_ms);

    if (has_request(all))
        arm_stop(all->m);
    return met || has_request(all);
}

/* ---- doing ---- */

void control_tell(struct controls *all, const char *event, const char *data)
{
    g_autoptr(GString) out = g_string_new(NULL);

    qmp_event(out, event, data);
    for (unsigned k = 0; k < all->count; k++)
        if (all->rows[k].qmp && all->rows[k].negotiated)
            say(&all->rows[k], out->str);
}

bool control_set_stopped(struct controls *all, bool stopped)
{
    if (all->stopped == stopped)
        return true;
    if (all->held)
        return false;
    all->stopped = stopped;
    control_tell(all, stopped ? "STOP" : "RESUME", NULL);
    return true;
}

/* "stop" and "cont" are the run's, not the machine's. */
void control_command(struct control *c, const char *line, GString *out)
{
    g_autofree char *word = g_strstrip(g_strdup(line));

    if (!strcmp(word, "stop") || !strcmp(word, "cont") || !strcmp(word, "continue") ||
        !strcmp(word, "c")) {
        if (!control_set_stopped(c->all, !strcmp(word, "stop")))
            g_string_append(out, CONTROL_HELD "\r\n");
        return;
    }
    if (!strcmp(word, "info status")) {
        g_string_append_printf(out, "VM status: %s\r\n", c->all->stopped ? "paused" : "running");
        return;
    }
    if (monitor_execute(&c->monitor, word, out) == MONITOR_QUIT)
        c->all->quit = true;
}

static void serve(struct control *c)
{
    size_t size;

    while (!c->all->quit && (size = request_size(c)) != 0) {
        g_autofree char *request = g_strndup(c->in->str, size);
        g_autoptr(GString) out = g_string_new(NULL);
        g_string_erase(c->in, 0, (gssize)size);
        if (c->qmp) {
            qmp_execute(c, request, out);
        } else {
            control_command(c, request, out);
            g_string_append(out, c->all->quit ? "" : prompt);
        }
        say(c, out->str);
    }
}

bool controls_waiting(struct controls *all)
{
    if (!all)
        return false;
    return has_request(all) || all->stopped || all->quit;
}

bool controls_serve(struct controls *all)
{
    do {
        for (unsigned k = 0; k < all->count; k++)
            serve(&all->rows[k]);
        if (all->stopped && !all->quit)
            wait_for_word(all, WAIT_MS);
    } while (all->stopped && !all->quit && !signals_seen());
    return !all->quit;
}

/* ---- beside gdb ---- */

static void look(struct controls *all)
{
    all->m = all->gdb->live(all->gdb->ctx);
    for (unsigned k = 0; k < all->count; k++)
        all->rows[k].monitor.m = all->gdb->machine(all->gdb->ctx);
}

void controls_share(struct controls *all, const struct control_gdb *gdb)
{
    if (!all)
        return;
    all->gdb = gdb;
    for (unsigned k = 0; k < all->count; k++) {
        all->rows[k].monitor.change = gdb->change;
        all->rows[k].monitor.change_ctx = gdb->ctx;
    }
}

void controls_hold(struct controls *all, bool held)
{
    if (!all)
        return;
    all->held = false;
    control_set_stopped(all, held);
    all->held = held;
}

bool controls_asked(struct controls *all)
{
    return all && has_request(all);
}

bool controls_serve_some(struct controls *all)
{
    if (!all)
        return false;
    listen_to_all(all);
    look(all);
    for (unsigned k = 0; k < all->count; k++)
        serve(&all->rows[k]);
    if (all->stopped && !all->held && !all->quit)
        wait_for_word(all, WAIT_MS);
    return all->stopped && !all->quit;
}

bool controls_over(const struct controls *all)
{
    return all && all->quit;
}

void controls_end(struct controls *all, enum arm_stop_reason why)
{
    bool guest = why == ARM_STOP_POWEROFF || why == ARM_STOP_RESET || why == ARM_STOP_EXIT;

    if (all)
        control_tell(all, "SHUTDOWN",
                     guest ? "{\"guest\": true, \"reason\": \"guest-shutdown\"}"
                           : "{\"guest\": false, \"reason\": \"host-qmp-quit\"}");
}
