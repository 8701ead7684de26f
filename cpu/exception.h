/* Taking exceptions and returning from them: AArch64.TakeException(), AArch64.ExceptionReturn(). */
#pragma once

#include "arch/esr.h"
#include "cpu/cpu.h"

enum exc_type {
    EXC_SYNC = 0,
    EXC_IRQ = 0x80,
    EXC_FIQ = 0x100,
    EXC_SERROR = 0x180
}; /* vector offset */

struct exception {
    enum exc_type type;
    unsigned target_el; /* 1 or 2 */
    uint64_t ret;       /* preferred return address */
    uint64_t esr;       /* written to ESR_ELx unless type is IRQ or FIQ */
    bool far_valid;     /* FAR_ELx is written */
    uint64_t far;
    bool hpfar_valid; /* HPFAR_EL2 is written (target_el 2) */
    uint64_t hpfar;
    bool completed; /* SVC, HVC, SMC: the instruction that takes it retires at the EL it leaves */
};

/* Enter the handler: cpu->pc becomes the vector, PSTATE and banked registers follow, the
 * translation context is switched. */
void cpu_take_exception(struct cpu *cpu, const struct exception *e);

/* Where a synchronous exception goes that no rule sends elsewhere: EL1, or EL2 from EL2 and from
 * EL0 with HCR_EL2.TGE. */
unsigned cpu_default_target_el(const struct cpu *cpu);

/* AArch64.ExceptionReturn() from the current EL's ELR and SPSR (already authenticated: @pc, @spsr).
 */
void cpu_exception_return(struct cpu *cpu, uint64_t pc, uint64_t spsr);

/* PSTATE as SPSR_ELx holds it, and the whole PSTATE from such a value (no checks). */
uint64_t cpu_pstate_to_spsr(const struct cpu *cpu);

/* Make x[REG_SP] the register that @sp and @el select, after saving the current one. */
void cpu_set_el_sp(struct cpu *cpu, unsigned el, unsigned sp);

/* The stack pointer of @el (SP_EL0 for 0) wherever it currently lives. */
uint64_t cpu_sp_get(const struct cpu *cpu, unsigned el);
void cpu_sp_set(struct cpu *cpu, unsigned el, uint64_t value);

/* HCR_EL2 as it acts: zero without EL2. */
uint64_t cpu_hcr(const struct cpu *cpu);

/* HCR_EL2.E2H as it acts. */
bool cpu_e2h(const struct cpu *cpu);
bool cpu_host_regime(const struct cpu *cpu); /* E2H && TGE: EL0 belongs to EL2 */
bool cpu_host_el0(const struct cpu *cpu);    /* EL0 under EL2&0: E2H && TGE */
bool cpu_el2_regime(const struct cpu *cpu);  /* S1TranslationRegime() is EL2's: EL2, host EL0 */

/* Take the highest-priority unmasked pending interrupt (physical or virtual), if any: true if
 * taken. cpu->pc must be current. */
bool cpu_take_interrupt(struct cpu *cpu);

/* AArch64.BranchAddr(): @pc without its tag where the current regime ignores it. */
uint64_t cpu_branch_addr(const struct cpu *cpu, uint64_t pc);

/* Where @cpu is: the common fields of an event that happens while cpu->pc and its count are
 * current.
 */
void cpu_locate(const struct cpu *cpu, struct arm_event *p);

/* Hand @p to its subscribers, with these. */
void cpu_fire_here(struct cpu *cpu, struct arm_event *p);

/* The same for an event of the instruction at @i: makes both current, and if a subscriber asks the
 * machine to stop, that is before the instruction behind @i. */
void cpu_fire_insn(struct cpu *cpu, const struct insn *i, struct arm_event *p);

/* If somebody wants the event NAME: fire it for the instruction at @i, the fields of its row given
 * as initializers. */
#define CPU_FIRE(cpu, i, NAME, member, ...)                                                        \
    do {                                                                                           \
        if (cpu_wants(cpu, ARM_EVENT_##NAME))                                                      \
            cpu_fire_insn(cpu, i,                                                                  \
                          &(struct arm_event){.kind = ARM_EVENT_##NAME, .member = {__VA_ARGS__}}); \
    } while (0)

/* Could no physical interrupt or SError be taken now, even if it were pending? */
bool cpu_interrupts_masked(const struct cpu *cpu);

/* AArch64.ESBOperation() and AArch64.vESBOperation(): would a physical SError stay pending now; is
 * a virtual one pending and masked? */
bool cpu_serror_masked(const struct cpu *cpu);
bool cpu_virtual_serror_masked(const struct cpu *cpu);

/* Would WFI end now? A pending interrupt does so whether or not PSTATE masks it. */
bool cpu_wakeup_pending(const struct cpu *cpu);
