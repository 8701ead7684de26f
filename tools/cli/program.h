/*
 * What `armillary call` calls: a relocatable object, members of an archive, or a linked program,
 * with its sections placed and its relocations applied. What it leaves undefined has a zeroed page
 * of its own each, so that both a call and an access tell which one it was.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"

struct program_symbol {
    char *name;
    uint64_t address, size;
    bool function;
    bool stub; /* undefined: its page */
};

struct program {
    uint64_t base;
    GByteArray *image;   /* at base */
    GArray *symbols;     /* struct program_symbol */
    GHashTable *by_name; /* global ones: name to index + 1 */
};

#define PROGRAM_MAX       ((uint64_t)32 << 20)
#define PROGRAM_STUB_SIZE 4096

/**
 * program_load() - @path to be at @base. Of an archive: the members that define one of @roots
 * (NULL- ended), and those that these need.
 *
 * Return: NULL and *err naming the file (and member) and what is wrong. Free with program_free().
 */
struct program *program_load(const char *path, const char *const *roots, uint64_t base,
                             struct arm_error *err);
void program_free(struct program *p);

/* A global one that is defined, or of any kind; NULL: there is none. */
const struct program_symbol *program_find(const struct program *p, const char *name);
const struct program_symbol *program_lookup(const struct program *p, const char *name);

/* The undefined one whose page begins at @address; NULL: none does. */
const struct program_symbol *program_stub_at(const struct program *p, uint64_t address);

/* "name+0x1c" of an address in the program, or its number. */
void program_name(const struct program *p, uint64_t address, char *buf, size_t size);

/* ---- for program*.c ---- */

/* Bytes at the end of the image, zero; its address, 0 and *err if there is no room. */
uint64_t program_reserve(struct program *p, uint64_t size, uint64_t align, struct arm_error *err);
/* @binding: STB_xxx. */
void program_add(struct program *p, const char *name, uint64_t address, uint64_t size,
                 bool function, unsigned binding);
/* The page of an undefined symbol; 0 and *err if there is no room. */
uint64_t program_stub(struct program *p, const char *name, struct arm_error *err);
int program_fail(struct arm_error *err, int code, const char *format, ...) G_GNUC_PRINTF(3, 4);

typedef struct Elf Elf;

/* Link the members (of archives; one otherwise); or load a linked program. 0 or -ARM_Exxx. */
int program_link(struct program *p, Elf *const *elfs, char *const *names, unsigned count,
                 const char *const *roots, struct arm_error *err);
int program_segments(struct program *p, Elf *elf, const char *name, struct arm_error *err);
