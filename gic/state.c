/* What of a GIC a snapshot has: what registers show, and what is cached of guest memory. What
 * follows from that (routes, summaries) is made anew. */
#include <stdio.h>

#include "base/state_io.h"
#include "gic/internal.h"

#define VERSION 1

static void bank_state(struct state_io *io, struct irq_bank *b)
{
    STATE(io, b->level);
    STATE(io, b->group);
    STATE(io, b->enable);
    STATE(io, b->edge);
    STATE(io, b->latch);
    STATE(io, b->message);
    STATE(io, b->active);
    STATE_ARRAY(io, b->prio);
    state_require(io, !((b->enable | b->latch | b->active | b->level) & ~b->valid), "b->enable");
}

static void interface_state(struct state_io *io, struct gic_if *f)
{
    for (unsigned group = 0; group < 2; group++) {
        STATE_ARRAY(io, f->apr[group]);
        STATE(io, f->bpr[group]);
        STATE(io, f->enable[group]);
        state_require(io, f->bpr[group] <= 7, "f->bpr[group]");
    }
    STATE(io, f->pmr);
    STATE(io, f->cbpr);
    STATE(io, f->eoimode);
}

/* An interrupt that there is, or none. */
static void hppi_state(struct state_io *io, struct gic_cpu *c, struct gic_hppi *h)
{
    uint32_t one;

    STATE(io, h->intid);
    STATE(io, h->prio);
    STATE(io, h->group);
    bool lpi = h->intid >= INTID_LPI && h->intid >> LPI_ID_BITS == 0;
    if (h->intid == INTID_NONE)
        state_require(io, h->prio == 0x100 && h->group == 0, "h->prio");
    else
        state_require(
            io, (lpi || gic_bank(c, h->intid, &one)) && h->prio <= 0xff && h->group < GIC_GROUPS,
            "h->intid");
}

static unsigned lpi_words(const struct gic_lpis *l)
{
    unsigned n = 0;

    for (unsigned w = 0; w < LPI_WORDS; w++)
        n += l->pending[w] != 0;
    return n;
}

/* Words that are not 0, each with its number. */
static void lpi_pending_state(struct state_io *io, struct gic_lpis *l)
{
    uint64_t count = state_count(io, "pending words", lpi_words(l), LPI_WORDS);

    if (state_restoring(io))
        gic_lpi_clear_words(l);
    for (uint32_t w = 0; count && !state_failed(io); w++, count--) {
        while (!state_restoring(io) && !l->pending[w])
            w++;
        STATE(io, w);
        if (!state_require(io, w >= INTID_LPI / 64 && w < l->limit / 64, "w"))
            return;
        STATE(io, l->pending[w]);
        if (state_restoring(io))
            gic_lpi_summarize(l, w);
    }
}

static void lpis_state(struct state_io *io, struct gic_cpu *c)
{
    struct gic_lpis *l = &c->lpi;

    STATE(io, l->on);
    STATE(io, l->zeroed);
    STATE(io, l->stale);
    STATE(io, l->limit);
    STATE(io, l->propbaser);
    STATE(io, l->pendbaser);
    if (!state_require(io,
                       l->limit == 0 || (is_pow2(l->limit) && l->limit > INTID_LPI &&
                                         (l->limit - 1) >> LPI_ID_BITS == 0 && c->gic->mem),
                       "l->limit"))
        return;
    hppi_state(io, c, &l->best);
    lpi_pending_state(io, l);
}

/* What the pins of the physical interface show must be there to be acknowledged. */
static void pins_state(struct state_io *io, struct gic_cpu *c)
{
    STATE(io, c->irq);
    STATE(io, c->fiq);
    STATE(io, c->virq);
    STATE(io, c->vfiq);
    STATE(io, c->hppvi);
    state_require(io, !(c->irq || c->fiq) || c->hppi.intid != INTID_NONE, "c->irq");
    state_require(io, c->hppvi >= -1 && c->hppvi < (int)c->gic->lr_count, "c->hppvi");
    state_require(io, !(c->virq || c->vfiq) || c->hppvi >= 0, "c->virq");
}

static void cpu_state(struct state_io *io, struct gic_cpu *c)
{
    char name[STATE_NAME_MAX];

    snprintf(name, sizeof(name), "gic.cpu%u", c->index);
    state_section_begin(io, name, VERSION);
    bank_state(io, &c->bank);
    STATE(io, c->gicr_ctlr);
    STATE(io, c->asleep);
    interface_state(io, &c->phys);
    interface_state(io, &c->virt);
    hppi_state(io, c, &c->hppi);
    lpis_state(io, c);
    STATE(io, c->ich_hcr);
    STATE(io, c->sre);
    STATE(io, c->virt.ackctl);
    STATE(io, c->virt.fiqen);
    STATE_ARRAY(io, c->lr);
    pins_state(io, c);
    state_require(io, c->sre || c->gic->v2_guests, "c->sre");
    state_section_end(io);
}

/* The CPUs may have had other levels meanwhile. */
static void drive_pins(const struct gic_cpu *c)
{
    irq_set(&c->pins.irq, c->irq);
    irq_set(&c->pins.fiq, c->fiq);
    irq_set(&c->pins.virq, c->virq);
    irq_set(&c->pins.vfiq, c->vfiq);
}

static void its_state(struct state_io *io, struct gic_its *its)
{
    state_section_begin(io, "gic.its", VERSION);
    STATE(io, its->enabled);
    STATE(io, its->stalled);
    STATE(io, its->cbaser);
    STATE(io, its->cwriter);
    STATE(io, its->creadr);
    STATE_ARRAY(io, its->baser);
    state_require(io, !((its->cwriter | its->creadr) & ~(uint32_t)ITS_OFFSET_FIELD), "its->creadr");
    if (its->gic->mem)
        pace_state(io, &its->pace);
    state_section_end(io);
}

/* What only a GICv2 has. */
static void v2_state(struct state_io *io, struct gic *gic)
{
    state_section_begin(io, "gic.v2", VERSION);
    state_uints(io, "gic->itargetsr", gic->itargetsr, gic->spis, sizeof(gic->itargetsr[0]));
    for (unsigned k = 0; k < gic->cpus; k++) {
        STATE(io, gic->cpu[k].phys.ackctl);
        STATE(io, gic->cpu[k].phys.fiqen);
        STATE_ARRAY(io, gic->cpu[k].sgi_from);
    }
    state_section_end(io);
}

static void secure_if_state(struct state_io *io, struct gic_if *f)
{
    STATE_ARRAY(io, f->apr[GROUP_1S]);
    STATE(io, f->bpr[GROUP_1S]);
    STATE(io, f->enable[GROUP_1S]);
    STATE(io, f->cbpr_s);
    STATE(io, f->eoimode_s);
    STATE(io, f->eoimode_el3);
    state_require(io, f->bpr[GROUP_1S] <= 7, "f->bpr[GROUP_1S]");
}

/* What only two Security states have. The CPUs tell theirs when they are restored. */
static void secure_state(struct state_io *io, struct gic *gic)
{
    state_section_begin(io, "gic.secure", VERSION);
    for (unsigned w = 0; w * 32 < gic->spis; w++)
        STATE(io, gic->spi[w].grpmod);
    for (unsigned k = 0; k < gic->cpus; k++) {
        STATE(io, gic->cpu[k].bank.grpmod);
        secure_if_state(io, &gic->cpu[k].phys);
    }
    state_section_end(io);
}

void gic_state(struct state_io *io, struct gic *gic)
{
    state_section_begin(io, "gic", VERSION);
    STATE(io, gic->ctlr);
    for (unsigned w = 0; w * 32 < gic->spis; w++)
        bank_state(io, &gic->spi[w]);
    state_uints(io, "gic->irouter", gic->irouter, gic->spis, sizeof(gic->irouter[0]));
    state_section_end(io);
    if (state_restoring(io))
        for (unsigned n = 0; n < gic->spis; n++)
            gic_route_spi(gic, n);
    if (gic->v2)
        v2_state(io, gic);
    if (gic->two_states)
        secure_state(io, gic);
    its_state(io, &gic->its);
    for (unsigned k = 0; k < gic->cpus; k++)
        cpu_state(io, &gic->cpu[k]);
    if (!state_restoring(io))
        return;
    gic_update_ready(gic);
    for (unsigned k = 0; k < gic->cpus; k++)
        drive_pins(&gic->cpu[k]);
}
