/*
 * libarmillary: an AArch64 machine with EL0, EL1 and EL2 in your process.
 *
 * A machine is made from a configuration, loaded with an image, and run; nothing is shared between
 * two machines. No function here is thread-safe for one machine; two machines may live in two
 * threads. Guest-visible behaviour depends on the configuration and the files loaded only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/probe.h"

struct arm_machine;

#define ARM_CPUS_MAX 123 /* redistributors that the board has room for */

/* A file, or a few bytes, to be placed in guest RAM before the start, or just where a CPU starts.
 */
struct arm_blob {
    const char *path; /* NULL: the bytes of @data, or nothing */
    uint64_t addr;
    bool force_raw; /* do not look for an ELF header */
    int cpu;        /* set this CPU's PC to the entry (or addr); -1: do not */
    uint8_t data[8];
    unsigned data_size; /* bytes of @data, 0..8; without a path */
};

enum arm_module_kind {
    ARM_MODULE_KERNEL,
    ARM_MODULE_RAMDISK,
    ARM_MODULE_DTB, /* partial device tree of a domain */
    ARM_MODULE_XSM, /* security policy of the hypervisor */
};

/* A file for a hypervisor that is the kernel: put into RAM and described in the device tree. */
struct arm_module {
    enum arm_module_kind kind;
    const char *path;
    const char *args; /* command line; NULL: none */
    unsigned domain;  /* 0: dom0's; otherwise 1 + index in config.domains */
    uint64_t addr;    /* 0: behind what else is loaded */
};

/* A domain that Xen starts beside dom0, or without one. */
struct arm_domain {
    const char *name;
    uint64_t memory; /* bytes, a multiple of 1024 */
    unsigned cpus;
    bool console; /* a virtual PL011, shown on Xen's console */
};

/* What the GIC's CPU interfaces have; 0 is the default everywhere. */
struct arm_gic_config {
    unsigned list_registers;  /* 1..16; default 4 */
    unsigned priority_bits;   /* 5..8; default 5 */
    unsigned preemption_bits; /* virtual ones, 5..7, at most priority_bits; default 5 */
    unsigned intid_bits;      /* 16 or 24; default 24 */
    unsigned no_its;          /* 1: neither ITS nor LPIs */
    unsigned gicv; /* 1: ICC_SRE_EL1.SRE is writable and GICV exists, for guests with a GICv2; needs
                      el2 */
};

enum arm_drive_mode {
    ARM_DRIVE_SNAPSHOT, /* the guest's writes are kept in memory and lost at the end */
    ARM_DRIVE_READONLY,
    ARM_DRIVE_WRITABLE, /* the file changes; a flush of the guest is on stable storage */
};

/* A raw file as a disk or flash memory. */
struct arm_drive {
    const char *path; /* NULL: none */
    enum arm_drive_mode mode;
    const char *format; /* "raw": the file's bytes, whatever they look like; NULL: refused if they
                           look like another format (qcow2, gzip, ...) */
};

/* A file of the firmware configuration device: the contents of @path, or of @string. */
struct arm_fw_cfg {
    const char *name; /* "opt/...", at most 55 characters */
    const char *path; /* NULL: @string */
    const char *string;
};

/* One port of a virtio console. */
struct arm_port {
    const char *name; /* seen by the guest, at most 31 characters; NULL: none */
    bool console;     /* a terminal (hvcN); otherwise a plain stream (vportNpM) */
    bool testdev;     /* what the guest writes is QEMU's testdev protocol: "0q" stops the machine */
    void (*write)(void *ctx, const uint8_t *data, size_t size); /* NULL: dropped */
    void *ctx;
};

#define ARM_VIRTIO_MAX 32
#define ARM_PORTS_MAX  16

enum arm_virtio_kind { ARM_VIRTIO_BLK, ARM_VIRTIO_CONSOLE, ARM_VIRTIO_RNG };

/* A device in a virtio-mmio slot. As on QEMU's board each gets the last slot that is free. */
struct arm_virtio {
    enum arm_virtio_kind kind;
    unsigned bus;                 /* 1 + the number of the slot it must be in; 0: any */
    struct arm_drive drive;       /* of ARM_VIRTIO_BLK */
    const struct arm_port *ports; /* of ARM_VIRTIO_CONSOLE, 1 to ARM_PORTS_MAX */
    unsigned port_count;
};

struct arm_config {
    const char *cpu;   /* model and features as --cpu takes them: "n1", "max,-pauth"; NULL: "max" */
    unsigned cpus;     /* 1..ARM_CPUS_MAX */
    uint64_t ram_size; /* bytes, a multiple of 4096 */
    bool el2;          /* EL2 exists (virtualization=on) */
    unsigned start_el; /* 1 or 2; 0: the highest there is. 1 with EL2: enter at EL1 */
    uint64_t seed;     /* for everything the board would draw at random */
    const char *kernel; /* Image, flat binary, ELF, U-Boot image, or packed; NULL: blobs only */
    const char *initrd; /* needs a kernel; NULL: none */
    const char *append; /* kernel command line; NULL: none */
    const struct arm_module *modules; /* with them, @append is the hypervisor's */
    unsigned module_count;
    const struct arm_domain *domains;
    unsigned domain_count;
    const char *dtb; /* device tree file; NULL: generated */
    const struct arm_blob *blobs;
    unsigned blob_count;
    const char *bios;           /* contents of the first flash bank; NULL: none. With them CPU 0
                                   starts there, at address 0, and finds kernel, initrd and command
                                   line through fw_cfg */
    struct arm_drive pflash[2]; /* the flash banks, 64 MiB each; the first one not with bios */
    const struct arm_virtio *virtio;
    unsigned virtio_count;
    bool virtio_legacy; /* virtio-mmio is version 1, as QEMU's by default; false: version 2 */
    const struct arm_fw_cfg *fw_cfg;
    unsigned fw_cfg_count;
    uint32_t rtc_epoch_s; /* what the RTC shows at the start, seconds since 1970; 0: 2023-01-01 */
    struct arm_gic_config gic;
    bool semihosting;
    bool semihosting_el0;            /* HLT #0xF000 from EL0 is answered too */
    const char *semihosting_dir;     /* SYS_OPEN reaches the files in it; NULL: none */
    const char *semihosting_cmdline; /* what SYS_GET_CMDLINE answers; NULL: kernel and append */
    bool no_reboot;                  /* stop at a guest reset */
    bool keep_going; /* do not stop at a fault loop that nothing can end (ARM_STOP_FAULT_LOOP) */
    struct log log;
    /* The first UART's output; called at the time of the guest's write. NULL: dropped. */
    void (*console_write)(void *ctx, const uint8_t *data, size_t size);
    void *console_ctx;
};

enum arm_stop {
    ARM_STOP_POWEROFF,   /* the guest switched the machine off */
    ARM_STOP_RESET,      /* the guest reset it, and no_reboot is set */
    ARM_STOP_EXIT,       /* semihosting or testdev exit: arm_exit_code() */
    ARM_STOP_LIMIT,      /* the given number of instructions has retired */
    ARM_STOP_IDLE,       /* every CPU waits, and no timer will ever wake one */
    ARM_STOP_REQUEST,    /* arm_stop() was called */
    ARM_STOP_FAULT_LOOP, /* the only CPU that is on takes the same exception for ever, no interrupt
                            can be taken, and keep_going is not set */
    ARM_STOP_DIVERGED,   /* the run differs from the one whose input is replayed */
};

/* How and where the last run ended. */
struct arm_end {
    enum arm_stop why;
    unsigned cpu; /* the one that ran last */
    unsigned el;
    uint64_t pc;      /* its next instruction */
    uint64_t retired; /* by all CPUs */
};

/**
 * arm_machine_new() - create, load and reset a machine.
 * Return: NULL and *err (a sentence naming file or option, value and expectation). Free with
 * arm_machine_free(). Strings of @config are copied or used only during the call, except log and
 * console_write.
 */
struct arm_machine *arm_machine_new(const struct arm_config *config, struct arm_error *err);
void arm_machine_free(struct arm_machine *m);

/* Run until something ends it, at most @max_insns more instructions (0: no limit). Runs add up:
 * many short ones are the same run as a long one. */
enum arm_stop arm_run(struct arm_machine *m, uint64_t max_insns);

/* Run until CPU @cpu has executed one instruction or taken one exception; the others run as they
 * would have. Return: ARM_STOP_LIMIT then, or what ended it before. */
enum arm_stop arm_step(struct arm_machine *m, unsigned cpu);

/* End the run. From a callback (event, console): before the next instruction of the CPU that runs.
 * From a signal handler or another thread: soon. Without a run: the next one ends at once. */
void arm_stop(struct arm_machine *m);

void arm_last_end(const struct arm_machine *m, struct arm_end *end);

/* Guest's exit code after ARM_STOP_EXIT. */
int arm_exit_code(const struct arm_machine *m);

/* Bytes for the first UART's receiver, or for a semihosting call that waits for the console;
 * returns how many it took. */
size_t arm_console_input(struct arm_machine *m, const uint8_t *data, size_t size);

/* No more bytes will come: what a guest reads from the console by semihosting ends with those it
 * has got. Return: a call was waiting, so that arm_run() may go on. */
bool arm_console_end(struct arm_machine *m);

/* Bytes for port @port of the console config.virtio[@virtio]; returns how many it took. */
size_t arm_port_input(struct arm_machine *m, unsigned virtio, unsigned port, const uint8_t *data,
                      size_t size);

/**
 * arm_record() - write down every byte of host input from now on, with the instruction count and
 * the virtual time at which it came, to the file @path (machine/input.h has its form).
 * arm_record_end() writes where the run has come and closes the file.
 * arm_replay() - give the bytes of such a file at the same places, and only them; the run ends
 * where the recorded one did (ARM_STOP_REQUEST), or as it did. Both before the first run.
 *
 * Return: 0 or -ARM_Exxx and a sentence naming file and line. A run that turns out not to be the
 * recorded one (other files or options) ends with ARM_STOP_DIVERGED.
 */
int arm_record(struct arm_machine *m, const char *path, struct arm_error *err);
int arm_record_end(struct arm_machine *m, struct arm_error *err);
int arm_replay(struct arm_machine *m, const char *path, struct arm_error *err);

/* Instructions retired by all CPUs; virtual time in nanoseconds. */
uint64_t arm_retired(const struct arm_machine *m);
uint64_t arm_time_ns(const struct arm_machine *m);

/* The device tree the guest was given; owned by the machine. */
const void *arm_device_tree(const struct arm_machine *m, size_t *size);

/* Registers of a CPU: "x0".."x30", "sp", "pc", "pstate", "v0".."v31" (low 64 bits), or a system
 * register by its name: what it holds, wherever that is kept; reading it changes nothing. False: no
 * such register on this CPU, or none that can be looked at (ICC_IAR1_EL1, write-only ones). */
bool arm_reg_read(struct arm_machine *m, unsigned cpu, const char *name, uint64_t *value);

/* Guest-physical memory; false unless all of it is RAM. */
bool arm_mem_read(struct arm_machine *m, uint64_t pa, void *buf, size_t size);
bool arm_mem_write(struct arm_machine *m, uint64_t pa, const void *buf, size_t size);

/**
 * arm_subscribe() - have @fn called for the events that @filter names (base/probe.h), from within
 * arm_run(). A CPU runs slower only where it is observed: a filter for EL2 leaves EL0 and EL1
 * alone.
 * @filter: copied. @fn: may read the machine, call arm_stop(), subscribe and unsubscribe.
 * Return: a handle above 0; 0 if there are PROBE_SUBSCRIBERS_MAX already.
 *
 * arm_unsubscribe() - end it. False: @handle names none.
 */
int arm_subscribe(struct arm_machine *m, const struct probe_filter *filter, probe_fn *fn,
                  void *ctx);
bool arm_unsubscribe(struct arm_machine *m, int handle);
