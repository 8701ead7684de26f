/* What a stretch of the run does, event by event, so that one can ask of it again and again. */
#include "step.h"

static void keep(void *ctx, const struct arm_event *event)
{
    struct step_trace *trace = ctx;
    struct step_event one = {*event, arm_machine_position(step_machine(trace->s))};

    g_array_append_val(trace->events, one);
}

enum timeline_result step_trace(struct step_trace *trace, struct arm_position to, uint64_t insns)
{
    static const struct arm_filter filter = {
        .size = sizeof(filter),
        .events = ARM_BIT(ARM_EVENT_INSN) | ARM_BIT(ARM_EVENT_MEM) | ARM_BIT(ARM_EVENT_DMA) |
                  ARM_BIT(ARM_EVENT_SYSREG_READ) | ARM_BIT(ARM_EVENT_SYSREG_WRITE) |
                  ARM_BIT(ARM_EVENT_HWREG) | ARM_BIT(ARM_EVENT_EXCEPTION) | ARM_BIT(ARM_EVENT_AT) |
                  ARM_BIT(ARM_EVENT_POWER)};

    g_array_set_size(trace->events, 0);
    return timeline_tell(trace->s->t, to, insns, &filter, keep, trace, &trace->from);
}
