/* What comes from outside beside bytes: interrupts, the power button, a reset. */
#include "gic/gic.h"
#include "machine/machine.h"

#define PPI_MIN 16
#define SPI_MIN 32

static bool has_wire(const struct arm_machine *m, unsigned cpu, unsigned intid)
{
    if (intid >= SPI_MIN)
        return intid < SPI_MIN + VIRT_SPI_COUNT;
    return intid >= PPI_MIN && intid != VIRT_PPI_GIC_MAINT && cpu < m->cpu_count;
}

bool machine_set_irq(struct arm_machine *m, unsigned cpu, unsigned intid, bool level)
{
    if (!has_wire(m, cpu, intid))
        return false;
    const struct irq_line line =
        intid >= SPI_MIN ? gic_spi_line(m->gic, intid - SPI_MIN) : gic_ppi_line(m->gic, cpu, intid);
    irq_set(&line, level);
    return true;
}

int arm_set_irq(struct arm_machine *m, unsigned cpu, unsigned intid, bool level)
{
    if (!has_wire(m, cpu, intid))
        return -ARM_EINVAL;
    if (m->input.replays)
        return 0;
    machine_set_irq(m, cpu, intid, level);
    input_record_irq(m, cpu, intid, level);
    return 0;
}

void arm_power_button(struct arm_machine *m)
{
    virt_board_power_button(&m->board);
}

int arm_reset(struct arm_machine *m, struct arm_error *err)
{
    return machine_reboot(m, err);
}
