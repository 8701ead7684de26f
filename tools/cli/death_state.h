/* What is known of a guest that has died, or looks so, and what is said of it. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/esr.h"
#include "arch/ppi.h"
#include "arch/vector.h"
#include "armillary.h"
#include "death.h"
#include "death_panic.h"
#include "death_reset.h"

/* Flash memory is from 0 to here; stores to it are lost. RAM is behind the devices. */
#define FLASH_END UINT64_C(0x08000000)

/* An exception that was taken. */
struct death_fault {
    bool valid;
    unsigned cpu, el, from; /* taken to, taken from */
    uint64_t esr, elr, far, hpfar, spsr, vector, count;
    bool syndrome; /* IRQ and FIQ have none */
    bool at_once;  /* at the instruction that was returned to: none had retired since */
};

/* @p: ARM_EVENT_EXCEPTION. */
static inline struct death_fault death_fault_of(const struct arm_event *p)
{
    return (struct death_fault){.valid = true,
                                .cpu = p->cpu,
                                .el = p->exception.target_el,
                                .from = p->el,
                                .esr = p->exception.esr,
                                .elr = p->pc,
                                .far = p->exception.far,
                                .hpfar = p->exception.hpfar,
                                .spsr = p->exception.spsr,
                                .vector = p->exception.vector,
                                .count = p->count,
                                .syndrome = !vector_is_interrupt(p->exception.vector)};
}

/* ESR_ELx.EC and, of an abort, .DFSC or .IFSC. */
static inline unsigned death_ec(const struct death_fault *f)
{
    return (unsigned)(f->esr >> 26) & 63;
}

static inline unsigned death_fsc(const struct death_fault *f)
{
    return (unsigned)f->esr & 63;
}

/* An abort of an instruction's fetch, of this EL or a lower one. */
static inline bool death_is_fetch(const struct death_fault *f)
{
    return death_ec(f) == ESR_EC_IABT_LOW || death_ec(f) == ESR_EC_IABT_CUR;
}

/* What an abort's instruction was doing: WnR of data aborts. */
static inline enum arm_access death_access(const struct death_fault *f)
{
    return death_is_fetch(f) ? ARM_ACCESS_EXECUTE
           : f->esr >> 6 & 1 ? ARM_ACCESS_WRITE
                             : ARM_ACCESS_READ;
}

/* The last write of a system register. */
struct death_write {
    uint32_t number;
    unsigned cpu, el;
    uint64_t pc, count, value, before, after;
};

/* A return that was illegal, and one that was not. */
struct death_return {
    bool valid;
    unsigned from, to;
    uint64_t pc, target, spsr, count;
};

#define DEATH_ELS        4  /* EL0 to EL3 */
#define DEATH_EXCEPTIONS 64 /* the last ones that are kept */

/* What the run has been through: collected by running it again. */
struct death_history {
    struct death_fault last[DEATH_EXCEPTIONS];
    uint64_t exceptions;
    struct death_fault
        open[ARM_CPUS_MAX][DEATH_ELS]; /* the first to this EL since the last return from it, and */
    struct death_fault first[ARM_CPUS_MAX]
                            [DEATH_ELS]; /* that even if it was a call, and errors came */
    struct death_return illegal[ARM_CPUS_MAX], entered[ARM_CPUS_MAX];
    uint64_t returned[ARM_CPUS_MAX]; /* retired before the last return, legal or not */
    GHashTable *writes;              /* cpu << 32 | number: struct death_write */
    struct arm_event refused; /* the last call of the firmware that failed; function 0: none */
    char refusal[240];        /* the last line of a device about the guest's doings; "": none */
    struct arm_event started; /* the last CPU_ON that did not fail; function 0: none */
    struct arm_event called; /* the last call of the firmware, and how often in a row it was this */
    unsigned calls;          /* one, with the same answer */
};

struct death_trace;

struct corpse {
    struct arm_machine *m;
    const struct run_request *req; /* NULL: there is none */
    const struct arm_config *config;
    enum death_kind kind;
    bool stacked; /* of DEATH_STORM: within its own handler */
    bool ended;   /* the machine runs no further: registers may be tried */
    unsigned cpu;
    struct death_fault fault;          /* the one that it is about, if it is about one */
    struct death_fault loop;           /* the one that it ends in */
    struct death_history *history;     /* NULL: not known */
    struct death_trace *trace;         /* how it came to the fault, or where it stands; or NULL */
    struct arm_checker *symbols;       /* NULL: none */
    const struct death_panic *panic;   /* of DEATH_PANIC */
    const struct death_resets *resets; /* of DEATH_RESETS */
};

/* One line each, without an end. */
struct verdict {
    GString *cause, *evidence, *next;
};

/* ---- the parts ---- */

/* @ends: the run has ended by itself. NULL: it cannot be had again, or was too long. */
struct death_history *death_history_new(struct arm_machine *m, const struct run_request *req,
                                        bool ends);
/* Have its last exceptions all been errors of @cpu's within one EL, each at another instruction, to
 * which it had just returned? */
bool death_history_fails(const struct death_history *h, unsigned cpu);
/* Have they all been the same load of @cpu's at EL1, which EL2 emulates (death_loop.c)? */
bool death_history_asks(const struct death_history *h, unsigned cpu);
void death_history_free(struct death_history *h); /* may be NULL */

/* The last write of it on @cpu; NULL: none, or not known. */
const struct death_write *death_written(const struct corpse *c, unsigned cpu, const char *name);

/* False: nothing to say. */
bool death_explain_fault(const struct corpse *c, const struct death_fault *f, struct verdict *v);
bool death_explain_abort(const struct corpse *c, const struct death_fault *f, struct verdict *v);
bool death_explain_undefined(const struct corpse *c, const struct death_fault *f,
                             struct verdict *v);
bool death_explain_text(const struct corpse *c, const struct death_fault *f, struct verdict *v);
bool death_explain_trap(const struct corpse *c, const struct death_fault *f, struct verdict *v);
bool death_explain_pauth_trap(const struct corpse *c, const struct death_fault *f,
                              struct verdict *v);

/* "HCR_EL2.TWI is 1": which control traps an instruction that is no access of a system register
 * (death_traps.c). False: none that is known. */
bool death_add_trap_bit(const struct corpse *c, const struct death_fault *f, GString *out);
bool death_explain_wait(const struct corpse *c, struct verdict *v);
bool death_explain_storm(const struct corpse *c, struct verdict *v);
void death_explain_resets(const struct corpse *c, struct verdict *v);

/* An exception that means nothing bad, and whose vector only stops; a trap whose handler returns to
 * the instruction (death_vectors.c). */
bool death_explain_vector(const struct corpse *c, struct verdict *v);
bool death_is_trap(const struct death_fault *f);
bool death_add_call(const struct corpse *c, const struct death_fault *f, GString *out);

/* What its handler has left out behind a call, just before @f: it added 4 to ELR (death_vectors.c).
 */
bool death_add_left_out(const struct corpse *c, const struct death_fault *f, GString *out);
/* What EL2 has taken is the fetch of EL1's own vector, for a call or an interrupt: which
 * (death_vectors.c). */
bool death_is_guests_vector(const struct corpse *c, const struct death_fault *f);
void death_add_guests_vector(const struct corpse *c, const struct death_fault *f, GString *out);
bool death_explain_trap_again(const struct corpse *c, const struct death_fault *f,
                              struct verdict *v);

/* How it came to the instruction that it failed at: by the last ERET (true), or as X30 may tell. */
bool death_add_way(const struct corpse *c, const struct death_fault *f, GString *out);

/* ELR and SPSR were restored from one another's places. */
bool death_add_exchanged(const struct corpse *c, const struct death_return *r, GString *out);

/* What another board has at @pa; false: nothing that is known. */
bool death_add_other_board(const struct corpse *c, uint64_t pa, GString *out);

/* What this board has at @pa, where a program has not mapped it. */
bool death_add_own_board(uint64_t pa, GString *out);

/* @value, read at @pa, says that the UART's other end is silent: what its bits are. */
bool death_add_uart_flags(uint64_t pa, uint64_t value, GString *out);

/* What a device has not done for the guest, and said so to nobody (death_wait.c). */
bool death_add_refusal(const struct corpse *c, GString *out);

/* @pa is in the used ring of a virtio queue: why the device has not used anything
 * (death_virtio.c). */
bool death_add_virtio(const struct corpse *c, uint64_t pa, GString *out);

/* An interrupt that is enabled, and active or pending (death_storm.c). */
bool death_find_busy(const struct corpse *c, unsigned *intid);

/* The timer whose interrupt @intid is, or NULL; what INTIDs are called (death_wait.c). */
struct death_timer {
    unsigned intid;
    const char *name, *ctl, *cval;
};
const struct death_timer *death_timer(unsigned intid);
const char *death_irq_name(unsigned intid);

/* Slips that look like something else (death_slips.c); false: it is not that. */
bool death_explain_no_stack(const struct corpse *c, const struct death_fault *f, struct verdict *v);
bool death_explain_null_call(const struct corpse *c, const struct death_fault *f,
                             struct verdict *v);
bool death_explain_return_to_itself(const struct corpse *c, struct verdict *v);
bool death_explain_asking(const struct corpse *c, struct verdict *v);

/* "TTBR0_EL2 was never written, but TTBR0_EL1 was, by EL2 itself" (death_registers.c). False: it is
 * not so, or not known. */
bool death_add_other_el(const struct corpse *c, unsigned cpu, const char *stem, GString *out);

/* It has parked itself by MPIDR_EL1 or CurrentEL (death_parked.c). False: not so, or not known. */
bool death_explain_parked(const struct corpse *c, struct verdict *v);

/* By what the CPU executed last (death_loop.c): a loop that asks for ever; what was read before a
 * WFE. False: it is not that, or not known. */
bool death_explain_loop(const struct corpse *c, struct verdict *v);

/* Of the firmware's answers: the last refusal; the same one again and again, to a call at one of
 * the addresses @low to @high. */
bool death_explain_refused(const struct corpse *c, struct verdict *v);
bool death_explain_asks(const struct corpse *c, uint64_t low, uint64_t high, struct verdict *v);
/* A CPU sleeps in WFE for a value that has come; a timer was on, and is not (death_asleep.c). */
bool death_explain_asleep(const struct corpse *c, struct verdict *v);
bool death_add_timer_off(const struct corpse *c, GString *out);

bool death_explain_answers(const struct corpse *c, struct verdict *v);
bool death_explain_chase(const struct corpse *c, struct verdict *v);    /* death_chase.c */
bool death_explain_lost_sgi(const struct corpse *c, struct verdict *v); /* death_sgi.c */
bool death_explain_count(const struct corpse *c, struct verdict *v);    /* death_count.c */
/* A loop that fills memory by the store at @store, whose end it has passed without being exactly
 * there (death_count.c). */
bool death_explain_fill(const struct corpse *c, uint64_t store, struct verdict *v);

/* Why @value of a system register is no other one: "...; ", or nothing (death_count.c). */
void death_add_waited_for(const char *name, uint64_t value, GString *out);
bool death_add_wfe_value(const struct corpse *c, GString *out);

bool death_add_why_el0(const struct corpse *c, const struct death_fault *f, GString *out);

/* Where no code is, or the stack's end, by the CPU's last instructions and stores (death_jump.c).
 * False: it is not that, or not known. */
bool death_explain_return(const struct corpse *c, const struct death_fault *f, struct verdict *v);
bool death_explain_overwritten(const struct corpse *c, const struct death_fault *f, uint32_t word,
                               struct verdict *v);
bool death_explain_stack_end(const struct corpse *c, const struct death_fault *f,
                             struct verdict *v);
/* What to do about interrupts within their own handler. */
#define DEATH_NESTED_NEXT                                                                          \
    "read ICC_IAR1_EL1 and take the device's reason away before PSTATE.I is cleared in the "       \
    "handler"

/* The stack was used up by interrupts within their own handler. */
bool death_add_nested(const struct corpse *c, const struct death_fault *f, struct verdict *v);
bool death_add_jump(const struct corpse *c, const struct death_fault *f, GString *out);

/* "X2 was loaded from 0x10 at main+0x8, which nothing has written": where X@reg had its value from
 * that @f failed with (death_origin.c). death_add_clobbered(): the base register of an access that
 * failed is what a handler has left in it. False: not known, or it is not so. */
bool death_add_origin(const struct corpse *c, const struct death_fault *f, unsigned reg,
                      GString *out);
bool death_add_clobbered(const struct corpse *c, const struct death_fault *f, GString *out);

/* "just before it ICC_IAR1_EL1 was read as 1023": a handler that takes that for an INTID
 * (death_origin.c). */
bool death_add_spurious(const struct corpse *c, const struct death_fault *f, GString *out);

/* "its log has: Kernel panic - not syncing: ...", from memory (death_panic.c); or nothing. */
bool death_add_last_words(const struct corpse *c, GString *out);

/* It has stopped in a function whose name says that it gives up (death_slips.c). */
bool death_explain_given_up(const struct corpse *c, struct verdict *v);

/* Who wrote @size bytes at @pa last, before @f; @at is the caller's. */
struct death_overwritten {
    char *at;
    unsigned cpu;
    bool by_stack; /* by an access whose base is SP */
};
bool death_add_overwritten(const struct corpse *c, const struct death_fault *f, uint64_t pa,
                           unsigned size, struct death_overwritten *o);

/* Is the exception one that means that something is wrong, and not a call or an interrupt? */
bool death_is_error(const struct death_fault *f);

/* A breakpoint, a watchpoint or a software step, which somebody has asked for. */
bool death_is_debug(const struct death_fault *f);

/* Registers, walk, backtrace, last exceptions and writes. */
void death_add_details(const struct corpse *c, GString *out);

/* The instructions that called one another, the innermost first, by frame records (AAPCS64: X29
 * points to the caller's X29 and X30), as addresses of *@el. Return: how many. */
#define DEATH_FRAMES 16
unsigned death_frames(const struct corpse *c, unsigned *el, uint64_t pcs[DEATH_FRAMES]);

/* A CPU that is in a function whose name says that it gives up, or has called others from there
 * (death_slips.c). False: none is. */
bool death_find_given_up(const struct corpse *c, unsigned *cpu);

/* ---- what they share ---- */

uint64_t death_reg(const struct corpse *c, unsigned cpu, const char *name);
uint64_t death_reg_el(const struct corpse *c, unsigned cpu, const char *stem, unsigned el);

/* The EL that @cpu is at. */
unsigned death_el(const struct corpse *c, unsigned cpu);

/* "0x40080010 (main+0x10)"; freed by the caller. */
char *death_place(const struct corpse *c, unsigned cpu, unsigned el, uint64_t address);

/* The instruction at @pc as @el sees it; false: it cannot be read. */
bool death_insn(const struct corpse *c, unsigned cpu, unsigned el, uint64_t pc, uint32_t *word);
