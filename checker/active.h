/* Physical interrupts of a CPU that are active, for the unit `handover`. */
#pragma once

#include "arch/intid.h"
#include "checker/checker.h"
#include "checker/finding.h"

struct active_irq {
    bool is, known;           /* known: its state has changed once */
    bool told;                /* that this state is wrong */
    const struct world *last; /* which had run on the CPU when it became active */
    struct site site;         /* of the change */
};

struct active {
    struct active_irq irq[INTID_SPI]; /* SGIs and PPIs: what is a CPU's own */
};

/* The events IRQ of the CPU. */
void active_event(struct arm_checker *c, struct active *a, const struct arm_event *p);

/* @w, a guest, is entered. */
void active_check(struct arm_checker *c, struct active *a, const struct world *w,
                  const struct arm_event *p);
