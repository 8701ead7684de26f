/*
 * Listens to a machine and makes steps (model/step.h) of what it tells: an instruction is known
 * when the next one of its CPU begins. Steps are handed over in batches.
 */
#pragma once

#include "armillary.h"
#include "model/step.h"

struct watch;

typedef void batch_fn(void *ctx, const struct step *steps, unsigned count,
                      const struct step_access *accesses);

struct watch *watch_new(struct arm_machine *m, batch_fn *fn, void *ctx, struct arm_error *err);
void watch_free(struct watch *w);

void watch_listen(struct watch *w, bool on);

/* From the @count-th instruction of @cpu on, steps belong to @key. */
void watch_key(struct watch *w, unsigned cpu, uint64_t count, unsigned key);

/* Hand over what there is, between runs. */
void watch_catch_up(struct watch *w);

/* -ARM_EINVAL: too many. */
int watch_region(struct watch *w, uint64_t from, uint64_t to);
unsigned watch_regions(const struct watch *w);
