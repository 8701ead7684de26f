/* Which events a trace has: rows of trace/filters.def. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"

struct trace_names;

enum trace_filter_kind {
#define TRACE_FILTER(name, argument, help) FILTER_##name,
#include "trace/filters.def"
#undef TRACE_FILTER
    FILTER_COUNT
};
#define FILTER_BIT(name) (1U << FILTER_##name)
#define FILTERS_ALL      ((1U << FILTER_COUNT) - 1)

struct trace_filter {
    unsigned given; /* FILTER_BIT()s */
    struct arm_filter basic;
    uint64_t from, to;   /* instructions of all CPUs, @to excluded */
    uint64_t last;       /* 0: all */
    GArray *ranges;      /* struct trace_range; NULL: none */
    GPtrArray *patterns; /* GPatternSpec of names; NULL: none */
    GPtrArray *spans;    /* struct trace_span; NULL: none */
    GArray *registers;   /* uint32_t, numbers; NULL: none */
};

struct trace_range {
    uint64_t first, last;
};

/* From one function to another of the same file. */
struct trace_span {
    char *first, *last;
    GArray *bounds; /* struct trace_range of each file, by its own addresses, found when it is asked
                       for */
};

void trace_filter_init(struct trace_filter *f);
void trace_filter_clear(struct trace_filter *f);

/* @word: NAME=VALUE. Return: false: @why says what was expected. */
bool trace_filter_parse(struct trace_filter *f, const char *word, char *why, size_t size);

/* Beyond what f->basic says, which the machine has looked at. */
bool trace_filter_passes(const struct trace_filter *f, struct arm_machine *m,
                         struct trace_names *names, const struct arm_event *e);

/* The @index-th filter, for lists; false: there are fewer. */
bool trace_filter_describe(unsigned index, const char **name, const char **argument,
                           const char **help);
