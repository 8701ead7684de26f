/* What -device of `armillary qemu` can name (qemu_drivers.def), and the properties of each. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "properties.h"

struct qemu_device;

struct qemu_driver {
    const char *name, *bus, *title; /* as QEMU's list has it, under this title */
    const char *alias;              /* QEMU's other name for it, or NULL */
    const struct property *properties;
    size_t count;
    bool (*connect)(struct qemu *q, const struct qemu_device *device); /* NULL: it is a loader's */
};

#define QEMU_PCI_BUS "PCI"

extern const struct qemu_driver qemu_drivers[]; /* in the order of QEMU's list */
extern const size_t qemu_driver_count;

/* By its name, an alias, or with a suffix that says what *@no_legacy then is (qemu_pci.h); NULL:
 * there is none. */
const struct qemu_driver *qemu_find_driver(const char *name, const char **no_legacy);

bool qemu_is_on_pci(const struct qemu_driver *driver);

/* All that it takes, "driver" being the first; g_free() them. */
struct property *qemu_driver_properties(const struct qemu_driver *driver, size_t *count);

void qemu_print_drivers(void); /* as QEMU does */
char *qemu_driver_names(void); /* "a|b|c"; g_free() it */
