/* The composition root: what a machine is made of. */
#pragma once

#include <glib.h>

#include "armillary.h"
#include "base/clock.h"
#include "base/host_failure.h"
#include "base/physmem.h"
#include "cpu/cpu.h"
#include "gic/gic.h"
#include "loader/fdt.h"
#include "loader/loader.h"
#include "machine/input.h"
#include "machine/semihosting.h"
#include "machine/virt.h"

struct code_cache;
struct parallel;

/* Round robin: instructions a CPU runs before the next one's turn. */
#define MACHINE_QUANTUM 20000

/* The longest turn where lengths are drawn. */
#define MACHINE_TURN_MAX (2 * MACHINE_QUANTUM)

/* Instructions between the guest's taking a character of the UART and the next one's arrival, where
 * the host has more. */
#define MACHINE_INPUT_INSNS 1000

/* A CPU's turn. Only handing over to another CPU ends it: at the quantum's end, at a deadline of
 * the clock, or when the CPU waits. A limit or a request to stop pauses it, so that a run is the
 * same run however it is cut. */
struct turn {
    struct cpu *cpu; /* NULL: nobody's */
    uint64_t left;   /* instructions */
    bool fault_loop; /* the CPU takes exceptions for ever: the rest of the turn only passes */
    bool halted;     /* it has done the part of a semihosting call that is a turn's: likewise */
};

struct arm_machine {
    unsigned cpu_count;
    struct cpu *cpus[ARM_CPUS_MAX];
    uint64_t mpidr[ARM_CPUS_MAX];
    struct turn turn;
    unsigned next;    /* index of the CPU whose turn is next */
    bool turns_drawn; /* it, and the turn's length, are drawn: */
    uint64_t turn_rng;
    struct cpu *current; /* the CPU whose slice runs now, NULL between slices */
    struct cpu *last;    /* the one whose turn was last */
    struct {
        uint64_t entry, x0;
    } resume[ARM_CPUS_MAX]; /* of those that are CPU_SUSPENDED */

    struct physmem mem;
    struct clock clock;
    struct probes probes;
    GHashTable *watched; /* arm_watch_page(): how many times each page is, by its number; or NULL */
    struct arm_log log;
    struct gic *gic;
    struct code_cache *code;
    struct jit *jit;           /* NULL: the interpreter alone */
    struct late *late;         /* NULL: effects are at once */
    struct parallel *parallel; /* NULL: CPUs take turns. Else each has code and JIT of its own,
                                  these are the first one's, and this says whose the rest is */
    struct virt_board board;
    struct virt_config config;
    bool board_made;
    char *facts;           /* what a snapshot of another machine has to agree with: owned */
    size_t snapshot_bytes; /* of state, beside memory, that the last one had */
    struct boot_state boot;
    struct dt dt;

    /* What to load, kept for a reboot; owned. */
    char *kernel, *initrd, *append, *dtb, *bios;
    struct load_blob *blobs;
    int *blob_cpu; /* CPU started at the blob's entry, or -1 */
    unsigned blob_count;
    struct load_module *modules;
    unsigned module_count;
    struct load_domain *domains;
    unsigned domain_count;

    void (*console_write)(void *ctx, const uint8_t *data, size_t size);
    void *console_ctx;
    bool input_waits;  /* the host has had more for the UART than it could take */
    uint64_t input_at; /* `spent` at which it is asked within a turn; UINT64_MAX: at the next one */

    bool firmware; /* flash memory has some */
    bool at_el3;   /* what is loaded starts at EL3, and does what firmware does */
    bool el2, semihosting, semihosting_el0, no_reboot, keep_going;
    struct semihosting semi;
    unsigned start_el;
    uint64_t retired; /* by all CPUs */
    uint64_t spent;   /* the same, and the time of slices in which nothing could retire */

    /* struct arm_config's: poll is called between turns, and at input_at. */
    void (*poll)(void *ctx);
    bool (*idle)(void *ctx, uint64_t next_ns);
    void *host_ctx;
    struct input_log input;

    _Atomic bool stop_requested;
    _Atomic bool pause; /* the running CPU stops before its next instruction */
    bool hold;          /* and before the one that an INSN event, or a mark, tells of now */
    const struct code_marks *marks; /* of arm_run_until(); NULL: none */
    const struct cpu *counted;      /* the run ends when it has retired */
    uint64_t counted_goal;          /* so many, if it is not NULL */
    bool stopped;                   /* `stop` says why the run ends */
    enum arm_stop_reason stop;
    struct arm_end end;       /* of the last run */
    struct arm_error failure; /* of the host in a run; code 0: none */
    struct host_failure host; /* how CPUs and devices tell of it */
    int exit_code;
};

/* End the run before the running CPU's next instruction; the first reason wins. */
void machine_stop(struct arm_machine *m, enum arm_stop_reason why);

/* Likewise, for a reason that is not the guest's: whatever came before or comes after, runs end
 * with ARM_STOP_ERROR until a snapshot is restored. The first failure stays. */
void machine_fail(struct arm_machine *m, const struct arm_error *why);

/* Each CPU has a list for reads of system registers (arm_list_reads()). False: no memory. */
bool machine_make_lists(struct arm_machine *m);

/* The wire of an interrupt, as arm_set_irq() has it, without a log. False: there is none. */
bool machine_set_irq(struct arm_machine *m, unsigned cpu, unsigned intid, bool level);

/* The system signals an SError to a CPU: arm_raise_serror() without a log. */
bool machine_raise_serror(struct arm_machine *m, unsigned cpu, uint32_t syndrome);

/* A guest reset, warm or not: all images are loaded again, the rest of RAM, flash memory and disks
 * keep what they hold, and time goes on. Return 0 or -ARM_Exxx (a file has changed). */
int machine_reboot(struct arm_machine *m, struct arm_error *err)
    __attribute__((warn_unused_result));

/* Can @cpu run now? Wakes it if what it waited for has come. */
bool machine_runnable(struct arm_machine *m, struct cpu *cpu);

/* When @cpu's wait ends by itself; and the first one, or a device's or timer's. */
uint64_t machine_wait_ends_ns(const struct cpu *cpu);
uint64_t machine_next_wakeup_ns(const struct arm_machine *m);

/* @cpu is in a fault loop: say so, and stop if nothing can help. */
void machine_report_fault_loop(struct arm_machine *m, struct cpu *cpu);

/* Clock callbacks (machine/run.c). */
uint64_t machine_progress_ns(void *ctx);
void machine_rescheduled(void *ctx);

/* PSCI and SMCCC (machine/psci.c): arguments and results in x0..x3 of @cpu. */
void psci_call(struct arm_machine *m, struct cpu *cpu, uint16_t immediate);

/* Semihosting (machine/semihosting.c): HLT #0xF000, as struct cpu_env has it. */
bool semihosting_call(struct arm_machine *m, struct cpu *cpu, const struct insn *i);

/* Can the call that @cpu is halted in go on? */
bool semihosting_ready(struct arm_machine *m, unsigned cpu);

/* Does a call wait for the console, and how many of these bytes does it take? */
bool semihosting_takes_input(struct arm_machine *m);
size_t semihosting_input(struct arm_machine *m, const uint8_t *data, size_t size);

/* No more input will come. Return: a call waited for it. */
bool semihosting_end_input(struct arm_machine *m);

/* Does the machine answer SMC and HVC as firmware would (machine/wiring.c)? */
void machine_answer_calls(struct arm_machine *m, bool on);

/* Start @cpu at @entry in the EL the machine starts in, with x0 = @x0. */
void machine_start_cpu(struct arm_machine *m, struct cpu *cpu, uint64_t entry, uint64_t x0);

/* @cpu goes to sleep until an interrupt comes for it, and then starts in the same way, but with the
 * state of its timers. */
void machine_suspend_cpu(struct arm_machine *m, struct cpu *cpu, uint64_t entry, uint64_t x0);
void machine_resume_cpu(struct arm_machine *m, struct cpu *cpu);
