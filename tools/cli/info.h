/* What commands of the monitor, of `armillary step` and of gdb's `monitor` show of a machine. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct arm_machine;
struct outline;

/* @words: "info", a row of info.def, its arguments. @outline: NULL where parts have no names.
 * False: no such row, or not so; @out has got the list of them. */
bool info_execute(struct arm_machine *m, unsigned cpu, const struct outline *outline, char **words,
                  GString *out);

/* "info" alone and with each row, for completion; NULL beyond the last. */
const char *info_name(size_t index);

/* Each descriptor of a translation and what it comes to. @access: arm_access. */
void info_walk(struct arm_machine *m, unsigned cpu, unsigned el, uint64_t address, int access,
               GString *out);
