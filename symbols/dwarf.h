/*
 * What an ELF file's DWARF says: the line of an address, and of which variable or member a load or
 * store there is. Addresses are the file's own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dwarf;

/* NULL: the file has none. Free with dwarf_free(). */
struct dwarf *dwarf_read(const char *path);
void dwarf_free(struct dwarf *d);

/* "hyp/switch.c:120" of @pc: file and line, with the folder the file is in. False: not known. */
bool dwarf_line(const struct dwarf *d, uint64_t pc, char *buf, size_t size);

/* A place in an object: the object's name, as "vcpu->" or "cpus", and its type. */
struct dwarf_object {
    char name[64];
    uint64_t size;   /* of the object, bytes */
    uint64_t offset; /* of the place in it */
    size_t type;     /* offset of its entry in .debug_info */
};

/**
 * dwarf_pointed() - what a variable that lives in register X@n at @pc points to; the place is
 * @displacement bytes behind what is in the register.
 * dwarf_global() - the variable of static storage that the object at @address belongs to.
 *
 * Return: false: there is none, or the place is outside of it.
 */
bool dwarf_pointed(const struct dwarf *d, uint64_t pc, unsigned n, int64_t displacement,
                   struct dwarf_object *out);
bool dwarf_global(const struct dwarf *d, uint64_t address, struct dwarf_object *out);

/* The member at @offset of @o: "vcpu->ctx.slot[SLOT_TPIDR_EL1]". An array of registers has their
 * names where an enumeration of the same unit counts as many; else an index is a number. */
void dwarf_path(const struct dwarf *d, const struct dwarf_object *o, uint64_t offset, char *buf,
                size_t size);
