/*
 * What a hypervisor may do better than hardware: let a CPU sleep until another kicks it, and take a
 * page's mapping away. By hyp/hypercalls.h where the hypervisor is ours. A kick that comes before
 * the wait is not lost.
 */
#pragma once

#include "guest.h"

/* Is the hypervisor ours? */
bool pv_present(void);

/* Else WFI, until SGI_KICK. Interrupts are masked. Return: false if no kick came while patient. */
bool pv_wait(void);

/* Else SGI_KICK. */
void pv_kick(unsigned cpu);

/* Else nothing: the contents stay, the next access faults. */
void pv_unmap(uint64_t address, uint64_t size);

/* How often the guest's CPUs were entered so far; 0: nobody knows. */
uint64_t pv_entries(void);

/* Only if it is ours; what they are, and what they return, hyp/hypercalls.h says. */
void pv_swap(uint64_t a, uint64_t b);
int64_t pv_log_start(void);
void pv_log_stop(void);
uint32_t pv_log_take(uint64_t address, unsigned pages);
uint64_t pv_age(uint64_t address, uint64_t size);
uint64_t pv_collapse(uint64_t address, uint64_t size);
void pv_hook(unsigned n);
