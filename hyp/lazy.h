/*
 * Contexts that few guests use: breakpoints and watchpoints, performance monitors, pointer
 * authentication keys. Their registers trap until a virtual CPU touches them; then they are loaded
 * and stay until its put. One that never does costs nothing. What acts without being touched, a
 * counter that counts, is back from the load on.
 */
#pragma once

#include "hyp/context.h"

struct vcpu;

/* Load the group and let the guest have it; the trapped instruction runs again. */
void lazy_load(struct vcpu *v, enum group group);

/* At the end of a load: what acts. */
void lazy_begin(struct vcpu *v);

/* Save what was loaded, and leave nothing behind that acts: no breakpoint, no
 * counter that counts. */
void lazy_put(struct vcpu *v);

/* Does a trapped access to this register mean one of them? GROUP_NEVER: no. */
enum group lazy_group(uint16_t enc);
