/* Findings in the forms that other programs read. */
#pragma once

#include <glib.h>

#include "checker/finding.h"

struct kept_finding {
    struct finding finding;
    uint64_t times;
    char **places[2]; /* of at and other: "pc ADDRESS NAME", and those of the callers; NULL-ended */
    char *insn[2];    /* of at and other: the instruction as text; NULL: not known */
    char *slot;       /* what the program calls the address; NULL: not known */
};

struct findings {
    struct kept_finding *list;
    unsigned count, merged; /* merged: what arm_merge_add() has got */
    uint64_t dropped;
};

typedef void report_fn(const struct arm_checker *c, GString *out);

report_fn report_json, report_junit, report_sarif, report_html;

/* @path NULL: nothing to do. Return: 0 or -ARM_Exxx and a sentence. */
int report_write(const struct arm_checker *c, const char *path, report_fn *fn,
                 struct arm_error *err);
int report_write_text(const char *path, const GString *text, struct arm_error *err);

/* Of one finding: an object; lines; a result. */
void report_json_finding(const struct kept_finding *kept, GString *out);
void report_junit_finding(const struct kept_finding *kept, GString *out);
void report_sarif_finding(const struct kept_finding *kept, GString *out);

/* And what is around them. @findings: lines of @count; readers take the first element of a test
 * case, so that all of a rule are one. @cases: elements. */
void report_junit_rule(enum rule rule, unsigned count, const char *findings, GString *out);
void report_junit_suite(unsigned tests, unsigned failures, const char *cases, GString *out);
void report_sarif_begin(GString *out);
void report_sarif_end(GString *out);
