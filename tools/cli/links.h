/* The consoles of a run whose host's end is a link (link.h): asked for their bytes in turn. */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"
#include "link.h"

#define LINKS_MAX (ARM_PORTS_MAX + 1)

struct console;

struct links {
    struct console *rows[LINKS_MAX];
    unsigned count;
    unsigned skip; /* polls until they are asked again */
};

/* If @c has a link. */
void links_add(struct links *all, struct console *c);
void links_start(struct links *all, struct arm_machine *m);

/* The machine's callbacks. links_idle() waits @wait_max_ms at most, also for standard input, which
 * is @input's. Return: a device has got something. */
bool links_poll(struct links *all);
bool links_idle(struct links *all, const struct console *input, unsigned wait_max_ms);
