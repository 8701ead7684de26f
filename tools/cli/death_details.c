/* What stands behind a verdict: the walk, who called whom, the last exceptions and writes. */
#include <inttypes.h>
#include <string.h>

#include "death_state.h"
#include "info.h"

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

/* An address of @el's as it was before it was signed: without the code of pointer authentication,
 * which is between the bits that are translated and bit 55, and above. D8.10 */
static uint64_t unsigned_address(const struct corpse *c, unsigned el, uint64_t address)
{
    bool upper = address >> 55 & 1, e2h = death_reg(c, c->cpu, "HCR_EL2") >> 34 & 1;
    unsigned regime = el == 2 || (el == 0 && e2h && death_reg(c, c->cpu, "HCR_EL2") >> 27 & 1);
    uint64_t tcr = death_reg_el(c, c->cpu, "TCR", regime ? 2 : 1);
    unsigned size = (unsigned)(tcr >> (upper ? 16 : 0)) & 63;
    uint64_t code = size ? ~UINT64_C(0) << (64 - size) : 0;

    return upper ? address | code : address & ~code;
}

unsigned death_frames(const struct corpse *c, unsigned *el, uint64_t pcs[DEATH_FRAMES])
{
    const struct death_fault *f = &c->fault;
    bool failed = f->valid && (c->kind != DEATH_SPIN || death_is_error(f));
    uint64_t frame[2] = {death_reg(c, c->cpu, "x29"), 0}, before = 0;
    unsigned count = 0;

    *el = failed ? f->from : death_el(c, c->cpu);
    pcs[count++] = failed ? f->elr : death_reg(c, c->cpu, "pc");
    pcs[count++] = unsigned_address(c, *el, death_reg(c, c->cpu, "x30"));
    while (count < DEATH_FRAMES) {
        uint64_t at = frame[0];
        if (at <= before || at & 7 || !arm_virt_read(c->m, c->cpu, *el, at, frame, sizeof(frame)) ||
            !frame[1])
            break;
        before = at;
        pcs[count++] = unsigned_address(c, *el, frame[1]);
    }
    return count;
}

static void add_backtrace(const struct corpse *c, GString *out)
{
    uint64_t pcs[DEATH_FRAMES];
    unsigned el, count = death_frames(c, &el, pcs);

    g_string_append(out, "backtrace:\n");
    for (unsigned n = 0; n < count; n++) {
        g_autofree char *at = pcs[n] ? death_place(c, c->cpu, el, pcs[n]) : NULL;
        if (at)
            g_string_append_printf(out, "  #%u %s\n", n, at);
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
    if (c->kind == DEATH_PANIC)
        return;
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
