/* What comes from outside beside bytes: interrupts, the power button, a reset. */
#include "arch/ppi.h"
#include "cpu/interrupt.h"
#include "gic/gic.h"
#include "machine/machine.h"

#define PPI_MIN 16
#define SPI_MIN 32

static bool has_wire(const struct arm_machine *m, unsigned cpu, unsigned intid)
{
    if (intid >= SPI_MIN)
        return intid < SPI_MIN + VIRT_SPI_COUNT;
    return intid >= PPI_MIN && intid != PPI_MAINTENANCE && cpu < m->cpu_count;
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

bool machine_raise_serror(struct arm_machine *m, unsigned cpu, uint32_t syndrome)
{
    return cpu < m->cpu_count && cpu_raise_serror(m->cpus[cpu], syndrome);
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

#define GICR_SGI_BASE  0x10000
#define GICR_ISENABLER (GICR_SGI_BASE + 0x100)
#define GICR_ISPENDR   (GICR_SGI_BASE + 0x200)

int arm_send_sgi(struct arm_machine *m, unsigned cpu)
{
    if (cpu >= m->cpu_count || m->input.replays || m->input.out || m->config.gic_v2)
        return -ARM_EINVAL;
    struct device *gicr = gic_redistributor(m->gic, cpu);
    unsigned enabled = (unsigned)device_read(gicr, GICR_ISENABLER, 4) & 0xffff;
    if (!enabled)
        return -ARM_EINVAL;
    device_write(gicr, GICR_ISPENDR, 4, enabled & -enabled);
    return __builtin_ctz(enabled);
}

int arm_raise_serror(struct arm_machine *m, unsigned cpu, uint32_t syndrome)
{
    if (m->input.replays)
        return 0;
    if (!machine_raise_serror(m, cpu, syndrome))
        return -ARM_EINVAL;
    input_record_serror(m, cpu, syndrome);
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
