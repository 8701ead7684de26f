/* Budgets: what a passage may need at most, by world, reason, phase and metric. */
#pragma once

#include <glib.h>

#include "armillary.h"

struct account;
struct arm_checker;

/**
 * budget_read() - limits, a line each: WORLD REASON PHASE METRIC LIMIT, as budget_write() writes
 * them; '#' begins a comment. budget_write() - what was seen at most, as limits.
 *
 * Return: 0 or -ARM_Exxx and a sentence with file and line.
 */
int budget_read(struct account *a, const char *path, struct arm_error *err);
int budget_write(const struct account *a, const char *path, struct arm_error *err);

/* How many limits there are, and how many were exceeded. */
unsigned budget_limits(const struct account *a);
unsigned budget_exceeded(const struct account *a);

/* The limit number @k as a sentence, or NULL: it was not exceeded. Free with g_free(). */
char *budget_text(const struct account *a, unsigned k);

/* Print the limits that were exceeded, where first, and how to get there. */
void budget_print(const struct arm_checker *c, arm_line_fn *line, void *ctx);
