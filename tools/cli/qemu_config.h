/* -readconfig of `armillary qemu`: options from a file, in QEMU's form of an INI file. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct qemu;

/* The words @argv[@argc], with what the files of -readconfig have in their place, to @words; NULL
 * is behind them. New ones are @q's. False: what is wrong was printed. */
bool qemu_config_expand(struct qemu *q, int argc, char **argv, GPtrArray *words);
