/* What the templates of data processing share. */
#pragma once

#include "cpu/jit/template.h"
#include "cpu/jit/translate.h"

/* The second operand: a register of the host, one of the guest that is in the CPU, or a constant.
 */
struct jit_operand {
    bool is_imm, is_in_cpu;
    bool plain; /* Rm as it is */
    int32_t imm;
    enum x86_reg r;
    unsigned g;
};

/* A constant; RCX holds it if no instruction can. */
struct jit_operand jit_constant(struct tr *t, uint64_t v, bool w);

/* ShiftReg() and ExtendReg() of Rm, in RCX if they do something. EFLAGS go then. */
struct jit_operand jit_shifted(struct tr *t, const struct insn *i);
struct jit_operand jit_extended(struct tr *t, const struct insn *i);

/* Rm as it is. */
struct jit_operand jit_register(struct tr *t, const struct insn *i);

/* Where the host has @b, which is no constant: RCX, if it has to be loaded. EFLAGS stay. */
enum x86_reg jit_loaded(struct tr *t, struct jit_operand b);

/* @d op= @b. */
void jit_apply(struct tr *t, enum x86_alu op, bool w, enum x86_reg d, struct jit_operand b);

/* Rd = Rn op @b; EFLAGS say of it what x86 does. */
void jit_alu(struct tr *t, enum x86_alu op, const struct insn *i, struct jit_operand b);

/* The same, and NZCV are there from now on. */
void jit_alu_flags(struct tr *t, enum x86_alu op, const struct insn *i, struct jit_operand b);

/* How NZCV of Rd = Rn @op @b can be made once more behind it. */
struct jit_again jit_again_of(enum x86_alu op, const struct insn *i, struct jit_operand b);

/* Will anybody read the flags that instruction @k writes? */
static inline bool jit_wants_flags(const struct tr *t, unsigned k)
{
    return t->live[k + 1];
}
