/*
 * What the host does with debug and performance monitors while guests run: it counts and samples
 * with perf, has a hardware watchpoint on this program, and steps and stops vCPU 0 as a debugger
 * would.
 */
#include <asm/ptrace.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kvmtest.h"

/* ---- perf ---- */

#define EVENTS 5

static int events[EVENTS];
static volatile uint64_t watched;

static int open_event(struct perf_event_attr *attr)
{
    attr->size = sizeof(*attr);
    attr->inherit = 1;
    int fd = (int)syscall(SYS_perf_event_open, attr, 0, -1, -1, 0UL);
    if (fd < 0)
        die("perf_event_open");
    return fd;
}

void perf_begin(void)
{
    struct perf_event_attr attrs[EVENTS] = {
        {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_INSTRUCTIONS, .exclude_host = 1},
        {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_INSTRUCTIONS, .exclude_guest = 1},
        {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_CPU_CYCLES, .exclude_user = 1},
        /* overflows interrupt, while guests run too */
        {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_CPU_CYCLES, .sample_period = 200000},
        {.type = PERF_TYPE_BREAKPOINT,
         .bp_type = HW_BREAKPOINT_W,
         .bp_addr = (uint64_t)(uintptr_t)&watched,
         .bp_len = HW_BREAKPOINT_LEN_8},
    };

    for (unsigned k = 0; k < EVENTS; k++)
        events[k] = open_event(&attrs[k]);
}

/* Called at exits to user space: the watchpoint hits. */
void perf_touch(void)
{
    watched++;
}

void perf_end(void)
{
    static const char *const texts[EVENTS] = {"instructions of guests", "instructions of the host",
                                              "cycles of kernels", "cycles, sampled",
                                              "watchpoint hits"};
    uint64_t count;

    for (unsigned k = 0; k < EVENTS; k++) {
        if (read(events[k], &count, sizeof(count)) != sizeof(count))
            die("perf: read");
        printf("kvmtest: perf: %s: %s\n", texts[k], count ? "counted" : "NONE");
    }
}

/* ---- a debugger ---- */

#define EVERY 8  /* exits to user space between sessions */
#define STEPS 20 /* single steps of a session */

static struct debugger {
    unsigned exits, steps, sessions, stepped, stopped;
    bool breaking;
} debugger;

static void set_debug(struct vcpu *v, const struct kvm_guest_debug *debug)
{
    if (ioctl(v->fd, KVM_SET_GUEST_DEBUG, debug) < 0)
        die("KVM_SET_GUEST_DEBUG");
}

static void step_on(struct vcpu *v)
{
    const struct kvm_guest_debug debug = {.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP};

    debugger.steps = 0;
    debugger.sessions++;
    set_debug(v, &debug);
}

/* A breakpoint on the next instruction but one, which a loop or straight code comes to; and a
 * watchpoint on what the guest has nothing at. */
static void break_on(struct vcpu *v, uint64_t pc)
{
    struct kvm_guest_debug debug = {.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW};

    debug.arch.dbg_bvr[0] = pc + 4;
    debug.arch.dbg_bcr[0] = 0x1e7; /* all bytes; EL1 and EL0; enabled */
    debug.arch.dbg_wvr[0] = 0x7ffffff000;
    debug.arch.dbg_wcr[0] = 0x1fff; /* all bytes; loads and stores; EL1 and EL0; enabled */
    debugger.breaking = true;
    set_debug(v, &debug);
}

static void debug_off(struct vcpu *v)
{
    const struct kvm_guest_debug debug = {.control = 0};

    debugger.breaking = false;
    set_debug(v, &debug);
}

void debugger_stopped(struct vcpu *v)
{
    if (debugger.breaking) {
        debugger.stopped++;
        debug_off(v);
        return;
    }
    debugger.stepped++;
    if (++debugger.steps == STEPS) {
        struct kvm_one_reg reg = {
            .id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |
                  offsetof(struct kvm_regs, regs.pc) / sizeof(uint32_t),
        };
        uint64_t pc;
        reg.addr = (uint64_t)(uintptr_t)&pc;
        if (ioctl(v->fd, KVM_GET_ONE_REG, &reg) < 0)
            die("KVM_GET_ONE_REG");
        break_on(v, pc);
    }
}

void debugger_exit(struct vcpu *v)
{
    if (++debugger.exits % EVERY)
        return;
    if (debugger.breaking)
        debug_off(v);
    else
        step_on(v);
}

void debugger_end(void)
{
    printf("kvmtest: the debugger stepped and stopped: %s\n",
           debugger.stepped && debugger.stopped ? "yes" : "NO");
}
