/*
 * QEMU's `testdev` character device, which ends the machine with an exit code of the guest's choice
 * (what kvm-unit-tests use). The guest writes packets of an optional decimal argument and a command
 * letter, blanks around the argument; the only command is 'q'.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct state_io;

typedef void testdev_exit_fn(void *ctx, int code);

struct testdev {
    testdev_exit_fn *exit;
    void *exit_ctx;
    uint32_t argument;
    enum { TESTDEV_BLANKS, TESTDEV_DIGITS, TESTDEV_COMMAND } expects;
};

/* Characters from the guest; calls exit() with (argument << 1 | 1) & 0xff for each 'q'. */
void testdev_write(void *dev, const uint8_t *data, size_t n);

void testdev_state(struct state_io *io, struct testdev *t);
