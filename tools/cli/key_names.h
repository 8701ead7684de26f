/* Keys by the names that QEMU's sendkey has for them. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct arm_machine;

/* The number that Linux has for a key by its name; 0: there is no such key. */
uint16_t key_names_code(const char *word);

/* Press @keys, as "ctrl-alt-delete", and let them go: all at one point of the run. False: *@error
 * is why not, freed by the caller. */
bool key_names_send(struct arm_machine *m, const char *keys, char **error);
