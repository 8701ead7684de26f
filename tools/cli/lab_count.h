/* Counts the events of a machine by stretch. */
#pragma once

#include "lab_run.h"

struct lab_counter;

/* Counts into @out->counts, and says to @model (NULL: none) where stretches are, until it is freed;
 * NULL: too many subscribers. */
struct lab_counter *lab_counter_new(struct arm_machine *m, const struct lab_spec *spec,
                                    struct lab_outcome *out, struct arm_model *model);
void lab_counter_free(struct lab_counter *c);

enum lab_branch { LAB_NO_BRANCH, LAB_BRANCH, LAB_INDIRECT };

/* What kind of branch an instruction word is. */
enum lab_branch lab_branch_kind(uint32_t word);

/* Is it the hint of a mark, MARK_BEGIN or MARK_END? */
bool lab_is_mark(uint32_t word, unsigned hint);
