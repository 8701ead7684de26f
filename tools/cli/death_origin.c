/* Where a value came from that a CPU has failed with: the memory or the register that it was read
 * from, or a handler that has not given back what it took. */
#include <inttypes.h>

#include "death_trace.h"

#define NEAR_INSNS 64   /* so soon behind it a spurious interrupt is the reason */
#define NEAR_NULL  4096 /* an address below it was made of a null pointer */

/* The instruction that X@reg was written by last, from the @back-th event on; NULL: not known.
 * *@load: what that has loaded into it, or NULL. */
static const struct arm_event *written_by(const struct corpse *c, unsigned *back, unsigned reg,
                                          const struct arm_event **load)
{
    const struct arm_event *p;
    struct arm_insn_use use;

    *load = NULL;
    for (; (p = death_trace_back(c->trace, *back)); (*back)++) {
        if (p->kind == ARM_EVENT_MEM && !(p->mem.kind & (ARM_MEM_WRITE | ARM_MEM_FP)) &&
            p->mem.reg == reg)
            *load = p;
        else if (p->kind == ARM_EVENT_INSN && arm_insn_uses(p->insn.word, &use) &&
                 use.writes >> reg & 1)
            return p;
    }
    return NULL;
}

/* Who has written the word last that @load has read. */
static void add_writer(const struct corpse *c, const struct arm_event *load, GString *out)
{
    const struct death_stores of = {load->cpu, load->count, load->mem.pa, load->mem.size, 0, 0};
    struct death_store w;

    if (!death_last_store(c, &of, &w)) {
        g_string_append(out, load->mem.pa < FLASH_END
                                 ? ", which is flash memory: was the image linked for another "
                                   "address, or has nobody relocated it"
                                 : ", which nothing has written");
        return;
    }
    g_autofree char *who = death_place(c, w.event.cpu, w.event.el, w.event.pc);
    g_string_append_printf(out, ", where cpu%u had written it at %s", w.event.cpu, who);
}

static bool add_mrs(const struct corpse *c, const struct arm_event *p, unsigned reg, GString *out)
{
    struct arm_insn_use use;
    const char *name;

    if (!arm_insn_uses(p->insn.word, &use) || use.kind != ARM_INSN_MRS ||
        !(name = arm_reg_name(use.from)))
        return false;
    g_autofree char *at = death_place(c, p->cpu, p->el, p->pc);
    g_string_append_printf(out, "X%u was read from %s at %s", reg, name, at);
    if (!death_written(c, p->cpu, name))
        g_string_append(out, ", which was never written");
    return true;
}

bool death_add_origin(const struct corpse *c, const struct death_fault *f, unsigned reg,
                      GString *out)
{
    const struct arm_event *load, *p;
    unsigned back = 0;
    gsize before = out->len;

    if (!c->trace || c->trace->cpu != f->cpu || reg > 30)
        return false;
    while ((p = written_by(c, &back, reg, &load))) {
        if (!load) {
            if (out->len > before)
                g_string_append(out, "; ");
            if (!add_mrs(c, p, reg, out) && out->len > before)
                g_string_truncate(out, out->len - 2);
            break;
        }
        if (death_is_literal(p->insn.word))
            break;
        g_autofree char *at = death_place(c, p->cpu, p->el, p->pc);
        unsigned base = p->insn.word >> 5 & 31;
        bool null = load->mem.va < NEAR_NULL;
        g_string_append_printf(out, "%sX%u was loaded from %#" PRIx64 " at %s",
                               out->len > before ? "; " : "", reg, load->mem.va, at);
        if (!null) {
            add_writer(c, load, out);
            break;
        }
        g_string_append_printf(out, ", by a pointer in X%u that was not set", base);
        if (base > 30)
            break;
        reg = base;
        back++;
    }
    return out->len > before;
}

bool death_add_spurious(const struct corpse *c, const struct death_fault *f, GString *out)
{
    const struct arm_event *p = c->trace ? &c->trace->acknowledged : NULL;

    if (!p || p->kind != ARM_EVENT_SYSREG_READ || c->trace->cpu != f->cpu ||
        f->count - p->count > NEAR_INSNS || p->sysreg_read.value < 1020 ||
        p->sysreg_read.value > 1023)
        return false;
    g_autofree char *at = death_place(c, p->cpu, p->el, p->pc);
    g_string_append_printf(
        out, "; just before it %s was read as %u at %s, which is no interrupt: none was pending",
        arm_reg_name(p->sysreg_read.sr), (unsigned)p->sysreg_read.value, at);
    return true;
}

/* ---- registers that a handler has changed ---- */

/* The last interrupt of @f's level that was taken before @p, and returned from behind it. */
static const struct death_fault *within(const struct corpse *c, const struct death_fault *f,
                                        const struct arm_event *p)
{
    const struct death_history *h = c->history;
    unsigned kept = MIN(h->exceptions, DEATH_EXCEPTIONS);

    for (unsigned k = 0; k < kept; k++) {
        const struct death_fault *e = &h->last[(h->exceptions - 1 - k) % DEATH_EXCEPTIONS];
        if (e->cpu != f->cpu || e->count > p->count || e->el != p->el)
            continue;
        const struct death_return *r = &h->entered[f->cpu];
        return r->valid && r->count >= p->count && r->to == f->from && e->from == f->from ? e
                                                                                          : NULL;
    }
    return NULL;
}

bool death_add_clobbered(const struct corpse *c, const struct death_fault *f, GString *out)
{
    const struct death_fault *e;
    const struct arm_event *load, *p;
    unsigned back = 0, reg;
    uint32_t word;

    if (!c->history || !c->trace || c->trace->cpu != f->cpu || death_ec(f) < ESR_EC_DABT_LOW ||
        death_ec(f) > ESR_EC_DABT_CUR || !death_insn(c, f->cpu, f->from, f->elr, &word))
        return false;
    reg = word >> 5 & 31; /* Rn of all loads and stores but literals */
    if (reg > 30 || death_is_literal(word) || !(p = written_by(c, &back, reg, &load)) ||
        !(e = within(c, f, p)) || (e->syndrome && death_is_error(e)))
        return false;
    g_autofree char *at = death_place(c, p->cpu, p->el, p->pc);
    g_autofree char *from = death_place(c, f->cpu, e->from, e->elr);
    g_string_append_printf(out, "; X%u is what the handler of %s has left in it, at %s (EL%u)", reg,
                           e->syndrome ? "a call" : "an interrupt", at, p->el);
    g_string_append_printf(out, ", which came at %s", from);
    return true;
}
