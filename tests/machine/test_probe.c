/* Every event is fired by a program, with its fields; who wants it somewhere gets it there only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/sysreg.h"
#include "armillary.h"
#include "base/bits.h"

#define RAM   UINT64_C(0x40000000)
#define ENTRY (RAM + 0x80000)
#define DATA  (RAM + 0x2000)

/* Where an instruction of the guest stands. */
#define AT(word) (ENTRY + 4 * (word))

/* EL2, then EL1, which calls EL2 by HVC, which waits. */
#define VECTORS 0x800
static const uint32_t guest[(VECTORS + 0x404) / 4] = {
    0xd500419f,
    0xd2a80001,
    0xd2824682, /*  0: msr pan,#1; mov x1,#RAM; mov x2,#0x1234 */
    0xd51cd042,
    0xd53cd043,
    0x91400824, /*  3: msr tpidr_el2,x2; mrs x3,tpidr_el2; add x4,x1,#DATA */
    0xa9000482,
    0xc85f7c85,
    0x08dffc86, /*  6: stp x2,x1,[x4]; ldxr x5,[x4]; ldarb w6,[x4] */
    0x3dc00087,
    0xd50c8322,
    0xd50c8422, /*  9: ldr q7,[x4]; tlbi vae2is,x2; tlbi ipas2e1,x2 */
    0xd5033a9f,
    0xd50331bf,
    0xd5033fdf, /* 12: dsb ishst; dmb oshld; isb */
    0xd50b7e24,
    0xd508751f,
    0xd2a12007, /* 15: dc civac,x4; ic iallu; mov x7,#UART */
    0x52800428,
    0x390000e8,
    0xd2b00009, /* 18: mov w8,#'!'; strb w8,[x7]; mov x9,#HCR_EL2.RW */
    0xd51c1109,
    0x100000ea,
    0xd51c402a, /* 21: msr hcr_el2,x9; adr x10,AT(29); msr elr_el2,x10 */
    0xd28078ab,
    0xd51c400b,
    0x10003ccc, /* 24: mov x11,#0x3c5; msr spsr_el2,x11; adr x12,VECTORS */
    0xd51cc00c,
    0xd69f03e0,
    0xd538d08d,                           /* 27: msr vbar_el2,x12; eret; 29: mrs x13,tpidr_el1 */
    0xd40000a2,                           /* 30: hvc #5 */
    [(VECTORS + 0x400) / 4] = 0xd503207f, /* wfi */
};

#define EVENTS_MAX 512

struct events {
    unsigned count;
    struct arm_event e[EVENTS_MAX];
};

static void keep(void *ctx, const struct arm_event *p)
{
    struct events *events = ctx;

    assert_true(events->count < EVENTS_MAX);
    events->e[events->count++] = *p;
}

static struct arm_machine *create(void)
{
    char path[] = "/tmp/armillary-test-XXXXXX";
    const struct arm_blob blob = {.path = path, .addr = ENTRY, .force_raw = true, .cpu = 0};
    struct arm_error err = {0};
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, guest, sizeof(guest)), sizeof(guest));
    close(fd);
    struct arm_machine *m = arm_machine_new(&(struct arm_config){.size = sizeof(struct arm_config),
                                                                 .cpus = 2,
                                                                 .ram_size = UINT64_C(4) << 20,
                                                                 .el2 = true,
                                                                 .blobs = &blob,
                                                                 .blob_count = 1},
                                            &err);
    unlink(path);
    if (!m)
        fail_msg("%s", err.text);
    return m;
}

/* All that the guest does, as seen by a subscriber with @filter. */
static void observe(const struct arm_filter *filter, struct events *events)
{
    struct arm_machine *m = create();

    events->count = 0;
    assert_true(arm_subscribe(m, filter, keep, events) > 0);
    assert_int_equal(arm_run(m, 0), ARM_STOP_IDLE);
    arm_machine_free(m);
}

static const struct arm_filter everything = {.size = sizeof(struct arm_filter),
                                             .events = MASK(ARM_EVENT_COUNT - 1, 0)};

/* The event @event of the instruction at @pc. */
static const struct arm_event *find(const struct events *events, enum arm_event_kind event,
                                    uint64_t pc)
{
    for (unsigned k = 0; k < events->count; k++)
        if (events->e[k].kind == event && events->e[k].pc == pc)
            return &events->e[k];
    fail_msg("no %s at %#llx", arm_event_name(event), (unsigned long long)pc);
    return NULL;
}

static void test_every_event_carries_its_fields(void **state)
{
    (void)state;
    static struct events all;
    const struct arm_event *p;

    observe(&everything, &all);

    p = find(&all, ARM_EVENT_INSN, AT(4));
    assert_int_equal(p->insn.word, guest[4]);
    assert_int_equal(p->insn.pa, AT(4));
    assert_int_equal(p->count, 4);
    assert_int_equal(p->el, 2);
    assert_int_equal(p->cpu, 0);
    assert_false(p->guest);

    p = find(&all, ARM_EVENT_SYSREG_WRITE, AT(0));
    assert_int_equal(p->sysreg_write.sr, SR_PAN);
    assert_int_equal(p->sysreg_write.reg, ARM_NO_REG);
    assert_int_equal(p->sysreg_write.before, 0);
    assert_int_equal(p->sysreg_write.after, BIT(22));

    p = find(&all, ARM_EVENT_SYSREG_WRITE, AT(3));
    assert_int_equal(p->sysreg_write.sr, SR_TPIDR_EL2);
    assert_int_equal(p->sysreg_write.name, SR_TPIDR_EL2);
    assert_int_equal(p->sysreg_write.reg, 2);
    assert_int_equal(p->sysreg_write.value, 0x1234);
    assert_int_equal(p->sysreg_write.after, 0x1234);
    assert_int_not_equal(p->sysreg_write.before, 0x1234);

    p = find(&all, ARM_EVENT_SYSREG_READ, AT(4));
    assert_int_equal(p->sysreg_read.sr, SR_TPIDR_EL2);
    assert_int_equal(p->sysreg_read.reg, 3);
    assert_int_equal(p->sysreg_read.value, 0x1234);

    p = find(&all, ARM_EVENT_MEM, AT(6));
    assert_int_equal(p->mem.kind, ARM_MEM_WRITE | ARM_MEM_PAIR);
    assert_int_equal(p->mem.va, DATA);
    assert_int_equal(p->mem.pa, DATA);
    assert_int_equal(p->mem.value[0], 0x1234);

    p = find(&all, ARM_EVENT_MEM, AT(7));
    assert_int_equal(p->mem.kind, ARM_MEM_EXCLUSIVE);
    assert_int_equal(p->mem.size, 8);
    assert_int_equal(p->mem.reg, 5);
    assert_int_equal(p->mem.value[0], 0x1234);

    p = find(&all, ARM_EVENT_MEM, AT(8));
    assert_int_equal(p->mem.kind, ARM_MEM_ORDERED);
    assert_int_equal(p->mem.size, 1);
    assert_int_equal(p->mem.value[0], 0x34);

    p = find(&all, ARM_EVENT_MEM, AT(9));
    assert_int_equal(p->mem.kind, ARM_MEM_FP);
    assert_int_equal(p->mem.size, 16);
    assert_int_equal(p->mem.reg, 7);
    assert_int_equal(p->mem.value[0], 0x1234);
    assert_int_equal(p->mem.value[1], RAM);

    p = find(&all, ARM_EVENT_TLBI, AT(10));
    assert_int_equal(p->tlbi.op, SR_TLBI_VAE2IS);
    assert_int_equal(p->tlbi.operand, 0x1234);
    assert_int_equal(p->tlbi.regime, 1);
    assert_int_equal(p->tlbi.scope, ARM_TLBI_VA);
    assert_int_equal(p->tlbi.start, 0x1234000);
    assert_int_equal(p->tlbi.end, 0x1235000);
    assert_true(p->tlbi.broadcast);
    assert_false(p->tlbi.stage2);

    p = find(&all, ARM_EVENT_TLBI, AT(11));
    assert_int_equal(p->tlbi.regime, 0);
    assert_int_equal(p->tlbi.scope, ARM_TLBI_IPA);
    assert_false(p->tlbi.broadcast);
    assert_true(p->tlbi.stage2);

    p = find(&all, ARM_EVENT_BARRIER, AT(12));
    assert_int_equal(p->barrier.kind, ARM_BARRIER_DSB);
    assert_int_equal(p->barrier.domain, 2);
    assert_int_equal(p->barrier.type, 2);
    p = find(&all, ARM_EVENT_BARRIER, AT(13));
    assert_int_equal(p->barrier.kind, ARM_BARRIER_DMB);
    assert_int_equal(p->barrier.domain, 0);
    assert_int_equal(p->barrier.type, 1);
    assert_int_equal(find(&all, ARM_EVENT_BARRIER, AT(14))->barrier.kind, ARM_BARRIER_ISB);

    p = find(&all, ARM_EVENT_CACHE, AT(15));
    assert_int_equal(p->cache.op, SR_DC_CIVAC);
    assert_true(p->cache.by_va);
    assert_int_equal(p->cache.pa, DATA);
    assert_false(find(&all, ARM_EVENT_CACHE, AT(16))->cache.by_va);

    p = find(&all, ARM_EVENT_MMIO, AT(19));
    assert_int_equal(p->mmio.pa, 0x09000000);
    assert_int_equal(p->mmio.size, 1);
    assert_true(p->mmio.write);
    assert_int_equal(p->mmio.value, '!');
    assert_int_equal(find(&all, ARM_EVENT_MEM, AT(19))->mem.kind, ARM_MEM_WRITE | ARM_MEM_DEVICE);

    p = find(&all, ARM_EVENT_ERET, AT(28));
    assert_int_equal(p->eret.target, AT(29));
    assert_int_equal(p->eret.spsr, 0x3c5);
    assert_int_equal(p->eret.target_el, 1);
    assert_true(p->eret.legal);
    assert_int_equal(p->el, 2);

    p = find(&all, ARM_EVENT_CALL, AT(30));
    assert_int_equal(p->call.kind, ARM_CALL_HVC);
    assert_int_equal(p->call.imm, 5);
    assert_int_equal(p->el, 1);

    p = find(&all, ARM_EVENT_EXCEPTION, AT(31)); /* where it returns to */
    assert_int_equal(p->el, 1);
    assert_int_equal(p->exception.target_el, 2);
    assert_int_equal(p->exception.vector, 0x400);
    assert_int_equal(p->exception.esr, UINT64_C(0x5a000005));
    assert_int_equal(p->exception.spsr & 0xf, 5);

    assert_false(find(&all, ARM_EVENT_WFX, ENTRY + VECTORS + 0x400)->wfx.wfe);
}

static unsigned count(const struct events *events, enum arm_event_kind event, unsigned el)
{
    unsigned n = 0;

    for (unsigned k = 0; k < events->count; k++)
        n += events->e[k].kind == event && events->e[k].el == el;
    return n;
}

static void test_a_subscriber_of_an_el_sees_what_happens_there_and_its_crossings(void **state)
{
    (void)state;
    static struct events e;
    struct arm_filter filter = everything;

    filter.els = BIT(1);
    observe(&filter, &e);
    assert_int_equal(count(&e, ARM_EVENT_INSN, 1), 2);
    assert_int_equal(count(&e, ARM_EVENT_INSN, 2), 0);
    assert_int_equal(count(&e, ARM_EVENT_SYSREG_READ, 1), 1);
    assert_int_equal(count(&e, ARM_EVENT_ERET, 2), 1); /* leads here */
    assert_int_equal(count(&e, ARM_EVENT_EXCEPTION, 1), 1);
    filter.els = BIT(2);
    observe(&filter, &e);
    assert_int_equal(count(&e, ARM_EVENT_INSN, 1), 0);
    assert_int_equal(count(&e, ARM_EVENT_INSN, 2), 29 + 1);
    assert_int_equal(count(&e, ARM_EVENT_EXCEPTION, 1), 1);
    filter.els = BIT(0);
    observe(&filter, &e);
    assert_int_equal(e.count, 0);
}

static void test_a_subscriber_of_a_cpu_or_a_world_sees_only_them(void **state)
{
    (void)state;
    static struct events e;
    struct arm_filter filter = everything;

    filter.cpus[0] = BIT(1); /* off */
    observe(&filter, &e);
    assert_int_equal(e.count, 0);
    filter.cpus[0] = BIT(0);
    filter.worlds = ARM_WORLD_GUEST; /* stage 2 is off: there is none */
    observe(&filter, &e);
    assert_int_equal(count(&e, ARM_EVENT_INSN, 1) + count(&e, ARM_EVENT_INSN, 2), 0);
    filter.worlds = ARM_WORLD_HOST;
    observe(&filter, &e);
    assert_int_equal(count(&e, ARM_EVENT_INSN, 1), 2);
}

static void test_a_subscription_ends_by_its_handle(void **state)
{
    (void)state;
    static struct events first, second;
    struct arm_machine *m = create();

    first.count = second.count = 0;
    int a = arm_subscribe(m, &everything, keep, &first);
    int b = arm_subscribe(m, &everything, keep, &second);
    assert_true(a > 0 && b > 0 && a != b);
    assert_int_equal(arm_run(m, 5), ARM_STOP_LIMIT);
    assert_true(arm_unsubscribe(m, a));
    assert_false(arm_unsubscribe(m, a));
    unsigned seen = first.count;
    assert_int_equal(arm_run(m, 0), ARM_STOP_IDLE);
    assert_int_equal(first.count, seen);
    assert_true(second.count > seen);
    for (int k = 0; k < ARM_SUBSCRIBERS_MAX - 1; k++)
        assert_true(arm_subscribe(m, &everything, keep, &first) > b);
    assert_int_equal(arm_subscribe(m, &everything, keep, &first), 0);
    arm_machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_event_carries_its_fields),
        cmocka_unit_test(test_a_subscriber_of_an_el_sees_what_happens_there_and_its_crossings),
        cmocka_unit_test(test_a_subscriber_of_a_cpu_or_a_world_sees_only_them),
        cmocka_unit_test(test_a_subscription_ends_by_its_handle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
