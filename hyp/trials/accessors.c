/*
 * The accessors of deferred registers (hyp/context.h) in their three forms, beside each other, at
 * call sites whose register is a constant and at one where it is not; for a register of a group
 * that is in the CPU, one that is in memory, and by turns. A stretch of ACCESSES of each is marked
 * (hyp/mark.h) for `armillary lab deferred`. All must read the same.
 */
#include "hyp/context.h"
#include "hyp/hyp.h"
#include "hyp/lib.h"
#include "hyp/mark.h"
#include "hyp/mem.h"

#define ACCESSES 512u

/* Constant sites: one register; and four close together, which a compiler may decide about once. */
#define SITES(form)                                                                                \
    __attribute__((noinline)) static uint64_t one_##form(const struct context *c, enum slot s)     \
    {                                                                                              \
        (void)s;                                                                                   \
        return context_read_##form(c, SLOT_VBAR_EL1);                                              \
    }                                                                                              \
    __attribute__((noinline)) static uint64_t four_##form(const struct context *c, enum slot s)    \
    {                                                                                              \
        (void)s;                                                                                   \
        return context_read_##form(c, SLOT_ESR_EL1) ^ context_read_##form(c, SLOT_FAR_EL1) ^       \
               context_read_##form(c, SLOT_AFSR0_EL1) ^ context_read_##form(c, SLOT_AFSR1_EL1);    \
    }                                                                                              \
    __attribute__((noinline)) static uint64_t any_##form(const struct context *c, enum slot s)     \
    {                                                                                              \
        return context_read_##form(c, s);                                                          \
    }
SITES(table)
SITES(switch)
SITES(inline)

typedef uint64_t site_fn(const struct context *c, enum slot s);
static site_fn *const sites[3][3] = {
    {one_table, four_table, any_table},
    {one_switch, four_switch, any_switch},
    {one_inline, four_inline, any_inline},
};

/* What access_vm_reg() comes for. */
static const enum slot asked[] = {
    SLOT_SCTLR_EL1, SLOT_TTBR0_EL1, SLOT_TTBR1_EL1, SLOT_TCR_EL1,        SLOT_ESR_EL1,
    SLOT_FAR_EL1,   SLOT_MAIR_EL1,  SLOT_AMAIR_EL1, SLOT_CONTEXTIDR_EL1, SLOT_VBAR_EL1,
};

enum where { IN_CPU, IN_MEMORY, BY_TURNS };

static struct context *context;

static void place(enum where where, unsigned n)
{
    if (where == IN_CPU || (where == BY_TURNS && n % 2))
        context->live |= BIT(GROUP_EL1);
    else
        context->live &= ~BIT(GROUP_EL1);
}

/* The loop is in each stretch; that of a site that does nothing is what is taken off. */
__attribute__((noinline)) static uint64_t nothing(const struct context *c, enum slot s)
{
    (void)c;
    return s;
}

static uint64_t run(site_fn *site, enum where where, unsigned key)
{
    static enum slot order[ACCESSES];
    uint64_t sum = 0, random = 1;

    for (unsigned n = 0; n < ACCESSES; n++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        order[n] = asked[(random >> 33) % ARRAY_SIZE(asked)];
    }
    mark_begin(key);
    for (unsigned n = 0; n < ACCESSES; n++) {
        place(where, n);
        sum += site(context, order[n]);
    }
    mark_end();
    return sum;
}

void hyp_main(const struct fdt *tree)
{
    bool ok = true;

    (void)tree;
    context = mem_alloc(sizeof(*context));
    context_save(context, BIT(GROUP_EL1)); /* so that both places hold the same */
    for (unsigned where = IN_CPU; where <= BY_TURNS; where++)
        run(nothing, (enum where)where, where);
    for (unsigned kind = 0; kind < 3; kind++)
        for (unsigned where = IN_CPU; where <= BY_TURNS; where++) {
            uint64_t sum[3];

            for (unsigned form = 0; form < 3; form++)
                sum[form] =
                    run(sites[form][kind], (enum where)where, (1 + form) * 16 + kind * 4 + where);
            ok &= sum[0] == sum[1] && sum[1] == sum[2];
        }
    print("accessors: %s accesses=%u\n", ok ? "ok" : "FAIL", ACCESSES);
    hyp_power_off();
}
