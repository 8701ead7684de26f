/*
 * Names of addresses: from files that were given, and from the symbol tables that Linux and Xen
 * have in themselves (symbols/kernels.h), wherever in memory they are and at whatever address they
 * run.
 */
#pragma once

#include "armillary.h"

struct flow;
struct names;

struct names *names_new(struct arm_machine *m);
void names_free(struct names *n);

/**
 * names_add() - @spec: FILE, or FILE@OFFSET with what is to be added to the file's addresses. The
 * first file that knows an address names it.
 *
 * Return: 0 or -ARM_Exxx and a sentence.
 */
int names_add(struct names *n, const char *spec, struct arm_error *err);

/* Code that sets up EL2 is at @pc: a kernel is known by the header of its image, which Linux gives
 * up once it has booted. Its table is read when it is needed. */
void names_look(struct names *n, unsigned cpu, uint64_t pc);

/* "name+0x1c (hyp/file.c:12)" of @pc at @el; at EL2, as @cpu translates it now, of a kernel in
 * memory too. NULL: nothing is known of it. @n: may be NULL. Free with g_free(). */
char *names_of(struct names *n, unsigned cpu, unsigned el, uint64_t pc);

/* The address of the first symbol of this name, of a kernel in memory if names_of() has asked it
 * for one. False: there is none. @n: may be NULL. */
bool names_find(const struct names *n, const char *name, uint64_t *address);

/**
 * names_slot() - what the program calls the memory at @pa: "vcpu->ctx.slot[SLOT_TPIDR_EL1]". The
 * file's DWARF knows it from the variable that the base register of a load or store had, from one
 * close to it in the same object (@flow has them), or because it is a variable itself, as @cpu
 * translates that at EL2.
 *
 * Return: NULL: not known. Free with g_free().
 */
char *names_slot(struct names *n, const struct flow *flow, unsigned cpu, uint64_t pa);
