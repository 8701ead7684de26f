/* A pair as host kernels have it: an array of registers by number, the guest's registers by the
 * names that VHE has for them, and calls of what is elsewhere in the kernel. WRONG: one register by
 * its other name. */
#include <stdbool.h>
#include <stdint.h>

enum slot { CONTEXT_ID, TTBR0, TTBR1, TCR, VBAR, ESR, FAR, MAIR, TPIDR, SP_EL1, ELR, SPSR, SLOTS };

struct world {
    uint64_t regs[31], pc, pstate;
    uint64_t sys[SLOTS];
};

struct vcpu {
    uint64_t flags;
    struct world ctxt;
    struct world *host;
};

/* Elsewhere. */
bool has_capability(unsigned number);
extern uint64_t statistics[4];

/* clang-format off */
#define READ(name)     ({ uint64_t v_; __asm__ volatile("mrs %0, " name : "=r"(v_)); v_; })
#define WRITE(name, v) do { uint64_t v_ = (v); __asm__ volatile("msr " name ", %0" ::"r"(v_)); } while (0)

#define EL12(crn, crm, op2) "s3_5_c" #crn "_c" #crm "_" #op2
#ifdef WRONG
#define VBAR_SAVED "vbar_el1"
#else
#define VBAR_SAVED EL12(12, 0, 0)
#endif
/* clang-format on */

#define BOTH(X)                                                                                    \
    X(CONTEXT_ID, EL12(13, 0, 1))                                                                  \
    X(TTBR0, EL12(2, 0, 0))                                                                        \
    X(TTBR1, EL12(2, 0, 1))                                                                        \
    X(TCR, EL12(2, 0, 2))                                                                          \
    X(ESR, EL12(5, 2, 0))                                                                          \
    X(FAR, EL12(6, 0, 0))                                                                          \
    X(MAIR, EL12(10, 2, 0))                                                                        \
    X(TPIDR, "tpidr_el1")                                                                          \
    X(SP_EL1, "sp_el1")                                                                            \
    X(ELR, EL12(4, 0, 1))                                                                          \
    X(SPSR, EL12(4, 0, 0))

void vcpu_put(struct vcpu *v);
void vcpu_load(struct vcpu *v);

static void save_el1(struct world *w)
{
#define SAVE(slot, name) w->sys[slot] = READ(name);
    BOTH(SAVE)
    w->sys[VBAR] = READ(VBAR_SAVED);
}

static void restore_el1(const struct world *w)
{
#define RESTORE(slot, name) WRITE(name, w->sys[slot]);
    BOTH(RESTORE)
    WRITE(EL12(12, 0, 0), w->sys[VBAR]);
    __asm__ volatile("isb");
}

void vcpu_put(struct vcpu *v)
{
    if (has_capability(7))
        return;
    save_el1(&v->ctxt);
    statistics[1]++;
}

void vcpu_load(struct vcpu *v)
{
    if (!has_capability(7))
        restore_el1(&v->ctxt);
    v->flags |= 1;
}
