/*
 * UNKNOWN-READ: a syndrome register that the last exit has not written (ESR_EL2, FAR_EL2,
 * HPFAR_EL2) decides something. And STALE-READ: one that it has written, and a copy from an exit
 * before decides; copies of ICH_ELRSR_EL2 and ICH_EISR_EL2 from before list registers were written
 * for an entry that was given up. And what others find wrong with a value of ICH_MISR_EL2: KVM
 * reads it behind its last write, so that a hypervisor below, which traps it, is asked, and drops
 * it.
 *
 * A read alone is no use: many save all of them at each exit. Nor is what is computed from it,
 * before a branch, a comparison or an address depends on it: compilers compute early.
 */
#include "checker/unknown.h"

#include <glib.h>
#include <string.h>

#include "arch/esr.h"
#include "arch/sysreg.h"
#include "arch/vector.h"
#include "base/bits.h"
#include "checker/unit.h"

#define PSTATE_I BIT(7)

enum status { /* as tag.reg */
              STATUS_ESR,
              STATUS_FAR,
              STATUS_HPFAR,
              STATUS_NO_ISV, /* ESR_EL2 of a data abort without a valid access syndrome, */
              STATUS_ACCESS, /* and a field of what is not valid */
              STATUS_ELRSR,
              STATUS_EISR,
              STATUS_MISR,
              STATUS_HELD, /* what an exit has written, of the first ones in order */
              STATUS_COUNT = STATUS_HELD + STATUS_NO_ISV,
              STATUS_UNKNOWN = STATUS_NO_ISV, /* those before it may be */
};

static const enum sysreg sysreg_of[STATUS_COUNT] = {
    [STATUS_ESR] = SR_ESR_EL2,
    [STATUS_FAR] = SR_FAR_EL2,
    [STATUS_HPFAR] = SR_HPFAR_EL2,
    [STATUS_NO_ISV] = SR_ESR_EL2,
    [STATUS_ACCESS] = SR_ESR_EL2,
    [STATUS_ELRSR] = SR_ICH_ELRSR_EL2,
    [STATUS_EISR] = SR_ICH_EISR_EL2,
    [STATUS_MISR] = SR_ICH_MISR_EL2,
    [STATUS_HELD] = SR_ESR_EL2,
    [STATUS_HELD + STATUS_FAR] = SR_FAR_EL2,
    [STATUS_HELD + STATUS_HPFAR] = SR_HPFAR_EL2,
};

#define HELD_MAX 2 /* it was changed, it is not yet changed */

struct unknown_cpu {
    bool unknown[STATUS_UNKNOWN];
    bool no_isv;
    struct site read[STATUS_COUNT]; /* the last MRS */
    bool seen[STATUS_UNKNOWN];      /* read since the exit */
    const struct world *left;       /* by it; NULL: a program of a host has come */
    bool filled;                    /* a list register was, since */
    uint32_t attempts;              /* entries given up, to tell copies of status by */
    uint32_t exit;                  /* likewise, of what an exit writes: its number */
    uint32_t misr_reads;            /* likewise, of ICH_MISR_EL2 */
    struct finding held[HELD_MAX];  /* what is wrong with the last one, which may be dropped */
    unsigned held_count;
};

#define EXITS 4096 /* the last ones of all CPUs */

struct unknown {
    uint32_t exits;
    struct {
        uint32_t number;
        const struct world *left;
        uint64_t value[STATUS_UNKNOWN]; /* as it has left them */
    } exit[EXITS];                      /* by number */
    struct unknown_cpu *cpus;
};

static void *create(struct arm_checker *c)
{
    struct unknown *u = g_new0(struct unknown, 1);

    u->cpus = g_new0(struct unknown_cpu, c->cpu_count);
    return u;
}

static void destroy(void *state)
{
    g_free(((struct unknown *)state)->cpus);
    g_free(state);
}

static struct unknown_cpu *cpu_of(const struct arm_checker *c, unsigned cpu)
{
    struct unknown *u = c->unit[UNIT_unknown];

    return u ? &u->cpus[cpu] : NULL;
}

/* ---- which are valid ---- */

/* IPAValid(): not for permission faults of stage 2 itself. ISS: DFSC 5:0, S1PTW 7. */
static bool ipa_is_valid(const struct arm_event *p)
{
    bool permission = bits(p->exception.esr, 5, 2) == 3;

    return p->exception.hpfar_written && (!permission || bit(p->exception.esr, 7));
}

/* ISS of aborts: FnV 10. */
static bool far_is_valid(const struct arm_event *p)
{
    unsigned ec = (unsigned)bits(p->exception.esr, 31, 26);
    bool aborted = ec == ESR_EC_DABT_LOW || ec == ESR_EC_IABT_LOW;

    return p->exception.far_written && !(aborted && bit(p->exception.esr, 10));
}

static void set(struct unknown_cpu *u, enum status s, bool valid, bool exit)
{
    if (valid)
        u->unknown[s] = false;
    else if (exit)
        u->unknown[s] = true;
}

/* From EL2 to EL2 what is not written keeps the value of the exit, and its meaning. */
static void took(struct unknown *all, struct unknown_cpu *u, const struct arm_event *p)
{
    bool interrupt = vector_is_interrupt(p->exception.vector), exit = p->el < 2;

    if (exit) {
        u->exit = ++all->exits;
        u->left = NULL;
        memset(u->seen, 0, sizeof(u->seen));
    }
    set(u, STATUS_ESR, !interrupt, exit);
    set(u, STATUS_FAR, !interrupt && far_is_valid(p), exit);
    set(u, STATUS_HPFAR, !interrupt && ipa_is_valid(p), exit);
    if (!interrupt)
        u->no_isv = bits(p->exception.esr, 31, 26) == ESR_EC_DABT_LOW && !bit(p->exception.esr, 24);
}

/* ---- reads ---- */

static enum status status_of(uint32_t number)
{
    enum sysreg sr = sysreg_lookup(number);

    for (unsigned k = 0; k < STATUS_COUNT; k++)
        if (sysreg_of[k] == sr && k != STATUS_NO_ISV && k != STATUS_ACCESS && k < STATUS_HELD)
            return (enum status)k;
    return STATUS_COUNT;
}

struct tag unknown_read_tag(const struct arm_checker *c, const struct arm_event *p)
{
    struct unknown_cpu *u = cpu_of(c, p->cpu);
    enum status s = status_of(p->sysreg_read.sr);

    if (!u || s == STATUS_COUNT)
        return (struct tag){0};
    if (s < STATUS_UNKNOWN)
        u->seen[s] = true;
    if (s == STATUS_ESR && !u->unknown[s] && u->no_isv)
        s = STATUS_NO_ISV;
    if (s < STATUS_UNKNOWN && !u->unknown[s] && !u->left)
        return (struct tag){0};
    if (s < STATUS_UNKNOWN && !u->unknown[s])
        s += STATUS_HELD;
    if (s == STATUS_MISR) {
        u->misr_reads++;
        u->held_count = 0;
    }
    u->read[s] = site_of(c, p);
    return (struct tag){.kind = TAG_EXACT,
                        .world = WORLD_STATUS,
                        .reg = (uint16_t)s,
                        .version = s < STATUS_ELRSR || s >= STATUS_HELD ? u->exit
                                   : s == STATUS_MISR                   ? u->misr_reads
                                                                        : u->attempts};
}

void unknown_report(struct arm_checker *c, const struct finding *f, const struct arm_event *p)
{
    struct unknown_cpu *u = cpu_of(c, p->cpu);
    struct tag tag = {0};

    if (c->flow && p->sysreg_read.reg < 31)
        tag = flow_x(c->flow, p->cpu, p->sysreg_read.reg);
    if (u && tag.world == WORLD_STATUS && tag.reg == STATUS_MISR && u->held_count < HELD_MAX)
        u->held[u->held_count++] = *f;
    else if (!c->flow || p->sysreg_read.reg < 31)
        finding_report(c, f);
}

/* UBFM Xd, Xn, #lsb, #msb of a field within SAS to AR, bits 23 to 14, which ISV 0 makes invalid. */
struct tag unknown_derived(struct tag tag, uint32_t word)
{
    unsigned lsb = (unsigned)bits(word, 21, 16), msb = (unsigned)bits(word, 15, 10);

    tag.kind = TAG_DERIVED;
    if (tag.reg != STATUS_NO_ISV)
        return tag;
    if (bits(word, 30, 23) != 0xa6 || lsb < 14 || msb > 23 || msb < lsb)
        return (struct tag){0};
    tag.reg = STATUS_ACCESS;
    return tag;
}

/* ---- uses ---- */

static void report_stale(struct arm_checker *c, const struct unknown_cpu *u,
                         const struct arm_event *p, const struct tag *tag)
{
    struct finding f = finding_at(c, RULE_STALE_READ, p);

    f.reg = sysreg_number(sysreg_of[tag->reg]);
    f.other = u->read[tag->reg];
    f.other_role = "read";
    f.hint = "read it again, or keep the copy as list registers are written";
    finding_say(&f, "used from a copy that is older than what the list registers have been given");
    finding_report(c, &f);
}

static void report_held(struct arm_checker *c, struct unknown_cpu *u)
{
    for (unsigned k = 0; k < u->held_count; k++)
        finding_report(c, &u->held[k]);
    u->held_count = 0;
}

/* A copy that was kept is the one of an exit before, of the world that has left now; what its exit
 * has written nobody has read. */
static bool is_older(const struct arm_checker *c, const struct unknown_cpu *u,
                     const struct tag *tag)
{
    const struct unknown *all = c->unit[UNIT_unknown];
    const struct granule *g = tag->from ? flow_granule(c->flow, tag->from) : NULL;
    unsigned s = tag->reg - STATUS_HELD;

    return g && !g->stack && u->left && tag->version != u->exit && !u->unknown[s] && !u->seen[s] &&
           all->exit[tag->version % EXITS].number == tag->version &&
           all->exit[tag->version % EXITS].left == u->left &&
           all->exit[tag->version % EXITS].value[s] != all->exit[u->exit % EXITS].value[s];
}

static void report_older(struct arm_checker *c, const struct unknown_cpu *u,
                         const struct arm_event *p, const struct tag *tag)
{
    struct finding f = finding_at(c, RULE_STALE_READ, p);

    f.world = u->left;
    f.reg = sysreg_number(sysreg_of[tag->reg]);
    f.other = u->read[tag->reg];
    f.other_role = "read";
    f.hint = "read it at each exit that writes it, before another exception can";
    finding_say(&f, "a copy from an exit before decides something; the last exit has written it, "
                    "and nothing has read it");
    finding_report(c, &f);
}

void unknown_used(struct arm_checker *c, const struct arm_event *p, const struct tag *tag)
{
    struct unknown_cpu *u = cpu_of(c, p->cpu);
    const struct granule *g = tag->from ? flow_granule(c->flow, tag->from) : NULL;

    if (!u || tag->reg == STATUS_NO_ISV)
        return;
    if (tag->reg == STATUS_MISR) {
        if (tag->version == u->misr_reads)
            report_held(c, u);
        return;
    }
    if (tag->reg >= STATUS_HELD) {
        if (is_older(c, u, tag))
            report_older(c, u, p, tag);
        return;
    }
    if (tag->reg >= STATUS_ELRSR) {
        if (g && !g->stack && tag->version != u->attempts)
            report_stale(c, u, p, tag);
        return;
    }
    if (tag->version != u->exit)
        return; /* kept from an exit before */
    struct finding f = finding_at(c, RULE_UNKNOWN_READ, p);
    f.world = c->cpus[p->cpu].last;
    f.reg = sysreg_number(sysreg_of[tag->reg]);
    f.other = tag->reg == STATUS_ACCESS ? u->read[STATUS_NO_ISV] : u->read[tag->reg];
    f.other_role = "read";
    f.hint = tag->reg == STATUS_ACCESS  ? "SAS to AR say something where ISV is 1 only"
             : tag->reg == STATUS_HPFAR ? "it is written by translation, access flag and address "
                                          "size faults of stage 2, and by its faults on a walk"
             : tag->reg == STATUS_FAR   ? "it is written by aborts, PC alignment faults and "
                                          "watchpoints, without FnV"
                                        : "it is not written by IRQ and FIQ";
    finding_say(&f, "decides something, and the last exit has not written it");
    finding_report(c, &f);
}

/* ---- events ---- */

static void written(struct unknown_cpu *u, const struct arm_event *p)
{
    enum sysreg sr = sysreg_lookup(p->sysreg_write.sr);
    bool lr = p->sysreg_write.sr - sysreg_number(SR_ICH_LR0_EL2) < 16;

    if (lr && bits(p->sysreg_write.value, 63, 62)) {
        u->filled = true;
    } else if (sr == SR_DAIF && u->filled && !(p->sysreg_write.after & PSTATE_I)) {
        u->filled = false;
        u->attempts++;
    } else if (status_of(p->sysreg_write.sr) < STATUS_UNKNOWN) {
        u->unknown[status_of(p->sysreg_write.sr)] = false; /* EL2 keeps something there */
    }
}

static void event(struct arm_checker *c, void *state, const struct arm_event *p)
{
    if (p->cpu >= c->cpu_count)
        return;
    struct unknown *all = state;
    struct unknown_cpu *u = &all->cpus[p->cpu];

    if (p->kind == ARM_EVENT_EXCEPTION && p->exception.target_el == 2)
        took(all, u, p);
    else if (p->kind == ARM_EVENT_SYSREG_WRITE && p->el == 2)
        written(u, p);
    else if (p->kind == ARM_EVENT_POWER)
        *u = (struct unknown_cpu){0};
}

static void enter(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    (void)c, (void)w;
    ((struct unknown *)state)->cpus[p->cpu].filled = false;
}

/* Of a host at EL1 no exit means an address, but calls of its other half. */
static void leave(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    struct unknown *all = state;
    struct unknown_cpu *u = &all->cpus[p->cpu];

    if (w->kind != WORLD_GUEST)
        return;
    u->left = w;
    all->exit[u->exit % EXITS].number = u->exit;
    all->exit[u->exit % EXITS].left = w;
    for (unsigned k = 0; k < STATUS_UNKNOWN; k++)
        all->exit[u->exit % EXITS].value[k] = checker_sysreg(c, p->cpu, sysreg_of[k]);
}

const struct check_unit unit_unknown = {
    .at_el2 = ARM_BIT(ARM_EVENT_EXCEPTION) | ARM_BIT(ARM_EVENT_SYSREG_READ) |
              ARM_BIT(ARM_EVENT_SYSREG_WRITE),
    .everywhere = ARM_BIT(ARM_EVENT_POWER),
    .create = create,
    .event = event,
    .exit = leave,
    .enter = enter,
    .destroy = destroy,
};
