/* System registers that take effect later, and when anything does. */
#include "cpu/late.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cpu/code_cache.h"
#include "cpu/late_state.h"

#define LATE_STREAM UINT64_C(0x6c61746565666665) /* keeps it apart from the other streams */

struct late *late_create(unsigned cpus, uint64_t seed, late_write_fn *write)
{
    struct late *late = calloc(1, sizeof(*late) + cpus * sizeof(late->cpus[0]));

    if (!late)
        return NULL;
    late->cpu_count = cpus;
    late->rng = seed ^ LATE_STREAM;
    late->write = write;
    return late;
}

void late_destroy(struct late *late)
{
    free(late);
}

bool late_draw(struct late *late, unsigned n)
{
    return random_next(&late->rng) >> 32 < UINT32_MAX / n;
}

uint64_t late_deadline(struct late *late, uint64_t now_ns)
{
    return now_ns + random_next(&late->rng) % LATE_MAX_NS;
}

static struct late_cpu *late_of(const struct cpu *cpu)
{
    return &cpu->late->cpus[cpu->index];
}

void late_reset_cpu(struct cpu *cpu)
{
    struct late_cpu *l = late_of(cpu);

    l->register_count = l->tlbi_count = l->posted_count = 0;
}

void late_reset(struct late *late, struct physmem *mem)
{
    late->store_count = late->line_count = 0;
    late_clear_pages(late, mem);
}

/* ---- registers ---- */

/* Are writes of @a and @b in order? Of one register they are; those of the performance monitors
 * have bits in common (PMCR_EL0.P, the SET and CLR names). */
static bool in_order(enum sysreg a, enum sysreg b)
{
    return a == b || (sysreg_rows[a].fx & sysreg_rows[b].fx & SR_FX_PMU);
}

/* 1 + the place of the last write that is in order with one of @sr; 0: there is none. */
static unsigned find_ordered(const struct late_cpu *l, enum sysreg sr)
{
    unsigned n = l->register_count;

    while (n && !in_order((enum sysreg)l->registers[n - 1].sr, sr))
        n--;
    return n;
}

/* 1 + the place of the last write of @sr, 0: there is none. */
static unsigned find(const struct late_cpu *l, enum sysreg sr)
{
    unsigned n = l->register_count;

    while (n && l->registers[n - 1].sr != sr)
        n--;
    return n;
}

/* The first @count take effect. What one does may look at the list: it is off it before. */
static void apply(struct cpu *cpu, unsigned count)
{
    struct late_cpu *l = late_of(cpu);
    struct late_register now[LATE_WRITES];

    if (!count)
        return;
    cpu_recheck(cpu);
    memcpy(now, l->registers, count * sizeof(now[0]));
    l->register_count -= count;
    memmove(l->registers, l->registers + count, l->register_count * sizeof(now[0]));
    for (unsigned k = 0; k < count; k++)
        cpu->late->write(cpu, (enum sysreg)now[k].sr, now[k].virt, now[k].value);
}

static void add(struct cpu *cpu, struct late_register r)
{
    struct late_cpu *l = late_of(cpu);

    if (l->register_count == LATE_WRITES)
        apply(cpu, 1);
    l->registers[l->register_count++] = r;
}

bool late_write(struct cpu *cpu, enum sysreg sr, bool virt, bool replaces, uint64_t value)
{
    struct late_cpu *l = late_of(cpu);
    unsigned n = find(l, sr);
    const struct late_register r = {.sr = (uint16_t)sr, .virt = virt, .value = value};

    if (late_draw(cpu->late, 8)) {
        apply(cpu, find_ordered(l, sr));
        return false;
    }
    if (n && replaces)
        l->registers[n - 1] = r;
    else
        add(cpu, r);
    return true;
}

bool late_result(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    if (late_draw(cpu->late, 8)) {
        apply(cpu, find_ordered(late_of(cpu), sr));
        return false;
    }
    add(cpu, (struct late_register){.sr = (uint16_t)sr, .result = true, .value = value});
    return true;
}

bool late_value(const struct cpu *cpu, enum sysreg sr, uint64_t *value)
{
    const struct late_cpu *l = late_of(cpu);
    unsigned n = find(l, sr);

    while (n && (l->registers[n - 1].result || l->registers[n - 1].sr != sr))
        n--;
    if (n)
        *value = l->registers[n - 1].value;
    return n != 0;
}

void late_settle(struct cpu *cpu, enum sysreg sr)
{
    apply(cpu, find(late_of(cpu), sr));
}

/* ---- when ---- */

bool late_synchronize(struct cpu *cpu)
{
    unsigned count = late_of(cpu)->register_count;

    apply(cpu, count);
    return late_show_lines(cpu->late, cpu->code, cpu->mem, false) || count;
}

bool late_dsb(struct cpu *cpu, unsigned domain, unsigned type)
{
    struct late *late = cpu->late;
    bool changed;

    if (type == 1) /* of loads */
        return false;
    changed = late_deliver(cpu);
    if (domain == 1)
        late_show_near(cpu);
    else
        late_show_stores(late, UINT64_MAX);
    for (unsigned k = 0; k < late->line_count; k++)
        if (late->lines[k].state == LINE_IC && late->lines[k].cpu == cpu->index)
            late->lines[k].state = LINE_DONE;
    /* TLB maintenance is loads and stores, and one that is broadcast needs more than this CPU's. */
    return (type == 3 && late_apply_tlbis(cpu, UINT64_MAX, domain != 1)) || changed;
}

void late_turn_ended(struct cpu *cpu, uint64_t now_ns, struct cpu *const *cpus)
{
    apply(cpu, late_of(cpu)->register_count);
    late_deliver(cpu);
    for (unsigned k = 0; k < cpu->late->cpu_count; k++)
        late_apply_tlbis(cpus[k], now_ns, true);
    late_show_stores(cpu->late, now_ns);
}
