#include "hyp/emulate.h"

#include "hyp/cpu.h"
#include "hyp/inject.h"
#include "hyp/lazy.h"
#include "hyp/lib.h"
#include "hyp/opts.h"
#include "hyp/vcpu.h"
#include "hyp/vtimer.h"

#define COMPLAINTS_MAX 16 /* a guest: more would only flood the console */

#define ENC(op0, op1, crn, crm, op2) SYSREG_ENC(op0, op1, crn, crm, op2)

/*
 * Fields of ID registers that a guest sees as zero, since what they announce is not switched: a row
 * each. Everything else it sees as it is.
 */
static const struct {
    uint16_t enc;
    uint8_t hi, lo;
    const char *what;
} hidden[] = {
    {ENC(3, 0, 0, 4, 0), 35, 32, "SVE"},
    {ENC(3, 0, 0, 4, 0), 43, 40, "MPAM"},
    {ENC(3, 0, 0, 4, 0), 47, 44, "AMU"},
    {ENC(3, 0, 0, 4, 0), 11, 8, "EL2"},
    {ENC(3, 0, 0, 4, 1), 11, 8, "MTE"},
    {ENC(3, 0, 0, 4, 1), 27, 24, "SME"},
    {ENC(3, 0, 0, 4, 1), 35, 32, "CSV2_2 by fraction"},
    {ENC(3, 0, 0, 4, 4), 63, 0, "ID_AA64ZFR0_EL1"},
    {ENC(3, 0, 0, 4, 5), 63, 0, "ID_AA64SMFR0_EL1"},
    {ENC(3, 0, 0, 5, 0), 35, 32, "statistical profiling"},
    {ENC(3, 0, 0, 5, 0), 7, 4, "trace"},
    {ENC(3, 0, 0, 5, 0), 43, 40, "trace filter"},
    {ENC(3, 0, 0, 5, 0), 47, 44, "trace buffer"},
    {ENC(3, 0, 0, 7, 1), 11, 8, "VHE"},
    {ENC(3, 0, 0, 7, 1), 19, 16, "LORegions"},
    {ENC(3, 0, 0, 7, 2), 27, 24, "nested virtualization"},
};

/* CSV2 says 2 with software context numbers, which trap: at most 1. GIC: a guest's GICv2 has no
 * system registers. */
static uint64_t guest_pfr0(uint64_t v)
{
    if (bits(v, 59, 56) > 1)
        v = set_bits(v, 59, 56, 1);
    return opts.gicv ? v & ~MASK(27, 24) : v;
}

/* The AArch32 ID registers are there for the encodings that the CPU has; those above it read as
 * zero. */
static uint64_t read_id(uint16_t enc)
{
    switch (enc) {
#define SYSREG(name, op0, op1, crn, crm, op2, access, ...)                                         \
    case ENC(op0, op1, crn, crm, op2):                                                             \
        if ((op0) == 3 && (op1) == 0 && (crn) == 0)                                                \
            return mrs(name);                                                                      \
        return 0;
#include "arch/sysreg.def"
#undef SYSREG
    default:
        return 0;
    }
}

static uint64_t guest_id(uint16_t enc)
{
    uint64_t v = read_id(enc);

    if (enc == ENC(3, 0, 0, 4, 0))
        v = guest_pfr0(v);
    for (unsigned k = 0; k < ARRAY_SIZE(hidden); k++)
        if (hidden[k].enc == enc)
            v &= ~MASK(hidden[k].hi, hidden[k].lo);
    return v;
}

/* Registers that a guest may use and that hold nothing: they read as zero and ignore writes. */
static bool is_raz_wi(uint16_t enc)
{
    unsigned op0 = (unsigned)bits(enc, 15, 14), op1 = (unsigned)bits(enc, 13, 11);
    unsigned crn = (unsigned)bits(enc, 10, 7), crm = (unsigned)bits(enc, 6, 3);

    if (enc == ENC(3, 0, 1, 0, 1)) /* ACTLR_EL1 */
        return true;
    if (op0 == 3 && op1 == 0 && crn == 5 &&
        (crm == 3 || crm == 4 || crm == 5)) /* error records: there are none */
        return true;
    return op0 == 2 &&
           crn == 1; /* OSLAR_EL1, OSDLR_EL1, DBGPRCR_EL1: no lock, no external debugger */
}

/* Cleaning by set and way means "all of my data": all of the guest's RAM, by address. */
static bool is_set_way(uint16_t enc)
{
    return enc == ENC(1, 0, 7, 6, 2) || enc == ENC(1, 0, 7, 10, 2) || enc == ENC(1, 0, 7, 14, 2);
}

static void clean_ram(struct vm *vm)
{
    uint64_t line = 4u << bits(mrs(CTR_EL0), 19, 16);

    for (uint64_t a = vm->ram_pa; a < vm->ram_pa + vm->ram_size; a += line)
        dc(civac, a);
    dsb(sy);
}

static bool emulate(struct vcpu *v, uint16_t enc, bool write, unsigned rt)
{
    if (sysreg_is_reserved_id(enc) && !write) {
        vcpu_set_x(v, rt, guest_id(enc));
        return true;
    }
    if (vgic_trap(v, enc, write, rt) || vtimer_trap(v, enc, write, rt))
        return true;
    if (is_set_way(enc)) {
        clean_ram(v->vm);
        return true;
    }
    if (enc == ENC(2, 0, 1, 1, 4) && !write) { /* OSLSR_EL1: implemented, not locked */
        vcpu_set_x(v, rt, BIT(3));
        return true;
    }
    if (is_raz_wi(enc)) {
        if (!write)
            vcpu_set_x(v, rt, 0);
        return true;
    }
    return false;
}

/* ISS of EC 0x18 (DDI0487, ESR_EL2): Op0 21..20, Op2 19..17, Op1 16..14, CRn 13..10, Rt 9..5,
 * CRm 4..1, read 0. */
void emulate_sysreg(struct vcpu *v)
{
    uint64_t e = v->esr;
    uint16_t enc = (uint16_t)ENC(bits(e, 21, 20), bits(e, 16, 14), bits(e, 13, 10), bits(e, 4, 1),
                                 bits(e, 19, 17));
    enum group group;

    STAT(SYSREG);
    if (emulate(v, enc, !bit(e, 0), (unsigned)bits(e, 9, 5))) {
        vcpu_skip(v);
    } else if ((group = lazy_group(enc)) != GROUP_NEVER) {
        lazy_load(v, group);
    } else {
        if (v->vm->complaints++ < COMPLAINTS_MAX)
            print("hyp: %s: S%lu_%lu_C%lu_C%lu_%lu at pc 0x%lx is not emulated\n", v->vm->name,
                  (unsigned long)bits(e, 21, 20), (unsigned long)bits(e, 16, 14),
                  (unsigned long)bits(e, 13, 10), (unsigned long)bits(e, 4, 1),
                  (unsigned long)bits(e, 19, 17), (unsigned long)v->regs.pc);
        inject_undefined(v);
    }
}
