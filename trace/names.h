/*
 * Names of the addresses that events have: by files that were given, moved to where a kernel that
 * relocates itself has put itself, and by the tables that kernels have in memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "armillary.h"

struct symbols;
struct trace_names;

/* @m: outlives it. Free with trace_names_free() (NULL too). */
struct trace_names *trace_names_new(struct arm_machine *m);
void trace_names_free(struct trace_names *n);

/**
 * trace_names_add() - @spec: FILE, or FILE@OFFSET with what the program was moved by: an ELF file,
 * a System.map, or what /proc/kallsyms has said. A kernel's file (one with "vectors" in the upper
 * half of addresses) without an offset is looked for: its vectors are where VBAR_EL1 says.
 * A file that has instructions names only where memory has the same.
 *
 * Return: 0 or -ARM_Exxx and a sentence.
 */
int trace_names_add(struct trace_names *n, const char *spec, struct arm_error *err);

/* All are added, and a snapshot is restored. */
void trace_names_begin(struct trace_names *n);

/* Hear from now on of each kernel that has moved itself, by an event. */
void trace_names_follow(struct trace_names *n);

/* Instead, for who asks rarely and may not slow the machine: find out where the kernel is that is
 * about to execute at @e's PC. */
void trace_names_look(struct trace_names *n, const struct arm_event *e);

/* "name+0x1c" of @address at @el of @cpu. @e: in whose world; NULL: the host's. False: not known.
 * @n: may be NULL. */
bool trace_name(struct trace_names *n, unsigned cpu, unsigned el, const struct arm_event *e,
                uint64_t address, char *buf, unsigned size);

/* The name of the function that the event is in, without what is added to it. False: not known, and
 * @buf is empty. */
bool trace_function(struct trace_names *n, const struct arm_event *e, char *buf, unsigned size);

/* Write the symbols of a kernel in memory, as kernels_write_elf() does. */
int trace_names_write_elf(struct trace_names *n, uint64_t pa, uint64_t va, const char *path,
                          struct arm_error *err);

/* The file that knows @address in the world of @e, and what is to be added to the file's addresses
 * there. False: none. */
bool trace_names_file(const struct trace_names *n, const struct arm_event *e, uint64_t address,
                      unsigned *file, uint64_t *offset);

/* The @index-th file. @path, @symbols: belong to @n. False: there are fewer. */
bool trace_names_get(const struct trace_names *n, unsigned index, const char **path,
                     const struct symbols **symbols);
