#include "machine/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

/* The text is in the rows: pointers would have to be relocated by each start, thousands of them. */
#define TEXT_SIZE 40

struct source {
    char name[TEXT_SIZE], file[TEXT_SIZE];
    unsigned line;
};

/* 1, where the text has room. */
#define FITS(text) sizeof(char[sizeof(text) <= TEXT_SIZE ? 1 : -1])

/* By name. */
static const struct source sources[] = {
#define SOURCE(name, file, line) {name, file, (line)*FITS(name) * FITS(file)},
#include "sources.inc"
#undef SOURCE
};

static int compare(const void *name, const void *source)
{
    return strcmp(name, ((const struct source *)source)->name);
}

/* The one in @file, or, NULL, the only one. */
static struct place find(const char *name, const char *file)
{
    const struct source *end = sources + ARRAY_SIZE(sources), *found = NULL;
    const struct source *s =
        bsearch(name, sources, ARRAY_SIZE(sources), sizeof(sources[0]), compare);

    while (s && s > sources && compare(name, s - 1) == 0)
        s--;
    for (; s && s < end && compare(name, s) == 0; s++) {
        if (file && strcmp(s->file, file) != 0)
            continue;
        if (found)
            return (struct place){0};
        found = s;
    }
    return found ? (struct place){found->file, found->line} : (struct place){0};
}

struct place function_place(const char *name)
{
    return find(name, NULL);
}

struct place exec_place(enum a64_op op)
{
    char name[64];

    snprintf(name, sizeof(name), "exec_%s", a64_rows[op].name);
    return function_place(name);
}

static const char *const readers[] = {[SYSREG_RD_NONE] = NULL,
#define X(name, home) [SYSREG_RD_##name] = "sr_read_" #name,
                                      SYSREG_READERS(X)
#undef X
};

static const char *const takers[] = {[SYSREG_TAKE_NONE] = NULL,
#define X(name) [SYSREG_TAKE_##name] = "sr_take_" #name,
                                     SYSREG_TAKERS(X)
#undef X
};

static const char *const writers[] = {[SYSREG_WR_NONE] = NULL,
#define X(name) [SYSREG_WR_##name] = "sr_write_" #name,
                                      SYSREG_WRITERS(X)
#undef X
};

static const char *const executors[] = {[SYSREG_OP_NONE] = NULL,
#define X(name) [SYSREG_OP_##name] = "sr_op_" #name,
                                        SYSREG_OPS(X)
#undef X
};

/* Registers of the GIC's CPU interface. */
static const struct gic_register {
    enum sysreg sr;
    const char *read, *write;
} gic[] = {
#define CPUIF(reg, n, exists, read, write) {SR_##reg, #read, #write},
#include "gic/cpuif.def"
#undef CPUIF
};

/* NULL: it is not one of these. */
static const struct gic_register *find_gic(enum sysreg sr)
{
    for (size_t k = 0; k < ARRAY_SIZE(gic); k++)
        if (gic[k].sr == sr)
            return &gic[k];
    return NULL;
}

const char *sysreg_reader(enum sysreg sr)
{
    const struct gic_register *of_gic = find_gic(sr);

    if (!(sysreg_rows[sr].access & SR_READ))
        return NULL;
    if (of_gic)
        return of_gic->read;
    return sysreg_rows[sr].take ? takers[sysreg_rows[sr].take] : readers[sysreg_rows[sr].rd];
}

const char *sysreg_writer(enum sysreg sr)
{
    const struct gic_register *of_gic = find_gic(sr);

    if (!(sysreg_rows[sr].access & SR_WRITE))
        return NULL;
    return of_gic ? of_gic->write : writers[sysreg_rows[sr].wr];
}

const char *sysreg_executor(enum sysreg sr)
{
    return executors[sysreg_rows[sr].op];
}

struct place accessor_place(const char *function)
{
    const struct place p = find(function, NULL);

    return p.file ? p : find(function, "gic/cpuif.c"); /* gic/cpuif_mmio.c has a read_bpr(), too */
}
