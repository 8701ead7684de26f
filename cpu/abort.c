#include "cpu/abort.h"

#include "arch/esr.h"
#include "cpu/access.h"
#include "cpu/world.h"
#include "mmu/regime_bits.h"

/* ISS of Data Aborts (DDI0487, ESR_EL2). */
#define ISS_WNR     BIT(6)
#define ISS_S1PTW   BIT(7)
#define ISS_CM      BIT(8)
#define ISS_AR      BIT(14)
#define ISS_SF      BIT(15)
#define ISS_SRT(r)  ((uint64_t)(r) << 16)
#define ISS_SSE     BIT(21)
#define ISS_SAS(l2) ((uint64_t)(l2) << 22)
#define ISS_ISV     BIT(24)

static bool is_external(const struct mmu_fault *f)
{
    return f->type == MMU_FAULT_EXTERNAL || f->type == MMU_FAULT_EXTERNAL_WALK;
}

/* Where AArch64.Abort() goes. */
static unsigned target_el(const struct cpu *cpu, const struct mmu_fault *f)
{
    uint64_t hcr = cpu_hcr(cpu);

    if (cpu->ps.el == 3 || (is_external(f) && SCR_EL3_EA(cpu_scr(cpu))))
        return 3;
    if (cpu->ps.el == 2 || f->stage2)
        return 2;
    if (is_external(f) && (hcr & HCR_TEA))
        return 2;
    return cpu_default_target_el(cpu);
}

/* LSInstructionSyndrome(): which register, and how. Only loads and stores of one general-purpose
 * register without writeback have it. */
static uint64_t syndrome(const struct insn *i, unsigned size, unsigned acc)
{
    if (acc & (ACC_FP | ACC_PAIR | ACC_WB | ACC_EXCL | ACC_ATOMIC | ACC_CMO | ACC_ZERO) || size > 8)
        return 0;
    return ISS_ISV | ISS_SAS(__builtin_ctz(size)) | (acc & ACC_SIGNED ? ISS_SSE : 0) |
           ISS_SRT(i->rd < 31 ? i->rd : 31) | (acc & ACC_64 ? ISS_SF : 0) |
           (acc & ACC_ORDERED ? ISS_AR : 0);
}

static struct exception abort_of(const struct cpu *cpu, const struct mmu_fault *f, uint64_t ret,
                                 uint64_t va, bool data, uint64_t iss)
{
    unsigned target = target_el(cpu, f);
    bool lower = target > cpu->ps.el;
    unsigned ec = data ? (lower ? ESR_EC_DABT_LOW : ESR_EC_DABT_CUR)
                       : (lower ? ESR_EC_IABT_LOW : ESR_EC_IABT_CUR);

    if (f->s1ptw)
        iss |= ISS_S1PTW;
    if (f->type == MMU_FAULT_EXTERNAL_WALK)
        LOG(cpu->log, CPU, GUEST,
            "cpu%u: %#llx: table walk for %#llx: the level %d table is not in RAM", cpu->index,
            (unsigned long long)ret, (unsigned long long)va, f->level);
    return (struct exception){
        .type = VECTOR_SYNC,
        .target_el = target,
        .ret = ret,
        .esr = esr(ec, iss | mmu_fault_fsc(f)),
        .far_valid = true,
        .far = va,
        .hpfar_valid = f->stage2,
        .hpfar = bits(f->ipa, 51, 12) << 4,
    };
}

struct exception cpu_data_abort(const struct cpu *cpu, const struct insn *i, uint64_t va,
                                unsigned size, unsigned acc, const struct mmu_fault *f)
{
    uint64_t iss = f->write ? ISS_WNR : 0;

    if (acc & ACC_CMO)
        iss = ISS_CM | ISS_WNR;
    if (f->stage2 && !f->s1ptw && !is_external(f))
        iss |= syndrome(i, size, acc);
    return abort_of(cpu, f, insn_pc(cpu, i), va, true, iss);
}

struct exception cpu_fetch_abort(const struct cpu *cpu, uint64_t pc, const struct mmu_fault *f)
{
    return abort_of(cpu, f, pc, pc, false, 0);
}
