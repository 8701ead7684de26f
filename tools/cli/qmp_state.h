/* QMP's commands, for qmp.c and qmp_query.c. */
#pragma once

#include <glib.h>

struct control;

/* @arguments: a JSON object. @out gets the member of the answer: "return" or "error". */
typedef void qmp_fn(struct control *c, const char *arguments, GString *out);

#define QMP(name, function) qmp_fn qmp_##function;
#define QMP_ALWAYS(name, answer)
#include "tools/cli/qmp.def"
#undef QMP
#undef QMP_ALWAYS

void qmp_fail(GString *out, const char *class, const char *text);
