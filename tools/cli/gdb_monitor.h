/* gdb's `monitor`: commands that are rows of gdb_monitor.def. */
#pragma once

#include <glib.h>

struct gdb_session;

void gdb_monitor_execute(struct gdb_session *g, unsigned cpu, const char *line, GString *out);
