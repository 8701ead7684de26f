/* Packets about registers. */
#include <string.h>

#include "arch/sysreg.h"
#include "gdb/state.h"

/* As the library knows @number; ARM_NO_REGISTER: there is none. */
static uint32_t number_of(const struct gdb_server *s, unsigned number)
{
    static const uint32_t others[] = {[GDB_REG_SP] = ARM_SP,
                                      [GDB_REG_PC] = ARM_PC,
                                      [GDB_REG_CPSR] = ARM_PSTATE,
                                      [GDB_REG_FPSR] = ARM_SYSREG(3, 3, 4, 4, 1),
                                      [GDB_REG_FPCR] = ARM_SYSREG(3, 3, 4, 4, 0)};

    if (number < GDB_REG_SP)
        return ARM_X(number);
    if (number >= GDB_REG_V0 && number < GDB_REG_FPSR)
        return ARM_V(number - GDB_REG_V0);
    if (number <= GDB_REG_FPCR)
        return others[number];
    if (number >= GDB_REG_SYSTEM && number - GDB_REG_SYSTEM < s->system->len)
        return g_array_index(s->system, struct arm_register, number - GDB_REG_SYSTEM).number;
    return ARM_NO_REGISTER;
}

unsigned gdb_address_bits(const struct gdb_server *s, unsigned cpu, bool upper)
{
    struct arm_machine *m = gdb_machine(s);
    uint64_t pstate[2] = {0}, hcr[2] = {0}, tcr[2] = {0};

    arm_reg_get(m, cpu, ARM_PSTATE, pstate);
    arm_reg_get(m, cpu, ARM_SYSREG(3, 4, 1, 1, 0), hcr); /* HCR_EL2; none: 0 */
    unsigned el = (unsigned)(pstate[0] >> 2 & 3);
    bool vhe = HCR_EL2_E2H(hcr[0]);
    if (el == 3)
        arm_reg_get(m, cpu, ARM_SYSREG(3, 6, 2, 0, 2), tcr); /* TCR_EL3 */
    else if (el == 2 || (el == 0 && vhe && HCR_EL2_TGE(hcr[0])))
        arm_reg_get(m, cpu, ARM_SYSREG(3, 4, 2, 0, 2), tcr); /* TCR_EL2 */
    else
        arm_reg_get(m, cpu, ARM_SYSREG(3, 0, 2, 0, 2), tcr); /* TCR_EL1 */
    bool two = el < 2 || (el == 2 && vhe);
    unsigned size = (unsigned)(upper && two ? TCR_EL1_T1SZ(tcr[0]) : TCR_EL1_T0SZ(tcr[0]));
    return size < 12 || size > 48 ? 48 : 64 - size; /* of what cannot be, as long as it is off */
}

/* One of those that say where a pointer has its PAC. */
static bool is_mask(unsigned number)
{
    return number >= GDB_REG_MASKS && number < GDB_REG_SYSTEM;
}

static uint64_t mask_of(const struct gdb_server *s, unsigned cpu, unsigned number)
{
    return ~UINT64_C(0) << gdb_address_bits(s, cpu, number - GDB_REG_MASKS > 1);
}

static unsigned register_bytes(const struct gdb_server *s, unsigned number)
{
    (void)s;
    if (number == GDB_REG_CPSR || number == GDB_REG_FPSR || number == GDB_REG_FPCR)
        return 4;
    return number >= GDB_REG_V0 && number < GDB_REG_FPSR ? 16 : 8;
}

bool gdb_append_register(struct gdb_server *s, unsigned cpu, unsigned number, GString *out)
{
    uint32_t own = number_of(s, number);
    unsigned bytes = register_bytes(s, number);
    uint64_t value[2] = {0, 0};
    uint8_t raw[16];

    if (is_mask(number))
        value[0] = mask_of(s, cpu, number);
    else if (own == ARM_NO_REGISTER)
        return false;
    else if (!arm_reg_get(gdb_machine(s), cpu, own, value)) {
        for (unsigned k = 0; k < bytes; k++)
            g_string_append(out, "xx");
        return true;
    }
    for (unsigned k = 0; k < bytes; k++)
        raw[k] = (uint8_t)(value[k / 8] >> k % 8 * 8);
    gdb_append_hex(out, raw, bytes);
    return true;
}

/* False: it cannot be written. */
static bool set_register(struct gdb_server *s, unsigned number, const uint8_t *raw)
{
    unsigned bytes = register_bytes(s, number);
    uint64_t value[2] = {0, 0}, before[2] = {0, 0};

    for (unsigned k = 0; k < bytes; k++)
        value[k / 8] |= (uint64_t)raw[k] << k % 8 * 8;
    if (is_mask(number)) /* a client may put back what it has read */
        return value[0] == mask_of(s, s->cpu, number);
    if (number == GDB_REG_CPSR) { /* PSTATE has more than gdb's 32 bits */
        arm_reg_get(gdb_machine(s), s->cpu, ARM_PSTATE, before);
        value[0] |= before[0] & ~(uint64_t)UINT32_MAX;
    }
    return arm_reg_set(gdb_machine(s), s->cpu, number_of(s, number), value);
}

bool gdb_do_registers(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)rest, (void)size;
    for (unsigned k = 0; k <= GDB_REG_FPCR; k++)
        gdb_append_register(s, s->cpu, k, reply);
    return true;
}

bool gdb_do_set_registers(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    g_autoptr(GByteArray) raw = g_byte_array_new();
    size_t at = 0;

    if (!gdb_hex_bytes(rest, size, raw)) {
        g_string_assign(reply, "E16");
        return true;
    }
    if (!gdb_may_change(s, reply))
        return true;
    for (unsigned k = 0; k <= GDB_REG_FPCR; k++) {
        unsigned bytes = register_bytes(s, k);
        if (at + bytes > raw->len)
            break;
        set_register(s, k, raw->data + at);
        at += bytes;
    }
    g_string_assign(reply, "OK");
    return true;
}

bool gdb_do_register(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    uint64_t number;

    (void)size;
    if (!gdb_take_hex(&rest, &number) || number > UINT16_MAX ||
        !gdb_append_register(s, s->cpu, (unsigned)number, reply))
        g_string_assign(reply, "E16");
    return true;
}

bool gdb_do_set_register(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    g_autoptr(GByteArray) raw = g_byte_array_new();
    const char *start = rest;
    uint64_t number;

    if (!gdb_take_hex(&rest, &number) || *rest++ != '=' || number > UINT16_MAX ||
        (number_of(s, (unsigned)number) == ARM_NO_REGISTER && !is_mask((unsigned)number)) ||
        !gdb_hex_bytes(rest, size - (size_t)(rest - start), raw) ||
        raw->len != register_bytes(s, (unsigned)number)) {
        g_string_assign(reply, "E16");
        return true;
    }
    if (!gdb_may_change(s, reply))
        return true;
    bool good = set_register(s, (unsigned)number, raw->data);
    g_string_assign(reply, good ? "OK" : "E.the register is read-only");
    return true;
}
