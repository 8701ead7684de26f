/* The options of `armillary run` that `armillary qemu` takes too: its limits and debug options, by
 * their rows in run_options.def. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct options;
struct run_request;

/* `armillary run`; `armillary check`, with the options of the groups "check" and "sweep";
 * `armillary step`, with those of "check" and "step". */
enum run_kind { RUN_PLAIN, RUN_CHECKED, RUN_STEPPED };

/* Return: the command's exit code. */
int run_command_line(int argc, char **argv, enum run_kind kind);

/* All unset. Free with run_options_free(). */
struct options *run_options_new(void);
void run_options_free(struct options *o);

/**
 * run_options_take() - does one of the shared options begin at @argv?
 * Return: how many words it takes (stored in @o), 0 if there is none, -1 if its value is missing.
 */
int run_options_take(struct options *o, int argc, char **argv);

/* Fill @req with them. False: a value is wrong; it was printed. */
bool run_options_apply(const struct options *o, struct run_request *req);

/* The @k-th shared option, for lists of them; false: there are fewer. */
bool run_options_name(size_t k, const char **name, const char **argument, const char **help);
