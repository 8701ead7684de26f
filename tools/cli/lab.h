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

struct lab {
    const char *images; /* directory: hyp.img, guests/, trial-*.img */
    bool quick;         /* less of everything: a part of the points, fewer rounds */
    struct lab_models *models;
};

/* Fill @report. False: a sentence is in lab_report_error(). */
typedef bool lab_fn(const struct lab *lab, struct lab_report *report);

#define EXPERIMENT(name, ...) lab_fn lab_##name;
#include "tools/cli/lab.def"
#undef EXPERIMENT
