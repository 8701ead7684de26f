// A driver of a virtio device on MMIO that has left something out, and waits for its used ring.
//
// clang-format off
// dies -O1 -DNO_READY | --rng: asks again and again for a value at && that is the used ring of queue 0 of virtio rng: the queue is not ready
// dies -O1 -DNO_DRIVER_OK | --rng: that is the used ring of queue 0 of virtio rng: DRIVER_OK is not set in its status, which is 0xb
// dies -O1 -DNO_INDEX | --rng: the index of the available ring is 0, and the device has taken all before it
// dies -O1 -DNO_NOTIFY | --rng: 1 of the available ring are not taken: the device was not notified
// dies -O1 -DVIRTUAL | --rng: asks again and again for a value at && a device has refused something && queue 0 not ready: a part is not in RAM
// lives -O1 | --rng | code 0
// clang-format on
#include <stdint.h>

enum {
    MAGIC = 0,
    ID = 2,
    ACCEPTED = 8,
    ACCEPT = 9,
    QUEUE = 12,
    SIZE = 14,
    READY = 17,
    NOTIFY = 20,
    STATUS = 28,
    DESC = 32,
    AVAIL = 36,
    USED = 40
};

struct descriptor {
    uint64_t at;
    uint32_t size;
    uint16_t flags, next;
};

static struct descriptor table[8] __attribute__((aligned(16)));
static struct {
    volatile uint16_t flags, index, ring[9];
} available __attribute__((aligned(2)));
static struct {
    volatile uint16_t flags, index;
    struct {
        uint32_t id, size;
    } ring[8];
} used __attribute__((aligned(4)));
static uint8_t bytes[64];

void body(void);

__asm__(".text\n.global _start\n_start:\nldr x9, =stack + 4096\nmov sp, x9\nb body\n"
        ".bss\n.balign 16\nstack: .skip 4096\n.text\n");

static volatile uint32_t *find(uint32_t id)
{
    for (uintptr_t at = 0x0a003e00; at >= 0x0a000000; at -= 0x200) {
        volatile uint32_t *slot = (volatile uint32_t *)at;
        if (slot[MAGIC] == 0x74726976 && slot[ID] == id)
            return slot;
    }
    return 0;
}

static void give(volatile uint32_t *slot, unsigned n, const void *part)
{
    uint64_t at = (uintptr_t)part;

#ifdef VIRTUAL
    at |= UINT64_C(0xffff) << 48;
#endif
    slot[n] = (uint32_t)at;
    slot[n + 1] = (uint32_t)(at >> 32);
}

void body(void)
{
    volatile uint32_t *slot = find(4);

    slot[STATUS] = 0;
    slot[STATUS] = 3;
    slot[ACCEPT] = 1;
    slot[ACCEPTED] = 1; /* VIRTIO_F_VERSION_1 */
#ifdef PACKED
    slot[ACCEPT] = 1;
    slot[ACCEPTED] = 5; /* and VIRTIO_F_RING_PACKED */
#endif
    slot[STATUS] = 11;
    slot[QUEUE] = 0;
    slot[SIZE] = 8;
    give(slot, DESC, table);
    give(slot, AVAIL, &available);
    give(slot, USED, &used);
#ifndef NO_READY
    slot[READY] = 1;
#endif
#ifndef NO_DRIVER_OK
    slot[STATUS] = 15;
#endif
#ifdef PACKED /* here the last two members are the other way round */
    table[0] = (struct descriptor){(uintptr_t)bytes, sizeof(bytes), 0, PACKED};
#else
    table[0] = (struct descriptor){(uintptr_t)bytes, sizeof(bytes), 2, 0};
#endif
    available.ring[0] = 0;
#ifndef NO_INDEX
    available.index = 1;
#endif
    __asm__ volatile("dmb sy" ::: "memory");
#ifndef NO_NOTIFY
    slot[NOTIFY] = 0;
#endif
#ifdef PACKED
    while (!(*(volatile uint16_t *)&table[0].next & 0x8000))
        ;
#endif
    while (!used.index)
        ;
    __asm__ volatile("mov w0, #0x84000000\nadd w0, w0, #8\nsmc #0");
}
