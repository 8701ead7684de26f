/*
 * A small user of KVM: one virtual machine with in-kernel GICv3 and ITS, or GICv2, and PSCI, a few
 * devices by MMIO exits, and one of two guests: Linux (linux.c) or a bare-metal program that
 * measures (measure.c, payload.c).
 */
#pragma once

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VCPUS_MAX 4

/* exits[] is indexed by KVM_EXIT_xxx. */
#define EXITS_MAX 64

/* Guest-physical layout; payload.c includes layout.h too. */
#include "layout.h"

struct vm;

struct vcpu {
    struct vm *vm;
    int fd;
    struct kvm_run *run; /* mapped */
    pthread_t thread;
    uint64_t exits[EXITS_MAX];
};

/* What a guest's MMIO access does; false: no such register. @value is read or written. */
typedef bool mmio_fn(struct vm *vm, uint64_t offset, bool is_write, uint64_t *value);

struct vm {
    int kvm, fd, gic, its;
    unsigned gic_version; /* 3, with an ITS; or 2 */
    unsigned vcpu_count;
    bool pmu;      /* vCPUs have a PMU */
    bool perf;     /* the host counts while the guest runs (host.c) */
    bool debugger; /* the host steps and stops vCPU 0 */
    bool memory;   /* it takes pages away, and logs dirty ones (memory.c) */
    struct vcpu vcpus[VCPUS_MAX];
    uint8_t *ram;     /* RAM_SIZE bytes */
    mmio_fn *control; /* the measuring guest's; NULL: there is none */
    uint64_t chosen;  /* its measurements, BIT(MEASURE_xxx) */
    bool line_begun;  /* of the guest's console */
    volatile bool done;
    unsigned event; /* KVM_SYSTEM_EVENT_xxx that ended the run */
    bool failed;
};

/* Print and exit with code 1: nothing here can go on without what failed. */
void die(const char *what) __attribute__((noreturn));

/* vm->pmu, perf, debugger and memory are set already. */
void vm_create(struct vm *vm, unsigned vcpus, unsigned gic_version);

/* Registers of vCPU 0; the others wait for the guest's PSCI CPU_ON. */
void vm_set_entry(struct vm *vm, uint64_t pc, uint64_t x0, uint64_t x1);

/* Run all vCPUs until the guest powers off or resets, or something fails. */
void vm_run(struct vm *vm);

/* The host's own use of its counters and debug registers: from perf_begin() to perf_end(), which
 * prints what has counted. perf_touch(): at an exit to user space. */
void perf_begin(void);
void perf_touch(void);
void perf_end(void);

/* vCPU 0 has exited for KVM_EXIT_DEBUG, for something else; the run is over. */
void debugger_stopped(struct vcpu *v);
void debugger_exit(struct vcpu *v);
void debugger_end(void);

/* The host has its way with guest RAM, at an exit to user space; the run is over. */
void memory_change(struct vm *vm);
void memory_end(void);

/* Exits by reason, and the kernel's own counts. */
void vm_report(const struct vm *vm);

/* vm_run() ends; called by MMIO functions too. */
void vm_stop(struct vm *vm);

/* A file's bytes into guest RAM; returns their number. */
size_t vm_load(struct vm *vm, const char *path, uint64_t gpa);

/* Message-signalled interrupt through the in-kernel ITS, from device 0. */
void vm_signal_msi(struct vm *vm, uint32_t event);

/* The measurement called @word, or "all", as bits of MEASURE_xxx; 0: there is none. */
uint64_t measurement(const char *word);

/* The guests. Return: the process's exit code. */
int linux_guest(struct vm *vm, const char *image, const char *initrd, const char *append);
int measuring_guest(struct vm *vm, uint64_t rounds, uint64_t chosen);
