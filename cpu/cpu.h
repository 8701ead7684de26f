/*
 * One processing element. Everything mutable of it hangs off struct cpu; see also cpu/mem.h (its
 * view of memory), cpu/exception.h, cpu/sysreg.h, cpu/context.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/features.h"
#include "arch/insn.h"
#include "arch/sysreg.h"
#include "base/bits.h"
#include "base/clock.h"
#include "base/host_failure.h"
#include "base/irq.h"
#include "base/log.h"
#include "base/physmem.h"
#include "base/probe.h"
#include "cpu/context_slot.h"
#include "cpu/exception_info.h"
#include "cpu/fp/fp.h"
#include "mmu/regime.h"
#include "mmu/tlb.h"

/* A 128-bit vector register; element 0 is the least significant. The host is little-endian. */
union vreg {
    uint8_t b[16];
    uint16_t h[8];
    uint32_t s[4];
    uint64_t d[2];
} __attribute__((aligned(16)));

/* PSTATE less NZCV, which lives in nf/zf/cf/vf below. One field a byte: they are tested singly. */
struct pstate {
    uint8_t el;   /* 0..3 */
    uint8_t sp;   /* PSTATE.SP */
    uint8_t daif; /* D=8 A=4 I=2 F=1 */
    uint8_t pan, uao, dit, ssbs, btype, il, ss;
};

#define PSTATE_D 8
#define PSTATE_A 4
#define PSTATE_I 2
#define PSTATE_F 1

/* The GIC CPU interface as system registers. Peers cannot include each other, so the machine
 * connects the GIC here. @virt: the access is to the virtual interface (ICV_*), see
 * HCR_EL2.{IMO,FMO}. */
struct cpu_gic_ops {
    uint64_t (*read)(void *ctx, unsigned cpu, enum sysreg sr, bool virt);
    void (*write)(void *ctx, unsigned cpu, enum sysreg sr, bool virt, uint64_t value);
    /* False: an access is UNDEFINED (list and active-priority registers beyond the implemented
     * ones). */
    bool (*implemented)(void *ctx, enum sysreg sr);
    /* The CPU is at EL3 now, in Secure state; SCR_EL3.FIQ is set. Told of whenever EL3 is
     * there and one of these may have changed; for who looks at registers as the CPU does.
     * NULL: nobody is. */
    void (*security)(void *ctx, unsigned cpu, bool el3, bool secure, bool fiq_to_el3);
};

/* What a CPU asks another one to look at before it goes on. */
#define CPU_ASK_EVENT  1 /* SEV */
#define CPU_ASK_TIMERS 2 /* a deadline of its timers has come */
#define CPU_ASK_PMU    4 /* one of its performance monitors */

/* CPUs that run at the same time, a host thread each (docs/decisions/077). See cpu/parallel.h. */
struct cpu_parallel {
    void (*lock)(void *ctx, unsigned cpu); /* calls nest; also of unlock */
    void (*unlock)(void *ctx, unsigned cpu);
    void (*alone)(void *ctx);
    void (*ask)(void *ctx, unsigned cpu, unsigned what);
};

/* What a CPU needs from its machine. */
struct cpu_env {
    void *ctx;
    /* SMC (or HVC without EL2) reached the firmware: arguments and results in x0..x17. */
    void (*firmware_call)(void *ctx, struct cpu *cpu, uint16_t immediate);
    /* HLT #0xF000 with semihosting on; NULL: off. False: an exception was taken instead, or the
     * answer takes longer: then the CPU is CPU_HALTED with its PC at the HLT. */
    bool (*semihosting)(void *ctx, struct cpu *cpu, const struct insn *i);
    bool semihosting_el0; /* from EL0 too */
    /* SEV: set the event register of every CPU. */
    void (*send_event)(void *ctx, struct cpu *sender);
    /* Broadcast TLBI (inner or outer shareable): apply to every CPU, the sender included. */
    void (*tlbi_broadcast)(void *ctx, struct cpu *sender, const struct tlbi *op);
    /* Told of memory that the host has not got for the next instruction: that is not executed, and
     * *pause is set. NULL: nobody is. */
    const struct host_failure *host;
    /* True: stop before the next instruction. Set by the machine, also from a callback. NULL:
     * never. */
    const _Atomic bool *pause;
    /* Addresses of instructions before which the machine may want to stop. NULL, or *marks is:
     * none. */
    const struct code_marks *const *marks;
    const struct cpu_parallel *parallel; /* NULL: CPUs take turns */
    /* True after an INSN event, or at a mark: stop before the instruction that it tells of. NULL:
     * never. */
    const bool *hold;
};

/* Their pages are kept off the fast path of fetches (TLB_X_MARKED), and there the observed loop
 * asks before each instruction; elsewhere nothing is slower. */
struct code_marks {
    const uint64_t *pcs; /* ascending */
    unsigned count;
    void (*reached)(void *ctx, struct cpu *cpu); /* may set *env.hold */
    void *ctx;
};

/* CPU_SUSPENDED: waits for any interrupt that the GIC would forward to it, whatever its interface
 * is set to. CPU_HALTED: in Debug state at a HLT, until the host has done what that asks for; when
 * it runs again the HLT goes on, and no interrupt comes before it. */
enum cpu_power { CPU_RUNNING, CPU_WFI, CPU_WFE, CPU_OFF, CPU_SUSPENDED, CPU_HALTED };

#define CPU_TIMERS 5 /* see enum cpu_timer */

/* Results of ComputePAC() by QARMA, see pauth.c. */
#define PAC_ENTRIES_LOG2 8

struct pac_input {
    uint64_t data, modifier, hi, lo;
    uint64_t rounds; /* which QARMA; 0: nothing is there yet */
};

struct pac_entry {
    struct pac_input in;
    uint64_t pac;
};

/* Reads of the counter at one place, see cpu/spin.h. */
struct spin {
    uint64_t pc, at;     /* of the last read: where, and cpu_retired() */
    uint64_t period;     /* instructions between the last two */
    uint32_t times;      /* in a row with that period */
    uint32_t rest;       /* reads to pass over: a look at such a loop was in vain */
    uint32_t rest_next;  /* after the next one that is */
    enum sysreg counter; /* that was read */
    uint64_t skipped;    /* instructions that have retired without being executed */
    bool due;            /* the last read is to be looked at before the next instruction */
};

/*
 * Each field is a row of cpu/state.def, which says whether it is architectural state, derived from
 * it, a cache, or wiring. What is hot stands first; there are no holes, so that no field can hide
 * in one from the test that looks for its row.
 */
struct cpu {
    /* Hot: what nearly every instruction touches, of all kinds. Blocks reach the first 256 bytes by
     * shorter code (JIT_BIAS). */
    struct tlb_bank *bank;        /* L1 TLB of the current translation context */
    uint64_t x[REG_COUNT];        /* see REG_ZR, REG_SP, REG_SINK */
    uint64_t nf, zf, cf, vf;      /* N = nf<63>, Z = (zf == 0), C = cf (0 or 1), V = vf<63> */
    uint64_t page_va;             /* virtual address of the current code page */
    const struct insn *page;      /* its records */
    const struct insn *counted;   /* records before this one are already taken off `left` */
    uint64_t pc;                  /* valid outside a page run, and after EXEC_JUMP/EXIT/ABORT */
    int64_t left;                 /* instructions until the slice ends */
    uint64_t retired_goal;        /* instructions retired for ever once left is 0 */
    struct tlb_bank *bank_unpriv; /* same for LDTR/STTR */
    const struct insn *resume;    /* next record, in builds whose plain loop has no tail calls */
    uint64_t mem_data[2];         /* result of a slow load */
    uint64_t wanted;              /* events somebody wants here, see cpu_wants() */
    uint64_t trap_epoch;          /* moves on where sr_allowed no longer holds */
    uint32_t block;               /* what code may be made for, see cpu/block.h */
    enum exec_result recheck;     /* EXEC_SYNC: before the next instruction; else EXEC_NEXT */
    struct pstate ps;
    bool el2_enabled;    /* EL2Enabled(): there is EL2, and it is not Secure state */
    bool irq_check;      /* something about interrupts changed: recheck before the next insn */
    bool watchpoints_on; /* an enabled watchpoint exists: no access may bypass the slow path */
    bool breakpoints_on; /* an enabled breakpoint exists and debug exceptions are enabled */
    bool pmu_on;         /* a counter is enabled, see cpu/pmu.h */
    bool pmu_insns;      /* one counts by instruction: they run in the observed loop */

    /* Architectural state. */
    union vreg v[32];
    uint64_t sr[SR_COUNT];  /* storage of the rows that have any */
    uint64_t excl_pa;       /* exclusive monitor, local and global in one */
    uint64_t stream_seen;   /* events of the event streams up to this count have been used */
    uint64_t wait_until_ns; /* WFET, WFIT: virtual time that ends the wait; else CLOCK_NEVER */
    uint64_t rng;           /* of RNDR: state of random_next() */
    uint64_t exceptions;    /* taken since creation */
    uint64_t pmu_synced;    /* cpu_retired() that the counters have seen */
    uint64_t pmu_divider;   /* cycles towards the next count of PMCR_EL0.D */
    uint64_t serror_iss;    /* of the SError at serror_pin: ESR_ELx.{IDS,ISS} */
    uint32_t fpcr, fpsr;
    uint32_t timer_level; /* a bit a timer; derived, and here for its size */
    enum cpu_power power;
    bool excl_valid;
    uint8_t excl_size; /* bytes */
    /* Software step: the last instruction was stepped; and it was a Load-Exclusive. */
    bool stepped, stepped_exclusive;
    bool event;              /* event register of WFE */
    bool irq_pin, fiq_pin;   /* physical, from the GIC */
    bool virq_pin, vfiq_pin; /* virtual, from the GIC's list registers */
    bool serror_pin;         /* from the system, until it is taken */
    bool fault_loop;         /* the last cpu_run() ended in exceptions without an end */

    /* Derived. */
    bool pmu_accesses;          /* a counter counts accesses: none may bypass the slow path */
    bool pmu_level, comm_level; /* of the interrupts for counters' overflows, and COMMIRQ */

    /* Caches, and what lives within an instruction or a slice. */
    bool halt_resumed;    /* the HLT that executes now was CPU_HALTED before */
    uint8_t accessed;     /* ACCESSED_xxx of cpu/mem.h, collected by the slow path */
    uint64_t slice_start; /* cpu_retired() when the slice began */
    struct {
        uint64_t pc, at; /* and 1 + cpu_retired() */
    } held,     /* the instruction that an INSN event has told of, but that was then not executed */
        marked; /* the one that has a mark, likewise; it need not be there */
    struct exception
        raised; /* by the instruction that executes, and not yet taken; target_el 0: none */
    const uint8_t *excl_host; /* the byte at excl_pa, if a block has loaded it; NULL: not known */
    uint64_t excl_value[2]; /* what the exclusive load has read: where CPUs run at the same time the
                               store compares with it */
    struct spin spin;
    struct contexts contexts; /* recent translation contexts, see cpu/context.h */
    /* An access from EL1 that passed its checks (0: read, 1: write) passes again until a control
     * register changes: until trap_epoch moves on. */
    uint64_t sr_allowed[2][SR_COUNT];
    struct pac_entry pacs[1 << PAC_ENTRIES_LOG2]; /* recent results, hashed by input */
    struct clock_event timer_event[CPU_TIMERS], pmu_event;

    /* Wiring: constant after creation. */
    struct tlb *tlb;         /* L2, stage-2 and walk caches, and all banks; owned */
    struct code_cache *code; /* decoded pages; owned by the machine, shared by its CPUs */
    struct jit *jit;         /* cpu/jit/jit.h; likewise; NULL: the interpreter alone */
    exec_fn *come;           /* with @jit: the plain loop has come to a record by a branch */
    struct late *late;       /* cpu/late.h; likewise; NULL: nothing is late */
    struct physmem *mem;
    struct clock *clock;
    const struct arm_log *log;
    struct probes *probes;
    struct read_list *listed; /* cpu/read_list.h; NULL: nobody takes lists; owned */
    const struct cpu_gic_ops *gic;
    void *gic_ctx;
    const struct cpu_model *model;
    struct features features;
    struct cpu_env env;
    struct irq_line timer_line[CPU_TIMERS]; /* by enum cpu_timer: outputs to PPIs */
    struct irq_line pmu_line, comm_line;
    uint64_t mpidr;
    uint64_t periphbase;
    /* What cpu_sysreg_init() makes of the register rows for this CPU's features. */
    uint64_t sr_mask[SR_COUNT], sr_res1[SR_COUNT]; /* bits a write changes; bits that read as one */
    uint64_t fault_loop_said;    /* 1 + the PC of the last fault loop that was logged */
    uint32_t sr_quick[SR_COUNT]; /* accesses that need no check: SR_PLAIN_xxx of cpu/sysreg.h */
    unsigned index;              /* 0.. in the machine */
    unsigned cluster_cpus;
    uint16_t logged_enc[64]; /* registers that a line was logged about, hashed by encoding */
    bool has_el2;
    uint8_t end; /* stays last */
};

/* The current address of record @i, which lies in the current page. */
static inline uint64_t insn_pc(const struct cpu *cpu, const struct insn *i)
{
    return cpu->page_va + (uint64_t)(i - cpu->page) * 4;
}

/* Target of a direct branch, ADR or literal: forms add the record's page offset to imm. */
static inline uint64_t insn_target(const struct cpu *cpu, const struct insn *i)
{
    return cpu->page_va + (uint64_t)i->imm;
}

/* Take the records before @i off the count. Rows with jit END have done so when their function
 * runs, and so does every access that leaves RAM: what they see of time is exact. */
static inline void cpu_count_upto(struct cpu *cpu, const struct insn *i)
{
    cpu->left -= i - cpu->counted;
    cpu->counted = i;
}

/* Instructions retired since creation; exact after cpu_count_upto(). */
static inline uint64_t cpu_retired(const struct cpu *cpu)
{
    return cpu->retired_goal - (uint64_t)cpu->left;
}

static inline unsigned cpu_nzcv(const struct cpu *cpu)
{
    return (unsigned)((cpu->nf >> 63) << 3 | (uint64_t)(cpu->zf == 0) << 2 | cpu->cf << 1 |
                      cpu->vf >> 63);
}

static inline void cpu_set_nzcv(struct cpu *cpu, unsigned nzcv)
{
    cpu->nf = (uint64_t)nzcv << 60;
    cpu->zf = !(nzcv & 4);
    cpu->cf = (nzcv >> 1) & 1;
    cpu->vf = (uint64_t)nzcv << 63;
}

/* Something has to be looked at before the next instruction, in whichever loop the CPU is: an
 * access to a device has raised an interrupt, an event's subscriber stops the machine. */
static inline void cpu_recheck(struct cpu *cpu)
{
    cpu->recheck = EXEC_SYNC;
}

/* The instruction that executes does not complete: its result is EXEC_ABORT, and whoever executes
 * it takes @e. False, for the caller to return. */
static inline bool cpu_raise(struct cpu *cpu, struct exception e)
{
    cpu->raised = e;
    return false;
}

/* The result of an instruction that goes on with the next one, and may have done what makes it
 * necessary to look: accessed memory by its slow path, or told an event. */
static inline enum exec_result cpu_next(const struct cpu *cpu)
{
    return cpu->recheck;
}

/* Does somebody want @event of @cpu at this EL, in this world? Kept by cpu_context_changed(). */
static inline bool cpu_wants(const struct cpu *cpu, enum arm_event_kind event)
{
    return unlikely((cpu->wanted >> event) & 1);
}

static inline bool cpu_has(const struct cpu *cpu, enum feature f)
{
    return has_feature(&cpu->features, f);
}
