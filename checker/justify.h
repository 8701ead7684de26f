/*
 * What a world's general registers, return address and PSTATE may become between its exit and its
 * next entry: by the syndrome of the exit (D1.3; ESR_EL2's ISS encodings), by SMCCC and PSCI.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/esr.h"
#include "checker/finding.h"

/* A world as an exception to EL2 has left it. */
struct exit_state {
    bool valid;
    uint64_t x[31];
    uint64_t pc, pstate; /* ELR_EL2, SPSR_EL2 */
    uint64_t esr;
    uint64_t hcr;          /* HCR_EL2, with what hardware has cleared of it; and */
    uint64_t mdcr;         /* MDCR_EL2, with which it has run */
    uint64_t far, own_far; /* FAR_EL2, FAR_EL1 */
    uint64_t own_esr;      /* ESR_EL1 */
    uint16_t vector;       /* offset from VBAR_EL2: tells interrupts from the rest */
    uint32_t word;         /* the instruction at pc, if `word_known` */
    bool word_known;
    struct site at;
    uint64_t when;  /* CNTPCT_EL0 */
    uint64_t start; /* where the world began */
    bool reset;     /* EL2 has made it start anew, which it has not asked for */
};

/* What may differ. */
struct allowance {
    bool anything;  /* the world starts anew */
    uint32_t x;     /* BIT(n): Xn */
    bool skip;      /* pc may be behind the instruction */
    bool must_skip; /* and must: it would be executed twice */
    bool again;     /* pc may be before it: a call that is to be made again */
};

/* @host: a host that calls its own EL2. A call that is none of SMCCC (bit 31 of the function is
 * clear) is then a procedure call between two halves of one program: X0 to X17 are nobody's behind
 * it. */
struct allowance justify(const struct exit_state *s, bool host);

/* Was it a call of PSCI that does not return to where it was made, or need not? */
bool justify_starts_anew(const struct exit_state *s);

/* What a world that has left with @s is entered with, if it is that of a CPU that comes out of a
 * reset: EL1h, everything masked, X4 to X30 zero (@zero: BIT(n) for Xn), MMU and caches off; and
 * @pc where the world began, or at another place that is none of its vectors. */
bool justify_is_reset(const struct exit_state *s, uint64_t pc, uint64_t pstate, uint32_t zero,
                      uint64_t sctlr, uint64_t vbar);

/* Was @s's exit an exception of class @ec, and no interrupt? */
bool justify_left_by(const struct exit_state *s, enum esr_ec ec);

/* Was it an HVC or an SMC? */
bool justify_is_call(const struct exit_state *s);

/* Was @s's exit an access to a system register of the GIC's CPU interface, ICC_PMR_EL1 or another
 * ICC_ one, which traps? Not to one that only sends an interrupt. */
bool justify_is_gic_access(const struct exit_state *s);

/* Was @s's exit a write to, or a read of, the system register of @number, which traps? */
bool justify_is_write_of(const struct exit_state *s, uint32_t number);
bool justify_is_read_of(const struct exit_state *s, uint32_t number);

/* Is @pc a vector that an exception taken to EL1 from @s goes to? */
bool justify_is_vector(const struct exit_state *s, uint64_t vbar, uint64_t pc);

/* Is @pc any vector of EL1's? One that the exception does not go to is wrong, but it was meant. */
bool justify_is_in_vectors(uint64_t vbar, uint64_t pc);

/* Is (@pc, @pstate) what an exception taken to EL1 from @s sets, and @elr and @spsr what it saves?
 * AArch64.TakeException(). @vbar: VBAR_EL1. The return address may be that of @s or behind the
 * instruction. */
bool justify_is_injection(const struct exit_state *s, uint64_t vbar, uint64_t pc, uint64_t pstate,
                          uint64_t elr, uint64_t spsr);
