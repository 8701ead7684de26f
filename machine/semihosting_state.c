/* Snapshots of semihosting: handles, calls that go on, input that waits. */
#include <stdlib.h>
#include <string.h>

#include "base/state_io.h"
#include "machine/semihosting.h"
#include "machine/semihosting_call.h"

#define NAME_MAX_BYTES 4096 /* what SYS_OPEN takes */

#define SYS_WRITE 0x05
#define SYS_READ  0x06

/* A name that is owned; NULL after an error. */
static char *name_state(struct state_io *io, char *name)
{
    uint64_t len = state_count(io, "h->name", name ? strlen(name) : 0, NAME_MAX_BYTES);
    char *text = name;

    if (state_restoring(io))
        text = calloc(1, len + 1);
    if (!text)
        state_fail(io, ARM_ENOMEM, "no memory for the name of a file");
    else
        state_bytes(io, "h->name", text, len);
    return text;
}

/* A closed handle becomes that of the file. */
static void reopen(struct state_io *io, const struct semihosting *s, struct semi_handle *h)
{
    h->fd = state_failed(io) ? -1 : semi_file_reopen(s, h->name, h->mode);
    if (h->fd >= 0)
        return;
    state_fail(io, ARM_EIO, "\"%s\" was open: %s%s", h->name ? h->name : "", strerror(-h->fd),
               s->dir < 0 ? " (no directory was given for semihosting)" : "");
    free(h->name);
    *h = (struct semi_handle){.kind = SEMI_CLOSED};
}

static void handle_state(struct state_io *io, struct semihosting *s, struct semi_handle *h)
{
    struct semi_handle now = *h;

    STATE(io, now.kind);
    if (!state_require(io, now.kind <= SEMI_FILE, "now.kind") || now.kind == SEMI_CLOSED)
        now.kind = SEMI_CLOSED;
    if (state_restoring(io))
        semi_handle_close(h);
    if (now.kind == SEMI_CLOSED)
        return;
    STATE(io, now.append);
    STATE(io, now.pos);
    STATE(io, now.mode);
    state_require(io, now.pos <= (now.kind == SEMI_FILE ? INT64_MAX : SEMI_FEATURES_BYTES),
                  "now.pos");
    if (now.kind == SEMI_FILE)
        now.name = name_state(io, h->name);
    if (!state_restoring(io))
        return;
    if (now.kind == SEMI_FILE)
        reopen(io, s, &now);
    *h = now;
}

static void call_state(struct state_io *io, struct semi_call *call)
{
    STATE(io, call->number);
    STATE_ARRAY(io, call->arg);
    STATE(io, call->done);
    STATE(io, call->wants_input);
    STATE(io, call->wanted);
    bool counts = call->number == SYS_WRITE || call->number == SYS_READ;
    state_require(io, !counts || call->done <= call->arg[2], "call->done");
}

void semihosting_state(struct state_io *io, struct semihosting *s, unsigned cpus)
{
    STATE(io, s->error);
    for (unsigned n = 0; n < SEMI_HANDLES; n++)
        handle_state(io, s, &s->handle[n]);
    for (unsigned n = 0; n < cpus; n++)
        call_state(io, &s->call[n]);
    s->input_count = state_count(io, "s->input_count", s->input_count, sizeof(s->input));
    state_bytes(io, "s->input", s->input, s->input_count);
    STATE(io, s->input_ended);
}
