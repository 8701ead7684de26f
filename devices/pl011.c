#include "devices/pl011.h"

#include "base/bits.h"
#include "base/state_io.h"
#include "devices/primecell.h"

/* UARTFR, DDI0183 3.3.3 */
#define FR_CTS  BIT(0)
#define FR_DSR  BIT(1)
#define FR_DCD  BIT(2)
#define FR_RXFE BIT(4)
#define FR_RXFF BIT(6)
#define FR_TXFE BIT(7)
#define FR_RI   BIT(8)

/* UARTLCR_H, 3.3.7 */
#define LCR_H_BRK BIT(0)
#define LCR_H_FEN BIT(4)

/* UARTCR, 3.3.8 */
#define CR_UARTEN BIT(0)
#define CR_LBE    BIT(7)
#define CR_TXE    BIT(8)
#define CR_RXE    BIT(9)
#define CR_DTR    BIT(10)
#define CR_RTS    BIT(11)
#define CR_OUT1   BIT(12)
#define CR_OUT2   BIT(13)
#define CR_MASK   0xff87
#define CR_RESET  (CR_TXE | CR_RXE)

/* UARTIMSC, UARTRIS, UARTMIS, UARTICR, 3.3.10 to 3.3.13 */
#define INT_RI   BIT(0)
#define INT_CTS  BIT(1)
#define INT_DCD  BIT(2)
#define INT_DSR  BIT(3)
#define INT_RX   BIT(4)
#define INT_TX   BIT(5)
#define INT_RT   BIT(6)
#define INT_BE   BIT(9)
#define INT_OE   BIT(10)
#define INT_MASK 0x7ff

#define DR_BE      BIT(10)
#define DR_OE      BIT(11)
#define RSR_OE     BIT(3)
#define IFLS_RESET 0x12 /* both levels 1/2 */

#define TIMEOUT_BITS 32 /* bit periods of silence until UARTRTINTR, 2.8.4 */
#define NS_PER_S     UINT64_C(1000000000)

static const uint8_t id[8] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

/* Modem outputs that loop back to modem inputs when UARTCR.LBE is set (3.3.8). */
static const struct {
    uint32_t cr, fr, irq;
} modem_lines[] = {
    {CR_RTS, FR_CTS, INT_CTS},
    {CR_DTR, FR_DSR, INT_DSR},
    {CR_OUT1, FR_DCD, INT_DCD},
    {CR_OUT2, FR_RI, INT_RI},
};

static struct pl011 *to_pl011(struct device *dev)
{
    return (struct pl011 *)dev;
}

static unsigned rx_depth(const struct pl011 *uart)
{
    return (uart->lcr_h & LCR_H_FEN) ? PL011_FIFO_DEPTH : 1;
}

/* UARTIFLS.RXIFLSEL, 3.3.9, in characters; reserved values act as the highest level. */
static unsigned rx_trigger(const struct pl011 *uart)
{
    static const uint8_t level[8] = {2, 4, 8, 12, 14, 14, 14, 14};

    return (uart->lcr_h & LCR_H_FEN) ? level[bits(uart->ifls, 5, 3)] : 1;
}

static void update_irq(struct pl011 *uart)
{
    irq_set(&uart->irq, (uart->ris & uart->imsc) != 0);
}

/*
 * How long TIMEOUT_BITS take at the divisor in force, which is in 1/64: a bit is 16 * divisor of
 * UARTCLK (2.4.3). CU-choice: UARTIBRD = 0 is invalid (3.3.6); it counts as the smallest divisor.
 */
static uint64_t timeout_ns(const struct pl011 *uart)
{
    uint64_t divisor = uart->divisor < 64 ? 64 : uart->divisor;

    return TIMEOUT_BITS * 16 * divisor * NS_PER_S / 64 / uart->clock_hz;
}

/* UARTRTINTR, 2.8.4: the FIFO is not empty, and nothing was received for a while. */
static void silence(void *ctx, uint64_t now_ns)
{
    struct pl011 *uart = ctx;

    (void)now_ns;
    uart->ris |= INT_RT;
    update_irq(uart);
}

/*
 * UARTRXINTR (2.8.2) and UARTRTINTR (2.8.4): both are set by what arrives, never by a register, so
 * that neither a new trigger level nor the end of a UARTICR write sets them again (3.3.9: "based on
 * a transition").
 */
static void after_arrival(struct pl011 *uart)
{
    if (uart->rx_count >= rx_trigger(uart))
        uart->ris |= INT_RX;
    clock_event_set(uart->clock, &uart->silence, clock_now_ns(uart->clock) + timeout_ns(uart));
    update_irq(uart);
}

/* ... and cleared by what is read. */
static void after_removal(struct pl011 *uart)
{
    if (uart->rx_count < rx_trigger(uart))
        uart->ris &= ~INT_RX;
    if (uart->rx_count == 0) {
        uart->ris &= ~INT_RT;
        clock_event_set(uart->clock, &uart->silence, CLOCK_NEVER);
    }
    update_irq(uart);
}

/*
 * @c: as UARTDR will show it, without OE. 2.4.3, "Overrun bit": a character that finds the FIFO
 * full is lost, and the next one that finds room carries OE.
 */
static void receive_one(struct pl011 *uart, uint16_t c)
{
    if (uart->rx_count == rx_depth(uart)) {
        uart->overrun = true;
        uart->rsr |= RSR_OE;
        uart->ris |= INT_OE;
    } else {
        uart->rx[(uart->rx_first + uart->rx_count) % PL011_FIFO_DEPTH] =
            c | (uart->overrun ? DR_OE : 0);
        uart->overrun = false;
        uart->rx_count++;
    }
    after_arrival(uart);
}

/* Does UARTTXD lead to the receiver, and is that enabled? Nothing else receives it if not. */
static bool receives_itself(const struct pl011 *uart)
{
    const uint32_t enabled = CR_UARTEN | CR_RXE;

    return (uart->cr & CR_LBE) && (uart->cr & enabled) == enabled;
}

/* Is a break sent to the receiver? It is one character, however long it lasts (3.3.1, BE). */
static bool breaks_itself(const struct pl011 *uart)
{
    return receives_itself(uart) && (uart->lcr_h & LCR_H_BRK);
}

/* UARTCR or UARTLCR_H was written. @before: what breaks_itself() was. */
static void update_break(struct pl011 *uart, bool before)
{
    if (before || !breaks_itself(uart))
        return;
    uart->ris |= INT_BE;
    receive_one(uart, DR_BE);
}

size_t pl011_can_receive(const struct pl011 *uart)
{
    return (uart->cr & CR_LBE) ? 0 : rx_depth(uart) - uart->rx_count;
}

/* Differs: characters are received with UARTEN or RXE clear too (see write_dr()). */
void pl011_receive(struct pl011 *uart, const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        receive_one(uart, data[i]);
}

static uint64_t read_dr(struct device *dev, uint64_t offset, unsigned size)
{
    struct pl011 *uart = to_pl011(dev);
    uint16_t c;

    (void)offset, (void)size;
    if (uart->rx_count == 0)
        return 0;
    c = uart->rx[uart->rx_first];
    uart->rx_first = (uart->rx_first + 1) % PL011_FIFO_DEPTH;
    uart->rx_count--;
    uart->rsr = (uart->rsr & RSR_OE) | (uint32_t)bits(c, 10, 8); /* 3.3.2: OE is UARTECR's */
    after_removal(uart);
    if (uart->taken)
        uart->taken(uart->taken_ctx);
    return c;
}

/*
 * Differs: the UART transmits with UARTEN or TXE clear too: the board's firmware would have set
 * them, and programs written for this board rely on it. Differs: the FIFO drains at once, so every
 * write passes the trigger level on its way down (2.8.4).
 */
static void write_dr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct pl011 *uart = to_pl011(dev);
    uint8_t c = (uint8_t)value;

    (void)offset, (void)size;
    if (receives_itself(uart) && !(uart->lcr_h & LCR_H_BRK))
        receive_one(uart, c);
    if (!(uart->cr & CR_LBE) && uart->write)
        uart->write(uart->write_ctx, &c, 1);
    uart->ris |= INT_TX;
    update_irq(uart);
}

static uint64_t read_fr(struct device *dev, uint64_t offset, unsigned size)
{
    const struct pl011 *uart = to_pl011(dev);
    uint64_t fr = FR_TXFE;

    (void)offset, (void)size;
    if (uart->rx_count == 0)
        fr |= FR_RXFE;
    if (uart->rx_count == rx_depth(uart))
        fr |= FR_RXFF;
    for (unsigned i = 0; i < ARRAY_SIZE(modem_lines); i++)
        if ((uart->cr & CR_LBE) && (uart->cr & modem_lines[i].cr))
            fr |= modem_lines[i].fr;
    return fr;
}

static void write_ecr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size, (void)value;
    to_pl011(dev)->rsr = 0;
    to_pl011(dev)->overrun = false;
}

/*
 * 3.3.7: the write takes over the divisor that UARTIBRD and UARTFBRD hold. Changing FEN flushes the
 * FIFOs. Differs: a break is seen by our own receiver only, there is no line to hold low.
 */
static void write_lcr_h(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct pl011 *uart = to_pl011(dev);
    bool flush = (uart->lcr_h ^ value) & LCR_H_FEN, before = breaks_itself(uart);

    (void)offset, (void)size;
    uart->lcr_h = value & 0xff;
    uart->divisor = uart->ibrd * 64 + uart->fbrd;
    if (flush) {
        uart->rx_first = uart->rx_count = 0;
        uart->overrun = false;
        after_removal(uart);
    }
    update_break(uart, before);
}

static uint32_t modem_outputs(uint32_t cr)
{
    return (cr & CR_LBE) ? cr : 0;
}

/*
 * 3.3.8. Differs: RTSEn and CTSEn are kept only. The transmit FIFO is never full, so nothing could
 * wait in it for CTS, and who sends to us asks pl011_can_receive() instead of looking at RTS.
 */
static void write_cr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct pl011 *uart = to_pl011(dev);
    uint32_t before = modem_outputs(uart->cr);
    bool breaks = breaks_itself(uart);

    (void)offset, (void)size;
    uart->cr = value & CR_MASK;
    for (unsigned i = 0; i < ARRAY_SIZE(modem_lines); i++)
        if ((before ^ modem_outputs(uart->cr)) & modem_lines[i].cr)
            uart->ris |= modem_lines[i].irq;
    update_irq(uart);
    update_break(uart, breaks);
}

static void write_imsc(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size;
    to_pl011(dev)->imsc = value & INT_MASK;
    update_irq(to_pl011(dev));
}

static uint64_t read_mis(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return to_pl011(dev)->ris & to_pl011(dev)->imsc;
}

static void write_icr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size;
    to_pl011(dev)->ris &= ~(uint32_t)value;
    update_irq(to_pl011(dev));
}

static void write_dmacr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size;
    to_pl011(dev)->dmacr = value & 7;
    if (value & 3)
        LOG(dev->log, DEVICE, GUEST, "pl011: UARTDMACR = %#llx: there is no DMA controller",
            (unsigned long long)value);
}

static uint64_t read_id(struct device *dev, uint64_t offset, unsigned size)
{
    (void)dev, (void)size;
    return primecell_id(id, offset);
}

/* Registers that only keep what was written. */
#define STORED_READ(reg)                                                                           \
    static uint64_t read_##reg(struct device *dev, uint64_t offset, unsigned size)                 \
    {                                                                                              \
        (void)offset, (void)size;                                                                  \
        return to_pl011(dev)->reg;                                                                 \
    }
#define STORED(reg, mask)                                                                          \
    STORED_READ(reg)                                                                               \
    static void write_##reg(struct device *dev, uint64_t offset, unsigned size, uint64_t value)    \
    {                                                                                              \
        (void)offset, (void)size;                                                                  \
        to_pl011(dev)->reg = value & (mask);                                                       \
    }
STORED(ilpr, 0xff)
STORED(ibrd, 0xffff)
STORED(fbrd, 0x3f)
STORED(ifls, 0x3f)
STORED_READ(rsr)
STORED_READ(lcr_h)
STORED_READ(cr)
STORED_READ(imsc)
STORED_READ(ris)
STORED_READ(dmacr)
#undef STORED
#undef STORED_READ

/* DDI0183 3.2, Summary of registers */
static const struct reg_row regs[] = {
    PRIMECELL_REG("UARTDR", 0x000, read_dr, write_dr),
    PRIMECELL_REG("UARTRSR/UARTECR", 0x004, read_rsr, write_ecr),
    PRIMECELL_REG("UARTFR", 0x018, read_fr, NULL),
    PRIMECELL_REG("UARTILPR", 0x020, read_ilpr, write_ilpr),
    PRIMECELL_REG("UARTIBRD", 0x024, read_ibrd, write_ibrd),
    PRIMECELL_REG("UARTFBRD", 0x028, read_fbrd, write_fbrd),
    PRIMECELL_REG("UARTLCR_H", 0x02c, read_lcr_h, write_lcr_h),
    PRIMECELL_REG("UARTCR", 0x030, read_cr, write_cr),
    PRIMECELL_REG("UARTIFLS", 0x034, read_ifls, write_ifls),
    PRIMECELL_REG("UARTIMSC", 0x038, read_imsc, write_imsc),
    PRIMECELL_REG("UARTRIS", 0x03c, read_ris, NULL),
    PRIMECELL_REG("UARTMIS", 0x040, read_mis, NULL),
    PRIMECELL_REG("UARTICR", 0x044, NULL, write_icr),
    PRIMECELL_REG("UARTDMACR", 0x048, read_dmacr, write_dmacr),
    PRIMECELL_ID_ROW(read_id),
    {0},
};

static void reset(struct device *dev)
{
    struct pl011 *uart = to_pl011(dev);

    uart->rsr = uart->ilpr = uart->ibrd = uart->fbrd = uart->lcr_h = 0;
    uart->imsc = uart->ris = uart->dmacr = uart->divisor = 0;
    uart->cr = CR_RESET;
    uart->ifls = IFLS_RESET;
    uart->rx_first = uart->rx_count = 0;
    uart->overrun = false;
    clock_event_set(uart->clock, &uart->silence, CLOCK_NEVER);
    update_irq(uart);
}

static void state(struct state_io *io, struct device *dev)
{
    struct pl011 *uart = to_pl011(dev);

    STATE(io, uart->rsr);
    STATE(io, uart->ilpr);
    STATE(io, uart->ibrd);
    STATE(io, uart->fbrd);
    STATE(io, uart->lcr_h);
    STATE(io, uart->cr);
    STATE(io, uart->ifls);
    STATE(io, uart->imsc);
    STATE(io, uart->ris);
    STATE(io, uart->dmacr);
    STATE(io, uart->divisor);
    STATE(io, uart->overrun);
    STATE(io, uart->rx_first);
    STATE(io, uart->rx_count);
    STATE_ARRAY(io, uart->rx);
    state_require(io, uart->divisor <= 0xffff * 64 + 0x3f, "uart->divisor");
    state_require(io, uart->rx_first < PL011_FIFO_DEPTH, "uart->rx_first");
    state_require(io, uart->rx_count <= rx_depth(uart), "uart->rx_count");
}

static const struct device_ops ops = {
    .name = "pl011", .regs = regs, .reset = reset, .state = state};

void pl011_init(struct pl011 *uart, const struct arm_log *log, struct irq_line irq,
                struct clock *clock, uint32_t clock_hz, pl011_write_fn *write, void *write_ctx)
{
    CHECK(clock_hz);
    *uart = (struct pl011){
        .dev = {&ops, log},
        .irq = irq,
        .clock = clock,
        .clock_hz = clock_hz,
        .silence = {.fn = silence, .ctx = uart},
        .write = write,
        .write_ctx = write_ctx,
    };
    clock_event_add(clock, &uart->silence, "pl011.silence");
    reset(&uart->dev);
}
