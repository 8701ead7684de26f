/* Capstone's texts of instructions. It is loaded when one is asked for: that takes longer than to
 * load everything else that a run needs, and few runs want text. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct trace_disasm;

struct trace_disasm *trace_disasm_new(void);     /* of A64 */
struct trace_disasm *trace_disasm_new_x86(void); /* of 64-bit x86 */
void trace_disasm_free(struct trace_disasm *d);  /* NULL: nothing */

/* False: there is no capstone, and nobody knows any text. */
bool trace_disasm_starts(struct trace_disasm *d);

/* Append the text of the instruction at @code[@size], which runs at @address. Return: its bytes; 0,
 * with nothing appended, if capstone does not know it. */
size_t trace_disasm_next(struct trace_disasm *d, uint64_t address, const uint8_t *code, size_t size,
                         GString *out);

/* The same for an A64 word. False: nothing is appended. */
bool trace_disasm_word(struct trace_disasm *d, uint64_t pc, uint32_t word, GString *out);

/* The same; where capstone knows no text, the name in our table. */
void trace_disasm_text(struct trace_disasm *d, uint64_t pc, uint32_t word, GString *out);
