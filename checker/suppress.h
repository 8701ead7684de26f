/* Findings that somebody has looked at: a file that says which, and why. */
#pragma once

#include "checker/finding.h"

struct suppressions;

/**
 * suppressions_load() - a line each: RULE REGISTER SYMBOL REASON..., '*' stands for any; '#' begins
 * a comment. SYMBOL is a function's name, or an address as 0x40080f90.
 *
 * Return: NULL and *err: the file cannot be read, or a line has no reason or names no rule.
 */
struct suppressions *suppressions_load(const char *path, struct arm_error *err);
void suppressions_free(struct suppressions *s);

/* Is @f suppressed? It is counted. @symbol: of f->at, "name+0x1c"; NULL: unknown. @s:
 * may be NULL. */
bool suppressions_take(struct suppressions *s, const struct finding *f, const char *symbol);

/* What each has taken; those that have taken nothing are said to. */
void suppressions_print(const struct suppressions *s, arm_line_fn *line, void *ctx);
