/*
 * The firmware: PSCI 1.1 (DEN0022) and the SMCCC version calls (DEN0028), by SMC when EL2 exists
 * and by HVC when not.
 */
#include "cpu/exception.h"
#include "machine/machine.h"

#define PSCI_32 UINT32_C(0x84000000)
#define PSCI_64 UINT32_C(0xc4000000)

#define PSCI_SUCCESS            UINT64_C(0)
#define PSCI_NOT_SUPPORTED      (~UINT64_C(0))
#define PSCI_INVALID_PARAMETERS (~UINT64_C(0) - 1)
#define PSCI_DENIED             (~UINT64_C(0) - 2)
#define PSCI_ALREADY_ON         (~UINT64_C(0) - 3)
#define PSCI_INVALID_ADDRESS    (~UINT64_C(0) - 8)

#define PSCI_VERSION_1_1  0x10001
#define SMCCC_VERSION_1_2 0x10002
#define TOS_NOT_PRESENT   2 /* MIGRATE_INFO_TYPE: migration is not needed */

#define MPIDR_AFFINITY UINT64_C(0xff00ffffff)

typedef uint64_t psci_fn(struct machine *m, struct cpu *cpu, const uint64_t arg[3]);

static struct cpu *find_cpu(const struct machine *m, uint64_t affinity)
{
    for (unsigned k = 0; k < m->cpu_count; k++)
        if ((m->mpidr[k] & MPIDR_AFFINITY) == affinity)
            return m->cpus[k];
    return NULL;
}

/* Bit 31 is RES1 in MPIDR_EL1 and firmware ignores it in a target; other stray bits are an error.
 */
static struct cpu *find_target(const struct machine *m, uint64_t target)
{
    return find_cpu(m, target & ~BIT(31));
}

static uint64_t psci_version(struct machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    (void)m, (void)cpu, (void)arg;
    return PSCI_VERSION_1_1;
}

static uint64_t smccc_version(struct machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    (void)m, (void)cpu, (void)arg;
    return SMCCC_VERSION_1_2;
}

static uint64_t smccc_arch_features(struct machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    (void)m, (void)cpu;
    uint32_t id = (uint32_t)arg[0];

    return id == 0x80000000 || id == 0x80000001 ? 0 : PSCI_NOT_SUPPORTED;
}

/* Suspend is a standby: it returns when an interrupt wakes the CPU, like WFI. */
static uint64_t cpu_suspend(struct machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    (void)m;
    if (bit(arg[0], 16))
        return PSCI_INVALID_PARAMETERS; /* power-down states: none is offered */
    cpu->power = CPU_WFI;
    return PSCI_SUCCESS;
}

static uint64_t cpu_off(struct machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    (void)arg;
    cpu->power = CPU_OFF;
    gic_sleep(m->gic, cpu->index, true);
    return PSCI_SUCCESS;
}

static uint64_t cpu_on(struct machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    struct cpu *target = find_target(m, arg[0]);

    (void)cpu;
    if (!target)
        return PSCI_INVALID_PARAMETERS;
    if (target->power != CPU_OFF)
        return PSCI_ALREADY_ON;
    if (arg[1] & 3)
        return PSCI_INVALID_ADDRESS;
    machine_start_cpu(m, target, arg[1], arg[2]);
    return PSCI_SUCCESS;
}

/* To RAM: the last CPU that is on goes off, and is on again at the next interrupt. */
static uint64_t system_suspend(struct machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    for (unsigned k = 0; k < m->cpu_count; k++)
        if (m->cpus[k] != cpu && m->cpus[k]->power != CPU_OFF)
            return PSCI_DENIED;
    if (arg[0] & 3)
        return PSCI_INVALID_ADDRESS;
    machine_start_cpu(m, cpu, arg[0], arg[1]);
    cpu->power = CPU_SUSPENDED;
    return arg[1]; /* context ID, in X0 at the entry point */
}

static uint64_t affinity_info(struct machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    struct cpu *target = find_target(m, arg[0]);

    (void)cpu;
    if (arg[1] > 3)
        return PSCI_INVALID_PARAMETERS;
    if (arg[1] > 0) {
        /* A level above 0 names a group: on if any of its CPUs is. */
        uint64_t mask = MPIDR_AFFINITY & (arg[1] == 3 ? MASK(39, 32) : MASK(39, 0) << (8 * arg[1]));
        bool found = false;

        for (unsigned k = 0; k < m->cpu_count; k++)
            if ((m->mpidr[k] & mask) == (arg[0] & mask)) {
                found = true;
                if (m->cpus[k]->power != CPU_OFF)
                    return 0;
            }
        return found ? 1 : PSCI_INVALID_PARAMETERS;
    }
    if (!target)
        return PSCI_INVALID_PARAMETERS;
    return target->power == CPU_OFF;
}

static uint64_t migrate_info_type(struct machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    (void)m, (void)cpu, (void)arg;
    return TOS_NOT_PRESENT;
}

static uint64_t system_off(struct machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    (void)cpu, (void)arg;
    machine_stop(m, ARM_STOP_POWEROFF);
    return PSCI_SUCCESS;
}

static uint64_t system_reset(struct machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    (void)cpu, (void)arg;
    machine_stop(m, ARM_STOP_RESET);
    return PSCI_SUCCESS;
}

static psci_fn psci_features;

/* One row a function; `wide` has a 64-bit twin with the same number. */
static const struct {
    uint32_t number;
    bool wide;
    psci_fn *fn;
} functions[] = {
    {PSCI_32 + 0, false, psci_version},   {PSCI_32 + 1, true, cpu_suspend},
    {PSCI_32 + 2, false, cpu_off},        {PSCI_32 + 3, true, cpu_on},
    {PSCI_32 + 4, true, affinity_info},   {PSCI_32 + 6, false, migrate_info_type},
    {PSCI_32 + 8, false, system_off},     {PSCI_32 + 9, false, system_reset},
    {PSCI_32 + 10, false, psci_features}, {PSCI_32 + 14, true, system_suspend},
    {PSCI_32 + 18, true, system_reset}, /* SYSTEM_RESET2 */
    {0x80000000, false, smccc_version},   {0x80000001, false, smccc_arch_features},
};

static psci_fn *find_function(uint32_t id)
{
    for (unsigned k = 0; k < ARRAY_SIZE(functions); k++)
        if (functions[k].number == id ||
            (functions[k].wide && functions[k].number == (id & ~BIT(30))))
            return functions[k].fn;
    return NULL;
}

static uint64_t psci_features(struct machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    (void)m, (void)cpu;
    psci_fn *fn = find_function((uint32_t)arg[0]);

    /* CPU_SUSPEND's feature word: original StateID format, no OS-initiated mode. */
    return fn ? 0 : PSCI_NOT_SUPPORTED;
}

void psci_call(struct machine *m, struct cpu *cpu, bool is_hvc)
{
    uint32_t id = (uint32_t)cpu->x[0];
    bool is64 = bit(id, 30);
    uint64_t arg[3];
    psci_fn *fn = find_function(id);

    (void)is_hvc;
    for (unsigned k = 0; k < 3; k++)
        arg[k] = is64 ? cpu->x[1 + k] : (uint32_t)cpu->x[1 + k];
    if (!fn)
        LOG(cpu->log, PSCI, GUEST, "cpu%u: no firmware function %#x", cpu->index, id);
    uint64_t result = fn ? fn(m, cpu, arg) : PSCI_NOT_SUPPORTED;
    cpu->x[0] = result;
}
