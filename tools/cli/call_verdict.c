/* What of a pair is not symmetric, a line each with both sides. */
#include <inttypes.h>
#include <string.h>

#include "call_pair.h"

/* Is the register behind restore what @from was before save, as far as it can be set? */
static bool became(const struct pair_register *r, const struct pair_register *from)
{
    for (unsigned round = 0; round < PAIR_ROUNDS; round++)
        for (unsigned half = 0; half < 2; half++)
            if ((r->after[round][half] ^ from->fill[round][half]) & r->mask[half])
                return false;
    return true;
}

/* Only the low part, @bytes of it. */
static bool low_part(const struct pair_register *r, unsigned bytes)
{
    for (unsigned round = 0; round < PAIR_ROUNDS; round++) {
        uint64_t part = r->mask[0] & (bytes == 8 ? UINT64_MAX : ARM_BIT(8 * bytes) - 1);
        if ((r->after[round][0] ^ r->fill[round][0]) & part)
            return false;
    }
    return true;
}

static const struct pair_register *other_source(const struct pair *p, const struct pair_register *r)
{
    for (unsigned k = 0; k < p->count; k++)
        if (&p->list[k] != r && p->list[k].slot && became(r, &p->list[k]))
            return &p->list[k];
    return NULL;
}

static void print_at(const struct pair *p, const char *what, uint64_t slot, uint64_t pc, FILE *f)
{
    char place[128], by[128];

    call_place(p->c, pc, by, sizeof(by));
    if (slot) {
        call_place(p->c, slot, place, sizeof(place));
        fprintf(f, "%s %s by %s (%#" PRIx64 ")", what, place, by, pc);
    } else {
        fprintf(f, "%s by %s (%#" PRIx64 ")", what, by, pc);
    }
}

static void print_saved(const struct pair *p, const struct pair_register *r, FILE *f)
{
    if (r->slot)
        print_at(p, "saved to", r->slot, r->store_pc, f);
    else
        fprintf(f, "not saved");
}

static void print_restored(const struct pair *p, const struct pair_register *r, FILE *f)
{
    if (r->loaded)
        print_at(p, "restored from", r->load_address, r->write_pc, f);
    else if (r->written)
        print_at(p, "written", 0, r->write_pc, f);
    else
        fprintf(f, "not restored by %s", p->c->o->restore);
}

static void begin(const struct pair_register *r, FILE *f)
{
    fprintf(f, "error: %s: ", r->name);
}

static bool report_width(const struct pair *p, const struct pair_register *r, FILE *f)
{
    begin(r, f);
    fprintf(f, "only its low %u bits are saved: ", 8 * r->size);
    print_saved(p, r, f);
    fprintf(f, ", ");
    print_restored(p, r, f);
    fputc('\n', f);
    return true;
}

static bool report_restored(const struct pair *p, const struct pair_register *r, FILE *f)
{
    const struct pair_register *other = other_source(p, r);
    const char *why = !r->written ? "saved, but not restored" : "restored with another value";

    if (r->written && !other && r->mask[0] >> 32 && low_part(r, 4))
        why = "only its low 32 bits are restored";
    else if (r->mask[1] && r->written && !other && low_part(r, 8))
        why = "only its low 64 bits are restored";
    begin(r, f);
    if (other && r->written)
        fprintf(f, "restored from the slot of %s: ", other->name);
    else
        fprintf(f, "%s: ", why);
    print_saved(p, r, f);
    fprintf(f, ", ");
    print_restored(p, r, f);
    if (other && r->written) {
        fprintf(f, "; %s is ", other->name);
        print_saved(p, other, f);
    }
    fputc('\n', f);
    return true;
}

static bool report_unsaved(const struct pair *p, const struct pair_register *r, FILE *f)
{
    const struct pair_register *other = other_source(p, r);

    begin(r, f);
    if (other)
        fprintf(f, "restored from the slot of %s: ", other->name);
    else
        fprintf(f, "restored, but not saved: ");
    print_saved(p, r, f);
    fprintf(f, ", ");
    print_restored(p, r, f);
    fputc('\n', f);
    return true;
}

/* Scratch registers are loaded too. */
static bool is_restored_unsaved(const struct pair_register *r)
{
    return r->loaded && !pair_is_x(r->number);
}

static bool report_one(const struct pair *p, const struct pair_register *r, FILE *f)
{
    if (r->slot && !r->saved)
        return report_width(p, r, f);
    if (r->saved)
        return became(r, r) ? false : report_restored(p, r, f);
    return is_restored_unsaved(r) ? report_unsaved(p, r, f) : false;
}

static void print_symmetric(const struct pair *p, const struct pair_register *r, FILE *f)
{
    fprintf(f, "  %-18s ", r->name);
    print_saved(p, r, f);
    fprintf(f, ", ");
    print_restored(p, r, f);
    fputc('\n', f);
}

/* Registers that save reads and that could not be filled, or had no slot. */
static bool is_known(const struct pair *p, uint32_t number)
{
    for (unsigned k = 0; k < p->count; k++)
        if (p->list[k].number == number)
            return true;
    return false;
}

static void print_unchecked(const struct pair *p, FILE *f)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    for (unsigned side = 0; side < 2; side++) {
        const GArray *events = side ? p->restore[0] : p->save[0];
        for (unsigned k = 0; k < events->len; k++) {
            const struct call_event *e = &g_array_index(events, struct call_event, k);
            if (e->kind == (side ? CALL_WRITE : CALL_READ) && !is_known(p, e->number) &&
                g_hash_table_add(seen, GUINT_TO_POINTER(e->number)))
                fprintf(f, "not checked: %s: it cannot be filled\n", arm_reg_name(e->number));
        }
    }
}

unsigned pair_report(const struct pair *p, FILE *f)
{
    unsigned errors = 0, symmetric = 0;

    for (unsigned k = 0; k < p->count; k++)
        symmetric += p->list[k].saved && became(&p->list[k], &p->list[k]);
    fprintf(f, "%s and %s at EL%u: %u registers are saved and restored\n", p->c->o->symbol,
            p->c->o->restore, p->c->o->el, symmetric);
    for (unsigned k = 0; k < p->count; k++)
        if (p->list[k].saved && became(&p->list[k], &p->list[k]))
            print_symmetric(p, &p->list[k], f);
    for (unsigned k = 0; k < p->count; k++)
        errors += report_one(p, &p->list[k], f);
    print_unchecked(p, f);
    return errors;
}
