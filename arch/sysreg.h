/* Every system register and SYS instruction: one enumerator and one row each (arch/sysreg.def). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/features.h"
#include "arch/pmu_events.h"
#include "base/bits.h"

enum sysreg {
#define SYSREG(name, ...) SR_##name,
#include "arch/sysreg.def"
#undef SYSREG
    SR_COUNT,
    SR_NONE = SR_COUNT
};

/* Bits 20..5 of MSR, MRS, SYS and SYSL. */
#define SYSREG_ENC(op0, op1, crn, crm, op2)                                                        \
    ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

/*
 * Fields (arch/sysreg_fields.def). HCR_EL2_TGE(v) is the field's value in v; HCR_EL2_TGE_HI and _LO
 * are bit numbers, FIELD_MASK(HCR_EL2_TGE) its bits.
 */
enum {
#define FIELD(reg, field, hi, lo, ...) reg##_##field##_HI = (hi), reg##_##field##_LO = (lo),
#include "arch/sysreg_fields.def"
#undef FIELD
};
#define FIELD_MASK(f) MASK(f##_HI, f##_LO)

#define FIELD(reg, field, hi, lo, ...)                                                             \
    static inline uint64_t reg##_##field(uint64_t v)                                               \
    {                                                                                              \
        return bits(v, hi, lo);                                                                    \
    }
#include "arch/sysreg_fields.def"
#undef FIELD

struct sysreg_field {
    uint16_t sr; /* enum sysreg */
    uint8_t hi, lo;
    uint8_t feature; /* writable with it */
    bool res1;       /* what it is without: all ones, else zero */
    char name[24];   /* "" ends the list */
};

extern const struct sysreg_field sysreg_fields[];

/* Where the value of a register is, and nowhere else. */
enum sysreg_home {
    HOME_NONE,     /* nowhere: an operation, another name, write-only, or a read takes it away */
    HOME_STORAGE,  /* cpu->sr[] */
    HOME_CONSTANT, /* likewise, set at reset: what identifies the CPU */
    HOME_PSTATE,   /* fields of struct cpu: PSTATE, stack pointers, FPCR and FPSR */
    HOME_GIC,
    HOME_TIMER,    /* cpu->sr[] of the timer's registers, and the counter */
    HOME_PMU,      /* cpu->sr[] of the counters, and what has retired since they were written */
    HOME_DEBUG,    /* cpu->sr[] of the debug registers */
    HOME_COMPUTED, /* other registers and inputs */
};

/*
 * Accessor functions in cpu/, by name: sr_read_<name>(), sr_write_<name>(), sr_take_<name>(),
 * sr_op_<name>(). A reader says what home it reads. sr_poke_<name>() takes the place of the writer
 * for who sets the value whatever a write by software would do (bits that set or clear others).
 */
/* clang-format off */
#define SYSREG_READERS(X)                                                                          \
    X(MIDR, CONSTANT) X(MPIDR, CONSTANT) X(DCZID, CONSTANT) X(L2CTLR, STORAGE) X(DISR, STORAGE)    \
    X(SP, PSTATE) X(SPSel, PSTATE) X(CurrentEL, PSTATE) X(PSTATE, PSTATE) X(NZCV, PSTATE)          \
    X(DAIF, PSTATE) X(FPCR, PSTATE) X(FPSR, PSTATE) X(ISR, COMPUTED) X(CCSIDR, COMPUTED)           \
    X(DEBUG, DEBUG) X(PMU, PMU) X(CNT_COUNT, TIMER) X(CNT_CTL, TIMER) X(CNT_CVAL, TIMER)           \
    X(CNT_TVAL, TIMER)
#define SYSREG_WRITERS(X)                                                                          \
    X(SP) X(SPSel) X(PSTATE) X(NZCV) X(DAIF) X(FPCR) X(FPSR) X(DISR) X(DEBUG) X(PMU) X(CNT_CTL)    \
    X(CNT_CVAL) X(CNT_TVAL) X(CNT_STREAM) X(SCR)
#define SYSREG_POKERS(X) X(DISR) X(DEBUG) X(PMU)
#define SYSREG_TAKERS(X) X(RNG) X(DTR) X(GIC)
#define SYSREG_OPS(X) X(TLBI) X(AT) X(IC) X(DC) X(DC_ZVA) X(NOP)
/* clang-format on */

enum {
    SYSREG_RD_NONE,
#define X(name, home) SYSREG_RD_##name,
    SYSREG_READERS(X)
#undef X
};
enum {
    SYSREG_WR_NONE,
#define X(name) SYSREG_WR_##name,
    SYSREG_WRITERS(X)
#undef X
};
enum {
    SYSREG_TAKE_NONE,
#define X(name) SYSREG_TAKE_##name,
    SYSREG_TAKERS(X)
#undef X
};
enum {
    SYSREG_OP_NONE,
#define X(name) SYSREG_OP_##name,
    SYSREG_OPS(X)
#undef X
};

/* When a register exists or can be accessed, beyond its feature. */
enum sysreg_only {
    ONLY_ALWAYS,
    ONLY_GIC,            /* there is a GIC CPU interface */
    ONLY_BREAKPOINT,     /* as many as ID_AA64DFR0_EL1.BRPs says */
    ONLY_WATCHPOINT,     /* likewise WRPs */
    ONLY_HIGHEST,        /* its EL is the highest */
    ONLY_HIGHEST_WRITES, /* written by the highest EL only */
    ONLY_SECURE,         /* in Secure state */
    ONLY_SP_ELX,         /* with PSTATE.SP == 1: otherwise it is the current stack pointer */
};

/* Classes of GIC registers; see gic_is_virtual() in cpu/sysreg_value.c. */
enum {
    SYSREG_GIC_NONE,
    SYSREG_GIC_COMMON, /* ICV_ at EL1 with HCR_EL2.IMO or FMO */
    SYSREG_GIC_GROUP0, /* with FMO */
    SYSREG_GIC_GROUP1, /* with IMO */
    SYSREG_GIC_SGI,    /* never; trapped instead */
    SYSREG_GIC_SRE,    /* ICC_SRE_EL1: one for both interfaces */
    SYSREG_GIC_HYP,    /* ICH_, and ICC_ of EL3 */
};

/* What a row lets software do. */
#define SR_READ  1
#define SR_WRITE 2
#define SR_OP    4 /* a SYS instruction: executed, neither read nor written */

/* What else a write changes. */
#define SR_FX_REGIME 1  /* translation: cpu_context_changed() */
#define SR_FX_FP     2  /* whether FP instructions trap: likewise */
#define SR_FX_TIMER  4  /* cpu_timers_changed() */
#define SR_FX_IRQ    8  /* which interrupts are taken */
#define SR_FX_DEBUG  16 /* breakpoints, watchpoints, stepping */
#define SR_FX_PMU    32 /* counters and their overflow interrupt */
/* REGIME and FP of EL1: they mean nothing at EL2, and on the way back all is looked at anew. */
#define SR_FX_BELOW_EL2 64

/* Register pairs of fine-grained traps. */
enum { FGT_NONE, FGT_HFG, FGT_HDFG, FGT_HFGI };

struct sysreg_fgt {
    uint8_t set; /* FGT_xxx */
    uint8_t bit;
};

/* The registers of a pair, SR_NONE for FGT_NONE: whose bit traps reads, and whose writes. */
extern const uint16_t sysreg_fgt_read[], sysreg_fgt_write[];

#define SYSREG_TRAPS 2 /* groups a row can name */

struct sysreg_row {
    char name[24];  /* a pointer would be relocated when a program starts */
    uint16_t enc;   /* SYSREG_ENC() */
    uint8_t access; /* SR_READ, SR_WRITE, SR_OP */
    uint8_t rd, wr, take, op, gic;
    uint8_t only;               /* enum sysreg_only */
    uint8_t trap[SYSREG_TRAPS]; /* enum trap_group */
    struct sysreg_fgt fgt;
    uint8_t fx;
    uint8_t n;
    uint8_t event; /* enum pmu_event of a write by this name, 0: none */
    bool fp, host_el0, hpmn, kept;
    uint8_t feature;     /* enum feature */
    uint16_t e2h, alias; /* enum sysreg, 0: none (row 0 is nobody's target) */
    uint64_t res0, reset;
};

extern const struct sysreg_row sysreg_rows[SR_COUNT];

/* By SYSREG_ENC(): 1 + enum sysreg, 0 where there is no row. */
extern const uint16_t sysreg_by_enc[1 << 16];

static inline enum sysreg sysreg_lookup(uint16_t enc)
{
    return sysreg_by_enc[enc] ? (enum sysreg)(sysreg_by_enc[enc] - 1) : SR_NONE;
}

/* As the library's users know @sr: its encoding. */
static inline uint16_t sysreg_number(enum sysreg sr)
{
    return sysreg_rows[sr].enc;
}

/* The lowest EL that can use an encoding, from op1 (DDI0487 D23.1.1). 7: Secure state only. */
static inline unsigned sysreg_min_el(uint16_t enc)
{
    switch ((enc >> 11) & 7) {
    case 0:
    case 1:
    case 2:
        return 1;
    case 3:
        return 0;
    case 4:
    case 5:
        return 2;
    case 7:
        return 1;
    default:
        return 3;
    }
}

/* Identification encodings without a register: they read as zero and
 * obey HCR_EL2.TID3 (D23.3.1). */
static inline bool sysreg_is_reserved_id(uint16_t enc)
{
    return enc >= SYSREG_ENC(3, 0, 0, 1, 0) && enc <= SYSREG_ENC(3, 0, 0, 7, 7);
}

/* Where the value of @sr is. */
enum sysreg_home sysreg_home(enum sysreg sr);
const char *sysreg_home_name(enum sysreg_home home);

/* Is it cpu->sr[@sr]? (Of the stack pointers, the ones not in use are there too.) */
bool sysreg_is_stored(enum sysreg sr);

/* By name, any case, e.g. "hcr_el2"; SR_NONE if there is none. */
enum sysreg sysreg_by_name(const char *name);

/* The bits of all registers that can be written on a CPU with @f: those outside mask[] read as
 * res1[]. */
void sysreg_write_masks(const struct features *f, uint64_t mask[SR_COUNT], uint64_t res1[SR_COUNT]);

/*
 * Trap groups (arch/traps.def): rules in order, the first that holds traps. Where it goes follows
 * from the control register: one of EL2 traps to EL2, one of EL1 to EL1, or EL2 if HCR_EL2.TGE.
 */
enum trap_group {
    TRAP_NONE,
#define TRAP_GROUP(name, text, ...) TRAP_##name,
#include "arch/traps.def"
#undef TRAP_GROUP
    TRAP_GROUP_COUNT
};

/* When a rule is looked at. "Host EL0" is EL0 with HCR_EL2.{E2H,TGE} == {1,1}. */
enum trap_when {
    WHEN_ANY,
    WHEN_GUEST,         /* not in host EL0 */
    WHEN_HOST,          /* only in host EL0 */
    WHEN_E2H0,          /* HCR_EL2.E2H == 0 */
    WHEN_E2H1,          /* HCR_EL2.{E2H,TGE} == {1,0} */
    WHEN_NEVER_ALLOWED, /* no control: UNDEFINED */
};

struct trap_rule {
    uint16_t control; /* enum sysreg; SR_NONE with WHEN_NEVER_ALLOWED */
    uint8_t access;   /* SR_READ, SR_WRITE */
    uint8_t els;      /* BIT(0) to BIT(2) */
    uint8_t when;     /* enum trap_when */
    bool on;          /* traps while a bit of mask is set; else while all are clear */
    uint64_t mask;    /* 0 ends the list */
};

#define TRAP_RULES_MAX 5

struct trap_group_row {
    const char *name, *text;
    struct trap_rule rules[TRAP_RULES_MAX];
};

extern const struct trap_group_row trap_groups[TRAP_GROUP_COUNT];
