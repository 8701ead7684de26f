#include "cpu/reset.h"

#include <string.h>

#include "cpu/context.h"
#include "cpu/debug.h"
#include "cpu/late.h"
#include "cpu/pmu.h"
#include "cpu/sysreg.h"
#include "cpu/timer.h"
#include "cpu/world.h"
#include "mmu/tlb.h"

/* What the manual leaves UNKNOWN is zero, so that runs repeat. */
static void reset_registers(struct cpu *cpu)
{
    memset(cpu->x, 0, sizeof(cpu->x));
    memset(cpu->v, 0, sizeof(cpu->v));
    memset(cpu->sr, 0, sizeof(cpu->sr));
    cpu_set_nzcv(cpu, 0);
    cpu->fpcr = 0;
    cpu->fpsr = 0;
    cpu->pc = 0;
    cpu->ps = (struct pstate){.el = (uint8_t)cpu_highest_el(cpu), .sp = 1, .daif = 15};
}

void cpu_reset(struct cpu *cpu)
{
    reset_registers(cpu);
    if (cpu->late)
        late_reset_cpu(cpu);
    cpu->excl_valid = false;
    cpu->event = false;
    cpu->wait_until_ns = CLOCK_NEVER;
    cpu->serror_pin = false;
    cpu->serror_iss = 0;
    cpu->irq_check = true;
    cpu_sysreg_init(cpu);
    cpu_sysreg_reset(cpu);
    cpu_follow_scr(cpu);
    cpu_pmu_reset(cpu);
    cpu_debug_reset(cpu);
    tlb_flush_all(cpu->tlb);
    cpu_timers_changed(cpu);
    cpu_context_changed(cpu);
}
