/* From a corpse to a verdict. */
#pragma once

#include "death_state.h"

/* Fill fault and loop of @c, whose other members are there. */
void death_find_fault(struct corpse *c);

/* False: nothing to say. */
bool death_diagnose(const struct corpse *c, struct verdict *v);

/* Of a guest below a hypervisor: who may be to blame. */
void death_add_guest(const struct corpse *c, struct verdict *v);
