/* Where a trace's text goes: into a stream as it comes, or the last pieces of it at the end. */
#pragma once

#include <glib.h>
#include <stdint.h>
#include <stdio.h>

struct trace_sink {
    FILE *out;      /* the caller's */
    uint64_t last;  /* pieces to keep; 0: none are kept, all are written */
    uint64_t count; /* pieces so far */
    GString **kept; /* last of them, by count % last */
};

void trace_sink_open(struct trace_sink *s, FILE *out, uint64_t last);

/* A piece: what belongs to one event or instruction. @text is empty afterwards. */
void trace_sink_put(struct trace_sink *s, GString *text);

/* Write what is kept. */
void trace_sink_close(struct trace_sink *s);
