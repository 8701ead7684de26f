/* Which slot has a register's value, and what restores it: by the values of all rounds. */
#include <string.h>

#include "call_pair.h"

static const struct call_event *event_at(const GArray *events, unsigned k)
{
    return &g_array_index(events, struct call_event, k);
}

static bool is_slot(const struct call_event *e, enum call_access kind)
{
    return e->kind == kind && !call_on_stack(e->address);
}

/* Has the last store of @events to the place of @like @bytes of @value? */
static bool holds(const GArray *events, const struct call_event *like, const uint64_t value[2],
                  unsigned bytes)
{
    for (unsigned k = events->len; k-- > 0;) {
        const struct call_event *e = event_at(events, k);
        if (!is_slot(e, CALL_STORE) || e->address != like->address)
            continue;
        return e->size >= bytes && !memcmp(e->value, value, bytes);
    }
    return false;
}

static bool holds_always(const struct pair *p, const struct pair_register *r,
                         const struct call_event *like, unsigned bytes)
{
    for (unsigned round = 0; round < PAIR_ROUNDS; round++)
        if (!holds(p->save[round], like, r->fill[round], bytes))
            return false;
    return true;
}

/* The register that MRS has last put into the X register that is stored: of two that had equal
 * values in all rounds the one that it came from. */
static bool comes_from(const GArray *events, unsigned at, uint32_t number)
{
    const struct call_event *store = event_at(events, at);

    for (unsigned k = at; !store->fp && k-- > 0;) {
        const struct call_event *e = event_at(events, k);
        if (e->kind == CALL_READ && e->reg == store->reg)
            return e->number == number;
    }
    return false;
}

static bool is_read(const GArray *events, uint32_t number)
{
    for (unsigned k = 0; k < events->len; k++)
        if (event_at(events, k)->kind == CALL_READ && event_at(events, k)->number == number)
            return true;
    return false;
}

/* Little-endian values: the first @bytes of a value are its low part. */
static bool find_slot(const struct pair *p, struct pair_register *r, unsigned bytes)
{
    const GArray *events = p->save[0];
    bool sure = false;

    for (unsigned k = 0; k < events->len && !sure; k++) {
        const struct call_event *e = event_at(events, k);
        if (!is_slot(e, CALL_STORE) || e->size < bytes || !holds_always(p, r, e, bytes))
            continue;
        sure = comes_from(events, k, r->number);
        if (r->slot && !sure)
            continue;
        r->slot = e->address;
        r->size = (uint8_t)bytes;
        r->store_pc = e->pc;
    }
    return r->slot != 0;
}

void pair_find_slot(const struct pair *p, struct pair_register *r)
{
    unsigned whole = r->mask[1] ? 16 : r->mask[0] >> 32 ? 8 : 4;

    r->read = pair_is_x(r->number) || pair_is_v(r->number) || is_read(p->save[0], r->number);
    if (!r->read)
        return;
    r->saved = find_slot(p, r, whole);
    for (unsigned bytes = whole / 2; !r->saved && !r->slot && bytes >= 2; bytes /= 2)
        find_slot(p, r, bytes);
}

/* The load that has put @value (NULL: any) into @reg before event @at; NULL: none, or one from the
 * stack. */
static const struct call_event *load_before(const GArray *events, unsigned at, unsigned reg,
                                            bool fp, const uint64_t *value)
{
    while (at-- > 0) {
        const struct call_event *e = event_at(events, at);
        if (e->kind == CALL_READ && e->reg == reg && !fp)
            return NULL;
        if (e->kind == CALL_LOAD && e->reg == reg && e->fp == fp)
            return call_on_stack(e->address) || (value && *value != e->value[0]) ? NULL : e;
    }
    return NULL;
}

static void note_load(struct pair_register *r, const struct call_event *load)
{
    if (!load)
        return;
    r->loaded = true;
    r->load_pc = load->pc;
    r->load_address = load->address;
}

/* An X or V register is restored by its last load. */
static void find_general(const struct pair *p, struct pair_register *r)
{
    bool fp = pair_is_v(r->number);
    unsigned reg = r->number - (fp ? ARM_V(0) : ARM_X(0));

    note_load(r, load_before(p->restore[0], p->restore[0]->len, reg, fp, NULL));
    r->written = r->loaded;
    r->write_pc = r->load_pc;
}

void pair_find_restore(const struct pair *p, struct pair_register *r)
{
    const GArray *events = p->restore[0];

    if (pair_is_x(r->number) || pair_is_v(r->number)) {
        find_general(p, r);
        return;
    }
    for (unsigned k = events->len; k-- > 0;) {
        const struct call_event *e = event_at(events, k);
        if (e->kind != CALL_WRITE || e->number != r->number)
            continue;
        r->written = true;
        r->write_pc = e->pc;
        if (e->reg != ARM_NO_REG)
            note_load(r, load_before(events, k, e->reg, false, &e->value[0]));
        return;
    }
}
