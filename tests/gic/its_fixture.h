/* A GIC with an ITS and guest memory, and short names for what tests do to it. */
#pragma once

#include <string.h>

#include "base/pace.h"
#include "base/physmem.h"
#include "tests/gic/fixture.h"

#define RAM_BASE 0x40000000
#define RAM_SIZE 0x400000

/* Where the tests put tables; each far enough from the next. */
#define QUEUE       (RAM_BASE + 0x000000)
#define DEVICES     (RAM_BASE + 0x100000)
#define COLLECTIONS (RAM_BASE + 0x200000)
#define ITT         (RAM_BASE + 0x240000)
#define CONFIG      (RAM_BASE + 0x280000)
#define PENDING     (RAM_BASE + 0x2c0000) /* 64 KiB a CPU */

#define GITS_CTLR       0x0000
#define GITS_TYPER      0x0008
#define GITS_CBASER     0x0080
#define GITS_CWRITER    0x0088
#define GITS_CREADR     0x0090
#define GITS_BASER0     0x0100
#define GITS_BASER1     0x0108
#define GITS_TRANSLATER 0x10040
#define GICR_PROPBASER  0x0070
#define GICR_PENDBASER  0x0078

#define VALID BIT(63)
#define LPI   8192

enum { MOVI = 0x01, INT = 0x03, CLEAR = 0x04, MAPI = 0x0b, INV = 0x0c, DISCARD = 0x0f };

#define IAR(t, cpu)                rd((t)->f, cpu, SR_ICC_IAR1_EL1)
#define EOI(t, cpu, intid)         wr((t)->f, cpu, SR_ICC_EOIR1_EL1, intid)
#define HPPIR(t, cpu)              rd((t)->f, cpu, SR_ICC_HPPIR1_EL1)
#define assert_next(t, cpu, intid) assert_int_equal(HPPIR(t, cpu), intid)

struct its_fix {
    struct fix *f;
    struct physmem mem;
    uint64_t cwriter, queue_bytes;
};

static inline uint64_t its_r(struct its_fix *t, uint64_t offset)
{
    return device_read(gic_its(t->f->gic), offset, 8);
}

static inline void its_w(struct its_fix *t, uint64_t offset, uint64_t value)
{
    device_write(gic_its(t->f->gic), offset, 8, value);
}

static inline void its_ctlr(struct its_fix *t, bool enabled)
{
    device_write(gic_its(t->f->gic), GITS_CTLR, 4, enabled);
}

static inline uint64_t gicr_r64(struct its_fix *t, unsigned cpu, uint64_t offset)
{
    return device_read(gic_redistributor(t->f->gic, cpu), offset, 8);
}

static inline void gicr_w64(struct its_fix *t, unsigned cpu, uint64_t offset, uint64_t value)
{
    device_write(gic_redistributor(t->f->gic, cpu), offset, 8, value);
}

static inline void poke(struct its_fix *t, uint64_t where, const void *what, size_t size)
{
    assert_true(physmem_write(&t->mem, pa(where), what, size));
}

static inline uint8_t peek8(struct its_fix *t, uint64_t where)
{
    uint8_t v = 0;

    assert_true(physmem_read(&t->mem, pa(where), &v, 1));
    return v;
}

/* The configuration byte of an LPI. */
static inline void lpi_config(struct its_fix *t, uint32_t intid, uint8_t prio, bool enable)
{
    uint8_t v = prio | enable;

    poke(t, CONFIG + intid - LPI, &v, 1);
}

static inline void its_wait_a_microsecond(struct its_fix *t)
{
    clock_run(&t->f->clock, t->f->clock.now_ns + PACE_NS);
}

/* One command: put into the queue, and CWRITER moved on. A queue of one is done at once. */
static inline void its_cmd(struct its_fix *t, uint64_t dw0, uint64_t dw1, uint64_t dw2,
                           uint64_t dw3)
{
    const uint64_t dw[4] = {dw0, dw1, dw2, dw3};

    poke(t, QUEUE + t->cwriter, dw, sizeof(dw));
    t->cwriter = (t->cwriter + sizeof(dw)) % t->queue_bytes;
    its_wait_a_microsecond(t);
    its_w(t, GITS_CWRITER, t->cwriter);
}

static inline void cmd_mapd(struct its_fix *t, uint64_t dev, uint64_t itt, unsigned id_bits)
{
    its_cmd(t, 0x08 | dev << 32, id_bits - 1, VALID | itt, 0);
}

static inline void cmd_mapc(struct its_fix *t, uint64_t icid, uint64_t cpu)
{
    its_cmd(t, 0x09, 0, VALID | cpu << 16 | icid, 0);
}

static inline void cmd_mapti(struct its_fix *t, uint64_t dev, uint64_t event, uint64_t intid,
                             uint64_t icid)
{
    its_cmd(t, 0x0a | dev << 32, event | intid << 32, icid, 0);
}

/* Commands that name an event: MOVI (with its collection), INT, CLEAR, INV, DISCARD. */
static inline void cmd_event(struct its_fix *t, unsigned code, uint64_t dev, uint64_t event,
                             uint64_t icid)
{
    its_cmd(t, code | dev << 32, event, icid, 0);
}

/* LPIs on at a CPU, 16 bits of INTID, pending table read if @ptz is false. */
static inline void lpis_on(struct its_fix *t, unsigned cpu, bool ptz)
{
    gicr_w64(t, cpu, GICR_PROPBASER, CONFIG | 15);
    gicr_w64(t, cpu, GICR_PENDBASER, (PENDING + cpu * 0x10000) | (ptz ? BIT(62) : 0));
    gicr_w(t->f, cpu, GICR_CTLR, 1);
}

static inline void lpis_off(struct its_fix *t, unsigned cpu)
{
    gicr_w(t->f, cpu, GICR_CTLR, 0);
}

/* Flat tables of one 4K page for 512 devices and collections, a queue of @pages. */
static inline void its_tables(struct its_fix *t, unsigned pages)
{
    t->queue_bytes = pages * 0x1000;
    t->cwriter = 0;
    its_ctlr(t, false);
    its_w(t, GITS_CBASER, VALID | QUEUE | (pages - 1));
    its_w(t, GITS_CWRITER, 0);
    its_w(t, GITS_BASER0, VALID | DEVICES);
    its_w(t, GITS_BASER1, VALID | COLLECTIONS);
    its_ctlr(t, true);
}

static inline struct its_fix *its_new(const struct gic_config *template)
{
    struct its_fix *t = calloc(1, sizeof(*t));
    struct gic_config cfg = *template;

    assert_int_equal(physmem_add_ram(&t->mem, pa(RAM_BASE), RAM_SIZE, NULL), 0);
    cfg.mem = &t->mem;
    t->f = fix_new(&cfg);
    fix_bring_up(t->f);
    return t;
}

/* An ITS at work: collection n at CPU n, device 1 with 32 events, event n mapped to LPI 8192 + n in
 * collection 0, all enabled with priority 0x80. */
static inline int its_setup(void **state)
{
    static const struct gic_config cfg = {.spis = 256, .id24 = true};
    struct its_fix *t = its_new(&cfg);

    for (unsigned k = 0; k < CPUS; k++)
        lpis_on(t, k, true);
    its_tables(t, 1);
    for (unsigned k = 0; k < CPUS; k++)
        cmd_mapc(t, k, k);
    cmd_mapd(t, 1, ITT, 5);
    for (unsigned n = 0; n < 32; n++) {
        lpi_config(t, LPI + n, 0x80, true);
        cmd_mapti(t, 1, n, LPI + n, 0);
    }
    *state = t;
    return 0;
}

static inline int its_teardown(void **state)
{
    struct its_fix *t = *state;

    fix_teardown((void **)&t->f);
    physmem_destroy(&t->mem);
    free(t);
    return 0;
}

#define ITS_TEST(fn) cmocka_unit_test_setup_teardown(fn, its_setup, its_teardown)
