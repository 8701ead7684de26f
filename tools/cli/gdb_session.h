/* A machine that gdb may connect to: a timeline, which begins with the connection, and a server. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "armillary.h"
#include "gdb/server.h"
#include "timeline.h"

struct arm_checker;
struct trace_names;

/* What the rest of the program does meanwhile. */
struct gdb_host {
    void (*poll)(void *ctx);                                     /* of the live machine */
    bool (*idle)(void *ctx, uint64_t next_ns, unsigned most_ms); /* likewise */
    bool (*over)(void *ctx); /* has something else than gdb ended the run? */
    /* Who else may steer it, at a monitor: has a word to say that it stops for, says it (true: it
     * stands still then, and a moment has passed), and hears that gdb holds it or lets it go on. */
    bool (*asked)(void *ctx);
    bool (*serve)(void *ctx);
    void (*hold)(void *ctx, bool held);
    void *ctx;
};

struct gdb_session {
    struct timeline *t;
    struct gdb_host host;
    FILE *say;
    struct gdb_server *server; /* NULL: no client */
    int listener, client;      /* -1: none */
    char *path;                /* of the listener, to be removed; or NULL */
    bool one_way;              /* nothing can be gone back to */
    bool records;              /* nothing may be changed either */
    bool quit;                 /* the client wants the program to end */
    bool ended;                /* the client has been told that the run is over */
    bool interrupted;
    bool listens, asked; /* to others while it runs; one of them has a word to say */
    bool preparing;      /* for a step back, as long as the client is silent */
    bool prepared;
    unsigned skip;               /* polls until the host is asked again, */
    unsigned slices;             /* of so many, */
    gint64 looked_us;            /* and when it was asked last */
    GPtrArray *catches;          /* struct gdb_catch */
    uint64_t limit;              /* instructions, 0: none */
    struct arm_checker *checker; /* NULL: none */
    struct trace_names *names;   /* of kernels in memory */
    GString *finding;            /* what it has found since gdb_findings_note(), as lines */
    GArray *found;               /* struct gdb_finding: what it has found, in order */
};

/* NULL: *@text, 200 bytes, says why not, else where it listens. */
struct gdb_session *gdb_session_open(const char *where, const struct gdb_host *host, char *text);
void gdb_session_close(struct gdb_session *g); /* @g: may be NULL */

/* A timeline's hooks; @ctx is the session. */
void gdb_session_poll(void *ctx, bool live);
bool gdb_session_idle(void *ctx, uint64_t next_ns);

/* Run g->t, as clients say while there is one. @wait: nothing before there is. Return: how it
 * ended; ARM_STOP_REQUEST: somebody has ended it. */
enum arm_stop_reason gdb_session_run(struct gdb_session *g, bool wait);

/* May the machine that is looked at be changed? It may be another one then. */
bool gdb_session_change(struct gdb_session *g, const char **why);

/* ---- inside ---- */

/* The run was stopped. True: for a word of somebody else's, which is done, and it goes on. */
bool gdb_session_aside(struct gdb_session *g);

/* Carry out @r, which moves the machine; *@stop is where that led. */
void gdb_move(struct gdb_session *g, const struct gdb_request *r, struct gdb_stop *stop);

/* Bytes of the client, if there are any; waits at most @wait_ms. False: it has gone. */
bool gdb_session_receive(struct gdb_session *g, int wait_ms);
