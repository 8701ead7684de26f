/* AHCI commands: their headers, tables and regions in memory, and the FISes that answer. */
#include <string.h>

#include "base/bits.h"
#include "devices/ahci_internal.h"

#define COMMAND_COST    512
#define STATUS_NO_DRIVE UINT32_C(0x7f)
#define SIG_DISK        UINT32_C(0x00000101)
#define SIG_CDROM       UINT32_C(0xeb140101)

/* ---- what the drive sends: FISes, 4.2.1 ---- */

enum { FIS_PIO_AT = 0x20, FIS_REGISTERS_AT = 0x40, FIS_BYTES = 20 };
enum { FIS_TO_DRIVE = 0x27, FIS_REGISTERS = 0x34, FIS_PIO = 0x5f };
#define FIS_INTERRUPT 0x40

/* The registers, and that a command is done if @cause is not 0. */
static void send_registers(struct ahci *a, struct ahci_port *p, const uint8_t *from, uint32_t count,
                           bool interrupts)
{
    uint8_t fis[FIS_BYTES] = {FIS_REGISTERS, interrupts ? FIS_INTERRUPT : 0, (uint8_t)p->tfd,
                              (uint8_t)(p->tfd >> 8)};

    if (from)
        memcpy(fis + 4, from + 4, 7);
    le_put(fis + 12, 2, count);
    if (p->cmd & AHCI_CMD_FIS)
        (void)pci_dma_write(&a->dma, p->fis + FIS_REGISTERS_AT, fis, sizeof(fis));
    if (interrupts)
        p->is |= AHCI_IS_DHR;
}

static void send_pio(struct ahci *a, struct ahci_port *p, uint32_t bytes)
{
    uint8_t fis[FIS_BYTES] = {FIS_PIO, FIS_INTERRUPT | 0x20, ATA_READY};

    fis[15] = ATA_READY; /* E_STATUS */
    le_put(fis + 16, 2, bytes & 0xffff);
    if (p->cmd & AHCI_CMD_FIS)
        (void)pci_dma_write(&a->dma, p->fis + FIS_PIO_AT, fis, sizeof(fis));
    p->is |= AHCI_IS_PS;
}

/* Serial ATA, 11.1 */
void ahci_send_signature(struct ahci *a, struct ahci_port *p)
{
    uint8_t fis[FIS_BYTES] = {0};

    if (!p->unit) {
        p->tfd = STATUS_NO_DRIVE;
        p->sig = UINT32_MAX;
        return;
    }
    p->tfd = ATA_READY | 0x0100; /* the error register: no fault found */
    p->sig = p->unit->is_cdrom ? SIG_CDROM : SIG_DISK;
    le_put(fis + 4, 3, p->sig >> 8);
    send_registers(a, p, fis, 1, false);
}

/* ---- regions of memory, 4.2.3.3 ---- */

enum { REGION_BYTES = 16, TABLE_PACKET = 0x40, TABLE_REGIONS = 0x80 };

bool ahci_move(struct ahci_command *c, uint8_t *data, uint32_t len, bool to_guest)
{
    uint8_t region[REGION_BYTES];

    while (len) {
        if (c->entry >= c->entries ||
            !pci_dma_read(&c->a->dma, c->table + TABLE_REGIONS + (uint64_t)c->entry * REGION_BYTES,
                          region, sizeof(region)))
            return false;
        uint32_t bytes = (uint32_t)(le_get(region + 12, 4) & 0x3fffff) + 1, left;
        uint64_t addr = le_get(region, 8) + c->in_entry;
        left = bytes - c->in_entry;
        left = left < len ? left : len;
        if (to_guest ? !pci_dma_write(&c->a->dma, addr, data, left)
                     : !pci_dma_read(&c->a->dma, addr, data, left))
            return false;
        data += left;
        len -= left;
        c->moved += left;
        c->in_entry += left;
        if (c->in_entry == bytes) {
            c->entry++;
            c->in_entry = 0;
        }
    }
    return true;
}

/* ---- commands, 5.3 ---- */

enum { HEADER_BYTES = 32, HEADER_COUNT_AT = 4 };
#define CONTROL_SOFT_RESET 4

/* The command's header and table; false: they are not in RAM. */
static bool read_command(struct ahci_command *c, unsigned slot)
{
    uint8_t header[HEADER_BYTES];

    c->header = c->port->list + (uint64_t)slot * HEADER_BYTES;
    if (!pci_dma_read(&c->a->dma, c->header, header, sizeof(header)))
        return false;
    c->flags = (uint32_t)le_get(header, 2);
    c->entries = (uint32_t)le_get(header + 2, 2);
    c->table = le_get(header + 8, 8) & ~UINT64_C(0x7f);
    return pci_dma_read(&c->a->dma, c->table, c->fis, sizeof(c->fis)) &&
           pci_dma_read(&c->a->dma, c->table + TABLE_PACKET, c->packet, sizeof(c->packet));
}

/* A FIS that is no command writes the control register: a soft reset ends when its
 * bit is cleared. */
static void control(struct ahci *a, struct ahci_port *p, const uint8_t *fis)
{
    bool reset = fis[15] & CONTROL_SOFT_RESET;

    if (p->resets && !reset) {
        scsi_unit_reset(p->unit);
        ahci_send_signature(a, p);
    }
    p->resets = reset;
}

static void finish(struct ahci_command *c, unsigned slot, const struct ahci_result *r)
{
    struct ahci_port *p = c->port;
    uint8_t count[4];

    le_put(count, sizeof(count), c->moved);
    (void)pci_dma_write(&c->a->dma, c->header + HEADER_COUNT_AT, count, sizeof(count));
    p->tfd = r->status | (uint32_t)r->error << 8;
    if (r->status & ATA_ERROR) {
        p->is |= AHCI_IS_TFE; /* the command stays issued, 6.2.2.1 */
        send_registers(c->a, p, c->fis, r->count, true);
        return;
    }
    p->issue &= ~(uint32_t)BIT(slot);
    if (r->pio)
        send_pio(c->a, p, c->moved);
    else
        send_registers(c->a, p, c->fis, r->count, true);
}

void ahci_take(struct ahci *a, struct ahci_port *p, unsigned slot)
{
    struct ahci_command c = {.a = a, .port = p};
    struct ahci_result r = {.status = ATA_READY | ATA_ERROR, .error = ATA_ABORTED};

    pace_spend(&a->pace, COMMAND_COST);
    if (!read_command(&c, slot))
        LOG(a->function.log, DEVICE, GUEST, "ahci: a command is not in RAM");
    else if (c.fis[0] == FIS_TO_DRIVE && !(c.fis[1] & 0x80)) {
        control(a, p, c.fis);
        p->issue &= ~(uint32_t)BIT(slot);
        return;
    } else if (c.fis[0] == FIS_TO_DRIVE)
        r = ahci_run(&c);
    finish(&c, slot, &r);
}
