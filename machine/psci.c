/*
 * The firmware: PSCI 1.1 (DEN0022) and the SMCCC version calls (DEN0028), by SMC when EL2 exists
 * and by HVC when not.
 */
#include "arch/psci.h"
#include "base/probe.h"
#include "cpu/events.h"
#include "machine/machine.h"

#define PSCI_VERSION_1_1  0x10001
#define SMCCC_VERSION_1_2 0x10002
#define SYSTEM_WARM_RESET 0
#define TOS_NOT_PRESENT   2 /* MIGRATE_INFO_TYPE: migration is not needed */

typedef uint64_t psci_fn(struct arm_machine *m, struct cpu *cpu, const uint64_t arg[3]);

/* target_cpu, target_affinity: MPIDR's affinity fields, and zeros; NULL: no CPU has them. */
static struct cpu *find_cpu(const struct arm_machine *m, uint64_t affinity)
{
    for (unsigned k = 0; k < m->cpu_count; k++)
        if ((m->mpidr[k] & MPIDR_AFFINITY) == affinity)
            return m->cpus[k];
    return NULL;
}

/* Can a CPU start at @entry? There are instructions of A64 only, and no memory but this. */
static bool is_entry_point(struct arm_machine *m, uint64_t entry)
{
    return is_aligned(entry, 4) && physmem_ram(&m->mem, pa(entry), 4);
}

/* Tell who wants it of @p, an event of the call that @cpu has made: its instruction is the one
 * before. */
static void tell(const struct cpu *cpu, struct arm_event *p)
{
    cpu_locate(cpu, p);
    p->pc -= 4;
    probe_fire(cpu->probes, p);
}

static uint64_t psci_version(struct arm_machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    (void)m, (void)cpu, (void)arg;
    return PSCI_VERSION_1_1;
}

static uint64_t smccc_version(struct arm_machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    (void)m, (void)cpu, (void)arg;
    return SMCCC_VERSION_1_2;
}

/* power_state in its original format (PSCI_FEATURES says so), which is 32 bits wide
 * in both forms. */
#define STATE_TYPE_DOWN BIT(16)
#define STATE_RES0      (MASK(31, 26) | MASK(23, 17))
#define STATE_LEVEL     MASK(25, 24)

static void suspend(struct arm_machine *m, struct cpu *cpu, uint64_t entry, uint64_t context)
{
    if (cpu_wants(cpu, ARM_EVENT_POWER))
        tell(cpu, &(struct arm_event){.kind = ARM_EVENT_POWER,
                                      .power = {.state = ARM_POWER_SUSPENDED,
                                                .by = (uint8_t)cpu->index,
                                                .entry = entry,
                                                .context = context}});
    machine_suspend_cpu(m, cpu, entry, context);
}

/*
 * Standby is WFI. A CPU alone (level 0) may also lose its state but for the timers, which the
 * device tree calls always-on, until an interrupt brings it to the entry point. What StateID tells
 * apart, like the retention of caches, is all the same here.
 */
static uint64_t cpu_suspend(struct arm_machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    if (arg[0] & (STATE_RES0 | STATE_LEVEL) & MASK(31, 0))
        return PSCI_INVALID_PARAMETERS;
    if (!(arg[0] & STATE_TYPE_DOWN)) {
        cpu->power = CPU_WFI;
        return PSCI_SUCCESS;
    }
    if (!is_entry_point(m, arg[1]))
        return PSCI_INVALID_ADDRESS;
    suspend(m, cpu, arg[1], arg[2]);
    return PSCI_SUCCESS; /* nobody sees it */
}

static uint64_t cpu_off(struct arm_machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    (void)arg;
    if (cpu_wants(cpu, ARM_EVENT_POWER))
        tell(cpu,
             &(struct arm_event){.kind = ARM_EVENT_POWER,
                                 .power = {.state = ARM_POWER_OFF, .by = (uint8_t)cpu->index}});
    cpu->power = CPU_OFF;
    gic_sleep(m->gic, cpu->index, true);
    return PSCI_SUCCESS;
}

static uint64_t cpu_on(struct arm_machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    struct cpu *target = find_cpu(m, arg[0]);

    (void)cpu;
    if (!target)
        return PSCI_INVALID_PARAMETERS;
    if (!is_entry_point(m, arg[1]))
        return PSCI_INVALID_ADDRESS;
    if (target->power != CPU_OFF)
        return PSCI_ALREADY_ON;
    machine_start_cpu(m, target, arg[1], arg[2]);
    return PSCI_SUCCESS;
}

/* To RAM: the last CPU that is on goes off, and is on again at the next interrupt. */
static uint64_t system_suspend(struct arm_machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    for (unsigned k = 0; k < m->cpu_count; k++)
        if (m->cpus[k] != cpu && m->cpus[k]->power != CPU_OFF)
            return PSCI_DENIED;
    if (!is_entry_point(m, arg[0]))
        return PSCI_INVALID_ADDRESS;
    suspend(m, cpu, arg[0], arg[1]);
    return PSCI_SUCCESS; /* nobody sees it */
}

/* A level above 0 names a group, whose members' lower fields do not count: on if one of them is. */
static uint64_t affinity_info(struct arm_machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    uint32_t level = (uint32_t)arg[1];
    uint64_t below = level < 3 ? MASK(39, 0) & ~(MASK(39, 0) << 8 * level) : MASK(31, 0);
    uint64_t info = PSCI_INVALID_PARAMETERS;

    (void)cpu;
    if (level > 3 || (arg[0] & ~MPIDR_AFFINITY))
        return PSCI_INVALID_PARAMETERS;
    for (unsigned k = 0; k < m->cpu_count; k++) {
        if (((m->mpidr[k] & MPIDR_AFFINITY) ^ arg[0]) & ~below)
            continue;
        if (m->cpus[k]->power != CPU_OFF)
            return PSCI_ON;
        info = PSCI_OFF;
    }
    return info;
}

static uint64_t migrate_info_type(struct arm_machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    (void)m, (void)cpu, (void)arg;
    return TOS_NOT_PRESENT;
}

static uint64_t system_off(struct arm_machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    (void)cpu, (void)arg;
    machine_stop(m, ARM_STOP_POWEROFF);
    return PSCI_SUCCESS;
}

static uint64_t system_reset(struct arm_machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    (void)cpu, (void)arg;
    machine_stop(m, ARM_STOP_RESET);
    return PSCI_SUCCESS;
}

/* The only architectural reset is warm; as all resets of this machine it keeps memory. Its cookie
 * and the other half of the types are a vendor's. */
static uint64_t system_reset2(struct arm_machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    if ((uint32_t)arg[0] != SYSTEM_WARM_RESET)
        return PSCI_INVALID_PARAMETERS;
    return system_reset(m, cpu, arg);
}

static psci_fn psci_features, smccc_arch_features;

/* One row a function; `wide` has a 64-bit twin with the same number. Those of PSCI 1.1 that are not
 * here are optional, and without a Trusted OS there is nothing to migrate. */
static const struct function {
    uint32_t number;
    bool wide;
    psci_fn *fn;
} functions[] = {
    {SMCCC_VERSION, false, smccc_version},
    {SMCCC_ARCH_FEATURES, false, smccc_arch_features},
    {PSCI_VERSION, false, psci_version},
    {PSCI_CPU_SUSPEND_32, true, cpu_suspend},
    {PSCI_CPU_OFF, false, cpu_off},
    {PSCI_CPU_ON_32, true, cpu_on},
    {PSCI_AFFINITY_INFO_32, true, affinity_info},
    {PSCI_MIGRATE_INFO_TYPE, false, migrate_info_type},
    {PSCI_SYSTEM_OFF, false, system_off},
    {PSCI_SYSTEM_RESET, false, system_reset},
    {PSCI_FEATURES, false, psci_features},
    {PSCI_SYSTEM_SUSPEND_32, true, system_suspend},
    {PSCI_SYSTEM_RESET2_32, true, system_reset2},
};

static const struct function *find_function(uint32_t id)
{
    for (unsigned k = 0; k < ARRAY_SIZE(functions); k++)
        if (functions[k].number == id ||
            (functions[k].wide && functions[k].number == (id & ~SMCCC_64)))
            return &functions[k];
    return NULL;
}

/* Flags of CPU_SUSPEND: power_state's original format, no OS-initiated mode; others have none. Of
 * SMCCC's functions only its version is found this way. */
static uint64_t psci_features(struct arm_machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    const struct function *f = find_function((uint32_t)arg[0]);

    (void)m, (void)cpu;
    return f && (f->number >= PSCI_VERSION || f->number == SMCCC_VERSION) ? 0 : PSCI_NOT_SUPPORTED;
}

/* Functions of the Arm Architecture service. No CPU here needs a workaround. */
static uint64_t smccc_arch_features(struct arm_machine *m, struct cpu *cpu, const uint64_t arg[3])
{
    const struct function *f = find_function((uint32_t)arg[0]);

    (void)m, (void)cpu;
    return f && f->number < PSCI_VERSION ? 0 : PSCI_NOT_SUPPORTED;
}

/* The function identifier is in W0 and results are signed: all of X0 is -1 for what is unknown.
 * Registers behind X0 keep their values (SMCCC 1.1). An immediate other than 0 is reserved. */
void psci_call(struct arm_machine *m, struct cpu *cpu, uint16_t immediate)
{
    uint32_t id = (uint32_t)cpu->x[0];
    const struct function *f = immediate == 0 ? find_function(id) : NULL;
    uint64_t arg[3];

    for (unsigned k = 0; k < 3; k++)
        arg[k] = id & SMCCC_64 ? cpu->x[1 + k] : (uint32_t)cpu->x[1 + k];
    if (!f)
        LOG(cpu->log, PSCI, GUEST, "cpu%u: no firmware function %#x, immediate %#x", cpu->index, id,
            immediate);
    uint64_t result = f ? f->fn(m, cpu, arg) : (uint64_t)PSCI_NOT_SUPPORTED;
    if (cpu_wants(cpu, ARM_EVENT_FIRMWARE))
        tell(cpu, &(struct arm_event){.kind = ARM_EVENT_FIRMWARE,
                                      .firmware = {.function = id,
                                                   .arg1 = arg[0],
                                                   .arg2 = arg[1],
                                                   .arg3 = arg[2],
                                                   .result = result}});
    cpu->x[0] = result;
}
