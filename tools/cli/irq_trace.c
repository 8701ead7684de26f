#include "irq_trace.h"
#include "arch/vector.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "armillary.h"
#include "output.h"
#include "parse.h"

struct irq_trace {
    struct arm_machine *m;
    FILE *out;
    uint32_t intid;
};

static bool parse(const char *spec, uint32_t *intid, const char **file)
{
    const char *colon = strchr(spec, ':');
    g_autofree char *number = colon ? g_strndup(spec, (gsize)(colon - spec)) : g_strdup(spec);
    uint64_t n;

    *file = colon ? colon + 1 : NULL;
    if (!parse_number(number, 0, UINT32_MAX, &n) || (colon && !colon[1]))
        return false;
    *intid = (uint32_t)n;
    return true;
}

bool irq_trace_valid(const char *spec)
{
    const char *file;
    uint32_t intid;

    return parse(spec, &intid, &file);
}

/* ---- what an event says of the interrupt ---- */

#define LR_VINTID(lr) ((uint32_t)(lr))
#define LR_PINTID(lr) ((uint32_t)((lr) >> 32) & 0x1fff)
#define LR_HW(lr)     ((lr) >> 61 & 1)
#define LR_STATE(lr)  ((unsigned)((lr) >> 62))

static bool of_list_register(const struct irq_trace *t, const char *name, uint64_t lr, GString *out)
{
    static const char *const states[] = {"freed", "pending", "active", "pending and active"};

    if (LR_VINTID(lr) != t->intid && !(LR_HW(lr) && LR_PINTID(lr) == t->intid))
        return false;
    g_string_printf(out, "%s: virtual INTID %u is put there, %s", name, LR_VINTID(lr),
                    states[LR_STATE(lr)]);
    if (LR_HW(lr))
        g_string_append_printf(out, ", of physical INTID %u", LR_PINTID(lr));
    return true;
}

static bool of_write(const struct irq_trace *t, const struct arm_event *p, GString *out)
{
    const char *name = arm_reg_name(p->sysreg_write.sr);
    bool end = g_str_has_prefix(name, "ICC_EOIR"), deactivates = !strcmp(name, "ICC_DIR_EL1");

    if (g_str_has_prefix(name, "ICH_LR"))
        return of_list_register(t, name, p->sysreg_write.value, out);
    if ((!end && !deactivates) || (p->sysreg_write.value & 0xffffff) != t->intid)
        return false;
    g_string_printf(out, "%s: %s%s", name, deactivates ? "deactivated" : "ended",
                    p->sysreg_write.virt ? " by the guest" : "");
    return true;
}

/* An IRQ or FIQ, taken while this interrupt is the one that is signalled. */
static bool of_exception(const struct irq_trace *t, const struct arm_event *p, GString *out)
{
    struct arm_irq irq = {.size = sizeof(irq)};

    if (!vector_is_interrupt(p->exception.vector) || !arm_irq_get(t->m, p->cpu, t->intid, &irq) ||
        !irq.pending || *irq.held || irq.cpu != p->cpu)
        return false;
    g_string_printf(out, "%s is taken to EL%u",
                    vector_kind(p->exception.vector) == VECTOR_IRQ ? "IRQ" : "FIQ",
                    p->exception.target_el);
    return true;
}

static bool of_event(const struct irq_trace *t, const struct arm_event *p, GString *out)
{
    static const char *const changes[] = {[ARM_IRQ_LOW] = "no longer pending",
                                          [ARM_IRQ_HIGH] = "pending",
                                          [ARM_IRQ_ACKNOWLEDGED] = "acknowledged",
                                          [ARM_IRQ_DEACTIVATED] = "no longer active",
                                          [ARM_IRQ_ACTIVATED] = "active by ISACTIVER"};

    if (p->kind == ARM_EVENT_SYSREG_WRITE)
        return of_write(t, p, out);
    if (p->kind == ARM_EVENT_EXCEPTION)
        return of_exception(t, p, out);
    if (p->irq.intid != t->intid)
        return false;
    g_string_printf(out, "%s%s", p->irq.virt ? "virtual: " : "", changes[p->irq.change]);
    return true;
}

static void on_event(void *ctx, const struct arm_event *p)
{
    const struct irq_trace *t = ctx;
    g_autoptr(GString) text = g_string_new(NULL);

    if (of_event(t, p, text))
        fprintf(t->out, "%12" PRIu64 " cpu%u EL%u %s %#018" PRIx64 " INTID %u: %s\n", p->count,
                p->cpu, p->el, p->guest ? "guest" : "host ", p->pc, t->intid, text->str);
}

/* ---- opening ---- */

struct irq_trace *irq_trace_open(struct arm_machine *m, const char *spec, struct outputs *outputs)
{
    const struct arm_filter filter = {.size = sizeof(filter),
                                      .events = ARM_BIT(ARM_EVENT_IRQ) |
                                                ARM_BIT(ARM_EVENT_SYSREG_WRITE) |
                                                ARM_BIT(ARM_EVENT_EXCEPTION)};
    struct irq_trace *t = g_new0(struct irq_trace, 1);
    const char *file;

    parse(spec, &t->intid, &file);
    struct output *o = file ? output_file(outputs, file, "--trace-irq") : NULL;
    t->m = m;
    t->out = o ? output_stream(o, false) : file ? NULL : outputs->say;
    if (t->out && arm_subscribe(m, &filter, on_event, t))
        return t;
    irq_trace_close(t);
    return NULL;
}

void irq_trace_close(struct irq_trace *t)
{
    g_free(t);
}
