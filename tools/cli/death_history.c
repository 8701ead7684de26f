/* What a run has been through, found out by running it again: while it lives nothing is noted. */
#include <string.h>

#include "arch/psci.h"
#include "death_trace.h"
#include "runner.h"

static void note_exception(struct death_history *h, const struct arm_event *p)
{
    struct death_fault f = death_fault_of(p);

    f.at_once = f.count == h->returned[p->cpu] + 1;
    h->last[h->exceptions++ % DEATH_EXCEPTIONS] = f;
    struct death_fault *open = &h->open[p->cpu][f.el], *first = &h->first[p->cpu][f.el];
    if (!first->valid)
        *first = f;
    if (!open->valid || (!death_is_error(open) && death_is_error(&f)))
        *open = f;
}

static void note_return(struct death_history *h, const struct arm_event *p)
{
    struct death_return r = {.valid = true,
                             .from = p->el,
                             .to = p->eret.target_el,
                             .pc = p->pc,
                             .target = p->eret.target,
                             .spsr = p->eret.spsr,
                             .count = p->count};

    h->returned[p->cpu] = p->count;
    h->open[p->cpu][p->el].valid = h->first[p->cpu][p->el].valid = false;
    if (p->eret.legal)
        h->entered[p->cpu] = r;
    else
        h->illegal[p->cpu] = r;
}

static void note_write(struct death_history *h, const struct arm_event *p)
{
    gint64 key = (gint64)p->cpu << 32 | p->sysreg_write.sr;
    struct death_write w = {.number = p->sysreg_write.sr,
                            .cpu = p->cpu,
                            .el = p->el,
                            .pc = p->pc,
                            .count = p->count,
                            .value = p->sysreg_write.value,
                            .before = p->sysreg_write.before,
                            .after = p->sysreg_write.after};

    g_hash_table_replace(h->writes, g_memdup2(&key, sizeof(key)), g_memdup2(&w, sizeof(w)));
}

static bool is_same_call(const struct arm_event *a, const struct arm_event *b)
{
    return a->cpu == b->cpu && a->pc == b->pc && a->firmware.function == b->firmware.function &&
           a->firmware.arg1 == b->firmware.arg1 && a->firmware.result == b->firmware.result;
}

static void note_firmware(struct death_history *h, const struct arm_event *p)
{
    h->calls = is_same_call(&h->called, p) ? h->calls + 1 : 1;
    h->called = *p;
    if ((int64_t)p->firmware.result < 0 || (int32_t)p->firmware.result < 0)
        h->refused = *p;
    else if (p->firmware.function == PSCI_CPU_ON_32 || p->firmware.function == PSCI_CPU_ON_64)
        h->started = *p;
}

static void note(void *ctx, const struct arm_event *p)
{
    struct death_history *h = ctx;

    if (p->cpu >= ARM_CPUS_MAX)
        return;
    if (p->kind == ARM_EVENT_EXCEPTION)
        note_exception(h, p);
    else if (p->kind == ARM_EVENT_ERET)
        note_return(h, p);
    else if (p->kind == ARM_EVENT_SYSREG_WRITE)
        note_write(h, p);
    else if (p->kind == ARM_EVENT_FIRMWARE)
        note_firmware(h, p);
}

/* What a device has not done for the guest, in its words. */
static void note_refusal(void *ctx, enum arm_log_category category, enum arm_log_level level,
                         const char *line)
{
    struct death_history *h = ctx;

    if (level == ARM_LOG_GUEST)
        g_snprintf(h->refusal, sizeof(h->refusal), "%s: %s", arm_log_category_name(category), line);
}

/* Has it come to the same? What came in from outside has not come again. */
static bool is_same(struct arm_machine *a, struct arm_machine *b)
{
    for (unsigned cpu = 0; cpu < arm_cpu_count(a); cpu++) {
        struct arm_position x = arm_cpu_position(a, cpu), y = arm_cpu_position(b, cpu);
        uint64_t pc[2] = {0, 0};
        arm_reg_read(a, cpu, "pc", &pc[0]);
        arm_reg_read(b, cpu, "pc", &pc[1]);
        if (x.insns != y.insns || pc[0] != pc[1])
            return false;
    }
    return true;
}

struct death_history *death_history_new(struct arm_machine *m, const struct run_request *req,
                                        bool ends)
{
    const struct arm_filter filter = {
        .size = sizeof(filter),
        .events = ARM_BIT(ARM_EVENT_EXCEPTION) | ARM_BIT(ARM_EVENT_ERET) |
                  ARM_BIT(ARM_EVENT_SYSREG_WRITE) | ARM_BIT(ARM_EVENT_FIRMWARE)};
    struct death_history *h = g_new0(struct death_history, 1);
    struct arm_log log = {.sink = note_refusal, .ctx = h};
    for (unsigned k = 0; k < ARM_LOG_CATEGORIES_MAX; k++)
        log.level[k] = ARM_LOG_GUEST;
    struct arm_machine *other = death_again(m, req, &log);
    uint64_t insns = arm_machine_position(m).insns;

    if (!other) {
        g_free(h);
        return NULL;
    }
    h->writes = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    arm_subscribe(other, &filter, note, h);
    insns -= arm_machine_position(other).insns;
    arm_run(other, insns + (ends || !insns)); /* what ends it retires nothing */
    bool same = is_same(m, other);
    arm_machine_free(other);
    if (same)
        return h;
    death_history_free(h);
    return NULL;
}

bool death_history_fails(const struct death_history *h, unsigned cpu)
{
    const struct death_fault *before = NULL;

    for (uint64_t k = 0; k < DEATH_EXCEPTIONS && h->exceptions >= DEATH_EXCEPTIONS; k++) {
        const struct death_fault *f = &h->last[(h->exceptions + k) % DEATH_EXCEPTIONS];
        if (f->cpu != cpu || !death_is_error(f) || f->from != f->el || !f->at_once ||
            (before && before->elr == f->elr))
            return false;
        before = f;
    }
    return h->exceptions >= DEATH_EXCEPTIONS;
}

void death_history_free(struct death_history *h)
{
    if (!h)
        return;
    g_hash_table_unref(h->writes);
    g_free(h);
}

const struct death_write *death_written(const struct corpse *c, unsigned cpu, const char *name)
{
    gint64 key = (gint64)cpu << 32 | arm_reg_number(name);

    return c->history ? g_hash_table_lookup(c->history->writes, &key) : NULL;
}

bool death_history_asks(const struct death_history *h, unsigned cpu)
{
    const struct death_fault *last = &h->last[(h->exceptions - 1) % DEATH_EXCEPTIONS];

    for (unsigned k = 0; k < DEATH_EXCEPTIONS && h->exceptions >= DEATH_EXCEPTIONS; k++) {
        const struct death_fault *f = &h->last[k];
        if (f->cpu != cpu || f->elr != last->elr || f->esr != last->esr || f->far != last->far)
            return false;
    }
    return h->exceptions >= DEATH_EXCEPTIONS && death_ec(last) == ESR_EC_DABT_LOW &&
           last->from == 1 && death_access(last) == ARM_ACCESS_READ;
}
