/* ELF files: where their segments go, and how the boot CPU starts. */
#include "tests/loader/fixture.h"

static void check_elf(struct bytes elf)
{
    struct bytes copy = bytes_new(elf.size, 0);
    char *path;
    struct fixture f;

    memcpy(copy.data, elf.data, elf.size);
    path = temp_file(elf);
    fixture_start(&f, 512 * MIB);
    *physmem_ram_changing(&f.mem, pa(ELF_PADDR + 0x10000 + ELF_SEGMENT), 1) = 0xff;
    f.req.kernel = path;
    if (fixture_load(&f))
        fail_msg("%s", f.err.text);
    assert_int_equal(f.boot.kind, KERNEL_ELF);
    assert_int_equal(f.boot.pc, ELF_PADDR + 0x10);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(f.boot.x[i], 0);
    assert_ram_is(&f, ELF_PADDR, copy.data + 0x1000, ELF_SEGMENT);
    assert_ram_is(&f, ELF_PADDR + 0x10000, copy.data + 0x2000, ELF_SEGMENT);
    assert_ram_is(&f, ELF_PADDR + 0x10000 + ELF_SEGMENT, "", 1); /* .bss is zeroed */
    assert_dtb_at(&f, RAM_BASE);
    fixture_end(&f);
    remove_file(path);
    free(copy.data);
}

static void test_elf_goes_to_its_physical_addresses(void **state)
{
    struct bytes gz = make_gzip(make_elf());
    char *path = temp_file(gz);
    struct fixture f;

    (void)state;
    check_elf(make_elf());
    fixture_start(&f, 512 * MIB);
    f.req.kernel = path;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(f.boot.kind, KERNEL_ELF);
    fixture_end(&f);
    remove_file(path);
}

static void test_elf_at_ram_base_leaves_no_room_for_the_device_tree(void **state)
{
    struct bytes elf = make_elf();
    struct fixture f;
    char *path;

    (void)state;
    put_le(elf.data + sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_paddr), 8, RAM_BASE);
    path = temp_file(elf);
    fixture_start(&f, 512 * MIB);
    f.req.kernel = path;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(f.boot.pc, RAM_BASE + 0x10);
    assert_int_equal(f.boot.dtb_size, 0);
    assert_int_equal(f.warnings, 1);
    fixture_end(&f);
    remove_file(path);
}

/* What lies between the segments of a program in flash memory and RAM is free. */
static void test_elf_in_flash_leaves_the_start_of_ram_to_the_device_tree(void **state)
{
    struct bytes elf = make_elf();
    struct fixture f;
    char *path;

    (void)state;
    put_le(elf.data + sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_paddr), 8, 0);
    path = temp_file(elf);
    fixture_start(&f, 64 * MIB);
    assert_int_equal(physmem_add_rom(&f.mem, pa(0), MIB, NULL, NULL), 0);
    f.req.kernel = path;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(f.boot.pc, 0x10);
    assert_dtb_at(&f, RAM_BASE);
    assert_int_equal(f.warnings, 0);
    fixture_end(&f);
    remove_file(path);
}

static void test_elf_segment_outside_ram_is_left_out_with_a_warning(void **state)
{
    struct bytes elf = make_elf();
    struct fixture f;
    char *path;

    (void)state;
    put_le(elf.data + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, p_paddr), 8,
           0x400000);
    path = temp_file(elf);
    fixture_start(&f, 512 * MIB);
    f.req.kernel = path;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(f.boot.pc, ELF_PADDR + 0x10);
    assert_dtb_at(&f, RAM_BASE);
    assert_int_equal(f.warnings, 1);
    fixture_end(&f);
    remove_file(path);
}

static void test_overlapping_segments_are_refused(void **state)
{
    struct bytes elf = make_elf();
    struct fixture f;
    char *path, expected[400];

    (void)state;
    put_le(elf.data + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, p_paddr), 8,
           ELF_PADDR + ELF_SEGMENT - 1);
    path = temp_file(elf);
    fixture_start(&f, 512 * MIB);
    f.req.kernel = path;
    assert_int_equal(fixture_load(&f), -ARM_EFORMAT);
    snprintf(expected, sizeof(expected),
             "%s: segment 1: 0x1800 bytes at 0x40200fff overlap %s: segment 0, 0x1000 bytes at "
             "0x40200000",
             path, path);
    assert_string_equal(f.err.text, expected);
    fixture_end(&f);
    remove_file(path);
}

/* A field of program header @n. */
#define PH(n, field) (sizeof(Elf64_Ehdr) + (n) * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, field))

/* Load make_elf() after @count fields of it were changed. The caller ends the fixture. */
static int load_elf_with(struct fixture *f, const uint64_t (*changes)[2], unsigned count)
{
    struct bytes elf = make_elf();
    char *path;
    int rc;

    for (unsigned i = 0; i < count; i++)
        put_le(elf.data + changes[i][0], 8, changes[i][1]);
    path = temp_file(elf);
    fixture_start(f, 64 * MIB);
    memset(physmem_ram_changing(&f->mem, pa(RAM_BASE), 64 * MIB), 0xff, 64 * MIB);
    f->req.kernel = path;
    rc = fixture_load(f);
    remove_file(path);
    return rc;
}

static void test_elf_segment_without_bytes_may_name_memory_that_is_not_there(void **state)
{
    static const uint64_t device[][2] = {{PH(1, p_filesz), 0},
                                         {PH(1, p_offset), UINT64_MAX},
                                         {PH(1, p_memsz), 0x1000},
                                         {PH(1, p_paddr), 0x9000000}};
    static const uint64_t behind[][2] = {
        {PH(1, p_filesz), 0}, {PH(1, p_memsz), 1 << 20}, {PH(1, p_paddr), RAM_BASE + (1 << 30)}};
    static const uint64_t partly[][2] = {{PH(1, p_filesz), 0},
                                         {PH(1, p_memsz), 1 << 20},
                                         {PH(1, p_paddr), RAM_BASE + 64 * MIB - 0x1000}};
    static const uint64_t endless[][2] = {{PH(1, p_filesz), 0},
                                          {PH(1, p_memsz), UINT64_C(1) << 62},
                                          {PH(1, p_paddr), RAM_BASE + 4 * MIB}};
    static const uint64_t no_memory[][2] = {{PH(1, p_memsz), 0}, {PH(1, p_paddr), 0x9000000}};
    struct fixture f;

    (void)state;
    assert_int_equal(load_elf_with(&f, device, 4), 0);
    assert_int_equal(f.boot.pc, ELF_PADDR + 0x10);
    assert_int_equal(f.warnings, 0);
    fixture_end(&f);
    assert_int_equal(load_elf_with(&f, behind, 3), 0);
    assert_int_equal(f.warnings, 0);
    fixture_end(&f);
    assert_int_equal(load_elf_with(&f, partly, 3), 0);
    assert_int_equal(ram_byte(&f, RAM_BASE + 64 * MIB - 1), 0);
    assert_int_equal(ram_byte(&f, RAM_BASE + 64 * MIB - 0x1001), 0xff);
    assert_int_equal(f.warnings, 1);
    fixture_end(&f);
    assert_int_equal(load_elf_with(&f, endless, 3), 0);
    assert_int_equal(ram_byte(&f, RAM_BASE + 4 * MIB), 0);
    assert_int_equal(f.warnings, 1);
    fixture_end(&f);
    assert_int_equal(load_elf_with(&f, no_memory, 2), 0);
    assert_int_equal(f.warnings, 0);
    fixture_end(&f);
}

/* Stored closely, run elsewhere: the program clears its .bss itself. */
static void test_elf_zeros_that_would_lie_on_another_segment_are_left_out(void **state)
{
    static const uint64_t closely[][2] = {{PH(0, p_paddr), ELF_PADDR + 0x10000},
                                          {PH(1, p_paddr), ELF_PADDR + 0x10000 - ELF_SEGMENT}};
    static const uint64_t bss_on_bss[][2] = {{PH(0, p_filesz), 0}, {PH(0, p_memsz), 0x20000}};
    struct fixture f;

    (void)state;
    assert_int_equal(load_elf_with(&f, closely, 2), 0);
    assert_int_equal(ram_byte(&f, ELF_PADDR + 0x10000), 0xa0);
    assert_int_equal(ram_byte(&f, ELF_PADDR + 0x10000 - 1), 0xa1);
    assert_int_equal(f.boot.pc, ELF_PADDR + 0x10010);
    assert_int_equal(f.warnings, 0);
    fixture_end(&f);
    assert_int_equal(load_elf_with(&f, bss_on_bss, 2), 0);
    assert_int_equal(ram_byte(&f, ELF_PADDR + 0x10000), 0xa1);
    fixture_end(&f);
}

/* The entry point need not be in a segment, nor be there at all in what is not started. */
static void test_elf_entry_point(void **state)
{
    static const uint64_t in_ram[][2] = {{offsetof(Elf64_Ehdr, e_entry), RAM_BASE + 8 * MIB}};
    static const uint64_t none[][2] = {{offsetof(Elf64_Ehdr, e_entry), 0}};
    /* Both segments at one virtual address: the one that can be executed has it. */
    static const uint64_t both[][2] = {{PH(0, p_type), PT_LOAD | (uint64_t)PF_R << 32},
                                       {PH(1, p_vaddr), ELF_VADDR}};
    struct bytes elf = make_elf();
    struct load_blob blob = {0};
    struct fixture f;

    (void)state;
    assert_int_equal(load_elf_with(&f, in_ram, 1), 0);
    assert_int_equal(f.boot.pc, RAM_BASE + 8 * MIB);
    fixture_end(&f);
    assert_int_equal(load_elf_with(&f, none, 1), -ARM_EFORMAT);
    fixture_end(&f);
    assert_int_equal(load_elf_with(&f, both, 2), 0);
    assert_int_equal(f.boot.pc, ELF_PADDR + 0x10010);
    fixture_end(&f);

    put_le(elf.data + offsetof(Elf64_Ehdr, e_entry), 8, 0);
    char *path = temp_file(elf);
    blob.file = path;
    fixture_start(&f, 64 * MIB);
    f.req.blobs = &blob;
    f.req.blob_count = 1;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(blob.entry, 0);
    assert_int_equal(ram_byte(&f, ELF_PADDR), 0xa0);
    fixture_end(&f);
    remove_file(path);
}

/* Tools that shrink files leave such behind; a loader needs no sections. */
static void test_elf_without_its_section_table(void **state)
{
    static const uint64_t sections[][2] = {
        {offsetof(Elf64_Ehdr, e_shoff), UINT64_C(1) << 40},
        {offsetof(Elf64_Ehdr, e_phentsize),
         56 | 2 << 16 | (uint64_t)64 << 32 | (uint64_t)30 << 48}};
    struct fixture f;

    (void)state;
    assert_int_equal(load_elf_with(&f, sections, 2), 0);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elf_goes_to_its_physical_addresses),
        cmocka_unit_test(test_elf_at_ram_base_leaves_no_room_for_the_device_tree),
        cmocka_unit_test(test_elf_in_flash_leaves_the_start_of_ram_to_the_device_tree),
        cmocka_unit_test(test_elf_segment_outside_ram_is_left_out_with_a_warning),
        cmocka_unit_test(test_overlapping_segments_are_refused),
        cmocka_unit_test(test_elf_segment_without_bytes_may_name_memory_that_is_not_there),
        cmocka_unit_test(test_elf_zeros_that_would_lie_on_another_segment_are_left_out),
        cmocka_unit_test(test_elf_entry_point),
        cmocka_unit_test(test_elf_without_its_section_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
