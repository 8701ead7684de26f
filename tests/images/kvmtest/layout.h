/* Guest-physical addresses, for the program, its bare-metal guest and the linker script. */
#pragma once

#define GICD_BASE    0x08000000
#define GICD_SIZE    0x00010000
#define GICC_BASE    0x08010000 /* of a GICv2, and then there is no ITS and no GICR */
#define GICC_SIZE    0x00002000
#define GICD_V2_SIZE 0x00001000
#define ITS_BASE     0x08080000
#define ITS_SIZE     0x00020000
#define GICR_BASE    0x080a0000
#define GICR_SIZE    0x00020000 /* a vCPU */
#define UART_BASE    0x09000000
#define UART_SIZE    0x00001000
#define CONTROL_BASE 0x09010000
#define CONTROL_SIZE 0x00001000
#define PMU_INTID    23 /* a PPI */
#define RAM_BASE     0x80000000
#define RAM_SIZE     0x10000000

/* Registers at CONTROL_BASE, 8 bytes each, written by the measuring guest but for the last. */
#define CONTROL_NOTHING 0x00 /* an exit to user space that does nothing */
#define CONTROL_MSI     0x08 /* raise this event by the ITS */
#define CONTROL_WHAT    0x10 /* MEASURE_xxx */
#define CONTROL_TICKS   0x18 /* counter ticks of all rounds of it */
#define CONTROL_ROUNDS  0x20 /* number of rounds; the result is printed */
#define CONTROL_FAULT   0x28 /* an unexpected exception: ESR_EL1 */
#define CONTROL_CHOSEN  0x30 /* read: the MEASURE_xxx to be done, a bit each */

#define MEASURE_HYPERCALL 0
#define MEASURE_MMIO      1
#define MEASURE_SELF_IPI  2
#define MEASURE_IPI       3
#define MEASURE_LPI       4
#define MEASURE_COUNT     5
