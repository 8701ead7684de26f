/* What the parts of the 82540EM have in common: its registers, by offset (13.2). */
#pragma once

#include "base/le.h"
#include "devices/e1000.h"

enum {
    E1000_CTRL = 0x0000,
    E1000_STATUS = 0x0008,
    E1000_EECD = 0x0010,
    E1000_EERD = 0x0014,
    E1000_MDIC = 0x0020,
    E1000_ICR = 0x00c0,
    E1000_ITR = 0x00c4,
    E1000_ICS = 0x00c8,
    E1000_IMS = 0x00d0,
    E1000_IMC = 0x00d8,
    E1000_RCTL = 0x0100,
    E1000_TCTL = 0x0400,
    E1000_RDBAL = 0x2800,
    E1000_RDBAH = 0x2804,
    E1000_RDLEN = 0x2808,
    E1000_RDH = 0x2810,
    E1000_RDT = 0x2818,
    E1000_TDBAL = 0x3800,
    E1000_TDBAH = 0x3804,
    E1000_TDLEN = 0x3808,
    E1000_TDH = 0x3810,
    E1000_TDT = 0x3818,
    E1000_STATISTICS = 0x4000,
    E1000_RXCSUM = 0x5000,
    E1000_MTA = 0x5200,
    E1000_RAL = 0x5400,
    E1000_VFTA = 0x5600,
};

/* Interrupt causes, 13.4.17 */
#define E1000_TXDW   UINT32_C(0x01)
#define E1000_TXQE   UINT32_C(0x02)
#define E1000_LSC    UINT32_C(0x04)
#define E1000_RXDMT0 UINT32_C(0x10)
#define E1000_RXT0   UINT32_C(0x80)
#define E1000_MDAC   UINT32_C(0x200)

#define E1000_DESC 16 /* bytes of a descriptor */

static inline uint32_t *e1000_reg(struct e1000 *e, uint32_t offset)
{
    return &e->regs[offset / 4];
}

/* How many descriptors the ring has whose registers begin at @base. */
static inline uint32_t e1000_ring_size(struct e1000 *e, uint32_t base)
{
    return *e1000_reg(e, base + E1000_RDLEN - E1000_RDBAL) / E1000_DESC;
}

/* Where descriptor @n of it is. */
static inline uint64_t e1000_desc_at(struct e1000 *e, uint32_t base, uint32_t n)
{
    return ((uint64_t)*e1000_reg(e, base + 4) << 32 | *e1000_reg(e, base)) +
           (uint64_t)n * E1000_DESC;
}

/* Causes of an interrupt are there; the pin follows. */
void e1000_interrupt(struct e1000 *e, uint32_t causes);

/* Send what the driver has put in the ring; for the pace too. */
void e1000_transmit(void *ctx, uint64_t now_ns);

/* Of devices/e1000_phy.c. */
void e1000_phy_reset(struct e1000 *e);
void e1000_eeprom_init(struct e1000 *e);
uint32_t e1000_read_eecd(struct e1000 *e);
void e1000_write_eecd(struct e1000 *e, uint32_t value);
void e1000_write_eerd(struct e1000 *e, uint32_t value);
void e1000_write_mdic(struct e1000 *e, uint32_t value);
