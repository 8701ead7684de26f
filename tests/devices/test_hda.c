/* High Definition Audio: the link's commands both ways, and streams at the rate of their format. */
#include "devices/hda.h"

#include "base/state_io.h"
#include "tests/devices/function_bench.h"

enum {
    GCAP = 0x00,
    GCTL = 0x08,
    STATESTS = 0x0e,
    INTCTL = 0x20,
    INTSTS = 0x24,
    WALCLK = 0x30,
    CORBLBASE = 0x40,
    CORBWP = 0x48,
    CORBRP = 0x4a,
    CORBCTL = 0x4c,
    RIRBLBASE = 0x50,
    RIRBWP = 0x58,
    RINTCNT = 0x5a,
    RIRBCTL = 0x5c,
    RIRBSTS = 0x5d,
    ICOI = 0x60,
    ICII = 0x64,
    ICIS = 0x68,
    DPLBASE = 0x70,
    INPUT = 0x80,
    OUTPUT = 0x100, /* the first stream to play */
    CTL = 0,
    STS = 3,
    LPIB = 4,
    CBL = 8,
    LVI = 12,
    FMT = 18,
    BDPL = 24,
};

#define CORB      RAM
#define RIRB      (RAM + 0x1000)
#define LIST      (RAM + 0x2000)
#define POSITIONS (RAM + 0x3000)
#define DATA      (RAM + 0x10000)
#define STEREO_48 0x11 /* 48 kHz, 16 bits, 2 channels: 192 bytes a millisecond */
#define MS        UINT64_C(1000000)

struct bench {
    struct function_bench b;
    struct hda dev;
    struct hda_codec codec;
};

static void start(struct bench *b, enum hda_codec_kind kind)
{
    memset(b, 0, sizeof(*b));
    bench_begin(&b->b, DISK_SNAPSHOT, SECTORS * 512);
    hda_init(&b->dev, &(struct hda_config){.mem = &b->b.d.mem, .clock = &b->b.d.clock},
             &b->b.d.log);
    hda_codec_init(&b->codec, kind);
    assert_true(hda_attach(&b->dev, 0, &b->codec));
    assert_false(hda_attach(&b->dev, 0, &b->codec));
    assert_false(hda_attach(&b->dev, HDA_CODECS, &b->codec));
    bench_plug(&b->b, &b->dev.function, 0);
    assert_int_equal(in(&b->b, STATESTS, 2), 0);
    out(&b->b, GCTL, 4, 1);
    assert_int_equal(in(&b->b, STATESTS, 2), 1);
    out(&b->b, STATESTS, 2, 1);
    out(&b->b, INTCTL, 4, 0xc00000ff);
}

static uint32_t ask(struct bench *b, uint32_t command)
{
    out(&b->b, ICOI, 4, command);
    out(&b->b, ICIS, 2, 1);
    assert_int_equal(in(&b->b, ICIS, 2), 2);
    return (uint32_t)in(&b->b, ICII, 4);
}

static uint32_t parameter(struct bench *b, unsigned node, unsigned param)
{
    return ask(b, node << 20 | 0xf0000 | param);
}

static void pass(struct bench *b, uint64_t ns)
{
    uint64_t until = b->b.d.clock.now_ns + ns;

    while (b->b.d.clock.next_ns <= until)
        clock_run(&b->b.d.clock, b->b.d.clock.next_ns);
    clock_run(&b->b.d.clock, until);
}

static void test_a_codec_tells_of_its_nodes(void **state)
{
    struct bench b;

    (void)state;
    start(&b, HDA_DUPLEX);
    assert_int_equal(parameter(&b, 0, 0), 0x1af40022);
    assert_int_equal(parameter(&b, 0, 4), 0x00010001);
    assert_int_equal(parameter(&b, 1, 4), 0x00020004);
    assert_int_equal(parameter(&b, 1, 5), 1);
    assert_int_equal(parameter(&b, 2, 9) >> 20, 0);  /* plays */
    assert_int_equal(parameter(&b, 3, 9) >> 20, 4);  /* a pin */
    assert_int_equal(parameter(&b, 4, 9) >> 20, 1);  /* records */
    assert_int_equal(ask(&b, 3 << 20 | 0xf0200), 2); /* is connected to node 2 */
    assert_int_equal(ask(&b, 4 << 20 | 0xf0200), 5);
    assert_int_equal(parameter(&b, 6, 9), 0);
    assert_int_equal(ask(&b, UINT32_C(1) << 28 | 0xf0000), 0); /* there is no codec 1 */
    /* What is set is kept, and forgotten at a reset of the function. */
    (void)ask(&b, 2 << 20 | 0x2 << 16 | STEREO_48);
    assert_int_equal(ask(&b, 2 << 20 | 0xa << 16), STEREO_48);
    (void)ask(&b, 2 << 20 | 0x3 << 16 | 0xa000 | 0x85); /* output, left */
    assert_int_equal(ask(&b, 2 << 20 | 0xb << 16 | 0xa000), 0x85);
    assert_int_equal(ask(&b, 2 << 20 | 0xb << 16 | 0x8000), 0x4a);
    (void)ask(&b, 2 << 20 | 0x706 << 8 | 0x10);
    assert_int_equal(ask(&b, 2 << 20 | 0xf06 << 8), 0x10);
    (void)ask(&b, 1 << 20 | 0x705 << 8 | 3);
    assert_int_equal(ask(&b, 1 << 20 | 0xf05 << 8), 0x33);
    (void)ask(&b, 1 << 20 | 0x7ff << 8);
    assert_int_equal(ask(&b, 2 << 20 | 0xf06 << 8), 0);
    bench_end(&b.b);
    start(&b, HDA_OUTPUT);
    assert_int_equal(parameter(&b, 1, 4), 0x00020002);
    assert_int_equal(parameter(&b, 4, 9), 0);
    bench_end(&b.b);
}

static void test_commands_and_responses_go_through_rings(void **state)
{
    struct bench b;

    (void)state;
    start(&b, HDA_DUPLEX);
    out(&b.b, CORBLBASE, 4, CORB);
    out(&b.b, RIRBLBASE, 4, RIRB);
    out(&b.b, CORBRP, 2, 0x8000);
    assert_int_equal(in(&b.b, CORBRP, 2), 0x8000);
    out(&b.b, CORBRP, 2, 0);
    out(&b.b, RIRBWP, 2, 0x8000);
    out(&b.b, RINTCNT, 2, 2);
    poke(&b.b.d, CORB + 4, 4, 0xf0000);
    poke(&b.b.d, CORB + 8, 4, 0xf0004);
    poke(&b.b.d, CORB + 12, 4, 1 << 20 | 0xf0005);
    out(&b.b, CORBWP, 2, 3);
    assert_int_equal(in(&b.b, CORBRP, 2), 0); /* nothing runs yet */
    out(&b.b, RIRBCTL, 1, 3);
    out(&b.b, CORBCTL, 1, 2);
    assert_int_equal(in(&b.b, CORBRP, 2), 3);
    assert_int_equal(in(&b.b, RIRBWP, 2), 3);
    assert_int_equal(peek(&b.b.d, RIRB + 8, 8), 0x1af40022);
    assert_int_equal(peek(&b.b.d, RIRB + 16, 8), 0x00010001);
    assert_int_equal(peek(&b.b.d, RIRB + 24, 8), 1);
    assert_int_equal(in(&b.b, RIRBSTS, 1), 1);
    assert_int_equal(in(&b.b, INTSTS, 4), 0xc0000000);
    assert_true(b.b.pin);
    out(&b.b, RIRBSTS, 1, 5);
    assert_false(b.b.pin);
    /* The ring's end */
    for (unsigned k = 4; k < 260; k++)
        poke(&b.b.d, CORB + 4 * (k % 256), 4, 0xf0000);
    out(&b.b, CORBWP, 2, 2);
    assert_int_equal(in(&b.b, CORBRP, 2), 2);
    assert_int_equal(in(&b.b, RIRBWP, 2), 2);
    out(&b.b, GCTL, 4, 0);
    assert_int_equal(in(&b.b, RIRBWP, 2), 0);
    out(&b.b, RINTCNT, 2, 7); /* lost: it is in reset */
    assert_int_equal(in(&b.b, RINTCNT, 2), 0);
    bench_end(&b.b);
}

/* Two entries of 1 ms, with an interrupt for the second. */
static void set_up_stream(struct bench *b, unsigned at)
{
    for (unsigned k = 0; k < 2; k++) {
        poke(&b->b.d, LIST + 16 * k, 8, DATA + 192 * k);
        poke(&b->b.d, LIST + 16 * k + 8, 8, 192 | (uint64_t)k << 32);
    }
    out(&b->b, at + CTL, 1, 1);
    assert_int_equal(in(&b->b, at + CTL, 1), 1);
    out(&b->b, at + CTL, 1, 0);
    out(&b->b, at + CBL, 4, 384);
    out(&b->b, at + LVI, 2, 1);
    out(&b->b, at + FMT, 2, STEREO_48);
    out(&b->b, at + BDPL, 4, LIST);
}

static void test_a_stream_is_played_at_its_rate(void **state)
{
    struct bench b;

    (void)state;
    start(&b, HDA_DUPLEX);
    set_up_stream(&b, OUTPUT);
    out(&b.b, DPLBASE, 4, POSITIONS | 1);
    out(&b.b, OUTPUT + CTL, 4, 0x10001e);
    assert_int_equal(in(&b.b, OUTPUT + STS, 1), 0x20);
    pass(&b, MS / 2);
    assert_int_equal(in(&b.b, OUTPUT + LPIB, 4), 96);
    assert_int_equal(in(&b.b, 0x2000 + OUTPUT + LPIB, 4), 96);
    assert_int_equal(peek(&b.b.d, POSITIONS + 8 * 4, 4), 96);
    pass(&b, MS);
    assert_int_equal(in(&b.b, OUTPUT + LPIB, 4), 288);
    assert_false(b.b.pin);
    pass(&b, MS / 2);
    assert_int_equal(in(&b.b, OUTPUT + LPIB, 4), 0); /* around */
    assert_int_equal(in(&b.b, OUTPUT + STS, 1), 0x24);
    assert_int_equal(in(&b.b, INTSTS, 4), 0x80000010);
    assert_true(b.b.pin);
    out(&b.b, OUTPUT + STS, 1, 4);
    assert_false(b.b.pin);
    out(&b.b, OUTPUT + CTL, 1, 0);
    pass(&b, 10 * MS);
    assert_int_equal(in(&b.b, OUTPUT + LPIB, 4), 0);
    assert_int_equal(in(&b.b, WALCLK, 4), 12 * 24000);
    bench_end(&b.b);
}

static void test_what_is_recorded_is_silence(void **state)
{
    struct bench b;

    (void)state;
    start(&b, HDA_MICRO);
    for (unsigned k = 0; k < 400; k += 4)
        poke(&b.b.d, DATA + k, 4, 0x55555555);
    set_up_stream(&b, INPUT);
    out(&b.b, INPUT + CTL, 1, 6);
    pass(&b, MS);
    assert_int_equal(peek(&b.b.d, DATA + 188, 4), 0);
    assert_int_equal(peek(&b.b.d, DATA + 192, 4), 0x55555555);
    pass(&b, MS);
    assert_int_equal(peek(&b.b.d, DATA + 380, 4), 0);
    assert_int_equal(peek(&b.b.d, DATA + 384, 4), 0x55555555);
    assert_true(b.b.pin);
    bench_end(&b.b);
}

static void test_a_list_without_sense_is_an_error_of_the_stream(void **state)
{
    static const struct {
        uint64_t addr;
        uint32_t bytes;
    } bad[] = {{DATA, 0}, {0x1000, 192}};
    struct bench b;

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(bad); k++) {
        start(&b, HDA_DUPLEX);
        set_up_stream(&b, INPUT);
        poke(&b.b.d, LIST, 8, bad[k].addr);
        poke(&b.b.d, LIST + 8, 4, bad[k].bytes);
        out(&b.b, INPUT + CTL, 1, 0x1e);
        pass(&b, MS);
        assert_int_equal(in(&b.b, INPUT + STS, 1), 0x10);
        assert_int_equal(in(&b.b, INPUT + CTL, 1), 0x1c); /* it does not run any more */
        assert_true(b.b.pin);
        bench_end(&b.b);
    }
}

static void test_a_snapshot_has_where_a_stream_is(void **state)
{
    struct state_io out_io, in_io;
    struct bench b;

    (void)state;
    start(&b, HDA_DUPLEX);
    (void)ask(&b, 2 << 20 | 0x706 << 8 | 0x10);
    set_up_stream(&b, OUTPUT);
    out(&b.b, OUTPUT + CTL, 1, 0x1e);
    pass(&b, MS + MS / 2);
    state_io_save(&out_io);
    state_section_begin(&out_io, "hda", 1);
    pci_state(&out_io, &b.dev.function);
    state_section_end(&out_io);
    pass(&b, MS / 4);
    assert_int_equal(in(&b.b, OUTPUT + LPIB, 4), 336);
    (void)ask(&b, 2 << 20 | 0x706 << 8 | 0x20);
    state_io_restore(&in_io, out_io.out, out_io.len);
    state_section_begin(&in_io, "hda", 1);
    pci_state(&in_io, &b.dev.function);
    state_section_end(&in_io);
    assert_false(state_failed(&in_io));
    assert_int_equal(ask(&b, 2 << 20 | 0xf06 << 8), 0x10);
    assert_int_equal(in(&b.b, OUTPUT + LPIB, 4), 336); /* the clock has not gone back */
    state_io_destroy(&out_io);
    state_io_destroy(&in_io);
    bench_end(&b.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_codec_tells_of_its_nodes),
        cmocka_unit_test(test_commands_and_responses_go_through_rings),
        cmocka_unit_test(test_a_stream_is_played_at_its_rate),
        cmocka_unit_test(test_what_is_recorded_is_silence),
        cmocka_unit_test(test_a_list_without_sense_is_an_error_of_the_stream),
        cmocka_unit_test(test_a_snapshot_has_where_a_stream_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
