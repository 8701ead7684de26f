/* Writes of restore that the architecture wants in an order. */
#include <inttypes.h>
#include <string.h>

#include "call_pair.h"

enum { NO_ISB, ISB };
enum severity { error, warning };

static const struct order {
    const char *first, *second;
    bool isb;
    enum severity severity;
    const char *why;
} rows[] = {
#define CALL_ORDER(first, second, isb, severity, why) {first, second, isb, severity, why},
#include "tools/cli/call_order.def"
#undef CALL_ORDER
};

/* A pattern that ends in < has only its part before that compared. */
static bool matches(const struct call_event *e, const char *pattern)
{
    const char *name = e->kind == CALL_WRITE ? arm_reg_name(e->number) : NULL;
    size_t length = strcspn(pattern, "<");

    return name && !strncmp(name, pattern, length) && (pattern[length] || !name[length]);
}

static void print(const struct pair *p, const struct order *row, const struct call_event *a,
                  const struct call_event *b, const char *what, FILE *f)
{
    char at_a[128], at_b[128];

    call_place(p->c, a->pc, at_a, sizeof(at_a));
    call_place(p->c, b->pc, at_b, sizeof(at_b));
    fprintf(f, "%s: %s: written by %s (%#" PRIx64 ") %s %s by %s (%#" PRIx64 "): %s\n",
            row->severity == error ? "error" : "warning", arm_reg_name(a->number), at_a, a->pc,
            what, arm_reg_name(b->number), at_b, b->pc, row->why);
}

/* The first pair of writes that is wrong. */
static bool check(const struct pair *p, const struct order *row, FILE *f)
{
    const struct call_event *first = NULL, *second = NULL;
    const GArray *events = p->restore[0];
    bool synchronized = false;

    for (unsigned k = 0; k < events->len; k++) {
        const struct call_event *e = &g_array_index(events, struct call_event, k);
        synchronized |= e->kind == CALL_BARRIER && e->number == ARM_BARRIER_ISB;
        if (matches(e, row->first)) {
            if (second) {
                print(p, row, second, e, "before", f);
                return row->severity == error;
            }
            first = e;
            synchronized = false;
        } else if (matches(e, row->second)) {
            if (row->isb && first && !synchronized) {
                print(p, row, e, first, "without an ISB behind", f);
                return row->severity == error;
            }
            second = e;
        }
    }
    return false;
}

unsigned pair_check_order(const struct pair *p, FILE *f)
{
    unsigned errors = 0;

    for (unsigned k = 0; k < G_N_ELEMENTS(rows); k++)
        errors += check(p, &rows[k], f);
    return errors;
}
