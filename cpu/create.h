/* Making a CPU. */
#pragma once

#include "cpu/cpu.h"

struct cpu_model;

struct cpu_params {
    unsigned index;
    uint64_t mpidr;
    const struct cpu_model *model;
    const struct features *features;
    bool has_el2;
    struct code_cache *code; /* all pointers must outlive the CPU */
    struct jit *jit;         /* NULL: the interpreter alone */
    exec_fn *come;           /* with it, else NULL: see struct cpu */
    struct late *late;       /* NULL: nothing is late */
    struct physmem *mem;
    struct clock *clock;
    const struct arm_log *log;
    struct probes *probes;
    const struct cpu_gic_ops *gic;
    void *gic_ctx;
    unsigned cluster_cpus; /* CPUs that share an L2 cache: L2CTLR_EL1 */
    uint64_t seed;         /* the machine's: RNDR follows from it and @index */
    uint64_t periphbase;   /* of the GIC's memory-mapped registers: CBAR_EL1 */
    struct cpu_env env;
};

/* A CPU that is switched off; cpu_reset() before it runs. NULL: no memory. */
struct cpu *cpu_create(const struct cpu_params *params);
void cpu_destroy(struct cpu *cpu);

/* After a reset: go to @el (the highest or below it) with SP_ELx, interrupts masked, as firmware
 * that leaves @el to its caller. */
void cpu_enter_el(struct cpu *cpu, unsigned el);
