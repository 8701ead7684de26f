#include "cpu/state.h"

#include <string.h>

#include "cpu/context.h"
#include "cpu/debug.h"
#include "cpu/pmu.h"
#include "cpu/pstate.h"
#include "cpu/timer.h"
#include "cpu/world.h"

/* Rows that are no plain field. */

static uint64_t get_nzcv(const struct cpu *cpu)
{
    return cpu_nzcv(cpu);
}

static void set_nzcv(struct cpu *cpu, uint64_t value)
{
    cpu_set_nzcv(cpu, (unsigned)value);
}

#define SP_ROW(el)                                                                                 \
    static uint64_t get_sp_el##el(const struct cpu *cpu)                                           \
    {                                                                                              \
        return cpu_sp_get(cpu, el);                                                                \
    }                                                                                              \
    static void set_sp_el##el(struct cpu *cpu, uint64_t value)                                     \
    {                                                                                              \
        cpu_sp_set(cpu, el, value);                                                                \
    }
SP_ROW(0)
SP_ROW(1)
SP_ROW(2)
SP_ROW(3)
#undef SP_ROW

static uint64_t get_retired(const struct cpu *cpu)
{
    return cpu_retired(cpu);
}

static void set_retired(struct cpu *cpu, uint64_t value)
{
    cpu->retired_goal = value;
    cpu->left = 0;
}

static uint64_t get_pmu_deadline(const struct cpu *cpu)
{
    return cpu->pmu_event.deadline_ns;
}

static void set_pmu_deadline(struct cpu *cpu, uint64_t value)
{
    clock_event_set(cpu->clock, &cpu->pmu_event, value);
}

/* The rows. */

struct state_row {
    const char *name;
    uint64_t (*get)(const struct cpu *cpu); /* NULL: a field, at offset */
    void (*set)(struct cpu *cpu, uint64_t value);
    size_t offset;
    uint16_t bytes, count; /* of a number, and how many */
    uint64_t most;
};

static const struct state_row rows[] = {
#define ARCH(field, type, n, top, text)                                                            \
    {.name = #field,                                                                               \
     .offset = offsetof(struct cpu, field),                                                        \
     .bytes = sizeof(type),                                                                        \
     .count = (n),                                                                                 \
     .most = (top)},
#define HELD(field, type, top, text)                                                               \
    {.name = #field,                                                                               \
     .get = get_##field,                                                                           \
     .set = set_##field,                                                                           \
     .bytes = sizeof(type),                                                                        \
     .count = 1,                                                                                   \
     .most = (top)},
#define DERIVED(field, text)
#define CACHE(field, text)
#define WIRING(field, text)
#include "cpu/state.def"
#undef ARCH
#undef HELD
#undef CACHE
};

static bool is_sysregs(const struct state_row *row)
{
    return row->offset == offsetof(struct cpu, sr) && !row->get;
}

/* Not here: SP_ELx have rows of their own, the GIC saves its registers. */
static bool is_elsewhere(const struct state_row *row, unsigned k)
{
    return is_sysregs(row) && !sysreg_is_stored((enum sysreg)k);
}

static const char *name_of(const struct state_row *row, unsigned k)
{
    return is_sysregs(row) ? sysreg_rows[k].name : row->name;
}

static uint64_t get(const struct cpu *cpu, const struct state_row *row, unsigned k)
{
    uint64_t value = 0;

    if (row->get)
        return row->get(cpu);
    /* The host is little-endian. */
    memcpy(&value, (const char *)cpu + row->offset + (size_t)k * row->bytes, row->bytes);
    return value;
}

static void set(struct cpu *cpu, const struct state_row *row, unsigned k, uint64_t value)
{
    if (row->set)
        row->set(cpu, value);
    else
        memcpy((char *)cpu + row->offset + (size_t)k * row->bytes, &value, row->bytes);
}

/* May number @k of @row become @value? Constants make this CPU the one that it is. */
static bool is_allowed(const struct cpu *cpu, const struct state_row *row, unsigned k,
                       uint64_t value)
{
    if (is_sysregs(row) && sysreg_home((enum sysreg)k) == HOME_CONSTANT)
        return value == cpu->sr[k];
    return value <= row->most;
}

/* Nothing that does not suit is ever stored. */
static void pass(struct state_io *io, struct cpu *cpu, const struct state_row *row, unsigned k)
{
    uint64_t value = get(cpu, row, k);

    state_uint(io, name_of(row, k), &value, row->bytes);
    if (state_restoring(io) && state_require(io, is_allowed(cpu, row, k, value), name_of(row, k)))
        set(cpu, row, k, value);
}

static void clear_caches(struct cpu *cpu)
{
#define ARCH(field, type, n, top, text)
#define HELD(field, type, top, text)
#define CACHE(field, text) memset(&cpu->field, 0, sizeof(cpu->field));
#include "cpu/state.def"
#undef ARCH
#undef HELD
#undef CACHE
#undef DERIVED
#undef WIRING
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

/* Of the rows themselves: another table makes other state. */
static uint64_t layout(void)
{
    uint64_t hash = 0;

    for (const struct state_row *row = rows; row < rows + ARRAY_SIZE(rows); row++)
        for (unsigned k = 0; k < row->count; k++)
            for (const char *c = name_of(row, k); *c; c++)
                hash = mix(hash, (uint64_t)row->bytes << 8 | (uint8_t)*c);
    return hash;
}

/* Of a CPU in Secure state, EL2 is not. */
static bool is_there(const struct cpu *cpu, unsigned el)
{
    return el < 2 || (el == 2 ? cpu->has_el2 && !cpu_secure_below_el3(cpu) : cpu_has_el3(cpu));
}

void cpu_state(struct state_io *io, struct cpu *cpu)
{
    uint64_t found = layout();

    state_uint(io, "table of the CPU's state", &found, sizeof(found));
    state_require(io, found == layout(), "table of the CPU's state");
    for (const struct state_row *row = rows; row < rows + ARRAY_SIZE(rows); row++)
        for (unsigned k = 0; k < row->count && !state_failed(io); k++)
            if (!is_elsewhere(row, k))
                pass(io, cpu, row, k);
    if (!state_require(io, is_there(cpu, cpu->ps.el), "ps.el") || !state_restoring(io))
        return;
    tlb_flush_all(cpu->tlb);
    clear_caches(cpu);
    cpu_state_changed(cpu);
}

uint64_t cpu_state_hash(const struct cpu *cpu)
{
    uint64_t hash = 0;

    for (const struct state_row *row = rows; row < rows + ARRAY_SIZE(rows); row++)
        for (unsigned k = 0; k < row->count; k++)
            if (!is_elsewhere(row, k))
                hash = mix(hash, get(cpu, row, k));
    return hash;
}

unsigned cpu_state_compare(const struct cpu *a, const struct cpu *b, struct cpu_state_difference *d,
                           unsigned max)
{
    unsigned found = 0;

    for (const struct state_row *row = rows; row < rows + ARRAY_SIZE(rows); row++) {
        for (unsigned k = 0; k < row->count; k++) {
            uint64_t in_a = get(a, row, k), in_b = get(b, row, k);
            if (in_a == in_b || is_elsewhere(row, k))
                continue;
            if (found < max)
                d[found] = (struct cpu_state_difference){name_of(row, k), k, in_a, in_b};
            found++;
        }
    }
    return found;
}

void cpu_state_changed(struct cpu *cpu)
{
    cpu->trap_epoch++;
    cpu_follow_scr(cpu);
    cpu_context_changed(cpu);
    cpu_debug_follow(cpu);
    pmu_follow(cpu);
    cpu_timers_changed(cpu);
    cpu->irq_check = true;
}
