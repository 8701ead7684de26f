/* Snapshots of what is late. */
#include "base/state_io.h"
#include "cpu/late_state.h"

static void registers_state(struct state_io *io, struct late_cpu *l)
{
    l->register_count = (unsigned)state_count(io, "l->registers", l->register_count, LATE_WRITES);
    for (unsigned k = 0; k < l->register_count; k++) {
        STATE(io, l->registers[k].value);
        STATE(io, l->registers[k].sr);
        STATE(io, l->registers[k].virt);
        STATE(io, l->registers[k].result);
        if (!state_require(io, l->registers[k].sr < SR_COUNT, "l->registers[k].sr"))
            l->registers[k].sr = 0;
    }
}

static void op_state(struct state_io *io, struct late_op *t)
{
    STATE(io, t->op.scope);
    STATE(io, t->op.regime);
    STATE(io, t->op.vmid);
    STATE(io, t->op.asid);
    STATE(io, t->op.last_level);
    STATE(io, t->op.stage2);
    STATE(io, t->op.start);
    STATE(io, t->op.end);
    STATE(io, t->broadcast);
    STATE(io, t->until_ns);
    if (!state_require(io, t->op.scope <= TLBI_IPA && t->op.regime < REGIME_COUNT, "t->op.scope"))
        t->op = (struct tlbi){0};
}

static void tlbis_state(struct state_io *io, struct late_cpu *l)
{
    l->tlbi_count = (unsigned)state_count(io, "l->tlbis", l->tlbi_count, LATE_TLBIS);
    for (unsigned k = 0; k < l->tlbi_count; k++)
        op_state(io, &l->tlbis[k]);
}

static void posted_state(struct state_io *io, struct late_cpu *l)
{
    l->posted_count = (unsigned)state_count(io, "l->posted", l->posted_count, LATE_POSTED);
    for (unsigned k = 0; k < l->posted_count; k++) {
        STATE(io, l->posted[k].offset);
        STATE(io, l->posted[k].value);
    }
}

static void walks_state(struct state_io *io, struct late_cpu *l)
{
    STATE_ARRAY(io, l->walks);
    STATE(io, l->walk_count);
}

static void stores_state(struct state_io *io, struct late *late)
{
    late->store_count = (unsigned)state_count(io, "late->stores", late->store_count, LATE_STORES);
    for (unsigned k = 0; k < late->store_count; k++) {
        STATE(io, late->stores[k].pa);
        STATE(io, late->stores[k].old);
        STATE(io, late->stores[k].until_ns);
        STATE(io, late->stores[k].cpu);
        STATE(io, late->stores[k].near);
    }
}

/* The entries of TLBs that write walked pages directly are not in a snapshot either. */
static void pages_state(struct state_io *io, struct late *late, const struct cpu *cpu)
{
    if (state_restoring(io))
        late_clear_pages(late, cpu->mem);
    STATE_ARRAY(io, late->pages);
    for (unsigned k = 0; state_restoring(io) && k < LATE_PAGES; k++) {
        uint64_t page = (late->pages[k] - 1) << PAGE_SHIFT;
        struct ram_bank *bank =
            late->pages[k] ? physmem_bank_or_hidden(cpu->mem, (pa_t){page}) : NULL;
        if (bank)
            bank->flags[(page - bank->base) >> PAGE_SHIFT] |= PAGE_WALKED;
    }
}

void late_state(struct state_io *io, struct late *late, struct cpu *const *cpus)
{
    late_show_lines(late, cpus[0]->code, cpus[0]->mem, true);
    STATE(io, late->rng);
    for (unsigned k = 0; k < late->cpu_count; k++) {
        registers_state(io, &late->cpus[k]);
        tlbis_state(io, &late->cpus[k]);
        posted_state(io, &late->cpus[k]);
        walks_state(io, &late->cpus[k]);
    }
    stores_state(io, late);
    pages_state(io, late, cpus[0]);
}
