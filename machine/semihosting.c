/*
 * Semihosting ("Semihosting for AArch32 and AArch64", 2.0): HLT #0xF000 with the operation
 * in w0 and its argument block in x1. Console output and exit only: the guest gets no access to the
 * host's files.
 */
#include <string.h>

#include "cpu/exec.h"
#include "cpu/mem.h"
#include "machine/machine.h"

#define SYS_WRITEC        0x03
#define SYS_WRITE0        0x04
#define SYS_WRITE         0x05
#define SYS_CLOCK         0x10
#define SYS_TIME          0x11
#define SYS_ERRNO         0x13
#define SYS_EXIT          0x18
#define SYS_EXIT_EXTENDED 0x20
#define SYS_TICKFREQ      0x31

#define ADP_STOPPED_APPLICATIONEXIT UINT64_C(0x20026)

#define WRITE_MAX 65536 /* bytes of one call; a longer string is cut */

/* Read guest memory as the caller sees it; false if a fault was taken, as a real debugger's read
 * would have been. */
static bool read_byte(struct cpu *cpu, const struct insn *i, uint64_t va, uint64_t *byte)
{
    return mem_load(cpu, i, va, 1, 0, byte);
}

static void console(struct machine *m, const uint8_t *data, size_t size)
{
    if (m->console_write)
        m->console_write(m->console_ctx, data, size);
}

static bool write_string(struct machine *m, struct cpu *cpu, const struct insn *i, uint64_t va,
                         uint64_t size, bool zero_ended)
{
    for (uint64_t k = 0; k < size; k++) {
        uint64_t byte;

        if (!read_byte(cpu, i, va + k, &byte))
            return false;
        if (zero_ended && byte == 0)
            break;
        console(m, &(uint8_t){(uint8_t)byte}, 1);
    }
    return true;
}

static bool load_args(struct cpu *cpu, const struct insn *i, uint64_t *arg, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        if (!mem_load(cpu, i, cpu->x[1] + 8 * k, 8, 0, &arg[k]))
            return false;
    return true;
}

bool semihosting_call(struct machine *m, struct cpu *cpu, const struct insn *i)
{
    uint64_t arg[3] = {0};

    switch ((uint32_t)cpu->x[0]) {
    case SYS_WRITEC:
        return write_string(m, cpu, i, cpu->x[1], 1, false);
    case SYS_WRITE0:
        return write_string(m, cpu, i, cpu->x[1], WRITE_MAX, true);
    case SYS_WRITE:
        if (!load_args(cpu, i, arg, 3))
            return false;
        if (!write_string(m, cpu, i, arg[1], arg[2] < WRITE_MAX ? arg[2] : WRITE_MAX, false))
            return false;
        cpu->x[0] = 0;
        return true;
    case SYS_CLOCK:
        cpu->x[0] = clock_now_ns(&m->clock) / 10000000;
        return true;
    case SYS_TIME:
        cpu->x[0] = clock_now_ns(&m->clock) / 1000000000;
        return true;
    case SYS_TICKFREQ:
        cpu->x[0] = 100;
        return true;
    case SYS_ERRNO:
        cpu->x[0] = 0;
        return true;
    case SYS_EXIT:
    case SYS_EXIT_EXTENDED:
        if (!load_args(cpu, i, arg, 2))
            return false;
        m->exit_code = arg[0] == ADP_STOPPED_APPLICATIONEXIT ? (int)(arg[1] & 0xff) : 1;
        machine_stop(m, ARM_STOP_EXIT);
        return true;
    default:
        LOG(&m->log, MACHINE, GUEST, "semihosting operation %#x is not offered",
            (uint32_t)cpu->x[0]);
        cpu->x[0] = ~UINT64_C(0);
        return true;
    }
}
