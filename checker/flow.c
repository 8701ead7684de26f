#include <string.h>

#include "base/bits.h"
#include "checker/called.h"
#include "checker/flow_state.h"
#include "checker/own.h"
#include "checker/sync.h"
#include "checker/unknown.h"

/* By where it is, so that the next one is beside it. */
static const struct flow_op *op_of(struct flow *f, uint64_t pc, uint32_t word)
{
    uint64_t line = (pc >> 6) * UINT64_C(0x9e3779b97f4a7c15) >> 40;
    struct flow_op *o = &f->ops[(line << 4 | (pc >> 2 & 15)) & (OPS - 1)];

    if (o->word != word || !o->valid)
        *o = flow_op_of(word);
    return o;
}

uint32_t flow_written(struct flow *f, uint64_t pc, uint32_t word)
{
    return op_of(f, pc, word)->x_writes;
}

/* Each site is made where it stays: a copy would wait for each of its parts. */
static void note_writes(struct flow *f, struct flow_cpu *v, const struct flow_op *o,
                        const struct arm_event *p)
{
    for (uint32_t m = o->x_writes; m; m &= m - 1) {
        site_put(f->c, p, &v->x_site[__builtin_ctz(m)]);
        v->x_from[__builtin_ctz(m)] = 0; /* the load itself tells, behind this */
    }
    for (uint32_t m = o->v_writes; m; m &= m - 1) {
        site_put(f->c, p, &v->v_site[__builtin_ctz(m)]);
        own_vector_written(f->c, p->cpu, (unsigned)__builtin_ctz(m), &v->v_site[__builtin_ctz(m)]);
    }
}

/* The value that is made of tagged ones: of the first of them, for want of more; of what exits have
 * written, the oldest. */
static struct tag derived(const struct flow_cpu *v, const struct flow_op *o)
{
    uint32_t reads = o->x_reads & v->x_tagged;
    struct tag tag = {0};

    if (reads)
        tag = v->x[__builtin_ctz(reads)];
    for (uint32_t m = reads; m && tag.world == WORLD_STATUS; m &= m - 1) {
        const struct tag *t = &v->x[__builtin_ctz(m)];
        if (t->world == WORLD_STATUS && t->version < tag.version)
            tag = *t;
    }
    if (!reads && (o->v_reads & v->v_tagged))
        tag = v->v[__builtin_ctz(o->v_reads & v->v_tagged)];
    if (tag.kind == TAG_MEMORY)
        return (struct tag){0};
    if (tag.world == WORLD_STATUS)
        return unknown_derived(tag, o->word);
    if (tag.kind)
        tag.kind = TAG_DERIVED;
    return tag;
}

static void write_all(struct flow_cpu *v, const struct flow_op *o, struct tag tag)
{
    for (uint32_t m = o->x_writes; m; m &= m - 1)
        set_tag(v->x, &v->x_tagged, (unsigned)__builtin_ctz(m), tag);
    for (uint32_t m = o->v_writes; m; m &= m - 1)
        set_tag(v->v, &v->v_tagged, (unsigned)__builtin_ctz(m), tag);
}

static void select_one(struct flow *f, struct flow_cpu *v, const struct flow_op *o,
                       const struct arm_event *p)
{
    bool first = flow_condition(o->condition, checker_reg(f->c, p->cpu, ARM_PSTATE));
    unsigned from = first ? o->from : o->other;

    set_tag(v->x, &v->x_tagged, o->to, from < 31 ? v->x[from] : (struct tag){0});
}

/* What the instruction decides by, or takes for an address. */
static void used(struct flow *f, const struct flow_cpu *v, const struct flow_op *o,
                 const struct arm_event *p)
{
    if (o->conditional && !flow_condition(o->condition, checker_reg(f->c, p->cpu, ARM_PSTATE)))
        return;
    for (uint32_t m = o->decides & v->x_tagged; m; m &= m - 1)
        if (v->x[__builtin_ctz(m)].world == WORLD_STATUS)
            unknown_used(f->c, p, &v->x[__builtin_ctz(m)]);
}

void flow_step(struct flow *f, struct flow_cpu *v, const struct arm_event *p)
{
    const struct flow_op *o = op_of(f, p->pc, p->insn.word);

    f->followed++;
    v->literal = (o->word & 0x3b000000) == 0x18000000; /* LDR (literal): a constant */
    if (o->v_reads | o->v_writes)
        sync_fp_used(f->c, p);
    if (o->key)
        sync_key_used(f->c, p, (enum flow_key)o->key);
    if (o->call)
        called_call(f->called, p);
    else if (o->ret)
        called_return(f->called, p, o->from);
    note_writes(f, v, o, p);
    if (!((o->x_reads | o->x_writes) & v->x_tagged) && !((o->v_reads | o->v_writes) & v->v_tagged))
        return;
    if (o->decides & v->x_tagged)
        used(f, v, o, p);
    switch (o->kind) {
    case FLOW_MOVE:
        if (o->vector)
            set_tag(v->v, &v->v_tagged, o->to, v->v[o->from]);
        else
            set_tag(v->x, &v->x_tagged, o->to, v->x[o->from]);
        break;
    case FLOW_SELECT:
        select_one(f, v, o, p);
        break;
    case FLOW_LOAD: /* the base may be written back; the rest is told by MEM */
    case FLOW_STORE:
        write_all(v, o, (struct tag){0});
        break;
    default:
        own_consumed(f->c, p, v->x, o->x_reads & v->x_tagged);
        write_all(v, o, derived(v, o));
        break;
    }
}

struct tag flow_x(const struct flow *f, unsigned cpu, unsigned n)
{
    return n < 31 ? f->cpus[cpu].x[n] : (struct tag){0};
}

uint64_t flow_x_from(const struct flow *f, unsigned cpu, unsigned n)
{
    return f->cpus[cpu].x_from[n];
}

struct tag flow_v(const struct flow *f, unsigned cpu, unsigned n)
{
    return f->cpus[cpu].v[n];
}

const struct flow_access *flow_accesses(const struct flow *f)
{
    return f->accesses;
}

struct site flow_x_site(const struct flow *f, unsigned cpu, unsigned n)
{
    return f->cpus[cpu].x_site[n];
}

struct site flow_v_site(const struct flow *f, unsigned cpu, unsigned n)
{
    return f->cpus[cpu].v_site[n];
}

uint64_t flow_followed(const struct flow *f)
{
    return f->followed;
}
