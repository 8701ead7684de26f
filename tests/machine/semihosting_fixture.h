/* A machine whose CPU 0 makes semihosting calls, and a directory of the host for it. */
#pragma once

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
    size_t out_count, out_room;
    unsigned warnings;
    char warning[256];
};

static inline void keep_console(void *ctx, const uint8_t *data, size_t size)
{
    struct fixture *f = ctx;

    if (f->out_count + size + 1 > f->out_room) {
        f->out_room = 2 * (f->out_count + size + 1);
        f->out = realloc(f->out, f->out_room);
    }
    memcpy(f->out + f->out_count, data, size);
    f->out_count += size;
    f->out[f->out_count] = '\0';
}

static inline void keep_warning(void *ctx, enum arm_log_category cat, enum arm_log_level level,
                                const char *line)
{
    struct fixture *f = ctx;

    (void)cat;
    if (level > ARM_LOG_WARN)
        return;
    f->warnings++;
    snprintf(f->warning, sizeof(f->warning), "%s", line);
}

static inline void start(struct fixture *f, struct arm_config config)
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

static inline void path_in(const struct fixture *f, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", f->dir, name);
}

static inline void make_file(const struct fixture *f, const char *name, const char *contents)
{
    char path[128];

    path_in(f, name, path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(contents, file);
    fclose(file);
}

/* "": there is none. */
static inline const char *contents_of(const struct fixture *f, const char *name, char text[64])
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

static inline void start_with_directory(struct fixture *f)
{
    strcpy(f->dir, "/tmp/armillary-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    start(f, (struct arm_config){.semihosting_dir = f->dir});
}

static inline int set_up(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return *state ? 0 : -1;
}

static inline int tear_down(void **state)
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
static inline struct cpu *enter(struct fixture *f, const uint64_t call[5])
{
    struct cpu *cpu = f->m->cpus[0];

    assert_true(arm_mem_write(f->m, BLOCK, call + 1, 32));
    cpu->pc = CODE;
    cpu->x[0] = call[0];
    cpu->x[1] = BLOCK;
    return cpu;
}

/* A whole call; how many turns it took is in *turns. */
static inline uint64_t call_in_turns(struct fixture *f, const uint64_t call[5], unsigned *turns)
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

static inline void put(struct fixture *f, uint64_t at, const char *text)
{
    assert_true(arm_mem_write(f->m, at, text, strlen(text) + 1));
}

static inline uint64_t open_file(struct fixture *f, const char *name, uint64_t mode)
{
    put(f, NAME, name);
    return CALL(f, SYS_OPEN, NAME, mode, strlen(name));
}

static inline uint64_t write_file(struct fixture *f, uint64_t handle, const char *text)
{
    put(f, DATA, text);
    return CALL(f, SYS_WRITE, handle, DATA, strlen(text));
}

/* As much of @size bytes as there is. */
static inline const char *read_file(struct fixture *f, uint64_t handle, uint64_t size,
                                    char text[64])
{
    uint64_t left = CALL(f, SYS_READ, handle, DATA, size);

    assert_true(left <= size && size < 64);
    assert_true(arm_mem_read(f->m, DATA, text, size - left));
    text[size - left] = '\0';
    return text;
}

static inline void assert_error(struct fixture *f, uint64_t answer, int error)
{
    assert_int_equal(answer, ERROR);
    assert_int_equal(CALL(f, SYS_ERRNO), error);
}

static inline size_t type(struct fixture *f, const char *text)
{
    return arm_console_input(f->m, (const uint8_t *)text, strlen(text));
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
