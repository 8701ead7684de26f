#include "model/pe_issue.h"

#include <glib.h>
#include <string.h>

static unsigned capacity(const struct pe *pe, unsigned unit)
{
    static const uint8_t params[UNIT_COUNT] = {
        [UNIT_ALU] = P_alu_units,   [UNIT_MUL] = P_mul_units,     [UNIT_FP] = P_fp_units,
        [UNIT_LOAD] = P_load_units, [UNIT_STORE] = P_store_units, [UNIT_BRANCH] = P_branch_units,
        [UNIT_SYSTEM] = P_alu_units};

    return pe->core->v[params[unit]];
}

uint64_t issue_now(const struct pe *pe)
{
    return pe->core->v[P_window] ? MAX(pe->retired, pe->clock) : pe->clock;
}

static void next_cycle(struct pe *pe, uint64_t cycle)
{
    pe->clock = cycle;
    pe->issued = 0;
    memset(pe->used, 0, sizeof(pe->used));
}

void issue_hold(struct pe *pe, uint64_t cycle, uint64_t *stalls)
{
    if (cycle <= pe->clock)
        return;
    *stalls += cycle - pe->clock;
    next_cycle(pe, cycle);
}

void issue_redirect(struct pe *pe, uint64_t cycle, uint64_t *stalls)
{
    issue_hold(pe, cycle, stalls);
}

static uint64_t operands_ready(const struct pe *pe, const struct op *o)
{
    uint64_t at = 0;

    for (unsigned k = 0; k < o->read_count; k++)
        at = MAX(at, pe->ready[o->reads[k]]);
    return o->unit == UNIT_MUL || o->unit == UNIT_FP ? MAX(at, pe->unit_free[o->unit]) : at;
}

/* ---- in order ---- */

/* Loads and stores share what loads have. */
static unsigned in_order_unit(const struct op *o)
{
    return o->unit == UNIT_STORE ? UNIT_LOAD : o->unit;
}

static uint64_t issue_in_order(struct pe *pe, const struct op *o, unsigned slots)
{
    unsigned unit = in_order_unit(o);
    uint64_t operands = operands_ready(pe, o);

    if (operands > pe->clock) {
        pe->n.operand_stalls += operands - pe->clock;
        next_cycle(pe, operands);
    }
    if (pe->issued >= pe->core->v[P_width] || pe->used[unit] >= capacity(pe, unit))
        next_cycle(pe, pe->clock + 1);
    uint64_t at = pe->clock;
    if (slots > 1)
        next_cycle(pe, pe->clock + slots - 1);
    pe->issued++;
    pe->used[unit]++;
    return at;
}

/* ---- with a window ---- */

static void dispatch(struct pe *pe)
{
    unsigned size = pe->core->v[P_window];
    uint64_t room = pe->window[pe->window_next % size];

    if (room > pe->clock) {
        pe->n.operand_stalls += room - pe->clock;
        next_cycle(pe, room);
    }
    if (pe->issued >= pe->core->v[P_width])
        next_cycle(pe, pe->clock + 1);
    pe->issued++;
}

/* Cycles before dispatch are over: their bookings are void. */
static void forget_bookings(struct pe *pe)
{
    if (pe->clock - pe->booked_from >= AHEAD) {
        memset(pe->booked, 0, sizeof(pe->booked));
        pe->booked_from = pe->clock;
        return;
    }
    for (; pe->booked_from < pe->clock; pe->booked_from++)
        for (unsigned u = 0; u < UNIT_COUNT; u++)
            pe->booked[u][pe->booked_from % AHEAD] = 0;
}

/* The first cycle from @at on in which a unit of the kind is free. */
static uint64_t book(struct pe *pe, unsigned unit, uint64_t at, unsigned slots)
{
    forget_bookings(pe);
    while (at < pe->clock + AHEAD && pe->booked[unit][at % AHEAD] >= capacity(pe, unit))
        at++;
    for (uint64_t t = at; t < at + slots && t < pe->clock + AHEAD; t++)
        pe->booked[unit][t % AHEAD]++;
    return at;
}

static uint64_t issue_from_window(struct pe *pe, const struct op *o, unsigned slots)
{
    dispatch(pe);
    return book(pe, o->unit, MAX(pe->clock, operands_ready(pe, o)), slots);
}

uint64_t issue_insn(struct pe *pe, const struct op *o, unsigned slots)
{
    return pe->core->v[P_window] ? issue_from_window(pe, o, slots) : issue_in_order(pe, o, slots);
}

uint64_t issue_alone(struct pe *pe, const struct op *o)
{
    if (pe->core->v[P_window]) {
        dispatch(pe);
        if (pe->retired > pe->clock)
            next_cycle(pe, pe->retired);
        return MAX(pe->clock, operands_ready(pe, o));
    }
    if (pe->issued)
        next_cycle(pe, pe->clock + 1);
    uint64_t at = issue_in_order(pe, o, 1);
    pe->issued = pe->core->v[P_width];
    return at;
}

void issue_moved(struct pe *pe, uint64_t cycle)
{
    if (!pe->core->v[P_window] && cycle > pe->clock)
        next_cycle(pe, cycle);
}

void issue_done(struct pe *pe, uint64_t done)
{
    unsigned size = pe->core->v[P_window];

    pe->retired = MAX(pe->retired, done);
    if (!size)
        return;
    pe->window[pe->window_next] = pe->retired;
    pe->window_next = (pe->window_next + 1) % size;
}
