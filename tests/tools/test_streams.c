/* Descriptors and files of a run: what it was started without, what cannot be written, what is
 * read. */
#include "host_fixture.h"

/* ---- descriptors 0 to 2 ---- */

static void fill(const char *path, size_t size)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    for (size_t k = 0; k < size; k++)
        fputc('d', f);
    assert_int_equal(fclose(f), 0);
}

static void assert_filled(const char *path, size_t size)
{
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    for (size_t k = 0; k < size; k++)
        if (fgetc(f) != 'd')
            fail_msg("%s: byte %zu has changed", path, k);
    assert_int_equal(fgetc(f), EOF);
    fclose(f);
}

#define DISK_BYTES  4096
#define FLASH_BYTES (64 << 20)

static void test_no_file_takes_the_place_of_a_closed_standard_stream(void **state)
{
    (void)state;
    const char *disk = in_dir("disk"), *flash = in_dir("flash"), *trace = in_dir("trace"),
               *serial = in_dir("serial");
    const char *const *const lines[] = {
        ARGS("run", joined("--drive=", disk, ",writable"), "--trace=call", "--load", alphabet_load),
        ARGS("run", joined("--drive=", disk, ",writable"), joined("--trace=call:", trace, ""),
             joined("--serial=file:", serial, ""), "--virtio-console=stdio", "--load",
             alphabet_load),
        ARGS("qemu", "-M", "virt,gic-version=3,virtualization=on", "-cpu", "max", "-drive",
             joined("if=pflash,format=raw,unit=1,file=", flash, ""), "-device",
             joined("loader,addr=0x40080000,cpu-num=0,force-raw=on,file=", alphabet_path, "")),
    };
    char text[4096];

    fill(disk, DISK_BYTES);
    fill(flash, FLASH_BYTES);
    for (unsigned closed = 1; closed < 8; closed++)
        for (unsigned k = 0; k < 3; k++) {
            int fd[3];
            for (unsigned n = 0; n < 3; n++)
                fd[n] = closed & (1U << n) ? CLOSED : scratch("");
            assert_int_equal(wait_program(start_program(fd, lines[k]), 20), 0);
            for (unsigned n = 0; n < 3; n++)
                if (fd[n] != CLOSED)
                    close(fd[n]);
            assert_filled(disk, DISK_BYTES);
            if (k == 1) {
                read_whole(serial, text, sizeof(text));
                assert_string_equal(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
                read_whole(trace, text, sizeof(text));
                assert_contains(text, "call kind=SMC imm=0 x0=0x84000008\n");
                assert_int_equal(strchr(text, '\n')[1], '\0');
            }
        }
    assert_filled(flash, FLASH_BYTES);
    unlink(disk);
    unlink(flash);
    unlink(trace);
    unlink(serial);
}

/* ---- errors of writing ---- */

static void test_output_that_cannot_be_written_is_exit_code_2_and_the_reason_is_said(void **state)
{
    (void)state;
    static const struct {
        int full; /* descriptor that is /dev/full, or -1 */
        const char *args[6], *text;
        int code;
    } rows[] = {
        {1, {"run", "--load", alphabet_load}, "standard output: No space left on device", 2},
        {1, {"run", "--load", exit42_load, "--semihosting", "--trace=call"}, "", 42},
        {1, {"run", "--serial=null", "--virtio-console=stdio", "--load", alphabet_load}, "", 0},
        {2, {"run", "--trace=call", "--load", alphabet_load}, "", 2},
        {2, {"run", "--stats", "--load", alphabet_load}, "", 2},
        {-1,
         {"run", "--trace=call:/dev/full", "--load", alphabet_load},
         "/dev/full: No space left on device",
         2},
        {-1,
         {"run", "--serial=file:/dev/full", "--load", alphabet_load},
         "/dev/full: No space left on device",
         2},
        {-1,
         {"run", "--serial=file:/dev/full", "--max-insns=100", "--load", chatter_load},
         "/dev/full: No space left on device",
         3},
        {-1, {"run", "--dump-dtb=/dev/full"}, "/dev/full: cannot write: No space left", 2},
        {-1, {"run", "--trace=call:/nonexistent/x", "--load", loop_load}, "No such file", 2},
        {-1, {"run", "--serial=file:/nonexistent/x", "--load", loop_load}, "No such file", 2},
        {-1,
         {"qemu", "-M", "virt,gic-version=3,dumpdtb=/dev/full", "-cpu", "max"},
         "/dev/full: cannot write: No space left",
         2},
        {1, {"--help"}, "standard output: No space left on device", 2},
        {1, {"run", "--help"}, "standard output: No space left on device", 2},
        {1, {"qemu", "--help"}, "standard output: No space left on device", 2},
        {1, {"dis", "d503201f"}, "standard output: No space left on device", 2},
        {1, {"sysreg", "HCR_EL2"}, "standard output: No space left on device", 2},
    };

    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        int fd[3];
        char text[16384];
        for (int n = 0; n < 3; n++)
            fd[n] = n == rows[k].full ? open("/dev/full", O_RDWR) : scratch("");
        assert_int_equal(wait_program(start_program(fd, rows[k].args), 20), rows[k].code);
        slurp(fd[2], text, sizeof(text));
        assert_contains(text, rows[k].text);
        const char *said = *rows[k].text ? strstr(text, rows[k].text) : NULL;
        if (said)
            assert_null(strstr(said + 1, rows[k].text));
        close(fd[0]);
        close(fd[1]);
    }
}

static void test_a_pipe_that_nobody_reads_any_more_ends_the_run_by_sigpipe(void **state)
{
    (void)state;
    const char *trace = in_dir("trace");
    struct stall s;
    char text[4096];

    stall_stdout(&s);
    close(s.ours);
    s.ours = -1;
    pid_t pid = start_program(
        s.fd, ARGS("run", joined("--trace=mmio:", trace, ""), "--load", chatter_load));
    assert_int_equal(wait_program(pid, 5), 128 + SIGPIPE);
    read_whole(trace, text, sizeof(text));
    assert_contains(text,
                    "mmio pa=0x9000000 size=1 write value=0x41\n"); /* other files are whole */
    slurp(dup(s.fd[2]), text, sizeof(text));
    assert_string_equal(text, "");
    unlink(trace);
    stall_end(&s);
}

static void test_a_trace_and_the_console_in_one_file_are_in_order(void **state)
{
    (void)state;
    const char *both = in_dir("both");
    char text[16384];

    RUN("run", joined("--serial=file:", both, ""), joined("--trace=call:", both, ""), "--load",
        alphabet_load);
    read_whole(both, text, sizeof(text));
    assert_int_equal(strncmp(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 26), 0);
    assert_contains(text, "call kind=SMC");
    unlink(both);
}

/* ---- input ---- */

/* What a run did not take of its input file is left to the next reader. */
static void test_what_the_guest_did_not_take_of_a_file_stays_there(void **state)
{
    (void)state;
    int fd[3] = {scratch("0123456789abcdefghijklmnopqrstuvwxyz"), scratch(""), scratch("")};

    assert_int_equal(
        wait_program(start_program(fd, ARGS("run", "--max-insns=100K", "--load", loop_load)), 20),
        3);
    assert_int_equal(lseek(fd[0], 0, SEEK_CUR), 1); /* the FIFO is off */
    for (unsigned n = 0; n < 3; n++)
        close(fd[n]);
}

/* Each when the guest has read the one before, not at the next look at the host. */
static void test_input_from_a_file_arrives_at_the_same_instructions_every_time(void **state)
{
    (void)state;
    char first[16384] = "";
    static const char text[] = "the quick brown fox jumps over the lazy dog";

    for (unsigned k = 0; k < 3; k++) {
        struct result *r =
            RUN_WITH(text, "run", "--trace=mmio", "--max-insns=100K", "--load", echo_load);
        const char *read = strstr(r->err, "mmio pa=0x9000000 size=4 value=0x74\n");
        assert_contains(r->out, text);
        assert_non_null(read);
        r->err[sizeof(first) - 1] = '\0';
        if (k == 0)
            strcpy(first, r->err);
        assert_string_equal(r->err, first);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_file_takes_the_place_of_a_closed_standard_stream),
        cmocka_unit_test(test_output_that_cannot_be_written_is_exit_code_2_and_the_reason_is_said),
        cmocka_unit_test(test_a_pipe_that_nobody_reads_any_more_ends_the_run_by_sigpipe),
        cmocka_unit_test(test_a_trace_and_the_console_in_one_file_are_in_order),
        cmocka_unit_test(test_what_the_guest_did_not_take_of_a_file_stays_there),
        cmocka_unit_test(test_input_from_a_file_arrives_at_the_same_instructions_every_time),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s ARMILLARY\n", argv[0]);
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests(tests, make_guests, remove_guests);
}
