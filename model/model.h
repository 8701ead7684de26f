/*
 * A model of cores' cycles: a client of the machine's events by armillary.h, as a program of its
 * own could be. Its parts, lowest first:
 *
 *   params.def, params.c   a core as numbers; variants.c which of them matter
 *   op.c, classes.def      what an instruction word is to the model
 *   watch.c, mapping.c     make steps (step.h) of events: parameters do not matter yet
 *   cache.c, memory.c      L1I, L1D, L2, prefetcher, other CPUs
 *   tlb.c, predict.c       translation, branches
 *   pe.c, pe_issue.c       when an instruction issues: the model itself
 *   model.c, report.c      what armillary.h has
 */
#pragma once

#include "armillary.h"

struct arm_core;

/* The core that the model was given; the model's. */
const struct arm_core *model_core(const struct arm_model *model, unsigned core);
