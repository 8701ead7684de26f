/* What gdb finds in a process with --gdb-jit (tools/cli/gdb_jit.h): the list of GDB's JIT
 * interface, and its files as libelf reads them. */
#include "tools/cli/gdb_jit.h"

#include <gelf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* GDB's manual, "JIT Interface". */
struct entry {
    struct entry *next, *prev;
    char *file;
    uint64_t size;
};

extern struct {
    uint32_t version, action;
    struct entry *relevant, *first;
} __jit_debug_descriptor;

#define LIST __jit_debug_descriptor

static void add(struct gdb_jit *g, uint64_t address, size_t size, const char *name)
{
    gdb_jit_code(g, &(struct arm_host_piece){.address = address, .size = size}, true, name);
}

/* How many there are, each with the neighbours that it has. */
static unsigned count(void)
{
    unsigned n = 0;
    const struct entry *before = NULL;

    for (const struct entry *e = LIST.first; e; before = e, e = e->next, n++)
        assert_ptr_equal(e->prev, before);
    return n;
}

/* The one function of a file. */
static void assert_file(const struct entry *e, uint64_t address, size_t size, const char *name)
{
    Elf *elf = elf_memory(e->file, e->size);
    Elf_Scn *scn = NULL;
    GElf_Shdr h, text;
    GElf_Sym s;
    unsigned symbols = 0;

    assert_non_null(elf);
    while ((scn = elf_nextscn(elf, scn))) {
        assert_non_null(gelf_getshdr(scn, &h));
        if (h.sh_type != SHT_SYMTAB)
            continue;
        assert_non_null(gelf_getsym(elf_getdata(scn, NULL), 1, &s));
        assert_string_equal(elf_strptr(elf, h.sh_link, s.st_name), name);
        assert_non_null(gelf_getshdr(elf_getscn(elf, s.st_shndx), &text));
        assert_int_equal(text.sh_addr + s.st_value, address);
        assert_int_equal(text.sh_size, size);
        assert_int_equal(s.st_size, size);
        symbols++;
    }
    assert_int_equal(symbols, 1);
    elf_end(elf);
}

static void test_a_piece_of_code_is_a_file_with_its_function(void **state)
{
    struct gdb_jit *g = gdb_jit_new();

    (void)state;
    assert_int_equal(LIST.version, 1);
    assert_int_equal(count(), 0);
    add(g, 0x7f0000001000, 0x123, "el1_memcpy+0x40");
    add(g, 0x7f0000002000, 0, "empty");
    assert_int_equal(count(), 1);
    assert_int_equal(LIST.action, 1);
    assert_ptr_equal(LIST.relevant, LIST.first);
    assert_file(LIST.first, 0x7f0000001000, 0x123, "el1_memcpy+0x40");
    gdb_jit_free(g);
    assert_int_equal(count(), 0);
}

static void test_code_takes_what_it_covers_off_the_list(void **state)
{
    struct gdb_jit *g = gdb_jit_new();

    (void)state;
    for (unsigned k = 0; k < 100; k++)
        add(g, 0x1000 + k * 0x10, 0x10, "old");
    assert_int_equal(count(), 100);
    add(g, 0x1208, 0x10, "new"); /* a half of two */
    assert_int_equal(count(), 99);
    assert_file(LIST.first, 0x1208, 0x10, "new");
    add(g, 0xff0, 0x10, "below"); /* beside them */
    add(g, 0x1640, 0x10, "above");
    assert_int_equal(count(), 101);
    add(g, 0x1000, 0x640, "all");
    assert_int_equal(count(), 3);
    assert_file(LIST.first, 0x1000, 0x640, "all");
    gdb_jit_free(g);
    assert_int_equal(count(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_piece_of_code_is_a_file_with_its_function),
        cmocka_unit_test(test_code_takes_what_it_covers_off_the_list),
    };

    elf_version(EV_CURRENT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
