/* The events of the performance monitors: arch/pmu_events.def. */
#pragma once

enum pmu_event {
#define PMU_EVENT(name, number, how, text) PMU_EVENT_##name = (number),
#include "arch/pmu_events.def"
#undef PMU_EVENT
};

/* How an event is counted, see the table; PMU_NEVER: it is not there. */
enum pmu_how { PMU_NEVER, PMU_NONE, PMU_TIME, PMU_CALL, PMU_INSN, PMU_ACCESS, PMU_CHAIN };
