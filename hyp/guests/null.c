/* What a hypercall costs that does nothing: PSCI_VERSION, `rounds` times, and nothing else happens.
 * For measurements (tests/hyp/cost), which take the difference of two numbers of rounds. */
#include "hyp/guests/lib/platform.h"
#include "hyp/guests/lib/psci.h"
#include "hyp/guests/lib/report.h"

enum { BREAK_ANSWER };
static const char *const breaks[] = {"answer", 0};

static void run(void)
{
    uint64_t rounds = option_number("rounds", 100);
    int32_t version = psci32(PSCI_VERSION, 0, 0, 0), answer = version;

    for (uint64_t n = 0; n < rounds && answer == version; n++)
        answer = psci32(PSCI_VERSION, 0, 0, 0);
    if (sabotage(BREAK_ANSWER))
        answer++;
    require(answer == version, "PSCI_VERSION: expected %x, got %x", (uint32_t)version,
            (uint32_t)answer);
    report_ok("vcpus=%u rounds=%lu", platform.cpus, rounds);
}

const struct guest guest = {.name = "null", .breaks = breaks, .run = run};
