/*
 * The checker: a client of a machine's events that follows where the true value of every register
 * of every world is. It knows the machine by armillary.h and the architecture by the tables of
 * arch/; nothing that executes knows it.
 *
 * What decides rules is a unit (checker/unit.h). What units share is here.
 */
#pragma once

#include "armillary.h"
#include "checker/justify.h"
#include "checker/regs.h"
#include "checker/rules.h"
#include "checker/worlds.h"

struct account;
struct backtraces;
struct findings;
struct flow;
struct moves;
struct names;
struct suppressions;
struct switches;
struct view;

#define IDLES 8

/* A CPU as EL2 sees it: who runs below, and since when. */
struct cpu_view {
    struct world *running; /* entered, and not left; NULL: EL2 runs, or nobody was seen entered */
    struct world *last;    /* the one that left last */
    uint64_t since;        /* count of that CPU when the world was entered or left */
    uint64_t exits;        /* how many worlds have left: numbers this CPU's passages */
    uint64_t esr;          /* of the last exit; 0: an interrupt */
    uint16_t vector;       /* of it: offset from VBAR_EL2 */
    uint64_t exit_pc;      /* where the world was: ELR_EL2 then */
    bool guest_seen;       /* a guest has been entered on this CPU */
    bool user_ran;         /* a program of a host at EL2 has, since the world left */
    uint64_t idle[IDLES];  /* when EL2 has waited here by WFI, the last times, */
    unsigned idles;        /* and how often: by CNTPCT_EL0 */
    uint8_t listed;        /* BIT(k): reads of that register are (checker/listing.c) */
};

/* Subscriptions; the last ones are made when a host at EL1 is seen (own_thread_below()), and when a
 * world is entered with HCR_EL2.VI or VF (checker/virtual_line.c). */
enum { CHECKER_EVERYWHERE, CHECKER_AT_EL2, CHECKER_CROSSINGS, CHECKER_LINES, CHECKER_HANDLES };

struct arm_checker {
    struct arm_machine *m;
    unsigned cpu_count;
    struct cpu_view *cpus;
    struct worlds worlds;
    struct account *account;
    struct findings *findings;
    struct names *names;               /* NULL in tests, as */
    struct backtraces *backtraces;     /* these */
    struct suppressions *suppressions; /* NULL: none */
    struct flow *flow;                 /* NULL: no rule that needs it is wanted */
    struct view *view;                 /* NULL: no history is wanted */
    struct switches *switches;         /* NULL: no HTML report is wanted, */
    struct moves *moves;               /* likewise */
    struct regs regs;
    struct exit_state *exits; /* by world: how it left last */
    unsigned exit_count;
    bool guest_seen;
    unsigned listing_stage; /* of checker/listing.c */
    bool prepared; /* stage 2 was on at EL2: a first guest is about to be entered, or was */
    bool threads;  /* EL2 is a host with programs at EL0, which it returns to between anything */
    bool rule_on[RULE_COUNT + 1];
    void *unit[UNIT_COUNT + 1];  /* states; a unit without a wanted rule has none */
    uint32_t told[2][64];        /* by whether at EL2, and kind of event: units, a bit each */
    uint64_t everywhere, at_el2; /* events subscribed to, apart */
    int handles[CHECKER_HANDLES];
    char *budget, *write_budget, *json, *junit, *sarif, *html; /* files, or NULL */
    char *image, *rerun;                                       /* words, or NULL */
    arm_disassemble_fn *disassemble;                           /* NULL: nobody can */
    arm_line_fn *tell; /* what is found, as it is found; NULL: nobody */
    void *tell_ctx;
};

/* Does the unit take part: is one of its rules wanted? */
bool checker_unit_on(const struct arm_checker *c, enum check_unit_id unit);

/* How @w left last; not valid: it has not, or starts anew. */
struct exit_state *checker_exit_state(struct arm_checker *c, const struct world *w);

/* The lines about worlds of arm_checker_end(). */
void checker_print_worlds(const struct arm_checker *c, arm_line_fn *line, void *ctx);

/* Does every CPU wait for an interrupt or an event, or is off? */
bool checker_all_wait(const struct arm_checker *c);

/* Has the CPU that @w was on last been idle at EL2 again and again since a millisecond behind
 * @when? Then EL2 has looked who may run, and it was not @w, which has left before. @when: by
 * CNTPCT_EL0. */
bool checker_passes_over(struct arm_checker *c, const struct world *w, uint64_t when);

/* A register's value on @cpu now; 0 if it has none. */
uint64_t checker_reg(const struct arm_checker *c, unsigned cpu, uint32_t number);

static inline uint64_t checker_sysreg(const struct arm_checker *c, unsigned cpu, enum sysreg sr)
{
    return checker_reg(c, cpu, sysreg_number(sr));
}

/* Does EL2 have a host? It has devices and programs of its own, and ends worlds unseen. */
static inline bool checker_has_host(const struct arm_checker *c)
{
    return c->threads || c->worlds.host_below;
}
