/* `armillary check`: what is wanted, and what it comes to. */
#pragma once

#include <stdio.h>

#include "armillary.h"
#include "sweep.h"

struct child;

struct check_request {
    struct arm_check_config config;
    struct sweep_request sweep;
    const struct child *child; /* this run is a child's; NULL: it is not */
};

/* Summary of the command's help. */
extern const char check_summary[];

/* @reports: FORMAT=FILE[,FORMAT=FILE...] each; NULL-ended, may be NULL; cut up, and kept. False: a
 * message was printed. */
bool check_parse(struct check_request *check, char **reports);

/* Is the file an ELF file with a symbol table? */
bool check_has_symbols(const char *path);

/* Was only a question asked (--rules=help)? It is answered. */
bool check_answers(const struct check_request *check, int *code);

/* NULL: a message was printed to @say. */
struct arm_checker *check_begin(const struct check_request *check, struct arm_machine *m,
                                FILE *say);

/* What all runs have found, as check_end() does. @merge is freed. */
int check_end_merge(const struct check_request *check, struct arm_merge *merge, FILE *say,
                    int code);

/* Print what was found to @say, and free @checker. @code: the run's. Return: the exit code. */
int check_end(struct arm_checker *checker, FILE *say, int code);
