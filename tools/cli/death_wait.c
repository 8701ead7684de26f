/* CPUs that wait, or go round: for what, and what holds it back. */
#include <inttypes.h>
#include <string.h>

#include "arch/psci.h"
#include "death_halt.h"
#include "death_state.h"

#define SPIS_END 1020
#define LRS_MAX  16
#define HCR_E2H  ARM_BIT(34)

#define UART_INTID 33

#define PSCI_INVALID_ADDRESS (-9)

static const struct death_timer timers[] = {
    {PPI_TIMER_HYP, "the EL2 timer", "CNTHP_CTL_EL2", "CNTHP_CVAL_EL2"},
    {PPI_TIMER_VIRT, "the virtual timer", "CNTV_CTL_EL0", "CNTV_CVAL_EL0"},
    {PPI_TIMER_HYP_VIRT, "the EL2 virtual timer", "CNTHV_CTL_EL2", "CNTHV_CVAL_EL2"},
    {PPI_TIMER_PHYS, "the EL1 timer", "CNTP_CTL_EL0", "CNTP_CVAL_EL0"},
};

/* Likewise, the board's devices among them. */
static const struct {
    unsigned first, last;
    const char *name;
} others[] = {
    {PPI_PMU, PPI_PMU, "the PMU"},
    {PPI_MAINTENANCE, PPI_MAINTENANCE, "the GIC's maintenance interrupt"},
    {UART_INTID, UART_INTID, "the UART"},
    {34, 34, "the RTC"},
    {35, 38, "an INTx of PCI"},
    {39, 39, "the GPIO"},
    {48, 79, "a virtio-mmio device"},
};

const struct death_timer *death_timer(unsigned intid)
{
    for (size_t k = 0; k < G_N_ELEMENTS(timers); k++)
        if (timers[k].intid == intid)
            return &timers[k];
    return NULL;
}

const char *death_irq_name(unsigned intid)
{
    const struct death_timer *timer = death_timer(intid);

    if (timer)
        return timer->name;
    for (size_t k = 0; k < G_N_ELEMENTS(others); k++)
        if (intid >= others[k].first && intid <= others[k].last)
            return others[k].name;
    return intid < 16 ? "an SGI" : intid < 32 ? "a PPI" : "an SPI";
}

/* ---- interrupts ---- */

/* The first interrupt that is pending and held back. */
static bool find_held(const struct corpse *c, unsigned *intid, struct arm_irq *irq, bool group0)
{
    for (unsigned cpu = 0; cpu < arm_cpu_count(c->m); cpu++)
        for (unsigned n = 0; n < (cpu ? 32 : SPIS_END); n++) {
            *irq = (struct arm_irq){.size = sizeof(*irq)};
            if (!arm_irq_get(c->m, cpu, n, irq) || !irq->pending || !*irq->held ||
                (irq->group == 0) != group0)
                continue;
            *intid = n;
            return true;
        }
    return false;
}

/* Interrupts are masked since a return that said so. */
static void add_masked_by(const struct corpse *c, const char *held, GString *out)
{
    const struct death_return *r = c->history ? &c->history->entered[c->cpu] : NULL;

    if (!r || !r->valid || !strstr(held, "PSTATE.") || !(r->spsr & 0xc0))
        return;
    g_autofree char *at = death_place(c, c->cpu, r->from, r->pc);
    g_string_append_printf(out,
                           "; the last ERET, at %s, had SPSR_EL%u %#" PRIx64 ", which masks it", at,
                           r->from, r->spsr);
}

/* Another INTID was ended than was acknowledged. */
static void add_ended(const struct corpse *c, unsigned intid, const struct arm_irq *irq,
                      GString *out)
{
    const struct death_write *w = death_written(c, c->cpu, "ICC_EOIR1_EL1");

    if (!irq->active || !w || (w->value & 0xffffff) == intid)
        return;
    g_autofree char *at = death_place(c, c->cpu, w->el, w->pc);
    g_string_append_printf(out, "; ICC_EOIR1_EL1 was written as %" PRIu64 " last, at %s",
                           w->value & 0xffffff, at);
}

/* A guest's: EL2 takes the machine's interrupts and ends them, or the guest's end of a virtual one
 * does. HCR_EL2.IMO; ICH_VMCR_EL2.VEOIM (bit 9), IHI0069 12.4.9. */
static void add_guests(const struct corpse *c, const struct arm_irq *irq, GString *out)
{
    uint64_t hcr = death_reg(c, c->cpu, "HCR_EL2");

    if (!c->config->el2 || death_el(c, c->cpu) > 1 || !(hcr & 1))
        return;
    if (!irq->active) {
        if (hcr & ARM_BIT(4) && strstr(irq->held, "ICC_"))
            g_string_append(out, "; HCR_EL2.IMO is 1: what the guest writes to ICC_xxx is its "
                                 "virtual interface's, and this is EL2's own");
        return;
    }
    if (!(hcr & ARM_BIT(4)))
        g_string_append_printf(out,
                               "; HCR_EL2.IMO is 0 (HCR_EL2 %#" PRIx64
                               "): the guest takes the machine's interrupts itself",
                               hcr);
    else if (death_reg(c, c->cpu, "ICH_VMCR_EL2") & ARM_BIT(9))
        g_string_append(out, "; ICH_VMCR_EL2.VEOIM is 1: the guest's ICC_EOIR1_EL1 drops the "
                             "priority only, and it has to write ICC_DIR_EL1 as well");
}

/* What to do about one that is not enabled. At EL2 with HCR_EL2.E2H the registers of the EL1 timers
 * are EL2's: CNTP_CTL_EL0[] and CNTV_CTL_EL0[] (pseudocode of the accesses). */
static void enable_it(const struct corpse *c, unsigned intid, struct verdict *v)
{
    bool hyp_virt = intid == PPI_TIMER_HYP_VIRT;
    char kind = hyp_virt ? 'V' : 'P';

    if (intid < 32)
        g_string_printf(v->next, "write %#x to GICR_ISENABLER0", UINT32_C(1) << intid);
    else
        g_string_printf(v->next, "write %#x to GICD_ISENABLER%u", UINT32_C(1) << intid % 32,
                        intid / 32);
    if ((intid == PPI_TIMER_HYP || hyp_virt) && death_reg(c, c->cpu, "HCR_EL2") & HCR_E2H)
        g_string_append_printf(v->evidence,
                               "; HCR_EL2.E2H is 1: at EL2 CNT%c_CTL_EL0 is CNTH%c_CTL_EL2, whose "
                               "interrupt is this one and not %u, as CNT%c_CTL_EL02 has it",
                               kind, kind, hyp_virt ? PPI_TIMER_VIRT : PPI_TIMER_PHYS, kind);
}

/* What to do about what holds an interrupt back, by the register that is named for it. */
static const struct {
    const char *held, *next;
} remedies[] = {
    {"PSTATE.I is 1", "clear PSTATE.I where interrupts may come: msr daifclr, #2"},
    {"PSTATE.F is 1", "clear PSTATE.F (msr daifclr, #1), or make it group 1, an IRQ"},
    {"GICC_CTLR.EnableGrp", "set its bit in GICC_CTLR: bit 0 for group 0, bit 1 for group 1"},
    {"EnableGrp0 is 0", "set bit 0 of GICD_CTLR; or make it group 1, an IRQ of a GICv3 "
                        "(GICR_IGROUPR0, GICD_IGROUPRn)"},
    {"EnableGrp1 is 0", "set bit 1 of GICD_CTLR"},
    {"ICC_IGRPEN1_EL1 is 0", "write 1 to ICC_IGRPEN1_EL1, then ISB"},
    {"ICC_IGRPEN0_EL1 is 0", "make it group 1 (GICR_IGROUPR0, GICD_IGROUPRn): it is group 0, FIQ"},
    {"GICR_WAKER", "clear ProcessorSleep (bit 1), and wait until ChildrenAsleep (bit 2) is 0"},
    {"(ICC_PMR_EL1)", "write 0xff to ICC_PMR_EL1: only priorities of lower numbers come"},
    {"(GICC_PMR)", "write 0xff to GICC_PMR: only priorities of lower numbers come"},
    {"and not deactivated", "its handler has to end it: the INTID that it read (IAR) goes to EOIR"},
    {"has not been ended", "each handler has to end its own: the INTID that it read goes to EOIR"},
    {"GICD_IROUTER", "write the affinity of a CPU that is on (bits 39:32, 23:0 of MPIDR_EL1)"},
    {"ICH_HCR_EL2.En is 0", "set ICH_HCR_EL2.En before the guest is entered"},
    {"ICH_VMCR_EL2.VENG", "the guest writes its ICC_IGRPENn_EL1; or ICH_VMCR_EL2 was not kept"},
    {"(ICH_VMCR_EL2.VPMR)", "the guest writes 0xff to its ICC_PMR_EL1"},
    {"MO is 0: there are no v", "set HCR_EL2.IMO (bit 4) and FMO (bit 3)"},
};

static void add_remedy(const char *held, unsigned intid, GString *next)
{
    for (size_t k = 0; k < G_N_ELEMENTS(remedies); k++)
        if (strstr(held, remedies[k].held)) {
            g_string_append_printf(next, "%s; ", remedies[k].next);
            break;
        }
    g_string_append_printf(next, "`info irq %u` in the monitor says where it is", intid);
}

static bool explain_held(const struct corpse *c, struct verdict *v)
{
    struct arm_irq irq;
    unsigned intid;

    if (!find_held(c, &intid, &irq, false) && !find_held(c, &intid, &irq, true))
        return false;
    g_string_printf(v->cause, "INTID %u (%s) is pending, but %s", intid, death_irq_name(intid),
                    irq.held);
    g_string_printf(v->evidence, "it is %s, of group %u (%s), priority %#x",
                    irq.enabled ? "enabled" : "not enabled", irq.group,
                    irq.group || c->config->gic.version == 2 ? "IRQ" : "FIQ", irq.priority);
    if (!irq.group && c->config->gic.version != 2)
        g_string_append(v->evidence, "; GICD_IGROUPR and GICR_IGROUPR0 make it group 1, an IRQ");
    add_masked_by(c, irq.held, v->evidence);
    add_ended(c, intid, &irq, v->evidence);
    add_guests(c, &irq, v->evidence);
    if (irq.enabled)
        add_remedy(irq.held, intid, v->next);
    else
        enable_it(c, intid, v);
    return true;
}

static bool explain_timer(const struct corpse *c, struct verdict *v)
{
    for (unsigned cpu = 0; cpu < arm_cpu_count(c->m); cpu++)
        for (size_t k = 0; k < G_N_ELEMENTS(timers); k++) {
            uint64_t ctl = death_reg(c, cpu, timers[k].ctl);
            if ((ctl & 3) != 3)
                continue;
            g_string_printf(v->cause, "%s of cpu%u is on, but its output is masked: %s.IMASK is 1",
                            timers[k].name, cpu, timers[k].ctl);
            g_string_printf(v->evidence, "%s is %#" PRIx64 ": ENABLE 1, IMASK 1, ISTATUS %u",
                            timers[k].ctl, ctl, (unsigned)ctl >> 2 & 1);
            g_string_printf(v->next, "write 1 to %s", timers[k].ctl);
            return true;
        }
    return false;
}

/* The interrupts that could come, as a list. */
static unsigned add_enabled(const struct corpse *c, GString *out)
{
    unsigned count = 0;

    for (unsigned n = 0; n < SPIS_END; n++) {
        struct arm_irq irq = {.size = sizeof(irq)};
        if (!arm_irq_get(c->m, c->cpu, n, &irq) || !irq.enabled)
            continue;
        if (count++ < 8)
            g_string_append_printf(out, "%s%u", count > 1 ? ", " : "", n);
    }
    return count;
}

/* On and not masked, but due later than anybody waits. */
static bool explain_far_timer(const struct corpse *c, struct verdict *v)
{
    for (size_t k = 0; k < G_N_ELEMENTS(timers); k++) {
        bool is_virtual = timers[k].intid == 27;
        uint64_t ctl = death_reg(c, c->cpu, timers[k].ctl), cval,
                 count = death_reg(c, c->cpu, is_virtual ? "CNTVCT_EL0" : "CNTPCT_EL0");
        if ((ctl & 7) != 1)
            continue;
        cval = death_reg(c, c->cpu, timers[k].cval);
        g_string_printf(v->cause,
                        "cpu%u waits for %s, which is due far in the future: %s is %#" PRIx64
                        ", and the counter is at %#" PRIx64,
                        c->cpu, timers[k].name, timers[k].cval, cval, count);
        g_string_printf(v->evidence, "the counter has %" PRIu64 " ticks a second",
                        death_reg(c, c->cpu, "CNTFRQ_EL0"));
        if (is_virtual && c->config->el2)
            g_string_append_printf(
                v->evidence, "; a virtual timer counts what is left of CNTVOFF_EL2, %#" PRIx64,
                death_reg(c, c->cpu, "CNTVOFF_EL2"));
        g_string_assign(v->next, "write how many ticks it is until then to TVAL, or the counter "
                                 "and that to CVAL");
        return true;
    }
    return false;
}

/* Lines of the GIC's state that say what its ITS has not read. */
static void look_for_its(void *ctx, const char *line)
{
    unsigned read, written;
    GString *out = ctx;

    if (sscanf(line, "its: off, queue %*x, read up to %x of %x", &read, &written) == 2 &&
        read != written)
        g_string_append_printf(out,
                               "the ITS is off (GITS_CTLR.Enabled is 0), and has not read its "
                               "commands: GITS_CREADR is %#x, GITS_CWRITER %#x",
                               read, written);
}

bool death_add_refusal(const struct corpse *c, GString *out)
{
    gsize before = out->len;

    arm_describe(c->m, "gic", look_for_its, out);
    if (out->len == before && c->history && *c->history->refusal)
        g_string_append_printf(out, "the last that a device has refused: %s", c->history->refusal);
    return out->len > before;
}

/* It has not returned from a call. */
static bool add_handled(const struct corpse *c, unsigned el, GString *out)
{
    const struct death_fault *f = c->history ? &c->history->first[c->cpu][el] : NULL;
    g_autoptr(GString) call = g_string_new(NULL);

    if (!f || !f->valid || !death_add_call(c, f, call))
        return false;
    g_string_append_printf(out, "the handler of %s has not returned: ", call->str);
    return true;
}

static void explain_nothing(const struct corpse *c, struct verdict *v)
{
    g_autoptr(GString) enabled = g_string_new(NULL);
    unsigned count = add_enabled(c, enabled);
    struct arm_irq uart = {.size = sizeof(uart)};
    uint64_t pstate = death_reg(c, c->cpu, "pstate");
    enum arm_cpu_state state = arm_cpu_state(c->m, c->cpu);
    unsigned el = (unsigned)(pstate >> 2) & 3;
    g_autofree char *at = death_place(c, c->cpu, el, death_reg(c, c->cpu, "pc"));
    const char *in = state == ARM_CPU_WFE ? "in WFE" : "in WFI";

    bool handler = add_handled(c, el, v->cause);
    if (handler)
        g_string_append_printf(v->cause, "cpu%u waits %s there", c->cpu, in);
    else
        g_string_printf(v->cause, "cpu%u waits %s", c->cpu, in);
    g_string_append(v->cause,
                    ", and there is nothing that could end it: no interrupt is pending, ");
    if (!death_add_timer_off(c, v->cause))
        g_string_append(v->cause, "no timer is on");
    if (state == ARM_CPU_WFE)
        death_add_wfe_value(c, v->evidence);
    if (death_add_refusal(c, v->evidence))
        g_string_append(v->evidence, "; ");
    if (count)
        g_string_append_printf(v->evidence,
                               "enabled are INTIDs %s%s; none of their devices has anything to say",
                               enabled->str, count > 8 ? ", ..." : "");
    else
        g_string_append(v->evidence, "no interrupt is enabled in the GIC");
    if (arm_irq_get(c->m, c->cpu, UART_INTID, &uart) && uart.enabled)
        g_string_append(v->evidence, "; 33 is the UART's, which needs its own UARTIMSC (0x38) too");
    g_string_append_printf(v->evidence, "; PSTATE.I is %u at EL%u, the PC %s",
                           (unsigned)pstate >> 7 & 1, el, at);
    g_string_assign(
        v->next, uart.enabled ? "write 0x10 (RXIM) to UARTIMSC for what is typed"
                 : handler ? "does it know this exception? ESR_ELx.EC (bits 31:26) says which it is"
                 : state == ARM_CPU_WFE
                     ? "another CPU has to SEV; was it started (PSCI CPU_ON)?"
                     : "set up a timer (CNTV_CVAL_EL0, CNTV_CTL_EL0) and INTID 27, or power off "
                       "by PSCI SYSTEM_OFF");
}

struct virtual_held {
    bool found;
    GString *line;
};

/* Of what arm_describe_irq() says: a virtual one that is pending and held back. */
static void look_for_held(void *ctx, const char *line)
{
    struct virtual_held *h = ctx;
    const char *held = strstr(line, "    pending, but ");

    if (held && !h->found)
        g_string_append(h->line, held + strlen("    pending, but "));
    h->found |= held != NULL;
}

/* A list register has an interrupt for the guest, which does not get it. */
static bool explain_virtual(const struct corpse *c, struct verdict *v)
{
    struct virtual_held h = {false, g_string_new(NULL)};
    unsigned intid = 0, cpu = 0, n = 0;

    for (cpu = 0; cpu < arm_cpu_count(c->m) && !h.found; cpu++)
        for (n = 0; n < LRS_MAX && !h.found; n++) {
            char name[20];
            g_snprintf(name, sizeof(name), "ICH_LR%u_EL2", n);
            uint64_t lr = death_reg(c, cpu, name);
            intid = (unsigned)lr;
            if (lr >> 62 & 1)
                arm_describe_irq(c->m, cpu, intid, look_for_held, &h);
        }
    if (h.found) {
        g_string_printf(v->cause, "virtual INTID %u of cpu%u is pending in LR%u, but %s", intid,
                        cpu - 1, n - 1, h.line->str);
        g_string_printf(v->evidence,
                        "ICH_HCR_EL2 is %#" PRIx64 ", ICH_VMCR_EL2 %#" PRIx64 ", HCR_EL2 %#" PRIx64,
                        death_reg(c, cpu - 1, "ICH_HCR_EL2"), death_reg(c, cpu - 1, "ICH_VMCR_EL2"),
                        death_reg(c, cpu - 1, "HCR_EL2"));
        add_remedy(h.line->str, intid, v->next);
    }
    g_string_free(h.line, TRUE);
    return h.found;
}

/* HCR_EL2.{VI, VF} count with IMO and FMO only. */
static bool explain_virtual_bits(const struct corpse *c, struct verdict *v)
{
    static const struct {
        uint64_t pending, enabled;
        char kind;
    } bits[] = {{ARM_BIT(7), ARM_BIT(4), 'I'}, {ARM_BIT(6), ARM_BIT(3), 'F'}};

    for (unsigned cpu = 0; cpu < arm_cpu_count(c->m); cpu++)
        for (size_t k = 0; k < G_N_ELEMENTS(bits); k++) {
            uint64_t hcr = death_reg(c, cpu, "HCR_EL2");
            char kind = bits[k].kind;
            if (!(hcr & bits[k].pending) || hcr & bits[k].enabled || death_el(c, cpu) > 1)
                continue;
            g_string_printf(v->cause,
                            "a virtual %s is pending for the guest of cpu%u by HCR_EL2.V%c, but "
                            "HCR_EL2.%cMO is 0",
                            kind == 'I' ? "IRQ" : "FIQ", cpu, kind, kind);
            g_string_printf(v->evidence,
                            "HCR_EL2 is %#" PRIx64 "; without %cMO there are no virtual ones, and "
                            "physical ones are the guest's",
                            hcr, kind);
            g_string_printf(v->next, "set HCR_EL2.%cMO", kind);
            return true;
        }
    return false;
}

/* A loop that never ends in an interrupt's handler: the interrupt is held back by that only. */
static bool explain_in_handler(const struct corpse *c, struct verdict *v)
{
    unsigned el = death_el(c, c->cpu);
    const struct death_fault *f = c->history && el ? &c->history->first[c->cpu][el] : NULL;

    if (!f || !f->valid || f->syndrome || !death_explain_loop(c, v))
        return false;
    g_autofree char *at = death_place(c, c->cpu, f->from, f->elr);
    g_string_append_printf(v->cause, ", in the handler of an interrupt that came at %s", at);
    return true;
}

static bool explain_all_off(const struct corpse *c, struct verdict *v)
{
    for (unsigned cpu = 0; cpu < arm_cpu_count(c->m); cpu++)
        if (arm_cpu_state(c->m, cpu) != ARM_CPU_OFF)
            return false;
    g_autofree char *at =
        death_place(c, c->cpu, death_el(c, c->cpu), death_reg(c, c->cpu, "pc") - 4);
    g_string_printf(v->cause,
                    "all CPUs are off: cpu%u has switched itself off (PSCI CPU_OFF, 0x84000002) at "
                    "%s",
                    c->cpu, at);
    g_string_assign(v->evidence, "nobody is left to switch one on; the machine itself is switched "
                                 "off by SYSTEM_OFF");
    g_string_assign(v->next, "PSCI SYSTEM_OFF is 0x84000008");
    return true;
}

/* It stands still in what EL2 has been called for. */
static bool explain_unreturned(const struct corpse *c, struct verdict *v)
{
    unsigned el = death_el(c, c->cpu);

    if (c->kind != DEATH_SPIN || el != 2 || !death_is_parked(c->m, c->cpu) ||
        !add_handled(c, el, v->cause))
        return false;
    g_autofree char *at = death_place(c, c->cpu, el, death_reg(c, c->cpu, "pc"));
    g_string_append_printf(v->cause, "cpu%u has stopped at %s", c->cpu, at);
    g_string_printf(v->evidence, "ESR_EL2 is %#" PRIx64 ", EC (bits 31:26) %#x",
                    death_reg(c, c->cpu, "ESR_EL2"),
                    (unsigned)(death_reg(c, c->cpu, "ESR_EL2") >> 26) & 63);
    g_string_assign(v->next, "does it know this call, by EC and by the caller's X0?");
    return true;
}

bool death_explain_wait(const struct corpse *c, struct verdict *v)
{
    if (death_explain_given_up(c, v) || death_explain_asleep(c, v) ||
        death_explain_return_to_itself(c, v) || explain_virtual(c, v) ||
        explain_virtual_bits(c, v) || death_explain_refused(c, v) || explain_in_handler(c, v) ||
        explain_held(c, v) || explain_timer(c, v) || death_explain_chase(c, v) ||
        death_explain_loop(c, v) || death_explain_count(c, v) || death_explain_asking(c, v))
        return true;
    if (death_explain_parked(c, v) || explain_unreturned(c, v))
        return true;
    if (c->kind != DEATH_IDLE)
        return false;
    if (!explain_all_off(c, v) && !death_explain_lost_sgi(c, v) && !explain_far_timer(c, v))
        explain_nothing(c, v);
    return true;
}
