/* --dump-blocks, --perf-map, --jitdump, --gdb-jit, and a host that cannot translate. */
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

/* What a jitdump is made of, as perf reads it. */
struct dump {
    const char *at, *end;
    uint64_t time;      /* of the last record */
    uint64_t described; /* the code that the last JIT_CODE_DEBUG_INFO was about */
    unsigned loads, lines;
};

static uint64_t number(const char *at, size_t size)
{
    uint64_t value = 0;

    memcpy(&value, at, size);
    return value;
}

/* JIT_CODE_LOAD */
static void read_load(struct dump *d, const char *record, size_t size, pid_t pid)
{
    uint64_t address = number(record + 32, 8), code = number(record + 40, 8);
    const char *name = record + 56;
    size_t length = strnlen(name, size - 56);

    assert_int_equal(number(record + 16, 4), pid);
    assert_int_equal(number(record + 20, 4), pid);
    assert_int_equal(number(record + 24, 8), address);
    assert_int_equal(number(record + 48, 8), d->loads++);
    assert_int_equal(56 + length + 1 + code, size);
    assert_int_equal(strncmp(name, "el2_", 4), 0);
    if (!strstr(name, "_rare"))
        assert_int_equal(address, d->described);
}

/* JIT_CODE_DEBUG_INFO: the lines of @listing, but for those of names, one after the other. */
static void read_lines(struct dump *d, const char *record, size_t size, const char *listing)
{
    const char *at = record + 32, *name = strrchr(listing, '/');

    d->described = number(record + 16, 8);
    d->lines++; /* of the name */
    for (uint64_t n = number(record + 24, 8); n; n--) {
        assert_true(at + 16 < record + size);
        assert_true(number(at, 8) >= d->described);
        assert_int_equal(number(at + 8, 4), ++d->lines);
        assert_int_equal(number(at + 12, 4), 0);
        assert_non_null(strstr(at + 16, name));
        at += 16 + strlen(at + 16) + 1;
    }
    assert_ptr_equal(at, record + size);
}

/* Return: its kind. */
static uint64_t read_record(struct dump *d, pid_t pid, const char *listing)
{
    uint64_t id = number(d->at, 4), size = number(d->at + 4, 4), time = number(d->at + 8, 8);

    assert_in_range(size, 16, d->end - d->at);
    assert_true(time >= d->time);
    d->time = time;
    if (id == 0)
        read_load(d, d->at, size, pid);
    else if (id == 2)
        read_lines(d, d->at, size, listing);
    else
        assert_int_equal(id, 3);
    d->at += size;
    return id;
}

static size_t take(const char *path, char *bytes, size_t most)
{
    int fd = open(path, O_RDONLY);
    ssize_t size = read(fd, bytes, most - 1);

    assert_true(size > 0);
    bytes[size] = '\0';
    close(fd);
    unlink(path);
    return (size_t)size;
}

static void test_a_jitdump_has_names_bytes_and_lines_of_all_blocks(void **state)
{
    static char err[65536], bytes[1 << 20], text[1 << 16];
    char dir[] = "/tmp/armillary-test-XXXXXX", option[64], path[64], listing[64];
    uint64_t last = 0;
    pid_t pid;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(option, sizeof(option), "--jitdump=%s", dir);
    assert_int_equal(
        run((const char *const[]){"--engine=jit-eager", option}, err, sizeof(err), &pid), 0);
    snprintf(path, sizeof(path), "%s/jit-%ld.dump", dir, (long)pid);
    snprintf(listing, sizeof(listing), "%s/jit-%ld.s", dir, (long)pid);
    struct dump d = {.at = bytes + 40, .end = bytes + take(path, bytes, sizeof(bytes))};
    take(listing, text, sizeof(text));
    rmdir(dir);

    assert_int_equal(number(bytes, 4), 0x4a695444);
    assert_int_equal(number(bytes + 4, 4), 1);
    assert_int_equal(number(bytes + 8, 4), 40);
    assert_int_equal(number(bytes + 12, 4), 62); /* EM_X86_64 */
    assert_int_equal(number(bytes + 20, 4), pid);
    assert_int_equal(number(bytes + 32, 8), 0);
    d.time = number(bytes + 24, 8);
    while (d.at < d.end)
        last = read_record(&d, pid, listing);
    assert_int_equal(last, 3);
    assert_true(d.loads > 2);
    for (const char *newline = text; (newline = strchr(newline, '\n')); newline++)
        d.lines--;
    assert_int_equal(d.lines, 0);
    assert_int_equal(strncmp(text, "el2_40080000:\n0x40080000: d2a80203 ", 34), 0);
}

static void test_a_jitdump_without_a_folder_or_without_blocks_is_refused(void **state)
{
    static char err[65536];
    pid_t pid;

    (void)state;
    assert_int_equal(run((const char *const[]){"--engine=jit", "--jitdump=/nowhere/at/all"}, err,
                         sizeof(err), &pid),
                     2);
    assert_non_null(strstr(err, "--jitdump: /nowhere/at/all/jit-"));
    assert_int_equal(
        run((const char *const[]){"--engine=interp", "--jitdump=/tmp"}, err, sizeof(err), &pid), 2);
    assert_int_equal(
        run((const char *const[]){"--parallel", "--jitdump=/tmp"}, err, sizeof(err), &pid), 2);
    assert_non_null(strstr(err, "jitdump"));
}

static void test_gdb_is_told_of_no_blocks_where_there_are_none(void **state)
{
    static char err[65536];
    pid_t pid;

    (void)state;
    assert_int_equal(
        run((const char *const[]){"--engine=jit-eager", "--gdb-jit"}, err, sizeof(err), &pid), 0);
    assert_string_equal(err, "");
    assert_int_equal(
        run((const char *const[]){"--engine=interp", "--gdb-jit"}, err, sizeof(err), &pid), 2);
    assert_int_equal(
        run((const char *const[]){"--engine=lockstep", "--gdb-jit"}, err, sizeof(err), &pid), 2);
    assert_int_equal(run((const char *const[]){"--parallel", "--gdb-jit"}, err, sizeof(err), &pid),
                     2);
    assert_non_null(strstr(err, "gdb-jit"));
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
        cmocka_unit_test(test_a_jitdump_has_names_bytes_and_lines_of_all_blocks),
        cmocka_unit_test(test_a_jitdump_without_a_folder_or_without_blocks_is_refused),
        cmocka_unit_test(test_gdb_is_told_of_no_blocks_where_there_are_none),
        cmocka_unit_test(test_a_host_without_memory_for_code_interprets_and_says_so),
    };

    (void)argc;
    program = argv[1];
    return cmocka_run_group_tests(tests, make_image, remove_image);
}
