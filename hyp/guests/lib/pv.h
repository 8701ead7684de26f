/*
 * What a hypervisor may do better than hardware: let a CPU sleep until another kicks it, and take a
 * page's mapping away. These are weak: a guest built for a hypervisor with such calls defines its
 * own. A kick that comes before the wait is not lost.
 */
#pragma once

#include "guest.h"

/* By default WFI, until SGI_KICK. Interrupts are masked. Return: false if no kick came while
 * patient. */
bool pv_wait(void);

/* By default SGI_KICK. */
void pv_kick(unsigned cpu);

/* By default nothing: the contents stay, the next access faults. */
void pv_unmap(uint64_t address, uint64_t size);
