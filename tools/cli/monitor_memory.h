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

/* @size bytes of memory, by physical address or as the CPU that is looked at sees it. */
struct monitor_range {
    uint64_t address, size;
    bool physical;
};

/* Write it into @file. False: *@error, the caller's, says why; what was there until then is
 * written. */
bool monitor_save_memory(const struct monitor *mon, const struct monitor_range *r, const char *file,
                         char **error);
