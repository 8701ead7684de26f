#include "devices/uart16550.h"

#include "base/bits.h"
#include "base/state_io.h"

/* Table II, "Summary of Registers": where DLAB of LCR is set, the first two are the divisor. */
enum { DATA, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };

#define IER_RX     0x01
#define IER_TX     0x02
#define IER_LINE   0x04
#define IER_MODEM  0x08
#define IER_MASK   0x0f
#define FCR_ENABLE 0x01
#define FCR_RX     0x02 /* of a write: empty it */
#define FCR_KEPT   0xc9
#define LCR_BREAK  0x40
#define LCR_DLAB   0x80
#define MCR_DTR    0x01
#define MCR_RTS    0x02
#define MCR_OUT1   0x04
#define MCR_OUT2   0x08
#define MCR_LOOP   0x10
#define MCR_MASK   0x1f
#define LSR_READY  0x01
#define LSR_LOST   0x02
#define LSR_BREAK  0x10
#define LSR_EMPTY  0x60 /* both of the transmitter: it always is */
#define MSR_CTS    0x10
#define MSR_DSR    0x20
#define MSR_RI     0x40
#define MSR_DCD    0x80

/* Table IV, "Interrupt Control Functions", in the order of their priority. */
#define IIR_NONE    0x01
#define IIR_LINE    0x06
#define IIR_RX      0x04
#define IIR_TIMEOUT 0x0c
#define IIR_TX      0x02
#define IIR_MODEM   0x00
#define IIR_FIFOS   0xc0

#define CRYSTAL_HZ UINT64_C(1843200)
#define SECOND_NS  UINT64_C(1000000000)

/* What loops back from where (8.6.4): the modem's inputs are its outputs. */
static const struct {
    uint8_t mcr, msr;
} loops[] = {{MCR_RTS, MSR_CTS}, {MCR_DTR, MSR_DSR}, {MCR_OUT1, MSR_RI}, {MCR_OUT2, MSR_DCD}};

static unsigned depth(const struct uart16550 *u)
{
    return u->fcr & FCR_ENABLE ? UART16550_FIFO : 1;
}

static unsigned trigger(const struct uart16550 *u)
{
    static const uint8_t levels[] = {1, 4, 8, 14};

    return u->fcr & FCR_ENABLE ? levels[u->fcr >> 6] : 1;
}

/* Somebody with everything ready is at the other end, unless it is us. */
static uint8_t modem_inputs(const struct uart16550 *u)
{
    uint8_t inputs = 0;

    if (!(u->mcr & MCR_LOOP))
        return MSR_CTS | MSR_DSR | MSR_DCD;
    for (unsigned k = 0; k < ARRAY_SIZE(loops); k++)
        inputs |= u->mcr & loops[k].mcr ? loops[k].msr : 0;
    return inputs;
}

static uint8_t reason(const struct uart16550 *u)
{
    if (u->ier & IER_LINE && u->lsr)
        return IIR_LINE;
    if (u->ier & IER_RX && u->count >= trigger(u))
        return IIR_RX;
    if (u->ier & IER_RX && u->timed_out)
        return IIR_TIMEOUT;
    if (u->ier & IER_TX && u->sent)
        return IIR_TX;
    if (u->ier & IER_MODEM && u->msr)
        return IIR_MODEM;
    return IIR_NONE;
}

static void update(struct uart16550 *u)
{
    u->level(u->level_ctx, reason(u) != IIR_NONE);
}

/* ---- the receiver ---- */

/* 8.4, "FIFO Interrupt Mode Operation": four characters' time, of up to 12 bits. */
static uint64_t timeout_ns(const struct uart16550 *u)
{
    uint64_t divisor = u->divisor ? u->divisor : 1;
    uint64_t bits = 1 + 5 + (u->lcr & 3) + (u->lcr >> 3 & 1) + 1 + (u->lcr >> 2 & 1);

    return 4 * bits * 16 * divisor * SECOND_NS / CRYSTAL_HZ;
}

/* A character has come or was read: time begins again. */
static void restart_timeout(struct uart16550 *u)
{
    bool waits = u->fcr & FCR_ENABLE && u->count;

    u->timed_out = false;
    clock_event_set(u->clock, &u->silence,
                    waits ? clock_now_ns(u->clock) + timeout_ns(u) : CLOCK_NEVER);
}

static void silence(void *ctx, uint64_t now_ns)
{
    struct uart16550 *u = ctx;

    (void)now_ns;
    u->timed_out = true;
    update(u);
}

static void receive_one(struct uart16550 *u, uint8_t c)
{
    if (u->count == depth(u)) {
        u->lsr |= LSR_LOST;
    } else {
        u->rx[(u->first + u->count++) % UART16550_FIFO] = c;
        restart_timeout(u);
    }
    update(u);
}

static void empty_receiver(struct uart16550 *u)
{
    u->first = u->count = 0;
    restart_timeout(u);
}

static uint8_t take_one(struct uart16550 *u)
{
    uint8_t c;

    if (!u->count)
        return 0;
    c = u->rx[u->first];
    u->first = (uint8_t)((u->first + 1) % UART16550_FIFO);
    u->count--;
    restart_timeout(u);
    update(u);
    return c;
}

size_t uart16550_receive(struct uart16550 *u, const uint8_t *data, size_t size)
{
    size_t n = 0;

    while (n < size && !(u->mcr & MCR_LOOP) && u->count < depth(u))
        receive_one(u, data[n++]);
    return n;
}

/* ---- registers ---- */

static void send(struct uart16550 *u, uint8_t c)
{
    if (u->mcr & MCR_LOOP)
        receive_one(u, c);
    else if (u->write)
        u->write(u->write_ctx, &c, 1);
    u->sent = true;
    update(u);
}

/* Differs: the FIFOs' size and the receiver's trigger are kept only; DMA modes are those of pins
 * that nobody has. */
static void write_fcr(struct uart16550 *u, uint8_t value)
{
    if ((value ^ u->fcr) & FCR_ENABLE || value & FCR_RX) {
        u->fcr = value & FCR_KEPT;
        empty_receiver(u);
    }
    u->fcr = value & FCR_ENABLE ? value & FCR_KEPT : 0;
    update(u);
}

static void write_lcr(struct uart16550 *u, uint8_t value)
{
    bool breaks = value & ~u->lcr & LCR_BREAK && u->mcr & MCR_LOOP;

    u->lcr = value;
    if (breaks) {
        u->lsr |= LSR_BREAK;
        receive_one(u, 0);
    }
}

/* The lower half of MSR says what has changed; RI only when it has gone away (8.9). */
static void write_mcr(struct uart16550 *u, uint8_t value)
{
    uint8_t before = modem_inputs(u), after;

    u->mcr = value & MCR_MASK;
    after = modem_inputs(u);
    u->msr |= (uint8_t)(((before ^ after) & ~(after & MSR_RI)) >> 4);
    update(u);
}

static void write_ier(struct uart16550 *u, uint8_t value)
{
    u->sent |= value & ~u->ier & IER_TX; /* the transmitter is empty */
    u->ier = value & IER_MASK;
    update(u);
}

void uart16550_write(struct uart16550 *u, unsigned reg, uint8_t value)
{
    bool divisor = u->lcr & LCR_DLAB && reg <= IER;

    if (divisor) {
        u->divisor = (uint16_t)(reg == DATA ? (u->divisor & 0xff00) | value
                                            : (u->divisor & 0x00ff) | value << 8);
        return;
    }
    switch (reg) {
    case DATA:
        send(u, value);
        break;
    case IER:
        write_ier(u, value);
        break;
    case IIR_FCR:
        write_fcr(u, value);
        break;
    case LCR:
        write_lcr(u, value);
        break;
    case MCR:
        write_mcr(u, value);
        break;
    case SCR:
        u->scr = value;
        break;
    default:
        break;
    }
}

/* To read that the transmitter is empty is to know it. */
static uint8_t read_iir(struct uart16550 *u)
{
    uint8_t iir = reason(u);

    if (iir == IIR_TX) {
        u->sent = false;
        update(u);
    }
    return iir | (u->fcr & FCR_ENABLE ? IIR_FIFOS : 0);
}

static uint8_t read_and_clear(struct uart16550 *u, uint8_t *what)
{
    uint8_t value = *what;

    *what = 0;
    update(u);
    return value;
}

uint8_t uart16550_read(struct uart16550 *u, unsigned reg)
{
    bool divisor = u->lcr & LCR_DLAB && reg <= IER;

    if (divisor)
        return (uint8_t)(u->divisor >> 8 * reg);
    switch (reg) {
    case DATA:
        return take_one(u);
    case IER:
        return u->ier;
    case IIR_FCR:
        return read_iir(u);
    case LCR:
        return u->lcr;
    case MCR:
        return u->mcr;
    case LSR:
        return LSR_EMPTY | (u->count ? LSR_READY : 0) | read_and_clear(u, &u->lsr);
    case MSR:
        return modem_inputs(u) | read_and_clear(u, &u->msr);
    default:
        return u->scr;
    }
}

/* ---- the whole ---- */

void uart16550_reset(struct uart16550 *u)
{
    u->ier = u->fcr = u->lcr = u->mcr = u->lsr = u->msr = u->scr = 0;
    u->divisor = 0;
    u->sent = false;
    empty_receiver(u);
    update(u);
}

void uart16550_state(struct state_io *io, struct uart16550 *u)
{
    STATE(io, u->ier);
    STATE(io, u->fcr);
    STATE(io, u->lcr);
    STATE(io, u->mcr);
    STATE(io, u->lsr);
    STATE(io, u->msr);
    STATE(io, u->scr);
    STATE(io, u->divisor);
    STATE(io, u->sent);
    STATE(io, u->timed_out);
    STATE(io, u->first);
    STATE(io, u->count);
    state_bytes(io, "u->rx", u->rx, sizeof(u->rx));
    state_require(io, u->first < UART16550_FIFO, "first");
    state_require(io, u->count <= depth(u), "count");
}

void uart16550_init(struct uart16550 *u, const char *name)
{
    u->silence = (struct clock_event){.fn = silence, .ctx = u};
    clock_event_add(u->clock, &u->silence, "%s", name);
}
