/*
 * PrimeCell Real Time Clock PL031 (DDI0224C): seconds since 1970 in virtual time, counted from a
 * configured epoch, so that two runs read the same time.
 */
#pragma once

#include <stdint.h>

#include "base/clock.h"
#include "base/device.h"
#include "base/irq.h"

struct pl031 {
    struct device dev;
    struct irq_line irq; /* RTCINTR */
    struct clock *clock;
    struct clock_event match;
    uint32_t offset_s; /* RTCDR - seconds of virtual time, modulo 2^32 */
    uint32_t mr, lr, imsc, ris;
};

/**
 * pl031_init() - a clock that reads @epoch_s at virtual time 0.
 * @rtc: must not move afterwards and must outlive @clock's use: its match event is registered
 * there.
 */
void pl031_init(struct pl031 *rtc, const struct arm_log *log, struct irq_line irq,
                struct clock *clock, uint32_t epoch_s);
