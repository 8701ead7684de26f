#include "its.h"

#include "gic.h"
#include "platform.h"
#include "report.h"

#define GITS_CTLR              0x00
#define GITS_TYPER             0x08
#define GITS_CBASER            0x80
#define GITS_CWRITER           0x88
#define GITS_CREADR            0x90
#define GITS_BASER             0x100
#define TYPER_PTA              BIT(19)
#define BASER_TYPE_DEVICES     1
#define BASER_TYPE_COLLECTIONS 4

#define VALID       BIT(63)
#define PAGE        65536
#define QUEUE_BYTES 4096
#define ID_BITS     14 /* INTIDs 0 to 16383: the fewest with LPIs */
/* RaWaWb and inner shareable, as GITS_BASER and GITS_CBASER have it;
 * GICR_PROPBASER and PENDBASER. */
#define CACHEABLE    (UINT64_C(7) << 59 | UINT64_C(1) << 10)
#define RD_CACHEABLE (UINT64_C(7) << 7 | UINT64_C(1) << 10)
#define DEVICE       0

enum its_command {
    ITS_INT = 0x03,
    ITS_CLEAR = 0x04,
    ITS_SYNC = 0x05,
    ITS_MAPD = 0x08,
    ITS_MAPC = 0x09,
    ITS_MAPTI = 0x0a,
    ITS_INV = 0x0c,
    ITS_MOVI = 0x01,
};

static uint8_t queue[QUEUE_BYTES] __attribute__((aligned(PAGE)));
static uint8_t devices[PAGE] __attribute__((aligned(PAGE)));
static uint8_t collections[PAGE] __attribute__((aligned(PAGE)));
static uint8_t translations[4096] __attribute__((aligned(4096)));
static uint8_t configuration[(1u << ID_BITS) - ITS_LPI] __attribute__((aligned(4096)));
static uint8_t pending[MAX_CPUS][PAGE] __attribute__((aligned(PAGE)));
static unsigned cpu_of[ITS_LPIS];

static void command(uint64_t dw0, uint64_t dw1, uint64_t dw2)
{
    uint64_t at = rd64(platform.its + GITS_CWRITER) & 0xfffe0, since = now();
    volatile uint64_t *to = (uint64_t *)(queue + at);

    to[0] = dw0;
    to[1] = dw1;
    to[2] = dw2;
    to[3] = 0;
    at = (at + 32) % QUEUE_BYTES;
    wr64(platform.its + GITS_CWRITER, at);
    while ((rd64(platform.its + GITS_CREADR) & 0xfffe0) != at)
        require(patient(since), "the ITS does not read command %lx", dw0);
}

/* RDbase of a CPU, as MAPC and SYNC want it. */
static uint64_t target(unsigned cpu)
{
    uint64_t rd = gic_redistributor(cpu);

    if (rd64(platform.its + GITS_TYPER) & TYPER_PTA)
        return rd;
    return FIELD(rd64(rd + GICR_TYPER), 23, 8)
    << 16;
}

static void sync(unsigned cpu)
{
    command(ITS_SYNC, 0, target(cpu));
}

static void on_event(enum its_command what, unsigned lpi, uint64_t dw2)
{
    unsigned event = lpi - ITS_LPI;

    command(what | (uint64_t)DEVICE << 32, event, dw2);
    sync(cpu_of[event]);
}

static void give_tables(void)
{
    for (unsigned n = 0; n < 8; n++) {
        uint64_t at = platform.its + GITS_BASER + 8 * n, type = FIELD(rd64(at), 58, 56);
        uint8_t *table = type == BASER_TYPE_DEVICES       ? devices
                         : type == BASER_TYPE_COLLECTIONS ? collections
                                                          : 0;

        if (table)
            wr64(at, VALID | CACHEABLE | (uint64_t)table | 2 << 8); /* one page of 64 KiB */
    }
}

static void redistributor_tables(unsigned cpu)
{
    uint64_t rd = gic_redistributor(cpu);

    wr64(rd + GICR_PROPBASER, (uint64_t)configuration | RD_CACHEABLE | (ID_BITS - 1));
    wr64(rd + GICR_PENDBASER, (uint64_t)pending[cpu] | RD_CACHEABLE | BIT(62));
    wr32(rd + GICR_CTLR, 1);
}

void its_init(void)
{
    wr32(platform.its + GITS_CTLR, 0);
    give_tables();
    wr64(platform.its + GITS_CBASER,
         VALID | (uint64_t)queue | CACHEABLE | (QUEUE_BYTES / 4096 - 1));
    wr64(platform.its + GITS_CWRITER, 0);
    wr32(platform.its + GITS_CTLR, 1);
    for (unsigned cpu = 0; cpu < platform.cpus; cpu++) {
        redistributor_tables(cpu);
        command(ITS_MAPC, 0, VALID | target(cpu) | cpu);
        sync(cpu);
    }
    command(ITS_MAPD | (uint64_t)DEVICE << 32, 4, VALID | (uint64_t)translations);
    for (unsigned n = 0; n < ITS_LPIS; n++) {
        command(ITS_MAPTI | (uint64_t)DEVICE << 32, n | (uint64_t)(ITS_LPI + n) << 32, 0);
        its_configure(ITS_LPI + n, DEFAULT_PRIORITY, false);
    }
}

void its_pend(unsigned lpi)
{
    on_event(ITS_INT, lpi, 0);
}

void its_clear(unsigned lpi)
{
    on_event(ITS_CLEAR, lpi, 0);
}

void its_configure(unsigned lpi, uint8_t priority, bool enable)
{
    configuration[lpi - ITS_LPI] = (uint8_t)((priority & 0xfc) | enable);
    __asm__ volatile("dc civac, %0; dsb sy" ::"r"(&configuration[lpi - ITS_LPI]) : "memory");
    on_event(ITS_INV, lpi, 0);
}

void its_route(unsigned lpi, unsigned cpu)
{
    unsigned from = cpu_of[lpi - ITS_LPI];

    cpu_of[lpi - ITS_LPI] = cpu;
    command(ITS_MOVI | (uint64_t)DEVICE << 32, lpi - ITS_LPI, cpu);
    sync(from);
    sync(cpu);
}
