/* What a CPU tells of itself: the events of base/probe.def that come from it. */
#pragma once

#include "cpu/cpu.h"
#include "cpu/late.h"
#include "mmu/walk.h"

struct exception;

/* Where @cpu is: the common fields of an event that happens while cpu->pc and its count are
 * current. */
void cpu_locate(const struct cpu *cpu, struct arm_event *p);

/* Hand @p to its subscribers, with these. If one asks the machine to stop, that is before the next
 * instruction. */
void cpu_fire_here(struct cpu *cpu, struct arm_event *p);

/* The same for an event of the instruction at @i: makes both current; the next instruction is that
 * behind @i. */
void cpu_fire_insn(struct cpu *cpu, const struct insn *i, struct arm_event *p);

/* If somebody wants the event NAME: fire it for the instruction at @i, the fields of its row given
 * as initializers. */
#define CPU_FIRE(cpu, i, NAME, member, ...)                                                        \
    do {                                                                                           \
        if (cpu_wants(cpu, ARM_EVENT_##NAME))                                                      \
            cpu_fire_insn(cpu, i,                                                                  \
                          &(struct arm_event){.kind = ARM_EVENT_##NAME, .member = {__VA_ARGS__}}); \
    } while (0)

/* Tell that hardware has changed @sr, if it has and somebody wants to know; it was @before. @i: the
 * instruction that made it; NULL: it was none, and cpu->pc is current. */
void cpu_tell_hwreg(struct cpu *cpu, const struct insn *i, enum sysreg sr, uint64_t before,
                    unsigned cause);

/* The events of an exception that is being taken, and of an exception return, while the CPU is
 * still where it comes from. */
#define EXCEPTION_EVENTS (BIT(ARM_EVENT_EXCEPTION) | BIT(ARM_EVENT_WORLD) | WANTED_LATE)
#define RETURN_EVENTS    (BIT(ARM_EVENT_ERET) | BIT(ARM_EVENT_WORLD) | WANTED_LATE)
/* All that SVC, HVC, SMC and ERET may tell. */
#define CROSSING_EVENTS                                                                            \
    (EXCEPTION_EVENTS | RETURN_EVENTS | BIT(ARM_EVENT_INSN) | BIT(ARM_EVENT_CALL) |                \
     BIT(ARM_EVENT_HWREG))

void cpu_tell_exception(struct cpu *cpu, const struct exception *e, uint64_t vector, uint64_t spsr);
void cpu_tell_return(struct cpu *cpu, const struct insn *i, uint64_t pc, uint64_t spsr, bool legal);

/* mmu_translate() for the instruction at @i, or for the fetch at cpu->pc (@i is NULL); its steps
 * are events. */
bool cpu_walk_watched(struct cpu *cpu, const struct insn *i, const struct xlat *x, struct tlb *tlb,
                      uint64_t address, const struct mmu_access *a, struct translation *t,
                      struct mmu_fault *flt);

static inline bool cpu_walk(struct cpu *cpu, const struct insn *i, const struct xlat *x,
                            struct tlb *tlb, uint64_t address, const struct mmu_access *a,
                            struct translation *t, struct mmu_fault *flt)
{
    if (unlikely(cpu->wanted & (BIT(ARM_EVENT_WALK) | WANTED_LATE)))
        return cpu_walk_watched(cpu, i, x, tlb, address, a, t, flt);
    return mmu_translate(x, cpu->mem, tlb, va(address), a, t, flt);
}
