/*
 * The TPM's registers by its FIFO interface (TCG PC Client Platform TPM Profile for TPM 2.0, 1.05,
 * 6.3 to 6.5), as QEMU's tpm-tis-device has them. The TPM itself is somewhere else: a command goes
 * there when it is complete, and its response is there at once. There are no interrupts, which is
 * what the device tree says too.
 */
#pragma once

#include <stddef.h>

#include "base/device.h"

#define TPM_LOCALITIES 5
#define TPM_TIS_BYTES  (TPM_LOCALITIES * 0x1000)
#define TPM_BUFFER     4096

/* @request: @size bytes. Return: bytes of the response, at most @max; 0: there is none. */
typedef size_t tpm_command_fn(void *ctx, unsigned locality, const uint8_t *request, size_t size,
                              uint8_t *response, size_t max);

enum tpm_phase { TPM_IDLE, TPM_READY, TPM_RECEPTION, TPM_COMPLETION };

struct tpm_tis {
    struct device dev;
    tpm_command_fn *command;
    void *ctx;
    uint8_t active;    /* locality; TPM_LOCALITIES: none */
    uint8_t requested; /* by which localities, bits */
    uint8_t seized;    /* from which, bits */
    uint8_t phase;     /* enum tpm_phase */
    uint32_t at, size; /* of the next byte of the command or the response, and its end */
    uint8_t buffer[TPM_BUFFER];
};

/* Must not move afterwards. */
void tpm_tis_init(struct tpm_tis *t, const struct arm_log *log, tpm_command_fn *command, void *ctx);
