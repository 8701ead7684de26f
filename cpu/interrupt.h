/*
 * Interrupts: which are pending, masked, and taken where. Physical ones come from the pins; virtual
 * ones from the pins or from HCR_EL2.{VF,VI,VSE}. Taking one is cpu_take_interrupt().
 */
#pragma once

#include "cpu/cpu.h"

/* The bits of HCR_EL2 that make virtual interrupts pending without a pin. */
#define HCR_VIRTUAL_PENDING                                                                        \
    (FIELD_MASK(HCR_EL2_VF) | FIELD_MASK(HCR_EL2_VI) | FIELD_MASK(HCR_EL2_VSE))

/* In the order they are taken. */
enum interrupt_kind { INTERRUPT_FIQ, INTERRUPT_IRQ, INTERRUPT_SERROR, INTERRUPT_KINDS };

struct interrupt {
    enum interrupt_kind kind;
    bool virtual;
    unsigned target_el;
};

/* False, as nearly always: no pin is set, nor a bit for a virtual one. */
static inline bool cpu_interrupt_asked(const struct cpu *cpu)
{
    return cpu->irq_pin | cpu->fiq_pin | cpu->virq_pin | cpu->vfiq_pin | cpu->serror_pin ||
           (cpu->sr[SR_HCR_EL2] & HCR_VIRTUAL_PENDING);
}

/* AArch64.TakePendingInterrupts(): is there a pending interrupt (physical or virtual) that would be
 * taken now? The one of highest priority. */
bool cpu_interrupt_pending(const struct cpu *cpu, struct interrupt *out);

/* The EL that physical interrupts of kind @k are routed to; and the one that takes one now, or 0 if
 * it stays pending. */
unsigned cpu_physical_route(const struct cpu *cpu, enum interrupt_kind k);
unsigned cpu_physical_target(const struct cpu *cpu, enum interrupt_kind k);

/* Could no physical interrupt or SError be taken now, even if it were pending? */
bool cpu_interrupts_masked(const struct cpu *cpu);

/* AArch64.ESBOperation() and AArch64.vESBOperation(): would a physical SError stay pending now; is
 * a virtual one pending and masked? */
bool cpu_serror_masked(const struct cpu *cpu);
bool cpu_virtual_serror_masked(const struct cpu *cpu);

/* Would WFI end now? A pending interrupt does so whether or not PSTATE masks it. */
bool cpu_wakeup_pending(const struct cpu *cpu);

/**
 * cpu_raise_serror() - the system signals a physical SError, which stays pending until it is taken
 * or an ESB records it. One that is pending already keeps its syndrome.
 * @iss: ESR_ELx.{IDS,ISS}. IDS set: bits 23:0 are IMPLEMENTATION DEFINED. IDS clear: 0, or with
 * FEAT_RAS DFSC 0x11 with AET and EA.
 *
 * Return: false: the CPU reports no such syndrome; nothing happened.
 * Source: DDI0487 D24, ESR_ELx, "ISS encoding for an exception from an SError interrupt".
 */
bool cpu_raise_serror(struct cpu *cpu, uint32_t iss) __attribute__((warn_unused_result));
