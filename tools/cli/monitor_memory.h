/* Memory in the monitor: addresses as they are typed, and what is there. */
#pragma once

#include <stdint.h>

#include "monitor.h"

/* The exception level of the CPU that is looked at. */
unsigned monitor_el(const struct monitor *mon);

/* Hexadecimal digits, or as QEMU and gdb have it $REGISTER, $REGISTER+N, $REGISTER-N. */
bool monitor_address(const struct monitor *mon, const char *word, uint64_t *address);

/* x[/FORMAT] ADDR, x /FORMAT ADDR. */
void monitor_show_memory(const struct monitor *mon, char **words, bool physical, GString *out);
