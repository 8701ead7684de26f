#include "cpu/spin.h"

#include "cpu/context.h"
#include "cpu/exec/ldst.h"
#include "cpu/execute.h"
#include "cpu/fetch.h"
#include "cpu/interp_plain.h"
#include "cpu/observe.h"
#include "cpu/spin_iteration.h"
#include "cpu/sysreg.h"
#include "cpu/sysreg_quick.h"
#include "cpu/traps.h"

#define REST_MAX 4096

/* Events of what a loop does: with one of them wanted, each iteration is executed. */
#define LOOP_EVENTS                                                                                \
    (BIT(ARM_EVENT_INSN) | BIT(ARM_EVENT_MEM) | BIT(ARM_EVENT_SYSREG_READ) | BIT(ARM_EVENT_BARRIER))

/* What an instruction reads and writes. */
struct use {
    uint64_t x_reads, x_writes;
    unsigned flags_read, flags_written;
};

static struct spin_flags flags_of(const struct cpu *cpu)
{
    return (struct spin_flags){cpu->nf, cpu->zf, cpu->cf, cpu->vf};
}

/* Set those of the flags that @which names. */
static void set_flags(struct cpu *cpu, const struct spin_flags *f, unsigned which)
{
    cpu->nf = which & 8 ? f->nf : cpu->nf;
    cpu->zf = which & 4 ? f->zf : cpu->zf;
    cpu->cf = which & 2 ? f->cf : cpu->cf;
    cpu->vf = which & 1 ? f->vf : cpu->vf;
}

/* Is the read of a register by @i a read of storage? Nothing in the loop writes any. */
static bool is_plain_read(const struct cpu *cpu, const struct insn *i)
{
    enum sysreg sr = sysreg_lookup((uint16_t)(i->imm >> 5));

    return sr != SR_NONE && (cpu->sr_quick[sr] & SR_PLAIN_READ(sr_mode(cpu)));
}

/* Is the result of @i a function of *@use, of memory and of system registers, and its effect the
 * registers, flags and memory that it writes? */
static bool is_pure(const struct cpu *cpu, const struct insn *i, struct use *use)
{
    const uint64_t acts = BIT(FACT_EXCL) | BIT(FACT_WSYS) | BIT(FACT_ERET) | BIT(FACT_RCALL) |
                          BIT(FACT_WCALL) | BIT(FACT_RFPCR) | BIT(FACT_WFPCR) | BIT(FACT_RFPSR) |
                          BIT(FACT_WFPSR);
    const struct a64_row *row = &a64_rows[i->op];
    struct a64_use regs = a64_use(row, i);

    *use = (struct use){regs.x_reads, regs.x_writes, a64_flags_read(row), a64_flags_written(row)};
    if (i->op == A64_MRS && is_plain_read(cpu, i)) {
        use->flags_read = use->flags_written = 0;
        return true;
    }
    /* x EOR x is how an order is made between a read of the counter and an access. */
    if (i->op == A64_EOR_reg && i->rn == i->rm && i->imm == 0)
        use->x_reads = 0;
    if (row->cls != A64_INT || (row->facts & acts) || regs.v_reads || regs.v_writes)
        return false;
    /* Pointer authentication is a function of its keys. */
    return !(row->facts & BIT(FACT_TRAP)) || (row->facts & BIT(FACT_RSYS));
}

/**
 * access_range() - where the load or store @i, of the kinds that nearly all code is made of, goes.
 * Source: DDI0487 C4.1.90 Loads and Stores.
 * Return: bytes; 0: of another kind.
 */
static unsigned access_range(const struct cpu *cpu, const struct insn *i, uint64_t *va)
{
    uint32_t word = insn_word(cpu, i);
    unsigned size = 1u << bits(word, 31, 30), mode = (unsigned)bits(word, 11, 10);
    uint64_t base = cpu->x[i->rn];

    if ((word & 0x3fa08000) == 0x08808000) { /* LDAR, STLR */
        *va = base;
        return base & (size - 1) ? 0 : size;
    }
    switch (bits(word, 29, 24)) {
    case 0x39: /* unsigned immediate */
        *va = base + (uint64_t)i->imm;
        return size;
    case 0x38:
        if (bit(word, 21)) { /* register, or an atomic operation */
            *va = mode == 2 ? base + ls_index(cpu, i) : 0;
            return mode == 2 ? size : 0;
        }
        *va = mode == LS_POST ? base : base + (uint64_t)i->imm;
        return mode == 2 ? 0 : size; /* 2: unprivileged */
    case 0x28:
    case 0x29: /* pair */
        *va = bits(word, 24, 23) == LS_POST ? base : base + (uint64_t)i->imm;
        return bits(word, 24, 23) == 0 ? 0 : bit(word, 31) ? 16 : 8;
    case 0x18: /* literal */
        *va = insn_target(cpu, i);
        return bits(word, 31, 30) == 1 ? 8 : 4;
    default:
        return 0;
    }
}

static bool overlap(const struct spin_access *a, const struct spin_access *b)
{
    return a->host < b->host + b->size && b->host < a->host + a->size;
}

static bool inside(const struct spin_access *a, const struct spin_access *b)
{
    return a->host >= b->host && a->host + a->size <= b->host + b->size;
}

/* The last store before that writes some of what @a reads; -1: there is none. */
static int source_of(const struct spin_iteration *it, const struct spin_access *a)
{
    for (unsigned k = it->access_count; k-- > 0;)
        if (it->access[k].store && overlap(&it->access[k], a))
            return (int)k;
    return -1;
}

/* The registers that the address of an access by @i is made of. */
static uint64_t address_registers(const struct insn *i)
{
    unsigned reads = a64_rows[i->op].reads;

    return (reads & ROLE_RN ? BIT(i->rn) : 0) | (reads & ROLE_RM ? BIT(i->rm) : 0);
}

/* Note the access that @i is about to make, which then hits in L1. False: it is of a kind that
 * cannot be followed. */
static bool note_access(struct spin_iteration *it, const struct cpu *cpu, const struct insn *i,
                        bool operands_late)
{
    bool load = a64_is(i->op, FACT_LD);
    uint64_t va;
    unsigned size = access_range(cpu, i, &va);

    if (!size || it->access_count == SPIN_ACCESSES || load == a64_is(i->op, FACT_ST) ||
        (it->x_late & address_registers(i)) || (i->rn == REG_SP && (cpu->x[REG_SP] & 15)))
        return false;
    struct spin_access *a = &it->access[it->access_count];
    *a = (struct spin_access){.host = mem_fast(load ? cpu->bank->r : cpu->bank->w, va, size),
                              .size = size,
                              .store = !load,
                              .late = !load && operands_late};
    if (!a->host)
        return false;
    a->source = load ? source_of(it, a) : -1;
    if (a->source >= 0) {
        const struct spin_access *from = &it->access[a->source];
        if (!inside(a, from))
            return false;
        a->late = from->late;
    } else if (load) {
        memcpy(a->bytes, a->host, size);
    }
    it->access_count++;
    return true;
}

/* What @i writes late if it is: not the base of an access. */
static uint64_t late_writes(const struct insn *i, const struct use *use)
{
    return use->x_writes & ~(a64_is(i->op, FACT_WB) ? BIT(i->rn) : 0);
}

/* Note @i, which is late: its operands that are not. */
static bool note_late(struct spin_iteration *it, const struct cpu *cpu, const struct insn *i,
                      const struct use *use, int access)
{
    struct spin_late *l = &it->late[it->late_count++];
    uint64_t fixed = use->x_reads & ~it->x_late;

    *l = (struct spin_late){.i = i,
                            .access = access,
                            .x_reads = use->x_reads,
                            .x_writes = late_writes(i, use),
                            .flags_read = use->flags_read,
                            .flags_written = use->flags_written,
                            .fixed_flags = use->flags_read & ~it->flags_late,
                            .flags = flags_of(cpu)};
    for (; fixed; fixed &= fixed - 1) {
        if (l->operands == SPIN_OPERANDS)
            return false;
        l->reg[l->operands] = (uint8_t)__builtin_ctzll(fixed);
        l->value[l->operands] = cpu->x[l->reg[l->operands]];
        l->operands++;
    }
    return !(a64_rows[i->op].facts & (BIT(FACT_INDIRECT) | BIT(FACT_TRAP)));
}

/* Note what @i, about to be executed, reads and writes. False: it ends the analysis. */
static bool note(struct spin_iteration *it, const struct cpu *cpu, const struct insn *i)
{
    struct use use;
    int access = -1;

    if (it->length == SPIN_STEPS || !is_pure(cpu, i, &use))
        return false;
    bool late = (use.x_reads & it->x_late) || (use.flags_read & it->flags_late);
    if (a64_is(i->op, FACT_LD) || a64_is(i->op, FACT_ST)) {
        if (!note_access(it, cpu, i, late))
            return false;
        access = (int)it->access_count - 1;
        late = it->access[access].late;
    }
    if (late && !note_late(it, cpu, i, &use, access))
        return false;
    it->x_entry |= use.x_reads & ~it->x_written;
    it->flags_entry |= use.flags_read & ~it->flags_written;
    it->x_written |= use.x_writes;
    it->flags_written |= use.flags_written;
    it->x_late &= ~use.x_writes;
    it->flags_late &= ~use.flags_written;
    if (late) {
        it->x_late |= late_writes(i, &use);
        it->flags_late |= use.flags_written;
    }
    it->length++;
    return true;
}

/* The record at cpu->pc, which the plain loop has executed before and would go on with. */
static const struct insn *next_record(struct cpu *cpu)
{
    const struct insn *i = cpu_fetch_fast(cpu, cpu->pc);

    if (!i || !interp_is_decoded(i))
        return NULL;
    return cpu->ps.btype && (i->op == A64_BRK || cpu_in_guarded_page(cpu)) ? NULL : i;
}

/* Execute from behind the read of the counter until the CPU is there again. False: it did not come
 * to that; what has been executed has been. */
static bool trace(struct spin_iteration *it, struct cpu *cpu, uint64_t read_pc)
{
    while (cpu->left > 0) {
        const struct insn *i = next_record(cpu);
        unsigned late = it->late_count;

        if (i && cpu->pc == read_pc)
            return true;
        if (!i || !note(it, cpu, i))
            return false;
        cpu->ps.btype = 0;
        cpu->counted = i;
        enum exec_result r = cpu_execute(cpu, i);
        if (it->late_count != late)
            it->late[late].result = r;
        if (r != EXEC_NEXT && r != EXEC_BRANCH && r != EXEC_JUMP)
            return false;
    }
    return false;
}

/* Memory that the iteration reads, and then writes, must be as before. What depends on the counter
 * must be written by nothing else. */
static bool memory_repeats(const struct spin_iteration *it)
{
    for (unsigned k = 0; k < it->access_count; k++) {
        const struct spin_access *a = &it->access[k];
        bool outer = !a->store && a->source < 0;
        if (outer && memcmp(a->host, a->bytes, a->size))
            return false;
        if (!outer && !(a->store && !a->late))
            continue;
        for (unsigned n = 0; n < it->access_count; n++)
            if (it->access[n].store && it->access[n].late && overlap(a, &it->access[n]))
                return false;
    }
    return true;
}

/* Would the next iteration do the same, the counter apart? */
static bool repeats(const struct spin_iteration *it, const struct cpu *cpu)
{
    uint64_t carried = it->x_entry & it->x_written;
    unsigned flags = it->flags_entry & it->flags_written;

    if ((carried & it->x_late) || (flags & it->flags_late) ||
        ((it->nzcv_start ^ cpu_nzcv(cpu)) & flags))
        return false;
    for (; carried; carried &= carried - 1) {
        unsigned n = (unsigned)__builtin_ctzll(carried);
        if (it->x_start[n] != cpu->x[n])
            return false;
    }
    return memory_repeats(it);
}

/* Do what is late in an iteration that reads @count. False: a branch goes another way than in the
 * loop, where it ends. */
static bool redo(const struct spin_iteration *it, struct cpu *cpu, uint64_t count,
                 struct spin_results *out)
{
    out->count = count;
    cpu->x[it->read->rd] = count;
    for (unsigned k = 0; k < it->late_count; k++) {
        const struct spin_late *l = &it->late[k];
        for (unsigned n = 0; n < l->operands; n++)
            cpu->x[l->reg[n]] = l->value[n];
        set_flags(cpu, &l->flags, l->fixed_flags);
        if (exec_fns[l->i->op](cpu, l->i) != l->result)
            return false;
        out->value[k] = cpu->x[l->i->rd];
        out->nzcv[k] = (uint8_t)cpu_nzcv(cpu);
    }
    return true;
}

/* Registers and flags that are not late are the same after each iteration. */
static void restore(struct cpu *cpu, const uint64_t *x, const struct spin_flags *f,
                    const struct spin_iteration *it)
{
    for (unsigned n = 0; n < REG_COUNT; n++)
        if (!bit(it->x_late, n))
            cpu->x[n] = x[n];
    set_flags(cpu, f, ~it->flags_late);
}

/* What iteration @n from now will read. */
static uint64_t count_ahead(const struct spin_iteration *it, struct cpu *cpu, uint64_t n)
{
    int64_t left = cpu->left;

    cpu->left -= (int64_t)(n * it->length);
    uint64_t count = cpu_sysreg_get(cpu, it->counter);
    cpu->left = left;
    return count;
}

/* In front of the read of the counter, after an iteration that repeats: make as many more as there
 * are, by halves of what is left. Return: false if the loop's end came before the slice's. */
static bool carry_forward(const struct spin_iteration *it, struct cpu *cpu)
{
    const uint64_t max = (uint64_t)cpu->left / it->length;
    const struct spin_flags flags = flags_of(cpu);
    struct spin_results results[2], *now = &results[0], *next = &results[1];
    uint64_t x[REG_COUNT], done = 0, step = max;

    memcpy(x, cpu->x, sizeof(x));
    redo(it, cpu, it->count, now);
    while (step && done < max) {
        step = step < max - done ? step : max - done;
        uint64_t count = count_ahead(it, cpu, done + step - 1);
        if (count == now->count) {
            done += step;
        } else if (redo(it, cpu, count, next) && (step == 1 || spin_is_steady(it, now, next))) {
            struct spin_results *last = now;
            now = next;
            next = last;
            done += step;
        } else {
            step /= 2;
        }
    }
    redo(it, cpu, now->count, now);
    restore(cpu, x, &flags, it);
    cpu->left -= (int64_t)(done * it->length);
    cpu->spin.skipped += done * it->length;
    return done && done == max;
}

/* What to expect of the next read: with @again that the loop is carried forward at once, because
 * only the slice has ended. */
static void expect(struct cpu *cpu, const struct spin_iteration *it, bool again, bool in_vain)
{
    struct spin *s = &cpu->spin;

    s->at = cpu_retired(cpu) - it->length;
    s->period = it->length;
    if (!again)
        s->times = 0;
    s->rest = in_vain ? s->rest_next : 0;
    if (!in_vain)
        s->rest_next = SPIN_TIMES;
    else if (s->rest_next < REST_MAX)
        s->rest_next *= 2;
}

/* May a loop be carried forward now? */
static bool may_skip(const struct cpu *cpu)
{
    return cpu->left > (int64_t)(2 * cpu->spin.period) && !cpu_marks(cpu) && !cpu->irq_check &&
           !*cpu->env.pause && !(cpu->wanted & LOOP_EVENTS) && !cpu_accesses_observed(cpu) &&
           !cpu_needs_observed(cpu);
}

/* The record of the read, which the plain loop has just executed at @pc. NULL: it is not so. */
static const struct insn *read_record(struct cpu *cpu, uint64_t pc)
{
    const struct insn *i = cpu->pc == pc + 4 ? cpu_fetch_fast(cpu, pc) : NULL;

    return i && interp_is_decoded(i) && i->op == A64_MRS ? i : NULL;
}

void spin_run(struct cpu *cpu)
{
    struct spin_iteration it;
    uint64_t read_pc = cpu->spin.pc;
    bool again = false;

    cpu->spin.due = false;
    it.read = read_record(cpu, read_pc);
    if (!it.read || !may_skip(cpu))
        return;
    it.counter = cpu->spin.counter;
    it.count = cpu->x[it.read->rd];
    it.length = 1;
    memcpy(it.x_start, cpu->x, sizeof(it.x_start));
    it.nzcv_start = cpu_nzcv(cpu);
    it.x_entry = it.flags_entry = it.flags_written = it.flags_late = 0;
    it.x_written = it.x_late = BIT(it.read->rd);
    it.access_count = it.late_count = 0;

    bool same = trace(&it, cpu, read_pc) && repeats(&it, cpu);
    if (same)
        again = carry_forward(&it, cpu);
    expect(cpu, &it, again, !same);
}
