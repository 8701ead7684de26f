/* Machines to take snapshots of, and names for files. */
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
#include "machine/machine.h"
#include "machine/snapshot.h"
#include "tests/guests.h"
#include "tests/machine/new_machine.h"
#include "tests/random.h"

#define RAM      UINT64_C(0x40000000)
#define ENTRY    (RAM + 0x80000)
#define RAM_SIZE (UINT64_C(16) << 20)
#define CPUS_MAX 4

static char program[] = "/tmp/armillary-test-XXXXXX";
static char file[] = "/tmp/armillary-test-XXXXXX"; /* a snapshot */
static char dir[] = "/tmp/armillary-test-XXXXXX";

static inline int make_names(void **state)
{
    (void)state;
    int a = mkstemp(program), b = mkstemp(file);

    return a < 0 || b < 0 || close(a) || close(b) || !mkdtemp(dir);
}

static inline int remove_names(void **state)
{
    (void)state;
    unlink(program);
    unlink(file);
    return rmdir(dir);
}

static inline void write_file(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* A machine of @c with defaults, whose CPUs all start at @words. */
static inline struct arm_machine *create(struct arm_config c, const uint32_t *words, size_t size,
                                         struct output *out)
{
    struct arm_blob blobs[CPUS_MAX];

    write_file(program, words, size);
    c.size = sizeof(c);
    c.cpus = c.cpus ? c.cpus : 1;
    c.ram_size = c.ram_size ? c.ram_size : RAM_SIZE;
    c.no_reboot = true;
    for (unsigned k = 0; k < c.cpus; k++)
        blobs[k] = (struct arm_blob){
            .path = program, .addr = ENTRY + 0x1000 * k, .force_raw = true, .cpu = (int)k};
    c.blobs = blobs;
    c.blob_count = c.cpus;
    if (out) {
        memset(out, 0, sizeof(*out));
        c.console_write = keep_output;
        c.console_ctx = out;
    }
    return new_machine(&c);
}
#define CREATE(guest, out, ...)                                                                    \
    create((struct arm_config){.el2 = true, __VA_ARGS__}, guest, sizeof(guest), out)
#define PLAIN(guest, out) create((struct arm_config){.el2 = true}, guest, sizeof(guest), out)

/* One CPU has nobody to wake it from the second WFE: a NOP there. */
static inline struct arm_machine *create_mix(unsigned cpus, struct output *out)
{
    uint32_t words[ARRAY_SIZE(guest_mix)];

    memcpy(words, guest_mix, sizeof(words));
    if (cpus == 1)
        words[18] = 0xd503201f;
    return create((struct arm_config){.cpus = cpus, .el2 = true}, words, sizeof(words), out);
}

static inline struct arm_snapshot *take(struct arm_machine *m)
{
    struct arm_error err;
    struct arm_snapshot *s = arm_snapshot_take(m, &err);

    if (!s)
        fail_msg("%s", err.text);
    return s;
}

static inline void restore(struct arm_machine *m, const struct arm_snapshot *s)
{
    struct arm_error err = {0};

    if (arm_snapshot_restore(m, s, &err) < 0)
        fail_msg("%s", err.text);
}

static inline void assert_is(struct arm_machine *m, const struct arm_snapshot *s)
{
    static const uint8_t zeros[PAGE_SIZE];
    struct state_io io;

    state_io_compare(&io, s->state, s->state_size);
    machine_state(&io, m);
    assert_string_equal(io.error.text, "");
    for (unsigned k = 0; k < m->mem.bank_count; k++)
        for (uint64_t n = 0; n < m->mem.banks[k].size / PAGE_SIZE; n++) {
            const uint8_t *page = ram_contents_page(&s->ram[k], n);
            if (page || (m->mem.banks[k].flags[n] & PAGE_CHANGED))
                assert_memory_equal(m->mem.banks[k].host + n * PAGE_SIZE, page ? page : zeros,
                                    PAGE_SIZE);
        }
}
