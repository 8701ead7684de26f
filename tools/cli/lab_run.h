/*
 * Runs of an experiment: an image on a machine, and what happened in its stretches, which it marks
 * itself (arch/mark.h) or which are passages of the hypervisor, from an exit to the next entry.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/mark.h"
#include "armillary.h"

/* Exact: what is architectural. */
struct lab_counts {
    uint64_t stretches;
    uint64_t insns, branches, taken, indirect; /* branches: of all kinds; indirect: BR, BLR, RET */
    uint64_t loads, stores, load_bytes, store_bytes;
    uint64_t reads, writes; /* MRS, MSR */
    uint64_t moved;         /* of these, of registers that EL1 or EL0 owns */
    uint64_t isb, dsb, dmb, tlbi;
    uint64_t exceptions, erets, exits; /* exits: worlds left for EL2 */
    uint64_t spins;                    /* YIELD */
};

#define LAB_KEYS MARK_KEYS
#define LAB_CPUS 16

struct lab_spec {
    const char *image;  /* in the images' directory */
    const char *guest;  /* "FILE,words of its command line", in the same; NULL: none */
    const char *append; /* the hypervisor's; NULL: none */
    const char *cpu;    /* NULL: "n1" */
    unsigned cpus;      /* 0: 1 */
    unsigned memory;    /* MiB; 0: 128 */
    struct arm_gic_config gic;
    const struct arm_core *const *cores; /* to be modelled, @core_count of them */
    unsigned core_count;
    bool unmarked;      /* count nothing: only the console is wanted */
    bool el2_only;      /* of marked stretches, only what EL2 does */
    bool passages;      /* stretches are passages, by LAB_PASSAGE(class) */
    uint64_t max_insns; /* 0: 2 G */
    /* Each event of a stretch, too; NULL: nobody. */
    void (*event)(void *ctx, struct arm_machine *m, unsigned key, const struct arm_event *e);
    void *ctx;
};

/* The key of a passage: exception class of the exit; LAB_PASSAGE_IRQ: an interrupt. */
#define LAB_PASSAGE(ec) (900u + (ec))
#define LAB_PASSAGE_IRQ (900u + 64)

struct lab_outcome {
    struct lab_counts counts[LAB_KEYS];
    struct arm_model_counts *modelled; /* lab_modelled() */
    char *console;
    uint64_t time_ns, insns;
};

struct lab;
struct lab_report;

/* False: lab_fail() has been called: the image is not there, or did not power off. The outcome is
 * freed with lab_outcome_free(), which may be called for a failed one too. */
bool lab_run(const struct lab *lab, const struct lab_spec *spec, struct lab_outcome *out,
             struct lab_report *report);
struct lab_outcome *lab_outcome_new(void);
void lab_outcome_free(struct lab_outcome *out);

/* What the @core-th of the spec's cores says of the stretches of @key; with el2_only, of the
 * passages in them. */
const struct arm_model_counts *lab_modelled(const struct lab_outcome *out, unsigned core,
                                            unsigned key);

/* The number behind NAME= in a line of the console; -1: there is none. */
int64_t lab_console_number(const struct lab_outcome *out, const char *name, unsigned index);

/* What is in @a, less what is in @b: a loop around. */
struct lab_counts lab_less(const struct lab_counts *a, const struct lab_counts *b);

/* Bytes of a function of the ELF file @name in the images' directory, by its name; 0 and lab_fail()
 * if it has none. All that begin with @prefix: their sum. */
uint64_t lab_code_bytes(const struct lab *lab, const char *name, const char *symbol,
                        struct lab_report *report);
uint64_t lab_code_bytes_of_all(const struct lab *lab, const char *name, const char *prefix,
                               struct lab_report *report);
uint64_t lab_address(const struct lab *lab, const char *name, const char *symbol,
                     struct lab_report *report);

/* "name+0x1c" of an address in the code of the ELF file @name. */
char *lab_symbol_at(const struct lab *lab, const char *name, uint64_t address);

/* A machine of @spec, to be run by hand; @text gets its console, and outlives it. NULL: lab_fail()
 * has been called. */
struct arm_machine *lab_machine(const struct lab *lab, const struct lab_spec *spec, GString *text,
                                struct lab_report *report);

/* Run it until a mark begins, executed at @el. False: it ended before. */
bool lab_run_to_mark(struct arm_machine *m, unsigned el);
