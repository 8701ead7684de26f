/*
 * The translator to host code, for x86-64. A block stands for records of one page that follow each
 * other, also by branches within the page, with side exits where a conditional branch leaves them.
 * It hangs at the record of its first instruction: the plain loop (cpu/interp_plain.c) calls it as
 * that record's function. Blocks jump to each other directly, by edges that the target knows, in
 * another page if the bank still has that page there; what ends a record ends its block and such
 * jumps, and the interpreter goes on.
 *
 * A block is made for no state of the CPU: page_va, bank and block state are read where they
 * matter.
 */
#pragma once

#include "cpu/code_cache.h"
#include "cpu/cpu.h"
#include "cpu/jit/template.h"

#define JIT_INSNS_MAX 96 /* of a block */

/* The host code of one block. Lies in the code memory's writable view, and goes when that is
 * emptied: a CPU may be in it when it dies. */
struct jit_block {
    struct jit_block *next; /* of its page */
    struct insn *head;
    struct jit_edge *edges; /* that jump to it */
    unsigned first, last;   /* record indexes: all its records lie between */
    uint32_t dead;          /* its records are others now */
};

/* What stands before a block's code, to be read where that is executed. */
struct jit_front {
    struct jit_block *block;
    uint64_t insns; /* their count */
};

/* A way out of a block to a record of its page, or of one that is current by then. Its jump leads
 * to jit_follow() until there is a block. */
struct jit_edge {
    const struct insn *target;
    uint8_t *jump;           /* its distance, in the writable view */
    const uint8_t *unlinked; /* where it leads without a block */
    struct jit_edge *next;
};

/* What the host has been asked for: pages up to @there, large ones up to @large. */
struct jit_pages {
    size_t there, large;
};

struct jit {
    uint8_t *rw, *rx; /* two views of one memory: nothing is writable and executable */
    size_t size;
    uint8_t *ours;                /* not 0: no process has been made of this one */
    size_t start, used;           /* code grows up from the first to JIT_COLD, */
    size_t cold;                  /* what is rare from there, and */
    size_t limit;                 /* edges down to here */
    struct jit_pages usual, rare; /* the host's pages of them */
    bool full;                    /* to be emptied where no CPU is in a block */
    bool parallel;  /* CPUs run at the same time, and others have blocks of their own */
    bool eager;     /* what is reached is translated, decoded before or not */
    exec_fn *enter; /* of C: run the record's function, which may be a block */
    /* Pieces that all blocks use, in the writable view; see cpu/jit/pieces.h. */
    uint8_t *entry, *exec, *exec_exact, *pause, *follow, *arrive, *record, *trap, *one;
    uint8_t *cross, *cross_svc, *cross_hvc, *cross_eret, *stop, *resume, *search;
    uint8_t *constants; /* likewise, see cpu/jit/vector.h */
    unsigned host;      /* bits of enum jit_host that blocks may use; less of them is slower */
    const struct jit_template *template[A64_OP_COUNT];
    arm_host_code_fn *made; /* NULL: nobody is told of blocks */
    void *made_ctx;
    uint8_t heat[1 << 16]; /* arrivals at records without a block, by hash */
};

/* NULL: the host is not x86-64, or has no memory. @eager: translate what is not hot, too.
 * @parallel: for one of several CPUs that run at the same time, each with a translator of its own.
 */
struct jit *jit_create(bool eager, bool parallel);
void jit_destroy(struct jit *jit);

static inline bool jit_is_eager(const struct jit *jit)
{
    return jit->eager;
}

/* Use of the host no more than bits @host of enum jit_host, from the next block on. */
void jit_use_host(struct jit *jit, unsigned host);

/* Tell @made, or nobody, of each block from now on. */
void jit_watch(struct jit *jit, arm_host_code_fn *made, void *ctx);

/* Let @e jump to the block at its target. */
void jit_link(struct jit *jit, struct jit_edge *e);

/* The memory is shared with the process that this one has been made of by fork(): take new one,
 * without blocks. No CPU is in a block. */
void jit_after_fork(struct cpu *cpu);

/* Before a run of @cpu. */
static inline void jit_begin_run(struct cpu *cpu)
{
    if (unlikely(!*cpu->jit->ours))
        jit_after_fork(cpu);
}

/* End the blocks of @page that have one of its instructions @first to @last. */
void jit_kill(struct code_page *page, unsigned first, unsigned last);

/* Make a block that begins at @i of @cpu's current page, if one is of use. */
void jit_translate(struct cpu *cpu, const struct insn *i);

/* @cpu is about to run from @i, which is counted as come to, and no CPU is in a block: if the
 * memory for code is full, it is emptied. */
void jit_begin(struct cpu *cpu, const struct insn *i);

/* @cpu has come to @i, and not from the record before. What is hot gets a block there. */
void jit_seen(struct cpu *cpu, const struct insn *i);

/* The same, and go on there: cpu->come. */
exec_fn jit_come;

/* Records whose page may have blocks. */
extern const struct code_engine jit_engine;

static inline bool jit_is_block(const struct jit *jit, const struct insn *i)
{
    return (uintptr_t)i->fn - (uintptr_t)jit->rx < jit->size;
}

/* There is a block at @i. */
static inline const struct jit_front *jit_front(const struct insn *i)
{
    return (const struct jit_front *)(uintptr_t)i->fn - 1;
}

/* Is a block at @i of not more than @left instructions? It is asked for its count only if that
 * matters: the host's caches hardly ever have it. */
static inline bool jit_fits(const struct jit *jit, const struct insn *i, int64_t left)
{
    return jit_is_block(jit, i) && (left >= JIT_INSNS_MAX || jit_front(i)->insns <= (uint64_t)left);
}
