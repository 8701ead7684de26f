/*
 * What the guests are made of. A guest is one arm64 Image that verifies itself at EL1 and prints
 * exactly one line, "name: ok NUMBERS" or "name: FAIL FIRST BAD THING", before PSCI SYSTEM_OFF. It
 * runs alone on a machine without EL2 or under a hypervisor, and takes nothing for granted that the
 * device tree or an ID register says. Its parameters are on the kernel's command line: rounds=N
 * seed=N, and break=WHAT, which makes it corrupt its own state once, so that the check behind is
 * seen to work (break=list prints what there is),
 * and patience=MS, how long what should happen may take.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "insns.h"
#include "layout.h"

/* What a guest is. The rest of its file is static. */
struct guest {
    const char *name;
    const char *const *breaks; /* names of its sabotages, NULL-ended; the index is sabotage()'s */
    bool mmu_off;              /* leaves the MMU off, to have its registers for itself */
    void (*run)(void);         /* on CPU 0, the others off; ends with report_ok() */
};
extern const struct guest guest;

/* As the vectors save it. */
struct frame {
    uint64_t x[31], elr, spsr, esr, far;
};
_Static_assert(sizeof(struct frame) <= FRAME_BYTES, "the vectors' frame");

/* Handlers of a guest; an exception without one fails it. IRQ and FIQ go to irq. sync says whether
 * it knew the exception. They run with all of DAIF masked. */
extern void (*volatile irq_handler)(struct frame *f);
extern bool (*volatile sync_handler)(struct frame *f);

#define EC(esr) FIELD(esr, 31, 26)
enum ec {
    EC_UNKNOWN = 0x00,
    EC_FP = 0x07,
    EC_SYSREG = 0x18,
    EC_PAC_FAIL = 0x1c,
    EC_DABT_CUR = 0x25,
    EC_BREAK_CUR = 0x31,
    EC_STEP_CUR = 0x33,
    EC_WATCH_CUR = 0x35,
    EC_BRK = 0x3c,
};

/* The number of this CPU, 0 to MAX_CPUS - 1: that of its stack, so no register is kept for it. */
extern char stacks[];
static inline unsigned cpu_index(void)
{
    uint64_t sp;

    __asm__("mov %0, sp" : "=r"(sp));
    return (unsigned)((sp - 1 - (uint64_t)stacks) / STACK_BYTES);
}

static inline void irqs_on(void)
{
    insn("msr daifclr, #3");
}

static inline void irqs_off(void)
{
    insn("msr daifset, #3");
}

static inline bool irqs_are_on(void)
{
    return !(mrs(daif) & BIT(7));
}

/* Counter ticks of the virtual timer. */
static inline uint64_t now(void)
{
    isb();
    return mrs(cntvct_el0);
}

static inline uint64_t ticks_of_us(uint64_t us)
{
    return us * mrs(cntfrq_el0) / 1000000 + 1;
}
