#include <inttypes.h>
#include <string.h>

#include "call.h"

/* X0 to X7 are arguments and results, X30, SP, PC and PSTATE are the call's. */
static bool is_of_call(const struct call *c, uint32_t number, const char *name)
{
    const char *sp = c->o->el == 2 ? "SP_EL2" : "SP_EL1";

    return (number >= ARM_X(0) && number <= ARM_X(7)) || number == ARM_X(30) || number == ARM_SP ||
           number == ARM_PC || number == ARM_PSTATE || !strcmp(name, sp);
}

struct call_registers *call_registers_read(struct call *c)
{
    size_t room = arm_reg_list(c->m, 0, NULL, 0);
    g_autofree struct arm_register *all = g_new0(struct arm_register, room);
    struct call_registers *r = g_malloc0(sizeof(*r) + room * sizeof(r->list[0]));

    arm_reg_list(c->m, 0, all, room);
    for (size_t k = 0; k < room; k++) {
        struct call_register *out = &r->list[r->count];
        if (!all[k].writable || all[k].alias || is_of_call(c, all[k].number, all[k].name))
            continue;
        out->number = all[k].number;
        out->name = all[k].name;
        r->count += arm_reg_get(c->m, 0, out->number, out->value);
    }
    return r;
}

void call_registers_free(struct call_registers *r)
{
    g_free(r);
}

/* What the procedure call standard lets a function change is no news. */
static bool may_change(uint32_t number)
{
    return (number >= ARM_X(8) && number <= ARM_X(18)) ||
           (number >= ARM_V(0) && number <= ARM_V(7)) ||
           (number >= ARM_V(16) && number <= ARM_V(31));
}

/* Counts down with time. */
static bool is_timer_view(const char *name)
{
    return g_str_has_prefix(name, "CNT") && strstr(name, "_TVAL_");
}

void call_registers_print_changed(struct call *c, const struct call_registers *before, FILE *f)
{
    bool any = false;

    for (unsigned k = 0; k < before->count; k++) {
        const struct call_register *r = &before->list[k];
        uint64_t now[2] = {0};
        arm_reg_get(c->m, 0, r->number, now);
        if (may_change(r->number) || is_timer_view(r->name) || !memcmp(now, r->value, sizeof(now)))
            continue;
        if (!any)
            fprintf(f, "registers changed:\n");
        any = true;
        fprintf(f, "  %-24s %#" PRIx64 " -> %#" PRIx64 "\n", r->name, r->value[0], now[0]);
    }
}
