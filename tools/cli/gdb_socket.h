/* Where gdb connects. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* "[HOST:]PORT" or "unix:PATH". */
#define GDB_WHERE_EXPECTED "[HOST:]PORT or unix:PATH"

bool gdb_where_valid(const char *where);

/* Listen there, at the loopback interface if no host is named; *@path, which the caller frees, is
 * the file to remove at the end, or NULL. -1: *@text, 200 bytes, says why not, else where it
 * listens. */
int gdb_listen(const char *where, char **path, char *text);

/* A client, if there is one; -1: none. */
int gdb_accept(int listener);
