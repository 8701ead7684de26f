/* The parts of the interrupt storm, each of which fails the guest by itself. */
#pragma once

#include "hyp/guests/lib/guest.h"

enum {
    BREAK_LOST,
    BREAK_DOUBLED,
    BREAK_PRIORITY,
    BREAK_ACTIVE,
    BREAK_LINE,
    BREAK_IPI,
    BREAK_ROUTE,
};

/* Random actions against the model on one CPU: polled, with interrupts masked; or taken, with
 * handlers that nest. Return: interrupts taken. */
uint64_t storm_one_cpu(uint64_t rounds, bool polled);
unsigned storm_sources(void);

/* SGIs between CPUs, by every form of ICC_SGI1R_EL1. Return: SGIs taken. */
uint64_t storm_ipis(uint64_t rounds);

/* SPIs and LPIs to the CPU that they are routed to. Return: interrupts taken. */
uint64_t storm_routes(uint64_t rounds);
