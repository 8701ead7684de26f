/*
 * Executing one instruction on a CPU whose whole state is a value: for test_a64_facts.c, which
 * changes the input of an instruction here and there and looks at what comes out.
 */
#pragma once

#include <string.h>

#include "arch/a64_form.h"
#include "cpu/execute.h"
#include "cpu/mem_access.h"
#include "tests/cpu/exec_oracle.h"
#include "tests/cpu/mem_fixture.h"

/* Memory that loads and stores of any form reach holds the same byte everywhere. */
#define FILL_BYTE   0x5a
#define FILL_DWORD  UINT64_C(0x5a5a5a5a5a5a5a5a)
#define WINDOW      (RAM_BASE + 0x400000) /* where bases lie, */
#define WINDOW_SIZE UINT64_C(0x200000)
#define CODE        (RAM_BASE + 0x800000) /* and literals around it */
#define REACH       (RAM_BASE + 0x300000) /* what all of them can reach */
#define REACH_SIZE  UINT64_C(0xa00000)

/* What an instruction can read and write, less memory. */
struct machine_state {
    uint64_t x[REG_COUNT];
    union vreg v[32];
    unsigned nzcv;
    uint32_t fpcr, fpsr;
    uint64_t pc;
    struct pstate ps;
    uint64_t sr[SR_COUNT];
    bool event, serror_pin, irq_check, has_el2;
    bool fpac; /* FEAT_FPAC, FEAT_FPACCOMBINE: a failed authentication faults */
    enum cpu_power power;
    uint64_t wait_until_ns;
    unsigned gic_acknowledged;
    uint64_t rng; /* of RNDR */
    bool monitor;
    uint8_t monitor_size;
    uint64_t monitor_pa;
};

struct seen_access {
    uint64_t va, data[MEM_ZERO_MAX / 8];
    unsigned size, kind; /* ARM_MEM_xxx */
};

struct outcome {
    enum exec_result result;
    bool exception;
    unsigned ec; /* of the exception */
    struct machine_state s;
    struct seen_access access[8];
    unsigned accesses;
    bool barrier, eret;
};

/* The fixture of memory, and what is heard during one instruction. */
struct bench {
    struct fixture *f;
    struct outcome *out;
    unsigned gic_acknowledged;
    bool pauses; /* every event asks for a stop */
    _Atomic bool pause;
};

static inline void bench_probe(void *ctx, const struct arm_event *p)
{
    struct bench *b = ctx;
    struct outcome *o = b->out;

    b->pause = b->pauses;
    if (p->kind == ARM_EVENT_BARRIER)
        o->barrier = true;
    else if (p->kind == ARM_EVENT_ERET)
        o->eret = true;
    else if (p->kind == ARM_EVENT_MEM && o->accesses < ARRAY_SIZE(o->access))
        o->access[o->accesses++] =
            (struct seen_access){.va = p->mem.va, .size = p->mem.size, .kind = p->mem.kind};
}

static inline uint64_t bench_gic_read(void *ctx, unsigned cpu, enum sysreg sr, bool virt)
{
    (void)cpu;
    (void)virt;
    if (sr == SR_ICC_IAR1_EL1)
        ((struct bench *)ctx)->gic_acknowledged++;
    return 1023;
}

static inline void bench_gic_write(void *ctx, unsigned cpu, enum sysreg sr, bool virt, uint64_t v)
{
    (void)ctx;
    (void)cpu;
    (void)sr;
    (void)virt;
    (void)v;
}

static inline bool bench_gic_implemented(void *ctx, enum sysreg sr)
{
    (void)ctx;
    (void)sr;
    return true;
}

static const struct cpu_gic_ops bench_gic = {bench_gic_read, bench_gic_write, bench_gic_implemented,
                                             NULL};

/* Firmware as SMCCC allows it to be: results from all arguments, in all of the registers. */
static inline void bench_firmware(void *ctx, struct cpu *cpu, uint16_t immediate)
{
    uint64_t sum = immediate;

    (void)ctx;
    for (unsigned k = 0; k <= 17; k++)
        sum = sum * 31 + cpu->x[k];
    for (unsigned k = 0; k <= 17; k++)
        cpu->x[k] = sum + k;
}

/* A host that reads its parameter block and answers into it, as SYS_ELAPSED does. */
static inline bool bench_semihosting(void *ctx, struct cpu *cpu, const struct insn *i)
{
    uint64_t v;

    if (!mem_load(cpu, i, cpu->x[1], 8, 0, &v) || !mem_store(cpu, i, cpu->x[1], 8, 0, v + 1))
        return false;
    bench_firmware(ctx, cpu, 1);
    return true;
}

static inline void bench_open(struct bench *b)
{
    void *state;

    assert_int_equal(setup(&state), 0);
    b->f = state;
    struct cpu *cpu = b->f->cpu;
    cpu->env.ctx = b;
    cpu->env.pause = &b->pause;
    cpu->env.firmware_call = bench_firmware;
    cpu->env.semihosting = bench_semihosting;
    cpu->gic = &bench_gic;
    cpu->gic_ctx = b;
    cpu->page_va = CODE;
    const struct arm_filter wanted = {.size = sizeof(struct arm_filter),
                                      .events = BIT(ARM_EVENT_MEM) | BIT(ARM_EVENT_BARRIER) |
                                                BIT(ARM_EVENT_ERET)};
    assert_true(probe_subscribe(&b->f->probes, &wanted, bench_probe, b) > 0);
    /* One block of normal memory, for EL1 and EL0. */
    write_ram(b->f, TABLES + 8, RAM_BASE | D_NORMAL | D_USER | 1);
    mmu_on(b->f, 1);
    memset(physmem_ram_changing(&b->f->mem, pa(REACH), REACH_SIZE), FILL_BYTE, REACH_SIZE);
}

static inline void bench_close(struct bench *b)
{
    void *state = b->f;

    teardown(&state);
}

static inline void bench_put(struct bench *b, const struct machine_state *s)
{
    struct cpu *cpu = b->f->cpu;

    memcpy(cpu->x, s->x, sizeof(cpu->x));
    memcpy(cpu->v, s->v, sizeof(cpu->v));
    memcpy(cpu->sr, s->sr, sizeof(cpu->sr));
    cpu_set_nzcv(cpu, s->nzcv);
    cpu->fpcr = s->fpcr;
    cpu->fpsr = s->fpsr;
    cpu->pc = s->pc;
    cpu->ps = s->ps;
    cpu->event = s->event;
    cpu->serror_pin = s->serror_pin;
    cpu->has_el2 = s->has_el2;
    set_feature(&cpu->features, FEAT_FPAC, s->fpac);
    set_feature(&cpu->features, FEAT_FPACCOMBINE, s->fpac);
    cpu->power = s->power;
    cpu->rng = s->rng;
    cpu->wait_until_ns = s->wait_until_ns;
    cpu->excl_valid = s->monitor;
    cpu->excl_size = s->monitor_size;
    cpu->excl_pa = s->monitor_pa;
    b->gic_acknowledged = s->gic_acknowledged;
    cpu->page = cpu->counted = b->f->insn;
    cpu->left = 1000;
    cpu->recheck = EXEC_NEXT;
    b->pause = false;
    cpu->trap_epoch++;
    cpu_wishes_changed(cpu); /* a test may have subscribed */
    cpu->irq_check = s->irq_check;
}

static inline void bench_get(const struct bench *b, struct machine_state *s)
{
    const struct cpu *cpu = b->f->cpu;

    memcpy(s->x, cpu->x, sizeof(s->x));
    memcpy(s->v, cpu->v, sizeof(s->v));
    memcpy(s->sr, cpu->sr, sizeof(s->sr));
    s->nzcv = cpu_nzcv(cpu);
    s->fpcr = cpu->fpcr;
    s->fpsr = cpu->fpsr;
    s->pc = cpu->pc;
    s->ps = cpu->ps;
    s->event = cpu->event;
    s->serror_pin = cpu->serror_pin;
    s->irq_check = cpu->irq_check;
    s->has_el2 = cpu->has_el2;
    s->fpac = cpu_has(cpu, FEAT_FPAC);
    s->power = cpu->power;
    s->rng = cpu->rng;
    s->wait_until_ns = cpu->wait_until_ns;
    s->gic_acknowledged = b->gic_acknowledged;
    s->monitor = cpu->excl_valid;
    s->monitor_size = cpu->excl_size;
    s->monitor_pa = cpu->excl_pa;
}

/* Take what has been stored, and put back what was there. */
static inline void bench_take_stores(struct bench *b, struct outcome *o)
{
    uint8_t fill[MEM_ZERO_MAX];

    memset(fill, FILL_BYTE, sizeof(fill));
    for (unsigned k = 0; k < o->accesses; k++)
        if (o->access[k].kind & ARM_MEM_WRITE)
            assert_true(physmem_read(&b->f->mem, pa(o->access[k].va), o->access[k].data,
                                     o->access[k].size));
    for (unsigned k = 0; k < o->accesses; k++)
        if (o->access[k].kind & ARM_MEM_WRITE)
            assert_true(physmem_write(&b->f->mem, pa(o->access[k].va), fill, o->access[k].size));
}

/* Execute @word on @in. */
static inline void bench_run(struct bench *b, uint32_t word, const struct machine_state *in,
                             struct outcome *out)
{
    struct cpu *cpu = b->f->cpu;
    struct insn *i = &b->f->insn[0];

    memset(out->access, 0, sizeof(out->access));
    out->accesses = 0;
    out->barrier = out->eret = false;
    b->out = out;
    bench_put(b, in);
    uint64_t exceptions = cpu->exceptions;
    a64_decode(word, 0, i);
    out->result = exec_fns[i->op](cpu, i);
    assert_true(out->result == EXEC_ABORT || !cpu->raised.target_el);
    exec_take_raised(cpu, i);
    bench_get(b, &out->s);
    out->exception = cpu->exceptions != exceptions;
    out->ec = (unsigned)bits(cpu->sr[cpu->ps.el == 2 ? SR_ESR_EL2 : SR_ESR_EL1], 31, 26);
    bench_take_stores(b, out);
}
