/* SMBIOS structures as firmware gets them: those of QEMU 7.2, and what a user says instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/le.h"
#include "machine/smbios.h"

struct firmware {
    struct fw_cfg fw;
    struct physmem mem;
    struct clock clock;
    struct arm_log log;
    struct arm_error err;
    const uint8_t *tables;
    uint32_t size;
};

static int make(struct firmware *f, const struct virt_config *cfg)
{
    memset(f, 0, sizeof(*f));
    f->clock.next_ns = CLOCK_NEVER;
    assert_int_equal(fw_cfg_init(&f->fw, &f->log, &f->mem, &f->clock, NULL), 0);
    int rc = virt_smbios(&f->fw, cfg, &f->err);
    f->tables = fw_cfg_file(&f->fw, "etc/smbios/smbios-tables");
    for (unsigned k = 0; k < f->fw.file_count; k++)
        if (!strcmp(f->fw.files[k].name, "etc/smbios/smbios-tables"))
            f->size = f->fw.files[k].item.size;
    return rc;
}

/* The first structure of a type, and its strings behind it; NULL: there is none. */
static const uint8_t *find(const struct firmware *f, uint8_t type)
{
    const uint8_t *at = f->tables, *end = at + f->size;

    while (at < end && at[0] != type) {
        for (at += at[1]; at[0] || at[1]; at++)
            assert_true(at + 2 <= end);
        at += 2;
    }
    return at < end ? at : NULL;
}

static void test_the_structures_are_those_of_qemu(void **state)
{
    static const uint8_t system[] = "\1\x1b\0\1\1\2\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\6\0\0"
                                    "QEMU\0QEMU Virtual Machine\0virt-7.2\0";
    static const uint8_t processor[] =
        "\4\x30\0\4\1\3\1\2\0\0\0\0\0\0\0\0\3\0\0\0\xd0\7\xd0\7\x41\1"
        "\xff\xff\xff\xff\xff\xff\0\0\0\2\2\2\2\0\1\0\2\0\2\0\2\0"
        "CPU 0\0QEMU\0virt-7.2\0";
    static const uint8_t module[] =
        "\x11\x28\0\x11\0\x10\xfe\xff\xff\xff\xff\xff\0\2\t\0\1\0\7\2\0\0\0\2\0\0\0\0"
        "\0\0\0\0\0\0\0\0\0\0\0\0DIMM 0\0QEMU\0";
    const struct virt_config cfg = {.cpu_count = 2, .ram_size = ARM_BIT(29)};
    struct firmware f;

    (void)state;
    assert_int_equal(make(&f, &cfg), 0);
    assert_memory_equal(find(&f, 1), system, sizeof(system));
    assert_memory_equal(find(&f, 4), processor, sizeof(processor));
    assert_memory_equal(find(&f, 17), module, sizeof(module));
    assert_int_equal(le_get(find(&f, 16) + 7, 4), 512 << 10);
    assert_null(find(&f, 0)); /* firmware has its own */
    assert_null(find(&f, 2));
    assert_null(find(&f, 11));
    assert_non_null(find(&f, 127));
    fw_cfg_destroy(&f.fw);
}

static void test_the_anchor_adds_up(void **state)
{
    const struct virt_config cfg = {.cpu_count = 1, .ram_size = ARM_BIT(27)};
    struct firmware f;
    uint8_t sum = 0;

    (void)state;
    assert_int_equal(make(&f, &cfg), 0);
    const uint8_t *anchor = fw_cfg_file(&f.fw, "etc/smbios/smbios-anchor");
    for (unsigned k = 0; k < 24; k++)
        sum = (uint8_t)(sum + anchor[k]);
    assert_int_equal(sum, 0);
    assert_memory_equal(anchor, "_SM3_", 5);
    assert_int_equal(le_get(anchor + 12, 4), f.size);
    fw_cfg_destroy(&f.fw);
}

static void test_what_a_user_says_is_there(void **state)
{
    static const struct arm_smbios said[] = {
        {0, "uefi", "on"},       {0, "release", "1.20"},
        {1, "product", "first"}, {1, "product", "last"},
        {1, "serial", ""},       {1, "uuid", "00112233-4455-6677-8899-aabbccddeeff"},
        {11, "value", "a"},      {11, "value", "b"},
        {17, "speed", "0x0c80"}, {4, "processor-id", "81985529216486895"},
    };
    static const uint8_t uuid[] = {0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,
                                   0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    const struct virt_config cfg = {.cpu_count = 1,
                                    .ram_size = UINT64_C(40) << 30,
                                    .smbios = said,
                                    .smbios_count = ARRAY_SIZE(said)};
    struct firmware f;

    (void)state;
    assert_int_equal(make(&f, &cfg), 0);
    assert_int_equal(find(&f, 0)[19], 0x1c);
    assert_int_equal(find(&f, 0)[20], 1);
    assert_int_equal(find(&f, 0)[21], 20);
    assert_memory_equal(find(&f, 1) + 27, "QEMU\0last\0virt-7.2\0", 20);
    assert_memory_equal(find(&f, 1) + 8, uuid, sizeof(uuid));
    assert_int_equal(find(&f, 11)[4], 2);
    assert_memory_equal(find(&f, 11) + 5, "a\0b\0", 5);
    assert_int_equal(le_get(find(&f, 4) + 8, 8), UINT64_C(0x0123456789abcdef));
    const uint8_t *module = find(&f, 17);
    assert_int_equal(le_get(module + 12, 2), 16384);
    assert_int_equal(le_get(module + 21, 2), 3200);
    assert_int_equal(le_get(module + 32, 2), 3200);
    assert_int_equal(le_get(find(&f, 16) + 13, 2), 3); /* of 16 GiB, and one of 8 */
    fw_cfg_destroy(&f.fw);
}

static void test_what_cannot_be_said_is_refused(void **state)
{
    static const struct {
        struct arm_smbios said;
        const char *text;
    } rows[] = {
        {{1, "colour", "red"}, "SMBIOS type 1: there is no colour"},
        {{5, "serial", "1"}, "SMBIOS type 5: there is no serial"},
        {{1, "uuid", "1"}, "uuid=1: expected a UUID"},
        {{17, "speed", "70000"}, "speed=70000: expected a number up to 65535"},
        {{17, "speed", "-1"}, "expected a number"},
        {{0, "release", "1"}, "release=1: expected MAJOR.MINOR"},
        {{0, "release", "1.300"}, "expected MAJOR.MINOR"},
    };
    struct firmware f;

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
        const struct virt_config cfg = {
            .cpu_count = 1, .ram_size = ARM_BIT(27), .smbios = &rows[k].said, .smbios_count = 1};
        assert_int_equal(make(&f, &cfg), -ARM_EINVAL);
        assert_non_null(strstr(f.err.text, rows[k].text));
        fw_cfg_destroy(&f.fw);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_structures_are_those_of_qemu),
        cmocka_unit_test(test_the_anchor_adds_up),
        cmocka_unit_test(test_what_a_user_says_is_there),
        cmocka_unit_test(test_what_cannot_be_said_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
