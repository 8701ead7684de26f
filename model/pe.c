#include "model/pe.h"

#include <glib.h>
#include <string.h>

#include "model/pe_issue.h"

void pe_init(struct pe *pe, const struct arm_core *core, struct memory *mem, unsigned cpu)
{
    memset(pe, 0, sizeof(*pe));
    pe->core = core;
    pe->mem = mem;
    pe->cpu = cpu;
    predictor_init(&pe->predictor, core);
    tlbs_init(&pe->tlbs, core);
}

void pe_free(struct pe *pe)
{
    predictor_free(&pe->predictor);
    tlbs_free(&pe->tlbs);
}

uint64_t pe_cycles(const struct pe *pe)
{
    return issue_now(pe) - pe->base;
}

void pe_reset(struct pe *pe, bool cold)
{
    pe->base = issue_now(pe);
    memset(&pe->n, 0, sizeof(pe->n));
    if (cold) {
        predictor_clear(&pe->predictor, pe->core);
        tlbs_clear(&pe->tlbs);
        pe->fetch_line = 0;
    }
}

/* ---- fetch ---- */

static void fetch(struct pe *pe, const struct step *s)
{
    uint64_t line = (s->pa >> pe->mem->line_log2) + 1;

    if (line == pe->fetch_line)
        return;
    pe->fetch_line = line;
    uint64_t now = issue_front(pe);
    unsigned cycles = tlbs_find(&pe->tlbs, pe->mem, pe->cpu, s->mapping, true, now, &pe->n);
    if (s->mapping->cached || pe->core->v[P_uncached] == UNCACHED_IGNORE)
        cycles += memory_fetch(pe->mem, pe->cpu, s->pa, now + cycles, &pe->n);
    else
        cycles += pe->core->v[P_lat_memory];
    issue_hold(pe, now + cycles, &pe->n.fetch_stalls);
}

/* ---- loads and stores ---- */

/* The accesses of an instruction have one line each, or two where they cross one. */
static unsigned for_lines(struct pe *pe, const struct step_access *a, uint64_t now, bool write)
{
    uint64_t mask = ((uint64_t)1 << pe->mem->line_log2) - 1;
    uint64_t first = a->pa & ~mask, last = (a->pa + a->size - 1) & ~mask;
    unsigned longest = 0;

    for (uint64_t line = first; line <= last; line += mask + 1) {
        unsigned cycles = write ? memory_store(pe->mem, pe->cpu, line, now, &pe->n)
                                : memory_load(pe->mem, pe->cpu, line, now, &pe->n);
        longest = MAX(longest, cycles);
    }
    return longest;
}

static unsigned access_cycles(struct pe *pe, const struct step_access *a, uint64_t now)
{
    if (a->device) {
        pe->n.device_accesses++;
        return pe->core->v[P_lat_device];
    }
    if (!a->mapping->cached && pe->core->v[P_uncached] == UNCACHED_OBEY)
        return pe->core->v[P_lat_memory];
    return for_lines(pe, a, now, a->write);
}

/* The store enters the buffer at @at, or when there is room. */
static uint64_t buffer_store(struct pe *pe, const struct step_access *a, uint64_t at)
{
    const uint32_t *v = pe->core->v;
    uint64_t *oldest = &pe->stores[pe->store_next];

    if (*oldest > at) {
        pe->n.store_stalls += *oldest - at;
        at = *oldest;
    }
    uint64_t filled = at + access_cycles(pe, a, at);
    uint64_t drained = MAX(at, pe->stores_end) + v[P_store_drain];
    *oldest = MAX(filled, drained);
    pe->stores_end = MAX(pe->stores_end, *oldest);
    pe->store_next = (pe->store_next + 1) % v[P_store_buffer];
    return at;
}

/* What loads and stores do, from @at on. Return: when the last value is there, beside the latency
 * of a hit; *issue moves where the pipeline has to wait for room. */
static uint64_t do_accesses(struct pe *pe, const struct step *s, const struct step_access *a,
                            uint64_t *issue)
{
    uint64_t done = *issue;

    for (unsigned k = 0; k < s->access_count; k++, a++) {
        uint64_t at = *issue;
        unsigned cycles = tlbs_find(&pe->tlbs, pe->mem, pe->cpu, a->mapping, false, at, &pe->n);
        at += cycles;
        if (a->write) {
            pe->n.stores++;
            at = buffer_store(pe, a, at);
            *issue = MAX(*issue, at);
        } else {
            pe->n.loads++;
            /* A walk holds what comes behind; a miss only what needs the value. */
            if (!pe->core->v[P_window])
                *issue = at;
            at += access_cycles(pe, a, at);
        }
        done = MAX(done, at);
    }
    return done;
}

/* Cycles for which a load or store has its unit: wide ones take several. */
static unsigned access_slots(const struct pe *pe, const struct step *s, const struct step_access *a)
{
    unsigned bytes = 0;

    for (unsigned k = 0; k < s->access_count; k++)
        bytes += a[k].size;
    return MAX(1, (bytes + pe->core->v[P_access_bytes] - 1) / pe->core->v[P_access_bytes]);
}

static unsigned memory_extra(const struct pe *pe, const struct op *o)
{
    const uint32_t *v = pe->core->v;

    return (o->class == CLASS_ATOMIC ? v[P_atomic] : 0) + (o->exclusive ? v[P_exclusive] : 0) +
           (o->acquire ? v[P_acquire] : 0) + (o->release ? v[P_release] : 0);
}

/* ---- branches ---- */

static void branch(struct pe *pe, const struct step *s, uint64_t done)
{
    const uint32_t *v = pe->core->v;
    const struct op *o = s->op;
    bool taken = s->next != s->pc + 4;

    pe->n.branches++;
    pe->n.taken += taken;
    pe->n.indirect += o->indirect && !o->is_return;
    pe->n.returns += o->is_return;
    struct prediction p = predict(&pe->predictor, pe->core, s);
    pe->n.btb_misses += p.target_late;
    if (!p.right) {
        pe->n.mispredicts++;
        pe->n.indirect_misses += o->indirect && !o->is_return;
        pe->n.return_misses += o->is_return;
        issue_redirect(pe, done + v[P_mispredict], &pe->n.branch_stalls);
        pe->fetch_line = 0;
    } else if (taken) {
        unsigned cycles = v[P_taken_branch] + (p.target_late ? v[P_btb_miss] : 0);
        if (cycles)
            issue_redirect(pe, issue_front(pe) + cycles, &pe->n.branch_stalls);
    }
}

/* ---- the system ---- */

static void count_system(struct pe *pe, enum op_class c)
{
    pe->n.barriers += c == CLASS_ISB || c == CLASS_DSB || c == CLASS_DMB;
    pe->n.tlbis += c == CLASS_TLBI;
    pe->n.cache_ops += c == CLASS_CACHE_OP;
    pe->n.exception_returns += c == CLASS_ERET;
    pe->n.sysreg_reads += c >= CLASS_MRS_PLAIN && c <= CLASS_MRS_DEBUG;
    pe->n.sysreg_writes += c >= CLASS_MSR_PLAIN && c <= CLASS_MSR_DEBUG;
}

/* What the class waits for before it does anything. */
static uint64_t waits_until(const struct pe *pe, enum op_class c, uint64_t at)
{
    switch (c) {
    case CLASS_DSB:
        return MAX(at, MAX(pe->loads_end, pe->stores_end));
    case CLASS_DMB:
        return MAX(at, pe->loads_end);
    case CLASS_ISB:
    case CLASS_ERET:
        return MAX(at, pe->retired);
    default:
        return at;
    }
}

static void system_insn(struct pe *pe, const struct step *s)
{
    enum op_class c = (enum op_class)s->op->class;
    uint64_t at = issue_alone(pe, s->op);
    uint64_t begin = waits_until(pe, c, at);
    uint64_t end = begin + pe->core->v[op_class_latency(c)];

    count_system(pe, c);
    if (c == CLASS_TLBI)
        pe->tlbi_pending = true;
    if (c == CLASS_DSB && pe->tlbi_pending) {
        end += pe->core->v[P_tlbi_sync];
        pe->tlbi_pending = false;
    }
    for (unsigned k = 0; k < s->op->write_count; k++)
        pe->ready[s->op->writes[k]] = end;
    issue_done(pe, end);
    issue_redirect(pe, end, &pe->n.system_stalls);
    if (c == CLASS_ISB || c == CLASS_ERET)
        pe->fetch_line = 0;
}

static void exception(struct pe *pe, const struct step *s)
{
    const uint32_t *v = pe->core->v;

    pe->n.exceptions++;
    pe->n.traps += s->trap;
    pe->n.interrupts += s->interrupt;
    issue_redirect(pe, issue_now(pe) + v[s->interrupt ? P_interrupt_entry : P_exception_entry],
                   &pe->n.system_stalls);
    pe->fetch_line = 0;
}

/* ---- an instruction ---- */

static void write_results(struct pe *pe, const struct op *o, uint64_t issue, uint64_t done)
{
    for (unsigned k = 0; k < o->write_count; k++)
        pe->ready[o->writes[k]] = done;
    if (o->base < SB_COUNT)
        pe->ready[o->base] = issue + pe->core->v[P_lat_alu];
}

static void ordinary_insn(struct pe *pe, const struct step *s, const struct step_access *a)
{
    const struct op *o = s->op;
    unsigned slots = s->access_count ? access_slots(pe, s, a) : 1;
    uint64_t issue = issue_insn(pe, o, slots), done = issue;

    if (s->access_count) {
        done = do_accesses(pe, s, a, &issue) + memory_extra(pe, o);
        issue_moved(pe, issue);
    }
    done += pe->core->v[op_class_latency((enum op_class)o->class)];
    if (o->unit == UNIT_LOAD || o->class == CLASS_ATOMIC)
        pe->loads_end = MAX(pe->loads_end, done);
    if (o->unit == UNIT_STORE && o->class != CLASS_ATOMIC && !o->exclusive)
        done = issue + 1; /* in the buffer */
    write_results(pe, o, issue, done);
    if (o->blocks)
        pe->unit_free[o->unit] = done;
    issue_done(pe, done);
    if (o->branch && s->completed)
        branch(pe, s, done);
}

void pe_step(struct pe *pe, const struct step *s, const struct step_access *accesses)
{
    if (s->kind == STEP_EXCEPTION) {
        exception(pe, s);
        return;
    }
    fetch(pe, s);
    pe->n.instructions += s->completed;
    if (s->op->unit == UNIT_SYSTEM && s->completed)
        system_insn(pe, s);
    else
        ordinary_insn(pe, s, accesses);
}
