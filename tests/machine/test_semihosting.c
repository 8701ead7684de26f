/* Semihosting: handles and files, calls that take longer than a turn, what a guest may not do. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bits.h"
#include "cpu/context.h"
#include "cpu/create.h"
#include "machine/machine.h"
#include "tests/machine/new_machine.h"

#define RAM      UINT64_C(0x40000000)
#define RAM_SIZE (UINT64_C(16) << 20)
#define VECTORS  (RAM + 0x10000)  /* b . each */
#define CODE     (RAM + 0x80000)  /* hlt #0xf000; b . */
#define BLOCK    (RAM + 0x100000) /* the parameter block */
#define NAME     (RAM + 0x110000)
#define NAME2    (RAM + 0x111000)
#define DATA     (RAM + 0x200000)
#define ERROR    UINT64_MAX

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITEC = 0x03,
    SYS_WRITE0 = 0x04,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_READC = 0x07,
    SYS_ISTTY = 0x09,
    SYS_SEEK = 0x0a,
    SYS_FLEN = 0x0c,
    SYS_TMPNAM = 0x0d,
    SYS_REMOVE = 0x0e,
    SYS_RENAME = 0x0f,
    SYS_CLOCK = 0x10,
    SYS_TIME = 0x11,
    SYS_SYSTEM = 0x12,
    SYS_ERRNO = 0x13,
    SYS_GET_CMDLINE = 0x15,
    SYS_HEAPINFO = 0x16,
    SYS_EXIT = 0x18,
    SYS_EXIT_EXTENDED = 0x20,
    SYS_ELAPSED = 0x30,
    SYS_TICKFREQ = 0x31,
};

static const uint32_t code[] = {0xd45e0000, 0x14000000};

struct fixture {
    struct arm_machine *m;
    char dir[32];
    char *out; /* what the console got */
    size_t out_count;
    unsigned warnings;
    char warning[256];
};

static void keep_console(void *ctx, const uint8_t *data, size_t size)
{
    struct fixture *f = ctx;

    f->out = realloc(f->out, f->out_count + size + 1);
    memcpy(f->out + f->out_count, data, size);
    f->out_count += size;
    f->out[f->out_count] = '\0';
}

static void keep_warning(void *ctx, enum arm_log_category cat, enum arm_log_level level,
                         const char *line)
{
    struct fixture *f = ctx;

    (void)cat;
    if (level > ARM_LOG_WARN)
        return;
    f->warnings++;
    snprintf(f->warning, sizeof(f->warning), "%s", line);
}

static void start(struct fixture *f, struct arm_config config)
{
    config.size = sizeof(config);
    config.cpus = config.cpus ? config.cpus : 1;
    config.ram_size = RAM_SIZE;
    config.el2 = true;
    config.semihosting = true;
    config.console_write = keep_console;
    config.console_ctx = f;
    config.log = (struct arm_log){.sink = keep_warning, .ctx = f};
    for (unsigned c = 0; c < ARM_LOG_CATEGORY_COUNT; c++)
        config.log.level[c] = ARM_LOG_WARN;
    f->m = new_machine(&config);
    assert_true(arm_mem_write(f->m, CODE, code, sizeof(code)));
    for (unsigned offset = 0; offset < 0x800; offset += 0x80)
        assert_true(arm_mem_write(f->m, VECTORS + offset, &code[1], 4));
    f->m->cpus[0]->sr[SR_VBAR_EL1] = f->m->cpus[0]->sr[SR_VBAR_EL2] = VECTORS;
}

static void path_in(const struct fixture *f, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", f->dir, name);
}

static void make_file(const struct fixture *f, const char *name, const char *contents)
{
    char path[128];

    path_in(f, name, path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(contents, file);
    fclose(file);
}

/* "": there is none. */
static const char *contents_of(const struct fixture *f, const char *name, char text[64])
{
    char path[128];

    path_in(f, name, path);
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(text, 1, 63, file) : 0;
    if (file)
        fclose(file);
    text[n] = '\0';
    return text;
}

static void start_with_directory(struct fixture *f)
{
    strcpy(f->dir, "/tmp/armillary-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    start(f, (struct arm_config){.semihosting_dir = f->dir});
}

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[64];

    arm_machine_free(f->m);
    if (f->dir[0]) {
        snprintf(command, sizeof(command), "rm -r %s", f->dir);
        assert_int_equal(system(command), 0);
    }
    free(f->out);
    free(f);
    return 0;
}

/* CPU 0 at the HLT of operation @call[0]; x1 is the address of the block with the others. */
static struct cpu *enter(struct fixture *f, const uint64_t call[5])
{
    struct cpu *cpu = f->m->cpus[0];

    assert_true(arm_mem_write(f->m, BLOCK, call + 1, 32));
    cpu->pc = CODE;
    cpu->x[0] = call[0];
    cpu->x[1] = BLOCK;
    return cpu;
}

/* A whole call; how many turns it took is in *turns. */
static uint64_t call_in_turns(struct fixture *f, const uint64_t call[5], unsigned *turns)
{
    struct cpu *cpu = enter(f, call);

    for (*turns = 0; cpu->pc == CODE; (*turns)++) {
        assert_true(*turns < 10000);
        assert_int_equal(arm_run(f->m, *turns ? MACHINE_QUANTUM : 1), ARM_STOP_LIMIT);
    }
    assert_int_equal(cpu->pc, CODE + 4);
    assert_int_equal(cpu->power, CPU_RUNNING);
    return cpu->x[0];
}

#define CALL(f, ...) call_in_turns((f), (const uint64_t[5]){__VA_ARGS__}, &(unsigned){0})

static void put(struct fixture *f, uint64_t at, const char *text)
{
    assert_true(arm_mem_write(f->m, at, text, strlen(text) + 1));
}

static uint64_t open_file(struct fixture *f, const char *name, uint64_t mode)
{
    put(f, NAME, name);
    return CALL(f, SYS_OPEN, NAME, mode, strlen(name));
}

static uint64_t write_file(struct fixture *f, uint64_t handle, const char *text)
{
    put(f, DATA, text);
    return CALL(f, SYS_WRITE, handle, DATA, strlen(text));
}

/* As much of @size bytes as there is. */
static const char *read_file(struct fixture *f, uint64_t handle, uint64_t size, char text[64])
{
    uint64_t left = CALL(f, SYS_READ, handle, DATA, size);

    assert_true(left <= size && size < 64);
    assert_true(arm_mem_read(f->m, DATA, text, size - left));
    text[size - left] = '\0';
    return text;
}

static void assert_error(struct fixture *f, uint64_t answer, int error)
{
    assert_int_equal(answer, ERROR);
    assert_int_equal(CALL(f, SYS_ERRNO), error);
}

static void test_every_mode_opens_as_fopen_does(void **state)
{
    static const char *const modes[] = {"r",  "rb",  "r+", "r+b", "w",  "wb",
                                        "w+", "w+b", "a",  "ab",  "a+", "a+b"};
    struct fixture *f = *state;
    char text[64];

    start_with_directory(f);
    for (unsigned mode = 0; mode < ARRAY_SIZE(modes); mode++) {
        char kind = modes[mode][0];
        bool update = strchr(modes[mode], '+'), reads = kind == 'r' || update,
             writes = kind != 'r' || update;

        make_file(f, "there", "1234");
        uint64_t h = open_file(f, "there", mode);
        assert_int_not_equal(h, ERROR);
        assert_int_equal(CALL(f, SYS_FLEN, h), kind == 'w' ? 0 : 4);
        assert_int_equal(write_file(f, h, "ab"), writes ? 0 : 2);
        assert_int_equal(CALL(f, SYS_ISTTY, h), 0);
        assert_int_equal(CALL(f, SYS_SEEK, h, 1), 0);
        const char *now = kind == 'w' ? "ab" : kind == 'a' ? "1234ab" : update ? "ab34" : "1234";
        assert_string_equal(read_file(f, h, 9, text), reads ? now + 1 : "");
        assert_int_equal(CALL(f, SYS_CLOSE, h), 0);
        assert_string_equal(contents_of(f, "there", text), now);

        h = open_file(f, "new", mode);
        if (kind == 'r')
            assert_error(f, h, ENOENT);
        else
            assert_int_equal(CALL(f, SYS_CLOSE, h), 0);
        assert_int_equal(CALL(f, SYS_REMOVE, NAME, 3), kind == 'r' ? ERROR : 0);
    }
    assert_error(f, open_file(f, "there", 12), EINVAL);
    assert_error(f, open_file(f, "there", BIT(32)), EINVAL);
    assert_int_equal(f->warnings, 0);
}

static void test_a_file_is_read_and_written_from_its_position(void **state)
{
    struct fixture *f = *state;
    char text[64];

    start_with_directory(f);
    uint64_t h = open_file(f, "file", 6);
    assert_int_equal(write_file(f, h, "0123456789"), 0);
    assert_string_equal(read_file(f, h, 3, text), "");
    assert_int_equal(CALL(f, SYS_SEEK, h, 2), 0);
    assert_string_equal(read_file(f, h, 3, text), "234");
    assert_int_equal(write_file(f, h, "xy"), 0);
    assert_string_equal(read_file(f, h, 9, text), "789");
    assert_string_equal(contents_of(f, "file", text), "01234xy789");
    assert_int_equal(CALL(f, SYS_SEEK, h, 12), 0);
    assert_string_equal(read_file(f, h, 3, text), "");
    assert_error(f, CALL(f, SYS_SEEK, h, BIT(63)), EINVAL);
    assert_int_equal(CALL(f, SYS_WRITE, h, DATA, 0), 0);
    assert_int_equal(CALL(f, SYS_FLEN, h), 10);
}

static void test_files_are_renamed_removed_and_named(void **state)
{
    struct fixture *f = *state;
    char text[64];

    start_with_directory(f);
    make_file(f, "one", "1");
    put(f, NAME, "one");
    put(f, NAME2, "two");
    assert_int_equal(CALL(f, SYS_RENAME, NAME, 3, NAME2, 3), 0);
    assert_string_equal(contents_of(f, "two", text), "1");
    assert_error(f, CALL(f, SYS_RENAME, NAME, 3, NAME2, 3), ENOENT);
    assert_int_equal(CALL(f, SYS_REMOVE, NAME2, 3), 0);
    assert_error(f, CALL(f, SYS_REMOVE, NAME2, 3), ENOENT);
    assert_int_equal(CALL(f, SYS_TMPNAM, DATA, 255, 40), 0);
    assert_true(arm_mem_read(f->m, DATA, text, 40));
    assert_int_not_equal(open_file(f, text, 4), ERROR);
    assert_error(f, CALL(f, SYS_TMPNAM, DATA, 256, 40), EINVAL);
    assert_error(f, CALL(f, SYS_TMPNAM, DATA, 0, 4), EINVAL);
}

static void test_no_name_leads_out_of_the_directory(void **state)
{
    struct fixture *f = *state;
    char path[128], outside[64], absolute[160], text[64];

    start_with_directory(f);
    make_file(f, "file", "secret");
    path_in(f, "sub", path);
    assert_int_equal(mkdir(path, 0777), 0);
    path_in(f, "link", path);
    assert_int_equal(symlink("file", path), 0);
    path_in(f, "up", path);
    assert_int_equal(symlink("..", path), 0);
    path_in(f, "root", path);
    assert_int_equal(symlink("/", path), 0);
    path_in(f, "fifo", path);
    assert_int_equal(mkfifo(path, 0666), 0);
    snprintf(outside, sizeof(outside), "%s", strrchr(f->dir, '/') + 1);
    snprintf(absolute, sizeof(absolute), "%s/file", f->dir);
    char relative[160], by_link[160], by_root[200];
    snprintf(relative, sizeof(relative), "../%s/file", outside);
    snprintf(by_link, sizeof(by_link), "up/%s/file", outside);
    snprintf(by_root, sizeof(by_root), "root/%s", absolute);
    const char *const names[] = {absolute, relative, by_link,    by_root, "sub/../file", "..",
                                 "sub/..", "link",   "root",     "fifo",  "sub",         ".",
                                 "",       "sub/",   "file/x/y", "/",     "../"};
    for (size_t k = 0; k < ARRAY_SIZE(names); k++)
        for (unsigned mode = 0; mode < 12; mode += 2)
            assert_int_equal(open_file(f, names[k], mode), ERROR);
    put(f, NAME2, "file");
    for (size_t k = 0; k < 7; k++) {
        put(f, NAME, names[k]);
        assert_int_equal(CALL(f, SYS_REMOVE, NAME, strlen(names[k])), ERROR);
        assert_int_equal(CALL(f, SYS_RENAME, NAME2, 4, NAME, strlen(names[k])), ERROR);
        assert_int_equal(CALL(f, SYS_RENAME, NAME, strlen(names[k]), NAME2, 4), ERROR);
    }
    assert_string_equal(contents_of(f, "file", text), "secret");
    assert_int_not_equal(open_file(f, "./sub//.//x", 4), ERROR);
    assert_string_equal(read_file(f, open_file(f, "./file", 0), 9, text), "secret");
}

static void test_a_name_ends_at_its_length_or_at_a_zero_and_may_be_too_long(void **state)
{
    struct fixture *f = *state;
    char path[128], text[64];

    start_with_directory(f);
    make_file(f, "name", "1");
    put(f, NAME, "nameless");
    uint64_t h = CALL(f, SYS_OPEN, NAME, 0, 4);
    assert_string_equal(read_file(f, h, 9, text), "1");
    put(f, NAME, "name");
    assert_int_not_equal(CALL(f, SYS_OPEN, NAME, 0, 9), ERROR);
    for (unsigned k = 0; k < 300; k++)
        put(f, NAME + k, "n");
    assert_error(f, CALL(f, SYS_OPEN, NAME, 4, 300), ENAMETOOLONG);
    for (uint64_t k = 0; k < 8192; k++)
        put(f, DATA + k, k % 2 ? "/" : ".");
    assert_int_equal(CALL(f, SYS_OPEN, DATA, 4, UINT64_MAX), ERROR);
    path_in(f, "n", path);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void test_there_are_no_files_without_a_directory_and_that_is_said_once(void **state)
{
    struct fixture *f = *state;

    start(f, (struct arm_config){0});
    assert_error(f, open_file(f, "/etc/passwd", 0), EACCES);
    assert_non_null(strstr(f->warning, "/etc/passwd"));
    assert_error(f, open_file(f, "x", 4), EACCES);
    assert_error(f, CALL(f, SYS_REMOVE, NAME, 1), EACCES);
    assert_error(f, CALL(f, SYS_RENAME, NAME, 1, NAME, 1), EACCES);
    assert_error(f, CALL(f, SYS_TMPNAM, DATA, 0, 40), EACCES);
    assert_int_equal(f->warnings, 1);
    assert_int_not_equal(open_file(f, ":tt", 4), ERROR);
}

static void test_a_directory_that_is_none_is_refused(void **state)
{
    struct arm_config config = {.size = sizeof(config),
                                .cpus = 1,
                                .ram_size = RAM_SIZE,
                                .semihosting = true,
                                .semihosting_dir = "/dev/null"};
    struct arm_error err = {0};

    (void)state;
    assert_null(arm_machine_new(&config, &err));
    assert_non_null(strstr(err.text, "/dev/null"));
}

static void test_handles_run_out_and_are_used_again(void **state)
{
    struct fixture *f = *state;
    uint64_t h;

    start_with_directory(f);
    for (unsigned k = 0; k < SEMI_HANDLES; k++)
        assert_int_not_equal(h = open_file(f, "file", 4), ERROR);
    assert_error(f, open_file(f, "file", 4), EMFILE);
    assert_error(f, open_file(f, ":tt", 4), EMFILE);
    assert_int_equal(CALL(f, SYS_CLOSE, h), 0);
    assert_int_equal(open_file(f, ":tt", 4), h);
    assert_error(f, CALL(f, SYS_SEEK, h, 0), ESPIPE);
    assert_int_equal(CALL(f, SYS_FLEN, h), 0);
}

static void fill(struct fixture *f, uint64_t at, size_t size, char with)
{
    char *bytes = malloc(size);

    memset(bytes, with, size);
    assert_true(arm_mem_write(f->m, at, bytes, size));
    free(bytes);
}

static void test_a_long_write_is_complete_and_stops_at_a_limit_in_between(void **state)
{
    struct fixture *f = *state;
    unsigned turns;

    start_with_directory(f);
    fill(f, DATA, 1000000, '#');
    uint64_t h = open_file(f, ":tt", 4), file = open_file(f, "file", 4);
    assert_int_equal(call_in_turns(f, (const uint64_t[5]){SYS_WRITE, h, DATA, 1000000}, &turns), 0);
    assert_int_equal(f->out_count, 1000000);
    assert_true(turns > 10);
    assert_int_equal(call_in_turns(f, (const uint64_t[5]){SYS_WRITE, file, DATA, 1000000}, &turns),
                     0);
    assert_true(turns > 10);
    assert_int_equal(CALL(f, SYS_FLEN, file), 1000000);
    assert_int_equal(CALL(f, SYS_CLOSE, file), 0);
    fill(f, DATA, 1000000, 0);
    file = open_file(f, "file", 0);
    assert_int_equal(CALL(f, SYS_READ, file, DATA, 1000001), 1);
    char last[2];
    assert_true(arm_mem_read(f->m, DATA + 999999, last, 2));
    assert_int_equal(last[0], '#');
    assert_int_equal(last[1], 0);
}

static void test_a_write_of_the_whole_address_space_ends_at_a_limit_or_a_fault(void **state)
{
    struct fixture *f = *state;
    struct cpu *cpu;

    start(f, (struct arm_config){0});
    uint64_t h = open_file(f, ":tt", 4);
    cpu = enter(f, (const uint64_t[5]){SYS_WRITE, h, RAM, UINT64_MAX});
    assert_int_equal(arm_run(f->m, 100), ARM_STOP_LIMIT);
    assert_int_equal(cpu->power, CPU_HALTED);
    assert_int_equal(cpu->pc, CODE);
    assert_true(f->out_count <= 65536);
    while (cpu->power == CPU_HALTED)
        arm_run(f->m, MACHINE_QUANTUM);
    assert_int_equal(f->out_count, RAM_SIZE); /* behind the RAM nothing answers */
    assert_int_equal(cpu->sr[SR_ELR_EL2], CODE);
}

static void test_a_string_is_written_up_to_its_zero_however_long(void **state)
{
    struct fixture *f = *state;

    start(f, (struct arm_config){0});
    put(f, BLOCK, "short");
    struct cpu *cpu = f->m->cpus[0];
    cpu->pc = CODE;
    cpu->x[0] = SYS_WRITE0;
    cpu->x[1] = BLOCK;
    arm_run(f->m, 1);
    assert_string_equal(f->out, "short");
    fill(f, DATA, 3 * 65536, 'x');
    cpu->pc = CODE;
    cpu->x[0] = SYS_WRITE0;
    cpu->x[1] = DATA;
    while (cpu->pc == CODE)
        arm_run(f->m, MACHINE_QUANTUM);
    assert_int_equal(f->out_count, 5 + 3 * 65536);
}

static void test_an_interrupt_waits_for_the_end_of_a_long_call(void **state)
{
    struct fixture *f = *state;

    start(f, (struct arm_config){0});
    uint64_t h = open_file(f, ":tt", 4);
    struct cpu *cpu = enter(f, (const uint64_t[5]){SYS_WRITE, h, DATA, 200000});
    arm_run(f->m, 1);
    cpu->sr[SR_HCR_EL2] = BIT(31) | BIT(4); /* RW, IMO */
    cpu->ps.daif = 0;
    cpu->irq_pin = true;
    while (cpu->power == CPU_HALTED)
        arm_run(f->m, MACHINE_QUANTUM);
    arm_run(f->m, 1);
    assert_int_equal(f->out_count, 200000);
    assert_int_equal(cpu->sr[SR_ELR_EL2], CODE + 4);
}

static void test_other_cpus_run_while_one_is_halted_in_a_long_call(void **state)
{
    struct fixture *f = *state;

    start(f, (struct arm_config){.cpus = 2});
    uint64_t h = open_file(f, ":tt", 0);
    enter(f, (const uint64_t[5]){SYS_READ, h, DATA, 1});
    machine_start_cpu(f->m, f->m->cpus[1], CODE + 4, 0);
    assert_int_equal(arm_run(f->m, 100000), ARM_STOP_LIMIT);
    assert_int_equal(f->m->cpus[0]->power, CPU_HALTED);
    assert_true(cpu_retired(f->m->cpus[1]) > 70000);
}

static void test_a_long_call_takes_the_same_time_however_the_run_is_cut(void **state)
{
    struct fixture *f = *state;
    uint64_t retired[3], time_ns[3], cuts[3] = {0, 1777, 20001};
    size_t out_count[3];

    for (unsigned k = 0; k < 3; k++) {
        f->out_count = 0;
        start(f, (struct arm_config){.cpus = 2});
        machine_start_cpu(f->m, f->m->cpus[1], CODE + 4, 0);
        uint64_t h = open_file(f, ":tt", 4), goal = f->m->spent + 250000;
        enter(f, (const uint64_t[5]){SYS_WRITE, h, DATA, 1000000});
        while (f->m->spent < goal) {
            uint64_t left = goal - f->m->spent;
            arm_run(f->m, cuts[k] && cuts[k] < left ? cuts[k] : left);
        }
        retired[k] = arm_retired(f->m);
        time_ns[k] = arm_time_ns(f->m);
        out_count[k] = f->out_count;
        if (k < 2)
            arm_machine_free(f->m);
    }
    for (unsigned k = 1; k < 3; k++) {
        assert_int_equal(retired[k], retired[0]);
        assert_int_equal(time_ns[k], time_ns[0]);
        assert_int_equal(out_count[k], out_count[0]);
    }
    assert_true(out_count[0] > 65536 && out_count[0] < 1000000);
}

static size_t type(struct fixture *f, const char *text)
{
    return arm_console_input(f->m, (const uint8_t *)text, strlen(text));
}

static void test_a_read_of_the_console_waits_for_a_line_or_its_bytes(void **state)
{
    struct fixture *f = *state;
    char text[64];

    start(f, (struct arm_config){0});
    uint64_t h = open_file(f, ":tt", 0);
    struct cpu *cpu = enter(f, (const uint64_t[5]){SYS_READ, h, DATA, 20});
    assert_int_equal(arm_run(f->m, 0), ARM_STOP_IDLE);
    assert_int_equal(type(f, "on"), 2);
    assert_int_equal(arm_run(f->m, 0), ARM_STOP_IDLE);
    assert_int_equal(type(f, "e\ntwo\n"), 2); /* the rest is for the next */
    arm_run(f->m, 1);
    assert_int_equal(cpu->pc, CODE + 4);
    assert_int_equal(cpu->x[0], 16);
    assert_true(arm_mem_read(f->m, DATA, text, 4));
    assert_memory_equal(text, "one\n", 4);
    cpu = enter(f, (const uint64_t[5]){SYS_READ, h, DATA, 2});
    assert_int_equal(arm_run(f->m, 0), ARM_STOP_IDLE);
    assert_int_equal(type(f, "two\n"), 2);
    arm_run(f->m, 1);
    assert_int_equal(cpu->x[0], 0);
}

static void test_what_the_uart_received_comes_before_what_is_typed_later(void **state)
{
    struct fixture *f = *state;

    start(f, (struct arm_config){0});
    assert_int_equal(type(f, "u"), 1); /* nobody waits: it is the UART's */
    assert_int_equal(CALL(f, SYS_READC), 'u');
    struct cpu *cpu = enter(f, (const uint64_t[5]){SYS_READC});
    assert_int_equal(arm_run(f->m, 0), ARM_STOP_IDLE);
    assert_int_equal(type(f, "later"), 1);
    arm_run(f->m, 1);
    assert_int_equal(cpu->x[0], 'l');
}

static void test_input_ends(void **state)
{
    struct fixture *f = *state;

    start(f, (struct arm_config){0});
    uint64_t h = open_file(f, ":tt", 0);
    struct cpu *cpu = enter(f, (const uint64_t[5]){SYS_READ, h, DATA, 8});
    assert_int_equal(arm_run(f->m, 0), ARM_STOP_IDLE);
    assert_int_equal(type(f, "abc"), 3);
    assert_true(arm_console_end(f->m));
    assert_false(arm_console_end(f->m));
    arm_run(f->m, 1);
    assert_int_equal(cpu->x[0], 5);
    assert_int_equal(CALL(f, SYS_READ, h, DATA, 8), 8);
    assert_int_equal(CALL(f, SYS_READC), ERROR);
}

static void test_the_end_of_input_is_recorded_and_replayed(void **state)
{
    struct fixture *f = *state;
    struct arm_error err;
    char path[128];

    start_with_directory(f);
    path_in(f, "log", path);
    for (unsigned replay = 0; replay < 2; replay++) {
        if (replay) {
            arm_machine_free(f->m);
            start(f, (struct arm_config){.semihosting_dir = f->dir});
            assert_int_equal(arm_replay(f->m, path, &err), 0);
        } else {
            assert_int_equal(arm_record(f->m, path, &err), 0);
        }
        uint64_t h =
            (uint64_t)semi_handle_new(&f->m->semi, (struct semi_handle){.kind = SEMI_CONSOLE_IN});
        struct cpu *cpu = enter(f, (const uint64_t[5]){SYS_READ, h, DATA, 8});
        if (!replay) {
            assert_int_equal(arm_run(f->m, 0), ARM_STOP_IDLE);
            assert_int_equal(type(f, "abc"), 3);
            assert_true(arm_console_end(f->m));
        }
        if (replay)
            assert_int_equal(type(f, "def"), 0);
        assert_false(arm_console_end(f->m));
        arm_run(f->m, 100000);
        assert_int_equal(cpu->pc, CODE + 4);
        assert_int_equal(cpu->x[0], 5);
        assert_int_equal(arm_record_end(f->m, &err), 0);
    }
}

static void test_time_follows_the_boards_clock(void **state)
{
    struct fixture *f = *state;
    uint64_t ticks;

    start(f, (struct arm_config){0});
    assert_int_equal(CALL(f, SYS_TIME), VIRT_EPOCH_S);
    clock_run(&f->m->clock, UINT64_C(2500000000));
    assert_int_equal(CALL(f, SYS_TIME), VIRT_EPOCH_S + 2);
    assert_int_equal(CALL(f, SYS_CLOCK), 250);
    assert_int_equal(CALL(f, SYS_TICKFREQ), 1000000000);
    assert_int_equal(CALL(f, SYS_ELAPSED), 0);
    assert_true(arm_mem_read(f->m, BLOCK, &ticks, 8));
    assert_int_equal(ticks, arm_time_ns(f->m) - 1);
    device_write(&f->m->board.rtc.dev, 8, 4, 1000); /* RTCLR */
    assert_int_equal(CALL(f, SYS_TIME), 1000);
}

static void test_the_command_line_is_what_was_given(void **state)
{
    struct fixture *f = *state;
    char text[16] = "";
    uint64_t length;

    start(f, (struct arm_config){.append = "a b", .semihosting_cmdline = "prog -x"});
    assert_int_equal(CALL(f, SYS_GET_CMDLINE, DATA, 8), 0);
    assert_true(arm_mem_read(f->m, DATA, text, 8));
    assert_string_equal(text, "prog -x");
    assert_true(arm_mem_read(f->m, BLOCK + 8, &length, 8));
    assert_int_equal(length, 7);
    assert_error(f, CALL(f, SYS_GET_CMDLINE, DATA, 7), E2BIG);
}

static void test_the_heap_is_ram_that_nothing_was_loaded_to(void **state)
{
    char path[] = "/tmp/armillary-test-XXXXXX";
    const struct arm_blob blob = {.path = path, .addr = RAM + 0x400000, .force_raw = true};
    struct fixture *f = *state;
    int fd = mkstemp(path);
    uint64_t heap[4];

    assert_int_equal(write(fd, "1234567", 7), 7);
    close(fd);
    start(f, (struct arm_config){.blobs = &blob, .blob_count = 1});
    unlink(path);
    assert_int_equal(CALL(f, SYS_HEAPINFO, DATA), 0);
    assert_true(arm_mem_read(f->m, DATA, heap, sizeof(heap)));
    assert_int_equal(heap[0], RAM + 0x400010);
    assert_int_equal(heap[1], RAM + RAM_SIZE);
    assert_int_equal(heap[2], heap[1]);
    assert_int_equal(heap[3], heap[0]);
}

static void test_what_is_not_offered_fails_and_is_said_once(void **state)
{
    static const uint8_t offered[] = {
        SYS_OPEN,   SYS_CLOSE,   SYS_WRITEC,   SYS_WRITE0,        SYS_WRITE,       SYS_READ,
        SYS_READC,  8,           SYS_ISTTY,    SYS_SEEK,          SYS_FLEN,        SYS_TMPNAM,
        SYS_REMOVE, SYS_RENAME,  SYS_CLOCK,    SYS_TIME,          SYS_SYSTEM,      SYS_ERRNO,
        SYS_EXIT,   SYS_ELAPSED, SYS_TICKFREQ, SYS_EXIT_EXTENDED, SYS_GET_CMDLINE, SYS_HEAPINFO,
    };
    struct fixture *f = *state;

    start(f, (struct arm_config){0});
    for (unsigned number = 0; number < 0x100; number++) {
        if (memchr(offered, (int)number, sizeof(offered)))
            continue;
        f->warnings = 0;
        assert_error(f, CALL(f, number), ENOSYS);
        assert_error(f, CALL(f, number), ENOSYS);
        assert_int_equal(f->warnings, 1);
    }
    assert_error(f, CALL(f, 0x100), ENOSYS);
    assert_int_equal(f->warnings, 2);
    assert_error(f, CALL(f, SYS_SYSTEM, NAME, 1), EPERM);
    assert_int_equal(CALL(f, BIT(32) | SYS_TICKFREQ), 1000000000); /* the operation is in w0 */
}

static void test_a_bad_address_is_the_callers_fault(void **state)
{
    static const uint8_t with_block[] = {SYS_OPEN,  SYS_CLOSE,   SYS_WRITE,   SYS_READ,
                                         SYS_ISTTY, SYS_SEEK,    SYS_FLEN,    SYS_TMPNAM,
                                         SYS_EXIT,  SYS_ELAPSED, SYS_HEAPINFO};
    struct fixture *f = *state;

    start_with_directory(f);
    struct cpu *cpu = f->m->cpus[0];
    for (size_t k = 0; k < ARRAY_SIZE(with_block); k++) {
        cpu->pc = CODE;
        cpu->x[0] = with_block[k];
        cpu->x[1] = RAM + RAM_SIZE;
        cpu->sr[SR_ELR_EL2] = 0;
        arm_run(f->m, 1);
        assert_int_equal(cpu->sr[SR_ELR_EL2], CODE);
        assert_int_equal(cpu->sr[SR_FAR_EL2], RAM + RAM_SIZE);
        assert_int_equal(cpu->x[0], with_block[k]);
    }
    make_file(f, "file", "0123");
    cpu_enter_el(cpu, 2);
    uint64_t h = open_file(f, "file", 0);
    enter(f, (const uint64_t[5]){SYS_READ, h, RAM + RAM_SIZE - 2, 4});
    arm_run(f->m, 1);
    assert_int_equal(cpu->sr[SR_FAR_EL2], RAM + RAM_SIZE);
    char text[64];
    assert_string_equal(read_file(f, h, 4, text), "0123"); /* nothing is lost */
}

static void test_el0_is_answered_only_if_asked_for(void **state)
{
    for (unsigned asked = 0; asked < 2; asked++) {
        struct fixture *f = *state;
        start(f, (struct arm_config){.semihosting_el0 = asked});
        struct cpu *cpu = enter(f, (const uint64_t[5]){SYS_TICKFREQ});
        cpu->sr[SR_HCR_EL2] = BIT(31);
        cpu_enter_el(cpu, 1);
        cpu->ps.el = 0;
        cpu_context_changed(cpu);
        arm_run(f->m, 1);
        assert_int_equal(cpu->x[0], asked ? 1000000000 : SYS_TICKFREQ);
        assert_int_equal(cpu->sr[SR_ELR_EL1], asked ? 0 : CODE);
        if (!asked)
            arm_machine_free(f->m);
    }
}

static void test_an_exit_code_is_the_programs_or_1(void **state)
{
    static const struct {
        uint64_t reason, code;
        int expected;
    } rows[] = {{0x20026, 0, 0}, {0x20026, 7, 7}, {0x20026, 0x1ff, 0xff}, {0x20023, 0, 1}};
    struct fixture *f = *state;

    start(f, (struct arm_config){0});
    for (size_t k = 0; k < 2 * ARRAY_SIZE(rows); k++) {
        enter(f, (const uint64_t[5]){k % 2 ? SYS_EXIT : SYS_EXIT_EXTENDED, rows[k / 2].reason,
                                     rows[k / 2].code});
        assert_int_equal(arm_run(f->m, 0), ARM_STOP_EXIT);
        assert_int_equal(arm_exit_code(f->m), rows[k / 2].expected);
    }
}

static void test_a_reset_closes_files_and_ends_calls(void **state)
{
    struct fixture *f = *state;
    struct arm_error err;

    start_with_directory(f);
    uint64_t h = open_file(f, "file", 4);
    uint64_t in = open_file(f, ":tt", 0);
    enter(f, (const uint64_t[5]){SYS_READ, in, DATA, 8});
    arm_run(f->m, 10);
    assert_int_equal(machine_reboot(f->m, &err), 0);
    assert_int_equal(f->m->cpus[0]->power, CPU_RUNNING);
    assert_int_equal(type(f, "a"), 1);
    assert_int_equal(f->m->board.uart.rx_count, 1);
    assert_true(arm_mem_write(f->m, CODE, code, sizeof(code)));
    assert_error(f, CALL(f, SYS_CLOSE, h), EBADF);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_mode_opens_as_fopen_does),
        TEST(a_file_is_read_and_written_from_its_position),
        TEST(files_are_renamed_removed_and_named),
        TEST(no_name_leads_out_of_the_directory),
        TEST(a_name_ends_at_its_length_or_at_a_zero_and_may_be_too_long),
        TEST(there_are_no_files_without_a_directory_and_that_is_said_once),
        TEST(a_directory_that_is_none_is_refused),
        TEST(handles_run_out_and_are_used_again),
        TEST(a_long_write_is_complete_and_stops_at_a_limit_in_between),
        TEST(a_write_of_the_whole_address_space_ends_at_a_limit_or_a_fault),
        TEST(a_string_is_written_up_to_its_zero_however_long),
        TEST(an_interrupt_waits_for_the_end_of_a_long_call),
        TEST(other_cpus_run_while_one_is_halted_in_a_long_call),
        TEST(a_long_call_takes_the_same_time_however_the_run_is_cut),
        TEST(a_read_of_the_console_waits_for_a_line_or_its_bytes),
        TEST(what_the_uart_received_comes_before_what_is_typed_later),
        TEST(input_ends),
        TEST(the_end_of_input_is_recorded_and_replayed),
        TEST(time_follows_the_boards_clock),
        TEST(the_command_line_is_what_was_given),
        TEST(the_heap_is_ram_that_nothing_was_loaded_to),
        TEST(what_is_not_offered_fails_and_is_said_once),
        TEST(a_bad_address_is_the_callers_fault),
        TEST(el0_is_answered_only_if_asked_for),
        TEST(an_exit_code_is_the_programs_or_1),
        TEST(a_reset_closes_files_and_ends_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
