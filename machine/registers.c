/* Registers by number and by name, for debuggers and scripts: what they hold, without checks. */
#include <glib.h>
#include <string.h>

#include "cpu/context.h"
#include "cpu/pstate.h"
#include "cpu/sysreg.h"
#include "cpu/world.h"
#include "machine/machine.h"

_Static_assert(ARM_SYSREG(3, 7, 15, 15, 7) == SYSREG_ENC(3, 7, 15, 15, 7),
               "a system register's number is its encoding");

#define CORE(number) ((number)-ARM_X(0))
#define VECTORS      32

/* Numbers beyond the encodings; the names are what a debugger calls them. */
static const char *const core_names[] = {
    "x0",
    "x1",
    "x2",
    "x3",
    "x4",
    "x5",
    "x6",
    "x7",
    "x8",
    "x9",
    "x10",
    "x11",
    "x12",
    "x13",
    "x14",
    "x15",
    "x16",
    "x17",
    "x18",
    "x19",
    "x20",
    "x21",
    "x22",
    "x23",
    "x24",
    "x25",
    "x26",
    "x27",
    "x28",
    "x29",
    "x30",
    [CORE(ARM_SP)] = "sp",
    [CORE(ARM_PC)] = "pc",
    [CORE(ARM_PSTATE)] = "pstate",
};
static const char *const vector_names[VECTORS] = {
    "v0",  "v1",  "v2",  "v3",  "v4",  "v5",  "v6",  "v7",  "v8",  "v9",  "v10",
    "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21",
    "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31",
};

static bool is_core(uint32_t number)
{
    return number - ARM_X(0) < ARRAY_SIZE(core_names);
}

static bool is_vector(uint32_t number)
{
    return number - ARM_V(0) < VECTORS;
}

/* SR_NONE if @number is no system register's. */
static enum sysreg sysreg_of(uint32_t number)
{
    return number <= UINT16_MAX ? sysreg_lookup((uint16_t)number) : SR_NONE;
}

const char *arm_reg_name(uint32_t number)
{
    enum sysreg sr = sysreg_of(number);

    if (is_core(number))
        return core_names[number - ARM_X(0)];
    if (is_vector(number))
        return vector_names[number - ARM_V(0)];
    return sr != SR_NONE ? sysreg_rows[sr].name : NULL;
}

uint32_t arm_reg_number(const char *name)
{
    enum sysreg sr = sysreg_by_name(name);

    if (sr != SR_NONE)
        return sysreg_rows[sr].enc;
    for (uint32_t k = 0; k < ARRAY_SIZE(core_names); k++)
        if (!g_ascii_strcasecmp(name, core_names[k]))
            return ARM_X(0) + k;
    for (uint32_t k = 0; k < VECTORS; k++)
        if (!g_ascii_strcasecmp(name, vector_names[k]))
            return ARM_V(k);
    return ARM_NO_REGISTER;
}

static uint64_t read_core(const struct cpu *cpu, uint32_t number)
{
    switch (number) {
    case ARM_SP:
        return cpu->x[REG_SP];
    case ARM_PC:
        return cpu->pc;
    case ARM_PSTATE:
        return cpu_pstate_to_spsr(cpu, cpu_nzcv(cpu));
    default:
        return cpu->x[number - ARM_X(0)];
    }
}

bool arm_reg_get(struct arm_machine *m, unsigned index, uint32_t number, uint64_t value[2])
{
    enum sysreg sr = sysreg_of(number);

    if (index >= m->cpu_count)
        return false;
    struct cpu *cpu = m->cpus[index];
    value[1] = 0;
    if (is_core(number))
        value[0] = read_core(cpu, number);
    else if (is_vector(number))
        memcpy(value, &cpu->v[number - ARM_V(0)], sizeof(cpu->v[0]));
    else
        return sr != SR_NONE && cpu_sysreg_peek(cpu, sr, &value[0]);
    return true;
}

/* PSTATE of a mode that this CPU has; fields of features that it has not stay 0. */
static bool write_pstate(struct cpu *cpu, uint64_t spsr)
{
    unsigned el = (unsigned)bits(spsr, 3, 2), sp = bit(spsr, 0);

    if (bit(spsr, 4) || bit(spsr, 1) || el > cpu_highest_el(cpu) ||
        (el == 2 && !cpu->el2_enabled) || (el == 0 && sp))
        return false;
    cpu_set_el_sp(cpu, el, sp);
    cpu_follow_scr(cpu);
    cpu_set_nzcv(cpu, (unsigned)bits(spsr, 31, 28));
    cpu->ps.daif = (uint8_t)bits(spsr, 9, 6);
    cpu->ps.il = bit(spsr, 20);
    cpu->ps.ss = bit(spsr, 21);
    cpu->ps.btype = cpu_has(cpu, FEAT_BTI) ? (uint8_t)bits(spsr, 11, 10) : 0;
    cpu->ps.ssbs = cpu_has(cpu, FEAT_SSBS) && bit(spsr, 12);
    cpu->ps.pan = cpu_has(cpu, FEAT_PAN) && bit(spsr, 22);
    cpu->ps.uao = cpu_has(cpu, FEAT_UAO) && bit(spsr, 23);
    cpu->ps.dit = cpu_has(cpu, FEAT_DIT) && bit(spsr, 24);
    cpu->irq_check = true;
    cpu_sysreg_effects(cpu, SR_FX_DEBUG | SR_FX_PMU);
    cpu_context_changed(cpu);
    return true;
}

static bool write_core(struct cpu *cpu, uint32_t number, uint64_t value)
{
    switch (number) {
    case ARM_SP:
        cpu->x[REG_SP] = value;
        return true;
    case ARM_PC:
        cpu->pc = value;
        return true;
    case ARM_PSTATE:
        return write_pstate(cpu, value);
    default:
        cpu->x[number - ARM_X(0)] = value;
        return true;
    }
}

bool arm_reg_set(struct arm_machine *m, unsigned index, uint32_t number, const uint64_t value[2])
{
    if (index >= m->cpu_count)
        return false;
    struct cpu *cpu = m->cpus[index];
    if (is_core(number))
        return write_core(cpu, number, value[0]);
    if (!is_vector(number))
        return sysreg_of(number) != SR_NONE && cpu_sysreg_poke(cpu, sysreg_of(number), value[0]);
    memcpy(&cpu->v[number - ARM_V(0)], value, sizeof(cpu->v[0]));
    return true;
}

bool arm_reg_read(struct arm_machine *m, unsigned index, const char *name, uint64_t *value)
{
    uint64_t both[2];

    if (!arm_reg_get(m, index, arm_reg_number(name), both))
        return false;
    *value = both[0];
    return true;
}

bool arm_reg_write(struct arm_machine *m, unsigned index, const char *name, uint64_t value)
{
    return arm_reg_set(m, index, arm_reg_number(name), (const uint64_t[2]){value, 0});
}

static bool describe(struct cpu *cpu, uint32_t number, struct arm_register *out)
{
    enum sysreg sr = sysreg_of(number);
    uint64_t value;

    if (sr != SR_NONE && !cpu_sysreg_peek(cpu, sr, &value))
        return false;
    *out =
        (struct arm_register){.name = arm_reg_name(number),
                              .number = number,
                              .width = is_vector(number) ? 128 : 64,
                              .writable = sr == SR_NONE || (sysreg_rows[sr].access & SR_WRITE) != 0,
                              .alias = sr != SR_NONE && sysreg_rows[sr].alias};
    return true;
}

/* Core registers, vectors, then system registers by their encodings. */
size_t arm_reg_list(struct arm_machine *m, unsigned index, struct arm_register *list, size_t room)
{
    struct arm_register r;
    size_t count = 0;

    if (index >= m->cpu_count)
        return 0;
    for (uint32_t k = 0; k < ARRAY_SIZE(core_names) + VECTORS + SR_COUNT; k++) {
        uint32_t number =
            k < ARRAY_SIZE(core_names) ? ARM_X(0) + k : ARM_V(k - ARRAY_SIZE(core_names));
        if (k >= ARRAY_SIZE(core_names) + VECTORS)
            number = sysreg_rows[k - ARRAY_SIZE(core_names) - VECTORS].enc;
        if (!describe(m->cpus[index], number, &r))
            continue;
        if (count < room)
            list[count] = r;
        count++;
    }
    return count;
}
