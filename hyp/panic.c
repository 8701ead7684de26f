#include "hyp/panic.h"

#include "arch/esr.h"
#include "hyp/boot.h"
#include "hyp/console.h"
#include "hyp/cpu.h"
#include "hyp/lib.h"
#include "hyp/psci.h"
#include "hyp/trace.h"
#include "hyp/vcpu.h"

#define FRAMES_MAX 24

static void print_registers(const uint64_t *x)
{
    for (unsigned k = 0; k < 31; k++)
        print("%sx%u%s %016lx%s", k % 4 ? " " : "  ", k, k < 10 ? " " : "", (unsigned long)x[k],
              k % 4 == 3 || k == 30 ? "\n" : "");
}

/* Frame records: X29 points at a pair of the caller's X29 and the return address (AAPCS64). Ours
 * are in the image's memory or the pool, all mapped one to one. */
static void own_backtrace(uint64_t fp)
{
    for (unsigned k = 0; k < FRAMES_MAX && fp && fp % 16 == 0 && fp >= (uint64_t)(uintptr_t)__image;
         k++) {
        const uint64_t *record = (const uint64_t *)(uintptr_t)fp;

        print("  from image+0x%lx\n", (unsigned long)(record[1] - (uint64_t)(uintptr_t)__image));
        if (record[0] <= fp)
            break;
        fp = record[0];
    }
}

static void end(void)
{
    print("the last events:\n");
    trace_print(16);
    smccc(PSCI_SYSTEM_OFF, 0, 0, 0);
    for (;;)
        wfi();
}

void panic(const char *text, ...)
{
    char line[160];
    va_list args;

    irq_disable();
    console_panicking();
    va_start(args, text);
    vformat(line, sizeof(line), text, args);
    va_end(args);
    print("\nhyp: panic: %s\n", line);
    own_backtrace((uint64_t)(uintptr_t)__builtin_frame_address(0));
    end();
    __builtin_unreachable();
}

/* What comes during a report, on a stack that is not what it should be, has no report
 * of its own. */
static bool reporting;

/* Is FAR_EL2 of this exception (ESR_EL2.EC; of aborts, FnV, bit 10)? */
static bool has_far(uint64_t esr)
{
    switch (bits(esr, 31, 26)) {
    case ESR_EC_IABT_LOW:
    case ESR_EC_IABT_CUR:
    case ESR_EC_DABT_LOW:
    case ESR_EC_DABT_CUR:
        return !bit(esr, 10);
    case ESR_EC_PC_ALIGN:
    case ESR_EC_WATCHPT_LOW:
    case ESR_EC_WATCHPT_CUR:
        return true;
    }
    return false;
}

void panic_exception(unsigned vector, const uint64_t *x)
{
    if (__atomic_exchange_n(&reporting, true, __ATOMIC_RELAXED)) {
        print("hyp: and an exception at vector 0x%x in that\n", vector);
        end();
    }
    uint64_t esr = mrs(ESR_EL2);
    console_panicking();
    print("\nhyp: panic: exception at vector 0x%x, ESR 0x%lx, ", vector, (unsigned long)esr);
    if (has_far(esr))
        print("FAR 0x%lx, ", (unsigned long)mrs(FAR_EL2));
    print("pc image+0x%lx, SPSR 0x%lx\n",
          (unsigned long)(mrs(ELR_EL2) - (uint64_t)(uintptr_t)__image),
          (unsigned long)mrs(SPSR_EL2));
    print_registers(x);
    own_backtrace(x[29]);
    end();
    __builtin_unreachable();
}

/* A doubleword at the guest's virtual address, by its own translation (AT S12E1R); its EL1
 * registers must be in the CPU. PAR_EL1 is the guest's and is put back. */
static bool read_guest(uint64_t va, uint64_t *value)
{
    uint64_t par = mrs(PAR_EL1), answer;

    at_s12e1r(va);
    isb();
    answer = mrs(PAR_EL1);
    msr(PAR_EL1, par);
    if (answer & 1 || va % 8)
        return false;
    *value = *(const uint64_t *)(uintptr_t)((answer & MASK(47, 12)) | (va & MASK(11, 0)));
    return true;
}

static void guest_backtrace(struct vcpu *v)
{
    uint64_t fp = v->regs.x[29], up, from;

    for (unsigned k = 0; k < FRAMES_MAX && fp && read_guest(fp, &up) && read_guest(fp + 8, &from);
         k++) {
        print("  from 0x%lx\n", (unsigned long)from);
        if (up <= fp)
            break;
        fp = up;
    }
}

void report_guest(struct vcpu *v, const char *why)
{
    console_waits(v);
    print("hyp: %s: %s: pc 0x%lx pstate 0x%lx ESR_EL2 0x%lx\n", v->task.name, why,
          (unsigned long)v->regs.pc, (unsigned long)v->regs.pstate, (unsigned long)v->esr);
    print_registers(v->regs.x);
    uint64_t daif = irq_save();
    print("  SCTLR_EL1 0x%lx ESR_EL1 0x%lx ELR_EL1 0x%lx FAR_EL1 0x%lx\n",
          (unsigned long)vcpu_read(v, SCTLR_EL1), (unsigned long)vcpu_read(v, ESR_EL1),
          (unsigned long)vcpu_read(v, ELR_EL1), (unsigned long)vcpu_read(v, FAR_EL1));
    if (v->loaded_on == this_cpu() && v->ctx.live & BIT(GROUP_EL1))
        guest_backtrace(v);
    irq_restore(daif);
}
