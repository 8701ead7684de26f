/* A GIC with recording pins, and short names for what tests do to it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/clock.h"
#include "gic/gic.h"

#define CPUS 4
#define NONE 1023

/* GICD and GICR (SGI frame) offsets of the same names. */
#define IGROUPR    0x080
#define ISENABLER  0x100
#define ICENABLER  0x180
#define ISPENDR    0x200
#define ICPENDR    0x280
#define ISACTIVER  0x300
#define ICACTIVER  0x380
#define IPRIORITYR 0x400
#define ICFGR      0xc00
#define IROUTER    0x6000
#define SGI_BASE   0x10000
#define GICR_CTLR  0x0000
#define GICR_TYPER 0x0008
#define GICR_WAKER 0x0014
#define GICD_CTLR  0x0000

enum pin { PIN_IRQ, PIN_FIQ, PIN_VIRQ, PIN_VFIQ, PIN_COUNT };

struct fix {
    struct gic *gic;
    bool pin[CPUS][PIN_COUNT];
    unsigned changes; /* calls of set() */
    struct arm_log log;
    struct clock clock;
};

static inline void fix_pin(void *ctx, unsigned n, bool level)
{
    struct fix *f = ctx;

    assert_int_not_equal(f->pin[n / PIN_COUNT][n % PIN_COUNT], level);
    f->pin[n / PIN_COUNT][n % PIN_COUNT] = level;
    f->changes++;
}

/* Cluster 0 has CPUs 0 and 1, cluster 1 (Aff1) CPUs 2 and 3. */
static const uint64_t fix_mpidr[CPUS] = {0x80000000, 0x80000001, 0x80000100, 0x80000101};

static inline struct fix *fix_new(const struct gic_config *template)
{
    struct fix *f = calloc(1, sizeof(*f));
    struct gic_config cfg = *template;

    cfg.cpus = CPUS;
    cfg.mpidr = fix_mpidr;
    cfg.log = &f->log;
    cfg.clock = &f->clock;
    f->clock.next_ns = CLOCK_NEVER;
    f->gic = gic_create(&cfg, NULL);
    assert_non_null(f->gic);
    for (unsigned k = 0; k < CPUS; k++) {
        struct gic_pins pins;

        pins.irq = (struct irq_line){fix_pin, f, k * PIN_COUNT + PIN_IRQ};
        pins.fiq = (struct irq_line){fix_pin, f, k * PIN_COUNT + PIN_FIQ};
        pins.virq = (struct irq_line){fix_pin, f, k * PIN_COUNT + PIN_VIRQ};
        pins.vfiq = (struct irq_line){fix_pin, f, k * PIN_COUNT + PIN_VFIQ};
        gic_connect(f->gic, k, &pins);
    }
    return f;
}

static inline uint64_t gicd_r(struct fix *f, uint64_t offset)
{
    return device_read(gic_distributor(f->gic), offset, 4);
}

static inline void gicd_w(struct fix *f, uint64_t offset, uint64_t value)
{
    device_write(gic_distributor(f->gic), offset, 4, value);
}

static inline uint64_t gicr_r(struct fix *f, unsigned cpu, uint64_t offset)
{
    return device_read(gic_redistributor(f->gic, cpu), offset, 4);
}

static inline void gicr_w(struct fix *f, unsigned cpu, uint64_t offset, uint64_t value)
{
    device_write(gic_redistributor(f->gic, cpu), offset, 4, value);
}

/* System registers of the physical interface (and ICH_), and of the virtual one. */
static inline uint64_t rd(struct fix *f, unsigned cpu, enum sysreg sr)
{
    return gic_cpuif_read(f->gic, cpu, sr, false);
}

static inline void wr(struct fix *f, unsigned cpu, enum sysreg sr, uint64_t value)
{
    gic_cpuif_write(f->gic, cpu, sr, false, value);
}

static inline uint64_t vrd(struct fix *f, unsigned cpu, enum sysreg sr)
{
    return gic_cpuif_read(f->gic, cpu, sr, true);
}

static inline void vwr(struct fix *f, unsigned cpu, enum sysreg sr, uint64_t value)
{
    gic_cpuif_write(f->gic, cpu, sr, true, value);
}

/* One interrupt's bit in an array of 1-bit fields, wherever the interrupt lives. */
static inline void irq_w(struct fix *f, unsigned cpu, uint64_t array, unsigned intid)
{
    if (intid < 32)
        gicr_w(f, cpu, SGI_BASE + array, UINT64_C(1) << intid);
    else
        gicd_w(f, array + intid / 32 * 4, UINT64_C(1) << (intid % 32));
}

static inline bool irq_r(struct fix *f, unsigned cpu, uint64_t array, unsigned intid)
{
    uint64_t v = intid < 32 ? gicr_r(f, cpu, SGI_BASE + array) : gicd_r(f, array + intid / 32 * 4);

    return bit(v, intid % 32);
}

static inline void irq_prio(struct fix *f, unsigned cpu, unsigned intid, uint8_t prio)
{
    if (intid < 32)
        device_write(gic_redistributor(f->gic, cpu), SGI_BASE + IPRIORITYR + intid, 1, prio);
    else
        device_write(gic_distributor(f->gic), IPRIORITYR + intid, 1, prio);
}

static inline void irq_edge(struct fix *f, unsigned cpu, unsigned intid, bool edge)
{
    uint64_t offset = ICFGR + intid / 16 * 4;
    unsigned n = intid % 16 * 2 + 1;

    if (intid < 32)
        gicr_w(f, cpu, SGI_BASE + offset, set_bits(gicr_r(f, cpu, SGI_BASE + offset), n, n, edge));
    else
        gicd_w(f, offset, set_bits(gicd_r(f, offset), n, n, edge));
}

static inline void irq_group(struct fix *f, unsigned cpu, unsigned intid, unsigned group)
{
    uint64_t offset = IGROUPR + (intid < 32 ? 0 : intid / 32 * 4);
    unsigned n = intid % 32;

    if (intid < 32)
        gicr_w(f, cpu, SGI_BASE + offset, set_bits(gicr_r(f, cpu, SGI_BASE + offset), n, n, group));
    else
        gicd_w(f, offset, set_bits(gicd_r(f, offset), n, n, group));
}

/* Enabled, of @group, with @prio. */
static inline void irq_on(struct fix *f, unsigned cpu, unsigned intid, unsigned group, uint8_t prio)
{
    irq_group(f, cpu, intid, group);
    irq_prio(f, cpu, intid, prio);
    irq_w(f, cpu, ISENABLER, intid);
}

static inline void spi(struct fix *f, unsigned intid, bool level)
{
    struct irq_line line = gic_spi_line(f->gic, intid - 32);

    irq_set(&line, level);
}

static inline void ppi(struct fix *f, unsigned cpu, unsigned intid, bool level)
{
    struct irq_line line = gic_ppi_line(f->gic, cpu, intid);

    irq_set(&line, level);
}

/* Groups on everywhere, redistributors awake, PMR open. */
static inline void fix_bring_up(struct fix *f)
{
    gicd_w(f, GICD_CTLR, 3);
    for (unsigned k = 0; k < CPUS; k++) {
        gicr_w(f, k, GICR_WAKER, 0);
        wr(f, k, SR_ICC_PMR_EL1, 0xff);
        wr(f, k, SR_ICC_IGRPEN0_EL1, 1);
        wr(f, k, SR_ICC_IGRPEN1_EL1, 1);
    }
}

static inline int fix_setup(void **state)
{
    static const struct gic_config cfg = {.spis = 256, .id24 = true};
    struct fix *f = fix_new(&cfg);

    fix_bring_up(f);
    *state = f;
    return 0;
}

static inline int fix_teardown(void **state)
{
    struct fix *f = *state;

    gic_destroy(f->gic);
    free(f);
    return 0;
}

#define GIC_TEST(fn) cmocka_unit_test_setup_teardown(fn, fix_setup, fix_teardown)
