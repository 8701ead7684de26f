/* MSI-X (PCI Local Bus Specification 3.0, 6.8.2). */
#include <string.h>

#include "base/bits.h"
#include "base/state_io.h"
#include "devices/pci.h"
#include "devices/pci_host.h"

#define BAR_BYTES    0x1000
#define PENDING_AT   0x800
#define ENTRY_BYTES  16
#define CAP_BYTES    12
#define CONTROL_ON   UINT16_C(0x8000)
#define CONTROL_MASK UINT16_C(0x4000) /* of all vectors */

_Static_assert(PCI_VECTORS_MAX *ENTRY_BYTES <= PENDING_AT && PCI_VECTORS_MAX <= 64,
               "the table is in front of the pending bits, which are one number");

void pci_add_msix(struct pci_function *f, unsigned bar, unsigned count)
{
    unsigned at = pci_add_cap(f, PCI_CAP_MSIX, CAP_BYTES);

    CHECK(count >= 1 && count <= PCI_VECTORS_MAX);
    pci_add_bar(f, bar, (struct pci_bar){.size = BAR_BYTES});
    pci_field(f, at + 2, 2, count - 1, CONTROL_ON | CONTROL_MASK);
    pci_field(f, at + 4, 4, bar, 0);
    pci_field(f, at + 8, 4, PENDING_AT | bar, 0);
    f->msix = (struct pci_msix){.count = count, .bar = bar, .cap = at};
    pci_msix_reset(f);
}

static uint64_t control(const struct pci_function *f)
{
    return f->msix.count ? pci_get(f, f->msix.cap + 2, 2) : 0;
}

bool pci_msix_enabled(const struct pci_function *f)
{
    return control(f) & CONTROL_ON;
}

void pci_msix_send_pending(struct pci_function *f)
{
    struct pci_msix *x = &f->msix;

    if (!x->pending || (control(f) & (CONTROL_ON | CONTROL_MASK)) != CONTROL_ON ||
        !pci_is_master(f))
        return;
    for (unsigned n = 0; n < x->count; n++) {
        if (!(x->pending & BIT(n)) || x->table[n].masked)
            continue;
        x->pending &= ~BIT(n);
        pci_host_message(f, x->table[n].address, x->table[n].data);
    }
}

void pci_msix_signal(struct pci_function *f, unsigned n)
{
    if (n >= f->msix.count || !pci_msix_enabled(f))
        return;
    f->msix.pending |= BIT(n);
    pci_msix_send_pending(f);
}

/* ---- the BAR, 6.8.2.1: dwords and qwords ---- */

static uint32_t dword(const struct pci_msix *x, uint64_t offset)
{
    uint64_t n = offset / ENTRY_BYTES;

    if (n < x->count) {
        const struct pci_vector *v = &x->table[n];
        const uint32_t parts[] = {(uint32_t)v->address, (uint32_t)(v->address >> 32), v->data,
                                  v->masked};
        return parts[offset / 4 % 4];
    }
    if (offset == PENDING_AT || offset == PENDING_AT + 4)
        return (uint32_t)(x->pending >> (8 * (offset - PENDING_AT)));
    return 0;
}

static void set_dword(struct pci_msix *x, uint64_t offset, uint32_t value)
{
    uint64_t n = offset / ENTRY_BYTES;
    struct pci_vector *v;

    if (n >= x->count)
        return;
    v = &x->table[n];
    switch (offset / 4 % 4) {
    case 0:
        v->address = set_bits(v->address, 31, 0, value & ~UINT32_C(3));
        break;
    case 1:
        v->address = set_bits(v->address, 63, 32, value);
        break;
    case 2:
        v->data = value;
        break;
    case 3:
        v->masked = value & 1;
        break;
    }
}

uint64_t pci_msix_read(struct pci_function *f, uint64_t offset, unsigned size)
{
    uint64_t at = offset & ~UINT64_C(3), value = dword(&f->msix, at);

    if (size == 8)
        value |= (uint64_t)dword(&f->msix, at + 4) << 32;
    return value >> (8 * (offset & 3));
}

void pci_msix_write(struct pci_function *f, uint64_t offset, unsigned size, uint64_t value)
{
    if (size < 4) {
        LOG(f->log, DEVICE, GUEST, "%s: write of %u bytes to the MSI-X table: expected 4 or 8",
            f->ops->name, size);
        return;
    }
    for (unsigned i = 0; i < size; i += 4)
        set_dword(&f->msix, offset + i, (uint32_t)(value >> (8 * i)));
    pci_msix_send_pending(f);
}

void pci_msix_reset(struct pci_function *f)
{
    memset(f->msix.table, 0, sizeof(f->msix.table));
    for (unsigned n = 0; n < f->msix.count; n++)
        f->msix.table[n].masked = true;
    f->msix.pending = 0;
}

void pci_msix_state(struct state_io *io, struct pci_function *f)
{
    struct pci_msix *x = &f->msix;

    for (unsigned n = 0; n < x->count; n++) {
        STATE(io, x->table[n].address);
        STATE(io, x->table[n].data);
        STATE(io, x->table[n].masked);
    }
    STATE(io, x->pending);
}
