#include "death_halt.h"

#include "armillary.h"
#include "death_diagnose.h"
#include "runner.h"

#define B_SELF UINT32_C(0x14000000)
#define B_BACK UINT32_C(0x17ffffff) /* to the instruction before */
#define WFE    UINT32_C(0xd503205f)
#define WFI    UINT32_C(0xd503207f)

#define PSTATE_IF UINT64_C(0xc0)
#define HCR_TAKES (ARM_BIT(27) | ARM_BIT(5) | ARM_BIT(4) | ARM_BIT(3)) /* TGE, AMO, IMO, FMO */
#define SCR_TAKES (ARM_BIT(2) | ARM_BIT(1))                            /* FIQ, IRQ */

static uint64_t reg_of(struct arm_machine *m, unsigned cpu, const char *name)
{
    uint64_t value = 0;

    arm_reg_read(m, cpu, name, &value);
    return value;
}

bool death_stands(struct arm_machine *m, unsigned cpu)
{
    uint64_t pstate = reg_of(m, cpu, "pstate");
    unsigned el = (unsigned)(pstate >> 2) & 3;
    uint32_t word = 0;

    return (pstate & PSTATE_IF) == PSTATE_IF &&
           arm_virt_read(m, cpu, el, reg_of(m, cpu, "pc"), &word, 4) && word == B_SELF &&
           (el >= 2 || !(reg_of(m, cpu, "HCR_EL2") & HCR_TAKES)) &&
           (el == 3 || !(reg_of(m, cpu, "SCR_EL3") & SCR_TAKES));
}

bool death_is_parked(struct arm_machine *m, unsigned cpu)
{
    uint64_t pc = reg_of(m, cpu, "pc"), pstate = reg_of(m, cpu, "pstate");
    uint32_t words[3] = {0, 0, 0}; /* before, at, behind the PC */

    for (unsigned k = 0; k < 3; k++)
        arm_virt_read(m, cpu, (unsigned)(pstate >> 2) & 3, pc + 4 * k - 4, &words[k], 4);
    bool waits = words[1] == WFI || words[1] == WFE;
    return words[1] == B_SELF || (waits && words[2] == B_BACK) ||
           (words[1] == B_BACK && (words[0] == WFI || words[0] == WFE));
}

bool death_faults_at_vector(struct arm_machine *m, unsigned cpu)
{
    unsigned el = (unsigned)(reg_of(m, cpu, "pstate") >> 2) & 3;
    const char *vbar = el == 1 ? "VBAR_EL1" : "VBAR_EL2", *elr = el == 1 ? "ELR_EL1" : "ELR_EL2",
               *esr = el == 1 ? "ESR_EL1" : "ESR_EL2";
    uint64_t pc = reg_of(m, cpu, "pc");
    unsigned ec = (unsigned)(reg_of(m, cpu, esr) >> 26) & 63;

    return (el == 1 || el == 2) && pc - (reg_of(m, cpu, vbar) & ~UINT64_C(0x7ff)) < 0x800 &&
           reg_of(m, cpu, elr) == pc &&
           (ec == ESR_EC_UNKNOWN || ec == ESR_EC_IABT_CUR || ec == ESR_EC_DABT_CUR);
}

/* For a call or an interrupt that nothing handles. */
static bool stops_at_vector(const struct corpse *c)
{
    struct verdict v = {g_string_new(NULL), g_string_new(NULL), g_string_new(NULL)};
    bool stops = death_explain_vector(c, &v);

    g_string_free(v.cause, TRUE);
    g_string_free(v.evidence, TRUE);
    g_string_free(v.next, TRUE);
    return stops;
}

bool death_halts_for_fault(struct arm_machine *m, const struct run_request *req, unsigned cpu,
                           bool alone)
{
    struct corpse c = {.m = m, .config = &req->config, .kind = DEATH_SPIN, .cpu = cpu};

    c.history = alone ? death_history_new(m, req, false) : NULL;
    death_find_fault(&c);
    death_history_free(c.history);
    return (c.fault.valid && death_is_error(&c.fault)) || stops_at_vector(&c);
}
