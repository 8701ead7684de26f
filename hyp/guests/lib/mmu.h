/* RAM mapped one to one as Normal memory, everything else below 512 GiB as Device memory. */
#pragma once

#include "guest.h"

/* Make the tables, once. */
void mmu_make_tables(void);

/* Turn on MMU and caches on this CPU. */
void mmu_on(void);
