/*
 * Findings: what a unit reports, kept once each, and written in the order in which they came up.
 */
#pragma once

#include <stdio.h>

#include "arch/sysreg.h"
#include "armillary.h"
#include "checker/rules.h"

struct arm_checker;
struct world;

/* An instruction of the run. */
struct site {
    bool known;
    uint8_t cpu, el;
    uint8_t rt; /* of an access to memory: its register, X or V; else ARM_NO_REG */
    bool wide;  /* 16 bytes of it */
    uint64_t pc;
    uint64_t count; /* instructions that CPU had retired before it */
    uint64_t total; /* instructions of all CPUs */
    uint32_t trace; /* who called it: backtrace_get(); 0: not known */
};

struct finding {
    enum rule rule;
    const struct world *world; /* whose register; NULL: EL2's, or nobody's */
    uint32_t reg;              /* its number, ARM_NO_REGISTER: none */
    struct site at;            /* the first bad instruction */
    struct site other;         /* the other side: what saved, wrote or forgot */
    const char *other_role;    /* "saved", "written", ...; NULL without another side */
    bool has_address;
    uint64_t address; /* physical, of the slot or descriptor */
    const char *hint; /* what is usually missing; NULL: nothing to say */
    char text[320];   /* a sentence with values */
};

/* Where @p happened; at EL2 with the callers. site_bare(): without, which is much cheaper. */
struct site site_of(const struct arm_checker *c, const struct arm_event *p);
struct site site_bare(const struct arm_checker *c, const struct arm_event *p);
void site_put(const struct arm_checker *c, const struct arm_event *p, struct site *s); /* bare */

/* A finding of @rule at @p; the caller adds what it knows. */
struct finding finding_at(const struct arm_checker *c, enum rule rule, const struct arm_event *p);

/* The same of register @sr of @w. */
struct finding finding_about(const struct arm_checker *c, enum rule rule, const struct world *w,
                             enum sysreg sr, const struct arm_event *p);

/* The same, which @p enters with another value than it left with. */
struct finding finding_entered(struct arm_checker *c, enum rule rule, const struct world *w,
                               enum sysreg sr, const char *hint, const struct arm_event *p);

/* f->text, as printf. */
void finding_say(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Keep @f (copied), unless its rule is not wanted. The same rule at the same instruction about the
 * same register and other side is the same finding: it is counted. */
void finding_report(struct arm_checker *c, const struct finding *f);

struct findings *findings_new(void);
void findings_free(struct findings *fs);

/* How many different ones; with @errors only those that are no warnings. */
unsigned findings_count(const struct findings *fs, bool errors);

/* @options: of the run, beside those that c->rerun has. */
struct kept_finding;
void finding_print(const struct arm_checker *c, const struct kept_finding *k, const char *options,
                   arm_line_fn *line, void *ctx);

void findings_print(const struct arm_checker *c, arm_line_fn *line, void *ctx);

/* The files that were asked for. Return: 0 or -ARM_Exxx and a sentence. */
int findings_write(const struct arm_checker *c, struct arm_error *err);

/* One line, without a newline, made as printf() does. */
void say(arm_line_fn *line, void *ctx, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
