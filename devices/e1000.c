#include "devices/e1000.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "base/state_io.h"
#include "devices/e1000_internal.h"

#define REGS_BAR   0
#define MSIX_BAR   3
#define VECTORS    5
#define CTRL_RESET UINT32_C(0x04000000)
#define CTRL_START UINT32_C(0x00140240)
#define CTRL_QUIET UINT32_C(0x00000004) /* 82574L: be no master of PCI Express */
#define STATUS     UINT32_C(0x00000783) /* full duplex, link up, 1000 Mb/s */
#define MASTER     UINT32_C(0x00080000)
#define ADDR_VALID UINT32_C(0x80000000)
#define PBA_START  UINT32_C(0x00100030) /* packet buffer: 48 KiB to receive, 16 to send */
#define VET_START  UINT32_C(0x8100)
#define RING_MASK  UINT32_C(0xfff80) /* of a length, 13.4.27 */

static struct e1000 *to_e1000(struct pci_function *f)
{
    return (struct e1000 *)f;
}

static struct e1000 *owner(struct device *dev)
{
    return (struct e1000 *)((char *)dev - offsetof(struct e1000, bar));
}

/* ---- interrupts, 13.4.17 to 13.4.21 ---- */

static bool is_82574(const struct e1000 *e)
{
    return e->model->kind == E1000_82574L;
}

void e1000_update(struct e1000 *e)
{
    pci_intx_set(&e->function, *e1000_reg(e, E1000_ICR) & *e1000_reg(e, E1000_IMS));
    if (is_82574(e))
        e1000_82574_send_messages(e);
}

void e1000_interrupt(struct e1000 *e, uint32_t causes)
{
    *e1000_reg(e, E1000_ICR) |= is_82574(e) ? e1000_82574_causes(causes) : causes;
    e1000_update(e);
}

/* To read the causes is to clear them. */
static uint64_t read_icr(struct device *dev, uint64_t offset, unsigned size)
{
    struct e1000 *e = owner(dev);
    uint32_t causes = *e1000_reg(e, E1000_ICR);

    (void)offset, (void)size;
    *e1000_reg(e, E1000_ICR) = 0;
    e1000_update(e);
    return causes;
}

static uint64_t read_icr_82574(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return e1000_82574_read_icr(owner(dev));
}

/* ---- registers ---- */

static void reset_registers(struct e1000 *e)
{
    memset(e->regs, 0, sizeof(e->regs));
    *e1000_reg(e, E1000_CTRL) = CTRL_START;
    *e1000_reg(e, 0x1000) = PBA_START;
    *e1000_reg(e, E1000_VET) = VET_START;
    *e1000_reg(e, E1000_RAL) = (uint32_t)le_get(e->mac, 4);
    *e1000_reg(e, E1000_RAL + 4) = (uint32_t)le_get(e->mac + 4, 2) | ADDR_VALID;
    e->packet_bytes = 0;
    e->told = 0;
    e->context = (struct e1000_context){0};
    e1000_phy_reset(e);
    e1000_eeprom_init(e);
    pace_stop(&e->pace);
}

static uint64_t read_plain(struct device *dev, uint64_t offset, unsigned size)
{
    (void)size;
    return *e1000_reg(owner(dev), (uint32_t)offset);
}

static void write_plain(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)size;
    *e1000_reg(owner(dev), (uint32_t)offset) = (uint32_t)value;
}

static uint64_t read_status(struct device *dev, uint64_t offset, unsigned size)
{
    struct e1000 *e = owner(dev);
    bool master = is_82574(e) && !(*e1000_reg(e, E1000_CTRL) & CTRL_QUIET);

    (void)offset, (void)size;
    return STATUS | (master ? MASTER : 0);
}

static uint64_t read_count(struct device *dev, uint64_t offset, unsigned size)
{
    (void)size;
    return e1000_read_count(owner(dev), (uint32_t)offset);
}

static uint64_t read_eecd(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return e1000_read_eecd(owner(dev));
}

#define WRITE(name, action)                                                                        \
    static void write_##name(struct device *dev, uint64_t offset, unsigned size, uint64_t value)   \
    {                                                                                              \
        struct e1000 *e = owner(dev);                                                              \
        (void)offset, (void)size;                                                                  \
        action;                                                                                    \
        e1000_update(e);                                                                           \
    }
WRITE(ctrl, if (value & CTRL_RESET) reset_registers(e);
      else * e1000_reg(e, E1000_CTRL) = (uint32_t)value)
WRITE(eecd, e1000_write_eecd(e, (uint32_t)value))
WRITE(eerd, e1000_write_eerd(e, (uint32_t)value))
WRITE(mdic, e1000_write_mdic(e, (uint32_t)value))
WRITE(icr, *e1000_reg(e, E1000_ICR) &= ~(uint32_t)value)
WRITE(icr_82574, e1000_82574_write_icr(e, (uint32_t)value))
WRITE(ics, e1000_interrupt(e, (uint32_t)value))
WRITE(ims, *e1000_reg(e, E1000_IMS) |= (uint32_t)value)
WRITE(imc, *e1000_reg(e, E1000_IMS) &= ~(uint32_t)value)
WRITE(ring_base, *e1000_reg(e, (uint32_t)offset) = (uint32_t)value & ~UINT32_C(15))
WRITE(ring_length, *e1000_reg(e, (uint32_t)offset) = (uint32_t)value & RING_MASK)
WRITE(ring_index, *e1000_reg(e, (uint32_t)offset) = (uint32_t)value & 0xffff)
WRITE(tail, *e1000_reg(e, E1000_TDT) = (uint32_t)value & 0xffff; e1000_transmit(e, 0))
WRITE(tctl, *e1000_reg(e, E1000_TCTL) = (uint32_t)value; e1000_transmit(e, 0))
#undef WRITE

#define R32 REG_SIZE_32
#define PLAIN(name, offset, len)                                                                   \
    {                                                                                              \
        name, offset, len, R32, read_plain, write_plain                                            \
    }

/* Delays of interrupts are kept, and there are none. The first rows are of the 82574L only, and of
 * two for one register the first counts. Of its two queues of a kind the second is never used, and
 * there are neither time stamps nor statistics of interrupts. */
static const struct reg_row regs[] = {
    {"ICR", E1000_ICR, 4, R32, read_icr_82574, write_icr_82574},
    PLAIN("EIAC, IAM, IVAR and EITR", E1000_EIAC, 32),
    PLAIN("EXTCNF_CTRL to PHY_CTRL", 0x0f00, 20),
    PLAIN("PBS to EEMNGCTL", 0x1008, 12),
    PLAIN("PSRCTL", E1000_PSRCTL, 4),
    PLAIN("packet buffers' pointers", 0x2410, 32),
    PLAIN("of receive queue 1", 0x2900, 44),
    PLAIN("and thresholds of packets", 0x2c00, 8),
    PLAIN("packet buffers' pointers", 0x3410, 32),
    PLAIN("TARC0", 0x3840, 4),
    PLAIN("of transmit queue 1", 0x3900, 68),
    {"statistics of interrupts", 0x4100, 0x28, R32, NULL, NULL},
    PLAIN("RFCTL", E1000_RFCTL, 4),
    PLAIN("GCR to SWSM, FWSM", 0x5b00, 0x100),
    PLAIN("RETA and RSSRK", 0x5c00, 0xa8),
    {"IEEE 1588", 0xb600, 0x40, R32, NULL, NULL},
#define ONLY_82574 16
    {"CTRL", E1000_CTRL, 4, R32, read_plain, write_ctrl},
    {"STATUS", E1000_STATUS, 4, R32, read_status, NULL},
    {"EECD", E1000_EECD, 4, R32, read_eecd, write_eecd},
    {"EERD", E1000_EERD, 4, R32, read_plain, write_eerd},
    PLAIN("CTRL_EXT", E1000_CTRL_EXT, 4),
    {"MDIC", E1000_MDIC, 4, R32, read_plain, write_mdic},
    PLAIN("FCAL and FCAH", 0x0028, 8),
    PLAIN("FCT", 0x0030, 4),
    PLAIN("VET", E1000_VET, 4),
    {"ICR", E1000_ICR, 4, R32, read_icr, write_icr},
    PLAIN("ITR", E1000_ITR, 4),
    {"ICS", E1000_ICS, 4, R32, NULL, write_ics},
    {"IMS", E1000_IMS, 4, R32, read_plain, write_ims},
    {"IMC", E1000_IMC, 4, R32, NULL, write_imc},
    PLAIN("RCTL", E1000_RCTL, 4),
    PLAIN("FCTTV", 0x0170, 4),
    PLAIN("TXCW", 0x0178, 4),
    PLAIN("RXCW", 0x0180, 4),
    {"TCTL", E1000_TCTL, 4, R32, read_plain, write_tctl},
    PLAIN("TIPG", 0x0410, 4),
    PLAIN("AIFS", 0x0458, 4),
    PLAIN("LEDCTL", 0x0e00, 4),
    PLAIN("PBA", 0x1000, 4),
    PLAIN("FCRTL", 0x2160, 4),
    PLAIN("FCRTH", 0x2168, 4),
    {"RDBAL", E1000_RDBAL, 4, R32, read_plain, write_ring_base},
    PLAIN("RDBAH", E1000_RDBAH, 4),
    {"RDLEN", E1000_RDLEN, 4, R32, read_plain, write_ring_length},
    {"RDH", E1000_RDH, 4, R32, read_plain, write_ring_index},
    {"RDT", E1000_RDT, 4, R32, read_plain, write_ring_index},
    PLAIN("RDTR", 0x2820, 4),
    PLAIN("RXDCTL", 0x2828, 4),
    PLAIN("RADV", 0x282c, 4),
    PLAIN("RSRPD", 0x2c00, 4),
    {"TDBAL", E1000_TDBAL, 4, R32, read_plain, write_ring_base},
    PLAIN("TDBAH", E1000_TDBAH, 4),
    {"TDLEN", E1000_TDLEN, 4, R32, read_plain, write_ring_length},
    {"TDH", E1000_TDH, 4, R32, read_plain, write_ring_index},
    {"TDT", E1000_TDT, 4, R32, read_plain, write_tail},
    PLAIN("TIDV", 0x3820, 4),
    PLAIN("TXDCTL", 0x3828, 4),
    PLAIN("TADV", 0x382c, 4),
    PLAIN("TSPMT", 0x3830, 4),
    {"statistics", E1000_STATISTICS, 0x100, R32, read_count, NULL},
    PLAIN("RXCSUM", E1000_RXCSUM, 4),
    PLAIN("MTA", E1000_MTA, 0x200),
    PLAIN("RAL and RAH", E1000_RAL, 0x80),
    PLAIN("VFTA", E1000_VFTA, 0x200),
    PLAIN("wake-up", 0x5800, 0x200),
    /* Differs: of later cards, but U-Boot's driver takes this semaphore for any */
    PLAIN("SWSM", 0x5b50, 4),
    PLAIN("FFLT", 0x5f00, 0x40),
    {0},
};

static const struct e1000_model models[] = {
    [E1000_82540EM] = {.identity = {.vendor = 0x8086,
                                    .device = 0x100e,
                                    .subsystem_vendor = 0x1af4,
                                    .subsystem = 0x1100,
                                    .class = 0x0200,
                                    .revision = 3,
                                    .pin = true},
                       .regs = {.name = "e1000", .regs = regs + ONLY_82574},
                       .ports_bar = 1,
                       .ports_bytes = 64,
                       .phy_id = 0x0c20,
                       .eerd_done = 0x10,
                       .eerd_word = 8},
    [E1000_82574L] = {.kind = E1000_82574L,
                      .identity = {.vendor = 0x8086,
                                   .device = 0x10d3,
                                   .subsystem_vendor = 0x8086,
                                   .class = 0x0200,
                                   .pin = true},
                      .regs = {.name = "e1000e", .regs = regs},
                      .ports_bar = 2,
                      .ports_bytes = 32,
                      .phy_id = 0x0cb1,
                      .eerd_done = 2,
                      .eerd_word = 2},
};

/* 13.2.2: registers by way of two ports. */
static uint64_t read_ports(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size)
{
    struct e1000 *e = to_e1000(f);

    (void)bar, (void)size;
    if (offset == 0)
        return e->port_address;
    return offset == 4 && e->port_address < E1000_REGS_BYTES
               ? device_read(&e->bar, align_down(e->port_address, 4), 4)
               : 0;
}

static void write_ports(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size,
                        uint64_t value)
{
    struct e1000 *e = to_e1000(f);

    (void)bar, (void)size;
    if (offset == 0)
        e->port_address = (uint32_t)value;
    else if (offset == 4 && e->port_address < E1000_REGS_BYTES)
        device_write(&e->bar, align_down(e->port_address, 4), 4, (uint32_t)value);
}

/* ---- the function ---- */

static void reset(struct pci_function *f)
{
    struct e1000 *e = to_e1000(f);

    e->port_address = 0;
    reset_registers(e);
}

/* It may be a master now. */
static void config_written(struct pci_function *f, unsigned offset, unsigned size)
{
    (void)size;
    if (offset <= PCI_COMMAND)
        e1000_transmit(to_e1000(f), 0);
}

static void eeprom_state(struct state_io *io, struct e1000_eeprom *p)
{
    STATE(io, p->in);
    STATE(io, p->in_bits);
    STATE(io, p->out_bits);
    STATE(io, p->word);
    STATE(io, p->reads);
    STATE(io, p->out);
    state_require(io, p->out_bits < 16 && p->word < E1000_EEPROM, "p->word");
}

static void state(struct state_io *io, struct pci_function *f)
{
    struct e1000 *e = to_e1000(f);

    STATE_ARRAY(io, e->regs);
    STATE_ARRAY(io, e->phy);
    eeprom_state(io, &e->eeprom);
    STATE(io, e->port_address);
    STATE_ARRAY(io, e->context.dwords);
    STATE(io, e->packet_bytes);
    if (state_require(io, e->packet_bytes <= E1000_PACKET_MAX - 60, "e->packet_bytes") &&
        !state_failed(io))
        state_bytes(io, "e->packet", e->packet, e->packet_bytes);
    if (is_82574(e))
        STATE(io, e->told);
    pace_state(io, &e->pace);
}

static const struct pci_ops ops = {
    .name = "e1000",
    .read = read_ports,
    .write = write_ports,
    .config_written = config_written,
    .reset = reset,
    .state = state,
};

void e1000_init(struct e1000 *e, const struct e1000_config *config, const struct arm_log *log)
{
    const struct e1000_model *model = &models[config->kind];
    struct pci_function *f = &e->function;
    char name[CLOCK_NAME_MAX];

    CHECK(regs[ONLY_82574].offset == E1000_CTRL); /* the first of both */
    memset(e, 0, sizeof(*e));
    e->model = model;
    e->dma = (struct pci_dma){f, config->mem, (uint8_t)config->unit};
    e->bar = (struct device){&model->regs, log};
    e->send = config->send;
    e->send_ctx = config->send_ctx;
    memcpy(e->mac, config->mac, sizeof(e->mac));
    pci_init(f, &ops, log, &model->identity);
    pci_add_bar(f, REGS_BAR, (struct pci_bar){.size = E1000_REGS_BYTES, .regs = &e->bar});
    pci_add_bar(f, model->ports_bar, (struct pci_bar){.size = model->ports_bytes, .io = true});
    if (is_82574(e))
        pci_add_msix(f, MSIX_BAR, VECTORS);
    if (config->express)
        pci_add_endpoint(f);
    snprintf(name, sizeof(name), "e1000-%u", config->unit);
    pace_init(&e->pace, config->clock, name, e1000_transmit, e);
    reset(f);
}
