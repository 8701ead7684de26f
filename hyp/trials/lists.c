/*
 * The world switch of the virtual interface (hyp/vgic_if.c) by itself: vgic_if_exit() and
 * vgic_if_enter() with 0 to all list registers used, in both orders of their slots, with everything
 * that the options allow; each stretch is marked (hyp/mark.h) for `armillary lab vgic`, after its
 * caller has read so much memory that no cache holds the slots. What was written must be read back.
 */
#include "hyp/cpu.h"
#include "hyp/hyp.h"
#include "hyp/lib.h"
#include "hyp/mark.h"
#include "hyp/mem.h"
#include "hyp/opts.h"
#include "hyp/vgic.h"

/* Key of a stretch: used list registers, 0 to 16, and bits above. */
#define KEY(used, order, controls, enter) ((used) + 32 * (order) + 64 * (controls) + 128 * (enter))

/* Added to it while code comes into its caches: not to be looked at. */
#define WARM   256
#define ROUNDS 4

/* What a guest does meanwhile: more than any L1 cache has. */
#define ELSEWHERE (128 * 1024)

static const volatile uint64_t *elsewhere;

static void leave_caches(void)
{
    for (unsigned k = 0; k < ELSEWHERE / 8; k += 8)
        (void)elsewhere[k];
    dsb(sy); /* nothing of it is still under way */
    isb();
}

/* Pending, of an INTID that no list register has twice. */
static uint64_t value_of(unsigned n)
{
    return LR_PENDING | LR_GROUP1 | LR_PRIORITY(0xa0) | (64 + n);
}

static bool measure(struct vgic_if *c, unsigned used, unsigned order, unsigned controls,
                    unsigned warm)
{
    struct pcpu *cpu = this_cpu();
    bool ok = true;

    opts.lr_order = order;
    opts.vgic = controls ? OPT_vgic_eager : OPT_vgic_deferred;
    c->used = used;
    c->hcr = 1;
    for (unsigned n = 0; n < used; n++)
        c->lr[lr_slot(n, order)] = value_of(n);
    vgic_if_enter(cpu, c); /* what the registers had before is no part of it */
    vgic_if_exit(cpu, c);
    leave_caches();
    mark_begin(KEY(used, order, controls, 1) + warm);
    vgic_if_enter(cpu, c);
    mark_end();
    for (unsigned n = 0; n < used; n++)
        c->lr[lr_slot(n, order)] = 0;
    leave_caches();
    mark_begin(KEY(used, order, controls, 0) + warm);
    vgic_if_exit(cpu, c);
    mark_end();
    for (unsigned n = 0; n < used; n++)
        ok &= c->lr[lr_slot(n, order)] == value_of(n);
    return ok;
}

/* hyp.passes=N: only N used, and the controls at load and put. */
static bool is_wanted(unsigned used, unsigned controls)
{
    return opts.passes > LRS_MAX || (used == opts.passes && !controls);
}

void hyp_main(const struct fdt *tree)
{
    struct vgic_if *c = mem_alloc(sizeof(*c));
    uint64_t daif = irq_save();
    bool ok = true;

    (void)tree;
    elsewhere = mem_alloc(ELSEWHERE);
    vgic_if_load(this_cpu(), c);
    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned controls = 0; controls < 2; controls++)
            for (unsigned order = 0; order < 2; order++)
                for (unsigned used = 0; used <= cpu_limits.lrs; used++)
                    if (is_wanted(used, controls))
                        ok &= measure(c, used, order, controls, round < ROUNDS - 1 ? WARM : 0);
    irq_restore(daif);
    print("lists: %s lrs=%u preemption=%u\n", ok ? "ok" : "FAIL", cpu_limits.lrs,
          cpu_limits.preemption_bits);
    hyp_power_off();
}
