/*
 * A window of the address map that leads to a bus with nothing on it: reads find all ones, writes
 * are lost, nothing aborts. So answers a PCIe host bridge for a function that is not there (PCI
 * Express Base Specification, "Configuration Request Routing": an Unsupported Request completes
 * with all ones).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/device.h"

struct empty_bus {
    struct device dev;
    const char *what; /* in the log line */
    uint64_t base;    /* where it is in the address map; only to be said */
    bool told;        /* the log line has been written */
};

/* @what: a literal; @base: physical address of the window. The first access is logged. */
void empty_bus_init(struct empty_bus *bus, const struct arm_log *log, const char *what,
                    uint64_t base);
