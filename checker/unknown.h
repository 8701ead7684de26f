/*
 * What the manual calls UNKNOWN, or valid for one moment only, read by EL2: the unit `unknown`, and
 * what data flow (checker/flow.h) asks it. Its tags have WORLD_STATUS.
 */
#pragma once

#include "checker/flow.h"

/* The tag of a MRS. TAG_NONE: the value is what it should be. */
struct tag unknown_read_tag(const struct arm_checker *c, const struct arm_event *p);

/* What is left of @tag in a value that the instruction @word computes from it. */
struct tag unknown_derived(struct tag tag, uint32_t word);

/* EL2's instruction at @p decides by a value with @tag, or takes it for an address. */
void unknown_used(struct arm_checker *c, const struct arm_event *p, const struct tag *tag);

/* Report @f, which is about the value that the MRS at @p has read, of ICH_MISR_EL2: when EL2
 * decides by it, if that can be told. Till then nobody is misled. */
void unknown_report(struct arm_checker *c, const struct finding *f, const struct arm_event *p);
