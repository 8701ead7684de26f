/* An EHCI's schedules (chapters 3 and 4): queue heads, and the transfers that are queued there. */
#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "devices/ehci.h"

#define LINKS_MAX  128 /* queue heads of a list that are looked at */
#define PASSES_MAX 16  /* of the asynchronous list in a frame, while it gets on */
#define QTDS_MAX   64  /* transfers of a queue head at once */
#define QTD_COST   256 /* work as so many bytes (base/pace.h) */
#define PAGE       4096

/* 3.6, Queue Head; behind WORD_CURRENT is a qTD (3.5), the overlay. */
enum {
    QH_LINK = 0,
    QH_ENDPOINT = 1,
    QH_CURRENT = 3,
    QH_OVERLAY = 4,
    QTD_NEXT = 0,
    QTD_ALTERNATE = 1,
    QTD_TOKEN = 2,
    QTD_BUFFERS = 3,
    QTD_WORDS = 8,
    QH_WORDS = QH_OVERLAY + QTD_WORDS,
};

#define LINK_END      UINT32_C(1)
#define LINK_TYPE(l)  ((l) >> 1 & 3)
#define LINK_AT(l)    ((l) & ~UINT32_C(0x1f))
#define TYPE_QH       1
#define QH_ADDRESS(w) ((w)&0x7f)
#define QH_NUMBER(w)  ((w) >> 8 & 0xf)
#define QH_TOGGLE_QTD UINT32_C(0x4000) /* DTC */
#define QH_PACKET(w)  ((w) >> 16 & 0x7ff)

#define TOKEN_ACTIVE   UINT32_C(0x80)
#define TOKEN_HALTED   UINT32_C(0x40)
#define TOKEN_ERROR    UINT32_C(0x08) /* XactErr */
#define TOKEN_PID(t)   ((t) >> 8 & 3)
#define TOKEN_PAGE_LOW 12
#define TOKEN_IOC      UINT32_C(0x8000)
#define TOKEN_LEFT_LOW 16
#define TOKEN_LEFT(t)  ((t) >> TOKEN_LEFT_LOW & 0x7fff)
#define TOKEN_TOGGLE   UINT32_C(0x80000000)
enum { PID_OUT, PID_IN, PID_SETUP };
#define PAGES 5

/* A queue head that is being looked at. */
struct queue {
    struct ehci *e;
    uint32_t at, words[QH_WORDS];
    uint32_t *qtd; /* the overlay */
    bool dead;     /* memory was not there */
    bool moved;    /* something was done */
    bool advanced; /* another transfer is in the overlay */
};

static bool read_words(struct ehci *e, uint32_t at, uint32_t *words, unsigned count)
{
    uint8_t bytes[4 * QH_WORDS];

    if (!dma_read(e->mem, e->who, pa(at), bytes, 4 * (size_t)count))
        return false;
    for (unsigned i = 0; i < count; i++)
        words[i] = (uint32_t)le_get(bytes + 4 * i, 4);
    return true;
}

static bool write_words(struct ehci *e, uint32_t at, const uint32_t *words, unsigned count)
{
    uint8_t bytes[4 * QH_WORDS];

    for (unsigned i = 0; i < count; i++)
        le_put(bytes + 4 * i, 4, words[i]);
    return dma_write(e->mem, e->who, pa(at), bytes, 4 * (size_t)count);
}

static struct usb_device *find(struct ehci *e, unsigned address)
{
    const uint32_t enabled = 0x4, suspended = 0x80;

    for (unsigned port = 0; port < EHCI_PORTS; port++) {
        struct usb_device *d = e->ports[port].device;
        if (d && (e->ports[port].portsc & (enabled | suspended)) == enabled &&
            d->address == address)
            return d;
    }
    return NULL;
}

/* ---- 4.10.2: the next transfer into the overlay ---- */

static bool advance(struct queue *q)
{
    uint32_t alternate = q->qtd[QTD_ALTERNATE], next = q->qtd[QTD_NEXT], qtd[QTD_WORDS];
    uint32_t toggle = q->qtd[QTD_TOKEN] & TOKEN_TOGGLE;

    if (TOKEN_LEFT(q->qtd[QTD_TOKEN]) && !(alternate & LINK_END))
        next = alternate;
    if (next & LINK_END)
        return false;
    if (!read_words(q->e, LINK_AT(next), qtd, QTD_WORDS)) {
        q->dead = true;
        return false;
    }
    if (!(qtd[QTD_TOKEN] & TOKEN_ACTIVE))
        return false;
    if (!(q->words[QH_ENDPOINT] & QH_TOGGLE_QTD))
        qtd[QTD_TOKEN] = (qtd[QTD_TOKEN] & ~TOKEN_TOGGLE) | toggle;
    q->words[QH_CURRENT] = LINK_AT(next);
    memcpy(q->qtd, qtd, sizeof(qtd));
    return q->advanced = true;
}

/* ---- 4.10.3: its data ---- */

/* Where the next byte is, and how many are in this page. */
static uint32_t place(const struct queue *q, uint32_t *room)
{
    unsigned page = q->qtd[QTD_TOKEN] >> TOKEN_PAGE_LOW & 7;
    uint32_t offset = q->qtd[QTD_BUFFERS] & (PAGE - 1);

    *room = page < PAGES ? PAGE - offset : 0;
    return page < PAGES ? (q->qtd[QTD_BUFFERS + page] & ~(uint32_t)(PAGE - 1)) | offset : 0;
}

static void count(struct queue *q, uint32_t n)
{
    uint32_t *token = &q->qtd[QTD_TOKEN], *buffer = &q->qtd[QTD_BUFFERS];
    uint32_t offset = (*buffer & (PAGE - 1)) + n, packet = QH_PACKET(q->words[QH_ENDPOINT]);
    uint32_t packets = n && packet ? (n + packet - 1) / packet : 1;

    *token -= n << TOKEN_LEFT_LOW;
    *token += offset / PAGE << TOKEN_PAGE_LOW;
    *token ^= packets & 1 ? TOKEN_TOGGLE : 0;
    *buffer = (*buffer & ~(uint32_t)(PAGE - 1)) | offset % PAGE;
    pace_spend(&q->e->pace, n);
}

/* One piece, within a page: how many bytes, or enum usb_answer. */
static int move(struct queue *q, struct usb_device *d, uint32_t n)
{
    uint8_t bytes[PAGE];
    unsigned number = QH_NUMBER(q->words[QH_ENDPOINT]);
    uint32_t room, at = place(q, &room);
    int got;

    n = n < room ? n : room;
    if (TOKEN_PID(q->qtd[QTD_TOKEN]) == PID_IN) {
        got = usb_in(d, number, bytes, n);
        q->dead |= got > 0 && !dma_write(q->e->mem, q->e->who, pa(at), bytes, (size_t)got);
        return got;
    }
    q->dead |= n && !dma_read(q->e->mem, q->e->who, pa(at), bytes, n);
    return q->dead ? USB_GONE : usb_out(d, number, bytes, n);
}

static int set_up(struct queue *q, struct usb_device *d)
{
    uint8_t bytes[USB_SETUP_BYTES];
    uint32_t room, at = place(q, &room);

    if (TOKEN_LEFT(q->qtd[QTD_TOKEN]) != USB_SETUP_BYTES || room < USB_SETUP_BYTES)
        return USB_STALL;
    if (!dma_read(q->e->mem, q->e->who, pa(at), bytes, sizeof(bytes))) {
        q->dead = true;
        return USB_GONE;
    }
    usb_setup(d, bytes);
    return USB_SETUP_BYTES;
}

/* What the device has answered last; a transfer that is short is over too. */
static int transact(struct queue *q, struct usb_device *d)
{
    for (;;) {
        uint32_t left = TOKEN_LEFT(q->qtd[QTD_TOKEN]), room;
        bool setup = TOKEN_PID(q->qtd[QTD_TOKEN]) == PID_SETUP;
        (void)place(q, &room);
        if (left && !room)
            return USB_GONE; /* more bytes than the pages have */
        int got = setup ? set_up(q, d) : move(q, d, left);
        pace_spend(&q->e->pace, usb_take_cost(d));
        if (got < 0 || q->dead)
            return got;
        q->moved = true;
        count(q, (uint32_t)got);
        if ((uint32_t)got == left || (uint32_t)got < (left < room ? left : room))
            return got;
    }
}

/* 4.15.1: why the host is told. */
static void finish(struct queue *q, int answer)
{
    uint32_t *token = &q->qtd[QTD_TOKEN];
    bool is_short = TOKEN_PID(*token) == PID_IN && TOKEN_LEFT(*token);

    *token &= ~TOKEN_ACTIVE;
    if (answer < 0)
        *token |= TOKEN_HALTED | (answer == USB_GONE ? TOKEN_ERROR : 0);
    if (answer < 0)
        q->e->status |= EHCI_STS_ERROR;
    if (*token & TOKEN_IOC || is_short)
        q->e->status |= EHCI_STS_INTERRUPT;
    q->moved = true;
    q->dead |= !write_words(q->e, q->words[QH_CURRENT] + 4 * QTD_TOKEN, token, 1);
}

/* Of a queue head one transfer after the other; false: a host system error. */
static bool visit(struct ehci *e, uint32_t at, uint32_t *link, bool *moved)
{
    struct queue q = {.e = e, .at = at};

    q.qtd = &q.words[QH_OVERLAY];
    if (!read_words(e, at, q.words, QH_WORDS))
        return false;
    *link = q.words[QH_LINK];
    for (unsigned n = 0; n < QTDS_MAX && pace_left(&e->pace); n++) {
        pace_spend(&e->pace, QTD_COST);
        if (q.qtd[QTD_TOKEN] & TOKEN_HALTED || (!(q.qtd[QTD_TOKEN] & TOKEN_ACTIVE) && !advance(&q)))
            break;
        struct usb_device *d = find(e, QH_ADDRESS(q.words[QH_ENDPOINT]));
        int answer = d ? transact(&q, d) : USB_GONE;
        if (answer != USB_NAK && !q.dead)
            finish(&q, answer);
        if (answer == USB_NAK || q.dead)
            break;
    }
    *moved |= q.moved;
    if (q.dead || !(q.moved || q.advanced))
        return !q.dead;
    return write_words(e, at + 4 * QH_CURRENT, q.words + QH_CURRENT, QH_WORDS - QH_CURRENT);
}

/* 4.6: isochronous transfers are passed by. */
bool ehci_walk_periodic(struct ehci *e)
{
    uint32_t link, at = (e->periodic & ~UINT32_C(0xfff)) + 4 * (e->frame >> 3 & 0x3ff);
    bool moved = false;

    if (!read_words(e, at, &link, 1))
        return false;
    for (unsigned n = 0; n < LINKS_MAX && !(link & LINK_END); n++)
        if (LINK_TYPE(link) == TYPE_QH ? !visit(e, LINK_AT(link), &link, &moved)
                                       : !read_words(e, LINK_AT(link), &link, 1))
            return false;
    return true;
}

/* 4.8: round and round, until a round changes nothing. */
bool ehci_walk_async(struct ehci *e)
{
    uint32_t first = LINK_AT(e->async);
    bool moved = true;

    for (unsigned pass = 0; moved && pass < PASSES_MAX && pace_left(&e->pace); pass++) {
        uint32_t link = first;
        moved = false;
        for (unsigned n = 0; n < LINKS_MAX; n++) {
            if (!visit(e, LINK_AT(link), &link, &moved))
                return false;
            if (link & LINK_END || LINK_AT(link) == first)
                break;
        }
    }
    return true;
}
