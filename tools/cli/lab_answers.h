/* What the numbers of an experiment come to: a sentence, made from them alone. The caller frees it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* ---- deferred ---- */

enum { DEFERRED_TABLE, DEFERRED_SWITCH, DEFERRED_INLINE, DEFERRED_FORMS };
enum { DEFERRED_ONE, DEFERRED_FOUR, DEFERRED_ANY, DEFERRED_KINDS };
enum { DEFERRED_EAGER, DEFERRED_HYBRID, DEFERRED_DEFERRED, DEFERRED_POLICIES };
#define DEFERRED_SHARES 8

struct deferred_numbers {
    double insns[DEFERRED_FORMS][DEFERRED_KINDS]; /* an access, means over where the register is */
    double indirect[DEFERRED_FORMS][DEFERRED_KINDS];
    uint64_t site_bytes[DEFERRED_FORMS][DEFERRED_KINDS];
    uint64_t shared_bytes[DEFERRED_FORMS]; /* once, however many sites there are */
    unsigned shares;
    double share[DEFERRED_SHARES]; /* exits that load another, percent of all, ascending */
    double moved[DEFERRED_POLICIES][DEFERRED_SHARES];
};

/* At which share of exits to the host @n's deferred policy moves as much as its eager one; above
 * 100: at none. */
double deferred_crossing(const struct deferred_numbers *n);
char *deferred_answer(const struct deferred_numbers *n);
