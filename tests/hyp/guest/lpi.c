/* LPIs through the guest's ITS: map, raise by INT, move to another virtual CPU, disable and enable,
 * more at once than list registers. */
#include "guest.h"

#include "programs.h"

#define ITS      UINT64_C(0x08080000)
#define LPIS     12
#define LPI_BASE 8192

static uint64_t queue[512] __attribute__((aligned(65536)));
static uint8_t config[65536] __attribute__((aligned(65536)));
static uint8_t pending[CPUS_MAX][65536] __attribute__((aligned(65536)));
static uint64_t tail;
static volatile uint64_t got[CPUS_MAX][LPIS];

static void taken(uint32_t intid)
{
    check(intid >= LPI_BASE && intid < LPI_BASE + LPIS, "interrupt %u", intid);
    if (intid >= LPI_BASE && intid < LPI_BASE + LPIS)
        got[cpu_index()][intid - LPI_BASE]++;
}

/* One command, and wait until the ITS has read it. */
static void command(uint64_t a, uint64_t b, uint64_t c)
{
    queue[tail / 8] = a;
    queue[tail / 8 + 1] = b;
    queue[tail / 8 + 2] = c;
    queue[tail / 8 + 3] = 0;
    tail = (tail + 32) % sizeof(queue);
    insn("dsb ish");
    write64(ITS + 0x88, tail);
    for (unsigned spins = 0; read64(ITS + 0x90) != tail && spins < 1000; spins++)
        insn("yield");
    check(read64(ITS + 0x90) == tail, "GITS_CREADR stays at 0x%lx",
          (unsigned long)read64(ITS + 0x90));
}

enum { MOVI = 1, INT = 3, MAPD = 8, MAPC = 9, MAPTI = 10, INV = 12 };
#define DEVICE (UINT64_C(5) << 32)

static void configure(uint32_t event, bool enable)
{
    config[event] = (uint8_t)(0x10 + 8 * event) | enable;
    insn("dsb ish");
    command(INV | DEVICE, event, 0);
}

static void set_up(void)
{
    write64(ITS + 0x80, (uint64_t)(uintptr_t)queue | BIT(63));
    write32(ITS, 1);
    for (unsigned k = 0; k < cpu_count; k++)
        command(MAPC, 0, BIT(63) | (uint64_t)k << 16 | k);
    command(MAPD | DEVICE, 4, BIT(63));
    for (uint64_t e = 0; e < LPIS; e++) {
        config[e] = (uint8_t)(0x10 + 8 * e) | 1;
        command(MAPTI | DEVICE, (LPI_BASE + e) << 32 | e, 0);
    }
}

static uint64_t sum(unsigned cpu)
{
    uint64_t n = 0;

    for (unsigned e = 0; e < LPIS; e++)
        n += got[cpu][e];
    return n;
}

static void wait_for(unsigned cpu, uint64_t n)
{
    for (unsigned spins = 0; sum(cpu) < n && spins < 1000000; spins++)
        insn("yield");
    check(sum(cpu) == n, "%lu LPIs on virtual CPU %u, not %lu", (unsigned long)sum(cpu), cpu,
          (unsigned long)n);
}

/* All LPIs to one virtual CPU, one of them disabled, then enabled. */
static void round_on(unsigned cpu, uint64_t done)
{
    for (uint64_t e = 0; e < LPIS; e++)
        command(MOVI | DEVICE, e, cpu);
    configure(3, false);
    for (uint64_t e = 0; e < LPIS; e++)
        command(INT | DEVICE, e, 0);
    wait_for(cpu, done + LPIS - 1);
    configure(3, true); /* it has waited */
    wait_for(cpu, done + LPIS);
}

void program_lpi(unsigned cpu)
{
    uint64_t redist = GICR + 0x20000 * cpu;

    if (!(read32(GICD + 4) & BIT(17)))
        return; /* no LPIs: hyp.its=off */
    on_irq[cpu] = taken;
    write64(redist + 0x70, (uint64_t)(uintptr_t)config | 15);
    write64(redist + 0x78, (uint64_t)(uintptr_t)pending[cpu]);
    write32(redist, 1);
    barrier();
    irqs_on();
    if (cpu == 0) {
        set_up();
        for (uint64_t k = 0; k < rounds; k++)
            for (unsigned to = 0; to < cpu_count; to++)
                round_on(to, k * LPIS);
    }
    barrier();
    irqs_off();
}
