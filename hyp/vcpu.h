/* Virtual machines and virtual CPUs, from inside. */
#pragma once

#include "hyp/console.h"
#include "hyp/context.h"
#include "hyp/fpsimd.h"
#include "hyp/hyp.h"
#include "hyp/sched.h"
#include "hyp/stage2.h"
#include "hyp/vgic.h"
#include "hyp/vpl011.h"
#include "hyp/vtimer.h"

#define VMS_MAX   8
#define VCPUS_MAX 8

/* Which vector a guest left by (hyp/entry.S). */
enum exit_kind { EXIT_SYNC, EXIT_IRQ, EXIT_FIQ, EXIT_SERROR };

enum vcpu_power { POWER_OFF, POWER_ON_PENDING, POWER_ON };

/* One virtual CPU. The first members are what an exit and an entry touch. */
struct vcpu {
    struct guest_regs regs; /* the guest's while it does not run (hyp/entry.S: at offset 0) */
    uint64_t esr;           /* of the last synchronous exit or SError */
    uint64_t fault_ipa;     /* of the last abort, */
    bool fault_known;       /* if that could be told (hyp/fault.h) */
    uint64_t hcr;           /* HCR_EL2 as loaded */
    uint64_t mdcr;
    bool running; /* in the guest: a kick is an interrupt */
    bool kicked;  /* HYP_PV_KICK, and no HYP_PV_WAIT since */
    uint64_t entries;
    bool poked;             /* WFI does not sleep: something has come */
    struct pcpu *loaded_on; /* its load/put registers are in that CPU; NULL: in memory */
    struct pcpu *last_cpu;
    struct lock moving; /* load, put, and access from elsewhere exclude each other */
    struct context ctx;
    struct vgic_cpu vgic;
    struct vtimer vtimer, ptimer;
    struct fp_state fp;
    unsigned lazy; /* BIT(group) of the lazy groups that it has used since its load */

    struct vm *vm;
    unsigned index;
    uint64_t mpidr;
    struct task task;
    enum vcpu_power power; /* under vm->lock */
    uint64_t entry, entry_x0;
    bool stopping;
    uint64_t serror; /* VSESR_EL2 of a virtual SError that is pending; with bit 63 */
    uint64_t pv_time_ipa;
};

struct vm {
    char name[16];
    unsigned index;
    struct lock lock; /* power states, stage-2 changes are under their own */
    struct stage2 s2;
    uint64_t ram_pa, ram_size;
    uint32_t *frames; /* which page of it each is in; NULL: in their order (hyp/memory.h) */
    struct lock frames_lock;
    uint64_t cntvoff;
    struct vgic vgic;
    struct vpl011 uart;
    struct console_line line;
    struct vcpu *last_on[CPUS_MAX]; /* which virtual CPU ran there last */
    struct vcpu *vcpus;
    unsigned vcpu_count;
    unsigned vcpus_on; /* not OFF */
    bool stopping;
    enum vm_end end;
    struct vm_ops ops;
    void *user;
    unsigned complaints; /* printed about what it does */
    uint64_t *pv_time;   /* one page: 64 bytes a virtual CPU */
};

/* The load/put half of the world switch (hyp/switch.c); on the CPU that runs the virtual CPU's
 * task. */
void vcpu_load(struct vcpu *v);
void vcpu_put(struct vcpu *v);

/* Enter the guest once, and what the exit requires before interrupts are enabled. With them masked,
 * loaded. */
enum exit_kind vcpu_enter(struct pcpu *cpu, struct vcpu *v);

/* Handle an exit; interrupts enabled (hyp/exits.c). */
void vcpu_handle_exit(struct vcpu *v, enum exit_kind kind);

/* A register of a virtual CPU from outside: wherever it is, running or not. */
uint64_t vcpu_reg_get(struct vcpu *v, enum slot slot);
void vcpu_reg_set(struct vcpu *v, enum slot slot, uint64_t value);

/* From its own task: read and write now. */
#define vcpu_read(v, reg)         context_read(&(v)->ctx, SLOT_##reg)
#define vcpu_write(v, reg, value) context_write(&(v)->ctx, SLOT_##reg, value)

/* WFI: sleep until something has come for it. From its own task. */
void vcpu_wait(struct vcpu *v);

/* Something has come for it: out of WFI, out of the guest. From anywhere. */
void vcpu_kick(struct vcpu *v);

/* General register n of a trapped instruction: 31 is XZR. */
static inline uint64_t vcpu_x(const struct vcpu *v, unsigned n)
{
    return n == 31 ? 0 : v->regs.x[n];
}

static inline void vcpu_set_x(struct vcpu *v, unsigned n, uint64_t value)
{
    if (n != 31)
        v->regs.x[n] = value;
}

/* Past the instruction that trapped. */
static inline void vcpu_skip(struct vcpu *v)
{
    v->regs.pc += 4;
    v->regs.pstate &= ~(MASK(11, 10) | BIT(21)); /* BTYPE and SS, as its execution would */
}

/* A byte that was typed for the guest. */
void vm_input(struct vm *vm, char c);

/* This virtual CPU stops running: CPU_OFF, or the end of its VM. From its own task; returns when it
 * is on again. */
void vcpu_off(struct vcpu *v);
