/* The manual page armillary.1, from the tables of tools/cli/: for tools/docs_gen.c. */
#pragma once

#include <stdio.h>

void docs_man_write(FILE *f);
