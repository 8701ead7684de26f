#include "death_close.h"

#define ALIKE   128   /* of the same: it is looked at until that is certain */
#define SAME    10000 /* of the same have no end */
#define ENOUGH  20000 /* of any: of so many one would have been that often */
#define STARVED 2000  /* interrupts, and nothing in between */

static uint64_t hash_registers(struct arm_machine *m, unsigned cpu)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (unsigned n = 0; n < 32; n++) {
        uint64_t value[2] = {0, 0};
        arm_reg_get(m, cpu, n == 31 ? ARM_SP : ARM_X(n), value);
        hash = (hash ^ value[0]) * UINT64_C(0x100000001b3); /* FNV-1a */
    }
    return hash;
}

static bool is_same(const struct death_fault *a, const struct death_fault *b)
{
    return a->valid && a->elr == b->elr && a->esr == b->esr && a->el == b->el;
}

static void look_at_exception(struct death_close *l, struct arm_machine *m,
                              const struct arm_event *p)
{
    const struct death_fault f = death_fault_of(p);

    if (!f.syndrome) {
        l->stacked = f.from == f.el ? l->stacked + 1 : 0;
        l->starved = p->count == l->eret + 1 ? l->starved + 1 : 0;
        l->irq = true;
        return;
    }
    bool same =
        is_same(&l->last, &f) && (death_is_error(&f) || death_is_trap(&f) || death_is_debug(&f));
    uint64_t registers = same && l->back ? hash_registers(m, p->cpu) : 0;
    l->nested = same && !l->back ? l->nested + 1 : 0;
    l->returned =
        same && l->back && f.far == l->last.far && (l->returned == 0 || registers == l->registers)
            ? l->returned + 1
            : 0;
    l->registers = registers;
    l->last = f;
    l->back = false;
}

void death_close_event(struct death_close *l, struct arm_machine *m, const struct arm_event *p)
{
    l->seen++;
    if (p->kind == ARM_EVENT_ERET) {
        l->eret = p->count;
        l->stacked = 0;
    }
    if (p->kind == ARM_EVENT_EXCEPTION)
        look_at_exception(l, m, p);
    else if (l->irq)
        l->irq = false;
    else if (p->eret.target == l->last.elr)
        l->back = true;
    else
        l->last.valid = false;
}

enum death_kind death_close_verdict(const struct death_close *l)
{
    return l->nested >= SAME                                 ? DEATH_RECURSION
           : l->returned >= SAME                             ? DEATH_RETURNS
           : death_close_stacked(l) || l->starved >= STARVED ? DEATH_STORM
                                                             : DEATH_NONE;
}

bool death_close_stacked(const struct death_close *l)
{
    return l->stacked >= STARVED;
}

bool death_close_alike(const struct death_close *l)
{
    return l->returned >= ALIKE;
}

bool death_close_enough(const struct death_close *l)
{
    return l->seen >= ENOUGH;
}
