/*
 * The registers that are followed, as one list: general ones, vectors, and every row of
 * arch/sysreg.def that a world can have a value in. A register is its index in it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/sysreg_owner.h"
#include "armillary.h"

struct arm_checker;

#define REG_X(n) (n)        /* X0 to X30 */
#define REG_V(n) (31 + (n)) /* V0 to V31 */
#define REG_SYS  63         /* the first system register */
#define REG_NONE UINT16_MAX
#define REGS_MAX 400

struct reg_desc {
    uint32_t number; /* as the library has it */
    enum sysreg sr;  /* SR_NONE: a general register or a vector */
    enum sysreg_owner owner;
    uint64_t mask; /* bits that only software changes */
    bool counter;  /* of the performance monitors: regs_moves() */
    bool message;  /* a list register: no value of a world, but a message to it, which EL2 makes
                      anew. What is followed of it is its slots (checker/own_message.c) */
};

struct regs {
    unsigned count;
    struct reg_desc desc[REGS_MAX];
    uint16_t of_sysreg[SR_COUNT]; /* index, or REG_NONE */
};

/* Those that CPU 0 of the machine has. */
void regs_init(struct regs *r, struct arm_machine *m);

/* Which one an access to the system register @number on @cpu is of; REG_NONE: of none that is
 * followed. */
unsigned regs_accessed(const struct arm_checker *c, unsigned cpu, uint32_t number);

/* Does hardware change @reg on @cpu now: a counter that counts, or what tells overflows of any? */
bool regs_moves(const struct arm_checker *c, unsigned cpu, unsigned reg);

/* The timers that a world can have: the virtual and the physical one. */
#define REGS_TIMERS 2
struct regs_timer {
    uint16_t intid;
    enum sysreg ctl, cval, tval, offset;
};
extern const struct regs_timer regs_timers[REGS_TIMERS];

/* The one whose interrupt is @intid; REGS_TIMERS: none. */
unsigned regs_timer_of(uint64_t intid);

/* The value of register @reg on @cpu: 128 bits of V. */
struct value128 {
    uint64_t lo, hi;
};
struct value128 regs_get(const struct arm_checker *c, unsigned cpu, unsigned reg);

/* Would EL1 see what @reg holds, by reading it or by what it does, with the traps that @cpu has set
 * now? */
bool regs_observable(const struct arm_checker *c, unsigned cpu, unsigned reg);

/* @reg, a control of EL2, goes from @before to @now: does more trap then, and has nothing else
 * changed? Then EL2 sees what the world does, and may set it anew. */
bool regs_only_traps_more(const struct arm_checker *c, unsigned cpu, unsigned reg, uint64_t before,
                          uint64_t now);

/* Of a control register of any of the timers, which are laid out alike: its condition holds and its
 * interrupt is not masked. */
bool regs_timer_asserts(uint64_t ctl);

/* What EL2 may compute from what a world has in a register, and give it back. */
enum regs_use {
    REGS_ANY,     /* it is a control: EL2 has bits of its own there, for errata or debugging */
    REGS_BY_CALL, /* it means something to the world alone, which can ask for anything by a call */
    REGS_NEVER,   /* an exception has left it: EL2 writes that with exceptions of its own making */
};
enum regs_use regs_use(const struct arm_checker *c, unsigned reg);

/* Does EL2 let the world below use FP and SIMD now? */
bool regs_fp_enabled(const struct arm_checker *c, unsigned cpu);
