/* Capstone's texts of instructions. */
#pragma once

#include <glib.h>
#include <stdint.h>

struct trace_disasm;

struct trace_disasm *trace_disasm_new(void);
void trace_disasm_free(struct trace_disasm *d);
void trace_disasm_text(struct trace_disasm *d, uint64_t pc, uint32_t word, GString *out);
