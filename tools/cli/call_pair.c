#include "call_pair.h"

#include <string.h>

#include "command.h"

#define KEPT_ALL UINT64_MAX

/* Bits that are not to be filled. */
static uint64_t kept_bits(const struct call *c, const char *name)
{
    const uint64_t ALL = KEPT_ALL, EL1 = c->o->el == 1 ? KEPT_ALL : 0;

#define CALL_KEPT(register, bits, why)                                                             \
    if (!strcmp(name, #register))                                                                  \
        return bits;
#include "tools/cli/call_kept.def"
#undef CALL_KEPT
    (void)ALL;
    (void)EL1;
    return c->o->el == 1 && g_str_has_suffix(name, "_EL2") ? KEPT_ALL : 0;
}

static bool set(struct call *c, uint32_t number, uint64_t low, uint64_t high)
{
    uint64_t value[2] = {low, high};

    return arm_reg_set(c->m, 0, number, value);
}

/* What of it can be set, and is not kept; none: it cannot be told from others. */
static bool find_mask(struct call *c, const struct call_register *from, struct pair_register *r)
{
    uint64_t kept = kept_bits(c, from->name), ones[2] = {0}, zeros[2] = {0};

    if (kept == KEPT_ALL || !set(c, from->number, UINT64_MAX, UINT64_MAX))
        return false;
    arm_reg_get(c->m, 0, from->number, ones);
    set(c, from->number, 0, 0);
    arm_reg_get(c->m, 0, from->number, zeros);
    set(c, from->number, from->value[0], from->value[1]);
    r->number = from->number;
    r->name = from->name;
    r->mask[0] = (ones[0] ^ zeros[0]) & ~kept;
    r->mask[1] = ones[1] ^ zeros[1];
    return r->mask[0] || r->mask[1];
}

static void choose_registers(struct pair *p)
{
    struct call_registers *all = call_registers_read(p->c);

    p->list = g_new0(struct pair_register, all->count + 1);
    for (unsigned k = 0; k < all->count; k++)
        p->count += find_mask(p->c, &all->list[k], &p->list[p->count]);
    call_registers_free(all);
}

/* splitmix64's finalizer. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* Give each its value of this round, made of @salt; then note what they have: some depend on
 * others. */
static void fill(struct pair *p, unsigned round, uint64_t salt)
{
    uint64_t flip = round % 2 ? UINT64_MAX : 0;

    for (unsigned k = 0; k < p->count; k++) {
        const struct pair_register *r = &p->list[k];
        uint64_t seed = mix(r->number + salt) + round / 2, old[2] = {0};
        arm_reg_get(p->c->m, 0, r->number, old);
        set(p->c, r->number, (old[0] & ~r->mask[0]) | ((mix(seed) ^ flip) & r->mask[0]),
            (old[1] & ~r->mask[1]) | ((mix(~seed) ^ flip) & r->mask[1]));
    }
}

static GArray *take_events(struct call *c)
{
    GArray *events = c->events;

    c->events = g_array_new(FALSE, FALSE, sizeof(struct call_event));
    return events;
}

static enum call_end run_round(struct pair *p, unsigned round, uint64_t save, uint64_t restore)
{
    enum call_end end;

    fill(p, round, 1);
    for (unsigned k = 0; k < p->count; k++)
        arm_reg_get(p->c->m, 0, p->list[k].number, p->list[k].fill[round]);
    end = call_run(p->c, save);
    if (end != CALL_RETURNED)
        return end;
    p->save[round] = take_events(p->c);
    fill(p, round, 2);
    end = call_run(p->c, restore);
    if (end != CALL_RETURNED)
        return end;
    p->restore[round] = take_events(p->c);
    for (unsigned k = 0; k < p->count; k++)
        arm_reg_get(p->c->m, 0, p->list[k].number, p->list[k].after[round]);
    return end;
}

static void free_pair(struct pair *p)
{
    for (unsigned k = 0; k < PAIR_ROUNDS; k++) {
        if (p->save[k])
            g_array_free(p->save[k], TRUE);
        if (p->restore[k])
            g_array_free(p->restore[k], TRUE);
    }
    g_free(p->list);
}

static int run_rounds(struct pair *p, const struct arm_snapshot *start, uint64_t save,
                      uint64_t restore, FILE *f)
{
    struct arm_error err;

    for (unsigned round = 0; round < PAIR_ROUNDS; round++) {
        if (arm_snapshot_restore(p->c->m, start, &err) < 0) {
            fprintf(stderr, "armillary call: %s\n", err.text);
            return EXIT_USAGE;
        }
        enum call_end end = run_round(p, round, save, restore);
        if (end != CALL_RETURNED) {
            fprintf(f, "%s at EL%u did not return: %s\n",
                    p->save[round] ? p->c->o->restore : p->c->o->symbol, p->c->o->el, p->c->ended);
            return end == CALL_LIMIT ? EXIT_LIMIT : EXIT_EXCEPTION;
        }
    }
    return 0;
}

int call_check_pair(struct call *c, uint64_t save, uint64_t restore, FILE *f)
{
    struct pair p = {.c = c};
    struct arm_error err;
    struct arm_snapshot *start = arm_snapshot_take(c->m, &err);
    int code = EXIT_USAGE;

    if (!start) {
        fprintf(stderr, "armillary call: %s\n", err.text);
        return code;
    }
    choose_registers(&p);
    code = run_rounds(&p, start, save, restore, f);
    if (code == 0) {
        for (unsigned k = 0; k < p.count; k++) {
            pair_find_slot(&p, &p.list[k]);
            pair_find_restore(&p, &p.list[k]);
        }
        unsigned errors = pair_report(&p, f) + pair_check_order(&p, f);
        code = errors ? EXIT_ASYMMETRIC : 0;
    }
    arm_snapshot_free(start);
    free_pair(&p);
    return code;
}
