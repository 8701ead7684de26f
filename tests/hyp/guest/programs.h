/* The programs, each on every virtual CPU. */
#pragma once

#include <stdint.h>

void program_fp(unsigned cpu);
void program_regs(unsigned cpu);
void program_irq(unsigned cpu);
void program_timer(unsigned cpu);
void program_isolate(unsigned cpu);
void program_psci(unsigned cpu);
void program_null(unsigned cpu);
void program_lpi(unsigned cpu);

void life(uint64_t x0);
