/* What a guest has died of, in files for other programs. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "death.h"

/* One death; the texts are the struct's. */
struct death_record {
    enum death_kind kind;
    unsigned cpu;
    bool ended;                    /* the run has ended by it */
    uint64_t insns;                /* of all CPUs, when it was said */
    char *cause, *evidence, *next; /* a sentence each; the last two may be empty */
    char *details;                 /* lines */
};

/* Is it FORMAT=FILE[,FORMAT=FILE...], the format json or junit? */
bool death_report_valid(const char *spec);

/* Write @records to the files of @specs (NULL-ended; may be NULL). False: a message
 * went to @say. */
bool death_report_write(const char *const *specs, const GArray *records, FILE *say);

void death_record_clear(void *record);
