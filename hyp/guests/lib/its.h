/* An ITS and LPIs (IHI0069, "Locality-specific Peripheral Interrupts and the ITS"): one device
 * whose events 0 to ITS_LPIS - 1 are LPIs ITS_LPI and on. */
#pragma once

#include "guest.h"

#define ITS_LPI  8192u
#define ITS_LPIS 8u

/* The tables, on CPU 0 with the others not started; LPIs off in their redistributors until then. */
void its_init(void);

/* An LPI made pending, or not any more; its priority and enable, by table and INV; the CPU it goes
 * to. */
void its_pend(unsigned lpi);
void its_clear(unsigned lpi);
void its_configure(unsigned lpi, uint8_t priority, bool enable);
void its_route(unsigned lpi, unsigned cpu);
