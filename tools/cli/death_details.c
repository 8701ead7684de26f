/* What stands behind a verdict: the walk, who called whom, the last exceptions and writes. */
#include <inttypes.h>
#include <string.h>

#include "death_state.h"
#include "info.h"

#define FRAMES_MAX     16
#define EXCEPTIONS_MAX 6

/* Registers whose last writes are told. */
static const char *const control[] = {
    "SCTLR_EL1",   "TCR_EL1",     "TTBR0_EL1",   "TTBR1_EL1",       "MAIR_EL1",
    "VBAR_EL1",    "CPACR_EL1",   "SCTLR_EL2",   "TCR_EL2",         "TTBR0_EL2",
    "VBAR_EL2",    "HCR_EL2",     "VTCR_EL2",    "VTTBR_EL2",       "CPTR_EL2",
    "ICC_SRE_EL1", "ICC_SRE_EL2", "ICC_PMR_EL1", "ICC_IGRPEN1_EL1", "ICH_HCR_EL2",
};

static void add_walk(const struct corpse *c, const struct death_fault *f, GString *out)
{
    unsigned ec = death_ec(f);

    if (!f->valid || !f->syndrome || (ec & 0x3a) != 0x20)
        return;
    g_string_append_printf(out, "walk of %#" PRIx64 " at EL%u, as the tables are now:\n", f->far,
                           f->from);
    info_walk(c->m, c->cpu, f->from, f->far, death_access(f), out);
}

static void add_frame(const struct corpse *c, unsigned n, unsigned el, uint64_t pc, GString *out)
{
    g_autofree char *at = pc ? death_place(c, c->cpu, el, pc) : NULL;

    if (at)
        g_string_append_printf(out, "  #%u %s\n", n, at);
}

/* By frame records (AAPCS64): X29 points to the caller's X29 and X30. */
static void add_backtrace(const struct corpse *c, GString *out)
{
    const struct death_fault *f = &c->fault;
    bool failed = f->valid && (c->kind != DEATH_SPIN || death_is_error(f));
    unsigned el = failed ? f->from : death_el(c, c->cpu);
    uint64_t pc = failed ? f->elr : death_reg(c, c->cpu, "pc"),
             frame[2] = {death_reg(c, c->cpu, "x29"), 0};
    uint64_t before = 0;

    g_string_append(out, "backtrace:\n");
    add_frame(c, 0, el, pc, out);
    add_frame(c, 1, el, death_reg(c, c->cpu, "x30"), out);
    for (unsigned n = 2; n < FRAMES_MAX; n++) {
        uint64_t at = frame[0];
        if (at <= before || at & 7 || !arm_virt_read(c->m, c->cpu, el, at, frame, sizeof(frame)) ||
            !frame[1])
            break;
        before = at;
        add_frame(c, n, el, frame[1], out);
    }
}

static void add_exceptions(const struct corpse *c, GString *out)
{
    const struct death_history *h = c->history;
    uint64_t kept = MIN(h->exceptions, DEATH_EXCEPTIONS);
    uint64_t same = 0;
    unsigned lines = 0;

    for (uint64_t k = 1; k <= kept && lines < EXCEPTIONS_MAX; k++) {
        const struct death_fault *f = &h->last[(h->exceptions - k) % DEATH_EXCEPTIONS];
        const struct death_fault *older =
            k < kept ? &h->last[(h->exceptions - k - 1) % DEATH_EXCEPTIONS] : NULL;
        char esr[256] = "interrupt";
        same++;
        if (older && older->cpu == f->cpu && older->elr == f->elr && older->esr == f->esr &&
            older->el == f->el)
            continue;
        if (f->syndrome)
            arm_text_esr(f->esr, esr, sizeof(esr));
        g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);
        g_string_append_printf(out, "  cpu%u EL%u -> EL%u at %s: %s", f->cpu, f->from, f->el, at,
                               esr);
        if (same > 1)
            g_string_append_printf(out, " (%" PRIu64 " times or more)", same);
        g_string_append_c(out, '\n');
        same = 0;
        lines++;
    }
}

static void add_writes(const struct corpse *c, GString *out)
{
    for (size_t k = 0; k < G_N_ELEMENTS(control); k++) {
        const struct death_write *w = death_written(c, c->cpu, control[k]);
        if (!w)
            continue;
        g_autofree char *at = death_place(c, c->cpu, w->el, w->pc);
        g_string_append_printf(
            out, "  %s = %#" PRIx64 " at %s, behind %" PRIu64 " instructions of cpu%u\n",
            control[k], w->after, at, w->count, w->cpu);
    }
}

void death_add_details(const struct corpse *c, GString *out)
{
    add_walk(c, &c->fault, out);
    add_backtrace(c, out);
    if (!c->history) {
        g_string_append(
            out, "the last exceptions and writes are not known: input, files that are written, a "
                 "network, "
                 "or more than 200 M instructions; `armillary step` and --gdb can go back\n");
        return;
    }
    g_string_append(out, "last exceptions, the latest first:\n");
    add_exceptions(c, out);
    g_string_append(out, "last writes of control registers:\n");
    add_writes(c, out);
}
