/* What the templates of instructions (cpu/jit/template.h) are written with. */
#pragma once

#include <stddef.h>

#include "arch/insn.h"
#include "cpu/block.h"
#include "cpu/cpu.h"
#include "cpu/jit/jit.h"
#include "cpu/jit/x86.h"

/* A host register for each of the registers that a block uses most; the others stay in the CPU. */
#define JIT_HOSTS 10
#define JIT_STUBS (3 * JIT_INSNS_MAX)
#define JIT_LEFT  R11 /* in blocks that loop: cpu->left */
#define JIT_FLAGS RBX /* NZCV, with FLAGS_SAVED */
#define CPU       RBP

/* Where NZCV are: in the CPU; in EFLAGS, with C as it is there or (after a subtraction) not; in
 * JIT_FLAGS. */
enum jit_flags { FLAGS_CPU, FLAGS_ADD, FLAGS_SUB, FLAGS_SAVED };

/* What the emitter knows at one place of the code. Sets of guest registers are bits. */
struct jit_state {
    uint64_t valid; /* in its host register */
    uint64_t dirty; /* and only there */
    enum jit_flags flags;
};

enum stub_kind { STUB_EXEC, STUB_EXIT, STUB_TRAP };

/* Code behind the block, for what is rare. */
struct stub {
    enum stub_kind kind;
    uint8_t *from[3];       /* jumps to it; NULL: fewer */
    uint8_t *back;          /* STUB_EXEC: where it goes on */
    struct jit_state state; /* at its beginning */
    uint64_t reload;        /* STUB_EXEC: what has to be in host registers at @back */
    unsigned k;             /* instruction; STUB_EXIT: how many have retired */
    unsigned target;        /* STUB_EXIT: record index */
    bool flags_live;
};

struct tr {
    struct x86_code c;
    struct jit *jit;
    struct cpu *cpu;
    struct jit_block *block;
    const struct insn *page;
    unsigned first, n; /* record index, count */
    struct insn rec[JIT_INSNS_MAX];
    bool live[JIT_INSNS_MAX + 1]; /* NZCV before instruction k, or behind the last */
    bool loops;                   /* an instruction branches to the first */
    uint8_t *head;                /* its code, where loops come back */
    int8_t host[REG_COUNT];       /* of a guest register, or -1 */
    uint64_t cached, written;     /* guest registers */
    bool fp_checked;
    struct jit_state s;
    struct stub stub[JIT_STUBS + 1];
    unsigned stubs;
};

static inline const struct a64_row *tr_row(const struct tr *t, unsigned k)
{
    return &a64_rows[t->rec[k].op];
}

static inline struct x86_mem tr_x(unsigned g)
{
    return x86_at(CPU, (int32_t)(offsetof(struct cpu, x) + 8 * g));
}

#define CPU_FIELD(f) x86_at(CPU, (int32_t)offsetof(struct cpu, f))

/* The host register that holds guest register @g; @scratch, loaded, if it has none. EFLAGS stay. */
enum x86_reg tr_use(struct tr *t, unsigned g, enum x86_reg scratch);

/* Load @g if it has a host register. EFLAGS stay. */
void tr_touch(struct tr *t, unsigned g);

/* The host register to write @g to, all 64 bits, before tr_done(t, g). */
enum x86_reg tr_def(const struct tr *t, unsigned g, enum x86_reg scratch);
void tr_done(struct tr *t, unsigned g, enum x86_reg r);

/* The registers of @set from their host registers into the CPU. */
void tr_store(struct tr *t, uint64_t set);

/* NZCV from EFLAGS into JIT_FLAGS; from wherever they are into the CPU. RAX and RCX go. */
void tr_save_flags(struct tr *t);
void tr_flags_to_cpu(struct tr *t);

/* JIT_FLAGS from the CPU. */
void tr_load_flags(struct tr *t);

/* Load the registers of @set from the CPU. */
void tr_reload(struct tr *t, uint64_t set);

/* Those of @set that a call of C that writes guest registers @writes does not leave where they
 * are. */
uint64_t tr_lost(const struct tr *t, uint64_t set, uint64_t writes);

/* Does anybody read NZCV from record @index on before they are written? */
bool tr_peek(const struct tr *t, uint64_t index);

/* Call a function of C. The stack is as a called function finds it. */
void tr_call_c(struct x86_code *c, uintptr_t fn);

/* Call the exec_ function of instruction @k, everything being in the CPU. */
void tr_exec(struct tr *t, unsigned k);

void tr_emit_stub(struct tr *t, struct stub *s);

/* A stub of @kind for instruction @k that begins in the state of now. NULL: too many. */
struct stub *tr_stub(struct tr *t, enum stub_kind kind, unsigned k);

/* CheckFPAdvSIMDEnabled64() before instruction @k, once in a block. EFLAGS go. */
void tr_check_fp(struct tr *t, unsigned k);

/* Leave for record @target after @retired instructions, by @jump. */
void tr_exit(struct tr *t, uint8_t *jump, unsigned retired, unsigned target);

/* Back to the first instruction. */
void tr_loop(struct tr *t, unsigned retired);

/* Emit a test of @cond; true if the code returned in *cc says so. May use scratch registers, and
 * EFLAGS only if NZCV are not there. */
enum x86_cc tr_cond(struct tr *t, unsigned cond);

/* Called at the end of a block: the direct branch @i to another page is taken; the indirect branch
 * @i is to be executed. */
exec_fn jit_far, jit_indirect;

bool tr_is_branch(enum a64_op op);
