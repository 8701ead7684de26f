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

struct account *account_new(struct arm_machine *m, unsigned cpu_count);
void account_free(struct account *a);

/* Count the accesses to memory of every passage, and not only of some: slower, and what limits of
 * them need. */
void account_be_exact(struct account *a);

/* An event of ACCOUNT_EVENTS but WORLD. */
void account_event(struct account *a, const struct arm_event *p);

/* @w is left, and entered, by the WORLD event @p. */
void account_exit(struct account *a, const struct arm_checker *c, const struct world *w,
                  const struct arm_event *p);
void account_enter(struct account *a, const struct arm_checker *c, const struct arm_event *p);

void account_print(const struct account *a, arm_line_fn *line, void *ctx);
