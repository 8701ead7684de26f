/* The monitor's `info gic`. */
#include <stdarg.h>
#include <stdio.h>

#include "base/bits.h"
#include "gic/internal.h"
#include "gic/prio.h"

struct out {
    void (*line)(void *ctx, const char *text);
    void *ctx;
};

static void say(const struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(const struct out *o, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    o->line(o->ctx, text);
}

/* One interrupt, if there is anything to say about it. */
static void say_irq(const struct out *o, const struct irq_bank *b, unsigned n, uint32_t intid,
                    const char *target)
{
    bool pending = bit(bank_pending(b), n), active = bit(b->active, n);

    if (!bit(b->enable, n) && !pending && !active)
        return;
    say(o, "  %4u: group %u, priority %02x, %-5s %-8s%s%s%s%s%s", intid, bit(b->group, n),
        b->prio[n], bit(b->edge, n) ? "edge" : "level", bit(b->enable, n) ? "enabled" : "disabled",
        pending ? " pending" : "", active ? " active" : "", bit(b->level, n) ? " input-high" : "",
        target[0] ? " -> " : "", target);
}

static void say_spi(const struct out *o, const struct gic *gic, unsigned n)
{
    char target[32];

    if (gic->irouter[n] & IROUTER_IRM)
        snprintf(target, sizeof(target), "any cpu");
    else if (gic_spi_target(gic, n) == TARGET_NONE)
        snprintf(target, sizeof(target), "no cpu");
    else
        snprintf(target, sizeof(target), "cpu %u", gic_spi_target(gic, n));
    say_irq(o, &gic->spi[n / 32], n % 32, PRIVATE_COUNT + n, target);
}

static void say_interface(const struct out *o, const struct gic_if *f, const char *name)
{
    say(o, "  %s: PMR %02x, RPR %02x, BPR %u %u, CBPR %u, EOImode %u, group 0 %s, group 1 %s", name,
        f->pmr, if_running(f), f->bpr[0], f->bpr[1], f->cbpr, f->eoimode,
        f->enable[0] ? "on" : "off", f->enable[1] ? "on" : "off");
    for (unsigned w = 0; w < if_apr_count(f); w++)
        if (f->apr[0][w] | f->apr[1][w])
            say(o, "    AP0R%u %08x, AP1R%u %08x", w, f->apr[0][w], w, f->apr[1][w]);
}

static void say_lr(const struct out *o, const struct gic_cpu *c, unsigned n)
{
    static const char *const states[] = {"invalid", "pending", "active", "pending+active"};
    uint64_t lr = c->lr[n];
    char link[32] = "";

    if (!lr)
        return;
    if (lr & LR_HW)
        snprintf(link, sizeof(link), ", physical %u", lr_pintid(lr));
    else if (lr & LR_EOI)
        snprintf(link, sizeof(link), ", maintenance at end");
    say(o, "    LR%u: %u, group %u, priority %02x, %s%s%s", n, lr_vintid(lr), lr_group(lr),
        lr_priority(lr), states[lr >> 62], link, (int)n == c->hppvi ? ", next" : "");
}

static void say_lpis(const struct out *o, const struct gic_cpu *c)
{
    for (unsigned w = 0; w < LPI_WORDS; w++)
        for (uint64_t p = c->lpi.pending[w]; p; p &= p - 1)
            say(o, "  %4u: LPI, pending", w * 64 + (unsigned)__builtin_ctzll(p));
}

static void say_its(const struct out *o, const struct gic_its *its)
{
    static const char *const tables[] = {"devices", "collections"};

    say(o, "its: %s%s, queue %016llx, read up to %#x of %#x", its->enabled ? "on" : "off",
        its->stalled ? ", stalled" : "", (unsigned long long)its->cbaser, its->creadr,
        its->cwriter);
    for (unsigned t = 0; t < ARRAY_SIZE(tables); t++)
        say(o, "  %s: %016llx", tables[t], (unsigned long long)its->baser[t]);
}

static void say_cpu(const struct out *o, const struct gic_cpu *c)
{
    say(o, "cpu %u: affinity %u.%u.%u.%u%s, pins:%s%s%s%s", c->index, c->affinity >> 24,
        c->affinity >> 16 & 0xff, c->affinity >> 8 & 0xff, c->affinity & 0xff,
        c->asleep ? ", asleep" : "", c->irq ? " IRQ" : "", c->fiq ? " FIQ" : "",
        c->virq ? " vIRQ" : "", c->vfiq ? " vFIQ" : "");
    if (c->hppi.intid != INTID_NONE)
        say(o, "  highest pending: %u, priority %02x", c->hppi.intid, c->hppi.prio);
    say_interface(o, &c->phys, "physical interface");
    for (unsigned n = 0; n < PRIVATE_COUNT; n++)
        say_irq(o, &c->bank, n, n, "");
    if (c->lpi.on)
        say(o, "  LPIs up to %u, configuration %016llx", c->lpi.limit,
            (unsigned long long)c->lpi.propbaser);
    say_lpis(o, c);
    say(o, "  virtual interface: HCR %08x, MISR %02x, EISR %04x, ELRSR %04x", c->ich_hcr,
        ich_misr(c), ich_eisr(c), ich_elrsr(c));
    if (!(c->ich_hcr & ICH_HCR_En))
        return;
    say_interface(o, &c->virt, "virtual state");
    for (unsigned n = 0; n < c->gic->lr_count; n++)
        say_lr(o, c, n);
}

void gic_describe(const struct gic *gic, void (*line)(void *ctx, const char *text), void *ctx)
{
    const struct out o = {line, ctx};

    say(&o, "distributor: %u SPIs, group 0 %s, group 1 %s", gic->spis,
        gic->ctlr & GICD_CTLR_EnableGrp0 ? "on" : "off",
        gic->ctlr & GICD_CTLR_EnableGrp1 ? "on" : "off");
    for (unsigned n = 0; n < gic->spis; n++)
        say_spi(&o, gic, n);
    if (gic->mem)
        say_its(&o, &gic->its);
    for (unsigned k = 0; k < gic->cpus; k++)
        say_cpu(&o, &gic->cpu[k]);
}
