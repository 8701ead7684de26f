/* Packets, and what they are answered with. */
#include "tests/gdb/fixture.h"

/* All that the server has sent, as text, and nothing is left. */
static const char *sent(struct session *t)
{
    GByteArray *out = gdb_server_output(t->s);

    assert_true(out->len < sizeof(t->answer));
    if (out->len)
        memcpy(t->answer, out->data, out->len);
    t->answer[out->len] = '\0';
    g_byte_array_set_size(out, 0);
    return t->answer;
}

static void send_packet(struct session *t, const char *data)
{
    g_autoptr(GByteArray) packet = g_byte_array_new();

    gdb_packet_append(packet, (const uint8_t *)data, strlen(data));
    gdb_server_feed(t->s, packet->data, packet->len);
}

/* The data of the only packet that @data is answered with; "" may be none at all. */
static const char *ask(struct session *t, const char *data)
{
    send_packet(t, data);
    const char *all = sent(t);
    char *hash = strrchr(t->answer, '#');
    if (!hash)
        return "";
    *hash = '\0';
    assert_true(!strncmp(all, "+$", 2) || *all == '$');
    return strchr(all, '$') + 1;
}

static void no_ack(struct session *t)
{
    assert_string_equal(ask(t, "QStartNoAckMode"), "OK");
}

static void test_a_packet_is_acknowledged_by_its_checksum(void **state)
{
    struct session t;

    (void)state;
    session_open(&t, 1);
    gdb_server_feed(t.s, (const uint8_t *)"$qC#b4", 6);
    assert_string_equal(sent(&t), "+$QC1#c5");
    gdb_server_feed(t.s, (const uint8_t *)"-", 1);
    assert_string_equal(sent(&t), "$QC1#c5");
    gdb_server_feed(t.s, (const uint8_t *)"$qC#b5", 6);
    assert_string_equal(sent(&t), "-");
    gdb_server_feed(t.s, (const uint8_t *)"$qC#zz", 6);
    assert_string_equal(sent(&t), "-");
    no_ack(&t);
    gdb_server_feed(t.s, (const uint8_t *)"+$qC#b4", 7);
    assert_string_equal(sent(&t), "$QC1#c5");
    session_close(&t);
}

static void test_escaped_bytes_are_one_byte_each(void **state)
{
    struct session t;
    uint8_t bytes[4];

    (void)state;
    session_open(&t, 1);
    no_ack(&t);
    g_autoptr(GByteArray) packet = g_byte_array_new();
    gdb_packet_append(packet, (const uint8_t *)"X40080000,4:#}$*", 16);
    assert_int_equal(packet->len, 16 + 4 + 4);
    gdb_server_feed(t.s, packet->data, packet->len);
    assert_string_equal(sent(&t), "$OK#9a");
    assert_true(arm_mem_read(t.m, ENTRY, bytes, 4));
    assert_memory_equal(bytes, "#}$*", 4);
    session_close(&t);
}

static void test_a_packet_that_is_too_long_is_refused_and_the_next_one_is_not(void **state)
{
    struct session t;
    g_autoptr(GByteArray) packet = g_byte_array_new();
    g_autofree uint8_t *data = g_malloc(GDB_PACKET_MAX + 1);

    (void)state;
    session_open(&t, 1);
    memset(data, 'm', GDB_PACKET_MAX + 1);
    gdb_packet_append(packet, data, GDB_PACKET_MAX + 1);
    gdb_server_feed(t.s, packet->data, packet->len);
    assert_string_equal(sent(&t), "-");
    assert_string_equal(ask(&t, "qAttached"), "1");
    session_close(&t);
}

/* LLDB steps over the instruction of a watchpoint only if it is told both. */
static void test_lldb_is_told_that_watchpoints_stop_before_the_access(void **state)
{
    struct session t;

    (void)state;
    session_open(&t, 1);
    assert_non_null(strstr(ask(&t, "qHostInfo"), "watchpoint_exceptions_received:before;"));
    assert_string_equal(ask(&t, "qWatchpointSupportInfo:"), "num:4;");
    session_close(&t);
}

/* LLDB waits for it. */
static void test_a_kill_is_answered(void **state)
{
    struct session t;

    (void)state;
    session_open(&t, 1);
    no_ack(&t);
    send_packet(&t, "k");
    assert_string_equal(sent(&t), "$X09#c1");
    assert_int_equal(gdb_server_request(t.s).order, GDB_KILL);
    session_close(&t);
}

static void test_an_unknown_packet_has_an_empty_answer(void **state)
{
    struct session t;

    (void)state;
    session_open(&t, 1);
    send_packet(&t, "vMustReplyEmpty");
    assert_string_equal(sent(&t), "+$#00");
    send_packet(&t, "qNobodyKnows");
    assert_string_equal(sent(&t), "+$#00");
    session_close(&t);
}

static void test_registers_are_read_and_written_by_number(void **state)
{
    struct session t;
    uint64_t value = 0;

    (void)state;
    session_open(&t, 1);
    assert_string_equal(ask(&t, "p20"), "0000084000000000");
    assert_string_equal(ask(&t, "P5=8877665544332211"), "OK");
    assert_true(arm_reg_read(t.m, 0, "x5", &value));
    assert_int_equal(value, 0x1122334455667788);
    assert_string_equal(ask(&t, "p5"), "8877665544332211");
    assert_string_equal(ask(&t, "P5=88"), "E16");
    assert_string_equal(ask(&t, "pffff"), "E16");
    /* Core registers, then vectors, FPSR and FPCR. */
    assert_int_equal(strlen(ask(&t, "g")), 2 * (33 * 8 + 4 + 32 * 16 + 4 + 4));
    t.refuses = true;
    assert_string_equal(ask(&t, "P5=0000000000000000"), "E.it is the past");
    assert_true(arm_reg_read(t.m, 0, "x5", &value));
    assert_int_equal(value, 0x1122334455667788);
    session_close(&t);
}

/* All of target.xml, in pieces of @size. */
static GString *description(struct session *t, unsigned size)
{
    GString *xml = g_string_new(NULL);

    for (;;) {
        char packet[80];
        snprintf(packet, sizeof(packet), "qXfer:features:read:target.xml:%zx,%x", xml->len, size);
        const char *piece = ask(t, packet);
        assert_true(*piece == 'm' || *piece == 'l');
        assert_true(strlen(piece) <= 1 + size);
        g_string_append(xml, piece + 1);
        if (*piece == 'l')
            return xml;
    }
}

/* Number of the register of this name; each <reg> counts. */
static unsigned number_of(const GString *xml, const char *name)
{
    g_autofree char *wanted = g_strdup_printf("<reg name=\"%s\"", name);
    const char *end = strstr(xml->str, wanted);
    unsigned number = 0;

    assert_non_null(end);
    for (const char *at = xml->str; (at = strstr(at, "<reg ")) != end; at++)
        number++;
    return number;
}

static void test_every_register_is_described_once_and_has_a_value(void **state)
{
    static struct arm_register list[2000];
    struct session t;

    (void)state;
    session_open(&t, 1);
    no_ack(&t);
    g_autoptr(GString) xml = description(&t, 1000);
    size_t count = arm_reg_list(t.m, 0, list, 2000);
    assert_in_range(count, 200, 2000);
    for (size_t k = 0; k < count; k++) {
        char packet[20], wanted[40];
        uint64_t value[2] = {0, 0};
        const struct arm_register *r = &list[k];
        if (r->alias || r->number >= ARM_X(0) || !strncmp(r->name, "FPCR", 4) ||
            !strncmp(r->name, "FPSR", 4))
            continue;
        snprintf(packet, sizeof(packet), "p%x", number_of(xml, r->name));
        arm_reg_get(t.m, 0, r->number, value);
        snprintf(wanted, sizeof(wanted), "%016llx",
                 (unsigned long long)__builtin_bswap64(value[0]));
        assert_string_equal(ask(&t, packet), wanted);
    }
    assert_non_null(strstr(xml->str, "<feature name=\"org.armillary.el2.control\">"));
    assert_non_null(strstr(xml->str, "<field name=\"TGE\" start=\"27\" end=\"27\"/>"));
    session_close(&t);
}

/* The PAC is above the addresses that TCR_ELx has, of the EL that the CPU is at. */
static void test_masks_say_where_a_return_address_is_signed(void **state)
{
    struct session t;

    (void)state;
    session_open(&t, 1);
    no_ack(&t);
    g_autoptr(GString) xml = description(&t, 1000);
    assert_int_equal(number_of(xml, "pauth_cmask"), 0x45);
    assert_string_equal(ask(&t, "p45"), "000000000000ffff"); /* off, and T0SZ is 0 */
    assert_true(arm_reg_write(t.m, 0, "HCR_EL2", UINT64_C(1) << 34 | UINT64_C(1) << 31)); /* E2H */
    assert_true(arm_reg_write(t.m, 0, "TCR_EL2", 25U | 17U << 16)); /* T0SZ, T1SZ */
    assert_string_equal(ask(&t, "p45"), "0000000080ffffff");
    assert_string_equal(ask(&t, "p46"), "000000000080ffff");
    assert_non_null(strstr(ask(&t, "qHostInfo"), ";addressing_bits:47;"));
    assert_string_equal(ask(&t, "P45=0000000080ffffff"), "OK"); /* as it is */
    assert_string_equal(ask(&t, "P45=000000000000ffff"), "E.the register is read-only");
    session_close(&t);
}

static void test_memory_is_read_up_to_where_there_is_none(void **state)
{
    struct session t;

    (void)state;
    session_open(&t, 1);
    assert_string_equal(ask(&t, "m40080000,4"), "400580d2");
    assert_string_equal(ask(&t, "x40080000,2"), "b@\x05");
    assert_string_equal(ask(&t, "m0fffffff,1"), "E0e");
    assert_string_equal(ask(&t, "qCRC:40080000,4"), "C8a38fbaa");
    assert_string_equal(ask(&t, "qCRC:40080000,0"), "Cffffffff");
    assert_string_equal(ask(&t, "qCRC:47fffffc,10"), "E0e");
    assert_string_equal(ask(&t, "qCRC:40080000"), "E16");
    assert_int_equal(strlen(ask(&t, "m47fffffc,10")), 8); /* the end of 128 MiB of RAM */
    assert_string_equal(ask(&t, "M40080004,2:beef"), "OK");
    assert_string_equal(ask(&t, "m40080004,2"), "beef");
    assert_string_equal(ask(&t, "M40080004,3:beef"), "E16");
    assert_string_equal(ask(&t, "M0,1:00"), "E0e");
    session_close(&t);
}

static void test_physical_addresses_are_qemus_mode(void **state)
{
    struct session t;

    (void)state;
    session_open(&t, 1);
    assert_string_equal(ask(&t, "qqemu.PhyMemMode"), "0");
    assert_string_equal(ask(&t, "Qqemu.PhyMemMode:1"), "OK");
    assert_string_equal(ask(&t, "qqemu.PhyMemMode"), "1");
    /* With an MMU that maps nothing only they lead anywhere. */
    assert_true(arm_reg_write(t.m, 0, "SCTLR_EL2", 0x30c50831));
    assert_string_equal(ask(&t, "m40080000,4"), "400580d2");
    assert_string_equal(ask(&t, "Qqemu.PhyMemMode:0"), "OK");
    assert_string_equal(ask(&t, "m40080000,4"), "E0e");
    session_close(&t);
}

static void test_cpus_are_threads(void **state)
{
    struct session t;

    (void)state;
    session_open(&t, 3);
    assert_string_equal(ask(&t, "qfThreadInfo"), "m1,2,3");
    assert_string_equal(ask(&t, "qsThreadInfo"), "l");
    assert_string_equal(ask(&t, "T3"), "OK");
    assert_string_equal(ask(&t, "T4"), "E16");
    assert_string_equal(ask(&t, "Hg4"), "E16");
    assert_string_equal(ask(&t, "Hg2"), "OK");
    assert_string_equal(ask(&t, "p20"), "0010084000000000"); /* CPU 1's PC */
    const char *hex = ask(&t, "qThreadExtraInfo,2");
    g_autoptr(GByteArray) text = g_byte_array_new();
    assert_true(gdb_hex_bytes(hex, strlen(hex), text));
    g_byte_array_append(text, (const uint8_t *)"", 1);
    assert_string_equal((const char *)text->data, "CPU 1: EL2, host [running]");
    session_close(&t);
}

static void test_what_goes_on_is_a_request_and_its_end_the_answer(void **state)
{
    static const struct {
        const char *packet;
        struct gdb_request request;
    } rows[] = {
        {"c", {GDB_CONTINUE, 0, 0, 0}},
        {"s", {GDB_STEP, 0, 0, 0}},
        {"vCont;c", {GDB_CONTINUE, 0, 0, 0}},
        {"vCont;s:2;c", {GDB_STEP, 1, 0, 0}},
        {"vCont;c:1;s:2", {GDB_STEP, 1, 0, 0}},
        {"vCont;S05:1", {GDB_STEP, 0, 0, 0}},
        {"vCont;r40080000,40080008:2;c:-1", {GDB_RANGE, 1, ENTRY, ENTRY + 8}},
        {"bc", {GDB_REVERSE, 0, 0, 0}},
        {"bs", {GDB_BACK, 0, 0, 0}},
        {"R00", {GDB_RESET, 0, 0, 0}},
    };

    (void)state;
    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        struct session t;
        session_open(&t, 2);
        no_ack(&t);
        send_packet(&t, rows[k].packet);
        assert_string_equal(sent(&t), "");
        struct gdb_request r = gdb_server_request(t.s);
        assert_int_equal(r.order, rows[k].request.order);
        assert_int_equal(r.cpu, rows[k].request.cpu);
        assert_int_equal(r.start, rows[k].request.start);
        assert_int_equal(r.end, rows[k].request.end);
        /* What comes meanwhile waits, but for an interrupt. */
        assert_false(gdb_server_interrupted(t.s));
        gdb_server_feed(t.s, (const uint8_t *)"\3$qC#b4", 7);
        assert_true(gdb_server_interrupted(t.s));
        assert_string_equal(sent(&t), "");
        gdb_server_stopped(t.s, &(struct gdb_stop){.cpu = 1, .signal = GDB_SIGNAL_INT});
        assert_int_equal(gdb_server_request(t.s).order, GDB_NOTHING);
        assert_false(gdb_server_interrupted(t.s));
        const char *answer = sent(&t);
        assert_non_null(strstr(answer, "$T02"));
        assert_non_null(strstr(answer, "thread:2;core:1;#"));
        assert_non_null(strstr(answer, "$QC2#c6"));
        session_close(&t);
    }
}

static void test_a_stop_says_why(void **state)
{
    static const struct {
        struct gdb_stop stop;
        const char *text;
    } rows[] = {
        {{GDB_STOP_BREAK, 0, 0, 0}, "hwbreak:;"},
        {{GDB_STOP_WATCH, 0, 0, 0xffff000012345678}, "watch:ffff000012345678;"},
        {{GDB_STOP_RWATCH, 0, 0, 16}, "rwatch:10;"},
        {{GDB_STOP_AWATCH, 0, 0, 16}, "awatch:10;"},
        {{GDB_STOP_BEGIN, 0, 0, 0}, "replaylog:begin;"},
        {{GDB_STOP_END, 0, 0, 0}, "replaylog:end;"},
        {{GDB_STOP_EXITED, 0, 7, 0}, "W07"},
    };
    struct session t;

    (void)state;
    session_open(&t, 1);
    assert_non_null(strstr(ask(&t, "qSupported:swbreak+;hwbreak+"), "ReverseContinue+"));
    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        gdb_server_stopped(t.s, &rows[k].stop);
        sent(&t);
        assert_non_null(strstr(ask(&t, "?"), rows[k].text));
    }
    session_close(&t);
}

static void test_points_are_kept_once_and_taken_away(void **state)
{
    struct session t;

    (void)state;
    session_open(&t, 1);
    assert_string_equal(ask(&t, "Z0,40080004,4"), "OK");
    assert_string_equal(ask(&t, "Z0,40080004,4"), "OK");
    assert_string_equal(ask(&t, "Z2,40090000,8"), "OK");
    assert_int_equal(gdb_server_points(t.s)->len, 2);
    assert_string_equal(ask(&t, "Z2,40090fff,2"), "E16"); /* two pages */
    assert_string_equal(ask(&t, "Z5,0,4"), "E16");
    assert_string_equal(ask(&t, "z0,40080004,4"), "OK");
    assert_int_equal(gdb_server_points(t.s)->len, 1);
    for (unsigned k = 0; k < GDB_WATCHPOINTS_MAX; k++) {
        char packet[40];
        snprintf(packet, sizeof(packet), "Z4,%x,8", 0x1000 * k);
        assert_string_equal(ask(&t, packet), k + 1 < GDB_WATCHPOINTS_MAX ? "OK" : "E1c");
    }
    session_close(&t);
}

static void test_a_command_is_the_monitors(void **state)
{
    struct session t;

    (void)state;
    session_open(&t, 1);
    no_ack(&t);
    send_packet(&t, "qRcmd,68656c70"); /* help */
    g_autoptr(GByteArray) wanted = g_byte_array_new();
    g_autoptr(GString) text = g_string_new("O");
    gdb_append_hex(text, (const uint8_t *)"cpu 0: help", 11);
    gdb_packet_append(wanted, (const uint8_t *)text->str, text->len);
    gdb_packet_append(wanted, (const uint8_t *)"OK", 2);
    g_byte_array_append(wanted, (const uint8_t *)"", 1);
    assert_string_equal(sent(&t), (const char *)wanted->data);
    assert_string_equal(ask(&t, "qRcmd,6"), "E16");
    session_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_packet_is_acknowledged_by_its_checksum),
        cmocka_unit_test(test_escaped_bytes_are_one_byte_each),
        cmocka_unit_test(test_a_packet_that_is_too_long_is_refused_and_the_next_one_is_not),
        cmocka_unit_test(test_lldb_is_told_that_watchpoints_stop_before_the_access),
        cmocka_unit_test(test_a_kill_is_answered),
        cmocka_unit_test(test_an_unknown_packet_has_an_empty_answer),
        cmocka_unit_test(test_registers_are_read_and_written_by_number),
        cmocka_unit_test(test_every_register_is_described_once_and_has_a_value),
        cmocka_unit_test(test_masks_say_where_a_return_address_is_signed),
        cmocka_unit_test(test_memory_is_read_up_to_where_there_is_none),
        cmocka_unit_test(test_physical_addresses_are_qemus_mode),
        cmocka_unit_test(test_cpus_are_threads),
        cmocka_unit_test(test_what_goes_on_is_a_request_and_its_end_the_answer),
        cmocka_unit_test(test_a_stop_says_why),
        cmocka_unit_test(test_points_are_kept_once_and_taken_away),
        cmocka_unit_test(test_a_command_is_the_monitors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
