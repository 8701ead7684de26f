/* An SD card's commands. */
#include <string.h>

#include "base/bits.h"
#include "devices/sd_card_internal.h"

#define ADDRESS 0x4567 /* a relative card address as good as any */

/* The card's status, 4.10.1. */
#define ADDRESS_ERROR      UINT32_C(0x40000000)
#define BLOCK_LENGTH_ERROR UINT32_C(0x20000000)
#define ERASE_SEQUENCE     UINT32_C(0x10000000)
#define ERASE_PARAMETER    UINT32_C(0x08000000)
#define WRITE_PROTECTED    UINT32_C(0x04000000)
#define ILLEGAL_COMMAND    UINT32_C(0x00400000)
#define READY_FOR_DATA     UINT32_C(0x00000100)
#define APP_COMMAND        UINT32_C(0x00000020)

/* The operation conditions register, 5.1: 2.7 to 3.6 V. */
#define OCR_VOLTAGES UINT32_C(0x00ff8000)
#define OCR_HIGH     UINT32_C(0x40000000)
#define OCR_READY    UINT32_C(0x80000000)

void sd_card_power(struct sd_card *c)
{
    c->state = SD_IDLE;
    c->errors = 0;
    c->address = 0;
    c->app = c->wide = c->fast = c->is_register = false;
    c->block_length = SD_BLOCK;
    c->at = c->left = 0;
    c->written = 0;
    sd_end_erase(c);
}

/* ---- responses, 4.9 ---- */

static struct sd_reply silent(void)
{
    return (struct sd_reply){.kind = SD_SILENT};
}

static struct sd_reply word(uint32_t value)
{
    return (struct sd_reply){.kind = SD_SHORT, .word = value};
}

static struct sd_reply illegal(struct sd_card *c)
{
    c->errors |= ILLEGAL_COMMAND;
    return silent();
}

/* The status as it was when the command came; errors are told once. */
static uint32_t take_status(struct sd_card *c, enum sd_state before)
{
    uint32_t status = c->errors | (uint32_t)before << 9 |
                      (before == SD_TRANSFER || before == SD_RECEIVING ? READY_FOR_DATA : 0) |
                      (c->app ? APP_COMMAND : 0);

    c->errors = 0;
    return status;
}

static struct sd_reply status(struct sd_card *c, enum sd_state before)
{
    return word(take_status(c, before));
}

/* ---- commands, 4.7.4: called in a state in which they are legal ---- */

typedef struct sd_reply command_fn(struct sd_card *c, uint32_t argument);

static struct sd_reply go_idle(struct sd_card *c, uint32_t argument)
{
    (void)argument;
    sd_card_power(c);
    return silent();
}

static struct sd_reply all_send_cid(struct sd_card *c, uint32_t argument)
{
    (void)argument;
    c->state = SD_IDENTIFICATION;
    return (struct sd_reply){SD_LONG, 0, c->cid};
}

/* 4.9.5 */
static struct sd_reply send_relative_address(struct sd_card *c, uint32_t argument)
{
    uint32_t is = take_status(c, c->state);

    (void)argument;
    c->state = SD_STANDBY;
    c->address = ADDRESS;
    return word((uint32_t)c->address << 16 | (is >> 8 & 0xc000) | (is >> 6 & 0x2000) |
                (is & 0x1fff));
}

/* A register as the data of this command. */
static struct sd_reply send(struct sd_card *c, const uint8_t *bytes, size_t n)
{
    memset(c->data, 0, sizeof(c->data));
    if (bytes)
        memcpy(c->data, bytes, n);
    c->state = SD_SENDING;
    c->is_register = true;
    c->at = 0;
    c->left = n;
    return status(c, SD_TRANSFER);
}

/* 4.3.10: of the six groups the first has two functions, the others one. */
static struct sd_reply switch_function(struct sd_card *c, uint32_t argument)
{
    uint8_t s[64] = {0, 1};
    bool good = true, fast = c->fast;

    for (unsigned group = 1; group <= 6; group++) {
        unsigned wanted = argument >> (4 * (group - 1)) & 15, is = group == 1 && c->fast;
        unsigned at = 14 + (6 - group) / 2, shift = group % 2 ? 0 : 4;
        s[2 * (7 - group) + 1] = group == 1 ? 3 : 1;
        if (wanted != 15) {
            bool known = wanted <= (group == 1);
            good &= known;
            is = known ? wanted : 15;
            fast = group == 1 ? wanted == 1 : fast;
        }
        s[at] |= (uint8_t)(is << shift);
    }
    if (good && argument >> 31)
        c->fast = fast;
    return send(c, s, sizeof(s));
}

static struct sd_reply select_card(struct sd_card *c, uint32_t argument)
{
    bool mine = argument >> 16 == c->address;
    enum sd_state before = c->state;

    if (!mine) {
        c->state =
            before == SD_PROGRAMMING || before == SD_DISCONNECTED ? SD_DISCONNECTED : SD_STANDBY;
        return silent();
    }
    if (before != SD_STANDBY && before != SD_DISCONNECTED)
        return illegal(c);
    c->state =
        before == SD_DISCONNECTED && c->erase_from < c->erase_to ? SD_PROGRAMMING : SD_TRANSFER;
    return status(c, before);
}

/* 4.3.13: the voltage of this host, and its pattern. */
static struct sd_reply send_if_condition(struct sd_card *c, uint32_t argument)
{
    (void)c;
    return bits(argument, 11, 8) == 1 ? word(argument & 0xfff) : silent();
}

static struct sd_reply send_csd(struct sd_card *c, uint32_t argument)
{
    return argument >> 16 == c->address ? (struct sd_reply){SD_LONG, 0, c->csd} : silent();
}

static struct sd_reply send_cid(struct sd_card *c, uint32_t argument)
{
    return argument >> 16 == c->address ? (struct sd_reply){SD_LONG, 0, c->cid} : silent();
}

static struct sd_reply stop_transmission(struct sd_card *c, uint32_t argument)
{
    enum sd_state before = c->state;

    (void)argument;
    sd_end_transfer(c);
    return status(c, before);
}

static struct sd_reply send_status(struct sd_card *c, uint32_t argument)
{
    return argument >> 16 == c->address ? status(c, c->state) : silent();
}

static struct sd_reply go_inactive(struct sd_card *c, uint32_t argument)
{
    if (argument >> 16 == c->address)
        c->state = SD_INACTIVE;
    return silent();
}

static struct sd_reply set_block_length(struct sd_card *c, uint32_t argument)
{
    if (argument == 0 || argument > SD_BLOCK)
        c->errors |= BLOCK_LENGTH_ERROR;
    else if (!c->high_capacity)
        c->block_length = argument;
    return status(c, SD_TRANSFER);
}

/* Where the argument of a command means; false: not on this card. */
static bool place(const struct sd_card *c, uint32_t argument, uint64_t *at)
{
    *at = c->high_capacity ? (uint64_t)argument * SD_BLOCK : argument;
    return *at < c->bytes;
}

static struct sd_reply begin(struct sd_card *c, uint32_t argument, enum sd_state state,
                             uint64_t bytes)
{
    if (!place(c, argument, &c->at)) {
        c->errors |= SD_OUT_OF_RANGE;
        return status(c, SD_TRANSFER);
    }
    c->state = state;
    c->left = bytes;
    c->is_register = false;
    return status(c, SD_TRANSFER);
}

static struct sd_reply read_block(struct sd_card *c, uint32_t argument)
{
    return begin(c, argument, SD_SENDING, c->block_length);
}

static struct sd_reply read_blocks(struct sd_card *c, uint32_t argument)
{
    return begin(c, argument, SD_SENDING, SD_OPEN);
}

static struct sd_reply write_any(struct sd_card *c, uint32_t argument, uint64_t bytes)
{
    uint64_t at;

    c->written = 0;
    if (c->disk->mode == DISK_READONLY) {
        c->errors |= WRITE_PROTECTED;
        return status(c, SD_TRANSFER);
    }
    if (place(c, argument, &at) && at % SD_BLOCK) {
        c->errors |= ADDRESS_ERROR;
        return status(c, SD_TRANSFER);
    }
    return begin(c, argument, SD_RECEIVING, bytes);
}

static struct sd_reply write_block(struct sd_card *c, uint32_t argument)
{
    return write_any(c, argument, SD_BLOCK);
}

static struct sd_reply write_blocks(struct sd_card *c, uint32_t argument)
{
    return write_any(c, argument, SD_OPEN);
}

static struct sd_reply erase_start(struct sd_card *c, uint32_t argument)
{
    sd_end_erase(c);
    if (place(c, argument, &c->erase_from))
        c->erase_started = true;
    else
        c->errors |= SD_OUT_OF_RANGE;
    return status(c, SD_TRANSFER);
}

static struct sd_reply erase_end(struct sd_card *c, uint32_t argument)
{
    uint64_t at;

    if (!c->erase_started)
        c->errors |= ERASE_SEQUENCE;
    else if (!place(c, argument, &at))
        c->errors |= SD_OUT_OF_RANGE;
    else
        c->erase_to = align_down(at, SD_BLOCK) + SD_BLOCK;
    return status(c, SD_TRANSFER);
}

static struct sd_reply erase(struct sd_card *c, uint32_t argument)
{
    (void)argument;
    c->erase_from = align_down(c->erase_from, SD_BLOCK);
    if (!c->erase_started || !c->erase_to)
        c->errors |= ERASE_SEQUENCE;
    else if (c->erase_from >= c->erase_to)
        c->errors |= ERASE_PARAMETER;
    else if (c->disk->mode == DISK_READONLY)
        c->errors |= WRITE_PROTECTED;
    else
        c->state = SD_PROGRAMMING;
    if (c->state != SD_PROGRAMMING)
        sd_end_erase(c);
    return status(c, SD_TRANSFER);
}

static struct sd_reply app_command(struct sd_card *c, uint32_t argument)
{
    if (argument >> 16 != c->address)
        return silent();
    c->app = true;
    return status(c, c->state);
}

static struct sd_reply set_bus_width(struct sd_card *c, uint32_t argument)
{
    c->wide = (argument & 3) == 2;
    return status(c, SD_TRANSFER);
}

/* 4.10.2: the width of the bus, and nothing else that a host would want to know. */
static struct sd_reply send_sd_status(struct sd_card *c, uint32_t argument)
{
    const uint8_t s[64] = {c->wide ? 0x80 : 0};

    (void)argument;
    return send(c, s, sizeof(s));
}

static struct sd_reply send_written(struct sd_card *c, uint32_t argument)
{
    const uint8_t n[4] = {(uint8_t)(c->written >> 24), (uint8_t)(c->written >> 16),
                          (uint8_t)(c->written >> 8), (uint8_t)c->written};

    (void)argument;
    return send(c, n, sizeof(n));
}

/* Nothing changes for what is to be erased before it is written, or for a pull-up. */
static struct sd_reply accept(struct sd_card *c, uint32_t argument)
{
    (void)argument;
    return status(c, SD_TRANSFER);
}

/* 4.2.3: a card of high capacity stays busy for a host that does not know of such. */
static struct sd_reply send_op_condition(struct sd_card *c, uint32_t argument)
{
    uint32_t ocr = OCR_VOLTAGES;

    if (!(argument & OCR_VOLTAGES) || (c->high_capacity && !(argument & OCR_HIGH)))
        return word(ocr);
    c->state = SD_READY;
    return word(ocr | OCR_READY | (c->high_capacity ? OCR_HIGH : 0));
}

/* 5.6: version 2.00, 1 and 4 bits. */
static struct sd_reply send_scr(struct sd_card *c, uint32_t argument)
{
    static const uint8_t scr[8] = {0x02, 0x05};

    (void)argument;
    return send(c, scr, sizeof(scr));
}

#define IN(state) BIT(SD_##state)
#define SELECTED  (IN(TRANSFER) | IN(SENDING) | IN(RECEIVING) | IN(PROGRAMMING))
#define ADDRESSED (SELECTED | IN(STANDBY) | IN(DISCONNECTED))

static const struct {
    uint8_t index;
    bool app;
    uint64_t legal; /* 4.8: the states */
    command_fn *fn;
} commands[] = {
    {0, false, ADDRESSED | IN(IDLE) | IN(READY) | IN(IDENTIFICATION), go_idle},
    {2, false, IN(READY), all_send_cid},
    {3, false, IN(IDENTIFICATION) | IN(STANDBY), send_relative_address},
    {6, false, IN(TRANSFER), switch_function},
    {7, false, ADDRESSED, select_card},
    {8, false, IN(IDLE), send_if_condition},
    {9, false, IN(STANDBY), send_csd},
    {10, false, IN(STANDBY), send_cid},
    {12, false, IN(SENDING) | IN(RECEIVING), stop_transmission},
    {13, false, ADDRESSED, send_status},
    {15, false, ADDRESSED, go_inactive},
    {16, false, IN(TRANSFER), set_block_length},
    {17, false, IN(TRANSFER), read_block},
    {18, false, IN(TRANSFER), read_blocks},
    {24, false, IN(TRANSFER), write_block},
    {25, false, IN(TRANSFER), write_blocks},
    {32, false, IN(TRANSFER), erase_start},
    {33, false, IN(TRANSFER), erase_end},
    {38, false, IN(TRANSFER), erase},
    {55, false, ADDRESSED | IN(IDLE), app_command},
    {6, true, IN(TRANSFER), set_bus_width},
    {13, true, IN(TRANSFER), send_sd_status},
    {22, true, IN(TRANSFER), send_written},
    {23, true, IN(TRANSFER), accept},
    {41, true, IN(IDLE), send_op_condition},
    {42, true, IN(TRANSFER), accept},
    {51, true, IN(TRANSFER), send_scr},
};

/* An application command that is none is a command, 4.3.9. */
struct sd_reply sd_card_command(struct sd_card *c, unsigned index, uint32_t argument)
{
    bool app = c->app;
    struct sd_reply reply;
    size_t found = ARRAY_SIZE(commands);

    for (size_t k = 0; k < ARRAY_SIZE(commands); k++)
        if (commands[k].index == index && (!commands[k].app || app))
            found = k; /* those of applications are last */
    if (found == ARRAY_SIZE(commands) || !(commands[found].legal >> c->state & 1)) {
        c->app = false;
        return illegal(c);
    }
    reply = commands[found].fn(c, argument);
    if (commands[found].fn != app_command)
        c->app = false;
    return reply;
}
