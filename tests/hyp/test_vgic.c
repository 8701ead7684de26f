/* Which interrupts are in list registers, and what becomes of them: the core's model against a CPU
 * interface of a few lines that acknowledges and ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hyp/cpu.h"
#include "hyp/fake.h"
#include "hyp/opts.h"
#include "hyp/vcpu.h"
#include "tests/hyp/fake_core.h"
#include "tests/random.h"

static struct vm vm;
static struct vcpu vcpus[2];

static int setup(void **state)
{
    (void)state;
    fake_reset();
    memset(&vm, 0, sizeof(vm));
    memset(vcpus, 0, sizeof(vcpus));
    vm.vcpus = vcpus;
    vm.vcpu_count = 2;
    for (unsigned k = 0; k < 2; k++) {
        vcpus[k].vm = &vm;
        vcpus[k].index = k;
        vcpus[k].mpidr = BIT(31) | k;
        vgic_init_cpu(&vcpus[k]);
    }
    vgic_init(&vm);
    vm.vgic.ctlr = 2;
    return 0;
}

static struct virq *spi(unsigned n, uint8_t priority, bool edge)
{
    struct virq *i = vgic_irq(&vcpus[0], 40 + n);

    i->enabled = true;
    i->priority = priority;
    i->edge = edge;
    return i;
}

static uint64_t lr(unsigned n)
{
    return vcpus[0].vgic.hw.lr[lr_slot(n, opts.lr_order)];
}

/* The CPU's half: the state of the most urgent pending list register becomes active; that of an
 * active one empty. */
static uint32_t acknowledge(void)
{
    struct vgic_if *hw = &vcpus[0].vgic.hw;
    uint64_t *best = NULL;

    for (unsigned n = 0; n < hw->used; n++) {
        uint64_t *r = &hw->lr[lr_slot(n, opts.lr_order)];
        if ((*r & LR_PENDING) && !(*r & LR_ACTIVE) &&
            (!best || bits(*r, 55, 48) < bits(*best, 55, 48)))
            best = r;
    }
    if (!best)
        return 1023;
    *best = (*best & ~LR_PENDING) | LR_ACTIVE;
    return (uint32_t)*best;
}

static void end(uint32_t intid)
{
    struct vgic_if *hw = &vcpus[0].vgic.hw;

    for (unsigned n = 0; n < hw->used; n++) {
        uint64_t *r = &hw->lr[lr_slot(n, opts.lr_order)];
        if ((uint32_t)*r == intid && *r & LR_ACTIVE) {
            *r &= ~LR_ACTIVE;
            return;
        }
    }
    hw->hcr += BIT(27); /* EOIcount */
}

static void test_nothing_pending_uses_no_list_register(void **state)
{
    (void)state;
    spi(0, 0x80, true);
    vgic_flush(&vcpus[0]);
    assert_int_equal(vcpus[0].vgic.hw.used, 0);
    assert_int_equal(vcpus[0].vgic.hw.hcr, ICH_HCR(En));
}

static void test_a_line_stays_pending_until_it_falls(void **state)
{
    struct virq *i = spi(0, 0x80, false);

    (void)state;
    vgic_set_line(&vcpus[0], i->intid, true);
    vgic_flush(&vcpus[0]);
    assert_int_equal(vcpus[0].vgic.hw.used, 1);
    assert_true(lr(0) & LR_PENDING);
    assert_true(lr(0) & LR_EOI);
    assert_int_equal(acknowledge(), i->intid);
    end(i->intid);
    vgic_fold(&vcpus[0]);
    vgic_flush(&vcpus[0]);
    assert_int_equal(vcpus[0].vgic.hw.used, 1); /* still high */
    vgic_fold(&vcpus[0]);
    vgic_set_line(&vcpus[0], i->intid, false);
    vgic_flush(&vcpus[0]);
    assert_int_equal(vcpus[0].vgic.hw.used, 0);
}

static void test_an_edge_comes_once_and_again_while_active(void **state)
{
    struct virq *i = spi(0, 0x80, true);

    (void)state;
    vgic_latch(&vcpus[0], i->intid);
    vgic_flush(&vcpus[0]);
    assert_int_equal(acknowledge(), i->intid);
    vgic_latch(&vcpus[0], i->intid); /* while a list register has it */
    vgic_fold(&vcpus[0]);
    vgic_flush(&vcpus[0]);
    assert_true((lr(0) & (LR_PENDING | LR_ACTIVE)) == (LR_PENDING | LR_ACTIVE));
    end(i->intid);
    assert_int_equal(acknowledge(), i->intid);
    end(i->intid);
    vgic_fold(&vcpus[0]);
    vgic_flush(&vcpus[0]);
    assert_int_equal(vcpus[0].vgic.hw.used, 0);
}

static void test_more_than_list_registers_come_by_priority_and_ask_for_maintenance(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 10; n++) {
        spi(n, (uint8_t)(0xf0 - 8 * n), true);
        vgic_latch(&vcpus[0], 40 + n);
    }
    vgic_flush(&vcpus[0]);
    assert_int_equal(vcpus[0].vgic.hw.used, 4);
    for (unsigned n = 0; n < 4; n++)
        assert_int_equal((uint32_t)lr(n), 49 - n);
    assert_true(vcpus[0].vgic.hw.hcr & ICH_HCR(NPIE));
    assert_false(vcpus[0].vgic.hw.hcr & ICH_HCR(LRENPIE));
}

static void test_a_spilled_active_interrupt_is_ended_by_eoicount(void **state)
{
    (void)state;
    cpu_limits.lrs = 1;
    spi(0, 0x80, true);
    spi(1, 0x40, true);
    vgic_latch(&vcpus[0], 40);
    vgic_flush(&vcpus[0]);
    assert_int_equal(acknowledge(), 40);
    vgic_fold(&vcpus[0]);
    vgic_latch(&vcpus[0], 41);
    vgic_flush(&vcpus[0]);
    assert_int_equal((uint32_t)lr(0), 41); /* pending goes first */
    assert_true(vcpus[0].vgic.hw.hcr & ICH_HCR(LRENPIE));
    assert_int_equal(acknowledge(), 41);
    end(41);
    end(40);
    vgic_fold(&vcpus[0]);
    assert_false(vgic_irq(&vcpus[0], 40)->active);
    assert_false(vgic_irq(&vcpus[0], 41)->active);
}

static void test_a_hardware_interrupt_has_its_number_and_never_both_states(void **state)
{
    (void)state;
    vcpus[0].vgic.private[27].enabled = true;
    vgic_latch(&vcpus[0], 27);
    vgic_flush(&vcpus[0]);
    assert_int_equal(bits(lr(0), 44, 32), 27);
    assert_true(lr(0) & LR_HW);
    acknowledge();
    vgic_latch(&vcpus[0], 27);
    vgic_fold(&vcpus[0]);
    vgic_flush(&vcpus[0]);
    assert_true((lr(0) & (LR_PENDING | LR_ACTIVE)) == LR_ACTIVE);
}

static void test_without_hw_the_physical_interrupt_is_ended_by_the_fold(void **state)
{
    (void)state;
    opts.hw = OPT_hw_off;
    vcpus[0].vgic.private[27].enabled = true;
    vgic_latch(&vcpus[0], 27);
    vgic_flush(&vcpus[0]);
    assert_false(lr(0) & LR_HW);
    assert_true(lr(0) & LR_EOI);
    acknowledge();
    vgic_fold(&vcpus[0]);
    assert_int_equal(fake_core.deactivated[27], 0);
    vgic_flush(&vcpus[0]);
    end(27);
    vgic_fold(&vcpus[0]);
    assert_int_equal(fake_core.deactivated[27], 1);
}

static void test_sgis_reach_the_listed_and_all_others(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 2; k++)
        vcpus[k].vgic.private[3].enabled = true;
    vgic_send_sgi(&vcpus[0], 3 << 24 | 2, true);
    assert_false(vcpus[0].vgic.private[3].latch);
    assert_true(vcpus[1].vgic.private[3].latch);
    vgic_send_sgi(&vcpus[1], 3 << 24 | BIT(40), true);
    assert_true(vcpus[0].vgic.private[3].latch);
}

/* With a GICv2 the acknowledge tells the sender; one list register can be about one. */
static void test_a_gicv2s_sgi_of_two_senders_comes_twice(void **state)
{
    struct virq *i = vgic_irq(&vcpus[0], 3);

    (void)state;
    opts.gicv = true;
    vgic_init_cpu(&vcpus[0]);
    vm.vgic.ctlr = 1;
    i->sources = BIT(1) | BIT(4);
    vgic_update(i);
    vgic_flush(&vcpus[0]);
    assert_true(lr(0) & LR_EOI);
    assert_int_equal(acknowledge(), 3 | 1 << 10);
    vgic_fold(&vcpus[0]);
    vgic_flush(&vcpus[0]); /* the second waits until the first is ended */
    assert_int_equal(lr(0) & (LR_PENDING | LR_ACTIVE), LR_ACTIVE);
    assert_int_equal((uint32_t)lr(0), 3 | 1 << 10);
    assert_true(lr(0) & LR_EOI);
    end(3 | 1 << 10);
    vgic_fold(&vcpus[0]);
    vgic_flush(&vcpus[0]);
    assert_int_equal(acknowledge(), 3 | 4 << 10);
    end(3 | 4 << 10);
    vgic_fold(&vcpus[0]);
    vgic_flush(&vcpus[0]);
    assert_int_equal(vcpus[0].vgic.hw.used, 0);
}

static void test_a_disabled_interrupt_leaves_and_an_enabled_one_returns(void **state)
{
    struct virq *i = spi(0, 0x80, true);

    (void)state;
    vgic_latch(&vcpus[0], i->intid);
    i->enabled = false;
    vgic_update(i);
    assert_false(vgic_has_pending(&vcpus[0]));
    i->enabled = true;
    vgic_update(i);
    assert_true(vgic_has_pending(&vcpus[0]));
}

static void test_a_rerouted_interrupt_changes_queues(void **state)
{
    struct virq *i = spi(0, 0x80, true);

    (void)state;
    vgic_latch(&vcpus[0], i->intid);
    i->target = &vcpus[1];
    vgic_update(i);
    assert_false(vgic_has_pending(&vcpus[0]));
    assert_true(vgic_has_pending(&vcpus[1]));
}

/* Both slot orders hold the same, and nothing is ever lost or doubled. */
static void test_an_active_interrupt_stays_until_it_is_ended(void **state)
{
    struct virq *i = spi(0, 0x80, true);

    (void)state;
    vgic_latch(&vcpus[0], 40);
    vgic_flush(&vcpus[0]);
    assert_int_equal(acknowledge(), 40);
    i->target = &vcpus[1];
    vgic_latch(&vcpus[0], 40); /* the next is for the other one */
    vgic_fold(&vcpus[0]);
    vgic_flush(&vcpus[1]);
    assert_int_equal(vcpus[1].vgic.hw.used, 0);
    vgic_flush(&vcpus[0]);
    assert_true((lr(0) & (LR_PENDING | LR_ACTIVE)) == LR_ACTIVE);
    assert_true(lr(0) & LR_EOI);
    end(40);
    vgic_fold(&vcpus[0]);
    assert_false(i->active);
    vgic_flush(&vcpus[0]);
    assert_int_equal(vcpus[0].vgic.hw.used, 0);
    vgic_flush(&vcpus[1]);
    assert_int_equal(vcpus[1].vgic.hw.used, 1);
}

static void test_random_storms_lose_nothing(void **state)
{
    uint64_t r = test_seed(1);

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        unsigned sent[20] = {0}, seen[20] = {0}, depth = 0;
        uint32_t stack[64];

        setup(NULL);
        cpu_limits.lrs = 1 + (unsigned)random_next(&r) % 16;
        opts.lr_order = (unsigned)random_next(&r) % 2;
        for (unsigned n = 0; n < 20; n++)
            spi(n, (uint8_t)(8 * ((7 * n + round) % 20)), true); /* all different */
        for (unsigned step = 0; step < 1200; step++) {
            unsigned n = (unsigned)random_next(&r) % 20;
            struct virq *i = vgic_irq(&vcpus[0], 40 + n);

            if (step < 300 && random_next(&r) % 3 == 0 && !i->latch && !i->in_lr) {
                vgic_latch(&vcpus[0], i->intid);
                sent[n]++;
            }
            vgic_flush(&vcpus[0]);
            uint32_t intid = random_next(&r) % 2 && depth < 60 ? acknowledge() : 1023;
            if (intid != 1023) {
                seen[intid - 40]++;
                stack[depth++] = intid;
            } else if (depth) { /* the innermost ends: the most urgent that is active */
                unsigned best = depth - 1;
                for (unsigned k = 0; k < depth; k++)
                    if (vgic_irq(&vcpus[0], stack[k])->priority <
                        vgic_irq(&vcpus[0], stack[best])->priority)
                        best = k;
                end(stack[best]);
                memmove(&stack[best], &stack[best + 1], (depth - best - 1) * sizeof(stack[0]));
                depth--;
            }
            vgic_fold(&vcpus[0]);
        }
        for (unsigned n = 0; n < 20; n++)
            assert_int_equal(sent[n], seen[n]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing_pending_uses_no_list_register, setup),
        cmocka_unit_test_setup(test_a_line_stays_pending_until_it_falls, setup),
        cmocka_unit_test_setup(test_an_edge_comes_once_and_again_while_active, setup),
        cmocka_unit_test_setup(
            test_more_than_list_registers_come_by_priority_and_ask_for_maintenance, setup),
        cmocka_unit_test_setup(test_a_spilled_active_interrupt_is_ended_by_eoicount, setup),
        cmocka_unit_test_setup(test_a_hardware_interrupt_has_its_number_and_never_both_states,
                               setup),
        cmocka_unit_test_setup(test_without_hw_the_physical_interrupt_is_ended_by_the_fold, setup),
        cmocka_unit_test_setup(test_sgis_reach_the_listed_and_all_others, setup),
        cmocka_unit_test_setup(test_a_gicv2s_sgi_of_two_senders_comes_twice, setup),
        cmocka_unit_test_setup(test_a_disabled_interrupt_leaves_and_an_enabled_one_returns, setup),
        cmocka_unit_test_setup(test_a_rerouted_interrupt_changes_queues, setup),
        cmocka_unit_test_setup(test_an_active_interrupt_stays_until_it_is_ended, setup),
        cmocka_unit_test_setup(test_random_storms_lose_nothing, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
