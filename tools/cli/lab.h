/*
 * `armillary lab`: experiments on the hypervisor core, counted on the machine. An experiment runs
 * images, fills a report and says what its numbers come to; nothing here knows what the numbers
 * will be.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "lab_report.h"
#include "lab_run.h"

#define LAB_CORES 4

struct lab {
    const char *images;            /* directory: hyp.img, guests/, trial-*.img */
    bool quick;                    /* less of everything: a part of the points, fewer rounds */
    struct arm_core *const *cores; /* that are modelled: --model */
    unsigned core_count;
};

/* A claim that rests on the model: a number, and what it must be. */
struct lab_claim {
    const char *what; /* the number: "cycles of a header's access, of a table's 1" */
    double (*result)(const struct lab_outcome *out, unsigned core, const void *ctx);
    bool (*holds)(double result);
    const void *ctx;
};

/* Run @spec on the first core and on all that differ from it in one parameter, and say which one
 * moves the claim most, and whether it holds with all of them. False: lab_fail(). */
bool lab_test_claim(const struct lab *lab, const struct lab_spec *spec,
                    const struct lab_claim *claim, struct lab_report *report);

/* The name of a core, for a column: "a53-like". The lab's. */
const char *lab_core_name(const struct lab *lab, unsigned core);

/* Fill @report. False: a sentence is in lab_report_error(). */
typedef bool lab_fn(const struct lab *lab, struct lab_report *report);

#define EXPERIMENT(name, ...) lab_fn lab_##name;
#include "tools/cli/lab.def"
#undef EXPERIMENT
