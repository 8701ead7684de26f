/* The automaton's state, for the files that it is made of (checker/own*.c). */
#pragma once

#include <glib.h>

#include "checker/checker.h"
#include "checker/own.h"
#include "checker/regs.h"

#define PAIR_KINDS 4 /* of who leaves and who comes: a host or a guest */

#define SLOTS 3 /* of a register of a world, the last ones */

struct slot {
    uint64_t pa; /* 0: none */
    uint32_t version;
    uint64_t value;
    struct site at;
};

/* An access for a world that went to the place which is not its register's now. */
struct misplaced {
    bool known;
    unsigned cpu; /* that has the register's value */
    uint64_t pa, value;
    struct site at;
};

/* How a register of a CPU has fared since a world left that could write it. */
struct pair {
    int16_t who;  /* the world, WORLD_NOBODY: none that matters */
    bool clean;   /* the world has left what it was entered with, and that is in a slot */
    bool read;    /* by EL2 */
    bool written; /* by EL2, */
    bool equal;   /* with what was there */
    struct site site;
};

/* Registers of a group that were saved or restored last on a CPU, and what came between. */
struct window {
    bool moved, restores;
    int16_t world;
    enum sysreg_owner group;
    unsigned depth;      /* exceptions from EL2 to EL2 since */
    struct site taken;   /* the first of them */
    uint64_t sp;         /* EL2's, as it was taken */
    struct site changed; /* a register of the group, by a handler: */
    unsigned reg;
    bool done[REGS_MAX];              /* saved or restored before it */
    struct value128 values[REGS_MAX]; /* of the group, when it was taken */
};

/* A timer of a CPU since a world left. */
struct timer_order {
    struct site on;      /* EL2 has switched it on, */
    struct site changed; /* and then changed what it compares: */
    enum sysreg input;
    uint64_t before; /* what it compared with */
};

struct timer_orders {
    struct timer_order timer[REGS_TIMERS];
};

/* A CPU waits at EL2. */
struct sleep {
    uint64_t since; /* CNTPCT_EL0; 0: it does not */
    struct site at;
};

/* Of HCR_EL2: a virtual SError. */
struct serror {
    bool pending;      /* as the world was entered */
    struct site taken; /* where the world left, and had taken it; forgotten when EL2 looks */
};

/* What a world has in a register. */
struct wreg {
    struct value128 value; /* the newest */
    uint32_t version;      /* 0: it never had one */
    bool changed;          /* by the world itself, ever */
    bool saved;            /* the newest is in a slot */
    bool moves;            /* hardware changed it while the world left: regs_moves() */
    bool trapped;          /* the world has written it by a trap since: EL2 has that */
    bool given;            /* and has had it in the register, where the world did not see it */
    uint64_t asked;        /* and that it was */
    struct slot slots[SLOTS];
    uint64_t frame;           /* a general register: where it was loaded from at the last entry */
    struct site left;         /* where it left with this value */
    struct site gone;         /* what has taken it from the CPU last */
    struct site lost;         /* what overwrote it in the CPU while it was nowhere else, */
    uint32_t lost_version;    /* of this version */
    bool lost_unread;         /* and EL2 had not so much as read it */
    struct misplaced in_slot; /* while it was live */
    struct misplaced in_cpu;  /* of what its exit has asked for */
    struct site unsaved;      /* another's was restored over it, and it was not saved there then */
    struct serror serror;
    struct misplaced stale; /* read from what is perhaps its slot */
};

/* The newest value was overwritten in the CPU, and nothing had it. */
static inline bool own_is_lost(const struct wreg *r)
{
    return r->lost.known && r->lost_version == r->version;
}

#define HOST_VALUES 16

/* What programs of a host at EL2 were entered with last in a register. */
struct host_values {
    uint64_t list[HOST_VALUES]; /* 0: none */
    unsigned last;
};

/* What is in a register of a CPU. */
struct live {
    int16_t owner;  /* index of a world, WORLD_EL2, WORLD_NOBODY */
    bool written;   /* by EL2 since the last exit on that CPU */
    bool fetched;   /* read by EL2 since its owner has left */
    struct tag tag; /* of what EL2 wrote */
    struct site site;
    struct site read; /* by EL2 while it was not the value of who has left last */
};

struct own {
    uint32_t versions;
    struct wreg **worlds; /* by index; REGS_MAX each */
    unsigned world_count;
    struct live *live;                /* CPU by register */
    struct value128 *entered;         /* values at the last entry, likewise */
    struct pair *pairs;               /* likewise, */
    uint32_t (*saves)[PAIR_KINDS];    /* and by register: of what was clean, */
    uint32_t (*restores)[PAIR_KINDS]; /* and of what was there already */
    struct window *windows;           /* by CPU */
    struct timer_orders *timers;      /* likewise */
    struct own_config *config;        /* likewise */
    struct sleep *sleeps;             /* likewise */
    uint64_t ended; /* instructions, when a world last called what may end it or others */
    struct host_values host_values[REGS_MAX];
    GHashTable *threads;     /* of a host: struct host_thread by its stack */
    uint16_t *kept;          /* registers that are compared for them; REG_NONE: no more */
    struct misplaced *vbars; /* by CPU: VBAR_EL1 of somebody else was read since the exit */
    bool fp_told;            /* of FP and SIMD at the entry of this count and CPU */
    uint64_t fp_told_at;
    unsigned fp_told_by;
    struct site aliased[REGS_MAX]; /* EL2 has read its own register by this one's name */
    bool switched_ever[REGS_MAX];  /* EL2 has read or written it since a guest was seen */
};

static inline struct live *own_live(const struct own *u, unsigned cpu, unsigned reg)
{
    return &u->live[(size_t)cpu * REGS_MAX + reg];
}

/* A host at EL1 is the other half of its hypervisor: it saves and restores these for the guests
 * itself, by accesses at EL1, and what it has in them is EL2's as far as a guest is concerned. Not
 * so CNTKCTL_EL1, which is its own for its programs, and another's for a guest. */
static inline bool own_is_shared(const struct arm_checker *c, const struct world *w, unsigned reg)
{
    enum sysreg_owner owner = c->regs.desc[reg].owner;

    return w->kind == WORLD_HOST && c->regs.desc[reg].sr != SR_CNTKCTL_EL1 &&
           (owner == OWNER_FP || owner == OWNER_TIMER || c->regs.desc[reg].counter ||
            c->regs.desc[reg].sr == SR_PMOVSSET_EL0);
}

struct wreg *own_wreg(struct own *u, const struct world *w, unsigned reg);

/* @w is entered with @v in @reg, and had another value: report why, unless that is right. */
void own_explain(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                 struct value128 v, const struct arm_event *p);

/* @w is entered with @v in @reg, which hardware changed when it left: no value is right or wrong,
 * but where it comes from. */
void own_explain_moving(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                        struct value128 v, const struct arm_event *p);

/* @w is entered with @v in @reg, to which its accesses trap. */
void own_check_unseen(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                      struct value128 v, const struct arm_event *p);

/* ---- slots and the CPU: DEFER, STALE-READ (checker/own_slot.c) ---- */

/* EL2 has written @reg: @l is as it was before. */
void own_slot_written(struct arm_checker *c, struct own *u, const struct live *l, unsigned reg,
                      const struct tag *tag, const struct arm_event *p);
void own_slot_read(struct arm_checker *c, struct own *u, unsigned reg, const struct arm_event *p);
void own_slot_saved(struct arm_checker *c, unsigned cpu, const struct world *w, unsigned reg,
                    uint64_t pa, uint64_t value, const struct site *at);
void own_slot_left(struct own *u, struct wreg *r, unsigned cpu);

/* @w is about to be entered with @v in @reg; nothing of the automaton has changed yet. */
void own_slot_entered(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                      struct value128 v, const struct arm_event *p);
/* @w has been entered. */
void own_slot_assume(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                     const struct live *l);
void own_slot_check_entry(struct arm_checker *c, struct own *u, const struct world *w,
                          const struct arm_event *p);

/* ---- pairs of save and restore: ASYMMETRIC-SWITCH (checker/own_pair.c) ---- */

void own_pair_create(struct arm_checker *c, struct own *u);
void own_pair_destroy(struct own *u);
void own_pair_left(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                   bool changed, const struct arm_event *p);
void own_pair_read(struct own *u, unsigned cpu, unsigned reg);
void own_pair_written(struct own *u, unsigned reg, const struct arm_event *p,
                      const struct site *at);

/* @w is about to be entered, and can use @reg. */
void own_pair_entered(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                      const struct arm_event *p);

/* ---- exceptions in the middle of a switch: WINDOW (checker/own_window.c) ---- */

void own_window_event(struct arm_checker *c, struct own *u, const struct arm_event *p);
void own_window_reset(struct own *u, unsigned cpu);

/* The register of @tag, its world's, was restored from or saved to its slot. */
void own_window_moved(struct arm_checker *c, struct own *u, unsigned cpu, const struct tag *tag,
                      bool restores);
/* As own_stored(). */
void own_window_stored(struct arm_checker *c, struct own *u, unsigned cpu, const struct tag *slot);
void own_window_changed(struct arm_checker *c, struct own *u, unsigned cpu, unsigned reg,
                        const struct site *at);

/* ---- programs of a host at EL2 (checker/own_host.c) ---- */

/* The return to EL0. */
void own_host_entered(struct arm_checker *c, const struct arm_event *p);

/* Are the keys of pointer authentication in use at EL2 and EL0 of a host? */
bool own_host_signs(const struct arm_checker *c, unsigned cpu);

/* Has a program of the host been entered with @v in @reg before? */
bool own_is_hosts(const struct own *u, unsigned reg, struct value128 v);

/* ---- its threads (checker/own_thread.c) ---- */

void own_thread_create(struct arm_checker *c, struct own *u);
void own_thread_destroy(struct own *u);
/* A guest has been entered, and there is a host at EL1: its threads are followed from now on. */
void own_thread_below(struct arm_checker *c);
/* An exception from EL0; a guest is entered; the return to EL0. */
void own_thread_left(struct arm_checker *c, struct own *u, const struct arm_event *p);
void own_thread_runs(struct arm_checker *c, struct own *u, const struct arm_event *p);
void own_thread_entered(struct arm_checker *c, struct own *u, const struct arm_event *p);

/* ---- EL2's configuration (checker/own_config.c) ---- */

void own_config_create(struct arm_checker *c, struct own *u);
void own_config_event(struct arm_checker *c, struct own *u, const struct arm_event *p);
/* @w is entered with @v in the register @reg: EL2's configuration, perhaps. */
void own_config_entered(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                        uint64_t v, const struct arm_event *p);

/* ---- accesses that trap (checker/own_trap.c) ---- */

void own_trap_left(struct arm_checker *c, struct own *u, const struct world *w);
void own_trap_entered(struct arm_checker *c, struct own *u, const struct world *w,
                      const struct arm_event *p);

/* A world is entered with @v in @r, and its accesses to it trap. */
void own_trap_unseen(struct wreg *r, uint64_t v);

/* They do not, and @v is not what it has written by a trap, though EL2 has put that into the
 * register before: it was not loaded this time. */
bool own_trap_seen(struct arm_checker *c, const struct wreg *r, const struct live *l,
                   const struct world *w, unsigned reg, uint64_t v, const struct arm_event *p);

/* ---- the virtual SError (checker/own_serror.c) ---- */

void own_serror_left(struct arm_checker *c, struct own *u, const struct world *w,
                     const struct arm_event *p);
void own_serror_read(struct arm_checker *c, struct own *u, const struct arm_event *p);
void own_serror_entered(struct arm_checker *c, struct own *u, const struct world *w,
                        const struct arm_event *p);

/* ---- list registers (checker/own_message.c) ---- */

/* @w has left with @v in the list register @reg. */
void own_message_left(struct own *u, const struct world *w, unsigned reg, struct value128 v,
                      unsigned cpu);
void own_message_written(struct arm_checker *c, struct own *u, unsigned reg, const struct tag *tag,
                         const struct arm_event *p);
/* @w is entered with it. */
void own_message_entered(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                         uint64_t v, const struct arm_event *p);

/* ---- the order within a timer: WINDOW (checker/own_timer.c) ---- */

/* @w has left. */
void own_timer_left(struct arm_checker *c, struct own *u, const struct world *w, unsigned cpu);
void own_timer_written(struct arm_checker *c, struct own *u, const struct arm_event *p);

/* WFI at EL2; and the first that happens there behind it. */
void own_timer_sleeps(struct arm_checker *c, struct own *u, const struct arm_event *p);
void own_timer_wakes(struct arm_checker *c, struct own *u, unsigned cpu);

/* The run is over. */
void own_timer_end(struct arm_checker *c, struct own *u);

/* @w is about to be entered. */
void own_timer_entered(struct arm_checker *c, struct own *u, const struct world *w,
                       const struct arm_event *p);
