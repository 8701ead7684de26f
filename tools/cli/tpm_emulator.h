/*
 * A TPM 2.0 in another process, by the protocol of swtpm's control channel (its
 * include/swtpm/tpm_ioctl.h): numbers are big-endian, and commands to the TPM go through a socket
 * that is handed over. The answer is waited for: the machine stands still meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tpm_emulator {
    int control, data; /* descriptors; -1: none */
    unsigned locality; /* that it knows of */
};

/* @control: a connected socket, owned from now on. False: a message was printed, and nothing is
 * open. */
bool tpm_emulator_open(struct tpm_emulator *t, int control);

/* arm_tpm.command; @ctx is the struct tpm_emulator. */
size_t tpm_emulator_command(void *ctx, unsigned locality, const uint8_t *request, size_t size,
                            uint8_t *response, size_t max);

/* The TPM is told of the end. Nothing happens if none is open. */
void tpm_emulator_close(struct tpm_emulator *t);
