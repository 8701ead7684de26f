/*
 * What an exit costs that does nothing, `rounds` times, and nothing else happens: a hypercall
 * (PSCI_VERSION); with what=mmio a read of the distributor; with what=ipi an SGI to itself. For
 * measurements (tests/hyp/cost, tests/hyp/shares), which take the difference of two numbers of
 * rounds, or least numbers.
 */
#include "hyp/guests/lib/gic.h"
#include "hyp/guests/lib/platform.h"
#include "hyp/guests/lib/psci.h"
#include "hyp/guests/lib/report.h"

enum { BREAK_ANSWER };
static const char *const breaks[] = {"answer", 0};

static uint64_t hypercall(void)
{
    return (uint32_t)psci32(PSCI_VERSION, 0, 0, 0);
}

static uint64_t mmio(void)
{
    return rd32(platform.gicd + GICD_TYPER);
}

static uint64_t ipi(void)
{
    unsigned intid;

    gic_send(SGI_GUEST, 0);
    do
        intid = gic_acknowledge();
    while (intid == SPURIOUS);
    gic_end(intid);
    return intid;
}

static void run(void)
{
    uint64_t (*what)(void) = option_is("what", "mmio")  ? mmio
                             : option_is("what", "ipi") ? ipi
                                                        : hypercall;
    uint64_t rounds = option_number("rounds", 100), first, answer;

    irqs_off();
    gic_bit(GICD_ISENABLER, SGI_GUEST);
    first = answer = what();
    for (uint64_t n = 0; n < rounds && answer == first; n++)
        answer = what();
    if (sabotage(BREAK_ANSWER))
        answer++;
    require(answer == first, "expected %lx, got %lx", first, answer);
    report_ok("vcpus=%u rounds=%lu", platform.cpus, rounds);
}

const struct guest guest = {.name = "null", .breaks = breaks, .run = run};
