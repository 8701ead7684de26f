/*
 * LPIs at a redistributor (IHI0069 5.1): pending state, configuration, and which one is next.
 *
 * While GICR_CTLR.EnableLPIs is set the pending state lives here, a bit an INTID; it is read from
 * the pending table when the bit is set and written back when it is cleared. Configuration bytes
 * are read from guest memory whenever an LPI is looked at; nothing but the choice of the next LPI
 * is cached, which INV and INVALL drop. LPIs are always group 1.
 */
#include <string.h>

#include "base/dma.h"
#include "gic/internal.h"

#define CONFIG_ENABLE   BIT(0)
#define CONFIG_PRIORITY 0xfc

#define PROPBASER_IDbits(v) ((unsigned)bits(v, 4, 0))
#define PROPBASER_ADDRESS   MASK(51, 12)
#define PENDBASER_ADDRESS   MASK(51, 16)

#define IDBITS_MIN 13 /* below: no LPIs (GICR_PROPBASER) */

static struct dma_master master(const struct gic_cpu *c)
{
    return (struct dma_master){ARM_DMA_REDIST, (uint8_t)c->index, NULL};
}

/* The configuration table in guest RAM from LPI 8192 on; NULL if some of it is not RAM. */
static const uint8_t *config_table(const struct gic_cpu *c)
{
    return physmem_ram(c->gic->mem, pa(c->lpi.propbaser & PROPBASER_ADDRESS),
                       c->lpi.limit - INTID_LPI);
}

/* CU-choice: an LPI whose configuration table is not RAM is disabled. */
static void consider(struct gic_cpu *c, const uint8_t *table, uint32_t intid)
{
    struct gic_hppi *best = &c->lpi.best;
    uint8_t config = table ? table[intid - INTID_LPI] : 0;
    uint16_t prio = config & CONFIG_PRIORITY;

    if (c->gic->two_states) /* LPIs are Non-secure group 1, and so are their priorities */
        prio = prio_from_ns(prio);
    prio &= gic_prio_mask(c->gic->pribits);

    if (table)
        dma_tell(c->gic->mem, master(c),
                 pa((c->lpi.propbaser & PROPBASER_ADDRESS) + intid - INTID_LPI), 1, false);
    if ((config & CONFIG_ENABLE) &&
        (prio < best->prio || (prio == best->prio && intid < best->intid)))
        *best = (struct gic_hppi){intid, prio, 1};
}

void gic_lpi_rescan(struct gic_cpu *c)
{
    struct gic_lpis *l = &c->lpi;
    const uint8_t *table;

    l->stale = false;
    l->best = (struct gic_hppi){.intid = INTID_NONE, .prio = 0x100};
    if (!l->limit)
        return;
    table = config_table(c);
    for (unsigned s = 0; s < LPI_SUMMARY_WORDS; s++)
        for (uint64_t words = l->summary[s]; words; words &= words - 1) {
            unsigned w = s * 64 + (unsigned)__builtin_ctzll(words);

            for (uint64_t p = l->pending[w]; p; p &= p - 1)
                consider(c, table, w * 64 + (unsigned)__builtin_ctzll(p));
        }
}

void gic_lpi_invalidate(struct gic_cpu *c)
{
    c->lpi.stale = true;
}

static bool exists(const struct gic_cpu *c, uint32_t intid)
{
    return intid >= INTID_LPI && intid < c->lpi.limit;
}

bool gic_lpi_pending(const struct gic_cpu *c, uint32_t intid)
{
    return exists(c, intid) && bit(c->lpi.pending[intid / 64], intid % 64);
}

bool gic_lpi_config(const struct gic_cpu *c, uint32_t intid, uint8_t *config)
{
    const uint8_t *table = exists(c, intid) ? config_table(c) : NULL;

    *config = table ? table[intid - INTID_LPI] : 0;
    return exists(c, intid);
}

void gic_lpi_summarize(struct gic_lpis *l, unsigned w)
{
    l->summary[w / 64] &= ~BIT(w % 64);
    l->summary[w / 64] |= (uint64_t)(l->pending[w] != 0) << (w % 64);
}

void gic_lpi_set(struct gic_cpu *c, uint32_t intid)
{
    struct gic_lpis *l = &c->lpi;

    if (!exists(c, intid) || gic_lpi_pending(c, intid))
        return;
    l->pending[intid / 64] |= BIT(intid % 64);
    gic_lpi_summarize(l, intid / 64);
    gic_tell(c, intid, ARM_IRQ_HIGH, false);
    if (!l->stale)
        consider(c, config_table(c), intid);
}

void gic_lpi_take(struct gic_cpu *c, uint32_t intid)
{
    struct gic_lpis *l = &c->lpi;

    if (!gic_lpi_pending(c, intid))
        return;
    l->pending[intid / 64] &= ~BIT(intid % 64);
    gic_lpi_summarize(l, intid / 64);
    l->stale |= l->best.intid == intid;
}

void gic_lpi_clear(struct gic_cpu *c, uint32_t intid)
{
    if (!gic_lpi_pending(c, intid))
        return;
    gic_lpi_take(c, intid);
    gic_tell(c, intid, ARM_IRQ_LOW, false);
}

/* The same change of all that are pending. */
static void tell_pending(const struct gic_cpu *c, unsigned change)
{
    const struct gic_lpis *l = &c->lpi;

    for (unsigned w = INTID_LPI / 64; w < l->limit / 64; w++)
        for (uint64_t p = l->pending[w]; p; p &= p - 1)
            gic_tell(c, w * 64 + (uint32_t)__builtin_ctzll(p), change, false);
}

/* All words anew from pending[]; what @c's INTIDs do not reach is dropped. */
static void settle(struct gic_cpu *c)
{
    struct gic_lpis *l = &c->lpi;

    for (unsigned w = 0; w < LPI_WORDS; w++) {
        if (w < INTID_LPI / 64 || w >= l->limit / 64)
            l->pending[w] = 0;
        gic_lpi_summarize(l, w);
    }
    l->stale = true;
}

void gic_lpi_move_all(struct gic_cpu *from, struct gic_cpu *to)
{
    if (from == to)
        return;
    tell_pending(from, ARM_IRQ_LOW);
    for (unsigned w = 0; w < LPI_WORDS; w++) {
        to->lpi.pending[w] |= from->lpi.pending[w];
        from->lpi.pending[w] = 0;
    }
    settle(from);
    settle(to);
    tell_pending(to, ARM_IRQ_HIGH);
}

/* The part of the pending table that has LPIs; the first KiB is ours, unused. False: not RAM. */
static bool pending_table(const struct gic_cpu *c, pa_t *where, size_t *bytes)
{
    *where = pa((c->lpi.pendbaser & PENDBASER_ADDRESS) + INTID_LPI / 8);
    *bytes = (c->lpi.limit - INTID_LPI) / 8;
    if (physmem_ram(c->gic->mem, *where, *bytes))
        return true;
    LOG(c->gic->log, GIC, GUEST, "cpu %u: LPI pending table at %#llx is not RAM", c->index,
        (unsigned long long)where->a);
    return false;
}

/* CU-choice: GICR_PENDBASER.PTZ holds once; later the table has what store() left there. */
static void load(struct gic_cpu *c)
{
    struct gic_lpis *l = &c->lpi;
    pa_t where;
    size_t bytes;

    if (!l->zeroed && pending_table(c, &where, &bytes))
        (void)dma_read(c->gic->mem, master(c), where, &l->pending[INTID_LPI / 64], bytes);
    l->zeroed = false;
}

static void store(struct gic_cpu *c)
{
    pa_t where;
    size_t bytes;

    if (pending_table(c, &where, &bytes))
        (void)dma_write(c->gic->mem, master(c), where, &c->lpi.pending[INTID_LPI / 64], bytes);
}

/* CU-choice: LPIs beyond what PROPBASER or GICD_TYPER says do not exist. */
static uint32_t intid_limit(const struct gic_cpu *c)
{
    unsigned idbits = PROPBASER_IDbits(c->lpi.propbaser);

    if (idbits < IDBITS_MIN)
        return 0;
    return UINT32_C(1) << (idbits + 1 < LPI_ID_BITS ? idbits + 1 : LPI_ID_BITS);
}

void gic_lpi_enable(struct gic_cpu *c, bool on)
{
    struct gic_lpis *l = &c->lpi;

    if (l->on == on)
        return;
    l->on = on;
    if (on) {
        l->limit = intid_limit(c);
        if (l->limit)
            load(c);
        tell_pending(c, ARM_IRQ_HIGH);
    } else {
        if (l->limit)
            store(c);
        tell_pending(c, ARM_IRQ_LOW);
        l->limit = 0;
    }
    settle(c);
}

void gic_lpi_clear_words(struct gic_lpis *l)
{
    memset(l->summary, 0, sizeof(l->summary));
    memset(l->pending, 0, sizeof(l->pending));
}

void gic_lpi_reset(struct gic_cpu *c)
{
    memset(&c->lpi, 0, sizeof(c->lpi));
    c->lpi.stale = true;
}
