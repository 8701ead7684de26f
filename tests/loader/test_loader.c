/* Where everything goes, and how the boot CPU starts, for good files of each format. */
#include "tests/loader/fixture.h"

static uint64_t chosen_cell(const struct fixture *f, const char *name)
{
    int size, node = fdt_path_offset(f->dt.blob, "/chosen");
    const void *p = fdt_getprop(f->dt.blob, node, name, &size);

    return p && size == 4 ? fdt32_ld(p) : UINT64_MAX;
}

/* The copy in guest RAM is the tree that was completed. */
static void assert_dtb_at(struct fixture *f, uint64_t addr)
{
    assert_int_equal(f->boot.dtb_base, addr);
    assert_int_equal(f->boot.dtb_size, dt_size(&f->dt));
    assert_ram_is(f, addr, f->dt.blob, dt_size(&f->dt));
}

/* @packed: the file; it holds a 5000-byte Image with text_offset 0. */
static void check_image(struct bytes packed)
{
    struct bytes image = make_image(5000, 0, 0x10000);
    char *path = temp_file(packed);
    struct fixture f;

    fixture_start(&f, 512 * MIB);
    *physmem_ram_changing(&f.mem, pa(RAM_BASE + 2 * MIB + 0xffff), 1) = 0xff;
    f.req.kernel = path;
    if (fixture_load(&f))
        fail_msg("%s", f.err.text);
    assert_int_equal(f.boot.kind, KERNEL_IMAGE);
    assert_int_equal(f.boot.pc, RAM_BASE + 2 * MIB);
    assert_int_equal(f.boot.x[0], RAM_BASE + 128 * MIB);
    assert_int_equal(f.boot.x[1] | f.boot.x[2] | f.boot.x[3], 0);
    assert_int_equal(f.boot.initrd_size, 0);
    assert_ram_is(&f, RAM_BASE + 2 * MIB, image.data, image.size);
    assert_ram_is(&f, RAM_BASE + 2 * MIB + 0xffff, "", 1); /* image_size is zeroed */
    assert_dtb_at(&f, RAM_BASE + 128 * MIB);
    assert_int_equal(f.warnings, 0);
    fixture_end(&f);
    remove_file(path);
    free(image.data);
}

static void test_image_raw(void **state)
{
    (void)state;
    check_image(make_image(5000, 0, 0x10000));
}

static void test_image_in_gzip(void **state)
{
    (void)state;
    check_image(make_gzip(make_image(5000, 0, 0x10000)));
}

static void test_image_in_zboot_with_gzip(void **state)
{
    (void)state;
    check_image(make_zboot(make_gzip(make_image(5000, 0, 0x10000)), "gzip"));
}

static void test_image_in_zboot_with_zstd(void **state)
{
    (void)state;
    check_image(make_zboot(make_zstd(make_image(5000, 0, 0x10000)), "zstd"));
}

static void test_image_in_zstd_xz_and_lzma(void **state)
{
    (void)state;
    check_image(make_zstd(make_image(5000, 0, 0x10000)));
    check_image(make_xz(make_image(5000, 0, 0x10000)));
    check_image(make_lzma(make_image(5000, 0, 0x10000)));
}

/* What Linux' build calls them: the payload's magic counts. */
static void test_image_in_zboot_with_the_names_of_linux(void **state)
{
    (void)state;
    check_image(make_zboot(make_zstd(make_image(5000, 0, 0x10000)), "zstd22"));
    check_image(make_zboot(make_xz(make_image(5000, 0, 0x10000)), "xzkern"));
    check_image(make_zboot(make_lzma(make_image(5000, 0, 0x10000)), "lzma"));
}

static struct bytes joined(struct bytes a, struct bytes b)
{
    struct bytes out = bytes_new(a.size + b.size, 0);

    memcpy(out.data, a.data, a.size);
    memcpy(out.data + a.size, b.data, b.size);
    free(a.data);
    free(b.data);
    return out;
}

static struct bytes slice(struct bytes in, size_t from, size_t to)
{
    struct bytes out = bytes_new(to - from, 0);

    memcpy(out.data, in.data + from, to - from);
    free(in.data);
    return out;
}

/* RFC 1952 2.2: a gzip file is a series of members. The other formats' tools write such too. */
static void test_image_in_several_streams_one_behind_the_other(void **state)
{
    struct bytes (*const makes[])(struct bytes) = {make_gzip, make_zstd, make_xz};

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(makes); k++)
        check_image(joined(makes[k](slice(make_image(5000, 0, 0x10000), 0, 1000)),
                           makes[k](slice(make_image(5000, 0, 0x10000), 1000, 5000))));
}

/* Bigger than one step of the output buffer. */
static void test_image_of_9_mib_unpacks(void **state)
{
    struct bytes image = make_image(9 * MIB, 0x80000, 10 * MIB);
    char *path = temp_file(make_zboot(make_zstd(make_image(9 * MIB, 0x80000, 10 * MIB)), "zstd"));
    struct fixture f;

    (void)state;
    fixture_start(&f, 512 * MIB);
    f.req.kernel = path;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(f.boot.pc, RAM_BASE + 0x80000);
    assert_ram_is(&f, RAM_BASE + 0x80000, image.data, image.size);
    fixture_end(&f);
    remove_file(path);
    free(image.data);
}

static void test_image_without_size_goes_where_old_kernels_want(void **state)
{
    char *path = temp_file(make_image(5000, UINT64_MAX, 0));
    struct fixture f;

    (void)state;
    fixture_start(&f, 512 * MIB);
    f.req.kernel = path;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(f.boot.pc, RAM_BASE + 0x80000);
    fixture_end(&f);
    remove_file(path);
}

/* booting.rst: "text_offset bytes from a 2MB aligned base address"; initrd and device tree follow
 * the kernel where it reaches behind their usual place. */
static void test_image_goes_to_any_text_offset(void **state)
{
    static const struct {
        uint64_t ram, text_offset, image_size, at, dtb;
    } rows[] = {
        {256 * MIB, 0, 0x100000, 0x200000, 128 * MIB},
        {256 * MIB, 0xfff, 0x100000, 0x200fff, 128 * MIB},
        {256 * MIB, 0x1000, 0x100000, 0x1000, 128 * MIB},
        {256 * MIB, 0x80000, 0x100000, 0x80000, 128 * MIB},
        {256 * MIB, 0x200000, 0x100000, 0x200000, 128 * MIB},
        {256 * MIB, 0x480000, 0x100000, 0x480000, 128 * MIB},
        {256 * MIB, 0x1080000, 0x100000, 0x1080000, 128 * MIB},
        {256 * MIB, 128 * MIB, 0x100000, 128 * MIB, 130 * MIB},
        {256 * MIB, 200 * MIB + 0x80000, 40 * MIB, 200 * MIB + 0x80000, 242 * MIB},
        {256 * MIB, 0x80000, 250 * MIB, 0x80000, 252 * MIB},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        char *path = temp_file(make_image(5000, rows[i].text_offset, rows[i].image_size));
        struct fixture f;

        fixture_start(&f, rows[i].ram);
        f.req.kernel = path;
        if (fixture_load(&f))
            fail_msg("%s", f.err.text);
        assert_int_equal(f.boot.pc, RAM_BASE + rows[i].at);
        assert_int_equal(f.boot.x[0], RAM_BASE + rows[i].dtb);
        fixture_end(&f);
        remove_file(path);
    }
}

static void test_flat_binary_is_loaded_at_512_kib_and_gets_the_device_tree(void **state)
{
    char *path = temp_file(bytes_new(100, 0x1f));
    struct fixture f;
    uint8_t expected[100];

    (void)state;
    memset(expected, 0x1f, sizeof(expected));
    fixture_start(&f, 128 * MIB);
    f.req.kernel = path;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(f.boot.kind, KERNEL_FLAT);
    assert_int_equal(f.boot.pc, RAM_BASE + 0x80000);
    assert_ram_is(&f, f.boot.pc, expected, sizeof(expected));
    assert_int_equal(f.boot.x[0], RAM_BASE + 64 * MIB);
    assert_dtb_at(&f, RAM_BASE + 64 * MIB);
    fixture_end(&f);
    remove_file(path);
}

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

static uint8_t ram_byte(struct fixture *f, uint64_t addr)
{
    return *physmem_ram(&f->mem, pa(addr), 1);
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

static void check_uimage(struct bytes in, const struct uimage *h, uint64_t pc, uint64_t at,
                         bool told)
{
    struct bytes image = make_image(5000, 0, 0x10000);
    char *path = temp_file(make_uimage(in, h));
    struct fixture f;

    fixture_start(&f, 512 * MIB);
    memset(physmem_ram_changing(&f.mem, pa(at + 5000), 0x10000), 0xff, 0x10000);
    f.req.kernel = path;
    if (fixture_load(&f))
        fail_msg("%s", f.err.text);
    assert_int_equal(f.boot.pc, pc);
    assert_ram_is(&f, at, image.data, image.size);
    assert_int_equal(ram_byte(&f, at + 0xffff), 0); /* image_size counts here too */
    assert_int_equal(f.boot.x[0], told ? RAM_BASE + 128 * MIB : 0);
    assert_dtb_at(&f, told ? RAM_BASE + 128 * MIB : RAM_BASE);
    fixture_end(&f);
    remove_file(path);
    free(image.data);
}

static void test_uimage_goes_where_its_header_says(void **state)
{
    const struct uimage other_os = {0x48000000, 0x48000040, 2, 22, 2, 0};
    const struct uimage gzip = {0x40080000, 0x40080004, 5, 22, 2, 1};
    const struct uimage zstd = {0x40080000, 0x40080000, 5, 22, 2, 6};
    const struct uimage noload = {0, 0, 5, 22, 14, 0};

    (void)state;
    check_uimage(make_image(5000, 0, 0x10000), &linux_uimage, 0x40080000, 0x40080000, true);
    check_uimage(make_image(5000, 0, 0x10000), &other_os, 0x48000040, 0x48000000, false);
    check_uimage(make_gzip(make_image(5000, 0, 0x10000)), &gzip, 0x40080004, 0x40080000, true);
    check_uimage(make_zstd(make_image(5000, 0, 0x10000)), &zstd, 0x40080000, 0x40080000, true);
    check_uimage(make_image(5000, 0, 0x10000), &noload, 0x40200000, 0x40200000, true);
}

static void check_uimage_refused(struct bytes in, const struct uimage *h, const char *expected)
{
    char *path = temp_file(make_uimage(in, h));
    struct fixture f;

    fixture_start(&f, 64 * MIB);
    f.req.kernel = path;
    assert_true(fixture_load(&f) < 0);
    if (!strstr(f.err.text, expected))
        fail_msg("%s", f.err.text);
    fixture_end(&f);
    remove_file(path);
}

static void test_uimage_of_something_else_is_refused(void **state)
{
    const struct uimage arm = {0x40008000, 0x40008000, 5, 2, 2, 0};
    const struct uimage multi = {0x40080000, 0x40080000, 5, 22, 4, 0};
    const struct uimage ramdisk = {0x40080000, 0x40080000, 5, 22, 3, 0};
    const struct uimage lzo = {0x40080000, 0x40080000, 5, 22, 2, 4};
    const struct uimage nowhere = {0x20000000, 0x20000000, 5, 22, 2, 0};

    (void)state;
    check_uimage_refused(bytes_new(100, 1), &arm, "for 32-bit Arm (2 at offset 29)");
    check_uimage_refused(bytes_new(100, 1), &multi, "type 4 (multi-file image)");
    check_uimage_refused(bytes_new(100, 1), &ramdisk, "type 3 (RAM disk), expected a kernel");
    check_uimage_refused(bytes_new(100, 1), &lzo, "data at offset 64: of no known compression");
    check_uimage_refused(bytes_new(100, 1), &nowhere, "0x64 bytes at 0x20000000 are not all RAM");
    check_uimage_refused(make_elf(), &linux_uimage, "its data is an ELF file");
    check_uimage_refused(bytes_new(0, 0), &linux_uimage, "its data is empty");
}

static void test_uinitrd_is_taken_out_of_its_header(void **state)
{
    const struct uimage ramdisk = {0, 0, 5, 22, 3, 1};
    char *kernel = temp_file(make_image(5000, 0, 0x10000));
    char *initrd = temp_file(make_uimage(bytes_new(300, 0x77), &ramdisk));
    uint8_t expected[300];
    struct fixture f;

    (void)state;
    memset(expected, 0x77, sizeof(expected));
    fixture_start(&f, 64 * MIB);
    f.req.kernel = kernel;
    f.req.initrd = initrd;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(f.boot.initrd_size, 300);
    assert_ram_is(&f, f.boot.initrd_base, expected, sizeof(expected));
    fixture_end(&f);
    remove_file(kernel);
    remove_file(initrd);
}

/* initrd: half-way up, at most 128 MiB, behind the kernel; device tree: the next 2 MiB behind it.
 */
static void test_initrd_and_device_tree_placement(void **state)
{
    static const struct {
        uint64_t ram, image_size, initrd_size, initrd, dtb;
    } rows[] = {
        {64 * MIB, MIB, 5000, 32 * MIB, 34 * MIB},
        {128 * MIB, MIB, 2 * MIB, 64 * MIB, 66 * MIB},
        {128 * MIB, MIB, 2 * MIB + 1, 64 * MIB, 68 * MIB},
        {256 * MIB, MIB, 1, 128 * MIB, 130 * MIB},
        {1024 * MIB, MIB, 5000, 128 * MIB, 130 * MIB},
        {1024 * MIB, 200 * MIB + 1, 5000, 202 * MIB + 0x1000, 204 * MIB},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        char *kernel = temp_file(make_image(5000, 0, rows[i].image_size));
        char *initrd = temp_file(bytes_new(rows[i].initrd_size, 0x77));
        uint64_t at = RAM_BASE + rows[i].initrd;
        struct fixture f;

        fixture_start(&f, rows[i].ram);
        f.req.kernel = kernel;
        f.req.initrd = initrd;
        f.req.append = "console=ttyAMA0 quiet";
        if (fixture_load(&f))
            fail_msg("%s", f.err.text);
        assert_int_equal(f.boot.initrd_base, at);
        assert_int_equal(f.boot.initrd_size, rows[i].initrd_size);
        assert_int_equal(f.boot.x[0], RAM_BASE + rows[i].dtb);
        assert_dtb_at(&f, RAM_BASE + rows[i].dtb);
        assert_int_equal(*physmem_ram(&f.mem, pa(at + rows[i].initrd_size - 1), 1), 0x77);
        assert_int_equal(chosen_cell(&f, "linux,initrd-start"), at);
        assert_int_equal(chosen_cell(&f, "linux,initrd-end"), at + rows[i].initrd_size);
        fixture_end(&f);
        remove_file(kernel);
        remove_file(initrd);
    }
}

static void test_too_little_memory_is_said(void **state)
{
    char *kernel = temp_file(make_image(5000, 0, 0));
    char *initrd = temp_file(bytes_new(9 * MIB, 0));
    struct fixture f;

    (void)state;
    fixture_start(&f, 16 * MIB);
    f.req.kernel = kernel;
    f.req.initrd = initrd;
    assert_int_equal(fixture_load(&f), -ARM_EFORMAT);
    assert_non_null(strstr(f.err.text, "initrd: 0x900000 bytes at 0x40800000 are not all RAM"));
    fixture_end(&f);
    fixture_start(&f, 4 * MIB);
    f.req.kernel = kernel;
    f.req.append = "x";
    assert_int_equal(fixture_load(&f), 0);
    fixture_end(&f);
    fixture_start(&f, 2 * MIB);
    f.req.kernel = kernel;
    assert_int_equal(fixture_load(&f), -ARM_EINVAL);
    assert_non_null(strstr(f.err.text, "device tree: no room"));
    fixture_end(&f);
    remove_file(kernel);
    remove_file(initrd);
}

static void test_blobs(void **state)
{
    char *raw = temp_file(bytes_new(100, 0x11)), *elf = temp_file(make_elf());
    struct load_blob blobs[] = {
        {.file = raw, .addr = RAM_BASE + 8 * MIB},
        {.file = elf, .addr = RAM_BASE + 9 * MIB},
        {.file = elf, .addr = RAM_BASE + 10 * MIB, .force_raw = true},
    };
    struct fixture f;

    (void)state;
    fixture_start(&f, 64 * MIB);
    f.req.blobs = blobs;
    f.req.blob_count = ARRAY_SIZE(blobs);
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(f.boot.kind, KERNEL_NONE);
    assert_int_equal(f.boot.pc, 0);
    assert_dtb_at(&f, RAM_BASE);
    assert_int_equal(blobs[0].entry, RAM_BASE + 8 * MIB);
    assert_int_equal(blobs[1].entry, ELF_PADDR + 0x10);
    assert_int_equal(blobs[2].entry, RAM_BASE + 10 * MIB);
    assert_ram_is(&f, RAM_BASE + 10 * MIB, ELFMAG, SELFMAG);
    fixture_end(&f);

    blobs[0].addr = RAM_BASE;
    fixture_start(&f, 64 * MIB);
    f.req.blobs = blobs;
    f.req.blob_count = 1;
    assert_int_equal(fixture_load(&f), -ARM_EFORMAT);
    assert_non_null(strstr(f.err.text, "device tree: blob: "));
    assert_non_null(strstr(f.err.text, " overlap "));
    assert_non_null(strstr(f.err.text, raw));
    fixture_end(&f);
    remove_file(raw);
    remove_file(elf);
}

/* Add a node to the tree in guest RAM, in place, with a property of @bytes. */
static int add_in_place(struct fixture *f, int bytes)
{
    static uint8_t value[2 * MIB];
    void *tree = physmem_ram_changing(&f->mem, pa(f->boot.dtb_base), f->boot.dtb_size);
    int node = fdt_add_subnode(tree, 0, "added");

    return node < 0 ? node : fdt_setprop(tree, node, "p", value, bytes);
}

static void test_device_tree_has_room_for_what_a_guest_adds(void **state)
{
    char *kernel = temp_file(make_image(5000, 0, 0)), *elf = temp_file(make_elf());
    char *const files[] = {kernel, elf, NULL};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(files); i++) {
        struct fixture f;

        fixture_start(&f, 64 * MIB);
        f.req.kernel = files[i];
        f.req.append = "a command line";
        assert_int_equal(fixture_load(&f), 0);
        assert_int_equal(f.boot.dtb_size, MIB);
        assert_int_equal(fdt_totalsize(f.dt.blob), MIB);
        assert_int_equal(fdt_check_full(f.dt.blob, MIB), 0);
        assert_dtb_at(&f, f.boot.dtb_base);
        assert_int_equal(add_in_place(&f, MIB - 0x10000), 0);
        assert_int_equal(add_in_place(&f, MIB), -FDT_ERR_EXISTS);
        fixture_end(&f);
    }
    remove_file(kernel);
    remove_file(elf);
}

/* Twice what a big tree needs, but not more than a kernel takes; more only if the tree is so big.
 */
static void test_room_in_a_big_device_tree(void **state)
{
    static const struct {
        uint64_t property, min, max;
    } rows[] = {
        {0x80000 + 0x1000, MIB + 1, MIB + 0x10000},
        {MIB, 2 * MIB, 2 * MIB},
        {2 * MIB + 0x1000, 2 * MIB + 0x1000, 2 * MIB + 0x4000},
    };
    char *kernel = temp_file(make_image(5000, 0, 0));

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        uint8_t *value = calloc(1, rows[i].property);
        struct fixture f;

        fixture_start(&f, 64 * MIB);
        dt_edit(&f.dt, rows[i].property);
        dt_set(&f.dt, 0, "big", value, rows[i].property);
        assert_int_equal(dt_pack(&f.dt, NULL), 0);
        f.req.kernel = kernel;
        assert_int_equal(fixture_load(&f), 0);
        assert_in_range(f.boot.dtb_size, rows[i].min, rows[i].max);
        assert_dtb_at(&f, f.boot.dtb_base);
        fixture_end(&f);
        free(value);
    }
    remove_file(kernel);
}

/* What else is loaded comes first: the room ends where it begins. */
static void test_room_in_the_device_tree_ends_before_what_else_is_loaded(void **state)
{
    char *raw = temp_file(bytes_new(100, 0x11));
    struct load_blob blob = {.file = raw, .addr = RAM_BASE + 0x80004};
    struct fixture f;

    (void)state;
    fixture_start(&f, 64 * MIB);
    f.req.blobs = &blob;
    f.req.blob_count = 1;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(f.boot.dtb_size, 0x80000);
    assert_dtb_at(&f, RAM_BASE);
    fixture_end(&f);
    remove_file(raw);
}

static void test_blobs_of_other_formats(void **state)
{
    char *uimage = temp_file(make_uimage(bytes_new(100, 0x33), &linux_uimage));
    struct bytes hex = bytes_new(45, 0);
    struct load_blob blobs[] = {{.addr = RAM_BASE + 8 * MIB}};
    struct fixture f;

    (void)state;
    memcpy(hex.data, ":0400000001020304F2\n:00000001FF\n", 33);
    char *ihex = temp_file(hex);
    blobs[0].file = uimage;
    fixture_start(&f, 64 * MIB);
    f.req.blobs = blobs;
    f.req.blob_count = 1;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(blobs[0].entry, linux_uimage.entry);
    assert_int_equal(ram_byte(&f, linux_uimage.load), 0x33);
    fixture_end(&f);
    blobs[0].file = ihex;
    fixture_start(&f, 64 * MIB);
    f.req.blobs = blobs;
    f.req.blob_count = 1;
    assert_int_equal(fixture_load(&f), -ARM_ENOTSUP);
    assert_non_null(strstr(f.err.text, "an Intel HEX file, expected"));
    fixture_end(&f);
    blobs[0].force_raw = true;
    fixture_start(&f, 64 * MIB);
    f.req.blobs = blobs;
    f.req.blob_count = 1;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(ram_byte(&f, RAM_BASE + 8 * MIB), ':');
    fixture_end(&f);
    remove_file(uimage);
    remove_file(ihex);
}

static void test_nothing_is_loaded_over_firmware(void **state)
{
    char *raw = temp_file(bytes_new(100, 0x11));
    struct load_blob blob = {.file = raw, .addr = 0x1000};
    struct fixture f;

    (void)state;
    fixture_start(&f, 64 * MIB);
    assert_int_equal(physmem_add_rom(&f.mem, pa(0), MIB, NULL, NULL), 0);
    f.req.blobs = &blob;
    f.req.blob_count = 1;
    f.req.firmware_size = 0x1000;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(ram_byte(&f, 0x1000), 0x11);
    f.req.firmware_size = 0x1001;
    assert_int_equal(fixture_load(&f), -ARM_EFORMAT);
    assert_non_null(strstr(f.err.text, "overlap firmware: contents, 0x1001 bytes at 0"));
    fixture_end(&f);
    remove_file(raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image_raw),
        cmocka_unit_test(test_image_in_gzip),
        cmocka_unit_test(test_image_in_zboot_with_gzip),
        cmocka_unit_test(test_image_in_zboot_with_zstd),
        cmocka_unit_test(test_image_in_zstd_xz_and_lzma),
        cmocka_unit_test(test_image_in_zboot_with_the_names_of_linux),
        cmocka_unit_test(test_image_in_several_streams_one_behind_the_other),
        cmocka_unit_test(test_image_of_9_mib_unpacks),
        cmocka_unit_test(test_image_without_size_goes_where_old_kernels_want),
        cmocka_unit_test(test_image_goes_to_any_text_offset),
        cmocka_unit_test(test_flat_binary_is_loaded_at_512_kib_and_gets_the_device_tree),
        cmocka_unit_test(test_elf_goes_to_its_physical_addresses),
        cmocka_unit_test(test_elf_at_ram_base_leaves_no_room_for_the_device_tree),
        cmocka_unit_test(test_elf_in_flash_leaves_the_start_of_ram_to_the_device_tree),
        cmocka_unit_test(test_elf_segment_outside_ram_is_left_out_with_a_warning),
        cmocka_unit_test(test_overlapping_segments_are_refused),
        cmocka_unit_test(test_elf_segment_without_bytes_may_name_memory_that_is_not_there),
        cmocka_unit_test(test_elf_zeros_that_would_lie_on_another_segment_are_left_out),
        cmocka_unit_test(test_elf_entry_point),
        cmocka_unit_test(test_elf_without_its_section_table),
        cmocka_unit_test(test_uimage_goes_where_its_header_says),
        cmocka_unit_test(test_uimage_of_something_else_is_refused),
        cmocka_unit_test(test_uinitrd_is_taken_out_of_its_header),
        cmocka_unit_test(test_initrd_and_device_tree_placement),
        cmocka_unit_test(test_too_little_memory_is_said),
        cmocka_unit_test(test_blobs),
        cmocka_unit_test(test_device_tree_has_room_for_what_a_guest_adds),
        cmocka_unit_test(test_room_in_a_big_device_tree),
        cmocka_unit_test(test_room_in_the_device_tree_ends_before_what_else_is_loaded),
        cmocka_unit_test(test_blobs_of_other_formats),
        cmocka_unit_test(test_nothing_is_loaded_over_firmware),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
