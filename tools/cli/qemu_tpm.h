/* -tpmdev and -device tpm-tis-device of `armillary qemu`: a TPM that swtpm is. */
#pragma once

#include <stdbool.h>

#include "armillary.h"
#include "tpm_emulator.h"

struct qemu;
struct qemu_device;

struct qemu_tpm {
    const char *id, *chardev; /* of -tpmdev; NULL: none */
    bool used;                /* by a device */
    struct tpm_emulator emulator;
    struct arm_tpm tpm;
};

/* The option; false, and what is wrong was printed. */
bool qemu_tpmdev(struct qemu *q, const char *option, const char *value);

void qemu_tpm_close(struct qemu *q);
