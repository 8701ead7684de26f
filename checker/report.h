/* Findings in the forms that other programs read. */
#pragma once

#include <glib.h>

#include "checker/finding.h"

struct kept_finding {
    struct finding finding;
    uint64_t times;
    char **places[2]; /* of at and other: "pc ADDRESS NAME", and those of the callers; NULL-ended */
    char *slot;       /* what the program calls the address; NULL: not known */
};

struct findings {
    struct kept_finding *list;
    unsigned count;
    uint64_t dropped;
};

typedef void report_fn(const struct arm_checker *c, GString *out);

report_fn report_json, report_junit, report_sarif;

/* @path NULL: nothing to do. Return: 0 or -ARM_Exxx and a sentence. */
int report_write(const struct arm_checker *c, const char *path, report_fn *fn,
                 struct arm_error *err);
