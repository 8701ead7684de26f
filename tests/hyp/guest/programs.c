#include "programs.h"

#include "guest.h"

/* What a null hypercall costs: nothing else happens. */
void program_null(unsigned cpu)
{
    (void)cpu;
    for (uint64_t k = 0; k < rounds; k++)
        call(HYP_NULL, 0, 0, 0);
}

const struct program programs[] = {
    {"fp", program_fp, false},
    {"regs", program_regs, false},
    {"irq", program_irq, false},
    {"timer", program_timer, false},
    {"isolate", program_isolate, false},
    {"psci", program_psci, true},
    {"lpi", program_lpi, false},
    {"null", program_null, false},
    {NULL, NULL, false},
};
