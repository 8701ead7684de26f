/* How often each instruction of each world was executed, and whose it is. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "trace/format.h"

/* Who executes: a level of the host or of a VM. */
struct trace_who {
    bool guest;
    uint8_t el;
    uint16_t vmid;
    char name[24];     /* "vm3 EL1" */
    GHashTable *cells; /* uint64_t, an address: struct trace_cell */
};

struct trace_cell {
    uint64_t pc;
    uint64_t count;
    bool known;        /* a file has it: */
    unsigned file;     /* of trace_names_get() */
    uint64_t address;  /* in it */
    unsigned function; /* for who counts by functions, with */
    unsigned line;     /* the source's, 0 if no DWARF knows */
};

struct trace_cells {
    GPtrArray *who; /* struct trace_who, in the order of their first instruction */
    struct trace_who *last;
};

void trace_cells_init(struct trace_cells *c);
void trace_cells_clear(struct trace_cells *c);

struct trace_who *trace_cells_who(struct trace_cells *c, const struct arm_event *e);

/* Counts of a source file's lines, by their numbers. trace_line_count() - of @line, 0
 * if it is new. trace_line_numbers() - in a list, ascending, freed by the caller.
 * Free with g_hash_table_unref(). */
GHashTable *trace_line_counts(void);
uint64_t *trace_line_count(GHashTable *counts, unsigned line);
GList *trace_line_numbers(GHashTable *counts);

/* Of the instruction @e, new (count 0) or not. */
struct trace_cell *trace_cells_at(const struct trace *t, struct trace_who *who,
                                  const struct arm_event *e);
