/* How a trace for ui.perfetto.dev is written: events of trace/perfetto.c, in one of two formats. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum perfetto_phase {
    PERFETTO_VIEW,     /* @name of the view; comes before what is in it, as its rows' names do */
    PERFETTO_ROW,      /* of the row */
    PERFETTO_OPEN,     /* a slice begins; a row's slices lie within each other */
    PERFETTO_CLOSE,    /* the one that was opened last ends */
    PERFETTO_SPAN,     /* one begins that others of the row may overlap */
    PERFETTO_SPAN_END, /* that of this category and id ends */
    PERFETTO_INSTANT,
};

struct perfetto_argument {
    const char *key;
    char text[24]; /* "": it is a number */
    uint64_t number;
};

struct perfetto_event {
    enum perfetto_phase phase;
    const char *name; /* of a view, row, slice or instant; NULL: of PERFETTO_CLOSE */
    uint64_t ns;
    unsigned view, row;
    const char *category, *id; /* of a span */
    struct perfetto_argument argument[4];
    unsigned argument_count;
};

struct perfetto_out {
    GString *text;     /* what has been written; whoever takes it empties it */
    uint64_t count;    /* events so far */
    GHashTable *spans; /* perfetto_proto.c: rows of spans, by id */
};

struct perfetto_writer {
    void (*begin)(struct perfetto_out *out);
    void (*event)(struct perfetto_out *out, const struct perfetto_event *e);
    void (*end)(struct perfetto_out *out); /* frees what begin() made */
};

/* By the end of the file's name: .pftrace, .perfetto-trace or .pb for Perfetto's own. @file: may be
 * NULL. */
const struct perfetto_writer *perfetto_writer(const char *file);

extern const struct perfetto_writer perfetto_json, perfetto_proto;
