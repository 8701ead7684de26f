/*
 * Accounting: what each passage, from a world's exit to the next entry of one on that CPU, costs,
 * by the reason of the exit and by phase (checker/phases.def).
 */
#pragma once

#include <stdbool.h>

#include "armillary.h"

struct account;
struct arm_checker;
struct world;

#define ACCOUNT_EVENTS                                                                             \
    (ARM_BIT(ARM_EVENT_SYSREG_READ) | ARM_BIT(ARM_EVENT_SYSREG_WRITE) | ARM_BIT(ARM_EVENT_TLBI) |  \
     ARM_BIT(ARM_EVENT_BARRIER) | ARM_BIT(ARM_EVENT_EXCEPTION) | ARM_BIT(ARM_EVENT_WORLD))

struct account *account_new(unsigned cpu_count);
void account_free(struct account *a);

/* An event of ACCOUNT_EVENTS but WORLD, or a MEM event if somebody has subscribed to these. */
void account_event(struct account *a, const struct arm_event *p);

/* @w is left, and entered, by the WORLD event @p. */
void account_exit(struct account *a, const struct world *w, const struct arm_event *p);
void account_enter(struct account *a, const struct arm_checker *c, const struct arm_event *p);

void account_print(const struct account *a, arm_line_fn *line, void *ctx);

/**
 * account_read_budget() - limits, a line each: WORLD REASON PHASE METRIC LIMIT, as
 * account_write_budget() writes them; '#' begins a comment. account_write_budget() - what was seen
 * at most, as limits.
 *
 * Return: 0 or -ARM_Exxx and a sentence with file and line.
 */
int account_read_budget(struct account *a, const char *path, struct arm_error *err);
int account_write_budget(const struct account *a, const char *path, struct arm_error *err);

/* Print the limits that were exceeded. Return: how many. */
unsigned account_print_budget(const struct account *a, arm_line_fn *line, void *ctx);
