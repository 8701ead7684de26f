/* Snapshots on the command line: where a run may write one, what may go on from it, and what is
 * refused in which words. */
#include <elf.h>
#include <stdbool.h>

#include "process.h"
#include "tests/guests.h"

#define BASE      0x40080000u
#define AGAIN     2 /* the index of guest_alphabet's loop, which has 6 instructions */
#define ALPHABET  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define REFUSED   2
#define MAX_BYTES (1 << 20) /* of a snapshot here */

static char dir[] = "/tmp/armillary-test-XXXXXX";
static char elf[64], flat[64], other[64], file[64], file_2[64]; /* other: also a disk */

/* An ELF file of guest_alphabet, which calls its loop "again" and needs "elsewhere". */
struct image {
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    uint32_t code[sizeof(guest_alphabet) / 4];
    char strings[32];
    Elf64_Sym symbols[3];
    Elf64_Shdr sections[3]; /* none, symbols, strings */
};

static struct image make_image(void)
{
    struct image i = {
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                               EV_CURRENT},
                   .e_type = ET_EXEC,
                   .e_machine = EM_AARCH64,
                   .e_version = EV_CURRENT,
                   .e_entry = BASE,
                   .e_phoff = offsetof(struct image, segment),
                   .e_shoff = offsetof(struct image, sections),
                   .e_ehsize = sizeof(Elf64_Ehdr),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 1,
                   .e_shentsize = sizeof(Elf64_Shdr),
                   .e_shnum = 3,
                   .e_shstrndx = 2},
        .segment = {.p_type = PT_LOAD,
                    .p_flags = PF_R | PF_X,
                    .p_offset = offsetof(struct image, code),
                    .p_vaddr = BASE,
                    .p_paddr = BASE,
                    .p_filesz = sizeof(guest_alphabet),
                    .p_memsz = sizeof(guest_alphabet)},
        .strings = "\0again\0elsewhere",
        .symbols = {[1] = {.st_name = 1, .st_shndx = SHN_ABS, .st_value = BASE + 4 * AGAIN},
                    [2] = {.st_name = 7, .st_shndx = SHN_UNDEF}},
        .sections = {[1] = {.sh_type = SHT_SYMTAB,
                            .sh_offset = offsetof(struct image, symbols),
                            .sh_size = 3 * sizeof(Elf64_Sym),
                            .sh_link = 2,
                            .sh_entsize = sizeof(Elf64_Sym)},
                     [2] = {.sh_type = SHT_STRTAB,
                            .sh_offset = offsetof(struct image, strings),
                            .sh_size = 32}},
    };

    memcpy(i.code, guest_alphabet, sizeof(guest_alphabet));
    return i;
}

static void write_file(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static size_t read_file(const char *path, void *data)
{
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    size_t size = fread(data, 1, MAX_BYTES, f);
    fclose(f);
    assert_in_range(size, 1, MAX_BYTES - 1);
    return size;
}

static char *const paths[] = {elf, flat, other, file, file_2};
static const char *const names[] = {"elf", "flat", "other", "file", "file-2"};

static int make_files(void **state)
{
    const struct image image = make_image();
    uint8_t sector[512] = {0};

    (void)state;
    memcpy(sector, guest_loop, sizeof(guest_loop));
    assert_non_null(mkdtemp(dir));
    for (unsigned k = 0; k < 5; k++)
        snprintf(paths[k], 64, "%s/%s", dir, names[k]);
    write_file(elf, &image, sizeof(image));
    write_file(flat, guest_alphabet, sizeof(guest_alphabet));
    write_file(other, sector, sizeof(sector));
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 5; k++)
        unlink(paths[k]);
    return rmdir(dir);
}

/* FILE@WHEN; used up by the next but one. */
static const char *at(const char *path, const char *when)
{
    static char texts[2][96];
    static unsigned next;

    snprintf(texts[next % 2], sizeof(texts[0]), "%s@%s", path, when);
    return texts[next++ % 2];
}

#define RUN_ELF(...) RUN("run", "--memory", "16", __VA_ARGS__, elf)

static void assert_fine(const struct result *r, const char *out)
{
    assert_string_equal(r->err, "");
    assert_string_equal(r->out, out);
    assert_int_equal(r->code, 0);
}

static void assert_refused(const struct result *r, const char *text)
{
    assert_contains(r->err, text);
    assert_string_equal(r->out, "");
    assert_int_equal(r->code, REFUSED);
}

/* The rest of the alphabet comes from @path. */
static void assert_goes_on(const char *path, const char *from)
{
    assert_fine(RUN_ELF("--restore", path), strchr(ALPHABET, *from));
}

/* ---- when ---- */

static void assert_saved_at(const char *when, unsigned insns)
{
    char text[64];

    unlink(file);
    assert_fine(RUN_ELF("--save", at(file, when)), ALPHABET);
    snprintf(text, sizeof(text), "after %u instructions, %u ns", insns, insns);
    assert_contains(RUN("snapshot", "info", file)->out, text);
}

static void test_a_snapshot_is_written_at_a_count(void **state)
{
    (void)state;
    assert_saved_at("0", 0);
    assert_goes_on(file, "A");
    assert_saved_at("50", 50); /* eight letters have been printed */
    assert_goes_on(file, "I");
}

static void test_a_snapshot_is_written_at_a_time(void **state)
{
    (void)state;
    assert_saved_at("50ns", 50);
    assert_saved_at("0.05us", 50);
    assert_saved_at("0.00005ms", 50);
    assert_goes_on(file, "I");
}

static void test_a_snapshot_is_written_where_an_address_comes_first(void **state)
{
    (void)state;
    assert_saved_at("0x40080008", AGAIN);
    assert_goes_on(file, "A");
    assert_saved_at("0x4008000c", AGAIN + 1);
    assert_goes_on(file, "B");
    assert_saved_at("0x40080020", AGAIN + 26 * 6);
    assert_fine(RUN_ELF("--restore", file), "");
}

static void test_a_snapshot_is_written_where_a_symbol_comes_first(void **state)
{
    (void)state;
    assert_saved_at("again", AGAIN);
    assert_goes_on(file, "A");
}

static void test_the_same_address_again_is_the_next_time(void **state)
{
    (void)state;
    assert_fine(RUN_ELF("--save", at(file, "again"), "--save", at(file_2, "again")), ALPHABET);
    assert_contains(RUN("snapshot", "info", file_2)->out, "after 8 instructions");
    assert_goes_on(file_2, "B");
}

static void test_what_was_restored_can_be_saved_and_ends_at_the_same_count(void **state)
{
    (void)state;
    assert_saved_at("50", 50);
    assert_fine(RUN_ELF("--restore", file, "--save", at(file_2, "0x40080014")),
                strchr(ALPHABET, 'I'));
    assert_goes_on(file_2, "J");
    const struct result *r = RUN_ELF("--restore", file_2, "--stats");
    assert_contains(r->err, "161 instructions retired");
    assert_int_equal(r->code, 0);
}

static void test_the_limit_of_a_run_may_be_where_it_is_saved(void **state)
{
    (void)state;
    unlink(file);
    const struct result *r = RUN_ELF("--save", at(file, "50"), "--max-insns", "50");
    assert_string_equal(r->out, "ABCDEFGH");
    assert_int_equal(r->code, 3);
    assert_goes_on(file, "I");
}

/* ---- what is not written ---- */

static void assert_not_written(const struct result *r, const char *text)
{
    assert_contains(r->err, text);
    assert_contains(r->err, file);
    assert_int_equal(r->code, REFUSED);
    assert_int_equal(access(file, F_OK), -1);
}

static void test_a_point_that_never_comes_is_an_error_at_the_end(void **state)
{
    static const char *const never[] = {"1G", "10s", "0x1000", "0xffff800080000000"};

    (void)state;
    unlink(file);
    for (unsigned k = 0; k < 4; k++) {
        const struct result *r = RUN_ELF("--save", at(file, never[k]));
        assert_string_equal(r->out, ALPHABET);
        assert_not_written(r, "not written: the run ended before");
    }
    assert_not_written(RUN_ELF("--save", at(file, "50"), "--max-insns", "49"),
                       "not written: the run ended before");
}

static void test_a_point_that_is_past_is_refused_before_the_run(void **state)
{
    (void)state;
    assert_fine(RUN_ELF("--save", at(file_2, "50")), ALPHABET);
    unlink(file);
    for (const char *const *when = (const char *const[]){"49", "49ns", NULL}; *when; when++) {
        const struct result *r = RUN_ELF("--restore", file_2, "--save", at(file, *when));
        assert_string_equal(r->out, "");
        assert_not_written(r, "past that, at 50 instructions, 50 ns");
    }
    assert_not_written(RUN_ELF("--save", at(file_2, "60"), "--save", at(file, "59")),
                       "past that, at 60 instructions");
    assert_fine(RUN_ELF("--restore", file_2, "--save", at(file, "60")), strchr(ALPHABET, 'K'));
}

static void test_a_snapshot_that_cannot_be_written_ends_the_run(void **state)
{
    (void)state;
    const struct result *r = RUN_ELF("--save", "/nowhere/at/all@8");
    assert_string_equal(r->out, "A");
    assert_contains(r->err, "/nowhere/at/all.part: No such file or directory");
    assert_null(strstr(r->err, "ended before"));
    assert_int_equal(r->code, REFUSED);
    r = RUN_ELF("--save", at(dir, "8"));
    assert_contains(r->err, dir);
    assert_int_equal(r->code, REFUSED);
}

static void test_what_is_no_point_is_refused(void **state)
{
    static const char *const wrong[] = {"",     "-3", "1.5",    "1e30s",   "5 s",       "0x",
                                        "0xzz", "3Q", "again ", "nowhere", "elsewhere", "AGAIN"};

    (void)state;
    for (unsigned k = 0; k < sizeof(wrong) / sizeof(wrong[0]); k++) {
        const struct result *r = RUN_ELF("--save", at(file, wrong[k]));
        assert_refused(r, "expected FILE@WHEN");
        assert_contains(r->err, file);
    }
    assert_refused(RUN_ELF("--save", "@3"), "--save=@3: expected FILE@WHEN");
    assert_refused(RUN_ELF("--save", file), "expected FILE@WHEN");
    assert_refused(RUN("run", "--save", at(file, "again"), flat), "an IMAGE that is an ELF file");
}

/* ---- what is not restored ---- */

static void test_what_is_no_snapshot_is_refused_by_its_name(void **state)
{
    (void)state;
    unlink(file);
    assert_refused(RUN_ELF("--restore", file), "/file: No such file or directory");
    assert_refused(RUN_ELF("--restore", elf), "/elf: not a snapshot");
    assert_refused(RUN_ELF("--restore", dir), ": not a snapshot");
    assert_refused(RUN_ELF("--restore", "/dev/null"), "/dev/null: not a snapshot");
}

/* What stands at @offset of a good snapshot is another byte, or nothing. */
static void assert_damage_is_refused(size_t offset, bool cut, const char *text)
{
    static uint8_t bytes[MAX_BYTES];
    size_t size = read_file(file, bytes);

    if (offset >= size)
        offset = size - 1;
    bytes[offset] ^= 0x40;
    write_file(file_2, bytes, cut ? offset : size);
    assert_refused(RUN_ELF("--restore", file_2), text);
    const struct result *info = RUN("snapshot", "info", file_2);
    assert_refused(info, text);
    assert_contains(info->err, "/file-2: ");
}

static void test_a_damaged_snapshot_is_refused_by_what_is_wrong(void **state)
{
    (void)state;
    assert_saved_at("50", 50);
    assert_damage_is_refused(0, false, "not a snapshot");
    assert_damage_is_refused(8, false, "a snapshot of format version 65, this program knows 1");
    assert_damage_is_refused(15, false, "its text is too long");
    assert_damage_is_refused(16, false, "bytes of contents, expected");
    assert_damage_is_refused(24, false, "its checksum is wrong");
    assert_damage_is_refused(100, false, "its checksum is wrong");
    assert_damage_is_refused(MAX_BYTES, false, "its checksum is wrong");
    assert_damage_is_refused(MAX_BYTES, true, "bytes of contents, expected");
    assert_damage_is_refused(200, true, "it ends too early");
    assert_damage_is_refused(55, true, "not a snapshot");
}

static void test_options_that_do_not_fit_are_named(void **state)
{
    (void)state;
    assert_saved_at("50", 50);
    assert_refused(RUN_ELF("--restore", file, "--cpu", "a57"),
                   "CPU: max in the snapshot, a57 in this machine");
    assert_refused(RUN_ELF("--restore", file, "--smp", "2"),
                   "CPUs: 1 in the snapshot, 2 in this machine");
    assert_refused(RUN("run", "--memory", "32", "--restore", file, elf),
                   "memory: 16384 KiB in the snapshot, 32768 KiB in this machine");
    assert_refused(RUN_ELF("--restore", file, "--gic", "lrs=2"), "GIC: 4 list registers");
    assert_refused(RUN_ELF("--restore", file, "--append", "quiet"), "\"command line: quiet\"");
    assert_refused(RUN_ELF("--restore", file, "--drive", other), "virtio device: block");
    assert_refused(RUN_ELF("--restore", file, "--semihosting"), "semihosting: no in the snapshot");
    assert_refused(RUN_ELF("--restore", file, "--cpu", "max,-lse"), "other features");
    assert_goes_on(file, "I");
}

static void test_another_image_is_refused(void **state)
{
    (void)state;
    assert_saved_at("50", 50);
    const struct result *r =
        RUN("run", "--memory", "16", "--restore", file, "--load", at(other, "0x40080000"));
    assert_refused(r, "\"kernel: ");
    assert_contains(r->err, elf);
}

static void test_what_is_recorded_behind_a_snapshot_is_replayed_behind_it(void **state)
{
    (void)state;
    assert_saved_at("50", 50);
    assert_fine(RUN_ELF("--restore", file, "--record", file_2), strchr(ALPHABET, 'I'));
    assert_fine(RUN_ELF("--restore", file, "--replay", file_2), strchr(ALPHABET, 'I'));
}

static void test_a_drive_that_the_guest_writes_itself_is_refused_before_the_run(void **state)
{
    char drive[80];

    (void)state;
    snprintf(drive, sizeof(drive), "%s,writable", other);
    assert_refused(RUN_ELF("--save", at(file, "50"), "--drive", drive), "the guest writes");
    assert_contains(RUN_ELF("--save", at(file, "50"), "--drive", drive)->err, other);
    snprintf(drive, sizeof(drive), "%s,readonly", other);
    assert_fine(RUN_ELF("--save", at(file, "50"), "--drive", drive), ALPHABET);
    assert_fine(RUN_ELF("--restore", file, "--drive", drive), strchr(ALPHABET, 'I'));
    assert_refused(RUN_ELF("--restore", file, "--drive", other), "512 bytes, read-only in the");
}

/* ---- armillary snapshot info ---- */

static void test_info_says_what_a_snapshot_is_of(void **state)
{
    (void)state;
    assert_saved_at("50", 50);
    const struct result *r = RUN("snapshot", "info", file, file);
    assert_contains(r->out, file);
    assert_contains(r->out, "\n  after 50 instructions, 50 ns\n");
    assert_contains(r->out, "\n  CPU: max\n");
    assert_contains(r->out, "\n  memory: 16384 KiB\n");
    assert_contains(r->out, elf);
    assert_string_equal(r->err, "");
    assert_int_equal(r->code, 0);
}

static void test_info_goes_on_behind_a_file_that_is_none(void **state)
{
    (void)state;
    assert_saved_at("50", 50);
    const struct result *r = RUN("snapshot", "info", elf, "/nowhere/at/all", file);
    assert_contains(r->err, "/elf: not a snapshot\n");
    assert_contains(r->err, "/nowhere/at/all: No such file or directory\n");
    assert_contains(r->out, "after 50 instructions");
    assert_int_equal(r->code, REFUSED);
    assert_refused(RUN("snapshot"), "usage: armillary snapshot info FILE...");
    assert_refused(RUN("snapshot", "info"), "usage: ");
    assert_refused(RUN("snapshot", "make", file), "usage: ");
    assert_contains(RUN("snapshot", "--help")->out, "usage: ");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_snapshot_is_written_at_a_count),
        cmocka_unit_test(test_a_snapshot_is_written_at_a_time),
        cmocka_unit_test(test_a_snapshot_is_written_where_an_address_comes_first),
        cmocka_unit_test(test_a_snapshot_is_written_where_a_symbol_comes_first),
        cmocka_unit_test(test_the_same_address_again_is_the_next_time),
        cmocka_unit_test(test_what_was_restored_can_be_saved_and_ends_at_the_same_count),
        cmocka_unit_test(test_the_limit_of_a_run_may_be_where_it_is_saved),
        cmocka_unit_test(test_a_point_that_never_comes_is_an_error_at_the_end),
        cmocka_unit_test(test_a_point_that_is_past_is_refused_before_the_run),
        cmocka_unit_test(test_a_snapshot_that_cannot_be_written_ends_the_run),
        cmocka_unit_test(test_what_is_no_point_is_refused),
        cmocka_unit_test(test_what_is_no_snapshot_is_refused_by_its_name),
        cmocka_unit_test(test_a_damaged_snapshot_is_refused_by_what_is_wrong),
        cmocka_unit_test(test_options_that_do_not_fit_are_named),
        cmocka_unit_test(test_another_image_is_refused),
        cmocka_unit_test(test_what_is_recorded_behind_a_snapshot_is_replayed_behind_it),
        cmocka_unit_test(test_a_drive_that_the_guest_writes_itself_is_refused_before_the_run),
        cmocka_unit_test(test_info_says_what_a_snapshot_is_of),
        cmocka_unit_test(test_info_goes_on_behind_a_file_that_is_none),
    };

    if (argc < 2)
        return 2;
    program = argv[1];
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
