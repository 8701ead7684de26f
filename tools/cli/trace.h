/* --trace: one line an event, with instruction count, CPU, EL and world. */
#pragma once

#include <stdbool.h>

struct arm_machine;
struct outputs;
struct traces;

/* @specs: NULL-ended list of WHAT[,WHAT...][:FILE]; may be NULL. False: a message has been printed.
 */
struct traces *traces_open(struct arm_machine *m, const char *const *specs,
                           struct outputs *outputs);
void traces_close(struct traces *t);

/* Are all of @specs well-formed? Prints what is not. */
bool traces_check(const char *const *specs);
