/* What the GIC's fuzz tests share. */
#pragma once

#include <stdio.h>
#include <time.h>

#include "gic/internal.h"
#include "tests/gic/fixture.h"
#include "tests/random.h"

/* What is cached is what a recomputation gives, and the pins follow it. */
static inline void check_caches(struct fix *f)
{
    struct gic *gic = f->gic;
    struct gic_hppi before[CPUS];
    uint32_t ready = gic->spi_ready;
    unsigned changes = f->changes;

    for (unsigned k = 0; k < CPUS; k++)
        before[k] = gic->cpu[k].hppi;
    gic_update_all(gic);
    assert_int_equal(ready, gic->spi_ready);
    for (unsigned k = 0; k < CPUS; k++) {
        struct gic_cpu *c = &gic->cpu[k];

        icv_update(c);
        assert_int_equal(before[k].intid, c->hppi.intid);
        assert_int_equal(before[k].prio, c->hppi.prio);
        assert_int_equal(f->pin[k][PIN_IRQ], c->irq);
        assert_int_equal(f->pin[k][PIN_FIQ], c->fiq);
        assert_int_equal(f->pin[k][PIN_VIRQ], c->virq);
        assert_int_equal(f->pin[k][PIN_VFIQ], c->vfiq);
    }
    assert_int_equal(changes, f->changes);
}
