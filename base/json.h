/* Text in JSON (RFC 8259). */
#pragma once

#include <glib.h>

/* @text as a string, with its quotes. Bytes above ASCII are as they are: UTF-8. */
void json_quote(GString *out, const char *text);
