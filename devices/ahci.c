#include "devices/ahci.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/state_io.h"
#include "devices/ahci_internal.h"

#define REGS_BAR   5
#define REGS_BYTES 0x1000
#define PORTS_AT   0x100
#define PORT_BYTES 0x80

/* 3.1.1: ports; 32 slots; AHCI only; 1.5 Gb/s; addresses of 64 bits */
#define CAP                                                                                        \
    ((AHCI_PORTS - 1) | (AHCI_SLOTS - 1) << 8 | UINT32_C(1) << 18 | UINT32_C(1) << 20 |            \
     UINT32_C(1) << 31)
#define GHC_RESET UINT32_C(1)
#define GHC_IE    UINT32_C(2)
#define GHC_AHCI  UINT32_C(0x80000000)
#define VERSION   UINT32_C(0x00010300)

/* 3.3.7, PxCMD */
#define CMD_START    UINT32_C(0x0001)
#define CMD_OVERRIDE UINT32_C(0x0008)
#define CMD_FIS_RUNS UINT32_C(0x4000)
#define CMD_RUNS     UINT32_C(0x8000)
#define CMD_WRITABLE UINT32_C(0x0f000017)
#define SSTS_UP      UINT32_C(0x113)

static const struct pci_identity identity = {
    .vendor = 0x8086,
    .device = 0x2922,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class = 0x0106,
    .interface = 1, /* AHCI */
    .revision = 2,
    .pin = true,
};

static struct ahci *to_ahci(struct pci_function *f)
{
    return (struct ahci *)f;
}

static struct ahci *owner(struct device *dev)
{
    return (struct ahci *)((char *)dev - offsetof(struct ahci, regs));
}

/* ---- interrupts, 5.6.2 ---- */

static void update_pin(struct ahci *a)
{
    for (unsigned n = 0; n < AHCI_PORTS; n++)
        if (a->ports[n].is & a->ports[n].ie)
            a->is |= (uint32_t)BIT(n);
    pci_intx_set(&a->function, a->is && (a->ghc & GHC_IE));
}

/* A port goes on while nothing has failed there. */
static bool is_ready(const struct ahci_port *p)
{
    return p->unit && p->issue && (p->cmd & CMD_START) && !(p->tfd & ATA_ERROR);
}

static void work(void *ctx, uint64_t now_ns)
{
    struct ahci *a = ctx;

    (void)now_ns;
    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        struct ahci_port *p = &a->ports[n];
        while (is_ready(p) && pci_is_master(&a->function)) {
            unsigned slot = (unsigned)__builtin_ctz(p->issue);
            if (pace_left(&a->pace) == 0) {
                pace_wait(&a->pace);
                update_pin(a);
                return;
            }
            ahci_take(a, p, slot);
        }
    }
    update_pin(a);
}

/* ---- registers of a port, 3.3 ---- */

static void reset_port(struct ahci *a, struct ahci_port *p)
{
    struct scsi_unit *unit = p->unit;

    *p = (struct ahci_port){.unit = unit, .cmd = unit ? 6 : 0};
    if (unit)
        scsi_unit_reset(unit);
    ahci_send_signature(a, p);
}

static void write_cmd(struct ahci *a, struct ahci_port *p, uint32_t value)
{
    uint32_t added = value & ~p->cmd;

    p->cmd = (value & CMD_WRITABLE) | (value & CMD_START ? CMD_RUNS : 0) |
             (value & AHCI_CMD_FIS ? CMD_FIS_RUNS : 0);
    if (!(value & CMD_START))
        p->issue = 0;
    if ((value & CMD_OVERRIDE) || (added & CMD_START))
        p->tfd &= ~(uint32_t)(0x88 | ATA_ERROR);
    if (added & AHCI_CMD_FIS)
        ahci_send_signature(a, p);
}

/* 3.3.11: the drive is reset while DET is 1. */
static void write_sctl(struct ahci *a, struct ahci_port *p, uint32_t value)
{
    bool ends = bits(p->sctl, 3, 0) == 1 && bits(value, 3, 0) == 0;

    p->sctl = value;
    if (!ends)
        return;
    p->issue = 0;
    if (p->unit)
        scsi_unit_reset(p->unit);
    ahci_send_signature(a, p);
}

enum {
    P_CLB = 0x00,
    P_FB = 0x08,
    P_IS = 0x10,
    P_IE = 0x14,
    P_CMD = 0x18,
    P_TFD = 0x20,
    P_SIG = 0x24,
    P_SSTS = 0x28,
    P_SCTL = 0x2c,
    P_SERR = 0x30,
    P_CI = 0x38,
};

static uint64_t read_port(struct device *dev, uint64_t offset, unsigned size)
{
    const struct ahci_port *p = &owner(dev)->ports[(offset - PORTS_AT) / PORT_BYTES];

    (void)size;
    switch (offset % PORT_BYTES) {
    case P_CLB:
    case P_CLB + 4:
        return reg64_get(p->list, offset, 4);
    case P_FB:
    case P_FB + 4:
        return reg64_get(p->fis, offset, 4);
    case P_IS:
        return p->is;
    case P_IE:
        return p->ie;
    case P_CMD:
        return p->cmd;
    case P_TFD:
        return p->tfd;
    case P_SIG:
        return p->sig;
    case P_SSTS:
        return p->unit && bits(p->sctl, 3, 0) == 0 ? SSTS_UP : 0;
    case P_SCTL:
        return p->sctl;
    case P_SERR:
        return p->serr;
    case P_CI:
        return p->issue;
    }
    return 0;
}

static void write_port(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct ahci *a = owner(dev);
    struct ahci_port *p = &a->ports[(offset - PORTS_AT) / PORT_BYTES];

    (void)size;
    switch (offset % PORT_BYTES) {
    case P_CLB:
    case P_CLB + 4:
        p->list = reg64_put(p->list, offset, 4, value) & ~UINT64_C(0x3ff);
        break;
    case P_FB:
    case P_FB + 4:
        p->fis = reg64_put(p->fis, offset, 4, value) & ~UINT64_C(0xff);
        break;
    case P_IS:
        p->is &= ~(uint32_t)value;
        break;
    case P_IE:
        p->ie = (uint32_t)value;
        break;
    case P_CMD:
        write_cmd(a, p, (uint32_t)value);
        break;
    case P_SCTL:
        write_sctl(a, p, (uint32_t)value);
        break;
    case P_SERR:
        p->serr &= ~(uint32_t)value;
        break;
    case P_CI:
        if (p->cmd & CMD_START)
            p->issue |= (uint32_t)value;
        break;
    }
    work(a, 0);
}

/* ---- registers of the adapter, 3.1 ---- */

static void reset_all(struct ahci *a)
{
    a->ghc = GHC_AHCI;
    a->is = 0;
    for (unsigned n = 0; n < AHCI_PORTS; n++)
        reset_port(a, &a->ports[n]);
    pace_stop(&a->pace);
}

static void write_ghc(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct ahci *a = owner(dev);

    (void)offset, (void)size;
    if (value & GHC_RESET)
        reset_all(a);
    else
        a->ghc = GHC_AHCI | ((uint32_t)value & GHC_IE);
    update_pin(a);
}

static void write_is(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size;
    owner(dev)->is &= ~(uint32_t)value;
    update_pin(owner(dev));
}

#define READ(name, value)                                                                          \
    static uint64_t read_##name(struct device *dev, uint64_t offset, unsigned size)                \
    {                                                                                              \
        const struct ahci *a = owner(dev);                                                         \
        (void)a, (void)offset, (void)size;                                                         \
        return (value);                                                                            \
    }
READ(cap, CAP)
READ(ghc, a->ghc)
READ(is, a->is)
READ(pi, BIT(AHCI_PORTS) - 1)
READ(vs, VERSION)
#undef READ

static const struct reg_row regs[] = {
    {"CAP", 0x00, 4, REG_SIZE_32, read_cap, NULL},
    {"GHC", 0x04, 4, REG_SIZE_32, read_ghc, write_ghc},
    {"IS", 0x08, 4, REG_SIZE_32, read_is, write_is},
    {"PI", 0x0c, 4, REG_SIZE_32, read_pi, NULL},
    {"VS", 0x10, 4, REG_SIZE_32, read_vs, NULL},
    {"CCC to BOHC", 0x14, 0x18, REG_SIZE_32, NULL, NULL},
    {"ports", PORTS_AT, PORT_BYTES *AHCI_PORTS, REG_SIZE_32, read_port, write_port},
    {0},
};
static const struct device_ops regs_ops = {.name = "ahci", .regs = regs};

/* ---- the function ---- */

static void reset(struct pci_function *f)
{
    reset_all(to_ahci(f));
}

/* It may be a master now. */
static void config_written(struct pci_function *f, unsigned offset, unsigned size)
{
    (void)size;
    if (offset <= PCI_COMMAND)
        work(to_ahci(f), 0);
}

static void port_state(struct state_io *io, struct ahci_port *p)
{
    STATE(io, p->list);
    STATE(io, p->fis);
    STATE(io, p->is);
    STATE(io, p->ie);
    STATE(io, p->cmd);
    STATE(io, p->tfd);
    STATE(io, p->sig);
    STATE(io, p->sctl);
    STATE(io, p->serr);
    STATE(io, p->issue);
    STATE(io, p->resets);
    if (p->unit)
        scsi_unit_state(io, p->unit);
}

static void state(struct state_io *io, struct pci_function *f)
{
    struct ahci *a = to_ahci(f);

    STATE(io, a->ghc);
    STATE(io, a->is);
    for (unsigned n = 0; n < AHCI_PORTS; n++)
        port_state(io, &a->ports[n]);
    pace_state(io, &a->pace);
}

static const struct pci_ops ops = {
    .name = "ahci",
    .config_written = config_written,
    .reset = reset,
    .state = state,
};

void ahci_init(struct ahci *a, const struct ahci_config *config, const struct arm_log *log)
{
    struct pci_function *f = &a->function;
    char name[CLOCK_NAME_MAX];

    memset(a, 0, sizeof(*a));
    a->dma = (struct pci_dma){f, config->mem, (uint8_t)config->unit};
    a->regs = (struct device){&regs_ops, log};
    pci_init(f, &ops, log, &identity);
    pci_add_bar(f, REGS_BAR, (struct pci_bar){.size = REGS_BYTES, .regs = &a->regs});
    snprintf(name, sizeof(name), "ahci%u", config->unit);
    pace_init(&a->pace, config->clock, name, work, a);
    reset(f);
}

bool ahci_attach(struct ahci *a, unsigned port, struct scsi_unit *unit)
{
    if (port >= AHCI_PORTS || a->ports[port].unit)
        return false;
    a->ports[port].unit = unit;
    reset_port(a, &a->ports[port]);
    return true;
}
