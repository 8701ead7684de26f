/*
 * Sends the characters at TEXT to port 0 of the virtio console (Virtual I/O Device
 * specification 1.1, sections 2.6, 4.2.2 and 5.3), PIECE of them in a buffer, polling; ends with
 * exit code STILL_HERE if nothing has ended the machine by then. Built and run by
 * tests/tools/qemu_testdev.
 */
#include "guest.h"

#define TEXT       UINT64_C(0x48000000) /* ends with a zero */
#define STILL_HERE 99
#define NO_CONSOLE 98

#define SLOTS      UINT64_C(0x0a000000)
#define SLOT_BYTES 0x200
#define SLOT_COUNT 32

enum {
    DEVICE_ID = 0x08,
    DRIVER_FEATURES = 0x20,
    DRIVER_FEATURES_SEL = 0x24,
    QUEUE_SEL = 0x30,
    QUEUE_NUM = 0x38,
    QUEUE_READY = 0x44,
    QUEUE_NOTIFY = 0x50,
    STATUS = 0x70,
    QUEUE_DESC = 0x80,
    QUEUE_DRIVER = 0x90,
    QUEUE_DEVICE = 0xa0,
};
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };

#define ID_CONSOLE 3
#define TX0        1 /* transmitq of port 0 */
#define QUEUE_SIZE 8

static volatile struct {
    struct {
        uint64_t addr;
        uint32_t len;
        uint16_t flags, next;
    } desc[QUEUE_SIZE];
    struct {
        uint16_t flags, idx, ring[QUEUE_SIZE];
    } avail;
    struct {
        _Alignas(4) uint16_t flags;
        uint16_t idx;
        struct {
            uint32_t id, len;
        } ring[QUEUE_SIZE];
    } used;
} _Alignas(16) queue;

static uint64_t console;

static void put(unsigned reg, uint64_t v)
{
    *(volatile uint32_t *)(console + reg) = (uint32_t)v;
}

static void put_address(unsigned reg, volatile void *at)
{
    put(reg, (uintptr_t)at);
    put(reg + 4, (uintptr_t)at >> 32);
}

static bool find_console(void)
{
    for (unsigned k = 0; k < SLOT_COUNT; k++) {
        console = SLOTS + k * SLOT_BYTES;
        if (*(volatile uint32_t *)(console + DEVICE_ID) == ID_CONSOLE)
            return true;
    }
    return false;
}

static void start(void)
{
    put(STATUS, 0);
    put(STATUS, ACKNOWLEDGE | DRIVER);
    put(DRIVER_FEATURES_SEL, 1);
    put(DRIVER_FEATURES, 1); /* VERSION_1 and nothing else: one port */
    put(DRIVER_FEATURES_SEL, 0);
    put(DRIVER_FEATURES, 0);
    put(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    put(QUEUE_SEL, TX0);
    put(QUEUE_NUM, QUEUE_SIZE);
    put_address(QUEUE_DESC, queue.desc);
    put_address(QUEUE_DRIVER, &queue.avail);
    put_address(QUEUE_DEVICE, &queue.used);
    put(QUEUE_READY, 1);
    put(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
}

static void send(const char *text, unsigned len)
{
    queue.desc[0].addr = (uintptr_t)text;
    queue.desc[0].len = len;
    queue.avail.idx++; /* always descriptor 0 */
    dsb();
    put(QUEUE_NOTIFY, TX0);
    while (queue.used.idx != queue.avail.idx)
        dsb();
}

int main(void)
{
    const char *text = (const char *)TEXT;

    if (!find_console())
        return NO_CONSOLE;
    start();
    while (*text) {
        unsigned len = 0;
        while (len < PIECE && text[len])
            len++;
        send(text, len);
        text += len;
    }
    return STILL_HERE;
}
