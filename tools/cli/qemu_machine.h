/* -machine, -cpu, -smp, -m and -accel of `armillary qemu`: the board and its CPUs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct qemu;

struct qemu_machine {
    const char *model;     /* of the CPUs, a name in cpu_models */
    unsigned version;      /* of the board, 100 * major + minor */
    bool named, refused;   /* -machine gave a type; one that is not here */
    bool ram_named;        /* -m was given */
    unsigned gic_version;  /* 2 or 3; 0: not said */
    const char *pflash[2]; /* node-names of -blockdev */
    bool highmem_off, pauth_off, its_off;
    const char *pauth;    /* the algorithm's feature, NULL: the board version's default */
    const char *lpa2;     /* ",+lpa2" or ",-lpa2"; NULL: the board version's default */
    const char *pmu;      /* likewise */
    const char *max_only; /* the first property that only -cpu max has */
    uint64_t cpus, maxcpus, sockets, clusters, cores, threads; /* 0: not said */
};

/* Options; false, and what is wrong was printed. */
bool qemu_machine(struct qemu *q, const char *option, const char *value);
bool qemu_cpu(struct qemu *q, const char *option, const char *value); /* qemu_cpu.c */
bool qemu_smp(struct qemu *q, const char *option, const char *value);
bool qemu_memory(struct qemu *q, const char *option, const char *value);
bool qemu_accel(struct qemu *q, const char *option, const char *value);
bool qemu_enable_kvm(struct qemu *q, const char *option, const char *value);

/* After all options: check them against each other, and fill the configuration. */
bool qemu_machine_connect(struct qemu *q);

/* Of that, the CPUs: the model, with what the board's version and properties of it say. */
void qemu_cpu_connect(struct qemu *q);
