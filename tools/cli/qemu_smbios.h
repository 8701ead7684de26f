/* -smbios and -uuid of `armillary qemu`: what firmware tells a guest of the board. */
#pragma once

#include <stdbool.h>

#include "armillary.h"

#define QEMU_SMBIOS_MAX 128

struct qemu;

struct qemu_smbios {
    struct arm_smbios rows[QEMU_SMBIOS_MAX];
    unsigned count, type; /* type: of the option that is being read */
};

/* False, and what is wrong was printed. */
bool qemu_smbios(struct qemu *q, const char *option, const char *value);
bool qemu_uuid(struct qemu *q, const char *option, const char *value);

/* After all options. */
void qemu_smbios_connect(struct qemu *q);
