/* Names of slots and lines, read from the DWARF of tests/checker/dwarf_sample.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib.h>

#include "checker/ldst.h"
#include "symbols/dwarf.h"

/* As the sample has it. */
struct inner {
    uint64_t slot[3], other[5];
};
struct vcpu {
    uint64_t x[31], both;
    struct inner in[2][3];
    uint64_t next;
    uint8_t bytes[8];
};

static char elf[] = "/tmp/armillary-test-XXXXXX";
static struct dwarf *dwarf;

static int compile(void **state)
{
    (void)state;
    int fd = mkstemp(elf);
    g_autofree char *command =
        g_strdup_printf("aarch64-linux-gnu-gcc -g -gdwarf-5 -O2 -nostdlib -static "
                        "-Wl,--build-id=none -o %s %s/checker/dwarf_sample.c "
                        "%s/checker/dwarf_sample_other.c",
                        elf, TESTS_DIR, TESTS_DIR);

    if (fd >= 0)
        close(fd);
    dwarf = fd >= 0 && system(command) == 0 ? dwarf_read(elf) : NULL;
    return 0;
}

static int clean(void **state)
{
    (void)state;
    dwarf_free(dwarf);
    return unlink(elf);
}

/* Where @name is in the sample. */
static uint64_t address(const char *name)
{
    g_autofree char *command = g_strdup_printf("aarch64-linux-gnu-nm %s", elf), *out = NULL;

    assert_true(g_spawn_command_line_sync(command, &out, NULL, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(out, "\n", -1);
    for (unsigned k = 0; lines[k]; k++) {
        const char *last = strrchr(lines[k], ' ');
        if (last && !strncmp(last + 1, name, strlen(name)) &&
            (last[1 + strlen(name)] == '\0' || last[1 + strlen(name)] == '.'))
            return g_ascii_strtoull(lines[k], NULL, 16);
    }
    fail_msg("no symbol %s", name);
    return 0;
}

static void need_compiler(void)
{
    if (!dwarf)
        skip();
}

static void assert_path(const struct dwarf_object *o, uint64_t offset, const char *wanted)
{
    char buf[100] = "";

    dwarf_path(dwarf, o, offset, buf, sizeof(buf));
    assert_string_equal(buf, wanted);
}

#define AT(member) offsetof(struct vcpu, member)

static void test_a_slot_behind_a_pointer_is_its_members(void **state)
{
    (void)state;
    need_compiler();
    struct dwarf_object o;
    uint64_t pc = address("save");

    assert_true(dwarf_pointed(dwarf, pc, 0, AT(x[3]), &o));
    assert_int_equal(o.size, sizeof(struct vcpu));
    assert_int_equal(o.offset, 24);
    assert_path(&o, o.offset, "v->x[3]");
    assert_path(&o, AT(x[30]) + 4, "v->x[30]+4");
    assert_path(&o, AT(both), "v->both");
    assert_path(&o, AT(in), "v->in[0][0].slot[SLOT_SCTLR_EL1]");
    assert_path(&o, AT(in[1][2].slot[1]), "v->in[1][2].slot[SLOT_TPIDR_EL1]");
    assert_path(&o, AT(in[0][1].other[4]), "v->in[0][1].other[4]");
    assert_path(&o, AT(next), "v->next");
    assert_path(&o, AT(bytes[5]), "v->bytes[5]");
}

static void test_registers_with_other_variables_or_none_name_nothing(void **state)
{
    (void)state;
    need_compiler();
    struct dwarf_object o;
    uint64_t pc = address("save");

    assert_false(dwarf_pointed(dwarf, pc, 0, sizeof(struct vcpu), &o)); /* behind its end */
    assert_false(dwarf_pointed(dwarf, pc, 0, -8, &o));
    assert_false(dwarf_pointed(dwarf, pc, 2, 0, &o)); /* no pointer */
    assert_false(dwarf_pointed(dwarf, pc, 9, 0, &o));
    assert_false(dwarf_pointed(dwarf, 0x10, 0, 0, &o)); /* no code */
    assert_true(dwarf_pointed(dwarf, pc, 1, 0, &o));
    assert_path(&o, 0, "*p");
}

static void test_variables_are_known_by_their_addresses(void **state)
{
    (void)state;
    need_compiler();
    struct dwarf_object o;

    assert_true(dwarf_global(dwarf, address("vcpus") + 2 * sizeof(struct vcpu) + 8, &o));
    assert_path(&o, o.offset, "vcpus[2].x[1]");
    assert_true(dwarf_global(dwarf, address("counter"), &o));
    assert_path(&o, o.offset, "counter");
    assert_true(dwarf_global(dwarf, address("table") + 8, &o));
    assert_path(&o, o.offset, "table[1]");
    assert_true(dwarf_global(dwarf, address("elsewhere") + 24, &o));
    assert_path(&o, o.offset, "elsewhere[OTHER_TPIDR_EL0]");
    assert_true(dwarf_global(dwarf, address("local") + 8, &o)); /* static, in a function */
    assert_path(&o, o.offset, "local.x[1]");
    assert_false(dwarf_global(dwarf, 0x10, &o));
}

static void test_a_line_has_file_and_folder(void **state)
{
    (void)state;
    need_compiler();
    char buf[100];

    assert_true(dwarf_line(dwarf, address("save"), buf, sizeof(buf)));
    assert_int_equal(strncmp(buf, "checker/dwarf_sample.c:", 23), 0);
    assert_false(dwarf_line(dwarf, 0x10, buf, sizeof(buf)));
}

static void test_files_without_dwarf_have_none(void **state)
{
    (void)state;
    assert_null(dwarf_read("/dev/null"));
    assert_null(dwarf_read("/nonexistent"));
}

/* The first and the second register of each form. */
static void test_loads_and_stores_say_where_their_registers_go(void **state)
{
    (void)state;
    static const struct {
        uint32_t word; /* as assembled by GNU as */
        unsigned rt, base;
        int64_t displacement;
    } rows[] = {
        {0xf9000c23, 3, 1, 24},   /* str x3, [x1, #24] */
        {0xb9400fe5, 5, 31, 12},  /* ldr w5, [sp, #12] */
        {0xf8008c23, 3, 1, 8},    /* str x3, [x1, #8]! */
        {0xf8008423, 3, 1, 0},    /* str x3, [x1], #8 */
        {0xf85f8023, 3, 1, -8},   /* ldur x3, [x1, #-8] */
        {0xa9411404, 4, 0, 16},   /* ldp x4, x5, [x0, #16] */
        {0xa9411404, 5, 0, 24},   /* its second */
        {0xa9bf07e0, 0, 31, -16}, /* stp x0, x1, [sp, #-16]! */
        {0xa9bf07e0, 1, 31, -8},  /* its second */
        {0xa8c10fe2, 3, 31, 8},   /* ldp x2, x3, [sp], #16: the second */
        {0xad010400, 1, 0, 48},   /* stp q0, q1, [x0, #32]: the second */
        {0x3d800c02, 2, 0, 48},   /* str q2, [x0, #48] */
        {0xc89ffc23, 3, 1, 0},    /* stlr x3, [x1] */
    };
    struct ldst l;

    for (unsigned k = 0; k < G_N_ELEMENTS(rows); k++) {
        assert_true(ldst_of(rows[k].word, rows[k].rt, &l));
        assert_int_equal(l.base, rows[k].base);
        assert_int_equal(l.displacement, rows[k].displacement);
        assert_false(ldst_of(rows[k].word, 17, &l));
    }
    assert_false(ldst_of(0xf8226823, 3, &l)); /* str x3, [x1, x2] */
    assert_false(ldst_of(0xf8230022, 2, &l)); /* ldadd x3, x2, [x1] */
    assert_false(ldst_of(0xaa0303e2, 2, &l)); /* mov x2, x3 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_slot_behind_a_pointer_is_its_members),
        cmocka_unit_test(test_registers_with_other_variables_or_none_name_nothing),
        cmocka_unit_test(test_variables_are_known_by_their_addresses),
        cmocka_unit_test(test_a_line_has_file_and_folder),
        cmocka_unit_test(test_files_without_dwarf_have_none),
        cmocka_unit_test(test_loads_and_stores_say_where_their_registers_go),
    };

    return cmocka_run_group_tests(tests, compile, clean);
}
