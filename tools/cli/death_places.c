/* How a CPU came to where it is, and what is at an address that nothing answers at. */
#include <inttypes.h>

#include "death_trace.h"

/* It came from the instruction before. */
static bool add_run_on(const struct corpse *c, const struct death_fault *f, GString *out)
{
    const struct arm_event *p;
    unsigned back = 0;

    if (!c->trace || c->trace->cpu != f->cpu)
        return false;
    while ((p = death_trace_back(c->trace, back)) && p->kind != ARM_EVENT_INSN)
        back++;
    if (!p || p->pc + 4 != f->elr)
        return false;
    g_autofree char *at = death_place(c, f->cpu, p->el, p->pc);
    g_string_append_printf(out,
                           "nothing jumped there: it ran on from the instruction before, at %s, as "
                           "a function without a RET at its end does",
                           at);
    return true;
}

/* Who gave it that ELR, and what it was when the exception came. */
static void add_elr(const struct corpse *c, const struct death_return *r, unsigned cpu,
                    GString *out)
{
    const struct death_history *h = c->history;
    char name[16];

    g_snprintf(name, sizeof(name), "ELR_EL%u", r->from);
    const struct death_write *w = death_written(c, cpu, name);
    if (!w) {
        g_string_append(out, "; ");
        if (r->from != 2 || !death_add_other_el(c, cpu, "ELR", out))
            g_string_truncate(out, out->len - 2);
        return;
    }
    g_autofree char *at = death_place(c, cpu, w->el, w->pc);
    g_string_append_printf(out, ", written at %s", at);
    for (unsigned k = 0; k < MIN(h->exceptions, DEATH_EXCEPTIONS); k++) {
        const struct death_fault *e = &h->last[(h->exceptions - 1 - k) % DEATH_EXCEPTIONS];
        if (e->cpu != cpu || e->el != r->from || e->count > w->count)
            continue;
        if (e->elr + 4 == r->target && death_is_error(e))
            g_string_append_printf(out,
                                   ": its handler goes on behind what has failed (ELR_EL%u + 4), "
                                   "and %" PRIu64 " exceptions came; it should stop at the first",
                                   r->from, h->exceptions);
        else if (e->elr != r->target && !death_add_exchanged(c, r, out))
            g_string_append_printf(out, "; it was %#" PRIx64 " when the exception came", e->elr);
        return;
    }
}

bool death_add_exchanged(const struct corpse *c, const struct death_return *r, GString *out)
{
    const struct death_history *h = c->history;

    for (unsigned k = 0; h && k < MIN(h->exceptions, DEATH_EXCEPTIONS); k++) {
        const struct death_fault *e = &h->last[(h->exceptions - 1 - k) % DEATH_EXCEPTIONS];
        if (e->el != r->from || e->count > r->count || r->spsr != e->elr || r->target != e->spsr)
            continue;
        g_string_append_printf(out,
                               "; when the exception came, ELR_EL%u was %#" PRIx64
                               " and SPSR_EL%u %#" PRIx64
                               ": what was saved of the two has been exchanged",
                               r->from, e->elr, r->from, e->spsr);
        return true;
    }
    return false;
}

bool death_add_way(const struct corpse *c, const struct death_fault *f, GString *out)
{
    const struct death_return *r = c->history ? &c->history->entered[f->cpu] : NULL;

    if (!r || !r->valid || r->target != f->elr) {
        if (death_add_jump(c, f, out) || add_run_on(c, f, out))
            return false;
        if (f->cpu && !f->count) {
            g_string_append_printf(out, "cpu%u began there: by the entry point of its PSCI CPU_ON",
                                   f->cpu);
            return false;
        }
        g_autofree char *lr = death_place(c, f->cpu, f->from, death_reg(c, f->cpu, "x30"));
        g_string_append_printf(out, "X30 (the last call) is %s", lr);
        return false;
    }
    g_autofree char *from = death_place(c, f->cpu, r->from, r->pc);
    g_string_append_printf(out, "the ERET at %s (EL%u) went there: ELR_EL%u was %#" PRIx64, from,
                           r->from, r->from, r->target);
    add_elr(c, r, f->cpu, out);
    return true;
}

/* Where other boards have what programs begin with; of places that overlap the smaller comes first.
 * UART: it is where a program looks for that one; else only if this machine's GIC is a GICv2 or a
 * GICv3, or with any. */
enum place_when { UART, WITH_GICV2, WITH_GICV3, WITH_ANY };
static const struct {
    uint64_t base, end;
    enum place_when when;
    const char *text;
} places[] = {
    {0x08010000, 0x0801ffff, WITH_GICV3,
     "a GICv2 has its CPU interface there, and this machine has a GICv3"},
    {0x08030000, 0x0804ffff, WITH_GICV3,
     "a GICv2 has its virtual interface there (GICH, GICV), and this machine has a GICv3: "
     "ICH_xxx_EL2 are the registers of that one"},
    {0x08080000, 0x0809ffff, WITH_GICV2, "a GICv3 has its ITS there, and this machine has a GICv2"},
    {0x080a0000, 0x0813ffff, WITH_GICV2,
     "a GICv3 has its redistributors there, and this machine has a GICv2"},
    {0x09050000, 0x0906ffff, WITH_ANY,
     "an SMMUv3 is there with `armillary qemu -M virt,iommu=smmuv3`, and this machine has none"},
    {0x101f0000, 0x101f3fff, UART, "a Versatile PB has its UARTs there"},
    {0x1c090000, 0x1c0cffff, UART, "Arm's FVPs and Versatile Express have their UARTs there"},
    {0x30860000, 0x30a6ffff, UART, "an i.MX 8M has its UARTs there"},
    {0x3f000000, 0x3fffffff, UART, "a Raspberry Pi 2 or 3 has its devices there"},
    {0x60000000, 0x6004ffff, UART, "QEMU's sbsa-ref has its UARTs there"},
    {0x70006000, 0x700063ff, UART, "a Tegra X1 has its UARTs there"},
    {0x7ff70000, 0x7ff8ffff, UART, "a Juno has its UARTs there"},
    {0xc8100000, 0xc8100fff, UART, "an Amlogic S905 has its UARTs there"},
    {0xfe650000, 0xfe6dffff, UART, "a Rockchip RK3568 has its UARTs there"},
    {0xfeb40000, 0xfebcffff, UART, "a Rockchip RK3588 has its UARTs there"},
    {0xfe000000, 0xfeffffff, UART, "a Raspberry Pi 4 has its devices there"},
    {0xff000000, 0xff01ffff, UART, "a Zynq UltraScale+ has its UARTs there"},
    {0xff130000, 0xff1bffff, UART, "a Rockchip RK3328 or RK3399 has its UARTs there"},
    {0xfffff000, 0x100000fff, WITH_ANY,
     "near 0xffffffff: -1 in 32 bits, and what a configuration read gives where no PCI function "
     "is"},
};

/* What this board has below its RAM, for programs that forget to map it. */
static const struct {
    uint64_t base, end;
    const char *text;
} own[] = {
    {0x08000000, 0x0800ffff, "the GIC's distributor"},
    {0x08010000, 0x0801ffff, "a GICv2's CPU interface"},
    {0x08080000, 0x0809ffff, "the GIC's ITS"},
    {0x080a0000, 0x08ffffff, "the GIC's redistributors"},
    {0x09000000, 0x09000fff, "the UART, a PL011,"},
    {0x09010000, 0x09010fff, "the RTC"},
    {0x09020000, 0x09020fff, "fw_cfg"},
    {0x09030000, 0x09030fff, "the GPIO"},
    {0x0a000000, 0x0a003fff, "the virtio-mmio devices"},
    {0x10000000, 0x3fffffff, "PCI Express"},
};

bool death_add_uart_flags(uint64_t pa, uint64_t value, GString *out)
{
    enum { FR = 0x09000018, TXFF = ARM_BIT(5), RXFE = ARM_BIT(4) };

    if (pa != FR || (value & (TXFF | RXFE)) != RXFE)
        return false;
    g_string_append(out, "that is UARTFR: RXFE (bit 4) is 1, no character has come; TXFF (bit 5) "
                         "is 0, one may be sent");
    return true;
}

bool death_add_own_board(uint64_t pa, GString *out)
{
    for (size_t k = 0; k < G_N_ELEMENTS(own); k++)
        if (pa >= own[k].base && pa <= own[k].end) {
            g_string_append_printf(
                out, "this board has %s at PA %#" PRIx64 ": devices have to be mapped too",
                own[k].text, pa);
            return true;
        }
    return false;
}

bool death_add_other_board(const struct corpse *c, uint64_t pa, GString *out)
{
    enum place_when gic = c->config->gic.version == 2 ? WITH_GICV2 : WITH_GICV3;

    for (size_t k = 0; k < G_N_ELEMENTS(places); k++)
        if (pa >= places[k].base && pa <= places[k].end &&
            (places[k].when == UART || places[k].when == WITH_ANY || places[k].when == gic)) {
            g_string_append_printf(
                out, "%s%s", places[k].text,
                places[k].when == UART ? "; this board has its UART, a PL011, at 0x9000000" : "");
            return true;
        }
    return false;
}
