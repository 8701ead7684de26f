/* A pair that saves and restores; each macro plants one mistake. */
#include <stdint.h>

struct context {
    uint64_t pad, tpidr, ttbr0, ttbr1, mair, vbar, esr, el0_stack;
};

/* clang-format off */
#define READ(name)     ({ uint64_t v_; __asm__ volatile("mrs %0, " #name : "=r"(v_)); v_; })
#define WRITE(name, v) do { uint64_t v_ = (v); __asm__ volatile("msr " #name ", %0" ::"r"(v_)); } while (0)
/* clang-format on */

void save(struct context *c);
void restore(const struct context *c);

void save(struct context *c)
{
    c->tpidr = READ(tpidr_el1);
    c->ttbr0 = READ(ttbr0_el1);
    c->ttbr1 = READ(ttbr1_el1);
#ifdef NARROW
    *(volatile uint32_t *)&c->mair = (uint32_t)READ(mair_el1);
#else
    c->mair = READ(mair_el1);
#endif
#ifndef UNSAVED
    c->vbar = READ(vbar_el1);
#endif
    c->esr = READ(esr_el1);
    c->el0_stack = READ(sp_el0);
}

void restore(const struct context *c)
{
    WRITE(tpidr_el1, c->tpidr);
#ifdef SWAPPED
    WRITE(ttbr0_el1, c->ttbr1);
    WRITE(ttbr1_el1, c->ttbr0);
#else
    WRITE(ttbr0_el1, c->ttbr0);
    WRITE(ttbr1_el1, c->ttbr1);
#endif
#ifdef NARROW_LOAD
    WRITE(mair_el1, (uint32_t)c->mair);
#else
    WRITE(mair_el1, c->mair);
#endif
    WRITE(vbar_el1, c->vbar);
#ifndef FORGOTTEN
    WRITE(esr_el1, c->esr);
#endif
#ifdef CONSTANT
    WRITE(sp_el0, 0);
#else
    WRITE(sp_el0, c->el0_stack);
#endif
}
