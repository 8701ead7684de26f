/* The 82540EM and the 82574L: EEPROM and PHY as drivers read them, rings, checksums, segments,
 * filters, tags, statistics; the second one's descriptors and messages. */
#include "devices/e1000.h"

#include "base/state_io.h"
#include "tests/devices/function_bench.h"

enum {
    CTRL = 0,
    STATUS_REG = 8,
    EECD = 0x10,
    EERD = 0x14,
    MDIC = 0x20,
    ICR = 0xc0,
    ICS = 0xc8,
    IMS = 0xd0,
    IMC = 0xd8,
    RCTL = 0x100,
    TCTL = 0x400,
    RDBAL = 0x2800,
    RDLEN = 0x2808,
    RDH = 0x2810,
    RDT = 0x2818,
    TDBAL = 0x3800,
    TDLEN = 0x3808,
    TDH = 0x3810,
    TDT = 0x3818,
    MTA = 0x5200
};

#define TX_RING RAM
#define RX_RING (RAM + 0x1000)
#define DATA    (RAM + 0x10000)
#define RX_DATA (RAM + 0x20000)
#define RING    16

struct bench {
    struct function_bench b;
    struct e1000 dev;
    unsigned frames;
    size_t bytes; /* of the last one */
    uint8_t frame[E1000_FRAME_MAX];
    unsigned tail;
};

static const uint8_t mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};

static void keep_frame(void *ctx, const uint8_t *frame, size_t n)
{
    struct bench *b = ctx;

    b->frames++;
    b->bytes = n;
    memcpy(b->frame, frame, n);
}

static void start_kind(struct bench *b, enum e1000_kind kind)
{
    memset(b, 0, sizeof(*b));
    bench_begin(&b->b, DISK_SNAPSHOT, SECTORS * 512);
    e1000_init(&b->dev,
               &(struct e1000_config){.kind = kind,
                                      .mac = mac,
                                      .send = keep_frame,
                                      .send_ctx = b,
                                      .unit = 3,
                                      .mem = &b->b.d.mem,
                                      .clock = &b->b.d.clock},
               &b->b.d.log);
    bench_plug(&b->b, &b->dev.function, 0);
    out(&b->b, TDBAL, 4, TX_RING);
    out(&b->b, TDLEN, 4, RING * 16);
    out(&b->b, TCTL, 4, 2);
    out(&b->b, RDBAL, 4, RX_RING);
    out(&b->b, RDLEN, 4, RING * 16);
    for (unsigned i = 0; i < RING; i++)
        poke(&b->b.d, RX_RING + 16 * i, 8, RX_DATA + 0x800 * i);
    out(&b->b, RCTL, 4, 0x8002);
    out(&b->b, RDT, 4, RING - 1);
    driver_wait(&b->b.d, 1);
}

static void start(struct bench *b)
{
    start_kind(b, E1000_82540EM);
}

static uint16_t eeprom_by_bits(struct bench *b, unsigned word)
{
    unsigned command = 6 << 6 | word, value = 0;

    out(&b->b, EECD, 4, 2);
    for (int i = 8; i >= 0; i--) {
        unsigned in_bit = (command >> i & 1) << 2;
        out(&b->b, EECD, 4, 2 | in_bit);
        out(&b->b, EECD, 4, 3 | in_bit);
        out(&b->b, EECD, 4, 2 | in_bit);
    }
    for (unsigned i = 0; i < 16; i++) {
        out(&b->b, EECD, 4, 3);
        value = value << 1 | (in(&b->b, EECD, 4) >> 3 & 1);
        out(&b->b, EECD, 4, 2);
    }
    out(&b->b, EECD, 4, 0);
    return (uint16_t)value;
}

static uint16_t read_phy(struct bench *b, unsigned reg)
{
    out(&b->b, MDIC, 4, 2 << 26 | 1 << 21 | reg << 16);
    assert_int_equal(in(&b->b, MDIC, 4) >> 28, 1);
    return (uint16_t)in(&b->b, MDIC, 4);
}

static void test_eeprom_and_phy_are_as_drivers_want_them(void **state)
{
    uint16_t sum = 0;
    struct bench b;

    (void)state;
    start(&b);
    assert_int_equal(device_read(&b.b.host.ecam, PCI_DEVFN(1, 0) << 12, 4), 0x100e8086);
    out(&b.b, EECD, 4, 0x40);
    assert_int_equal(in(&b.b, EECD, 4) & 0x1c0, 0x1c0); /* there, and granted */
    out(&b.b, 0x5b50, 4, 2);
    assert_int_equal(in(&b.b, 0x5b50, 4), 2); /* what drivers take for a semaphore */
    for (unsigned i = 0; i < 64; i++) {
        sum = (uint16_t)(sum + eeprom_by_bits(&b, i));
        out(&b.b, EERD, 4, 1 | i << 8);
        assert_int_equal(in(&b.b, EERD, 4) >> 16, eeprom_by_bits(&b, i));
        assert_true(in(&b.b, EERD, 4) & 0x10);
    }
    assert_int_equal(sum, 0xbaba);
    assert_int_equal(eeprom_by_bits(&b, 0), 0x5452);
    assert_int_equal(eeprom_by_bits(&b, 2), 0x5634);
    assert_int_equal(read_phy(&b, 2), 0x0141);
    assert_int_equal(read_phy(&b, 3), 0x0c20);
    assert_int_equal(read_phy(&b, 1) & 0x24, 0x24); /* negotiated, link up */
    out(&b.b, MDIC, 4, 1 << 26 | 1 << 21 | 4 << 16 | 0x1234);
    assert_int_equal(read_phy(&b, 4), 0x1234);
    out(&b.b, MDIC, 4, 1 << 26 | 1 << 21 | 0x8000); /* reset */
    assert_int_equal(read_phy(&b, 4), 0x0de1);
    out(&b.b, MDIC, 4, 2 << 26 | 5 << 21);
    assert_true(in(&b.b, MDIC, 4) & 0x40000000); /* there is no such PHY */
    bench_end(&b.b);
}

static void put_tx(struct bench *b, uint64_t addr, uint32_t lower, uint32_t upper)
{
    uint64_t at = TX_RING + 16 * b->tail;

    poke(&b->b.d, at, 8, addr);
    poke(&b->b.d, at + 8, 4, lower);
    poke(&b->b.d, at + 12, 4, upper);
    b->tail = (b->tail + 1) % RING;
}

static void test_frames_are_sent_in_pieces(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    out(&b.b, IMS, 4, 1);
    for (unsigned i = 0; i < 100; i++)
        poke(&b.b.d, DATA + i, 1, i);
    put_tx(&b, DATA, 0x02000000 | 40, 0);
    put_tx(&b, DATA + 40, 0x0b000000 | 60, 0);
    out(&b.b, TDT, 4, b.tail);
    assert_int_equal(b.frames, 1);
    assert_int_equal(b.bytes, 100);
    assert_int_equal(b.frame[99], 99);
    assert_int_equal(peek(&b.b.d, TX_RING + 12, 1), 0); /* nobody asked */
    assert_int_equal(peek(&b.b.d, TX_RING + 28, 1), 1);
    assert_int_equal(in(&b.b, TDH, 4), 2);
    assert_true(b.b.pin);
    assert_int_equal(in(&b.b, ICR, 4), 3);
    assert_false(b.b.pin);
    assert_int_equal(in(&b.b, ICR, 4), 0);
    out(&b.b, ICS, 4, 4);
    assert_false(b.b.pin); /* not wanted */
    out(&b.b, IMS, 4, 4);
    assert_true(b.b.pin);
    out(&b.b, IMC, 4, 4);
    assert_false(b.b.pin);
    bench_end(&b.b);
}

static unsigned sum_of(const uint8_t *data, size_t bytes, unsigned sum)
{
    for (size_t i = 0; i < bytes; i++)
        sum += i & 1 ? data[i] : (unsigned)data[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* 14 + 20 + 20 bytes of headers, 250 of data, cut to 100. */
static void test_a_packet_is_cut_into_tcp_segments(void **state)
{
    uint8_t packet[304] = {0};
    unsigned pseudo = 0xc0a8 + 0x0001 + 0xc0a8 + 0x0002 + 6;
    struct bench b;

    (void)state;
    start(&b);
    packet[12] = 8;
    packet[14] = 0x45;
    memcpy(packet + 18, "\x12\x34", 2);
    packet[23] = 6;
    memcpy(packet + 26, "\xc0\xa8\0\1\xc0\xa8\0\2", 8);
    memcpy(packet + 38, "\0\0\1\0", 4);
    packet[46] = 0x50;
    packet[47] = 0x19; /* ACK, PSH, FIN */
    packet[50] = (uint8_t)((pseudo + (pseudo >> 16)) >> 8);
    packet[51] = (uint8_t)(pseudo + (pseudo >> 16));
    for (unsigned i = 54; i < sizeof(packet); i++)
        packet[i] = (uint8_t)i;
    assert_true(physmem_write(&b.b.d.mem, pa(DATA), packet, sizeof(packet)));
    put_tx(&b, (uint64_t)(50 << 8 | 34) << 32 | 33 << 16 | 24 << 8 | 14, 0x27000000 | 250,
           100 << 16 | 54 << 8);
    put_tx(&b, DATA, 0x2d100000 | sizeof(packet), 3 << 8);
    out(&b.b, TDT, 4, b.tail);
    assert_int_equal(b.frames, 3);
    assert_int_equal(b.bytes, 54 + 50);
    assert_int_equal(b.frame[17], 90);
    assert_memory_equal(b.frame + 18, "\x12\x36", 2);
    assert_memory_equal(b.frame + 38, "\0\0\1\xc8", 4);
    assert_int_equal(b.frame[47], 0x19);
    assert_int_equal(b.frame[54], (uint8_t)254);
    assert_int_equal(sum_of(b.frame + 14, 20, 0), 0xffff);
    assert_int_equal(sum_of(b.frame + 34, 70, sum_of(b.frame + 26, 8, 6 + 70)), 0xffff);
    bench_end(&b.b);
}

static void test_frames_arrive_where_the_filter_lets_them(void **state)
{
    uint8_t frame[3000] = {0};
    struct bench b;

    (void)state;
    start(&b);
    out(&b.b, IMS, 4, 0x80);
    memcpy(frame, mac, 6);
    frame[60] = 0x77;
    assert_int_equal(e1000_receive(&b.dev, frame, 100), 100);
    assert_true(b.b.pin);
    assert_int_equal(in(&b.b, RDH, 4), 1);
    assert_int_equal(peek(&b.b.d, RX_RING + 8, 2), 104); /* and its checksum */
    assert_int_equal(peek(&b.b.d, RX_RING + 12, 1), 7);
    assert_int_equal(peek(&b.b.d, RX_DATA + 60, 1), 0x77);
    /* Two buffers */
    assert_int_equal(e1000_receive(&b.dev, frame, 3000), 3000);
    assert_int_equal(peek(&b.b.d, RX_RING + 16 + 8, 2), 2048);
    assert_int_equal(peek(&b.b.d, RX_RING + 16 + 12, 1), 5);
    assert_int_equal(peek(&b.b.d, RX_RING + 32 + 8, 2), 956);
    assert_int_equal(peek(&b.b.d, RX_RING + 32 + 12, 1), 7);
    /* Not ours: taken, and lost */
    frame[5]++;
    assert_int_equal(e1000_receive(&b.dev, frame, 64), 64);
    assert_int_equal(in(&b.b, RDH, 4), 3);
    memcpy(frame, "\x01\x00\x5e\x00\x00\xfb", 6);
    assert_int_equal(e1000_receive(&b.dev, frame, 64), 64);
    assert_int_equal(in(&b.b, RDH, 4), 3);
    out(&b.b, MTA + 4 * ((0xfb00 >> 4 & 0xfff) >> 5), 4, 1u << (0xfb00 >> 4 & 31));
    assert_int_equal(e1000_receive(&b.dev, frame, 64), 64);
    assert_int_equal(in(&b.b, RDH, 4), 4);
    memset(frame, 0xff, 6);
    assert_int_equal(e1000_receive(&b.dev, frame, 64), 64);
    assert_int_equal(in(&b.b, RDH, 4), 5);
    /* No room */
    out(&b.b, RDT, 4, 6);
    assert_int_equal(e1000_receive(&b.dev, frame, 3000), 0);
    assert_int_equal(e1000_receive(&b.dev, frame, 64), 64);
    assert_int_equal(e1000_receive(&b.dev, frame, 64), 0);
    out(&b.b, CTRL, 4, 0x04000000);
    assert_false(b.b.pin);
    assert_int_equal(e1000_receive(&b.dev, frame, 64), 0);
    bench_end(&b.b);
}

static void test_a_snapshot_keeps_rings_and_half_a_packet(void **state)
{
    struct state_io saved, restored;
    struct bench b;

    (void)state;
    start(&b);
    poke(&b.b.d, DATA, 1, 0x5a);
    put_tx(&b, DATA, 40, 0);
    out(&b.b, TDT, 4, b.tail);
    state_io_save(&saved);
    pci_host_state(&saved, &b.b.host);
    pci_host_reset(&b.b.host);
    state_io_restore(&restored, saved.out, saved.len);
    pci_host_state(&restored, &b.b.host);
    assert_false(state_failed(&restored));
    put_tx(&b, DATA, 0x01000000 | 40, 0);
    out(&b.b, TDT, 4, b.tail);
    assert_int_equal(b.bytes, 80);
    assert_int_equal(b.frame[0], 0x5a);
    state_io_destroy(&saved);
    bench_end(&b.b);
}

static void test_frames_are_counted(void **state)
{
    uint8_t frame[1500] = {0};
    struct bench b;

    (void)state;
    start(&b);
    memset(frame, 0xff, 6);
    assert_int_equal(e1000_receive(&b.dev, frame, 60), 60);
    assert_int_equal(e1000_receive(&b.dev, frame, 1500), 1500);
    frame[5] = 0; /* not wanted */
    assert_int_equal(e1000_receive(&b.dev, frame, 60), 60);
    put_tx(&b, DATA, 0x0b000000 | 124, 0);
    out(&b.b, TDT, 4, b.tail);
    assert_int_equal(in(&b.b, 0x4074, 4), 2); /* good ones received */
    assert_int_equal(in(&b.b, 0x4074, 4), 0);
    assert_int_equal(in(&b.b, 0x4078, 4), 2); /* broadcasts */
    assert_int_equal(in(&b.b, 0x405c, 4), 1); /* of 64 bytes */
    assert_int_equal(in(&b.b, 0x4070, 4), 1); /* of 1024 and more */
    assert_int_equal(in(&b.b, 0x4088, 4), 64 + 1504);
    assert_int_equal(in(&b.b, 0x4088, 4), 64 + 1504); /* until its other half is read */
    assert_int_equal(in(&b.b, 0x408c, 4), 0);
    assert_int_equal(in(&b.b, 0x4088, 4), 0);
    assert_int_equal(in(&b.b, 0x4080, 4), 1); /* sent */
    assert_int_equal(in(&b.b, 0x40e0, 4), 1); /* of 128 to 255 */
    out(&b.b, 0x4080, 4, 7);
    assert_int_equal(in(&b.b, 0x4080, 4), 0); /* nobody's to write */
    bench_end(&b.b);
}

static void test_tags_are_put_in_and_taken_out(void **state)
{
    static const uint8_t tagged[64] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0,
                                       0,    1,    0x81, 0,    0x60, 0x05, 8, 0, 9};
    struct bench b;

    (void)state;
    start(&b);
    assert_int_equal(e1000_receive(&b.dev, tagged, 64), 64); /* as it is */
    assert_int_equal(peek(&b.b.d, RX_RING + 8, 8), UINT64_C(0x000000070000) << 16 | 68);
    out(&b.b, CTRL, 4, 0x40140240);
    assert_int_equal(e1000_receive(&b.dev, tagged, 64), 64);
    assert_int_equal(peek(&b.b.d, RX_RING + 16 + 8, 8), UINT64_C(0x6005000f0000) << 16 | 64);
    assert_int_equal(peek(&b.b.d, RX_DATA + 0x800 + 12, 2), 8);
    assert_int_equal(peek(&b.b.d, RX_DATA + 0x800 + 14, 1), 9);
    out(&b.b, RCTL, 4, 0x48002); /* by the table, in which it is not */
    assert_int_equal(e1000_receive(&b.dev, tagged, 64), 64);
    assert_int_equal(in(&b.b, RDH, 4), 2);
    out(&b.b, 0x5600, 4, 1 << 5);
    assert_int_equal(e1000_receive(&b.dev, tagged, 64), 64);
    assert_int_equal(in(&b.b, RDH, 4), 3);
    poke(&b.b.d, DATA + 12, 2, 8);
    put_tx(&b, DATA, 0x4b000000 | 60, 0x20070000);
    out(&b.b, TDT, 4, b.tail);
    assert_int_equal(b.bytes, 64);
    assert_memory_equal(b.frame + 12, "\x81\0\x20\7\10\0", 6);
    bench_end(&b.b);
}

/* ---- the 82574L ---- */

enum { CTRL_EXT = 0x18, EIAC = 0xdc, IAM = 0xe0, IVAR = 0xe4, PSRCTL = 0x2170, RFCTL = 0x5008 };

static void test_the_82574_is_another_one(void **state)
{
    uint16_t sum = 0;
    struct bench b;

    (void)state;
    start_kind(&b, E1000_82574L);
    assert_int_equal(device_read(&b.b.host.ecam, PCI_DEVFN(1, 0) << 12, 4), 0x10d38086);
    for (unsigned i = 0; i < 64; i++) {
        out(&b.b, EERD, 4, 1 | i << 2);
        assert_true(in(&b.b, EERD, 4) & 2);
        sum = (uint16_t)(sum + (in(&b.b, EERD, 4) >> 16));
    }
    assert_int_equal(sum, 0xbaba);
    assert_int_equal(in(&b.b, EECD, 4) & 0x18200, 0x18200); /* loaded from flash memory */
    assert_int_equal(read_phy(&b, 3), 0x0cb1);
    assert_int_equal(read_phy(&b, 17), 0xac08);
    out(&b.b, MDIC, 4, 1 << 26 | 1 << 21 | 22 << 16 | 769);
    assert_int_equal(read_phy(&b, 17), 0); /* of another page */
    assert_int_equal(read_phy(&b, 3), 0x0cb1);
    assert_true(in(&b.b, STATUS_REG, 4) & 0x80000);
    out(&b.b, CTRL, 4, 4);
    assert_false(in(&b.b, STATUS_REG, 4) & 0x80000);
    bench_end(&b.b);
}

static void test_extended_descriptors(void **state)
{
    uint8_t frame[4000] = {0};
    struct bench b;

    (void)state;
    start_kind(&b, E1000_82574L);
    out(&b.b, RFCTL, 4, 0x8000);
    memset(frame, 0xff, 6);
    frame[2100] = 0x66;
    assert_int_equal(e1000_receive(&b.dev, frame, 2200), 2200);
    assert_int_equal(peek(&b.b.d, RX_RING, 8), 0); /* no hash */
    assert_int_equal(peek(&b.b.d, RX_RING + 8, 8), UINT64_C(2048) << 32 | 5);
    assert_int_equal(peek(&b.b.d, RX_RING + 24, 8), UINT64_C(156) << 32 | 7);
    assert_int_equal(peek(&b.b.d, RX_DATA + 0x800 + 52, 1), 0x66);
    /* Four buffers: 128 bytes, and 1, 0 and 2 KiB */
    out(&b.b, RCTL, 4, 0x8402);
    out(&b.b, PSRCTL, 4, 0x02000101);
    out(&b.b, RDH, 4, 1);
    out(&b.b, RDT, 4, 7);
    for (unsigned n = 0; n < 4; n++)
        poke(&b.b.d, RX_RING + 32 + 8 * n, 8, RX_DATA + 0x1000 * n);
    assert_int_equal(e1000_receive(&b.dev, frame, 2200), 2200);
    assert_int_equal(in(&b.b, RDH, 4), 2);
    assert_int_equal(peek(&b.b.d, RX_RING + 32 + 8, 8), UINT64_C(128) << 32 | 7);
    assert_int_equal(peek(&b.b.d, RX_RING + 32 + 16, 8), UINT64_C(1052) << 48 | 1024 << 16);
    assert_int_equal(peek(&b.b.d, RX_DATA + 0x3000 + 2100 - 1152, 1), 0x66);
    out(&b.b, PSRCTL, 4, 0); /* no room at all */
    assert_int_equal(e1000_receive(&b.dev, frame, 64), 0);
    bench_end(&b.b);
}

/* Vector 0 for what is received, 1 for what is sent, 2 for all else, as Linux has them. */
static void test_causes_send_their_messages(void **state)
{
    static const uint8_t frame[64] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct bench b;

    (void)state;
    start_kind(&b, E1000_82574L);
    for (unsigned n = 0; n < 3; n++)
        device_write(&b.b.host.memory.dev, MSIX_AT - MEMORY + 16 * n + 8, 8, 40 + n);
    bench_config(&b.b, b.dev.function.msix.cap + 2, 2, 0x8000);
    out(&b.b, IVAR, 4, 0x800a0908);
    out(&b.b, IMS, 4, 0x01500004);
    assert_int_equal(e1000_receive(&b.dev, frame, 64), 64);
    assert_int_equal(b.b.messages, 1);
    assert_int_equal(b.b.data, 40);
    assert_int_equal(e1000_receive(&b.dev, frame, 64), 64);
    assert_int_equal(b.b.messages, 1); /* it is there still */
    put_tx(&b, DATA, 0x0b000000 | 60, 0);
    out(&b.b, TDT, 4, b.tail);
    assert_int_equal(b.b.data, 41);
    out(&b.b, ICS, 4, 4); /* of the link */
    assert_int_equal(b.b.data, 42);
    assert_int_equal(in(&b.b, ICR, 4), 0x81500087);
    assert_int_equal(in(&b.b, ICR, 4), 0);
    assert_int_equal(b.b.messages, 3);
    assert_false(b.b.pin);
    /* Causes that go, and are masked, with their messages */
    out(&b.b, EIAC, 4, 0x01500000);
    out(&b.b, IAM, 4, UINT32_MAX);
    out(&b.b, CTRL_EXT, 4, 1 << 24);
    assert_int_equal(e1000_receive(&b.dev, frame, 64), 64);
    assert_int_equal(e1000_receive(&b.dev, frame, 64), 64);
    assert_int_equal(b.b.messages, 4);
    assert_int_equal(in(&b.b, IMS, 4), 0x01400004);
    out(&b.b, IMS, 4, 0x00100000);
    assert_int_equal(b.b.messages, 5);
    bench_end(&b.b);
}

static void test_reading_causes_takes_them_if_one_is_wanted(void **state)
{
    struct bench b;

    (void)state;
    start_kind(&b, E1000_82574L);
    out(&b.b, ICS, 4, 4);
    assert_int_equal(in(&b.b, ICR, 4), 0x01000004); /* nothing is wanted */
    assert_int_equal(in(&b.b, ICR, 4), 0);
    out(&b.b, IMS, 4, 0x80);
    out(&b.b, ICS, 4, 4);
    assert_int_equal(in(&b.b, ICR, 4), 0x01000004); /* masked: it stays */
    assert_false(b.b.pin);
    out(&b.b, IMS, 4, 4);
    assert_true(b.b.pin);
    out(&b.b, IAM, 4, 0x04);
    out(&b.b, CTRL_EXT, 4, 1 << 27);
    assert_int_equal(in(&b.b, ICR, 4), 0x81000004);
    assert_false(b.b.pin);
    assert_int_equal(in(&b.b, ICR, 4), 0);
    assert_int_equal(in(&b.b, IMS, 4), 0x80); /* and is masked now */
    bench_end(&b.b);
}

static void test_garbage(void **state)
{
    static const uint32_t kept[] = {RCTL, TCTL, TDBAL, TDLEN, TDT,  RDBAL,  RDLEN, RDT,
                                    EECD, MDIC, CTRL,  IVAR,  EIAC, PSRCTL, RFCTL, IMS};
    uint64_t rng = test_seed(1);
    static struct bench b;
    static const uint8_t frame[E1000_FRAME_MAX] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    (void)state;
    start_kind(&b, random_next(&rng) % 2 ? E1000_82574L : E1000_82540EM);
    for (unsigned round = 0; round < 3000; round++) {
        for (unsigned i = 0; i < RING; i++)
            put_tx(&b,
                   random_next(&rng) % 4 ? DATA + random_next(&rng) % 0x1000 : random_next(&rng),
                   (uint32_t)((random_next(&rng) & 0x6f100000) | random_next(&rng) % 2000),
                   (uint32_t)random_next(&rng));
        out(&b.b, TCTL, 4, 2);
        out(&b.b, TDT, 4, random_next(&rng) % RING);
        (void)e1000_receive(&b.dev, frame, random_next(&rng) % sizeof(frame));
        out(&b.b, kept[random_next(&rng) % ARRAY_SIZE(kept)], 4,
            random_next(&rng) % 4 ? random_next(&rng) % 64 : (uint32_t)random_next(&rng));
        (void)in(&b.b, align_down(random_next(&rng) % 0x6000, 4), 4);
        driver_wait(&b.b.d, 1);
        if (round % 16 == 0) {
            pci_host_reset(&b.b.host);
            bench_config(&b.b, PCI_BAR0, 4, BAR_AT);
            bench_config(&b.b, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
            out(&b.b, TDBAL, 4, TX_RING);
            out(&b.b, TDLEN, 4, RING * 16);
        }
    }
    pci_host_reset(&b.b.host);
    assert_false(b.b.pin);
    bench_end(&b.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eeprom_and_phy_are_as_drivers_want_them),
        cmocka_unit_test(test_frames_are_sent_in_pieces),
        cmocka_unit_test(test_a_packet_is_cut_into_tcp_segments),
        cmocka_unit_test(test_frames_arrive_where_the_filter_lets_them),
        cmocka_unit_test(test_a_snapshot_keeps_rings_and_half_a_packet),
        cmocka_unit_test(test_frames_are_counted),
        cmocka_unit_test(test_tags_are_put_in_and_taken_out),
        cmocka_unit_test(test_the_82574_is_another_one),
        cmocka_unit_test(test_extended_descriptors),
        cmocka_unit_test(test_causes_send_their_messages),
        cmocka_unit_test(test_reading_causes_takes_them_if_one_is_wanted),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
