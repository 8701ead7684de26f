/* The code memory, and the pieces of code in it that all blocks use. */
#pragma once

#include "cpu/jit/jit.h"

#define JIT_MEMORY_LOG2 26
#define JIT_MEMORY      (UINT64_C(1) << JIT_MEMORY_LOG2)
/* Branches at places with the same lowest 24 bits are one to the host's branch predictor: rare code
 * is half of that away from usual code. */
#define JIT_COLD (JIT_MEMORY / 2 + (UINT64_C(8) << 20))

/* A block has two entries: the function of its record, and this far behind it the place where other
 * blocks go on, with everything in host registers that blocks have there. */
#define JIT_INNER 16

/* What the entry of a block is: JIT_INNER bytes. */
struct x86_code;
void jit_emit_entry(const struct jit *jit, struct x86_code *c);

/* Map the memory and emit the pieces. False: the host does not let us. */
bool jit_make_pieces(struct jit *jit);

/* The same in place of memory that is shared with a parent process. */
bool jit_make_pieces_again(struct jit *jit);
void jit_unmap(struct jit *jit);

/* There is nothing but pieces. */
void jit_empty(struct jit *jit);

/* Before a block is made: have the host's pages for it. */
void jit_look_ahead(struct jit *jit);

/* cpu_fetch_fast() of RDI, and on if there is a block; else on behind this, RDI as it was. A
 * block's record is no BRK, and decoded: in a page that is not guarded BTYPE does not matter there.
 */
void jit_search(const struct jit *jit, struct x86_code *c);

/* The piece for @op, which leads to another EL or back. */
const uint8_t *jit_crossing(const struct jit *jit, enum a64_op op);

/* NZCV from JIT_FLAGS to the CPU, by way of @tmp; and back, by way of RCX. EFLAGS go. */
void jit_unpack_flags(struct x86_code *c, unsigned tmp);
void jit_pack_flags(struct x86_code *c);

/* ---- the functions of C that pieces call, in jit.c ---- */

struct jit_edge;

/* Instruction @i of @b, as many records behind @first as instructions behind the block's first one;
 * what ends a block counts first. Return: 0 to go on, or what jit_leave() is to be given. */
typedef unsigned jit_exec_fn(struct cpu *cpu, const struct insn *i, const struct jit_block *b,
                             const struct insn *first);
jit_exec_fn jit_exec, jit_exec_exact;
enum exec_result jit_leave(struct cpu *cpu, unsigned r);

/* Stop before @i. */
exec_fn jit_pause;

/* An edge is taken that leads to no block yet. */
enum exec_result jit_follow(struct cpu *cpu, struct jit_edge *e);

/* Go on at @va, in another page or unknown. @i: the indirect branch that leads there, or NULL. */
enum exec_result jit_arrive(struct cpu *cpu, const struct insn *i, uint64_t va);

/* Instruction @i ends a block: the plain loop executes it. It traps: there it ends. */
exec_fn jit_record, jit_trap;

/* NZCV, as bits 3 to 0, of JIT_FLAGS, and back. */
static inline unsigned jit_nzcv(uint64_t flags)
{
    return (unsigned)((flags >> 12 & 12) | (flags >> 7 & 2) | (flags & 1));
}

static inline uint64_t jit_flags_of(unsigned nzcv)
{
    return (nzcv & 12) << 12 | (nzcv & 2) << 7 | (nzcv & 1);
}

/* The code where the run goes on, of a block or a piece out of the code, which ends in jit_stop()
 * or jit_resume(); and JIT_FLAGS there. */
struct jit_way {
    const uint8_t *code;
    uint64_t flags;
};

/* Instruction @i, which leads to another EL or back, ends a block: by its row. */
typedef struct jit_way jit_cross_fn(struct cpu *cpu, const struct insn *i, uint64_t flags);
jit_cross_fn jit_cross, jit_cross_svc, jit_cross_hvc, jit_cross_eret;
enum exec_result jit_stop(struct cpu *cpu);
enum exec_result jit_resume(struct cpu *cpu);

/* @sr, read by @i, which has been allowed to; cpu->left is exact. cpu->recheck may be set behind
 * it: the CPU waits for the counter. */
uint64_t jit_read(struct cpu *cpu, const struct insn *i, enum sysreg sr);

/* The plain loop executes @i, at which a block may begin: at least this one instruction. */
exec_fn jit_one;
