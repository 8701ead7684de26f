/* Runs on: n1 max; el2 el1; smp 2. */
/* The ITS and LPIs: commands, translation, configuration, moves between CPUs, pending tables. */
#include "gic.h"

#define GITS            UINT64_C(0x08080000)
#define GITS_CTLR       (GITS + 0x00)
#define GITS_TYPER      (GITS + 0x08)
#define GITS_CBASER     (GITS + 0x80)
#define GITS_CWRITER    (GITS + 0x88)
#define GITS_CREADR     (GITS + 0x90)
#define GITS_BASER      (GITS + 0x100)
#define GITS_TRANSLATER (GITS + 0x10040)

#define GICR_CTLR      0x00
#define GICR_TYPER     0x08
#define GICR_PROPBASER 0x70
#define GICR_PENDBASER 0x78

/* Tables, in RAM that nothing else uses. */
#define QUEUE       UINT64_C(0x48000000)
#define DEVICES     UINT64_C(0x48100000)
#define DEVICES_L2  UINT64_C(0x48200000)
#define COLLECTIONS UINT64_C(0x48300000)
#define ITT         UINT64_C(0x48400000)
#define CONFIG      UINT64_C(0x48500000)
#define PENDING     UINT64_C(0x48600000) /* 64 KiB a CPU */
#define TABLES_END  UINT64_C(0x48700000)

#define VALID BIT(63)
#define LPI   8192u

static uint64_t rd64(uint64_t addr)
{
    return *(volatile uint64_t *)addr;
}

static void wr64(uint64_t addr, uint64_t value)
{
    *(volatile uint64_t *)addr = value;
    dsb();
}

static uint64_t cwriter;

static void command(uint64_t dw0, uint64_t dw1, uint64_t dw2, uint64_t dw3)
{
    uint64_t at = QUEUE + cwriter;

    wr64(at, dw0);
    wr64(at + 8, dw1);
    wr64(at + 16, dw2);
    wr64(at + 24, dw3);
    cwriter = (cwriter + 32) % 0x1000;
    wr64(GITS_CWRITER, cwriter);
    while (rd64(GITS_CREADR) != cwriter)
        if (rd64(GITS_CREADR) & 1) {
            check(false, "the ITS has stalled");
            wr64(GITS_CWRITER, cwriter | 1);
            return;
        }
}

static void movi(uint64_t dev, uint64_t event, uint64_t icid)
{
    command(0x01 | dev << 32, event, icid, 0);
}

static void its_int(uint64_t dev, uint64_t event)
{
    command(0x03 | dev << 32, event, 0, 0);
}

static void clear(uint64_t dev, uint64_t event)
{
    command(0x04 | dev << 32, event, 0, 0);
}

static void mapd(uint64_t dev, uint64_t itt, unsigned id_bits)
{
    command(0x08 | dev << 32, id_bits - 1, VALID | itt, 0);
}

static void mapc(uint64_t icid, uint64_t cpu)
{
    command(0x09, 0, VALID | cpu << 16 | icid, 0);
}

static void mapti(uint64_t dev, uint64_t event, uint64_t intid, uint64_t icid)
{
    command(0x0a | dev << 32, event | intid << 32, icid, 0);
}

static void inv(uint64_t dev, uint64_t event)
{
    command(0x0c | dev << 32, event, 0, 0);
}

static void invall(uint64_t icid)
{
    command(0x0d, 0, icid, 0);
}

static void movall(uint64_t from, uint64_t to)
{
    command(0x0e, 0, from << 16, to << 16);
}

static void discard(uint64_t dev, uint64_t event)
{
    command(0x0f | dev << 32, event, 0, 0);
}

static void config(unsigned intid, uint8_t value)
{
    wr8(CONFIG + intid - LPI, value);
}

static void lpis(unsigned cpu, bool on)
{
    wr32(GICR + GICR_STRIDE * cpu + GICR_CTLR, on);
}

static bool in_table(unsigned cpu, unsigned intid)
{
    return *(volatile uint8_t *)(PENDING + 0x10000 * cpu + intid / 8) & BIT(intid % 8);
}

static unsigned take(void)
{
    unsigned intid;

    dsb();
    intid = (unsigned)mrs(icc_iar1_el1);
    if (intid != SPURIOUS)
        msr(icc_eoir1_el1, intid);
    return intid;
}

static void set_up(bool two_level)
{
    for (uint64_t at = QUEUE; at < TABLES_END; at += 8)
        *(volatile uint64_t *)at = 0;
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        uint64_t rd = GICR + GICR_STRIDE * cpu;

        lpis(cpu, false);
        wr64(rd + GICR_PROPBASER, CONFIG | 15);
        wr64(rd + GICR_PENDBASER, (PENDING + 0x10000 * cpu) | BIT(62));
        lpis(cpu, true);
    }
    wr32(GITS_CTLR, 0);
    wr64(GITS_CBASER, VALID | QUEUE);
    wr64(GITS_CWRITER, 0);
    cwriter = 0;
    wr64(GITS_BASER, VALID | DEVICES | (two_level ? BIT(62) : 0));
    wr64(GITS_BASER + 8, VALID | COLLECTIONS);
    if (two_level)
        wr64(DEVICES + 2 * 8, VALID | DEVICES_L2);
    wr32(GITS_CTLR, 1);
    mapc(0, 0);
    mapc(1, 1);
}

static void identification(void)
{
    check_equal(FIELD(rd32(GICD_TYPER), 17, 17), 1, "GICD_TYPER.LPIS");
    check_equal(FIELD(rd32(GICD_TYPER), 23, 19), 15, "GICD_TYPER.IDbits");
    check_equal(rd64(GICR + GICR_TYPER) & 1, 1, "GICR_TYPER.PLPIS");
    check_equal(rd64(GITS_TYPER) & ~UINT64_C(0xf0), UINT64_C(0x1f0001ef01),
                "GITS_TYPER but for the size of ITT entries");
    check_equal(FIELD(rd64(GITS_BASER), 58, 56), 1, "GITS_BASER0 is the device table's");
    check_equal(FIELD(rd64(GITS_BASER + 8), 58, 56), 4, "GITS_BASER1 is the collection table's");
    for (unsigned n = 0; n < 2; n++)
        check_equal(FIELD(rd64(GITS_BASER + 8 * n), 9, 8), 2,
                    "GITS_BASER<n>.Page_Size resets to 64K");
}

/* Events 0..7 of @dev are LPIs 8192.. in collection 0, enabled, priority 0xa0. */
static void map_device(uint64_t dev)
{
    mapd(dev, ITT, 4);
    for (unsigned n = 0; n < 8; n++) {
        config(LPI + n, 0xa0 | 1);
        mapti(dev, n, LPI + n, 0);
    }
    invall(0);
}

static void delivery(uint64_t dev)
{
    map_device(dev);
    check_equal(take(), SPURIOUS, "nothing is pending");
    its_int(dev, 3);
    check_equal(mrs(icc_hppir1_el1), LPI + 3, "INT: HPPIR1");
    check_equal(mrs(icc_iar1_el1), LPI + 3, "INT: IAR1");
    check_equal(mrs(icc_rpr_el1), 0xa0, "running priority of an LPI");
    its_int(dev, 3);
    check_equal(mrs(icc_hppir1_el1), LPI + 3, "pending again while it runs");
    check_equal(mrs(icc_iar1_el1), SPURIOUS, "but it does not preempt itself");
    msr(icc_eoir1_el1, LPI + 3);
    check_equal(take(), LPI + 3, "after the end it is taken again");
    check_equal(take(), SPURIOUS, "and once only");
    its_int(dev, 5);
    its_int(dev, 4);
    config(LPI + 6, 0x20 | 1);
    inv(dev, 6);
    its_int(dev, 6);
    check_equal(take(), LPI + 6, "the higher priority first");
    check_equal(take(), LPI + 4, "then the lower INTID");
    check_equal(take(), LPI + 5, "then the other");
    its_int(dev, 2);
    clear(dev, 2);
    check_equal(take(), SPURIOUS, "CLEAR");
    discard(dev, 2);
    its_int(dev, 2);
    check_equal(take(), SPURIOUS, "an event after DISCARD");
    its_int(dev, 9);
    its_int(dev + 1, 3);
    check_equal(take(), SPURIOUS, "events that are not mapped");
    its_int(dev, 1);
    check_equal(take(), LPI + 1, "the ITS goes on");
}

static void configuration(uint64_t dev)
{
    config(LPI + 3, 0xa0);
    inv(dev, 3);
    its_int(dev, 3);
    check_equal(take(), SPURIOUS, "a disabled LPI");
    config(LPI + 3, 0xa0 | 1);
    inv(dev, 3);
    check_equal(take(), LPI + 3, "enabled and invalidated by INV");
    config(LPI + 3, 0xa0);
    invall(0);
    its_int(dev, 3);
    config(LPI + 3, 0xa0 | 1);
    invall(0);
    check_equal(take(), LPI + 3, "enabled and invalidated by INVALL");
}

/* CPU 1 takes nothing; what is pending there is in its table when its LPIs are off. */
static void moves(uint64_t dev)
{
    its_int(dev, 3);
    movi(dev, 3, 1);
    check_equal(take(), SPURIOUS, "MOVI: no longer here");
    its_int(dev, 4);
    movall(0, 1);
    check_equal(take(), SPURIOUS, "MOVALL: no longer here");
    lpis(1, false);
    check(in_table(1, LPI + 3), "MOVI: pending at the other CPU");
    check(in_table(1, LPI + 4), "MOVALL: pending at the other CPU");
    check(!in_table(1, LPI + 5), "and nothing else");
    lpis(1, true);
    movall(1, 0);
    check_equal(take(), LPI + 3, "MOVALL back: the first");
    check_equal(take(), LPI + 4, "MOVALL back: the second");
    movi(dev, 3, 0);
}

static void pending_table(uint64_t dev)
{
    its_int(dev, 3);
    lpis(0, false);
    check_equal(take(), SPURIOUS, "LPIs off");
    check(in_table(0, LPI + 3), "the pending LPI is in the table");
    wr64(GICR + GICR_PENDBASER, PENDING);
    lpis(0, true);
    check_equal(take(), LPI + 3, "LPIs on again: it is read from the table");
}

static void messages(void)
{
    mapd(0, ITT + 0x1000, 3);
    mapti(0, 2, LPI + 20, 0);
    config(LPI + 20, 0x80 | 1);
    inv(0, 2);
    wr32(GITS_TRANSLATER, 2);
    check_equal(take(), LPI + 20, "GITS_TRANSLATER written by a CPU is device 0's");
}

int main(void)
{
    gic_init();
    identification();
    for (unsigned two_level = 0; two_level < 2; two_level++) {
        uint64_t dev = two_level ? 2 * 512 + 7 : 7;

        context = two_level ? "two-level device table: " : "flat device table: ";
        set_up(two_level);
        delivery(dev);
        configuration(dev);
        moves(dev);
        pending_table(dev);
        if (!two_level)
            messages();
    }
    return (int)failures;
}
