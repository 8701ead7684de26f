#include "cpu/step.h"

#include "cpu/debug_state.h"
#include "cpu/exception.h"

#define ISS_STEP_ISV BIT(24)
#define ISS_STEP_EX  BIT(6)
#define DFSC_DEBUG   0x22

bool cpu_step_take(struct cpu *cpu)
{
    if (!cpu_step_active(cpu) || cpu->ps.ss)
        return false;

    unsigned target = debug_target_el(cpu);
    uint64_t iss = DFSC_DEBUG;

    if (cpu->stepped)
        iss |= ISS_STEP_ISV | (cpu->stepped_exclusive ? ISS_STEP_EX : 0);
    cpu_take_exception(
        cpu, &(struct exception){
                 .type = VECTOR_SYNC,
                 .target_el = target,
                 .ret = cpu->pc,
                 .esr = esr(target > cpu->ps.el ? ESR_EC_SOFTSTP_LOW : ESR_EC_SOFTSTP_CUR, iss)});
    return true;
}
