/*
 * The kernels that are in a machine's memory, wherever they are and at whatever address they run:
 * they are known by the header of their image, and name themselves (symbols/kallsyms.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"

struct kernels;

/* @m: outlives it. Free with kernels_free() (NULL too). */
struct kernels *kernels_new(struct arm_machine *m);
void kernels_free(struct kernels *k);

/* Is there a kernel at @pc of @el? Linux gives its header up once it has booted, so that it pays to
 * ask early. Its table is read when it is needed. */
void kernels_look(struct kernels *k, unsigned cpu, unsigned el, uint64_t pc);

/* "name+0x1c" of @pc, as @cpu translates it now at @el. False: nothing is known of it. */
bool kernels_name(struct kernels *k, unsigned cpu, unsigned el, uint64_t pc, char *buf,
                  unsigned size);

/* The address of the first symbol of this name in a kernel that kernels_name() has been asked
 * about. */
bool kernels_find(const struct kernels *k, const char *name, uint64_t *address);

/* An ELF file of the functions of the kernel that has @pa, as it is called at @va there, for a
 * debugger. Return: 0 or -ARM_Exxx and a sentence. */
int kernels_write_elf(struct kernels *k, uint64_t pa, uint64_t va, const char *path,
                      struct arm_error *err);
