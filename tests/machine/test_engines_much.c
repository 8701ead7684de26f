/* The memory of blocks, as the host has it; and much code, whose blocks are in large pages. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/host_memory.h"
#include "tests/machine/engines_fixture.h"

#define INSNS (1u << 16)

/* Does the host grant them to memory of this kind? */
static bool grants(void)
{
    uint8_t *p = host_memory_for_later(HOST_LARGE_PAGE);

    assert_non_null(p);
    assert_ptr_equal(mmap(p, HOST_LARGE_PAGE, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                     p);
    *p = 1;
    bool r = host_memory_collapse(p, HOST_LARGE_PAGE);
    host_memory_free(p, HOST_LARGE_PAGE);
    return r;
}

/* How many KiB of the views of code memory are mapped by large pages. */
static unsigned long large_kib(const char *rights)
{
    FILE *f = fopen("/proc/self/smaps", "re");
    unsigned long sum = 0, n;
    bool ours = false;
    char line[512], r[5], name[256];

    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%*s %4s %*s %*s %*s %255s", r, name) == 2)
            ours = strcmp(r, rights) == 0 && strcmp(name, "/dev/zero") == 0;
        else if (ours && sscanf(line, "ShmemPmdMapped: %lu kB", &n) == 1)
            sum += n;
    }
    fclose(f);
    return sum;
}

static void test_code_has_no_file_and_is_nowhere_writable_and_executable(void **state)
{
    const struct arm_config config = {.size = sizeof(config),
                                      .cpu = "n1",
                                      .cpus = 1,
                                      .ram_size = 8 << 20,
                                      .engine = ARM_ENGINE_JIT};
    unsigned executable = 0;
    char line[512], r[5];

    (void)state;
    struct arm_machine *m = new_machine_of(config, (uint32_t[]){0xd503201f}, 4, CODE, 0);
    FILE *f = fopen("/proc/self/maps", "re");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        assert_int_equal(sscanf(line, "%*s %4s", r), 1);
        assert_false(r[1] == 'w' && r[2] == 'x');
        /* A name that means none to perf, which looks for names of what it executes only then. */
        executable += strcmp(r, "r-xs") == 0 && strstr(line, " /dev/zero (deleted)");
    }
    fclose(f);
    assert_int_equal(executable, 1);
    arm_machine_free(m);
}

static void test_much_code_is_in_large_pages(void **state)
{
    static uint32_t words[INSNS];
    static const enum arm_engine engines[] = {ARM_ENGINE_INTERP, ARM_ENGINE_JIT};
    struct arm_machine *m[2];

    (void)state;
    for (unsigned k = 0; k < INSNS; k++)
        words[k] = 0x8b010000 | (k % 31) << 16 | (k / 31 % 31) << 5 | k % 29; /* add x, x, x */
    words[INSNS - 1] = 0x14000000 | ((1 - INSNS) & 0x3ffffff);                /* b, to the first */
    for (unsigned k = 0; k < 2; k++) {
        const struct arm_config config = {.size = sizeof(config),
                                          .cpu = "n1",
                                          .cpus = 1,
                                          .ram_size = 8 << 20,
                                          .engine = engines[k]};
        m[k] = new_machine_of(config, words, sizeof(words), CODE, 0);
        assert_true(arm_reg_write(m[k], 0, "X3", 0x123456789));
        assert_int_equal(arm_run(m[k], UINT64_C(400) * INSNS), ARM_STOP_LIMIT);
    }
    compare_registers(m[0], m[1]);
    unsigned long executable = large_kib("r-xs"), writable = large_kib("rw-s");
    arm_machine_free(m[0]);
    arm_machine_free(m[1]);
    if (!grants())
        skip();
    assert_true(executable > 0);
    assert_int_equal(executable, writable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_has_no_file_and_is_nowhere_writable_and_executable),
        cmocka_unit_test(test_much_code_is_in_large_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
