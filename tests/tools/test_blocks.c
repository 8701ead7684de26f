/* --dump-blocks, --perf-map, and a host that cannot translate. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "process.h"
#include "tests/guests.h"

static char image[] = "/tmp/armillary-test-XXXXXX";

static const uint32_t words[] = {
    0xd2a80203, /* movz x3, #0x4010, lsl #16 */
    0xd2800140, /* movz x0, #10 */
    0xf1000400, /* subs x0, x0, #1 */
    0x54ffffe1, /* b.ne, one back */
    0xf9400061, /* ldr x1, [x3] */
    0x52800100, /* movz w0, #8 */
    0x72b08000, /* movk w0, #0x8400, lsl #16: SYSTEM_OFF */
    0xd4000003, /* smc #0 */
};

static int make_image(void **state)
{
    int fd = mkstemp(image);

    (void)state;
    return fd < 0 || write(fd, words, sizeof(words)) != sizeof(words) || close(fd);
}

static int remove_image(void **state)
{
    (void)state;
    return unlink(image);
}

/* Run the image with these options too; its process in *@pid. */
static int run(const char *const options[2], char *err, size_t size, pid_t *pid)
{
    const char *args[] = {"run", options[0], options[1], image, NULL};
    int fd[3] = {scratch(""), scratch(""), scratch("")}, status;

    *pid = start_program(fd, args);
    assert_int_equal(waitpid(*pid, &status, 0), *pid);
    slurp(fd[2], err, size);
    close(fd[0]);
    close(fd[1]);
    return status_code(status);
}

static void test_a_block_is_printed_guest_and_host_side_by_side(void **state)
{
    static char err[65536];
    pid_t pid;

    (void)state;
    assert_int_equal(run((const char *const[]){"--engine=jit-eager", "--dump-blocks=0x40080008"},
                         err, sizeof(err), &pid),
                     0);
    const char *subs = strstr(err, "0x40080008: f1000400 subs x0, x0, #1\n");
    assert_non_null(strstr(err, "block of "));
    assert_non_null(subs);
    assert_non_null(strstr(subs, "| 0x"));
    assert_null(strstr(err, ".byte"));
    assert_non_null(strstr(err, "rare:"));
}

static void test_only_blocks_with_the_pc_are_printed(void **state)
{
    static char err[65536];
    pid_t pid;

    (void)state;
    assert_int_equal(run((const char *const[]){"--engine=jit-eager", "--dump-blocks=0x1234"}, err,
                         sizeof(err), &pid),
                     0);
    assert_string_equal(err, "");
    assert_int_equal(
        run((const char *const[]){"--engine=interp", "--dump-blocks=all"}, err, sizeof(err), &pid),
        2);
    assert_int_equal(
        run((const char *const[]){"--engine=jit", "--dump-blocks=there"}, err, sizeof(err), &pid),
        2);
    assert_non_null(strstr(err, "--dump-blocks=there"));
}

static void test_perf_finds_the_names_of_blocks(void **state)
{
    static char err[65536], text[65536];
    char path[64];
    pid_t pid;

    (void)state;
    assert_int_equal(
        run((const char *const[]){"--engine=jit-eager", "--perf-map"}, err, sizeof(err), &pid), 0);
    snprintf(path, sizeof(path), "/tmp/perf-%ld.map", (long)pid);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    unlink(path);
    slurp(fd, text, sizeof(text));
    assert_non_null(strstr(text, " el2_40080000\n"));
    assert_non_null(strstr(text, " el2_40080000_rare\n"));
}

/* From now on no memory without a file gets executable, here and in who is started from here. */
static void forbid_code(void)
{
    const uint32_t nr = offsetof(struct seccomp_data, nr);
    const uint32_t prot = offsetof(struct seccomp_data, args[2]);
    const uint32_t flags = offsetof(struct seccomp_data, args[3]);
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, nr),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, prot),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, flags),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_ANONYMOUS, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program_of = {sizeof(filter) / sizeof(filter[0]), filter};

    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program_of), 0);
}

static void test_a_host_without_memory_for_code_interprets_and_says_so(void **state)
{
    static char err[65536], refused[65536];
    pid_t pid;

    (void)state;
    forbid_code(); /* for good: no test may come behind this one */
    assert_int_equal(run((const char *const[]){"--smp=1", "--memory=64"}, err, sizeof(err), &pid),
                     0);
    assert_non_null(strstr(err, "interpreted, which is slower"));
    assert_int_equal(
        run((const char *const[]){"--engine=jit", "--memory=64"}, refused, sizeof(refused), &pid),
        2);
    assert_non_null(strstr(refused, "no JIT"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_is_printed_guest_and_host_side_by_side),
        cmocka_unit_test(test_only_blocks_with_the_pc_are_printed),
        cmocka_unit_test(test_perf_finds_the_names_of_blocks),
        cmocka_unit_test(test_a_host_without_memory_for_code_interprets_and_says_so),
    };

    (void)argc;
    program = argv[1];
    return cmocka_run_group_tests(tests, make_image, remove_image);
}
