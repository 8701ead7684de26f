/* A model of one CPU's interrupts: what a GIC must signal next (IHI0069, "Interrupt
 * prioritization"). */
#pragma once

#include "hyp/guests/lib/guest.h"

#define MAX_SOURCES 64
#define MAX_DEPTH   40

enum kind {
    KIND_SGI,
    KIND_EDGE,    /* an SPI made pending by GICD_ISPENDR */
    KIND_LATCHED, /* the same, level-sensitive */
    KIND_LPI,     /* by INT; has no active state */
    KIND_LINE,    /* a level that we raise and lower */
    KINDS
};

struct source {
    unsigned intid;
    enum kind kind;
    uint8_t priority;
    bool enabled, pending, active;
    void (*line)(bool up); /* KIND_LINE */
};

struct model {
    struct source source[MAX_SOURCES];
    unsigned count;
    uint8_t priority_mask, pmr, group_mask; /* group_mask: the group priority's bits */
    bool group, split;                      /* ICC_IGRPEN1, EOImode 1 */
    struct running {
        struct source *source;
        uint8_t priority; /* group priority */
    } running[MAX_DEPTH];
    unsigned depth;
    struct source *dropped[MAX_SOURCES]; /* priority dropped, still active */
    unsigned dropped_count;
};

/* The best pending source that is not active, or NULL; its priority, 0x100 without one. */
const struct source *model_best_source(const struct model *m);
unsigned model_best(const struct model *m);

/* Is an interrupt signalled to the CPU? */
bool model_signalled(const struct model *m);

/* ICC_RPR_EL1. */
uint8_t model_running_priority(const struct model *m);

/* The CPU acknowledged @intid. Return: its source, or NULL if it must not have. */
struct source *model_acknowledge(struct model *m, unsigned intid);

/* ICC_EOIR1 of the one that runs: its source; and ICC_DIR of one that was dropped. */
struct source *model_end(struct model *m);
void model_deactivate(struct model *m, unsigned n);
