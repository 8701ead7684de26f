/* What the guest shows, as a file: PNG if its name ends so, else PPM. */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "armillary.h"

/* False: *error is a sentence, which the caller frees with g_free(): nothing is shown, or the file
 * cannot be written. */
bool picture_write(const struct arm_machine *m, const char *file, char **error);

/* As the name of @format, "png" or "ppm", says; NULL: by the file's name. */
bool picture_write_as(const struct arm_machine *m, const char *file, const char *format,
                      char **error);
