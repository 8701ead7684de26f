/* Runs on: n1; el1; here only. */
/* The PL011 in loopback, which QEMU 7.2 does not have: overrun, receive timeout, break. */
#include "guest.h"

#define UART  UINT64_C(0x09000000)
#define DR    (UART + 0x00)
#define RSR   (UART + 0x04)
#define FR    (UART + 0x18)
#define IBRD  (UART + 0x24)
#define FBRD  (UART + 0x28)
#define LCR_H (UART + 0x2c)
#define CR    (UART + 0x30)
#define RIS   (UART + 0x3c)
#define ICR   (UART + 0x44)

#define LCR_H_BRK   1u
#define LCR_H_FIFOS 0x70u /* 8 bits */
#define CR_LOOPBACK 0x381u
#define CR_NORMAL   0x301u
#define FR_RXFE     0x10u
#define RIS_RT      0x40u
#define RIS_BE      0x200u
#define RIS_OE      0x400u

static uint32_t rd(uint64_t reg)
{
    return *(volatile uint32_t *)reg;
}

static void wr(uint64_t reg, uint32_t value)
{
    *(volatile uint32_t *)reg = value;
}

static void begin(uint32_t ibrd, uint32_t fbrd)
{
    wr(CR, 0);
    wr(IBRD, ibrd);
    wr(FBRD, fbrd);
    wr(LCR_H, 0);
    wr(LCR_H, LCR_H_FIFOS);
    wr(RSR, 0);
    wr(ICR, 0x7ff);
    wr(CR, CR_LOOPBACK);
}

/* The console is this UART: what is found out is kept and checked when it is itself again. */
struct found {
    uint32_t full, lost, drained, next, cleared;
    uint32_t early, read_in_time;
    uint64_t ticks[2];
    uint32_t break_status, break_char, after_break;
};

static void overrun(struct found *f)
{
    begin(13, 1);
    for (unsigned i = 0; i < 16; i++)
        wr(DR, 'a');
    f->full = rd(RSR);
    wr(DR, 'z');
    f->lost = rd(RSR) | (rd(RIS) & RIS_OE);
    while (!(rd(FR) & FR_RXFE))
        (void)rd(DR);
    f->drained = rd(RSR) | (rd(RIS) & RIS_OE);
    wr(DR, 'b');
    f->next = rd(DR);
    wr(RSR, 0);
    wr(ICR, RIS_OE);
    f->cleared = rd(RSR) | (rd(RIS) & RIS_OE);
}

/* Counter ticks from a character to its timeout. */
static uint64_t timeout(uint32_t ibrd, uint32_t fbrd)
{
    uint64_t start;

    begin(ibrd, fbrd);
    start = mrs(cntvct_el0);
    wr(DR, 't');
    while (!(rd(RIS) & RIS_RT))
        if (mrs(cntvct_el0) - start > UINT64_C(10000000))
            break;
    return mrs(cntvct_el0) - start;
}

static void timeouts(struct found *f)
{
    f->ticks[0] = timeout(13, 1);
    f->ticks[1] = timeout(156, 16);
    begin(13, 1);
    wr(DR, 't');
    f->early = rd(RIS) & RIS_RT;
    (void)rd(DR);
    for (uint64_t start = mrs(cntvct_el0); mrs(cntvct_el0) - start < 50000;)
        ;
    f->read_in_time = rd(RIS) & RIS_RT;
}

static void send_break(struct found *f)
{
    begin(13, 1);
    wr(LCR_H, LCR_H_FIFOS | LCR_H_BRK);
    wr(LCR_H, LCR_H_FIFOS);
    f->break_status = rd(RIS) & RIS_BE;
    f->break_char = rd(DR);
    f->after_break = rd(FR) & FR_RXFE;
}

int main(void)
{
    struct found f;

    overrun(&f);
    timeouts(&f);
    send_break(&f);
    wr(CR, CR_NORMAL);

    check_equal(f.full, 0, "UARTRSR with 16 characters");
    check_equal(f.lost, RIS_OE | 8, "overrun by the 17th");
    check_equal(f.drained, RIS_OE | 8, "overrun after all are read");
    check_equal(f.next, 0x800 | 'b', "UARTDR.OE of the next character");
    check_equal(f.cleared, 0, "overrun after UARTECR and UARTICR");
    /* 277.7 us and 3333 us of 16 ns, and the loop that looks for them */
    check(f.ticks[0] >= 17354 && f.ticks[0] < 17354 + 200, "32 bit periods at 115200 baud");
    check(f.ticks[1] >= 208333 && f.ticks[1] < 208333 + 200, "32 bit periods at 9600 baud");
    check_equal(f.early, 0, "no timeout at once");
    check_equal(f.read_in_time, 0, "no timeout of a character that was read");
    check_equal(f.break_status, RIS_BE, "UARTRIS.BERIS");
    check_equal(f.break_char, 0x400, "a break is a character of 0 with BE");
    check_equal(f.after_break, FR_RXFE, "and only one");
    return (int)failures;
}
