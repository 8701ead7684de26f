/* All lines and functions that the DWARF of an ELF file knows, for who counts them. */
#pragma once

#include <glib.h>
#include <stdint.h>

/* Code of a line; addresses are the file's own. */
struct line_code {
    uint64_t address, end; /* end excluded */
    unsigned file, line;   /* number of its path in files */
};

struct line_function {
    char *name;
    uint64_t address;
    unsigned file, line; /* where it is declared */
};

struct lines {
    GPtrArray *files;  /* paths, in the order in which they come */
    GArray *code;      /* struct line_code, by address */
    GArray *functions; /* struct line_function, by address */
};

/* NULL: @path has no lines. Free with lines_free() (NULL too). */
struct lines *lines_read(const char *path);
void lines_free(struct lines *l);

/* What has @address; NULL: nothing. @l: may be NULL. */
const struct line_code *lines_find(const struct lines *l, uint64_t address);
