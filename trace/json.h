/* Events of the Trace Event Format, an object each in an array. */
#pragma once

#include <glib.h>
#include <stdint.h>

/* The start of an event: its phase, name, time and track. More members may be appended, then
 * json_end(). @name is quoted; NULL: none. */
void json_begin(GString *out, char phase, const char *name, uint64_t ns, unsigned pid,
                unsigned tid);
void json_number(GString *out, const char *key, uint64_t value);
void json_text(GString *out, const char *key, const char *value);
void json_args(GString *out); /* what follows are arguments */
void json_end(GString *out);
