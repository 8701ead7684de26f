/* The EEPROM (13.4.2, 13.4.3) and the PHY (13.4.5, clause 22 of IEEE 802.3). */
#include <string.h>

#include "base/bits.h"
#include "devices/e1000_internal.h"

/* ---- EEPROM ---- */

#define EECD_CLOCK   UINT32_C(0x01)
#define EECD_SELECT  UINT32_C(0x02)
#define EECD_IN      UINT32_C(0x04) /* from the driver */
#define EECD_OUT     UINT32_C(0x08)
#define EECD_REQUEST UINT32_C(0x40)
#define EECD_GRANT   UINT32_C(0x80)
#define EECD_PRESENT UINT32_C(0x100)
#define EERD_START   UINT32_C(0x01)
/* 82574L, 10.2.2.3: it has from there what it is after a reset, and that is a flash memory, whose
 * words EERD reads and nothing else. */
#define EECD_LOADED UINT32_C(0x200)
#define EECD_FLASH  UINT32_C(0x18000)

#define COMMAND_BITS 9 /* start bit, two of the operation, six of the address */
#define READ         6 /* with its start bit */
#define CHECKSUM     0xbaba

void e1000_eeprom_init(struct e1000 *e)
{
    uint16_t *words = e->eeprom.words, sum = 0;

    memset(&e->eeprom, 0, sizeof(e->eeprom));
    for (unsigned i = 0; i < E1000_MAC_BYTES / 2; i++)
        words[i] = (uint16_t)(e->mac[2 * i] | e->mac[2 * i + 1] << 8);
    words[0x0a] = 0x400b; /* Initialization Control Word 1 */
    words[0x0b] = e->model->identity.subsystem;
    words[0x0c] = e->model->identity.subsystem_vendor;
    words[0x0d] = e->model->identity.device;
    words[0x0e] = e->model->identity.vendor;
    words[0x0f] = 0x3040; /* Initialization Control Word 2 */
    if (e->model->kind == E1000_82574L)
        words[0x23] = 0x8000; /* its checksum is right: Linux would write another one */
    for (unsigned i = 0; i < E1000_EEPROM - 1; i++)
        sum = (uint16_t)(sum + words[i]);
    words[E1000_EEPROM - 1] = (uint16_t)(CHECKSUM - sum);
}

uint32_t e1000_read_eecd(struct e1000 *e)
{
    uint32_t eecd = *e1000_reg(e, E1000_EECD) & ~(EECD_GRANT | EECD_OUT);

    if (e->model->kind == E1000_82574L)
        eecd |= EECD_LOADED | EECD_FLASH;
    return eecd | EECD_PRESENT | (eecd & EECD_REQUEST ? EECD_GRANT : 0) |
           (e->eeprom.out ? EECD_OUT : 0);
}

/* A bit of the address, or of the word that it names. Words follow one another. */
static void clock_eeprom(struct e1000_eeprom *p, bool in)
{
    if (p->reads) {
        p->out = p->words[p->word] >> (15 - p->out_bits) & 1;
        p->out_bits = (p->out_bits + 1) % 16;
        if (p->out_bits == 0)
            p->word = (p->word + 1) % E1000_EEPROM;
        return;
    }
    if (!p->in_bits && !in) /* before the start bit */
        return;
    p->in = p->in << 1 | in;
    if (++p->in_bits < COMMAND_BITS)
        return;
    p->reads = p->in >> 6 == READ;
    p->word = p->in % E1000_EEPROM;
    p->in = p->in_bits = p->out_bits = 0;
    p->out = false;
}

void e1000_write_eecd(struct e1000 *e, uint32_t value)
{
    uint32_t rising = value & ~*e1000_reg(e, E1000_EECD);
    struct e1000_eeprom *p = &e->eeprom;

    *e1000_reg(e, E1000_EECD) = value;
    if (e->model->kind == E1000_82574L)
        return;
    if (!(value & EECD_SELECT)) {
        p->in = p->in_bits = p->out_bits = p->word = 0;
        p->reads = p->out = false;
    } else if (rising & EECD_CLOCK) {
        clock_eeprom(p, value & EECD_IN);
    }
}

void e1000_write_eerd(struct e1000 *e, uint32_t value)
{
    unsigned lsb = e->model->eerd_word;
    uint32_t word = (uint32_t)bits(value, 15, lsb);

    if (value & EERD_START)
        value = (word < E1000_EEPROM ? (uint32_t)e->eeprom.words[word] << 16 : 0) | word << lsb |
                e->model->eerd_done;
    *e1000_reg(e, E1000_EERD) = value;
}

/* ---- PHY: a Marvell 88E1011, or a relative that has registers 16 to 28 on pages; its link is up
 * ---- */

#define BMCR               0
#define ID_LOW             3
#define PAGE               22
#define BMCR_SELF_CLEARING UINT16_C(0x8200) /* reset, restart of the negotiation */

/* What it says after a reset, and what a driver can change. */
static const struct {
    uint8_t reg;
    uint16_t value, writable;
} phy[] = {
    {0, 0x1140, 0x7dff},  /* control */
    {1, 0x796d, 0},       /* status: negotiated, link up */
    {2, 0x0141, 0},       /* identifier */
    {ID_LOW, 0, 0},       /* and its lower half: the model's */
    {4, 0x0de1, 0xffff},  /* advertised */
    {5, 0x45e1, 0},       /* the partner's abilities */
    {6, 0x0001, 0},       /* expansion: the partner negotiates */
    {9, 0x0e00, 0xffff},  /* 1000BASE-T control */
    {10, 0x3c00, 0},      /* and status: the partner has it too */
    {16, 0x0360, 0xffff}, /* PHY specific control */
    {17, 0xac08, 0},      /* and status: 1000 Mb/s, full duplex, link up */
    {20, 0x0d60, 0xffff}, /* extended control */
    {PAGE, 0, 0xffff},
};

#define MDIC_WRITE UINT32_C(1)
#define MDIC_READ  UINT32_C(2)
#define MDIC_READY UINT32_C(0x10000000)
#define MDIC_WANTS UINT32_C(0x20000000)
#define MDIC_ERROR UINT32_C(0x40000000)
#define PHY_ADDR   1

void e1000_phy_reset(struct e1000 *e)
{
    memset(e->phy, 0, sizeof(e->phy));
    for (size_t k = 0; k < ARRAY_SIZE(phy); k++)
        e->phy[phy[k].reg] = phy[k].value;
    e->phy[ID_LOW] = e->model->phy_id;
}

/* On other pages than 0 there is nothing. */
static bool is_there(const struct e1000 *e, unsigned reg)
{
    return e->model->kind == E1000_82540EM || reg < 16 || reg == PAGE || !e->phy[PAGE];
}

static void write_phy(struct e1000 *e, unsigned reg, uint16_t value)
{
    for (size_t k = 0; k < ARRAY_SIZE(phy); k++)
        if (phy[k].reg == reg && is_there(e, reg))
            e->phy[reg] = (uint16_t)((e->phy[reg] & ~phy[k].writable) | (value & phy[k].writable));
    if (reg == BMCR && (value & 0x8000))
        e1000_phy_reset(e);
    e->phy[BMCR] = (uint16_t)(e->phy[BMCR] & ~BMCR_SELF_CLEARING);
}

void e1000_write_mdic(struct e1000 *e, uint32_t value)
{
    unsigned reg = (unsigned)bits(value, 20, 16), op = (unsigned)bits(value, 27, 26);

    if (bits(value, 25, 21) != PHY_ADDR || (op != MDIC_READ && op != MDIC_WRITE))
        value |= MDIC_ERROR;
    else if (op == MDIC_READ)
        value = (value & ~UINT32_C(0xffff)) | (is_there(e, reg) ? e->phy[reg] : 0);
    else
        write_phy(e, reg, (uint16_t)value);
    *e1000_reg(e, E1000_MDIC) = value | MDIC_READY;
    if (value & MDIC_WANTS)
        e1000_interrupt(e, E1000_MDAC);
}
