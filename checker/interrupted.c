/*
 * An interrupt that EL2 takes from itself: where its program goes on at the same instruction, on
 * the same stack, X0 to X30 and PSTATE are as they were (AArch64.TakeException(), "Exception
 * return"). Another task may have run in between: the stack says which one goes on, by its physical
 * address, as EL2's tables may be another CPU's. Other exceptions from EL2 have a reason in the
 * program itself, and a handler may change it.
 */
#include "checker/interrupted.h"

#include <glib.h>
#include <inttypes.h>

#include "arch/sysreg.h"
#include "arch/vector.h"
#include "base/bits.h"
#include "checker/checker.h"
#include "checker/finding.h"
#include "checker/resumed.h"

#define X_COUNT 31
#define PSTATE  (MASK(31, 28) | MASK(9, 6) | MASK(4, 0)) /* NZCV, DAIF, the mode */
#define SP_ELX  BIT(0)

struct passage {
    uint64_t stack, pc, spsr;
    bool interrupt;
    uint64_t x[X_COUNT];
    struct resumed_before more;
    struct site at;
};

struct interrupted {
    GHashTable *open; /* struct passage by stack */
    struct resumed *resumed;
    uint32_t told; /* BIT(n): of Xn it is, BIT(X_COUNT): of PSTATE */
};

struct interrupted *interrupted_new(struct arm_checker *c)
{
    struct interrupted *u = g_new0(struct interrupted, 1);

    u->open = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    u->resumed = resumed_new(c);
    return u;
}

void interrupted_free(struct interrupted *u)
{
    g_hash_table_unref(u->open);
    resumed_free(u->resumed);
    g_free(u);
}

/* Where its frames go on: below SP, which may be at the end of its page. 0: nowhere. */
static uint64_t stack(const struct arm_checker *c, unsigned cpu)
{
    uint64_t sp = checker_sysreg(c, cpu, SR_SP_EL2);
    struct arm_translation t;

    return arm_translate(c->m, cpu, 2, sp - 1, ARM_ACCESS_WRITE, &t) ? t.pa : 0;
}

static void begin(struct arm_checker *c, struct interrupted *u, const struct arm_event *p)
{
    struct passage *k = g_new0(struct passage, 1);

    *k = (struct passage){.stack = stack(c, p->cpu),
                          .pc = p->pc,
                          .spsr = p->exception.spsr,
                          .interrupt = vector_is_interrupt(p->exception.vector),
                          .at = site_bare(c, p)};
    for (unsigned n = 0; n < X_COUNT && k->interrupt; n++)
        k->x[n] = checker_reg(c, p->cpu, ARM_X(n));
    if (k->interrupt)
        resumed_begin(u->resumed, &k->more, p);
    g_hash_table_replace(u->open, &k->stack, k);
}

static void report(struct arm_checker *c, const struct passage *k, enum rule rule, uint32_t reg,
                   uint64_t was, uint64_t is, const struct arm_event *p)
{
    struct finding f = finding_at(c, rule, p);

    f.reg = reg;
    f.other = k->at;
    f.other_role = "interrupted";
    f.hint = "a handler of EL2's own interrupts saves what it changes, and puts it back";
    finding_say(&f, "EL2 goes on where an interrupt came, with %#" PRIx64 ", and had %#" PRIx64, is,
                was);
    finding_report(c, &f);
}

/* One register is told of once: a handler spoils it wherever it interrupts. */
static bool is_news(struct interrupted *u, unsigned n)
{
    bool news = !bit(u->told, n);

    u->told |= 1U << n;
    return news;
}

static void check(struct arm_checker *c, struct interrupted *u, const struct passage *k,
                  const struct arm_event *p)
{
    if ((k->spsr ^ p->eret.spsr) & PSTATE && is_news(u, X_COUNT))
        report(c, k, RULE_PC, sysreg_number(SR_SPSR_EL2), k->spsr, p->eret.spsr, p);
    for (unsigned n = 0; n < X_COUNT; n++) {
        uint64_t x = checker_reg(c, p->cpu, ARM_X(n));
        if (x != k->x[n] && is_news(u, n))
            report(c, k, RULE_CLOBBER, ARM_X(n), k->x[n], x, p);
    }
}

/* The return from an exception. */
static void end(struct arm_checker *c, struct interrupted *u, const struct arm_event *p)
{
    uint64_t at = stack(c, p->cpu);
    const struct passage *k = g_hash_table_lookup(u->open, &at);

    if (!k)
        return;
    if (at && k->interrupt && k->pc == p->eret.target) {
        check(c, u, k, p);
        resumed_end(u->resumed, &k->more, p);
    }
    g_hash_table_remove(u->open, &at);
}

/* From EL2 to EL2, or back. */
static bool is_own(const struct arm_event *p)
{
    return p->el == 2 && ((p->kind == ARM_EVENT_EXCEPTION && p->exception.target_el == 2) ||
                          (p->kind == ARM_EVENT_ERET && p->eret.target_el == 2));
}

void interrupted_event(struct arm_checker *c, struct interrupted *u, const struct arm_event *p)
{
    bool begins = p->kind == ARM_EVENT_EXCEPTION, ends = p->kind == ARM_EVENT_ERET;

    if (p->kind == ARM_EVENT_SYSREG_READ)
        resumed_read(u->resumed, p);
    if (begins && is_own(p) && p->exception.spsr & SP_ELX)
        begin(c, u, p);
    if (begins || ends)
        resumed_stop(u->resumed, p->cpu);
    if (ends && is_own(p))
        end(c, u, p);
}

bool interrupted_needs_reads(const struct interrupted *u, unsigned cpu)
{
    return resumed_needs_reads(u->resumed, cpu);
}
