/* Which world an exception return enters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "checker/worlds.h"

#define HCR_VM  UINT64_C(1)
#define HCR_IMO (UINT64_C(1) << 4)
#define HCR_E2H (UINT64_C(1) << 34)

static struct world *enter(struct worlds *ws, unsigned cpu, uint64_t vttbr, uint64_t vmpidr,
                           uint64_t hcr)
{
    const struct arm_event p = {.kind = ARM_EVENT_WORLD,
                                .cpu = (uint8_t)cpu,
                                .world = {.enter = true,
                                          .vttbr = vttbr,
                                          .vmid = (uint16_t)(vttbr >> 48),
                                          .vmpidr = vmpidr,
                                          .hcr = hcr}};
    return worlds_entered(ws, &p, NULL);
}

static uint64_t vm(unsigned vmid, uint64_t root)
{
    return (uint64_t)vmid << 48 | root;
}

static void leave(struct world *w)
{
    w->running = false;
}

static void test_virtual_cpus_are_told_by_table_and_vmpidr(void **state)
{
    (void)state;
    struct worlds ws = {0};
    struct world *a = enter(&ws, 0, vm(1, 0x1000), 0, HCR_VM), *b, *c;

    assert_string_equal(a->name, "vm1/vcpu0");
    leave(a);
    b = enter(&ws, 0, vm(1, 0x1000), 1, HCR_VM);
    assert_string_equal(b->name, "vm1/vcpu1");
    leave(b);
    c = enter(&ws, 1, vm(2, 0x2000), 0, HCR_VM);
    assert_string_equal(c->name, "vm2/vcpu0");
    /* A VMID is recycled, CnP is no part of the address, and a virtual CPU migrates. */
    assert_ptr_equal(enter(&ws, 1, vm(7, 0x1001), 0, HCR_VM), a);
    assert_int_equal(a->last_pe, 1);
    assert_int_equal(a->vmid, 7);
    assert_int_equal(ws.count, 3);
    assert_string_equal(worlds_design(&ws), "EL2 is the hypervisor, all worlds are guests");
    worlds_free(&ws);
}

static void test_a_host_at_el1_is_a_world_of_its_cpu(void **state)
{
    (void)state;
    struct worlds ws = {0};
    struct world *a = enter(&ws, 0, 0, 0x80000000, 0);
    struct world *b = enter(&ws, 1, 0, 0x80000001, 0);

    assert_string_equal(a->name, "host/cpu0");
    assert_string_equal(b->name, "host/cpu1");
    leave(a);
    assert_string_equal(enter(&ws, 0, vm(3, 0x1000), 0x80000000, HCR_VM)->name, "vm1/vcpu0");
    assert_ptr_equal(enter(&ws, 0, 0, 0x80000000, 0), a);
    assert_string_equal(worlds_design(&ws), "a host at EL1 (nVHE)");
    worlds_free(&ws);
}

static void test_a_protected_host_stays_the_same_world_with_stage_2(void **state)
{
    (void)state;
    struct worlds ws = {0};
    struct world *a = enter(&ws, 0, 0, 0x80000000, 0);

    leave(a);
    assert_ptr_equal(enter(&ws, 0, vm(0, 0x5000), 0x80000000, HCR_VM), a);
    leave(a);
    assert_int_equal(enter(&ws, 0, vm(1, 0x1000), 0x80000000, HCR_VM)->kind, WORLD_GUEST);
    assert_string_equal(worlds_design(&ws), "a host at EL1 behind stage 2 (protected)");
    worlds_free(&ws);
}

/* Until a guest comes nobody can know that it is one. */
static void test_a_host_that_has_had_a_stage_2_from_the_start(void **state)
{
    (void)state;
    struct worlds ws = {0};
    struct world *a = enter(&ws, 0, vm(0, 0x5000), 0x80000000, HCR_VM), *g, *b;

    assert_int_equal(a->kind, WORLD_GUEST);
    leave(a);
    g = enter(&ws, 0, vm(1, 0x1000), 0x80000000, HCR_VM | HCR_IMO);
    assert_string_equal(a->name, "host/cpu0");
    assert_string_equal(g->name, "vm1/vcpu0");
    leave(g);
    assert_ptr_equal(enter(&ws, 0, vm(0, 0x5000), 0x80000000, HCR_VM), a);
    b = enter(&ws, 1, vm(0, 0x5000), 0x80000001, HCR_VM);
    assert_string_equal(b->name, "host/cpu1");
    assert_string_equal(worlds_design(&ws), "a host at EL1 behind stage 2 (protected)");
    worlds_free(&ws);
}

static void test_a_virtual_cpu_with_vmid_0_is_none(void **state)
{
    (void)state;
    struct worlds ws = {0};
    struct world *a = enter(&ws, 0, vm(0, 0x5000), 0, HCR_VM | HCR_IMO);
    struct world *b = enter(&ws, 1, vm(0, 0x5000), 1, HCR_VM), *c;

    leave(b);
    assert_ptr_equal(enter(&ws, 2, vm(0, 0x5000), 1, HCR_VM), b);
    c = enter(&ws, 3, vm(1, 0x1000), 0, HCR_VM | HCR_IMO);
    assert_int_equal(a->kind, WORLD_GUEST);
    assert_int_equal(b->kind, WORLD_GUEST);
    assert_string_equal(c->name, "vm2/vcpu0");
    worlds_free(&ws);
}

static void test_two_that_share_a_vmpidr_are_told_by_their_cpu(void **state)
{
    (void)state;
    struct worlds ws = {0};
    struct world *a = enter(&ws, 0, vm(1, 0x1000), 0, HCR_VM | HCR_E2H);
    struct world *b = enter(&ws, 1, vm(1, 0x1000), 0, HCR_VM | HCR_E2H);

    assert_ptr_not_equal(a, b);
    assert_string_equal(b->name, "vm1/vcpu0@cpu1");
    leave(b);
    assert_ptr_equal(enter(&ws, 1, vm(1, 0x1000), 0, HCR_VM | HCR_E2H), b);
    worlds_free(&ws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_virtual_cpus_are_told_by_table_and_vmpidr),
        cmocka_unit_test(test_a_host_at_el1_is_a_world_of_its_cpu),
        cmocka_unit_test(test_a_protected_host_stays_the_same_world_with_stage_2),
        cmocka_unit_test(test_a_host_that_has_had_a_stage_2_from_the_start),
        cmocka_unit_test(test_a_virtual_cpu_with_vmid_0_is_none),
        cmocka_unit_test(test_two_that_share_a_vmpidr_are_told_by_their_cpu),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
