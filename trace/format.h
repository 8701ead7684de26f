/* What the formats of trace/formats.def are made with. */
#pragma once

#include <glib.h>

#include "trace/trace.h"

struct trace {
    struct arm_machine *m;
    struct trace_names *names;
    struct trace_spec spec;
    struct trace_sink sink;
    struct trace_disasm *disasm;
    GString *text; /* the piece being made */
    int handle;
    bool begun, ended;
    void *self; /* the format's own */
};

/* Called when listening begins, for each event that passes the filter, and at the end. */
#define TRACE_FORMAT(name, ...)                                                                    \
    void trace_##name##_begin(struct trace *t);                                                    \
    void trace_##name##_event(struct trace *t, const struct arm_event *e);                         \
    void trace_##name##_end(struct trace *t);
#include "trace/formats.def"
#undef TRACE_FORMAT

/* The text of an instruction, without tabs; its name in our table if nobody knows a text. */
void trace_disassemble(struct trace *t, uint64_t pc, uint32_t word, GString *out);

/* "EL2", "host EL1", "vm3 EL0": the world and level of @el in the world of @e. */
void trace_world(const struct arm_event *e, unsigned el, char *buf, size_t size);

/* A register as it is now; 0: the CPU has none of this name. */
uint64_t trace_reg(const struct trace *t, unsigned cpu, const char *name);

/* @e is in the world that is below EL2 of its CPU now. */
void trace_set_world(const struct trace *t, struct arm_event *e);

/* Does @word end a block: can the next instruction be another than the one behind it? */
bool trace_is_branch(uint32_t word);
