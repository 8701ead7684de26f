/* What the parts of both cards have in common: registers, by offset (13.2 of the 82540EM's manual;
 * sections without another name are those of it). */
#pragma once

#include "base/le.h"
#include "devices/e1000.h"

enum {
    E1000_CTRL = 0x0000,
    E1000_STATUS = 0x0008,
    E1000_EECD = 0x0010,
    E1000_EERD = 0x0014,
    E1000_CTRL_EXT = 0x0018,
    E1000_MDIC = 0x0020,
    E1000_VET = 0x0038,
    E1000_ICR = 0x00c0,
    E1000_ITR = 0x00c4,
    E1000_ICS = 0x00c8,
    E1000_IMS = 0x00d0,
    E1000_IMC = 0x00d8,
    E1000_EIAC = 0x00dc,
    E1000_IAM = 0x00e0,
    E1000_IVAR = 0x00e4,
    E1000_RCTL = 0x0100,
    E1000_PSRCTL = 0x2170,
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
    E1000_RFCTL = 0x5008,
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

/* And those of the 82574L, one of each queue and one of all others */
#define E1000_RXO      UINT32_C(0x40)
#define E1000_RXQ0     UINT32_C(0x00100000)
#define E1000_TXQ0     UINT32_C(0x00400000)
#define E1000_OTHER    UINT32_C(0x01000000)
#define E1000_ASSERTED UINT32_C(0x80000000) /* as it is read: some cause is not masked */

#define E1000_DESC    16 /* bytes of a descriptor */
#define E1000_CRC     4  /* and of a frame's checksum */
#define E1000_TAG     4  /* of an 802.1Q tag, with its type */
#define E1000_TAGS_AT (2 * E1000_MAC_BYTES)

/* CTRL: such tags are put in and taken out. */
#define E1000_CTRL_VME UINT32_C(0x40000000)

/* In what the cards differ that is no row of their registers. */
struct e1000_model {
    enum e1000_kind kind;
    struct pci_identity identity;
    struct device_ops regs;
    unsigned ports_bar, ports_bytes;
    uint16_t phy_id; /* lower half */
    uint32_t eerd_done;
    unsigned eerd_word; /* the lowest bit of the word's number */
};

static inline uint32_t *e1000_reg(struct e1000 *e, uint32_t offset)
{
    return &e->regs[offset / 4];
}

/* Where the ring is whose registers begin at @base. */
static inline uint64_t e1000_ring_at(struct e1000 *e, uint32_t base)
{
    return (uint64_t)*e1000_reg(e, base + 4) << 32 | *e1000_reg(e, base);
}

/* Causes of an interrupt are there; the pin follows, or messages. */
void e1000_interrupt(struct e1000 *e, uint32_t causes);

/* What of it the driver hears, after any change. */
void e1000_update(struct e1000 *e);

/* Send what the driver has put in the ring; for the pace too. */
void e1000_transmit(void *ctx, uint64_t now_ns);

/* Of devices/e1000_phy.c. */
void e1000_phy_reset(struct e1000 *e);
void e1000_eeprom_init(struct e1000 *e);
uint32_t e1000_read_eecd(struct e1000 *e);
void e1000_write_eecd(struct e1000 *e, uint32_t value);
void e1000_write_eerd(struct e1000 *e, uint32_t value);
void e1000_write_mdic(struct e1000 *e, uint32_t value);

/* Of devices/e1000_statistics.c. Of a frame, without its checksum: at least its addresses. */
enum e1000_way { E1000_RECEIVED, E1000_SENT };
void e1000_count(struct e1000 *e, enum e1000_way way, const uint8_t *frame, uint32_t bytes);
uint32_t e1000_read_count(struct e1000 *e, uint32_t at);

/* Of devices/e1000_82574.c: what comes with a cause, what a read of ICR gives and does, and the
 * messages of causes that are new. */
uint32_t e1000_82574_causes(uint32_t causes);
uint32_t e1000_82574_read_icr(struct e1000 *e);
void e1000_82574_write_icr(struct e1000 *e, uint32_t value);
void e1000_82574_send_messages(struct e1000 *e);
