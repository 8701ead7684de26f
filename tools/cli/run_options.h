/* The options of `armillary run`, `armillary check` and `armillary step`: rows of run_options.def.
 * `armillary qemu` takes some of them too, its limits and debug options. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct run_request;

/* `armillary run`; `armillary check`, with the options of the groups "check" and "sweep";
 * `armillary step`, with those of "check" and "step". */
enum run_kind { RUN_PLAIN, RUN_CHECKED, RUN_STEPPED };

#define TYPE_TEXT char *
#define TYPE_FILE char *
#define TYPE_LIST char **
#define TYPE_FLAG gboolean
struct run_options {
#define OPTION(group, name, member, kind, ...) TYPE_##kind member;
#include "tools/cli/run_options.def"
#undef OPTION
    char **images;
    gboolean help;
    const char *command; /* as the user says it: "armillary run" */
    char *rerun;         /* the words of the command line behind that */
};
#undef TYPE_TEXT
#undef TYPE_FILE
#undef TYPE_LIST
#undef TYPE_FLAG

/* Return: the command's exit code. */
int run_command_line(int argc, char **argv, enum run_kind kind);

/* What is wrong with the value of an option is printed. Return: false. */
bool run_options_refuse(const char *option, const char *value, const char *expected);

/* The command line of @kind; false: it is wrong, or asks for help, which *@code then says, and was
 * answered. */
bool run_options_parse(struct run_options *o, int argc, char **argv, enum run_kind kind, int *code);

/* All unset. Free with run_options_free(). */
struct run_options *run_options_new(void);
void run_options_free(struct run_options *o);

/**
 * run_options_take() - does one of the shared options begin at @argv?
 * Return: how many words it takes (stored in @o), 0 if there is none, -1 if its value is missing.
 */
int run_options_take(struct run_options *o, int argc, char **argv);

/* Fill @req with the shared ones. False: a value is wrong; it was printed. */
bool run_options_apply(const struct run_options *o, struct run_request *req);

/* The @k-th shared option, for lists of them; false: there are fewer. */
bool run_options_name(size_t k, const char **name, const char **argument, const char **help);

/* The name of the first option that is to be a file's and is empty, or NULL. */
const char *run_options_unnamed(const struct run_options *o);
