/* Files on the command line: each is used, or refused by its name. */
#include <elf.h>
#include <sys/stat.h>

#include "process.h"
#include "tests/guests.h"

static char dir[] = "/tmp/armillary-test-XXXXXX";

#define FILE_NAME(name) static char name[64];
FILE_NAME(off)    /* a flat binary that switches the machine off */
FILE_NAME(module) /* some bytes */
FILE_NAME(empty)
FILE_NAME(elf)    /* the header of an ELF file, and not of one for us */
FILE_NAME(packed) /* the magic of an lz4 file */
FILE_NAME(huge)   /* 3 GiB that take no room */
FILE_NAME(fifo)
#undef FILE_NAME

static void write_bytes(const char *name, const void *bytes, size_t size, char *path)
{
    snprintf(path, 64, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

static int make_files(void **state)
{
    static const Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
    };

    (void)state;
    assert_non_null(mkdtemp(dir));
    write_bytes("off", guest_off, sizeof(guest_off), off);
    write_bytes("module", guest_loop, sizeof(guest_loop), module);
    write_bytes("empty", "", 0, empty);
    write_bytes("elf", &header, sizeof(header), elf);
    write_bytes("packed", "\x02\x21\x4c\x18 and so on", 14, packed);
    write_bytes("huge", "\x1f\x20\x03\xd5", 4, huge);
    assert_int_equal(truncate(huge, (off_t)3 << 30), 0);
    snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    return 0;
}

static int remove_files(void **state)
{
    const char *const paths[] = {off, module, empty, elf, packed, huge, fifo};

    (void)state;
    for (size_t k = 0; k < sizeof(paths) / sizeof(paths[0]); k++)
        unlink(paths[k]);
    return rmdir(dir);
}

static char *option(const char *name, const char *value)
{
    static char texts[8][128];
    static unsigned next;
    char *text = texts[next++ % 8];

    snprintf(text, sizeof(texts[0]), "%s%s", name, value);
    return text;
}

/* Ended as a usage error that names @file and says @text. */
static void assert_refused(const struct result *r, const char *file, const char *text)
{
    assert_string_equal(r->out, "");
    assert_contains(r->err, file);
    assert_contains(r->err, text);
    assert_int_equal(r->code, 2);
}

static void test_an_empty_file_is_refused_whatever_it_is_given_as(void **state)
{
    (void)state;
    assert_refused(RUN("run", empty), empty, "is empty");
    assert_refused(RUN("run", option("--bios=", empty)), empty, "is empty");
    assert_refused(RUN("run", option("--initrd=", empty), off), empty, "is empty");
    assert_refused(RUN("run", option("--dtb=", empty), off), empty, "is empty");
    assert_refused(RUN("run", option("--module=", empty), off), empty, "is empty");
    assert_refused(RUN("qemu", "-M", "virt,gic-version=3", "-cpu", "max", "-bios", empty), empty,
                   "is empty");
    assert_refused(RUN("qemu", "-M", "virt,gic-version=3", "-cpu", "max", "-kernel", empty), empty,
                   "is empty");
}

static void test_a_file_of_another_format_is_refused_by_its_name(void **state)
{
    (void)state;
    assert_refused(RUN("run", elf), elf, "e_machine is 62 (x86-64), expected 183 (AArch64)");
    assert_refused(RUN("run", packed), packed, "an lz4 file (legacy frames), expected an arm64");
    assert_refused(RUN("run", packed), packed, "unpack it: lz4 -d");
    assert_refused(RUN("run", option("--bios=", packed)), packed,
                   "expected the contents of flash memory: unpack it: lz4 -d");
    assert_refused(RUN("run", option("--bios=", elf)), elf,
                   "an ELF file, expected the contents of");
    assert_refused(RUN("run", option("--dtb=", elf), off), elf, "an ELF file, expected a device");
    assert_refused(RUN("qemu", "-M", "virt,gic-version=3", "-cpu", "max", "-kernel", packed),
                   packed, "unpack it: lz4 -d");
}

static void test_a_file_larger_than_its_place_is_refused_by_both_sizes(void **state)
{
    (void)state;
    assert_refused(RUN("run", huge), huge,
                   "3221225472 bytes, expected at most 536870912, the size");
    assert_refused(RUN("run", option("--bios=", huge)), huge,
                   "3221225472 bytes, expected at most 67108864, the size of a bank of flash");
    assert_refused(RUN("run", option("--initrd=", huge), off), huge,
                   "3221225472 bytes, expected at most 536870912");
    assert_refused(RUN("run", option("--bios=", off), huge), huge,
                   "3221225472 bytes, expected at most 536870912");
    assert_refused(RUN("run", option("--dtb=", huge), off), huge, "magic at offset 0 is");
}

static void test_what_nobody_would_look_at_is_refused(void **state)
{
    static char load[100];

    (void)state;
    snprintf(load, sizeof(load), "--load=%s@0x40080000", off);
    assert_refused(RUN("run", option("--bios=", off), option("--module=", module), off), module,
                   "expected no firmware before it");
    assert_refused(RUN("qemu", "-M", "virt,gic-version=3", "-cpu", "max", "-bios", off, "-device",
                       option("guest-loader,addr=0x48000000,kernel=", module)),
                   module, "expected no firmware before it");
    assert_refused(RUN("run", option("--module=", module), load), module,
                   "a module needs a kernel");
    assert_refused(RUN("run", option("--initrd=", module), load), module,
                   "an initrd is for a kernel: expected one");
    assert_refused(RUN("run", option("--initrd=", module), option("--bios=", off)), module,
                   "an initrd is for a kernel: expected one");
}

/* Its child writes the guest to the pipe while the program reads. */
static void test_a_kernel_through_a_pipe_runs(void **state)
{
    int status;

    (void)state;
    pid_t child = fork();
    if (child == 0) {
        FILE *out = fopen(fifo, "wb");
        fwrite(guest_off, 1, sizeof(guest_off), out);
        fclose(out);
        _exit(0);
    }
    assert_true(child > 0);
    struct result *r = RUN("run", "--timeout=20", fifo);
    assert_string_equal(r->err, "");
    assert_int_equal(r->code, 0);
    assert_int_equal(waitpid(child, &status, 0), child);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_file_is_refused_whatever_it_is_given_as),
        cmocka_unit_test(test_a_file_of_another_format_is_refused_by_its_name),
        cmocka_unit_test(test_a_file_larger_than_its_place_is_refused_by_both_sizes),
        cmocka_unit_test(test_what_nobody_would_look_at_is_refused),
        cmocka_unit_test(test_a_kernel_through_a_pipe_runs),
    };

    (void)terminal_open, (void)terminal_expect, (void)terminal_type, (void)terminal_close;
    if (argc != 2)
        return 2;
    program = argv[1];
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
