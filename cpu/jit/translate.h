/* What the templates of instructions (cpu/jit/template.h) are written with. */
#pragma once

#include <stddef.h>

#include "arch/insn.h"
#include "cpu/block.h"
#include "cpu/cpu.h"
#include "cpu/jit/jit.h"
#include "cpu/jit/x86.h"

/* A host register for each of the registers that a block uses most; the others stay in the CPU. */
#define JIT_HOSTS 9
extern const uint8_t tr_hosts[JIT_HOSTS];
#define JIT_STUBS (4 * JIT_INSNS_MAX)

/* In blocks. Between two, NZCV are in JIT_FLAGS, and the guest's registers in the CPU. */
#define CPU       RBP /* JIT_BIAS bytes into the struct cpu, so that one byte reaches more of it */
#define JIT_LEFT  R15 /* cpu->left - JIT_INSNS_MAX: negative, if a block might not fit */
#define JIT_FLAGS RBX /* NZCV, with FLAGS_SAVED */

/* Where NZCV are: in the CPU; in EFLAGS, with C as it is there or (after a subtraction) not; in
 * JIT_FLAGS; nowhere, but tr_again() makes them; in JIT_FLAGS, or, if that is JIT_NO_FLAGS,
 * nowhere, but tr_again() makes them. */
enum jit_flags { FLAGS_CPU, FLAGS_ADD, FLAGS_SUB, FLAGS_SAVED, FLAGS_AGAIN, FLAGS_EITHER };

#define JIT_NO_FLAGS UINT32_MAX

/* The operation that has made NZCV, of guest registers that are still as they were. */
struct jit_again {
    bool known;   /* there is one, and nothing has changed its registers */
    uint8_t op;   /* ALU_ADD, ALU_SUB or ALU_AND */
    bool w;       /* of 64 bits */
    bool undo;    /* @n is the result: it takes the second off, or puts it on, before */
    bool is_imm;  /* the second operand is @imm, else @m */
    uint8_t n, m; /* guest registers */
    int32_t imm;
};

/* What the emitter knows at one place of the code. Sets of guest registers are bits. */
struct jit_state {
    uint64_t valid; /* in its host register */
    uint64_t dirty; /* and only there */
    enum jit_flags flags;
    struct jit_again again;
    uint32_t v_valid;        /* V registers in their host registers; the CPU has all of them too */
    uint32_t v_low4, v_low8; /* of them only so many bytes, and the CPU has zeros above */
    bool fp_ready;           /* behind tr_fp_enter() */
};

enum stub_kind {
    STUB_EXEC,
    STUB_EXIT,
    STUB_TRAP,
    STUB_ONE,
    STUB_PAUSE,
    STUB_JUMP,
    STUB_APART,
    STUB_SYNC,
    STUB_EDGE
};

struct tr;

#define STUB_JUMPS 6

/* Code behind the block, for what is rare. */
struct stub {
    enum stub_kind kind;
    uint8_t *from[STUB_JUMPS]; /* to it; NULL: fewer */
    uint8_t *back;             /* STUB_EXEC, STUB_APART: where it goes on */
    struct jit_state state;    /* at its beginning */
    struct jit_edge *edge;     /* STUB_EDGE */
    uint64_t reload;           /* STUB_EXEC: what has to be in host registers at @back */
    unsigned k;                /* instruction; STUB_EXIT: how many have retired */
    unsigned target;           /* STUB_EXIT: record index; STUB_APART: of how many instructions */
    bool exact;                /* STUB_EXEC: its row wants the count */
    /* STUB_APART: all of it, behind which the state is that at @back. STUB_EXEC: emitted at its
     * beginning; may jump to @warm_back, where nothing is to be done. */
    void (*warm)(struct tr *t, struct stub *s);
    uint8_t *warm_back;
    unsigned warm_r; /* its own: the result, and the precision of it and of the operand */
    bool warm_double, warm_from_double, warm_element, warm_addend;
    const uint8_t *code; /* where it begins, once it is there */
    struct stub *slow;   /* a site's: for when L1 does not have it; the address, and its use */
    enum x86_reg va;
    unsigned size, access;
    bool unordered; /* an FCMP: at @back EFLAGS are to say that the operands were unordered */
};

#define TR_OUT UINT16_MAX

/* Accesses of a loop that find the entry of L1 where the last iteration has: each has a host
 * register that points at it, as if that were of a guest register behind the others. */
#define JIT_SITES   4
#define REG_SITE(n) (REG_COUNT + (n))

struct tr {
    struct x86_code c;
    struct jit *jit;
    struct cpu *cpu;
    struct jit_block *block;
    const struct insn *page;
    unsigned first, n;            /* record index, count */
    uint16_t at[JIT_INSNS_MAX];   /* their record indexes, */
    uint16_t next[JIT_INSNS_MAX]; /* and of what is executed next here; TR_OUT: it leaves */
    struct insn rec[JIT_INSNS_MAX];
    struct a64_use use[JIT_INSNS_MAX];
    uint64_t in[CODE_PAGE_INSNS / 64]; /* record indexes, as bits */
    bool stops;      /* behind them stands an instruction that ends the block otherwise, */
    unsigned behind; /* the record there */
    bool live[JIT_INSNS_MAX + 1];       /* NZCV before instruction k, or behind the last */
    bool loops;                         /* an instruction branches to the first */
    uint8_t *head;                      /* its code, where loops come back */
    struct jit_again loop_again;        /* NZCV at the head, but for the first time; or not known */
    int8_t host[REG_COUNT + JIT_SITES]; /* of a guest register, or -1 */
    uint8_t site[JIT_INSNS_MAX];        /* of instruction k, REG_SITE(n); 0: none */
    unsigned sites;                     /* that it would have */
    unsigned hosts;                     /* host registers in use */
    uint64_t cached, written;           /* guest registers */
    int8_t v_host[32];                  /* likewise for V registers */
    uint32_t v_cached;
    bool fp_checked, fpcr_checked;
    bool sp_checked; /* SP is a multiple of 16, or need not be */
    bool uses_fpcr;  /* if it loops, tr_fp_enter() comes before the head */
    struct jit_state s;
    uint8_t *start[JIT_INSNS_MAX]; /* of each instruction's code */
    uint8_t *edges;                /* taken from here downwards */
    unsigned grouped;              /* the accesses before this instruction are there: see ldst.c */
    unsigned stubs;
    struct stub stub[JIT_STUBS + 1]; /* last: only what is used is ever initialised */
};

static inline const struct a64_row *tr_row(const struct tr *t, unsigned k)
{
    return &a64_rows[t->rec[k].op];
}

#define JIT_BIAS 128

static inline struct x86_mem tr_cpu(size_t offset)
{
    return x86_at(CPU, (int32_t)offset - JIT_BIAS);
}

static inline struct x86_mem tr_x(unsigned g)
{
    return tr_cpu(offsetof(struct cpu, x) + 8 * (size_t)g);
}

#define CPU_FIELD(f) tr_cpu(offsetof(struct cpu, f))

/* Is guest register @g in the CPU alone, where an instruction of the host may have it from? */
static inline bool tr_is_in_cpu(const struct tr *t, unsigned g)
{
    return t->host[g] < 0 && g != REG_ZR;
}

/* RDI = the CPU, for a call of C. */
static inline void tr_pass_cpu(struct x86_code *c)
{
    x86_lea(c, 1, RDI, tr_cpu(0));
}

/* The host register that holds guest register @g; @scratch, loaded, if it has none. EFLAGS stay. */
enum x86_reg tr_use(struct tr *t, unsigned g, enum x86_reg scratch);

/* Load @g if it has a host register. EFLAGS stay. */
void tr_touch(struct tr *t, unsigned g);

/* The host register to write @g to, all 64 bits, before tr_done(t, g). */
enum x86_reg tr_def(const struct tr *t, unsigned g, enum x86_reg scratch);
void tr_done(struct tr *t, unsigned g, enum x86_reg r);

/* The registers of @set from their host registers into the CPU. */
void tr_store(struct tr *t, uint64_t set);

/* NZCV from wherever they are into JIT_FLAGS. RAX and RCX go, and EFLAGS. */
void tr_save_flags(struct tr *t);

/* Have NZCV elsewhere than in EFLAGS, which something else needs. RAX and RCX go. */
void tr_free_eflags(struct tr *t);

/* Registers @writes are about to be written: have NZCV where they do not matter. */
void tr_settle_flags(struct tr *t, uint64_t writes);

/* NZCV are FLAGS_AGAIN, and in EFLAGS after this. RAX and RCX go. */
void tr_again(struct tr *t);

/* The same for C alone: the rest of EFLAGS is anything. */
void tr_carry_again(struct tr *t);

/* NZCV are there from now on, made by nothing that is known. */
static inline void tr_flags_are(struct tr *t, enum jit_flags flags)
{
    t->s.flags = flags;
    t->s.again.known = false;
}

/* Load the registers of @set from the CPU. */
void tr_reload(struct tr *t, uint64_t set);

/* Those of @set that a call of C that writes guest registers @writes does not leave where they
 * are. */
uint64_t tr_lost(const struct tr *t, uint64_t set, uint64_t writes);

/* Call a function of C. The stack is as a call wants it. */
void tr_call_c(struct x86_code *c, uintptr_t fn);

/* Call the exec_ function of instruction @k, everything being in the CPU. */
void tr_exec(struct tr *t, unsigned k);

/* The same as code of the block: registers and flags go there, and are known to be there. */
void tr_call_exec(struct tr *t, unsigned k);

void tr_emit_stub(struct tr *t, struct stub *s);

/* A stub of @kind for instruction @k that begins in the state of now. NULL: too many. */
struct stub *tr_stub(struct tr *t, enum stub_kind kind, unsigned k);

/* @slow, a STUB_EXEC, goes on here, where everything is as if it had not been needed. */
void tr_come_back(struct tr *t, struct stub *slow);

/* Where CPUs run at the same time (cpu/parallel.h): the next instruction, of the host's, is one
 * access that no other comes between; earlier stores are before later loads. EFLAGS stay. */
static inline void tr_lock(struct tr *t)
{
    if (t->jit->parallel)
        x86_byte(&t->c, 0xf0);
}

static inline void tr_fence(struct tr *t)
{
    if (t->jit->parallel)
        x86_bytes(&t->c, "\x0f\xae\xf0", 3); /* mfence */
}

/* CheckFPAdvSIMDEnabled64() before instruction @k, once in a block. EFLAGS go. */
void tr_check_fp(struct tr *t, unsigned k);

/* After a call of C in a block that had done tr_fp_enter(). EFLAGS go. */
void tr_fp_restart(struct tr *t);

/* How memory is accessed: a load or a store, as EL0's, and at multiples of the size only. */
enum { TR_STORE = 0, TR_LOAD = 1, TR_UNPRIV = 2, TR_ALIGNED = 4 };

/* RCX: what the host adds to the address in @va, neither RCX nor RDX. Jumps to @slow, whose
 * from[@jumps] is free, where L1 has not all of @size bytes. RDX goes. */
void tr_find(struct tr *t, struct stub *slow, unsigned jumps, enum x86_reg va, unsigned size,
             unsigned a);

/* What the host adds to addresses in the page of @va. False: L1 does not have it. */
bool tr_likely_addend(const struct tr *t, uint64_t va, uint64_t *addend);

/* As tr_find() of 8 bytes to load, by instruction @k, but the addend is in RDX. It is likely to be
 * @addend: then the access does not wait for L1, which is asked beside it. RCX goes. */
void tr_find_likely(struct tr *t, unsigned k, struct stub *slow, unsigned jumps, enum x86_reg va,
                    uint64_t addend);

/* tr_find() of the address in RAX, which becomes the host's. RCX and RDX go. */
void tr_look_up(struct tr *t, struct stub *slow, unsigned jumps, unsigned size, unsigned a);

/* Into @slow, whose from[*@jumps] is free: if a word of the CPU has one of @bits; if somebody wants
 * @event. EFLAGS go. */
void tr_leave_if(struct tr *t, struct stub *slow, unsigned *jumps, size_t offset, uint32_t bits);
void tr_leave_if_wanted(struct tr *t, struct stub *slow, unsigned *jumps,
                        enum arm_event_kind event);

/* Everything to where it is between blocks. RAX and RCX go. */
void tr_settle(struct tr *t);

/* Leave for record @target after @retired instructions: by @jump; here. */
void tr_exit(struct tr *t, uint8_t *jump, unsigned retired, unsigned target);
void tr_exit_here(struct tr *t, unsigned retired, unsigned target);

/* Go on at the address in RDI after @retired instructions, everything else being where it is
 * between blocks. @i: the indirect branch that leads there, or NULL. */
void tr_arrive(struct tr *t, unsigned retired, const struct insn *i);

/* The same, in another page, @offset bytes behind the beginning of this one. */
void tr_arrive_at(struct tr *t, unsigned retired, int64_t offset);

/* Behind the last instruction: C is to execute the next, which ends the block. */
void tr_stop_here(struct tr *t);

/* Does @i lead to another EL or back whenever it is not trapped? Then more blocks follow it. */
bool tr_crosses(const struct insn *i);

/* Back to the first instruction. */
void tr_loop(struct tr *t, unsigned retired);

/* What can be known of a loop before its code is there: its comparison and its sites. */
void tr_study_loop(struct tr *t);

/* Emit a test of @cond; true if the code returned in *cc says so. May use scratch registers, and
 * EFLAGS only if NZCV are not there. */
enum x86_cc tr_cond(struct tr *t, unsigned cond);

/* Tell who watches of the block, whose usual and rare code are there. */
void tr_tell(const struct tr *t, const struct arm_host_code *code);

bool tr_is_branch(enum a64_op op);
