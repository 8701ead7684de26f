/* QEMU's machine protocol, as far as scripts use it to steer a run: a request is a JSON object. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct control;

/* What the other end gets when it has come. */
void qmp_greet(GString *out);

/* Answer @request, a whole object. */
void qmp_execute(struct control *c, const char *request, GString *out);

/* "STOP", "RESUME", ...; @data: a JSON object, or NULL. */
void qmp_event(GString *out, const char *name, const char *data);
