/* What the numbers of an experiment come to: a sentence, made from them alone. The
 * caller frees it. */
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

/* ---- fpsimd ---- */

enum { FP_EAGER, FP_LAZY, FP_INTEGRATED, FP_BOUND, FP_POLICIES };
enum { FP_LATE = FP_POLICIES, FP_SWEPT }; /* the save with interrupts enabled */
#define FP_POINTS 20

struct fpsimd_moves {
    double exits, saves, restores; /* moves of the whole state */
    double again, same;            /* of these: memory had all of it already, registers had */
};

struct fpsimd_sweep {
    unsigned points,
        bad; /* instructions that an interrupt came before; those where state was lost */
    char first[64], last[64]; /* of the bad ones */
    char finding[64];         /* of the first: rule, register */
};

struct fpsimd_numbers {
    unsigned points;
    struct fpsimd_moves moves[FP_POLICIES][FP_POINTS];
    struct fpsimd_sweep sweep[FP_SWEPT];
};

/* Of all points: redundant saves and restores, as a share of all, percent. */
double fpsimd_redundant(const struct fpsimd_numbers *n, unsigned policy);
char *fpsimd_answer(const struct fpsimd_numbers *n);

/* ---- a claim that rests on the model ---- */

struct claim_numbers {
    const char *what, *core;
    double base;
    bool itself; /* the claim holds with the core itself */
    unsigned variants,
        against;           /* cores that differ in one parameter; those that decide otherwise */
    char *first_against;   /* in which the first of them differs: "lat_load 4" */
    const char *parameter; /* that moves it most; NULL: none does */
    uint64_t from, to;
    double change;
};

char *claim_sentence(const struct claim_numbers *n);

/* ---- vgic ---- */

enum { VGIC_FORWARD, VGIC_REVERSE, VGIC_ORDERS };
#define VGIC_MODELS 16

struct vgic_numbers {
    unsigned lrs; /* of the exit and entry that these are of, all used: */
    uint64_t accesses[VGIC_ORDERS], stores[VGIC_ORDERS], loads[VGIC_ORDERS];
    unsigned lines[VGIC_ORDERS];
    unsigned models; /* cores, each with three prefetchers in a row: none, ascending, both */
    double cycles[VGIC_MODELS][VGIC_ORDERS];
};

/* The most that any prefetcher changes, in any order, percent. */
double vgic_prefetch(const struct vgic_numbers *n);

/* What the reverse order costs more than the forward one, percent: at the least and most of the
 * models. */
void vgic_range(const struct vgic_numbers *n, double *least, double *most);
char *vgic_answer(const struct vgic_numbers *n);

/* ---- patching ---- */

enum { HOOK_DIRECT, HOOK_FLAG, HOOK_NEST, HOOK_POINTER, HOOK_CALL, HOOK_KEEPING, HOOK_FORMS };
#define HOOK_MOST 8
enum { LOCK_TICKET, LOCK_PV, LOCK_QUEUED, LOCK_WFE, LOCK_KINDS };
#define LOCK_OVERCOMMITS 4

struct patching_numbers {
    double insns[HOOK_FORMS][HOOK_MOST]; /* a call, by the number of implementations less 1 */
    uint64_t bytes[HOOK_FORMS][HOOK_MOST];
    double stores[HOOK_FORMS];
    double lock_us[LOCK_KINDS]
                  [LOCK_OVERCOMMITS]; /* by virtual CPUs for each CPU less 1; 0: not measured */
};

/* Up to how many implementations a nest needs no more instructions than a static call; 0: never. */
unsigned patching_nest_wins(const struct patching_numbers *n);
char *patching_answer(const struct patching_numbers *n);

/* ---- tdp ---- */

enum { TDP_EXCLUSIVE, TDP_PARALLEL, TDP_MODES };
enum { TDP_SPLIT, TDP_ONE, TDP_LAYOUTS };
enum { TDP_KEY, TDP_FLAG, TDP_POINTER, TDP_CHOICES };
#define TDP_CPUS 4

struct tdp_mutants {
    unsigned all, both, one; /* noticed by tests of both modes, of one only */
};

struct tdp_numbers {
    double insns[TDP_MODES][TDP_LAYOUTS][TDP_CHOICES];
    uint64_t bytes[TDP_LAYOUTS][TDP_CHOICES];
    unsigned lines[TDP_LAYOUTS]; /* with a key */
    struct tdp_mutants mutants[TDP_LAYOUTS];
    unsigned rate_cpus;
    double rate[TDP_MODES]; /* faults a second with so many CPUs */
};

/* Do the layouts, each with a key, differ by less than 5 % of the instructions of a fault? */
bool tdp_is_close(const struct tdp_numbers *n);
char *tdp_answer(const struct tdp_numbers *n);
