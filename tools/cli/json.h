/* As much of JSON (RFC 8259) as QMP's requests and answers need. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* The bytes of the first whole object in @text, with what stands before it; 0: it is not whole yet.
 * *@good: it can become one. */
size_t json_object_size(const char *text, size_t size, bool *good);

/* The next member or element of the object or array that *@at is in: at first behind its bracket,
 * then where this left it. *@name: what the member is called (NULL in an array), *@value: its text,
 * both freed by the caller. False: there is no more, or what follows is none. */
bool json_next(const char **at, char **name, char **value);

/* The text of the member @name of @object, freed by the caller; NULL: it has none. */
char *json_member(const char *object, const char *name);

/* What the text of a string says, freed by the caller; NULL: it is no string. */
char *json_string(const char *text);

/* @text as a string, with its quotes. */
void json_add_string(GString *out, const char *text);
