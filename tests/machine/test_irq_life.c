/* An interrupt's life: what the CPU has against what the GIC signals, and the lines for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "armillary.h"
#include "base/bits.h"
#include "gic/gic.h"
#include "machine/machine.h"
#include "tests/machine/new_machine.h"

#define UART 33 /* an SPI */

struct fix {
    struct arm_machine *m;
    char text[4096];
};

static void add_line(void *ctx, const char *line)
{
    struct fix *f = ctx;
    size_t used = strlen(f->text);

    snprintf(f->text + used, sizeof(f->text) - used, "%s\n", line);
}

static void set(struct fix *f, const char *name, uint64_t value)
{
    if (!arm_reg_write(f->m, 0, name, value))
        fail_msg("%s cannot be written", name);
}

static void gicd(struct fix *f, uint64_t offset, uint64_t value)
{
    device_write(gic_distributor(f->m->gic), offset, 4, value);
}

/* Two CPUs at EL1 and a UART interrupt that is pending for the first. */
static int setup(void **state)
{
    struct fix *f = calloc(1, sizeof(*f));
    const struct arm_config config = {.size = sizeof(config),
                                      .cpus = 2,
                                      .ram_size = UINT64_C(16) << 20,
                                      .el2 = true,
                                      .start_el = 1,
                                      .blobs = &(struct arm_blob){.addr = 0x40000000, .cpu = 0},
                                      .blob_count = 1};

    f->m = new_machine(&config);
    gicd(f, 0, 3);
    gicd(f, 0x84, BIT(1));                 /* IGROUPR1 */
    gicd(f, 0x104, BIT(1));                /* ISENABLER1 */
    gicd(f, 0x204, BIT(1));                /* ISPENDR1 */
    gicd(f, 0x400 + UART / 4 * 4, 0xa000); /* IPRIORITYR */
    set(f, "ICC_PMR_EL1", 0xf0);
    set(f, "ICC_IGRPEN1_EL1", 1);
    set(f, "pstate", 0x345); /* EL1h, A, I and F not masked but for A and F */
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fix *f = *state;

    arm_machine_free(f->m);
    free(f);
    return 0;
}

static void assert_says(struct fix *f, unsigned intid, const char *what)
{
    f->text[0] = '\0';
    assert_true(arm_describe_irq(f->m, 0, intid, add_line, f));
    if (!strstr(f->text, what))
        fail_msg("expected \"%s\" in:\n%s", what, f->text);
}

static void
test_what_the_gic_signals_may_be_masked_routed_elsewhere_or_for_a_cpu_that_is_off(void **state)
{
    struct fix *f = *state;
    struct arm_irq irq = {.size = sizeof(irq)};

    assert_says(f, UART, "INTID 33, SPI to cpu0: line low, level-sensitive");
    assert_says(f, UART, "distributor: enabled, group 1, priority 0xa0, pending, signalled as IRQ");
    assert_says(f, UART, "nothing holds it back: cpu0 takes it next");
    assert_true(arm_irq_get(f->m, 0, UART, &irq));
    assert_string_equal(irq.held, "");
    assert_true(irq.pending && irq.enabled && irq.cpu == 0);
    set(f, "pstate", 0x3c5);
    assert_says(f, UART, "pending, but cpu0 has masked it: PSTATE.I is 1 at EL1");
    set(f, "pstate", 0x349);
    assert_says(f, UART, "it is routed to EL1, and cpu0 is at EL2: HCR_EL2.IMO is 0");
    set(f, "HCR_EL2", BIT(31) | BIT(4)); /* RW, IMO */
    assert_says(f, UART, "nothing holds it back");
    set(f, "pstate", 0x345);
    assert_says(f, UART, "nothing holds it back"); /* EL1's mask does not count */
    device_write(gic_distributor(f->m->gic), 0x6000 + 8 * UART, 8, 1);
    assert_says(f, UART, "the redistributor of cpu1 sleeps");
    gic_sleep(f->m->gic, 1, false);
    assert_says(f, UART, "ICC_IGRPEN1_EL1 is 0");
    assert_true(arm_reg_write(f->m, 1, "ICC_IGRPEN1_EL1", 1));
    assert_true(arm_reg_write(f->m, 1, "ICC_PMR_EL1", 0xff));
    assert_says(f, UART, "cpu1 is off: PSCI CPU_ON starts it");
    assert_false(arm_irq_get(f->m, 2, UART, &irq));
    assert_false(arm_irq_get(f->m, 0, 1023, &irq));
    assert_false(arm_describe_irq(f->m, 0, 1023, add_line, f));
}

static void test_a_timer_says_why_its_line_is_low(void **state)
{
    struct fix *f = *state;

    assert_says(f, 27, "source: the timer of CNTV_CTL_EL0: off: ENABLE is 0");
    set(f, "CNTV_CTL_EL0", 1);
    set(f, "CNTV_CVAL_EL0", UINT64_C(1) << 60);
    assert_says(f, 27, "on, and not due yet: ISTATUS is 0");
    set(f, "CNTV_CVAL_EL0", 0);
    set(f, "CNTV_CTL_EL0", 3);
    assert_says(f, 27, "its output is masked: IMASK is 1");
    set(f, "CNTV_CTL_EL0", 1);
    assert_says(f, 27, "on and due");
    assert_says(f, 27, "line high");
    assert_says(f, 27, "pending, but it is not enabled: its bit in GICR_ISENABLER0 is 0");
}

static void test_a_list_register_is_followed_to_the_guest(void **state)
{
    struct fix *f = *state;

    set(f, "ICH_LR0_EL2",
        BIT(62) | BIT(61) | BIT(60) | UINT64_C(0xa0) << 48 | (uint64_t)UART << 32 | 40);
    assert_says(
        f, UART,
        "cpu0 LR0: virtual INTID 40, of physical INTID 33, group 1, priority 0xa0, pending");
    assert_says(f, 40, "pending, but the virtual interface is off: ICH_HCR_EL2.En is 0");
    set(f, "ICH_HCR_EL2", 1);
    set(f, "ICH_VMCR_EL2", 2 | UINT64_C(0xf0) << 24);
    assert_says(f, 40, "pending, but HCR_EL2.IMO is 0: there are no vIRQ");
    set(f, "HCR_EL2", BIT(31) | BIT(4));
    assert_says(f, 40, "nothing holds it back: the guest takes it next");
    set(f, "pstate", 0x3c5);
    assert_says(f, 40, "the guest has masked it: PSTATE.I is 1 at EL1");
    set(f, "pstate", 0x349);
    assert_says(f, 40, "cpu0 is at EL2: it is taken when the guest runs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_what_the_gic_signals_may_be_masked_routed_elsewhere_or_for_a_cpu_that_is_off,
            setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_timer_says_why_its_line_is_low, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_list_register_is_followed_to_the_guest, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
