/*
 * UNKNOWN-READ: a syndrome register that the last exit has not written (ESR_EL2, FAR_EL2,
 * HPFAR_EL2) decides something. And copies of ICH_ELRSR_EL2 and ICH_EISR_EL2 from before list
 * registers were written for an entry that was given up (STALE-READ).
 *
 * A read alone is no use: many save all of them at each exit. Nor is what is computed from it,
 * before a branch, a comparison or an address depends on it: compilers compute early.
 */
#include "checker/unknown.h"

#include <glib.h>

#include "arch/esr.h"
#include "arch/sysreg.h"
#include "base/bits.h"
#include "checker/unit.h"

#define IRQ      0x80 /* offsets from VBAR_EL2 within a quarter of the table */
#define FIQ      0x100
#define PSTATE_I BIT(7)

enum status { /* as tag.reg */
              STATUS_ESR,
              STATUS_FAR,
              STATUS_HPFAR,
              STATUS_NO_ISV, /* ESR_EL2 of a data abort without a valid access syndrome, */
              STATUS_ACCESS, /* and a field of what is not valid */
              STATUS_ELRSR,
              STATUS_EISR,
              STATUS_COUNT,
              STATUS_UNKNOWN = STATUS_NO_ISV, /* those before it may be */
};

static const enum sysreg sysreg_of[STATUS_COUNT] = {
    [STATUS_ESR] = SR_ESR_EL2,       [STATUS_FAR] = SR_FAR_EL2,
    [STATUS_HPFAR] = SR_HPFAR_EL2,   [STATUS_NO_ISV] = SR_ESR_EL2,
    [STATUS_ACCESS] = SR_ESR_EL2,    [STATUS_ELRSR] = SR_ICH_ELRSR_EL2,
    [STATUS_EISR] = SR_ICH_EISR_EL2,
};

struct unknown_cpu {
    bool unknown[STATUS_UNKNOWN];
    bool no_isv;
    struct site read[STATUS_COUNT]; /* the last MRS */
    bool filled;                    /* a list register was, since */
    uint32_t attempts;              /* entries given up, to tell copies of status by */
    uint32_t exits;                 /* likewise, of what an exit writes */
};

static void *create(struct arm_checker *c)
{
    return g_new0(struct unknown_cpu, c->cpu_count);
}

static void destroy(void *state)
{
    g_free(state);
}

static struct unknown_cpu *cpu_of(const struct arm_checker *c, unsigned cpu)
{
    struct unknown_cpu *u = c->unit[UNIT_unknown];

    return u ? u + cpu : NULL;
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
static void took(struct unknown_cpu *u, const struct arm_event *p)
{
    unsigned kind = p->exception.vector & 0x180u;
    bool interrupt = kind == IRQ || kind == FIQ, exit = p->el < 2;

    u->exits += exit;
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
        if (sysreg_of[k] == sr && k != STATUS_NO_ISV && k != STATUS_ACCESS)
            return (enum status)k;
    return STATUS_COUNT;
}

struct tag unknown_read_tag(const struct arm_checker *c, const struct arm_event *p)
{
    struct unknown_cpu *u = cpu_of(c, p->cpu);
    enum status s = status_of(p->sysreg_read.sr);

    if (!u || s == STATUS_COUNT)
        return (struct tag){0};
    if (s == STATUS_ESR && !u->unknown[s] && u->no_isv)
        s = STATUS_NO_ISV;
    if (s < STATUS_UNKNOWN && !u->unknown[s])
        return (struct tag){0};
    u->read[s] = site_of(c, p);
    return (struct tag){.kind = TAG_EXACT,
                        .world = WORLD_STATUS,
                        .reg = (uint16_t)s,
                        .version = s < STATUS_ELRSR ? u->exits : u->attempts};
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

void unknown_used(struct arm_checker *c, const struct arm_event *p, const struct tag *tag)
{
    const struct unknown_cpu *u = cpu_of(c, p->cpu);
    const struct granule *g = tag->from ? flow_granule(c->flow, tag->from) : NULL;

    if (!u || tag->reg == STATUS_NO_ISV)
        return;
    if (tag->reg >= STATUS_ELRSR) {
        if (g && !g->stack && tag->version != u->attempts)
            report_stale(c, u, p, tag);
        return;
    }
    if (tag->version != u->exits)
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
    struct unknown_cpu *u = (struct unknown_cpu *)state + p->cpu;

    if (p->kind == ARM_EVENT_EXCEPTION && p->exception.target_el == 2)
        took(u, p);
    else if (p->kind == ARM_EVENT_SYSREG_WRITE && p->el == 2)
        written(u, p);
    else if (p->kind == ARM_EVENT_POWER)
        *u = (struct unknown_cpu){0};
}

static void enter(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    (void)c, (void)w;
    ((struct unknown_cpu *)state + p->cpu)->filled = false;
}

const struct check_unit unit_unknown = {
    .at_el2 = ARM_BIT(ARM_EVENT_EXCEPTION) | ARM_BIT(ARM_EVENT_SYSREG_READ) |
              ARM_BIT(ARM_EVENT_SYSREG_WRITE),
    .everywhere = ARM_BIT(ARM_EVENT_POWER),
    .create = create,
    .event = event,
    .enter = enter,
    .destroy = destroy,
};
