/* What an experiment has to say: text, tables, plots, an answer; written as text for a terminal, as
 * JSON, or as Markdown. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

struct lab_report;

enum lab_format { LAB_TEXT, LAB_JSON, LAB_MARKDOWN };

struct lab_report *lab_report_new(const char *name, const char *title, const char *question);
void lab_report_free(struct lab_report *r);

/* Begin a table. @columns: their names, parted by |; one that begins with ~ is the model's, and is
 * labelled so. Then its rows: cells, parted by |. */
void lab_table(struct lab_report *r, const char *title, const char *columns);
void lab_row(struct lab_report *r, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Begin a plot of bars; then its bars. A @title that begins with ~: of the model. */
void lab_plot(struct lab_report *r, const char *title, const char *unit);
void lab_bar(struct lab_report *r, double value, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* One sentence each: the answer, which is kept whole; what would change it; what the model's
 * parameters do to it. @text is taken over. */
void lab_answer(struct lab_report *r, char *text);
void lab_change(struct lab_report *r, const char *text);
void lab_sensitivity(struct lab_report *r, char *text);

/* What went wrong on the host; the first is kept. Returns false. */
bool lab_fail(struct lab_report *r, const char *format, ...) G_GNUC_PRINTF(2, 3);
const char *lab_report_error(const struct lab_report *r);

/* @width: columns of the terminal. */
void lab_report_write(const struct lab_report *r, enum lab_format format, unsigned width,
                      FILE *out);
