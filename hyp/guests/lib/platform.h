/* What the device tree says, and the options of its command line. */
#pragma once

#include "guest.h"

#define MAX_REGIONS 4

struct region {
    uint64_t base, size; /* size 0: absent */
};

struct platform {
    const char *bootargs;
    struct region tree;
    unsigned cpus;
    uint64_t mpidr[MAX_CPUS]; /* affinity fields; [0] is the CPU that boots */
    bool smc;                 /* the conduit of PSCI */
    struct region ram[MAX_REGIONS], gicr[MAX_REGIONS];
    uint64_t gicd, gicc, its, uart, rtc;            /* 0: absent; gicc: it is a GICv2 */
    unsigned uart_intid, rtc_intid;                 /* SPIs */
    unsigned vtimer_intid, ptimer_intid, pmu_intid; /* PPIs; 0: absent */
};
extern struct platform platform;

/* Return: false if there is no device tree at @tree. */
bool platform_read(const void *tree);

/* The larger part of the first RAM that neither the image nor the device tree is in,
 * page by page. */
struct region platform_free_ram(void);

/* NAME=N of the command line, decimal or 0x; is there NAME=TEXT? */
uint64_t option_number(const char *name, uint64_t otherwise);
bool option_is(const char *name, const char *text);
