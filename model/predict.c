#include "model/predict.h"

#include <glib.h>
#include <string.h>

#include "base/bits.h"

#define WEAKLY_TAKEN 2

/* Addresses of instructions, without the bits that are always 0. */
static uint64_t index_of(uint64_t pc)
{
    return pc >> 2;
}

static uint64_t low_bits(uint64_t value, unsigned count)
{
    return count ? value & MASK(count - 1, 0) : 0;
}

/* Are the @entries of a table worth looking at? */
static uint64_t *table(uint32_t entries)
{
    return entries ? g_new0(uint64_t, entries) : NULL;
}

void predictor_init(struct predictor *p, const struct arm_core *core)
{
    *p = (struct predictor){.counters = g_new(uint8_t, core->v[P_predictor_entries]),
                            .btb = table(core->v[P_btb_entries]),
                            .indirect_tags = table(core->v[P_indirect_entries]),
                            .indirect_targets = table(core->v[P_indirect_entries])};
    predictor_clear(p, core);
}

void predictor_free(struct predictor *p)
{
    g_free(p->counters);
    g_free(p->btb);
    g_free(p->indirect_tags);
    g_free(p->indirect_targets);
}

static void clear(uint64_t *words, uint32_t count)
{
    if (words)
        memset(words, 0, count * sizeof(words[0]));
}

void predictor_clear(struct predictor *p, const struct arm_core *core)
{
    memset(p->counters, WEAKLY_TAKEN - 1, core->v[P_predictor_entries]);
    clear(p->btb, core->v[P_btb_entries]);
    clear(p->indirect_tags, core->v[P_indirect_entries]);
    clear(p->indirect_targets, core->v[P_indirect_entries]);
    p->history = p->path = 0;
    p->top = p->depth = 0;
}

/* ---- conditional branches ---- */

static uint8_t *counter_of(struct predictor *p, const struct arm_core *core, uint64_t pc)
{
    uint64_t index = index_of(pc);

    if (core->v[P_predictor] == PREDICT_GSHARE)
        index ^= low_bits(p->history, core->v[P_history]);
    return &p->counters[index & (core->v[P_predictor_entries] - 1)];
}

/* Where the word says a conditional branch goes if it is taken: imm19, or imm14 of TBZ and TBNZ. */
static bool is_backwards(uint32_t word)
{
    bool test = (word & 0x7e000000) == 0x36000000;

    return bit(word, test ? 18 : 23);
}

static bool predict_condition(struct predictor *p, const struct arm_core *core,
                              const struct step *s, bool taken)
{
    if (core->v[P_predictor] == PREDICT_STATIC)
        return is_backwards(s->op->word) == taken;
    uint8_t *counter = counter_of(p, core, s->pc);
    bool expected = *counter >= WEAKLY_TAKEN;
    if (taken && *counter < 3)
        (*counter)++;
    else if (!taken && *counter > 0)
        (*counter)--;
    p->history = p->history << 1 | taken;
    return expected == taken;
}

/* ---- targets ---- */

/* Does the table have this branch? It does from now on. */
static bool find_target(struct predictor *p, const struct arm_core *core, uint64_t pc)
{
    if (!p->btb)
        return false;
    uint64_t *entry = &p->btb[index_of(pc) & (core->v[P_btb_entries] - 1)];
    bool found = *entry == pc;
    *entry = pc;
    return found;
}

static bool predict_indirect(struct predictor *p, const struct arm_core *core, uint64_t pc,
                             uint64_t target)
{
    bool right = false;

    if (p->indirect_tags) {
        uint64_t index = index_of(pc) ^ low_bits(p->path, core->v[P_indirect_history]);
        index &= core->v[P_indirect_entries] - 1;
        right = p->indirect_tags[index] == pc && p->indirect_targets[index] == target;
        p->indirect_tags[index] = pc;
        p->indirect_targets[index] = target;
    }
    p->path = p->path << 2 ^ index_of(target) ^ index_of(target) >> 7;
    return right;
}

static void push(struct predictor *p, uint64_t address, unsigned size)
{
    if (!size)
        return;
    p->top = (p->top + 1) % size;
    p->returns[p->top] = address;
    p->depth = MIN(p->depth + 1, size);
}

static bool pop(struct predictor *p, uint64_t target, unsigned size)
{
    if (!p->depth)
        return false;
    bool right = p->returns[p->top] == target;
    p->top = (p->top + size - 1) % size;
    p->depth--;
    return right;
}

struct prediction predict(struct predictor *p, const struct arm_core *core, const struct step *s)
{
    const struct op *o = s->op;
    unsigned stack = core->v[P_return_stack];
    bool taken = s->next != s->pc + 4;
    struct prediction result = {.right = true};

    if (o->is_return)
        result.right = pop(p, s->next, stack);
    else if (o->indirect)
        result.right = predict_indirect(p, core, s->pc, s->next);
    else if (o->conditional)
        result.right = predict_condition(p, core, s, taken);
    if (o->call)
        push(p, s->pc + 4, stack);
    if (!o->indirect && taken)
        result.target_late = !find_target(p, core, s->pc) && result.right;
    return result;
}
