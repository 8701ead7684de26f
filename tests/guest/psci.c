/* Runs on: a57 n1 max; el2 el1; smp 1 2 4. */
/* PSCI: version, features, CPUs on, off and on again, AFFINITY_INFO and the errors. */
#include "guest.h"

enum { SUCCESS = 0, NOT_SUPPORTED = -1, INVALID = -2, DENIED = -3, ALREADY_ON = -4 };
enum { ON = 0, OFF = 1 };

static volatile uint64_t arrived[MAX_CPUS], el_of[MAX_CPUS], daif_of[MAX_CPUS], sctlr_of[MAX_CPUS];

static int32_t call(uint64_t function, uint64_t a)
{
    return (int32_t)psci(function, a, 0, 0);
}

static void arrive(uint64_t value)
{
    unsigned cpu = cpu_index();

    el_of[cpu] = current_el();
    daif_of[cpu] = mrs(daif);
    sctlr_of[cpu] = (current_el() == 2 ? mrs(sctlr_el2) : mrs(sctlr_el1)) & 1;
    dsb();
    arrived[cpu] = value;
}

static void arrive_and_off(uint64_t value)
{
    arrive(value);
    psci(PSCI_CPU_OFF, 0, 0, 0);
    arrived[cpu_index()] = ~value; /* not reached */
}

static bool wait_off(unsigned cpu)
{
    uint64_t end = now() + mrs(cntfrq_el0);

    while (call(PSCI_AFFINITY_INFO, cpu) != OFF)
        if (now() > end)
            return false;
    return true;
}

int main(void)
{
    unsigned n = cpu_count();
    uint32_t version = (uint32_t)psci(PSCI_VERSION, 0, 0, 0);
    static const uint64_t features[] = {PSCI_VERSION,      PSCI_CPU_SUSPEND,   PSCI_CPU_OFF,
                                        PSCI_CPU_ON,       PSCI_AFFINITY_INFO, PSCI_SYSTEM_OFF,
                                        PSCI_SYSTEM_RESET, PSCI_FEATURES};

    check(version >> 16 >= 1, "VERSION is 1.x");
    for (unsigned k = 0; k < ARRAY_SIZE(features); k++)
        check(call(PSCI_FEATURES, features[k]) >= 0, "FEATURES says it is there");
    check_equal((uint32_t)call(PSCI_FEATURES, 0x84001234), (uint32_t)NOT_SUPPORTED,
                "FEATURES: unknown");
    check_equal((uint32_t)call(0x84001234, 0), (uint32_t)NOT_SUPPORTED, "unknown function");
    check_equal((uint32_t)call(PSCI_AFFINITY_INFO, 0), ON, "AFFINITY_INFO of ourselves");
    check_equal((uint32_t)call(PSCI_AFFINITY_INFO, 0x77), (uint32_t)INVALID, "of no CPU");
    check_equal((uint32_t)cpu_on(0, arrive, 0), (uint32_t)ALREADY_ON, "CPU_ON of ourselves");
    check_equal((uint32_t)psci(PSCI_CPU_ON, 0x77, 0, 0), (uint32_t)INVALID, "CPU_ON of no CPU");
    check_equal(mrs(mpidr_el1) & 0xff00ffffff, 0, "MPIDR of CPU 0");
    for (unsigned k = 1; k < n; k++) {
        check_equal((uint32_t)call(PSCI_AFFINITY_INFO, k), OFF, "a CPU is off at first");
        for (unsigned times = 1; times < 4; times++) {
            check_equal((uint64_t)cpu_on(k, arrive_and_off, times), SUCCESS, "CPU_ON");
            check(wait_for(&arrived[k], times), "it arrives");
            check(wait_off(k), "and goes off");
            check_equal(arrived[k], times, "for good");
        }
        check_equal((uint64_t)cpu_on(k, arrive, 100 + k), SUCCESS, "CPU_ON");
        check(wait_for(&arrived[k], 100 + k), "it arrives with its context");
        check_equal(el_of[k], current_el(), "at our EL");
        check_equal(daif_of[k], 0x3c0, "with all masked");
        check_equal(sctlr_of[k], 0, "with its MMU off");
        check_equal((uint32_t)call(PSCI_AFFINITY_INFO, k), ON, "AFFINITY_INFO: on");
        check_equal((uint32_t)cpu_on(k, arrive, 0), (uint32_t)ALREADY_ON, "CPU_ON: already on");
    }
    return (int)failures;
}
