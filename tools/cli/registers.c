#include "registers.h"

#include <glib.h>
#include <inttypes.h>

#include "armillary.h"

#define HCR_TGE ARM_BIT(27)

static const char *const states[] = {
    [ARM_CPU_RUNNING] = "running", [ARM_CPU_WFI] = "in WFI",          [ARM_CPU_WFE] = "in WFE",
    [ARM_CPU_OFF] = "off",         [ARM_CPU_SUSPENDED] = "suspended", [ARM_CPU_HALTED] = "halted",
};

/* 0 if it has none of that name: EL2's, without EL2. */
static uint64_t value(struct arm_machine *m, unsigned cpu, const char *name)
{
    uint64_t v = 0;

    arm_reg_read(m, cpu, name, &v);
    return v;
}

static unsigned current_el(struct arm_machine *m, unsigned cpu)
{
    return (unsigned)(value(m, cpu, "pstate") >> 2) & 3;
}

static void add_pstate(GString *out, uint64_t spsr)
{
    char text[256];

    arm_text_pstate(spsr, text, sizeof(text));
    g_string_append(out, text);
}

void registers_add_brief(GString *out, struct arm_machine *m, unsigned cpu)
{
    g_string_append_printf(out, "cpu%u %s: EL%u, PC 0x%016" PRIx64 ", SP 0x%016" PRIx64 "\n", cpu,
                           states[arm_cpu_state(m, cpu)], current_el(m, cpu), value(m, cpu, "pc"),
                           value(m, cpu, "sp"));
}

void registers_add_general(GString *out, struct arm_machine *m, unsigned cpu)
{
    registers_add_brief(out, m, cpu);
    g_string_append(out, "  PSTATE ");
    add_pstate(out, value(m, cpu, "pstate"));
    g_string_append_c(out, '\n');
    for (unsigned r = 0; r < 31; r++) {
        uint64_t v[2] = {0};
        arm_reg_get(m, cpu, ARM_X(r), v);
        g_string_append_printf(out, "  X%02u %016" PRIx64 "%s", r, v[0],
                               r % 4 == 3 || r == 30 ? "\n" : "");
    }
}

/* The registers that belong to an exception taken to EL1, EL2 or EL3. */
struct exception_registers {
    const char *esr, *elr, *spsr, *far, *vbar;
};

/* Those of the level that the CPU is in, or that takes its exceptions. */
static const struct exception_registers *exception_registers(struct arm_machine *m, unsigned cpu)
{
    static const struct exception_registers of[] = {
        {"ESR_EL1", "ELR_EL1", "SPSR_EL1", "FAR_EL1", "VBAR_EL1"},
        {"ESR_EL2", "ELR_EL2", "SPSR_EL2", "FAR_EL2", "VBAR_EL2"},
        {"ESR_EL3", "ELR_EL3", "SPSR_EL3", "FAR_EL3", "VBAR_EL3"},
    };
    unsigned el = current_el(m, cpu);

    return &of[el >= 2 ? el - 1 : el == 0 && (value(m, cpu, "HCR_EL2") & HCR_TGE)];
}

static uint64_t add_register(GString *out, struct arm_machine *m, unsigned cpu, const char *name)
{
    uint64_t v = value(m, cpu, name);

    g_string_append_printf(out, "  %-8s %016" PRIx64, name, v);
    return v;
}

void registers_add_current(GString *out, struct arm_machine *m, unsigned cpu)
{
    const struct exception_registers *e = exception_registers(m, cpu);
    char text[256] = "none yet"; /* a syndrome has at least ESR_ELx.IL or a class */

    registers_add_general(out, m, cpu);
    uint64_t esr = add_register(out, m, cpu, e->esr);
    if (esr)
        arm_text_esr(esr, text, sizeof(text));
    g_string_append_printf(out, " (%s)\n", text);
    uint64_t spsr = add_register(out, m, cpu, e->spsr);
    g_string_append(out, " (");
    add_pstate(out, spsr);
    g_string_append(out, ")\n");
    add_register(out, m, cpu, e->elr);
    add_register(out, m, cpu, e->far);
    add_register(out, m, cpu, e->vbar);
    g_string_append_c(out, '\n');
}
