/* The machine of arrays (hyp/fake.h), and what of the core is not portable, as far as the portable
 * parts call it. */
#include "hyp/fake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hyp/boot.h"
#include "hyp/cpu.h"
#include "hyp/gic.h"
#include "hyp/lib.h"
#include "hyp/mem.h"
#include "hyp/opts.h"
#include "hyp/panic.h"
#include "hyp/power.h"
#include "hyp/psci.h"
#include "hyp/pv.h"
#include "hyp/rendezvous.h"
#include "hyp/s2_tables.h"
#include "hyp/trace.h"
#include "hyp/vcpu.h"
#include "tests/hyp/fake_core.h"

struct fake fake;
struct fake_core fake_core;
struct pcpu pcpus[CPUS_MAX];
unsigned pcpu_count = 1;
struct cpu_limits cpu_limits;
struct features cpu_features;
struct gic_frames gic_frames;

static void *pieces[16384];
static unsigned piece_count;

/* What was freed last: full of nonsense, so that who still reads it is noticed. */
#define FREED 64
static void *freed[FREED];
static unsigned freed_next;

void fake_reset(void)
{
    for (unsigned k = 0; k < piece_count; k++)
        free(pieces[k]);
    piece_count = 0;
    memset(freed, 0, sizeof(freed)); /* they were among the pieces */
    memset(&fake, 0, sizeof(fake));
    memset(&fake_core, 0, sizeof(fake_core));
    memset(pcpus, 0, sizeof(pcpus));
    opts_init();
    stage2_forget_guests();
    cpu_limits = (struct cpu_limits){.breakpoints = 6,
                                     .watchpoints = 4,
                                     .counters = 6,
                                     .lrs = 4,
                                     .priority_bits = 5,
                                     .preemption_bits = 5,
                                     .vmid_bits = 8};
    fake.sr[SR_ID_AA64MMFR0_EL1] = 0x00101005 | 1 << 20; /* 48 bits; 4K, 16K and 64K */
    hyp_vhe = false;
    for (unsigned k = 0; k < CPUS_MAX; k++)
        pcpus[k].index = k;
}

void fake_log(enum fake_op op, const char *name, uint64_t arg)
{
    if (fake.logged < FAKE_LOG) {
        fake.log[fake.logged].op = op;
        fake.log[fake.logged].name = name;
        fake.log[fake.logged].arg = arg;
    }
    fake.logged++;
}

struct pcpu *this_cpu(void)
{
    return &pcpus[fake_core.cpu];
}

/* One that is held here would be waited for for ever. */
void fake_before_lock(const struct lock *l)
{
    if (l->next != l->owner)
        panic("a lock is taken twice");
    if (fake_core.before_lock)
        fake_core.before_lock();
}

void *mem_alloc(uint64_t size)
{
    uint64_t room = 4096;
    void *p;

    fake_core.allocations++;
    while (room < size)
        room *= 2;
    p = aligned_alloc(room, room);
    if (!p || piece_count == ARRAY_SIZE(pieces))
        abort();
    memset(p, 0, room);
    pieces[piece_count++] = p;
    return p;
}

static void really_free(void *p)
{
    for (unsigned k = piece_count; p && k--;)
        if (pieces[k] == p) {
            pieces[k] = pieces[--piece_count];
            free(p);
            return;
        }
}

void mem_free(void *p, uint64_t size)
{
    memset(p, 0x5f, size);
    really_free(freed[freed_next % FREED]);
    freed[freed_next++ % FREED] = p;
    fake_core.frees++;
}

void s2_race(void)
{
    if (fake_core.race)
        fake_core.race();
}

void panic(const char *text, ...)
{
    va_list args;

    va_start(args, text);
    vfprintf(stderr, text, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

void print(const char *text, ...)
{
    (void)text;
}

void trace_write(enum trace_event event, uint64_t a, uint64_t b)
{
    (void)event;
    (void)a;
    (void)b;
}

void vcpu_kick(struct vcpu *v)
{
    (void)v;
    fake_core.kicks++;
}

void gic_deactivate(unsigned intid)
{
    fake_core.deactivated[intid % 1024]++;
}

void gic_set_active(unsigned ppi, bool active)
{
    (void)ppi;
    (void)active;
}

void gic_kick(const struct pcpu *cpu)
{
    fake_core.sent[cpu->index]++;
}

void rendezvous_sync(void)
{
    fake_log(FAKE_RENDEZVOUS, "rendezvous_sync", 0);
}

void rendezvous_run(void (*fn)(void *arg), void *arg)
{
    fake_log(FAKE_RENDEZVOUS, "rendezvous_run", 0);
    fn(arg);
}

void *vm_ram(struct vm *vm, uint64_t ipa, uint64_t size)
{
    (void)vm;
    return ipa < sizeof(fake_core.ram) && size <= sizeof(fake_core.ram) - ipa ? fake_core.ram + ipa
                                                                              : NULL;
}

/* A task's stack is none here: who switches goes on, and cpu->current says who that is now. */
void task_switch(uint64_t *from, uint64_t to)
{
    (void)from;
    (void)to;
}

void task_start(void)
{
}

void fp_task_out(struct task *t)
{
    if (fake_core.fp_task == t)
        fake_core.fp_task = NULL;
}

void fp_task_in(struct task *t)
{
    fake_core.fp_task = t;
}

void fp_return_to_task(struct task *t)
{
    (void)t;
}

void vcpu_put(struct vcpu *v)
{
    (void)v;
    fake_core.puts++;
}

void vcpu_wait(struct vcpu *v)
{
    (void)v;
    fake_core.waits++;
}

/* As much of it as does not wait (hyp/vm.c). */
void vcpu_off(struct vcpu *v)
{
    power_leave(v);
}

int64_t pv_call(struct vcpu *v, uint64_t *x)
{
    (void)v;
    (void)x;
    return PSCI_NOT_SUPPORTED;
}
