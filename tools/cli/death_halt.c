#include "death_halt.h"

#include "armillary.h"
#include "death_diagnose.h"
#include "runner.h"

#define B_SELF UINT32_C(0x14000000)
#define WFE    UINT32_C(0xd503205f)
#define WFI    UINT32_C(0xd503207f)

#define ROUND_INSNS 4
#define WAITS       2 /* instructions, at most, around which a CPU is parked */

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

bool death_find_branch(uint32_t word, int64_t *distance)
{
    unsigned bits = 0, low = 5;

    if ((word & 0xfc000000) == 0x14000000)
        bits = 26, low = 0;
    else if ((word & 0xff000010) == 0x54000000 || (word & 0x7e000000) == 0x34000000)
        bits = 19;
    else if ((word & 0x7e000000) == 0x36000000)
        bits = 14;
    if (!bits)
        return false;
    uint32_t field = word >> low & ((UINT32_C(1) << bits) - 1), sign = UINT32_C(1) << (bits - 1);
    *distance = ((int64_t)(field ^ sign) - sign) * 4;
    return true;
}

/* Does it only compare, or nothing at all? */
static bool changes_nothing(uint32_t word)
{
    struct arm_insn_use use;

    return arm_insn_uses(word, &use) && use.kind == ARM_INSN_COMPUTE && !use.writes &&
           !use.v_writes;
}

bool death_find_round(struct arm_machine *m, unsigned cpu, uint64_t *first, unsigned *insns)
{
    uint64_t pc = reg_of(m, cpu, "pc");
    unsigned el = (unsigned)(reg_of(m, cpu, "pstate") >> 2) & 3;
    uint32_t word, between;
    int64_t back;

    for (uint64_t end = pc; end < pc + 4 * ROUND_INSNS; end += 4) {
        if (!arm_virt_read(m, cpu, el, end, &word, 4))
            return false;
        if (!death_find_branch(word, &back)) {
            if (!changes_nothing(word))
                return false;
            continue;
        }
        *first = end + (uint64_t)back;
        *insns = (unsigned)(end - *first) / 4 + 1;
        bool nothing = *first <= pc && *insns <= ROUND_INSNS;
        for (uint64_t at = *first; nothing && at < end; at += 4)
            nothing = arm_virt_read(m, cpu, el, at, &between, 4) && changes_nothing(between);
        return nothing;
    }
    return false;
}

/* WFI, WFE or both, and a branch back to the first: 1: wfe; wfi; b 1b. */
static bool only_waits(struct arm_machine *m, unsigned cpu)
{
    uint64_t pc = reg_of(m, cpu, "pc");
    unsigned el = (unsigned)(reg_of(m, cpu, "pstate") >> 2) & 3, end = 0;
    uint32_t word = 0;
    int64_t back = 0;

    while (end <= WAITS && arm_virt_read(m, cpu, el, pc + 4 * end, &word, 4) &&
           (word == WFI || word == WFE))
        end++;
    if (!death_find_branch(word, &back) || back >= 0 || back < -4 * WAITS)
        return false;
    for (int64_t at = back; at < 0; at += 4)
        if (!arm_virt_read(m, cpu, el, pc + 4 * end + (uint64_t)at, &word, 4) ||
            (word != WFI && word != WFE))
            return false;
    return true;
}

bool death_is_parked(struct arm_machine *m, unsigned cpu)
{
    unsigned insns;
    uint64_t first;

    return death_find_round(m, cpu, &first, &insns) || only_waits(m, cpu);
}

bool death_faults_at_vector(struct arm_machine *m, unsigned cpu)
{
    unsigned el = (unsigned)(reg_of(m, cpu, "pstate") >> 2) & 3;
    const char *vbar = el == 1 ? "VBAR_EL1" : "VBAR_EL2", *elr = el == 1 ? "ELR_EL1" : "ELR_EL2",
               *esr = el == 1 ? "ESR_EL1" : "ESR_EL2";
    uint64_t pc = reg_of(m, cpu, "pc");
    unsigned ec = (unsigned)(reg_of(m, cpu, esr) >> 26) & 63;
    bool excepted = reg_of(m, cpu, esr) != 0; /* not as reset leaves all of them: ESR.IL is 1 */

    return excepted && (el == 1 || el == 2) &&
           pc - (reg_of(m, cpu, vbar) & ~UINT64_C(0x7ff)) < 0x800 && reg_of(m, cpu, elr) == pc &&
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
