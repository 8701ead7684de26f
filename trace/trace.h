/*
 * Traces of a machine: which events (words of base/probe.def), which of them (trace/filters.def),
 * written how (trace/formats.def). Clients of events: what nobody asked for costs nothing.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "armillary.h"
#include "trace/filter.h"
#include "trace/names.h"
#include "trace/sink.h"

struct trace;
struct trace_disasm;

/* Flags of a format. */
#define TRACE_ONE_CPU     1U /* a file has the events of one CPU */
#define TRACE_NEEDS_FILES 2U /* it is about the programs of --symbols */

enum trace_format_id {
#define TRACE_FORMAT(name, ...) TRACE_##name,
#include "trace/formats.def"
#undef TRACE_FORMAT
    TRACE_FORMAT_COUNT
};

/* What is wanted: "WORD[,WORD...][:FILE]". */
struct trace_spec {
    enum trace_format_id format;
    uint64_t events; /* ARM_BIT()s */
    struct trace_filter filter;
    const char *file; /* in what was parsed; NULL: none */
};

/* Return: false: @why says what is wrong; *spec holds nothing. Free with
 * trace_filter_clear(&spec->filter). */
bool trace_spec_parse(struct trace_spec *spec, const char *text, char *why, size_t size);

bool trace_format_describe(unsigned index, const char **word, const char **help);

/* The flags of its format. */
bool trace_is_of_one_cpu(const struct trace_spec *spec);
bool trace_needs_files(const struct trace_spec *spec);

/**
 * trace_open() - begin @spec, which is the trace's from now on. Nothing is listened to before
 * trace_begin().
 * @names: outlives it, may be NULL. @out: the caller's, open until trace_close().
 */
struct trace *trace_open(struct arm_machine *m, const struct trace_spec *spec,
                         struct trace_names *names, FILE *out);

/* Listen, now that the machine has retired filter.from instructions. False: there are too many
 * subscribers. Once. */
bool trace_begin(struct trace *t);

/* Where it wants to begin: instructions of all CPUs; UINT64_MAX: it has. */
uint64_t trace_starts_at(const struct trace *t);

/* Write what is left. */
void trace_close(struct trace *t);
