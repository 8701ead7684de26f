/* Branch prediction: where the core expects a branch to go, before it knows. */
#pragma once

#include "model/step.h"

#define RETURNS_MAX 64

struct predictor {
    uint8_t *counters; /* two bits each; 2 and 3: taken */
    uint64_t *btb, *indirect_tags, *indirect_targets;
    uint64_t history; /* outcomes of conditional branches, the last is bit 0 */
    uint64_t path;    /* a hash of the latest targets of indirect branches */
    uint64_t returns[RETURNS_MAX];
    unsigned top, depth; /* of the return stack */
};

struct prediction {
    bool right;
    bool target_late; /* right, but the target was in no table */
};

void predictor_init(struct predictor *p, const struct arm_core *core);
void predictor_free(struct predictor *p);
void predictor_clear(struct predictor *p, const struct arm_core *core);

/* The branch @s, that went to s->next: was it expected to? It is learned from. */
struct prediction predict(struct predictor *p, const struct arm_core *core, const struct step *s);
