#include "hyp/vpl011.h"

#include "hyp/console.h"
#include "hyp/vcpu.h"

enum {
    UARTDR = 0x00,
    UARTRSR = 0x04,
    UARTFR = 0x18,
    UARTIBRD = 0x24,
    UARTFBRD = 0x28,
    UARTLCR_H = 0x2c,
    UARTCR = 0x30,
    UARTIFLS = 0x34,
    UARTIMSC = 0x38,
    UARTRIS = 0x3c,
    UARTMIS = 0x40,
    UARTICR = 0x44,
    UARTPeriphID0 = 0xfe0,
};

#define INT_RX  BIT(4)
#define INT_TX  BIT(5)
#define INT_RT  BIT(6) /* a byte has waited */
#define FR_RXFE BIT(4)
#define FR_TXFE BIT(7)
#define FR_RXFF BIT(6)

/* Peripheral and PrimeCell identification, registers 0xfe0 to 0xffc. */
static const uint8_t ids[] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

static bool output(const struct vpl011 *u)
{
    return u->ris & u->imsc;
}

static uint8_t take_byte(struct vpl011 *u)
{
    uint8_t c = 0;

    if (u->count) {
        c = u->fifo[u->head];
        u->head = (u->head + 1) % VPL011_FIFO;
        u->count--;
    }
    if (!u->count)
        u->ris &= ~(uint32_t)(INT_RX | INT_RT);
    return c;
}

static uint32_t read_register(struct vpl011 *u, uint32_t offset)
{
    switch (offset) {
    case UARTDR:
        return take_byte(u);
    case UARTFR:
        return (uint32_t)(FR_TXFE | (u->count ? 0 : FR_RXFE) |
                          (u->count == VPL011_FIFO ? FR_RXFF : 0));
    case UARTIBRD:
        return u->ibrd;
    case UARTFBRD:
        return u->fbrd;
    case UARTLCR_H:
        return u->lcr;
    case UARTCR:
        return u->cr;
    case UARTIFLS:
        return u->ifls;
    case UARTIMSC:
        return u->imsc;
    case UARTRIS:
        return u->ris;
    case UARTMIS:
        return u->ris & u->imsc;
    default:
        return offset >= UARTPeriphID0 ? ids[(offset - UARTPeriphID0) / 4] : 0;
    }
}

static void write_register(struct vpl011 *u, uint32_t offset, uint32_t v)
{
    switch (offset) {
    case UARTDR: /* sent at once, so the FIFO is empty again */
        u->ris |= (uint32_t)INT_TX;
        break;
    case UARTIBRD:
        u->ibrd = v & 0xffff;
        break;
    case UARTFBRD:
        u->fbrd = v & 0x3f;
        break;
    case UARTLCR_H:
        u->lcr = v & 0xff;
        break;
    case UARTCR:
        u->cr = v & 0xffff;
        break;
    case UARTIFLS:
        u->ifls = v & 0x3f;
        break;
    case UARTIMSC:
        u->imsc = v & 0x7ff;
        break;
    case UARTICR:
        u->ris &= ~v;
        break;
    default:
        break;
    }
}

bool vpl011_mmio(struct vcpu *v, struct mmio *m)
{
    struct vpl011 *u = &v->vm->uart;
    uint32_t offset = (uint32_t)(m->ipa - VPL011_BASE);

    if (m->ipa < VPL011_BASE || m->ipa >= VPL011_BASE + VPL011_SIZE)
        return false;
    if (m->write && (offset & ~3u) == UARTDR)
        console_guest(v, (char)m->value);
    uint64_t daif = lock_take(&u->lock);
    if (m->write)
        write_register(u, offset & ~3u, (uint32_t)m->value);
    else
        m->value = read_register(u, offset & ~3u);
    vgic_set_line(v, VPL011_INTID, output(u)); /* in the order of the changes: with the lock */
    lock_drop(&u->lock, daif);
    return true;
}

void vpl011_receive(struct vm *vm, char c)
{
    struct vpl011 *u = &vm->uart;
    uint64_t daif = lock_take(&u->lock);

    if (u->count < VPL011_FIFO) {
        u->fifo[(u->head + u->count) % VPL011_FIFO] = (uint8_t)c;
        u->count++;
    }
    u->ris |= (uint32_t)(INT_RX | INT_RT);
    vgic_set_line(&vm->vcpus[0], VPL011_INTID, output(u));
    lock_drop(&u->lock, daif);
}
