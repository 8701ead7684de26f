/*
 * What comes from the host while the guest runs, and when: every byte enters at an instruction
 * count and a virtual time, which a log can hold and give back.
 *
 * The log is text, a line each:
 *
 *   armillary-input 1
 *   input INSNS NS DEVICE HEX     DEVICE: uart, or V.P for port P of device V, a virtio console,
 *                                 or V.0, a frame for network device V;
 *                                 or hid, events of keyboard and pointer (host_input.h)
 *   input INSNS NS uart end       no more will come for it
 *   input INSNS NS irqN.C 00|01   the wire of interrupt N, a PPI of CPU C, has this level
 *   input INSNS NS serrorC HEX    an SError of this syndrome (8 digits) for CPU C
 *   end INSNS NS                  where the recorded run ended
 *
 * INSNS is what arm_run()'s limits count. Lines of a `#` are comments.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

struct arm_machine;

/* In place of a port: the first UART; and keyboard and pointer. */
enum { INPUT_UART = -1, INPUT_HID = -2 };

/* Console bytes that came together. */
struct input {
    uint64_t insns, time_ns;
    int device, port;    /* port may be one of those below */
    unsigned intid, cpu; /* intid not 0: an interrupt, and the byte its level */
    bool serror;         /* for @cpu; the bytes are its syndrome, highest first */
    uint8_t *bytes;      /* owned */
    size_t size;         /* 0: the end of the first UART's */
    unsigned line;       /* of the log */
};

struct input_log {
    FILE *out;        /* recording: owned; NULL otherwise */
    const char *path; /* owned; for messages */
    bool replays;
    struct input *inputs; /* replaying */
    unsigned count;
    uint64_t next; /* how many times input has come so far; replaying: the next one of inputs */
    bool has_end;
    uint64_t end_insns, end_time_ns;
};

/* What arm_console_input() and arm_port_input() do, without a log. Returns the bytes taken. */
size_t input_deliver(struct arm_machine *m, int device, int port, const uint8_t *data, size_t size);

/* Note that @size bytes have been taken now. */
void input_record(struct arm_machine *m, int device, int port, const uint8_t *data, size_t size);

void input_record_irq(struct arm_machine *m, unsigned cpu, unsigned intid, bool level);
void input_record_serror(struct arm_machine *m, unsigned cpu, uint32_t syndrome);

/* Note that input for the first UART has ended now. */
void input_record_eof(struct arm_machine *m);

/* Deliver what the log has for now. Return: instructions until it is to be looked at again. *ends:
 * the recorded run ended here. -ARM_EFORMAT if this is not the run that was recorded. */
int input_replay(struct arm_machine *m, uint64_t *until, bool *ends)
    __attribute__((warn_unused_result));

void input_log_free(struct input_log *log);
