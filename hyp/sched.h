/*
 * Tasks and who runs them. A task is a stack of EL2: a virtual CPU's run loop, a host task, or a
 * CPU's idle loop. One run queue for all CPUs, first come first served, a slice each (hyp.slice),
 * preempted by the hypervisor timer. Tasks of virtual CPUs change only where their run loop asks
 * (sched_point()); host tasks at any instruction.
 */
#pragma once

#include "hyp/cpu.h"

enum task_state { TASK_BLOCKED, TASK_READY, TASK_RUNNING };

struct task {
    uint64_t sp; /* while it does not run: what task_switch() pushed is there */
    char name[16];
    enum task_state state;
    bool wake_pending; /* woken while it was about to block */
    bool is_idle;
    bool preemptible; /* by any interrupt */
    int pinned;       /* to that CPU; -1: to none */
    struct task *next;
    struct vcpu *vcpu; /* whose run loop this is; NULL */
    void (*run)(void *arg);
    void *arg;
    bool uses_fp;    /* a host task whose V registers must be right whenever it runs */
    bool foreign_fp; /* they are not in the CPU, though it ran here last */
    struct fp_state fp;
    uint64_t waiting_since; /* CNTPCT_EL0; for stolen time */
    uint64_t stolen;
    uint64_t slice_end;
};

/* A deadline of this CPU: fn(arg) runs there in an interrupt. */
struct soft_timer {
    uint64_t at; /* CNTPCT_EL0 */
    void (*fn)(void *arg);
    void *arg;
    struct pcpu *cpu; /* NULL: not armed */
    struct soft_timer *next;
};

void task_init(struct task *t, const char *name, void *stack, void (*run)(void *), void *arg);

/* Ready to run; from any CPU and from interrupts. */
void task_wake(struct task *t);

/* The current task sleeps until task_wake(); returns at once if that came since the last block. */
void task_block(void);

/* Another task gets the CPU if this one's time is over. */
void sched_point(void);
void task_yield(void);

/* The current CPU's own loop, never returns. */
void sched_idle(void) __attribute__((noreturn));

/* From the interrupt path, before it returns: a host task may be preempted. */
void sched_irq_exit(void);

void timer_arm(struct soft_timer *t, uint64_t at);
void timer_disarm(struct soft_timer *t);

/* PPI 26 has fired; another CPU has made a task ready. */
void sched_timer_irq(void);
void sched_kicked(void);

/* Counter ticks of that many microseconds. */
uint64_t sched_ticks(uint64_t us);

/* hyp/entry.S: pushes x19-x30, leaves sp in *from, takes `to` and pops. */
void task_switch(uint64_t *from, uint64_t to);
void task_start(void); /* where a new task begins: task_main() */
void task_main(void);
