/* Semihosting as the command line offers it: standard input, the directory, limits. */
#include "process.h"

#include <stdbool.h>
#include <sys/stat.h>

/* Exits with the character that SYS_READC gives. */
static const uint32_t guest_readc[] = {
    0x528000e0, 0xd45e0000, /* mov w0,#7; hlt #0xf000 */
    0x100000c1, 0xf9000420, /* adr x1,args; str x0,[x1,#8] */
    0x52800300, 0xd45e0000, /* mov w0,#0x18; hlt #0xf000 */
    0x14000000, 0xd503201f, /* b .; nop */
    0x00020026, 0,          0, 0,
};

/* Exits with the handle that opening "new" for writing gives. */
static const uint32_t guest_open[] = {
    0x10000141, 0x10000262, 0xf9000022,          /* adr x1,open; adr x2,name; str x2,[x1] */
    0x52800020, 0xd45e0000,                      /* mov w0,#1; hlt #0xf000 */
    0x10000161, 0xf9000420,                      /* adr x1,args; str x0,[x1,#8] */
    0x52800300, 0xd45e0000,                      /* mov w0,#0x18; hlt #0xf000 */
    0x14000000,                                  /* b . */
    0,          0,          4,          0, 3, 0, /* open */
    0x00020026, 0,          0,          0,       /* args */
    0x0077656e,                                  /* name: "new" */
};

/* Writes 496 MiB to the console in one call, then exits with 0. */
static const uint32_t guest_write[] = {
    0x10000181, 0x10000362, 0xf9000022, /* adr x1,open; adr x2,name; str x2,[x1] */
    0x52800020, 0xd45e0000,             /* mov w0,#1; hlt #0xf000 */
    0x100001a1, 0xf9000020,             /* adr x1,args; str x0,[x1] */
    0x528000a0, 0xd45e0000,             /* mov w0,#5; hlt #0xf000 */
    0x100001e1, 0x52800300, 0xd45e0000, /* adr x1,exit; mov w0,#0x18; hlt #0xf000 */
    0,          0,          4,          0, 3,          0, /* open */
    0,          0,          0x40000000, 0, 0x1f000000, 0, /* args */
    0x00020026, 0,          0,          0,                /* exit */
    0x0074743a,                                           /* name: ":tt" */
};

static char dir[] = "/tmp/armillary-test-XXXXXX", image[64];

static int make_directory(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(image, sizeof(image), "%s/image", dir);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(image);
    return rmdir(dir);
}

static void write_image(const uint32_t *words, size_t size)
{
    FILE *f = fopen(image, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(words, 1, size, f), size);
    fclose(f);
}
#define IMAGE(guest) write_image(guest, sizeof(guest))

static void test_a_call_that_reads_waits_for_standard_input_and_sees_its_end(void **state)
{
    (void)state;
    IMAGE(guest_readc);
    assert_int_equal(RUN_WITH("A", "run", "--semihosting", image)->code, 'A');
    assert_int_equal(RUN_WITH("", "run", "--semihosting", image)->code, 255);
    assert_int_equal(RUN_WITH("A", "run", "--semihosting", "--serial=none", image)->code, 255);
    assert_int_equal(
        RUN_WITH("A", "run", "--semihosting", "--serial=none", "--virtio-console=stdio", image)
            ->code,
        255);
}

/* Exit code of the image whose standard input is a pipe into which @text comes late, and which is
 * closed then or stays @open. */
static int run_at_a_pipe(const char *text, bool open)
{
    int ends[2], status;

    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[0], 0);
        close(ends[1]);
        execl(program, program, "run", "--semihosting", open ? "--timeout=1" : "--timeout=300",
              image, (char *)NULL);
        _exit(127);
    }
    close(ends[0]);
    usleep(300000);
    assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
    if (!open)
        close(ends[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (open)
        close(ends[1]);
    return status_code(status);
}

static void test_a_call_that_waits_at_a_pipe_ends_with_it_or_at_a_limit(void **state)
{
    (void)state;
    IMAGE(guest_readc);
    assert_int_equal(run_at_a_pipe("Z", false), 'Z');
    assert_int_equal(run_at_a_pipe("", false), 255);
    assert_int_equal(run_at_a_pipe("", true), 3);
}

static void test_input_typed_at_a_terminal_wakes_a_call_that_reads(void **state)
{
    struct terminal t;

    (void)state;
    IMAGE(guest_readc);
    terminal_open(&t, (const char *const[]){"run", "--semihosting", image, NULL});
    usleep(200000);
    terminal_type(&t, "x");
    assert_int_equal(terminal_close(&t), 'x');
}

static void test_files_are_those_of_the_directory_given_and_there_is_none_by_default(void **state)
{
    char made[80];
    struct stat st;

    (void)state;
    IMAGE(guest_open);
    struct result *r = RUN("run", "--semihosting", image);
    assert_int_equal(r->code, 255);
    assert_contains(r->err, "\"new\"");
    assert_contains(r->err, "--semihosting-dir");
    snprintf(made, sizeof(made), "%s/new", dir);
    r = RUN("run", "--semihosting-dir", dir, image);
    assert_int_equal(r->code, 1);
    assert_string_equal(r->err, "");
    assert_int_equal(stat(made, &st), 0);
    unlink(made);
    r = RUN("qemu", "-M", "virt,gic-version=3", "-cpu", "max", "--semihosting-dir", dir, "-kernel",
            image);
    assert_int_equal(r->code, 1);
    assert_int_equal(stat(made, &st), 0);
    unlink(made);
    r = RUN("run", "--semihosting-dir=/nonexistent", image);
    assert_int_equal(r->code, 2);
    assert_contains(r->err, "/nonexistent: ");
}

static void test_a_long_write_ends_at_the_limits(void **state)
{
    (void)state;
    IMAGE(guest_write);
    struct result *r = RUN("run", "--semihosting", "--serial=none", "--timeout=0.05", image);
    assert_int_equal(r->code, 3);
    assert_contains(r->err, "--timeout");
    r = RUN("run", "--semihosting", "--serial=none", "--max-insns=100000", image);
    assert_int_equal(r->code, 3);
    assert_contains(r->err, "--max-insns");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call_that_reads_waits_for_standard_input_and_sees_its_end),
        cmocka_unit_test(test_a_call_that_waits_at_a_pipe_ends_with_it_or_at_a_limit),
        cmocka_unit_test(test_input_typed_at_a_terminal_wakes_a_call_that_reads),
        cmocka_unit_test(test_files_are_those_of_the_directory_given_and_there_is_none_by_default),
        cmocka_unit_test(test_a_long_write_ends_at_the_limits),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s ARMILLARY\n", argv[0]);
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
