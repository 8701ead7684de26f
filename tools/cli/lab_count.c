#include "lab_count.h"

#include "arch/mark.h"
#include "arch/sysreg_owner.h"

/* Of one CPU. */
struct stretch {
    struct lab_counts *into; /* NULL: in none */
    unsigned key;
    bool branch; /* the instruction before was one */
    uint64_t pc; /* of it */
};

struct lab_counter {
    struct arm_machine *m;
    const struct lab_spec *spec;
    struct lab_outcome *out;
    struct arm_model *model;
    struct stretch cpus[LAB_CPUS];
    unsigned in;    /* CPUs that are in a stretch of marks */
    int marks, all; /* subscriptions; 0: none */
};

static void count(void *ctx, const struct arm_event *e);

/* C4.1, "Branches, Exception Generating and System instructions". */
enum lab_branch lab_branch_kind(uint32_t word)
{
    if ((word & 0xfe000000) == 0xd6000000)
        return (word & 0x00e00000) == 0x00800000 ? LAB_NO_BRANCH : LAB_INDIRECT; /* ERET */
    if ((word & 0x7c000000) == 0x14000000 || (word & 0xff000010) == 0x54000000 ||
        (word & 0x7c000000) == 0x34000000)
        return LAB_BRANCH;
    return LAB_NO_BRANCH;
}

/* Is it a register that the world below EL2 has for itself, and none of FP, timers or the GIC? */
static bool is_moved(uint32_t number)
{
    enum sysreg sr = sysreg_lookup((uint16_t)number);

    switch (sr == SR_NONE ? OWNER_OP : sysreg_owner(sr)) {
    case OWNER_EL0:
    case OWNER_EL1:
    case OWNER_PAUTH:
    case OWNER_DEBUG:
    case OWNER_PMU:
        return true;
    default:
        return false;
    }
}

static void count_insn(struct lab_counts *c, uint32_t word)
{
    enum lab_branch kind = lab_branch_kind(word);

    c->insns++;
    c->branches += kind != LAB_NO_BRANCH;
    c->indirect += kind == LAB_INDIRECT;
    c->spins += word == 0xd503203f;
}

static void count_mem(struct lab_counts *c, const struct arm_event *e)
{
    if (e->mem.kind & ARM_MEM_WRITE) {
        c->stores++;
        c->store_bytes += e->mem.size;
    } else {
        c->loads++;
        c->load_bytes += e->mem.size;
    }
}

static void count_barrier(struct lab_counts *c, const struct arm_event *e)
{
    c->isb += e->barrier.kind == ARM_BARRIER_ISB;
    c->dsb += e->barrier.kind == ARM_BARRIER_DSB;
    c->dmb += e->barrier.kind == ARM_BARRIER_DMB;
}

static void count_event(struct lab_counts *c, const struct arm_event *e)
{
    switch (e->kind) {
    case ARM_EVENT_INSN:
        count_insn(c, e->insn.word);
        break;
    case ARM_EVENT_MEM:
        count_mem(c, e);
        break;
    case ARM_EVENT_SYSREG_READ:
        c->reads++;
        c->moved += is_moved(e->sysreg_read.sr);
        break;
    case ARM_EVENT_SYSREG_WRITE:
        c->writes++;
        c->moved += is_moved(e->sysreg_write.sr);
        break;
    case ARM_EVENT_BARRIER:
        count_barrier(c, e);
        break;
    case ARM_EVENT_TLBI:
        c->tlbi++;
        break;
    case ARM_EVENT_EXCEPTION:
        c->exceptions++;
        break;
    case ARM_EVENT_ERET:
        c->erets++;
        break;
    case ARM_EVENT_WORLD:
        c->exits += !e->world.enter;
        break;
    default:
        break;
    }
}

/* Everything is observed where there is something to count, else only what may be a mark. */
static void observe(struct lab_counter *c)
{
    const struct arm_filter filter = {
        .size = sizeof(filter),
        .events =
            ARM_BIT(ARM_EVENT_INSN) | ARM_BIT(ARM_EVENT_MEM) | ARM_BIT(ARM_EVENT_SYSREG_READ) |
            ARM_BIT(ARM_EVENT_SYSREG_WRITE) | ARM_BIT(ARM_EVENT_BARRIER) | ARM_BIT(ARM_EVENT_TLBI) |
            ARM_BIT(ARM_EVENT_EXCEPTION) | ARM_BIT(ARM_EVENT_ERET) | ARM_BIT(ARM_EVENT_WORLD)};

    if (!c->all)
        c->all = arm_subscribe(c->m, &filter, count, c);
}

static void observe_marks(struct lab_counter *c)
{
    if (c->all)
        arm_unsubscribe(c->m, c->all);
    c->all = 0;
}

static void begin(struct lab_counter *c, struct stretch *s, uint64_t key)
{
    s->into = key < LAB_KEYS ? &c->out->counts[key] : NULL;
    s->key = (unsigned)key;
    s->branch = false;
    if (s->into)
        s->into->stretches++;
}

static void model_stretch(struct lab_counter *c, unsigned cpu, uint64_t count, unsigned key)
{
    if (c->model)
        arm_model_stretch(c->model, cpu, count, key);
}

/* From the first mark on, so that caches and predictors hold what was there before a stretch. */
static void model_listens(struct lab_counter *c)
{
    if (c->model)
        arm_model_listen(c->model, true);
}

bool lab_is_mark(uint32_t word, unsigned hint)
{
    return word == (0xd503201f | hint << 5);
}

/* Is the instruction a mark? It is in no stretch. */
static bool is_any_mark(const struct arm_event *e)
{
    return lab_is_mark(e->insn.word, MARK_BEGIN) || lab_is_mark(e->insn.word, MARK_END);
}

/* Was the branch before taken? An instruction that branches is the only one whose successor is
 * elsewhere without an exception. */
static void note_flow(struct stretch *s, const struct arm_event *e)
{
    if (s->branch && s->into)
        s->into->taken += e->pc != s->pc + 4;
    s->branch = e->kind == ARM_EVENT_INSN && lab_branch_kind(e->insn.word) != LAB_NO_BRANCH;
    s->pc = e->pc;
}

/* Marks have a subscription of their own, of the EL whose they are. */
static void mark(void *ctx, const struct arm_event *e)
{
    struct lab_counter *c = ctx;
    struct stretch *s = &c->cpus[e->cpu % LAB_CPUS];
    uint64_t x0[2];

    if (lab_is_mark(e->insn.word, MARK_BEGIN)) {
        arm_reg_get(c->m, e->cpu, ARM_X(0), x0);
        c->in += !s->into;
        begin(c, s, x0[0]);
        c->in -= !s->into;
        observe(c);
        model_listens(c);
        if (!c->spec->el2_only)
            model_stretch(c, e->cpu, e->count + 1, s->key);
    } else if (lab_is_mark(e->insn.word, MARK_END) && s->into) {
        note_flow(s, e);
        s->into = NULL;
        model_stretch(c, e->cpu, e->count, ARM_MODEL_NO_KEY);
        if (--c->in == 0)
            observe_marks(c);
    }
}

/* A passage begins or ends. */
static void at_crossing(struct lab_counter *c, struct stretch *s, const struct arm_event *e)
{
    if (c->spec->passages && !e->world.enter)
        begin(c, s,
              e->world.vector % 0x200 == 0 ? LAB_PASSAGE(e->world.esr >> 26 & 63)
                                           : LAB_PASSAGE_IRQ);
    if (s->into && (c->spec->passages || c->spec->el2_only))
        model_stretch(c, e->cpu, e->world.enter ? e->count + 1 : e->count,
                      e->world.enter ? ARM_MODEL_NO_KEY : s->key);
    if (c->spec->passages && e->world.enter)
        s->into = NULL;
}

static void count(void *ctx, const struct arm_event *e)
{
    struct lab_counter *c = ctx;
    struct stretch *s = &c->cpus[e->cpu % LAB_CPUS];

    if (e->kind == ARM_EVENT_INSN || e->kind == ARM_EVENT_EXCEPTION)
        note_flow(s, e);
    if (e->kind == ARM_EVENT_EXCEPTION)
        s->branch = false;
    if (e->kind == ARM_EVENT_WORLD)
        at_crossing(c, s, e);
    if (!s->into || (e->kind == ARM_EVENT_INSN && is_any_mark(e)))
        return;
    if (!c->spec->el2_only || e->el == 2 || e->kind == ARM_EVENT_WORLD)
        count_event(s->into, e);
    if (c->spec->event)
        c->spec->event(c->spec->ctx, c->m, s->key, e);
}

struct lab_counter *lab_counter_new(struct arm_machine *m, const struct lab_spec *spec,
                                    struct lab_outcome *out, struct arm_model *model)
{
    const struct arm_filter marks = {.size = sizeof(marks),
                                     .events = ARM_BIT(ARM_EVENT_INSN),
                                     .els = (uint8_t)ARM_BIT(spec->guest ? 1 : 2)};
    struct lab_counter *c = g_new0(struct lab_counter, 1);

    c->m = m;
    c->spec = spec;
    c->out = out;
    c->model = model;
    if (spec->passages)
        observe(c);
    else
        c->marks = arm_subscribe(m, &marks, mark, c);
    if (c->all || c->marks)
        return c;
    g_free(c);
    return NULL;
}

void lab_counter_free(struct lab_counter *c)
{
    if (!c)
        return;
    if (c->all)
        arm_unsubscribe(c->m, c->all);
    if (c->marks)
        arm_unsubscribe(c->m, c->marks);
    g_free(c);
}
