/* A loop that only counts, fills memory or looks at a counter, and that nobody will see the end of;
 * and what a register says that one waits for. */
#include <inttypes.h>
#include <string.h>

#include "death_trace.h"

#define ROUND_MAX     64
#define CONDITION_MAX 128  /* events, back to the condition */
#define LONG_S        3600 /* a wait for so long is a mistake of units */

/* One round, from the last instruction back to its execution before. */
struct round {
    uint64_t low;           /* the first of its instructions by address */
    uint32_t written;       /* bit n: Xn is, */
    uint32_t counted;       /* and by ADD Xn, Xn, # alone */
    const char *counter;    /* what is read; NULL: none */
    uint64_t compare;       /* of the CMP, */
    unsigned left, right;   /* and its registers; right 31: its constant */
    uint64_t constant;      /* ... */
    bool exactly, compared; /* the branch behind it is B.NE, and taken; there is one CMP */
};

static bool is_counter(const char *name)
{
    static const char *const names[] = {"CNTPCT_EL0", "CNTVCT_EL0", "CNTPCTSS_EL0", "CNTVCTSS_EL0"};

    for (size_t k = 0; name && k < G_N_ELEMENTS(names); k++)
        if (!strcmp(name, names[k]))
            return true;
    return false;
}

/* CMP of 64-bit registers, or with a constant: C4.1.92 "Add/subtract (shifted register)", C4.1.88
 * "Add/subtract (immediate)". */
static void note_compare(struct round *r, const struct arm_event *p)
{
    uint32_t word = p->insn.word;
    bool by_register = (word & 0xffe0fc1f) == 0xeb00001f;

    if (!by_register && (word & 0xff80001f) != 0xf100001f)
        return;
    r->compared = !r->compare;
    r->compare = p->pc;
    r->left = word >> 5 & 31;
    r->right = by_register ? word >> 16 & 31 : 31;
    r->constant = by_register ? 0 : (uint64_t)(word >> 10 & 0xfff) << (word >> 22 & 1 ? 12 : 0);
}

static void note(struct round *r, const struct arm_event *p, uint64_t behind)
{
    uint32_t word = p->insn.word;
    struct arm_insn_use use;

    r->low = MIN(r->low, p->pc);
    if ((word & 0xff00001f) == 0x54000001 && behind != p->pc + 4)
        r->exactly = true;
    note_compare(r, p);
    if (!arm_insn_uses(word, &use))
        return;
    if (use.kind == ARM_INSN_MRS && is_counter(arm_reg_name(use.from)))
        r->counter = arm_reg_name(use.from);
    /* ADD Xd, Xn, # */
    bool adds = (word & 0xff800000) == 0x91000000 && (word & 31) == (word >> 5 & 31);
    r->counted = (r->counted & ~use.writes) | (adds ? use.writes & ~r->written : 0);
    r->written |= use.writes;
}

/* False: it is none of a few instructions without accesses to memory and exceptions. */
static bool find_round(const struct death_trace *t, struct round *r)
{
    const struct arm_event *last = death_trace_back(t, 0), *p;

    *r = (struct round){.low = UINT64_MAX, .left = 31, .right = 31};
    for (unsigned n = 0; n < ROUND_MAX && (p = death_trace_back(t, n)); n++) {
        if (p->kind != ARM_EVENT_INSN || p->el != last->el)
            return false;
        if (n && p->pc == last->pc)
            return r->compared && r->left < 31;
        note(r, p, n ? death_trace_back(t, n - 1)->pc : 0);
    }
    return false;
}

static uint64_t value_of(const struct corpse *c, unsigned reg)
{
    char name[8];

    g_snprintf(name, sizeof(name), "x%u", reg);
    return death_reg(c, c->cpu, name);
}

static bool explain_time(const struct corpse *c, const struct round *r, const char *at,
                         struct verdict *v)
{
    bool left = r->written >> r->left & 1, right = r->right < 31 && r->written >> r->right & 1;
    unsigned goal = left ? r->right : r->left;
    uint64_t rate = death_reg(c, c->cpu, "CNTFRQ_EL0");

    if (left == right || goal == 31 || !rate)
        return false;
    uint64_t end = value_of(c, goal), now = value_of(c, left ? r->left : r->right);
    if (end <= now || (end - now) / rate < LONG_S)
        return false;
    g_string_printf(v->cause,
                    "it waits by %s for a time that is %" PRIu64
                    " hours away: in the loop at %s, until X%u, %#" PRIx64 ", is passed",
                    r->counter, (end - now) / rate / LONG_S, at, goal, end);
    g_string_printf(v->evidence,
                    "by now it is at %#" PRIx64 "; the counter goes at %" PRIu64
                    " Hz (CNTFRQ_EL0), a tick each %" PRIu64 " ns",
                    now, rate, UINT64_C(1000000000) / rate);
    g_string_assign(v->next,
                    "ticks are time * CNTFRQ_EL0, divided by 1000 for milliseconds, and by "
                    "1000000 for microseconds");
    return true;
}

static bool explain_passed(const struct corpse *c, const struct round *r, const char *at,
                           struct verdict *v)
{
    uint64_t now = value_of(c, r->left), end = r->right < 31 ? value_of(c, r->right) : r->constant;

    if (!r->exactly || !(r->counted >> r->left & 1) ||
        (r->right < 31 && r->written >> r->right & 1) || now <= end)
        return false;
    g_autofree char *compare = death_place(c, c->cpu, death_el(c, c->cpu), r->compare);
    g_string_printf(v->cause,
                    "the loop at %s counts without an end: it goes on until X%u is %#" PRIx64
                    ", and has passed that: it is %#" PRIx64,
                    at, r->left, end, now);
    g_string_printf(v->evidence, "the comparison at %s asks for exactly that value", compare);
    g_string_assign(v->next, "a step by which the end is never met: compare with B.LO or B.LT");
    return true;
}

bool death_explain_count(const struct corpse *c, struct verdict *v)
{
    struct round r;

    if (c->kind != DEATH_SPIN || !death_trace_length(c->trace) || !find_round(c->trace, &r))
        return false;
    g_autofree char *at = death_place(c, c->cpu, death_el(c, c->cpu), r.low);
    return r.counter ? explain_time(c, &r, at, v) : explain_passed(c, &r, at, v);
}

/* ---- memory that is filled ---- */

/* The condition that it goes round by is one that cannot come any more. */
struct passed {
    uint64_t pc;  /* of the branch */
    unsigned reg; /* is to become that of @other, or 0 if @other is 31 */
    unsigned other;
    uint64_t step; /* 0: not known */
};

/* CBNZ, or B.NE behind SUBS, of the last round; DDI0487 C4.1.93, C4.1.92 "Add/subtract". */
static bool find_condition(const struct death_trace *t, struct passed *out)
{
    const struct arm_event *p;
    uint32_t word;
    bool by_flags = false;

    *out = (struct passed){.reg = 31, .other = 31};
    for (unsigned n = 0; (p = death_trace_back(t, n)) && n < CONDITION_MAX; n++) {
        if (p->kind != ARM_EVENT_INSN)
            continue;
        word = p->insn.word;
        if (!out->pc && (word & 0xff00001f) == 0x54000001) { /* B.NE */
            out->pc = p->pc;
            by_flags = true;
        } else if (!out->pc && (word & 0xff000000) == 0xb5000000) { /* CBNZ, 64 bits */
            out->pc = p->pc;
            out->reg = word & 31;
        } else if (by_flags && (word & 0xffe0fc1f) == 0xeb00001f) { /* CMP Xn, Xm */
            out->reg = word >> 5 & 31;
            out->other = word >> 16 & 31;
            return out->reg < 31 && out->other < 31;
        } else if ((by_flags && (word & 0xffc00000) == 0xf1000000) || /* SUBS Xd, Xn, #step */
                   (out->reg < 31 && (word & 0xffc00000) == 0xd1000000 &&
                    (word & 31) == out->reg)) {
            out->reg = word & 31;
            out->step = word >> 10 & 0xfff;
            return out->reg < 31 && out->step;
        }
    }
    return false;
}

/* Has the branch at @pc gone on, and not back, among the instructions that are known? */
static bool was_left(const struct death_trace *t, uint64_t pc)
{
    const struct arm_event *p;
    uint64_t behind = 0;

    for (unsigned n = 0; (p = death_trace_back(t, n)); n++) {
        if (p->kind != ARM_EVENT_INSN)
            continue;
        if (p->pc == pc && behind == pc + 4)
            return true;
        behind = p->pc;
    }
    return false;
}

bool death_explain_fill(const struct corpse *c, uint64_t store, struct verdict *v)
{
    unsigned el = death_el(c, c->cpu);
    const struct arm_event *p;
    struct passed end;
    char names[2][8];

    if (!find_condition(c->trace, &end) || was_left(c->trace, end.pc))
        return false;
    g_snprintf(names[0], sizeof(names[0]), "x%u", end.reg);
    g_snprintf(names[1], sizeof(names[1]), "x%u", end.other);
    uint64_t now = death_reg(c, c->cpu, names[0]),
             goal = end.other < 31 ? death_reg(c, c->cpu, names[1]) : 0;
    if (end.other < 31 ? now <= goal : !(now >> 63))
        return false;
    for (unsigned n = 0; (p = death_trace_back(c->trace, n)) && p->kind != ARM_EVENT_MEM; n++)
        ;
    g_autofree char *at = death_place(c, c->cpu, el, store);
    g_autofree char *branch = death_place(c, c->cpu, el, end.pc);
    g_string_printf(v->cause,
                    "the loop at %s writes memory without an end: it goes on until X%u is %#" PRIx64
                    ", and has passed that: it is %#" PRIx64,
                    at, end.reg, goal, now);
    g_string_printf(v->evidence, "the branch at %s asks for exactly that value", branch);
    if (end.step > 1)
        g_string_append_printf(v->evidence, ", in steps of %" PRIu64, end.step);
    if (p)
        g_string_append_printf(v->evidence, "; by now it is at %#" PRIx64, p->mem.va);
    g_string_assign(v->next, "a size that is no multiple of the step, or 0: compare with B.HI or "
                             "B.LO, and align what is filled");
    return true;
}

/* ---- what is waited for ---- */

void death_add_waited_for(const char *name, uint64_t value, GString *out)
{
    static const struct {
        const char *name;
        uint64_t mask, value;
        const char *text;
    } rows[] = {
        {"CNTV_CTL_EL0", 1, 0, "ENABLE is 0, and ISTATUS with it"},
        {"CNTP_CTL_EL0", 1, 0, "ENABLE is 0, and ISTATUS with it"},
        {"CNTHP_CTL_EL2", 1, 0, "ENABLE is 0, and ISTATUS with it"},
        {"PAR_EL1", 1, 1, "F is 1: the AT before has found no translation"},
    };

    for (size_t k = 0; k < G_N_ELEMENTS(rows); k++)
        if (!strcmp(name, rows[k].name) && (value & rows[k].mask) == rows[k].value)
            g_string_append_printf(out, "%s; ", rows[k].text);
}
