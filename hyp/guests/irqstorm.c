/*
 * Interrupt storm: SGIs, PPIs, SPIs and LPIs, checked against a model for order, priority,
 * preemption, masks, both EOI modes, edge and level, with more of them pending and active than any
 * CPU has list registers; then between CPUs. None may be lost, doubled, early or in the wrong
 * place.
 */
#include "irqstorm.h"

#include "hyp/guests/lib/gic.h"
#include "hyp/guests/lib/its.h"
#include "hyp/guests/lib/platform.h"
#include "hyp/guests/lib/report.h"

static const char *const breaks[] = {"lost", "doubled", "priority", "active",
                                     "line", "ipi",     "route",    0};

static void run(void)
{
    uint64_t rounds = option_number("rounds", 1500), polled = 0, nested = 0, ipis, routed;

    if (platform.its)
        its_init();
    if (!platform.gicc) { /* it uses all of the CPU interface, by its registers */
        polled = storm_one_cpu(rounds, true);
        nested = storm_one_cpu(rounds, false);
        gic_init_cpu(); /* priorities and modes as on the other CPUs */
    }
    ipis = storm_ipis(rounds / 4);
    routed = storm_routes(rounds / 16);
    report_ok("vcpus=%u rounds=%lu sources=%u polled=%lu nested=%lu ipis=%lu routed=%lu",
              platform.cpus, rounds, storm_sources(), polled, nested, ipis, routed);
}

const struct guest guest = {.name = "irqstorm", .breaks = breaks, .run = run};
