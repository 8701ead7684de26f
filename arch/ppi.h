/* INTIDs of what each CPU has of its own (BSA, DEN0094 3.8). */
#pragma once

enum ppi {
    PPI_DCC = 22,
    PPI_PMU = 23,
    PPI_MAINTENANCE = 25, /* of the GIC's virtual CPU interface */
    PPI_TIMER_HYP = 26,
    PPI_TIMER_VIRT = 27,
    PPI_TIMER_HYP_VIRT = 28,
    PPI_TIMER_SEC = 29,
    PPI_TIMER_PHYS = 30,
};
