/*
 * Contexts that few guests use: breakpoints and watchpoints, performance monitors, pointer
 * authentication keys. Their registers trap until a virtual CPU touches them; then they are loaded
 * and stay until its put. One that never does costs nothing.
 */
#pragma once

#include "hyp/context.h"

struct vcpu;

/* Load the group and let the guest have it; the trapped instruction runs again. */
void lazy_load(struct vcpu *v, enum group group);

/* Save what was loaded, and leave nothing behind that acts: no breakpoint, no counter that counts.
 */
void lazy_put(struct vcpu *v);

/* Does a trapped access to this register mean one of them? GROUP_NEVER: no. */
enum group lazy_group(uint16_t enc);
