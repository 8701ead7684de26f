/*
 * MRS, MSR and SYS: from an encoding to its row, the checks, and the access. Contract of accessors:
 * they check nothing and log nothing; reading has no side effect but where the row says .read_acts
 * (ICC_IAR1_EL1). Storage of rows without accessors is cpu->sr[].
 */
#pragma once

#include "cpu/cpu.h"

/* Prototypes of all accessors that rows name. */
#define X(name) uint64_t sr_read_##name(struct cpu *cpu, enum sysreg sr);
SYSREG_READERS(X)
#undef X
#define X(name) void sr_write_##name(struct cpu *cpu, enum sysreg sr, uint64_t value);
SYSREG_WRITERS(X)
#undef X
#define X(name)                                                                                    \
    enum exec_result sr_op_##name(struct cpu *cpu, const struct insn *i, enum sysreg sr,           \
                                  uint64_t value);
SYSREG_OPS(X)
#undef X

/*
 * Most accesses need no check at all, whatever the control registers hold. Which ones is decided
 * once for each of these modes: the EL, EL2 with HCR_EL2.E2H apart, and EL1 or EL2 on SP_EL0, where
 * SP_EL0 is not accessible, which is too rare to be quick.
 */
enum sr_mode { SR_MODE_EL0, SR_MODE_EL1, SR_MODE_EL2, SR_MODE_EL2_E2H, SR_MODE_SP0, SR_MODES };

/* Bits of cpu->sr_quick[]: plain, a load or store of sr_quick_target() does it; free, no check. */
#define SR_PLAIN_READ(mode)  (UINT32_C(1) << (mode))
#define SR_PLAIN_WRITE(mode) (UINT32_C(1) << (SR_MODES + (mode)))
#define SR_FREE_READ(mode)   (UINT32_C(1) << (2 * SR_MODES + (mode)))
#define SR_FREE_WRITE(mode)  (UINT32_C(1) << (3 * SR_MODES + (mode)))
#define SR_TRAP_CONTROL      (UINT32_C(1) << 31) /* writes change what traps from EL1 */

static inline enum sr_mode sr_mode(const struct cpu *cpu)
{
    static const uint8_t modes[3][2] = {
        {SR_MODE_EL0, SR_MODE_EL0}, {SR_MODE_SP0, SR_MODE_EL1}, {SR_MODE_SP0, SR_MODE_EL2}};
    unsigned mode = modes[cpu->ps.el][cpu->ps.sp];

    /* HCR_EL2 is zero without EL2. */
    return mode == SR_MODE_EL2 && HCR_EL2_E2H(cpu->sr[SR_HCR_EL2]) ? SR_MODE_EL2_E2H
                                                                   : (enum sr_mode)mode;
}

/* The register that a name means in @mode, for accesses that are plain or free. */
static inline enum sysreg sr_quick_target(enum sysreg sr, enum sr_mode mode)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    if (likely(mode != SR_MODE_EL2_E2H))
        return sr;
    return row->alias ? (enum sysreg)row->alias : row->e2h ? (enum sysreg)row->e2h : sr;
}

/* Masks and quick bits from cpu->features; ID registers from cpu->model. Call when those are set.
 */
void cpu_sysreg_init(struct cpu *cpu);

/* Storage to its reset values; ID registers too. */
void cpu_sysreg_reset(struct cpu *cpu);

/* MRS, MSR (register), SYS with all checks. @i->imm is the instruction word. */
enum exec_result cpu_mrs(struct cpu *cpu, const struct insn *i);
enum exec_result cpu_msr(struct cpu *cpu, const struct insn *i);
enum exec_result cpu_sys(struct cpu *cpu, const struct insn *i);

/* The value without any check or redirection, through the accessor (debugger, monitor, tests). */
uint64_t cpu_sysreg_get(struct cpu *cpu, enum sysreg sr);
/* The value that the register @sr, or the one that it is another name of, has on this CPU, with no
 * effect and whatever the current EL. False: there is none: an operation, a register that is not
 * implemented, cannot be read, or changes something when it is. */
bool cpu_sysreg_peek(struct cpu *cpu, enum sysreg sr, uint64_t *value);
/* The same for writing: masks and effects included. */
enum exec_result cpu_sysreg_set(struct cpu *cpu, enum sysreg sr, uint64_t value);

/* What a write to a register with effects @fx (SR_FX_xxx) entails. Return: EXEC_NEXT or EXEC_SYNC.
 */
enum exec_result cpu_sysreg_effects(struct cpu *cpu, unsigned fx);
