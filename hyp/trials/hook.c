/*
 * One hook in all its forms (hyp/hook.h), with each implementation: did it do what was chosen, on
 * each call, and what did a call cost? Prints a table in instructions, of the machine's clock: one
 * nanosecond is one instruction. All forms change their implementation while they are in use.
 */
#include "hyp/hook.h"
#include "hyp/cpu.h"
#include "hyp/hyp.h"
#include "hyp/lib.h"
#include "hyp/sched.h"

#define CALLS 10000u

static const struct form {
    const char *name;
    uint64_t (*call)(uint64_t esr);
} forms[] = {
    {"nothing at all", hook_nothing},
    {"flags", hook_by_flag},
    {"static branches", hook_by_branch},
    {"static branches, assembly", hook_by_branch_asm},
    {"pointer in a structure", hook_by_pointer},
    {"static call", hook_by_call},
    {"static call that keeps registers", hook_by_keeping_call},
    {"static call, assembly", hook_by_call_asm},
};

static uint64_t expected_hash(uint64_t hash)
{
    for (uint64_t n = 0; n < CALLS; n++)
        hash = (hash ^ n << 26) * UINT64_C(0x100000001b3);
    return hash;
}

/* Exactly what @n does was done CALLS times, and nothing else. */
static bool is_right(unsigned n, const struct hook_seen *before, const struct hook_seen *after)
{
    uint64_t classes = 0;

    for (unsigned c = 0; c < ARRAY_SIZE(after->by_class); c++)
        classes += after->by_class[c] - before->by_class[c];
    return after->count - before->count == (n == 1 ? CALLS : 0) &&
           classes == (n == 2 ? CALLS : 0) &&
           after->hash == (n == 3 ? expected_hash(before->hash) : before->hash);
}

/* Instructions of a hundred calls, the loop's included; 0: it did something else. */
static uint64_t measure(const struct form *f, unsigned n)
{
    struct hook_seen before = this_cpu()->hook;
    uint64_t daif = irq_save(), since = mrs(CNTPCT_EL0), took, ns;

    for (uint64_t k = 0; k < CALLS; k++)
        if (f->call(k << 26) != k << 26)
            return 0;
    took = mrs(CNTPCT_EL0) - since;
    irq_restore(daif);
    ns = took * 1000000000 / mrs(CNTFRQ_EL0);
    if (f->call == hook_nothing)
        n = 0;
    return is_right(n, &before, &this_cpu()->hook) ? ns * 100 / CALLS : 0;
}

void hyp_main(const struct fdt *tree)
{
    bool ok = true;

    (void)tree;
    for (unsigned k = 0; k < ARRAY_SIZE(forms); k++) {
        uint64_t cost[HOOKS];

        for (unsigned n = 0; n < HOOKS; n++) {
            hook_choose(n);
            cost[n] = measure(&forms[k], n);
            ok &= cost[n] != 0;
        }
        print("hook: %5lu %5lu %5lu %5lu %s\n", (unsigned long)cost[0], (unsigned long)cost[1],
              (unsigned long)cost[2], (unsigned long)cost[3], forms[k].name);
    }
    print("hook: %s instructions of 100 calls: nothing, count, class, hash\n", ok ? "ok" : "FAIL");
    hyp_power_off();
}
