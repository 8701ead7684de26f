#include "devices/pci.h"

#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"
#include "devices/pci_host.h"

#define BAR_IO       1
#define BAR_WIDE     4
#define BAR_PREFETCH 8

void pci_field(struct pci_function *f, unsigned offset, unsigned bytes, uint64_t value,
               uint64_t writable)
{
    CHECK(offset + bytes <= PCI_CONFIG_BYTES);
    le_put(f->initial + offset, bytes, value);
    le_put(f->config + offset, bytes, value);
    le_put(f->writable + offset, bytes, writable);
}

void pci_init(struct pci_function *f, const struct pci_ops *ops, const struct arm_log *log,
              const struct pci_identity *id)
{
    *f = (struct pci_function){.ops = ops, .log = log, .cap_end = PCI_HEADER_END};
    pci_field(f, PCI_VENDOR_ID, 2, id->vendor, 0);
    pci_field(f, PCI_DEVICE_ID, 2, id->device, 0);
    pci_field(f, PCI_COMMAND, 2, 0,
              PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
    pci_field(f, PCI_REVISION, 1, id->revision, 0);
    pci_field(f, PCI_INTERFACE, 1, id->interface, 0);
    pci_field(f, PCI_CLASS, 2, id->class, 0);
    pci_field(f, PCI_CACHE_LINE, 1, 0, 0xff);
    pci_field(f, PCI_SUBSYSTEM_VENDOR, 2, id->subsystem_vendor, 0);
    pci_field(f, PCI_SUBSYSTEM, 2, id->subsystem, 0);
    pci_field(f, PCI_INTERRUPT_LINE, 1, 0, 0xff);
    pci_field(f, PCI_INTERRUPT_PIN, 1, id->pin, 0);
}

uint64_t pci_get(const struct pci_function *f, unsigned offset, unsigned bytes)
{
    return le_get(f->config + offset, bytes);
}

/* ---- base addresses, 6.2.5.1 ---- */

void pci_add_bar(struct pci_function *f, unsigned n, struct pci_bar bar)
{
    uint64_t kind = bar.io ? BAR_IO : bar.wide ? BAR_WIDE | BAR_PREFETCH : 0;

    CHECK(is_pow2(bar.size) && bar.size >= (bar.io ? 4 : 16) && n + bar.wide < PCI_BARS);
    f->bars[n] = bar;
    pci_field(f, PCI_BAR0 + 4 * n, bar.wide ? 8 : 4, kind, ~(bar.size - 1));
}

uint64_t pci_bar_base(const struct pci_function *f, unsigned n)
{
    return pci_get(f, PCI_BAR0 + 4 * n, f->bars[n].wide ? 8 : 4) & ~(f->bars[n].size - 1);
}

uint64_t pci_bar_read(struct pci_function *f, unsigned n, uint64_t offset, unsigned size)
{
    if (f->msix.count && n == f->msix.bar)
        return pci_msix_read(f, offset, size);
    if (f->bars[n].regs)
        return device_read(f->bars[n].regs, offset, size);
    return f->ops->read(f, n, offset, size);
}

void pci_bar_write(struct pci_function *f, unsigned n, uint64_t offset, unsigned size,
                   uint64_t value)
{
    if (f->msix.count && n == f->msix.bar)
        pci_msix_write(f, offset, size, value);
    else if (f->bars[n].regs)
        device_write(f->bars[n].regs, offset, size, value);
    else
        f->ops->write(f, n, offset, size, value);
}

/* ---- capabilities, 6.7 ---- */

unsigned pci_add_cap(struct pci_function *f, uint8_t id, unsigned bytes)
{
    unsigned at = f->cap_end;

    CHECK(at + bytes <= PCI_CONFIG_BYTES);
    f->cap_end = (uint8_t)align_up(at + bytes, 4);
    pci_field(f, at, 1, id, 0);
    pci_field(f, at + 1, 1, f->initial[PCI_CAPABILITIES], 0);
    pci_field(f, PCI_CAPABILITIES, 1, at, 0);
    pci_field(f, PCI_STATUS, 2, PCI_STATUS_CAPABILITIES, 0);
    return at;
}

#define EXPRESS_BYTES        0x3c
#define EXPRESS_VERSION      2
#define EXPRESS_SLOT         UINT32_C(0x100)
#define DEVCAP_ROLE_ERRORS   UINT32_C(0x8000)
#define DEVCTL_WRITABLE      UINT32_C(0x78ff)
#define LINK_2_5GT_X1        UINT32_C(0x11)
#define LINKCAP_REPORTS_UP   UINT32_C(0x100000)
#define LINKSTATUS_UP        UINT32_C(0x2000)
#define LINKCTL_WRITABLE     UINT32_C(0x0fc3)
#define SLOTSTATUS_PRESENT   UINT32_C(0x40)
#define LINKCAP2_2_5GT       UINT32_C(2)
#define SLOTCAP_NUMBER_SHIFT 19

/* The link is up, and nothing is ever plugged or unplugged. */
void pci_add_express(struct pci_function *f, enum pci_express_kind kind, unsigned slot)
{
    unsigned at = pci_add_cap(f, PCI_CAP_EXPRESS, EXPRESS_BYTES);
    bool port = kind == PCI_EXPRESS_ROOT_PORT || kind == PCI_EXPRESS_DOWNSTREAM;

    f->express = true;
    pci_field(f, at + 0x02, 2, EXPRESS_VERSION | (unsigned)kind << 4 | (port ? EXPRESS_SLOT : 0),
              0);
    pci_field(f, at + 0x04, 4, DEVCAP_ROLE_ERRORS, 0);
    pci_field(f, at + 0x08, 2, 0, DEVCTL_WRITABLE);
    pci_field(f, at + 0x0c, 4, LINK_2_5GT_X1 | (port ? LINKCAP_REPORTS_UP : 0), 0);
    pci_field(f, at + 0x10, 2, 0, LINKCTL_WRITABLE);
    pci_field(f, at + 0x12, 2, LINK_2_5GT_X1 | (port ? LINKSTATUS_UP : 0), 0);
    pci_field(f, at + 0x2c, 4, LINKCAP2_2_5GT, 0);
    if (!port)
        return;
    pci_field(f, at + 0x14, 4, (uint32_t)slot << SLOTCAP_NUMBER_SHIFT, 0);
    pci_field(f, at + 0x1a, 2, SLOTSTATUS_PRESENT, 0);
    if (kind == PCI_EXPRESS_ROOT_PORT)
        pci_field(f, at + 0x1c, 2, 0, 0x1f); /* Root Control */
}

void pci_add_endpoint(struct pci_function *f)
{
    pci_add_express(f, PCI_EXPRESS_ENDPOINT, 0);

    unsigned at = pci_add_cap(f, PCI_CAP_POWER, 8);

    pci_field(f, at + 2, 2, 3, 0); /* version 1.2 */
    pci_field(f, at + 4, 2, 8, 3); /* No_Soft_Reset; PowerState */
}

/* ---- accesses ---- */

bool pci_is_master(const struct pci_function *f)
{
    return (pci_get(f, PCI_COMMAND, 2) & PCI_COMMAND_MASTER) &&
           (!f->port || f->port->root_bus || pci_is_master(f->port));
}

void pci_intx_set(struct pci_function *f, bool level)
{
    f->intx = level;
    pci_host_pin_changed(f);
}

void pci_reset(struct pci_function *f)
{
    memcpy(f->config, f->initial, sizeof(f->config));
    pci_msix_reset(f);
    if (f->ops->reset)
        f->ops->reset(f);
    pci_intx_set(f, false);
}

uint64_t pci_config_read(struct pci_function *f, unsigned offset, unsigned size)
{
    uint64_t status = f->intx ? PCI_STATUS_INTERRUPT : 0;

    if (f->ops->config_read)
        f->ops->config_read(f, offset, size);
    le_put(f->config + PCI_STATUS, 2, le_get(f->initial + PCI_STATUS, 2) | status);
    return pci_get(f, offset, size);
}

void pci_config_write(struct pci_function *f, unsigned offset, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i)), mask = f->writable[offset + i];
        f->config[offset + i] = (uint8_t)((f->config[offset + i] & ~mask) | (byte & mask));
    }
    pci_host_pin_changed(f);
    pci_msix_send_pending(f);
    if (f->ops->config_written)
        f->ops->config_written(f, offset, size);
}

/* Bits that the driver cannot write are what they are. */
void pci_state(struct state_io *io, struct pci_function *f)
{
    STATE(io, f->intx);
    le_put(f->config + PCI_STATUS, 2, le_get(f->initial + PCI_STATUS, 2));
    state_bytes(io, "f->config", f->config, sizeof(f->config));
    for (unsigned i = 0; state_restoring(io) && i < PCI_CONFIG_BYTES; i++)
        f->config[i] =
            (uint8_t)((f->initial[i] & ~f->writable[i]) | (f->config[i] & f->writable[i]));
    pci_msix_state(io, f);
    if (f->ops->state)
        f->ops->state(io, f);
}
