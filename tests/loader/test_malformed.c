/* Files that are wrong in one place each, and what is said about them. */
#include "tests/loader/fixture.h"
#include "tests/random.h"

enum base { ELF, IMAGE, GZIP, XZ, LZMA, ZBOOT_GZIP, ZBOOT_ZSTD, UIMAGE, FLAT, DTB };

static struct bytes make_base(enum base base)
{
    switch (base) {
    case ELF:
        return make_elf();
    case IMAGE:
        return make_image(5000, 0, 0x10000);
    case GZIP:
        return make_gzip(make_image(5000, 0, 0x10000));
    case XZ:
        return make_xz(make_image(5000, 0, 0x10000));
    case LZMA:
        return make_lzma(make_image(5000, 0, 0x10000));
    case ZBOOT_GZIP:
        return make_zboot(make_gzip(make_image(5000, 0, 0x10000)), "gzip");
    case ZBOOT_ZSTD:
        return make_zboot(make_zstd(make_image(5000, 0, 0x10000)), "zstd");
    case UIMAGE:
        return make_uimage(make_image(5000, 0, 0x10000), &linux_uimage);
    case FLAT:
        return bytes_new(5000, 0x55);
    case DTB:
        return make_dtb();
    }
    abort();
}

#define WHOLE        SIZE_MAX
#define EH(field)    offsetof(Elf64_Ehdr, field)
#define PH(n, field) (sizeof(Elf64_Ehdr) + (n) * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, field))

/* clang-format off */
/*
 * A good file, cut to `keep` bytes, with `bytes` bytes at `offset` replaced by the little-endian
 * `value`; and the error text behind the path ("*" at its end: and whatever the library says).
 */
static const struct malformed {
    const char *name;
    enum base base;
    size_t keep, offset;
    unsigned bytes;
    uint64_t value;
    int code;
    const char *text;
} rows[] = {
    {"elf header cut", ELF, 40, 0, 0, 0, ARM_EFORMAT,
     "ELF: 40 bytes, expected a header of 64"},
    {"elf 32-bit", ELF, WHOLE, EH(e_ident) + EI_CLASS, 1, ELFCLASS32, ARM_ENOTSUP,
     "ELF: EI_CLASS is 1 (32-bit), expected 2 (64-bit)"},
    {"elf big-endian", ELF, WHOLE, EH(e_ident) + EI_DATA, 1, ELFDATA2MSB, ARM_ENOTSUP,
     "ELF: EI_DATA is 2 (big-endian), expected 1 (little-endian)"},
    {"elf x86", ELF, WHOLE, EH(e_machine), 2, EM_X86_64, ARM_ENOTSUP,
     "ELF: e_machine is 62 (x86-64), expected 183 (AArch64)"},
    {"elf arm", ELF, WHOLE, EH(e_machine), 2, EM_ARM, ARM_ENOTSUP,
     "ELF: e_machine is 40 (32-bit Arm), expected 183 (AArch64)"},
    {"elf of no machine", ELF, WHOLE, EH(e_machine), 2, 0x1234, ARM_ENOTSUP,
     "ELF: e_machine is 4660 (another machine), expected 183 (AArch64)"},
    {"elf object file", ELF, WHOLE, EH(e_type), 2, ET_REL, ARM_ENOTSUP,
     "ELF: e_type is 1 (an object file: link it), expected an executable (2, 3)"},
    {"elf core", ELF, WHOLE, EH(e_type), 2, ET_CORE, ARM_ENOTSUP,
     "ELF: e_type is 4 (a core dump), expected an executable (2, 3)"},
    {"elf phentsize", ELF, WHOLE, EH(e_phentsize), 2, 32, ARM_ENOTSUP,
     "ELF: e_phentsize is 32 (of another kind), expected 56 (ELF64)"},
    {"elf phnum huge", ELF, WHOLE, EH(e_phnum), 2, 0xffff, ARM_ENOTSUP,
     "ELF: e_phnum is 65535, expected at most 200"},
    {"elf phoff outside", ELF, WHOLE, EH(e_phoff), 8, 0x2fc0, ARM_EFORMAT,
     "ELF: 2 program headers at offset 0x2fc0 (e_phoff), expected inside the file's 12288 bytes"},
    {"elf phoff wraps", ELF, WHOLE, EH(e_phoff), 8, UINT64_MAX - 8, ARM_EFORMAT,
     "ELF: 2 program headers at offset 0xfffffffffffffff7 (e_phoff), expected inside the file's "
     "12288 bytes"},
    {"elf no segments", ELF, WHOLE, EH(e_phnum), 2, 0, ARM_EFORMAT,
     "ELF: no PT_LOAD segment in RAM among 0 program headers"},
    {"elf segment cut", ELF, 0x2800, 0, 0, 0, ARM_EFORMAT,
     "ELF: segment 1: 0x1000 bytes at offset 0x2000 (p_filesz, p_offset), expected inside the "
     "file's 10240 bytes"},
    {"elf segment offset wraps", ELF, WHOLE, PH(0, p_offset), 8, UINT64_MAX, ARM_EFORMAT,
     "ELF: segment 0: 0x1000 bytes at offset 0xffffffffffffffff (p_filesz, p_offset), expected "
     "inside the file's 12288 bytes"},
    {"elf filesz above memsz", ELF, WHOLE, PH(0, p_memsz), 8, 0xfff, ARM_EFORMAT,
     "ELF: segment 0: p_filesz is 0x1000, expected at most p_memsz, 0xfff"},
    {"elf segment in flash", ELF, WHOLE, PH(0, p_paddr), 8, 0, ARM_EFORMAT,
     "segment 0: 0x1000 bytes at 0 are not all RAM, which is 0x10000000 bytes at 0x40000000"},
    {"elf segment past RAM", ELF, WHOLE, PH(1, p_memsz), 8, UINT64_C(1) << 40, ARM_EFORMAT,
     "segment 1: 0x10000000000 bytes at 0x40210000 are not all RAM, which is 0x10000000 bytes at "
     "0x40000000"},
    {"elf entry outside", ELF, WHOLE, EH(e_entry), 8, 0x1234, ARM_EFORMAT,
     "ELF: e_entry is 0x1234, expected inside a PT_LOAD segment or in RAM"},
    {"image too big", IMAGE, WHOLE, 16, 8, UINT64_C(1) << 62, ARM_EFORMAT,
     "arm64 Image: 0x4000000000000000 bytes at 0x40200000 are not all RAM, which is 0x10000000 bytes "
     "at 0x40000000"},
    {"image size wraps", IMAGE, WHOLE, 16, 8, UINT64_MAX, ARM_EFORMAT,
     "arm64 Image: 0xffffffffffffffff bytes at 0x40200000 are not all RAM, which is 0x10000000 bytes "
     "at 0x40000000"},
    {"image text_offset", IMAGE, WHOLE, 8, 8, UINT64_C(1) << 32, ARM_EFORMAT,
     "arm64 Image: text_offset at offset 8 is 0x100000000, expected below the 0x10000000 bytes of "
     "RAM"},
    {"image text_offset wraps to flash", IMAGE, WHOLE, 8, 8, 0 - RAM_BASE, ARM_EFORMAT,
     "arm64 Image: text_offset at offset 8 is 0xffffffffc0000000, expected below the 0x10000000 "
     "bytes of RAM"},
    {"image end behind RAM", IMAGE, WHOLE, 8, 8, 0xffff000, ARM_EFORMAT,
     "arm64 Image: 0x10000 bytes at 0x4ffff000 are not all RAM, which is 0x10000000 bytes at "
     "0x40000000"},
    {"image big-endian", IMAGE, WHOLE, 24, 8, 0x0b, ARM_ENOTSUP,
     "a big-endian arm64 Image, expected an arm64 Image, an ELF file or a flat binary: the CPUs "
     "start little-endian: build it without CONFIG_CPU_BIG_ENDIAN"},
    {"empty file", FLAT, 0, 0, 0, 0, ARM_EFORMAT,
     "is empty"},
    {"pe file", FLAT, WHOLE, 0, 2, 0x5a4d, ARM_ENOTSUP,
     "an EFI application or another PE file, expected an arm64 Image, an ELF file or a flat binary: "
     "EFI firmware runs it from a disk"},
    {"gzip cut", GZIP, 300, 0, 0, 0, ARM_EFORMAT,
     "gzip stream at offset 0: truncated: it goes on after its 300 bytes"},
    {"gzip header cut", GZIP, 5, 0, 0, 0, ARM_EFORMAT,
     "gzip stream at offset 0: truncated: it goes on after its 5 bytes"},
    {"gzip flags", GZIP, WHOLE, 3, 1, 0xff, ARM_EFORMAT,
     "gzip stream at offset 0: corrupt: unknown header flags set"},
    {"gzip data", GZIP, WHOLE, 100, 8, UINT64_C(0x123456789abcdef0), ARM_EFORMAT,
     "gzip stream at offset 0: corrupt: *"},
    {"xz cut", XZ, 300, 0, 0, 0, ARM_EFORMAT,
     "xz stream at offset 0: truncated: it goes on after its 300 bytes"},
    {"xz check", XZ, WHOLE, 8, 1, 0x55, ARM_EFORMAT,
     "xz stream at offset 0: corrupt: damaged data"},
    {"xz data", XZ, WHOLE, 100, 8, UINT64_C(0x123456789abcdef0), ARM_EFORMAT,
     "xz stream at offset 0: corrupt: damaged data"},
    {"lzma cut", LZMA, 300, 0, 0, 0, ARM_EFORMAT,
     "lzma stream at offset 0: truncated: it goes on after its 300 bytes"},
    {"lzma dictionary", LZMA, WHOLE, 1, 4, 0x80000000, ARM_ENOTSUP,
     "lzma stream at offset 0: its dictionary takes more than 268435456 bytes"},
    {"u-boot header cut", UIMAGE, 40, 0, 0, 0, ARM_EFORMAT,
     "U-Boot image: 40 bytes, expected a header of 64"},
    {"u-boot data cut", UIMAGE, 1000, 0, 0, 0, ARM_EFORMAT,
     "U-Boot image: 5000 bytes of data (offset 12), expected at most the 936 behind the header"},
    {"u-boot header sum", UIMAGE, WHOLE, 63, 1, 0xff, ARM_EFORMAT,
     "U-Boot image: the header's checksum is *"},
    {"u-boot data sum", UIMAGE, WHOLE, 1000, 1, 0xff, ARM_EFORMAT,
     "U-Boot image: the data's checksum is *"},
    {"zboot header cut", ZBOOT_GZIP, 20, 0, 0, 0, ARM_EFORMAT,
     "EFI zboot: 20 bytes, expected a header of 56"},
    {"zboot offset", ZBOOT_GZIP, 0x200, 8, 4, 0xffffffff, ARM_EFORMAT,
     "EFI zboot: payload of *"},
    {"zboot size", ZBOOT_GZIP, WHOLE, 12, 4, 0xfffffff0, ARM_EFORMAT,
     "EFI zboot: payload of 4294967280 bytes at 0x200 (header offsets 8 and 12), expected inside *"},
    {"zboot gzip magic", ZBOOT_GZIP, WHOLE, ZBOOT_PAYLOAD, 4, 0, ARM_ENOTSUP,
     "EFI zboot: payload at offset 512: of no known compression, expected gzip, zstd, xz or lzma"},
    {"zboot of lz4", ZBOOT_GZIP, WHOLE, ZBOOT_PAYLOAD, 4, 0x184c2102, ARM_ENOTSUP,
     "EFI zboot: payload at offset 512: an lz4 file (legacy frames), expected gzip, zstd, xz or "
     "lzma"},
    {"zboot gzip flags", ZBOOT_GZIP, WHOLE, ZBOOT_PAYLOAD + 3, 1, 0xff, ARM_EFORMAT,
     "gzip stream at offset 512: corrupt: unknown header flags set"},
    {"zboot of itself", ZBOOT_GZIP, WHOLE, 8, 4, 0, ARM_ENOTSUP,
     "EFI zboot: payload at offset 0: an EFI zboot image, expected gzip, zstd, xz or lzma"},
    {"zboot zstd data", ZBOOT_ZSTD, WHOLE, ZBOOT_PAYLOAD + 4, 4, 0xffffffff, ARM_EFORMAT,
     "zstd stream at offset 512: corrupt: *"},
    {"zboot zstd cut", ZBOOT_ZSTD, WHOLE, 12, 4, 100, ARM_EFORMAT,
     "zstd stream at offset 512: truncated: it goes on after its 100 bytes"},
    {"dtb cut", DTB, 10, 0, 0, 0, ARM_EFORMAT,
     "device tree: 10 bytes, expected a header of 28"},
    {"dtb magic", DTB, WHOLE, 0, 4, 0, ARM_EFORMAT,
     "device tree: magic at offset 0 is 0, expected 0xd00dfeed"},
    {"dtb version", DTB, WHOLE, 20, 4, 0x04000000, ARM_EFORMAT,
     "device tree: version at offset 20 is 4, expected 16 or later"},
    {"dtb totalsize", DTB, WHOLE, 4, 4, 0x0000ff00, ARM_EFORMAT,
     "device tree: totalsize at offset 4 is 16711680, expected at most the file's *"},
    {"dtb structure", DTB, WHOLE, 8, 4, 0xffffff7f, ARM_EFORMAT,
     "device tree: FDT_ERR_*"},
    {"dtb property's length", DTB, WHOLE, 76, 4, 0xf4ffffff, ARM_EFORMAT,
     "device tree: property at offset 72: length 4294967284, expected at most *"},
};
/* clang-format on */

static char *make_file(const struct malformed *m)
{
    struct bytes b = make_base(m->base);

    put_le(b.data + m->offset, m->bytes, m->value);
    if (m->keep != WHOLE) {
        assert_true(m->keep < b.size);
        b.size = m->keep;
    }
    return temp_file(b);
}

static bool text_is(const char *text, const char *path, const char *expected)
{
    size_t n = strlen(expected), p = strlen(path);

    if (strncmp(text, path, p) != 0 || strncmp(text + p, ": ", 2) != 0)
        return false;
    text += p + 2;
    return expected[n - 1] == '*' ? strncmp(text, expected, n - 1) == 0
                                  : strcmp(text, expected) == 0;
}

static void test_malformed_files_are_refused_saying_where_and_what(void **state)
{
    unsigned failures = 0;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        char *path = make_file(&rows[i]);
        struct fixture f;
        struct dt dt = {0};
        int rc;

        fixture_start(&f, 256 * MIB);
        f.req.kernel = path;
        rc = rows[i].base == DTB ? dt_load(&dt, path, &f.err) : fixture_load(&f);
        if (rc != -rows[i].code || !text_is(f.err.text, path, rows[i].text)) {
            print_error("%s: returned %d, \"%s\",\nexpected %d, \"%s\"\n", rows[i].name, rc,
                        f.err.text, -rows[i].code, rows[i].text);
            failures++;
        }
        dt_free(&dt);
        fixture_end(&f);
        remove_file(path);
    }
    assert_int_equal(failures, 0);
}

/* Whatever is in a file, the answer is a value: for the sanitizers. */
static void test_random_damage_never_crashes(void **state)
{
    uint64_t rng = test_seed(1);

    (void)state;
    for (unsigned n = 0; n < 400; n++) {
        struct bytes b = make_base(n % (DTB + 1));
        struct fixture f;
        struct dt dt = {0};
        char *path;

        for (unsigned k = 0; k < 1 + n % 5; k++) {
            const uint64_t r = random_next(&rng);
            b.data[(r >> 33) % (n % 2 || b.size < 200 ? b.size : 200)] = (uint8_t)(r >> 25);
        }
        if (n % 7 == 0)
            b.size = (rng >> 20) % b.size;
        path = temp_file(b);
        fixture_start(&f, 16 * MIB);
        f.req.kernel = path;
        if (n % (DTB + 1) != DTB)
            assert_true(fixture_load(&f) <= 0);
        else if (dt_load(&dt, path, &f.err) == 0)
            assert_true(dt_set_memory(&dt, RAM_BASE, MIB, &f.err) <= 0);
        dt_free(&dt);
        fixture_end(&f);
        remove_file(path);
    }
}

static void test_missing_file_and_directory_are_host_errors(void **state)
{
    struct fixture f;

    (void)state;
    fixture_start(&f, 16 * MIB);
    f.req.kernel = "/nonexistent/Image";
    assert_int_equal(fixture_load(&f), -ARM_ENOENT);
    assert_string_equal(f.err.text, "/nonexistent/Image: cannot open: No such file or directory");
    f.req.kernel = "/";
    assert_int_equal(fixture_load(&f), -ARM_EIO);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malformed_files_are_refused_saying_where_and_what),
        cmocka_unit_test(test_random_damage_never_crashes),
        cmocka_unit_test(test_missing_file_and_directory_are_host_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
